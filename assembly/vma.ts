/**
 * Mappings (vmas): a range of a space's addresses with one protection and one source. Clip, split, merge.
 *
 * A vma is a node of its space's tree by address and, when it shows an object, of the object's tree by page index.
 *
 * Invariants (checkSpace):
 *  1. start and end are page-aligned, inside the window, start < end; vmas of a space do not overlap.
 *  2. pageEnd - pageStart == (end - start) / pageBytes, and the object's tree holds exactly its vmas.
 *  3. Neighbours that could be one vma are one (merge), so their number tells how many differ. Parts of an attach of a System V segment stay
 *     apart, as on Linux, where each counts in nattch; but a move's pieces are one again.
 *  4. A DYING vma takes no fault and no grant; it is on its way out (munmap of a large range).
 * Guarded by the kernel lock, journalled.
 */
import { PROT_WRITE } from './abi'
import { charge, uncharge } from './commit'
import { edit } from './journal'
import { MemObject, retain } from './object'
import { Space } from './process'
import { add, K, Root } from './root'
import { noteAttach, noteDetach } from './segment'
import { create, destroy } from './slab'
import { findEndingAfter, findEndingBefore, insert, Node, remove, resize } from './tree'

export const VMA_SHARED: u32 = 1
export const VMA_LOCKED: u32 = 2
export const VMA_NORESERVE: u32 = 4
/** Its pages are in the commit account. */
export const VMA_CHARGED: u32 = 8
export const VMA_DYING: u32 = 16
export const VMA_RANDOM: u32 = 32
export const VMA_SEQUENTIAL: u32 = 64
/** Mapped with MAP_ANONYMOUS. */
export const VMA_ANONYMOUS: u32 = 128

@unmanaged
export class Vma extends Node {
  pageLeft: Node | null
  pageRight: Node | null
  pageStart: u64
  pageEnd: u64
  pageFirst: u64
  pageLast: u64
  pageGap: u64
  space: Space | null
  /** null: private anonymous memory. */
  object: MemObject | null
  prot: u32
  /** The rights that mprotect may give. */
  maxProt: u32
  flags: u32
  /** Where the next sequential fault would be, and the run that it would read (fill.ts). */
  nextIndex: u32
  run: u32
  /** Failed write-backs of the object that this mapping's description has been told of. */
  failuresSeen: u32
  /** Inode shown, for observers and st_times; 0 for anonymous memory. */
  inode: u32
  /** Which shmat of the machine made it; 0 for what is no attach. */
  attach: u32
}

/** => the vma's node in its object's tree. */
export function byPage(vma: Vma): Node {
  return changetype<Node>(changetype<usize>(vma) + offsetof<Vma>('pageLeft'))
}

/** => the vma of a node of an object's tree. */
export function vmaByPage(node: Node): Vma {
  return changetype<Vma>(changetype<usize>(node) - offsetof<Vma>('pageLeft'))
}

/** => pages that the vma spans. */
export function pagesIn(vma: Vma): u32 {
  return <u32>((vma.end - vma.start) >> K.pageShift)
}

/** => index in the object of the page at `address`. */
export function indexOf(vma: Vma, address: u32): u64 {
  return vma.pageStart + ((address - vma.start) >> K.pageShift)
}

/** => the address at which the vma shows page `index`. => pageStart <= index < pageEnd. */
export function addressOf(vma: Vma, index: u64): u32 {
  return <u32>(vma.start + ((index - vma.pageStart) << K.pageShift))
}

/** => the vma that holds `address`, null when it is a hole. */
export function findVma(space: Space, address: u32): Vma | null {
  const node = findEndingAfter(space.root, address)
  if (node == null || node.start > address) return null
  return changetype<Vma>(node)
}

/** => the first vma that ends past `address`: it may start behind it. */
export function nextVma(space: Space, address: u64): Vma | null {
  return changetype<Vma | null>(findEndingAfter(space.root, address))
}

/** => the first vma of [start, end), null when nothing is mapped there. */
export function firstWithin(space: Space, start: u64, end: u64): Vma | null {
  if (start >= end) return null
  const vma = nextVma(space, start)
  return vma != null && vma.start < end ? vma : null
}

/** Puts a filled-in vma into its space and its object's tree; the object's reference is the caller's to give. */
export function link(space: Space, vma: Vma): void {
  vma.space = space
  edit<Space>(space)
  space.root = insert(space.root, vma)
  space.count += 1
  space.mappedPages += pagesIn(vma)
  if ((vma.flags & VMA_LOCKED) != 0) space.lockedPages += pagesIn(vma)
  add(offsetof<Root>('mappings'), 1)
  const object = vma.object
  if (object == null) return
  edit<MemObject>(object).mappers = insert(object.mappers, byPage(vma))
  if (object.segment != 0) noteAttach(object, space)
}

/** Takes a vma out of both trees. => its pages are unmapped; the structure and the object's reference stay with the caller. */
export function unlink(vma: Vma): void {
  const space = edit<Space>(vma.space!)
  space.root = remove(space.root, vma)
  space.count -= 1
  space.mappedPages -= pagesIn(vma)
  if ((vma.flags & VMA_LOCKED) != 0) space.lockedPages -= pagesIn(vma)
  add(offsetof<Root>('mappings'), -1)
  const object = vma.object
  if (object == null) return
  edit<MemObject>(object).mappers = remove(object.mappers, byPage(vma))
  if (object.segment != 0) noteDetach(object, space)
}

/** Changes a vma's ends in place, page node included. => no page is mapped outside the new range. */
export function setRange(vma: Vma, start: u64, end: u64): void {
  const space = vma.space!
  const before = pagesIn(vma)
  const pageStart = vma.pageStart + (<i64>(start - vma.start) >> K.pageShift)
  const pages = (end - start) >> K.pageShift
  resize(space.root, vma, start, end)
  edit<Space>(space).mappedPages += <u32>pages - before
  if ((vma.flags & VMA_LOCKED) != 0) space.lockedPages += <u32>pages - before
  const object = vma.object
  edit<Vma>(vma)
  if (object == null) {
    vma.pageStart = pageStart
    vma.pageEnd = pageStart + pages
    return
  }
  const node = byPage(vma)
  edit<MemObject>(object).mappers = remove(object.mappers, node)
  node.start = pageStart
  node.end = pageStart + pages
  object.mappers = insert(object.mappers, node)
}

/** Splits a vma at an address inside it. => the right half, null when memory is out. */
export function splitVma(vma: Vma, at: u64): Vma | null {
  const right = create<Vma>()
  if (changetype<usize>(right) == 0) return null
  memory.copy(changetype<usize>(right), changetype<usize>(vma), offsetof<Vma>())
  right.start = at
  right.end = vma.end
  right.pageStart = vma.pageStart + ((at - vma.start) >> K.pageShift)
  setRange(vma, vma.start, at)
  link(vma.space!, right)
  const object = right.object
  if (object != null) retain(object)
  return right
}

function joinable(a: Vma, b: Vma): bool {
  return a.attach == 0 && joinablePieces(a, b)
}

function joinablePieces(a: Vma, b: Vma): bool {
  if (a.attach != b.attach || a.end != b.start || a.object != b.object) return false
  if (a.prot != b.prot || a.maxProt != b.maxProt || a.flags != b.flags) return false
  if ((a.flags & VMA_DYING) != 0 || a.inode != b.inode) return false
  return a.object == null || a.pageEnd == b.pageStart
}

/** => the two are one now: `b` is gone from the trees and freed; the caller drops one reference of the object. */
function join(a: Vma, b: Vma): void {
  const end = b.end
  unlink(b)
  setRange(a, a.start, end)
  destroy<Vma>(b)
}

/** => the vma before and the one behind, when they can be one with `vma`. Used by mergeVma. */
export function neighbourBefore(vma: Vma): Vma | null {
  const node = findEndingBefore(vma.space!.root, vma.start)
  if (node == null) return null
  const other = changetype<Vma>(node)
  return joinable(other, vma) ? other : null
}

export function neighbourAfter(vma: Vma): Vma | null {
  const node = findEndingAfter(vma.space!.root, vma.end)
  if (node == null) return null
  const other = changetype<Vma>(node)
  return joinable(vma, other) ? other : null
}

/** Merges a vma with its neighbours where they could be one. => the vma that holds its range now. */
export function mergeVma(vma: Vma): Vma {
  let whole = vma
  const after = neighbourAfter(vma)
  if (after != null) joinWith(vma, after)
  const before = neighbourBefore(vma)
  if (before != null) {
    joinWith(before, vma)
    whole = before
  }
  return whole
}

/** Merges a piece that a move brought with the piece before it, also of an attach. */
export function mergePiece(vma: Vma): void {
  const node = findEndingBefore(vma.space!.root, vma.start)
  if (node == null) return
  const before = changetype<Vma>(node)
  if (joinablePieces(before, vma)) joinWith(before, vma)
}

function joinWith(a: Vma, b: Vma): void {
  const object = b.object
  join(a, b)
  if (object != null) edit<MemObject>(object).refs -= 1
}

/** => pages of the vma that count as promised: private writable ones, unless MAP_NORESERVE. */
export function wantsCharge(vma: Vma): bool {
  const free = VMA_SHARED | VMA_NORESERVE | VMA_CHARGED
  return (vma.flags & free) == 0 && (vma.prot & PROT_WRITE) != 0
}

/** Charges a vma that has become private writable. => false when the frames are not there. */
export function chargeVma(vma: Vma): bool {
  if (!wantsCharge(vma)) return true
  if (!charge(pagesIn(vma))) return false
  edit<Vma>(vma).flags |= VMA_CHARGED
  edit<Space>(vma.space!).charged += pagesIn(vma)
  return true
}

/** Gives back what `pages` pages of a charged vma were promised, but for what a change of its space wants to keep. */
export function unchargeVma(vma: Vma, pages: u32): void {
  if ((vma.flags & VMA_CHARGED) == 0) return
  const space = edit<Space>(vma.space!)
  const stays = min(pages, space.wanted)
  space.charged -= pages
  space.wanted -= stays
  space.kept += stays
  uncharge(pages - stays)
}
