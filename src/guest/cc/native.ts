/** A clang of the system, named by ISOPAGE_CC, in the place of the npm package's. Our headers and library are laid out as files for it. Node only. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { explain } from './absent.js'
import { wholeFlags } from './flags.js'
import { sysroot } from './sysroot.js'

/** Runs `compiler`; its output goes where ours does. => its exit code. */
export async function runNative(compiler: string, args: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'isopage-cc-'))
  try {
    const { headers, library } = await sysroot()
    for (const [path, text] of Object.entries(headers)) write(join(folder, 'include', path), text)
    write(join(folder, 'lib', 'libisopage.a'), library)
    const flags = ['--target=wasm32-wasip1', ...wholeFlags(args, folder)]
    const stdio = ['inherit', 'inherit', 'pipe'] as const
    const { status, stderr, error } = spawnSync(compiler, flags, {
      stdio: [...stdio],
      encoding: 'utf8',
    })
    if (error) throw new Error(`ISOPAGE_CC: ${error.message}`)
    process.stderr.write(explain(stderr))
    return status ?? 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
