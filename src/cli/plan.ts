/**
 * Which pages a run reads, edits and keeps to itself, from the file's size alone: spread evenly, uneven within their share, and the
 * same each time. Invariant: every edit lies within the file, changes at least one byte, and no two overlap.
 */
import type { ThreadName } from './report.js'

/** Bytes that a thread stores in one place. */
export interface Edit {
  readonly thread: ThreadName
  readonly page: number
  /** Within the page. */
  readonly offset: number
  readonly content: Uint8Array
}

export interface Plan {
  readonly edits: readonly Edit[]
  /** The page whose first word both threads change in turn; null when the file has not MEETING_BYTES. */
  readonly meeting: number | null
  /** Stores for the private mapping; the first in the place of an edit. */
  readonly privates: readonly Edit[]
  /** What each thread reads first: A from the front, B from the back. */
  readonly reads: Readonly<Record<ThreadName, { firstPage: number; pages: number }>>
}

export interface Shape {
  /** Bytes that are mapped. */
  readonly bytes: number
  readonly pageSize: number
  /** Pages to edit. */
  readonly wanted: number
}

/** Smallest file whose first word can be the threads' own. */
const MEETING_BYTES = 64
const WORD_BYTES = 4
const EDIT_BYTES = 48
const ALIGN = 16
const PRIVATE_PAGES = 8
const READ_SHARE = 3 / 8
const READ_BYTES_MAX = 64 * 1024 * 1024

/** @param stamp what tells this run's stores from another's */
export function makePlan(shape: Shape, stamp: string): Plan {
  const count = pagesOf(shape)
  const chosen = spread(count, Math.min(shape.wanted, count), 0.618)
  const meeting = shape.bytes >= MEETING_BYTES ? (chosen[0] as number) : null
  // The page where the threads meet counts as one; a plan of one or two pages has both threads in each.
  const edited = chosen.length > 1 && meeting !== null ? chosen.slice(1) : chosen
  const edits = edited.flatMap((page, index) => {
    const threads: ThreadName[] = edited.length < 2 ? ['A', 'B'] : [index % 2 === 0 ? 'A' : 'B']
    return editsOf(shape, page, threads, page === meeting, stamp)
  })
  return { edits, meeting, privates: privatesOf(shape, edits), reads: readsOf(shape, count) }
}

function pagesOf({ bytes, pageSize }: Shape): number {
  return Math.ceil(bytes / pageSize)
}

/** => `wanted` different pages of `count`, ascending, one in each equal share. */
function spread(count: number, wanted: number, jitter: number): number[] {
  return Array.from({ length: wanted }, (_, index) => {
    const start = Math.floor((index * count) / wanted)
    const end = Math.floor(((index + 1) * count) / wanted)
    return start + Math.floor((((index + 1) * jitter) % 1) * (end - start))
  })
}

/** One edit for each thread, each in its own part of the page. */
function editsOf(
  shape: Shape,
  page: number,
  threads: readonly ThreadName[],
  afterWord: boolean,
  stamp: string,
): Edit[] {
  const low = afterWord ? WORD_BYTES : 0
  const { bytes, pageSize } = shape
  const high = Math.min(pageSize, bytes - page * pageSize)
  const part = Math.floor((high - low) / threads.length)
  if (part === 0) return editsOf(shape, page, threads.slice(1), afterWord, stamp)
  return threads.map((thread, index) => {
    const from = low + index * part
    const room = Math.max(part - EDIT_BYTES, 0)
    const offset = from + Math.floor((((page + 1) * 0.382) % 1) * room)
    const aligned = Math.max(Math.floor(offset / ALIGN) * ALIGN, from)
    const text = `<isopage: thread ${thread}, page ${page}, ${stamp}>`.padEnd(EDIT_BYTES)
    const content = new TextEncoder().encode(text).subarray(0, Math.min(EDIT_BYTES, part))
    return { thread, page, offset: aligned, content }
  })
}

function privatesOf(shape: Shape, edits: readonly Edit[]): Edit[] {
  const first = edits.find(({ thread }) => thread === 'B') ?? (edits[0] as Edit)
  const edited = new Set(edits.map(({ page }) => page))
  const count = pagesOf(shape)
  const others = spread(count, Math.min(PRIVATE_PAGES - 1, count), 0.271)
  const own = others
    .filter((page) => !edited.has(page))
    .flatMap((page) => editsOf(shape, page, ['A'], false, 'private'))
  // Bytes that no edit has: these are text.
  const content = first.content.map((byte) => byte ^ 0x80)
  return [{ ...first, thread: 'A', content }, ...own]
}

function readsOf({ pageSize }: Shape, count: number): Plan['reads'] {
  const share = Math.min(Math.floor(count * READ_SHARE), READ_BYTES_MAX / pageSize)
  const pages = Math.max(share, 1)
  return { A: { firstPage: 0, pages }, B: { firstPage: count - pages, pages } }
}

/** => edits that all change something: one that finds its own bytes in the file differs in the last. `read`: the file's bytes. */
export async function differing(
  edits: readonly Edit[],
  pageSize: number,
  read: (offset: number, bytes: number) => Promise<Uint8Array>,
): Promise<Edit[]> {
  const found: Edit[] = []
  for (const edit of edits) {
    const content = Uint8Array.from(edit.content)
    const old = await read(edit.page * pageSize + edit.offset, content.length)
    const last = content.length - 1
    if (Buffer.from(old).equals(content)) content[last] = (content[last] as number) ^ 1
    found.push({ ...edit, content })
  }
  return found
}
