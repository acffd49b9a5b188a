/** A bounded queue of work: one thread asks, three work, and a queue that is full makes who asks wait. Counts the primes below a million. */
import { IPC } from '../dist/src/index.js' // in a program of yours: from 'isopage'
import { run } from './threads.js'

const KEY = 0x6a6f6273
const JOBS = 100
const STEP = 10_000
/** Types of messages. Workers take what is of the lowest type first: who is to end hears of it when no job is left. */
const JOB = 1
const END = 2
const RESULT = 3
const WORKERS = 3

const encode = (...numbers) => new Uint32Array(numbers)
const decode = (data) => new Uint32Array(data.buffer)

await run(import.meta.url, {
  async main({ kernel, start, print }) {
    const p = kernel.process()
    const jobs = p.msgget(KEY, IPC.CREAT | 0o600)
    const results = p.msgget(IPC.PRIVATE, 0o600)
    p.msgctl(jobs, IPC.SET, { qbytes: 10 * 4 }) // ten jobs fit; the eleventh waits
    const workers = Array.from({ length: WORKERS }, () => start('work', results))
    const asked = (async () => {
      for (let job = 0; job < JOBS; job++) await p.promises.msgsnd(jobs, JOB, encode(job))
      for (const _ of workers) await p.promises.msgsnd(jobs, END, encode(0))
    })()
    let primes = 0
    for (let job = 0; job < JOBS; job++) {
      const { data } = await p.promises.msgrcv(results, { type: RESULT })
      primes += decode(data)[0]
    }
    await asked
    const shares = await Promise.all(workers.map(({ done }) => done))
    print(`${primes} primes below ${(JOBS * STEP).toLocaleString('en-US')}`)
    print(`${WORKERS} workers took ${shares.join(', ')} jobs, ${JOBS} in all`)
    for (const id of [jobs, results]) p.msgctl(id, IPC.RMID)
  },
  work({ kernel }, results) {
    const p = kernel.process()
    const jobs = p.msgget(KEY)
    for (let taken = 0; ; taken++) {
      const { type, data } = p.msgrcv(jobs, { type: -END }) // sleeps until there is work
      if (type === END) return taken
      const [job] = decode(data)
      p.msgsnd(results, RESULT, encode(primesIn(job * STEP, (job + 1) * STEP)))
    }
  },
})

function primesIn(from, to) {
  let count = 0
  for (let number = Math.max(from, 2); number < to; number++) {
    let divisor = 2
    while (divisor * divisor <= number && number % divisor !== 0) divisor++
    if (divisor * divisor > number) count++
  }
  return count
}
