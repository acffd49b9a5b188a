/**
 * A provider that every thread makes an instance of. They count in the memory that they share:
 *
 *     | instances | calls under way | calls that were under way when the mount was let go, and 1 |
 *
 * The file `instances` is as long as there are any; a look at `slow` takes a while.
 */

import type { Capabilities, FileStat } from '../../dist/src/providers/provider.js'
import { Store } from './store.ts'

export const SHARED_BYTES = 12
export const [INSTANCES, UNDER_WAY, LEFT] = [0, 1, 2] as const
const SLOW_MS = 1000

class Counting extends Store {
  override readonly capabilities: Capabilities
  readonly #shared: Int32Array

  constructor(shared: SharedArrayBuffer) {
    super()
    this.capabilities = { ...new Store().capabilities, threads: 'any' }
    this.#shared = new Int32Array(shared)
    Atomics.add(this.#shared, INSTANCES, 1)
  }

  override lstat(path: string): FileStat {
    if (path === 'instances') this.foreignSize(path, Atomics.load(this.#shared, INSTANCES))
    if (path === 'slow') this.#takeTime()
    return super.lstat(path)
  }

  #takeTime(): void {
    this.foreignSize('slow', 0)
    Atomics.add(this.#shared, UNDER_WAY, 1)
    for (const until = performance.now() + SLOW_MS; performance.now() < until; );
    Atomics.sub(this.#shared, UNDER_WAY, 1)
  }

  dispose(): void {
    Atomics.store(this.#shared, LEFT, Atomics.load(this.#shared, UNDER_WAY) + 1)
  }
}

export default (_options: unknown, shared: SharedArrayBuffer) => new Counting(shared)
