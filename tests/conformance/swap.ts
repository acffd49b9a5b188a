/** A foreign process that swaps a directory for a symlink to another one, as fast as it can. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'

const SCRIPT = `
const fs = require('node:fs')
const [dir, outside] = process.argv.slice(1)
process.stdout.write('swapping')
for (;;) {
  fs.renameSync(dir, dir + '.away')
  fs.symlinkSync(outside, dir)
  fs.unlinkSync(dir)
  fs.renameSync(dir + '.away', dir)
}`

/** Starts it; => a function that ends it. */
export async function swapping(dir: string, outside: string): Promise<() => Promise<void>> {
  const child = spawn('node', ['-e', SCRIPT, dir, outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return async () => {
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
}
