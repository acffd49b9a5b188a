/**
 * The checks of arguments, before anything is done: wrong type, wrong range, detached. What only the kernel can judge (is
 * the fd open, is the range mapped) is the kernel's to refuse.
 * Every message names the argument and the rule.
 */
import { ENAMETOOLONG, PATH_MAX } from '../assembly/abi.js'
import { IsopageRangeError, IsopageTypeError, kernelError } from './errors.js'

const INT32_MAX = 2 ** 31 - 1
const UINT32_MAX = 2 ** 32 - 1

function received(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return `function ${value.name}`
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`
  return `type ${typeof value} (${typeof value === 'string' ? `'${value.slice(0, 32)}'` : String(value)})`
}

/** => the error for an argument of a wrong type. */
export function wrongType(name: string, expected: string, value: unknown): IsopageTypeError {
  return new IsopageTypeError(
    `The "${name}" argument must be ${expected}. Received ${received(value)}`,
  )
}

/** => the error for a number out of its range. */
export function outOfRange(name: string, rule: string, value: unknown): IsopageRangeError {
  return new IsopageRangeError(
    'ERR_OUT_OF_RANGE',
    `The value of "${name}" is out of range. It must be ${rule}. Received ${String(value)}`,
  )
}

/** An integer in [min, max]. */
export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value)
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(name, `an integer >= ${min} and <= ${max}`, value)
  }
  return value
}

/** A descriptor: any 32-bit integer; whether it is open is the kernel's to say. */
export function checkFd(fd: unknown, name = 'fd'): number {
  return checkInteger(name, fd, -INT32_MAX - 1, INT32_MAX)
}

/** Flag bits. */
export function checkFlags(name: string, flags: unknown): number {
  return checkInteger(name, flags, 0, UINT32_MAX)
}

/** An unsigned 32-bit number: an id, a mode, a count. */
export function checkUint32(name: string, value: unknown): number {
  return checkInteger(name, value, 0, UINT32_MAX)
}

/** A length, offset, size or address: 0 to 2^53-1. */
export function checkSize(name: string, value: unknown): number {
  return checkInteger(name, value, 0, Number.MAX_SAFE_INTEGER)
}

/** Milliseconds from now, `undefined` or Infinity for no limit. => -1 for none. */
export function checkTimeout(name: string, value: unknown): number {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return -1
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value)
  if (!(value >= 0)) throw outOfRange(name, 'milliseconds >= 0, or Infinity', value)
  return value
}

/** A time in milliseconds since 1970: finite; a Date too. */
export function checkTime(name: string, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time !== 'number')
    throw wrongType(name, 'of type number or an instance of Date', value)
  if (!Number.isFinite(time)) throw outOfRange(name, 'finite milliseconds since 1970', value)
  return time
}

/** An absolute time in milliseconds since 1970, or a Date; Infinity for none. Whether it is one is the kernel's to say: EINVAL below 0. */
export function checkDeadline(name: string, value: unknown): number {
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time !== 'number' || Number.isNaN(time))
    throw wrongType(name, 'milliseconds since 1970, a Date or Infinity', value)
  return time
}

/** A path: text without NUL and lone surrogates, at most PATH_MAX - 1 bytes (the encoder says). */
export function checkPath(name: string, path: unknown, syscall: string): string {
  if (typeof path !== 'string') throw wrongType(name, 'of type string', path)
  if (path.includes('\0') || /[\ud800-\udfff]/u.test(path)) {
    throw new IsopageRangeError(
      'ERR_INVALID_ARG_VALUE',
      `The argument "${name}" must be text without NUL and without lone surrogates. Received '${path.slice(0, 64)}'`,
    )
  }
  if (path.length >= PATH_MAX) throw kernelError(syscall, ENAMETOOLONG, { path })
  return path
}

/** Bytes to read from or write to: any view or buffer that is not detached. */
export function checkBytes(name: string, value: unknown): Uint8Array {
  const bytes = bytesOf(value)
  if (!bytes) throw wrongType(name, 'a Uint8Array, another view or an ArrayBuffer', value)
  if (bytes.byteLength === 0 && isDetached(bytes.buffer)) {
    throw new IsopageTypeError(`The "${name}" argument must not be detached`)
  }
  return bytes
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  const shared = typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer
  if (shared || value instanceof ArrayBuffer) {
    return isDetached(value) ? undefined : new Uint8Array(value)
  }
  return undefined
}

function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

/** An options object; `undefined` is an empty one. */
export function checkObject<T extends object>(name: string, value: unknown): T {
  if (value === undefined) return {} as T
  if (typeof value !== 'object' || value === null) throw wrongType(name, 'of type object', value)
  return value as T
}

/** One of `true`, `false`, `undefined`. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw wrongType(name, 'of type boolean', value)
  return value === true
}
