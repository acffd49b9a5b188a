/* sys/file.h over wasi-libc's: flock works. */
#ifndef ISOPAGE_SYS_FILE_H
#define ISOPAGE_SYS_FILE_H

#include <fcntl.h>
#include_next <sys/file.h>

#endif
