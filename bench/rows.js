/**
 * What the bench measures: one entry a row, in the order in which they run.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} module the file of measure/ that measures it, in a worker of the runtime
 * @property {'us' | 'ms'} unit of what is printed; samples are in nanoseconds
 * @property {string} peerName what ours is compared with
 * @property {string} [peerRow] the request to native/peer.c that is the peer; without it, the module measures the peer too
 * @property {number} [peerBytesPerNs] or the peer is a wish: the mapped file at so many bytes a nanosecond
 * @property {number} goal the ratio to reach, at most; infinite for what is measured to explain another row
 * @property {number} count rounds in one sample
 * @property {number} [tinyCount] rounds in one sample of `--tiny`; 1 by default
 */

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
    count: 2000,
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
    name: 'boot',
    module: 'boot',
    unit: 'ms',
    peerName: 'starting an empty worker',
    goal: 1,
    count: 1,
  },
]
