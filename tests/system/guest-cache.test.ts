/**
 * Rewritten modules are kept under CACHE_VERSION: a rewriter that writes something else than the one that kept them must have another. This test is what
 * says so, by the hash of what it writes for some programs: raise CACHE_VERSION where it differs, and write both here.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CACHE_VERSION } from '../../dist/src/guest/prepare.js'
import { instrument } from '../../dist/src/guest/rewrite/index.js'
import { emit } from '../support/guest-emit.ts'
import { program } from '../support/guest-program.ts'

const PROGRAMS = 40
const KNOWN = { version: 9, hash: '2e3f7bffc4ee4dca' }

test('what is kept between starts was written by this very rewriter', async () => {
  const kernelMemory = { initial: 256, maximum: 256 }
  const hashes: string[] = []
  for (const sample of fc.sample(program, { numRuns: PROGRAMS, seed: 1 })) {
    const { bytes } = emit(sample, false)
    for (const backEnd of ['multi-memory', 'accessors'] as const) {
      hashes.push(await hashOf(instrument(bytes, { backEnd, kernelMemory })))
    }
  }
  const hash = await hashOf(new TextEncoder().encode(hashes.join()))
  expect({ version: CACHE_VERSION, hash }).toEqual(KNOWN)
})

async function hashOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest).slice(0, 8), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
