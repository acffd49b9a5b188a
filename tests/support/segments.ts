/** What the tests of segments stand on: a kernel, and for each test a process of root's; every segment is removed after it. */

import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import {
  boot,
  IPC,
  type Kernel,
  type Process,
  type ProcessOptions,
  SHM,
} from '../../dist/src/index.js'
import { outcome } from './errno.ts'

export const PAGE = 4096
export const KEY = 0x5ca1ab1e

export let kernel: Kernel
export let p: Process
const spawned: Process[] = []

/** A process that ends with the test. */
export function spawn(options?: ProcessOptions): Process {
  const process = kernel.process(options)
  spawned.push(process)
  return process
}

export const user = (uid: number, gid = uid) => spawn({ uid, gid })
export const make = (pages = 1, mode = 0o600, by = p) =>
  by.shmget(IPC.PRIVATE, pages * PAGE, IPC.CREAT | mode)
export const stat = (id: number) => p.shmctl(id, IPC.STAT)
export const seconds = () => Math.floor(Date.now() / 1000)

/** Registers the hooks of a test file. */
export function beginSegments(): void {
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
  })
  beforeEach(() => {
    p = spawn()
    return () => {
      for (const process of spawned.splice(0)) process[Symbol.dispose]()
      removeAll()
      expect(kernel.stats()).toMatchObject({ segments: 0, objects: 0 })
      kernel.check()
    }
  })
  afterAll(() => kernel.close())
}

function removeAll(): void {
  using root = kernel.process()
  const { last } = root.shmctl(0, SHM.INFO)
  for (let slot = 0; slot <= last; slot++) {
    if (outcome(() => root.shmctl(slot, SHM.STAT)) === 'ok') {
      root.shmctl(root.shmctl(slot, SHM.STAT).id, IPC.RMID)
    }
  }
}
