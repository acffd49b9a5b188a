/** The thread's side of ./thread.ts: answers calls, and sends what they throw back to the caller. */

export interface Request {
  id: number
  name: string
  args: unknown[]
}

export type Answer = { id: number; result: unknown } | { id: number; error: unknown }

type Functions = Record<string, (...args: never[]) => unknown>

/** Serves these functions to the thread that started this one; call it once, at the top level. */
export async function serve(functions: Functions): Promise<void> {
  const port = await openPort()
  port.onMessage(async (request) => port.post(await answer(functions, request)))
}

async function answer(functions: Functions, { id, name, args }: Request): Promise<Answer> {
  try {
    const called = functions[name] as ((...args: unknown[]) => unknown) | undefined
    if (!called) throw new Error(`the thread serves no function named ${name}`)
    return { id, result: await called(...args) }
  } catch (error) {
    return { id, error }
  }
}

interface Port {
  post(answer: Answer): void
  onMessage(listener: (request: Request) => void): void
}

async function openPort(): Promise<Port> {
  if ('WorkerGlobalScope' in globalThis && !('process' in globalThis)) {
    const scope = globalThis as unknown as Worker
    return {
      post: (answer) => scope.postMessage(answer),
      onMessage: (listener) => scope.addEventListener('message', ({ data }) => listener(data)),
    }
  }
  const { parentPort } = await import('node:worker_threads')
  if (!parentPort) throw new Error('serve() works only in a thread that startThread() started')
  return {
    post: (answer) => parentPort.postMessage(answer),
    onMessage: (listener) => parentPort.on('message', listener),
  }
}
