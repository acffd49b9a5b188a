/**
 * The text that `ipcs` of util-linux prints, column for column, for a snapshot of ours. The formats are those of its sys-utils/ipcs.c
 * (2.38); tests compare byte for byte. Trailing blanks are part of them.
 */
import { SHM_DEST, SHM_LOCKED } from '../../assembly/ipcabi.js'
import type { IpcPerm } from '../ipc-perm.js'
import type { Ipcs, MsgEntry, SemEntry, ShmEntry } from './ipcs.js'

export type IpcKind = 'msg' | 'shm' | 'sem'
export type IpcsFormat = 'list' | 'time' | 'pid' | 'creator' | 'limits' | 'summary'
export type IpcsUnit = 'default' | 'bytes' | 'human'

/** Names of users and groups by number; undefined: the number is printed. */
export interface Names {
  user(uid: number): string | undefined
  group(gid: number): string | undefined
}

export interface IpcsTextOptions {
  /** All three by default; printed in the order msg, shm, sem. */
  readonly kinds?: readonly IpcKind[]
  readonly format?: IpcsFormat
  readonly unit?: IpcsUnit
  readonly names?: Names
}

const NO_NAMES: Names = { user: () => undefined, group: () => undefined }
const ORDER: readonly IpcKind[] = ['msg', 'shm', 'sem']

/** => what `ipcs` with these options prints. */
export function ipcsText(ipcs: Ipcs, options: IpcsTextOptions = {}): string {
  const { kinds = ORDER, format = 'list', unit = 'default', names = NO_NAMES } = options
  const text = new Text(ipcs, unit, names)
  const parts = ORDER.filter((kind) => kinds.includes(kind)).map((kind) => text.part(kind, format))
  return `\n${parts.map((lines) => `${lines.map((line) => `${line}\n`).join('')}\n`).join('')}`
}

/** => what `ipcs -i` prints for one object; undefined when there is none of that id. */
export function ipcText(
  ipcs: Ipcs,
  kind: IpcKind,
  id: number,
  unit: IpcsUnit = 'default',
): string | undefined {
  const lines = { shm: shmLines, msg: msgLines, sem: semLines }
  const found = ipcs[kind].find((object) => object.id === id)
  const print = lines[kind] as (object: unknown, unit: IpcsUnit) => string[]
  return found && `\n${print(found, unit).join('\n')}\n\n`
}

type Sections = Readonly<Record<IpcsFormat, () => string[]>>

class Text {
  readonly #ipcs: Ipcs
  readonly #unit: IpcsUnit
  readonly #names: Names

  constructor(ipcs: Ipcs, unit: IpcsUnit, names: Names) {
    this.#ipcs = ipcs
    this.#unit = unit
    this.#names = names
  }

  part(kind: IpcKind, format: IpcsFormat): string[] {
    return { msg: this.#msg, shm: this.#shm, sem: this.#sem }[kind][format]()
  }

  readonly #shm: Sections = {
    list: () => [
      '------ Shared Memory Segments --------',
      row(
        [10, 10, 10, 10, 10, 10, 12],
        this.#heads('shm', 'key shmid owner perms bytes nattch status'),
      ),
      ...this.#ipcs.shm.map(({ id, perm, segsz, nattch }) => {
        const bytes = this.#unit === 'human' ? `${human(segsz).padStart(6)}    ` : left(10, segsz)
        const status = [
          perm.mode & SHM_DEST ? 'dest' : ' ',
          perm.mode & SHM_LOCKED ? 'locked' : ' ',
        ]
        return `${this.#begin(id, perm)} ${bytes} ${left(10, nattch)} ${row([6, 6], status)}`
      }),
    ],
    time: () => [
      '------ Shared Memory Attach/Detach/Change Times --------',
      row([10, 10, 20, 20, 20], ['shmid', 'owner', 'attached', 'detached', 'changed']),
      ...this.#ipcs.shm.map(({ id, perm, atime, dtime, ctime }) =>
        row([10, 10, 20, 20, 20], [id, this.#owner(perm), ...[atime, dtime, ctime].map(short)]),
      ),
    ],
    pid: () => [
      '------ Shared Memory Creator/Last-op PIDs --------',
      row([10, 10, 10, 10], ['shmid', 'owner', 'cpid', 'lpid']),
      ...this.#ipcs.shm.map(({ id, perm, cpid, lpid }) =>
        row([10, 10, 10, 10], [id, this.#owner(perm), cpid, lpid]),
      ),
    ],
    creator: () => this.#creators('Shared Memory Segment', 'shmid', this.#ipcs.shm),
    limits: () => {
      const { shmmni, shmmax, shmall, shmmin } = this.#ipcs.limits
      const total = shmall * this.#ipcs.pageSize
      const all =
        this.#unit === 'default'
          ? `max total shared memory (kbytes) = ${Math.floor(total / 1024)}`
          : this.#sized('max total shared memory', total)
      return [
        '------ Shared Memory Limits --------',
        `max number of segments = ${shmmni}`,
        this.#sized('max seg size', shmmax, 'kbytes'),
        all,
        this.#sized('min seg size', shmmin, 'bytes'),
      ]
    },
    summary: () => [
      '------ Shared Memory Status --------',
      `segments allocated ${this.#ipcs.shm.length}`,
      `pages allocated ${this.#ipcs.shmPages.total}`,
      `pages resident  ${this.#ipcs.shmPages.resident}`,
      'pages swapped   0',
      'Swap performance: 0 attempts\t 0 successes',
    ],
  }

  readonly #msg: Sections = {
    list: () => [
      '------ Message Queues --------',
      row(
        [10, 10, 10, 10, 12, 12],
        this.#heads('msg', 'key msqid owner perms used-bytes messages'),
      ),
      ...this.#ipcs.msg.map(({ id, perm, cbytes, qnum }) => {
        const bytes =
          this.#unit === 'human' ? `${human(cbytes).padStart(6)}      ` : left(12, cbytes)
        return `${this.#begin(id, perm)} ${bytes} ${left(12, qnum)}`
      }),
    ],
    time: () => [
      '------ Message Queues Send/Recv/Change Times --------',
      row([8, 10, 20, 20, 20], ['msqid', 'owner', 'send', 'recv', 'change']),
      ...this.#ipcs.msg.map(({ id, perm, stime, rtime, ctime }) =>
        row([8, 10, 20, 20, 20], [id, this.#owner(perm), ...[stime, rtime, ctime].map(short)]),
      ),
    ],
    pid: () => [
      '------ Message Queues PIDs --------',
      row([10, 10, 10, 10], ['msqid', 'owner', 'lspid', 'lrpid']),
      ...this.#ipcs.msg.map(({ id, perm, lspid, lrpid }) => {
        const [sent, received] = [String(lspid).padStart(5), String(lrpid).padStart(5)]
        return `${row([8, 10], [id, this.#owner(perm)])}  ${sent}     ${received}`
      }),
    ],
    creator: () => this.#creators('Message Queues', 'msqid', this.#ipcs.msg),
    limits: () => {
      const { msgmni, msgmax, msgmnb } = this.#ipcs.limits
      return [
        '------ Messages Limits --------',
        `max queues system wide = ${msgmni}`,
        this.#sized('max size of message', msgmax, 'bytes'),
        this.#sized('default max size of queue', msgmnb, 'bytes'),
      ]
    },
    summary: () => {
      const sum = (field: 'qnum' | 'cbytes') =>
        this.#ipcs.msg.reduce((total, queue) => total + queue[field], 0)
      const used = this.#sized('used space', sum('cbytes'))
      return [
        '------ Messages Status --------',
        `allocated queues = ${this.#ipcs.msg.length}`,
        `used headers = ${sum('qnum')}`,
        this.#unit === 'default' ? `${used} bytes` : used,
      ]
    },
  }

  readonly #sem: Sections = {
    list: () => [
      '------ Semaphore Arrays --------',
      row([10, 10, 10, 10, 10], ['key', 'semid', 'owner', 'perms', 'nsems']),
      ...this.#ipcs.sem.map(({ id, perm, nsems }) => `${this.#begin(id, perm)} ${left(10, nsems)}`),
    ],
    time: () => [
      '------ Semaphore Operation/Change Times --------',
      row([8, 10, 26, 26], ['semid', 'owner', 'last-op', 'last-changed']),
      ...this.#ipcs.sem.map(
        ({ id, perm, otime, ctime }) =>
          `${row([8, 10], [id, this.#owner(perm)])}  ${row([26, 26], [long(otime), long(ctime)])}`,
      ),
    ],
    pid: () => [],
    creator: () => this.#creators('Semaphore Arrays', 'semid', this.#ipcs.sem),
    limits: () => {
      const { semmni, semmsl, semmns, semopm, semvmx } = this.#ipcs.limits
      return [
        '------ Semaphore Limits --------',
        `max number of arrays = ${semmni}`,
        `max semaphores per array = ${semmsl}`,
        `max semaphores system wide = ${semmns}`,
        `max ops per semop call = ${semopm}`,
        `semaphore max value = ${semvmx}`,
      ]
    },
    summary: () => [
      '------ Semaphore Status --------',
      `used arrays = ${this.#ipcs.sem.length}`,
      `allocated semaphores = ${this.#ipcs.sem.reduce((total, { nsems }) => total + nsems, 0)}`,
    ],
  }

  #heads(kind: 'shm' | 'msg', text: string): string[] {
    const bytes = kind === 'shm' ? 'bytes' : 'used-bytes'
    return text.split(' ').map((word) => (word === bytes && this.#unit === 'human' ? 'size' : word))
  }

  /** Key, id, owner and permissions of a row. */
  #begin(id: number, perm: IpcPerm): string {
    const mode = (perm.mode & 0o777).toString(8)
    const cells = row([10, 10, 10], [id, this.#owner(perm), mode])
    return `0x${(perm.key >>> 0).toString(16).padStart(8, '0')} ${cells}`
  }

  #owner({ uid }: IpcPerm): string {
    return this.#names.user(uid)?.slice(0, 10) ?? String(uid)
  }

  #creators(
    title: string,
    idName: string,
    objects: readonly { readonly id: number; readonly perm: IpcPerm }[],
  ): string[] {
    const { user, group } = this.#names
    const widths = [10, 10, 10, 10, 10, 10]
    return [
      `------ ${title} Creators/Owners --------`,
      row(widths, [idName, 'perms', 'cuid', 'cgid', 'uid', 'gid']),
      ...objects.map(({ id, perm: { mode, cuid, cgid, uid, gid } }) => {
        const creator = [user(cuid) ?? cuid, group(cgid) ?? cgid]
        const owner = [user(uid) ?? uid, group(gid) ?? gid]
        return row(widths, [id, (mode & 0o777).toString(8), ...creator, ...owner])
      }),
    ]
  }

  /** `name (unit) = bytes`, in the unit asked for, else in `usual`. */
  #sized(name: string, bytes: number, usual?: 'bytes' | 'kbytes'): string {
    if (this.#unit === 'human') return `${name} = ${human(bytes)}`
    const unit = this.#unit === 'bytes' ? 'bytes' : usual
    const head = unit === undefined ? name : `${name} (${unit})`
    return `${head} = ${unit === 'kbytes' ? Math.floor(bytes / 1024) : bytes}`
  }
}

function shmLines(segment: ShmEntry, unit: IpcsUnit): string[] {
  const { id, perm, segsz, lpid, cpid, nattch, atime, dtime, ctime } = segment
  const { uid, gid, cuid, cgid, mode } = perm
  const size = unit === 'human' ? `size=${human(segsz)}` : `bytes=${segsz}`
  return [
    `Shared memory Segment shmid=${id}`,
    `uid=${uid}\tgid=${gid}\tcuid=${cuid}\tcgid=${cgid}`,
    `mode=${octal(mode)}\taccess_perms=${octal(mode & 0o777)}`,
    `${size}\tlpid=${lpid}\tcpid=${cpid}\tnattch=${nattch}`,
    `att_time=${left(26, long(atime))}`,
    `det_time=${left(26, long(dtime))}`,
    `change_time=${left(26, clock(ctime))}`,
  ]
}

function msgLines(queue: MsgEntry, unit: IpcsUnit): string[] {
  const { id, perm, cbytes, qbytes, qnum, lspid, lrpid, stime, rtime, ctime } = queue
  const { uid, gid, cuid, cgid, mode } = perm
  const sizes =
    unit === 'human'
      ? `csize=${human(cbytes)}\tqsize=${human(qbytes)}`
      : `cbytes=${cbytes}\tqbytes=${qbytes}`
  return [
    `Message Queue msqid=${id}`,
    `uid=${uid}\tgid=${gid}\tcuid=${cuid}\tcgid=${cgid}\tmode=${octal(mode)}`,
    `${sizes}\tqnum=${qnum}\tlspid=${lspid}\tlrpid=${lrpid}`,
    `send_time=${left(26, long(stime))}`,
    `rcv_time=${left(26, long(rtime))}`,
    `change_time=${left(26, long(ctime))}`,
  ]
}

function semLines({ id, perm, nsems, otime, ctime, sems }: SemEntry): string[] {
  const { uid, gid, cuid, cgid, mode } = perm
  const widths = [10, 10, 10, 10, 10]
  return [
    `Semaphore Array semid=${id}`,
    `uid=${uid}\t gid=${gid}\t cuid=${cuid}\t cgid=${cgid}`,
    `mode=${octal(mode)}, access_perms=${octal(mode & 0o777)}`,
    `nsems = ${nsems}`,
    `otime = ${left(26, long(otime))}`,
    `ctime = ${left(26, clock(ctime))}`,
    row(widths, ['semnum', 'value', 'ncount', 'zcount', 'pid']),
    ...sems.map(({ val, ncnt, zcnt, pid }, index) => row(widths, [index, val, ncnt, zcnt, pid])),
  ]
}

/** => C's `%-*s`. */
function left(width: number, cell: string | number): string {
  return String(cell).padEnd(width)
}

function row(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, at) => left(widths[at] as number, cell)).join(' ')
}

/** => C's `%#o`. */
function octal(mode: number): string {
  return mode === 0 ? '0' : `0${mode.toString(8)}`
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** => ctime(3) without its newline: 'Wed Jun 30 21:49:08 1993', in the local time zone. */
function clock(seconds: number): string {
  const time = new Date(seconds * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  const day = String(time.getDate()).padStart(2)
  return `${DAYS[time.getDay()]} ${MONTHS[time.getMonth()]} ${day} ${hours} ${time.getFullYear()}`
}

function long(seconds: number): string {
  return seconds === 0 ? 'Not set' : clock(seconds)
}

/** The 16 characters after the day of the week. */
function short(seconds: number): string {
  return seconds === 0 ? 'Not set' : clock(seconds).slice(4, 20)
}

/** => util-linux's size_to_human_string: '4K', '1.5M', '12B'. */
export function human(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 6)
  const unit = 1024 ** power
  let whole = Math.floor(bytes / unit)
  // Its rounding: thousandths cut off, then to tenths.
  let tenths = Math.floor((Math.floor(((bytes % unit) * 1000) / unit) + 50) / 100)
  if (tenths === 10) {
    whole++
    tenths = 0
  }
  return `${whole}${tenths === 0 ? '' : `.${tenths}`}${'BKMGTPE'[power]}`
}
