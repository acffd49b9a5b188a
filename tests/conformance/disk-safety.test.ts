/** `disk` against a foreign process, and the order in which it syncs. Not in browsers: no node:fs. */

import type * as FileSystem from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DiskState } from '../../dist/src/providers/node-state.js'
import { DISK_STATE_BYTES } from '../../dist/src/providers/specs.js'
import { CREATE, READ_ONLY, shared } from './fixture.ts'
import { codeOf, inBrowser } from './runtime.ts'

const disk = inBrowser ? null : await import('./disk.ts')

/** node:fs that writes down its syncs by inode, and fails them while `fails` is set. */
function recording(fs: typeof FileSystem) {
  const log = { synced: [] as bigint[], closed: 0, fails: false }
  const recorded = {
    ...fs,
    closeSync(fd: number) {
      log.closed++
      fs.closeSync(fd)
    },
    fsyncSync(fd: number) {
      if (log.fails) throw Object.assign(new Error('EIO'), { code: 'EIO' })
      log.synced.push(fs.fstatSync(fd, { bigint: true }).ino)
      fs.fsyncSync(fd)
    },
  }
  return { log, fs: recorded as unknown as typeof FileSystem }
}

describe.skipIf(!disk)('a foreign process that swaps a directory for a symlink', () => {
  test('never makes a path lead out of the mount', async () => {
    const { fs, path, openDisk, temporaryDirectory } = disk!
    const { swapping } = await import('./swap.ts')
    const [dir, outside] = [temporaryDirectory(), temporaryDirectory()]
    fs.mkdirSync(path.join(dir, 'd'))
    fs.writeFileSync(path.join(dir, 'd/f'), 'inside')
    fs.writeFileSync(path.join(outside, 'f'), 'secret')
    const provider = await openDisk(dir)
    const stop = await swapping(path.join(dir, 'd'), outside)
    const seen = new Map<string, number>()
    const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
    try {
      const into = shared(6)
      for (let round = 0; round < 4000; round++) {
        count(
          await codeOf(async () => {
            const handle = await provider.open('d/f', READ_ONLY)
            await provider.pread(handle, into, 0)
            await provider.close(handle)
            if (into[0] !== 'i'.charCodeAt(0)) throw new Error('read the secret')
          }),
        )
        await codeOf(async () => provider.close(await provider.open(`d/new${round}`, CREATE)))
        await codeOf(() => provider.unlink('d/f.no'))
        await codeOf(() => provider.mkdir('d/sub', 0o777))
        await codeOf(() => provider.symlink('x', 'd/link'))
        await codeOf(() => provider.utimes('d/f', 0n, 0n))
      }
    } finally {
      await stop()
    }
    expect(fs.readdirSync(outside)).toEqual(['f'])
    expect(fs.statSync(path.join(outside, 'f')).mtimeMs).not.toBe(0)
    const allowed = ['none', 'ENOENT', 'ELOOP', 'ENOTDIR']
    expect([...seen.keys()].filter((code) => !allowed.includes(code))).toEqual([])
    // Both sides of the swap were met, else this proved nothing.
    expect(seen.get('none')).toBeGreaterThan(0)
    expect(seen.size).toBeGreaterThan(1)
  })
})

function directory() {
  const dir = disk!.temporaryDirectory()
  return { dir, ino: disk!.fs.statSync(dir, { bigint: true }).ino }
}

describe.skipIf(!disk)('names that changed', () => {
  test('are synced with their directory by the next sync, once', () => {
    const { fs, log } = recording(disk!.fs)
    const state = new DiskState(fs)
    const [one, other] = [directory(), directory()]
    state.changing(one.dir, () => {})
    state.changing(one.dir, () => {})
    state.changing(other.dir, () => {})
    state.syncNames()
    expect(log.synced).toEqual([one.ino, other.ino])
    state.syncNames()
    expect(log.synced).toHaveLength(2)
    expect(log.closed).toBe(2)
  })

  test('are synced though another directory has meanwhile the descriptor that theirs had', () => {
    const { fs, log } = recording(disk!.fs)
    const state = new DiskState(fs)
    const [one, other] = [directory(), directory()]
    state.changing(one.dir, () => {})
    state.syncNames()
    state.changing(other.dir, () => {})
    state.changing(one.dir, () => {})
    state.syncNames()
    expect(log.synced).toEqual([one.ino, other.ino, one.ino])
  })

  test('wait on when the sync fails, and the failure is told', () => {
    const { fs, log } = recording(disk!.fs)
    const state = new DiskState(fs)
    const { dir, ino } = directory()
    state.changing(dir, () => {})
    log.fails = true
    expect(() => state.syncNames()).toThrow('EIO')
    log.fails = false
    state.syncNames()
    expect(log.synced).toEqual([ino])
  })

  test('of one thread are synced by another that shares the state', async () => {
    const { fs, log } = recording(disk!.fs)
    const memory = new SharedArrayBuffer(DISK_STATE_BYTES)
    const [one, other] = [new DiskState(fs, memory), new DiskState(fs, memory)]
    const { dir, ino } = directory()
    one.changing(dir, () => {})
    other.syncNames()
    expect(log.synced).toEqual([ino])
    one.changing(dir, () => {})
    other.syncNames()
    expect(log.synced).toEqual([ino, ino])
  })

  test('a change during the sync of its directory waits for another sync', () => {
    const { fs, log } = recording(disk!.fs)
    const { dir, ino } = directory()
    let state: DiskState
    let again = true
    const interrupted = {
      ...fs,
      fsyncSync(fd: number) {
        fs.fsyncSync(fd)
        if (again) state.changing(dir, () => {})
        again = false
      },
    } as typeof FileSystem
    state = new DiskState(interrupted)
    state.changing(dir, () => {})
    state.syncNames()
    expect(log.synced).toEqual([ino, ino])
  })
})

describe.skipIf(!disk)('directories whose names changed', () => {
  test('do not wait when the call failed', () => {
    const { fs, log } = recording(disk!.fs)
    const state = new DiskState(fs)
    const { dir } = directory()
    const fail = () => {
      throw new Error('refused')
    }
    expect(() => state.changing(dir, fail)).toThrow('refused')
    state.syncNames()
    expect([log.synced.length, log.closed]).toEqual([0, 1])
  })

  test('are synced at once when too many wait', () => {
    const { fs, log } = recording(disk!.fs)
    const state = new DiskState(fs)
    const directories = Array.from({ length: 70 }, directory)
    for (const { dir } of directories) state.changing(dir, () => {})
    expect(log.synced).toHaveLength(6)
    state.syncNames()
    expect(new Set(log.synced).size).toBe(70)
  })

  test('wait after create, link, rename, unlink, mkdir, rmdir and symlink', async () => {
    const { openDisk, temporaryDirectory } = disk!
    const memory = new SharedArrayBuffer(DISK_STATE_BYTES)
    const provider = await openDisk(temporaryDirectory(), {}, memory)
    const waiting = () => new BigInt64Array(memory, 0, 64).filter((slot) => slot !== 0n).length
    const handle = await provider.open('f', CREATE)
    const changes: (() => unknown)[] = [
      () => provider.link('f', 'g'),
      () => provider.rename('g', 'h'),
      () => provider.unlink('h'),
      () => provider.mkdir('d', 0o777),
      () => provider.rmdir('d'),
      () => provider.symlink('f', 's'),
    ]
    expect(waiting()).toBe(1)
    for (const change of changes) {
      await provider.sync(handle, true)
      expect(waiting()).toBe(0)
      await change()
      expect(waiting()).toBe(1)
    }
    await provider.mkdir('d', 0o777)
    await provider.rename('f', 'd/f')
    expect(waiting()).toBe(2)
    await provider.open('d/f', READ_ONLY)
    await provider.sync(handle, false)
    expect(waiting()).toBe(0)
  })
})
