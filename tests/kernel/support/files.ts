/**
 * File calls with strings for paths, by a process and relative to its working directory; and `step`, which runs every checker.
 */
import {
  AT_FDCWD,
  BUFFER_DATA,
  BUFFER_PATH2,
  BUFFER_RESULT,
  DIRENT_BYTES,
  DIRENT_NAME_BYTES,
  DIRENT_NEXT,
  O_RDONLY,
  STAT_MODE,
  STAT_NLINK,
  STAT_SIZE,
} from '../../../assembly/abi'
import { sysChmod, sysChown } from '../../../assembly/attributes'
import { sysChdir, sysGetcwd } from '../../../assembly/cwd'
import {
  sysMkdir,
  sysMkfifo,
  sysMount,
  sysReadlink,
  sysRmdir,
  sysSymlink,
  sysUnlink,
} from '../../../assembly/names'
import { sysClose, sysOpen } from '../../../assembly/open'
import { Process } from '../../../assembly/process'
import { sysReaddir } from '../../../assembly/readdir'
import { sysRead, sysWrite } from '../../../assembly/readwrite'
import { sysLink, sysRename } from '../../../assembly/rename'
import { sysStat } from '../../../assembly/statfile'
import { checkAll, getText, putText, textAt } from './kernel'

/** => `result`, after every checker ran. */
export function step(result: i32): i32 {
  checkAll()
  return result
}

export function open(process: Process, path: string, flags: u32, mode: u32 = 0o644): i32 {
  const bytes = putText(path, 0)
  return step(sysOpen(process, AT_FDCWD, textAt(0), bytes, flags, mode))
}

export function close(process: Process, fd: i32): i32 {
  return step(sysClose(process, fd))
}

export function write(process: Process, fd: i32, text: string): i32 {
  const bytes = putText(text, BUFFER_DATA)
  return step(sysWrite(process, fd, textAt(BUFFER_DATA), bytes))
}

/** => what up to `bytes` bytes say, '' at the end of the file, '!errno' for a failure. */
export function read(process: Process, fd: i32, bytes: u32): string {
  const got = step(sysRead(process, fd, textAt(BUFFER_DATA), bytes))
  return got < 0 ? `!${-got}` : getText(BUFFER_DATA, got)
}

export function mkdir(process: Process, path: string, mode: u32 = 0o755): i32 {
  const bytes = putText(path, 0)
  return step(sysMkdir(process, AT_FDCWD, textAt(0), bytes, mode))
}

export function mkfifo(process: Process, path: string, mode: u32 = 0o644): i32 {
  const bytes = putText(path, 0)
  return step(sysMkfifo(process, AT_FDCWD, textAt(0), bytes, mode))
}

export function rmdir(process: Process, path: string): i32 {
  const bytes = putText(path, 0)
  return step(sysRmdir(process, AT_FDCWD, textAt(0), bytes))
}

export function unlink(process: Process, path: string): i32 {
  const bytes = putText(path, 0)
  return step(sysUnlink(process, AT_FDCWD, textAt(0), bytes))
}

export function symlink(process: Process, target: string, path: string): i32 {
  const targetBytes = putText(target, BUFFER_PATH2)
  const bytes = putText(path, 0)
  return step(sysSymlink(process, textAt(BUFFER_PATH2), targetBytes, AT_FDCWD, textAt(0), bytes))
}

export function readlink(process: Process, path: string): string {
  const bytes = putText(path, 0)
  const got = step(sysReadlink(process, AT_FDCWD, textAt(0), bytes))
  return got < 0 ? `!${-got}` : getText(BUFFER_RESULT, got)
}

export function link(process: Process, from: string, to: string): i32 {
  const bytes = putText(from, 0)
  const toBytes = putText(to, BUFFER_PATH2)
  const at = textAt(0)
  const toAt = textAt(BUFFER_PATH2)
  return step(sysLink(process, AT_FDCWD, at, bytes, AT_FDCWD, toAt, toBytes, 0))
}

export function rename(process: Process, from: string, to: string): i32 {
  const bytes = putText(from, 0)
  const toBytes = putText(to, BUFFER_PATH2)
  const at = textAt(0)
  return step(sysRename(process, AT_FDCWD, at, bytes, AT_FDCWD, textAt(BUFFER_PATH2), toBytes))
}

export function chdir(process: Process, path: string): i32 {
  const bytes = putText(path, 0)
  return step(sysChdir(process, AT_FDCWD, textAt(0), bytes))
}

export function getcwd(process: Process): string {
  const got = step(sysGetcwd(process))
  return got < 0 ? `!${-got}` : getText(BUFFER_RESULT, got)
}

export function chmod(process: Process, path: string, mode: u32): i32 {
  const bytes = putText(path, 0)
  return step(sysChmod(process, AT_FDCWD, textAt(0), bytes, mode, 0))
}

export function chown(process: Process, path: string, uid: u32, gid: u32): i32 {
  const bytes = putText(path, 0)
  return step(sysChown(process, AT_FDCWD, textAt(0), bytes, uid, gid, 0))
}

export function mount(process: Process, number: u32, path: string, flags: u32 = 0): i32 {
  const bytes = putText(path, 0)
  return step(sysMount(process, number, textAt(0), bytes, flags))
}

export function stat(process: Process, path: string, flags: u32 = 0): i32 {
  const bytes = putText(path, 0)
  return step(sysStat(process, AT_FDCWD, textAt(0), bytes, flags))
}

/** => st_size after `stat`; st_mode and st_nlink likewise. */
export function sizeOf(): i32 {
  return <i32>load<u64>(textAt(BUFFER_RESULT), STAT_SIZE)
}

export function modeOf(): u32 {
  return load<u32>(textAt(BUFFER_RESULT), STAT_MODE)
}

export function linksOf(): u32 {
  return load<u32>(textAt(BUFFER_RESULT), STAT_NLINK)
}

/** => the names that a directory lists, read `batch` bytes at a time, sorted and joined; '!errno' for a failure. */
export function list(process: Process, path: string, batch: u32 = 65536): string {
  const fd = open(process, path, O_RDONLY)
  if (fd < 0) return `!${-fd}`
  const names: string[] = []
  let cookie: u64 = 0
  let got = sysReaddir(process, fd, cookie, batch)
  while (got > 0) {
    let at: u32 = 0
    while (at < <u32>got) {
      const entry = textAt(BUFFER_DATA + at)
      const bytes = load<u32>(entry, DIRENT_NAME_BYTES)
      names.push(getText(BUFFER_DATA + at + DIRENT_BYTES, bytes))
      cookie = load<u64>(entry, DIRENT_NEXT)
      at += DIRENT_BYTES + bytes
    }
    got = sysReaddir(process, fd, cookie, batch)
  }
  close(process, fd)
  names.sort()
  return got < 0 ? `!${-got}` : names.join(' ')
}
