/**
 * A reporter for vitest that says nothing: it keeps in the file ISOPAGE_UNDER_WAY which test is under way, or which file between its tests.
 * A leg that has to be killed names it (legs.js). Synchronous, as what hangs may be this very process.
 */

import { writeFileSync } from 'node:fs'

export default class UnderWay {
  onTestModuleQueued = ({ relativeModuleId }) => note(relativeModuleId, 'starts')

  onTestCaseReady = ({ module, fullName }) => note(module.relativeModuleId, fullName)

  onTestCaseResult = ({ module, fullName }) => note(module.relativeModuleId, `after ${fullName}`)

  onTestModuleEnd = ({ relativeModuleId }) => note(relativeModuleId, 'has ended')
}

function note(file, what) {
  if (process.env.ISOPAGE_UNDER_WAY)
    writeFileSync(process.env.ISOPAGE_UNDER_WAY, `${file}: ${what}`)
}
