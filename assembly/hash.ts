/**
 * A 128-bit hash of a page, to see whether untracked stores changed it. Not cryptographic: it guards against chance, not against an
 * attacker, who could as well have stored through a tracked call.
 *
 * The accumulation multiplies pairs of keyed 32-bit words, one of each of two vectors, as UMAC's NH does (Black et al., 1999), and adds each
 * vector itself to the accumulator of the other's products, as XXH3 does (Collet, xxHash 0.8), so that a word that meets a zero is not lost.
 * The key moves with the position; the accumulators are folded by two independent multiply-and-shift finishers.
 */

/** The last hash, low and high half. */
export let hashLow: u64 = 0
export let hashHigh: u64 = 0

const PRIME_A: u64 = 0x9e3779b185ebca87
const PRIME_B: u64 = 0xc2b2ae3d27d4eb4f
const PRIME_C: u64 = 0x165667b19e3779f9

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
  const side = i64x2(0x2ffd72dbd01adfb7, 0xb8e1afed6a267e96)
  const end = address + bytes
  for (let at = address; at < end; at += 64) {
    const p = v128.load(at)
    const q = v128.load(at, 16)
    const r = v128.load(at, 32)
    const s = v128.load(at, 48)
    const pKeyed = v128.xor(p, key)
    const qKeyed = v128.xor(q, i64x2.add(key, side))
    const rKeyed = v128.xor(r, i64x2.sub(key, side))
    const sKeyed = v128.xor(s, v128.not(key))
    a = i64x2.add(i64x2.add(a, q), i64x2.extmul_low_i32x4_u(pKeyed, qKeyed))
    b = i64x2.add(i64x2.add(b, p), i64x2.extmul_high_i32x4_u(pKeyed, qKeyed))
    c = i64x2.add(i64x2.add(c, s), i64x2.extmul_low_i32x4_u(rKeyed, sKeyed))
    d = i64x2.add(i64x2.add(d, r), i64x2.extmul_high_i32x4_u(rKeyed, sKeyed))
    key = i64x2.add(key, stride)
  }
  let low = fold(<u64>bytes, i64x2.extract_lane(a, 0), PRIME_A)
  let high = fold(~(<u64>bytes), i64x2.extract_lane(a, 0), PRIME_B)
  low = finish(low, a, b, c, d, PRIME_A)
  high = finish(high, d, c, b, a, PRIME_B)
  hashLow = low
  hashHigh = high
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
