/** The whole life of a kernel, again and again, in whichever thread runs it. */

import { boot, LOCK, type Mountable, O } from '../../dist/src/index.js'

/**
 * Boots, uses and closes `count` kernels one after another over one store: each finds what the one before wrote, and is closed while a call of
 * it waits in a worker. => 'whole', or what was wrong
 */
export async function live(mount: Mountable, count: number): Promise<string> {
  for (let life = 0; life < count; life++) {
    const kernel = await boot({ memory: '16MiB', mounts: { '/m': mount } })
    const p = kernel.process()
    const fd = await p.promises.open('/m/file', O.CREAT | O.RDWR)
    const map = await p.promises.mmap({ fd, length: 1 }).catch(() => undefined)
    const before = map && life > 0 ? (await map.promises.read(0, 1))[0] : life
    if (before !== life) return `life ${life} read ${before}`
    await p.promises.pwrite(fd, new Uint8Array([life + 1]), 0)
    await p.promises.flock(fd, LOCK.EX)
    const other = await p.promises.open('/m/file', O.RDWR)
    const waiting = p.promises.flock(other, LOCK.EX).catch(({ code }) => code)
    kernel.check()
    await kernel.close()
    if ((await waiting) !== 'ERR_KERNEL_CLOSED') return `life ${life}: ${await waiting}`
  }
  return 'whole'
}
