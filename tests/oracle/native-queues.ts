/** queues.c, compiled; each script runs in processes and an IPC namespace of its own. Node, Deno and Bun only. */

import { absenceOf, NativeProgram } from './native-program.ts'

export class QueueOracle extends NativeProgram {
  constructor() {
    super(new URL('./queues.c', import.meta.url))
  }

  /** => root may pass the limits: it has CAP_SYS_RESOURCE. In a container it may not. */
  async isResourceful(): Promise<boolean> {
    const [, raised = ''] = await this.run(['0 msgget 0 0 0x380', '0 set 0 0 0 0x180 20000'])
    return raised.startsWith('ok')
  }
}

/** => why there is no oracle of queues here, undefined when there is one. */
export function queuesAbsence(): Promise<string | undefined> {
  return absenceOf(() => new QueueOracle())
}
