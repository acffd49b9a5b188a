/**
 * node:wasi as an oracle, in Node and Deno: the same random calls through our functions over `disk` and through
 * node:wasi, each over a directory of its own; errno and bytes must agree. What differs on purpose is named in
 * `agreed`. ISOPAGE_SEED replays a run,
 * ISOPAGE_ORACLE_RUNS says how many sequences.
 */

import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errnoName } from '../../dist/src/providers/errno.js'
import { wasiFiles } from '../../dist/src/providers/wasi.js'
import { reexport } from './reexport.ts'
import { inBrowser, inBun, inDeno } from './runtime.ts'
import { OFLAGS, READ, sharedMemory, WasiCaller, WRITE } from './wasi-caller.ts'

const ROOT = 3
const DIRECTORY = 3
const SYMLINK = 7

const NAMES = ['a', 'b', 'd', 'd/a', 'd/b', 'e', 'e/a', 'none/a', 'a/b', 's'] as const

type Call =
  | { op: 'open'; path: string; oflags: number; rights: bigint }
  | { op: 'close' | 'filestat' | 'sync'; file: number }
  | { op: 'pread'; file: number; offset: bigint; lengths: number[] }
  | { op: 'pwrite'; file: number; offset: bigint; parts: Uint8Array[] }
  | { op: 'setSize'; file: number; size: bigint }
  | { op: 'pathFilestat' | 'makeDirectory' | 'removeDirectory' | 'unlink' | 'list'; path: string }
  | { op: 'rename' | 'link'; from: string; to: string }
  | { op: 'symlink' | 'readlink'; path: string }
  | { op: 'setTimes'; path: string; time: bigint }

const path = fc.constantFrom(...NAMES)
const file = fc.nat({ max: 5 })
const offset = fc.oneof(fc.bigInt(0n, 40n), fc.constant(70_000n))
const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 6, arbitrary: openCall() },
  fc.record({ op: fc.constantFrom('close', 'filestat', 'sync'), file }),
  { weight: 3, arbitrary: preadCall() },
  { weight: 3, arbitrary: pwriteCall() },
  fc.record({ op: fc.constant('setSize'), file, size: offset }),
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constantFrom('pathFilestat', 'makeDirectory', 'removeDirectory', 'unlink', 'list'),
      path,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constantFrom('rename', 'link'), from: path, to: path }),
  },
  fc.record({ op: fc.constantFrom('symlink', 'readlink'), path }),
  fc.record({ op: fc.constant('setTimes'), path, time: fc.bigInt(1n, 2_000_000_000n) }),
)

/** Truncation is asked for with the right to write only: without it we refuse, and uvwasi cuts the file. */
function openCall(): fc.Arbitrary<Call> {
  const { create, directory, exclusive, truncate } = OFLAGS
  const readOnly = fc.constantFrom(0, create, create | exclusive, directory)
  const writable = fc.constantFrom(0, create, create | exclusive, truncate, create | truncate)
  const flags = fc.oneof(fc.record({ oflags: readOnly, rights: fc.constant(READ) }), {
    weight: 2,
    arbitrary: fc.record({ oflags: writable, rights: fc.constant(READ | WRITE) }),
  })
  return fc.record({ path, flags }).map(({ path, flags }) => ({ op: 'open', path, ...flags }))
}

function preadCall(): fc.Arbitrary<Call> {
  const lengths = fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 3 })
  return fc.record({ op: fc.constant('pread'), file, offset, lengths })
}

function pwriteCall(): fc.Arbitrary<Call> {
  const parts = fc.array(fc.uint8Array({ maxLength: 30 }), { minLength: 1, maxLength: 3 })
  return fc.record({ op: fc.constant('pwrite'), file, offset, parts })
}

interface Result {
  errno: string | number
  value: unknown
}

/** One side: a caller and the descriptors it opened, in order of opening. */
interface Side {
  wasi: WasiCaller
  files: number[]
}

/** Makes a call; => the errno's name and what was given, without what two directories cannot share. */
async function make(side: Side, call: Call): Promise<Result> {
  const outcome = await dispatch(side, call)
  const errno = outcome.errno === 0 ? 'ESUCCESS' : (errnoName(outcome.errno) ?? outcome.errno)
  return { errno, value: outcome.errno === 0 ? comparable(call, outcome.value) : undefined }
}

function comparable(call: Call, value: unknown): unknown {
  if (call.op === 'open') return undefined
  if (call.op !== 'filestat' && call.op !== 'pathFilestat') return value
  const { type, size, nlink } = value as { type: number; size: bigint; nlink: bigint }
  if (type === DIRECTORY) return { type }
  return inDeno ? { type, size } : { type, size, nlink } // Deno's node:wasi counts no links
}

async function dispatch(side: Side, call: Call): Promise<{ errno: number; value?: unknown }> {
  const { wasi } = side
  if ('file' in call) return dispatchFile(side, call)
  switch (call.op) {
    case 'open': {
      const outcome = await wasi.open(ROOT, call.path, call.oflags, call.rights)
      if (outcome.value !== undefined) side.files.push(outcome.value)
      return outcome
    }
    case 'list':
      return list(wasi, call.path)
    case 'rename':
      return wasi.rename(ROOT, call.from, ROOT, call.to)
    case 'link':
      return wasi.link(ROOT, call.from, call.to)
    case 'symlink':
      return wasi.symlink('target', ROOT, call.path)
    case 'setTimes':
      return wasi.setTimes(ROOT, call.path, call.time * 1_000_000_000n, call.time * 1_000_000_000n)
    default:
      return wasi[call.op](ROOT, call.path)
  }
}

async function dispatchFile(side: Side, call: Extract<Call, { file: number }>) {
  const { wasi, files } = side
  const fd = files.length > 0 ? (files[call.file % files.length] as number) : 5000
  switch (call.op) {
    case 'close':
      if (files.length > 0) files.splice(call.file % files.length, 1)
      return wasi.close(fd)
    case 'sync':
      return wasi.sync(fd, false)
    case 'pread':
      return wasi.pread(fd, call.lengths, call.offset)
    case 'pwrite':
      return wasi.pwrite(fd, call.parts, call.offset)
    case 'setSize':
      return wasi.setSize(fd, call.size)
    case 'filestat':
      return wasi.filestat(fd)
  }
}

/** A right that is missing: uvwasi keeps rights and says ENOTCAPABLE, we ask the system as POSIX has it. */
const RIGHT_MISSING = new Set(['EBADF', 'EINVAL', 'EISDIR'])

/** What Deno's own node:wasi says where Linux, and Node's, say otherwise: 'call ours theirs'. */
const DENO_DIFFERS = new Set(['list ENOENT ENOTDIR', 'open ENOENT ENOTDIR'])

/** Ours as the oracle would say it. */
function agreed({ op }: Call, mine: Result, oracle: Result): Result {
  if (inDeno && DENO_DIFFERS.has(`${op} ${mine.errno} ${oracle.errno}`)) return oracle
  // Of two wrong paths Deno tells about the other one.
  const twoPaths = op === 'rename' || op === 'link'
  const bothFail = mine.errno !== 'ESUCCESS' && oracle.errno !== 'ESUCCESS'
  if (inDeno && twoPaths && bothFail) return oracle
  if (oracle.errno === 'ENOTCAPABLE' && RIGHT_MISSING.has(String(mine.errno))) return oracle
  return mine
}

/** Where a symlink would be followed: uvwasi does, we say ELOOP; the suite tests ours. */
async function meetsSymlink({ wasi }: Side, call: Call): Promise<boolean> {
  const paths = 'path' in call ? [call.path] : 'from' in call ? [call.from, call.to] : []
  const followsLast = call.op === 'open' || call.op === 'list'
  for (const path of paths) {
    const names = path.split('/')
    for (let depth = 1; depth <= names.length - (followsLast ? 0 : 1); depth++) {
      const { value } = await wasi.pathFilestat(ROOT, names.slice(0, depth).join('/'))
      if (value?.type === SYMLINK) return true
    }
  }
  return false
}

/** Deno's node:wasi opens a directory for anything, O_EXCL included. */
async function opensDirectoryInDeno({ wasi }: Side, call: Call): Promise<boolean> {
  if (!inDeno || call.op !== 'open') return false
  return (await wasi.pathFilestat(ROOT, call.path)).value?.type === DIRECTORY
}

/** The names and types of a directory, whatever order they come in. */
async function list(wasi: WasiCaller, path: string) {
  const { errno, value } = await wasi.open(ROOT, path, OFLAGS.directory, READ)
  if (errno) return { errno }
  const { entries, errno: failure } = await wasi.readdir(value as number, 0n, 4096)
  await wasi.close(value as number)
  if (failure) return { errno: failure }
  const names = entries.filter(({ name }) => name !== '.' && name !== '..')
  return { errno, value: names.map(({ name, type }) => `${type} ${name}`).sort() }
}

describe.skipIf(inBrowser || inBun)('node:wasi agrees (Bun, browsers: no such oracle)', () => {
  let end: () => Promise<void>
  let start: () => Promise<[Side, Side]>
  beforeEach(async () => {
    const { WASI } = await import('node:wasi')
    const { fs, openDisk, temporaryDirectory } = await import('./disk.ts')
    const module = reexport()
    const undo: (() => unknown)[] = []
    end = async () => {
      for (const act of undo.splice(0)) await act()
    }
    start = async () => {
      await end()
      const [ours, theirs] = [temporaryDirectory(), temporaryDirectory()]
      const provider = await openDisk(ours)
      undo.push(() => provider.dispose?.())
      undo.push(() => [ours, theirs].map((dir) => fs.rmSync(dir, { recursive: true })))
      const memory = sharedMemory()
      const wasi = new WASI({ version: 'preview1', preopens: { '/': theirs } })
      const env = { env: { memory }, ...(wasi.getImportObject() as WebAssembly.Imports) }
      const instance = await WebAssembly.instantiate(module, env)
      wasi.start(instance)
      const oracle = new WasiCaller(memory, instance.exports as never)
      undo.push(async () => {
        for (const fd of sides[1].files) await oracle.close(fd)
      })
      const own = sharedMemory()
      const sides: [Side, Side] = [
        { wasi: new WasiCaller(own, wasiFiles(own, [provider])), files: [] },
        { wasi: oracle, files: [] },
      ]
      return sides
    }
  })
  afterEach(() => end())

  test('over random sequences of calls, in errno and bytes', async () => {
    const seed = Number(process.env.ISOPAGE_SEED ?? Date.now() % 2 ** 31)
    console.log(`oracle: ISOPAGE_SEED=${seed}`)
    const calls = fc.array(call, { minLength: 5, maxLength: 60 })
    const property = fc.asyncProperty(calls, async (sequence) => {
      const [ours, theirs] = await start()
      for (const each of sequence) {
        if ((await meetsSymlink(ours, each)) || (await opensDirectoryInDeno(ours, each))) continue
        const [mine, oracle] = [await make(ours, each), await make(theirs, each)]
        expect({ call: each, ...agreed(each, mine, oracle) }).toEqual({ call: each, ...oracle })
      }
    })
    await fc.assert(property, { seed, numRuns: Number(process.env.ISOPAGE_ORACLE_RUNS ?? 150) })
  })
})
