import {
  BUFFER_DATA,
  BUFFER_RESULT,
  EINVAL,
  O_CREAT,
  O_RDWR,
  PROCESSES_MAX,
  STAT_NAME_BYTES,
  STAT_NAME_COUNT,
  STAT_NAME_LENGTH,
  STAT_NAME_UID,
  STAT_NAMES_MQ,
  STAT_NAMES_SEM,
  STAT_NAMES_SHM,
  STAT_PROCESS_BYTES,
  STAT_PROCESS_PARENT,
  STAT_PROCESS_PID,
} from '../../assembly/abi'
import { sysSemOpen } from '../../assembly/namedsem'
import { sysShmOpen } from '../../assembly/posixshm'
import { sysStatProcesses } from '../../assembly/stat'
import { sysStatNames } from '../../assembly/statnames'
import { me } from '../../assembly/thread'
import { bootSpec, checkAll, spawn } from './support/boot'
import { putText, textAt } from './support/kernel'

bootSpec(900)
const process = spawn()

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

function cookie(): f64 {
  return load<f64>(<usize>me().buffer + BUFFER_RESULT)
}

/** => the names that a call from `from` on gives, joined. */
function names(kind: u32, from: u64): string {
  const bytes = sysStatNames(kind, from)
  let text = ''
  for (let at: u32 = 0; <i32>at < bytes; ) {
    const length = load<u32>(data() + at, STAT_NAME_LENGTH)
    text += `${String.UTF8.decodeUnsafe(data() + at + STAT_NAME_BYTES, length)} `
    at += STAT_NAME_BYTES + length
  }
  return text
}

function make(name: string): void {
  const bytes = putText(name, 0)
  assert(sysShmOpen(process, textAt(0), bytes, O_CREAT | O_RDWR, 0o600) >= 0, 'shm_open')
  putText(name, 0)
  const address = sysSemOpen(process, textAt(0), bytes, O_CREAT, 0o600, 7)
  assert(address < -4096 || address > 0, 'sem_open')
}

describe('names of POSIX objects', () => {
  test('there are none at first, and the end is 0 bytes', () => {
    expect(sysStatNames(STAT_NAMES_SHM, 0)).toBe(0)
    expect(sysStatNames(STAT_NAMES_MQ, 0)).toBe(0)
    expect(sysStatNames(STAT_NAMES_SEM, 0)).toBe(0)
  })

  test('a kind that is none is refused with EINVAL', () => {
    expect(sysStatNames(99, 0)).toBe(-EINVAL)
  })

  test('each has its owner and, a semaphore, its value', () => {
    make('/one')
    expect(names(STAT_NAMES_SHM, 0)).toBe('one ')
    expect(names(STAT_NAMES_SEM, 0)).toBe('one ')
    expect(load<u32>(data(), STAT_NAME_COUNT)).toBe(7)
    expect(load<u32>(data(), STAT_NAME_UID)).toBe(process.euid)
  })

  test('the cookie goes on where the records end, and nothing changes', () => {
    make('/two')
    for (let kind = STAT_NAMES_SHM; kind <= STAT_NAMES_SEM; kind += STAT_NAMES_SEM) {
      const all = names(kind, 0)
      expect(all.length).toBe(8)
      expect(names(kind, <u64>cookie())).toBe('')
      expect(names(kind, 0)).toBe(all)
    }
    checkAll()
  })

  test('a cookie from nowhere ends the walk', () => {
    expect(sysStatNames(STAT_NAMES_SEM, u64.MAX_VALUE)).toBe(0)
    expect(sysStatNames(STAT_NAMES_SHM, 0x1000000000000001)).toBe(0)
  })
})

describe('processes', () => {
  test('each is told once, with its parent', () => {
    const child = spawn()
    const count = sysStatProcesses(0)
    let found = 0
    for (let i = 0; i < count; i++) {
      const at = data() + i * STAT_PROCESS_BYTES
      if (load<u32>(at, STAT_PROCESS_PID) != child.pid) continue
      expect(load<u32>(at, STAT_PROCESS_PARENT)).toBe(child.parent)
      found++
    }
    expect(found).toBe(1)
    expect(load<u32>(<usize>me().buffer + BUFFER_RESULT)).toBe(PROCESSES_MAX)
  })

  test('an entry past the table ends the walk', () => {
    expect(sysStatProcesses(PROCESSES_MAX)).toBe(0)
    expect(sysStatProcesses(u32.MAX_VALUE)).toBe(0)
  })
})
