/** Numbers and layouts of WASI preview 1, as its witx says. Errno are those of abi.ts, which are wasi-libc's. */

export const ENOTSOCK = 57

export const FILETYPE = { unknown: 0, character: 2, directory: 3, regular: 4, symlink: 7 } as const

export const OFLAGS_CREAT = 1
export const OFLAGS_DIRECTORY = 2
export const OFLAGS_EXCL = 4
export const OFLAGS_TRUNC = 8
export const LOOKUP_SYMLINK_FOLLOW = 1
/** append, dsync, nonblock, rsync, sync: the bits of O_*. */
export const FDFLAGS = 0x1f

export const EVENT_CLOCK = 0
export const EVENT_READ = 1
export const EVENT_WRITE = 2
export const SUBSCRIPTION_BYTES = 48
export const EVENT_BYTES = 32
export const CLOCK_ABSTIME = 1
export const EVENT_HANGUP = 1

export const FILESTAT_BYTES = 64
export const FDSTAT_BYTES = 24

/** Rights, in the order of their bits. */
const NAMES = [
  'FD_DATASYNC',
  'FD_READ',
  'FD_SEEK',
  'FD_FDSTAT_SET_FLAGS',
  'FD_SYNC',
  'FD_TELL',
  'FD_WRITE',
  'FD_ADVISE',
  'FD_ALLOCATE',
  'PATH_CREATE_DIRECTORY',
  'PATH_CREATE_FILE',
  'PATH_LINK_SOURCE',
  'PATH_LINK_TARGET',
  'PATH_OPEN',
  'FD_READDIR',
  'PATH_READLINK',
  'PATH_RENAME_SOURCE',
  'PATH_RENAME_TARGET',
  'PATH_FILESTAT_GET',
  'PATH_FILESTAT_SET_SIZE',
  'PATH_FILESTAT_SET_TIMES',
  'FD_FILESTAT_GET',
  'FD_FILESTAT_SET_SIZE',
  'FD_FILESTAT_SET_TIMES',
  'PATH_SYMLINK',
  'PATH_REMOVE_DIRECTORY',
  'PATH_UNLINK_FILE',
  'POLL_FD_READWRITE',
  'SOCK_SHUTDOWN',
  'SOCK_ACCEPT',
] as const

export type RightName = (typeof NAMES)[number]

export const RIGHT = Object.fromEntries(
  NAMES.map((name, bit) => [name, 1n << BigInt(bit)]),
) as Readonly<Record<RightName, bigint>>

export const ALL_RIGHTS = (1n << BigInt(NAMES.length)) - 1n

function union(...names: RightName[]): bigint {
  return names.reduce((rights, name) => rights | RIGHT[name], 0n)
}

/** What may be done with a directory's descriptor. */
export const DIRECTORY_RIGHTS =
  union(
    'FD_FDSTAT_SET_FLAGS',
    'FD_SYNC',
    'FD_DATASYNC',
    'FD_ADVISE',
    'FD_READDIR',
    'FD_FILESTAT_GET',
    'FD_FILESTAT_SET_TIMES',
    'POLL_FD_READWRITE',
  ) | NAMES.filter((name) => name.startsWith('PATH_')).reduce((all, name) => all | RIGHT[name], 0n)

/** What may be done with any other descriptor. */
export const FILE_RIGHTS = union(
  'FD_DATASYNC',
  'FD_READ',
  'FD_SEEK',
  'FD_FDSTAT_SET_FLAGS',
  'FD_SYNC',
  'FD_TELL',
  'FD_WRITE',
  'FD_ADVISE',
  'FD_ALLOCATE',
  'FD_FILESTAT_GET',
  'FD_FILESTAT_SET_SIZE',
  'FD_FILESTAT_SET_TIMES',
  'POLL_FD_READWRITE',
)

/** Rights that need a description open for reading, or for writing. */
export const READS = union('FD_READ', 'FD_READDIR')
export const WRITES = union('FD_WRITE', 'FD_ALLOCATE', 'FD_FILESTAT_SET_SIZE')
