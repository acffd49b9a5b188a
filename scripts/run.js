/**
 * Child processes for the scripts. Every command gets a time limit, after which it and everything
 * it started is killed: browser drivers put their browsers into process groups of their own, so
 * descendants are found by a mark in their environment, never by name.
 */

import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The repository's top folder, with a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url))

const MARK = 'ISOPAGE_RUN_MARK'

/**
 * Runs a command and waits for its end. Never rejects: a command that cannot start has code 127.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, capture?: boolean, timeoutMs?: number }} [options]
 *   capture: also give back what it printed; timeoutMs: kill it and its descendants after that
 * @returns {Promise<{ code: number, timedOut: boolean, output: string }>}
 */
export function run(command, args, { env = {}, capture = false, timeoutMs } = {}) {
  const mark = randomUUID()
  const child = spawn(command, args, {
    cwd: root,
    detached: process.platform !== 'win32',
    env: { ...process.env, ...env, [MARK]: `${process.env[MARK] ?? ''} ${mark}` },
    shell: process.platform === 'win32',
    stdio: ['ignore', capture ? 'pipe' : 'inherit', capture ? 'pipe' : 'inherit'],
  })
  const kill = () => killTree(child.pid, mark)
  const unhook = onInterrupt(kill)
  let output = ''
  let timedOut = false
  for (const [stream, sink] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    stream?.setEncoding('utf8')
    stream?.on('data', (text) => {
      output += text
      sink.write(text)
    })
  }
  return new Promise((resolve) => {
    const timer =
      timeoutMs &&
      setTimeout(() => {
        timedOut = true
        for (const line of processes(mark)) console.log(line)
        kill()
      }, timeoutMs)
    const end = (code) => {
      clearTimeout(timer)
      unhook()
      resolve({ code, timedOut, output })
    }
    child.once('error', (error) => {
      output += error.message
      end(127)
    })
    child.once('exit', kill) // else what it left behind holds its output open
    child.once('close', (code, signal) => end(code ?? 128 + constants.signals[signal]))
  })
}

/** Ends the process group of `pid` and every process that carries `mark`. Dead ones are no error. */
function killTree(pid, mark) {
  if (process.platform === 'win32' || pid === undefined) return
  for (const target of [-pid, ...marked(mark)]) {
    try {
      process.kill(target, 'SIGKILL')
    } catch (error) {
      // ESRCH: it is gone; EPERM: so macOS answers for a group of which only zombies are left.
      if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error
    }
  }
}

/** Ids of the live processes whose environment carries the mark, beside those of outer runs; none where there is no /proc. */
function marked(mark) {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => procText(`${name}/environ`).includes(mark))
    .map(Number)
}

/** => a line for each process that carries the mark: its command, and where in the system how many of its threads wait. */
function processes(mark) {
  return marked(mark).map((pid) => {
    const command = procText(`${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 120)
    const counts = new Map()
    for (const thread of threadsOf(pid)) {
      const place = procText(`${pid}/task/${thread}/wchan`)
      counts.set(place, (counts.get(place) ?? 0) + 1)
    }
    return `${pid} ${command}: ${[...counts].map(([place, count]) => `${count} ${place}`).join(', ')}`
  })
}

function threadsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return [] // ended meanwhile
  }
}

/** '' of a process that ended meanwhile, or is another user's. */
function procText(path) {
  try {
    return readFileSync(`/proc/${path}`, 'utf8')
  } catch {
    return ''
  }
}

/** Calls `kill` when this process is told to end, then ends; returns the way to take that back. */
function onInterrupt(kill) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const stop = (signal) => {
    kill()
    setImmediate(() => process.exit(128 + constants.signals[signal])) // after the other commands' kills
  }
  for (const signal of signals) process.once(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}
