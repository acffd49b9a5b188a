/** What a thread that acts without end shows of itself, and how it is made to rest (hammers.ts). */

export interface Pulse {
  /** A word that moves with each act. */
  beat: SharedArrayBuffer
  /** A word that is 1 while all are to rest between two acts. */
  halt: SharedArrayBuffer
}

/** => what such a thread calls before each act. */
export function restOf({ beat, halt }: Pulse): () => void {
  const [beats, halts] = [new Int32Array(beat), new Int32Array(halt)]
  return () => {
    Atomics.wait(halts, 0, 1)
    Atomics.add(beats, 0, 1)
  }
}
