/**
 * The kernel lock, and THE lock order.
 *
 * There is one lock. A hold of it is a transaction (journal.ts), and that is why it is one: with several, a thread that died
 * between two of them would leave a state that no roll-back knows. It is short by rule, not by luck: it is never held across I/O, a
 * park, a call to the host, or work that grows with the caller's numbers (`relax` between pieces). What runs long runs
 * outside it on things that the slot of the thread names: pages marked busy (pager.ts), grants (grant.ts).
 *
 * Order: kernel lock, then nothing. Doorbells are rung under it and never waited for.
 *
 *   LOCK word: 0 free, else owner's slot index + 1, with CONTENDED when somebody sleeps on it. TURN counts acquisitions.
 *
 * Sleepers look again every 20 ms, so a wake-up lost to a thread that died while unlocking costs only that. An owner that has not moved
 * for `stallMs` is reported by the host's typed error, with nothing changed; when its death is proved, `takeOver` rolls its
 * transaction back and the kernel goes on.
 */
import { PANIC_LOCK_HELD, PANIC_LOCK_NOT_HELD } from './abi'
import { now, panicked } from './env'
import { commit, depth, rollback } from './journal'
import { check, PANIC } from './panic'
import { K } from './root'
import {
  bury,
  linger,
  mayBlock,
  me,
  reportStall,
  ringOut,
  rungCount,
  self,
  sleepAt,
} from './thread'

const LOCK: usize = memory.data(64, 64)
const TURN: usize = LOCK + 4
const CONTENDED: u32 = 0x80000000
/** Looks at a lock that is taken before a sleep, and the pause before each: 20 us, about what a sleep and a wake-up take. */
const SPINS: u32 = 512
const PAUSE: u32 = 64
const SLEEP_NS: i64 = 20_000_000
/** A transaction this deep in the journal makes way at the next relax. */
const RELAX_BYTES: u32 = 262144

/** Takes the lock and begins a transaction. => not held by this thread. */
export function lock(): void {
  const mine = me().index + 1
  if (atomic.cmpxchg<u32>(LOCK, 0, mine) != 0) lockSlow(mine)
  store<u32>(TURN, load<u32>(TURN) + 1)
  if (isDefined(TransactionProbe)) TransactionProbe.began()
}

function lockSlow(mine: u32): void {
  check((atomic.load<u32>(LOCK) & ~CONTENDED) != mine, PANIC_LOCK_HELD)
  for (let i: u32 = 0; i < SPINS; i++) {
    linger(PAUSE)
    if (atomic.load<u32>(LOCK) == 0 && atomic.cmpxchg<u32>(LOCK, 0, mine) == 0) return
  }
  let turn = atomic.load<u32>(TURN)
  let since = now(0)
  for (;;) {
    const word = atomic.load<u32>(LOCK)
    if (word == 0) {
      if (atomic.cmpxchg<u32>(LOCK, 0, mine | CONTENDED) == 0) return
      continue
    }
    sleepOn(word)
    if (load<u32>(PANIC) != 0) {
      panicked(load<u32>(PANIC), 0)
      unreachable()
    }
    const latest = atomic.load<u32>(TURN)
    if (latest != turn) {
      turn = latest
      since = now(0)
    } else if (now(0) - since > <f64>K.stallMs) {
      const owner = (word & ~CONTENDED) - 1
      reportStall(owner)
      if (inherit(owner, word, mine)) return
    }
  }
}

/** The host came back from `stalled`: it has proof that the owner is dead. => this thread has the lock, and what the dead one began is undone. */
function inherit(owner: u32, word: u32, mine: u32): bool {
  bury(owner)
  if (atomic.cmpxchg<u32>(LOCK, word | CONTENDED, mine | CONTENDED) != (word | CONTENDED))
    return false
  rollback()
  return true
}

/** One sleep (or, where a thread may not sleep, a few spins) while the lock word is `word`. */
function sleepOn(word: u32): void {
  if (!mayBlock()) {
    for (let i: u32 = 0; i < SPINS && atomic.load<u32>(LOCK) == word; i++) linger(PAUSE)
    return
  }
  const marked = word | CONTENDED
  if (word != marked && atomic.cmpxchg<u32>(LOCK, word, marked) != word) return
  sleepAt(LOCK, marked, SLEEP_NS)
}

/** Ends the transaction and frees the lock. */
export function unlock(): void {
  checkHeld()
  commit()
  const word = atomic.xchg<u32>(LOCK, 0)
  if ((word & CONTENDED) != 0) atomic.notify(LOCK, 1)
  if (rungCount != 0) ringOut()
}

/** Ends the transaction and begins another; lets others in when somebody waits. What was read before must be read again. */
export function relax(): void {
  if ((atomic.load<u32>(LOCK) & CONTENDED) == 0) {
    commit()
    return
  }
  unlock()
  lock()
}

/** In long loops, where the state is whole: relaxes once the journal has grown. => true when it did. */
export function relaxIfDeep(): bool {
  if (depth() < RELAX_BYTES) return false
  relax()
  return true
}

/** Undoes the transaction so far and keeps the lock: for a call that fails half way. */
export function abandon(): void {
  checkHeld()
  rollback()
}

/** => this thread holds the lock. */
export function checkHeld(): void {
  check(self != 0 && (atomic.load<u32>(LOCK) & ~CONTENDED) == me().index + 1, PANIC_LOCK_NOT_HELD)
}

/**
 * Takes the lock from thread `index`, which is DEAD, and undoes what it had begun. => true when it was the owner and this
 * thread holds the lock now; false when the lock is to be taken as always.
 */
export function takeOver(index: u32): bool {
  const word = atomic.load<u32>(LOCK)
  if ((word & ~CONTENDED) != index + 1) return false
  if (atomic.cmpxchg<u32>(LOCK, word, (me().index + 1) | CONTENDED) != word) return takeOver(index)
  rollback()
  store<u32>(TURN, load<u32>(TURN) + 1)
  return true
}
