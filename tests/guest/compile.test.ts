/** `isopage/cc`: from C's text to a program that runs, and what it says of one that cannot link. In pages tests/system/examples.test.ts opens one that compiles. */

import { expect, test } from 'vitest'
import { CompileError, compile } from '../../dist/src/guest/cc/index.js'
import { boot } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'

const SHARES = `
#include <stdio.h>
#include <sys/shm.h>
#include "lib/../number.h"
int main(void) {
  char *at = shmat(shmget(IPC_PRIVATE, 10, 0600), 0, 0);
  at[1] = NUMBER;
  printf("stored %d\\n", at[1]);
  return 5;
}`

// The compiler takes seconds to load, so that both are one test.
test.skipIf(inBrowser)('compiles a program that runs, and says why one does not link', async () => {
  const files = { 'shares.c': SHARES, 'number.h': '#define NUMBER 7', lib: {} }
  const made = await compile(files, ['-O1', 'shares.c', '-o', 'shares.wasm'])
  await using kernel = await boot({ memory: '64MiB' })
  let stdout = ''
  const guest = await kernel.run(made.files['shares.wasm'] as Uint8Array<ArrayBuffer>, {
    stdout: (bytes: Uint8Array) => {
      stdout += new TextDecoder().decode(bytes.slice())
    },
  })
  expect((await guest.exited).status).toBe(5)
  expect(stdout).toBe('stored 7\n')
  const forks = { 'forks.c': '#include <unistd.h>\nint main(void) { return fork(); }' }
  const error = await compile(forks, ['forks.c']).catch((failure) => failure)
  expect(error).toBeInstanceOf(CompileError)
  expect(error.messages).toContain('fork does not link: a guest cannot fork')
})
