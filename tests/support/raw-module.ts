/** Modules written section by section, for what no compiler would emit. */
import { Writer } from '../../dist/src/guest/rewrite/bytes.js'

export type Part = number | string | readonly Part[] | Uint8Array

/** => the bytes of parts: numbers are bytes, strings come with their length. */
export function bytesOf(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const out = new Writer()
  for (const part of parts) {
    if (typeof part === 'number') out.byte(part)
    else if (typeof part === 'string') out.name(part)
    else {
      const bytes = part instanceof Uint8Array ? part : bytesOf(...part)
      out.copy(bytes, 0, bytes.length)
    }
  }
  return out.take()
}

/** => bytes with their length before them. */
export function sized(...parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const contents = bytesOf(...parts)
  const out = new Writer()
  out.u32(contents.length)
  out.copy(contents, 0, contents.length)
  return out.take()
}

/** => a section, with the count of its items. */
export function section(id: number, ...items: readonly Part[]): Uint8Array<ArrayBuffer> {
  const count = new Writer()
  count.u32(items.length)
  return bytesOf(id, sized(count.take(), ...items))
}

export function custom(name: string, ...contents: readonly Part[]): Uint8Array<ArrayBuffer> {
  return bytesOf(0, sized(name, ...contents))
}

/** => a function's body without locals but those given, with its size. */
export function body(locals: readonly Part[], ...code: readonly Part[]): Uint8Array<ArrayBuffer> {
  return sized(locals.length, ...locals, ...code, 0x0b)
}

export function module(...sections: readonly Part[]): Uint8Array<ArrayBuffer> {
  return bytesOf(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections)
}

/** => `value` as LEB128 of five bytes, whatever it is. */
export function wide(value: number): number[] {
  return [0, 7, 14, 21, 28].map(
    (shift, i) => ((value >>> shift) & (i < 4 ? 0x7f : 0x0f)) | (i < 4 ? 0x80 : 0),
  )
}
