/** Changes to the bytes of a module: most make it invalid, some make another one of it. */
import { Writer } from '../../dist/src/guest/rewrite/bytes.js'
import { decode } from '../../dist/src/guest/rewrite/module.js'

export interface Edit {
  readonly kind: 'byte' | 'bit' | 'near' | 'move' | 'cut' | 'double' | 'wide'
  /** Where: of all bytes, or of a body's. */
  readonly at: number
  readonly value: number
}

/** Opcodes, prefixes, ends, memargs: what is likely to mean something. */
const LIKELY = [
  ...[
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x1a, 0x1b,
  ],
  ...[
    0x20, 0x21, 0x22, 0x23, 0x24, 0x28, 0x29, 0x2d, 0x36, 0x37, 0x3a, 0x3f, 0x40, 0x41, 0x42, 0x45,
  ],
  ...[
    0x6a, 0x6b, 0x71, 0x72, 0x7f, 0x7e, 0x80, 0xc0, 0xd0, 0xd2, 0xfc, 0xfd, 0xfe, 0xff, 0x42, 0x41,
  ],
]

/** => the module with one body in place of another, sizes set right; undefined for a module without bodies. */
function withBody(
  bytes: Uint8Array,
  by: number,
  change: (body: Uint8Array) => Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const { bodies, sections } = decode(bytes)
  const code = sections.find(({ id }) => id === 10)
  if (!code || bodies.length === 0) return undefined
  const which = (by % (bodies.length / 2)) * 2
  const contents = new Writer()
  contents.u32(bodies.length / 2)
  for (let i = 0; i < bodies.length; i += 2) {
    const body = bytes.subarray(bodies[i], bodies[i + 1])
    const made = i === which ? change(body) : body
    contents.u32(made.length)
    contents.copy(made, 0, made.length)
  }
  const before = new Writer()
  before.u32(code.end - code.start)
  const out = new Writer()
  out.copy(bytes, 0, code.start - before.length)
  out.u32(contents.length)
  out.write(contents)
  out.copy(bytes, code.end, bytes.length)
  return out.take()
}

function bytesEdited(bytes: Uint8Array<ArrayBuffer>, { kind, at, value }: Edit) {
  const made = bytes.slice()
  const place = 8 + (at % (made.length - 8))
  if (kind === 'byte') made[place] = LIKELY[value % LIKELY.length] as number
  else if (kind === 'bit') made[place] = (made[place] as number) ^ (1 << (value & 7))
  else if (kind === 'near') made[place] = (made[place] as number) + (value % 2 ? 1 : -1)
  else
    made.copyWithin(
      place,
      8 + (value % (made.length - 8)),
      8 + (value % (made.length - 8)) + 1 + (at & 7),
    )
  return made
}

/** => a module with an edit. => `bytes` is a valid module for those that change the length of a body */
export function edited(bytes: Uint8Array<ArrayBuffer>, edit: Edit): Uint8Array<ArrayBuffer> {
  const { kind, at, value } = edit
  if (kind === 'byte' || kind === 'bit' || kind === 'near' || kind === 'move') {
    return bytesEdited(bytes, edit)
  }
  if (!WebAssembly.validate(bytes)) return bytes
  const count = 1 + (value & 7)
  const change = (body: Uint8Array) => {
    const place = 1 + (at % body.length)
    const out = new Writer()
    out.copy(body, 0, place)
    if (kind === 'double') out.copy(body, Math.max(1, place - count), place)
    // A number that goes on: the same in two bytes, where it is one.
    if (kind === 'wide') out.list([((body[place - 1] as number) & 0x7f) | 0x80, 0])
    const bytes = out.take()
    const head = kind === 'wide' ? new Writer() : undefined
    if (head) {
      head.copy(bytes, 0, place - 1)
      head.copy(bytes, place, bytes.length)
      head.copy(body, place, body.length)
      return head.take()
    }
    const rest = new Writer()
    rest.copy(bytes, 0, bytes.length)
    rest.copy(body, kind === 'cut' ? Math.min(body.length, place + count) : place, body.length)
    return rest.take()
  }
  return withBody(bytes, value >>> 3, change) ?? bytes
}
