/**
 * What the kernel asks of its host besides files: a clock, randomness, and a way to leave by an exception.
 *
 * The file's name is the import module's. Each function is provided by `src/kernel.ts` to every instance.
 */

/** => milliseconds since 1970 (realtime = 1) or since an arbitrary start (0); fractions count. */
export declare function now(realtime: u32): f64

/** => 32 random bits. */
export declare function random(): u32

/** Throws in the host (in a guest's kernel entry it notes the failure and returns: the kernel traps): an invariant is broken. `code` is a PANIC_* number, `detail` a fact. Does not return. */
export declare function panicked(code: u32, detail: u32): void

/**
 * An access of a guest failed: `kind` is SIGSEGV, SIGBUS, SIGKILL (its process was ended), EWOULDBLOCK_PARK, or 0 (this thread was stopped). The host notes it and returns; the kernel then
 * traps, since a guest could catch a host's exception and go on.
 */
export declare function faulted(kind: i32, address: u32): void

/** The kernel lock's owner has not moved for the stall time: throws in the host, nothing was changed. It returns only with proof that `owner` is dead. */
export declare function stalled(owner: u32): void

/** Throws in the host: this thread was stopped or its slot was taken over; it may never enter again. Does not return. */
export declare function stopped(): void

/** Serves what other threads ask of the files this thread owns (the ring of pager.ts). Called in waits, without the lock. */
export declare function serve(): void
