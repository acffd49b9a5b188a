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
