/**
 * A 128-bit hash of a page, to see whether untracked stores changed it. Not cryptographic: it guards against chance, not against an
 * attacker, who could as well have stored through a tracked call.
 *
 * The accumulation is XXH3's (Collet, xxHash 0.8): per 64-bit lane, acc += swapped data + low32(data ^ key) * high32(data ^ key); the key
 * moves with the position, the accumulators are folded by two independent multiply-and-shift finishers.
 */

/** The last hash, low and high half. */
export let hashLow: u64 = 0
export let hashHigh: u64 = 0

const PRIME_A: u64 = 0x9e3779b185ebca87
const PRIME_B: u64 = 0xc2b2ae3d27d4eb4f
const PRIME_C: u64 = 0x165667b19e3779f9

function step(acc: v128, data: v128, key: v128): v128 {
  const mixed = v128.xor(data, key)
  const low = v128.shuffle<u32>(mixed, mixed, 0, 2, 0, 2)
  const high = v128.shuffle<u32>(mixed, mixed, 1, 3, 1, 3)
  const swapped = v128.shuffle<u64>(data, data, 1, 0)
  return i64x2.add(i64x2.add(acc, swapped), i64x2.extmul_low_i32x4_u(low, high))
}

function fold(state: u64, lane: u64, prime: u64): u64 {
  let x = (state ^ lane) * prime
  x ^= x >> 29
  x *= PRIME_C
  return x ^ (x >> 32)
}

/** Hashes `bytes` (a multiple of 64) at `address` into hashLow and hashHigh. */
export function hash(address: usize, bytes: u32): void {
  let a = i64x2(0x243f6a8885a308d3, 0x13198a2e03707344)
  let b = i64x2(0xa4093822299f31d0, 0x082efa98ec4e6c89)
  let c = i64x2(0x452821e638d01377, 0xbe5466cf34e90c6c)
  let d = i64x2(0xc0ac29b7c97c50dd, 0x3f84d5b5b5470917)
  let key = i64x2(0x9216d5d98979fb1b, 0xd1310ba698dfb5ac)
  const stride = i64x2(0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
  const end = address + bytes
  for (let at = address; at < end; at += 64) {
    a = step(a, v128.load(at), key)
    b = step(b, v128.load(at, 16), i64x2.add(key, sideKey()))
    c = step(c, v128.load(at, 32), i64x2.sub(key, sideKey()))
    d = step(d, v128.load(at, 48), v128.not(key))
    key = i64x2.add(key, stride)
  }
  let low = fold(<u64>bytes, i64x2.extract_lane(a, 0), PRIME_A)
  let high = fold(~(<u64>bytes), i64x2.extract_lane(a, 0), PRIME_B)
  low = finish(low, a, b, c, d, PRIME_A)
  high = finish(high, d, c, b, a, PRIME_B)
  hashLow = low
  hashHigh = high
}

function sideKey(): v128 {
  return i64x2(0x2ffd72dbd01adfb7, 0xb8e1afed6a267e96)
}

function finish(state: u64, a: v128, b: v128, c: v128, d: v128, prime: u64): u64 {
  let x = fold(state, i64x2.extract_lane(a, 1), prime)
  x = fold(x, i64x2.extract_lane(b, 0), prime)
  x = fold(x, i64x2.extract_lane(b, 1), prime)
  x = fold(x, i64x2.extract_lane(c, 0), prime)
  x = fold(x, i64x2.extract_lane(c, 1), prime)
  x = fold(x, i64x2.extract_lane(d, 0), prime)
  return fold(x, i64x2.extract_lane(d, 1), prime)
}
