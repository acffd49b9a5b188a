/** What a process took it gives back: after each of these lives the kernel has as many frames free as before. */

import { expect, test } from 'vitest'
import {
  boot,
  type Kernel,
  MADV,
  MAP,
  MREMAP,
  O,
  PROT,
  type Process,
} from '../../dist/src/index.js'

const PAGE = 4096
const ROUNDS = 10

const bytes = (length: number) => new Uint8Array(length).fill(7)

const LIVES: readonly { says: string; live: (p: Process, fd: number) => void }[] = [
  {
    says: 'private copies that a truncation took away, page tables included',
    live(p, fd) {
      p.pwrite(fd, bytes(PAGE), 5 * PAGE)
      p.mmap({ fd, length: 2 * PAGE, flags: MAP.PRIVATE }).write(0, bytes(2 * PAGE))
      p.ftruncate(fd, 0)
    },
  },
  {
    says: 'shared pages that a truncation took away',
    live(p, fd) {
      p.ftruncate(fd, 8 * PAGE)
      p.mmap({ fd, length: 8 * PAGE }).write(0, bytes(8 * PAGE))
      p.ftruncate(fd, 1)
    },
  },
  {
    says: 'pages that a hole took away',
    live(p, fd) {
      p.ftruncate(fd, 8 * PAGE)
      const map = p.mmap({ fd, length: 8 * PAGE })
      map.write(0, bytes(8 * PAGE))
      map.advise(MADV.REMOVE, { offset: PAGE, length: 4 * PAGE })
    },
  },
  {
    says: 'mappings in many places, split, moved and left behind',
    live(p) {
      for (let i = 0; i < 20; i++) {
        const map = p.mmap({ addr: 0x9000_0000 + i * 0x40_0000, length: 4 * PAGE })
        map.write(0, bytes(4 * PAGE))
        map.protect(PROT.READ, { offset: PAGE, length: PAGE })
        p.mremap(
          map.address,
          PAGE,
          PAGE,
          MREMAP.MAYMOVE | MREMAP.FIXED,
          0xa000_0000 + i * 0x40_0000,
        )
      }
    },
  },
  {
    says: 'locks, descriptors and unlinked files',
    live(p, fd) {
      p.mlockall(3)
      const copy = p.dup(fd)
      p.flock(copy, 2)
      p.unlink('/life')
      p.write(fd, bytes(3 * PAGE))
      p.mmap({ fd, length: 3 * PAGE, flags: MAP.PRIVATE })
    },
  },
]

test.for(LIVES)('exit gives back $says', async ({ live }) => {
  await using kernel = await boot({ memory: '16MiB' })
  round(kernel, live)
  const before = kernel.stats()
  for (let i = 0; i < ROUNDS; i++) round(kernel, live)
  const { framesFree, framesCommitted } = kernel.stats()
  kernel.check()
  expect({ framesFree, framesCommitted }).toEqual({
    framesFree: before.framesFree,
    framesCommitted: before.framesCommitted,
  })
})

function round(kernel: Kernel, live: (p: Process, fd: number) => void): void {
  const p = kernel.process()
  live(p, p.open('/life', O.CREAT | O.RDWR))
  p.exit()
  const after = kernel.process()
  const root = after.open('/', O.RDONLY)
  for (const { name } of after.readdir(root)) after.unlink(`/${name}`)
  after.exit()
}
