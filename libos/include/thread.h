/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Threads: making and ending them, and the registers that only they have.
 *
 *	thread_new()		a block with its stacks, one reference: its own
 *	thread_start()		the host runs it; it is in the list from before
 *	thread_exit()		out of the list; the host's thread ends
 *	(reaped)		what it ran on is freed by another thread, later
 *
 * A thread cannot free the stacks it runs on. It leaves itself in a list of
 * those that are ending; whoever makes or ends a thread next frees the ones
 * of which the host's handle says that they are gone.
 *
 * thread_lock guards the list and the names. Whoever found a thread there may
 * hold a reference to it: the block stays, and so does its handle, but nothing
 * says that the thread still runs.
 */
#ifndef LIBOS_THREAD_H
#define LIBOS_THREAD_H

#include <libos.h>

extern struct lock thread_lock;
extern struct libos_thread *threads;	/* all of the program; thread_lock */
extern u32 thread_count;		/* their number; thread_lock */

/* The very first, before there is a heap. */
void thread_bootstrap(void);
/* Not yet known to the host; not in the list. NULL: no memory */
struct libos_thread *thread_new(void);
/* Make @t the calling thread's: %gs, and where its system calls go. */
void thread_attach(struct libos_thread *t);
/* Enter it into the list, as one of the program's. */
void thread_enter(struct libos_thread *t);

/*
 * thread_start() - let @t run
 *
 * @t is in the list, or a helper; the caller's reference becomes the new
 * thread's. It begins at @context, with the caller's vector state and %fs at
 * @fs_base, or in @helper on its own stack; helpers never return. 0, -EAGAIN,
 * -ENOMEM: then @t is in no list any more, and freed.
 */
long thread_start(struct libos_thread *t, const struct dk_context *context,
		  u64 fs_base);
long thread_start_helper(void (*helper)(void));

/* End the calling thread. Not the last one: that is process_exit(). */
void __noreturn thread_exit(void);

/* By number: referenced, or NULL. thread_put(NULL) is fine. */
struct libos_thread *thread_find(u32 tid);
static inline struct libos_thread *thread_get(struct libos_thread *t)
{
	__atomic_add_fetch(&t->refs, 1, __ATOMIC_RELAXED);
	return t;
}
void thread_put(struct libos_thread *t);

/* fork, in the child: the others are not there. Before world_start(). */
void thread_forked(void);
/*
 * execve, and the end of the process: end all others and wait until they are
 * gone, at most until @deadline, which may be NULL. -EINTR: another thread does
 * so, and the caller is itself to end.
 */
long thread_end_others(struct dk_deadline *deadline);

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
