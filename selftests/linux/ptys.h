/* SPDX-License-Identifier: GPL-2.0-only */
/* What is typed into a pseudo-terminal, and what comes out of it. */
#ifndef PTYS_H
#define PTYS_H

#include "linux_test.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <termios.h>

#define LIMIT_MS 20000
#define QUIET_MS 300

static int master, slave;

static inline void print_bytes(const char *what, const char *text, long n)
{
	long i;

	printf("%s:", what);
	if (n < 0)
		printf(" error %d", errno);
	for (i = 0; i < n; i++)
		printf(text[i] < 0x20 || text[i] == 0x7f ? " %02x" : " %c",
		       (unsigned char)text[i]);
	printf("\n");
	fflush(stdout);
}

static inline bool comes(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms) == 1;
}

/* What comes from @fd till it is @n bytes, or the end. */
static inline void show(const char *what, int fd, long n)
{
	char text[8192];
	long sum = 0, r = 0;

	while (sum < n && comes(fd, LIMIT_MS)) {
		r = read(fd, text + sum, n - sum);
		if (r <= 0)
			break;
		sum += r;
	}
	print_bytes(what, text, sum ? sum : r);
}

/* What comes from the master till @lines have. */
static inline void echoed(int lines)
{
	char text[1024];
	long sum = 0;

	while (lines && comes(master, LIMIT_MS) &&
	       read(master, text + sum, 1) == 1)
		lines -= text[sum++] == '\n';
	print_bytes("echo", text, sum);
}

/* One read. */
static inline void one(const char *what, int fd, size_t n)
{
	char text[8192];

	print_bytes(what, text, comes(fd, LIMIT_MS) ? read(fd, text, n) : 0);
}

static inline void nothing(const char *what, int fd)
{
	printf("%s: %s\n", what, comes(fd, QUIET_MS) ? "more" : "nothing");
}

static inline void type(const char *text, size_t n)
{
	if (write(master, text, n) != (long)n)
		printf("type: %d\n", errno);
}

#define TYPE(text) type(text, sizeof(text) - 1)
#define PRINT(text) write(slave, text, sizeof(text) - 1)

static inline void change(int input, int output, int local, bool set)
{
	struct termios t;

	tcgetattr(slave, &t);
	t.c_iflag = set ? t.c_iflag | input : t.c_iflag & ~input;
	t.c_oflag = set ? t.c_oflag | output : t.c_oflag & ~output;
	t.c_lflag = set ? t.c_lflag | local : t.c_lflag & ~local;
	tcsetattr(slave, TCSANOW, &t);
}

static inline void begin(void)
{
	if (openpty(&master, &slave, NULL, NULL, NULL))
		exit(1);
}

static inline void end(void)
{
	close(master);
	close(slave);
}

static inline short ready(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	poll(&p, 1, 0);
	return p.revents;
}

/* ---- making and naming them ---- */

#endif /* PTYS_H */
