/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * struct fd_table: what one or more threads share. See table.c.
 */
#ifndef _LIBOS_FS_TABLE_H
#define _LIBOS_FS_TABLE_H

#define FD_FIRST 64U /* slots of the first two segments */
#define FD_SEGMENTS 15
#define FD_MAX (FD_FIRST << (FD_SEGMENTS - 1)) /* 1048576 */

#define LIMIT_NOFILE 7 /* RLIMIT_NOFILE */

/*
 * @lowest_free: no free number is below it; under @lock
 * @end:	 no number at or above it was ever used
 */
struct fd_table {
	u32 refs;
	struct lock lock;
	unsigned int lowest_free;
	unsigned int end;
	uintptr_t first[FD_FIRST];
	uintptr_t *segments[FD_SEGMENTS]; /* [0] is not used */
};

struct fd_table *fd_table_new(void);

#endif /* _LIBOS_FS_TABLE_H */
