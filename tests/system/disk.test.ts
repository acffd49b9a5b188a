/** A real file, mapped here and read and written outside with plain node:fs: what msync and MS_INVALIDATE promise. */

import { describe, expect, test } from 'vitest'
import { boot, disk, MS, O } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'

const PAGE = 4096
const host = inBrowser ? undefined : await import('../conformance/disk.ts')

describe.skipIf(!host)(
  `a file on disk${host ? '' : ' (skipped: a browser has no node:fs)'}`,
  () => {
    async function mapped(pages: number) {
      const { fs, path, temporaryDirectory } = host as NonNullable<typeof host>
      const dir = temporaryDirectory()
      const file = path.join(dir, 'f')
      fs.writeFileSync(file, new Uint8Array(pages * PAGE).fill(1))
      const kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
      const p = kernel.process()
      const map = p.mmap({ fd: p.open('/d/f', O.RDWR), length: pages * PAGE })
      return { fs, file, kernel, map }
    }

    test('what msync wrote is what a foreign reader finds', async () => {
      const { fs, file, kernel, map } = await mapped(4)
      map.write(PAGE + 5, new Uint8Array(10).fill(7))
      map.bytes[3 * PAGE] = 9
      map.sync()
      const bytes = fs.readFileSync(file)
      expect([bytes[PAGE + 4], bytes[PAGE + 5], bytes[PAGE + 15], bytes[3 * PAGE]]).toEqual([
        1, 7, 1, 9,
      ])
      expect(bytes.length).toBe(4 * PAGE)
      await kernel.close()
    })

    test('MS_INVALIDATE shows what a foreign writer stored, and keeps what is dirty here', async () => {
      const { fs, file, kernel, map } = await mapped(4)
      map.read(0, 4 * PAGE)
      map.write(0, new Uint8Array(PAGE).fill(5))
      const fd = fs.openSync(file, 'r+')
      fs.writeSync(fd, new Uint8Array(2 * PAGE).fill(8), 0, 2 * PAGE, 0)
      fs.closeSync(fd)
      map.sync({ flags: MS.INVALIDATE })
      expect([map.read(0, 1)[0], map.read(PAGE, 1)[0], map.read(2 * PAGE, 1)[0]]).toEqual([5, 8, 1])
      map.sync({ flags: MS.SYNC | MS.INVALIDATE })
      const bytes = fs.readFileSync(file)
      expect([bytes[0], bytes[PAGE]]).toEqual([5, 8])
      await kernel.close()
    })
  },
)
