/** fast-check arbitraries of System V scripts: few objects, small numbers, so that processes meet; and often enough what makes no sense. */

import * as fc from 'fast-check'
import { type IpcStep, type IpcStepName, PROCESSES } from './ipc-steps.ts'

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

/** The numbers of each step, and how often it comes. */
const STEPS: Readonly<Record<IpcStepName, readonly [number, fc.Arbitrary<number[]>]>> = {
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
  interrupt: [4, fc.constant([])],
  kill: [3, fc.constant([])],
}

const step: fc.Arbitrary<IpcStep> = fc.oneof(
  ...Object.entries(STEPS).map(([name, [weight, numbers]]) => ({
    weight,
    arbitrary: fc
      .tuple(fc.nat(PROCESSES - 1), numbers)
      .map(([process, all]) => [name, process, ...all] as unknown as IpcStep),
  })),
)

/** Scripts that begin with an object of each kind, so that not all comes to nothing. */
export function ipcScripts(length: number): fc.Arbitrary<IpcStep[]> {
  const start: IpcStep[] = [
    ['msgget', 0, 7, CREAT | 0o666],
    ['semget', 0, 7, 3, CREAT | 0o666],
    ['shmget', 0, 7, 10_000, CREAT | 0o666],
  ]
  const rest = fc.array(step, { minLength: 1, maxLength: length, size: 'max' })
  return fc.oneof(
    { weight: 9, arbitrary: rest.map((steps) => [...start, ...steps]) },
    { weight: 1, arbitrary: rest },
  )
}
