/** Removes an object of interprocess communication for somebody outside: as root, by a process that is there for this alone. */
import { ENOENT } from '../../assembly/abi.js'
import { IPC } from '../constants.js'
import { kernelError } from '../errors.js'
import type { Instance } from '../instance.js'
import { Process } from '../process.js'
import type { IpcKind } from './ipcs-text.js'
import { type PosixKind, RequestError } from './protocol.js'
import { readIpcs } from './snapshot.js'

const REMOVE: Readonly<Record<IpcKind, (root: Process, id: number) => void>> = {
  shm: (root, id) => root.shmctl(id, IPC.RMID),
  msg: (root, id) => root.msgctl(id, IPC.RMID),
  sem: (root, id) => root.semctl(id, 0, IPC.RMID),
}

const UNLINK: Readonly<Record<PosixKind, (root: Process, name: string) => void>> = {
  'posix-shm': (root, name) => root.shm_unlink(name),
  'posix-mq': (root, name) => root.mq_unlink(name),
  'posix-sem': (root, name) => root.sem_unlink(name),
}

/** @param removal from anywhere. => as `remove` of the protocol says. Throws RequestError, or what the kernel refuses. */
export function remove(instance: Instance, removal: Partial<Record<string, unknown>>): number {
  const { kind, id, key, name } = removal
  if (typeof kind !== 'string') throw new RequestError('BAD_PARAMS', '"kind" must be text')
  using root = new Process(
    instance,
    instance.result('process', instance.calls.process_create(0, 0, 0)),
  )
  if (Object.hasOwn(REMOVE, kind)) {
    const found =
      id === undefined ? idOf(instance, kind as IpcKind, int32('key', key)) : int32('id', id)
    REMOVE[kind as IpcKind](root, found)
    return found
  }
  if (!Object.hasOwn(UNLINK, kind)) {
    const kinds = [...Object.keys(REMOVE), ...Object.keys(UNLINK)].join(', ')
    throw new RequestError('BAD_PARAMS', `"kind" must be one of ${kinds}`)
  }
  if (typeof name !== 'string') throw new RequestError('BAD_PARAMS', '"name" must be text')
  UNLINK[kind as PosixKind](root, name)
  return -1
}

function int32(what: string, value: unknown): number {
  if (typeof value === 'number' && (value | 0) === value) return value
  throw new RequestError('BAD_PARAMS', `"${what}" must be an integer of 32 bits`)
}

function idOf(instance: Instance, kind: IpcKind, key: number): number {
  const found = readIpcs(instance)[kind].find(({ perm }) => perm.key === key)
  if (!found || key === IPC.PRIVATE) throw kernelError(`${kind}get`, ENOENT)
  return found.id
}
