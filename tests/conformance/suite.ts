/**
 * The conformance suite: what every provider owes, by the text of src/providers/provider.ts. Each *.test.ts
 * beside this file runs it over one provider. A provider may differ only where its `capabilities` say so;
 * the tests then demand ENOTSUP.
 */

import { afterEach, beforeEach, describe } from 'vitest'
import type { Fixture } from './fixture.ts'
import { bytes, handles, opening, sharing } from './suite-files.ts'
import { badInput } from './suite-input.ts'
import { identity, links, names, renames } from './suite-names.ts'
import { wasiBadInput, wasiConformance } from './wasi-suite.ts'

/** Runs every test over fresh fixtures. */
export function conformance(name: string, make: () => Promise<Fixture>): void {
  describe(`${name} conforms`, () => {
    let fixture: Fixture
    beforeEach(async () => {
      fixture = await make()
    })
    afterEach(async () => {
      await fixture.provider.dispose?.()
      await fixture.end()
    })
    const mounted = () => fixture.provider
    describe('bytes', () => bytes(mounted))
    describe('sharing and sync', () => sharing(mounted))
    describe('open', () => opening(mounted))
    describe('handles', () => handles(mounted))
    describe('names', () => names(mounted))
    describe('rename', () => renames(mounted))
    describe('links', () => links(mounted))
    describe('identity and stat', () => identity(mounted))
    describe('bad input', () => badInput(mounted))
    describe('WASI', () => wasiConformance(mounted))
    describe('WASI, bad input', () => wasiBadInput(mounted))
  })
}
