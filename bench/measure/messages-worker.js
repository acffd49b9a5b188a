/** The worker that returns and takes messages: of a queue, or posted. */

import { attach } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { PING, PONG, poll, STREAM_BYTES } from './messages-layout.js'

let kernel, process, id

await serve(
  {
    async attach(handle, queue) {
      kernel = await attach(handle)
      process = kernel.process()
      id = queue
    },
    return(kind, rounds) {
      const receive =
        kind === 'spin' ? () => poll(process, id, PING) : () => process.msgrcv(id, { type: PING })
      for (let i = 0; i < rounds; i++) process.msgsnd(id, PONG, receive().data)
    },
    /** The first and the last are answered. */
    take(count) {
      for (let i = 0; i < count; i++) {
        const { data } = process.msgrcv(id, { type: PING })
        if (data.length !== STREAM_BYTES) throw new Error('another message came')
        if (i === 0 || i === count - 1) process.msgsnd(id, PONG, data)
      }
    },
    detach: () => kernel.close(),
  },
  (message, post) => {
    if (message.ball) post(message)
    else if (message.left === 0) post({})
  },
)
