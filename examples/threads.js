/**
 * What the examples share: one file is the main thread and its workers, in Node, Deno, Bun and in a page (index.html).
 *
 *   await run(import.meta.url, { async main({ kernel, start, print }) {...}, role({ kernel, print }, ...args) {...} })
 *
 * `start('role', ...args)` runs a role in a thread of its own, which attaches to the kernel. => { worker, done, said }: `done` resolves with
 * what the role returns, `said` with what it `say`s first.
 */
import { attach, boot } from '../dist/src/index.js' // in a program of yours: from 'isopage'

const threads = globalThis.process?.versions?.node ? await import('node:worker_threads') : undefined
const inWorker = threads ? !threads.isMainThread : 'WorkerGlobalScope' in globalThis

/** Runs `main` here, or in a worker the role it was started for. */
export async function run(url, { main, ...roles }) {
  if (inWorker) return work(roles)
  const kernel = await boot({ memory: '64MiB', inspect: threads !== undefined })
  const print = (line) => (globalThis.show ? globalThis.show(line, kernel) : console.log(line))
  await main({ kernel, print, start: (role, ...args) => start(url, kernel, role, args) })
  await globalThis.leave?.(kernel) // a page shows the kernel a little longer
  await kernel.close()
}

function start(url, kernel, role, args) {
  const worker = threads ? new threads.Worker(new URL(url)) : new Worker(url, { type: 'module' })
  const listen = (take) => {
    if (threads) worker.on('message', take)
    else worker.addEventListener('message', ({ data }) => take(data))
  }
  const said = new Promise((resolve) =>
    listen((answer) => 'said' in answer && resolve(answer.said)),
  )
  const done = new Promise((resolve, reject) => {
    listen((answer) => {
      if ('error' in answer) reject(new Error(`${role}: ${answer.error}`))
      if ('result' in answer) resolve(answer.result)
    })
  })
  worker.postMessage({ handle: kernel.handleFor(worker), role, args })
  const ended = done.finally(() => worker.terminate())
  ended.catch(() => {}) // said again to who waits for it
  return { worker, said, done: ended }
}

async function work(roles) {
  const port = threads?.parentPort ?? globalThis
  const { handle, role, args } = await new Promise((resolve) => {
    if (threads) port.once('message', resolve)
    else port.onmessage = ({ data }) => resolve(data)
  })
  try {
    const kernel = await attach(handle)
    const say = (said) => port.postMessage({ said })
    port.postMessage({ result: await roles[role]({ kernel, say }, ...args) })
  } catch (error) {
    port.postMessage({ error: error.message })
  }
}
