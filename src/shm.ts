/**
 * Shared memory of a process, under its C names: System V's by key and id, POSIX's by name.
 *
 * Sources: POSIX.1-2017 ftok, shmget, shmat, shmdt, shmctl, shm_open, shm_unlink; Linux sysvipc(7), shmop(2), shmctl(2), shm_overview(7).
 */
import * as ipc from '../assembly/ipcabi.js'
import { checkFlags, checkInteger, checkObject, checkSize, checkUint32 } from './check.js'
import type { Command } from './constants.js'
import type { Instance } from './instance.js'
import { checkKept, type IpcOwner, type IpcPerm, readPerm, readSeconds } from './ipc-perm.js'
import { Mapping } from './mapping.js'
import { MemoryCalls } from './memory.js'

/** struct shmid_ds. Times are seconds since 1970, 0 for never. */
export interface ShmidDs {
  /** Its mode has SHM.DEST once the segment is removed, SHM.LOCKED while it is locked. */
  readonly perm: IpcPerm
  /** Bytes, as asked for. */
  readonly segsz: number
  /** Last attach, last detach, and when it was made or IPC.SET changed it. */
  readonly atime: number
  readonly dtime: number
  readonly ctime: number
  /** Who made it, and who attached or detached last. */
  readonly cpid: number
  readonly lpid: number
  /** Mappings that show it. */
  readonly nattch: number
}

/** struct shminfo, and `last`: the highest slot in use. Sizes in bytes, `shmall` in pages. */
export interface ShmLimits {
  readonly last: number
  readonly shmmax: number
  readonly shmmin: number
  readonly shmmni: number
  readonly shmseg: number
  readonly shmall: number
}

/** struct shm_info, and `last`: the highest slot in use. Pages of all segments, and those of them that are in memory. */
export interface ShmUsage {
  readonly last: number
  readonly usedIds: number
  readonly tot: number
  readonly rss: number
  readonly swp: number
  readonly swapAttempts: number
  readonly swapSuccesses: number
}

export interface ShmatOptions {
  /** Where to; the kernel chooses by default. */
  addr?: number
  /** SHM.RDONLY, SHM.EXEC, SHM.RND, SHM.REMAP. */
  flags?: number
}

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

export abstract class ShmCalls extends MemoryCalls {
  /** ftok(3): a key from a file that exists and a number, whose low eight bits count; 0 there is as good as any. => the key, signed. */
  ftok(path: string, projectId: number): number {
    const { calls, instance } = this
    checkInteger('projectId', projectId, INT32_MIN, INT32_MAX)
    const [at, bytes] = instance.path('ftok', 'path', path)
    this.done('ftok', calls.ftok(this.pid, at, bytes, projectId), { path })
    return instance.view.getInt32(instance.resultAt, true)
  }

  /** shmget(2). `size` in bytes. `flags`: nine mode bits, IPC.CREAT, IPC.EXCL, SHM.NORESERVE. => the segment's id. */
  shmget(key: number, size: number, flags = 0): number {
    checkInteger('key', key, INT32_MIN, INT32_MAX)
    checkSize('size', size)
    return this.done('shmget', this.calls.shmget(this.pid, key, size, checkFlags('flags', flags)))
  }

  /** shmat(2). => where, and the size of the segment. @internal `Process.shmat` gives a Mapping. */
  protected attachAt(id: number, options?: ShmatOptions): { address: number; length: number } {
    const { calls, instance } = this
    const { addr = 0, flags = 0 } = checkObject<ShmatOptions>('options', options)
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    checkSize('options.addr', addr)
    checkFlags('options.flags', flags)
    const at = calls.shmat(this.pid, id, addr, flags)
    const address = instance.address('shmat', at, addr === 0 ? undefined : { address: addr })
    return { address, length: instance.view.getUint32(instance.resultAt, true) }
  }

  /** shmdt(2): detaches all that is left of an attach, given as its mapping or by the address where it begins. */
  shmdt(target: Mapping | number): void {
    const mapping = target instanceof Mapping ? target : undefined
    const address = mapping ? mapping.part()[0] : checkSize('target', target)
    this.done('shmdt', this.calls.shmdt(this.pid, address), { address })
    mapping?.gone()
  }

  /**
   * shmctl(2). IPC.STAT; IPC.SET, with what to set; IPC.RMID; SHM.LOCK, SHM.UNLOCK; IPC.INFO, SHM.INFO (any id), SHM.STAT and SHM.STAT_ANY, whose id is a slot.
   */
  shmctl(id: number, command: Command<'status'>): ShmidDs
  shmctl(id: number, command: Command<'slot'>): ShmidDs & { readonly id: number }
  shmctl(id: number, command: Command<'limits'>): ShmLimits
  shmctl(id: number, command: Command<'usage'>): ShmUsage
  shmctl(id: number, command: Command<'set'>, set: IpcOwner): void
  shmctl(id: number, command: Command<'removed' | 'locked'>): void
  shmctl(id: number, command: number, set?: IpcOwner): ShmidDs | ShmLimits | ShmUsage | undefined
  shmctl(id: number, command: number, set?: IpcOwner): ShmidDs | ShmLimits | ShmUsage | undefined {
    const { calls, instance } = this
    checkInteger('id', id, INT32_MIN, INT32_MAX)
    checkUint32('command', command)
    const { uid, gid, mode } = checkObject<IpcOwner>('set', set)
    const values = [
      checkKept('set.uid', uid),
      checkKept('set.gid', gid),
      checkKept('set.mode', mode),
    ] as const
    const result = this.done('shmctl', calls.shmctl(this.pid, id, command, ...values))
    return readShm(instance, command, result)
  }

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

/** => what an shmctl that gave `result` left; for observers too, who call it for no process. */
export function readShm(
  instance: Instance,
  command: number,
  result: number,
): ShmidDs | ShmLimits | ShmUsage | undefined {
  if (command === ipc.IPC_STAT) return readStatus(instance)
  if (command === ipc.SHM_STAT || command === ipc.SHM_STAT_ANY) {
    return { ...readStatus(instance), id: result } as ShmidDs
  }
  if (command === ipc.IPC_INFO) return readLimits(instance, result)
  return command === ipc.SHM_INFO ? readUsage(instance, result) : undefined
}

function readStatus(instance: Instance): ShmidDs {
  const word = (field: number) => instance.view.getUint32(instance.resultAt + field, true)
  return {
    perm: readPerm(instance),
    segsz: word(ipc.SHMID_DS_SEGSZ),
    atime: readSeconds(instance, ipc.SHMID_DS_ATIME),
    dtime: readSeconds(instance, ipc.SHMID_DS_DTIME),
    ctime: readSeconds(instance, ipc.SHMID_DS_CTIME),
    cpid: word(ipc.SHMID_DS_CPID),
    lpid: word(ipc.SHMID_DS_LPID),
    nattch: word(ipc.SHMID_DS_NATTCH),
  }
}

function readLimits({ view, resultAt }: Instance, last: number): ShmLimits {
  const word = (field: number) => view.getUint32(resultAt + field, true)
  return {
    last,
    shmmax: word(ipc.SHMINFO_SHMMAX),
    shmmin: word(ipc.SHMINFO_SHMMIN),
    shmmni: word(ipc.SHMINFO_SHMMNI),
    shmseg: word(ipc.SHMINFO_SHMSEG),
    shmall: word(ipc.SHMINFO_SHMALL),
  }
}

function readUsage({ view, resultAt }: Instance, last: number): ShmUsage {
  const word = (field: number) => view.getUint32(resultAt + field, true)
  return {
    last,
    usedIds: word(ipc.SHM_INFO_USED_IDS),
    tot: word(ipc.SHM_INFO_TOT),
    rss: word(ipc.SHM_INFO_RSS),
    swp: word(ipc.SHM_INFO_SWP),
    swapAttempts: word(ipc.SHM_INFO_SWAP_ATTEMPTS),
    swapSuccesses: word(ipc.SHM_INFO_SWAP_SUCCESSES),
  }
}
