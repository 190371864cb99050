// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Files of /proc that are read again, and what of them is made when. */
#include "linux_test.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static char text[65536];

static long get(int fd)
{
	long n = pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = 0;
	return n > 0;
}

int main(void)
{
	int comm, status, directory, other, to[2];
	char c[4] = "";
	pid_t pid;

	prctl(PR_SET_NAME, "before");
	comm = open("/proc/self/comm", O_RDONLY);
	prctl(PR_SET_NAME, "first");
	CHECK(get(comm));
	CHECK(!strcmp(text, "first\n"));
	prctl(PR_SET_NAME, "second");
	CHECK(get(comm));
	CHECK(!strcmp(text, "second\n"));
	/* A part, and the rest of the same text. */
	TRY(read(comm, c, 3));
	CHECK(!memcmp(c, "sec", 3));
	TRY(read(comm, text, 100));
	CHECK(!memcmp(text, "ond\n", 4));
	TRY(read(comm, text, 100));
	prctl(PR_SET_NAME, "third");
	TRY(lseek(comm, 0, SEEK_SET));
	TRY(read(comm, text, 100));
	CHECK(!memcmp(text, "third\n", 6));
	TRY(lseek(comm, 2, SEEK_SET));
	TRY(read(comm, text, 100));
	TRY(lseek(comm, -1, SEEK_SET));
	TRY(lseek(comm, 1, SEEK_CUR));
	status = open("/proc/self/status", O_RDONLY);
	CHECK(get(status));
	CHECK(!!strstr(text, "Name:\tthird\n"));
	prctl(PR_SET_NAME, "fourth");
	CHECK(get(status));
	CHECK(!!strstr(text, "Name:\tfourth\n"));
	TRY(lseek(status, 0, SEEK_END));
	directory = open("/proc/self", O_RDONLY | O_DIRECTORY);
	TRY(read(directory, text, 8));

	/* Of another process: as long as there is one. */
	(void)!pipe(to);
	pid = fork();
	if (!pid) {
		close(to[1]);
		(void)!read(to[0], c, 1);
		_exit(0);
	}
	snprintf(text, sizeof(text), "/proc/%d/stat", pid);
	other = open(text, O_RDONLY);
	CHECK(get(other));
	CHECK(atoi(text) == pid);
	close(to[1]);
	waitpid(pid, NULL, 0);
	TRY(open("/proc/self/nothing", O_RDONLY));
	close(other);
	close(comm);
	return 0;
}
