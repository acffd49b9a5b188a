/**
 * Guests for specs: a process with mappings, contexts that this thread runs, and one that runs on another thread (which is this one before it attached again).
 */
import { MAP_ANONYMOUS, MAP_FIXED, PROT_READ, PROT_WRITE } from '../../../assembly/abi'
import { attachThread } from '../../../assembly/boot'
import { findPage } from '../../../assembly/cache'
import { contextAt } from '../../../assembly/context'
import { Frame } from '../../../assembly/frame'
import { owe } from '../../../assembly/grace'
import {
  goOn,
  leaveContext,
  sysGuestCreate,
  sysGuestEnter,
  sysGuestFault,
} from '../../../assembly/guest'
import { sweepLimbo } from '../../../assembly/limbo'
import { lock, unlock } from '../../../assembly/lock'
import { mapObject, sysMmap, sysMunmap } from '../../../assembly/mmap'
import { MemObject, newObject, OBJECT_FILE } from '../../../assembly/object'
import { Process } from '../../../assembly/process'
import { releaseObject } from '../../../assembly/release'
import { enter, me, threadAt } from '../../../assembly/thread'
import { syncObject } from '../../../assembly/writeback'
import { faultAddress, faultKind, resetDisk, setSize } from './disk'

export const BASE: u32 = 0x90000000
export const RIGHTS: u32 = PROT_READ | PROT_WRITE
export const FD: i32 = 5
export const PAGES: u32 = 8
export let process: Process = changetype<Process>(0)
export let object: MemObject = changetype<MemObject>(0)
/** The context of a guest that runs on another thread, where there is one. */
export let other: u32 = 0

export function at(page: u32): u32 {
  return BASE + (page << 12)
}

export function map(page: u32, pages: u32, flags: u32, rights: u32 = RIGHTS): void {
  const all = flags | MAP_FIXED | MAP_ANONYMOUS
  assert(sysMmap(process, at(page), pages << 12, rights, all, -1, 0) == <i32>at(page), 'mmap')
}

/** Maps a file of PAGES pages from `page` on. */
export function mapFile(page: u32): void {
  resetDisk()
  setSize(FD, PAGES << 12)
  lock()
  object = newObject(OBJECT_FILE, PAGES << 12)!
  object.fd = FD
  object.writable = 1
  const result = mapObject(process, object, at(page), PAGES << 12, RIGHTS, true, 0)
  unlock()
  assert(result == <i32>at(page), 'map')
}

export function pageOf(index: u32): Frame | null {
  return findPage(object, index)
}

export function dropFile(page: u32): void {
  assert(sysMunmap(process, at(page), PAGES << 12) == 0, 'munmap')
  heard()
  assert(syncObject(object, false) == 0, 'sync')
  lock()
  releaseObject(object)
  unlock()
}

export function create(): u32 {
  const context = <u32>sysGuestCreate(process)
  assert(context < 0x80000000, 'no context')
  owe(0)
  return context
}

/** This thread runs the guest of a context until `out`. */
export function run(context: u32): void {
  assert(sysGuestEnter(context) == 0, 'enter')
  goOn(contextAt(context))
}

export function out(context: u32): void {
  leaveContext(context)
  enter()
}

/** The frame's address of a page by a guest's fault; 0 when it ends the guest. */
export function load1(context: u32, address: u32): u32 {
  return load<u8>(<usize>sysGuestFault(context, address, 1, false))
}

export function store1(context: u32, address: u32, value: u8): void {
  store<u8>(<usize>sysGuestFault(context, address, 1, true), value)
}

/** A guest of the process runs on another thread, in code of its own: this instance goes on as a third. */
export function runElsewhere(): void {
  other = create()
  run(other)
  attachThread(0)
  enter()
  me().buffer = threadAt(0).buffer
}

/** The other guest polls. */
export function heard(): void {
  if (other != 0) contextAt(other).generation = contextAt(other).wanted
  owe(0)
  lock()
  sweepLimbo()
  unlock()
}

/** What ended a guest, by the host's record. */
export function ended(kind: i32, address: u32): bool {
  const same = faultKind() == kind && faultAddress() == address
  enter()
  return same
}

/** The process whose guests these are, from now on. */
export function setProcess(next: Process): void {
  process = next
}

/** No guest runs elsewhere. */
export function forgetOther(): void {
  other = 0
}
