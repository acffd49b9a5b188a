/**
 * The methods of the protocol, answered from one thread's instance of the kernel.
 * Invariant: parameters come from anywhere; what is wrong with them is a RequestError before the kernel is asked.
 */
import { EFAULT, ESRCH } from '../../assembly/abi.js'
import { kernelError } from '../errors.js'
import type { Instance } from '../instance.js'
import { Process } from '../process.js'
import { kernelStats } from '../stats.js'
import { type Run, runsOf, statesOf } from './page-map.js'
import { type ProcessMaps, readProcesses } from './processes.js'
import {
  failure,
  type Hello,
  INSPECT_VERSION,
  type MethodName,
  type Methods,
  parseRequest,
  RequestError,
  type Response,
} from './protocol.js'
import { remove } from './remove.js'
import { readIpcs } from './snapshot.js'

export class Answers {
  readonly #methods: Methods

  constructor(instance: Instance, hello: Hello) {
    this.#methods = {
      hello: () => hello,
      stats() {
        instance.result('stats', instance.calls.stat_kernel())
        return kernelStats(instance)
      },
      processes: () => readProcesses(instance),
      maps: ({ pid }) => readMaps(instance, checkPid(pid)),
      ipcs: () => readIpcs(instance),
      remove: (removal) => remove(instance, { ...removal }),
      pages: ({ pid, address }) => readPages(instance, checkPid(pid) ?? 0, checkAddress(address)),
    }
  }

  /** => the response to a line. Never throws. */
  answer(line: string): Response {
    let id: number | null = null
    try {
      const request = parseRequest(line)
      id = request.id
      const method = this.#method(request.method)
      return { isopage: INSPECT_VERSION, id, result: method(request.params ?? {}) }
    } catch (error) {
      return failure(error, error instanceof RequestError ? (error.id ?? id) : id)
    }
  }

  #method(name: string): (params: object) => unknown {
    const names = Object.keys(this.#methods)
    if (!names.includes(name)) {
      throw new RequestError('BAD_METHOD', `'${name.slice(0, 64)}' is none of ${names.join(', ')}`)
    }
    return this.#methods[name as MethodName] as (params: object) => unknown
  }
}

function checkPid(pid: unknown): number | undefined {
  if (pid === undefined || (typeof pid === 'number' && Number.isInteger(pid) && pid > 0)) return pid
  throw new RequestError('BAD_PARAMS', '"pid" must be an integer >= 1')
}

/** A process that ends meanwhile is left out. */
function readMaps(instance: Instance, pid: number | undefined): ProcessMaps[] {
  const entries = readProcesses(instance).filter((entry) => pid === undefined || entry.pid === pid)
  if (entries.length === 0 && pid !== undefined) throw kernelError('maps', ESRCH)
  return entries.flatMap((entry) => {
    try {
      const maps = new Process(instance, entry.pid).maps()
      return [{ ...entry, maps: maps.map((map) => ({ ...map, ino: Number(map.ino) })) }]
    } catch (error) {
      if (pid === undefined && (error as { errno?: number }).errno === ESRCH) return []
      throw error
    }
  })
}

function checkAddress(address: unknown): number {
  if (typeof address === 'number' && Number.isInteger(address) && address >= 0) return address
  throw new RequestError('BAD_PARAMS', '"address" must be an integer >= 0')
}

function readPages(instance: Instance, pid: number, address: number): Run[] {
  const process = new Process(instance, pid)
  const map = process.maps().find(({ start, end }) => address >= start && address < end)
  if (!map) throw kernelError('pages', EFAULT, { address })
  return runsOf(statesOf(process.pages(map.start, map.end - map.start), map.shared))
}
