// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Calls that do little here, or could do with anything: what they refuse
 * natively, they refuse.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define PAGE 4096UL

static void locking(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 2 * PAGE, PAGE);
	TRY(mlock(p, 2 * PAGE));
	TRY(mlock(p + 5, 2 * PAGE - 5));
	TRY(mlock(p + 5, 2 * PAGE));
	TRY(mlock(p, 4 * PAGE));
	TRY(mlock(p + 2 * PAGE, 1));
	TRY(mlock(p + 2 * PAGE, 0));
	TRY(mlock(p + 3 * PAGE, PAGE));
	TRY(mlock(p, -3 * PAGE));
	TRY(mlock2(p, PAGE, MLOCK_ONFAULT));
	TRY(mlock2(p, PAGE, 2));
	TRY(mlock2(p + 2 * PAGE, PAGE, MLOCK_ONFAULT));
	TRY(munlock(p, 2 * PAGE));
	TRY(munlock(p, 4 * PAGE));
	TRY(mlockall(0));
	TRY(mlockall(8));
	TRY(mlockall(MCL_ONFAULT));
	TRY(mlockall(MCL_CURRENT | MCL_ONFAULT));
	TRY(munlockall());
}

/* By the call itself: the C library has an opinion of its own. */
static void sleeping(void)
{
	static const clockid_t clocks[] = {
		CLOCK_REALTIME,
		CLOCK_MONOTONIC,
		CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,
		CLOCK_BOOTTIME,
		CLOCK_TAI,
		CLOCK_THREAD_CPUTIME_ID,
		10,
		12,
	};
	struct timespec ts = { 0, 1000 }, bad = { 0, -1 };

	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		SHOW("clock", clocks[i]);
		TRY(syscall(SYS_clock_nanosleep, clocks[i], 0, &ts, NULL));
		TRY(syscall(SYS_clock_nanosleep, clocks[i], 0, &bad, NULL));
		TRY(syscall(SYS_clock_nanosleep, clocks[i], 0, 8, NULL));
	}
}

/* O_DIRECT is for files: who has no such thing says so. */
static void direct(void)
{
	int s[2], fd = open("/dev/null", O_RDWR);

	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	TRY(fcntl(s[0], F_SETFL, O_DIRECT));
	TRY(fcntl(fd, F_SETFL, O_DIRECT | O_APPEND));
	CHECK(fcntl(fd, F_GETFL) & O_APPEND);
	close(s[0]);
	close(s[1]);
	close(fd);
}

/* Here alone: there are no pipes of packets, so they are refused. */
static int packets(void)
{
	int p[2];

	TRY(pipe2(p, O_DIRECT));
	TRY(pipe2(p, O_DIRECT | O_NONBLOCK));
	(void)!pipe(p);
	TRY(fcntl(p[1], F_SETFL, O_DIRECT));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return packets();
	locking();
	sleeping();
	direct();
	return 0;
}
