/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * pico_test.ko: a provider without a will of its own. What its callbacks do
 * and which services it calls is said by the tests, through the ioctls below;
 * what its processes do is said by them too, through memory that both share
 * (selftests/images/provider.c).
 *
 * This header is for the module, the tests and the image.
 */
#ifndef _PICO_TEST_H
#define _PICO_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PICO_TEST_PROVIDER	"pico_test"

/* Where things are in a process: the file that was executed, */
#define PICO_TEST_IMAGE		0x10000000UL
/* its entry, called with the number of a slot in rdi, */
#define PICO_TEST_ENTRY		(PICO_TEST_IMAGE + 8)
/* and where exceptions go: rdi, rsi, rdx are ip, vector and address; */
#define PICO_TEST_HANDLER	(PICO_TEST_IMAGE + 16)
/* a stack for every slot; */
#define PICO_TEST_STACKS	0x20000000UL
#define PICO_TEST_STACK_SIZE	0x10000UL
#define PICO_TEST_SLOTS		32
/* and the memory of PICO_TEST_IOC_MEMORY. */
#define PICO_TEST_SHARED	0x30000000UL
#define PICO_TEST_SHARED_SIZE	0x100000UL

/* The place of the registers in an array, as in struct user_regs_struct. */
enum pico_test_register {
	PICO_TEST_R15, PICO_TEST_R14, PICO_TEST_R13, PICO_TEST_R12,
	PICO_TEST_BP, PICO_TEST_BX, PICO_TEST_R11, PICO_TEST_R10,
	PICO_TEST_R9, PICO_TEST_R8, PICO_TEST_AX, PICO_TEST_CX,
	PICO_TEST_DX, PICO_TEST_SI, PICO_TEST_DI, PICO_TEST_ORIG_AX,
	PICO_TEST_IP, PICO_TEST_CS, PICO_TEST_FLAGS, PICO_TEST_SP,
	PICO_TEST_SS, PICO_TEST_FS_BASE, PICO_TEST_GS_BASE, PICO_TEST_DS,
	PICO_TEST_ES, PICO_TEST_FS, PICO_TEST_GS, PICO_TEST_REGISTERS,
};

/* ---- callbacks ---- */

enum pico_test_callback {
	PICO_TEST_OPEN,
	PICO_TEST_RELEASE,
	PICO_TEST_PREPARE,
	PICO_TEST_START,
	PICO_TEST_SYSTEM_CALL,
	PICO_TEST_EXCEPTION,
	PICO_TEST_CREATED,
	PICO_TEST_EXIT_THREAD,
	PICO_TEST_EXIT_PROCESS,
	PICO_TEST_TERMINATE,
	PICO_TEST_WALK,
	PICO_TEST_NAME,
	PICO_TEST_IOCTL,
	PICO_TEST_ENDED,
	PICO_TEST_APC,
	PICO_TEST_SIGNAL,
	PICO_TEST_GONE,
	PICO_TEST_CALLBACKS,
};

/* What struct pico_test_behaviour's result means for .dispatch_exception. */
enum pico_test_exception {
	PICO_TEST_UNHANDLED,		/* false */
	PICO_TEST_SKIP,			/* true, ip advanced by value */
	PICO_TEST_HANDLE,		/* true, on to PICO_TEST_HANDLER */
	PICO_TEST_END,			/* true, terminate_process(value) */
	PICO_TEST_SUSPEND_SELF,		/* true, skipped, and suspended */
};

/* ... and for .terminate_process. */
enum pico_test_terminate {
	PICO_TEST_REFUSE,		/* false */
	PICO_TEST_KEEP,			/* true, and nothing is done */
	PICO_TEST_REPLACE,		/* true, ended with value */
};

/* ... and for .exit_thread. */
enum pico_test_exit {
	PICO_TEST_EXIT_ALONE,		/* nothing is done */
	PICO_TEST_EXIT_ALL,		/* terminate_process(value) */
};

/* ... and for .native_call_ended. */
enum pico_test_ended {
	PICO_TEST_PASS_ON,		/* the native result */
	PICO_TEST_RETURN,		/* value */
	PICO_TEST_INTERRUPTED,		/* value for one that means "restart" */
};

/* ... and for .deliver_apc. */
enum pico_test_apc {
	PICO_TEST_UNUSED,		/* false */
	PICO_TEST_USED,			/* true, registers as they are */
	PICO_TEST_DIVERT,		/* true, on to PICO_TEST_HANDLER, with */
					/* ip, ax and value */
	PICO_TEST_QUEUE_AGAIN,		/* true, and queued once more; the next
					 * one is USED
					 */
	PICO_TEST_SUSPEND_APC,		/* true, and the thread is suspended */
};

/* ... and for .deliver_signal, of those with their bits in value (0: all). */
enum pico_test_signal {
	PICO_TEST_NOT_TAKEN,		/* false */
	PICO_TEST_TAKEN,		/* true */
	PICO_TEST_TAKEN_APC,		/* true, and an APC is queued */
};

/* ... and its value for .start_process: bits, for struct pico_start. */
#define PICO_TEST_SUSPENDED		(1U << 0)
#define PICO_TEST_KEEP_CHILDREN		(1U << 1)
#define PICO_TEST_NATIVE_SIGNALS	(1U << 2)
/* Strings at the lower end of the stacks: 64 bytes of each kind. */
#define PICO_TEST_ARGUMENTS		(1U << 3)
#define PICO_TEST_STRINGS		(PICO_TEST_STACKS + 0x200)

/* Stay inside until the flag is taken away again. */
#define PICO_TEST_GATE		(1U << 0)
/* ... or until a fatal signal comes. */
#define PICO_TEST_KILLABLE	(1U << 1)
/* Log this callback too (system calls are not logged otherwise). */
#define PICO_TEST_LOG		(1U << 2)
/* Of system calls: native numbers are forwarded, unchanged; or watched. */
#define PICO_TEST_NATIVE	(1U << 3)
#define PICO_TEST_NATIVE_WATCHED (1U << 4)

/**
 * struct pico_test_behaviour - what a callback does from now on
 * @callback:	enum pico_test_callback
 * @flags:	see above
 * @sleep_ms:	sleep so long, uninterruptibly, first
 * @reserved:	zero
 * @result:	.open, .prepare_process, .start_process: the error to return;
 *		.thread_created: what to return, if not 0; .walk_user_stack: how
 *		many addresses; .dispatch_exception, .terminate_process,
 *		.exit_thread, ...: enums
 * @value:	.start_process: bits, see above; .walk_user_stack: the first
 *		address; others as above
 *
 * All behaviours are back to zero when the last file of the module closes.
 */
struct pico_test_behaviour {
	__u32 callback;
	__u32 flags;
	__u32 sleep_ms;
	__u32 reserved;
	__s64 result;
	__u64 value;
};

/* What was true inside a callback. */
#define PICO_TEST_MAY_SLEEP	(1U << 0)
#define PICO_TEST_OWN		(1U << 1)	/* ran on the thread itself */
#define PICO_TEST_HAS_MM	(1U << 2)
#define PICO_TEST_FATAL		(1U << 3)	/* a fatal signal is pending */
#define PICO_TEST_EXITING	(1U << 4)

/**
 * struct pico_test_event - a callback was called
 * @sequence:	its place in the log
 * @callback:	enum pico_test_callback
 * @pid:	of the process concerned, or 0
 * @tid:	of the thread concerned, or 0
 * @caller:	tid of the thread that it ran on
 * @context:	what was true
 * @value:	.dispatch_system_call: number, three arguments;
 *		.dispatch_exception: vector, error code, address, signal;
 *		.thread_created: child's tid, error; .terminate_process: status;
 *		.start_process: ip, sp, arg0; .walk_user_stack: max;
 *		.native_call_ended: result, rdi, orig_ax; .deliver_apc: ip, ax,
 *		orig_ax, sp; .deliver_signal: number, code, sender, value;
 *		.process_gone: files that are not closed yet
 */
struct pico_test_event {
	__u32 sequence;
	__u32 callback;
	__s32 pid;
	__s32 tid;
	__s32 caller;
	__u32 context;
	__s64 value[4];
};

/* PICO_TEST_IOC_LOG: events from @first on; returns how many. */
struct pico_test_log {
	__u32 first;
	__u32 count;
	__u64 events;
};

/* ---- services ---- */

enum pico_test_service_number {
	PICO_TEST_DO_SUSPEND,
	PICO_TEST_DO_RESUME,
	PICO_TEST_DO_GET_CONTEXT,
	PICO_TEST_DO_SET_CONTEXT,
	PICO_TEST_DO_TERMINATE_THREAD,
	PICO_TEST_DO_TERMINATE_PROCESS,
	PICO_TEST_DO_DESCRIPTOR_BASE,
	PICO_TEST_DO_CONTAINER,		/* in a context that may not sleep */
	PICO_TEST_DO_CONTEXTS,		/* 0 if every way to them agrees */
	PICO_TEST_DO_EXTENDED_SIZE,	/* into extended_size */
	PICO_TEST_DO_APC,
	PICO_TEST_DO_LOOKUP,		/* -ENOENT: not a thread of slot @which */
};

/**
 * struct pico_test_service - a service, with its arguments
 * @service:	enum pico_test_service_number
 * @tid:	thread, in the caller's pid namespace; 0: the calling thread. A
 *		process' own calls reach any thread of its provider
 * @held:	not 0: a reference of PICO_TEST_IOC_HOLD in the thread's place
 * @result:	what the service returned
 * @previous:	for resume and suspend, in and out: passed by address, and
 * @flags:	PICO_TEST_NO_PREVIOUS: NULL is passed
 * @repeat:	call it that often more while it succeeds
 * @status:	for the two that terminate
 * @parts:	of the context
 * @extended_size: .
 * @which:	descriptor; type of container; slot of a provider
 * @container_flags: out
 * @id:		out
 * @extended:	user address; 0: NULL is passed
 * @base:	for the descriptor
 * @registers:	of the context
 */
struct pico_test_service {
	__u32 service;
	__s32 tid;
	__u32 held;
	__s32 result;
	__u32 previous;
	__u32 flags;
	__u32 repeat;
	__s32 status;
	__u32 parts;
	__u32 extended_size;
	__u32 which;
	__u32 container_flags;
	__u8 id[16];
	__u64 extended;
	__u64 base;
	__u64 registers[PICO_TEST_REGISTERS];
};

#define PICO_TEST_NO_PREVIOUS	(1U << 0)
#define PICO_TEST_LOCKED	(1U << 1)	/* under a spinlock */
#define PICO_TEST_IN_INTERRUPT	(1U << 2)	/* DO_CONTAINER, in a timer's */

#define PICO_TEST_WITHINS	8

enum pico_test_within_state {
	PICO_TEST_UNARMED,
	PICO_TEST_ARMED,
	PICO_TEST_BEGUN,
	PICO_TEST_ENDED_WITHIN,
};

/**
 * struct pico_test_within - a service that a thread calls inside a callback
 * @number:	of several, below PICO_TEST_WITHINS
 * @state:	PICO_TEST_ARMED has the thread do so, once, in the next such
 *		callback that runs on it, but for PICO_TEST_CALL_SLEEP; anything
 *		else asks how things stand
 * @callback:	enum pico_test_callback
 * @by:		tid of the thread
 * @service:	with its results, once the state is PICO_TEST_ENDED_WITHIN. Its
 *		user addresses are those of the thread.
 */
struct pico_test_within {
	__u32 number;
	__u32 state;
	__u32 callback;
	__s32 by;
	struct pico_test_service service;
};

/* ---- further providers ---- */

#define PICO_TEST_PROVIDERS	4

/* Bits behind those of enum pico_test_callback, for @without. */
#define PICO_TEST_WITHOUT_ROUTINES (1U << 28)	/* none at all: NULL, */
#define PICO_TEST_WITHOUT_SERVICES (1U << 29)	/* no place for these */
#define PICO_TEST_WITHOUT_NAME	(1U << 30)
#define PICO_TEST_WITHOUT_OWNER	(1U << 31)

/**
 * struct pico_test_registration - one more provider, with our callbacks
 * @slot:	its place, 1 to PICO_TEST_PROVIDERS - 1; 0 is the module's own
 * @without:	bits of enum pico_test_callback and above: left NULL
 * @size_off:	added to the size of the callbacks' structure
 * @services_off: and of the services'
 * @process_access: .
 * @thread_access: .
 * @subsystem_type: .
 * @filled:	out: 0: the services are as they were; 1: all there; else 2
 * @name:	.
 */
struct pico_test_registration {
	__u32 slot;
	__u32 without;
	__s32 size_off;
	__s32 services_off;
	__u32 process_access;
	__u32 thread_access;
	__u32 subsystem_type;
	__u32 filled;
	__u8 name[64];
};

/* ---- ioctls ---- */

#define PICO_TEST_IO(nr)	_IO(0xdb, 0x40 + (nr))
#define PICO_TEST_IOC_BEHAVE \
	_IOW(0xdb, 0x40, struct pico_test_behaviour)
#define PICO_TEST_IOC_LOG	_IOWR(0xdb, 0x41, struct pico_test_log)
#define PICO_TEST_IOC_CLEAR	PICO_TEST_IO(2)	/* the log */
/* ENOENT: there is no such thread (the service was not called). */
#define PICO_TEST_IOC_SERVICE	_IOWR(0xdb, 0x43, struct pico_test_service)
/*
 * Take a reference to the thread, of any of the module's providers, and to its
 * process; returns its number.
 */
#define PICO_TEST_IOC_HOLD	PICO_TEST_IO(4)	/* tid */
#define PICO_TEST_IOC_DROP	PICO_TEST_IO(5)	/* number */
#define PICO_TEST_IOC_MEMORY	PICO_TEST_IO(6)	/* fd: what the host shares */
#define PICO_TEST_IOC_SLOT	PICO_TEST_IO(7)	/* for the next process */
#define PICO_TEST_IOC_REGISTER \
	_IOWR(0xdb, 0x48, struct pico_test_registration)
#define PICO_TEST_IOC_UNREGISTER PICO_TEST_IO(9)	/* slot */
#define PICO_TEST_IOC_KICK	PICO_TEST_IO(10)	/* who is in BLOCK */
#define PICO_TEST_IOC_BLOCKED	PICO_TEST_IO(11)	/* how many are */
/* 15 bytes and a zero: what .get_process_image_name says. */
#define PICO_TEST_IOC_NAME	_IOW(0xdb, 0x4c, __u8[16])
#define PICO_TEST_IOC_WITHIN	_IOWR(0xdb, 0x4d, struct pico_test_within)

/* ---- system calls of the processes ---- */

enum pico_test_wait {
	PICO_TEST_INTERRUPTIBLY,
	PICO_TEST_KILLABLY,
	PICO_TEST_UNINTERRUPTIBLY,
};

enum pico_test_call {
	PICO_TEST_CALL_ECHO = 0x1000,	/* (x): x + 1 */
	PICO_TEST_CALL_SLEEP,		/* (ms, how): ms that were left */
	PICO_TEST_CALL_BLOCK,		/* (how): until kicked; 0 or -EINTR */
	PICO_TEST_CALL_SERVICE,		/* (struct pico_test_service *) */
	PICO_TEST_CALL_THREAD,		/* (struct pico_test_create *): tid */
	PICO_TEST_CALL_PROCESS,		/* (struct pico_test_create *): pid */
	PICO_TEST_CALL_FORWARD,		/* (number, five arguments) */
	PICO_TEST_CALL_FORWARD_TWICE,	/* the same; the second's error */
	PICO_TEST_CALL_REDIRECT,	/* (ip): to there, with rax 77 */
	PICO_TEST_CALL_TID,
	PICO_TEST_CALL_NOTHING,		/* (x): x, with FORWARD for nothing */
	PICO_TEST_CALL_WATCHED,		/* as FORWARD, watched */
	PICO_TEST_CALL_WATCHED_TWICE,	/* the same; the second's error */
	PICO_TEST_CALL_BLOCK_AGAIN,	/* (): as BLOCK, until it was kicked */
	/* (n): the n-th allocation or copy of the thread from here on fails; */
	PICO_TEST_CALL_FAIL,
	/* 0 if it did, else how many were missing; and then none fails. */
	PICO_TEST_CALL_FAILED,
};

enum pico_test_twice {
	PICO_TEST_ONCE,
	PICO_TEST_TWICE,	/* the service is called again */
	PICO_TEST_THEN_CALL,	/* of threads: getpid is put in place after it */
	PICO_TEST_AFTER_CALL,	/* of threads: getpid is in place before it */
};

/**
 * struct pico_test_create - a thread or a process for one of the calls
 * @registers:	.
 * @thread_flags: .
 * @process_flags: .
 * @exit_signal: .
 * @uid:	of new credentials; all ones: the caller's own
 * @resume:	.thread_created() resumes the thread so often
 * @twice:	enum pico_test_twice; @second gets the second result
 * @second:	.
 * @of:		0, or a tid: have that thread create it, which no provider can
 */
struct pico_test_create {
	__u64 registers[PICO_TEST_REGISTERS];
	__u32 thread_flags;
	__u32 process_flags;
	__s32 exit_signal;
	__u32 uid;
	__u32 resume;
	__u32 twice;
	__s32 second;
	__s32 of;
};

#endif /* _PICO_TEST_H */
