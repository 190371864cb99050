/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Threads: making them, and the registers that only they have. */
#ifndef LIBOS_THREAD_H
#define LIBOS_THREAD_H

#include <libos.h>

/* A thread block with its stacks; not yet known to the host. NULL: no memory */
struct libos_thread *thread_alloc(void);
/* Make @t the calling thread's: %gs, and where its system calls go. */
void thread_attach(struct libos_thread *t);

/*
 * The program's thread pointer, written without entering the host. Programs
 * of this libos cannot have %gs: it is how the libos finds its own.
 */
static inline u64 fs_base_get(void)
{
	u64 base;

	asm volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline void fs_base_set(u64 base)
{
	asm volatile("wrfsbase %0" : : "r"(base) : "memory");
}

static inline void gs_base_set(u64 base)
{
	asm volatile("wrgsbase %0" : : "r"(base) : "memory");
}

#endif /* LIBOS_THREAD_H */
