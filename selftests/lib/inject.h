/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failure injection: the n-th allocation or copy from or to user memory that
 * the kernel makes for a task fails (/proc/PID/task/TID/fail-nth). Walking n
 * upwards until an operation no longer gets so far fails each of its
 * allocations once.
 *
 * Needs a kernel with failslab, fail_page_alloc and fail_usercopy: the debug
 * kernel.
 */
#ifndef INJECT_H
#define INJECT_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>
#include "sandbox.h"

#define INJECT_KNOBS "/sys/kernel/debug/"

/* No operation makes so many. */
#define INJECT_MAX 4000

static inline bool inject_knob(const char *kind, const char *name,
			       const char *value)
{
	char path[128];
	bool done;
	int fd;

	snprintf(path, sizeof(path), INJECT_KNOBS "%s/%s", kind, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, value, strlen(value)) >= 0;
	if (!done)
		perror(path);
	close(fd);
	return done;
}

/*
 * Lets every kind of allocation fail, and none by chance; false if this kernel
 * cannot do it.
 */
static inline bool inject_prepare(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc",
					     "fail_usercopy" };

	if (access(INJECT_KNOBS "failslab", F_OK))
		mount("debugfs", INJECT_KNOBS, "debugfs", 0, NULL);
	for (int i = 0; i < 3; i++) {
		char path[128];

		snprintf(path, sizeof(path), INJECT_KNOBS "%s", kinds[i]);
		if (access(path, F_OK))
			return false;
		inject_knob(kinds[i], "probability", "0");
		inject_knob(kinds[i], "times", "-1");
		/* A report in the kernel's log would fail the run. */
		inject_knob(kinds[i], "verbose", "0");
		if (i < 2)
			inject_knob(kinds[i], "ignore-gfp-wait", "N");
	}
	inject_knob("fail_page_alloc", "ignore-gfp-highmem", "N");
	inject_knob("fail_page_alloc", "min-order", "0");
	return !access("/proc/thread-self/fail-nth", W_OK);
}

/*
 * A copy in memory of a file beside the program: the file system that the
 * machine has from its host does not get over every failure. And the program
 * itself is all there, so that it reads nothing in between.
 */
static inline bool inject_copy(const char *name, const char *copy)
{
	int from = open(beside(name), O_RDONLY | O_CLOEXEC);
	int to = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char data[4096];
	ssize_t n = -1;

	while (from >= 0 && to >= 0 && (n = read(from, data, sizeof(data))) > 0)
		if (write(to, data, n) != n)
			break;
	close(from);
	close(to);
	return n == 0 && !mlockall(MCL_CURRENT);
}

/* The file of a thread; it may belong to any process. */
static inline int inject_open(pid_t pid, pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/fail-nth", pid, tid);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* From here on. If it is the caller's own, what it does next counts. */
static inline bool inject_arm(int fd, unsigned int nth)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%u", nth);

	return pwrite(fd, text, size, 0) == size;
}

/*
 * How many were missing, 0 if one failed; and none fails from here on. Reading
 * and writing may be what fails.
 */
static inline int inject_disarm(int fd)
{
	char text[16] = "";
	int left = 1;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0)
		left = atoi(text);
	while (!inject_arm(fd, 0) && errno == EFAULT)
		;
	return left;
}

/*
 * All allocations of a thread from here on, or none any more. False if it could
 * not be set.
 */
static inline bool inject_all(pid_t pid, pid_t tid, bool on)
{
	char path[64];
	int fd;
	bool done;

	for (int i = 0; i < 2; i++) {
		const char *kind = i ? "fail_page_alloc" : "failslab";

		/* Without the filter it would be every thread's. */
		if (on && !inject_knob(kind, "task-filter", "Y"))
			return false;
		inject_knob(kind, "probability", on ? "100" : "0");
		if (!on)
			inject_knob(kind, "task-filter", "N");
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/make-it-fail", pid, tid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, on ? "1" : "0", 1) == 1;
	close(fd);
	return done;
}

/*
 * Runs @expression with the nth allocation or copy of the caller failing:
 * its result, or negative errno, and whether the failure was met.
 */
#define ARMED(self, nth, t, expression)                    \
	do {                                               \
		long ret_;                                 \
		int errno_;                                \
		inject_arm(self, nth);                     \
		ret_ = (expression);                       \
		errno_ = errno;                            \
		(t)->left = inject_disarm(self);           \
		(t)->result = ret_ == -1 ? -errno_ : ret_; \
	} while (0)

/*
 * Where failure after failure is borne, only one in so many is tried: the kernel
 * makes many alike (the files of sysfs, say). Set by the test.
 */
#define INJECT_ALIKE	16
static unsigned int inject_stride = 1;

/* How one try of an operation went. */
struct
try {
	long result; /* 0 or more, or a negative errno */
	int left; /* 0: the failure was met */
	bool changed; /* something is not as it should be */
};

/*
 * Tries an operation with its first allocation or copy failing, its second
 * and so on, until there is no such. Says what went wrong, and returns false;
 * @intact tells after each try whether anything is left of it.
 */
static inline bool inject_walk(const char *name,
			       void (*run)(void *arg, unsigned int nth,
					   struct try *t),
			       void *arg, bool (*intact)(void *arg))
{
	unsigned int nth, failed = 0, borne = 0, alike = 0;
	struct try t;

	for (nth = 1; nth < INJECT_MAX;
	     nth += alike < INJECT_ALIKE ? 1 : inject_stride) {
		t = (struct try){ .left = 1 };
		run(arg, nth, &t);
		if (t.changed || !intact(arg)) {
			fprintf(stderr,
				"# %s, failure %u: result %ld, and %s\n", name,
				nth, t.result,
				t.changed ? "a change" : "something is left");
			return false;
		}
		if (t.left)
			break;
		if (t.result >= 0) {
			borne++;
			alike++;
			continue;
		}
		if (t.result != -ENOMEM && t.result != -EFAULT &&
		    t.result != -EAGAIN) {
			fprintf(stderr, "# %s, failure %u: result %ld\n", name,
				nth, t.result);
			return false;
		}
		failed++;
		alike = 0;
	}
	fprintf(stderr, "# %s: %u failures, and %u that were borne\n", name,
		failed, borne);
	/* The last one met none. */
	if (nth == INJECT_MAX || t.result < 0) {
		fprintf(stderr, "# %s, without a failure: %ld\n", name,
			t.result);
		return false;
	}
	return true;
}

#endif /* INJECT_H */
