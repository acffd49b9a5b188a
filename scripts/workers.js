/**
 * Makes one file of each worker in dist/src/: a thread that has to load some sixty modules one by one takes several times as long to start. Names are left as
 * they are, for stacks. A worker has its own modules anyway, so that none is there twice in one thread.
 *
 * Invariant: workers stand in dist/src/ itself, as do the modules of theirs that find a file by their own place (`import.meta.url`).
 */
import { existsSync, readdirSync, renameSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { root } from './run.js'

const folder = `${root}dist/src/`

for (const name of readdirSync(folder).filter((file) => file.endsWith('-worker.js'))) {
  const bundle = await rolldown({
    input: `${folder}${name}`,
    platform: 'neutral',
    external: [/^node:/],
    onLog: (level, { message }) => refuse(name, `${level}: ${message}`),
  })
  const { output } = await bundle.write({
    file: `${folder}${name}.one`,
    format: 'esm',
    codeSplitting: false,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  })
  await bundle.close()
  for (const { code = '' } of output) check(name, code)
  renameSync(`${folder}${name}.one`, `${folder}${name}`)
}

/** What a worker names by its own place has to be there. */
function check(name, code) {
  for (const [, path] of code.matchAll(/new URL\(["'`]([^"'`]*)["'`],\s*import\.meta\.url\)/g)) {
    if (existsSync(new URL(path, pathToFileURL(folder)))) continue
    refuse(name, `it names ${path}, which is not beside it`)
  }
}

function refuse(name, why) {
  console.error(`isopage: ${name}: ${why}`)
  process.exit(1)
}
