import {
  BUFFER_BYTES,
  BUFFER_DATA,
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  EOVERFLOW,
  O_APPEND,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  OFFSET_MAX,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from '../../assembly/abi'
import {
  sysFsync,
  sysLseek,
  sysPread,
  sysPwrite,
  sysRead,
  sysWrite,
} from '../../assembly/readwrite'
import { me } from '../../assembly/thread'
import { close, open, read, step, unlink, write } from './support/files'
import { bootForSpec, process, textAt } from './support/kernel'

function data(): usize {
  return textAt(BUFFER_DATA)
}

describe('read and write', () => {
  beforeAll(bootForSpec)

  it('move the offset, pread and pwrite do not', () => {
    const fd = open(process, '/rw', O_CREAT | O_RDWR)
    expect(write(process, fd, 'hello world')).toBe(11)
    expect(sysLseek(process, fd, 0, SEEK_CUR)).toBe(11)
    expect(sysPread(process, fd, data(), 5, 6)).toBe(5)
    expect(load<u8>(data())).toBe(0x77)
    expect(sysLseek(process, fd, 0, SEEK_CUR)).toBe(11)
    expect(sysLseek(process, fd, -11, SEEK_END)).toBe(0)
    expect(read(process, fd, 5)).toBe('hello')
    store<u8>(data(), 0x21)
    expect(step(sysPwrite(process, fd, data(), 1, 10))).toBe(1)
    expect(read(process, fd, 100)).toBe(' worl!')
    expect(read(process, fd, 100)).toBe('')
    close(process, fd)
  })

  it('of a buffer that is not the own thread s are EFAULT, with nothing moved', () => {
    const fd = open(process, '/rw', O_RDWR)
    const outside: StaticArray<usize> = [
      0,
      <usize>me().buffer - 1,
      <usize>me().buffer + BUFFER_BYTES,
      0xfffffff0,
    ]
    for (let i = 0; i < outside.length; i++) {
      expect(sysRead(process, fd, outside[i], 16)).toBe(-EFAULT)
      expect(sysWrite(process, fd, outside[i], 16)).toBe(-EFAULT)
      expect(sysPread(process, fd, outside[i], 16, 0)).toBe(-EFAULT)
      expect(sysPwrite(process, fd, outside[i], 16, 0)).toBe(-EFAULT)
    }
    expect(sysRead(process, fd, data(), 0xffffffff)).toBe(-EFAULT)
    expect(sysLseek(process, fd, 0, SEEK_CUR)).toBe(0)
    close(process, fd)
  })

  it('of what is not open for it are EBADF, of a directory EISDIR', () => {
    const path = open(process, '/rw', O_PATH)
    const dir = open(process, '/', O_RDONLY)
    const reader = open(process, '/rw', O_RDONLY)
    expect(sysRead(process, path, data(), 1)).toBe(-EBADF)
    expect(sysWrite(process, reader, data(), 1)).toBe(-EBADF)
    expect(sysRead(process, dir, data(), 1)).toBe(-EISDIR)
    expect(sysRead(process, 77, data(), 1)).toBe(-EBADF)
    expect(sysFsync(process, path, false)).toBe(-EBADF)
    expect(sysFsync(process, dir, true)).toBe(0)
    expect(sysLseek(process, path, 0, SEEK_SET)).toBe(-EBADF)
    for (let fd = 0; fd < 3; fd++) close(process, fd)
  })

  it('seek within 0 and the largest offset', () => {
    const fd = open(process, '/rw', O_RDWR | O_APPEND)
    expect(sysLseek(process, fd, -1, SEEK_SET)).toBe(-EINVAL)
    expect(sysLseek(process, fd, 0, 9)).toBe(-EINVAL)
    expect(sysLseek(process, fd, OFFSET_MAX, SEEK_SET)).toBe(OFFSET_MAX)
    expect(sysLseek(process, fd, 1, SEEK_CUR)).toBe(-EOVERFLOW)
    expect(sysLseek(process, fd, i64.MAX_VALUE, SEEK_END)).toBe(-EOVERFLOW)
    expect(sysPread(process, fd, data(), 1, OFFSET_MAX + 1)).toBe(-EINVAL)
    expect(write(process, fd, '++')).toBe(2)
    expect(sysLseek(process, fd, 0, SEEK_CUR)).toBe(13)
    close(process, fd)
    unlink(process, '/rw')
  })
})
