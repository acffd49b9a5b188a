import { put } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { create, destroy } from '../../assembly/slab'
import {
  checkTree,
  findEndingAfter,
  findEndingBefore,
  findGap,
  findOverlap,
  firstOf,
  insert,
  NO_GAP,
  Node,
  remove,
  resize,
} from '../../assembly/tree'
import { bootSpec } from './support/boot'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(400)

/** The word that holds the tree's root, in a structure of its own so that it is journalled like any. */
lock()
const ROOT = changetype<usize>(create<Node>())
unlock()

const SPACE: u32 = 2000
const nodes = new StaticArray<usize>(SPACE)
let live: u32 = 0

function root(): Node | null {
  return changetype<Node | null>(<usize>load<u32>(ROOT))
}

function setRoot(node: Node | null): void {
  put(ROOT, <u32>changetype<usize>(node))
}

function nodeAt(i: u32): Node {
  return changetype<Node>(nodes[i])
}

function add(start: u64, end: u64): void {
  lock()
  const node = create<Node>()
  node.start = start
  node.end = end
  setRoot(insert(root(), node))
  assert(checkTree(root()) == live + 1, 'insert lost a node')
  unlock()
  let i = live++
  for (; i > 0 && before(node, nodeAt(i - 1)); i--) nodes[i] = nodes[i - 1]
  nodes[i] = changetype<usize>(node)
}

function before(a: Node, b: Node): bool {
  return a.start != b.start ? a.start < b.start : changetype<usize>(a) < changetype<usize>(b)
}

function drop(i: u32): void {
  const node = nodeAt(i)
  lock()
  setRoot(remove(root(), node))
  assert(checkTree(root()) == live - 1, 'remove lost a node')
  destroy<Node>(node)
  unlock()
  live--
  for (; i < live; i++) nodes[i] = nodes[i + 1]
}

function clear(): void {
  while (live > 0) drop(live - 1)
}

/** First index whose interval ends past `value`, `live` when none. */
function modelAfter(value: u64): u32 {
  let i: u32 = 0
  while (i < live && nodeAt(i).end <= value) i++
  return i
}

function modelGap(low: u64, high: u64, length: u64): u64 {
  let at = low
  for (let i: u32 = 0; i < live; i++) {
    if (nodeAt(i).end <= at) continue
    if (nodeAt(i).start >= at + length) break
    at = nodeAt(i).end
  }
  return at + length <= high ? at : NO_GAP
}

/** Free room around interval i: as far as it may be resized. */
function roomBefore(i: u32): u64 {
  return i == 0 ? 0 : nodeAt(i - 1).end
}

function roomAfter(i: u32): u64 {
  return i + 1 == live ? SPACE : nodeAt(i + 1).start
}

function compareSearches(): void {
  const value = <u64>below(SPACE)
  const i = modelAfter(value)
  const found = findEndingAfter(root(), value)
  assert(changetype<usize>(found) == (i < live ? nodes[i] : 0), 'findEndingAfter')
  let j = i
  while (j > 0 && nodeAt(j - 1).end > value) j--
  const earlier = findEndingBefore(root(), value)
  assert(changetype<usize>(earlier) == (j > 0 ? nodes[j - 1] : 0), 'findEndingBefore')
  assert(changetype<usize>(firstOf(root())) == (live > 0 ? nodes[0] : 0), 'firstOf')
  const low = <u64>below(SPACE)
  const high = low + below(SPACE)
  const length: u64 = 1 + below(60)
  assert(findGap(root(), low, high, length) == modelGap(low, high, length), 'findGap')
}

/** Every interval that overlaps [start, end), in order, as a model lists them. */
function compareOverlaps(): void {
  const start = <u64>below(SPACE)
  const end: u64 = start + 1 + below(100)
  let at: Node | null = null
  for (let i: u32 = 0; i < live; i++) {
    const node = nodeAt(i)
    if (node.start >= end || node.end <= start) continue
    at = findOverlap(root(), start, end, at)
    assert(changetype<usize>(at) == nodes[i], 'findOverlap')
  }
  assert(findOverlap(root(), start, end, at) == null || at == null, 'findOverlap found too much')
}

describe('trees', () => {
  afterEach(() => {
    dieAtEveryPush(false)
    clear()
    expectUndone()
  })

  it('finds nothing in an empty tree, and its gap is everything', () => {
    expect(findEndingAfter(null, 0) == null).toBe(true)
    expect(findOverlap(null, 0, 10, null) == null).toBe(true)
    expect(findGap(null, 5, 10, 5)).toBe(5)
    expect(findGap(null, 5, 10, 6)).toBe(NO_GAP)
  })

  it('finds the lowest gap that is long enough, between neighbours and at both ends', () => {
    add(10, 20)
    add(25, 40)
    add(41, 50)
    expect(findGap(root(), 0, 60, 10)).toBe(0)
    expect(findGap(root(), 5, 60, 5)).toBe(5)
    expect(findGap(root(), 6, 60, 5)).toBe(20)
    expect(findGap(root(), 6, 60, 1)).toBe(6)
    expect(findGap(root(), 6, 60, 6)).toBe(50)
    expect(findGap(root(), 6, 55, 6)).toBe(NO_GAP)
  })

  it('agrees with a sorted array of disjoint intervals, and a death at any push leaves no trace', () => {
    reseed('disjoint intervals')
    for (let step = 0; step < 3000; step++) {
      dieAtEveryPush(step % 8 == 0)
      const what = below(100)
      if (what < 45) {
        const start = <u64>below(SPACE - 40)
        const end: u64 = start + 1 + below(30)
        const i = modelAfter(start)
        if (i == live || nodeAt(i).start >= end) add(start, end)
      } else if (live > 0 && what < 70) drop(below(live))
      else if (live > 0) {
        const i = below(live)
        const low = roomBefore(i)
        const start = low + below(<u32>(nodeAt(i).end - low))
        const end: u64 = start + 1 + below(<u32>(roomAfter(i) - start))
        lock()
        resize(root(), nodeAt(i), start, end)
        checkTree(root())
        unlock()
      }
      compareSearches()
      compareOverlaps()
      expectUndone()
    }
  })

  it('agrees with a sorted array of intervals that overlap', () => {
    reseed('overlapping intervals')
    for (let step = 0; step < 2000; step++) {
      dieAtEveryPush(step % 16 == 0)
      if (live < 100 && chance(55)) {
        const start = <u64>below(SPACE - 200)
        add(start, start + 1 + below(200))
      } else if (live > 0) drop(below(live))
      compareOverlaps()
      expectUndone()
    }
  })
})
