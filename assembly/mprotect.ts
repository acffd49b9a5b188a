/**
 * mprotect.
 *
 * Sources: POSIX.1-2017 mprotect; Linux mprotect(2): the part before a failure is done.
 * Entries never allow more than their vma: when rights are taken away the entries lose them first, and only when none was left that had them
 * does the vma change, in the same transaction. Grants that other threads hold, and guests that have not heard, are waited for before the
 * call returns.
 */
import { EACCES, EINVAL, ENOMEM, PROT_EXEC, PROT_READ, PROT_WRITE, WINDOW_END } from './abi'
import { beginChange, endChange } from './change'
import { revoke } from './grace'
import { settle } from './grant'
import { edit, publish } from './journal'
import { abandon, lock, relax, relaxIfDeep, unlock } from './lock'
import { aligned, inWindow } from './mmap'
import { Process, Space } from './process'
import { frameOfPte, nextPte, PTE_READ, PTE_WRITE, pteAt } from './pte'
import { K, pageRound } from './root'
import { cutBoth } from './unmap'
import { chargeVma, mergeVma, nextVma, Vma } from './vma'

/** => 0, -EINVAL (unaligned, unknown bits), -ENOMEM (a hole, no frames for a private copy, too many mappings), -EACCES. */
export function sysMprotect(process: Process, address: u64, length: u64, prot: u32): i32 {
  if (!aligned(address)) return -EINVAL
  if (length == 0) return 0
  if ((prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC)) != 0) return -EINVAL
  if (length > WINDOW_END || !inWindow(address, pageRound(length))) return -ENOMEM
  const space = process.space!
  lock()
  let result = beginChange(space)
  if (result == 0) {
    result = protectRange(space, address, address + pageRound(length), prot)
    endChange(space)
  }
  unlock()
  return result
}

function protectRange(space: Space, start: u64, end: u64, prot: u32): i32 {
  let at = start
  while (at < end) {
    const found = nextVma(space, at)
    if (found == null || found.start > at) return -ENOMEM
    if ((prot & ~found.maxProt) != 0) return -EACCES
    if (found.prot == prot) {
      at = found.end
      continue
    }
    if (!cutBoth(space, at, min(end, found.end))) {
      abandon()
      return -ENOMEM
    }
    const result = protectVma(space, nextVma(space, at)!, prot)
    if (result != 0) return result
    const done = nextVma(space, at)
    if (done == null || done.start > at) return -ENOMEM
    at = done.end
  }
  return 0
}

/** Changes one whole vma, which has another protection. */
function protectVma(space: Space, vma: Vma, prot: u32): i32 {
  const before = vma.prot
  edit<Vma>(vma).prot = before | prot
  if (!chargeVma(vma)) {
    vma.prot = before
    mergeVma(vma)
    relax()
    return -ENOMEM
  }
  const start = <u32>vma.start
  const end = <u32>vma.end
  const rights = rightsOf(prot)
  while (takeRights(space, start, end, rights)) {}
  const still = nextVma(space, start)
  if (still == null || still.start != start) return -ENOMEM
  edit<Vma>(still).prot = prot
  mergeVma(still)
  relax()
  if ((before & ~prot) != 0) settle(space, start, end)
  return 0
}

/** => entry bits that a protection allows. */
function rightsOf(prot: u32): u32 {
  if (prot == 0) return 0
  return (prot & PROT_WRITE) != 0 ? PTE_READ | PTE_WRITE : PTE_READ
}

/** Takes the other rights out of the entries of a range. => true when it relaxed on the way: others may have faulted, look again. */
function takeRights(space: Space, start: u32, end: u32, rights: u32): bool {
  let relaxed = false
  if (rights == (PTE_READ | PTE_WRITE)) return false
  let address = nextPte(space, start, end)
  while (address < end) {
    const at = pteAt(space, address)
    const entry = load<u32>(at)
    const next = entry & ~((PTE_READ | PTE_WRITE) & ~rights)
    if (next != entry) {
      publish(at, next)
      revoke(space, frameOfPte(entry))
    }
    if (relaxIfDeep()) relaxed = true
    address = nextPte(space, address + K.pageBytes, end)
  }
  return relaxed
}
