/** The main thread of Node, Deno or Bun: reads a call a line, has the worker do it, prints its answer. */

import { createInterface } from 'node:readline'
import { startThread } from './threads.js'

const thread = await startThread(new URL('./measure/worker.js', import.meta.url))

for await (const line of createInterface({ input: process.stdin })) {
  const { called, args } = JSON.parse(line)
  process.stdout.write(`${JSON.stringify(await answer(called, args))}\n`)
}
await thread.end()

async function answer(called, args) {
  try {
    return { result: called === 'version' ? version() : await thread.call(called, ...args) }
  } catch (error) {
    return { error: String(error?.stack ?? error) }
  }
}

function version() {
  const { deno, bun, node, v8 } = process.versions
  if (bun) return `Bun ${bun}`
  return deno ? `Deno ${deno}, V8 ${v8}` : `Node ${node}, V8 ${v8}`
}
