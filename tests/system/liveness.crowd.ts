/** What the processes of liveness.test.ts share. */

export interface Crowd {
  readonly queue: number
  readonly semaphores: number
  readonly segment: number
  /** Processes, an even number. */
  readonly count: number
}

export const STEP_NAMES = ['token', 'gate', 'pair', 'mutex', 'barrier'] as const
export const STEPS = STEP_NAMES.length

/** Byte offsets in the segment. */
export const MUTEX = 0
export const BARRIER = 128
export const COUNTER = 256
