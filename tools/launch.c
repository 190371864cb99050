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
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
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

/*
 * What the child needs to become a picoprocess. @mask and @action of SIGCHLD
 * are those that picoexec was started with.
 */
struct birth {
	const struct sandbox *sandbox;
	const struct wall *wall;
	const char *name;
	int file, report;
	sigset_t mask;
	struct sigaction action;
};

/*
 * What picoexec does meanwhile.
 * @grace:	seconds between SIGTERM and the end, negative: no end
 * @kill_at:	when that end is, or 0
 */
struct watch {
	const struct sandbox *sandbox;
	struct learn *learn;
	struct resolver resolver;
	pid_t child; /* 0: it has ended */
	int signals;
	int grace;
	time_t kill_at;
	bool debug;
	bool wait_all;
};

#define OTHERS_PERIOD 100 /* ms between two looks whether others are left */

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

/* From here on signals are only taken by take_signals(). */
static sigset_t hold_signals(struct birth *birth)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(&set, passed_on[i]);
	sigprocmask(SIG_BLOCK, &set, &birth->mask);

	/* Somebody may have left it ignored: there would be nothing to wait for. */
	sigaction(SIGCHLD, &action, &birth->action);
	return set;
}

static void become_picoprocess(void *argument)
{
	const struct birth *birth = argument;
	char *const argv[] = { (char *)birth->name, NULL };
	char *const envp[] = { NULL };
	struct report report;

	sigaction(SIGCHLD, &birth->action, NULL);
	sigprocmask(SIG_SETMASK, &birth->mask, NULL);

	/* Files that picoexec was started with, the shell's perhaps. */
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);

	report.step = STEP_PRIVILEGES;
	if (!wall_give_up(birth->wall)) {
		report.step = STEP_TICKET;
		if (!ioctl(birth->sandbox->device, PICO_IOC_TICKET)) {
			report.step = STEP_EXEC;
			execveat(birth->file, "", argv, envp, AT_EMPTY_PATH);
		}
	}

	report.error = errno;
	if (write(birth->report, &report, sizeof(report)) < 0)
		_exit(EXIT_OWN_FAILURE);
	_exit(EXIT_OWN_FAILURE);
}

static void fail_start(const struct report *report)
{
	switch (report->step) {
	case STEP_PRIVILEGES:
		fail(EXIT_OWN_FAILURE, "cannot give up privileges: %s",
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

/* A signal for picoexec alone, from somebody outside of the sandbox. */
static void pass_on(struct watch *watch, int sig)
{
	if (sig == SIGTERM && watch->grace >= 0 && !watch->kill_at)
		watch->kill_at = time(NULL) + watch->grace + 1;
	/* Who has asked to be told in another way is told so alone. */
	if (sig == SIGTERM &&
	    ioctl(watch->sandbox->device, DRAWBRIDGE_IOC_ABORT) > 0)
		return;
	kill(watch->child, sig);
}

/*
 * The first process has ended, and with it who signals would be passed on to. The
 * others have had those of the terminal.
 */
static void signal_others(const struct watch *watch, int sig, bool terminal)
{
	switch (sig) {
	case SIGTSTP:
		raise(SIGSTOP);
		break;
	case SIGHUP:
	case SIGINT:
	case SIGQUIT:
	case SIGTERM:
		if (!terminal)
			sandbox_kill(watch->sandbox);
	}
}

/* True when the first process has ended: *@status is how. */
static bool take_signals(struct watch *watch, int *status)
{
	struct signalfd_siginfo info;

	while (read(watch->signals, &info, sizeof(info)) == sizeof(info)) {
		if (!watch->child) {
			signal_others(watch, info.ssi_signo,
				      info.ssi_code == SI_KERNEL);
			continue;
		}
		if (info.ssi_signo != SIGCHLD) {
			if (info.ssi_code != SI_KERNEL)
				pass_on(watch, info.ssi_signo);
			continue;
		}
		while (waitpid(watch->child, status, WUNTRACED | WNOHANG) ==
		       watch->child) {
			if (!WIFSTOPPED(*status))
				return true;
			stop_with(watch->child);
		}
	}
	return false;
}

/* The monitor's work, until all is over; the first process' status. */
static int watch_sandbox(struct watch *watch)
{
	const struct sandbox *sandbox = watch->sandbox;
	struct pollfd polls[2 + RESOLUTIONS_MAX];
	uint64_t count;
	bool ended;
	int status, timeout;

	do {
		size_t others;
		bool waits;

		polls[0] = (struct pollfd){ .fd = watch->signals,
					    .events = POLLIN };
		polls[1] = (struct pollfd){ .fd = sandbox->event,
					    .events = POLLIN };
		others = resolver_poll(&watch->resolver, polls + 2);
		waits = others || watch->kill_at;
		timeout = watch->child ? (waits ? 1000 : -1) : OTHERS_PERIOD;
		if (poll(polls, 2 + others, timeout) < 0 && errno != EINTR)
			fail(EXIT_OWN_FAILURE, "poll: %s", strerror(errno));

		if (take_signals(watch, &status))
			watch->child = 0;
		ended = !watch->child &&
			!(watch->wait_all && sandbox_has_processes(sandbox));
		if (read(sandbox->event, &count, sizeof(count)) > 0)
			resolver_take(&watch->resolver, sandbox);
		resolver_answer(&watch->resolver, sandbox);
		if (watch->learn)
			learn_take(watch->learn, sandbox);
		if (watch->debug)
			sandbox_print_debug(sandbox);
		if (watch->kill_at && time(NULL) >= watch->kill_at) {
			watch->kill_at = 0;
			watch->grace = -1;
			sandbox_kill(sandbox);
		}
	} while (!ended);
	resolver_close(&watch->resolver);
	return status;
}

static pid_t make_child(struct birth *birth, struct wall *wall, bool build)
{
	if (!build || !wall_build(wall, become_picoprocess, birth)) {
		wall->child = fork();
		if (wall->child < 0)
			fail(EXIT_OWN_FAILURE, "cannot fork: %s",
			     strerror(errno));
		if (!wall->child)
			become_picoprocess(birth);
	}
	return wall->child;
}

int launch(const struct sandbox *sandbox, const struct launch *launch)
{
	struct wall wall = {
		.network = launch->network,
		.memory = launch->memory,
		.privileged = wall_is_privileged(),
	};
	struct birth birth = {
		.sandbox = sandbox,
		.wall = &wall,
		.name = launch->name,
		.file = make_magic_file(),
	};
	struct watch watch = {
		.sandbox = sandbox,
		.learn = launch->learn,
		.debug = launch->debug,
		.wait_all = launch->wait_all,
		.grace = launch->grace,
	};
	struct report report;
	int pipes[2], status;
	sigset_t set;
	ssize_t got;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC))
		fail(EXIT_OWN_FAILURE, "cannot make a pipe: %s",
		     strerror(errno));
	birth.report = pipes[1];

	set = hold_signals(&birth);
	child = make_child(&birth, &wall, launch->wall);

	close(birth.file);
	close(pipes[1]);
	got = read(pipes[0], &report, sizeof(report));
	close(pipes[0]);

	watch.child = child;
	watch.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch.signals < 0)
		fail(EXIT_OWN_FAILURE, "cannot wait for signals: %s",
		     strerror(errno));
	status = watch_sandbox(&watch);
	close(watch.signals);
	/* The first process is the sandbox unless --wait-all says otherwise. */
	sandbox_kill(sandbox);
	wall_close(&wall);
	if (got == sizeof(report))
		fail_start(&report);
	return status;
}
