/** What the linker says of functions that guests do not have, in words. */

/** By reason: names that headers declare and nobody defines. */
const ABSENT: ReadonlyArray<readonly [string, readonly string[]]> = [
  ['a guest cannot fork', ['fork', 'vfork', 'daemon', 'pthread_atfork']],
  [
    'a guest cannot run another program in its place',
    [
      'execve',
      'execv',
      'execle',
      'execl',
      'execvp',
      'execlp',
      'execvpe',
      'fexecve',
      'system',
      'popen',
      'pclose',
      'posix_spawn',
    ],
  ],
  [
    'signals do what their default action says; none goes to a function, is blocked or waited for',
    [
      'signal',
      'sigaction',
      'sigprocmask',
      'sigsuspend',
      'sigpending',
      'sigwait',
      'sigwaitinfo',
      'sigtimedwait',
      'sigqueue',
      'sighold',
      'sigrelse',
      'sigignore',
      'sigpause',
      'sigset',
      'siginterrupt',
      'pthread_sigmask',
      'pthread_kill',
      'killpg',
    ],
  ],
  [
    'a guest has one thread',
    [
      'pthread_create',
      'pthread_join',
      'pthread_detach',
      'pthread_cancel',
      'pthread_exit',
      'thrd_create',
    ],
  ],
  [
    'there are no timers that send signals',
    ['alarm', 'ualarm', 'getitimer', 'setitimer', 'timer_create', 'timer_settime', 'timer_delete'],
  ],
  [
    'there are no sessions and process groups',
    ['setsid', 'getsid', 'setpgid', 'getpgid', 'getpgrp', 'setpgrp', 'tcgetpgrp', 'tcsetpgrp'],
  ],
  ['there are no system calls by number', ['syscall']],
]

const REASONS = new Map(ABSENT.flatMap(([reason, names]) => names.map((name) => [name, reason])))

/** What absent.c of the library leans on. */
const MARK = /isopage_has_no_/g
const UNDEFINED = /undefined symbol: (\S+)/g

/** Diagnostics with the reason behind each function that guests do not have. */
export function explain(messages: string): string {
  const text = messages.replace(MARK, '')
  const named = new Set([...text.matchAll(UNDEFINED)].map(([, name]) => name as string))
  const notes = [...named].flatMap((name) => {
    const reason = REASONS.get(name)
    return reason === undefined ? [] : [`isopage: ${name} does not link: ${reason}\n`]
  })
  return text + notes.join('')
}
