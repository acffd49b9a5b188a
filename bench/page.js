/** The page of a browser: has the worker do what puppeteer calls for. */

import { startThread } from './threads.js'

const thread = startThread(new URL('./measure/worker.js', import.meta.url))

globalThis.callWorker = async (called, ...args) => (await thread).call(called, ...args)
