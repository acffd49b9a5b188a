/** shm.c, compiled; each script runs in fresh processes and an IPC namespace of its own. Node, Deno and Bun only. */

import { execFileSync } from 'node:child_process'
import { absence } from './native.ts'
import { NativeProgram } from './native-program.ts'

/** => why there is no oracle here, undefined when there is one. */
export function shmAbsence(): string | undefined {
  const missing = absence()
  if (missing) return missing
  if (process.getuid?.() !== 0) return 'only root becomes others and makes IPC namespaces'
  try {
    execFileSync('unshare', ['--ipc', 'true'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'this system lets nobody make an IPC namespace'
  }
}

export class ShmOracle extends NativeProgram {
  constructor() {
    super(new URL('./shm.c', import.meta.url))
  }
}
