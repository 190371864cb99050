// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
#include <libos.h>

#define SPINS	100

/*
 * The holder may be off the processor, so after a short spin the rest of the
 * time slice is given away. Sleeping on an event would cost every unlock a
 * look at a waiter count, for sections of a few dozen instructions.
 */
void lock_acquire_slow(struct lock *l)
{
	int i;

	for (;;) {
		for (i = 0; i < SPINS; i++) {
			if (!__atomic_load_n(&l->held, __ATOMIC_RELAXED) &&
			    !__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
				return;
			asm volatile("pause");
		}
		DkThreadYieldExecution();
	}
}
