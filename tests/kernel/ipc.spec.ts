import { EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC, EPERM } from '../../assembly/abi'
import {
  addIpc,
  checkIpc,
  dropKey,
  findIpc,
  findKey,
  Ipc,
  ipcAt,
  ipcCount,
  lastSlot,
  limit,
  lookUp,
  mayGet,
  mayOwn,
  mayUse,
  removeIpc,
  seconds,
  setIpc,
  sysIpcLimit,
  sysIpcNext,
  writePerm,
} from '../../assembly/ipc'
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_MSG,
  IPC_PERM_BYTES,
  IPC_PERM_CGID,
  IPC_PERM_CUID,
  IPC_PERM_GID,
  IPC_PERM_ID,
  IPC_PERM_KEY,
  IPC_PERM_MODE,
  IPC_PERM_SEQ,
  IPC_PERM_UID,
  IPC_PRIVATE,
  IPC_SEM,
  IPC_SHM,
  IPCMNI,
  LIMIT_MSGMNI,
  LIMIT_SHMMNI,
  LIMITS,
  SHMMNI,
} from '../../assembly/ipcabi'
import { edit } from '../../assembly/journal'
import { abandon, lock, unlock } from '../../assembly/lock'
import { Process, setGroups } from '../../assembly/process'
import { K } from '../../assembly/root'
import { create, destroy } from '../../assembly/slab'
import { bootSpec, spawn } from './support/boot'
import { below, reseed } from './support/random'
import { dieAtEveryPush, exemptStatic, expectUndone } from './support/transactions'

bootSpec(900)

/** What a kind adds to Ipc. */
@unmanaged
class Thing extends Ipc {
  salt: u64
}

const scratch: usize = memory.data(64, 16)
exemptStatic(scratch, 64)
const root = spawn()

function check(): void {
  lock()
  checkIpc()
  unlock()
}

/** As a *get of the kinds does it. => the id, or -errno. */
function get(process: Process, kind: u32, key: i32, flags: u32): i32 {
  lock()
  let result = <i32>0
  const found = lookUp(kind, key, flags)
  if (found > 0) {
    const object = changetype<Thing>(<usize>found)
    result = mayGet(process, object, flags)
    if (result == 0) result = <i32>object.id
  } else if (found < 0) result = <i32>found
  else {
    const thing = create<Thing>()
    thing.salt = 0x1234567812345678
    result = addIpc(thing, process, kind, key, flags)
    if (result < 0) abandon()
  }
  unlock()
  check()
  return result
}

function remove(kind: u32, id: u32): void {
  lock()
  const object = findIpc(kind, id)!
  removeIpc(object)
  destroy<Thing>(changetype<Thing>(object))
  unlock()
  check()
}

function removeAll(): void {
  for (let kind = IPC_SHM; kind <= IPC_SEM; kind++) {
    let slot = sysIpcNext(kind, 0)
    while (slot >= 0) {
      remove(kind, ipcAt(kind, slot)!.id)
      slot = sysIpcNext(kind, slot + 1)
    }
  }
}

function set(object: Ipc, uid: u32, gid: u32, mode: u32): i32 {
  lock()
  const result = setIpc(object, uid, gid, mode)
  unlock()
  return result
}

function user(uid: u32, gid: u32): Process {
  const process = spawn()
  lock()
  edit<Process>(process)
  process.uid = uid
  process.euid = uid
  process.gid = gid
  process.egid = gid
  unlock()
  return process
}

describe('System V ids and keys', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    removeAll()
    expectUndone()
  })

  it('gives every IPC_PRIVATE get an object of its own, found by id alone', () => {
    const a = get(root, IPC_MSG, IPC_PRIVATE, 0o600)
    const b = get(root, IPC_MSG, IPC_PRIVATE, IPC_CREAT | IPC_EXCL | 0o600)
    expect(a).not.toBe(b)
    expect(findIpc(IPC_MSG, a)!.id).toBe(a)
    expect(ipcCount(IPC_MSG)).toBe(2)
    expect(changetype<usize>(findKey(IPC_MSG, IPC_PRIVATE))).toBe(0)
  })

  it('finds a public key again, of its own kind only, also a negative one', () => {
    const id = get(root, IPC_MSG, -5, IPC_CREAT | 0o600)
    expect(get(root, IPC_MSG, -5, 0)).toBe(id)
    expect(get(root, IPC_MSG, -5, IPC_CREAT | 0o600)).toBe(id)
    expect(get(root, IPC_SEM, -5, 0)).toBe(-ENOENT)
  })

  it('refuses a missing key with ENOENT, an existing one with CREAT and EXCL with EEXIST; EXCL alone is ignored', () => {
    expect(get(root, IPC_SHM, 9, 0)).toBe(-ENOENT)
    expect(get(root, IPC_SHM, 9, IPC_EXCL)).toBe(-ENOENT)
    const id = get(root, IPC_SHM, 9, IPC_CREAT | IPC_EXCL)
    expect(get(root, IPC_SHM, 9, IPC_CREAT | IPC_EXCL)).toBe(-EEXIST)
    expect(get(root, IPC_SHM, 9, IPC_EXCL)).toBe(id)
  })

  it('keeps an id that is gone gone, though its slot is used again: late, and with the next sequence number', () => {
    const first = get(root, IPC_SHM, IPC_PRIVATE, 0)
    const slot = <u32>first % IPCMNI
    remove(IPC_SHM, first)
    let id = -1
    for (let i = 0; i < 63; i++) {
      id = get(root, IPC_SHM, IPC_PRIVATE, 0)
      assert(<u32>id % IPCMNI != slot, 'the slot was used again too soon')
      remove(IPC_SHM, id)
    }
    id = get(root, IPC_SHM, IPC_PRIVATE, 0)
    expect(<u32>id % IPCMNI).toBe(slot)
    expect(id).not.toBe(first)
    expect(changetype<usize>(findIpc(IPC_SHM, first))).toBe(0)
    expect(findIpc(IPC_SHM, id)!.seq * IPCMNI + slot).toBe(id)
  })

  it('gives slots in order, past 64 too, and starts from the first again when the table shrinks', () => {
    dieAtEveryPush(false)
    removeAll()
    const ids: i32[] = []
    for (let i = 0; i < 200; i++) ids.push(get(root, IPC_SEM, IPC_PRIVATE, 0))
    for (let i = 1; i < 200; i++) {
      assert(ids[i] % IPCMNI != ids[i - 1] % IPCMNI, 'a slot given twice')
    }
    expect(lastSlot(IPC_SEM)).toBe(199)
    for (let i = 0; i < 200; i++) remove(IPC_SEM, ids[i])
    expect(lastSlot(IPC_SEM)).toBe(-1)
    expect(get(root, IPC_SEM, IPC_PRIVATE, 0)).toBe(<i32>IPCMNI)
  })

  it('refuses the object past the limit with ENOSPC', () => {
    expect(limit(LIMIT_SHMMNI)).toBe(SHMMNI)
    const before = limit(LIMIT_MSGMNI)
    expect(sysIpcLimit(LIMIT_MSGMNI, 3)).toBe(0)
    for (let i = 0; i < 3; i++) expect(get(root, IPC_MSG, IPC_PRIVATE, 0)).toBeGreaterThan(-1)
    expect(get(root, IPC_MSG, IPC_PRIVATE, 0)).toBe(-ENOSPC)
    expect(get(root, IPC_MSG, 77, IPC_CREAT)).toBe(-ENOSPC)
    expect(get(root, IPC_MSG, 77, 0)).toBe(-ENOENT)
    expect(sysIpcLimit(LIMIT_MSGMNI, before)).toBe(0)
  })

  it('knows no limit past the last, nor more objects than ids', () => {
    expect(sysIpcLimit(LIMITS, 1)).toBe(-EINVAL)
    expect(sysIpcLimit(LIMIT_SHMMNI, IPCMNI + 1)).toBe(-EINVAL)
    expect(sysIpcLimit(LIMIT_SHMMNI, SHMMNI)).toBe(0)
  })

  it('lets a key go at once, which can be used again while the object lives on by id', () => {
    const old = get(root, IPC_SHM, 42, IPC_CREAT)
    const other = get(root, IPC_SHM, 42 + 64, IPC_CREAT)
    lock()
    dropKey(findIpc(IPC_SHM, old)!)
    unlock()
    check()
    expect(get(root, IPC_SHM, 42, 0)).toBe(-ENOENT)
    const fresh = get(root, IPC_SHM, 42, IPC_CREAT)
    expect(fresh).not.toBe(old)
    expect(findIpc(IPC_SHM, old)!.key).toBe(IPC_PRIVATE)
    expect(get(root, IPC_SHM, 42 + 64, 0)).toBe(other)
  })

  it('says which slot is the next in use', () => {
    const a = get(root, IPC_SEM, IPC_PRIVATE, 0)
    const b = get(root, IPC_SEM, IPC_PRIVATE, 0)
    const slot = a % IPCMNI
    expect(sysIpcNext(IPC_SEM, 0)).toBe(slot)
    expect(sysIpcNext(IPC_SEM, slot + 1)).toBe(b % IPCMNI)
    expect(sysIpcNext(IPC_SEM, slot + 2)).toBe(-1)
    expect(sysIpcNext(IPC_MSG, 0)).toBe(-1)
    expect(sysIpcNext(99, 0)).toBe(-1)
    expect(sysIpcNext(IPC_SEM, 0xffffffff)).toBe(-1)
  })

  it('agrees with a map from keys, under a death at any push', () => {
    reseed('ipc')
    const ids = new StaticArray<i32>(90)
    for (let i = 0; i < 90; i++) ids[i] = -1
    for (let step: u32 = 0; step < 3000; step++) {
      dieAtEveryPush(step % 8 == 0)
      const i = below(90)
      const kind = i % 3
      const key = <i32>(i / 3) * 64 - 900
      if (key == 0) continue
      if (below(3) != 0) {
        const id = get(root, kind, key, IPC_CREAT)
        assert(ids[i] < 0 || ids[i] == id, 'another object of the key')
        ids[i] = id
      } else if (ids[i] >= 0) {
        remove(kind, ids[i])
        assert(changetype<usize>(findIpc(kind, ids[i])) == 0, 'still there')
        ids[i] = -1
      } else assert(get(root, kind, key, 0) == -ENOENT, 'not there')
    }
  })

  it('undoes a get that memory runs out in', () => {
    dieAtEveryPush(false)
    const id = get(root, IPC_SHM, IPC_PRIVATE, 0)
    const committed = K.commitLimit
    K.commitLimit = 0
    const reserve = K.kernelReserve
    K.kernelReserve = 0
    let refused: i32 = 0
    for (let i = 0; i < 200 && refused >= 0; i++) {
      lock()
      const thing = create<Thing>()
      refused = changetype<usize>(thing) == 0 ? -ENOMEM : addIpc(thing, root, IPC_SEM, 500 + i, 0)
      if (refused < 0) abandon()
      unlock()
      check()
    }
    K.commitLimit = committed
    K.kernelReserve = reserve
    expect(refused).toBe(-ENOMEM)
    expect(findIpc(IPC_SHM, id)!.id).toBe(id)
  })
})

describe('System V permissions', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    removeAll()
    expectUndone()
  })

  it('takes owner and creator from the effective ids, the mode from the low nine bits', () => {
    const process = user(1000, 100)
    lock()
    edit<Process>(process)
    process.euid = 1001
    process.egid = 101
    unlock()
    const id = get(process, IPC_SHM, 5, IPC_CREAT | 0o7640)
    lock()
    writePerm(findIpc(IPC_SHM, id)!, scratch)
    unlock()
    expect(load<i32>(scratch, IPC_PERM_KEY)).toBe(5)
    expect(load<u32>(scratch, IPC_PERM_UID)).toBe(1001)
    expect(load<u32>(scratch, IPC_PERM_GID)).toBe(101)
    expect(load<u32>(scratch, IPC_PERM_CUID)).toBe(1001)
    expect(load<u32>(scratch, IPC_PERM_CGID)).toBe(101)
    expect(load<u32>(scratch, IPC_PERM_MODE)).toBe(0o640)
    expect(load<u32>(scratch, IPC_PERM_SEQ)).toBe(<u32>id / IPCMNI)
    expect(load<u32>(scratch, IPC_PERM_ID)).toBe(id)
    expect(IPC_PERM_BYTES).toBe(32)
  })

  it('asks the first class alone that the process is of: owner or creator, group of either, other', () => {
    const owner = user(10, 20)
    const id = get(owner, IPC_SHM, IPC_PRIVATE, 0o042)
    const object = findIpc(IPC_SHM, id)!
    expect(mayUse(owner, object, 4)).toBe(-EACCES)
    const member = user(11, 20)
    expect(mayUse(member, object, 4)).toBe(0)
    expect(mayUse(member, object, 2)).toBe(-EACCES)
    const other = user(11, 21)
    expect(mayUse(other, object, 2)).toBe(0)
    expect(mayUse(other, object, 6)).toBe(-EACCES)
    expect(mayUse(root, object, 7)).toBe(0)
    lock()
    store<u32>(scratch, 20)
    setGroups(other, scratch, 1)
    unlock()
    expect(mayUse(other, object, 4)).toBe(0)
  })

  it('gives the creator the rights of the owner after the object changed hands, and the group of the creator too', () => {
    const creator = user(10, 20)
    const id = get(creator, IPC_SHM, IPC_PRIVATE, 0o600)
    const object = findIpc(IPC_SHM, id)!
    expect(set(object, 30, 40, 0o7460)).toBe(0)
    expect(object.mode).toBe(0o460)
    expect(mayUse(creator, object, 4)).toBe(0)
    expect(mayUse(creator, object, 2)).toBe(-EACCES)
    expect(mayUse(user(30, 1), object, 4)).toBe(0)
    expect(mayUse(user(31, 40), object, 2)).toBe(0)
    expect(mayUse(user(31, 20), object, 2)).toBe(0)
    expect(mayUse(user(31, 41), object, 2)).toBe(-EACCES)
    expect(mayOwn(creator, object)).toBe(0)
    expect(mayOwn(user(30, 1), object)).toBe(0)
    expect(mayOwn(user(31, 40), object)).toBe(-EPERM)
    expect(mayOwn(root, object)).toBe(0)
  })

  it('refuses ids that are none', () => {
    const id = get(root, IPC_SHM, IPC_PRIVATE, 0o600)
    const object = findIpc(IPC_SHM, id)!
    expect(set(object, 0xffffffff, 0, 0)).toBe(-EINVAL)
    expect(set(object, 0, 0xffffffff, 0)).toBe(-EINVAL)
    expect(object.mode).toBe(0o600)
  })

  it('lets *get have an object whose mode grants every bit that it asks for, of whichever class', () => {
    const owner = user(10, 20)
    const id = get(owner, IPC_MSG, 8, IPC_CREAT | 0o640)
    expect(get(owner, IPC_MSG, 8, 0o600)).toBe(id)
    expect(get(owner, IPC_MSG, 8, 0o006)).toBe(id)
    expect(get(owner, IPC_MSG, 8, 0o700)).toBe(-EACCES)
    expect(get(user(11, 20), IPC_MSG, 8, 0o400)).toBe(id)
    expect(get(user(11, 20), IPC_MSG, 8, 0o200)).toBe(-EACCES)
    expect(get(user(11, 21), IPC_MSG, 8, 0)).toBe(id)
    expect(get(user(11, 21), IPC_MSG, 8, 0o004)).toBe(-EACCES)
    expect(get(root, IPC_MSG, 8, 0o777)).toBe(id)
  })

  it('shows times as whole seconds, rounded down', () => {
    expect(seconds(0)).toBe(0)
    expect(seconds(1999)).toBe(1)
    expect(seconds(1763741234567)).toBe(1763741234)
  })
})
