/** What every provider refuses: paths that leave the mount, names too long, offsets that are none. */

import { expect, test } from 'vitest'
import { CREATE, type Mounted, make, namesOf, shared, textOf } from './fixture.ts'
import { codeOf } from './runtime.ts'

/** Paths that would leave the mount or that no system should see, with the errno each one gets. */
export const BAD_PATHS: readonly (readonly [string, string, string])[] = [
  ['..', '..', 'ENOTCAPABLE'],
  ['.. on the way', 'd/../../x', 'ENOTCAPABLE'],
  ['an absolute path', '/etc/passwd', 'ENOTCAPABLE'],
  ['a NUL', 'f\0.txt', 'EINVAL'],
  ['an empty component', 'd//f', 'EINVAL'],
  ['a trailing slash', 'd/', 'EINVAL'],
  ['a dot', 'd/./f', 'EINVAL'],
  ['a lone surrogate', 'f\ud800', 'EILSEQ'],
  ['a name of 256 bytes', 'x'.repeat(256), 'ENAMETOOLONG'],
  ['a name of 256 bytes in 128 characters', 'ü'.repeat(128), 'ENAMETOOLONG'],
  ['a path of 4096 bytes', `${'d/'.repeat(2047)}dd`, 'ENAMETOOLONG'],
]

export function badInput(mounted: Mounted): void {
  test.for(BAD_PATHS)('%s is refused by every call', async ([, path, code]) => {
    const provider = mounted()
    await provider.mkdir('d', 0o777)
    await make(provider, 'd/f')
    const calls: [string, () => unknown][] = [
      ['open', () => provider.open(path, CREATE)],
      ['lstat', () => provider.lstat(path)],
      ['readdir', () => provider.readdir(path)],
      ['mkdir', () => provider.mkdir(path, 0o777)],
      ['rmdir', () => provider.rmdir(path)],
      ['unlink', () => provider.unlink(path)],
      ['rename from', () => provider.rename(path, 'y')],
      ['rename to', () => provider.rename('d/f', path)],
      ['readlink', () => provider.readlink(path)],
    ]
    for (const [name, call] of calls) expect([name, await codeOf(call)]).toEqual([name, code])
    expect(await namesOf(provider, '')).toEqual(['directory d'])
    expect(await namesOf(provider, 'd')).toEqual(['file f'])
  })

  test('a name of 255 bytes fits', async () => {
    const provider = mounted()
    const name = `${'ü'.repeat(127)}x`
    await make(provider, name, 'long')
    expect(await textOf(provider, name)).toBe('long')
  })

  test('what only looks like dots is a plain name', async () => {
    const provider = mounted()
    for (const name of ['…', '․․', '．．', '...', '..a', '%2e%2e']) {
      await make(provider, name, name)
      expect(await textOf(provider, name)).toBe(name)
    }
    expect(await provider.readdir('')).toHaveLength(6)
  })

  test('names that differ in case are two files, or the very same one', async () => {
    const provider = mounted()
    await make(provider, 'Name', 'upper')
    const same = (await codeOf(() => provider.lstat('name'))) === 'none'
    if (same) expect((await provider.lstat('name')).ino).toBe((await provider.lstat('Name')).ino)
    else await make(provider, 'name', 'lower')
    expect(await textOf(provider, 'Name')).toBe('upper')
    expect(await provider.readdir('')).toHaveLength(same ? 1 : 2)
  })

  test.for([-1, 1.5, Number.NaN, 2 ** 53])('an offset or size of %s is EINVAL', async (wrong) => {
    const provider = mounted()
    const handle = await provider.open('f', CREATE)
    expect(await codeOf(() => provider.pread(handle, shared(1), wrong))).toBe('EINVAL')
    expect(await codeOf(() => provider.pwrite(handle, shared('x'), wrong))).toBe('EINVAL')
    expect(await codeOf(() => provider.truncate(handle, wrong))).toBe('EINVAL')
    expect((await provider.stat(handle)).size).toBe(0)
  })

  test('a write near offset 2^53 is refused and leaves the file as it was', async () => {
    const provider = mounted()
    const handle = await provider.open('f', CREATE)
    await provider.pwrite(handle, shared('kept'), 0)
    const code = await codeOf(() => provider.pwrite(handle, shared('x'), 2 ** 53 - 2))
    expect(['EFBIG', 'ENOSPC', 'EINVAL', 'ENOMEM']).toContain(code)
    expect((await provider.stat(handle)).size).toBe(4)
  })
}
