/** The steps of queues.c, made on Isopage: the same outcomes and states, as the same text. */

import { IPC, type Kernel, MSG, type MsgInfo, O, type Process } from '../../dist/src/index.js'
import { type Call, chosen, ok, ScriptSteps, SLOTS, said, USERS } from './script-steps.ts'

const ACCESS = [O.RDONLY, O.WRONLY, O.RDWR] as const
/** As queues.c has them; none is out of range by nanoseconds: a number of milliseconds has none. */
const DEADLINES: Readonly<Record<number, number>> = { 0: 1000, 1: 4e12, 3: -1000 }

export class QueueSteps extends ScriptSteps {
  readonly #processes: Process[]
  /** Descriptors by process and slot. */
  readonly #mqds = USERS.map(() => SLOTS.map(() => -1))

  constructor(kernel: Kernel) {
    super(kernel)
    this.#processes = USERS.map((user) => kernel.process(user))
    for (const process of this.#processes) process.umask(0)
  }

  protected override process(which: number): Process {
    return this.#processes[which] as Process
  }

  /** No script of queues ends a process. */
  protected override replace(which: number): never {
    throw new Error(`process ${which} cannot end`)
  }

  protected override call(which: number, name: string, path: string, n: number[]): Call {
    return name.startsWith('mq_') ? this.#posix(which, name, path, n) : this.#systemV(name, n)
  }

  #systemV(name: string, n: number[]): Call {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = n
    const id = this.ids[a] ?? a
    const slot = id & 0x7fff
    const control = (command: number, ...more: unknown[]): Call => ({
      name: 'msgctl',
      args: [name.startsWith('stat_') ? slot : id, command, ...more],
      say: (result) => (name.startsWith('stat_') ? `ok ${(result as { id: number }).id}` : 'ok'),
    })
    const calls: Record<string, () => Call> = {
      msgget: () => ({
        name: 'msgget',
        args: [b, c],
        say: (made) => this.#made(a, made as number),
      }),
      msgsnd: () => ({ name: 'msgsnd', args: [id, b, new Uint8Array(c).fill(d), e], say: ok }),
      msgrcv: () => ({
        name: 'msgrcv',
        args: [id, { size: b, type: c, flags: d }],
        say: (got) => received(got as { type: number; data: Uint8Array }),
      }),
      set: () => control(IPC.SET, { uid: b, gid: c, mode: d, qbytes: e }),
      rmid: () => control(IPC.RMID),
      stat: () => control(IPC.STAT),
      stat_slot: () => control(MSG.STAT),
      stat_any: () => control(MSG.STAT_ANY),
      info: () => ({ name: 'msgctl', args: [0, a ? MSG.INFO : IPC.INFO], say: limits }),
    }
    return chosen(calls, name)
  }

  #made(slot: number, id: number): string {
    this.ids[slot] = id
    return `ok ${id}`
  }

  #posix(which: number, name: string, path: string, n: number[]): Call {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = n
    const mqds = this.#mqds[which] as number[]
    const mqd = mqds[a] ?? a
    const calls: Record<string, () => Call> = {
      mq_open: () => this.#open(mqds, a, path, b, { mode: c, maxmsg: d, msgsize: e }),
      mq_unlink: () => ({ name, args: [path], say: ok }) as Call,
      mq_close: () => ({ name, args: [mqd], say: () => this.#closed(mqds, a) }) as Call,
      mq_send: () => {
        const args = [mqd, new Uint8Array(c).fill(d), b]
        if (e < 0) return { name: 'mq_send', args, say: ok }
        return { name: 'mq_timedsend', args: [...args, DEADLINES[e]], say: ok }
      },
      mq_receive: () => {
        const say = (got: unknown) => received(got as { priority: number; data: Uint8Array })
        if (c < 0) return { name: 'mq_receive', args: [mqd, b], say }
        return { name: 'mq_timedreceive', args: [mqd, DEADLINES[c], b], say }
      },
      mq_setattr: () => {
        return { name: 'mq_setattr', args: [mqd, { flags: b === 1 ? O.NONBLOCK : b }], say: ok }
      },
      mq_getattr: () => ({ name: 'mq_getattr', args: [mqd], say: attributes }),
      mq_notify: () => ({ name: 'mq_notify', args: [mqd, b ? () => {} : null], say: ok }),
    }
    return chosen(calls, name)
  }

  #open(
    mqds: number[],
    slot: number,
    path: string,
    bits: number,
    { mode, maxmsg, msgsize }: { mode: number; maxmsg: number; msgsize: number },
  ): Call {
    const access = ACCESS[(bits & 3) as 0 | 1 | 2]
    const creates = (bits & 4 ? O.CREAT : 0) | (bits & 8 ? O.EXCL : 0)
    const flags = access | creates | (bits & 16 ? O.NONBLOCK : 0)
    const options = maxmsg === 0 && msgsize === 0 ? { mode } : { mode, maxmsg, msgsize }
    const say = (mqd: unknown) => {
      if (mqds[slot] !== -1) this.#processes[this.#mqds.indexOf(mqds)]?.mq_close(mqds[slot] ?? -1)
      mqds[slot] = mqd as number
      return 'ok'
    }
    return { name: 'mq_open', args: [path, flags, options], say }
  }

  #closed(mqds: number[], slot: number): string {
    if (slot in mqds) mqds[slot] = -1
    return 'ok'
  }

  protected override state(): string {
    const root = this.#processes[0] as Process
    const process = (pid: number) => this.#processes.findIndex((each) => each.pid === pid) + 1
    const states = this.ids.map((id, slot) => {
      if (said(() => `${root.msgctl(id, IPC.STAT).qnum}`) === 'EINVAL') return ''
      const { perm, stime, rtime, ctime, cbytes, qnum, qbytes, lspid, lrpid } = root.msgctl(
        id,
        IPC.STAT,
      )
      const times = [stime, rtime, ctime].map((time, i) => this.moved(slot, i, time)).join('')
      const { key, uid, gid, cuid, cgid, mode, seq } = perm
      const owner = `key ${(key >>> 0).toString(16)} uid ${uid} gid ${gid} cuid ${cuid} cgid ${cgid}`
      const counts = `cbytes ${cbytes} qnum ${qnum} qbytes ${qbytes}`
      const pids = `sent ${process(lspid)} received ${process(lrpid)}`
      return ` | ${id}: ${owner} mode ${mode.toString(8)} seq ${seq} times ${times} ${counts} ${pids}`
    })
    return states.join('')
  }
}

function received({ data, ...of }: { type?: number; priority?: number; data: Uint8Array }): string {
  return `ok ${data.length} of ${of.type ?? of.priority}: ${data[0] ?? 0}`
}

function attributes(attr: unknown): string {
  const { flags, maxmsg, msgsize, curmsgs } = attr as Record<string, number>
  return `ok ${flags ? 1 : 0} ${maxmsg} ${msgsize} ${curmsgs}`
}

function limits(info: unknown): string {
  const { last, msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql, msgseg } = info as MsgInfo
  return `ok ${last}: ${msgpool} ${msgmap} ${msgmax} ${msgmnb} ${msgmni} ${msgssz} ${msgtql} ${msgseg}`
}
