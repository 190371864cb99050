/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The sample providers "filter" and "foreign": their ioctls on a file of
 * /dev/pico that is bound to them.
 */
#ifndef _UAPI_PICO_SAMPLES_H
#define _UAPI_PICO_SAMPLES_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include "pico.h"

#define PICO_SAMPLE_STRINGS_MAX	0x20000		/* bytes */

/**
 * struct pico_sample_program - the program of the first picoprocess
 * @file:	descriptor of a static ELF64 file, open for reading
 * @argument_count: at least one
 * @environment_count: .
 * @strings_length: of all strings together
 * @strings:	address of the arguments, then the environment, each string
 *		with its terminating zero
 *
 * The process has the descriptors 0, 1 and 2 of the thread that executes, and
 * no other. A new program replaces one that was not executed yet.
 *
 * Errors: EBADF, EACCES (not a regular file, or may not be executed), EINVAL
 * (strings), ENOEXEC (not such a program), ENOMEM (also: too large), EFAULT.
 */
struct pico_sample_program {
	__s32	file;
	__u32	argument_count;
	__u32	environment_count;
	__u32	strings_length;
	__u64	strings;
};

#define PICO_SAMPLE_IOC_PROGRAM \
	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER, struct pico_sample_program)

/* ---- filter ---- */

#define PICO_FILTER_CALLS	512		/* numbers below it have rules */
#define PICO_FILTER_ALL		0xffffffff	/* the default rule's number */

/* What becomes of a call. */
#define PICO_FILTER_DEFAULT	0	/* what the default rule says */
#define PICO_FILTER_ALLOW	1	/* it is made; the default's default */
#define PICO_FILTER_DENY	2	/* it fails with the errno in value */
#define PICO_FILTER_ANSWER	3	/* not made, its result is value */
#define PICO_FILTER_NUMBER	4	/* the call numbered value is made */
/* Beside one of them: write a record. */
#define PICO_FILTER_LOG		0x100

/**
 * struct pico_filter_rule - argument of PICO_FILTER_IOC_RULE
 * @number:	native number of the call, or PICO_FILTER_ALL
 * @action:	PICO_FILTER_*
 * @value:	see there; else zero
 *
 * Replaces the earlier rule for the number. Errors: EINVAL, EFAULT, EBUSY (a
 * process was made: rules are final then).
 */
struct pico_filter_rule {
	__u32	number;
	__u32	action;
	__s64	value;
};

/**
 * struct pico_filter_record - a call that was logged
 * @tid:	of the thread, in the pid namespace of who opened the file
 * @action:	what became of it, without PICO_FILTER_LOG
 * @number:	of the call
 * @arguments:	.
 */
struct pico_filter_record {
	__u32	tid;
	__u32	action;
	__u64	number;
	__u64	arguments[6];
};

/**
 * struct pico_filter_read - argument of PICO_FILTER_IOC_READ
 * @records:	address for struct pico_filter_record
 * @count:	in: room for how many, at least one; out: how many there are
 * @reserved:	zero
 * @lost:	out: how many found no room in the log so far
 *
 * Takes the oldest records. Waits while there is none and a process lives;
 * @count is zero when the last one has ended. Errors: EINVAL, EFAULT, EINTR.
 */
struct pico_filter_read {
	__u64	records;
	__u32	count;
	__u32	reserved;
	__u64	lost;
};

#define PICO_FILTER_IOC_RULE \
	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 1, struct pico_filter_rule)
#define PICO_FILTER_IOC_READ \
	_IOWR(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 2, struct pico_filter_read)

#endif /* _UAPI_PICO_SAMPLES_H */
