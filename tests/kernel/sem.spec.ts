import {
  E2BIG,
  EACCES,
  EAGAIN,
  EEXIST,
  EFBIG,
  EIDRM,
  EINVAL,
  ENOENT,
  ENOSPC,
  EPERM,
  ERANGE,
  ETIMEDOUT,
  EWOULDBLOCK_PARK,
} from '../../assembly/abi'
import { sysExit } from '../../assembly/exit'
import { sysIpcLimit } from '../../assembly/ipc'
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_NOWAIT,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  LIMIT_SEMMNI,
  LIMIT_SEMMNS,
  LIMIT_SEMMSL,
  LIMIT_SEMOPM,
  SEM_GETNCNT,
  SEM_GETPID,
  SEM_GETVAL,
  SEM_GETZCNT,
  SEM_INFO,
  SEM_SETALL,
  SEM_SETVAL,
  SEM_STAT,
  SEM_UNDO,
  SEMID_DS_NSEMS,
  SEMINFO_SEMAEM,
  SEMMNI,
  SEMMNS,
  SEMMSL,
  SEMOPM,
} from '../../assembly/ipcabi'
import { depth, put } from '../../assembly/journal'
import { lock, unlock } from '../../assembly/lock'
import { sysSemop } from '../../assembly/semop'
import { findSet, semAt, semsInUse } from '../../assembly/semset'
import { owe, owedSet } from '../../assembly/semwait'
import { Wait } from '../../assembly/wait'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import {
  checked,
  control,
  data,
  end,
  get,
  make,
  op,
  ops,
  park,
  remove,
  result,
  setAll,
  values,
} from './support/sems'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(1400)

function limits(): void {
  sysIpcLimit(LIMIT_SEMMNI, SEMMNI)
  sysIpcLimit(LIMIT_SEMMNS, SEMMNS)
  sysIpcLimit(LIMIT_SEMMSL, SEMMSL)
  sysIpcLimit(LIMIT_SEMOPM, SEMOPM)
}

describe('semaphore sets', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    limits()
    checkAll()
    expectUndone()
    assert(semsInUse() == 0, 'a set was left')
  })

  it('are found by key, made once, and refused by the rules of semget', () => {
    const process = spawn()
    expect(get(process, 5, 2)).toBe(-ENOENT)
    expect(get(process, 5, 0, IPC_CREAT)).toBe(-EINVAL)
    expect(get(process, 5, -1, IPC_CREAT)).toBe(-EINVAL)
    expect(get(process, 5, SEMMSL + 1, IPC_CREAT)).toBe(-EINVAL)
    const id = get(process, 5, 2, IPC_CREAT | 0o600)
    expect(get(process, 5, 0)).toBe(id)
    expect(get(process, 5, 2, IPC_CREAT)).toBe(id)
    expect(get(process, 5, 3)).toBe(-EINVAL)
    expect(get(process, 5, 3, IPC_CREAT | IPC_EXCL)).toBe(-EEXIST)
    expect(get(process, 5, 0, IPC_EXCL)).toBe(id)
    const other = spawn()
    other.euid = 9
    expect(get(other, 5, 0, 0o400)).toBe(-EACCES)
    expect(get(other, 5, 3, 0o400)).toBe(-EINVAL)
    expect(get(other, 5, 0, 0)).toBe(id)
    remove(process, id)
    expect(get(process, 5, 0)).toBe(-ENOENT)
    sysExit(process.pid, 0)
    sysExit(other.pid, 0)
  })

  it('are limited by SEMMNI, SEMMNS and SEMMSL', () => {
    const process = spawn()
    sysIpcLimit(LIMIT_SEMMNI, 2)
    sysIpcLimit(LIMIT_SEMMNS, 5)
    sysIpcLimit(LIMIT_SEMMSL, 4)
    expect(make(process, 5)).toBe(-EINVAL)
    const a = make(process, 4)
    expect(make(process, 2)).toBe(-ENOSPC)
    const b = make(process, 1)
    expect(make(process, 0)).toBe(-EINVAL)
    expect(make(process, 1)).toBe(-ENOSPC)
    remove(process, a)
    remove(process, b)
    sysExit(process.pid, 0)
  })

  it('give all their memory back, with every undo entry', () => {
    const process = spawn()
    const other = spawn()
    let frames: u32 = 0
    for (let round = 0; round < 2; round++) {
      const id = make(process, 3000)
      for (let i = 0; i < 3000; i += 700) {
        dieAtEveryPush(i == 0)
        op(process, id, i, 2, SEM_UNDO)
        op(other, id, i, 1, SEM_UNDO)
      }
      expect(process.undos != 0 && other.undos != 0).toBe(true)
      remove(process, id)
      expect(process.undos + other.undos).toBe(0)
      if (round == 0) frames = freeFrames()
    }
    expect(freeFrames()).toBe(frames)
    sysExit(process.pid, 0)
    sysExit(other.pid, 0)
  })

  it('refuse operations by the rules of semop, and change nothing then', () => {
    const process = spawn()
    const id = make(process, 2)
    sysIpcLimit(LIMIT_SEMOPM, 3)
    expect(checked(sysSemop(process, id, 0, -1, 0, 0, 0))).toBe(-EINVAL)
    expect(checked(sysSemop(process, id, 4, -1, 0, 0, 0))).toBe(-E2BIG)
    expect(checked(sysSemop(process, id, 1, NaN, 0, 1, 0))).toBe(-EINVAL)
    expect(op(process, -1, 0, 1)).toBe(-EINVAL)
    expect(op(process, id + 1, 0, 1)).toBe(-EINVAL)
    expect(op(process, id, 2, 1)).toBe(-EFBIG)
    expect(op(process, id, 0xffffffff, 1)).toBe(-EFBIG)
    expect(op(process, id, 0, -1, IPC_NOWAIT)).toBe(-EAGAIN)
    expect(op(process, id, 0, -1)).toBe(-EAGAIN)
    expect(checked(sysSemop(process, id, 1, -1, 0, -1, 0))).toBe(-EWOULDBLOCK_PARK)
    expect(op(process, id, 0, 32767)).toBe(0)
    expect(op(process, id, 0, 1)).toBe(-ERANGE)
    expect(ops(process, id, [1, 5, 0, 0, 1, 0])).toBe(-ERANGE)
    expect(ops(process, id, [1, 5, 0, 1, -6, IPC_NOWAIT])).toBe(-EAGAIN)
    expect(values(process, id)).toBe('32767 0')
    remove(process, id)
    expect(op(process, id, 0, 1)).toBe(-EINVAL)
    sysExit(process.pid, 0)
  })

  it('ask for the right to alter, or to read where an array only waits for zero', () => {
    const owner = spawn()
    owner.euid = 1
    const reader = spawn()
    reader.euid = 2
    const id = get(owner, IPC_PRIVATE, 1, 0o644)
    expect(op(reader, id, 0, 0)).toBe(0)
    expect(op(reader, id, 0, 1)).toBe(-EACCES)
    expect(control(reader, id, 0, SEM_GETVAL)).toBe(0)
    expect(control(reader, id, 0, SEM_SETVAL, 1)).toBe(-EACCES)
    expect(control(reader, id, 7, SEM_SETVAL, 1)).toBe(-EINVAL)
    expect(control(reader, id, 0, SEM_SETVAL, 40000)).toBe(-ERANGE)
    expect(control(reader, id, 0, IPC_RMID)).toBe(-EPERM)
    expect(control(reader, id, 0, IPC_SET)).toBe(-EPERM)
    remove(owner, id)
    sysExit(owner.pid, 0)
    sysExit(reader.pid, 0)
  })

  it('do an array in order, one semaphore several times', () => {
    const process = spawn()
    const id = make(process, 2)
    expect(ops(process, id, [0, 3, 0, 0, -3, 0, 0, 0, 0, 1, 2, 0])).toBe(0)
    expect(values(process, id)).toBe('0 2')
    expect(ops(process, id, [0, -1, 0, 0, 1, 0])).toBe(-EAGAIN)
    expect(ops(process, id, [1, -2, 0, 1, 0, 0, 1, 7, 0])).toBe(0)
    expect(values(process, id)).toBe('0 7')
    expect(control(process, id, 0, SEM_GETPID)).toBe(process.pid)
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('complete sleepers under the lock that made it possible, first come first served', () => {
    const process = spawn()
    const other = spawn()
    const id = make(process, 2)
    const big = park(other, id, [0, -3, 0])
    const small = park(other, id, [0, -1, 0])
    const both = park(other, id, [0, -1, 0, 1, -1, 0])
    expect(control(process, id, 0, SEM_GETNCNT)).toBe(3)
    expect(op(process, id, 0, 2)).toBe(0)
    expect(values(process, id)).toBe('1 0')
    expect(control(process, id, 0, SEM_GETPID)).toBe(other.pid)
    expect(control(process, id, 0, SEM_GETNCNT)).toBe(1)
    expect(control(process, id, 1, SEM_GETNCNT)).toBe(1)
    expect(op(process, id, 1, 1)).toBe(0)
    expect(values(process, id)).toBe('0 0')
    expect(end(small)).toBe(0)
    expect(end(both)).toBe(0)
    expect(op(process, id, 0, 2)).toBe(0)
    expect(end(big)).toBe(-ETIMEDOUT)
    expect(values(process, id)).toBe('2 0')
    remove(process, id)
    sysExit(process.pid, 0)
    sysExit(other.pid, 0)
  })

  it('complete who waits for zero before a later increment is taken', () => {
    const process = spawn()
    const id = make(process, 1)
    op(process, id, 0, 1)
    const zero = park(process, id, [0, 0, 0])
    const more = park(process, id, [0, -2, 0])
    const refill = park(process, id, [0, 0, 0, 0, 5, 0])
    expect(control(process, id, 0, SEM_GETZCNT)).toBe(2)
    expect(op(process, id, 0, -1)).toBe(0)
    expect(end(zero)).toBe(0)
    expect(end(refill)).toBe(0)
    expect(end(more)).toBe(0)
    expect(values(process, id)).toBe('3')
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('end a sleeper with the error that its array comes to', () => {
    const process = spawn()
    const id = make(process, 2)
    const again = park(process, id, [0, -1, 0, 1, -1, IPC_NOWAIT])
    const range = park(process, id, [0, -1, 0, 1, 32767, 0, 1, 1, 0])
    expect(op(process, id, 0, 1)).toBe(0)
    expect(end(again)).toBe(-EAGAIN)
    expect(end(range)).toBe(-ERANGE)
    expect(values(process, id)).toBe('1 0')
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('end all sleepers with EIDRM when they are removed', () => {
    const process = spawn()
    const id = make(process, 1)
    const one = park(process, id, [0, -1, 0])
    const two = park(process, id, [0, -1, SEM_UNDO, 0, 0, 0])
    remove(process, id)
    expect(end(one)).toBe(-EIDRM)
    expect(end(two)).toBe(-EIDRM)
    sysExit(process.pid, 0)
  })

  it('undo at exit, clamped to 0 and 32767, and complete sleepers then', () => {
    const process = spawn()
    const gone = spawn()
    const id = make(process, 3)
    op(process, id, 2, 32767)
    expect(ops(gone, id, [0, 5, SEM_UNDO, 1, 1, 0, 2, -7, SEM_UNDO])).toBe(0)
    expect(op(process, id, 0, -2)).toBe(0)
    expect(op(process, id, 2, 3)).toBe(0)
    const zero = park(process, id, [0, 0, 0])
    const full = park(process, id, [2, -32767, SEM_UNDO])
    sysExit(gone.pid, 0)
    checked(0)
    expect(end(zero)).toBe(0)
    expect(end(full)).toBe(0)
    expect(values(process, id)).toBe('0 1 0')
    expect(control(process, id, 0, SEM_GETPID)).toBe(process.pid)
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('forget what is to be undone with SETVAL and SETALL', () => {
    const process = spawn()
    const gone = spawn()
    const id = make(process, 2)
    ops(gone, id, [0, 2, SEM_UNDO, 1, 2, SEM_UNDO])
    expect(control(process, id, 0, SEM_SETVAL, 9)).toBe(0)
    expect(setAll(process, id, [8, 6])).toBe(0)
    expect(op(gone, id, 1, 1, SEM_UNDO)).toBe(0)
    expect(control(process, id, 0, SEM_SETVAL, 5)).toBe(0)
    sysExit(gone.pid, 0)
    expect(values(process, id)).toBe('5 6')
    expect(setAll(process, id, [1])).toBe(-EINVAL)
    expect(setAll(process, id, [1, 32768])).toBe(-ERANGE)
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('refuse an adjustment past its range with ERANGE', () => {
    const process = spawn()
    const id = make(process, 1)
    expect(op(process, id, 0, 32767, SEM_UNDO)).toBe(0)
    expect(op(process, id, 0, -32767)).toBe(0)
    expect(op(process, id, 0, 1, SEM_UNDO)).toBe(0)
    expect(op(process, id, 0, 1, SEM_UNDO)).toBe(-ERANGE)
    expect(ops(process, id, [0, 1, 0, 0, -1, SEM_UNDO, 0, 2, SEM_UNDO])).toBe(-ERANGE)
    expect(ops(process, id, [0, 1, 0, 0, -1, SEM_UNDO, 0, 1, SEM_UNDO])).toBe(0)
    expect(values(process, id)).toBe('2')
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('that a dead thread left with sleepers who can go on are settled by who comes next', () => {
    const process = spawn()
    const id = make(process, 1)
    const wait = park(process, id, [0, -2, 0])
    lock()
    const set = findSet(id)!
    put(semAt(set, 0), 3)
    owe(set)
    unlock()
    checkAll()
    expect(op(process, id, 0, -2, IPC_NOWAIT)).toBe(-EAGAIN)
    expect(owedSet() == null).toBe(true)
    expect(end(wait)).toBe(0)
    expect(values(process, id)).toBe('1')
    remove(process, id)
    sysExit(process.pid, 0)
  })

  it('say what they are, by id and by slot', () => {
    const process = spawn()
    const id = make(process, 3)
    expect(control(process, id, 0, IPC_STAT)).toBe(0)
    expect(load<u32>(result(), SEMID_DS_NSEMS)).toBe(3)
    const last = control(process, 0, 0, SEM_INFO)
    expect(load<u32>(result(), SEMINFO_SEMAEM)).toBe(3)
    expect(control(process, last, 0, SEM_STAT)).toBe(id)
    expect(control(process, id, 0, 99)).toBe(-EINVAL)
    expect(control(process, id, 3, SEM_GETVAL)).toBe(-EINVAL)
    expect(control(process, id, -1, SEM_GETNCNT)).toBe(-EINVAL)
    remove(process, id)
    expect(control(process, last, 0, SEM_STAT)).toBe(-EINVAL)
    sysExit(process.pid, 0)
  })

  it('of the largest size are set, undone and removed within the journal', () => {
    dieAtEveryPush(false)
    const process = spawn()
    const gone = spawn()
    const id = make(process, SEMMSL)
    const waits = new StaticArray<usize>(64)
    const many = new StaticArray<i32>(1500)
    for (let i = 0; i < 500; i++) {
      many[3 * i] = i
      many[3 * i + 1] = 1
      many[3 * i + 2] = SEM_UNDO
    }
    for (let from = 0; from + 500 <= <i32>SEMMSL; from += 500) {
      for (let i = 0; i < 500; i++) many[3 * i] = from + i
      ops(gone, id, many)
    }
    for (let i = 0; i < 500; i++) {
      many[3 * i] = 400
      many[3 * i + 1] = -1
    }
    for (let i = 0; i < 64; i++) waits[i] = changetype<usize>(park(process, id, many))
    sysExit(gone.pid, 0)
    checked(0)
    for (let i: u32 = 0; i < SEMMSL; i++) store<u16>(data() + 2 * i, 32000)
    expect(control(process, id, 0, SEM_SETALL, SEMMSL)).toBe(0)
    for (let i = 0; i < 64; i++) expect(end(changetype<Wait>(waits[i]))).toBe(0)
    expect(control(process, id, 400, SEM_GETVAL)).toBe(0)
    remove(process, id)
    expect(depth()).toBe(0)
    sysExit(process.pid, 0)
  })
})
