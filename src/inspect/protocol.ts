/**
 * What programs that look at a kernel from outside say to it, through the local socket that `boot({ inspect: true })` opens.
 *
 * Each line is one JSON document, UTF-8, at most LINE_BYTES_MAX long on the way in. The asker sends requests, in whatever number; each gets
 * one response with its `id`, in order. What is no request gets a response with an error and, where none could be read, `id` null; a line
 * that is too long ends the connection after that. Nothing in here can block, stop or change a kernel, but `remove`, which is IPC_RMID.
 *
 *   -> {"isopage":1,"id":1,"method":"maps","params":{"pid":2}}
 *   <- {"isopage":1,"id":1,"result":[...]}
 *   <- {"isopage":1,"id":1,"error":{"code":"ESRCH","message":"..."}}
 *
 * Invariant: fields and methods are added within a version; what is taken away or changes its meaning makes INSPECT_VERSION larger.
 */
import type { KernelStats } from '../stats.js'
import type { Ipcs } from './ipcs.js'
import type { IpcKind } from './ipcs-text.js'
import type { Run } from './page-map.js'
import type { ProcessEntry, ProcessMaps } from './processes.js'

export const INSPECT_VERSION = 1
export const LINE_BYTES_MAX = 65_536

/** Who answers. */
export interface Hello {
  readonly version: number
  /** The system's. */
  readonly pid: number
  /** Names the kernel among those of its program. */
  readonly kernel: string
  /** The program's file, or what it was started with. */
  readonly program: string
  readonly runtime: string
  readonly startedMs: number
  /** Bytes. */
  readonly pageSize: number
  readonly memory: number
}

/** Which object is to be removed: of System V by id or by key, a POSIX one by name. */
export type Removal =
  | { readonly kind: IpcKind; readonly id: number }
  | { readonly kind: IpcKind; readonly key: number }
  | { readonly kind: PosixKind; readonly name: string }

export type PosixKind = 'posix-shm' | 'posix-mq' | 'posix-sem'

/** The methods: what each takes and gives. */
export interface Methods {
  hello(): Hello
  stats(): KernelStats
  processes(): readonly ProcessEntry[]
  /** Of one process of the kernel, or of all. */
  maps(params: { readonly pid?: number }): readonly ProcessMaps[]
  ipcs(): Ipcs
  /** IPC_RMID, and the unlinks of POSIX. => the id that was removed, -1 for a name. ENOENT: no object of that key or name; EINVAL: of that id. */
  remove(params: Removal): number
  /** The state of the pages of a mapping. */
  pages(params: { readonly pid: number; readonly address: number }): readonly Run[]
}

export type MethodName = keyof Methods
export type Params<Name extends MethodName> = Parameters<Methods[Name]>[0]
export type Result<Name extends MethodName> = ReturnType<Methods[Name]>

export interface Request<Name extends MethodName = MethodName> {
  readonly isopage: number
  readonly id: number
  readonly method: Name
  readonly params?: Params<Name>
}

export interface Failure {
  /** An errno name, or BAD_REQUEST, BAD_VERSION, BAD_METHOD, BAD_PARAMS, LINE_TOO_LONG, ERR_*. */
  readonly code: string
  readonly message: string
}

export type Response =
  | { readonly isopage: number; readonly id: number; readonly result: unknown }
  | { readonly isopage: number; readonly id: number | null; readonly error: Failure }

/** A request that cannot be answered. */
export class RequestError extends Error {
  readonly code: string
  readonly id: number | null

  constructor(code: string, message: string, id: number | null = null) {
    super(message)
    this.code = code
    this.id = id
  }
}

/** => the request of a line. Throws RequestError. Which methods there are is the answerer's to say. */
export function parseRequest(line: string): Request {
  const found = parseLine(line)
  const { isopage, id, method, params } = found
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) {
    throw new RequestError('BAD_REQUEST', '"id" must be an integer')
  }
  if (isopage !== INSPECT_VERSION) {
    const message = `"isopage" must be ${INSPECT_VERSION}, the version of the protocol that is spoken here`
    throw new RequestError('BAD_VERSION', message, id)
  }
  if (typeof method !== 'string') throw new RequestError('BAD_REQUEST', '"method" must be text', id)
  if (params !== undefined && !isRecord(params)) {
    throw new RequestError('BAD_PARAMS', '"params" must be an object', id)
  }
  return found as unknown as Request
}

function parseLine(line: string): Record<string, unknown> {
  let found: unknown
  try {
    found = JSON.parse(line)
  } catch {
    throw new RequestError('BAD_REQUEST', 'a line must be one JSON document')
  }
  if (!isRecord(found)) throw new RequestError('BAD_REQUEST', 'a request must be an object')
  return found
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** => lines of JSON for what failed. */
export function failure(error: unknown, id: number | null): Response {
  const { code = 'ERR_INSPECT', message = String(error) } = error as Partial<Failure>
  return { isopage: INSPECT_VERSION, id, error: { code: String(code), message } }
}

/**
 * Cuts what arrives into lines, across chunks. => the lines that are whole. Throws RequestError when one is too long; nothing can be read
 * after that.
 */
export class Lines {
  readonly #decoder = new TextDecoder()
  #rest = ''

  push(bytes: Uint8Array): string[] {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n')
    this.#rest = parts.pop() as string
    if ([this.#rest, ...parts].some((line) => line.length > LINE_BYTES_MAX)) {
      this.#rest = ''
      throw new RequestError('LINE_TOO_LONG', `a line may have ${LINE_BYTES_MAX} bytes at most`)
    }
    return parts.filter((line) => line.trim() !== '')
  }
}
