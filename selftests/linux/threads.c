// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Threads as C libraries make them, and what they synchronise with. */
#include "linux_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <threads.h>

#define THREADS 8
#define ROUNDS 2000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_spinlock_t spin;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static _Thread_local long local = 7;
static long count, spun, turn, read_ok, serial, destroyed, initialised;
static sem_t semaphore;

static void *counting(void *arg)
{
	long me = (long)arg, i;

	for (i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		count++;
		pthread_mutex_unlock(&mutex);
		pthread_spin_lock(&spin);
		spun++;
		pthread_spin_unlock(&spin);
	}
	pthread_mutex_lock(&mutex);
	while (turn != me)
		pthread_cond_wait(&cond, &mutex);
	turn++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mutex);
	return (void *)(me * me);
}

static void *locking(void *arg)
{
	static long value, copy;
	long i;

	for (i = 0; i < ROUNDS / 4; i++) {
		if ((i + (long)arg) % 8 == 0) {
			pthread_rwlock_wrlock(&rwlock);
			value++;
			copy++;
			pthread_rwlock_unlock(&rwlock);
		} else {
			pthread_rwlock_rdlock(&rwlock);
			__atomic_add_fetch(&read_ok, value == copy,
					   __ATOMIC_RELAXED);
			pthread_rwlock_unlock(&rwlock);
		}
	}
	return NULL;
}

static void *meeting(void *arg)
{
	int i;

	for (i = 0; i < 100; i++)
		if (pthread_barrier_wait(&barrier) ==
		    PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	return arg;
}

static void destroy(void *value)
{
	__atomic_add_fetch(&destroyed, (long)value, __ATOMIC_RELAXED);
}

static void initialise(void)
{
	initialised++;
}

static void *keeping(void *arg)
{
	pthread_once(&once, initialise);
	pthread_setspecific(key, arg);
	local += (long)arg;
	sched_yield();
	return (void *)local;
}

static long run(void *(*f)(void *), long n)
{
	pthread_t threads[THREADS];
	long i, sum = 0;
	void *result;

	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, f, (void *)(i + 1)))
			printf("no thread %ld\n", i);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], &result);
		sum += (long)result;
	}
	return sum;
}

static void *sleeper(void *arg)
{
	sleep_ms(10);
	sem_post(&semaphore);
	return arg;
}

static void *named(void *arg)
{
	char name[16] = "", path[64], text[64] = "";
	int fd, n = 0;

	pthread_setname_np(pthread_self(), "a name of 15 ch");
	pthread_getname_np(pthread_self(), name, sizeof(name));
	printf("name %s\n", name);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", own_tid());
	fd = open(path, O_RDONLY);
	if (fd >= 0)
		n = read(fd, text, sizeof(text) - 1);
	printf("comm %s%d\n", text, n);
	close(fd);
	CHECK(own_tid() != getpid());
	return arg;
}

static int c11(void *arg)
{
	mtx_lock(arg);
	count++;
	mtx_unlock(arg);
	thrd_exit(5);
}

static void *on_own_stack(void *arg)
{
	char here;

	return (void *)(long)(&here >= (char *)arg &&
			      &here < (char *)arg + 0x40000);
}

static void many(void)
{
	pthread_t thread;
	void *result;
	long i, sum = 0;

	for (i = 0; i < 1000; i++) {
		if (pthread_create(&thread, NULL, keeping, (void *)i))
			break;
		pthread_join(thread, &result);
		sum += (long)result;
	}
	SHOW("one after the other", i);
	SHOW("sum", sum);
}

static void timed(void)
{
	pthread_condattr_t attr;
	pthread_cond_t timed;
	struct timespec ts;
	int64_t before;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&timed, &attr);
	before = now_ns(CLOCK_MONOTONIC);
	ts.tv_sec = (before + 30000000) / 1000000000;
	ts.tv_nsec = (before + 30000000) % 1000000000;
	pthread_mutex_lock(&mutex);
	CHECK(pthread_cond_timedwait(&timed, &mutex, &ts));
	pthread_mutex_unlock(&mutex);
	CHECK(now_ns(CLOCK_MONOTONIC) - before >= 30000000);
	clock_gettime(CLOCK_REALTIME, &ts);
	CHECK(sem_timedwait(&semaphore, &ts) == -1 && errno == ETIMEDOUT);
	pthread_mutex_lock(&mutex);
	CHECK(pthread_mutex_timedlock(&mutex, &ts));
	pthread_mutex_unlock(&mutex);
}

static void kinds(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t m;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(&m, &attr);
	CHECK(pthread_mutex_unlock(&m));
	CHECK(pthread_mutex_lock(&m));
	CHECK(pthread_mutex_lock(&m));
	CHECK(pthread_mutex_trylock(&m));
	CHECK(pthread_mutex_unlock(&m));
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m, &attr);
	CHECK(pthread_mutex_lock(&m));
	CHECK(pthread_mutex_lock(&m));
	CHECK(pthread_mutex_unlock(&m));
	CHECK(pthread_mutex_unlock(&m));
	CHECK(pthread_mutex_unlock(&m));
}

static void *ends_last(void *arg)
{
	/* Long enough that exit() comes first, however busy the machine is. */
	sleep_ms(arg ? 20000 : 50);
	printf("the last thread ends\n");
	fflush(stdout);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;
	thrd_t c11_thread;
	mtx_t c11_mutex;
	void *result;
	char *stack;
	int code;

	pthread_spin_init(&spin, 0);
	pthread_key_create(&key, destroy);
	turn = 1;
	SHOW("squares", run(counting, THREADS));
	SHOW("counted", count);
	SHOW("spun", spun);
	run(locking, THREADS);
	SHOW("read while nobody wrote", read_ok);
	pthread_barrier_init(&barrier, NULL, 4);
	SHOW("met", run(meeting, 4));
	SHOW("serial", serial);
	SHOW("local", run(keeping, THREADS));
	SHOW("destroyed", destroyed);
	SHOW("initialised", initialised);
	sem_init(&semaphore, 0, 0);
	pthread_create(&thread, NULL, sleeper, NULL);
	CHECK(sem_wait(&semaphore));
	CHECK(pthread_join(thread, NULL));
	pthread_create(&thread, NULL, named, NULL);
	pthread_join(thread, NULL);

	pthread_attr_init(&attr);
	stack = mmap(NULL, 0x40000, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_attr_setstack(&attr, stack, 0x40000);
	pthread_create(&thread, &attr, on_own_stack, stack);
	pthread_join(thread, &result);
	SHOW("on its own stack", result);
	pthread_attr_destroy(&attr);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	CHECK(pthread_create(&thread, &attr, sleeper, NULL));
	CHECK(sem_wait(&semaphore));

	mtx_init(&c11_mutex, mtx_plain);
	count = 0;
	CHECK(thrd_create(&c11_thread, c11, &c11_mutex) == thrd_success);
	CHECK(thrd_join(c11_thread, &code) == thrd_success);
	SHOW("c11", code + 100 * count);

	many();
	timed();
	kinds();
	if (argc > 1 && !strcmp(argv[1], "exit")) {
		pthread_create(&thread, NULL, ends_last, argv);
		exit(3);
	}
	pthread_create(&thread, NULL, ends_last, NULL);
	pthread_exit(NULL);
}
