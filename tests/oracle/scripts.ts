/** Written scripts: rules of SEMANTICS that random scripts leave to chance. Addresses in bytes from the start of the arena. */

export const WRITTEN: readonly { says: string; script: string }[] = [
  {
    says: 'stores past the end of a file are seen by mappings, and zeroed before the file grows',
    script: `
      open 0 0 0 7
      pwrite 0 0 100 1 0
      mmap 0 0 4096 3 17 0 0
      mmap 0 8192 4096 3 17 0 0
      store 0 50 100 9
      load 0 8192 200
      pread 0 0 4096 0
      ftruncate 0 0 4096
      load 0 8192 200`,
  },
  {
    says: 'a page wholly past the end is SIGBUS, usable when the file grows, SIGBUS when it shrinks',
    script: `
      open 0 0 0 7
      ftruncate 0 0 100
      mmap 0 0 16384 3 17 0 0
      load 0 100 1
      load 0 4096 1
      store 0 8000 1 1
      ftruncate 0 0 9000
      store 0 8000 1 1
      load 0 12288 1
      ftruncate 0 0 5000
      load 0 8000 1
      load 0 8192 1
      ftruncate 0 0 9000
      load 0 8000 2`,
  },
  {
    says: 'private copies past the new end go, and read 0 after the file grows again',
    script: `
      open 0 0 0 7
      pwrite 0 0 12288 1 0
      mmap 0 0 12288 3 18 0 0
      store 0 0 12288 9
      ftruncate 0 0 100
      load 0 4096 1
      ftruncate 0 0 12288
      load 0 4096 8192
      load 0 0 100`,
  },
  {
    says: 'before its copy a private page shows later writes to the file, after it none',
    script: `
      open 0 0 0 7
      pwrite 0 0 8192 1 0
      mmap 0 0 8192 3 18 0 0
      load 0 0 8192
      pwrite 0 0 8192 2 0
      load 0 0 8192
      store 0 0 1 7
      pwrite 0 0 8192 3 0
      load 0 0 8192
      pread 0 0 8192 0`,
  },
  {
    says: 'mprotect does the part before a hole, and the part before what may not be written',
    script: `
      open 0 0 0 7
      ftruncate 0 0 8192
      open 0 1 0 1
      mmap 0 0 4096 1 34 0 0
      mmap 0 8192 4096 1 34 0 0
      mprotect 0 0 12288 3
      store 0 0 1 1
      store 0 8192 1 1
      mmap 0 4096 4096 1 17 1 0
      mprotect 0 0 12288 3
      store 0 8192 1 1
      mprotect 0 4096 4096 7`,
  },
  {
    says: 'closing any descriptor of a file drops the locks of the process on it',
    script: `
      open 0 0 0 7
      open 0 1 0 7
      open 1 0 0 7
      setlk 0 0 1 0 10
      getlk 1 0 0 5 1
      setlk 1 0 0 9 1
      setlk 1 0 0 10 1
      close 0 1
      getlk 1 0 0 5 1
      setlk 1 0 1 0 0`,
  },
  {
    says: 'flock belongs to the open description: dup shares it, a second open does not',
    script: `
      open 0 0 0 7
      open 0 1 0 7
      dup 0 0 2
      flock 0 0 6
      flock 0 1 5
      flock 0 2 5
      flock 0 1 5
      close 0 0
      flock 0 1 6
      close 0 2
      flock 0 1 6`,
  },
  {
    says: 'madvise and msync do every mapped part, then say ENOMEM',
    script: `
      mmap 0 0 4096 3 50 0 0
      mmap 0 8192 4096 3 50 0 0
      store 0 0 4096 1
      store 0 8192 4096 1
      madvise 0 0 12288 4
      load 0 0 4096
      load 0 8192 4096
      msync 0 0 12288 4
      msync 0 0 12288 5
      msync 0 1 4096 4`,
  },
  {
    says: 'mlock rounds the address down, fails at a hole, and what it locked refuses DONTNEED and INVALIDATE',
    script: `
      open 0 0 0 7
      ftruncate 0 0 8192
      mmap 0 0 4096 3 50 0 0
      mmap 0 4096 4096 3 17 0 0
      mlock 0 4095 2
      madvise 0 0 4096 4
      msync 0 4096 4096 6
      munlock 0 0 8192
      madvise 0 0 4096 4
      msync 0 4096 4096 6
      mlock 0 0 12288
      madvise 0 0 4096 4
      munlock 0 0 12288
      munlock 0 0 1
      madvise 0 0 4096 4`,
  },
  {
    says: 'mremap: order of errors, duplicates of shared mappings, growth past the end of the file',
    script: `
      open 0 0 0 7
      ftruncate 0 0 4096
      mmap 0 0 4096 3 17 0 0
      mremap 0 1 4096 4096 0 0
      mremap 0 0 4096 0 0 0
      mremap 0 0 4096 4096 2 8192
      mremap 0 0 4096 4096 4 0
      mremap 0 0 4096 4096 3 0
      mremap 0 0 0 4096 3 8192
      store 0 0 1 5
      load 0 8192 1
      mremap 0 0 4096 8192 0 0
      load 0 4096 1
      ftruncate 0 0 8192
      load 0 4096 1
      mremap 0 0 8192 12288 0 0
      mmap 0 40960 4096 3 50 0 0
      mremap 0 40960 0 4096 3 49152
      mremap 0 45056 4096 4096 1 0`,
  },
  {
    says: 'fork: private stores of parent and child reach nobody else, shared ones both, whoever exits',
    script: `
      mmap 0 0 8192 3 50 0 0
      mmap 0 8192 8192 3 49 0 0
      store 0 0 8192 1
      store 0 8192 8192 2
      fork 0 1
      store 0 0 100 3
      store 1 4096 100 4
      store 1 8192 100 5
      load 0 0 16384
      load 1 0 16384
      fork 1 2
      store 2 0 1 9
      store 2 12288 1 6
      load 1 0 1
      fork 2 0
      load 0 0 16384
      load 1 0 16384
      munmap 1 8192 8192
      load 0 8192 1
      fork 1 2
      load 2 8192 1
      load 2 4096 100`,
  },
  {
    says: 'fork: descriptors share their offset, fcntl locks stay with the parent, flock with the description',
    script: `
      open 0 0 0 7
      write 0 0 100 1
      setlk 0 0 1 0 10
      flock 0 0 6
      fork 0 1
      lseek 1 0 10 0
      lseek 0 0 0 1
      getlk 1 0 1 5 1
      setlk 1 0 1 0 1
      setlk 1 0 1 20 10
      getlk 0 0 1 20 1
      open 2 0 0 7
      flock 2 0 6
      close 0 0
      flock 2 0 6
      setlk 2 0 1 0 5
      close 1 0
      flock 2 0 6
      setlk 2 0 1 20 1`,
  },
  {
    says: 'fork: no memory locks in the child, the same protections, and SIGBUS past the end of a file in both',
    script: `
      open 0 0 0 7
      ftruncate 0 0 8192
      mmap 0 0 8192 3 18 0 0
      mmap 0 8192 8192 1 17 0 0
      mmap 0 16384 4096 3 50 0 0
      store 0 0 8192 5
      mlock 0 16384 4096
      mlockall 0 2
      fork 0 1
      madvise 0 16384 4096 4
      madvise 1 16384 4096 4
      store 1 8192 1 1
      mprotect 1 8192 4096 3
      store 1 8192 1 1
      store 0 8192 1 1
      ftruncate 1 0 100
      load 0 4096 1
      load 1 4096 1
      ftruncate 0 0 8192
      load 0 4096 1
      load 1 4096 1
      load 1 0 1`,
  },
]
