// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Locks, and stopping all of them at once.
 *
 * @held is 0, 1 (taken), or 2 (taken, and somebody may sleep for it): giving a
 * lock back enters the host only from 2. Who has slept takes it with 2, for
 * there may be more of its kind.
 *
 * Each thread counts the locks that it holds. world_stop() raises a flag and
 * waits until the counts of all others are 0; who takes its first lock counts
 * it and then looks at the flag, before it touches the lock. One of the two
 * sees the other, so in a copy that is made now no lock is taken, not even by
 * one who is about to give it back. A thread that waits for its first lock
 * holds none, and does not count it meanwhile.
 */
#include <libos.h>
#include <thread.h>

#define SPINS	100

u32 world_stopped;
u32 lock_waits;

static struct lock world_lock;

static void sleep_while(u32 *word, u32 value)
{
	DkxAddressWait(word, DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE, value, NULL,
		       0, DK_ADDRESS_ALL_BITS);
}

static void wake(u32 *word, u64 count)
{
	DkxAddressWake(word, DK_ADDRESS_WAKE | DK_ADDRESS_PRIVATE, count, 0,
		       NULL, DK_ADDRESS_ALL_BITS);
}

void lock_wake(struct lock *l)
{
	wake(&l->held, 1);
}

static bool stopped(void)
{
	return __atomic_load_n(&world_stopped, __ATOMIC_SEQ_CST);
}

static bool swap(u32 *word, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(word, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* It is counted; it was not free, or the world is stopped. */
void lock_acquire_slow(struct lock *l)
{
	bool first = self()->locks == 1, slept = false;
	int i;

	__atomic_fetch_add(&lock_waits, 1, __ATOMIC_RELAXED);
	for (;;) {
		while (first && stopped()) {
			lock_uncount();
			sleep_while(&world_stopped, 1);
			lock_count();
		}
		if (slept ? !__atomic_exchange_n(&l->held, 2,
						 __ATOMIC_SEQ_CST) :
			    swap(&l->held, 0, 1))
			return;
		if (first)
			lock_uncount();
		for (i = 0; i < SPINS; i++) {
			if (!__atomic_load_n(&l->held, __ATOMIC_RELAXED))
				break;
			asm volatile("pause");
		}
		if (i == SPINS) {
			swap(&l->held, 1, 2);
			sleep_while(&l->held, 2);
			slept = true;
		}
		if (first)
			lock_count();
	}
}

void world_stop(void)
{
	struct libos_thread *t, *me = self();

	lock_acquire(&world_lock);
	lock_acquire(&thread_lock);
	__atomic_store_n(&world_stopped, 1, __ATOMIC_SEQ_CST);
	for (t = threads; t; t = t->next) {
		while (t != me && __atomic_load_n(&t->locks, __ATOMIC_SEQ_CST))
			DkThreadYieldExecution();
	}
	lock_release(&thread_lock);
}

void world_start(void)
{
	__atomic_store_n(&world_stopped, 0, __ATOMIC_SEQ_CST);
	wake(&world_stopped, INT32_MAX);
	lock_release(&world_lock);
}
