import {
  AT_FDCWD,
  BUFFER_RESULT,
  EACCES,
  EEXIST,
  EINVAL,
  ENOENT,
  ENOMEM,
  ENOSPC,
  EPERM,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RLIMIT_AS,
  RLIMIT_MEMLOCK,
  SIGSEGV,
  STAT_DEV,
  STAT_INO,
  WINDOW_END,
  WINDOW_START,
} from '../../assembly/abi'
import { sysSetLimit } from '../../assembly/credentials'
import { sysIpcLimit } from '../../assembly/ipc'
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_INFO,
  IPC_PERM_GID,
  IPC_PERM_MODE,
  IPC_PERM_UID,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  IPCMNI,
  LIMIT_SHMALL,
  LIMIT_SHMMAX,
  LIMIT_SHMMNI,
  SHM_EXEC,
  SHM_INFO,
  SHM_INFO_RSS,
  SHM_INFO_TOT,
  SHM_INFO_USED_IDS,
  SHM_LOCK,
  SHM_LOCKED,
  SHM_RDONLY,
  SHM_REMAP,
  SHM_RND,
  SHM_STAT,
  SHM_STAT_ANY,
  SHM_UNLOCK,
  SHMALL,
  SHMID_DS_ATIME,
  SHMID_DS_CPID,
  SHMID_DS_CTIME,
  SHMID_DS_DTIME,
  SHMID_DS_LPID,
  SHMID_DS_SEGSZ,
  SHMINFO_SHMALL,
  SHMINFO_SHMMAX,
  SHMINFO_SHMMIN,
  SHMINFO_SHMMNI,
  SHMINFO_SHMSEG,
  SHMMAX,
  SHMMNI,
} from '../../assembly/ipcabi'
import { sysMunmap } from '../../assembly/mmap'
import { sysMprotect } from '../../assembly/mprotect'
import { sysFtok, sysShmctl, sysShmObserve } from '../../assembly/shm'
import { sysStat } from '../../assembly/statfile'
import { spawn } from './support/boot'
import { passMs } from './support/disk'
import { putText, textAt } from './support/kernel'
import {
  AT,
  at,
  attach,
  begin,
  bootSegments,
  ctl,
  exit,
  field,
  finish,
  get,
  make,
  nattch,
  PAGE,
  peek,
  poke,
  root,
  step,
  time,
  user,
} from './support/segments'

bootSegments()

describe('System V shared memory', () => {
  beforeEach(() => {
    begin()
  })

  afterEach(() => {
    finish()
  })

  it('are found by key, by who may; EEXIST comes before a size that is too large, that before EACCES', () => {
    const owner = user(10, 20)
    const other = user(11, 21)
    const id = get(owner, 7, 5000, IPC_CREAT | 0o640)
    expect(get(owner, 7, 0, 0)).toBe(id)
    expect(get(owner, 7, 5000, IPC_CREAT | 0o600)).toBe(id)
    expect(get(owner, 7, 5001, 0)).toBe(-EINVAL)
    expect(get(other, 7, 5001, 0o400)).toBe(-EINVAL)
    expect(get(other, 7, 5000, 0o400)).toBe(-EACCES)
    expect(get(other, 7, 9999, IPC_CREAT | IPC_EXCL)).toBe(-EEXIST)
    expect(get(other, 8, 5000, 0)).toBe(-ENOENT)
    exit(owner)
    exit(other)
  })

  it('refuse sizes below SHMMIN and above SHMMAX, then SHMALL, memory and SHMMNI', () => {
    expect(get(root, IPC_PRIVATE, 0, 0)).toBe(-EINVAL)
    expect(get(root, IPC_PRIVATE, <u64>SHMMAX + 1, 0)).toBe(-EINVAL)
    expect(get(root, IPC_PRIVATE, SHMMAX, 0)).toBe(-ENOMEM)
    expect(sysIpcLimit(LIMIT_SHMMAX, 3 * PAGE)).toBe(0)
    expect(get(root, IPC_PRIVATE, 3 * PAGE + 1, 0)).toBe(-EINVAL)
    expect(get(root, IPC_PRIVATE, 3 * PAGE, 0)).toBeGreaterThan(-1)
    expect(sysIpcLimit(LIMIT_SHMALL, 4)).toBe(0)
    expect(get(root, IPC_PRIVATE, 2 * PAGE, 0)).toBe(-ENOSPC)
    expect(get(root, IPC_PRIVATE, PAGE, 0)).toBeGreaterThan(-1)
    expect(sysIpcLimit(LIMIT_SHMALL, SHMALL)).toBe(0)
    expect(sysIpcLimit(LIMIT_SHMMNI, 2)).toBe(0)
    expect(get(root, IPC_PRIVATE, PAGE, 0)).toBe(-ENOSPC)
    expect(get(root, IPC_PRIVATE, 0, 0)).toBe(-EINVAL)
    expect(sysIpcLimit(LIMIT_SHMMNI, SHMMNI)).toBe(0)
    expect(sysIpcLimit(LIMIT_SHMMAX, SHMMAX)).toBe(0)
  })

  it('attach where they are told: rounded, over what is there, in free room only, nowhere else', () => {
    const id = make(2)
    expect(at(root, id, AT + 1, 0)).toBe(-EINVAL)
    expect(attach(root, id, AT + PAGE - 1, SHM_RND)).toBe(AT)
    expect(at(root, id, AT, 0)).toBe(-EINVAL)
    expect(at(root, id, AT + PAGE, 0)).toBe(-EINVAL)
    expect(at(root, id, AT - PAGE, 0)).toBe(-EINVAL)
    expect(at(root, id, 0, SHM_REMAP)).toBe(-EINVAL)
    expect(at(root, id, 5, SHM_REMAP | SHM_RND)).toBe(-EINVAL)
    expect(at(root, id, WINDOW_START - PAGE, 0)).toBe(-EINVAL)
    expect(at(root, id, WINDOW_END - PAGE, 0)).toBe(-EINVAL)
    expect(at(root, id, WINDOW_END, 0)).toBe(-EINVAL)
    expect(at(root, id, 0x1000000000000001, SHM_RND)).toBe(-EINVAL)
    expect(nattch(id)).toBe(1)
    expect(attach(root, id, AT + PAGE, SHM_REMAP)).toBe(AT + PAGE)
    expect(nattch(id)).toBe(2)
    expect(poke(root, AT, 4)).toBe(0)
    expect(peek(root, AT + PAGE)).toBe(4)
    expect(at(root, id + <i32>IPCMNI, 0, 0)).toBe(-EINVAL)
    expect(at(root, -1, 0, 0)).toBe(-EINVAL)
  })

  it('attached with SHM_RDONLY never gain PROT_WRITE, by no part; SHM_EXEC is recorded and needs its bit', () => {
    const owner = user(10, 20)
    const id = get(owner, IPC_PRIVATE, 2 * PAGE, 0o600)
    const start = attach(owner, id, 0, SHM_RDONLY)
    expect(peek(owner, start)).toBe(0)
    expect(poke(owner, start, 1)).toBe(-SIGSEGV)
    expect(step(sysMprotect(owner, start, PAGE, PROT_READ | PROT_WRITE))).toBe(-EACCES)
    expect(step(sysMprotect(owner, start, PAGE, PROT_READ | PROT_EXEC))).toBe(0)
    expect(at(owner, id, 0, SHM_EXEC)).toBe(-EACCES)
    expect(step(sysShmctl(owner, id, IPC_SET, 10, 20, 0o700))).toBe(0)
    attach(owner, id, 0, SHM_EXEC)
    exit(owner)
  })

  it('are attached, read and changed by who may', () => {
    const owner = user(10, 20)
    const member = user(11, 20)
    const other = user(12, 22)
    const id = get(owner, IPC_PRIVATE, PAGE, 0o640)
    expect(at(member, id)).toBe(-EACCES)
    attach(member, id, 0, SHM_RDONLY)
    expect(at(other, id, 0, SHM_RDONLY)).toBe(-EACCES)
    expect(ctl(other, id, IPC_STAT)).toBe(-EACCES)
    expect(ctl(other, id % <i32>IPCMNI, SHM_STAT)).toBe(-EACCES)
    expect(ctl(other, id % <i32>IPCMNI, SHM_STAT_ANY)).toBe(id)
    expect(ctl(member, id % <i32>IPCMNI, SHM_STAT)).toBe(id)
    expect(ctl(member, id, IPC_SET)).toBe(-EPERM)
    expect(ctl(member, id, IPC_RMID)).toBe(-EPERM)
    expect(ctl(member, id, SHM_LOCK)).toBe(-EPERM)
    expect(ctl(member, id, SHM_UNLOCK)).toBe(-EPERM)
    expect(ctl(member, id, 99)).toBe(-EINVAL)
    expect(step(sysShmctl(owner, id, IPC_SET, 12, 22, 0o7400))).toBe(0)
    expect(field(id, IPC_PERM_UID)).toBe(12)
    expect(field(id, IPC_PERM_GID)).toBe(22)
    expect(field(id, IPC_PERM_MODE)).toBe(0o400)
    expect(step(sysShmctl(owner, id, IPC_SET, 0xffffffff, 22, 0))).toBe(-EINVAL)
    expect(ctl(other, id, IPC_RMID)).toBe(0)
    exit(owner)
    exit(member)
    exit(other)
  })

  it('lock within RLIMIT_MEMLOCK, by user; EPERM when it is 0', () => {
    const owner = user(10, 20)
    const id = get(owner, IPC_PRIVATE, 4 * PAGE, 0o600)
    const second = get(owner, IPC_PRIVATE, PAGE, 0o600)
    expect(sysSetLimit(owner, RLIMIT_MEMLOCK, 0)).toBe(0)
    expect(ctl(owner, id, SHM_LOCK)).toBe(-EPERM)
    expect(ctl(owner, id, SHM_UNLOCK)).toBe(0)
    expect(sysSetLimit(owner, RLIMIT_MEMLOCK, 3 * PAGE)).toBe(0)
    expect(ctl(owner, id, SHM_LOCK)).toBe(-ENOMEM)
    expect(field(id, IPC_PERM_MODE)).toBe(0o600)
    expect(sysSetLimit(owner, RLIMIT_MEMLOCK, 4 * PAGE)).toBe(0)
    expect(ctl(owner, id, SHM_LOCK)).toBe(0)
    expect(ctl(owner, id, SHM_LOCK)).toBe(0)
    expect(field(id, IPC_PERM_MODE)).toBe(0o600 | SHM_LOCKED)
    expect(ctl(owner, second, SHM_LOCK)).toBe(-ENOMEM)
    expect(ctl(root, second, SHM_LOCK)).toBe(0)
    expect(ctl(owner, id, SHM_UNLOCK)).toBe(0)
    expect(field(id, IPC_PERM_MODE)).toBe(0o600)
    exit(owner)
  })

  it('remember who and when: cpid, lpid, ctime, atime, dtime', () => {
    const other = spawn()
    passMs(10_000)
    const id = make(4)
    const made = time(id, SHMID_DS_CTIME)
    expect(field(id, SHMID_DS_SEGSZ)).toBe(4 * PAGE)
    expect(field(id, SHMID_DS_CPID)).toBe(root.pid)
    expect(field(id, SHMID_DS_LPID)).toBe(0)
    expect(time(id, SHMID_DS_ATIME)).toBe(0)
    expect(time(id, SHMID_DS_DTIME)).toBe(0)
    passMs(1000)
    const start = attach(other, id)
    expect(time(id, SHMID_DS_ATIME)).toBe(made + 1)
    expect(time(id, SHMID_DS_DTIME)).toBe(0)
    expect(field(id, SHMID_DS_LPID)).toBe(other.pid)
    passMs(1000)
    expect(step(sysMunmap(other, start, PAGE))).toBe(0)
    expect(time(id, SHMID_DS_ATIME)).toBe(made + 2) // the split
    expect(time(id, SHMID_DS_DTIME)).toBe(made + 2)
    attach(root, id)
    passMs(1000)
    exit(other)
    expect(field(id, SHMID_DS_LPID)).toBe(other.pid)
    expect(time(id, SHMID_DS_DTIME)).toBe(made + 3)
    expect(time(id, SHMID_DS_CTIME)).toBe(made)
    passMs(1000)
    expect(step(sysShmctl(root, id, IPC_SET, 0, 0, 0o644))).toBe(0)
    expect(time(id, SHMID_DS_CTIME)).toBe(made + 4)
    expect(ctl(root, id, SHM_LOCK)).toBe(0)
    expect(time(id, SHMID_DS_CTIME)).toBe(made + 4)
  })

  it('are counted for observers, in pages made and pages in memory', () => {
    const id = make(5)
    const start = attach(root, id)
    poke(root, start, 1)
    poke(root, start + 3 * PAGE, 1)
    const slot = id % <i32>IPCMNI
    expect(sysShmObserve(0, SHM_INFO)).toBe(slot)
    const to = textAt(BUFFER_RESULT)
    expect(load<u32>(to + SHM_INFO_USED_IDS)).toBe(1)
    expect(load<u32>(to + SHM_INFO_TOT)).toBe(5)
    expect(load<u32>(to + SHM_INFO_RSS)).toBe(2)
    expect(sysShmObserve(0, IPC_INFO)).toBe(slot)
    expect(load<u32>(to + SHMINFO_SHMMAX)).toBe(SHMMAX)
    expect(load<u32>(to + SHMINFO_SHMMIN)).toBe(1)
    expect(load<u32>(to + SHMINFO_SHMMNI)).toBe(SHMMNI)
    expect(load<u32>(to + SHMINFO_SHMSEG)).toBe(SHMMNI)
    expect(load<u32>(to + SHMINFO_SHMALL)).toBe(SHMALL)
    expect(sysShmObserve(slot, SHM_STAT_ANY)).toBe(id)
    expect(sysShmObserve(slot + 1, SHM_STAT_ANY)).toBe(-EINVAL)
    expect(sysShmObserve(-1, IPC_INFO)).toBe(-EINVAL)
  })

  it('refuse an attach past RLIMIT_AS with ENOMEM, and nothing changed', () => {
    const id = make(4)
    expect(sysSetLimit(root, RLIMIT_AS, 6 * PAGE)).toBe(0)
    const start = attach(root, id, AT)
    expect(at(root, id)).toBe(-ENOMEM)
    expect(nattch(id)).toBe(1)
    expect(attach(root, id, AT, SHM_REMAP)).toBe(start)
    expect(nattch(id)).toBe(1)
  })

  it('makes a key of a file, as glibc does', () => {
    const bytes = putText('/', 0)
    const to = textAt(BUFFER_RESULT)
    expect(sysStat(root, AT_FDCWD, textAt(0), bytes, 0)).toBe(0)
    const low = <u32>load<u64>(to + STAT_INO) & 0xffff
    const expected = low | ((<u32>load<u64>(to + STAT_DEV) & 0xff) << 16) | (0xe7 << 24)
    expect(sysFtok(root, textAt(0), bytes, 0xfe7)).toBe(0)
    expect(load<u32>(to)).toBe(expected)
    const none = putText('/none', 0)
    expect(sysFtok(root, textAt(0), none, 1)).toBe(-ENOENT)
  })
})
