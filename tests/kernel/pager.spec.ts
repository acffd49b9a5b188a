import {
  EIO,
  EWOULDBLOCK_PARK,
  RING_ARGS,
  RING_FREE,
  RING_OP,
  RING_SLOTS,
  RING_STATE,
  WASI_FD_CLOSE,
  WASI_FD_SYNC,
  WASI_PATH_OPEN,
  WASI_PATH_UNLINK_FILE,
} from '../../assembly/abi'
import {
  call,
  canCall,
  dropRequests,
  failRequestsTo,
  finishRequest,
  OFLAGS_CREAT,
  ownerOf,
  setOwner,
  takeNames,
  takeRequest,
} from '../../assembly/pager'
import { me } from '../../assembly/thread'
import { callsOf, failCalls, setSize } from './support/disk'
import { begin, bootMemory, end, goOnAsAnother } from './support/memory'

bootMemory()

const MOUNT: u32 = 3
const FD: u64 = 9

describe('the pager', () => {
  beforeEach(() => {
    begin()
    setSize(9, 1)
    setOwner(MOUNT, -1)
  })
  afterEach(end)

  it('calls the provider itself where every thread serves the mount, or this one does', () => {
    expect(ownerOf(MOUNT)).toBe(-1)
    expect(canCall(MOUNT)).toBe(true)
    expect(call(MOUNT, WASI_FD_SYNC, FD)).toBe(0)
    setOwner(MOUNT, me().index)
    expect(canCall(MOUNT)).toBe(true)
    failCalls(WASI_FD_SYNC, 0, 1, EIO)
    expect(call(MOUNT, WASI_FD_SYNC, FD)).toBe(EIO)
    expect(callsOf(WASI_FD_SYNC)).toBe(2)
    expect(takeRequest()).toBe(0)
  })

  it('asks nobody from a thread that may not wait: EWOULDBLOCK_PARK, and nothing is done', () => {
    const owner = goOnAsAnother()
    setOwner(MOUNT, owner)
    expect(canCall(MOUNT)).toBe(false)
    expect(call(MOUNT, WASI_FD_SYNC, FD)).toBe(EWOULDBLOCK_PARK)
    expect(callsOf(WASI_FD_SYNC)).toBe(0)
  })

  it('notes the mounts whose names a call may change, whatever it gives', () => {
    takeNames(MOUNT)
    call(MOUNT, WASI_FD_SYNC, FD)
    call(MOUNT, WASI_PATH_OPEN, FD)
    expect(takeNames(MOUNT)).toBe(false)
    call(MOUNT, WASI_PATH_OPEN, FD, 0, 0, 0, OFLAGS_CREAT)
    expect(takeNames(MOUNT)).toBe(true)
    expect(takeNames(MOUNT)).toBe(false)
    failCalls(WASI_PATH_UNLINK_FILE, 0, 1, EIO)
    call(MOUNT, WASI_PATH_UNLINK_FILE, FD)
    expect(takeNames(MOUNT - 1)).toBe(false)
    expect(takeNames(MOUNT)).toBe(true)
  })

  it('leaves a close to the owner, who takes it once and for its own mounts only', () => {
    const mine = goOnAsAnother()
    setOwner(MOUNT, mine)
    expect(call(MOUNT, WASI_FD_CLOSE, FD)).toBe(0)
    expect(takeRequest()).toBe(0)
    setOwner(MOUNT, me().index)
    const slot = takeRequest()
    expect(slot).not.toBe(0)
    expect(load<u32>(slot, RING_OP)).toBe(WASI_FD_CLOSE)
    expect(load<u64>(slot, RING_ARGS)).toBe(FD)
    expect(takeRequest()).toBe(0)
    finishRequest(slot, 0)
    expect(load<u32>(slot, RING_STATE)).toBe(RING_FREE)
  })

  it('answers for an owner that died, and forgets what a dead thread asked', () => {
    const owner = goOnAsAnother()
    setOwner(MOUNT, owner)
    for (let i: u32 = 0; i < RING_SLOTS; i++) call(MOUNT, WASI_FD_CLOSE, FD)
    failRequestsTo(owner)
    setOwner(MOUNT, me().index)
    expect(takeRequest()).toBe(0)
    expect(dropRequests(me().index)).toBe(0)
  })
})
