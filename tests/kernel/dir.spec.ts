import { S_IFDIR, S_IFREG } from '../../assembly/abi'
import { addEntry, checkDirectory, entryFrom, findEntry, removeEntry } from '../../assembly/dir'
import { dropLink, Inode, newInode } from '../../assembly/inode'
import { lock, relax, unlock } from '../../assembly/lock'
import { bootForSpec, checkAll, putText, restores, textAt } from './support/kernel'

let dir: Inode = changetype<Inode>(0)

function freshDirectory(): Inode {
  const made = newInode(S_IFDIR | 0o755, 0, 0)!
  made.nlink = 2
  made.parent = made
  return made
}

function addFile(name: string): bool {
  const bytes = putText(name, 0)
  const inode = newInode(S_IFREG | 0o644, 0, 0)!
  inode.nlink = 1
  return addEntry(dir, textAt(0), bytes, inode) != null
}

function removeFile(name: string): void {
  const bytes = putText(name, 0)
  const entry = findEntry(dir, textAt(0), bytes)!
  const inode = entry.inode
  removeEntry(dir, entry)
  dropLink(inode)
}

describe('dir', () => {
  beforeAll(() => {
    bootForSpec()
    lock()
    dir = freshDirectory()
    unlock()
  })

  it('finds each of a thousand names, and none that was not added', () => {
    lock()
    for (let i = 0; i < 1000; i++) {
      expect(addFile(`file${i}`)).toBeTruthy()
      relax()
    }
    expect(checkDirectory(dir)).toBe(1000)
    for (let i = 0; i < 1000; i++) {
      const bytes = putText(`file${i}`, 0)
      expect(findEntry(dir, textAt(0), bytes) != null).toBeTruthy()
    }
    const bytes = putText('file1000', 0)
    expect(findEntry(dir, textAt(0), bytes) == null).toBeTruthy()
    unlock()
  })

  it('gives every name once to a reader that removes what it has read', () => {
    lock()
    let seen = 0
    let key: u64 = 0
    let entry = entryFrom(dir, key)
    while (entry != null) {
      key = entry.end
      const inode = entry.inode
      removeEntry(dir, entry)
      dropLink(inode)
      relax()
      seen++
      if (seen % 100 == 0) checkDirectory(dir)
      entry = entryFrom(dir, key)
    }
    expect(seen).toBe(1000)
    expect(dir.entryCount).toBe(0)
    unlock()
    checkAll()
  })

  it('counts subdirectories in nlink and leads back from them', () => {
    lock()
    const bytes = putText('sub', 0)
    const child = freshDirectory()
    const entry = addEntry(dir, textAt(0), bytes, child)!
    expect(dir.nlink).toBe(3)
    expect(child.parent == dir).toBeTruthy()
    checkDirectory(dir)
    relax()
    removeEntry(dir, entry)
    dropLink(child)
    expect(dir.nlink).toBe(2)
    unlock()
    checkAll()
  })
})

describe('dir: roll-back', () => {
  it('restores every byte when adding a name is rolled back', () => {
    lock()
    for (let i = 0; i < 20; i++) addFile(`kept${i}`)
    unlock()
    expect(
      restores(() => {
        addFile('new')
      }),
    ).toBeTruthy()
    checkAll()
  })

  it('restores every byte when removing a name is rolled back', () => {
    expect(
      restores(() => {
        removeFile('kept7')
      }),
    ).toBeTruthy()
    lock()
    expect(checkDirectory(dir)).toBe(20)
    unlock()
    checkAll()
  })
})
