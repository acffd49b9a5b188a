/** A worker with a process of its own that shares a page of locks with others: it counts, produces, consumes, reads, writes, and may be killed at it. */

import {
  attach,
  type Handle,
  type IsopageError,
  MAP,
  type Mapping,
  type Mutex,
  O,
  type Process,
} from '../../dist/src/index.js'
import { type Pulse, restOf } from '../support/pulse.ts'
import { serve } from '../support/thread-port.ts'

/** Where things lie in the page: bytes. */
const MUTEX = 0
const FILLED = 32
const EMPTIED = 64
const LOCK = 96
const BARRIER = 128
/** And its words. */
const RING = 256
const RING_SLOTS = 4
const HEAD = 300
const TAIL = 301
const FIRST = 310
const SECOND = 311
const ROUNDS = 320

let process: Process
let map: Mapping
let words: Int32Array

await serve({
  async attach(handle: Handle) {
    const kernel = await attach(handle)
    process = kernel.process()
    const fd = process.shm_open('/race', O.RDWR)
    map = process.mmap({ fd, length: 4096, flags: MAP.SHARED })
    words = new Int32Array(map.buffer, map.byteOffset, 1024)
  },
  /** Adds 1 to a word, `count` times, under a mutex that is made or found there. */
  add(count: number, options: object, byAddress: boolean) {
    const mutex = map.mutex(MUTEX, options)
    for (let i = 0; i < count; i++) {
      if (byAddress) process.pthread_mutex_lock(mutex.address)
      else mutex.lock()
      words[FIRST] = (words[FIRST] as number) + 1
      if (byAddress) process.pthread_mutex_unlock(mutex.address)
      else mutex.unlock()
    }
  },
  /** Puts 1 to `count` into the ring. */
  produce(count: number) {
    const [mutex, filled, emptied] = ringLocks()
    for (let i = 1; i <= count; i++) {
      using _held = mutex.lock()
      while (at(HEAD) - at(TAIL) === RING_SLOTS) emptied.wait(mutex)
      words[RING + (at(HEAD) % RING_SLOTS)] = i
      words[HEAD] = at(HEAD) + 1
      filled.signal()
    }
  },
  /** Takes `count` numbers out of the ring. => their sum */
  consume(count: number) {
    const [mutex, filled, emptied] = ringLocks()
    let sum = 0
    for (let i = 0; i < count; i++) {
      using _held = mutex.lock()
      while (at(HEAD) === at(TAIL)) filled.wait(mutex)
      sum += at(RING + (at(TAIL) % RING_SLOTS))
      words[TAIL] = at(TAIL) + 1
      emptied.signal()
    }
    return sum
  },
  /** Goes through the barrier with `threads` in all, `rounds` times. => how often it was the serial thread, and how often somebody was behind. */
  meet(me: number, threads: number, rounds: number) {
    const barrier = map.barrier(BARRIER, threads)
    let serial = 0
    let behind = 0
    for (let round = 1; round <= rounds; round++) {
      Atomics.store(words, ROUNDS + me, round)
      if (barrier.wait()) serial++
      for (let i = 0; i < threads; i++) {
        if (Atomics.load(words, ROUNDS + i) < round) behind++
      }
    }
    return [serial, behind]
  },
  /** Writes two words alike, `count` times. => how often they were not alike before. */
  write(count: number) {
    const lock = map.rwlock(LOCK)
    let torn = 0
    for (let i = 0; i < count; i++) {
      using _held = lock.write()
      if (at(FIRST) !== at(SECOND)) torn++
      words[FIRST] = at(FIRST) + 1
      words[SECOND] = at(SECOND) + 1
    }
    return torn
  },
  /** Reads two words until `stop`, always with another reader about. => rounds, and how often the words were not alike. */
  read(stop: SharedArrayBuffer) {
    const lock = map.rwlock(LOCK)
    const stopped = new Int32Array(stop)
    let torn = 0
    let rounds = 0
    for (; Atomics.load(stopped, 0) === 0; rounds++) {
      using _held = lock.read()
      if (at(FIRST) !== at(SECOND)) torn++
    }
    return [rounds, torn]
  },
  /** Adds 1 to two words under a robust mutex until it is killed; mends what a dead one left. */
  hammer(seed: number, pulse: Pulse) {
    const rest = restOf(pulse)
    const mutex = map.mutex(MUTEX, { robust: true })
    let state = seed | 1
    for (;;) {
      rest()
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      lockAndMend(mutex)
      words[FIRST] = at(FIRST) + 1
      for (let i = (state >>> 8) % 50; i > 0; i--) Atomics.load(words, FIRST)
      words[SECOND] = at(SECOND) + 1
      mutex.unlock()
    }
  },
  /** Locks and mends once, as the survivor. => whether somebody had died with it. */
  mend() {
    const mutex = map.mutex(MUTEX, { robust: true })
    const died = lockAndMend(mutex)
    mutex.unlock()
    return died
  },
})

function at(index: number): number {
  return words[index] as number
}

function ringLocks() {
  return [map.mutex(MUTEX), map.condition(FILLED), map.condition(EMPTIED)] as const
}

/** => whether the last owner died. Throws when the two words are not what that allows. */
function lockAndMend(mutex: Mutex): boolean {
  let died = false
  try {
    mutex.lock()
  } catch (error) {
    if ((error as IsopageError).code !== 'EOWNERDEAD') throw error
    died = true
  }
  const apart = at(FIRST) - at(SECOND)
  if (apart !== 0 && !(died && apart === 1)) throw new Error(`apart by ${apart}, died: ${died}`)
  if (died) {
    words[SECOND] = at(FIRST)
    mutex.consistent()
  }
  return died
}
