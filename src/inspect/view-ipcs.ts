/** The tables of the view that show what `ipcs` does. */
import type { IpcPerm } from '../ipc-perm.js'
import type {
  Ipcs,
  MsgEntry,
  PosixMqEntry,
  PosixSemEntry,
  PosixShmEntry,
  SemEntry,
  ShmEntry,
} from './ipcs.js'
import { type Column, Table } from './view-dom.js'

/** A table, and which part of the snapshot it shows. */
export interface Section {
  readonly root: HTMLElement
  show(ipcs: Ipcs): void
}

interface Owned {
  readonly id: number
  readonly perm: IpcPerm
}

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(3, '0')

const OWNED: readonly Column<Owned>[] = [
  ['key', ({ perm }) => `0x${(perm.key >>> 0).toString(16).padStart(8, '0')}`],
  ['id', ({ id }) => id],
  ['uid', ({ perm }) => perm.uid],
  ['perms', ({ perm }) => octal(perm.mode)],
]

const SHM: readonly Column<ShmEntry>[] = [
  ...OWNED,
  ['bytes', ({ segsz }) => segsz.toLocaleString('en-US')],
  ['nattch', ({ nattch }) => nattch],
  ['cpid', ({ cpid }) => cpid],
  ['lpid', ({ lpid }) => lpid || '-'],
  [
    'status',
    ({ perm }) =>
      [perm.mode & 0o1000 && 'dest', perm.mode & 0o2000 && 'locked'].filter(Boolean).join(' '),
  ],
]

const MSG: readonly Column<MsgEntry>[] = [
  ...OWNED,
  ['messages', ({ qnum }) => qnum],
  ['bytes', ({ cbytes }) => cbytes.toLocaleString('en-US')],
  ['of', ({ qbytes }) => qbytes.toLocaleString('en-US')],
  ['sent by', ({ lspid }) => lspid || '-'],
  ['received by', ({ lrpid }) => lrpid || '-'],
]

/** Values that a cell shows. */
const VALUES_MAX = 16

const SEM: readonly Column<SemEntry>[] = [
  ...OWNED,
  ['nsems', ({ nsems }) => nsems],
  ['values', ({ sems }) => cut(sems.map(({ val }) => val))],
  ['wait for more', ({ sems }) => cut(sems.map(({ ncnt }) => ncnt))],
  ['wait for 0', ({ sems }) => cut(sems.map(({ zcnt }) => zcnt))],
]

function cut(values: readonly number[]): string {
  const shown = values.slice(0, VALUES_MAX).join(' ')
  return values.length > VALUES_MAX ? `${shown} …` : shown
}

interface Named {
  readonly name: string
  readonly uid: number
  readonly mode: number
}

const NAMED: readonly Column<Named>[] = [
  ['name', ({ name }) => name],
  ['uid', ({ uid }) => uid],
  ['perms', ({ mode }) => octal(mode)],
]

const POSIX_SHM: readonly Column<PosixShmEntry>[] = [
  ...NAMED,
  ['bytes', ({ size }) => size.toLocaleString('en-US')],
]

const POSIX_MQ: readonly Column<PosixMqEntry>[] = [
  ...NAMED,
  ['messages', ({ curmsgs }) => curmsgs],
  ['at most', ({ maxmsg }) => maxmsg],
  ['bytes of one', ({ msgsize }) => msgsize.toLocaleString('en-US')],
]

const POSIX_SEM: readonly Column<PosixSemEntry>[] = [...NAMED, ['value', ({ value }) => value]]

function section<Row>(
  title: string,
  columns: readonly Column<Row>[],
  rowsOf: (ipcs: Ipcs) => readonly Row[],
): Section {
  const table = new Table(title, columns)
  return { root: table.root, show: (ipcs) => table.show(rowsOf(ipcs)) }
}

/** => the tables, in the order in which they stand. */
export function ipcSections(): Section[] {
  return [
    section('Shared memory segments', SHM, ({ shm }) => shm),
    section('Message queues', MSG, ({ msg }) => msg),
    section('Semaphore sets', SEM, ({ sem }) => sem),
    section('POSIX shared memory', POSIX_SHM, ({ posix }) => posix.shm),
    section('POSIX message queues', POSIX_MQ, ({ posix }) => posix.mq),
    section('POSIX semaphores', POSIX_SEM, ({ posix }) => posix.sem),
  ]
}
