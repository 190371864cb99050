// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The end of threads and of the process. What parents see of it is in wait.c.
 */
#include <libos.h>
#include <mm.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <trace.h>

#define PATIENCE	(2 * NSEC_PER_SEC)

/*
 * Mutexes in memory that others share are not left behind as they are, and
 * nobody is inside any more when they are free: the other threads end first.
 * One that the host does not let go is not waited for for ever.
 */
static void leave_mutexes(void)
{
	s64 end = clock_now(DK_CLOCK_MONOTONIC) + PATIENCE;
	struct dk_deadline deadline = { end / NSEC_PER_SEC,
					end % NSEC_PER_SEC };
	struct libos_thread *t;

	if (__atomic_load_n(&mm_shares, __ATOMIC_RELAXED))
		thread_end_others(&deadline);
	robust_list_walk(self());
	lock_acquire(&thread_lock);
	for (t = threads; t; t = t->next)
		robust_list_walk(t);
	lock_release(&thread_lock);
}

/* @status is for the parent; @code for the host. */
static void __noreturn end(u32 status, int code)
{
	static u32 ending; /* its number: a copy made meanwhile does not end */

	/* Of several threads, one; it waits for the others. */
	if (__atomic_exchange_n(&ending, process.pid, __ATOMIC_SEQ_CST) ==
	    process.pid) {
		robust_list_walk(self());
		signal_detach(self());
		thread_exit();
	}
	leave_mutexes();
	fs_exit();
	if (trace_calls)
		trace_end(status);
	trace_exit();
	entry_end(status);
	for (;;)
		DkProcessExit(code);
}

void process_exit(int code)
{
	if (self()->vfork)
		vfork_end((code & 0xff) << 8);
	end((code & 0xff) << 8, code & 0xff);
}

/* The monitor has one number: 128 + signal, as a shell would say it. */
void process_kill(int signal)
{
	if (self()->vfork)
		vfork_end(signal);
	end(signal, 128 + signal);
}

SYSCALL1(exit_group, int, code)
{
	process_exit(code);
}

/*
 * thread_leave() - the calling thread ends
 *
 * As in Linux, its mutexes first, then its memory is given back (the word at
 * which pthread_join waits), and the process ends with the last of its
 * threads, with the code of the first.
 */
void thread_leave(int code)
{
	struct libos_thread *t = self();
	static int first_code;
	u32 zero = 0;
	bool last;

	if (t->vfork)
		vfork_end((code & 0xff) << 8);
	if (t->tid == process.pid)
		first_code = code;
	robust_list_walk(t);
	lock_acquire(&thread_lock);
	last = !--thread_count;
	lock_release(&thread_lock);
	if (last)
		process_exit(first_code);
	signal_detach(t);
	fs_unshare(t);
	if (t->clear_child_tid) {
		u32 *word = (u32 *)t->clear_child_tid;

		if (!user_put(zero, word))
			DkxAddressWake(word, DK_ADDRESS_WAKE, 1, 0, NULL,
				       DK_ADDRESS_ALL_BITS);
	}
	thread_exit();
}

SYSCALL1(exit, int, code)
{
	thread_leave(code & 0xff);
}
