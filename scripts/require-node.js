/** Refuses, with the way out, to run the tests on a Node that cannot run them. Runs on any Node. */

const needed = 26
const major = Number(process.versions.node.split('.')[0])

if (major < needed) {
  console.error(
    `isopage: the tests need Node ${needed} or newer, and this is ${process.version} (${process.execPath}).\n` +
      'Start them with `npm test` after `npm ci`: the workspace tools/ brings the right Node, which npm\n' +
      'scripts find first (Linux x64 and arm64, Windows x64). On other systems install Node ' +
      `${needed} yourself.`,
  )
  process.exit(1)
}
