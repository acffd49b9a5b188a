/**
 * What a run of `isopage map` finds out, section by section in the order in which it happens. It is the `--json` document as it
 * stands; the text form is written from the same sections. Sizes are bytes, pages are counted from the start of the file.
 */

import type { Run } from '../inspect/page-map.js'
import type { MapCells } from './map-columns.js'

/** One of the two threads, each with a process and a mapping of its own. */
export type ThreadName = 'A' | 'B'

export type Report = {
  /** What is mapped. */
  file: {
    path: string
    /** A file made for this run, a temporary copy of the user's, or the user's file itself. */
    source: 'made' | 'copy' | 'original'
    /** Of a copy: the file that was copied. */
    copyOf: string | null
    bytes: number
    /** Less than `bytes` when the file is larger than the window of a process. */
    mappedBytes: number
    pages: number
  }
  kernel: {
    version: string
    runtime: string
    memory: number
    pageSize: number
    bootMilliseconds: number
  }
  threads: { name: ThreadName; pid: number; address: number }[]
  /** First touch: each thread reads a run of pages through its mapping. */
  read: { thread: ThreadName; firstPage: number; pages: number; milliseconds: number }[]
  /** Stores of both threads at the same time. */
  edits: {
    edits: { thread: ThreadName; page: number; offset: number; bytes: number }[]
    milliseconds: number
  }
  /** Both threads in turn through one word of one page; null for a file too small to hold it. */
  exchange: { page: number; rounds: number; medianMicroseconds: number } | null
  /** Stores of thread A into a private mapping. */
  private: { pages: number[] }
  beforeSync: State
  sync: { milliseconds: number; pages: number[] }
  afterSync: State
  /** The file as plain reads see it. */
  disk: { bytes: number; milliseconds: number; changedPages: number[] }
  checks: Check[]
  ok: boolean
}

/** All that the text and JSON forms are told: one section of the report at a time. */
export type Tell = <Name extends keyof Report>(section: Name, found: Report[Name]) => void

/** How far a long step has come. */
export type Progress = (step: string, done: number, total: number) => void

/** A fact that was tried; the run has failed when one does not hold. */
export interface Check {
  name: string
  ok: boolean
  /** What was counted, or where it fails. */
  detail: string
}

/** The mapping tables of both processes, and the pages of the two mappings of the whole file. */
export interface State {
  mappings: MapRow[]
  shared: Run[]
  private: Run[]
}

export interface MapRow extends MapCells {
  thread: ThreadName
  path: string
}
