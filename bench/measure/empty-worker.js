/** A worker that does nothing but say that it runs. */

if (typeof globalThis.process?.versions?.node === 'string') {
  const { parentPort } = await import('node:worker_threads')
  parentPort.postMessage({ started: true })
} else {
  globalThis.postMessage({ started: true })
  globalThis.close() // it does not listen, so nobody can ask it to
}
