/**
 * Every import of `isopage` and of WASI preview 1, called by a guest with forged pointers, lengths, descriptors, ids and flags, over memory full of them. Each call gives an
 * errno or its result, or ends the guest by what is ours; the kernel is whole after all of it.
 */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { IMPORTS } from '../../dist/src/guest/imports-def.js'
import { I32, I64 } from '../../dist/src/guest/rewrite/opcodes.js'
import { boot, type Kernel, MAP, PROT } from '../../dist/src/index.js'
import { effort, seedOf } from '../support/effort.ts'
import { moduleOf } from '../support/guest-module.ts'
import { unableToBlock } from '../support/non-blocking.ts'

const PAGE = 4096
const WASI_ERRNO_MAX = 200
const WINDOW = 0x8123_0000
const WASI = 'wasi_snapshot_preview1'

/** Parameters of preview 1: i a number, l one of 64 bits. Source: its witx. */
const PREVIEW_1: Readonly<Record<string, string>> = {
  args_get: 'ii',
  args_sizes_get: 'ii',
  environ_get: 'ii',
  environ_sizes_get: 'ii',
  clock_res_get: 'ii',
  clock_time_get: 'ili',
  fd_advise: 'illi',
  fd_allocate: 'ill',
  fd_close: 'i',
  fd_datasync: 'i',
  fd_fdstat_get: 'ii',
  fd_fdstat_set_flags: 'ii',
  fd_fdstat_set_rights: 'ill',
  fd_filestat_get: 'ii',
  fd_filestat_set_size: 'il',
  fd_filestat_set_times: 'illi',
  fd_pread: 'iiili',
  fd_prestat_get: 'ii',
  fd_prestat_dir_name: 'iii',
  fd_pwrite: 'iiili',
  fd_read: 'iiii',
  fd_readdir: 'iiili',
  fd_renumber: 'ii',
  fd_seek: 'ilii',
  fd_sync: 'i',
  fd_tell: 'ii',
  fd_write: 'iiii',
  path_create_directory: 'iii',
  path_filestat_get: 'iiiii',
  path_filestat_set_times: 'iiiilli',
  path_link: 'iiiiiii',
  path_open: 'iiiiillii',
  path_readlink: 'iiiiii',
  path_remove_directory: 'iii',
  path_rename: 'iiiiii',
  path_symlink: 'iiiii',
  path_unlink_file: 'iii',
  poll_oneoff: 'iiii',
  proc_exit: 'i',
  proc_raise: 'i',
  random_get: 'ii',
  sched_yield: '',
  sock_accept: 'iii',
  sock_recv: 'iiiiii',
  sock_send: 'iiiii',
  sock_shutdown: 'ii',
}

interface Import {
  readonly from: string
  readonly name: string
  readonly types: readonly number[]
}

const types = (letters: string) => [...letters].map((letter) => (letter === 'l' ? I64 : I32))
const ALL: readonly Import[] = [
  ...Object.entries(IMPORTS).map(([name, { params }]) => ({
    from: 'isopage',
    name,
    types: Object.values(params).map((kind) => (kind === 'offset' ? I64 : I32)),
  })),
  ...Object.entries(PREVIEW_1).map(([name, letters]) => ({
    from: WASI,
    name,
    types: types(letters),
  })),
]

/** A module whose exports call its imports with what they are given. */
const GUEST = moduleOf({
  memory: { initial: 1, maximum: 1 },
  imports: ALL.map(({ from, name, types }) => ({
    name: `${from}.${name}`,
    params: types,
    results: name === 'proc_exit' ? [] : [I32],
  })),
  functions: ALL.map(({ from, name, types }, index) => ({
    name: `${from}.${name}`,
    params: types,
    results: name === 'proc_exit' ? [] : [I32],
    body(code) {
      for (let i = 0; i < types.length; i++) code.get(i)
      code.call(index)
    },
  })),
})

const WORDS = [
  ...[
    0, 1, 2, 3, 4, 5, 7, 8, 16, 100, 255, 256, 511, 1024, 4095, 4096, 4097, 65520, 65532, 65535,
    65536,
  ],
  ...[0x7fff_ffff, 0x8000_0000, 0x8100_0000, WINDOW, WINDOW + 1, WINDOW + PAGE - 4, WINDOW + PAGE],
  ...[WINDOW + 2 * PAGE - 8, WINDOW + 2 * PAGE, WINDOW + 3 * PAGE, 0xfeff_ffff, 0xff00_0000],
  ...[0xffff_f000, 0xffff_fffc, 0xffff_fffe, 0xffff_ffff, 0x4000_0000, 0x1000_0000, 1_000_000_000],
]
const word = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 2, arbitrary: fc.nat(70_000) },
  { weight: 1, arbitrary: fc.integer().map((value) => value >>> 0) },
)
const long = fc.oneof(
  word.map(BigInt),
  fc.constantFrom(-1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n, 2n ** 53n - 1n, 2n ** 32n, 4096n),
)

/** A word for the guest's memory: often the beginning of text, or of a structure. */
const content = fc.oneof(word, fc.constantFrom(0x0061_612f, 0x2e2e_2f2e, 0x6161_6161, 0x0000_2f61))

let kernel: Kernel
beforeAll(async () => {
  kernel = await unableToBlock(() => boot({ memory: '16MiB' }))
  const root = kernel.process()
  root.umask(0)
  for (const from of ['isopage', WASI]) root.mkdir(`/${from}`, 0o777)
  root.exit()
})
afterAll(async () => {
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  await kernel.close()
})

/** A process of nobody in particular, with files, two shared pages and one to read at WINDOW, and nothing behind. */
async function guest(from: string) {
  const p = kernel.process({ uid: 1000, gid: 1000 })
  p.chdir(`/${from}`)
  const flags = MAP.SHARED | MAP.ANONYMOUS | MAP.FIXED
  p.mmap({ addr: WINDOW, length: 2 * PAGE, flags })
  p.mmap({ addr: WINDOW + 2 * PAGE, length: PAGE, prot: PROT.READ, flags })
  const streams = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const
  const plugin = await kernel.load(GUEST, { process: p, cache: false, ...streams })
  return { p, plugin }
}

/** Calls an import. => what is wrong with how it ended, undefined for nothing */
function wrong(call: () => unknown, { from, name }: Import): string | undefined {
  try {
    const result = call()
    if (from !== WASI) return Number.isInteger(result) ? undefined : `gave ${result}`
    const isErrno = (result as number) >= 0 && (result as number) <= WASI_ERRNO_MAX
    return isErrno || name === 'proc_exit' ? undefined : `gave ${result}`
  } catch (error) {
    const { code } = error as { code?: string }
    const ours = /^(ERR_WOULD_BLOCK|ERR_GUEST_EXIT|SIG[A-Z]+)$/.test(code ?? '')
    const ends = name === 'kill' || name === 'proc_raise'
    if (ours || (ends && error instanceof WebAssembly.RuntimeError)) return undefined
    return `threw ${error} ${(error as Error).stack}`
  }
}

describe.each(['isopage', WASI])('the imports of %s', (from) => {
  const imports = ALL.filter((one) => one.from === from)

  test('are the ones that are tried', async () => {
    const { p, plugin } = await guest(from)
    expect(Object.keys(plugin.exports).filter((name) => name.startsWith(`${from}.`))).toHaveLength(
      imports.length,
    )
    plugin[Symbol.dispose]()
    p.exit()
  })

  test('bear forged arguments', async () => {
    let { p, plugin } = await guest(from)
    const answered = new Set<string>()
    const calls = fc.record({
      which: fc.nat(imports.length - 1),
      words: fc.array(word, { minLength: 9, maxLength: 9 }),
      longs: fc.array(long, { minLength: 9, maxLength: 9 }),
      at: fc.nat(60),
      contents: fc.array(content, { minLength: 24, maxLength: 24 }),
    })
    const samples = fc.sample(calls, { numRuns: effort(imports.length * 800), seed: seedOf() })
    for (const [number, { which, words, longs, at, contents }] of samples.entries()) {
      const one = imports[which] as Import
      const args = one.types.map((type, i) => (type === I64 ? longs[i] : (words[i] as number) | 0))
      new Uint32Array((plugin.memory as WebAssembly.Memory).buffer).set(contents, at)
      const call = plugin.exports[`${from}.${one.name}`] as (...args: unknown[]) => unknown
      const tried = () => {
        const result = call(...args)
        answered.add(one.name)
        return result
      }
      const seen = wrong(tried, one)
      expect(seen && `${one.name}(${args.join()}) ${seen}`).toBe(undefined)
      if (number % 200 === 199) {
        kernel.check()
        plugin[Symbol.dispose]()
        p.exit()
        ;({ p, plugin } = await guest(from))
      }
    }
    kernel.check()
    // All but the few that never come back.
    expect(answered.size).toBeGreaterThanOrEqual(imports.length - 4)
    plugin[Symbol.dispose]()
    p.exit()
  }, 600_000)
})
