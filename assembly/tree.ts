/**
 * Ordered trees of intervals: a space's mappings by address, an object's mappings by page.
 *
 * Treaps (Seidel and Aragon, "Randomized Search Trees", 1996) whose priorities are a hash of the node's address, so that the shape
 * needs no randomness and no field. Each node knows, of its subtree, the first start, the last end and the widest gap between
 * intervals: that finds overlaps and free address ranges in O(log n).
 *
 * Invariants (checkTree):
 *  1. In-order, nodes are sorted by (start, address of node).
 *  2. A parent's priority is above its children's.
 *  3. first, last and gap are those of the subtree. (`gap` has a meaning only where intervals do not overlap.)
 * Nodes are embedded in other structures. Guarded by the kernel lock, journalled.
 */
import { PANIC_TREE_AUGMENT, PANIC_TREE_HEAP, PANIC_TREE_ORDER } from './abi'
import { edit } from './journal'
import { check } from './panic'

@unmanaged
export class Node {
  left: Node | null
  right: Node | null
  start: u64
  /** First value past the interval. */
  end: u64
  first: u64
  last: u64
  gap: u64
}

function priority(node: Node): u32 {
  let x = <u32>changetype<usize>(node) * 0x9e3779b1
  x ^= x >> 15
  x *= 0x85ebca77
  return x ^ (x >> 13)
}

function before(a: Node, b: Node): bool {
  if (a.start != b.start) return a.start < b.start
  return changetype<usize>(a) < changetype<usize>(b)
}

function update(node: Node): void {
  let first = node.start
  let last = node.end
  let gap: u64 = 0
  const left = node.left
  if (left != null) {
    first = left.first
    last = max(last, left.last)
    gap = left.gap
    if (node.start > left.last) gap = max(gap, node.start - left.last)
  }
  const right = node.right
  if (right != null) {
    gap = max(gap, right.gap)
    if (right.first > node.end) gap = max(gap, right.first - node.end)
    last = max(last, right.last)
  }
  node.first = first
  node.last = last
  node.gap = gap
}

/** Splits `root` at `pivot`: what stands before it goes to splitLeft, the rest to splitRight. */
let splitLeft: Node | null = null
let splitRight: Node | null = null

function split(root: Node | null, pivot: Node): void {
  if (root == null) {
    splitLeft = null
    splitRight = null
    return
  }
  edit<Node>(root)
  if (before(root, pivot)) {
    split(root.right, pivot)
    root.right = splitLeft
    splitLeft = root
  } else {
    split(root.left, pivot)
    root.left = splitRight
    splitRight = root
  }
  update(root)
}

function merge(a: Node | null, b: Node | null): Node | null {
  if (a == null) return b
  if (b == null) return a
  if (priority(a) > priority(b)) {
    edit<Node>(a).right = merge(a.right, b)
    update(a)
    return a
  }
  edit<Node>(b).left = merge(a, b.left)
  update(b)
  return b
}

/** => the new root, with `node` (its start and end set) in it. */
export function insert(root: Node | null, node: Node): Node {
  if (root == null || priority(node) > priority(root)) {
    split(root, node)
    edit<Node>(node)
    node.left = splitLeft
    node.right = splitRight
    update(node)
    return node
  }
  edit<Node>(root)
  if (before(node, root)) root.left = insert(root.left, node)
  else root.right = insert(root.right, node)
  update(root)
  return root
}

/** => the new root without `node`. => node is in the tree. */
export function remove(root: Node | null, node: Node): Node | null {
  check(root != null, PANIC_TREE_ORDER, <u32>changetype<usize>(node))
  if (root == node) return merge(node.left, node.right)
  const top = edit<Node>(root!)
  if (before(node, top)) top.left = remove(top.left, node)
  else top.right = remove(top.right, node)
  update(top)
  return top
}

/** Changes a node's interval in place. => the order among its neighbours stays as it is. */
export function resize(root: Node | null, node: Node, start: u64, end: u64): void {
  check(root != null, PANIC_TREE_ORDER)
  const at = edit<Node>(root!)
  if (at == node) {
    node.start = start
    node.end = end
  } else resize(before(node, at) ? at.left : at.right, node, start, end)
  update(at)
}

/** => the first interval in order that ends past `value`, in a tree whose intervals do not overlap; null when none. */
export function findEndingAfter(root: Node | null, value: u64): Node | null {
  let found: Node | null = null
  let at = root
  while (at != null) {
    if (at.end > value) {
      found = at
      at = at.left
    } else at = at.right
  }
  return found
}

/** => the last interval in order that ends at or before `value`, in a tree without overlaps. */
export function findEndingBefore(root: Node | null, value: u64): Node | null {
  let found: Node | null = null
  let at = root
  while (at != null) {
    if (at.end <= value) {
      found = at
      at = at.right
    } else at = at.left
  }
  return found
}

/** => the first interval in order, null in an empty tree. */
export function firstOf(root: Node | null): Node | null {
  let at = root
  if (at == null) return null
  while (at.left != null) at = at.left!
  return at
}

/**
 * => an interval that overlaps [start, end) and comes after `after` in order (null: from the beginning), null when none.
 * Intervals may overlap each other.
 */
export function findOverlap(
  root: Node | null,
  start: u64,
  end: u64,
  after: Node | null,
): Node | null {
  if (root == null || root.last <= start || root.first >= end) return null
  if (after == null || before(after, root)) {
    const left = findOverlap(root.left, start, end, after)
    if (left != null) return left
    if (root.start < end && root.end > start) return root
  }
  return findOverlap(root.right, start, end, after)
}

/** No gap is long enough. */
export const NO_GAP: u64 = 0xffffffffffffffff

/** => start of the lowest gap of `length` within [low, high) between intervals that do not overlap; NO_GAP when none. */
export function findGap(root: Node | null, low: u64, high: u64, length: u64): u64 {
  if (high < low + length) return NO_GAP
  if (root == null) return low
  if (root.gap < length && root.first < low + length && high < max(low, root.last) + length) {
    return NO_GAP
  }
  const found = findGap(root.left, low, min(high, root.start), length)
  return found != NO_GAP ? found : findGap(root.right, max(low, root.end), high, length)
}

/** Panics at the first broken invariant; => nodes in the tree. */
export function checkTree(root: Node | null): u32 {
  if (root == null) return 0
  let count: u32 = 1
  const left = root.left
  if (left != null) {
    check(before(left, root), PANIC_TREE_ORDER)
    check(priority(left) <= priority(root), PANIC_TREE_HEAP)
    count += checkTree(left)
  }
  const right = root.right
  if (right != null) {
    check(before(root, right), PANIC_TREE_ORDER)
    check(priority(right) <= priority(root), PANIC_TREE_HEAP)
    count += checkTree(right)
  }
  const first = root.first
  const last = root.last
  const gap = root.gap
  update(root)
  check(first == root.first && last == root.last && gap == root.gap, PANIC_TREE_AUGMENT)
  return count
}
