// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a shell does with its terminal, and what comes of it: the foreground
 * process group, reading and writing in the background, the end of a session.
 * To be run as the leader of a session whose controlling terminal is standard
 * input. Children say how they fare by their exit code.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "linux_test.h"

static int nothing;

static void show_status(const char *what, pid_t pid, int options)
{
	int status = -1;
	pid_t got = waitpid(pid, &status, options);

	printf("%s: %s%s %d\n", what, got == pid ? "" : "no ",
	       WIFSTOPPED(status)   ? "stopped" :
	       WIFCONTINUED(status) ? "continued" :
	       WIFSIGNALED(status)  ? "killed" :
				      "exit",
	       WIFSTOPPED(status)   ? WSTOPSIG(status) :
	       WIFCONTINUED(status) ? 0 :
	       WIFSIGNALED(status)  ? WTERMSIG(status) :
				      WEXITSTATUS(status));
	fflush(stdout);
}

/* A child in a group of its own. */
#define IN_GROUP(body)							\
	({								\
		pid_t pid_ = fork();					\
		if (!pid_) {						\
			setpgid(0, 0);					\
			body;						\
			_exit(nothing);					\
		}							\
		setpgid(pid_, pid_);					\
		pid_;							\
	})

static int error_of(long result)
{
	return result == -1 ? errno : 0;
}

static void stop_signals(void (*handler)(int))
{
	signal(SIGTTIN, handler);
	signal(SIGTTOU, handler);
	signal(SIGTSTP, handler);
}

static void groups(void)
{
	pid_t pid;

	SHOW("foreground is mine", tcgetpgrp(0) == getpgrp());
	SHOW("session is mine", tcgetsid(0) == getsid(0));
	TRY(tcsetpgrp(0, getpgrp()));
	TRY(tcsetpgrp(0, 999999));
	TRY(tcsetpgrp(0, -1));
	TRY(tcgetpgrp(open("/dev/null", O_RDWR)));
	TRY(ioctl(0, TIOCSPGRP, NULL));
	TRY(ioctl(0, TIOCGPGRP, NULL));
	TRY(ioctl(0, TIOCSCTTY, 0));

	/* A group of another session cannot be in the foreground. */
	pid = fork();
	if (!pid) {
		setsid();
		pause();
	}
	while (getsid(pid) != pid)
		sleep_ms(1);
	TRY(tcsetpgrp(0, pid));
	kill(pid, SIGKILL);
	show_status("killed", pid, 0);
}

/* What else can be asked and told. */
static void settings(void)
{
	struct winsize w, before;
	struct termios t, u;
	int n;

	TRY(ioctl(0, TIOCGWINSZ, &before));
	w = before;
	w.ws_row = 33;
	w.ws_col = 99;
	TRY(ioctl(0, TIOCSWINSZ, &w));
	memset(&w, 0, sizeof(w));
	TRY(ioctl(0, TIOCGWINSZ, &w));
	printf("%d rows, %d columns\n", w.ws_row, w.ws_col);
	TRY(ioctl(0, TIOCSWINSZ, &before));
	TRY(ioctl(0, TIOCGWINSZ, NULL));
	TRY(ioctl(0, TIOCSWINSZ, NULL));
	TRY(tcgetattr(0, &t));
	u = t;
	u.c_lflag &= ~ECHO;
	TRY(tcsetattr(0, TCSADRAIN, &u));
	TRY(tcgetattr(0, &u));
	SHOW("echo", u.c_lflag & ECHO);
	TRY(tcsetattr(0, TCSADRAIN, &t));
	SHOW("speed", cfgetospeed(&t));
	TRY(ioctl(0, TCGETS, NULL));
	TRY(ioctl(0, TCSETS, NULL));
	TRY(ioctl(0, TIOCOUTQ, &n));
	TRY(ioctl(0, TIOCGETD, &n));
	SHOW("discipline", n);
	TRY(ioctl(0, FIONREAD, &n));
	SHOW("unread", n);
	TRY(tcflush(0, 17));
	TRY(tcflow(0, 17));
	TRY(tcdrain(0));
	TRY(ioctl(0, TIOCGPTN, &n));
	n = open("/dev/null", O_RDWR);
	TRY(ioctl(n, TIOCGWINSZ, &w));
	TRY(ioctl(n, TIOCSWINSZ, &w));
	TRY(ioctl(n, TIOCGPGRP, &w));
	close(n);
}

static void background(void)
{
	struct termios t;
	char c;
	pid_t pid;

	pid = IN_GROUP(_exit(read(0, &c, 1) != 1));
	show_status("reads", pid, WUNTRACED);
	kill(pid, SIGCONT);
	show_status("reads again", pid, WUNTRACED);
	kill(pid, SIGKILL);
	show_status("killed", pid, 0);

	pid = IN_GROUP(raise(SIGSTOP); pause());
	show_status("stops", pid, WUNTRACED);
	kill(pid, SIGCONT);
	show_status("goes on", pid, WCONTINUED);
	kill(pid, SIGKILL);
	show_status("killed", pid, 0);

	pid = IN_GROUP(signal(SIGTTIN, SIG_IGN);
		       _exit(error_of(read(0, &c, 1))));
	show_status("reads, SIGTTIN ignored", pid, WUNTRACED);

	pid = IN_GROUP(_exit(error_of(tcsetpgrp(0, getpgrp()))));
	show_status("wants the terminal", pid, WUNTRACED);
	kill(pid, SIGKILL);
	show_status("killed", pid, 0);

	pid = IN_GROUP(tcgetattr(0, &t);
		       _exit(error_of(tcsetattr(0, TCSANOW, &t))));
	show_status("changes the terminal", pid, WUNTRACED);
	kill(pid, SIGKILL);
	show_status("killed", pid, 0);

	stop_signals(SIG_IGN);
	pid = IN_GROUP(_exit(error_of(tcsetpgrp(0, getpgrp())) ||
			     tcgetpgrp(0) != getpid()));
	show_status("takes it, SIGTTOU ignored", pid, WUNTRACED);
	TRY(tcsetpgrp(0, getpgrp()));
	stop_signals(SIG_DFL);

	tcgetattr(0, &t);
	t.c_lflag |= TOSTOP;
	TRY(tcsetattr(0, TCSANOW, &t));
	pid = IN_GROUP(_exit(write(1, "written\n", 8) != 8));
	show_status("writes with tostop", pid, WUNTRACED);
	stop_signals(SIG_IGN);
	TRY(tcsetpgrp(0, pid));
	kill(pid, SIGCONT);
	show_status("in the foreground", pid, 0);
	TRY(tcsetpgrp(0, getpgrp()));
	stop_signals(SIG_DFL);
	pid = IN_GROUP(signal(SIGTTOU, SIG_IGN);
		       _exit(write(1, "ignored\n", 8) != 8));
	show_status("writes, SIGTTOU ignored", pid, 0);
	t.c_lflag &= ~TOSTOP;
	TRY(tcsetattr(0, TCSANOW, &t));
	pid = IN_GROUP(_exit(write(1, "free\n", 5) != 5));
	show_status("writes without tostop", pid, 0);
}

/* A group without a parent in the session that could continue it. */
static void orphans(void)
{
	int tell[2];
	char text[8] = "";
	pid_t pid;

	TRY(pipe(tell));
	pid = fork();
	if (!pid) {
		char c;

		setpgid(0, 0);
		if (fork())
			_exit(0);
		while (getppid() != 1 && getppid() != getsid(0))
			sleep_ms(1);
		snprintf(text, sizeof(text), "%d", error_of(read(0, &c, 1)));
		write(tell[1], text, 4);
		_exit(0);
	}
	show_status("parent", pid, 0);
	read(tell[0], text, 4);
	printf("an orphan reads: %s\n", text);
}

static volatile sig_atomic_t hups, conts;

static void count(int signal)
{
	if (signal == SIGHUP)
		hups++;
	else
		conts++;
}

/* A stopped job whose shell ends. */
static void stopped_orphans(void)
{
	int tell[2];
	char text[8] = "";
	pid_t pid;

	TRY(pipe(tell));
	pid = fork();
	if (!pid) {
		pid_t job = fork();

		if (!job) {
			setpgid(0, 0);
			signal(SIGHUP, count);
			signal(SIGCONT, count);
			raise(SIGSTOP);
			snprintf(text, sizeof(text), "%d %d", hups, conts);
			write(tell[1], text, 4);
			_exit(0);
		}
		setpgid(job, job);
		show_status("job", job, WUNTRACED);
		_exit(0);
	}
	show_status("its shell", pid, 0);
	read(tell[0], text, 4);
	printf("hang-ups and continuations: %s\n", text);
	/* A stop signal of the terminal does not stop an orphan. */
}

static void sessions(void)
{
	pid_t pid = fork();

	if (!pid) {
		SHOW("setsid", setsid() == getpid());
		TRY(tcgetpgrp(0));
		TRY(tcsetpgrp(0, getpgrp()));
		TRY(tcgetsid(0));
		TRY(open("/dev/tty", O_RDWR));
		TRY(ioctl(0, TIOCNOTTY));
		TRY(ioctl(0, TIOCSCTTY, 0));
		_exit(0);
	}
	show_status("another session", pid, 0);
	SHOW("/dev/tty", open("/dev/tty", O_RDWR) >= 0);
}

/* A leader's end hangs up its terminal's foreground. */
static void last(void)
{
	if (!fork()) {
		struct sigaction a = { .sa_handler = count };

		sigaction(SIGHUP, &a, NULL);
		sigaction(SIGCONT, &a, NULL);
		SHOW("another in the foreground", tcgetpgrp(0) == getpgrp());
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	groups();
	settings();
	background();
	orphans();
	stopped_orphans();
	sessions();
	last();
	return 0;
}
