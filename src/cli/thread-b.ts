/** Thread B: attaches to the kernel of thread A, maps the same file, and does what it is asked. Started by second.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { attach, type Handle } from '../index.js'
import { Mapper } from './mapper.js'

/** What thread B is started with. */
export interface Start {
  readonly handle: Handle
  readonly path: string
  readonly bytes: number
}

/** What thread B can be asked: the calls of its Mapper, its mappings, its end. */
export type Calls = Pick<Mapper, 'read' | 'edit' | 'sees' | 'exchange'> & {
  facts(): { pid: number; address: number }
  maps(): ReturnType<Mapper['process']['maps']>
  leave(): Promise<void>
}

export interface Ask {
  readonly name: keyof Calls
  readonly args: readonly unknown[]
}

/** An answer to each question, in their order. */
export type Answer = { readonly result: unknown } | { readonly error: Error }

const { handle, path, bytes } = workerData as Start
let calls: Promise<Calls> | undefined

parentPort?.on('message', async ({ name, args }: Ask) => {
  parentPort?.postMessage(await answer(name, args))
})

async function answer(name: keyof Calls, args: readonly unknown[]): Promise<Answer> {
  try {
    calls ??= start()
    const call = (await calls)[name] as (...args: readonly unknown[]) => unknown
    return { result: await call(...args) }
  } catch (error) {
    return { error: error as Error }
  }
}

async function start(): Promise<Calls> {
  const kernel = await attach(handle)
  const mapper = new Mapper(kernel, path, bytes)
  return {
    facts: () => ({ pid: mapper.process.pid, address: mapper.map.address }),
    read: (firstPage, pages) => mapper.read(firstPage, pages),
    edit: (edits) => mapper.edit(edits),
    sees: (edits) => mapper.sees(edits),
    exchange: (side, meeting) => mapper.exchange(side, meeting),
    maps: () => mapper.process.maps(),
    async leave() {
      mapper.end()
      await kernel.close()
    },
  }
}
