/**
 * Snapshots of an address space for observers: its mappings, like /proc/PID/maps with counts, and the state of single pages.
 * They change nothing: a page that is looked at here is not brought into memory. Layouts: assembly/abi.ts, "snapshots".
 */
import * as abi from '../assembly/abi.js'
import type { Instance } from './instance.js'

/** One mapping of a process. */
export interface MapEntry {
  /** Its first address. */
  readonly start: number
  /** The address after its last. */
  readonly end: number
  /** PROT.* bits. */
  readonly prot: number
  readonly shared: boolean
  readonly anonymous: boolean
  /** By mlock. */
  readonly locked: boolean
  /** Where it begins in its file, bytes. */
  readonly offset: number
  /** `ino` of its file; 0 for anonymous memory. */
  readonly ino: bigint
  /** Of an attach of a System V segment: its id, and the key that it was made with. */
  readonly segment: { readonly id: number; readonly key: number } | undefined
  /** Pages of the mapping that are in memory. */
  readonly resident: number
  /** Pages of a shared mapping that wait to be written; stores through `bytes` count once touch or msync knows of them. */
  readonly dirty: number
  /** Pages that a store copied for this process alone. */
  readonly private: number
}

/** => the mappings that the last `stat_maps` left: `count` records, not counted yet, and the address to go on from. */
export function readMaps({ view, dataAt }: Instance, count: number): UncountedMap[] {
  return Array.from({ length: count }, (_, index) => {
    const at = dataAt + index * abi.STAT_MAP_BYTES
    const word = (field: number) => view.getUint32(at + field, true)
    const flags = word(abi.STAT_MAP_FLAGS)
    return {
      start: word(abi.STAT_MAP_START),
      end: word(abi.STAT_MAP_END),
      prot: word(abi.STAT_MAP_PROT),
      shared: (flags & abi.STAT_MAP_SHARED) !== 0,
      anonymous: (flags & abi.STAT_MAP_ANONYMOUS) !== 0,
      locked: (flags & abi.STAT_MAP_LOCKED) !== 0,
      offset: view.getFloat64(at + abi.STAT_MAP_OFFSET, true),
      ino: BigInt(view.getFloat64(at + abi.STAT_MAP_INO, true)),
      segment:
        (flags & abi.STAT_MAP_SEGMENT) === 0
          ? undefined
          : {
              id: word(abi.STAT_MAP_SHMID),
              key: view.getInt32(at + abi.STAT_MAP_KEY, true),
            },
    }
  })
}

/** A mapping whose pages were not looked at. */
export type UncountedMap = Omit<MapEntry, 'resident' | 'dirty' | 'private'>

/** => the mapping with its pages counted. `pages`: a byte of PAGE.* bits each. */
export function counted(map: UncountedMap, pages: Uint8Array): MapEntry {
  const count = (bit: number) => pages.reduce((sum, bits) => sum + Number((bits & bit) !== 0), 0)
  return {
    ...map,
    resident: count(abi.STAT_PAGE_PRESENT),
    dirty: map.shared ? count(abi.STAT_PAGE_DIRTY) : 0,
    private: count(abi.STAT_PAGE_PRIVATE),
  }
}
