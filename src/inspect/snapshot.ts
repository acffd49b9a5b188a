/**
 * Reads what `kernel.ipcs()` gives, slot by slot: an object that comes or goes meanwhile is in it or is not, but none is torn.
 * Process 0 is no process: the kernel lets it look (assembly/ipccalls.ts), whoever owns what.
 */
import * as abi from '../../assembly/abi.js'
import { IPC_MSG, IPC_SEM, IPC_SHM } from '../../assembly/ipcabi.js'
import { IPC, MSG, SEM, SHM } from '../constants.js'
import type { Instance } from '../instance.js'
import { Process } from '../process.js'
import type { IpcLimitValues, Ipcs, PosixMqEntry, PosixShmEntry, SemEntry } from './ipcs.js'

export function readIpcs(instance: Instance): Ipcs {
  const anyone = new Process(instance, 0)
  const { tot, rss } = anyone.shmctl(0, SHM.INFO)
  return {
    pageSize: instance.pageSize,
    shm: eachSlot(instance, IPC_SHM, (slot) => anyone.shmctl(slot, SHM.STAT_ANY)),
    msg: eachSlot(instance, IPC_MSG, (slot) => anyone.msgctl(slot, MSG.STAT_ANY)),
    sem: eachSlot(instance, IPC_SEM, (slot) => readSet(anyone, slot)),
    posix: readPosix(instance),
    limits: readLimits(anyone),
    shmPages: { total: tot, resident: rss },
  }
}

/** => what `read` gives for each slot in use; a slot that empties meanwhile is left out. */
function eachSlot<Entry>(instance: Instance, kind: number, read: (slot: number) => Entry): Entry[] {
  const found: Entry[] = []
  let slot = instance.calls.ipc_next(kind, 0)
  for (; slot >= 0; slot = instance.calls.ipc_next(kind, slot + 1)) {
    try {
      found.push(read(slot))
    } catch (error) {
      if ((error as { errno?: number }).errno !== abi.EINVAL) throw error
    }
  }
  return found
}

function readSet(anyone: Process, slot: number): SemEntry {
  const set = anyone.semctl(slot, 0, SEM.STAT_ANY)
  const values = anyone.semctl(set.id, 0, SEM.GETALL)
  const sems = values.map((val, num) => ({
    val,
    pid: anyone.semctl(set.id, num, SEM.GETPID),
    ncnt: anyone.semctl(set.id, num, SEM.GETNCNT),
    zcnt: anyone.semctl(set.id, num, SEM.GETZCNT),
  }))
  return { ...set, sems }
}

function readLimits(anyone: Process): IpcLimitValues {
  const { shmmni, shmmax, shmall, shmmin } = anyone.shmctl(0, IPC.INFO)
  const { msgmni, msgmax, msgmnb } = anyone.msgctl(0, IPC.INFO)
  const { semmni, semmsl, semmns, semopm, semvmx } = anyone.semctl(0, 0, IPC.INFO)
  const shm = { shmmni, shmmax, shmall, shmmin }
  return { ...shm, msgmni, msgmax, msgmnb, semmni, semmsl, semmns, semopm, semvmx }
}

function readPosix(instance: Instance): Ipcs['posix'] {
  const shm = readNames(instance, abi.STAT_NAMES_SHM)
  const mq = readNames(instance, abi.STAT_NAMES_MQ)
  const sem = readNames(instance, abi.STAT_NAMES_SEM)
  return {
    shm: shm.map(({ name, uid, gid, mode, size }) => ({ name, uid, gid, mode, size })),
    mq: mq.map(({ size: _, count, ...queue }) => ({ ...queue, curmsgs: count })),
    sem: sem.map(({ name, uid, gid, mode, count }) => ({ name, uid, gid, mode, value: count })),
  }
}

/** What stat_names tells of an object, whatever its kind. */
type NameRecord = PosixShmEntry & Omit<PosixMqEntry, 'curmsgs'> & { readonly count: number }

/** => the objects of a kind (STAT_NAMES_*), by name. */
function readNames(instance: Instance, kind: number): NameRecord[] {
  const { calls, view, dataAt, resultAt } = instance
  const found: NameRecord[] = []
  for (let cookie = 0; ; cookie = view.getFloat64(resultAt, true)) {
    const bytes = instance.result('ipcs', calls.stat_names(kind, cookie))
    if (bytes === 0) return found.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (let at = dataAt; at < dataAt + bytes; ) {
      found.push(readName(instance, at))
      at += abi.STAT_NAME_BYTES + view.getUint32(at + abi.STAT_NAME_LENGTH, true)
    }
  }
}

function readName(instance: Instance, at: number): NameRecord {
  const { view } = instance
  const word = (field: number) => view.getUint32(at + field, true)
  return {
    name: `/${instance.text(at + abi.STAT_NAME_BYTES, word(abi.STAT_NAME_LENGTH))}`,
    uid: word(abi.STAT_NAME_UID),
    gid: word(abi.STAT_NAME_GID),
    mode: word(abi.STAT_NAME_MODE),
    size: view.getFloat64(at + abi.STAT_NAME_SIZE, true),
    count: word(abi.STAT_NAME_COUNT),
    maxmsg: word(abi.STAT_NAME_MAXMSG),
    msgsize: word(abi.STAT_NAME_MSGSIZE),
  }
}
