/** What a browser may be given: no provider but disk reaches a module of Node. */

import { expect, test } from 'vitest'
import { inBrowser } from './runtime.ts'

test.skipIf(inBrowser)(
  'only node.ts imports modules of Node (browsers cannot read sources)',
  async () => {
    const { readdirSync, readFileSync } = await import('node:fs')
    const importing = ['src/inspect', 'src/providers', 'src/test'].flatMap((folder) => {
      const url = new URL(`../../${folder}/`, import.meta.url)
      return readdirSync(url).filter((name) => {
        if (!name.endsWith('.ts')) return false
        const source = readFileSync(new URL(name, url), 'utf8')
        return /^(?!import type).*(?:from|import)\b\W*['"]node:/m.test(source)
      })
    })
    expect(importing).toEqual(['node.ts'])
  },
)
