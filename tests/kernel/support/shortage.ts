/** Memory of structures: how many there are, and specs in which there is none left. */
import { FRAME_SLAB, frameAt } from '../../../assembly/frame'
import { lock, relaxIfDeep, unlock } from '../../../assembly/lock'
import { K } from '../../../assembly/root'
import { allocate, free, SLAB_BYTES_MAX } from '../../../assembly/slab'

/** First of the structures that `starve` took; each has the next one and its size. */
let taken: usize = 0
let commitLimit: u32 = 0
let kernelReserve: u32 = 0

/** => structures in use, of every size. */
export function structures(): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < K.frameCount; i++) {
    const frame = frameAt(i)
    if (frame.kind == FRAME_SLAB) count += frame.refs
  }
  return count
}

/** From now on no structure can be made, whatever its size, and nothing is promised. => lock not held. */
export function starve(): void {
  commitLimit = K.commitLimit
  kernelReserve = K.kernelReserve
  K.commitLimit = K.committed
  K.kernelReserve = 0
  for (let bytes: u32 = 16; bytes <= SLAB_BYTES_MAX; bytes += 16) {
    lock()
    for (let at = allocate(bytes); at != 0; at = allocate(bytes)) {
      store<u32>(at, <u32>taken)
      store<u32>(at, bytes, 4)
      taken = at
    }
    unlock()
  }
}

/** Gives one structure of `bytes` bytes back: the next one of that size can be made. => false when none was taken. */
export function spare(bytes: u32): bool {
  const wanted = (bytes + 15) & ~15
  let before: usize = 0
  let at = taken
  while (at != 0 && load<u32>(at, 4) != wanted) {
    before = at
    at = load<u32>(at)
  }
  if (at == 0) return false
  if (before == 0) taken = load<u32>(at)
  else store<u32>(before, load<u32>(at))
  lock()
  free(at, wanted)
  unlock()
  return true
}

/** There is memory again. */
export function feed(): void {
  lock()
  while (taken != 0) {
    const at = taken
    taken = load<u32>(at)
    free(at, load<u32>(at, 4))
    relaxIfDeep()
  }
  unlock()
  K.commitLimit = commitLimit
  K.kernelReserve = kernelReserve
}
