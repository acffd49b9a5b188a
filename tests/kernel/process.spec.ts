import { PROCESSES_MAX, S_IFDIR } from '../../assembly/abi'
import { lock, unlock } from '../../assembly/lock'
import {
  findProcess,
  freeProcess,
  hasThread,
  mayAccess,
  newProcess,
  Process,
  processAt,
  setGroups,
  setThread,
  threadCount,
} from '../../assembly/process'
import { K } from '../../assembly/root'
import { checkSlabs } from '../../assembly/slab'
import { bootSpec } from './support/boot'
import { below, chance, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(300)
const GROUPS: StaticArray<u32> = [5, 6]

function make(parent: u32 = 0): Process | null {
  lock()
  const made = newProcess(parent)
  unlock()
  return made
}

function drop(process: Process): void {
  lock()
  freeProcess(process)
  checkSlabs()
  unlock()
}

/** => the process's address, 0 when there is none. */
function find(pid: u32): u32 {
  lock()
  const found = findProcess(pid)
  unlock()
  return <u32>changetype<usize>(found)
}

/** => what POSIX says, by the one class that applies. */
function allowed(mode: u32, user: u32, uid: u32, isMember: bool, want: u32): bool {
  if (user == 0) return (want & 1) == 0 || (mode & S_IFDIR) != 0 || (mode & 0o111) != 0
  const shift: u32 = user == uid ? 6 : isMember ? 3 : 0
  for (let bit: u32 = 1; bit <= 4; bit <<= 1) {
    if ((want & bit) != 0 && ((mode >> shift) & bit) == 0) return false
  }
  return true
}

describe('processes', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })
  afterEach(() => {
    dieAtEveryPush(false)
    expectUndone()
  })

  it('are found by pid, and by no pid of before or after', () => {
    const first = make()!
    const second = make(first.pid)!
    expect(second.pid).toBe(first.pid + 1)
    expect(second.parent).toBe(first.pid)
    expect(find(first.pid)).toBe(<u32>changetype<usize>(first))
    expect(find(first.pid + PROCESSES_MAX)).toBe(0)
    expect(find(0)).toBe(0)
    const pid = first.pid
    drop(first)
    expect(find(pid)).toBe(0)
    expect(find(second.pid)).toBe(<u32>changetype<usize>(second))
    drop(second)
  })

  it('have pids that are not used again before all others were', () => {
    dieAtEveryPush(false)
    const stays = make()!
    const entry = stays.pid % PROCESSES_MAX
    let last = stays.pid
    for (let i: u32 = 0; i < 2 * PROCESSES_MAX; i++) {
      const made = make()!
      assert(made.pid > last, 'a pid was given again')
      assert(made.pid % PROCESSES_MAX != entry, "another's entry was taken")
      last = made.pid
      drop(made)
    }
    expect(processAt(entry) == stays).toBe(true)
    drop(stays)
  })

  it('are as many as the limit says', () => {
    const most = K.processesMax
    K.processesMax = K.processes + 2
    const first = make()!
    const second = make()!
    expect(make() == null).toBe(true)
    drop(first)
    const third = make()!
    expect(make() == null).toBe(true)
    drop(second)
    drop(third)
    K.processesMax = most
  })

  it('have the threads that joined, whichever slots these are', () => {
    reseed('threads of a process')
    const process = make()!
    const model = new StaticArray<bool>(256)
    for (let step = 0; step < 500; step++) {
      const index = below(256)
      lock()
      setThread(process, index, chance(50))
      model[index] = hasThread(process, index)
      let count: u32 = 0
      for (let i: u32 = 0; i < 256; i++) {
        assert(hasThread(process, i) == model[i], 'another thread moved')
        if (model[i]) count++
      }
      assert(threadCount(process) == count, 'the count is wrong')
      unlock()
    }
    drop(process)
  })

  it('may access what owner, group and others may: one class applies, root passes', () => {
    const process = make()!
    lock()
    setGroups(process, changetype<usize>(GROUPS), 2)
    unlock()
    process.egid = 4
    const gids: StaticArray<u32> = [3, 4, 5, 6, 7]
    for (let user: u32 = 0; user < 3; user++) {
      process.euid = user
      for (let mode: u32 = 0; mode < 0o1000; mode++) {
        for (let want: u32 = 0; want < 8; want++) {
          const gid = gids[(mode + want) % 5]
          const isMember = gid >= 4 && gid <= 6
          const wanted = allowed(mode, user, 1, isMember, want)
          assert(mayAccess(process, mode, 1, gid, want) == wanted, `${mode} ${user} ${gid} ${want}`)
          if (user == 0)
            assert(mayAccess(process, mode | S_IFDIR, 1, gid, want), 'root in a directory')
        }
      }
    }
    drop(process)
  })
})
