/** Two processes that share one page, each at an address of its own: for tests of locks. */

import { type Kernel, MAP, type Mapping, O, type Process } from '../../dist/src/index.js'
import { Caller } from './caller.ts'

export class SharedPage {
  readonly #kernel: Kernel
  readonly p: Process
  readonly q: Process
  /** The page in p, and in q. */
  readonly map: Mapping
  readonly twin: Mapping

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.p = kernel.process()
    this.q = kernel.process()
    this.q.mmap({ length: 4096 })
    this.map = mapShared(this.p)
    this.twin = mapShared(this.q)
    this.p.shm_unlink('/locks')
  }

  /** The address of an offset in p, and in q. */
  at(offset: number): [number, number] {
    return [this.map.address + offset, this.twin.address + offset]
  }

  word(offset: number): number {
    return new DataView(this.map.read(offset, 4).buffer).getUint32(0, true)
  }

  setWord(offset: number, value: number): void {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, value, true)
    this.map.write(offset, bytes)
  }

  /** A thread locks the mutex as one of q, and dies, or q exits. */
  async dieHolding(address: number, how: 'killed' | 'exit' = 'killed'): Promise<void> {
    const holder = await Caller.start(this.#kernel)
    const result = await holder.call(this.q, 'pthread_mutex_lock', address)
    if (result !== undefined) throw new Error(`it could not lock: ${String(result)}`)
    if (how === 'exit') this.q.exit()
    await holder.kill()
  }

  end(): void {
    this.p[Symbol.dispose]()
    this.q[Symbol.dispose]()
    this.#kernel.check()
  }
}

function mapShared(process: Process): Mapping {
  const fd = process.shm_open('/locks', O.CREAT | O.RDWR, 0o600)
  process.ftruncate(fd, 4096)
  const map = process.mmap({ fd, length: 4096, flags: MAP.SHARED })
  process.close(fd)
  return map
}
