/**
 * Shared memory of a process, under its C names: POSIX's by name.
 *
 * Sources: POSIX.1-2017 shm_open, shm_unlink; Linux shm_overview(7).
 */
import { checkFlags, checkUint32 } from './check.js'
import { MemoryCalls } from './memory.js'

export abstract class ShmCalls extends MemoryCalls {
  /**
   * shm_open(3). `flags`: O.RDONLY or O.RDWR, with O.CREAT, O.EXCL, O.TRUNC. `mode`: permission bits of a new object, less umask. => a descriptor with
   * FD.CLOEXEC, for ftruncate, fstat, mmap, read, write and close.
   */
  shm_open(name: string, flags: number, mode = 0o600): number {
    const { calls } = this
    checkFlags('flags', flags)
    checkUint32('mode', mode)
    const [at, bytes] = this.instance.path('shm_open', 'name', name)
    return this.done('shm_open', calls.shm_open(this.pid, at, bytes, flags, mode), { path: name })
  }

  /** shm_unlink(3): takes the name away. The object stays until nobody maps it and no descriptor is open on it. */
  shm_unlink(name: string): void {
    const { calls } = this
    const [at, bytes] = this.instance.path('shm_unlink', 'name', name)
    this.done('shm_unlink', calls.shm_unlink(this.pid, at, bytes), { path: name })
    this.dirtied()
  }
}
