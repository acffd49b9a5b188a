/**
 * What a rewritten module and the kernel agree on: names, the entries of the table, the places of the context record
 * and of page table entries. The numbers of the kernel stand in assembly/abi.ts.
 */

/** Address spaces: below SIGN private memory, from there on the window between two guards of GUARD bytes. */
export const GUARD = 0x100_0000
/** The most pages of 64 KiB that a private memory may have: all below 2 GiB, one page left. */
export const PRIVATE_PAGES_MAX = 32767

export const MODULE = 'isopage'
export const PRIVATE = 'private'
export const MEMORY = 'memory'
export const PREFIX = 'isopage:'
export const EXPORT_TABLE = 'isopage:table'
export const EXPORT_CONTEXT = 'isopage:context'
/** To be called before an export is, when the host ran meanwhile: registers of the past are forgotten. */
export const EXPORT_DROP = 'isopage:drop'
export const EXPORT_START = 'isopage:start'
/** The custom section that marks a rewritten module. */
export const SECTION = 'isopage'
/** The custom section that says where the code of a module with debug information came from (origins.ts). */
export const ORIGINS = 'isopage.origins'
export const VERSION = 1

/** Entries of `isopage:table`. */
export const ENTRY_FAULT = 0
export const ENTRY_LOAD = 1
export const ENTRY_STORE = 2
export const ENTRY_POLL = 3
export const ENTRY_COPY = 4
export const ENTRY_FILL = 5
export const ENTRY_WAIT = 6
export const ENTRY_NOTIFY = 7
export const ENTRY_READ32 = 8
export const ENTRY_READ64 = 9
export const ENTRY_WRITE32 = 10
export const ENTRY_WRITE64 = 11
export const ENTRY_RMW32 = 12
export const ENTRY_RMW64 = 13
export const ENTRY_CHECK = 14
export const ENTRIES = 16

/** `op` of ENTRY_RMW32 and ENTRY_RMW64. */
export const RMW = ['add', 'sub', 'and', 'or', 'xor', 'xchg', 'cmpxchg', 'load'] as const
export const RMW_XCHG = 5
export const RMW_LOAD = 7

export {
  ATTENTION,
  CONTEXT_BOUNCE,
  CONTEXT_DELTA,
  CONTEXT_DIRECTORY,
  CONTEXT_GENERATION,
  CONTEXT_LENGTH,
  CONTEXT_PAGE_SHIFT,
  CONTEXT_START,
  PTE_FLAGS,
  PTE_PRIVATE,
  PTE_READ,
  PTE_SHARED,
  PTE_WRITE,
} from '../../../assembly/abi.js'

/** How many rounds of loops the accessors back end makes between two polls: a power of two. */
export const POLL_ROUNDS = 4096
/** Where a loop counts its rounds by itself, it polls once in 2 to the power of this. */
export const SPARSE_LOG2 = 8

/** A register that holds no extent: no mapped address lies in these 16 bytes. */
export const NO_EXTENT = 0x4000_0000
export const NO_EXTENT_BYTES = 16
