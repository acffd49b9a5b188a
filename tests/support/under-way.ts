/** Before each test of a native run: keeps its name where scripts/under-way.js does, as a thread that hangs reports nothing more. */

import { writeFileSync } from 'node:fs'
import { beforeEach } from 'vitest'

const path = process.env.ISOPAGE_UNDER_WAY

beforeEach(({ task }) => {
  if (path) writeFileSync(path, `${task.file.name}: ${task.name}`)
})
