/** What the threads of ipc-kill.test.ts share. */

/** Ids of the objects where they meet. */
export interface Meeting {
  readonly queue: number
  readonly semaphores: number
  readonly segment: number
}

/** Semaphore 0 lets one in. */
export const GATE = 0
/** In the segment: the mutex's byte offset, and the index of four words: two behind the gate, two behind the mutex. */
export const MUTEX = 0
export const COUNTERS = 64
