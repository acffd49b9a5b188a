/** The page of the examples: runs the one that the address names (?run=ring), shows what it prints, and its kernel live. */
import { inspectView } from '../dist/src/inspect/index.js'

const EXAMPLES = {
  ring: 'A producer and a consumer on one ring in shared memory.',
  queue: 'A bounded queue of work, one thread that asks and three that work.',
  plugins: 'A plugin host whose plugins share a table by its key.',
  modules:
    'A host with two plugins inside, in C and in AssemblyScript, on one table by its address.',
  crash: 'A lock whose holder dies, and the next one who mends what was half done.',
}

const chosen = new URLSearchParams(location.search).get('run')
const output = document.querySelector('#output')
const state = document.documentElement.dataset

for (const name of Object.keys(EXAMPLES)) {
  const link = Object.assign(document.createElement('a'), { href: `?run=${name}` })
  link.textContent = name
  if (name === chosen) link.setAttribute('aria-current', 'page')
  document.querySelector('nav').append(link)
}

let view
/** Called by threads.js for each line that an example prints. */
globalThis.show = (line, kernel) => {
  output.append(`${line}\n`)
  view ??= inspectView(kernel, document.querySelector('#kernel'))
}
/** Called when it is done: the kernel is shown until the page is left. */
globalThis.leave = () => {
  view?.refresh()
  state.state = 'done'
  return new Promise(() => {})
}
function fail(event) {
  output.append(`${event.reason ?? event.message}\n`)
  state.state = 'failed'
}
addEventListener('error', fail)
addEventListener('unhandledrejection', fail)

if (Object.hasOwn(EXAMPLES, chosen ?? '')) {
  document.querySelector('#about').textContent = EXAMPLES[chosen]
  document.title = `${chosen}: Isopage examples`
  state.state = 'running'
  const script = Object.assign(document.createElement('script'), { type: 'module' })
  script.src = `${chosen}.js`
  document.body.append(script)
}
