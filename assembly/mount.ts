/**
 * The mount table: which tmpfs directory each provider's tree covers.
 *
 * Invariants (checkMounts):
 *  1. Entry i is the provider that the host serves as preopened descriptor WASI_PREOPEN + i.
 *  2. A mount point is a tmpfs directory, held by the table; `covered` leads to the entry and back.
 *     A mount stays until the end.
 * Written under the kernel lock, journalled; an entry never changes once made, so it is read
 * without the lock.
 */
import { EBUSY, MOUNTS_MAX, PANIC_INODE } from './abi'
import { Inode, useInode } from './inode'
import { edit, save } from './journal'
import { check } from './panic'

@unmanaged
class Mount {
  point: Inode | null
  readOnly: u32
}

const MOUNTS: usize = memory.data(512, 16)

if (offsetof<Mount>() * MOUNTS_MAX != 512) ERROR('the mount table holds MOUNTS_MAX mounts')

function mountAt(mount: i32): Mount {
  return changetype<Mount>(MOUNTS + <usize>mount * offsetof<Mount>())
}

/**
 * Covers `point` with mount `number`. => 0, -EBUSY when either is taken. => lock held, number <
 * MOUNTS_MAX.
 */
export function addMount(number: u32, point: Inode, readOnly: bool): i32 {
  const mount = mountAt(number)
  if (mount.point != null || point.covered != 0) return -EBUSY
  save(changetype<usize>(mount), offsetof<Mount>())
  mount.point = point
  mount.readOnly = readOnly ? 1 : 0
  edit<Inode>(point).covered = number + 1
  useInode(point)
  return 0
}

/** => there is a mount of that number. => number < MOUNTS_MAX. */
export function isMount(number: u32): bool {
  return mountAt(number).point != null
}

/** => the directory that mount `number` covers. */
export function pointOf(mount: i32): Inode {
  return mountAt(mount).point!
}

/** => the mount refuses changes with EROFS. */
export function isReadOnly(mount: i32): bool {
  return mount >= 0 && mountAt(mount).readOnly != 0
}

/** Panics when the table and the directories disagree; => mounts. => lock held. */
export function checkMounts(): u32 {
  let count: u32 = 0
  for (let i: u32 = 0; i < MOUNTS_MAX; i++) {
    const point = mountAt(i).point
    if (point == null) continue
    check(point.covered == i + 1 && point.refs > 0, PANIC_INODE, i)
    count++
  }
  return count
}
