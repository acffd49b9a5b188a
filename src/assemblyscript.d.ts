/** The one AssemblyScript type in assembly/abi.ts, for tsc; asc brings its own. */
declare type u32 = number
