/** What all three kinds of System V objects have in common, as the calls show it. */
import * as ipc from '../assembly/ipcabi.js'
import { checkUint32 } from './check.js'
import type { Instance } from './instance.js'

/** struct ipc_perm. */
export interface IpcPerm {
  /** IPC.PRIVATE once the object is removed, too. */
  readonly key: number
  readonly uid: number
  readonly gid: number
  /** Who made it. */
  readonly cuid: number
  readonly cgid: number
  /** Nine permission bits; of shared memory, SHM.DEST and SHM.LOCKED too. */
  readonly mode: number
  readonly seq: number
}

/** What IPC.SET changes of every object; what is left out stays. */
export interface IpcOwner {
  uid?: number
  gid?: number
  mode?: number
}

export function readPerm({ view, resultAt }: Instance): IpcPerm {
  const word = (field: number) => view.getUint32(resultAt + field, true)
  return {
    key: view.getInt32(resultAt + ipc.IPC_PERM_KEY, true),
    uid: word(ipc.IPC_PERM_UID),
    gid: word(ipc.IPC_PERM_GID),
    cuid: word(ipc.IPC_PERM_CUID),
    cgid: word(ipc.IPC_PERM_CGID),
    mode: word(ipc.IPC_PERM_MODE),
    seq: word(ipc.IPC_PERM_SEQ),
  }
}

/** => seconds since 1970, as the *id_ds have them. */
export function readSeconds({ view, resultAt }: Instance, field: number): number {
  return Number(view.getBigInt64(resultAt + field, true))
}

/** A number that IPC.SET may leave out. => NaN then, which the kernel takes for "as it is". */
export function checkKept(name: string, value: unknown): number {
  return value === undefined ? Number.NaN : checkUint32(name, value)
}
