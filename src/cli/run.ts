/**
 * `isopage map`: the story in order. Two threads map one file, read it, store into it, meet on one word of it; a private mapping
 * stays apart; the file is synced and read again without the kernel. Each step tells its section of the report and adds checks.
 */
import { boot, disk, type Kernel } from '../index.js'
import { runtimeName } from '../inspect/open.js'
import { runsOf } from '../inspect/page-map.js'
import {
  amended,
  compare,
  digestPlain,
  type Fingerprint,
  fingerprint,
  pagesOf,
  readPlain,
} from './fingerprint.js'
import { Mapper, type Meeting } from './mapper.js'
import type { Options } from './options.js'
import { differing, type Edit, makePlan, type Plan } from './plan.js'
import type { Check, Progress, Tell } from './report.js'
import { SecondThread } from './second.js'
import { snapshot, statesOfMap } from './state.js'
import { openSubject, type Subject } from './subject.js'

/** Half the window of a process less a margin: thread A maps the file twice. */
const MAPPED_MAX = 960 * 1024 * 1024
/** Nothing is written by age during a run: only msync writes. */
const DIRTY_AGE_MS = 3_600_000
const ROUNDS = 1000
const MOUNT = '/file'

/** What the steps share. */
interface Run {
  readonly options: Options
  readonly subject: Subject
  readonly before: Fingerprint
  readonly plan: Plan
  readonly a: Mapper
  readonly b: SecondThread
  readonly tell: Tell
  readonly progress: Progress
  readonly checks: Check[]
}

/** Runs the story. => every check holds. Rejects with what kept it from its end. */
export async function runMap(
  options: Options,
  version: string,
  tell: Tell,
  progress: Progress,
): Promise<boolean> {
  await using subject = await openSubject(options.file, options.write, progress)
  const before = await fingerprint(subject.path, options.pageSize, progress)
  const mappedBytes = Math.min(subject.bytes, MAPPED_MAX)
  tell('file', {
    path: subject.path,
    source: subject.source,
    copyOf: subject.copyOf,
    bytes: subject.bytes,
    mappedBytes,
    pages: Math.ceil(mappedBytes / options.pageSize),
  })
  const [kernel, bootMilliseconds] = await timed(() => bootFor(options, subject))
  await using _closed = kernel
  const path = `${MOUNT}/${subject.name}`
  const a = new Mapper(kernel, path, mappedBytes)
  const { pageSize } = options
  const memory = a.process.memory.byteLength
  tell('kernel', { version, runtime: runtimeName(), memory, pageSize, bootMilliseconds })
  await using b = new SecondThread(kernel, path, mappedBytes)
  const plan = await changing(
    makePlan({ bytes: mappedBytes, pageSize, wanted: options.pages }, new Date().toISOString()),
    subject.path,
    pageSize,
  )
  const run = { options, subject, before, plan, a, b, tell, progress, checks: [] as Check[] }
  await story(run)
  await b.leave()
  a.end()
  return run.checks.every(({ ok }) => ok)
}

function bootFor({ memory, pageSize }: Options, subject: Subject): Promise<Kernel> {
  const mounts = { [MOUNT]: disk(subject.folder) }
  return boot({ memory, pageSize, mounts, dirtyAgeMs: DIRTY_AGE_MS })
}

/** => the plan with stores that all differ from what the file holds. */
async function changing(plan: Plan, path: string, pageSize: number): Promise<Plan> {
  const read = (offset: number, bytes: number) => readPlain(path, offset, bytes)
  const edits = await differing(plan.edits, pageSize, read)
  return { ...plan, edits, privates: await differing(plan.privates, pageSize, read) }
}

async function story(run: Run): Promise<void> {
  const { a, b, tell } = run
  const other = await b.ask('facts')
  tell('threads', [
    { name: 'A', pid: a.process.pid, address: a.map.address },
    { name: 'B', ...other },
  ])
  await readBoth(run)
  await editBoth(run)
  const word = await meet(run)
  await editPrivately(run)
  const stores = word ? [...run.plan.edits, word] : run.plan.edits
  const expected = await amended(run.subject.path, run.before, stores)
  await sync(run)
  await verify(run, expected, stores)
  tell('checks', run.checks)
  tell(
    'ok',
    run.checks.every(({ ok }) => ok),
  )
}

/** Adds a check that counts: it holds when all of them did. */
function expectAll({ checks }: Run, name: string, found: number, all: number): void {
  checks.push({ name, ok: found === all, detail: `${found} of ${all}` })
}

/** Begins what another thread does meanwhile; it may fail before anybody waits for it. */
function beside<T>(begun: Promise<T>): Promise<T> {
  begun.catch(() => {})
  return begun
}

async function timed<T>(act: () => Promise<T> | T): Promise<[T, number]> {
  const began = performance.now()
  const result = await act()
  return [result, performance.now() - began]
}

/** Both threads read at the same time; what they read is compared with plain reads. */
async function readBoth(run: Run): Promise<void> {
  const { a, b, plan, subject, tell } = run
  const { A, B } = plan.reads
  const later = beside(timed(() => b.ask('read', B.firstPage, B.pages)))
  const [digestA, msA] = await timed(() => a.read(A.firstPage, A.pages))
  const [digestB, msB] = await later
  tell('read', [
    { thread: 'A', ...A, milliseconds: msA },
    { thread: 'B', ...B, milliseconds: msB },
  ])
  const bytesOf = ({ pages }: { pages: number }) => pages * run.options.pageSize
  const plain = ({ firstPage, pages }: typeof A) => {
    const offset = firstPage * run.options.pageSize
    const bytes = Math.min(bytesOf({ pages }), subject.bytes - offset, a.map.length - offset)
    return digestPlain(subject.path, offset, bytes)
  }
  const equal = Number(digestA === (await plain(A))) + Number(digestB === (await plain(B)))
  expectAll(run, 'both threads read what plain reads of the file give', equal, 2)
}

/** Both threads store at the same time; each sees the other's stores before anything is synced. */
async function editBoth(run: Run): Promise<void> {
  const { a, b, tell } = run
  const { edits } = run.plan
  const ofA = edits.filter(({ thread }) => thread === 'A')
  const ofB = edits.filter(({ thread }) => thread === 'B')
  const [, milliseconds] = await timed(async () => {
    const later = b.ask('edit', ofB)
    a.edit(ofA)
    await later
  })
  tell('edits', {
    milliseconds,
    edits: edits.map(({ content, ...edit }) => ({ ...edit, bytes: content.length })),
  })
  expectAll(run, 'thread A sees the stores of thread B at once', a.sees(ofB), ofB.length)
  const seen = await b.ask('sees', ofA)
  expectAll(run, 'thread B sees the stores of thread A at once', seen, ofA.length)
  expectAll(run, 'read(2) sees the stores: one page cache', a.readsBack(edits), edits.length)
}

/** Both threads take turns on one word of the file. => the bytes that it then has, null without a meeting. */
async function meet(run: Run): Promise<Edit | null> {
  const { a, b, plan, options, tell } = run
  if (plan.meeting === null) {
    tell('exchange', null)
    return null
  }
  const offset = plan.meeting * options.pageSize
  const word = a.word(offset)
  const meeting: Meeting = { offset, rounds: ROUNDS, start: Atomics.load(word, 0) }
  const later = b.ask('exchange', 'B', meeting)
  const times = a.exchange('A', meeting).sort((left, right) => left - right)
  await later
  const end = (meeting.start + 2 * ROUNDS) | 0
  expectAll(run, 'turns taken on one word of the file', Number(word[0] === end) * ROUNDS, ROUNDS)
  tell('exchange', {
    page: plan.meeting,
    rounds: ROUNDS,
    medianMicroseconds: times[ROUNDS / 2] as number,
  })
  const content = new Uint8Array(new Int32Array([end]).buffer)
  return { thread: 'A', page: plan.meeting, offset: 0, content }
}

/** Thread A stores into a private mapping: nobody else sees that, nor does the file. */
async function editPrivately(run: Run): Promise<void> {
  const { a, b, options, subject, tell } = run
  const { edits, privates } = run.plan
  a.editPrivately(privates)
  tell('private', { pages: privates.map(({ page }) => page) })
  const all = privates.length
  expectAll(run, 'the private mapping shows its own stores', a.seesPrivately(privates), all)
  const shown = a.sees(privates) + (await b.ask('sees', privates))
  expectAll(run, 'the shared mappings of both threads do not', 2 * all - shown, 2 * all)
  expectAll(run, 'and keep their own stores', a.sees(edits), edits.length)
  const every = [...edits, ...privates]
  const onDisk = await presentOnDisk(subject, options.pageSize, every)
  expectAll(run, 'plain reads see none of all this yet', every.length - onDisk, every.length)
}

async function presentOnDisk(
  { path }: Subject,
  pageSize: number,
  edits: readonly Edit[],
): Promise<number> {
  let present = 0
  for (const { page, offset, content } of edits) {
    const found = await readPlain(path, page * pageSize + offset, content.length)
    present += Number(found.equals(content))
  }
  return present
}

/** msync of the whole mapping. */
async function sync(run: Run): Promise<void> {
  const { a, b, plan, tell, subject } = run
  const { pid } = await b.ask('facts')
  const look = async () => snapshot(a, pid, await b.ask('maps'), subject.path)
  const before = statesOfMap(a.process, a.map)
  tell('beforeSync', await look())
  const [, milliseconds] = await timed(() => a.map.sync())
  const after = statesOfMap(a.process, a.map)
  // What was stored through `bytes` is found by the sync itself: its page was not marked before.
  const pages = before.flatMap((state, page) =>
    (state === 'dirty' || page === plan.meeting) && after[page] === 'resident' ? [page] : [],
  )
  for (const page of pages) after[page] = 'written'
  tell('sync', { milliseconds, pages })
  tell('afterSync', { ...(await look()), shared: runsOf(after) })
  const dirty = after.filter((state) => state === 'dirty').length
  run.checks.push({ name: 'no page is left dirty', ok: dirty === 0, detail: `${dirty} dirty` })
}

/** The whole file, read by node:fs, against what it was and what it should be. */
async function verify(run: Run, expected: Fingerprint, stores: readonly Edit[]): Promise<void> {
  const { subject, before, options, tell, checks, progress } = run
  const began = performance.now()
  const stored = await presentOnDisk(subject, options.pageSize, stores)
  expectAll(run, 'every store is on disk', stored, stores.length)
  const found = await compare(subject.path, before, expected, progress)
  const pages = pagesOf(before)
  expectAll(run, 'every page of the file is what it should be', pages - found.wrong.length, pages)
  const stray = found.changed.filter((page) => !stores.some((store) => store.page === page))
  checks.push({
    name: 'no other page changed',
    ok: stray.length === 0,
    detail: stray.length === 0 ? `${pages - found.changed.length} as before` : `not ${stray[0]}`,
  })
  const ok = found.bytes === before.bytes
  checks.push({ name: 'the file kept its size', ok, detail: `${found.bytes} bytes` })
  const milliseconds = performance.now() - began
  tell('disk', { bytes: found.bytes, milliseconds, changedPages: found.changed })
}
