/**
 * Scripting the host of the specs (support/host.js). The file's name is the import module's. `op` is a WASI_* number of abi.ts.
 */

/** => ISOPAGE_SEED, 1 by default. */
export declare function seed(): u32

/** => how and where a guest was ended last (env.faulted). */
export declare function faultKind(): i32
export declare function faultAddress(): u32

/** Moves both clocks. */
export declare function passMs(ms: f64): void

/** Forgets all files, counts and plans. */
export declare function resetDisk(): void

/** Makes descriptor `fd` a file of `size` bytes, keeping its first ones. */
export declare function setSize(fd: i32, size: u32): void

export declare function sizeOf(fd: i32): u32

export declare function setByte(fd: i32, offset: u32, value: u32): void

export declare function byteAt(fd: i32, offset: u32): u32

/** After `after` more calls of `op`, the next `times` fail with `error`. */
export declare function failCalls(op: u32, after: u32, times: u32, error: u32): void

/** In the call of `op` after `after` more, one byte of memory is stored: what another thread may do meanwhile. */
export declare function pokeDuring(op: u32, after: u32, address: usize, value: u32): void

/** Reads and writes move at most so many bytes a call; 0: as many as asked. */
export declare function shorten(bytes: u32): void

/** => calls of `op` so far. */
export declare function callsOf(op: u32): u32
