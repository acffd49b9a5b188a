/**
 * A store whose first call of one method is answered late: in `words` it says that it has the call, and waits to be allowed
 * to go on. It acts before it waits, or after.
 *
 *     | asked | allowed |
 */

import { Store } from './store.ts'

export const [ASKED, ALLOWED] = [0, 1] as const

export interface LateOptions {
  op: 'stat' | 'unlink'
  acts: 'first' | 'last'
  words: Int32Array
}

export default ({ op, acts, words }: LateOptions) => {
  const store = new Store()
  const act = store[op].bind(store) as (of: number | string) => unknown
  const later = async (of: number | string) => {
    if (Atomics.exchange(words, ASKED, 1) !== 0) return act(of)
    const result = acts === 'first' ? act(of) : undefined
    while (Atomics.load(words, ALLOWED) === 0) await new Promise((on) => setTimeout(on, 1))
    return acts === 'first' ? result : act(of)
  }
  const capabilities = { ...store.capabilities, async: true }
  return Object.assign(store, { capabilities, [op]: later })
}
