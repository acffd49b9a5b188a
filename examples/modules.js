/** A host with plugins inside: one written in C, one in AssemblyScript, both handed the address of one table, which they work on where it is. */
import { run } from './threads.js'

/** Compiled by `npm run build` from plugins/totals.c and plugins/order.ts. */
const pluginUrl = (name) => new URL(`../build/plugins/${name}.wasm`, import.meta.url)

/** The table: a count of rows, then of each 20 bytes of name, price, count, total. */
const ROW_WORDS = 8
const PRICE = 5
const TOTAL = 7
const STOCK = { lamp: [40, 3], chair: [25, 12], table: [180, 2], shelf: [60, 0] }

function fill({ buffer, byteOffset }) {
  const words = new Uint32Array(buffer, byteOffset)
  const bytes = new Uint8Array(buffer, byteOffset)
  const rows = Object.entries(STOCK)
  words[0] = rows.length
  for (const [index, [name, numbers]] of rows.entries()) {
    bytes.set(new TextEncoder().encode(name), 4 + index * ROW_WORDS * 4)
    words.set(numbers, 1 + index * ROW_WORDS + PRICE)
  }
}

/** => `name total` of each row. */
function read({ buffer, byteOffset }) {
  const words = new Uint32Array(buffer, byteOffset)
  return Array.from({ length: words[0] }, (_, index) => {
    const at = 1 + index * ROW_WORDS
    const name = new Uint8Array(buffer, byteOffset + 4 * at, 20).slice()
    return `${new TextDecoder().decode(name).replaceAll('\0', '')} ${words[at + TOTAL]}`
  })
}

await run(import.meta.url, {
  async main({ kernel, print }) {
    const process = kernel.process()
    // Plugins of one process have one address space: an address is good in all of them.
    const totals = await kernel.load(pluginUrl('totals'), { process })
    const order = await kernel.load(pluginUrl('order'), { process })
    const table = process.mmap({ length: 4096 })
    fill(table)
    print(`C added up:               ${totals.exports.totals(table.address)}`)
    print(`AssemblyScript moved:     ${order.exports.order(table.address)} times`)
    print(`the host reads:           ${read(table).join(', ')}`)
    table.unmap()
    try {
      totals.exports.totals(table.address)
    } catch ({ code, address }) {
      print(`after it is unmapped:     ${code} at 0x${address.toString(16)}, and the host goes on`)
    }
    for (const plugin of [totals, order]) plugin[Symbol.dispose]()
  },
})
