/**
 * Long arrays: elements by index, more than one structure holds - the semaphores of a set, what a process would undo to them.
 *
 *   array -> | piece | piece | ... |        each piece SLAB_BYTES_MAX bytes, the last one as long as it needs to be
 *
 * An array knows its length by what its owner keeps: every function takes the bytes that `newArray` was given. Elements are of 2, 4 or 8
 * bytes, so none crosses two pieces. Guarded by the kernel lock, journalled.
 */
import { save } from './journal'
import { allocate, free, SLAB_BYTES_MAX } from './slab'

const PIECE_SHIFT: u32 = 11

if (SLAB_BYTES_MAX != 1 << PIECE_SHIFT) ERROR('a piece is the largest structure of a slab')

function pieces(bytes: u32): u32 {
  return (bytes + SLAB_BYTES_MAX - 1) >> PIECE_SHIFT
}

function pieceBytes(bytes: u32, piece: u32): u32 {
  return min(bytes - (piece << PIECE_SHIFT), SLAB_BYTES_MAX)
}

/** => a cleared array; 0 when memory is out: the caller abandons. => 0 < bytes <= ARRAY_BYTES_MAX; lock held. */
export function newArray(bytes: u32): u32 {
  const array = allocate(pieces(bytes) << 2)
  for (let i: u32 = 0; array != 0 && i < pieces(bytes); i++) {
    const piece = allocate(pieceBytes(bytes, i))
    if (piece == 0) return 0
    store<u32>(array + (i << 2), <u32>piece)
  }
  return <u32>array
}

/** => address of byte `offset`. => offset < bytes. */
export function inArray(array: u32, offset: u32): usize {
  const piece = load<u32>(<usize>array + ((offset >> PIECE_SHIFT) << 2))
  return <usize>piece + (offset & (SLAB_BYTES_MAX - 1))
}

/** Pushes all bytes of an array to the journal: for changes all over it, at most as many bytes as the journal has room. */
export function saveArray(array: u32, bytes: u32): void {
  for (let i: u32 = 0; i < pieces(bytes); i++) {
    save(inArray(array, i << PIECE_SHIFT), (pieceBytes(bytes, i) + 3) & ~3)
  }
}

/** Clears an array. */
export function clearArray(array: u32, bytes: u32): void {
  saveArray(array, bytes)
  for (let i: u32 = 0; i < pieces(bytes); i++) {
    memory.fill(inArray(array, i << PIECE_SHIFT), 0, pieceBytes(bytes, i))
  }
}

/** Gives an array back. */
export function freeArray(array: u32, bytes: u32): void {
  for (let i: u32 = 0; i < pieces(bytes); i++) {
    free(load<u32>(<usize>array + (i << 2)), pieceBytes(bytes, i))
  }
  free(array, pieces(bytes) << 2)
}
