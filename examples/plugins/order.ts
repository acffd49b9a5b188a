// A plugin in AssemblyScript: puts the rows of the host's table in order, the largest total first. Compiled by asc.

const ROWS: usize = 4
const ROW_BYTES: usize = 32
const TOTAL: usize = 28

function rowAt(table: usize, index: usize): usize {
  return table + ROWS + index * ROW_BYTES
}

function swap(a: usize, b: usize): void {
  for (let at: usize = 0; at < ROW_BYTES; at += 4) {
    const word = load<u32>(a + at)
    store<u32>(a + at, load<u32>(b + at))
    store<u32>(b + at, word)
  }
}

/** => how many rows changed places. */
export function order(table: usize): u32 {
  let swaps: u32 = 0
  const rows: usize = load<u32>(table)
  for (let i: usize = 1; i < rows; i++) {
    for (let at = i; at > 0; at--) {
      const row = rowAt(table, at)
      if (load<u32>(row - ROW_BYTES + TOTAL) >= load<u32>(row + TOTAL)) break
      swap(row - ROW_BYTES, row)
      swaps++
    }
  }
  return swaps
}
