// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Robust lists: the mutexes that a thread holds when it ends.
 *
 * The list is the program's, in its memory, and may be anything: the walk is
 * bounded, and ends at the first pointer that cannot be used. A mutex of the
 * thread gets FUTEX_OWNER_DIED, and one waiter is woken; so does one that it
 * was about to take or give (list_op_pending), where waiters may otherwise
 * have been left behind.
 */
#include <libos.h>
#include <linux/futex.h>
#include <processes.h>
#include <thread.h>
#include <uaccess.h>

#define PI_BIT		1UL	/* of a list pointer: a mutex with priorities */

static void wake_one(u32 *word)
{
	DkxAddressWake(word, DK_ADDRESS_WAKE, 1, 0, NULL, DK_ADDRESS_ALL_BITS);
}

/* What its mutexes have of the thread: one that is lent, the borrower's number. */
static u32 owner_of(const struct libos_thread *t)
{
	return t->vfork ? t->identity->pid : t->tid;
}

static long orphan(struct libos_thread *t, u32 *word, bool pi, bool pending)
{
	u32 value, seen, next;

	if ((u64)word % sizeof(*word) || !user_ok(word, sizeof(*word)))
		return -EFAULT;
	if (user_get(value, word))
		return -EFAULT;
	/* It was being given back: the word is free, a waiter not yet woken. */
	if (pending && !pi && !value) {
		wake_one(word);
		return 0;
	}
	while ((value & FUTEX_TID_MASK) == owner_of(t)) {
		next = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		seen = value;
		if (user_cmpxchg32(word, &seen, next))
			return -EFAULT;
		if (seen == value) {
			if (!pi && (value & FUTEX_WAITERS))
				wake_one(word);
			break;
		}
		value = seen;
	}
	return 0;
}

/* An entry and what its pointer says of it. */
static long entry_get(u64 at, u64 *entry, bool *pi)
{
	u64 value;

	if (user_get(value, (u64 *)at))
		return -EFAULT;
	*entry = value & ~PI_BIT;
	*pi = value & PI_BIT;
	return 0;
}

void robust_list_walk(struct libos_thread *t)
{
	u64 head = t->robust_list, entry, next, pending;
	bool pi, next_pi = false, pending_pi;
	int limit = ROBUST_LIST_LIMIT;
	s64 offset;

	if (!head || !t->tid)
		return;
	t->robust_list = 0;
	if (entry_get(head + offsetof(struct robust_list_head, list), &entry,
		      &pi) ||
	    user_read(&offset,
		      (void *)(head +
			       offsetof(struct robust_list_head, futex_offset)),
		      sizeof(offset)) ||
	    entry_get(head + offsetof(struct robust_list_head, list_op_pending),
		      &pending, &pending_pi))
		return;
	while (entry != head && limit--) {
		long failed = entry_get(entry, &next, &next_pi);

		/* The one that is being worked on comes last. */
		if (entry != pending &&
		    orphan(t, (u32 *)(entry + offset), pi, false))
			return;
		if (failed)
			return;
		entry = next;
		pi = next_pi;
	}
	if (pending)
		orphan(t, (u32 *)(pending + offset), pending_pi, true);
}

SYSCALL2(set_robust_list, u64, head, size_t, size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	self()->robust_list = head;
	return 0;
}

SYSCALL3(get_robust_list, int, tid, u64 *, to, size_t *, size)
{
	size_t n = sizeof(struct robust_list_head);
	struct libos_thread *t;
	u64 head;

	t = tid ? thread_find(tid) : thread_get(self());
	if (!t)
		return -ESRCH;
	head = t->robust_list;
	thread_put(t);
	if (user_put(n, size) || user_put(head, to))
		return -EFAULT;
	return 0;
}
