/**
 * The programs of guest/, compiled by `isopage cc`'s own compiler and kept under build/ by the hash of what they are made of. SQLite's source comes from the
 * npm package better-sqlite3, when a row asks for it: `npm pack` fetches the archive, whose checksum is pinned here, and nothing of it is run.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from '../dist/src/guest/cc/index.js'
import { root } from '../scripts/run.js'

const sources = fileURLToPath(new URL('./guest/', import.meta.url))
const FOLDER = 'build/bench-guests'
const kept = `${root}${FOLDER}`

const SQLITE = {
  package: 'better-sqlite3@12.11.1',
  integrity:
    'sha512-dq9AtApgg5PGFtBzPFSBl3HZQjHok5gaQCM6zh2Yk0aSmDCs1CbnVI8/HgASQkNKsWFpseIO9beg5xxpYhbIfA==',
  /** In the archive. */
  files: ['package/deps/sqlite3/sqlite3.c', 'package/deps/sqlite3/sqlite3.h'],
}

/** No threads, no extensions from files; else what better-sqlite3 has: a program of usual size. */
const SQLITE_FLAGS = [
  '-DSQLITE_THREADSAFE=0',
  '-DSQLITE_OMIT_LOAD_EXTENSION',
  '-DSQLITE_DEFAULT_MEMSTATUS=0',
  '-DSQLITE_DQS=0',
  '-DSQLITE_ENABLE_COLUMN_METADATA',
  '-DSQLITE_ENABLE_DBSTAT_VTAB',
  '-DSQLITE_ENABLE_FTS3',
  '-DSQLITE_ENABLE_FTS4',
  '-DSQLITE_ENABLE_FTS5',
  '-DSQLITE_ENABLE_GEOPOLY',
  '-DSQLITE_ENABLE_MATH_FUNCTIONS',
  '-DSQLITE_ENABLE_RTREE',
  '-DSQLITE_ENABLE_STAT4',
]

const FLAGS = ['-O2', '-ffp-contract=off', '-w']
/** Functions to be called from outside; a program with `main` is a command. */
const LIBRARY = ['-mexec-model=reactor']

/**
 * @param {string} program the name of a file of guest/
 * @returns {Promise<string>} its module, from the root of the repository
 */
export async function compiled(program) {
  const { files, flags, module } = recipeOf(program)
  if (!existsSync(`${root}${module}`)) {
    const units = Object.keys(files).filter((name) => name.endsWith('.c'))
    const made = await compile(files, [...flags, ...units, '-o', 'program.wasm'])
    keep(`${root}${module}`, made.files['program.wasm'])
  }
  return module
}

/** => whether SQLite was fetched and compiled before: that takes minutes. */
export function hasSqlite() {
  return existsSync(sqliteFolder()) && existsSync(`${root}${recipeOf('sqlite').module}`)
}

/** What a program is made of, and the name of what comes of that. */
function recipeOf(program) {
  const files = filesOf(program)
  const isCommand = /\bint main\(/.test(files[`${program}.c`])
  const flags = [
    ...FLAGS,
    ...(isCommand ? [] : LIBRARY),
    ...(program === 'sqlite' ? SQLITE_FLAGS : []),
  ]
  const hash = hashOf(files, flags, readFileSync(`${root}dist/sysroot.json`))
  return { files, flags, module: `${FOLDER}/${program}-${hash}.wasm` }
}

function filesOf(program) {
  const own = ['work.h', 'maps.h', `${program}.c`]
  const texts = own.map((name) => [name, readFileSync(`${sources}${name}`, 'utf8')])
  return Object.fromEntries([...texts, ...(program === 'sqlite' ? sqliteFiles() : [])])
}

function sqliteFolder() {
  return `${kept}/${SQLITE.package}`
}

function sqliteFiles() {
  const folder = sqliteFolder()
  if (!existsSync(folder)) fetchSqlite(folder)
  return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])
}

function fetchSqlite(folder) {
  mkdirSync(kept, { recursive: true })
  const where = mkdtempSync(join(kept, 'fetch-'))
  try {
    must('npm', ['pack', SQLITE.package, '--ignore-scripts', '--silent'], where)
    const [archive] = readdirSync(where)
    const digest = createHash('sha512')
      .update(readFileSync(join(where, archive)))
      .digest('base64')
    if (`sha512-${digest}` !== SQLITE.integrity) {
      throw new Error(`${SQLITE.package} is not what it was: sha512-${digest}`)
    }
    mkdirSync(join(where, 'sqlite'))
    const flags = ['-C', 'sqlite', '--strip-components=3', ...SQLITE.files]
    must('tar', ['-xzf', archive, ...flags], where)
    renameSync(join(where, 'sqlite'), folder)
  } finally {
    rmSync(where, { recursive: true })
  }
}

function must(command, args, cwd) {
  const { status, error, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? stderr}`)
}

function hashOf(files, flags, sysroot) {
  const hash = createHash('sha256').update(sysroot)
  return hash
    .update(JSON.stringify([files, flags]))
    .digest('hex')
    .slice(0, 16)
}

/** Whole or not at all: another run may look. */
function keep(path, bytes) {
  mkdirSync(kept, { recursive: true })
  writeFileSync(`${path}.${process.pid}`, bytes)
  renameSync(`${path}.${process.pid}`, path)
}
