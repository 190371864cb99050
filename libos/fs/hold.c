// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What a thread holds while it waits.
 *
 * A call counts the description that it works with, which keeps it open when
 * another thread closes the descriptor. A process that is cloned has a copy of
 * that count and not the thread: nobody in it would ever count down, and the
 * stream stayed open as long as the process lives. A peer would not see its
 * end, nor a port become free. So calls that may wait note what they have, and
 * the child gives it back.
 *
 * A thread that is between counting and noting leaves a reference too many,
 * never one too few.
 */
#include "fs.h"

void hold_many(struct file **first, size_t stride, size_t count)
{
	struct held *held = &self()->held_too;

	__atomic_store_n(&held->count, 0, __ATOMIC_RELEASE);
	held->first = first;
	held->stride = stride;
	__atomic_store_n(&held->count, count, __ATOMIC_RELEASE);
}

/* In the child, of each thread that its parent had; the caller has nothing. */
void fs_forked(struct libos_thread *t)
{
	struct held *held = &t->held_too;
	struct file *file;
	size_t i;

	for (i = 0; i < sizeof(t->held) / sizeof(t->held[0]); i++) {
		if (t->held[i])
			file_put(t->held[i]);
		t->held[i] = NULL;
	}
	for (i = 0; i < held->count; i++) {
		file = *(struct file **)((u8 *)held->first + i * held->stride);
		if (file)
			file_put(file);
	}
	held->count = 0;
	waiter_drop(t);
	if (t != self())
		fs_unshare(t);
}
