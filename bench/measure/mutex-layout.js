/** What all workers of mutex-contended know. */

export const LOCK_PATH = '/lock'
export const LOCK_BYTES = 4096
/** In the page: the mutex at 0, and by its index among the words what it protects, on a cache line of its own. */
export const TOTAL = 32
/** The same in bare shared memory. */
export const BARE_LOCK = 0
export const BARE_TOTAL = 32
