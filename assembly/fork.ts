/**
 * fork: a child with a copy of the address space, made piece by piece.
 *
 *   shared mapping             the same object; its pages fault in
 *   private page, own copy     one frame for both from now on, read-only in both: whoever stores first copies it (fault.ts), who is left alone takes it over
 *   private page under a view  copied now, so that the view keeps the page of its own process
 *   anything else private      nothing yet: the child faults it in as its parent did
 *
 * Until it is whole the child is a process that its maker is ending (`exiting`): no call finds it, and a death of the maker ends it (exit.ts). The parent stands still
 * meanwhile (change.ts), so the child is a copy of one moment. A fork that fails leaves pages of the parent read-only that need not be: the next store
 * makes them writable again. Guests of the parent that run elsewhere hear of it while it stands still: what they stored until then is in both.
 *
 * Inherited: mappings, attaches, descriptors (the same open descriptions), open named semaphores, working directory, credentials, umask, limits. Not: memory locks and MCL_FUTURE, byte-range locks, what SEM_UNDO owes, threads,
 * and what other files keep for one process.
 * Source: POSIX.1-2017 fork; Linux fork(2) and mlock(2).
 */
import { EAGAIN, ENOMEM } from './abi'
import { beginFork, endFork } from './change'
import { charge, uncharge } from './commit'
import { endProcess } from './exit'
import { isPast } from './fault'
import { copyFiles } from './fd'
import { frameAddress } from './frame'
import { revoke, settleNow } from './grace'
import { Inode } from './inode'
import { edit, publish, put } from './journal'
import { abandon, lock, relax, relaxIfDeep, unlock } from './lock'
import { inheritNamedSems } from './namedsem'
import { retain } from './object'
import { setCwd } from './path'
import { frameForPrivate } from './place'
import { newProcess, Process, Space, setGroups, setThread } from './process'
import {
  frameOfPte,
  makePte,
  nextPte,
  PTE_CHARGED,
  PTE_FLAGS,
  PTE_PRIVATE,
  PTE_WRITE,
  pteAt,
  setPte,
} from './pte'
import { makeRoom } from './room'
import { K } from './root'
import { create } from './slab'
import { countShared } from './space'
import { me } from './thread'
import {
  findVma,
  indexOf,
  link,
  mergeVma,
  nextVma,
  pagesIn,
  VMA_CHARGED,
  VMA_DYING,
  VMA_LOCKED,
  VMA_SHARED,
  Vma,
} from './vma'

/** Frames that a step may take for structures and tables. */
const STEP_FRAMES: u32 = 4
/** Something was missing and is there now, or the lock was free: look again. */
const AGAIN: i32 = 1

/**
 * Makes a child of the process, with this thread in it. => its pid; -EAGAIN (too many processes), -ENOMEM (its promises, or memory), -EWOULDBLOCK_PARK: with nothing done.
 */
export function sysFork(process: Process): i32 {
  const space = process.space!
  lock()
  let result = beginFork(space)
  if (result == 0) {
    result = forkStill(process)
    settleNow()
    endFork(space)
  }
  unlock()
  return result
}

/** => as sysFork. => lock held before and after; the space stands still. */
function forkStill(process: Process): i32 {
  makeRoom(STEP_FRAMES)
  if (K.processes >= K.processesMax) return -EAGAIN
  if (<u64>K.committed + process.space!.charged > K.commitLimit) return -ENOMEM
  const child = newChild(process)
  if (child == null) {
    abandon()
    return -ENOMEM
  }
  relax()
  let result = 0
  if (!copyFiles(process, child) || !inheritNamedSems(process, child)) result = -ENOMEM
  else {
    relax()
    result = copyMappings(process.space!, child.space!)
  }
  if (result != 0) {
    abandon()
    endProcess(child)
    return result
  }
  put(changetype<usize>(child) + offsetof<Process>('exiting'), 0)
  setThread(child, me().index, true)
  return child.pid
}

/** A process with what its parent is, and nothing of what it has. => null when memory is out: the caller abandons. */
function newChild(parent: Process): Process | null {
  const child = newProcess(parent.pid)
  if (child == null) return null
  child.exiting = me().index + 1
  child.uid = parent.uid
  child.gid = parent.gid
  child.euid = parent.euid
  child.egid = parent.egid
  child.umask = parent.umask
  child.fdLimit = parent.fdLimit
  child.fdHard = parent.fdHard
  const space = child.space!
  space.limitAs = parent.space!.limitAs
  space.limitMemlock = parent.space!.limitMemlock
  space.hardAs = parent.space!.hardAs
  space.hardMemlock = parent.space!.hardMemlock
  if (!setGroups(child, parent.groups, parent.groupCount)) return null
  if (parent.cwd != 0) setCwd(child, changetype<Inode>(<usize>parent.cwd))
  return child
}

/** => 0, -ENOMEM: the caller abandons the last step. => lock held; relaxes. */
function copyMappings(parent: Space, child: Space): i32 {
  let at: u64 = 0
  let vma = nextVma(parent, at)
  while (vma != null) {
    const end = vma.end
    const dying = (vma.flags & VMA_DYING) != 0
    const result = dying ? 0 : copyVma(child, vma)
    if (result < 0) return result
    if (result == 0) {
      if (!dying && (vma.flags & VMA_SHARED) == 0) {
        const shared = sharePages(parent, child, vma)
        if (shared != 0) return shared
      }
      relaxIfDeep()
      at = end
    }
    vma = nextVma(parent, at)
  }
  return 0
}

/** The child gets the same mapping, as yet without pages. => 0, AGAIN, -ENOMEM. */
function copyVma(child: Space, vma: Vma): i32 {
  const copy = create<Vma>()
  if (changetype<usize>(copy) == 0) return makeRoom(STEP_FRAMES) == 0 ? AGAIN : -ENOMEM
  const pages = pagesIn(vma)
  if ((vma.flags & VMA_CHARGED) != 0) {
    if (!charge(pages)) return -ENOMEM
    edit<Space>(child).charged += pages
  }
  memory.copy(changetype<usize>(copy), changetype<usize>(vma), offsetof<Vma>())
  copy.flags &= ~VMA_LOCKED
  const object = copy.object
  if (object != null) retain(object)
  link(child, copy)
  if (mergeVma(copy) != copy) relax() // it freed one of the two
  return 0
}

/** Both have the private pages of a mapping from now on. => 0, -ENOMEM. => lock held; relaxes. */
function sharePages(parent: Space, child: Space, vma: Vma): i32 {
  const end = <u32>vma.end
  let address = nextPte(parent, <u32>vma.start, end)
  while (address < end) {
    const result = sharePage(parent, child, address)
    if (result < 0) return result
    relaxIfDeep()
    if (result == 0) address += K.pageBytes
    address = nextPte(parent, address, end)
  }
  return 0
}

/** One page, if it is the parent's own. A page past the end of its object is on its way out (resize.ts). => 0, AGAIN, -ENOMEM. */
function sharePage(parent: Space, child: Space, address: u32): i32 {
  const at = pteAt(parent, address)
  const entry = at == 0 ? 0 : load<u32>(at)
  if ((entry & PTE_PRIVATE) == 0) return 0
  const vma = findVma(child, address)!
  const object = vma.object
  if (object != null && isPast(object, indexOf(vma, address))) return 0
  const to = makePte(child, address)
  if (to == 0) return again()
  if ((entry & PTE_CHARGED) != 0 && !charge(1)) return -ENOMEM
  if (frameOfPte(entry).pins != 0) return copyPage(entry, to)
  if ((entry & PTE_WRITE) != 0) publish(at, entry & ~PTE_WRITE)
  revoke(parent, frameOfPte(entry))
  countShared(frameOfPte(entry), 1)
  setPte(to, entry & ~PTE_WRITE)
  return 0
}

/** A copy of a page under a host view. => 0, AGAIN, -ENOMEM. */
function copyPage(entry: u32, to: usize): i32 {
  const copy = frameForPrivate(to)
  if (copy == null) {
    if ((entry & PTE_CHARGED) != 0) uncharge(1)
    return again()
  }
  memory.copy(frameAddress(copy), frameAddress(frameOfPte(entry)), K.pageBytes)
  copy.refs = 1
  setPte(to, <u32>frameAddress(copy) | (entry & PTE_FLAGS))
  return 0
}

/** No frame was free: makes room. => AGAIN, -ENOMEM. => the state is whole. */
function again(): i32 {
  return makeRoom(STEP_FRAMES) == 0 ? AGAIN : -ENOMEM
}
