/**
 * What a file held, page by page, so that plain reads can tell later which pages changed and whether to what they should.
 * Everything here reads the file with node:fs: it knows nothing of mappings.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { Progress } from './report.js'

const BLOCK_BYTES = 1024 * 1024
const DIGEST_BYTES = 16

export interface Fingerprint {
  readonly bytes: number
  readonly pageSize: number
  /** DIGEST_BYTES a page. */
  readonly digests: Uint8Array
}

/** => pages of the file, the last one whole or not. */
export function pagesOf({ digests }: Fingerprint): number {
  return digests.length / DIGEST_BYTES
}

/** What the file has become. */
export interface Comparison {
  readonly bytes: number
  /** Pages that are not what they were. */
  readonly changed: number[]
  /** Pages that are not what they should be. */
  readonly wrong: number[]
}

/** Bytes that were stored on purpose. */
export interface Stored {
  readonly page: number
  /** Within the page. */
  readonly offset: number
  readonly content: Uint8Array
}

/** Reads the whole file. */
export async function fingerprint(
  path: string,
  pageSize: number,
  progress: Progress,
): Promise<Fingerprint> {
  const digests: Uint8Array[] = []
  const bytes = await eachPage(path, pageSize, progress, 'reading', (_, content) => {
    digests.push(digestOf(content))
  })
  return { bytes, pageSize, digests: Buffer.concat(digests) }
}

/** => the fingerprint that the file should have once `stores` are in it; it holds none of them yet. */
export async function amended(
  path: string,
  before: Fingerprint,
  stores: readonly Stored[],
): Promise<Fingerprint> {
  const digests = Uint8Array.from(before.digests)
  for (const page of new Set(stores.map((store) => store.page))) {
    const content = await readPlain(path, page * before.pageSize, before.pageSize)
    for (const store of stores) if (store.page === page) content.set(store.content, store.offset)
    digests.set(digestOf(content), page * DIGEST_BYTES)
  }
  return { ...before, digests }
}

/** Reads the whole file again. */
export async function compare(
  path: string,
  before: Fingerprint,
  expected: Fingerprint,
  progress: Progress,
): Promise<Comparison> {
  const changed: number[] = []
  const wrong: number[] = []
  const bytes = await eachPage(path, before.pageSize, progress, 'verifying', (page, content) => {
    const digest = digestOf(content)
    const is = ({ digests }: Fingerprint) =>
      digest.equals(digests.subarray(page * DIGEST_BYTES, (page + 1) * DIGEST_BYTES))
    if (!is(before)) changed.push(page)
    if (!is(expected)) wrong.push(page)
  })
  return { bytes, changed, wrong }
}

/** => bytes of `path` from `offset` on, fewer at its end. */
export async function readPlain(path: string, offset: number, bytes: number): Promise<Buffer> {
  const file = await open(path)
  try {
    const into = Buffer.alloc(bytes)
    return into.subarray(0, await fill(file, into, offset))
  } finally {
    await file.close()
  }
}

/** => SHA-256 of a range of `path`, in hex. */
export async function digestPlain(path: string, offset: number, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  for (let done = 0; done < bytes; done += BLOCK_BYTES) {
    hash.update(await readPlain(path, offset + done, Math.min(BLOCK_BYTES, bytes - done)))
  }
  return hash.digest('hex')
}

type File = Awaited<ReturnType<typeof open>>

async function fill(file: File, into: Buffer, offset: number): Promise<number> {
  let done = 0
  while (done < into.length) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

async function eachPage(
  path: string,
  pageSize: number,
  progress: Progress,
  step: string,
  see: (page: number, content: Buffer) => void,
): Promise<number> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const block = Buffer.alloc(BLOCK_BYTES)
    let at = 0
    for (let got = BLOCK_BYTES; got === BLOCK_BYTES; at += got) {
      got = await fill(file, block, at)
      for (let from = 0; from < got; from += pageSize) {
        see((at + from) / pageSize, block.subarray(from, Math.min(from + pageSize, got)))
      }
      progress(step, at, size)
    }
    return at
  } finally {
    await file.close()
  }
}

function digestOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest().subarray(0, DIGEST_BYTES)
}
