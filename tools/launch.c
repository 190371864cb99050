// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The first process: its start, its signals, its end.
 *
 * A picoprocess begins as a child of this process, which takes a ticket and
 * executes a file that holds nothing but PICO_EXEC_MAGIC. It is an ordinary
 * child otherwise, in the same session and process group: what the terminal
 * sends to the group reaches it without our help, and we take no notice. What
 * somebody sends to this process alone is passed on, so that whoever started
 * picoexec can treat it as if it were the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "picoexec.h"

/* New in Linux 6.3, where a system may ask for it. */
#ifndef MFD_EXEC
#define MFD_EXEC	0x0010U
#endif

static const int passed_on[] = {
	SIGHUP,	 SIGINT,  SIGQUIT, SIGUSR1, SIGUSR2,
	SIGTERM, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU,
};

/* What the child must have back before it executes anything. */
struct signals {
	sigset_t mask;
	struct sigaction child;
};

/* Why the child could not become a picoprocess. */
struct report {
	enum { STEP_PRIVILEGES, STEP_TICKET, STEP_EXEC } step;
	int error;
};

static int make_magic_file(void)
{
	int fd = memfd_create("pico", MFD_CLOEXEC | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("pico", MFD_CLOEXEC);
	if (fd < 0)
		fail(EXIT_OWN_FAILURE,
		     "cannot make an executable file in memory: %s%s",
		     strerror(errno),
		     errno == EACCES ?
			     "; sysctl vm.memfd_noexec must be less than 2" :
			     "");
	if (write(fd, PICO_EXEC_MAGIC, PICO_EXEC_MAGIC_LEN) !=
	    PICO_EXEC_MAGIC_LEN)
		fail(EXIT_OWN_FAILURE, "cannot write a file in memory: %s",
		     strerror(errno));
	return fd;
}

/* From here on signals are only taken by wait_for_end(). */
static sigset_t hold_signals(struct signals *old)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, &old->mask);

	/* Somebody may have left it ignored: there would be nothing to wait for. */
	sigaction(SIGCHLD, &action, &old->child);
	return set;
}

static void become_picoprocess(const struct sandbox *sandbox, int file,
			       const char *name, const struct signals *signals,
			       int report_fd)
{
	char *const argv[] = { (char *)name, NULL };
	char *const envp[] = { NULL };
	struct report report;

	sigaction(SIGCHLD, &signals->child, NULL);
	sigprocmask(SIG_SETMASK, &signals->mask, NULL);

	/* Files that picoexec was started with, the shell's perhaps. */
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);

	report.step = STEP_PRIVILEGES;
	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		report.step = STEP_TICKET;
		if (!ioctl(sandbox->device, PICO_IOC_TICKET)) {
			report.step = STEP_EXEC;
			execveat(file, "", argv, envp, AT_EMPTY_PATH);
		}
	}

	report.error = errno;
	if (write(report_fd, &report, sizeof(report)) < 0)
		_exit(EXIT_OWN_FAILURE);
	_exit(EXIT_OWN_FAILURE);
}

static void fail_start(const struct report *report)
{
	switch (report->step) {
	case STEP_PRIVILEGES:
		fail(EXIT_OWN_FAILURE, "cannot give up gaining privileges: %s",
		     strerror(report->error));
	case STEP_TICKET:
		fail(EXIT_OWN_FAILURE,
		     "cannot take a ticket from " PICO_DEVICE ": %s",
		     strerror(report->error));
	case STEP_EXEC:
		break;
	}
	if (report->error == EOPNOTSUPP)
		fail(EXIT_OWN_FAILURE,
		     "this machine lacks the FSGSBASE instructions, which picoprocesses need; see grep fsgsbase /proc/cpuinfo, and nofsgsbase in /proc/cmdline");
	if (report->error == ELIBBAD)
		fail(EXIT_OWN_FAILURE,
		     "the image is no static x86-64 program for the Drawbridge ABI; link it against libpal with -static-pie");
	fail(EXIT_OWN_FAILURE,
	     "cannot start the picoprocess: %s; dmesg may say more",
	     strerror(report->error));
}

/* Stopped as one: our own stop is what the shell sees. */
static void stop_with(pid_t child)
{
	raise(SIGSTOP);
	kill(child, SIGCONT);
}

static int wait_for_end(const struct sandbox *sandbox, pid_t child,
			const sigset_t *set, bool debug)
{
	const struct timespec interval = { .tv_nsec = 100 * 1000 * 1000 };

	for (;;) {
		siginfo_t info;
		int status, sig;

		sig = sigtimedwait(set, &info, debug ? &interval : NULL);
		if (debug)
			sandbox_print_debug(sandbox);
		if (sig == SIGCHLD) {
			while (waitpid(child, &status, WUNTRACED | WNOHANG) ==
			       child) {
				if (!WIFSTOPPED(status))
					return status;
				stop_with(child);
			}
		} else if (sig > 0 && info.si_code != SI_KERNEL) {
			kill(child, sig);
		}
	}
}

int launch(const struct sandbox *sandbox, const char *name, bool debug)
{
	struct signals signals;
	struct report report;
	int file, pipes[2];
	sigset_t set;
	ssize_t got;
	pid_t child;
	int status;

	file = make_magic_file();
	if (pipe2(pipes, O_CLOEXEC))
		fail(EXIT_OWN_FAILURE, "cannot make a pipe: %s",
		     strerror(errno));

	set = hold_signals(&signals);
	child = fork();
	if (child < 0)
		fail(EXIT_OWN_FAILURE, "cannot fork: %s", strerror(errno));
	if (!child)
		become_picoprocess(sandbox, file, name, &signals, pipes[1]);

	close(file);
	close(pipes[1]);
	got = read(pipes[0], &report, sizeof(report));
	close(pipes[0]);

	status = wait_for_end(sandbox, child, &set, debug);
	if (got == sizeof(report))
		fail_start(&report);
	return status;
}
