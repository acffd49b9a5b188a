/**
 * Bytes of Wasm: a reader that walks them and a writer that grows. Numbers are LEB128.
 *
 * Invariant: a reader meets only modules that the engine has validated, so it checks what keeps it inside its
 * bytes (a number that does not end is 0) and nothing else.
 */

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
const toUtf8 = new TextEncoder()

/** Walks `bytes` from `at`. */
export class Reader {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  byte(): number {
    return this.bytes[this.at++] as number
  }

  /** => an unsigned number of 32 bits. */
  u32(): number {
    let value = 0
    let shift = 0
    for (;;) {
      const byte = this.bytes[this.at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
      shift += 7
    }
  }

  /** => a signed number of 32 bits (33 in block types: what is negative there fits 32). */
  s32(): number {
    let value = 0
    let shift = 0
    for (;;) {
      const byte = this.bytes[this.at++] ?? 0
      value |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) return shift < 32 && byte & 0x40 ? value | (-1 << shift) : value
    }
  }

  /** Past one number of any width. */
  skipNumber(): void {
    while ((this.bytes[this.at++] ?? 0) & 0x80);
  }

  name(): string {
    const length = this.u32()
    const text = utf8.decode(this.bytes.slice(this.at, this.at + length))
    this.at += length
    return text
  }
}

/** Collects bytes; `bytes` is larger than `length`, which is how many count. */
export class Writer {
  bytes: Uint8Array
  length = 0

  constructor(room = 1024) {
    this.bytes = new Uint8Array(room)
  }

  /** Room for `more` bytes. */
  private grow(more: number): void {
    const wider = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more))
    wider.set(this.bytes.subarray(0, this.length))
    this.bytes = wider
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.grow(1)
    this.bytes[this.length++] = value
  }

  /** Two bytes: most instructions are no longer. */
  pair(first: number, second: number): void {
    if (this.length + 2 > this.bytes.length) this.grow(2)
    this.bytes[this.length++] = first
    this.bytes[this.length++] = second
  }

  u32(value: number): void {
    let rest = value >>> 0
    if (this.length + 5 > this.bytes.length) this.grow(5)
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.length++] = rest
  }

  s32(value: number): void {
    let rest = value | 0
    if (this.length + 5 > this.bytes.length) this.grow(5)
    while (rest < -64 || rest > 63) {
      this.bytes[this.length++] = (rest & 0x7f) | 0x80
      rest >>= 7
    }
    this.bytes[this.length++] = rest & 0x7f
  }

  s64(value: bigint): void {
    let rest = BigInt.asIntN(64, value)
    while (rest < -64n || rest > 63n) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.byte(Number(rest & 0x7fn))
  }

  /** Appends [from, to) of `source`. */
  copy(source: Uint8Array, from: number, to: number): void {
    const count = to - from
    if (count <= 0) return
    if (this.length + count > this.bytes.length) this.grow(count)
    if (count < 24) {
      for (let i = from; i < to; i++) this.bytes[this.length++] = source[i] as number
      return
    }
    this.bytes.set(source.subarray(from, to), this.length)
    this.length += count
  }

  write(other: Writer): void {
    this.copy(other.bytes, 0, other.length)
  }

  list(bytes: readonly number[]): void {
    for (const value of bytes) this.byte(value)
  }

  name(text: string): void {
    const encoded = toUtf8.encode(text)
    this.u32(encoded.length)
    this.copy(encoded, 0, encoded.length)
  }

  /** What was written, as an array of its own. */
  take(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length) as Uint8Array<ArrayBuffer>
  }
}
