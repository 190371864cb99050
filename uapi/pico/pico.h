/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/pico: how an unmarked process asks for picoprocesses.
 *
 * Open /dev/pico, bind the open file to a provider by name, configure it with
 * that provider's own ioctls, take a ticket, and execve() a file that starts
 * with PICO_EXEC_MAGIC: the caller then becomes the picoprocess. Every open
 * file is one host object of its provider (for Drawbridge: one sandbox); when
 * the last reference to the file goes, the picoprocesses made from it are
 * killed.
 */
#ifndef _UAPI_PICO_PICO_H
#define _UAPI_PICO_PICO_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PICO_DEVICE		"/dev/pico"
#define PICO_IOC_VERSION	1

#define PICO_NAME_LEN		32	/* with its terminating zero */

/* The first eight bytes of a file whose execution redeems a ticket. */
#define PICO_EXEC_MAGIC		"\177PICOEXE"
#define PICO_EXEC_MAGIC_LEN	8

/**
 * struct pico_ioc_info - what PICO_IOC_INFO reports
 * @version:	PICO_IOC_VERSION of the running module
 * @flags:	none defined, zero
 * @provider:	name of the provider the file is bound to, or empty
 */
struct pico_ioc_info {
	__u32	version;
	__u32	flags;
	__u8	provider[PICO_NAME_LEN];
};

/**
 * struct pico_ioc_bind - argument of PICO_IOC_BIND
 * @provider:	name, zero-terminated and zero-padded
 *
 * Errors: EINVAL (name not terminated), EBUSY (bound already), ENOENT (no
 * such provider), ENOMEM, or what the provider's open callback returns.
 */
struct pico_ioc_bind {
	__u8	provider[PICO_NAME_LEN];
};

#define PICO_IOC_MAGIC		0xdb
#define PICO_IOC_INFO		_IOR(PICO_IOC_MAGIC, 0x00, struct pico_ioc_info)
#define PICO_IOC_BIND		_IOW(PICO_IOC_MAGIC, 0x01, struct pico_ioc_bind)
/*
 * Grant the calling thread a ticket: its next execve() of a file with
 * PICO_EXEC_MAGIC makes it a picoprocess of the bound provider. A ticket is
 * used up by that execve(), whether it succeeds or not; it is replaced by a
 * new one and lost when the thread exits. Errors: EINVAL (not bound), ENOMEM.
 */
#define PICO_IOC_TICKET		_IO(PICO_IOC_MAGIC, 0x02)

/**
 * struct pico_ioc_terminate - argument of PICO_IOC_TERMINATE
 * @pid:	a picoprocess of the bound host, as the caller's pid namespace
 *		numbers it
 * @status:	how it shall seem to have ended, as wait(2) has it: exit code
 *		shifted left by 8, or a signal's number
 *
 * The provider may see to it itself; otherwise the process ends at once.
 * Errors: EINVAL (not bound, not such a status), ESRCH (no such process, or
 * of another host).
 */
struct pico_ioc_terminate {
	__s32	pid;
	__s32	status;
};

#define PICO_IOC_TERMINATE \
	_IOW(PICO_IOC_MAGIC, 0x03, struct pico_ioc_terminate)

/* Numbers from here on belong to the provider. */
#define PICO_IOC_PROVIDER	0x40

#endif /* _UAPI_PICO_PICO_H */
