/**
 * Every structure checker at once: what tests call after each operation, and observers when in doubt.
 */
import { PANIC_COMMIT, PROCESSES_MAX } from './abi'
import { checkTreeOf } from './dir'
import { checkTable } from './fd'
import { checkFrames } from './frame'
import { checkGuests } from './guest'
import { checkIdle } from './idle'
import { checkMounted, Inode } from './inode'
import { checkIpc } from './ipc'
import { lock, unlock } from './lock'
import { checkMessages } from './message'
import { checkMounts } from './mount'
import { checkMq } from './mq'
import { checkMsg } from './msg'
import { checkNamedSems } from './namedsem'
import { check } from './panic'
import { processAt } from './process'
import { checkHeld } from './robust'
import { K } from './root'
import { checkSegments } from './segment'
import { checkSets } from './semset'
import { checkUndos } from './semundo'
import { checkSemWaits } from './semwait'
import { checkSlabs } from './slab'
import { checkPrivate, checkSpace } from './space'
import { checkWaits } from './wait'

/** Panics at the first broken invariant. => 0. => lock not held. */
export function sysCheck(): i32 {
  lock()
  checkFrames()
  checkSlabs()
  checkWaits()
  check(K.committed <= K.commitLimit + K.kernelReserve, PANIC_COMMIT, K.committed)
  let own: u32 = 0
  for (let i: u32 = 0; i < PROCESSES_MAX; i++) {
    const process = processAt(i)
    if (process == null) continue
    own += checkSpace(process.space!)
    checkTable(process)
    checkUndos(process)
  }
  checkPrivate(own)
  checkFiles()
  checkIpc()
  checkMsg()
  checkMq()
  checkMessages()
  checkSegments()
  checkHeld()
  checkSets()
  checkNamedSems()
  checkSemWaits()
  checkGuests()
  unlock()
  return 0
}

function checkFiles(): void {
  if (K.rootInode != 0) checkTreeOf(changetype<Inode>(<usize>K.rootInode))
  if (K.shmInode != 0) checkTreeOf(changetype<Inode>(<usize>K.shmInode))
  if (K.mqInode != 0) checkTreeOf(changetype<Inode>(<usize>K.mqInode))
  checkMounted()
  checkIdle()
  checkMounts()
}
