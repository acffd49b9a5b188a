/**
 * Random programs that use memory: what they are, and fast-check arbitraries of them. Their pointers are made to be wrong: differences of pointers to
 * both spaces, sums that wrap, strides backwards out of a page, masks, and what they loaded themselves.
 */
import * as fc from 'fast-check'
import { ACCESSES } from './guest-access.ts'

export const PAGE = 4096
export const WINDOW = 0x8100_0000
/** Pages of 64 KiB that the private memory has. */
export const PRIVATE_PAGES = 1
export const POINTERS = 4
export const FUNCTIONS = 3

/** A number that is used as an address. */
export type Pointer =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'local'; readonly index: number }
  | {
      readonly kind: 'add' | 'sub' | 'and' | 'mul' | 'shl'
      readonly a: Pointer
      readonly b: Pointer
    }
  | { readonly kind: 'select'; readonly a: Pointer; readonly b: Pointer; readonly by: Pointer }

export type Statement =
  | { readonly kind: 'set'; readonly index: number; readonly to: Pointer }
  | {
      readonly kind: 'access'
      readonly access: number
      readonly at: Pointer
      readonly offset: number
      readonly lane: number
    }
  /** Stores a pointer, and takes one from memory. */
  | {
      readonly kind: 'plant'
      readonly at: Pointer
      readonly offset: number
      readonly value: Pointer
    }
  | {
      readonly kind: 'fetch'
      readonly at: Pointer
      readonly offset: number
      readonly index: number
    }
  | {
      readonly kind: 'copy' | 'init'
      readonly to: Pointer
      readonly from: Pointer
      readonly bytes: number
    }
  | { readonly kind: 'fill'; readonly to: Pointer; readonly value: Pointer; readonly bytes: number }
  | { readonly kind: 'if'; readonly by: Pointer; readonly yes: Body; readonly no: Body }
  | { readonly kind: 'block'; readonly by: Pointer; readonly body: Body }
  | { readonly kind: 'loop'; readonly rounds: number; readonly body: Body }
  /** A loop that moves a pointer on and touches what it points to. */
  | {
      readonly kind: 'walk'
      readonly index: number
      readonly stride: number
      readonly rounds: number
      readonly body: Body
    }
  | { readonly kind: 'call'; readonly by: number; readonly index: number }
  | { readonly kind: 'grow' }
  /** The host changes what is mapped. */
  | { readonly kind: 'event'; readonly event: number; readonly page: number }

export type Body = readonly Statement[]

export interface Program {
  /** One call of the module each, from the same pointers, so that a trap ends one of them. */
  readonly steps: readonly Body[]
  /** What `call` calls; functions call those behind them. */
  readonly functions: readonly Body[]
  readonly pointers: readonly number[]
}

const BORDERS = [
  0,
  8,
  64,
  4096,
  32768,
  65536,
  0x4000_0000,
  0x7fff_ffff,
  0x8000_0000,
  WINDOW,
  WINDOW + PAGE,
  WINDOW + 2 * PAGE,
  WINDOW + 3 * PAGE,
  WINDOW + 4 * PAGE,
  WINDOW + 5 * PAGE,
  WINDOW + 6 * PAGE,
  0xfeff_f000,
  0xff00_0000,
  0xffff_ffff,
]
/** Addresses that mean something more often than not: in a page, about a border between two, in private memory, about any border. */
const address = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 5 * PAGE - 32 }).map((at) => WINDOW + at) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(1, 1, 1, 2, 2, 2, 3, 4, 5), fc.integer({ min: -18, max: 6 }))
      .map(([page, by]) => WINDOW + page * PAGE + by),
  },
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 65536 - 32 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...BORDERS), fc.integer({ min: -20, max: 20 }))
      .map(([at, by]) => (at + by) >>> 0),
  },
)
const small = fc.oneof(
  fc.constantFrom(0, 1, 4, 8, 16, -1, -4, -8),
  fc.constantFrom(0, 1, 2, 3, 16, -1, PAGE, -PAGE),
  fc.integer({ min: -70, max: 70 }),
)
const offset = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(0, 0, 0, 1, 4, 8, 16, 100) },
  { weight: 3, arbitrary: fc.constantFrom(PAGE - 2, PAGE, 65532, 0xff_fff0, 0xff_ffff) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0x100_0000, 0x7f00_0000, 0x8000_0000, WINDOW, 0xffff_fff0),
  },
)
const index = fc.nat(POINTERS - 1)

const pointer: fc.Arbitrary<Pointer> = fc.letrec<{ node: Pointer; leaf: Pointer }>((tie) => ({
  leaf: fc.oneof(
    { weight: 12, arbitrary: index.map((at) => ({ kind: 'local', index: at }) as const) },
    { weight: 2, arbitrary: address.map((value) => ({ kind: 'constant', value }) as const) },
  ),
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 12, arbitrary: tie('leaf') },
    {
      weight: 9,
      arbitrary: fc
        .tuple(tie('leaf'), small)
        .map(([a, value]) => ({ kind: 'add', a, b: { kind: 'constant', value } }) as const),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('add', 'sub', 'and'), tie('node'), tie('node'))
        .map(([kind, a, b]) => ({ kind, a, b }) as Pointer),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('node'), tie('node'), tie('leaf'))
        .map(([a, b, by]) => ({ kind: 'select', a, b, by }) as const),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('leaf'), fc.constantFrom(0xff, 0xffff, 0x7fff_ffff, 3, -PAGE))
        .map(([a, value]) => ({ kind: 'and', a, b: { kind: 'constant', value } }) as const),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(tie('leaf'), tie('node'), tie('leaf'))
        .map(([a, b, c]) => ({ kind: 'add', a, b: { kind: 'sub', a: b, b: c } }) as Pointer),
    },
  ),
})).node

const access = fc
  .tuple(fc.nat(ACCESSES.length - 1), pointer, offset, fc.nat(15))
  .map(([access, at, offset, lane]) => ({ kind: 'access', access, at, offset, lane }) as const)
/** Accesses without a lane. */
const accessOf = (
  which: fc.Arbitrary<number>,
  at: fc.Arbitrary<Pointer>,
  by: fc.Arbitrary<number>,
) =>
  fc
    .tuple(which, at, by)
    .map(([access, at, offset]) => ({ kind: 'access', access, at, offset, lane: 0 }) as const)
/** Plain loads and stores, which most programs have most of. */
const plain = fc.nat(22)
const plainAccess = accessOf(plain, pointer, offset)
const bytes = fc.oneof(
  { weight: 5, arbitrary: fc.nat(64) },
  { weight: 1, arbitrary: fc.constantFrom(0, PAGE, PAGE + 1, 3 * PAGE) },
)

/** Stores to a page, lets the host change what it is, and stores there again. */
const revoked: fc.Arbitrary<Statement> = fc
  .tuple(fc.nat(2), fc.nat(3), fc.nat(PAGE - 4), fc.boolean())
  .map(([page, event, at, load]) => {
    const address = { kind: 'constant', value: WINDOW + page * PAGE + at } as const
    const touch = load
      ? ({ kind: 'fetch', at: address, offset: 0, index: 0 } as const)
      : ({ kind: 'plant', at: address, offset: 0, value: address } as const)
    return { kind: 'loop', rounds: 1, body: [touch, { kind: 'event', event, page }, touch] }
  })

const local = (index: number) => ({ kind: 'local', index }) as const
const constant = (value: number) => ({ kind: 'constant', value }) as const

/** Addresses near one pointer, or by an index that is small; now and then by one that is not. */
const near = (base: number, by: number): fc.Arbitrary<Pointer> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(local(base)) },
    {
      weight: 4,
      arbitrary: fc
        .integer({ min: -24, max: 40 })
        .map((value) => ({ kind: 'add', a: local(base), b: constant(value) }) as const),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(0, 1, 2, 3).map((shift) => {
        const index = { kind: 'shl', a: local(by), b: constant(shift) } as const
        return { kind: 'add', a: local(base), b: index } as const
      }),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(0x80_0000, WINDOW, WINDOW, -WINDOW, -WINDOW)
        .map((value) => ({ kind: 'add', a: local(base), b: constant(value) }) as const),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(7, 255, -4).map((mask) => {
        const index = { kind: 'and', a: local(by), b: constant(mask) } as const
        return { kind: 'add', a: local(base), b: index } as const
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'sub', a: local(base), b: local(by) } as const) },
  )

const stride = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1, 2, 4, 8, 16, -1, -4, -8) },
  { weight: 1, arbitrary: fc.constantFrom(0, 12, 100, -100, PAGE, 0x10_0000, -0x10_0000) },
)

/** A loop that goes over one or two arrays and touches little else: what is copied for private and for mapped memory. */
const streams: fc.Arbitrary<Statement> = fc
  .tuple(fc.shuffledSubarray([0, 1, 2, 3], { minLength: 3 }), fc.boolean())
  .chain(([[p, q, by], two]) => {
    const [a, b, i] = [p as number, (two ? q : p) as number, by as number]
    const at = fc.oneof(near(a, i), near(b, i))
    const small = fc.constantFrom(0, 0, 4, 12)
    const touch = accessOf(plain, at, small)
    const step = fc.oneof(
      { weight: 8, arbitrary: touch },
      {
        weight: 2,
        arbitrary: fc
          .tuple(touch, fc.constantFrom(i, a))
          .map(([one, by]) => ({ kind: 'if', by: local(by), yes: [one], no: [] }) as const),
      },
      {
        weight: 1,
        arbitrary: touch.map((one) => ({ kind: 'block', by: local(i), body: [one] }) as const),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(at, small)
          .map(([at, offset]) => ({ kind: 'fetch', at, offset, index: i }) as const),
      },
    )
    const moved = (index: number) =>
      stride.map((value): Statement => {
        const to = { kind: 'add', a: local(index), b: constant(value) } as const
        return { kind: 'set', index, to }
      })
    return fc
      .record({
        mask: fc.constantFrom(63, 63, 255, -1),
        before: fc.array(step, { minLength: 1, maxLength: 4 }),
        moves: fc.tuple(moved(b), moved(i)),
        behind: fc.array(step, { maxLength: 2 }),
        stride,
        rounds: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 600 })),
      })
      .map(({ mask, before, moves, behind, stride, rounds }): Statement => {
        const body: Body = [...before, ...(two ? moves : moves.slice(1)), ...behind]
        const index = { kind: 'and', a: local(i), b: constant(mask) } as const
        const walk = { kind: 'walk', index: a, stride, rounds, body } as const
        return { kind: 'loop', rounds: 1, body: [{ kind: 'set', index: i, to: index }, walk] }
      })
  })

/**
 * A loop whose addresses nobody knows before the round that has them: indices under a mask that was loaded, and pointers that were. Pages are mostly in reach of the mask.
 */
const jumps: fc.Arbitrary<Statement> = fc
  .shuffledSubarray([0, 1, 2, 3], { minLength: 4, maxLength: 4 })
  .chain((chosen) => {
    const [p, q, i, m] = chosen as [number, number, number, number]
    const masked = fc
      .tuple(fc.constantFrom(p, p, q), fc.constantFrom(1, 5, 4, 1028))
      .map(([base, by]): Pointer => {
        const index = { kind: 'mul', a: local(i), b: constant(by) } as const
        return { kind: 'add', a: local(base), b: { kind: 'and', a: index, b: local(m) } }
      })
    const at = fc.oneof({ weight: 5, arbitrary: masked }, { weight: 1, arbitrary: near(p, i) })
    const small = fc.constantFrom(0, 0, 4, 100)
    const touch = accessOf(fc.oneof(fc.nat(13), plain), at, small)
    const step: fc.Arbitrary<Statement> = fc.oneof(
      { weight: 8, arbitrary: touch },
      {
        weight: 1,
        arbitrary: touch.map((one) => ({ kind: 'if', by: local(i), yes: [one], no: [] }) as const),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(at, small)
          .map(([at, offset]) => ({ kind: 'fetch', at, offset, index: i }) as const),
      },
    )
    return fc
      .record({
        mask: fc.constantFrom(63, 0xfff, 0x1fff, 0x3ffc),
        body: fc.array(step, { minLength: 1, maxLength: 4 }),
        by: fc.constantFrom(1, 3, 4, -7),
        rounds: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 250, max: 900 })),
      })
      .map(({ mask, body, by, rounds }): Statement => {
        const there = { at: constant(128), offset: 0 }
        const moved = { kind: 'add', a: local(i), b: constant(by) } as const
        const round: Body = [...body, { kind: 'set', index: i, to: moved }]
        return {
          kind: 'loop',
          rounds: 1,
          body: [
            { kind: 'plant', ...there, value: constant(mask) },
            { kind: 'fetch', ...there, index: m },
            { kind: 'loop', rounds, body: round },
          ],
        }
      })
  })

/**
 * Statements in a row that touch what two pointers point to, and now and then set one of them: what is copied for private memory by the run. Arms and
 * blocks set pointers too, and leave early.
 */
const runs: fc.Arbitrary<Statement> = fc
  .shuffledSubarray([0, 1, 2, 3], { minLength: 3, maxLength: 3 })
  .chain((chosen) => {
    const [a, b, i] = chosen as [number, number, number]
    const at = fc.oneof(near(a, i), near(a, b), near(b, i))
    const touch = accessOf(plain, at, offset)
    const fetch = fc.record({
      kind: fc.constant('fetch' as const),
      at,
      offset: fc.constantFrom(0, 4, 8),
      index: fc.constantFrom(a, b, i),
    })
    const move = fc.record({
      kind: fc.constant('set' as const),
      index: fc.constantFrom(a, b, i),
      to: fc.oneof(fc.constantFrom(local(a), local(b)), near(a, i), near(b, i), pointer),
    })
    const simple: fc.Arbitrary<Statement> = fc.oneof(
      { weight: 9, arbitrary: touch },
      { weight: 2, arbitrary: move },
      { weight: 1, arbitrary: fetch },
    )
    const few = fc.array(simple, { maxLength: 5 })
    const by = fc.constantFrom(local(i), local(a), constant(1))
    const step: fc.Arbitrary<Statement> = fc.oneof(
      { weight: 12, arbitrary: simple },
      {
        weight: 1,
        arbitrary: fc
          .tuple(by, few, few)
          .map(([by, yes, no]) => ({ kind: 'if', by, yes, no }) as const),
      },
      {
        weight: 1,
        arbitrary: fc.tuple(by, few, few, few).map(([by, first, yes, body]): Statement => {
          const inner: Body = [...first, { kind: 'if', by, yes, no: [] }, ...body]
          return { kind: 'block', by, body: inner }
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('call' as const), by: fc.nat(3), index }),
      },
    )
    const body = fc.array(step, { minLength: 4, maxLength: 14 })
    return fc
      .tuple(body, fc.constantFrom(0, 0, 0, 1, 3))
      .map(
        ([body, rounds]): Statement =>
          rounds > 0 ? { kind: 'loop', rounds, body } : { kind: 'block', by: constant(1), body },
      )
  })

const statement = fc.letrec<{ one: Statement; body: Body }>((tie) => ({
  body: fc.array(tie('one'), { maxLength: 4, depthIdentifier: 'program' }) as fc.Arbitrary<Body>,
  one: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'program' },
    { weight: 6, arbitrary: plainAccess },
    { weight: 1, arbitrary: revoked },
    { weight: 3, arbitrary: streams },
    { weight: 2, arbitrary: jumps },
    { weight: 4, arbitrary: runs },
    { weight: 4, arbitrary: access },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), index, to: pointer }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('plant' as const),
        at: pointer,
        offset,
        value: pointer,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('fetch' as const), at: pointer, offset, index }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('copy' as const, 'init' as const),
        to: pointer,
        from: pointer,
        bytes,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('fill' as const),
        to: pointer,
        value: pointer,
        bytes,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('grow' as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('event' as const),
        event: fc.nat(3),
        page: fc.nat(5),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('call' as const), by: fc.nat(3), index }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('if' as const),
        by: pointer,
        yes: tie('body'),
        no: tie('body'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('block' as const), by: pointer, body: tie('body') }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('loop' as const),
        rounds: fc.integer({ min: 1, max: 4 }),
        body: tie('body'),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('walk' as const),
        index,
        stride: small,
        rounds: fc.integer({ min: 1, max: 12 }),
        body: tie('body'),
      }),
    },
  ) as fc.Arbitrary<Statement>,
}))

export const program: fc.Arbitrary<Program> = fc.record({
  steps: fc.array(fc.array(statement.one, { minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 16,
    size: 'max',
  }),
  functions: fc.array(statement.body, { maxLength: FUNCTIONS }),
  pointers: fc.array(address, { minLength: POINTERS, maxLength: POINTERS }),
})
