/**
 * Page tables: what a space's page shows now.
 *
 *   address:  | directory index | table index | offset in page |        directory and tables: one frame of 32-bit entries each
 *
 *   entry:    frame's address | WRITE 2 | READ 1        0: nothing here yet
 *             with PRIVATE: the frame is this space's own copy (FRAME_ANON); it stays until unmapped, whatever the rights
 *             with ZERO: the shared frame of zeros, never stored to
 *             with CHARGED: the page was charged when touched (MAP_NORESERVE), not when mapped
 *             none of the three: a page of the vma's object; may vanish and be faulted in again
 *             with SHARED: it is one in a shared mapping, and stores by whoever shows it reach it
 *
 * Invariants (checkSpace):
 *  1. A table's frame counts its entries in `refs` and is freed when that becomes 0, the directory with the last table.
 *  2. PTE frames' `mapped` (object pages) and `refs` (private pages) count exactly the entries that name them.
 * Guarded by the kernel lock, journalled. Guests read entries without it, hence one aligned word, stored atomically once what it names can be seen.
 */
import { PTE_FLAGS } from './abi'
import { tellDirectory } from './context'
import { allocFrame, FRAME_TABLE, Frame, frameAddress, frameOf } from './frame'
import { revoke } from './grace'
import { edit, publish, put } from './journal'
import { giveBack } from './limbo'
import { Space } from './process'
import { K } from './root'

export { PTE_FLAGS, PTE_PRIVATE, PTE_READ, PTE_SHARED, PTE_WRITE } from './abi'
export const PTE_ZERO: u32 = 8
export const PTE_CHARGED: u32 = 16

function tableShift(): u32 {
  return K.pageShift + K.pageShift - 2
}

function directorySlot(space: Space, address: u32): usize {
  return <usize>space.directory + ((<usize>(address >> tableShift())) << 2)
}

function entryIn(table: u32, address: u32): usize {
  const mask = (1 << (K.pageShift - 2)) - 1
  return <usize>table + ((<usize>((address >> K.pageShift) & mask)) << 2)
}

/** => address of the entry for `address`, 0 when its table does not exist. */
export function pteAt(space: Space, address: u32): usize {
  if (space.directory == 0) return 0
  const table = load<u32>(directorySlot(space, address))
  return table == 0 ? 0 : entryIn(table, address)
}

/** => the entry itself, 0 when there is none. */
export function pteOf(space: Space, address: u32): u32 {
  const at = pteAt(space, address)
  return at == 0 ? 0 : load<u32>(at)
}

function newTable(space: Space): u32 {
  const frame = allocFrame(FRAME_TABLE)
  if (frame == null) return 0
  memory.fill(frameAddress(frame), 0, K.pageBytes)
  edit<Space>(space).tables += 1
  return <u32>frameAddress(frame)
}

/** => address of the entry for `address`, its table made if need be; 0 when no frame is free. */
export function makePte(space: Space, address: u32): usize {
  if (space.directory == 0) {
    const directory = newTable(space)
    if (directory == 0) return 0
    setDirectory(space, directory)
  }
  const slot = directorySlot(space, address)
  let table = load<u32>(slot)
  if (table == 0) {
    table = newTable(space)
    if (table == 0) return 0
    publish(slot, table)
    edit<Frame>(frameOf(space.directory)).refs += 1
  }
  return entryIn(table, address)
}

/** Stores an entry, keeping the table's count; an emptied table stays until `trimTables`. => `at` from makePte or pteAt. */
export function setPte(at: usize, value: u32): void {
  const old = load<u32>(at)
  if ((old == 0) != (value == 0)) {
    const table = frameOf(at)
    put(changetype<usize>(table) + offsetof<Frame>('refs'), table.refs + (value == 0 ? -1 : 1))
  }
  publish(at, value)
}

function setDirectory(space: Space, directory: u32): void {
  edit<Space>(space).directory = directory
  if (space.contexts != 0) tellDirectory(space)
}

/** Frees a table or directory that nothing names any more, once no guest walks it. */
function freeTable(space: Space, table: Frame): void {
  edit<Space>(space).tables -= 1
  revoke(space, table)
  giveBack(table)
}

/** Frees the table of `address` when it is empty, and the directory when that was the last. */
function trimTable(space: Space, address: u32): void {
  if (space.directory == 0) return
  const slot = directorySlot(space, address)
  const table = load<u32>(slot)
  if (table == 0 || frameOf(table).refs != 0) return
  put(slot, 0)
  freeTable(space, frameOf(table))
  const directory = edit<Frame>(frameOf(space.directory))
  directory.refs -= 1
  if (directory.refs != 0) return
  setDirectory(space, 0)
  freeTable(space, directory)
}

/** Frees the empty tables of [start, end), whoever emptied them: a zap, a move, an eviction. => start < end. */
export function trimTables(space: Space, start: u32, end: u32): void {
  const span: u64 = (<u64>1) << tableShift()
  for (let at: u64 = start & ~(span - 1); at < end && space.directory != 0; at += span) {
    trimTable(space, <u32>at)
  }
  if (space.directory == 0) return
  const directory = frameOf(space.directory)
  if (directory.refs != 0) return
  setDirectory(space, 0) // it never got a table: there was no frame
  freeTable(space, directory)
}

/** => the first address in [from, end) whose entry is not empty, `end` when there is none. */
export function nextPte(space: Space, from: u32, end: u32): u32 {
  if (space.directory == 0) return end
  const span: u64 = (<u64>1) << tableShift()
  let address: u64 = from
  while (address < end) {
    const table = load<u32>(directorySlot(space, <u32>address))
    const border = min<u64>((address & ~(span - 1)) + span, end)
    if (table == 0 || frameOf(table).refs == 0) {
      address = border
      continue
    }
    for (; address < border; address += K.pageBytes) {
      if (load<u32>(entryIn(table, <u32>address)) != 0) return <u32>address
    }
  }
  return end
}

/** => frame descriptor of an entry that is not empty. */
export function frameOfPte(entry: u32): Frame {
  return frameOf(entry & ~PTE_FLAGS)
}
