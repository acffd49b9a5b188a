/** A producer and a consumer in threads of their own, on one ring in System V shared memory: 16 MiB pass through 64 KiB, two semaphores keep count. */
import { IPC } from '../dist/src/index.js' // in a program of yours: from 'isopage'
import { run } from './threads.js'

const KEY = 0x72696e67
const [SLOTS, SLOT_BYTES] = [16, 4096]
const TOTAL_SLOTS = 4096
const [FREE, FILLED] = [0, 1] // the two semaphores

/** Each side finds the ring by its key. */
function openRing(kernel) {
  const p = kernel.process()
  const map = p.shmat(p.shmget(KEY, SLOTS * SLOT_BYTES))
  const ring = new Uint32Array(map.buffer, map.byteOffset, map.length / 4)
  const semaphores = p.semget(KEY, 2)
  const words = SLOT_BYTES / 4
  const slot = (index) => ring.subarray((index % SLOTS) * words).subarray(0, words)
  const take = (num) => p.semop(semaphores, [{ num, op: -1 }]) // sleeps until there is one
  const give = (num) => p.semop(semaphores, [{ num, op: 1 }])
  return { slot, take, give }
}

await run(import.meta.url, {
  async main({ kernel, start, print }) {
    const p = kernel.process()
    const id = p.shmget(KEY, SLOTS * SLOT_BYTES, IPC.CREAT | 0o600)
    const semaphores = p.semget(KEY, 2, IPC.CREAT | 0o600)
    p.semop(semaphores, [{ num: FREE, op: SLOTS }])
    const began = performance.now()
    const sides = [start('produce'), start('consume')]
    const [sent, received] = await Promise.all(sides.map(({ done }) => done))
    const seconds = ((performance.now() - began) / 1000).toFixed(2)
    print(`16 MiB through a ring of 64 KiB in ${seconds} s`)
    print(`sent ${sent}, received ${received}: ${sent === received ? 'equal' : 'NOT equal'}`)
    p.shmctl(id, IPC.RMID)
    p.semctl(semaphores, 0, IPC.RMID)
  },
  produce({ kernel }) {
    const { slot, take, give } = openRing(kernel)
    let sum = 0
    for (let index = 0; index < TOTAL_SLOTS; index++) {
      take(FREE)
      slot(index).fill(index + 1)
      give(FILLED)
      sum += index + 1
    }
    return sum
  },
  consume({ kernel }) {
    const { slot, take, give } = openRing(kernel)
    let sum = 0
    for (let index = 0; index < TOTAL_SLOTS; index++) {
      take(FILLED)
      sum += slot(index)[0]
      give(FREE)
    }
    return sum
  },
})
