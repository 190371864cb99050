// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Mutexes whose owner ends, and lists of them that make no sense. */
#include "linux_test.h"

#include <linux/futex.h>
#include <pthread.h>

static pthread_mutex_t mutexes[3];
static volatile int taken;

static void *take_all(void *arg)
{
	int i;

	for (i = 0; i < 3; i++)
		pthread_mutex_lock(&mutexes[i]);
	taken++;
	if (arg)
		sleep_ms(30);
	return NULL;
}

static struct {
	struct robust_list_head head;
	struct robust_list node;
	uint32_t word, far;
} own;

/* The thread's own list in place of the library's. */
static void *with_list(void *arg)
{
	long kind = (long)arg;

	memset(&own, 0, sizeof(own));
	own.head.list.next = &own.node;
	own.head.futex_offset =
		offsetof(typeof(own), word) - offsetof(typeof(own), node);
	own.node.next = &own.head.list;
	own.word = own_tid() | FUTEX_WAITERS;
	switch (kind) {
	case 1: /* a circle */
		own.node.next = &own.node;
		break;
	case 2: /* into nowhere */
		own.node.next = (void *)8;
		break;
	case 3: /* the entry that is being worked on */
		own.head.list.next = &own.head.list;
		own.head.list_op_pending = &own.node;
		break;
	case 4: /* another's */
		own.word = 1;
		break;
	case 5: /* not aligned */
		own.head.futex_offset++;
		break;
	}
	syscall(SYS_set_robust_list, &own.head, sizeof(own.head));
	syscall(SYS_exit, 0);
	return NULL;
}

int main(void)
{
	pthread_mutexattr_t attr;
	pthread_t thread;
	size_t size = 0;
	long kind;
	void *head;
	int i;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	for (i = 0; i < 3; i++)
		pthread_mutex_init(&mutexes[i], &attr);
	pthread_create(&thread, NULL, take_all, NULL);
	pthread_join(thread, NULL);
	CHECK(pthread_mutex_lock(&mutexes[0]));
	CHECK(pthread_mutex_consistent(&mutexes[0]));
	CHECK(pthread_mutex_unlock(&mutexes[0]));
	CHECK(pthread_mutex_lock(&mutexes[0]));
	CHECK(pthread_mutex_unlock(&mutexes[0]));
	CHECK(pthread_mutex_trylock(&mutexes[1]));
	CHECK(pthread_mutex_unlock(&mutexes[1]));
	CHECK(pthread_mutex_lock(&mutexes[1]));
	CHECK(pthread_mutex_lock(&mutexes[2]));
	pthread_mutex_consistent(&mutexes[2]);
	pthread_mutex_unlock(&mutexes[2]);

	/* Somebody waits when the owner ends. */
	pthread_mutex_destroy(&mutexes[1]);
	pthread_mutex_init(&mutexes[1], &attr);
	pthread_create(&thread, NULL, take_all, (void *)1);
	while (taken < 2)
		sleep_ms(1);
	CHECK(pthread_mutex_lock(&mutexes[2]));
	pthread_join(thread, NULL);

	for (kind = 0; kind < 6; kind++) {
		pthread_create(&thread, NULL, with_list, (void *)kind);
		pthread_join(thread, NULL);
		SHOW("kind", kind);
		SHOW("word", own.word & (FUTEX_OWNER_DIED | FUTEX_WAITERS));
	}
	TRY(syscall(SYS_get_robust_list, 0, &head, &size));
	SHOW("size", size);
	TRY(syscall(SYS_get_robust_list, 0x3fffffff, &head, &size));
	TRY(syscall(SYS_get_robust_list, 0, (void *)8, &size));
	return 0;
}
