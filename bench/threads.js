/**
 * Threads of the bench, the same in every runtime: node:worker_threads in Node, Deno and Bun, module workers in browsers.
 * Invariant: no static import of a Node module; whatever goes wrong in a thread rejects the calls made of it.
 */

/** Posted in browsers: the thread ends itself. Firefox 140 hangs in `new Worker` after a worker terminated one of its own. */
const END = '@bench/end'
const onNode = typeof globalThis.process?.versions?.node === 'string'

/**
 * @typedef {object} Thread
 * @property {(name: string, ...args: unknown[]) => Promise<any>} call calls a function that the thread serves
 * @property {(message: unknown, transfer?: Transferable[]) => void} post sends it a message that is no call: onPost of `serve` takes it
 * @property {(listener: (message: any) => void) => void} onPost what it sends back without being called; the last listener gets it
 * @property {Promise<void>} started resolves at its first message; never, when it sends none
 * @property {() => Promise<void>} end
 */

/**
 * Starts the module at `url` as a thread. It calls `serve`.
 * @param {URL} url
 * @returns {Promise<Thread>}
 */
export async function startThread(url) {
  const worker = onNode ? await nodeWorker(url) : webWorker(url)
  const waiting = new Map()
  let lastId = 0
  let failure
  const fail = (error) => {
    failure ??= error
    for (const { reject } of waiting.values()) reject(failure)
    waiting.clear()
  }
  const { promise: started, resolve: start } = Promise.withResolvers()
  worker.onFailure(fail)
  let listen = () => {}
  worker.onMessage(({ posted, id, result, error }) => {
    start()
    if (posted !== undefined) return listen(posted)
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(error))
  })
  return {
    started,
    call(name, ...args) {
      if (failure) return Promise.reject(failure)
      const id = ++lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        worker.post({ id, name, args })
      })
    },
    post: (message, transfer) => worker.post({ posted: message }, transfer),
    onPost(listener) {
      listen = listener
    },
    async end() {
      fail(new Error('the thread was ended'))
      await worker.terminate()
    },
  }
}

/**
 * Serves functions to the thread that started this one.
 * @param {Record<string, (...args: any[]) => unknown>} functions
 * @param {(message: any, post: (message: unknown, transfer?: Transferable[]) => void) => void} [onPost]
 */
export async function serve(functions, onPost = () => {}) {
  const port = await openPort()
  const post = (message, transfer) => port.post({ posted: message }, transfer)
  port.onMessage(({ posted, id, name, args }) => {
    if (posted === END) globalThis.close()
    else if (posted === undefined) answer(id, name, args)
    else onPost(posted, post)
  })

  async function answer(id, name, args) {
    try {
      port.post({ id, result: await functions[name](...args) })
    } catch (error) {
      port.post({ id, error: String(error?.stack ?? error) })
    }
  }
}

async function nodeWorker(url) {
  const { Worker } = await import('node:worker_threads')
  const worker = new Worker(url)
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.on('message', listener),
    onFailure(listener) {
      worker.on('error', listener)
      worker.on('messageerror', listener)
      worker.on('exit', (code) => listener(new Error(`the thread exited with code ${code}`)))
    },
    terminate: () => worker.terminate(),
  }
}

function webWorker(url) {
  const worker = new Worker(url, { type: 'module' })
  const describe = (event) => new Error(`thread ${event.type}: ${event.message ?? url}`)
  return {
    post: (message, transfer) => worker.postMessage(message, { transfer }),
    onMessage: (listener) => worker.addEventListener('message', ({ data }) => listener(data)),
    onFailure(listener) {
      worker.addEventListener('error', (event) => listener(describe(event)))
      worker.addEventListener('messageerror', (event) => listener(describe(event)))
    },
    terminate: async () => worker.postMessage({ posted: END }),
  }
}

async function openPort() {
  if (onNode) {
    const { parentPort } = await import('node:worker_threads')
    return {
      post: (message, transfer) => parentPort.postMessage(message, transfer),
      onMessage: (listener) => parentPort.on('message', listener),
    }
  }
  return {
    post: (message, transfer) => globalThis.postMessage(message, { transfer }),
    onMessage: (listener) => globalThis.addEventListener('message', ({ data }) => listener(data)),
  }
}
