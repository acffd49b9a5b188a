/**
 * The rows of programs: the same module as a guest, and plain, in the same runtime; and what a guest costs besides.
 *
 * A row that has `parts` is not measured: it is the geometric mean of those. `--only` takes the name of a group for all of its rows.
 */

/** Programs of guest/ in private memory: rounds of a sample, and the checksum of a round, which is that of the native program. */
const PRIVATE = [
  ['coremark', 8, 58050],
  ['matrix', 8, 2308125439],
  ['hashtable', 6, 2938659551],
  ['json', 40, 2741227997],
  ['lz', 10, 3477648458],
  ['sort', 6, 3219346361],
  ['sieve', 6, 78498],
  ['nbody', 24, 2381568115],
  ['tree', 6, 1108975795],
  ['strings', 30, 1232292045],
  ['interpreter', 12, 3761294206],
  ['blur', 12, 941610669],
]

const MIB = 2 ** 20
/** How long both sides are called in turns before the first sample. */
const WARM_MS = 1000
/** A big module takes engines longer. */
const SQLITE_WARM_MS = 5000

/** `--only` takes their names too. */
const GROUPS = ['guest-private', 'guest-mapped-chase', 'guest-mapped-seq', 'guest-mixed']

/** Programs over mapped memory: bytes of a mapping, how many of them, the function, rounds of a sample. */
const MAPPED = [
  row('guest-mapped-random', 'mapped-random', 1.4, { bytes: 16 * MIB, count: 20 }),
  row('guest-mapped-chase-16m', 'mapped-chase', 1.05, { bytes: 16 * MIB, count: 30 }),
  row('guest-mapped-chase-l1', 'mapped-chase', 1.4, { bytes: 16_384, count: 300 }),
  row('guest-mapped-seq-sum', 'mapped-seq', 1.3, { bytes: MIB, count: 40, call: 'sum' }),
  row('guest-mapped-seq-fill', 'mapped-seq', 1.8, { bytes: MIB, count: 60, call: 'fill' }),
  row('guest-mapped-seq-copy', 'mapped-seq', 1.4, { bytes: MIB, count: 60, call: 'copy' }),
  row('guest-mapped-seq-memset', 'mapped-seq', Number.POSITIVE_INFINITY, {
    bytes: MIB,
    count: 200,
    call: 'memset',
  }),
  row('guest-mapped-seq-memcpy', 'mapped-seq', Number.POSITIVE_INFINITY, {
    bytes: MIB,
    count: 200,
    call: 'memcpy',
  }),
  row('guest-mixed-join', 'mapped-join', 1.2, { bytes: MIB, count: 10 }),
  row('guest-mixed-btree', 'mapped-btree', 1.3, { bytes: 16 * MIB, count: 3 }),
  row('guest-many-maps', 'mapped-many', 1.6, { bytes: MIB / 4, maps: 64, count: 40 }),
]

function row(name, program, goal, more) {
  const group = GROUPS.find((prefix) => name.startsWith(`${prefix}-`))
  const whole = { name, group, module: 'guest', unit: 'ms', peerName: 'the same module, plain' }
  return {
    ...whole,
    program,
    goal,
    call: 'work',
    maps: more.bytes ? 1 : 0,
    warmMs: WARM_MS,
    ...more,
  }
}

const privateRows = PRIVATE.map(([program, count, checksum]) =>
  row(`guest-private-${program}`, program, Number.POSITIVE_INFINITY, { count, checksum }),
)

/** @type {readonly import('./rows.js').Row[]} */
export const guestRows = [
  ...privateRows,
  {
    name: 'guest-private',
    unit: 'ms',
    peerName: 'the same modules, plain: geometric mean',
    goal: 1.05,
    parts: privateRows.map(({ name }) => name),
  },
  row('guest-sqlite', 'sqlite', 1.1, {
    goals: { bun: 1.3, firefox: 1.3 },
    count: 1,
    checksum: 719276113,
    warmMs: SQLITE_WARM_MS,
  }),
  ...MAPPED,
  {
    name: 'instrument',
    module: 'instrument',
    unit: 'ms',
    peerName: 'Binaryen, parse and print',
    goal: 0.05,
    count: 1,
    program: 'sqlite',
  },
  {
    name: 'instrument-rate',
    module: 'instrument',
    unit: 'ms',
    peerName: 'the module at 15 MB/s',
    rate: { wanted: 15, unit: 'MB/s' },
    goal: 1,
    count: 1,
    program: 'sqlite',
  },
  {
    name: 'size-code',
    module: 'instrument',
    unit: 'kB',
    peerName: 'SQLite, its code',
    goal: 2,
    count: 1,
    program: 'sqlite',
  },
  {
    name: 'size-module',
    module: 'instrument',
    unit: 'kB',
    peerName: 'SQLite, all of the module',
    goal: Number.POSITIVE_INFINITY,
    count: 1,
    program: 'sqlite',
  },
  {
    name: 'start',
    module: 'start',
    unit: 'ms',
    peerName: 'starting an empty worker',
    goal: 1.5,
    count: 1,
    program: 'empty',
  },
  {
    name: 'start-again',
    module: 'start',
    unit: 'ms',
    peerName: 'starting an empty worker',
    goal: Number.POSITIVE_INFINITY,
    count: 1,
    program: 'empty',
  },
  {
    name: 'attention',
    module: 'attention',
    unit: 'ms',
    peerName: 'a wish: 100 ms',
    wantedMs: 100,
    goal: 1,
    count: 1,
    program: 'runaway',
  },
]
