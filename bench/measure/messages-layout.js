/** What both workers of the msg rows know. */

export const BALL_BYTES = 64
export const STREAM_BYTES = 256
/** Types of the messages there and back. */
export const PING = 1
export const PONG = 2
/** Longer than a sleeper watches before it sleeps (assembly/wait.ts), and than two wake-ups take. */
const REST_MS = 0.25

/** Does nothing for a while, so that who waits for this thread is asleep. => ms that it took */
export function rest() {
  const startMs = performance.now()
  let nowMs = startMs
  while (nowMs < startMs + REST_MS) nowMs = performance.now()
  return nowMs - startMs
}
