/* Exported by each program: it expects what POSIX says where WASI says another thing, SIGPIPE before EPIPE. */
const char __isopage_posix = 1;
