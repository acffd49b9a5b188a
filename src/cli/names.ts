/** Names of users and groups, from the system's /etc/passwd and /etc/group as getpwuid(3) reads them; numbers where it has none. */
import { readFileSync } from 'node:fs'
import type { Names } from '../inspect/ipcs-text.js'

/** => the names of this system. */
export function systemNames(): Names {
  const [users, groups] = ['/etc/passwd', '/etc/group'].map(read) as [Table, Table]
  return { user: (uid) => users.get(uid), group: (gid) => groups.get(gid) }
}

type Table = Map<number, string>

/** `name:password:number:...` a line; the first of a number counts. */
function read(path: string): Table {
  const table: Table = new Map()
  for (const line of textOf(path).split('\n')) {
    const [name, , number] = line.split(':')
    if (name && /^\d+$/.test(number ?? '') && !table.has(Number(number))) {
      table.set(Number(number), name)
    }
  }
  return table
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
