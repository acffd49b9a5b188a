/** What the calls of a process stand on: who they are for, and how a result becomes a value or an error. */
import { ESRCH } from '../assembly/abi.js'
import { type ErrorFacts, kernelError } from './errors.js'
import type { Instance } from './instance.js'
import type { KernelExports } from './system-calls.js'

/** Told when a call may have left something dirty, so that it is written back in time. */
export type Dirtied = () => void

export abstract class Calls {
  readonly pid: number
  protected readonly instance: Instance
  protected readonly dirtied: Dirtied
  protected exited = false

  constructor(instance: Instance, pid: number, dirtied: Dirtied) {
    this.instance = instance
    this.pid = pid
    this.dirtied = dirtied
  }

  /** The system-call table. ESRCH once this process exited, ERR_KERNEL_CLOSED once the kernel did. */
  protected get calls(): KernelExports {
    const { calls } = this.instance
    if (this.exited) throw kernelError('process', ESRCH)
    return calls
  }

  /** => `result`, or throws the error that a negative one is. */
  protected done(syscall: string, result: number, facts?: ErrorFacts): number {
    return this.instance.result(syscall, result, facts)
  }
}
