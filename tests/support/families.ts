/** What the tests of fork stand on: a kernel, and for each test a process, which ends with all that it forked. */

import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import {
  type BootOptions,
  boot,
  type Kernel,
  MAP,
  PROT,
  type Process,
} from '../../dist/src/index.js'

export const PAGE = 4096
export const RW = PROT.READ | PROT.WRITE
export const SHARED = MAP.SHARED | MAP.ANONYMOUS

export let kernel: Kernel
export let p: Process
/** What a test forked: it ends with the test. */
export const family: Process[] = []

/** Registers the hooks of a test file. */
export function beginFamilies(options?: BootOptions): void {
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB', limits: { processes: 300 }, ...options })
  })
  beforeEach(() => {
    p = kernel.process()
    return () => {
      for (const child of family.splice(0)) child[Symbol.dispose]()
      p[Symbol.dispose]()
      kernel.check()
      expect(kernel.stats()).toMatchObject({ processes: 0, mappings: 0 })
    }
  })
  afterAll(() => kernel.close())
}

export function byteOf(process: Process, address: number): number {
  const into = new Uint8Array(1)
  process.vmRead(address, into)
  return into[0] as number
}

export function put(process: Process, address: number, ...bytes: number[]): void {
  process.vmWrite(address, Uint8Array.from(bytes))
}

export function fork(process: Process): Process {
  const child = process.fork()
  family.push(child)
  return child
}
