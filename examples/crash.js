/** A thread dies while it holds a lock, half way through a transfer. The next one is told (EOWNERDEAD), mends what is half done, and goes on. */
import { IPC } from '../dist/src/index.js' // in a program of yours: from 'isopage'
import { run } from './threads.js'

const KEY = 0x62616e6b
/** Words of the segment: a mutex of 12 bytes, two accounts, and a note of what is under way. */
const FROM = 4
const TO = 5
const NOTE = 6
const TOTAL = 1000

function openBank(kernel, flags = 0) {
  const p = kernel.process()
  const map = p.shmat(p.shmget(KEY, 4096, flags))
  const words = new Int32Array(map.buffer, map.byteOffset, 8)
  return { words, mutex: map.mutex(0, { robust: true }) }
}

const shown = (words) => `${words[FROM]} + ${words[TO]} = ${words[FROM] + words[TO]}`

await run(import.meta.url, {
  async main({ kernel, start, print }) {
    const { words } = openBank(kernel, IPC.CREAT | 0o600)
    words[FROM] = TOTAL
    print(`before:         ${shown(words)}`)
    const holder = start('transfer', 300)
    print(await holder.said)
    await kernel.terminate(holder.worker) // dies with the lock held
    print(`after its end:  ${shown(words)}`)
    const heir = start('audit')
    for (const line of await heir.done) print(line)
    print(words[FROM] + words[TO] === TOTAL ? 'nothing is lost' : 'LOST')
  },
  /** Takes the money, and never comes to put it down. */
  transfer({ kernel, say }, amount) {
    const { words, mutex } = openBank(kernel)
    mutex.lock()
    words[NOTE] = amount // what is under way, before it begins
    words[FROM] -= amount
    say(`a thread holds the lock and has taken ${amount}`)
    Atomics.wait(words, 7, 0) // for ever
  },
  audit({ kernel }) {
    const { words, mutex } = openBank(kernel)
    try {
      mutex.lock()
      return ['the lock was free: nobody had died']
    } catch (error) {
      if (error.code !== 'EOWNERDEAD') throw error
      words[TO] += words[NOTE] // locked, and what it protects is half done: finish it
      words[NOTE] = 0
      mutex.consistent()
      return [`the next to lock: ${error.code}`, `mended:         ${shown(words)}`]
    } finally {
      mutex.unlock()
    }
  },
})
