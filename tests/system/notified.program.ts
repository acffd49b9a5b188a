/** A program that registers for a message and leaves its kernel open: `idle` waits for nothing more, `told` sends itself the message later; 7 is its exit code once it was told. */
import { boot, O } from '../../dist/src/index.js'

const kernel = await boot({ memory: '16MiB' })
const p = kernel.process()
const mqd = p.mq_open('/q', O.CREAT | O.RDWR)
p.mq_notify(mqd, () => {
  process.exitCode = 7
})
if (process.argv[2] === 'told') setTimeout(() => p.mq_send(mqd, new Uint8Array(1)), 50)
console.log('registered')
