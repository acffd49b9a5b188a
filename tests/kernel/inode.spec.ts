import { LOCK_EX, O_CREAT, O_RDWR, S_IFDIR, S_IFLNK, S_IFREG } from '../../assembly/abi'
import { findEntry, removeEntry } from '../../assembly/dir'
import { fileAt } from '../../assembly/fd'
import { lockFile, unlockFile } from '../../assembly/file'
import { holdFile, letGoFile } from '../../assembly/hold'
import {
  checkMounted,
  dropLink,
  findMounted,
  Inode,
  newInode,
  newMounted,
  nextMounted,
  unhash,
} from '../../assembly/inode'
import { lock, unlock } from '../../assembly/lock'
import { addMount } from '../../assembly/mount'
import { setPath } from '../../assembly/mounted'
import { OBJECT_FILE } from '../../assembly/object'
import { setCwd } from '../../assembly/path'
import { K } from '../../assembly/root'
import { copyText, newText, textBytes } from '../../assembly/text'
import { makeNode } from '../../assembly/tmpfs'
import { chdir, close, mkdir, open, symlink, unlink } from './support/files'
import { bootForSpec, checkAll, process, putText, restores, textAt } from './support/kernel'

function root(): Inode {
  return changetype<Inode>(<usize>K.rootInode)
}

/** Makes an inode of `mode` under a name in the root, as open, mkdir and symlink do. */
function make(mode: u32): void {
  const bytes = putText('made', 0)
  const inode = makeNode(process, root(), textAt(0), bytes, mode)!
  if ((mode & 0xf000) == S_IFLNK) inode.text = newText(textAt(0), 4095)
}

/** Takes a name out of the root, as unlink and rmdir do. */
function remove(name: string): void {
  const bytes = putText(name, 0)
  const entry = findEntry(root(), textAt(0), bytes)!
  const inode = entry.inode
  removeEntry(root(), entry)
  dropLink(inode)
}

describe('inode', () => {
  beforeAll(() => {
    bootForSpec()
    mkdir(process, '/dir')
    symlink(process, 'x'.repeat(4000), '/link')
    close(process, open(process, '/file', O_CREAT | O_RDWR))
  })

  it('finds mount inodes by mount and number, among many of one bucket', () => {
    lock()
    for (let i: u32 = 0; i < 300; i++) {
      const inode = newMounted(i % 3, i, S_IFDIR | 0o777, OBJECT_FILE, 0)!
      inode.refs = 1
    }
    expect(checkMounted()).toBe(300)
    for (let i: u32 = 0; i < 300; i++) {
      expect(findMounted(i % 3, i)!.ino).toBe(i)
      expect(findMounted(3, i) == null).toBeTruthy()
    }
    unlock()
  })

  it('walks all mount inodes once, and those that are gone not at all', () => {
    lock()
    let count = 0
    for (let inode = nextMounted(null); inode != null; inode = nextMounted(inode)) count++
    expect(count).toBe(300)
    for (let i: u32 = 0; i < 300; i++) unhash(findMounted(i % 3, i)!)
    expect(nextMounted(null) == null).toBeTruthy()
    expect(checkMounted()).toBe(0)
    unlock()
  })

  it('keeps a text of any length whole', () => {
    lock()
    for (let bytes: u32 = 0; bytes <= 4095; bytes += 455) {
      memory.fill(textAt(0), <u8>bytes, bytes)
      const text = newText(textAt(0), bytes)
      expect(textBytes(text)).toBe(bytes)
      expect(copyText(text, textAt(16384), 4095)).toBe(bytes)
      expect(memory.compare(textAt(0), textAt(16384), bytes)).toBe(0)
    }
    unlock()
  })

  it('frees an unnamed directory and symlink at once, a file in the sweep', () => {
    const before = K.inodes
    mkdir(process, '/short')
    expect(K.inodes).toBe(before + 1)
    lock()
    remove('short')
    unlock()
    expect(K.inodes).toBe(before)
    close(process, open(process, '/brief', O_CREAT | O_RDWR))
    expect(unlink(process, '/brief')).toBe(0)
    expect(K.inodes).toBe(before)
  })
})

describe('inode: roll-back', () => {
  it('restores every byte after making a file, a directory and a symlink', () => {
    expect(restores(() => make(S_IFREG | 0o644))).toBeTruthy()
    expect(restores(() => make(S_IFDIR | 0o755))).toBeTruthy()
    expect(restores(() => make(S_IFLNK | 0o777))).toBeTruthy()
    checkAll()
  })

  it('restores every byte after removing a file, a directory and a symlink', () => {
    expect(restores(() => remove('file'))).toBeTruthy()
    expect(restores(() => remove('dir'))).toBeTruthy()
    expect(restores(() => remove('link'))).toBeTruthy()
    checkAll()
  })

  it('restores every byte after mounting and binding an inode of a mount', () => {
    expect(
      restores(() => {
        const bytes = putText('dir', 0)
        addMount(7, findEntry(root(), textAt(0), bytes)!.inode, true)
      }),
    ).toBeTruthy()
    expect(
      restores(() => {
        const bytes = putText('a/b/c', 0)
        const inode = newMounted(7, 42, S_IFREG | 0o666, OBJECT_FILE, 10)!
        setPath(inode, textAt(0), bytes)
        unhash(inode)
      }),
    ).toBeTruthy()
    checkAll()
  })

  it('restores every byte after a use, a flock and a change of directory', () => {
    expect(open(process, '/file', O_RDWR)).toBe(0)
    expect(
      restores(() => {
        holdFile(fileAt(process, 0)!)
        lockFile(fileAt(process, 0)!, LOCK_EX)
      }),
    ).toBeTruthy()
    lock()
    lockFile(fileAt(process, 0)!, LOCK_EX)
    holdFile(fileAt(process, 0)!)
    unlock()
    expect(
      restores(() => {
        unlockFile(fileAt(process, 0)!)
        letGoFile()
      }),
    ).toBeTruthy()
    lock()
    letGoFile()
    unlock()
    close(process, 0)
    expect(chdir(process, '/dir')).toBe(0)
    expect(restores(() => setCwd(process, root()))).toBeTruthy()
    expect(chdir(process, '/')).toBe(0)
    checkAll()
  })

  it('restores every byte of an inode made by hand', () => {
    expect(
      restores(() => {
        newInode(S_IFREG | 0o600, 1, 1)
      }),
    ).toBeTruthy()
  })
})
