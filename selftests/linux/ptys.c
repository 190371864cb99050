// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-terminals: both ends, and the line discipline between them. How many
 * bytes are to come is said here, so nothing depends on time.
 */
#include "ptys.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>

static void names(void)
{
	struct stat a, b;
	char path[64];
	int number, other, lock = 1;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	SHOW("master", master >= 0);
	strcpy(path, ptsname(master));
	TRY(ioctl(master, TIOCGPTN, &number));
	SHOW("number", atoi(path + strlen("/dev/pts/")) == number);
	TRY(open(path, O_RDWR | O_NOCTTY));
	TRY(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	TRY(ioctl(master, TIOCGPTLCK, &lock));
	SHOW("locked", lock);
	TRY(grantpt(master));
	TRY(unlockpt(master));
	ioctl(master, TIOCGPTLCK, &lock);
	SHOW("locked", lock);
	slave = open(path, O_RDWR | O_NOCTTY);
	SHOW("slave", slave >= 0);
	other = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	SHOW("peer", other >= 0);
	SHOW("close on exec", fcntl(other, F_GETFD));
	SHOW("name", !strcmp(ttyname(slave), path));
	SHOW("name of the peer", !strcmp(ttyname(other), path));
	TRY(isatty(master));
	TRY(isatty(slave));
	TRY(fstat(slave, &a));
	TRY(stat(path, &b));
	SHOW("the same", a.st_ino == b.st_ino && a.st_dev == b.st_dev &&
				 a.st_rdev == b.st_rdev);
	SHOW("mode", a.st_mode);
	SHOW("owner", a.st_uid == geteuid());
	SHOW("device",
	     major(a.st_rdev) == 136 && (int)minor(a.st_rdev) == number);
	TRY(fstat(master, &a));
	SHOW("mode", a.st_mode & S_IFMT);
	SHOW("device", major(a.st_rdev) == 5 && minor(a.st_rdev) == 2);
	TRY(fchmod(slave, 0600));
	TRY(stat(path, &b));
	SHOW("mode", b.st_mode);
	TRY(chmod(path, 0622));
	TRY(fstat(slave, &b));
	SHOW("mode", b.st_mode);
	TRY(lseek(slave, 0, SEEK_CUR));
	TRY(pread(slave, path, 1, 0));
	TRY(ioctl(slave, TIOCGPTN, &number));
	TRY(ioctl(slave, TIOCSPTLCK, &lock));
	TRY(ioctl(slave, TIOCGPTPEER, O_RDWR));
	TRY(ioctl(master, TIOCGPTN, NULL));
	TRY(ioctl(slave, 0x5499, NULL));
	close(other);
	end();
	TRY(access(path, F_OK));
	TRY(open("/dev/pts/99999", O_RDWR));
}

static void modes(void)
{
	struct winsize w = { 24, 80, 0, 0 };
	struct termios t;
	int i, n;

	begin();
	TRY(tcgetattr(slave, &t));
	printf("%o %o %o %o %d\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag,
	       t.c_line);
	for (i = 0; i < 17; i++)
		printf("%d ", t.c_cc[i]);
	printf("\n");
	SHOW("speed", cfgetospeed(&t));
	cfsetspeed(&t, B9600);
	TRY(tcsetattr(slave, TCSADRAIN, &t));
	TRY(tcgetattr(master, &t));
	SHOW("speed", cfgetispeed(&t));
	SHOW("speed", cfgetospeed(&t));
	TRY(ioctl(master, TIOCGWINSZ, &w));
	printf("%d %d\n", w.ws_row, w.ws_col);
	w.ws_row = 50;
	w.ws_col = 132;
	TRY(ioctl(master, TIOCSWINSZ, &w));
	TRY(ioctl(slave, TIOCGWINSZ, &w));
	printf("%d %d\n", w.ws_row, w.ws_col);
	w.ws_row = 51;
	TRY(ioctl(slave, TIOCSWINSZ, &w));
	TRY(ioctl(master, TIOCGWINSZ, &w));
	printf("%d %d\n", w.ws_row, w.ws_col);
	TRY(ioctl(slave, TIOCGWINSZ, NULL));
	TRY(ioctl(slave, TCGETS, NULL));
	TRY(ioctl(slave, TCSETS, NULL));
	TRY(ioctl(slave, TIOCOUTQ, &n));
	SHOW("unsent", n);
	TRY(ioctl(slave, TIOCGETD, &n));
	SHOW("discipline", n);
	TRY(tcsendbreak(slave, 0));
	TRY(tcdrain(slave));
	TRY(tcflow(slave, 17));
	TRY(tcflush(slave, 17));
	SHOW("master is ready", ready(master));
	SHOW("slave is ready", ready(slave));
	end();
}

/* ---- the line discipline ---- */

static void lines(void)
{
	struct termios t;
	int n;

	begin();
	TYPE("one\r");
	echoed(1);
	/* The echo of a line comes before the line itself. */
	comes(slave, LIMIT_MS);
	SHOW("slave is ready", ready(slave));
	TRY(ioctl(slave, FIONREAD, &n));
	SHOW("unread", n);
	one("line", slave, 100);
	TYPE("two\nthree\n");
	echoed(2);
	one("line", slave, 2);
	one("rest", slave, 100);
	one("line", slave, 100);
	TYPE("ab\177c\t\177\025de f_1 gh \027\027x\n");
	echoed(1);
	one("edited", slave, 100);
	TYPE("a\026\003\026\026b\001\n");
	echoed(1);
	one("literal", slave, 100);
	TYPE("re\022print\n");
	echoed(2);
	one("printed again", slave, 100);
	TYPE("\004");
	one("end of file", slave, 100);
	TYPE("part\004");
	show("echo", master, 4);
	one("part", slave, 100);
	TYPE("full\004");
	show("echo", master, 4);
	one("full", slave, 4);
	TYPE("next\n");
	echoed(1);
	one("next", slave, 100);

	/* Ctrl-C with nobody to hear it. */
	TYPE("drop\003kept\n");
	echoed(1);
	one("kept", slave, 100);
	tcgetattr(slave, &t);
	t.c_cc[VEOL] = ';';
	tcsetattr(slave, TCSANOW, &t);
	TYPE("a;b;");
	show("echo", master, 4);
	one("line", slave, 100);
	one("line", slave, 100);
	change(0, 0, ECHO, false);
	TYPE("unseen\n");
	one("line", slave, 100);
	change(0, 0, ECHONL, true);
	TYPE("unseen\n");
	one("line", slave, 100);
	echoed(1);
	change(0, 0, ECHO, true);
	change(0, 0, ECHOCTL, false);
	TYPE("\001\177x\n");
	echoed(1);
	one("line", slave, 100);
	change(0, 0, ECHOE | ECHOK, false);
	TYPE("xy\177z\025w\n");
	echoed(1);
	one("line", slave, 100);
	change(0, 0, ECHOPRT | ECHOE, true);
	TYPE("xyz\177\177w\n");
	echoed(1);
	one("line", slave, 100);
	change(IUTF8, 0, 0, true);
	change(0, 0, ECHOPRT, false);
	TYPE("\303\244\303\266\177\n");
	echoed(1);
	one("line", slave, 100);
	change(ICRNL, 0, 0, false);
	change(INLCR | IGNCR, 0, 0, true);
	TYPE("a\rb\nc;");
	one("line", slave, 100);
	show("echo", master, 5);
	nothing("master", master);
	nothing("slave", slave);
	end();
}

static void output(void)
{
	begin();
	TRY(PRINT("a\nb\tc\r\n"));
	show("output", master, 9);
	change(0, XTABS, 0, true);
	TRY(PRINT("ab\tc\b\td\n"));
	show("output", master, 21);
	change(0, ONLCR, 0, false);
	change(0, OCRNL | OLCUC, 0, true);
	TRY(PRINT("a\rb\n"));
	show("output", master, 4);
	change(0, OCRNL | OLCUC, 0, false);
	change(0, ONOCR, 0, true);
	TRY(PRINT("\n\r"));
	TRY(PRINT("x\ry\n"));
	show("output", master, 6);
	change(0, OPOST, 0, false);
	TRY(PRINT("a\nb\t\r"));
	show("output", master, 5);
	nothing("master", master);
	end();
}

static void raw(void)
{
	struct termios t;
	struct iovec iov[2] = { { "iov", 3 }, { "ec", 2 } };
	char c;
	int n;

	begin();
	tcgetattr(slave, &t);
	cfmakeraw(&t);
	TRY(tcsetattr(slave, TCSANOW, &t));
	TYPE("a\r\003\004\n\177");
	show("raw", slave, 6);
	TRY(PRINT("x\n"));
	show("output", master, 2);
	TRY(writev(master, iov, 2));
	show("raw", slave, 5);

	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	TRY(tcsetattr(slave, TCSANOW, &t));
	TRY(read(slave, &c, 1));
	t.c_cc[VTIME] = 1;
	TRY(tcsetattr(slave, TCSANOW, &t));
	TRY(read(slave, &c, 1));
	TYPE("q");
	one("with a time", slave, 10);
	t.c_cc[VMIN] = 3;
	TRY(tcsetattr(slave, TCSANOW, &t));
	TYPE("1");
	one("one and a time", slave, 10);
	t.c_cc[VTIME] = 0;
	TRY(tcsetattr(slave, TCSANOW, &t));
	TYPE("12");
	nothing("less than VMIN", slave);
	if (!fork()) {
		sleep_ms(50);
		TYPE("3");
		_exit(0);
	}
	one("VMIN", slave, 10);
	wait(NULL);
	TRY(fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK));
	TRY(read(slave, &c, 1));
	TYPE("4");
	while (ioctl(slave, FIONREAD, &n) || !n)
		;
	TRY(read(slave, &c, 1));
	TYPE("gone");
	while (ioctl(slave, FIONREAD, &n) || n < 4)
		;
	TRY(tcflush(slave, TCIFLUSH));
	TRY(ioctl(slave, FIONREAD, &n));
	SHOW("unread", n);

	/* Between modes. */
	TYPE("left");
	while (ioctl(slave, FIONREAD, &n) || n < 4)
		;
	t.c_lflag |= ICANON;
	TRY(tcsetattr(slave, TCSANOW, &t));
	one("a line now", slave, 10);
	TYPE("line\nmore");
	comes(slave, LIMIT_MS);
	t.c_lflag &= ~ICANON;
	t.c_cc[VMIN] = 1;
	TRY(tcsetattr(slave, TCSANOW, &t));
	show("no line now", slave, 9);
	TRY(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK));
	TRY(read(master, &c, 1));
	end();
}

/* More than there is room for. */
static void amounts(void)
{
	static char text[300000];
	long i, sum = 0, r;
	char part[4096];
	int status = 0, error;
	struct termios t;

	begin();
	change(0, 0, ECHO, false);
	memset(text, 'x', sizeof(text));
	type(text, 5000);
	TYPE("\n");
	r = read(slave, text, sizeof(text));
	SHOW("the longest line", r);
	SHOW("its end", text[r - 1]);
	SHOW("before that", text[r - 2]);

	tcgetattr(slave, &t);
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
	for (i = 0; i < (long)sizeof(text); i++)
		text[i] = i * 7 % 251;
	if (!fork()) {
		if (write(slave, text, sizeof(text)) != sizeof(text))
			_exit(1);
		for (sum = 0; sum < (long)sizeof(text); sum += r) {
			r = read(slave, part, sizeof(part));
			if (r <= 0 || memcmp(part, text + sum, r))
				_exit(2);
		}
		_exit(0);
	}
	for (sum = 0; sum < (long)sizeof(text); sum += r) {
		r = read(master, part, sizeof(part));
		if (r <= 0 || memcmp(part, text + sum, r))
			break;
	}
	SHOW("from the slave", sum);
	SHOW("to the slave", write(master, text, sizeof(text)));
	wait(&status);
	SHOW("all of it", WEXITSTATUS(status));
	fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
	/* What is full a worker of the kernel may make room in once more. */
	do {
		while (write(master, text, 1000) > 0)
			;
		error = errno;
		sleep_ms(5);
	} while (ready(master) & POLLOUT);
	SHOW("full", error);
	SHOW("ready to be typed at", ready(master) & POLLOUT);
	fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
	while (write(slave, text, 1000) > 0)
		;
	SHOW("full", errno);
	end();
}

static void flow(void)
{
	begin();
	TYPE("\023");
	TYPE("ab\n");
	comes(slave, LIMIT_MS);
	nothing("stopped", master);
	SHOW("ready to be printed at", ready(slave) & POLLOUT);
	TYPE("\021");
	show("started", master, 4);
	SHOW("ready to be printed at", ready(slave) & POLLOUT);
	one("line", slave, 10);
	TRY(tcflow(slave, TCOOFF));
	SHOW("ready to be printed at", ready(slave) & POLLOUT);
	TRY(tcflow(slave, TCOON));
	TRY(PRINT("on\n"));
	show("output", master, 4);
	TRY(tcflow(slave, TCIOFF));
	show("Ctrl-S", master, 1);
	TRY(tcflow(slave, TCION));
	show("Ctrl-Q", master, 1);
	end();
}

static void packets(void)
{
	int on = 1;

	begin();
	TRY(ioctl(master, TIOCPKT, &on));
	on = 0;
	TRY(ioctl(master, TIOCGPKT, &on));
	SHOW("packets", on);
	TRY(PRINT("data"));
	one("packet", master, 100);
	change(IXON, 0, 0, false);
	SHOW("urgent", ready(master) & (POLLPRI | POLLIN));
	one("packet", master, 100);
	TRY(tcflush(slave, TCIFLUSH));
	one("packet", master, 100);
	end();
}

/* ---- several that write ---- */

#define MUCH 40000L

static void *write_much(void *text)
{
	static char texts[2][MUCH];
	char *own = texts[*(char *)text == 'b'];

	memset(own, *(char *)text, MUCH);
	return (void *)write(slave, own, MUCH);
}

static pid_t writer(const char *text)
{
	pid_t pid = fork();

	if (!pid)
		_exit(write_much((void *)text) != (void *)MUCH);
	/* It waits for room by then. */
	sleep_ms(QUIET_MS);
	return pid;
}

/* Take @n bytes, if they come: how often a character is another than before. */
static void changes(const char *what, long n)
{
	char text[4096], last = 0;
	long sum = 0, r, i, count = 0;

	while (sum < n && comes(master, LIMIT_MS)) {
		r = read(master, text, sizeof(text));
		if (r <= 0)
			break;
		for (i = 0; i < r; i++) {
			count += text[i] != last;
			last = text[i];
		}
		sum += r;
	}
	printf("%s: %ld bytes, %ld changes\n", what, sum, count);
}

static void empty(void)
{
	char text[4096];

	while (comes(master, QUIET_MS) && read(master, text, sizeof(text)) > 0)
		;
}

static void turns(void)
{
	pthread_t threads[2];
	pid_t one, other;
	int status;

	begin();
	change(0, OPOST, 0, false);
	one = writer("a");
	other = writer("b");
	changes("two processes", 2 * MUCH);
	waitpid(one, &status, 0);
	SHOW("one", status);
	waitpid(other, &status, 0);
	SHOW("the other", status);

	pthread_create(&threads[0], NULL, write_much, "a");
	sleep_ms(QUIET_MS);
	pthread_create(&threads[1], NULL, write_much, "b");
	changes("two threads", 2 * MUCH);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);

	/* Whoever is stopped or killed is not waited for. */
	one = writer("a");
	kill(one, SIGSTOP);
	waitpid(one, &status, WUNTRACED);
	empty();
	TRY(PRINT("c"));
	show("behind a stopped one", master, 1);
	kill(one, SIGKILL);
	waitpid(one, &status, 0);
	one = writer("a");
	kill(one, SIGKILL);
	waitpid(one, &status, 0);
	empty();
	TRY(PRINT("d"));
	show("behind a killed one", master, 1);
	end();
}

/* ---- ends that go ---- */

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGTTOU, SIG_IGN);
	names();
	modes();
	lines();
	output();
	raw();
	amounts();
	flow();
	packets();
	turns();
	return 0;
}
