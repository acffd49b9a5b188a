/** Processes and their mappings as an observer sees them: no process is joined, no page is brought into memory. */
import {
  PROCESSES_MAX,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  STAT_PROCESS_BYTES,
  STAT_PROCESS_EGID,
  STAT_PROCESS_EUID,
  STAT_PROCESS_MAPPINGS,
  STAT_PROCESS_PAGES,
  STAT_PROCESS_PARENT,
  STAT_PROCESS_PID,
  STAT_PROCESS_THREADS,
} from '../../assembly/abi.js'
import type { Instance } from '../instance.js'
import type { MapEntry } from '../maps.js'

/** A process of a kernel. */
export interface ProcessEntry {
  readonly pid: number
  /** 0 for none. */
  readonly parent: number
  readonly euid: number
  readonly egid: number
  /** Threads that joined it. */
  readonly threads: number
  readonly mappings: number
  /** Mapped, resident or not. */
  readonly pages: number
}

/** A process's mappings, for JSON: `ino` is a number. */
export interface ProcessMaps extends ProcessEntry {
  readonly maps: readonly MapRow[]
}

export type MapRow = Omit<MapEntry, 'ino'> & { readonly ino: number }

/** => all processes, in the order of their pids. */
export function readProcesses(instance: Instance): ProcessEntry[] {
  const { view, dataAt, resultAt, calls } = instance
  const found: ProcessEntry[] = []
  for (let from = 0; from < PROCESSES_MAX; ) {
    const count = instance.result('processes', calls.stat_processes(from))
    from = view.getUint32(resultAt, true)
    for (let index = 0; index < count; index++) {
      const word = (field: number) =>
        view.getUint32(dataAt + index * STAT_PROCESS_BYTES + field, true)
      found.push({
        pid: word(STAT_PROCESS_PID),
        parent: word(STAT_PROCESS_PARENT),
        euid: word(STAT_PROCESS_EUID),
        egid: word(STAT_PROCESS_EGID),
        threads: word(STAT_PROCESS_THREADS),
        mappings: word(STAT_PROCESS_MAPPINGS),
        pages: word(STAT_PROCESS_PAGES),
      })
    }
  }
  return found.sort((left, right) => left.pid - right.pid)
}

/** => 'rw-s', 'r--p': as in /proc/PID/maps. */
export function permissionsOf({ prot, shared }: Pick<MapEntry, 'prot' | 'shared'>): string {
  const letter = (bit: number, name: string) => ((prot & bit) === 0 ? '-' : name)
  const access = letter(PROT_READ, 'r') + letter(PROT_WRITE, 'w') + letter(PROT_EXEC, 'x')
  return access + (shared ? 's' : 'p')
}

/** => what a mapping shows, in a word or two. */
export function sourceOf({ anonymous, segment, locked, ino }: Source): string {
  const file = anonymous ? '[anon]' : `inode ${ino}`
  const source = segment ? `segment ${segment.id}` : file
  return locked ? `${source} locked` : source
}

type Source = Pick<MapRow, 'anonymous' | 'segment' | 'locked'> & { readonly ino: number | bigint }
