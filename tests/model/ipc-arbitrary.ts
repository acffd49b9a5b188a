/** fast-check arbitraries of scripts: few objects, small numbers, so that processes meet; and often enough what makes no sense. */

import * as fc from 'fast-check'
import { type IpcStep, type IpcStepName, PROCESSES } from './ipc-steps.ts'
import { MUTEXES } from './reference-mutexes.ts'
import { MAKE, MAKE_NEW, MSGSIZE, NONBLOCK } from './reference-posix.ts'

const CREAT = 0x200
const EXCL = 0x400
const NOWAIT = 0x800
const UNDO = 0x1000

/** Mostly the first objects. */
const object = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.nat(4) },
)
const key = fc.constantFrom(0, 7, 7, 8)
const getFlags = fc.constantFrom(
  CREAT | 0o666,
  CREAT | 0o666,
  CREAT | 0o600,
  CREAT | 0o640,
  CREAT | EXCL | 0o666,
  0,
  0o600,
)
const type = fc.constantFrom(1, 1, 2, 3, 0)
const wanted = fc.constantFrom(0, 0, 1, 2, -2, -3)
/** Some fill a queue of 16 KiB in two or three messages. */
const bytes = fc.constantFrom(0, 1, 100, 5000, 8192, 8193)
const value = fc.integer({ min: 1, max: 250 })
const nowait = fc.constantFrom(0, 0, 0, NOWAIT)
const receiveFlags = fc.constantFrom(
  0,
  0,
  0,
  NOWAIT,
  0x1000, // MSG_NOERROR
  0x1000,
  0x2000, // MSG_EXCEPT
  0x4000 | NOWAIT, // MSG_COPY
  0x4000,
)
const num = fc.constantFrom(0, 0, 1, 2, 3)
const operation = fc.tuple(
  num,
  fc.constantFrom(-1, -1, 1, 1, 0, -2, 2, 3),
  fc.constantFrom(0, 0, UNDO, UNDO, NOWAIT),
)
const none = fc.constant([-1, 0, 0] as const)
const operations = fc.oneof(
  fc.tuple(operation, none, none),
  fc.tuple(operation, operation, none),
  fc.tuple(operation, operation, operation),
)
const attach = fc.nat(2)

type Steps = Partial<Record<IpcStepName, readonly [number, fc.Arbitrary<number[]>]>>

/** The numbers of each step, and how often it comes. */
const SYSTEM_V: Steps = {
  msgget: [4, fc.tuple(key, getFlags)],
  msgsnd: [14, fc.tuple(object, type, bytes, value, nowait)],
  msgrcv: [14, fc.tuple(object, wanted, fc.constantFrom(0, 50, 8192, 8192), receiveFlags)],
  msgrmid: [1, fc.tuple(object)],
  msgset: [
    1,
    fc.tuple(object, fc.constantFrom(0o666, 0o600), fc.constantFrom(10, 9000, 16384, 20_000)),
  ],
  semget: [4, fc.tuple(key, fc.constantFrom(0, 1, 3, 3), getFlags)],
  semop: [22, fc.tuple(object, operations).map(([set, all]) => [set, ...all.flat()])],
  setval: [2, fc.tuple(object, num, fc.constantFrom(0, 1, 2, 32_767, 32_768))],
  setall: [1, fc.tuple(object, fc.constantFrom(0, 1, 2))],
  semrmid: [1, fc.tuple(object)],
  shmget: [3, fc.tuple(key, fc.constantFrom(0, 1, 4096, 10_000), getFlags)],
  shmat: [5, fc.tuple(object, fc.constantFrom(0, 0, 0x1000))],
  shmdt: [3, fc.tuple(attach)],
  store: [3, fc.tuple(attach, fc.constantFrom(0, 5, 4096, 11_000), value)],
  load: [3, fc.tuple(attach, fc.constantFrom(0, 5, 4096, 11_000))],
  shmrmid: [1, fc.tuple(object)],
}

/** Which of the things that a process opened: mostly the first, which is there from the beginning. */
const open = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 1, arbitrary: fc.nat(3) },
)
const name = fc.nat(1)
const how = fc.constantFrom(0, 0, MAKE, MAKE, MAKE_NEW, NONBLOCK, MAKE | NONBLOCK)
const mode = fc.constantFrom(0o666, 0o666, 0o600, 0o640)
const mutex = fc.nat(MUTEXES.length - 1)

const POSIX: Steps = {
  mqopen: [4, fc.tuple(name, how, mode, fc.constantFrom(1, 2, 2, 3))],
  mqsend: [14, fc.tuple(open, fc.constantFrom(0, 1, MSGSIZE, MSGSIZE + 1), value, fc.nat(3))],
  mqreceive: [13, fc.tuple(open)],
  mqnotify: [5, fc.tuple(open, fc.constantFrom(1, 1, 1, 0))],
  mqclose: [2, fc.tuple(open)],
  mqunlink: [2, fc.tuple(name)],
  semopen: [4, fc.tuple(name, how, mode, fc.constantFrom(0, 0, 1, 2))],
  semwait: [12, fc.tuple(open)],
  semtrywait: [3, fc.tuple(open)],
  sempost: [9, fc.tuple(open)],
  semclose: [2, fc.tuple(open)],
  semunlink: [2, fc.tuple(name)],
  lock: [18, fc.tuple(mutex)],
  trylock: [5, fc.tuple(mutex)],
  unlock: [15, fc.tuple(mutex)],
  consistent: [5, fc.tuple(mutex)],
}

/** What puts an end to sleeps and processes. */
const ENDS: Steps = {
  interrupt: [4, fc.constant([])],
  kill: [4, fc.constant([])],
}

function anyStep(steps: Steps): fc.Arbitrary<IpcStep> {
  const arbitraries = Object.entries({ ...steps, ...ENDS }).map(([name, [weight, numbers]]) => ({
    weight,
    arbitrary: fc
      .tuple(fc.nat(PROCESSES - 1), numbers)
      .map(([process, all]) => [name, process, ...all] as unknown as IpcStep),
  }))
  return fc.oneof(...arbitraries)
}

/** Scripts that begin with some steps, so that not all comes to nothing; a few do not. */
function scripts(start: IpcStep[], steps: Steps, length: number): fc.Arbitrary<IpcStep[]> {
  const rest = fc.array(anyStep(steps), { minLength: 1, maxLength: length, size: 'max' })
  return fc.oneof(
    { weight: 9, arbitrary: rest.map((more) => [...start, ...more]) },
    { weight: 1, arbitrary: rest },
  )
}

/** System V: there is an object of each kind. */
export function systemVScripts(length: number): fc.Arbitrary<IpcStep[]> {
  const start: IpcStep[] = [
    ['msgget', 0, 7, CREAT | 0o666],
    ['semget', 0, 7, 3, CREAT | 0o666],
    ['shmget', 0, 7, 10_000, CREAT | 0o666],
  ]
  return scripts(start, SYSTEM_V, length)
}

/** POSIX: every process has a queue and a semaphore open. */
export function posixScripts(length: number): fc.Arbitrary<IpcStep[]> {
  const start = Array.from({ length: PROCESSES }, (_, process): IpcStep[] => [
    ['mqopen', process, 0, MAKE, 0o666, 2],
    ['semopen', process, 0, MAKE, 0o666, 1],
  ])
  return scripts(start.flat(), POSIX, length)
}
