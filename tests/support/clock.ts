/** The clock of this thread, by hand: what the kernel is told when this thread asks it to do something. */

import { vi } from 'vitest'

/** Stops the clock, until it is disposed of. => sets it to seconds since 1970. */
export function stopClock(): Disposable & { set(seconds: number): void } {
  const clock = vi.spyOn(Date, 'now')
  return {
    set: (seconds) => void clock.mockReturnValue(1000 * seconds),
    [Symbol.dispose]: () => clock.mockRestore(),
  }
}
