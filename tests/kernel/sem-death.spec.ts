import { STATE_SEQ_SHIFT, THREAD_STATE } from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { readyBuffer } from '../../assembly/buffer'
import { sysExit, sysReap } from '../../assembly/exit'
import { SEM_GETALL, SEM_SETALL, SEM_UNDO, SEMOPM } from '../../assembly/ipcabi'
import { Process } from '../../assembly/process'
import { sysSemctl } from '../../assembly/sem'
import { findSet } from '../../assembly/semset'
import { owedSet } from '../../assembly/semwait'
import { enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { firstWait } from '../../assembly/wait'
import { bootSpec, checkAll, spawn } from './support/boot'
import { control, data, make, park, remove } from './support/sems'
import { dieForGood, ignoreTransaction, lookAtEnds, momentsSoFar } from './support/transactions'

bootSpec(1400)

/** So many sleepers, each with the longest array there is, that completing them all takes several transactions. */
const SLEEPERS: i32 = 100
const UNITS: i32 = 150
const array = new StaticArray<i32>(<i32>SEMOPM * 3)
for (let i = 0; i < <i32>SEMOPM; i++) {
  array[3 * i] = i
  array[3 * i + 1] = -1
  array[3 * i + 2] = SEM_UNDO
}

/** Threads that are there at once. */
const SLOTS: i32 = 4

/** Moments (transactions.ts) right after a transaction that ended with sleepers still to be looked at. */
const owing = new StaticArray<u32>(16)
let found: i32 = 0
let process: Process = spawn()
let sleeper: Process = process
let id: i32 = 0
let sleeping: u32 = 0
let sleepingSequence: u32 = 0

function look(): void {
  if (owedSet() != null && found < owing.length) owing[found++] = momentsSoFar()
}

function sequenceOf(index: u32): u32 {
  return load<u32>(THREADS + index * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
}

function nextThread(): void {
  assert(attachThread(0) >= 0, 'no slot')
  enter()
}

/** Gives slots their buffers, which they keep: a thread that finds the lock in a dead one's hands cannot make itself one. */
function readySlots(): void {
  for (let i = 0; i < SLOTS; i++) {
    assert(readyBuffer() == 0, 'no buffer')
    nextThread()
  }
  assert(readyBuffer() == 0, 'no buffer')
  for (let i = 0; i < SLOTS; i++) assert(sysReap(i, sequenceOf(i), true) == 0, 'reap')
}

/** A set of zeros, and a thread asleep that wants one of each, many times over. Another thread goes on. */
function fallAsleep(): void {
  process = spawn()
  sleeper = spawn()
  id = make(process, SEMOPM)
  sleeping = me().index
  sleepingSequence = sequenceOf(sleeping)
  for (let i = 0; i < SLEEPERS; i++) park(sleeper, id, array)
  nextThread()
}

/** Gives them all they want. => the call of a thread that may die in it. */
function giveAll(): void {
  for (let i: u32 = 0; i < SEMOPM; i++) store<u16>(data() + 2 * i, <u16>UNITS)
  sysSemctl(process, id, 0, SEM_SETALL, SEMOPM, 0, 0)
}

function giveAndDie(): void {
  giveAll()
  unreachable()
}

let dead: u32 = 0
let deadSequence: u32 = 0

/** The thread that plays is dead from now on. */
function mourn(): void {
  dead = me().index
  deadSequence = sequenceOf(dead)
  dieForGood(0)
  ignoreTransaction()
  nextThread()
}

function reap(): void {
  assert(sysReap(dead, deadSequence, true) == 0, 'reap')
}

function reapAndDie(): void {
  reap()
  unreachable()
}

/** Every sleeper was completed once, and owes what it took. */
function expectSettled(): void {
  checkAll()
  assert(owedSet() == null, 'still owed')
  assert(firstWait(changetype<usize>(findSet(id)!)) == null, 'somebody sleeps on')
  expectValue(UNITS - SLEEPERS)
  assert(sysReap(sleeping, sleepingSequence, true) == 0, 'reap')
  sysExit(sleeper.pid, 0)
  expectValue(UNITS)
  remove(process, id)
  sysExit(process.pid, 0)
  checkAll()
}

function expectValue(value: u32): void {
  assert(control(process, id, 0, SEM_GETALL) == <i32>SEMOPM, 'getall')
  for (let i: u32 = 0; i < SEMOPM; i++) {
    const found = load<u16>(data() + 2 * i)
    assert(found == <u16>value, `semaphore ${i} is ${found}`)
  }
}

/** => the moments of the owing transactions, counted from the begin of the call. */
function rehearse(): void {
  found = 0
  const start = momentsSoFar()
  lookAtEnds(look)
  giveAll()
  lookAtEnds(null)
  for (let i = 0; i < found; i++) owing[i] -= start
}

describe('sleepers on semaphores whose waker dies', () => {
  it('between two of the transactions that complete them all go on, by whoever reaps it', () => {
    readySlots()
    fallAsleep()
    rehearse()
    expectSettled()
    expect(found).toBeGreaterThan(1)
    const moments = found
    for (let i = 0; i < moments; i++) {
      fallAsleep()
      dieForGood(owing[i] + 1) // the first push after it
      expect(giveAndDie).toThrow()
      mourn()
      expect(owedSet() == findSet(id)).toBe(true)
      reap()
      expectSettled()
    }
  })

  it('go on too when the reaper dies at the same work', () => {
    fallAsleep()
    rehearse()
    expectSettled()
    const first = owing[0] + 1
    fallAsleep()
    dieForGood(first)
    expect(giveAndDie).toThrow()
    mourn()
    const before = dead
    const beforeSequence = deadSequence
    dieForGood(first)
    expect(reapAndDie).toThrow()
    mourn()
    expect(owedSet() == findSet(id)).toBe(true)
    reap()
    sysReap(before, beforeSequence, true)
    expectSettled()
  })
})
