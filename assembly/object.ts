/**
 * Memory objects: sparse arrays of pages that mappings show and files are made of.
 *
 *   ANON   shared anonymous memory, System V segments: no backing, size fixed, frames promised at creation (`reserved`)
 *   TMPFS  a file of the kernel's own file system, and of ANON what was made without a promise: no backing, a frame is charged when a page is made
 *   FILE   a file of a mount: backed by `fd` of provider `mount`; clean pages may leave, dirty ones are written first
 *
 * Invariants (checkObject, with cache.ts):
 *  1. `refs` counts mappings, open users and the inode or the segment itself. At 0 pages and structure are freed.
 *  2. `mappers` holds every vma of the object as an interval of page indexes (an rmap).
 *  3. `resident` pages are in the radix tree, `dirtyPages` of them marked. Only FILE pages are ever dirty.
 *  4. No page starts at or past `size`, except while a truncate takes them away (`uncut`).
 * Guarded by the kernel lock, journalled.
 */
import { PANIC_OBJECT_REFS } from './abi'
import { now } from './env'
import { edit, put } from './journal'
import { check } from './panic'
import { Radix } from './radix'
import { add, K, Root } from './root'
import { create } from './slab'
import { Node } from './tree'

export const OBJECT_ANON: u32 = 1
export const OBJECT_TMPFS: u32 = 2
export const OBJECT_FILE: u32 = 3

@unmanaged
export class MemObject {
  /** The radix tree's two words: see pagesOf. */
  radixRoot: u32
  radixHeight: u32
  kind: u32
  refs: u32
  /** Bytes. */
  size: u64
  /** Root of the tree of vmas that map it (vma.ts: the node `byPage`). */
  mappers: Node | null
  /** Inode that owns it, 0 for ANON. */
  inode: u32
  /** System V segment that owns it (segment.ts), 0 for none. */
  segment: u32
  /** That segment was removed: its last attach ends it. */
  removed: u32
  resident: u32
  dirtyPages: u32
  /** Frames promised at creation (ANON). */
  reserved: u32
  /** Pages in write-back now: truncate waits for 0 on the object's key. */
  writing: u32
  /** Frames of it under host views: they are looked at by hash. */
  viewed: u32
  /** FILE: mount and provider descriptor; fd is -1 while closed. */
  mount: u32
  fd: i32
  /** Failed write-backs so far, and the last one's errno: reported once to each open description (file.ts). */
  failures: u32
  failure: i32
  /** The list of objects with something to write or to make durable (cache.ts): this one's number there, 0 when it is not in it. */
  listed: u64
  nextDirty: u32
  prevDirty: u32
  /** Objects whose owner may be the last user: see takeIdle. */
  nextIdle: u32
  idle: u32
  /** Milliseconds since 1970. */
  mtimeMs: f64
  ctimeMs: f64
  /** Set while somebody changes the size: others wait on the object's key. */
  resizing: u32
  /** FILE: opened for writing at the provider. */
  writable: u32
  /** Written to the provider and not yet made durable: the number of the last such write, 0 when there is none. */
  unsynced: u64
  /** MS_ASYNC asked for it: the next background round writes it. */
  scheduled: u32
  /** Page after the last one read: a read there is in sequence. */
  nextRead: u32
  /** `size` was made smaller, and not all that lies past it is gone (resize.ts). */
  uncut: u32
  /** Frame of page i less i, where its pages were put last (place.ts); 0: nowhere yet. */
  place: u32
}

/** => the object's sparse array of pages. */
export function pagesOf(object: MemObject): Radix {
  return changetype<Radix>(object)
}

/** => the key that waiters for the object itself use. */
export function keyOf(object: MemObject): u64 {
  return changetype<usize>(object)
}

/** => an object with one reference, null when memory is out. => lock held. */
export function newObject(kind: u32, size: u64): MemObject | null {
  const object = create<MemObject>()
  if (changetype<usize>(object) == 0) return null
  object.kind = kind
  object.refs = 1
  object.size = size
  object.fd = -1
  object.mtimeMs = now(1)
  object.ctimeMs = object.mtimeMs
  add(offsetof<Root>('objects'), 1)
  return object
}

/** One more user. */
export function retain(object: MemObject): void {
  edit<MemObject>(object).refs += 1
}

/**
 * One user less. => true when that was the last: the caller frees it (cache.ts `destroyObject`). When only the inode, or a removed segment, is left
 * the object goes to the idle list, for upper layers to look at (takeIdle): the kernel's lower half knows nothing of them.
 */
export function dropRef(object: MemObject): bool {
  check(object.refs > 0, PANIC_OBJECT_REFS)
  edit<MemObject>(object).refs -= 1
  if (object.refs == 1 && (object.inode != 0 || object.removed != 0)) noteIdle(object)
  return object.refs == 0
}

/** Puts an object that only its owner uses on the idle list. => edited in this transaction. */
export function noteIdle(object: MemObject): void {
  if (object.idle != 0) return
  object.idle = 1
  object.nextIdle = K.idleObjects
  put(changetype<usize>(K) + offsetof<Root>('idleObjects'), <u32>changetype<usize>(object))
}

/** => the next object that only its owner uses (it may have been taken up again since), null when there is none. */
export function takeIdle(): MemObject | null {
  const first = K.idleObjects
  if (first == 0) return null
  const object = edit<MemObject>(changetype<MemObject>(<usize>first))
  put(changetype<usize>(K) + offsetof<Root>('idleObjects'), object.nextIdle)
  object.idle = 0
  object.nextIdle = 0
  return object
}

/** The contents changed: st_mtime and st_ctime move. */
export function touchTimes(object: MemObject): void {
  edit<MemObject>(object).mtimeMs = now(1)
  object.ctimeMs = object.mtimeMs
}
