/**
 * The asking side: finds programs that booted with `inspect: true`, and asks one.
 * Invariant: whatever a program does, or does not, an ask ends: ANSWER_MS.
 */
import type { Socket } from 'node:net'
import { IsopageError } from '../errors.js'
import { builtin, withResolvers } from '../runtime.js'
import { type SocketFile, socketFiles, socketFolder } from './folder.js'
import {
  type Failure,
  type Hello,
  INSPECT_VERSION,
  type MethodName,
  type Params,
  type Response,
  type Result,
} from './protocol.js'

/** How long an answer is waited for. */
const ANSWER_MS = 10_000
const HELLO_MS = 3000
/** A program that lives refuses connections only between making its socket and listening on it. */
const REFUSES_MS = 10_000

/** A program that answers. */
export interface Program extends AsyncDisposable {
  readonly hello: Hello
  ask<Name extends MethodName>(method: Name, params?: Params<Name>): Promise<Result<Name>>
}

/** No program, or several: nothing to choose. */
export class ChoiceError extends Error {
  /** Those among which one is to be chosen. */
  readonly programs: readonly Hello[]

  constructor(message: string, programs: readonly Hello[] = []) {
    super(message)
    this.programs = programs
  }
}

/** What one says to name a program: its pid, or `PID-KERNEL`. */
export function nameOf({ pid, kernel }: Hello): string {
  return `${pid}-${kernel.slice(0, 8)}`
}

/** => the program of a pid or a name, or the only one. ChoiceError when there is not exactly one. */
export async function findProgram(choice?: string): Promise<Program> {
  const files = (await socketFiles()).filter(
    ({ pid, kernel }) =>
      choice === undefined || choice === String(pid) || choice === `${pid}-${kernel}`,
  )
  const answers = await Promise.all(files.map(open))
  const found = answers.filter((answer) => typeof answer === 'object')
  const [only, ...more] = found
  if (only && more.length === 0) return only
  const programs = found.map(({ hello }) => hello)
  for (const program of found) await program[Symbol.asyncDispose]()
  if (only) throw new ChoiceError(`${found.length} kernels run: say which`, programs)
  const silent = files.filter((_, at) => answers[at] === 'silent').map(({ pid }) => pid)
  if (silent.length > 0) throw new ChoiceError(`program ${silent.join(', ')} does not answer`)
  const which = choice === undefined ? 'no program' : `no program '${choice}'`
  throw new ChoiceError(
    `${which} that booted with { inspect: true } runs (looked in ${await socketFolder()})`,
  )
}

/** => the program behind a socket; `silent` when it does not answer, `gone` when nobody listens there any more. */
async function open(file: SocketFile): Promise<Program | 'silent' | 'gone'> {
  let line: Line | undefined
  try {
    line = await Line.connect(file.path)
    const hello = (await line.ask('hello', {}, HELLO_MS)) as Hello
    return { hello, ask: line.ask as Program['ask'], [Symbol.asyncDispose]: line.close }
  } catch (error) {
    await line?.close()
    const { code } = error as { code?: string }
    if (code === 'ECONNREFUSED') await sweep(file)
    return code === 'ECONNREFUSED' || code === 'ENOENT' ? 'gone' : 'silent'
  }
}

/** The process lives, or one that got its pid; who listened there is gone. */
async function sweep({ path }: SocketFile): Promise<void> {
  const fs = await builtin('node:fs')
  const made = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs
  if (made !== undefined && Date.now() - made > REFUSES_MS) fs.rmSync(path, { force: true })
}

/** One connection: one question at a time. */
class Line {
  readonly #socket: Socket
  readonly #decoder = new TextDecoder()
  #rest = ''
  #lastId = 0
  #waiting: ReturnType<typeof withResolvers<unknown>> | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes) => this.#take(bytes as Uint8Array))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(lost('the program closed the connection')))
  }

  static async connect(path: string): Promise<Line> {
    const net = await builtin('node:net')
    const { promise, resolve, reject } = withResolvers<void>()
    const socket = net.connect(path, resolve)
    socket.once('error', reject)
    await promise
    return new Line(socket)
  }

  readonly ask = async (
    method: string,
    params: unknown = {},
    withinMs = ANSWER_MS,
  ): Promise<unknown> => {
    const waiting = withResolvers<unknown>()
    this.#waiting = waiting
    const id = ++this.#lastId
    this.#socket.write(`${JSON.stringify({ isopage: INSPECT_VERSION, id, method, params })}\n`)
    const late = () => this.#fail(lost(`the program did not answer within ${withinMs / 1000} s`))
    const timer = setTimeout(late, withinMs)
    try {
      return await waiting.promise
    } finally {
      clearTimeout(timer)
    }
  }

  readonly close = async (): Promise<void> => {
    this.#socket.destroy()
  }

  #take(bytes: Uint8Array): void {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n')
    this.#rest = parts.pop() as string
    for (const line of parts) this.#settle(JSON.parse(line))
  }

  #settle(response: Response): void {
    if ('error' in response) this.#waiting?.reject(refused(response.error))
    else if (response.id === this.#lastId) this.#waiting?.resolve(response.result)
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error)
  }
}

function refused({ code, message }: Failure): IsopageError {
  return new IsopageError(code, message)
}

function lost(message: string): IsopageError {
  return new IsopageError('ERR_INSPECT', `ERR_INSPECT: ${message}`)
}
