/**
 * sync-one-dirty, sync-scan, scan-rate: msync of a file on disk, all of it resident, after one store.
 * sync-one-dirty tells the kernel of the store; sync-scan stores through `bytes`, so that msync looks for it; scan-rate stores nothing.
 */

import { boot } from '../../dist/src/index.js'
import { diskMount, nsPerRound, openFilled } from './clock.js'

const STORED = Uint8Array.of(1)
/** Odd, so that stores reach every page before any comes again. */
const STEP_PAGES = 4097

/**
 * @param {import('../rows.js').Row} row
 * @param {import('./worker.js').Where} where
 */
export async function open({ name, count }, { dir, fileBytes }) {
  const kernel = await boot({ mounts: { '/data': diskMount(dir) } })
  const process = kernel.process()
  const path = `/data/${name}.bin`
  const fd = openFilled(process, path, fileBytes)
  const map = process.mmap({ fd, length: fileBytes })
  makeResident(map, fileBytes)
  const store = storing(name, map, kernel.pageSize)
  const round = () => {
    store()
    map.sync()
  }
  return {
    ours: () => nsPerRound(count, round),
    async close() {
      map.unmap()
      process.close(fd)
      process.unlink(path)
      await kernel.close()
    },
  }
}

/** => what stores one byte to the next page, in the way of the row. */
function storing(name, map, pageSize) {
  let page = 0
  const next = () => {
    page = (page + STEP_PAGES) % (map.length / pageSize)
    return page * pageSize
  }
  if (name === 'sync-one-dirty') return () => map.write(next(), STORED)
  const { bytes } = map
  if (name === 'scan-rate') return () => bytes.length
  return () => {
    bytes[next()] += 1
  }
}

function makeResident(map, fileBytes) {
  const chunk = new Uint8Array(2 ** 20)
  for (let at = 0; at < fileBytes; at += chunk.length) map.read(at, chunk)
}
