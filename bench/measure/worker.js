/**
 * The worker in which a runtime measures: opens a row, gives samples of ours and of a peer of the same runtime, closes it.
 *
 * A module of this folder exports `open(row, where)`, which resolves to { ours, peer?, close }: `ours` and `peer` give the nanoseconds of
 * one round, averaged over the rounds of one sample.
 *
 * @typedef {object} Where
 * @property {string} dir a folder on the disk; in browsers a name in the origin private file system
 * @property {number} fileBytes bytes of the file that rows map
 * @property {string} [guest] the module of the row's program, from the root of the repository
 */

import { serve } from '../threads.js'

const modules = {
  attention: () => import('./attention.js'),
  boot: () => import('./boot.js'),
  calls: () => import('./calls.js'),
  guest: () => import('./guest.js'),
  handoff: () => import('./handoff.js'),
  instrument: () => import('./instrument.js'),
  map: () => import('./map.js'),
  messages: () => import('./messages.js'),
  mutex: () => import('./mutex.js'),
  read: () => import('./read.js'),
  share: () => import('./share.js'),
  start: () => import('./start.js'),
  sync: () => import('./sync.js'),
}

let open

await serve({
  async open(row, where) {
    const module = await modules[row.module]()
    open = await module.open(row, where)
  },
  ours: () => open.ours(),
  peer: () => open.peer(),
  async close() {
    await open?.close()
    open = undefined
  },
})
