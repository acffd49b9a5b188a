/** What both workers of the share-write rows know. */

export const SHARED_PATH = '/share'
/** A page with the flag, a page with the payload. */
export const SHARE_BYTES = 8192
/** Index of the flag in the file's words: the turn that was stored last. */
export const FLAG = 0
export const PAYLOAD_AT = 4096
export const PAYLOAD_BYTES = 4096
/** Index, in the words for the way back, of the turn that was seen last. */
export const ACK = 0

/**
 * How each row hands over: `ours` and `peer`. `spin` and `sleep` are through a mapping, `bare` is Atomics.wait and notify on memory that
 * both workers share without a kernel, `message` is postMessage.
 */
export const HANDS = {
  'share-write-spin': { ours: 'spin', peer: 'message' },
  'share-write-sleep': { ours: 'sleep', peer: 'message' },
  'share-wake': { ours: 'sleep', peer: 'bare' },
  'bare-wake': { ours: 'bare', peer: 'message' },
}
