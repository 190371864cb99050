/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An image may ask for things of the outside, each a line of its output, and
 * reads the answers from stdin:
 *	@counts			struct dkt_counts
 *	@abort			how many processes DRAWBRIDGE_IOC_ABORT has told, s64
 *	@threads-max N		sets what the machine may have of threads; s64, what
 *				it was
 *	@syn-retries N		how often a connection is asked for again; the same
 *	@unreachable ADDRESS	there is no way to that host; s64, 0 or -errno
 *	@no-network ADDRESS	there is no way to that network; the same
 *	@reachable ADDRESS	one of these is taken back; the same
 *	@failing		lets allocations fail until it is no longer asked
 *				to; see failing.h. s64, 0, before it begins
 *	@lock TYPE START LENGTH	fcntl() on rw/locked as another process: TYPE
 *				is r, w or u; the answer is an s64, 0 or -errno
 *	@hung N			waits until that many requests have hung in errors/;
 *				s64, how many it were
 *	@stat PATH		what statx() tells of it, not following a link: s64,
 *				0 or -errno; then mode, uid, gid, nlink, block size,
 *				inode, device and special file's number (major << 32 |
 *				minor), length, blocks; then access, write, change
 *				and birth time in ns (0: not known). s64 each
 *	@asleep			waits until all threads of the process sleep; s64,
 *				0 or -errno
 *	@stop			stops the process when all of its threads sleep;
 *				s64, 0 or -errno
 *	@continue		lets it go on; the same
 *	@kill			kills its children; s64, how many it were
 *	@slower			s64, how many times longer things take: slower()
 *	@type TEXT, @shown, @foreground, @background, @stops, @hangup
 *				what the other side of stderr does, which is a
 *				terminal for dk_console.c; s64. @stops is how often
 *				the image has been stopped since @later, which has
 *				no answer; see lib/terminal.h
 *	@holder START LENGTH	who keeps that process from writing there: type,
 *				start, length, process id; s64 each
 *
 * s64 is 0 or a negative errno where nothing else is said.
 */
#ifndef _PICO_TEST_OUTSIDE_H
#define _PICO_TEST_OUTSIDE_H

#include <stdbool.h>
#include <sys/types.h>

struct outside {
	int sandbox;
	pid_t pid; /* of the image's first process */
	int from, to; /* its output, its input */
	const char *folder; /* with rw/ and the like */
};

/* False: @line is not a request. One that cannot be met ends the test. */
bool outside_answer(struct outside *outside, const char *line);

#endif
