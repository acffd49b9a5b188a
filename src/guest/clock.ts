/** The clocks that guests can ask: preview 1's numbers, which are wasi-libc's. */

const REALTIME = 0
const MONOTONIC = 1
const PROCESS_CPU = 2
const THREAD_CPU = 3

/** No runtime tells more exactly. */
export const RESOLUTION_NS = 1000n

const startedMs = performance.now()

function toNs(ms: number): bigint {
  const whole = Math.floor(ms)
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6))
}

/** => the time of a clock in ns, undefined when there is none of that number. The monotonic one is the same for all threads; CPU time is the thread's age. */
export function clockNs(clock: number): bigint | undefined {
  if (clock === REALTIME) return toNs(Date.now())
  if (clock === MONOTONIC) return toNs(performance.timeOrigin + performance.now())
  if (clock === PROCESS_CPU || clock === THREAD_CPU) return toNs(performance.now() - startedMs)
  return undefined
}
