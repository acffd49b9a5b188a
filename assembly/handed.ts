/**
 * What was handed to a sleeper that did not live to take it: a unit of a semaphore, a rwlock. It goes to who waits behind, or is free again.
 *
 * First the node says that it is its own no more (`takeBack`), then it is given back, then the pages are let go of: a reaper that dies in between leaves a node that
 * tells the next one how far it came.
 */
import { HANDED, returnUnit } from './posixsem'
import { GRANTED, returnLock } from './rwlock'
import { isHanded, settleHanded } from './syncword'
import { threadAt } from './thread'
import { Wait } from './wait'

/** Gives back what was handed to thread `index`, which is dead or out of its call. => lock held; transactions end. */
export function dropHanded(index: u32): void {
  let wait = changetype<Wait | null>(<usize>threadAt(index).waits)
  while (wait != null) {
    if (isHanded(wait)) {
      if (wait.result == HANDED) returnUnit(wait)
      else if (wait.result == GRANTED) returnLock(wait)
      settleHanded(wait)
    }
    wait = wait.sibling
  }
}
