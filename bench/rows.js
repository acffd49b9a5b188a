/**
 * What the bench measures: one entry a row, in the order in which they run.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} module the file of measure/ that measures it, in a worker of the runtime
 * @property {'us' | 'ms' | 'kB'} unit of what is printed; samples are in nanoseconds, or in bytes
 * @property {string} peerName what ours is compared with
 * @property {string} [peerRow] the request to native/peer.c that is the peer; without it, the module measures the peer too
 * @property {number} [peerBytesPerNs] or the peer is a wish: the mapped file at so many bytes a nanosecond
 * @property {number} goal the ratio to reach, at most; infinite for what is measured to explain another row
 * @property {Readonly<Record<string, number>>} [goals] of runtimes whose goal is another
 * @property {number} count rounds in one sample
 * @property {number} [tinyCount] rounds in one sample of `--tiny`; 1 by default
 * @property {{ wanted: number, unit: string }} [rate] the peer's, printed of ours too
 * @property {string} [group] the name by which `--only` asks for it, beside its own
 * @property {string} [program] the file of guest/ that it runs, compiled
 * @property {readonly string[]} [parts] rows of which it is the geometric mean; then it has no module
 */

import { guestRows } from './guest-rows.js'

/** Bytes of the file on disk that rows map; in `--tiny` runs 1 MiB. */
export const FILE_BYTES = 256 * 2 ** 20

/** @type {readonly Row[]} */
export const rows = [
  {
    name: 'map-unmap',
    module: 'map',
    unit: 'us',
    peerName: 'native mmap, munmap',
    peerRow: 'map-unmap',
    goal: 0.2,
    count: 10_000,
    tinyCount: 2,
  },
  {
    name: 'map-touch',
    module: 'map',
    unit: 'us',
    peerName: 'native mmap, 16 stores, munmap',
    peerRow: 'map-touch',
    goal: 0.5,
    count: 500,
    tinyCount: 2,
  },
  {
    name: 'sync-one-dirty',
    module: 'sync',
    unit: 'us',
    peerName: 'native store, msync',
    peerRow: 'sync-one-dirty',
    goal: 1,
    count: 10,
  },
  {
    name: 'sync-scan',
    module: 'sync',
    unit: 'ms',
    peerName: 'native store, msync',
    peerRow: 'sync-one-dirty',
    goal: Number.POSITIVE_INFINITY,
    count: 1,
  },
  {
    name: 'scan-rate',
    module: 'sync',
    unit: 'ms',
    peerName: 'the file at 8 GB/s',
    peerBytesPerNs: 8,
    rate: { wanted: 8, unit: 'GB/s' },
    goal: 1,
    count: 1,
  },
  {
    name: 'map-many',
    module: 'map',
    unit: 'us',
    peerName: 'the first 1,000 pairs',
    goal: 2,
    count: 100_000,
    tinyCount: 100,
  },
  {
    name: 'read-mapped',
    module: 'read',
    unit: 'ms',
    peerName: 'a plain ArrayBuffer',
    goal: 1.05,
    count: 64 * 2 ** 20,
    tinyCount: 65_536,
  },
  {
    name: 'open-cold',
    module: 'read',
    unit: 'ms',
    peerName: 'reading the file whole',
    goal: 0.05,
    count: 1,
  },
  {
    name: 'share-write-spin',
    module: 'share',
    unit: 'us',
    peerName: 'postMessage',
    goal: 0.1,
    count: 1000,
    tinyCount: 3,
  },
  {
    name: 'share-write-sleep',
    module: 'share',
    unit: 'us',
    peerName: 'postMessage',
    goal: 0.3,
    count: 300,
    tinyCount: 3,
  },
  {
    name: 'share-wake',
    module: 'share',
    unit: 'us',
    peerName: 'bare Atomics.wait and notify',
    goal: Number.POSITIVE_INFINITY,
    count: 300,
    tinyCount: 3,
  },
  {
    name: 'bare-wake',
    module: 'share',
    unit: 'us',
    peerName: 'postMessage',
    goal: Number.POSITIVE_INFINITY,
    count: 300,
    tinyCount: 3,
  },
  {
    name: 'msg-64',
    module: 'calls',
    unit: 'us',
    peerName: 'native msgsnd, msgrcv',
    peerRow: 'msg-64',
    goal: 0.3,
    count: 20_000,
    tinyCount: 2,
  },
  {
    name: 'msg-pingpong-sleep',
    module: 'messages',
    unit: 'us',
    peerName: 'postMessage there and back',
    goal: 0.35,
    count: 300,
    tinyCount: 3,
  },
  {
    name: 'msg-pingpong-spin',
    module: 'messages',
    unit: 'us',
    peerName: 'postMessage there and back',
    goal: 0.1,
    count: 1000,
    tinyCount: 3,
  },
  {
    name: 'msg-stream',
    module: 'messages',
    unit: 'us',
    peerName: 'postMessage',
    goal: 0.1,
    count: 100_000,
    tinyCount: 100,
  },
  {
    name: 'shm-handoff',
    module: 'handoff',
    unit: 'us',
    peerName: 'postMessage of a transferred ArrayBuffer',
    goal: 1,
    count: 100,
    tinyCount: 2,
  },
  {
    name: 'shm-handoff-alone',
    module: 'handoff',
    unit: 'us',
    peerName: 'postMessage of a transferred ArrayBuffer',
    goal: 0.3,
    count: 500,
    tinyCount: 2,
  },
  {
    name: 'sem-uncontended',
    module: 'calls',
    unit: 'us',
    peerName: 'native semop -1, semop +1',
    peerRow: 'sem-uncontended',
    goal: 0.2,
    count: 50_000,
    tinyCount: 2,
  },
  {
    name: 'mutex-contended',
    module: 'mutex',
    unit: 'us',
    peerName: 'a lock of bare Atomics.wait',
    goal: 1.2,
    count: 1_000_000,
    tinyCount: 100,
  },
  {
    name: 'shmat-shmdt',
    module: 'calls',
    unit: 'us',
    peerName: 'native shmat, shmdt',
    peerRow: 'shmat-shmdt',
    goal: 0.2,
    count: 10_000,
    tinyCount: 2,
  },
  {
    name: 'boot',
    module: 'boot',
    unit: 'ms',
    peerName: 'starting an empty worker',
    goal: 1,
    count: 1,
  },
  ...guestRows,
]
