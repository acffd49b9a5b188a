/** The disk provider and real directories for tests; only for runtimes that have node:fs. */

import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { afterAll } from 'vitest'
import node, { type NodeOptions } from '../../dist/src/providers/node.js'
import type { Provider } from '../../dist/src/providers/provider.js'

export { fs, path }

const made: string[] = []
afterAll(() => {
  for (const dir of made) fs.rmSync(dir, { recursive: true, force: true })
})

/** An empty directory, removed after the file's tests. */
export function temporaryDirectory(): string {
  const dir = fs.mkdtempSync(path.join(fs.realpathSync(tmpdir()), 'isopage-'))
  made.push(dir)
  return dir
}

export async function openDisk(
  dir: string,
  options: Omit<NodeOptions, 'dir'> = {},
  shared?: SharedArrayBuffer,
): Promise<Provider> {
  return node({ dir, ...options }, shared)
}

/** Replaces a file's bytes in place, from another process. */
export function foreignWrite(file: string, content: string): void {
  const script = 'require("node:fs").writeFileSync(process.argv[1], process.argv[2])'
  execFileSync('node', ['-e', script, file, content])
}

/** What this process has open in a directory, by path; none where the system does not tell. */
export function descriptorsBelow(dir: string): string[] {
  const all = '/proc/self/fd'
  if (!fs.existsSync(all)) return []
  const paths = fs.readdirSync(all).map((fd) => linkOf(`${all}/${fd}`))
  return paths.filter((path) => path.startsWith(dir))
}

/** '' for the descriptor that listed the others, which is closed by now. */
function linkOf(path: string): string {
  try {
    return fs.readlinkSync(path)
  } catch {
    return ''
  }
}
