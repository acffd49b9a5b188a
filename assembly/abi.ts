/**
 * Every number that the kernel, the host and C guests share, each stated once. A flat list of `u32`
 * constants and nothing else: asc, tsc and vitest all read this file as it is.
 */

/** Version of the layouts and calls below; a kernel memory made by another version is refused. */
export const ABI_VERSION: u32 = 1
