/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What fuzz (outside) and fuzz.img (inside a picoprocess) share: a file that
 * both map. The outer side writes the plan before the start, the image its
 * counters; they are there even when the image was killed in the middle.
 *
 * Every step of a thread draws its numbers from a generator that begins with
 * (seed, process, thread, step), so a step can be made again without those
 * before it, as far as it does not depend on what they left behind.
 */
#ifndef FUZZ_SHARED_H
#define FUZZ_SHARED_H

#include <pico/drawbridge.h>

#define FUZZ_THREADS	16	/* that make calls, at most */
#define FUZZ_MESSAGES	32
#define FUZZ_UNLISTED	63	/* column of statuses that have no bit */

/* Calls that end a process, a thread or the run are made, too. */
#define FUZZ_CHAOS	0x1
/* Each call is written to stderr: before it is made. */
#define FUZZ_TRACE	0x2
/* No thread that changes memory under the others; for replays. */
#define FUZZ_QUIET	0x4

/* What a thread does, or did last. */
struct fuzz_thread {
	__u64 step;
	__u64 calls;
	__u64 index;
	__u64 args[6];
	__s64 status;
	__u64 in_call;
};

struct fuzz_shared {
	__u64 seed;
	__u64 first, steps; /* of each thread: from, how many */
	__u32 threads;
	__u32 flags;
	char folder[64];
	/* written inside */
	__u32 started, finished; /* the first process */
	__u32 clones, clones_ended;
	__u32 living; /* clones */
	__u32 failures;
	__u64 calls;
	__u64 exceptions;
	__u64 rescued, replaced; /* threads that waited too long; new ones */
	char messages[FUZZ_MESSAGES][240];
	struct fuzz_thread thread[FUZZ_THREADS];
	/* by call and status bit */
	__u64 count[DK_CALL_LIMIT][64];
};

#endif /* FUZZ_SHARED_H */
