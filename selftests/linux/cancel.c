// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Threads that are cancelled, and a storm of signals over all of them. */
#include "linux_test.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

static int pipes[2];
static sem_t semaphore;
static volatile int cleaned, ready;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void clean(void *arg)
{
	cleaned += (long)arg;
}

static void unlock(void *arg)
{
	pthread_mutex_unlock(arg);
	cleaned += 1;
}

static void *reads(void *arg)
{
	char byte;

	pthread_cleanup_push(clean, (void *)1);
	ready = 1;
	(void)!read(pipes[0], &byte, 1);
	pthread_cleanup_pop(0);
	return arg;
}

static void *sleeps(void *arg)
{
	pthread_cleanup_push(clean, (void *)1);
	ready = 1;
	sleep(100);
	pthread_cleanup_pop(0);
	return arg;
}

static void *waits(void *arg)
{
	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	ready = 1;
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(0);
	return arg;
}

static void *spins(void *arg)
{
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	pthread_cleanup_push(clean, (void *)1);
	ready = 1;
	for (;;)
		asm volatile("");
	pthread_cleanup_pop(0);
	return arg;
}

static void *semaphores(void *arg)
{
	pthread_cleanup_push(clean, (void *)1);
	ready = 1;
	sem_wait(&semaphore);
	pthread_cleanup_pop(0);
	return arg;
}

static void *refuses(void *arg)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	ready = 1;
	sleep_ms(60);
	return arg;
}

static void cancel(const char *what, void *(*f)(void *))
{
	pthread_t thread;
	void *result;

	cleaned = ready = 0;
	pthread_create(&thread, NULL, f, NULL);
	while (!ready)
		sleep_ms(1);
	sleep_ms(20);
	pthread_cancel(thread);
	pthread_join(thread, &result);
	printf("%s: cancelled %d, cleaned %d\n", what,
	       result == PTHREAD_CANCELED, cleaned);
	fflush(stdout);
}

/* ---- storm ---- */

#define THREADS 4
#define ROUNDS 3000

static volatile bool stop;
static long handled[THREADS];
static _Thread_local long me;
static volatile long broken;

static void handler(int signal)
{
	__atomic_add_fetch(&handled[me], 1, __ATOMIC_RELAXED);
}

/* Registers that nobody but a handler's frame can have kept. */
static void *works(void *arg)
{
	unsigned long sum = 0, i;
	double x = 1.0, y;

	me = (long)arg;
	while (!stop) {
		asm volatile("movsd %1, %%xmm9\n\t"
			     "mov $0x1234, %%r14\n\t"
			     "mov $300, %%rcx\n"
			     "1:\tdec %%rcx\n\t"
			     "jnz 1b\n\t"
			     "mov $39, %%eax\n\t"
			     "syscall\n\t"
			     "sub $0x1234, %%r14\n\t"
			     "mov %%r14, %0\n\t"
			     "movsd %%xmm9, %2"
			     : "=m"(i), "+m"(x), "=m"(y)
			     :
			     : "rax", "rcx", "r11", "r14", "xmm9", "memory");
		if (i || x != y)
			broken++;
		x += 1.0;
		sum += i;
	}
	return (void *)sum;
}

static void storm(void)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };
	pthread_t threads[THREADS];
	long i, sent = 0, sum = 0;

	sigaction(SIGUSR1, &a, NULL);
	sigaction(SIGRTMIN + 5, &a, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, works, (void *)i);
	for (i = 0; i < ROUNDS; i++) {
		pthread_kill(threads[i % THREADS], SIGUSR1);
		sent += !pthread_kill(threads[i % THREADS], SIGRTMIN + 5);
	}
	/* Real-time ones are all taken. */
	for (i = 0; i < 500; i++) {
		sum = handled[0] + handled[1] + handled[2] + handled[3];
		if (sum >= sent)
			break;
		sleep_ms(10);
	}
	stop = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	SHOW("sent", sent);
	CHECK(sum >= sent);
	SHOW("broken", broken);
}

int main(void)
{
	(void)!pipe(pipes);
	sem_init(&semaphore, 0, 0);
	cancel("read", reads);
	cancel("sleep", sleeps);
	cancel("cond_wait", waits);
	cancel("spinning", spins);
	cancel("sem_wait", semaphores);
	cancel("not now", refuses);
	storm();
	return 0;
}
