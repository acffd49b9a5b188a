/**
 * The file that a run maps: one made for it, a temporary copy of the user's, or with `--write` the user's own.
 * Invariant: what is in the temporary folder goes with it, however the process ends; nothing else is ever removed.
 */
import { rmSync, statSync } from 'node:fs'
import {
  access,
  chmod,
  constants,
  copyFile,
  mkdtemp,
  open,
  realpath,
  rm,
  stat,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import type { Progress, Report } from './report.js'

/** Of a file that is made: 16 MiB, lines that tell their own place. */
const MADE_BYTES = 16 * 1024 * 1024
const LINE_BYTES = 64
const BLOCK_BYTES = 1024 * 1024
const WATCH_MS = 100

export interface Subject extends AsyncDisposable {
  /** Absolute, with no symbolic link left in it. */
  readonly path: string
  readonly folder: string
  readonly name: string
  readonly source: Report['file']['source']
  readonly copyOf: string | null
  readonly bytes: number
}

/** Fails with what node:fs says, or with an Error that names the file and why it cannot be mapped. */
export async function openSubject(
  file: string | undefined,
  write: boolean,
  progress: Progress,
): Promise<Subject> {
  if (file === undefined) return inTemporary('isopage-demo.txt', 'made', null, makeFile)
  const path = await realpath(resolve(file))
  const bytes = await mappable(file, path, write)
  if (write) return subjectOf(path, 'original', null, async () => {})
  return inTemporary(basename(path), 'copy', path, (to) => copy(path, to, bytes, progress))
}

/** => bytes of a file that can be mapped. */
async function mappable(given: string, path: string, write: boolean): Promise<number> {
  const facts = await stat(path)
  if (facts.isDirectory()) throw new Error(`EISDIR: '${given}' is a directory, not a file`)
  if (!facts.isFile()) throw new Error(`ENODEV: '${given}' is not a regular file`)
  if (facts.size === 0) throw new Error(`EINVAL: '${given}' is empty: there is no page to map`)
  await access(path, write ? constants.R_OK | constants.W_OK : constants.R_OK)
  return facts.size
}

/** A subject in a temporary folder that `fill` writes. */
async function inTemporary(
  name: string,
  source: Subject['source'],
  copyOf: string | null,
  fill: (path: string) => Promise<void>,
): Promise<Subject> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'isopage-'))
  const gone = () => rmSync(folder, { recursive: true, force: true })
  process.on('exit', gone)
  const dispose = async () => {
    process.off('exit', gone)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await fill(join(folder, name))
    return subjectOf(join(folder, name), source, copyOf, dispose)
  } catch (error) {
    await dispose()
    throw error
  }
}

function subjectOf(
  path: string,
  source: Subject['source'],
  copyOf: string | null,
  dispose: () => Promise<void>,
): Subject {
  return {
    path,
    folder: dirname(path),
    name: basename(path),
    source,
    copyOf,
    bytes: statSync(path).size,
    [Symbol.asyncDispose]: dispose,
  }
}

async function makeFile(path: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    for (let at = 0; at < MADE_BYTES; at += BLOCK_BYTES) await file.writeFile(linesFrom(at))
  } finally {
    await file.close()
  }
}

/** A block of lines, each with its place in the file. */
function linesFrom(start: number): Uint8Array {
  const lines = Array.from({ length: BLOCK_BYTES / LINE_BYTES }, (_, index) => {
    const at = start + index * LINE_BYTES
    const line = `byte ${String(at).padStart(9, '0')} of a file that isopage made `
    return `${line.padEnd(LINE_BYTES - 1, '.')}\n`
  })
  return new TextEncoder().encode(lines.join(''))
}

/** Copies, by reference where the file system can; a watched size tells how far a slow copy is. */
async function copy(from: string, to: string, bytes: number, progress: Progress): Promise<void> {
  const watch = setInterval(() => {
    const size = statSync(to, { throwIfNoEntry: false })?.size ?? 0
    progress('copying', Math.min(size, bytes), bytes)
  }, WATCH_MS)
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    await chmod(to, 0o600) // a read-only original is no reason not to edit its copy
  } finally {
    clearInterval(watch)
  }
}
