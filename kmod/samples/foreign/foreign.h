/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pico_foreign.ko: a provider for programs of FreeBSD/amd64. See
 * Documentation/samples/foreign.rst.
 */
#ifndef _SAMPLES_FOREIGN_H
#define _SAMPLES_FOREIGN_H

#include <linux/types.h>

struct kstat;
struct pt_regs;

#define FOREIGN_CALLS		576	/* numbers are below it */

/* FreeBSD's struct stat, since FreeBSD 12. */
struct foreign_timespec {
	s64 seconds;
	s64 nanoseconds;
};

struct foreign_stat {
	u64 dev;
	u64 ino;
	u64 nlink;
	u16 mode;
	u16 padding0;
	u32 uid;
	u32 gid;
	u32 padding1;
	u64 rdev;
	struct foreign_timespec atime;
	struct foreign_timespec mtime;
	struct foreign_timespec ctime;
	struct foreign_timespec birthtime;
	s64 size;
	s64 blocks;
	s32 blksize;
	u32 flags;
	u64 gen;
	u64 spare[10];
};

/*
 * A call: a result, or a negative errno of Linux. -ERESTARTSYS: a signal came
 * first, and if the process outlives it, the call is made again.
 */
typedef long (*foreign_call_t)(const struct pt_regs *regs);

extern const foreign_call_t foreign_calls[FOREIGN_CALLS];

/* translate.c */
int foreign_errno(int error);
int foreign_signal(int signal);
int foreign_open_flags(unsigned long flags);
int foreign_map_flags(unsigned long flags);
void foreign_stat_fill(struct foreign_stat *to, const struct kstat *from);

#endif /* _SAMPLES_FOREIGN_H */
