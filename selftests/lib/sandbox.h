/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that stand outside: /dev/pico without picoexec, running other
 * programs, and looking at what is left behind.
 *
 * Functions return -1 with errno set unless they say otherwise.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <pico/drawbridge.h>

/* ---- where things are ---- */

/* "build/selftests" and the like: the folder of the running program. */
const char *test_folder(void);
/* Path of a file beside the running program; static buffers, four deep. */
const char *beside(const char *name);
/* picoexec: $PICOEXEC, else ../bin/picoexec, else found in PATH. */
const char *picoexec(void);
/* The module's file, from $PICO_MODULES or the build's own layout. */
const char *module_path(const char *name);
/* 0, or a negative errno. */
int module_insert(const char *name, const char *arguments);
/*
 * The same; for up to two seconds (slower() times), since right after the last
 * user has gone a reference may still be there.
 */
int module_delete(const char *name);
/* $PICO_SLOWER: how many times longer things take here; 1 and more. */
unsigned int slower(void);

/* ---- sandboxes ---- */

/* An open /dev/pico bound to Drawbridge, with / as its root; or -1. */
int sandbox_open(void);
int sandbox_rule(int fd, const char *path, uint32_t rights, uint32_t flags);
/* The same of any URI. */
int sandbox_rule_uri(int fd, const char *uri, uint32_t rights, uint32_t flags);

struct sandbox_start {
	const char *image; /* path */
	const char *const *argv; /* NULL: just the image's name */
	const char *const *envp; /* NULL: empty */
	const char *directory; /* NULL: / */
	int in, out, err; /* fds or -1; 0: -1 is meant */
	unsigned int flags;
};

/*
 * DRAWBRIDGE_IOC_START, then a child that takes a ticket and executes the
 * magic. The pid, or -1 (errno of the ioctl); a failed execve() makes the
 * child exit with 126 and errno on stderr.
 */
pid_t sandbox_start(int fd, const struct sandbox_start *start);
int sandbox_stats(int fd, struct drawbridge_stats *stats);

/*
 * Lines that a picoprocess writes to a pipe. The end is the end of the
 * process, not of the pipe: the sandbox keeps the other end open.
 */
struct lines {
	int fd;
	pid_t pid;
	bool gone; /* reaped; */
	int status; /* its wait status */
	size_t have;
	char buffer[65536];
};

/* False at the end. A line has its newline unless it is the last. */
bool next_line(struct lines *lines, char *line, size_t size);

/*
 * Of a line that tells which statuses a call gave (lib/dkwrap.c), true. It is
 * kept in the file @test of the folder $PICO_SEEN, if there is one.
 */
bool keep_seen(const char *test, const char *line);

/* A memfd that starts with PICO_EXEC_MAGIC, close-on-exec. */
int magic_file(void);

/* ---- programs ---- */

struct run {
	int status; /* wait status */
	char *out, *err; /* malloc'ed, zero-terminated */
	size_t out_size, err_size;
};

/*
 * Runs argv[0] (found in PATH) to its end with @input (or nothing) as its
 * standard input; 0. @run's buffers belong to the caller.
 */
int run_program(const char *const *argv, const void *input, size_t size,
		struct run *run);
void run_free(struct run *run);
int run_exit_code(const struct run *run); /* 128 + signal as a shell */

/* Waits for a pid, up to @ms * slower() milliseconds; true if it was reaped. */
bool wait_for(pid_t pid, int *status, int ms);

/* ---- what is left ---- */

/* One of the counters in sysfs, e.g. ("drawbridge", "objects"); -1: none. */
long module_counter(const char *module, const char *name);
/*
 * Waits up to five seconds * slower() for all counters of both modules to be
 * zero.
 * Returns 0, or prints which is not and returns -1.
 */
int nothing_left(void);
/* Number of bytes in the kernel log now; and what came since, malloc'ed. */
int kmsg_open(void);
char *kmsg_since(int fd);
/* The first of its records that is a warning, or worse; or NULL. */
const char *kmsg_loud(const char *said);

int read_file(const char *path, char *buffer, size_t size); /* length */

#endif /* SANDBOX_H */
