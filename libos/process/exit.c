// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The end of the process, and of others: there are none to wait for.
 */
#include <libos.h>
#include <linux/wait.h>
#include <trace.h>

void process_exit(int code)
{
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

SYSCALL1(exit, int, code)
{
	process_exit(code); /* the only thread */
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
