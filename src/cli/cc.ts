/** `isopage cc`: C and C++ to guests. The command line is clang's; src/guest/cc/ says what is added to it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { stopsEarly } from '../guest/cc/flags.js'
import { collect, hostPath, hostText } from '../guest/cc/host-files.js'
import { runCompiler } from '../guest/cc/index.js'
import { runNative } from '../guest/cc/native.js'
import { type Command, UsageError } from './command.js'

const USAGE = `usage: isopage cc [clang's options] file...

Compiles C and C++ to a program that \`isopage run\` runs: mmap, shared memory, System V and
POSIX IPC link. All of clang's options can be given, such as

  -o FILE            where the program goes (a.out)
  -O2 -g -std=c17    optimise, keep debugging information, choose the language
  -I DIR, -D NAME    headers and macros
  -L DIR, -l NAME    libraries
  -c, -E, -S         stop after an object, the preprocessor, the assembler's text
  -v                 show what is run
  -h, --help         this text; --clang-help for clang's

The compiler is the npm package @yowasp/clang, which needs nothing else of the system.
ISOPAGE_CC in the environment names another clang, which must have a wasi-sysroot.

exit codes: 0 compiled, 1 the program or its command line has errors, 2 wrong usage
`

export const cc: Command = {
  usage: USAGE,
  async run(argv) {
    if (argv.includes('--help') || argv[0] === '-h') {
      process.stdout.write(USAGE)
      return 0
    }
    const args = argv.map((word) => (word === '--clang-help' ? '--help' : word))
    if (args.length === 0) throw new UsageError('a file to compile is missing')
    const native = process.env.ISOPAGE_CC
    return native ? runNative(native, args) : runOwn(args)
  },
}

async function runOwn(argv: readonly string[]): Promise<number> {
  const { args, files } = collect(argv)
  const stdin = argv.includes('-') ? new Uint8Array(readFileSync(0)) : undefined
  const { code, stdout, messages, made } = await runCompiler(files, args, { stdin })
  if (code === 0) for (const [path, bytes] of Object.entries(made)) write(path, bytes, args)
  process.stdout.write(stdout)
  process.stderr.write(hostText(messages))
  return code === 0 ? 0 : 1
}

/** A program can be run as any other file. */
function write(path: string, bytes: Uint8Array, args: readonly string[]): void {
  writeFileSync(hostPath(path), bytes, { mode: stopsEarly(args) ? 0o666 : 0o777 })
}
