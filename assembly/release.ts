/**
 * The end of an object: its pages leave the cache and its structure is freed, in pieces short enough for the lock.
 */

import { findPage, nextPage, removePage, unlistDirty } from './cache'
import { uncharge } from './commit'
import { edit, put } from './journal'
import { relax, relaxIfDeep } from './lock'
import { dropRef, MemObject } from './object'
import { INDEX_END } from './radix'
import { add, Root } from './root'
import { destroy } from './slab'
import { me, Thread, threadAt } from './thread'

/**
 * Frees an object that nobody refers to any more: since this transaction, so that the slot names it from the moment when nothing else
 * does. => lock held; relaxes.
 */
export function destroyObject(object: MemObject): void {
  const doomed = changetype<usize>(me()) + offsetof<Thread>('doomed')
  put(doomed, <u32>changetype<usize>(object))
  let index = nextPage(object, 0, false)
  while (index != INDEX_END) {
    removePage(findPage(object, index)!)
    relaxIfDeep()
    index = nextPage(object, index + 1, false)
  }
  if (object.listed != 0) unlistDirty(edit<MemObject>(object))
  uncharge(object.reserved)
  add(offsetof<Root>('objects'), -1)
  destroy<MemObject>(object)
  put(doomed, 0)
  relax()
}

/** Thread `index` died while it freed an object: frees the rest. => lock held; relaxes. */
export function finishDoomed(index: u32): void {
  const at = changetype<usize>(threadAt(index)) + offsetof<Thread>('doomed')
  const object = load<u32>(at)
  if (object == 0) return
  put(at, 0)
  destroyObject(changetype<MemObject>(<usize>object))
}

/** One user less; the last one frees the object. => lock held; relaxes when it does. */
export function releaseObject(object: MemObject): void {
  if (dropRef(object)) destroyObject(object)
}
