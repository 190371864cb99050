/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a test and the image of pico_test's processes share: a slot for each
 * thread, through which the test has it do one thing after the other.
 */
#ifndef PROVIDER_SHARED_H
#define PROVIDER_SHARED_H

#include "pico_test.h"

enum slot_operation {
	SLOT_CALL,	/* result = system call args[0], arguments args[1..6] */
	SLOT_INT80,	/* the same through int $0x80, 32 bits of each */
	SLOT_SPIN,	/* count until stop is set */
	SLOT_CALLS,	/* the call again and again until stop is set; results
			 * other than the first are counted in errors
			 */
	SLOT_REGISTERS,	/* load registers and vectors, spin, store them; while
			 * nested is set, with an ud2 in each round
			 */
	SLOT_READ,	/* result = what is at args[0] */
	SLOT_WRITE,	/* args[1] to args[0] */
	SLOT_FAULT,	/* enum slot_fault in args[0], handler faults args[1]
			 * times more
			 */
	SLOT_BASES,	/* result = fs base, args[0] = gs base */
	SLOT_SIGRETURN,	/* a native rt_sigreturn() with no frame; the thread
			 * goes on with the last slot
			 */
	SLOT_STEP,	/* a call with the trap flag set before it */
	SLOT_PKRU,	/* load args[0] into PKRU, spin, result = PKRU */
	SLOT_VECTORS,	/* load vectors, a call as SLOT_CALL, store them */
};

enum slot_fault {
	FAULT_UD2,		/* 2 bytes */
	FAULT_INT3,		/* ip is behind it */
	FAULT_DIVIDE,		/* 2 bytes */
	FAULT_READ,		/* of address 16: 8 bytes */
	FAULT_WRITE,		/* to address 24: 8 bytes */
	FAULT_PRIVILEGED,	/* hlt: 1 byte */
	FAULT_JUMP,		/* to a hole */
	FAULT_X87,		/* a division by zero, seen by fwait: 1 byte */
	FAULT_PAST_EOF,		/* FAULT_MAPPED, read: 3 bytes */
	FAULT_SEGMENT,		/* FAULT_SELECTOR into ds: 2 bytes */
	FAULT_STACK,		/* FAULT_SELECTOR into ss: 2 bytes */
};

/* Where a test maps a file that is too short. */
#define FAULT_MAPPED	0x41000000UL

/* The first segment of the local table, which a test makes an absent one. */
#define FAULT_SELECTOR	7

/*
 * For SLOT_REGISTERS. The order of the general registers is the assembly's:
 * rax rbx rcx rdx rsi rdi rbp r8 .. r15; vectors are ymm0 .. ymm15.
 */
struct slot_registers {
	__u64 general[15];
	__u64 flags;
	__u64 x87;		/* a double */
	__u64 mxcsr;
	__u8 vectors[16][32];
};

struct slot {
	/* Written by the test, */
	__u32 request;		/* counts up, last */
	__u32 operation;	/* enum slot_operation */
	__u64 args[7];
	__u32 stop;
	__u32 fail;		/* the n-th allocation or copy of it; 0: none */
	/* and by the thread. */
	__u32 done;		/* the request that it has finished */
	__u32 started;		/* how often a thread entered with the slot */
	__u32 fail_left;	/* 0 if it failed; how many were missing */
	__u32 faults;		/* exceptions that came to the handler */
	__u64 fault[3];		/* the last one's ip, vector, address */
	__u64 result;
	__u64 counter;
	__u64 errors;
	__u64 entry_si;		/* rsi at its entry */
	__u64 nested;		/* faults that the handler still makes */
	__u64 has_avx;
	struct slot_registers in, out;
	/* For arguments by address. */
	__u8 scratch[16384];
} __attribute__((aligned(64)));

struct shared {
	struct slot slots[PICO_TEST_SLOTS];
};

_Static_assert(sizeof(struct shared) <= PICO_TEST_SHARED_SIZE, "");

/* Address of a field of slot @n inside the processes. */
#define SLOT_ADDRESS(n, field)						\
	(PICO_TEST_SHARED + (n) * sizeof(struct slot) +			\
	 __builtin_offsetof(struct slot, field))

#endif /* PROVIDER_SHARED_H */
