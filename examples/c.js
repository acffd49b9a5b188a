/** C typed into a page: compiled in it, run as two processes that share what they ask for, with what they say and their mappings at the end. */
import { compile } from '../dist/src/guest/cc/index.js' // in a page of yours: from 'isopage/cc'
import { boot } from '../dist/src/index.js' // and from 'isopage'

const [source, runButton, stopButton, state, messages, processes] = document.querySelectorAll(
  '#source, #run, #stop, #state, #messages, #processes',
)
let guests = []

async function compileAndRun() {
  tell('running', 'Compiling: the first time the compiler is loaded, 100 MB.')
  messages.hidden = true
  processes.replaceChildren()
  const { files, messages: warnings } = await compile({ 'program.c': source.value }, [
    ...['-O1', '-g', '-Wall', 'program.c'],
    ...['-o', 'program.wasm'],
  ])
  showMessages(warnings)
  tell('running', 'It runs.')
  const kernel = await boot({ memory: '64MiB' })
  try {
    guests = await Promise.all(['first', 'second'].map((role) => start(kernel, role, files)))
    const ends = await Promise.all(guests.map(({ exited }) => exited))
    tell('done', `Ended with ${ends.map(({ status, signal }) => signal ?? status).join(' and ')}.`)
  } finally {
    guests = []
    await kernel.close()
  }
}

function start(kernel, role, files) {
  const { out, map } = pane(role)
  const decoder = new TextDecoder()
  return kernel.run(files['program.wasm'], {
    args: ['program', role],
    maps: true, // a line of each mapping on stderr when it ends
    stdout: (bytes) => out.append(decoder.decode(bytes.slice(), { stream: true })),
    stderr: lines((line) => map(line) || out.append(`${line}\n`)),
  })
}

/** Adds what shows a process. => its output, and what takes a line about a mapping: false for another line. */
function pane(role) {
  const section = document.createElement('section')
  section.innerHTML = `<h2>${role}</h2><pre role="log" aria-label="Output of ${role}"></pre><div class="maps"><table hidden>
    <caption>Its mappings at the end</caption><thead><tr><th>address</th><th>rights</th><th>what</th></tr></thead><tbody></tbody></table></div>`
  processes.append(section)
  const table = section.querySelector('table')
  const map = (line) => {
    const [, ...cells] = /^(0x\w+-0x\w+) (\S{4}) (.*)$/.exec(line) ?? []
    if (cells.length === 0) return false
    table.hidden = false
    const row = table.tBodies[0].insertRow()
    for (const cell of cells) row.insertCell().textContent = cell
    return true
  }
  return { out: section.querySelector('pre'), map }
}

/** => a sink of bytes that calls `take` for each line. */
function lines(take) {
  let rest = ''
  const decoder = new TextDecoder()
  return (bytes) => {
    const whole = (rest + decoder.decode(bytes.slice(), { stream: true })).split('\n')
    rest = whole.pop()
    for (const line of whole) take(line)
  }
}

function showMessages(text) {
  messages.textContent = text
  messages.hidden = text === ''
}

function tell(now, text) {
  document.documentElement.dataset.state = now
  state.textContent = text
  runButton.disabled = now === 'running'
  stopButton.disabled = now !== 'running'
}

async function run() {
  if (runButton.disabled) return
  try {
    await compileAndRun()
  } catch (error) {
    showMessages(error.messages ?? `${error}`)
    tell('failed', error.code === 'ERR_COMPILE' ? 'It does not compile.' : 'It could not be run.')
  }
}

runButton.addEventListener('click', run)
stopButton.addEventListener('click', () => {
  for (const guest of guests) guest.kill()
})
source.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) run()
})
source.value = await (await fetch('two.c')).text()
document.documentElement.dataset.state = 'ready'
if (new URLSearchParams(location.search).has('run')) run()
