/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* A folder of its own for a program that makes files, which goes with it. */
#ifndef FOLDER_H
#define FOLDER_H

#include "linux_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static char folder[] = "/tmp/folder.XXXXXX";

/* No compiler knows what these are. */
static void *volatile bad_address = (void *)8;
static volatile int bad_count = -1, large_count = 2000;

#define BAD	bad_address

static inline void fill(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (write(fd, text, strlen(text)) < 0)
		perror(name);
	close(fd);
}

/* A file, a folder with one in it, and links to what is and is not there. */
static inline void folder_fill(void)
{
	fill("file", "0123456789");
	if (mkdir("dir", 0755) ||
	    mkdir("dir/sub", 0755) ||
	    symlink("file", "link") ||
	    symlink("nothing", "dangling") ||
	    symlink("dir", "dirlink") ||
	    symlink("loop", "loop"))
		exit(1);
}

static inline void folder_begin(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	umask(022);
	if (!mkdtemp(folder) || chdir(folder))
		exit(1);
	folder_fill();
}

static inline int folder_remove(const char *path, const struct stat *st,
				int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int folder_end(void)
{
	return chdir("/") || nftw(folder, folder_remove, 8,
				  FTW_DEPTH | FTW_PHYS);
}

#endif /* FOLDER_H */
