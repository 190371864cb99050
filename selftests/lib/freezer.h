/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cgroup of its own for a process that is to be frozen.
 */
#ifndef FREEZER_H
#define FREEZER_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include "provider.h"
#include "sandbox.h"

#define FREEZER "/sys/fs/cgroup/pico-freezer"

static inline bool freezer_write(const char *file, const char *text)
{
	char path[64];
	bool written;
	int fd;

	snprintf(path, sizeof(path), FREEZER "/%s", file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd >= 0 &&
		  write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return written;
}

/* Moves a process there. */
static inline bool freezer_take(pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return (mkdir(FREEZER, 0755) == 0 || errno == EEXIST) &&
	       freezer_write("cgroup.procs", text);
}

/* Freezes or thaws it, and waits until it is. */
static inline bool freezer_set(bool frozen)
{
	const char *want = frozen ? "frozen 1" : "frozen 0";
	char text[256] = "";

	return freezer_write("cgroup.freeze", frozen ? "1" : "0") &&
	       eventually(read_file(FREEZER "/cgroup.events", text,
				    sizeof(text)) > 0 &&
			  strstr(text, want));
}

/* Nobody is in it any more. */
static inline bool freezer_remove(void)
{
	return eventually(rmdir(FREEZER) == 0);
}

#endif /* FREEZER_H */
