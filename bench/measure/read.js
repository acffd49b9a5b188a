/** read-mapped, open-cold: what reading a mapped file costs, resident and for the first time. */

import { boot, O } from '../../dist/src/index.js'
import { diskMount, nsPerRound, openFilled } from './clock.js'

const EACH = 2 ** 20
/** Enough for the pages of open-cold. */
const COLD_MEMORY = '64MiB'

/**
 * @param {import('../rows.js').Row} row
 * @param {import('./worker.js').Where} where
 */
export function open(row, where) {
  return row.name === 'read-mapped' ? readMapped(row, where) : openCold(where)
}

/** The sum of `count` bytes of a file on disk, mapped and resident, against the same bytes in an ArrayBuffer of their own. */
async function readMapped({ count }, { dir }) {
  const kernel = await boot({ mounts: { '/data': diskMount(dir) } })
  const process = kernel.process()
  const fd = openFilled(process, '/data/read.bin', count)
  const map = process.mmap({ fd, length: count })
  const mapped = map.bytes
  const plain = new Uint8Array(count)
  plain.set(mapped)
  const expected = sumOf(plain)
  const timed = (sum, bytes) => () =>
    nsPerRound(1, () => {
      if (sum(bytes) !== expected) throw new Error('the mapped file has another sum')
    })
  return {
    ours: timed(sumLoop(), mapped),
    peer: timed(sumLoop(), plain),
    async close() {
      map.unmap()
      process.close(fd)
      process.unlink('/data/read.bin')
      await kernel.close()
    },
  }
}

function sumOf(bytes) {
  return sumLoop()(bytes)
}

/** The same loop, compiled apart: what an engine learns from one kind of array is not told of the other. */
function sumLoop() {
  return new Function(
    'bytes',
    'let sum = 0; for (let i = 0; i < bytes.length; i++) sum = (sum + bytes[i]) | 0; return sum',
  )
}

/**
 * A page in each 1 MiB of a file that the kernel has not seen, against reading the file whole. Each sample has a kernel of its own;
 * the system below has the file in its own cache for both.
 */
async function openCold({ dir, fileBytes }) {
  await makeColdFile(dir, fileBytes)
  const whole = await wholeReader(dir)
  return {
    ours: () => coldSample(dir, fileBytes),
    peer: () => nsPerRound(1, () => whole.read(fileBytes)),
    async close() {
      await whole.close()
      await withKernel(dir, (process) => process.unlink('/data/cold.bin'))
    },
  }
}

function makeColdFile(dir, fileBytes) {
  return withKernel(dir, (process) =>
    process.close(openFilled(process, '/data/cold.bin', fileBytes)),
  )
}

/** Runs `act` with a process of a kernel that nobody used before. => what it gives */
async function withKernel(dir, act) {
  const kernel = await boot({ memory: COLD_MEMORY, mounts: { '/data': diskMount(dir) } })
  try {
    return act(kernel.process())
  } finally {
    await kernel.close()
  }
}

function coldSample(dir, fileBytes) {
  return withKernel(dir, (process) => {
    const page = new Uint8Array(4096)
    return nsPerRound(1, () => {
      const fd = process.open('/data/cold.bin', O.RDONLY)
      const map = process.mmap({ fd, length: fileBytes, prot: 1 })
      for (let at = 0; at < fileBytes; at += EACH) map.read(at, page)
    })
  })
}

/** => how this runtime reads a whole file at once. */
async function wholeReader(dir) {
  if (typeof globalThis.process?.versions?.node === 'string') {
    const { readFileSync } = await import('node:fs')
    return {
      read(bytes) {
        if (readFileSync(`${dir}/cold.bin`).length !== bytes) throw new Error('cold.bin is short')
      },
      close() {},
    }
  }
  return opfsReader(dir)
}

/** A copy of the file, as the provider of the kernel locks the original. */
async function opfsReader(dir) {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle(dir)
  const original = await folder.getFileHandle('cold.bin')
  const copy = await folder.getFileHandle('whole.bin', { create: true })
  const handle = await copy.createSyncAccessHandle()
  handle.write(new Uint8Array(await (await original.getFile()).arrayBuffer()), { at: 0 })
  return {
    read(bytes) {
      const into = new Uint8Array(bytes)
      if (handle.read(into, { at: 0 }) !== bytes) throw new Error('whole.bin is short')
    },
    async close() {
      handle.close()
      await folder.removeEntry('whole.bin')
    },
  }
}
