/** Every message between the inspector's worker and the thread that started it: open, opened or failed; end, ended. */
import type { ErrorRecord } from '../errors.js'
import type { Handle } from '../protocol.js'
import type { Hello } from './protocol.js'

export interface OpenMessage {
  readonly type: 'open'
  readonly handle: Handle
  /** Slot of the thread that booted. */
  readonly parent: number
  readonly path: string
  readonly hello: Hello
}

export type ToInspector = OpenMessage | { readonly type: 'end' }
export type FromInspector =
  | { readonly type: 'opened' }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly error: ErrorRecord }
