/* sys/user.h: programs take it for the size of a page, which is the kernel's. */
#ifndef ISOPAGE_SYS_USER_H
#define ISOPAGE_SYS_USER_H

#include <unistd.h>

#define PAGE_SIZE ((unsigned long)getpagesize())
#define PAGE_MASK (~(PAGE_SIZE - 1))

#endif
