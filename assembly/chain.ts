/**
 * Byte chains: what is longer than a structure and shorter than a page is worth - the body of a message, the operations of a sleeping
 * semop. A list of blocks carved from slabs, filled and read in order (Linux's msg_msg and its segments).
 *
 *   chain -> | next | bytes... | -> | next | bytes... | -> 0
 *
 * A chain knows its blocks by the length that its owner keeps: every function takes it, and it must be the one of `newChain`.
 * Guarded by the kernel lock, journalled.
 */
import { save } from './journal'
import { allocate, free, SLAB_BYTES_MAX } from './slab'

/** Bytes of data in a block that is not the last. */
const ROOM: u32 = SLAB_BYTES_MAX - 4

function blockBytes(left: u32): u32 {
  return min(left, ROOM) + 4
}

/** => a chain for `bytes` bytes, as yet of no content; 0 when memory is out: the caller abandons. => bytes > 0; lock held. */
export function newChain(bytes: u32): u32 {
  const first = allocate(blockBytes(bytes))
  let last = first
  for (let left = bytes - min(bytes, ROOM); last != 0 && left > 0; left -= min(left, ROOM)) {
    const block = allocate(blockBytes(left))
    store<u32>(last, <u32>block)
    last = block
  }
  return last == 0 ? 0 : <u32>first
}

/** Fills a new chain from `from`. => made in this transaction, so that its old bytes need no saving. */
export function fillChain(chain: u32, bytes: u32, from: usize): void {
  let block: usize = chain
  for (let done: u32 = 0; done < bytes; done += min(bytes - done, ROOM)) {
    memory.copy(block + 4, from + done, min(bytes - done, ROOM))
    block = load<u32>(block)
  }
}

/** Copies the first `count` bytes out of a chain. => count <= its length. */
export function readChain(chain: u32, count: u32, to: usize): void {
  let block: usize = chain
  for (let done: u32 = 0; done < count; done += min(count - done, ROOM)) {
    memory.copy(to + done, block + 4, min(count - done, ROOM))
    block = load<u32>(block)
  }
}

/** Changes the first `count` bytes of a chain. => count <= its length. */
export function writeChain(chain: u32, count: u32, from: usize): void {
  let block: usize = chain
  for (let done: u32 = 0; done < count; done += min(count - done, ROOM)) {
    save(block + 4, (min(count - done, ROOM) + 3) & ~3)
    memory.copy(block + 4, from + done, min(count - done, ROOM))
    block = load<u32>(block)
  }
}

/** Gives a chain back. => `bytes` as it was asked for. */
export function freeChain(chain: u32, bytes: u32): void {
  let block: usize = chain
  for (let left = bytes; left > 0; left -= min(left, ROOM)) {
    const next = load<u32>(block)
    free(block, blockBytes(left))
    block = next
  }
}
