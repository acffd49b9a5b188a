/** Scripts that the random test found to go wrong once, as it shrank them: each failed on the code of its time. */

import { expect, test } from 'vitest'
import { parse } from '../support/steps.ts'
import { type StoreKind, startWorld } from './world.ts'

const EVERYWHERE: readonly StoreKind[] = ['tmpfs', 'store']

const SCRIPTS: readonly { says: string; on: readonly StoreKind[]; script: string }[] = [
  {
    says: 'MADV_REMOVE of a private file mapping is EACCES, as it is no shared writable one',
    on: EVERYWHERE,
    script: `
      open 0 0 0 7
      mmap 0 0 4096 3 18 0 0
      madvise 0 0 4096 9`,
  },
  {
    says: 'MADV_WILLNEED takes no copy: a private page shows later writes to the file',
    on: EVERYWHERE,
    script: `
      open 0 0 0 7
      pwrite 0 0 1 5 0
      mmap 1 0 4096 3 34 0 0
      munmap 1 0 4096
      open 1 0 0 7
      mmap 1 0 4096 3 18 0 0
      madvise 1 0 4096 3
      pwrite 0 0 4096 1 0
      load 1 0 4096`,
  },
  {
    says: 'fstat of an open file without a name gives the size that the page cache has',
    on: ['store'],
    script: `
      open 0 0 0 7
      unlink 0 0
      write 0 0 1 1
      size 0 0`,
  },
  {
    says: 'msync promises the zeros of its range too: the file is as long on its store',
    on: ['store'],
    script: `
      open 0 0 0 7
      pwrite 0 0 0 1 0
      mmap 0 0 4096 0 17 0 0
      pwrite 0 0 8192 1 8191
      msync 0 0 4096 4`,
  },
  {
    says: 'fsync promises what was written before the file was closed and opened again',
    on: ['store'],
    script: `
      open 0 0 0 7
      ftruncate 0 0 4095
      close 0 0
      open 0 0 0 7
      fsync 0 0`,
  },
]

for (const { says, on, script } of SCRIPTS) {
  test.for(on)(`${says}: on %s`, async (kind) => {
    await using world = await startWorld(kind)
    await expect(world.run(parse(script), true)).resolves.toBeUndefined()
  })
}
