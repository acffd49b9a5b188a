/** Which calls may wait without bound: those get a service worker of their own. */
import { F_SETLKW, LOCK_NB, LOCK_UN } from '../assembly/abi.js'
import type { ServiceCall } from './protocol.js'

const WAITS: Readonly<Record<string, (args: readonly unknown[]) => boolean>> = {
  flock: ([, operation]) =>
    typeof operation === 'number' && (operation & (LOCK_NB | LOCK_UN)) === 0,
  fcntl: ([, command]) => command === F_SETLKW,
  futexWait: () => true,
}

/** => the call may wait until another thread does something. */
export function mayWaitLong({ name, args }: ServiceCall): boolean {
  return WAITS[name]?.(args) ?? false
}
