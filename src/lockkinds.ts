/** What a lock is made as: the attributes of mutexes and conditions, by name. */
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  MUTEX_ERRORCHECK,
  MUTEX_NORMAL,
  MUTEX_RECURSIVE,
  MUTEX_ROBUST,
} from '../assembly/ipcabi.js'
import { checkBoolean, checkObject, outOfRange, wrongType } from './check.js'

/** pthread_mutexattr_t. */
export interface MutexOptions {
  /** 'normal' by default: a second lock by its owner waits for ever. 'recursive' counts, 'errorcheck' refuses with EDEADLK. */
  type?: 'normal' | 'recursive' | 'errorcheck' | undefined
  /** The next to lock it is told when its owner died: EOWNERDEAD. */
  robust?: boolean | undefined
}

/** pthread_condattr_t. */
export interface ConditionOptions {
  /** Of the deadlines of its waits: 'realtime' by default, ms since 1970; 'monotonic', ms of `clock_gettime('monotonic')`. */
  clock?: ClockName | undefined
}

export type ClockName = 'realtime' | 'monotonic'

const TYPES = {
  normal: MUTEX_NORMAL,
  recursive: MUTEX_RECURSIVE,
  errorcheck: MUTEX_ERRORCHECK,
} as const

const CLOCKS = { realtime: CLOCK_REALTIME, monotonic: CLOCK_MONOTONIC } as const

/** => the kind of a mutex with these options. */
export function mutexKind(options: MutexOptions | undefined): number {
  const { type = 'normal', robust } = checkObject<MutexOptions>('options', options)
  return (
    oneOf('options.type', TYPES, type) | (checkBoolean('options.robust', robust) ? MUTEX_ROBUST : 0)
  )
}

/** => the kind of a condition with these options. */
export function conditionKind(options: ConditionOptions | undefined): number {
  const { clock = 'realtime' } = checkObject<ConditionOptions>('options', options)
  return clockOf('options.clock', clock)
}

function oneOf(name: string, values: Readonly<Record<string, number>>, value: unknown): number {
  const rule = `one of '${Object.keys(values).join("', '")}'`
  if (typeof value !== 'string') throw wrongType(name, rule, value)
  if (!Object.hasOwn(values, value)) throw outOfRange(name, rule, value)
  return values[value] as number
}

/** => CLOCK_* of a clock's name. */
export function clockOf(name: string, value: unknown): number {
  return oneOf(name, CLOCKS, value)
}
