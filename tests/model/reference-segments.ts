/** Shared memory segments of the reference (ipc-reference.ts). */

import { may, type Outcome, owns, type Perm, Table } from './reference-table.ts'

const SHM_RDONLY = 0x1000
const SHM_DEST = 0x200

interface Segment extends Perm {
  readonly bytes: number
  readonly contents: Map<number, number>
  /** Nothing can be attached any more: removed, and nobody has it. */
  gone: boolean
}

interface Attach {
  readonly segment: Segment
  readonly writable: boolean
}

export class Segments extends Table<Segment> {
  /** By process: what it attached, in order; undefined once detached. */
  readonly #attaches = new Map<number, (Attach | undefined)[]>()

  get(process: number, key: number, bytes: number, flags: number): Outcome {
    return this.open(
      process,
      key,
      flags,
      (segment) => (bytes > segment.bytes ? 'EINVAL' : undefined),
      (perm) => (bytes === 0 ? 'EINVAL' : { ...perm, bytes, contents: new Map(), gone: false }),
    )
  }

  attach(process: number, number: number, flags: number): Outcome {
    const segment = this.objects[number]
    if (!segment || segment.gone) return 'EINVAL'
    const writable = !(flags & SHM_RDONLY)
    if (!may(process, segment, writable ? 6 : 4)) return 'EACCES'
    const list = this.#attaches.get(process) ?? []
    list.push({ segment, writable })
    this.#attaches.set(process, list)
    return `ok ${list.length - 1}`
  }

  #at(process: number, which: number): Attach | undefined {
    return this.#attaches.get(process)?.[which]
  }

  detach(process: number, which: number): Outcome {
    const attach = this.#at(process, which)
    if (!attach) return 'EINVAL'
    ;(this.#attaches.get(process) as (Attach | undefined)[])[which] = undefined
    this.#settle(attach.segment)
    return 'ok'
  }

  store(process: number, which: number, offset: number, value: number): Outcome {
    const attach = this.#at(process, which)
    if (!attach || offset >= attach.segment.bytes) return 'none'
    if (!attach.writable) return 'SIGSEGV'
    attach.segment.contents.set(offset, value)
    return 'ok'
  }

  load(process: number, which: number, offset: number): Outcome {
    const attach = this.#at(process, which)
    if (!attach || offset >= attach.segment.bytes) return 'none'
    return `ok ${attach.segment.contents.get(offset) ?? 0}`
  }

  remove(process: number, number: number): Outcome {
    const segment = this.objects[number]
    if (!segment || segment.gone) return 'EINVAL'
    if (!owns(process, segment)) return 'EPERM'
    segment.key = 0
    segment.removed = true
    segment.mode |= SHM_DEST
    this.#settle(segment)
    return 'ok'
  }

  exit(process: number): void {
    const list = this.#attaches.get(process) ?? []
    this.#attaches.delete(process)
    for (const attach of list) if (attach) this.#settle(attach.segment)
  }

  #attached(segment: Segment): number {
    const all = [...this.#attaches.values()].flat()
    return all.filter((attach) => attach?.segment === segment).length
  }

  #settle(segment: Segment): void {
    if (segment.removed && this.#attached(segment) === 0) segment.gone = true
  }

  facts(): string[] {
    return this.objects.map((segment, number) =>
      segment.gone
        ? `segment ${number}: gone`
        : `segment ${number}: ${segment.mode} ${segment.bytes} ${this.#attached(segment)} ${segment.key}`,
    )
  }
}
