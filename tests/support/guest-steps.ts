/** Small programs for tests of guests: a list of calls with constants, put together by hand. */
import { EMPTY, I32, I64 } from '../../dist/src/guest/rewrite/opcodes.js'
import { moduleOf, type TestModule } from './guest-module.ts'

/** Parameters of the imports that test programs use: i a 32-bit number, l a 64-bit one. */
const SIGNATURES: Readonly<Record<string, string>> = {
  'wasi_snapshot_preview1.fd_write': 'iiii',
  'wasi_snapshot_preview1.fd_read': 'iiii',
  'wasi_snapshot_preview1.fd_pread': 'iiili',
  'wasi_snapshot_preview1.fd_close': 'i',
  'wasi_snapshot_preview1.fd_seek': 'ilii',
  'wasi_snapshot_preview1.fd_filestat_set_times': 'illi',
  'wasi_snapshot_preview1.path_filestat_set_times': 'iiiilli',
  'wasi_snapshot_preview1.path_open': 'iiiiillii',
  'wasi_snapshot_preview1.poll_oneoff': 'iiii',
  'wasi_snapshot_preview1.random_get': 'ii',
  'isopage.mmap': 'iiiiil',
  'isopage.getpid': '',
  'isopage.kill': 'ii',
  'isopage.pipe': 'ii',
  'isopage.mq_notify': 'iii',
  'isopage.mq_send': 'iiiii',
}

export type Step =
  /** A call whose result must be `gives`, else the program's status is the step's number; undefined: whatever it gives. */
  | { readonly call: string; readonly args: readonly (number | bigint)[]; readonly gives?: number }
  /** Bytes put into memory. */
  | { readonly at: number; readonly bytes: Uint8Array | readonly number[] }
  | { readonly at: number; readonly word: number }
  /** The word at an address must be this. */
  | { readonly at: number; readonly is: number }
  | { readonly trap: 'unreachable' | 'divide' }
  /** A loop without end. */
  | { readonly loop: true }

const PROC_EXIT = 'wasi_snapshot_preview1.proc_exit'

/** Text as a step and where it stands. */
export function text(at: number, value: string): Step {
  return { at, bytes: new TextEncoder().encode(value) }
}

export const iovec = (at: number, address: number, length: number): Step[] => [
  { at, word: address },
  { at: at + 4, word: length },
]

/** => a program that takes the steps, then ends with `status`. */
export function program(steps: readonly Step[], status = 0): Uint8Array<ArrayBuffer> {
  const called = steps.flatMap((step) => ('call' in step ? step.call : []))
  const imports = [PROC_EXIT, ...new Set(called)]
  const types = (letters: string) => [...letters].map((letter) => (letter === 'l' ? I64 : I32))
  const wanted: TestModule = {
    memory: { initial: 2, maximum: 4 },
    imports: imports.map((from) =>
      from === PROC_EXIT
        ? { name: from, params: [I32] }
        : { name: from, params: types(SIGNATURES[from] as string), results: [I32] },
    ),
    functions: [
      {
        name: '_start',
        body(code) {
          const exit = (value: number) => code.const(value).call(0)
          const expect = (value: number, number: number) => {
            code.const(value).op(0x47).op(0x04, EMPTY)
            exit(number)
            code.end()
          }
          for (const [index, step] of steps.entries()) {
            if ('call' in step) {
              const letters = SIGNATURES[step.call] as string
              step.args.forEach((arg, i) => {
                if (letters[i] === 'l') code.const64(BigInt(arg))
                else code.const(Number(arg) | 0)
              })
              code.call(imports.indexOf(step.call))
              if (step.gives === undefined) code.op(0x1a)
              else expect(step.gives, index + 1)
            } else if ('bytes' in step) {
              for (const [i, byte] of step.bytes.entries()) {
                code
                  .const(step.at + i)
                  .const(byte)
                  .op(0x3a, 0, 0)
              }
            } else if ('word' in step)
              code
                .const(step.at | 0)
                .const(step.word | 0)
                .op(0x36, 2, 0)
            else if ('is' in step) {
              code.const(step.at | 0).op(0x28, 2, 0)
              expect(step.is, index + 1)
            } else if ('trap' in step) {
              if (step.trap === 'unreachable') code.op(0x00)
              else code.const(1).const(0).op(0x6d, 0x1a)
            } else code.op(0x03, EMPTY, 0x0c, 0).op(0x0b)
          }
          exit(status)
        },
      },
    ],
  }
  return moduleOf(wanted)
}
