/**
 * A program that booted with `inspect: true`, with two processes that map memory, and one object of each kind. Says `up`, and then, by its argument:
 * `sleep` sleeps for ever in its main thread, `leave` ends without closing its kernel, `close` closes it and ends.
 */
import { boot, IPC, MAP, O } from '../../dist/src/index.js'

const kernel = await boot({ memory: '16MiB', inspect: true })
const p = kernel.process()
const q = kernel.process({ uid: 1000 })
const fd = p.open('/file', O.CREAT | O.RDWR)
p.ftruncate(fd, 10 * 4096)
p.mmap({ fd, length: 10 * 4096 }).write(5000, new Uint8Array(9000).fill(1))
const own = q.mmap({ length: 4 * 4096, flags: MAP.PRIVATE | MAP.ANONYMOUS })
own.write(0, new Uint8Array([1]))
p.shmget(0x51, 5000, IPC.CREAT | 0o640)
const queue = p.msgget(0x52, IPC.CREAT | 0o600)
p.msgsnd(queue, 1, new Uint8Array(100))
p.semget(0x53, 2, IPC.CREAT | 0o600)
p.shm_open('/table', O.CREAT | O.RDWR)
p.mq_open('/jobs', O.CREAT | O.RDWR)
p.sem_close(p.sem_open('/turn', O.CREAT, 0o600, 1)) // it would be a mapping more

console.log('up')
const nothing = new Int32Array(new SharedArrayBuffer(4))
if (process.argv[2] === 'sleep') Atomics.wait(nothing, 0, 0)
if (process.argv[2] === 'close') await kernel.close()
