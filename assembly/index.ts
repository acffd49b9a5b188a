/**
 * The system-call table: every export of the kernel, and nothing else.
 *
 * Numbers arrive as i32 or f64 (offsets and lengths: what JavaScript counts with); an f64 that is no whole number in range becomes a value that every check
 * refuses. Results: >= 0, or -errno; addresses are read as u32.
 */
export * from './filecalls'
export * from './guestcalls'
export * from './ipccalls'
export * from './kernelcalls'
export * from './memorycalls'
export * from './pathcalls'
export * from './synccalls'
