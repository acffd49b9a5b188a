/**
 * What failed, out of the report of a leg, to be said once more behind all legs: who reads a long run reads its end first.
 * Each failure is a text, its first line the test, cut to LINES lines.
 */

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

const LINES = 40
/** A frame of vitest's own. */
const VITEST = /node_modules\/(?:\.vite\/)?vite|__vitest_browser__/

/** A reporter for vitest that says nothing: it keeps in the file ISOPAGE_FAILURES what failed, and errors that no test caught. */
export default class Failures {
  onTestCaseResult = (test) =>
    this.#note(`${test.module.relativeModuleId} > ${test.fullName}`, test.result().errors)

  onTestModuleEnd = (module) => this.#note(module.relativeModuleId, module.errors())

  onTestRunEnd = (_modules, errors) => this.#note('no test', errors)

  #note(name, errors = []) {
    for (const { message, diff = '', stack = '' } of errors) {
      const text = failure(name, [message, diff, stack].filter(Boolean).join('\n'))
      appendFileSync(process.env.ISOPAGE_FAILURES, `${JSON.stringify(text)}\n`)
    }
  }
}

/** @param {string} path of what the reporter kept */
export function failuresOfVitest(path) {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8').trimEnd().split('\n').map(JSON.parse)
}

/** @param {string} output TAP of node:test */
export function failuresOfTap(output) {
  const found = output.matchAll(/^ *not ok \d+ - (.*)\n *---\n([\s\S]*?)^ *\.\.\.$/gm)
  return [...found].map(([, name, details]) => failure(name, details))
}

/** @param {string} output of as-pect's verbose reporter */
export function failuresOfKernel(output) {
  const found = stripVTControlCharacters(output).matchAll(
    /^ *(?:\[Fail\]: ✖ |\[Error\]: )(.*)\n((?: *(?:\[(?!Fail|Success|Throws|Describe|Error)| {3}).*\n)*)/gm,
  )
  return [...found].map(([, name, details]) => failure(name, details))
}

function failure(name, details) {
  const all = stripVTControlCharacters(details).trimEnd().split('\n')
  const lines = all.filter((line) => !VITEST.test(line))
  const more = lines.length > LINES ? [`... ${lines.length - LINES} more lines`] : []
  return [name, ...lines.slice(0, LINES), ...more].join('\n    ')
}
