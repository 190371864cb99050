// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* futex(2) without a library between. */
#include "linux_test.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>

static uint32_t word, second;

static long futex(uint32_t *uaddr, int op, uint32_t val, const void *timeout,
		  uint32_t *uaddr2, uint32_t val3)
{
	return syscall(SYS_futex, uaddr, op, val, timeout, uaddr2, val3);
}

struct wait {
	uint32_t bits;
	int op;
	const struct timespec *timeout;
	long result;
	bool done;
};

static void *waiting(void *arg)
{
	struct wait *w = arg;

	w->result = futex(&word, w->op, word, w->timeout, NULL, w->bits);
	if (w->result == -1)
		w->result = -errno;
	__atomic_store_n(&w->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start(pthread_t *thread, struct wait *w)
{
	w->done = false;
	pthread_create(thread, NULL, waiting, w);
	sleep_ms(30);
}

/* Wake until as many as wanted have been: a waiter may be slow to come. */
static long wake(uint32_t *at, int op, uint32_t count, uint32_t bits)
{
	long sum = 0, i;

	for (i = 0; i < 200 && sum < count; i++) {
		sum += futex(at, op, count - sum, NULL, NULL, bits);
		if (sum < count)
			sleep_ms(10);
	}
	return sum;
}

static void bitsets(void)
{
	struct wait one = { 1, FUTEX_WAIT_BITSET_PRIVATE },
		    two = { 2, FUTEX_WAIT_BITSET_PRIVATE };
	pthread_t threads[2];

	start(&threads[0], &one);
	start(&threads[1], &two);
	CHECK(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4));
	CHECK(wake(&word, FUTEX_WAKE_BITSET_PRIVATE, 1, 2));
	pthread_join(threads[1], NULL);
	CHECK(two.result);
	CHECK(one.done);
	CHECK(wake(&word, FUTEX_WAKE_PRIVATE, 1, 0));
	pthread_join(threads[0], NULL);
	CHECK(one.result);
}

static void requeues(int wait_op, int requeue_op, int wake_op)
{
	struct wait w[3] = { { ~0U, wait_op },
			     { ~0U, wait_op },
			     { ~0U, wait_op } };
	pthread_t threads[3];
	long moved = 0;
	int i;

	for (i = 0; i < 3; i++)
		start(&threads[i], &w[i]);
	TRY(futex(&word, requeue_op, 0, (void *)0L, &second, word + 1));
	for (i = 0; i < 200 && moved < 3; i++) {
		long r = futex(&word, requeue_op, moved ? 0 : 1, (void *)9L,
			       &second, word);

		moved += r > 0 ? r : 0;
		sleep_ms(r > 0 ? 0 : 10);
	}
	SHOW("woken and moved", moved);
	CHECK(futex(&word, wake_op, 9, NULL, NULL, 0));
	CHECK(wake(&second, wake_op, 2, 0));
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		CHECK(w[i].result);
	}
}

static void wake_op(void)
{
	struct wait w = { ~0U, FUTEX_WAIT_PRIVATE };
	pthread_t thread;
	long woken;
	int tries = 0;

	start(&thread, &w);
	/* Until there is somebody to wake. */
	do {
		second = 5;
		woken = futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L,
			      &second,
			      FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5));
		if (!woken)
			sleep_ms(10);
	} while (!woken && tries++ < 1000);
	SHOW("woken", woken);
	CHECK(second);
	pthread_join(thread, NULL);
	CHECK(w.result);
	TRY(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1L, (uint32_t *)8UL,
		  FUTEX_OP(FUTEX_OP_SET, 3, 0, 5)));
	second = 0;
}

static void times(void)
{
	struct timespec ts = { 0, 20000000 }, wrong = { 0, 1000000000 },
			before = { 1, 0 }, negative = { -1, 0 };
	int64_t start = now_ns(CLOCK_MONOTONIC), wall;

	TRY(futex(&word, FUTEX_WAIT, word, &ts, NULL, 0));
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 20000000);
	TRY(futex(&word, FUTEX_WAIT, word + 1, &ts, NULL, 0));
	TRY(futex(&word, FUTEX_WAIT, word, &wrong, NULL, 0));
	TRY(futex(&word, FUTEX_WAIT, word, &negative, NULL, 0));
	TRY(futex(&word, FUTEX_WAIT, word, (void *)8, NULL, 0));
	TRY(futex(&word, FUTEX_WAIT_BITSET, word, &before, NULL, ~0U));
	TRY(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, word,
		  &before, NULL, ~0U));
	wall = now_ns(CLOCK_REALTIME) + 20000000;
	ts.tv_sec = wall / 1000000000;
	ts.tv_nsec = wall % 1000000000;
	TRY(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, word, &ts,
		  NULL, ~0U));
	CHECK(now_ns(CLOCK_REALTIME) >= wall);
	ts.tv_sec = 0;
	ts.tv_nsec = 1000000;
	TRY(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, word, &ts, NULL,
		  0));
}

static void refusals(void)
{
	char *page =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *readable = (uint32_t *)page;

	TRY(futex((uint32_t *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL,
		  0));
	TRY(futex((uint32_t *)((char *)&word + 2), FUTEX_WAKE, 1, NULL, NULL,
		  0));
	TRY(futex(NULL, FUTEX_WAIT, 0, NULL, NULL, 0));
	TRY(futex((uint32_t *)0x7ffffffff000UL, FUTEX_WAIT, 0, NULL, NULL, 0));
	TRY(futex((uint32_t *)0xffff800000000000UL, FUTEX_WAKE, 1, NULL, NULL,
		  0));
	TRY(futex(readable, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
	TRY(futex(readable, FUTEX_WAKE, 1, NULL, NULL, 0));
	TRY(futex(&word, FUTEX_WAIT_BITSET, word, NULL, NULL, 0));
	TRY(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	TRY(futex(&word, FUTEX_WAKE, 0, NULL, NULL, 0));
	TRY(futex(&word, FUTEX_REQUEUE, -1, (void *)1L, &second, 0));
	TRY(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1L, &second, word + 1));
	TRY(futex(&word, FUTEX_FD, 0, NULL, NULL, 0));
	TRY(futex(&word, 77, 0, NULL, NULL, 0));
	TRY(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
}

int main(void)
{
	struct wait shared = { ~0U, FUTEX_WAIT };
	pthread_t thread;

	word = 17;
	start(&thread, &shared);
	CHECK(wake(&word, FUTEX_WAKE, 1, 0));
	pthread_join(thread, NULL);
	CHECK(shared.result);
	bitsets();
	requeues(FUTEX_WAIT_PRIVATE, FUTEX_CMP_REQUEUE_PRIVATE,
		 FUTEX_WAKE_PRIVATE);
	requeues(FUTEX_WAIT, FUTEX_CMP_REQUEUE, FUTEX_WAKE);
	wake_op();
	times();
	refusals();
	return 0;
}
