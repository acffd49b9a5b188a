/** The worker that returns and takes messages: of a queue, or posted. */

import { attach } from '../../dist/src/index.js'
import { serve } from '../threads.js'
import { PING, PONG, rest, STREAM_BYTES } from './messages-layout.js'

let kernel, process, id

await serve(
  {
    async attach(handle, queue) {
      kernel = await attach(handle)
      process = kernel.process()
      id = queue
    },
    /** => ms that it rested */
    return(rests, rounds) {
      let restedMs = 0
      for (let i = 0; i < rounds; i++) {
        const { data } = process.msgrcv(id, { type: PING })
        if (rests) restedMs += rest()
        process.msgsnd(id, PONG, data)
      }
      return restedMs
    },
    /** The first and the last are answered. */
    take(count) {
      const options = { type: PING, into: new Uint8Array(STREAM_BYTES) }
      for (let i = 0; i < count; i++) {
        const { data } = process.msgrcv(id, options)
        if (data.length !== STREAM_BYTES) throw new Error('another message came')
        if (i === 0 || i === count - 1) process.msgsnd(id, PONG, data)
      }
    },
    detach: () => kernel.close(),
  },
  (message, post) => {
    if (message.ball) {
      const restedMs = message.rests ? rest() : 0
      post({ ball: message.ball, restedMs })
    }
    if (message.left === 0) post({})
  },
)
