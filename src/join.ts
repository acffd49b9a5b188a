/** How a thread takes part in a kernel that another one booted: instance, providers, slot, thread record. */
import { ABI_VERSION, THREAD_MAY_BLOCK, THREAD_SERVES } from '../assembly/abi.js'
import { wrongType } from './check.js'
import { IsopageError } from './errors.js'
import { closed, Instance } from './instance.js'
import { announce, type Life } from './liveness.js'
import type { Handle } from './protocol.js'
import type { MountedSpec, Provider } from './providers/provider.js'
import { instantiate } from './providers/specs.js'
import { mayBlock, threadId } from './runtime.js'
import { THREAD_TABLE_BYTES, ThreadTable } from './threads.js'

export interface JoinOptions {
  /** Slot of the thread that started this worker; -1 for a thread of the user's. */
  readonly parent: number
  /** Mounts that this thread owns, by number. */
  readonly owned?: readonly (MountedSpec | null)[]
}

/** A thread's place in a kernel. */
export interface Place {
  readonly instance: Instance
  /** The providers that this thread serves, by mount number. */
  readonly providers: (Provider | null)[]
}

/** Attaches this thread. ERR_INVALID_ARG_TYPE for what is no handle, EAGAIN when all thread slots are taken. */
export async function join(handle: Handle, options: JoinOptions): Promise<Place> {
  const table = new ThreadTable(handle.threads)
  const { memory, module } = handle
  const providers: (Provider | null)[] = []
  for (const [index, spec] of handle.mounts.entries()) {
    const served = spec ?? options.owned?.[index] ?? null
    providers.push(served && (await instantiate(served)))
  }
  const instance = await Instance.make(
    { memory, module, table, pageSize: handle.settings.pageSize },
    providers,
  )
  await takeSlot(instance, handle, options.parent, (options.owned?.length ?? 0) > 0)
  return { instance, providers }
}

/** Claims a slot and records who has it. `serves`: it owns providers, so it serves the ring while it waits. `announced`: see announce. */
export async function takeSlot(
  instance: Instance,
  handle: Pick<Handle, 'id' | 'ticket'>,
  parent: number,
  serves: boolean,
  announced?: Life,
): Promise<void> {
  const life = announced ?? (await announce(handle.id))
  const flags = (mayBlock() ? THREAD_MAY_BLOCK : 0) | (serves ? THREAD_SERVES : 0)
  const id = await threadId()
  instance.attach(flags)
  const { index, sequence, table } = instance
  table.record(index, sequence, { ...life, threadId: id, ticket: handle.ticket, parent })
  try {
    instance.ready()
  } catch (error) {
    table.forget({ index, sequence })
    throw error
  }
}

/** A handle, checked field by field: it may come from anywhere. */
export function checkHandle(value: unknown): Handle {
  const handle = value as Partial<Handle> | null
  if (typeof handle !== 'object' || typeof handle?.isopage !== 'number') {
    throw wrongType('handle', 'the `handle` of a kernel', value)
  }
  if (handle.isopage !== ABI_VERSION) {
    throw new IsopageError(
      'ERR_ABI_MISMATCH',
      `ERR_ABI_MISMATCH: the handle speaks ABI ${handle.isopage}, this package ${ABI_VERSION}`,
    )
  }
  const { memory, module, threads, mounts, settings, id, ticket } = handle
  const whole =
    memory instanceof WebAssembly.Memory &&
    memory.buffer instanceof SharedArrayBuffer &&
    module instanceof WebAssembly.Module &&
    threads instanceof SharedArrayBuffer &&
    threads.byteLength === THREAD_TABLE_BYTES &&
    Array.isArray(mounts) &&
    typeof settings === 'object' &&
    typeof id === 'string' &&
    typeof ticket === 'number'
  if (!whole) throw wrongType('handle', 'the whole `handle` of a kernel', value)
  if (new ThreadTable(threads).closed) throw closed()
  return handle as Handle
}
