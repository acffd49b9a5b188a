/**
 * A thread that may not block, as a page's is, played in runtimes where every thread may: Isopage asks once, when a thread takes part in a
 * kernel, whether Atomics.wait works.
 */

/** Runs `join` (a boot, or an attach) in a thread in which Atomics.wait throws, as it does in a page. */
export async function unableToBlock<T>(join: () => Promise<T>): Promise<T> {
  const { wait } = Atomics
  Atomics.wait = () => {
    throw new TypeError('Atomics.wait cannot be called in this thread')
  }
  try {
    return await join()
  } finally {
    Atomics.wait = wait
  }
}
