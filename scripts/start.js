/** `npm start`: the command, `map` where no command is named: `npm start -- ipc`, `npm start -- notes.txt`. */

const COMMANDS = ['map', 'maps', 'ipc', 'ipcs', 'ipcrm', 'cc', 'instrument', 'run']

if (!COMMANDS.includes(process.argv[2])) process.argv.splice(2, 0, 'map')
await import('../dist/src/cli/index.js')
