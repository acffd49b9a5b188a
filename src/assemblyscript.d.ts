/** The AssemblyScript types in assembly/abi.ts, for tsc; asc brings its own. */
declare type u32 = number
declare type i32 = number
declare type u64 = number
