/**
 * The end of an object: its pages leave the cache and its structure is freed, in pieces short enough for the lock.
 */
import { findPage, nextPage, removePage, unlistDirty } from './cache'
import { uncharge } from './commit'
import { edit } from './journal'
import { relax, relaxIfDeep } from './lock'
import { dropRef, MemObject } from './object'
import { INDEX_END } from './radix'
import { add, Root } from './root'
import { destroy } from './slab'

/** Frees an object that nobody refers to any more. => lock held; relaxes. */
export function destroyObject(object: MemObject): void {
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
  relax()
}

/** One user less; the last one frees the object. => lock held; relaxes when it does. */
export function releaseObject(object: MemObject): void {
  if (dropRef(object)) destroyObject(object)
}
