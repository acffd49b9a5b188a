/**
 * Names of POSIX shared memory and semaphores, in one place: `/name`, or `name` as glibc allows, without a slash inside.
 *
 * Leading slashes do not count; what is left is one name of 1 to NAME_MAX bytes in a flat directory. `.` and `..` would be that directory and
 * its parent: EINVAL here, where glibc opens them. Message queues have rules of their own (mq_open asks for the slash).
 * Sources: POSIX.1-2017 shm_open, sem_open; glibc posix/shm-directory.c.
 */
import { EFAULT, EINVAL, ENAMETOOLONG, NAME_MAX } from './abi'
import { isDot, isDotDot } from './dir'
import { inBuffer } from './path'

const SLASH: u32 = 0x2f

/** => bytes of the name behind the leading slashes: the last ones of the path. */
export function posixNameBytes(path: usize, bytes: u32): u32 {
  let skipped: u32 = 0
  while (skipped < bytes && load<u8>(path + skipped) == SLASH) skipped++
  return bytes - skipped
}

/**
 * Whether `bytes` bytes at `path`, in this thread's buffer, name an object. `prefixBytes`: what the name is stored with before it (`sem.` is 4).
 * => 0, -EINVAL (nothing but slashes, a slash or a NUL inside, a dot), -ENAMETOOLONG (with its prefix past NAME_MAX), -EFAULT.
 */
export function posixName(path: usize, bytes: u32, prefixBytes: u32 = 0): i32 {
  if (!inBuffer(path, bytes)) return -EFAULT
  const nameBytes = posixNameBytes(path, bytes)
  const name = path + (bytes - nameBytes)
  if (nameBytes == 0 || isDot(name, nameBytes) || isDotDot(name, nameBytes)) return -EINVAL
  for (let i: u32 = 0; i < nameBytes; i++) {
    const byte: u32 = load<u8>(name + i)
    if (byte == SLASH || byte == 0) return -EINVAL
  }
  return nameBytes + prefixBytes > NAME_MAX ? -ENAMETOOLONG : 0
}
