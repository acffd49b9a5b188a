/**
 * Frames on their way out: one that a thread may still touch is freed once nobody can.
 *
 * A tracked access of the host holds it by a grant (grant.ts), a guest by an entry that it has not heard is gone (grace.ts). Its accounts are closed already: limbo
 * holds frames, not promises.
 * Guarded by the kernel lock, journalled.
 */
import { FRAME_ANON, Frame, freeFrame } from './frame'
import { isAwaited } from './grace'
import { holderOfFrame } from './grant'
import { edit, put } from './journal'
import { relaxIfDeep } from './lock'
import { K, Root } from './root'

function isTouched(frame: Frame): bool {
  return isAwaited(frame) || holderOfFrame(frame, false) >= 0
}

/** Frees a frame that nothing names, maps or pins any more, as soon as nobody touches it. */
export function giveBack(frame: Frame): void {
  if (!isTouched(frame)) {
    freeFrame(frame)
    return
  }
  edit<Frame>(frame).kind = FRAME_ANON
  frame.refs = 0
  frame.flags = 0
  frame.next = K.limbo
  put(changetype<usize>(K) + offsetof<Root>('limbo'), <u32>changetype<usize>(frame))
}

/** Frees the frames in limbo that nobody touches any more. => lock held, the state is whole; relaxes when they are many. */
export function sweepLimbo(): void {
  let link = changetype<usize>(K) + offsetof<Root>('limbo')
  while (load<u32>(link) != 0) {
    const frame = changetype<Frame>(<usize>load<u32>(link))
    if (isTouched(frame)) {
      link = changetype<usize>(frame) + offsetof<Frame>('next')
      continue
    }
    put(link, frame.next)
    freeFrame(frame)
    if (relaxIfDeep()) link = changetype<usize>(K) + offsetof<Root>('limbo')
  }
}
