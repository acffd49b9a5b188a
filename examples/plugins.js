/** A plugin host: plugins run in threads of their own, find one table by its key, and each keeps a row of it. No message passes between them. */
import { IPC } from '../dist/src/index.js' // in a program of yours: from 'isopage'
import { run } from './threads.js'

const KEY = 0x706c7567
const ROWS = 8
/** A row: 24 bytes of name, then two words: documents seen, findings. Row 0 counts the rows in its first word. */
const ROW_BYTES = 32
const SEEN = 6
const FOUND = 7

const PLUGINS = {
  long: (words) => words.filter((word) => word.length > 5).length,
  twice: (words) => words.filter((word, at) => word === words[at - 1]).length,
  capital: (words) => words.filter((word) => /^[A-Z]/.test(word)).length,
}
const DOCUMENTS = [
  'One page is one page whoever looks',
  'The same same page everywhere',
  'Plugins of one host share a table',
]

/** => the segment's id and its rows, as whoever has the key sees them. */
function openTable(kernel, flags = 0) {
  const p = kernel.process()
  const id = p.shmget(KEY, (ROWS + 1) * ROW_BYTES, flags)
  const map = p.shmat(id)
  const row = (index) => new Int32Array(map.buffer, map.byteOffset + index * ROW_BYTES, 8)
  return { p, id, row }
}

await run(import.meta.url, {
  async main({ kernel, start, print }) {
    const { p, id, row } = openTable(kernel, IPC.CREAT | 0o600)
    const plugins = Object.keys(PLUGINS).map((name) => start('plugin', name))
    await Promise.all(plugins.map(({ done }) => done))
    const rows = Array.from({ length: row(0)[0] }, (_, index) => row(index + 1))
    const name = (words) =>
      new TextDecoder().decode(new Uint8Array(words.buffer, words.byteOffset, 24).slice())
    const lines = rows.map(
      (words) =>
        `${name(words).replaceAll('\0', ' ')} ${words[SEEN]} documents, ${words[FOUND]} findings`,
    )
    for (const line of lines.sort()) print(line)
    print(`one table of ${rows.length} rows, and not one message`)
    p.shmctl(id, IPC.RMID)
  },
  plugin({ kernel }, name) {
    const { row } = openTable(kernel)
    const mine = row(1 + Atomics.add(row(0), 0, 1)) // each takes the next row
    new Uint8Array(mine.buffer, mine.byteOffset, 24).set(new TextEncoder().encode(name))
    for (const document of DOCUMENTS) {
      Atomics.add(mine, SEEN, 1)
      Atomics.add(mine, FOUND, PLUGINS[name](document.split(' ')))
    }
  },
})
