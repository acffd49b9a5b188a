/**
 * Processes: pids, credentials, and what each owns - an address space, a file table, the threads that run it.
 *
 * Invariants:
 *  1. A pid is given out in order and not used again before PROCESSES_MAX others were; the table maps pid to structure.
 *  2. `threads` has a bit for each thread slot that joined the process; when the last is gone the process exits (exit.ts).
 * Guarded by the kernel lock, journalled.
 */
import { FDS_MAX, GROUPS_MAX, PROCESSES_MAX, RLIM_INFINITY, S_IFDIR } from './abi'
import { edit, publish, put, save } from './journal'
import { add, K, Root, serial } from './root'
import { create, destroy } from './slab'
import { Node } from './tree'

/** An address space: space.ts says what its fields mean. */
/** (uid_t)-1: "as it is" where ids are changed, so nobody's. */
export const NO_ID: u32 = 0xffffffff

@unmanaged
export class Space {
  /** Root of the tree of its vmas by address. */
  root: Node | null
  /** vmas in the tree. */
  count: u32
  /** Page directory: address of its frame, 0 before the first page. */
  directory: u32
  /** Pages mapped, locked, and charged to the commit account. */
  mappedPages: u32
  lockedPages: u32
  charged: u32
  /** MCL_FUTURE and MCL_ONFAULT bits. */
  lockFuture: u32
  /** Limits in bytes, RLIM_INFINITY for none, and how far a guest that is not root may raise them. */
  limitAs: u32
  limitMemlock: u32
  hardAs: u32
  /** Frames of its page tables. */
  tables: u32
  /** Its process. */
  pid: u32
  /** Frames that what a change unmaps shall leave promised to what it maps there, and those promised to that so far (change.ts). */
  wanted: u32
  /** Names the space in grants and futex keys, never used again. */
  id: u64
  /** Threads (index + 1) that fork it and that change its mappings, and whether others wait for these (change.ts). */
  forking: u32
  changing: u32
  contended: u32
  /** First of the guests' contexts on it, and how many (context.ts). */
  contexts: u32
  contextCount: u32
  /** See `wanted`. */
  kept: u32
  hardMemlock: u32
}

@unmanaged
export class Process {
  space: Space | null
  pid: u32
  parent: u32
  uid: u32
  gid: u32
  euid: u32
  egid: u32
  /** Array of GROUPS_MAX words in one structure, 0 when there are no supplementary groups. */
  groups: u32
  groupCount: u32
  umask: u32
  /** Inode of the working directory, referenced (path.ts). */
  cwd: u32
  /** The file table (fd.ts). */
  files: u32
  fdLimit: u32
  fdHard: u32
  /** Exit status once it exited. */
  status: u32
  /** Atomic: index + 1 of the thread that ends it (exit.ts beginEnd), 0 for none. */
  exiting: u32
  /** First of what it undoes to semaphores at exit (semundo.ts). */
  undos: u32
  /** First of the named semaphores that it has open (namedsem.ts). */
  namedSems: u32
  /** One bit a thread slot. */
  threads0: u64
  threads1: u64
  threads2: u64
  threads3: u64
}

/** pid -> Process. Entry = pid % PROCESSES_MAX. */
const TABLE: usize = memory.data(16384, 16)

/** => the process, null when there is none of that pid. => lock held, or a call of it has begun. */
export function findProcess(pid: u32): Process | null {
  const at = atomic.load<u32>(TABLE + ((<usize>pid % PROCESSES_MAX) << 2))
  if (at == 0) return null
  const process = changetype<Process>(<usize>at)
  return process.pid == pid ? process : null
}

/** => somebody is ending the process. => the lock need not be held: see beginEnd in exit.ts. */
export function isExiting(process: Process): bool {
  return atomic.load<u32>(changetype<usize>(process) + offsetof<Process>('exiting')) != 0
}

/** => entry `index` of the table, for walks over all processes. */
export function processAt(index: u32): Process | null {
  return changetype<Process | null>(<usize>load<u32>(TABLE + ((<usize>index) << 2)))
}

function freePid(): u32 {
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const pid = max<u32>((K.nextPid + i) & 0x3fffffff, 1)
    if (load<u32>(TABLE + ((<usize>pid % PROCESSES_MAX) << 2)) == 0) return pid
  }
  return 0
}

/** => a process with an empty space and no files, null when the table or memory is full. => lock held. */
export function newProcess(parent: u32): Process | null {
  const pid = freePid()
  if (pid == 0 || K.processes >= K.processesMax) return null
  const space = create<Space>()
  const process = create<Process>()
  if (changetype<usize>(space) == 0 || changetype<usize>(process) == 0) return null
  space.limitAs = RLIM_INFINITY
  space.limitMemlock = RLIM_INFINITY
  space.hardAs = RLIM_INFINITY
  space.hardMemlock = RLIM_INFINITY
  space.id = serial()
  space.pid = pid
  process.space = space
  process.pid = pid
  process.parent = parent
  process.umask = 0o22
  process.fdLimit = FDS_MAX
  process.fdHard = FDS_MAX
  put(TABLE + ((<usize>pid % PROCESSES_MAX) << 2), <u32>changetype<usize>(process))
  put(changetype<usize>(K) + offsetof<Root>('nextPid'), pid + 1)
  add(offsetof<Root>('processes'), 1)
  return process
}

/** Frees the structures. => the space is empty, the files are closed (exit.ts). */
export function freeProcess(process: Process): void {
  publish(TABLE + ((<usize>process.pid % PROCESSES_MAX) << 2), 0) // a call that begins looks without the lock
  add(offsetof<Root>('processes'), -1)
  if (process.groups != 0) destroy<Groups>(changetype<Groups>(<usize>process.groups))
  destroy<Space>(process.space!)
  destroy<Process>(process)
}

/** Storage for supplementary groups. */
@unmanaged
export class Groups {
  first: u32
  pad0: u32
  room0: u64
  room1: u64
  room2: u64
  room3: u64
  room4: u64
  room5: u64
  room6: u64
  room7: u64
  room8: u64
  room9: u64
  roomA: u64
  roomB: u64
  roomC: u64
  roomD: u64
  roomE: u64
}

if (offsetof<Groups>() != GROUPS_MAX * 4) ERROR('Groups holds GROUPS_MAX words')

function threadWord(process: Process, index: u32): usize {
  return changetype<usize>(process) + offsetof<Process>('threads0') + ((<usize>(index >> 6)) << 3)
}

/** Thread `index` runs this process too, or no longer. => lock held. */
export function setThread(process: Process, index: u32, on: bool): void {
  const at = threadWord(process, index)
  save(at, 8)
  const bit: u64 = (<u64>1) << (index & 63)
  store<u64>(at, on ? load<u64>(at) | bit : load<u64>(at) & ~bit)
}

/** => thread `index` runs this process. */
export function hasThread(process: Process, index: u32): bool {
  return ((load<u64>(threadWord(process, index)) >> (index & 63)) & 1) != 0
}

/** => threads that run this process. */
export function threadCount(process: Process): u32 {
  return <u32>(
    (popcnt(process.threads0) +
      popcnt(process.threads1) +
      popcnt(process.threads2) +
      popcnt(process.threads3))
  )
}

/** => `gid` is the process's effective group (with `real`, its real one) or one of its supplementary ones. */
export function inGroup(process: Process, gid: u32, real: bool = false): bool {
  if ((real ? process.gid : process.egid) == gid) return true
  for (let i: u32 = 0; i < process.groupCount; i++) {
    if (load<u32>(<usize>process.groups + ((<usize>i) << 2)) == gid) return true
  }
  return false
}

/**
 * POSIX file access permission: owner, group, other, root passes (for execute on a non-directory root needs one x bit).
 * => `want` (4 read, 2 write, 1 execute or search) is allowed on an entity of `mode`, `uid`, `gid`; with `real`, to the real ids.
 */
export function mayAccess(
  process: Process,
  mode: u32,
  uid: u32,
  gid: u32,
  want: u32,
  real: bool = false,
): bool {
  const user = real ? process.uid : process.euid
  if (user == 0) {
    const executable = (mode & S_IFDIR) != 0 || (mode & 0o111) != 0
    return (want & 1) == 0 || executable
  }
  let bits = mode & 7
  if (user == uid) bits = (mode >> 6) & 7
  else if (inGroup(process, gid, real)) bits = (mode >> 3) & 7
  return (bits & want) == want
}

/** Replaces the supplementary groups by `count` words at `from`. => false when memory is out. => count <= GROUPS_MAX. */
export function setGroups(process: Process, from: usize, count: u32): bool {
  edit<Process>(process)
  if (process.groups == 0 && count > 0) {
    process.groups = <u32>changetype<usize>(create<Groups>())
    if (process.groups == 0) return false
  }
  if (count > 0) {
    save(process.groups, count << 2)
    memory.copy(process.groups, from, count << 2)
  }
  process.groupCount = count
  return true
}
