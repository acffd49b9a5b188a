/** sems.c, compiled; each script runs in processes and namespaces of its own. Node, Deno and Bun only. */

import { absenceOf, NativeProgram } from './native-program.ts'

export class SemOracle extends NativeProgram {
  constructor() {
    super(new URL('./sems.c', import.meta.url), ['-pthread'])
  }
}

/** => why there is no oracle of semaphores here, undefined when there is one. */
export function semsAbsence(): Promise<string | undefined> {
  return absenceOf(() => new SemOracle())
}
