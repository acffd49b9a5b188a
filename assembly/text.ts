/**
 * Byte strings of any length in kernel memory: symlink targets, paths inside mounts, directory
 * listings.
 *
 * A chain of pieces, each in one slab structure, since no structure is longer than a slab's
 * largest.
 *
 * Invariants:
 *  1. A piece holds at most PIECE_BYTES; an empty string is one empty piece.
 *  2. Contents never change after `newText`.
 * Guarded by the kernel lock, journalled.
 */
import { allocate, free } from './slab'

@unmanaged
export class Text {
  next: Text | null
  /** Bytes in this piece; they follow the header. */
  bytes: u32
}

const HEADER_BYTES: u32 = 8
/** Most bytes in a piece. */
export const PIECE_BYTES: u32 = 2040

if (offsetof<Text>() != HEADER_BYTES) ERROR('a Text header is 8 bytes')

/** => address of a piece's bytes. */
export function bytesOf(piece: Text): usize {
  return changetype<usize>(piece) + HEADER_BYTES
}

/** => one piece with a copy of `bytes` bytes, null when memory is out. => bytes <= PIECE_BYTES. */
export function newPiece(from: usize, bytes: u32): Text | null {
  const piece = changetype<Text>(allocate(HEADER_BYTES + bytes))
  if (changetype<usize>(piece) == 0) return null
  piece.bytes = bytes
  memory.copy(bytesOf(piece), from, bytes)
  return piece
}

/**
 * => a copy of `bytes` bytes; null when memory is out, and then the caller abandons its
 * transaction.
 */
export function newText(from: usize, bytes: u32): Text | null {
  const here = min(bytes, PIECE_BYTES)
  const piece = newPiece(from, here)
  if (piece == null || here == bytes) return piece
  piece.next = newText(from + here, bytes - here)
  return piece.next == null ? null : piece
}

/** => length in bytes. */
export function textBytes(text: Text | null): u32 {
  let total: u32 = 0
  for (let piece = text; piece != null; piece = piece!.next) total += piece.bytes
  return total
}

/** Copies the string to `to`, `most` bytes of it at most. => bytes copied. */
export function copyText(text: Text | null, to: usize, most: u32): u32 {
  let done: u32 = 0
  for (let piece = text; piece != null && done < most; piece = piece!.next) {
    const here = min(piece.bytes, most - done)
    memory.copy(to + done, bytesOf(piece), here)
    done += here
  }
  return done
}

/** Frees one piece. => what came after it. */
export function freePiece(piece: Text): Text | null {
  const next = piece.next
  free(changetype<usize>(piece), HEADER_BYTES + piece.bytes)
  return next
}

/** Frees the whole string. => of a path's length: a transaction's journal holds it. */
export function freeText(text: Text | null): void {
  let piece = text
  while (piece != null) piece = freePiece(piece)
}
