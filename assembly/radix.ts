/**
 * Sparse arrays of pages: (page index) -> frame, with a mark on dirty ones.
 *
 * A radix tree of 64 slots a node, as high as its largest index needs (Linux's page cache before XArray). Each node has a
 * bit a slot that says "dirty here or below", so the dirty pages of a huge file are found without looking at the clean ones.
 *
 * Invariants (checkRadix):
 *  1. A node has as many slots filled as `count` says, and is freed when that becomes 0.
 *  2. A slot's dirty bit is set exactly when its page is (leaf) or when its child has any (inner).
 * The two words `root` and `height` belong to the owner (object.ts). Guarded by the kernel lock, journalled.
 */
import { PANIC_RADIX_COUNT, PANIC_RADIX_SLOT, PANIC_RADIX_TAG } from './abi'
import { edit, put, save } from './journal'
import { check } from './panic'
import { allocate, free } from './slab'

const SHIFT: u32 = 6
const SLOTS: u32 = 64
const MASK: u64 = 63
/** count, pad, dirty bits, slots. */
const DIRTY: usize = 8
const SLOT: usize = 16
const NODE_BYTES: u32 = 272
/** The first index that no page may have: 2^42 pages of 4096 bytes are past every offset. */
export const INDEX_END: u64 = 1 << 42

@unmanaged
export class Radix {
  root: u32
  /** Levels of nodes: 0 for an empty array. */
  height: u32
}

function slotOf(index: u64, level: u32): u32 {
  return <u32>((index >> (level * SHIFT)) & MASK)
}

function covers(height: u32, index: u64): bool {
  return height * SHIFT >= 42 || index >> (height * SHIFT) == 0
}

/** => the value at `index`, 0 when empty. */
export function get(radix: Radix, index: u64): u32 {
  if (radix.height == 0 || !covers(radix.height, index)) return 0
  let node: usize = radix.root
  for (let level: i32 = radix.height - 1; level >= 0; level--) {
    node = load<u32>(node + ((<usize>slotOf(index, level)) << 2), SLOT)
    if (node == 0) return 0
  }
  return <u32>node
}

/** Puts a value other than 0 at an empty `index`. => false when memory is out; what was built then stays, empty (prune). */
export function set(radix: Radix, index: u64, value: u32): bool {
  if (!grow(radix, index)) return false
  let node: usize = radix.root
  for (let level: i32 = radix.height - 1; level > 0; level--) {
    const at = node + SLOT + ((<usize>slotOf(index, level)) << 2)
    let child = load<u32>(at)
    if (child == 0) {
      child = <u32>allocate(NODE_BYTES)
      if (child == 0) return false
      put(at, child)
      put(node, load<u32>(node) + 1)
    }
    node = child
  }
  const at = node + SLOT + ((<usize>slotOf(index, 0)) << 2)
  check(load<u32>(at) == 0, PANIC_RADIX_SLOT, <u32>index)
  put(at, value)
  put(node, load<u32>(node) + 1)
  return true
}

/** Makes the tree high enough for `index`. An empty one gets a single node at that height: nodes below it would stay empty. */
function grow(radix: Radix, index: u64): bool {
  if (radix.height == 0) return plant(radix, index)
  while (!covers(radix.height, index)) {
    const node = allocate(NODE_BYTES)
    if (node == 0) return false
    edit<Radix>(radix)
    store<u32>(node, radix.root, SLOT)
    store<u32>(node, 1)
    store<u64>(node, load<u64>(radix.root, DIRTY) != 0 ? 1 : 0, DIRTY)
    radix.root = <u32>node
    radix.height += 1
  }
  return true
}

/** The first node of an empty tree. */
function plant(radix: Radix, index: u64): bool {
  const node = allocate(NODE_BYTES)
  if (node == 0) return false
  edit<Radix>(radix)
  radix.root = <u32>node
  radix.height = 1
  while (!covers(radix.height, index)) radix.height += 1
  return true
}

/** Exchanges the value at a filled `index` for another. */
export function replace(radix: Radix, index: u64, value: u32): void {
  let node: usize = radix.root
  for (let level: i32 = radix.height - 1; level > 0; level--) {
    node = load<u32>(node + ((<usize>slotOf(index, level)) << 2), SLOT)
  }
  put(node + SLOT + ((<usize>slotOf(index, 0)) << 2), value)
}

/** Empties a filled `index` and frees the nodes that this leaves empty. */
export function clear(radix: Radix, index: u64): void {
  if (clearBelow(radix.root, radix.height - 1, index)) {
    edit<Radix>(radix)
    radix.root = 0
    radix.height = 0
  }
}

/** => the node became empty and is freed. */
function clearBelow(node: usize, level: u32, index: u64): bool {
  const slot = slotOf(index, level)
  const at = node + SLOT + ((<usize>slot) << 2)
  const child = load<u32>(at)
  check(child != 0, PANIC_RADIX_SLOT, <u32>index)
  if (level > 0 && !clearBelow(child, level - 1, index)) {
    if (load<u64>(child, DIRTY) == 0) setBit(node, slot, false)
    return false
  }
  save(node, 16)
  setBit(node, slot, false)
  put(at, 0)
  store<u32>(node, load<u32>(node) - 1)
  if (load<u32>(node) != 0) return false
  free(node, NODE_BYTES)
  return true
}

function setBit(node: usize, slot: u32, on: bool): void {
  const bits = load<u64>(node, DIRTY)
  const bit: u64 = (<u64>1) << slot
  const next = on ? bits | bit : bits & ~bit
  if (next == bits) return
  save(node + DIRTY, 8)
  store<u64>(node, next, DIRTY)
}

/** Marks a filled `index` dirty or clean. */
export function mark(radix: Radix, index: u64, dirty: bool): void {
  markBelow(radix.root, radix.height - 1, index, dirty)
}

function markBelow(node: usize, level: u32, index: u64, dirty: bool): void {
  const slot = slotOf(index, level)
  const child = load<u32>(node + ((<usize>slot) << 2), SLOT)
  check(child != 0, PANIC_RADIX_SLOT, <u32>index)
  if (level > 0) {
    markBelow(child, level - 1, index, dirty)
    setBit(node, slot, load<u64>(child, DIRTY) != 0)
  } else setBit(node, slot, dirty)
}

/** => the first filled index at or after `from` (with `dirty`: that is dirty), INDEX_END when none. */
export function next(radix: Radix, from: u64, dirty: bool): u64 {
  if (radix.height == 0 || !covers(radix.height, from)) return INDEX_END
  return nextBelow(radix.root, radix.height - 1, from, 0, dirty)
}

function nextBelow(node: usize, level: u32, from: u64, base: u64, dirty: bool): u64 {
  const span: u64 = (<u64>1) << (level * SHIFT)
  let slot: u32 = from > base ? <u32>((from - base) >> (level * SHIFT)) : 0
  const bits = load<u64>(node, DIRTY)
  for (; slot < SLOTS; slot++) {
    if (dirty) {
      const rest = bits >> slot
      if (rest == 0) return INDEX_END
      slot += <u32>ctz<u64>(rest)
    }
    const child = load<u32>(node + ((<usize>slot) << 2), SLOT)
    if (child == 0) continue
    const start = base + <u64>slot * span
    if (level == 0) return start
    const found = nextBelow(child, level - 1, from, start, dirty)
    if (found != INDEX_END) return found
  }
  return INDEX_END
}

/** Frees a path that a failed `set` left without a value. => nothing is filled at `index`. */
export function prune(radix: Radix, index: u64): void {
  if (radix.height == 0 || !covers(radix.height, index)) return
  if (pruneBelow(radix.root, radix.height - 1, index)) {
    edit<Radix>(radix)
    radix.root = 0
    radix.height = 0
  }
}

function pruneBelow(node: usize, level: u32, index: u64): bool {
  const at = node + SLOT + ((<usize>slotOf(index, level)) << 2)
  const child = load<u32>(at)
  if (level > 0 && child != 0 && pruneBelow(child, level - 1, index)) {
    put(at, 0)
    put(node, load<u32>(node) - 1)
  }
  if (load<u32>(node) != 0) return false
  free(node, NODE_BYTES)
  return true
}

/** Panics at the first broken invariant; => filled indexes. */
export function checkRadix(radix: Radix): u32 {
  if (radix.height == 0) {
    check(radix.root == 0, PANIC_RADIX_COUNT)
    return 0
  }
  return checkBelow(radix.root, radix.height - 1)
}

function checkBelow(node: usize, level: u32): u32 {
  let filled: u32 = 0
  let values: u32 = 0
  for (let slot: u32 = 0; slot < SLOTS; slot++) {
    const child = load<u32>(node + ((<usize>slot) << 2), SLOT)
    const bit = ((load<u64>(node, DIRTY) >> slot) & 1) != 0
    if (child == 0) {
      check(!bit, PANIC_RADIX_TAG, slot)
      continue
    }
    filled++
    if (level == 0) {
      values++
      continue
    }
    check(bit == (load<u64>(child, DIRTY) != 0), PANIC_RADIX_TAG, slot)
    values += checkBelow(child, level - 1)
  }
  check(filled == load<u32>(node) && filled != 0, PANIC_RADIX_COUNT, filled)
  return values
}
