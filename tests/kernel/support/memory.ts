/**
 * Memory of specs: a process, its mappings of anonymous memory and of scripted files, loads and stores as a guest makes them, and an end
 * of each test that finds everything given back.
 */
import {
  BUFFER_RESULT,
  MADV_RANDOM,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  WINDOW_START,
} from '../../../assembly/abi'
import { sysAccess, sysRelease } from '../../../assembly/access'
import { attachThread } from '../../../assembly/boot'
import { readyBuffer } from '../../../assembly/buffer'
import { sysExit } from '../../../assembly/exit'
import { allocFrame, FRAME_ANON, Frame } from '../../../assembly/frame'
import { lock, unlock } from '../../../assembly/lock'
import { sysMadvise } from '../../../assembly/madvise'
import { mapObject, sysMmap } from '../../../assembly/mmap'
import { MemObject, newObject, OBJECT_FILE } from '../../../assembly/object'
import { Process } from '../../../assembly/process'
import { releaseObject } from '../../../assembly/release'
import { K } from '../../../assembly/root'
import { noSource } from '../../../assembly/source'
import { enter, me } from '../../../assembly/thread'
import { syncObject } from '../../../assembly/writeback'
import { bootSpec, checkAll, spawn } from './boot'
import { resetDisk, setByte, setSize } from './disk'
import { dieAtEveryPush, exemptStatic, expectUndone } from './transactions'

export const PAGE: u32 = 4096
export const RIGHTS: u32 = PROT_READ | PROT_WRITE
/** Where specs put what has to be somewhere; the border of a page table is at BORDER. */
export const AT: u32 = WINDOW_START + (16 << 20)
export const BORDER: u32 = AT + (4 << 20)
const FD: i32 = 5

/** The process of the test. */
export let process: Process = changetype<Process>(0)
let object: MemObject | null = null

/** Boots a kernel of so many frames; once, at the top of a spec. */
export function bootMemory(frames: u32 = 500): void {
  bootSpec(frames)
  exemptStatic(changetype<usize>(noSource()), 8192)
}

/** Before each test. */
export function begin(): void {
  process = spawn()
  resetDisk()
}

/** After each test: the process exits, its file is written back and closed, and nothing is left. */
export function end(): void {
  sysExit(process.pid, 0)
  const file = object
  if (file != null) {
    syncObject(file, false)
    lock()
    releaseObject(file)
    unlock()
    object = null
  }
  dieAtEveryPush(false)
  checkAll()
  expectUndone()
  assert(K.mappings == 0 && K.dirtyPages == 0 && K.cachedPages == 0, 'something was left')
  assert(K.orphanFrames == 0 && K.processes == 0, 'an orphan or a process was left')
}

/** Maps anonymous memory, at `at` if that is not 0. => the address. */
export function map(pages: u32, flags: u32 = MAP_PRIVATE, at: u32 = 0, prot: u32 = RIGHTS): u32 {
  const how = flags | MAP_ANONYMOUS | (at != 0 ? MAP_FIXED : 0)
  const result = sysMmap(process, at, pages * PAGE, prot, how, -1, 0)
  assert(<u32>result >= WINDOW_START && <u32>result < 0xffff0000, `mmap gave ${result}`)
  return <u32>result
}

/** => the test's one file of `pages` pages, whose page i is full of i + 1; of FILE, over the scripted disk. */
export function makeFile(pages: u32): MemObject {
  setSize(FD, pages * PAGE)
  for (let i: u32 = 0; i < pages * PAGE; i += 512) setByte(FD, i, i / PAGE + 1)
  lock()
  const made = newObject(OBJECT_FILE, pages * PAGE)!
  made.fd = FD
  made.writable = 1
  unlock()
  object = made
  return made
}

/** Maps an object from its beginning, shared. => the address. */
export function show(file: MemObject, pages: u32, at: u32 = AT): u32 {
  lock()
  const result = mapObject(process, file, at, pages * PAGE, RIGHTS, true, 0)
  unlock()
  assert(<u32>result == at, `mapObject gave ${result}`)
  return at
}

/** Makes the test's file, shows it at AT and reads a byte of each page, page by page. */
export function showRead(pages: u32): MemObject {
  const file = makeFile(pages)
  show(file, pages)
  sysMadvise(process, AT, pages * PAGE, MADV_RANDOM)
  for (let page: u32 = 0; page < pages; page++) peek(AT + page * PAGE)
  return file
}

/** Stores a byte as a guest would. => 0 or -errno. */
export function poke(address: u64, value: u32): i32 {
  const result = sysAccess(process, address, 1, true)
  if (result == 0) store<u8>(<usize>load<u32>(<usize>me().buffer + BUFFER_RESULT), <u8>value)
  sysRelease()
  return result
}

/** => the byte, or -errno. */
export function peek(address: u64): i32 {
  const result = sysAccess(process, address, 1, false)
  const value = result == 0 ? load<u8>(<usize>load<u32>(<usize>me().buffer + BUFFER_RESULT)) : 0
  sysRelease()
  return result == 0 ? <i32>value : result
}

/** => a word at BUFFER_RESULT. */
export function resultWord(offset: u32 = 0): u32 {
  return load<u32>(<usize>me().buffer + BUFFER_RESULT + offset)
}

/** This instance goes on as another thread; the one that it was stays where it is, for ever. => its slot. */
export function goOnAsAnother(): u32 {
  const slot = me().index
  assert(attachThread(0) >= 0, 'attach')
  enter()
  assert(readyBuffer() == 0, 'no buffer')
  return slot
}

/** => a frame that nobody else has. */
export function takeFrame(): Frame {
  lock()
  const frame = allocFrame(FRAME_ANON)!
  unlock()
  return frame
}
