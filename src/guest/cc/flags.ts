/**
 * What is added to the flags that a user gives, and how their command line is read. They are clang's own; only those are looked at that
 * name files or say how far the compiler goes.
 */
import { SYSROOT } from './sysroot.js'

/** Bytes of stack, which stands first in memory so that an overflow traps; lld's own 64 KiB is too little for programs written for Unix. */
const STACK_BYTES = 1 << 20

/** Of every translation unit: atomics reach other processes, and setjmp is real (exceptions). */
const COMPILING = [
  '-Qunused-arguments',
  '-matomics',
  '-mbulk-memory',
  '-mllvm',
  '-wasm-enable-sjlj',
]

/** Of every program: its stack, and that it says what it is made for (lib/mark.c). */
const LINKING = [
  '-z',
  `stack-size=${STACK_BYTES}`,
  '--stack-first',
  '-u',
  '__isopage_posix',
  '--export-if-defined=__isopage_posix',
]

/** How far the compiler goes: each of these ends before the link. */
const STOPS = new Set(['-c', '-S', '-E', '-M', '-MM', '-fsyntax-only', '--version', '-###', '-r'])

/** Flags whose value is the next argument. */
const WITH_VALUE = new Set([
  '-o',
  '-I',
  '-L',
  '-l',
  '-D',
  '-U',
  '-x',
  '-include',
  '-imacros',
  '-isystem',
  '-iquote',
  '-idirafter',
  '-MF',
  '-MT',
  '-MQ',
  '-mllvm',
  '-Xclang',
  '-Xlinker',
  '-Xpreprocessor',
  '-T',
  '-u',
  '-z',
  '-target',
  '-std',
  '-arch',
])

/** Flags that name files or folders, alone or joined to their value. */
export const PATH_FLAGS = [
  '-isystem',
  '-iquote',
  '-idirafter',
  '-include',
  '-imacros',
  '-MF',
  '-I',
  '-L',
  '-o',
] as const
export type PathFlag = (typeof PATH_FLAGS)[number]

/** Those that name folders of headers. */
export const SEARCHED: readonly PathFlag[] = ['-I', '-isystem', '-iquote', '-idirafter']

/** An argument, taken apart. */
export type Argument =
  | { readonly kind: 'input'; readonly path: string }
  | { readonly kind: 'path'; readonly flag: PathFlag; readonly path: string }
  | { readonly kind: 'other'; readonly words: readonly string[] }

/** Takes a command line apart. */
export function readArguments(args: readonly string[]): Argument[] {
  const read: Argument[] = []
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string
    const flag = PATH_FLAGS.find((name) => word.startsWith(name) && isPathFlag(name, word))
    if (word === '-') read.push({ kind: 'other', words: [word] })
    else if (!word.startsWith('-')) read.push({ kind: 'input', path: word })
    else if (flag !== undefined) {
      const joined = word.slice(flag.length)
      const path = joined === '' ? args[++at] : joined
      if (path === undefined) read.push({ kind: 'other', words: [word] })
      else read.push({ kind: 'path', flag, path })
    } else if (WITH_VALUE.has(word) && at + 1 < args.length) {
      read.push({ kind: 'other', words: [word, args[++at] as string] })
    } else read.push({ kind: 'other', words: [word] })
  }
  return read
}

/** -o, -I and -L may stand joined to their value; `-include-pch` is no -include. */
function isPathFlag(flag: PathFlag, word: string): boolean {
  return word === flag || flag === '-I' || flag === '-L' || flag === '-o' || flag === '-isystem'
}

/** => the compiler stops before it links. */
export function stopsEarly(args: readonly string[]): boolean {
  return args.some((word) => STOPS.has(word))
}

/** => there is something to compile or to link. */
export function hasInput(args: readonly string[]): boolean {
  return args.includes('-') || readArguments(args).some(({ kind }) => kind === 'input')
}

export function hasCxx(inputs: readonly string[]): boolean {
  return inputs.some((path) => /\.(cc|cp|cpp|cxx|c\+\+|C|CPP)$/.test(path))
}

/** The whole command line, for headers and library at `at`. */
export function wholeFlags(args: readonly string[], at: string = SYSROOT): string[] {
  const first = [...COMPILING, '-isystem', `${at}/include`]
  // Without a file the library would be one, and a program be linked of nothing else.
  if (stopsEarly(args) || !hasInput(args)) return [...first, ...args]
  const link = [`-L${at}/lib`, '-lisopage', '-lsetjmp']
  return [...first, `-Wl,${LINKING.join(',')}`, ...args, ...link]
}
