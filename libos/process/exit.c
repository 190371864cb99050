// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The end of threads, of the process, and of others: there are none to wait
 * for.
 */
#include <libos.h>
#include <linux/wait.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <trace.h>

/* Mutexes in memory that others share are not left behind as they are. */
static void walk_all(void)
{
	struct libos_thread *t;

	robust_list_walk(self());
	lock_acquire(&thread_lock);
	for (t = threads; t; t = t->next)
		robust_list_walk(t);
	lock_release(&thread_lock);
}

void process_exit(int code)
{
	walk_all();
	fs_exit();
	trace_exit();
	for (;;)
		DkProcessExit(code & 0xff);
}

/* The monitor has one number: 128 + signal, as a shell would say it. */
void process_kill(int signal)
{
	process_exit(128 + signal);
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

	if (t->tid == process.pid)
		first_code = code;
	robust_list_walk(t);
	lock_acquire(&thread_lock);
	last = !--thread_count;
	lock_release(&thread_lock);
	if (last)
		process_exit(first_code);
	signal_detach(t);
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

SYSCALL4(wait4, int, pid __unused, int *, status __unused, int, options, void *,
	 usage __unused)
{
	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD |
			(int)__WCLONE | __WALL))
		return -EINVAL;
	return -ECHILD;
}

SYSCALL5(waitid, int, type __unused, int, id __unused, void *, info __unused,
	 int, options, void *, usage __unused)
{
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	return -ECHILD;
}
