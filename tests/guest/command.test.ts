/** `isopage cc` and `isopage run` as a user has them: a C file that maps a file and shares a segment with a second process. */

import { expect, test } from 'vitest'
import { inBrowser } from '../conformance/runtime.ts'

const { makePlace, WORDS } = inBrowser ? ({} as never) : await import('../system/command.ts')
const fs = inBrowser ? ({} as never) : await import('node:fs')

test.skipIf(inBrowser)('compiles a program, and runs it as two processes', async () => {
  using place = makePlace()
  const source = new URL('../../examples/two.c', import.meta.url).pathname
  const wasm = `${place.path}/two.wasm`
  const compiled = await place.run('cc', '-O1', '-Wall', source, '-o', wasm)
  expect(compiled).toEqual({ code: 0, out: '', err: '' })
  const ran = await place.run('run', '--with', `${wasm} second`, '--maps', wasm, 'first')
  expect(ran.code).toBe(0)
  const notes = 'the file says: first 0; second 0; first 1; second 1; first 2; second 2; '
  const lines = ran.out.split('\n')
  expect(lines.filter((line) => line === notes)).toHaveLength(2)
  expect(
    lines.filter((line) => /^first reads "(round \d, from process \d+)?"$/.test(line)),
  ).toHaveLength(3)
  expect(
    lines.filter((line) => /^second reads "round \d, from process \d+"$/.test(line)),
  ).toHaveLength(3)
  expect(ran.err.match(/rw-s segment \d+/g)).toHaveLength(2)
  expect(ran.err.match(/rw-s file \d+ from 0/g)).toHaveLength(2)
  const wrong = await place.run('run', '--with', ' ', wasm)
  expect(wrong.code).toBe(2)
  expect(wrong.err).toContain('--with takes a program and its arguments')
})

test.skipIf(inBrowser)('refuses to compile nothing', async () => {
  using place = makePlace()
  const [flag, output] = await Promise.all([
    place.shell('isopage cc -O2'),
    place.shell('isopage cc -o'),
  ])
  expect(flag).toMatchObject({ code: 1, err: expect.stringContaining('no input files') })
  expect(output.code).toBe(1)
  expect(output.err).toContain("argument to '-o' is missing")
  expect(fs.existsSync(`${place.path}/a.out`)).toBe(false)
})

/** JavaScriptCore tells neither functions nor offsets. */
const stackTells = !('Bun' in globalThis)

test.skipIf(inBrowser)('says at which line of the source an access failed', async () => {
  using place = makePlace()
  const source = new URL('faults.c', import.meta.url).pathname
  const wasm = `${place.path}/faults.wasm`
  const flags = ['-O1', '-g', source, '-o', wasm]
  expect(await place.run('cc', ...flags)).toEqual({ code: 0, out: '', err: '' })
  const begin = `isopage: ${wasm}: SIGSEGV at 0x90000000, not mapped`
  const faults = async (where: string, ...args: string[]) => {
    const { code, err } = await place.run('run', wasm, ...args)
    expect(code).toBe(139)
    expect(err.replace(/at \S*\/faults/, 'at faults')).toBe(
      stackTells ? `${begin}, in ${where}\n` : `${begin}\n`,
    )
  }
  await faults('poke at faults.c:7')
  await faults('strlen, called from main at faults.c:13', '0x90000000')
})

/** Compiles a text to `name`.wasm in a test's folder. */
async function compileAt(place: { readonly path: string; run: Run }, name: string, text: string) {
  fs.writeFileSync(`${place.path}/${name}.c`, text)
  const wasm = `${place.path}/${name}.wasm`
  const compiled = await place.run('cc', '-O1', `${place.path}/${name}.c`, '-o', wasm)
  expect(compiled).toEqual({ code: 0, out: '', err: '' })
}
type Run = (...args: string[]) => Promise<unknown>

const LOG_THEN_LINES = `#include <stdio.h>
#include <unistd.h>
int main(int count, char **args) {
  FILE *log = fopen("/data/log.txt", "w");
  fputs("important\\n", log);
  fclose(log);
  puts("begun"), fflush(stdout);
  while (count > 1) sleep(1);
  for (;;) if (puts("line") < 0) return 1;
}`

test.skipIf(inBrowser)(
  'a program whose output or life ends early has written its files',
  async () => {
    using place = makePlace()
    await compileAt(place, 'log', LOG_THEN_LINES)
    fs.mkdirSync(`${place.path}/data`)
    const log = `${place.path}/data/log.txt`
    const run = 'isopage run --mount data=/data log.wasm'
    const ways = [
      [`{ ${run}; echo $? >&2; } | head -1`, 141],
      ...(['INT', 'TERM', 'HUP'] as const).map((signal, index) => [
        // exec, so that the signal is for the command and not for the shell around it.
        `mkfifo f; (exec ${WORDS} run --mount data=/data log.wasm x >f) & read line <f; echo begun
         kill -${signal} $!; wait $!; echo $? >&2; rm f`,
        [130, 143, 129][index],
      ]),
    ] as const
    for (const [script, status] of ways) {
      expect(await place.shell(String(script))).toEqual({
        code: 0,
        out: 'begun\n',
        err: `${status}\n`,
      })
      expect(fs.readFileSync(log, 'utf8')).toBe('important\n')
      fs.rmSync(log)
    }
  },
)

test.skipIf(inBrowser)('says in one line that output cannot be written', async () => {
  using place = makePlace()
  await compileAt(place, 'hello', '#include <stdio.h>\nint main(void) { puts("hello"); }')
  const line = /^isopage: standard output: \S*ENOSPC.*\n$/
  for (const command of ['run hello.wasm', 'run --help', '--help', 'ipc --json']) {
    const { code, err } = await place.shell(`isopage ${command} >/dev/full`)
    expect({ command, code }).toEqual({ command, code: 1 })
    expect(err).toMatch(line)
  }
  const unheard = await place.shell('isopage run --trace hello.wasm 2>/dev/full')
  expect(unheard).toEqual({ code: 0, out: 'hello\n', err: '' })
  const closed = await place.shell('isopage run --trace hello.wasm 2>&1 >/dev/null | head -1')
  expect(closed).toMatchObject({ code: 0, err: '' })
})

test.skipIf(inBrowser)('names a file that is no program', async () => {
  using place = makePlace()
  fs.writeFileSync(`${place.path}/hello.c`, 'int main(void) {}')
  const { code, err } = await place.shell('isopage run hello.c')
  expect(code).toBe(1)
  expect(err).toMatch(/^isopage: hello\.c is no program to run: .*\n$/)
})

test.skipIf(inBrowser)('a program has a folder for temporary files', async () => {
  using place = makePlace()
  const text = `#include <stdio.h>
  #include <stdlib.h>
  #include <sys/stat.h>
  int main(void) {
    struct stat found;
    FILE *file = tmpfile();
    stat("/tmp", &found);
    printf("%d %d %o\\n", file != NULL, mkstemp((char[]){"/tmp/aXXXXXX"}) > 0, found.st_mode & 07777);
  }`
  await compileAt(place, 'temporary', text)
  const out = '1 1 1777\n'
  const wasm = `${place.path}/temporary.wasm`
  expect(await place.run('run', wasm)).toEqual({ code: 0, out, err: '' })
  expect(await place.run('run', '--uid', '7', wasm)).toEqual({ code: 0, out, err: '' })
})
