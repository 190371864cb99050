// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What pthreads and semaphores share between processes: counts that have to
 * come out under contention, and robust mutexes whose owner's process ends.
 */
#include "linux_test.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PROCESSES 4
#define ROUNDS	  600
#define ROOM	  4

static struct shared {
	pthread_mutex_t mutex, robust;
	pthread_cond_t filled, emptied;
	pthread_rwlock_t rwlock;
	pthread_barrier_t barrier;
	sem_t there, back;
	long count, twice[2], torn;
	long items[ROOM], put, got, sum;
	long arrived, serial, early;
	volatile long data;
	volatile int ready;
} * s;

static pid_t start(void (*what)(void))
{
	pid_t pid = fork();

	if (!pid) {
		what();
		_exit(0);
	}
	return pid;
}

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

static void all_of(void (*what)(void), int processes)
{
	int i, good = 0;

	for (i = 0; i < processes; i++)
		start(what);
	for (i = 0; i < processes; i++)
		good += !status_of(-1);
	SHOW("ended well", good);
}

/* ---- counts ---- */

static void counting(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		long before;

		pthread_mutex_lock(&s->mutex);
		before = s->count;
		if (i % 8 == 0)
			sched_yield();
		s->count = before + 1;
		pthread_mutex_unlock(&s->mutex);
	}
}

static void put_items(void)
{
	long i;

	for (i = 1; i <= ROUNDS; i++) {
		pthread_mutex_lock(&s->mutex);
		while (s->put - s->got == ROOM)
			pthread_cond_wait(&s->emptied, &s->mutex);
		s->items[s->put++ % ROOM] = i;
		pthread_cond_signal(&s->filled);
		pthread_mutex_unlock(&s->mutex);
	}
}

static void get_items(void)
{
	long i;

	for (i = 1; i <= ROUNDS; i++) {
		pthread_mutex_lock(&s->mutex);
		while (s->put == s->got)
			pthread_cond_wait(&s->filled, &s->mutex);
		s->sum += s->items[s->got++ % ROOM];
		pthread_cond_signal(&s->emptied);
		pthread_mutex_unlock(&s->mutex);
	}
}

static void through_a_buffer(void)
{
	if (__atomic_add_fetch(&s->ready, 1, __ATOMIC_SEQ_CST) % 2)
		put_items();
	else
		get_items();
}

static void read_and_write(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 4) {
			pthread_rwlock_rdlock(&s->rwlock);
			if (s->twice[0] != s->twice[1])
				__atomic_add_fetch(&s->torn, 1,
						   __ATOMIC_SEQ_CST);
		} else {
			pthread_rwlock_wrlock(&s->rwlock);
			s->twice[0]++;
			if (i % 8 == 0)
				sched_yield();
			s->twice[1]++;
		}
		pthread_rwlock_unlock(&s->rwlock);
	}
}

static void in_step(void)
{
	long i;

	for (i = 1; i <= 100; i++) {
		__atomic_add_fetch(&s->arrived, 1, __ATOMIC_SEQ_CST);
		if (pthread_barrier_wait(&s->barrier) ==
		    PTHREAD_BARRIER_SERIAL_THREAD)
			__atomic_add_fetch(&s->serial, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&s->arrived, __ATOMIC_SEQ_CST) <
		    i * PROCESSES)
			__atomic_add_fetch(&s->early, 1, __ATOMIC_SEQ_CST);
	}
}

static void answering(void)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		while (sem_wait(&s->there))
			;
		s->count++;
		sem_post(&s->back);
	}
}

static void counts(void)
{
	struct timespec ts = { 0, 20000000 };
	pid_t pid;
	int i;

	all_of(counting, PROCESSES);
	CHECK(s->count);
	all_of(through_a_buffer, 4);
	CHECK(s->put);
	CHECK(s->got);
	CHECK(s->sum);
	all_of(read_and_write, PROCESSES);
	CHECK(s->twice[0]);
	CHECK(s->torn);
	all_of(in_step, PROCESSES);
	CHECK(s->serial);
	CHECK(s->early);
	s->count = 0;
	pid = start(answering);
	for (i = 0; i < ROUNDS; i++) {
		sem_post(&s->there);
		while (sem_wait(&s->back))
			;
	}
	CHECK(status_of(pid));
	CHECK(s->count);
	pthread_mutex_lock(&s->mutex);
	CHECK(pthread_cond_clockwait(&s->filled, &s->mutex, CLOCK_MONOTONIC,
				     &ts));
	pthread_mutex_unlock(&s->mutex);
}

/* ---- robust mutexes ---- */

static void new_robust(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	memset(&s->robust, 0, sizeof(s->robust));
	pthread_mutex_init(&s->robust, &attr);
	s->ready = 0;
}

static void take(void)
{
	pthread_mutex_lock(&s->robust);
	s->ready = 1;
}

static void take_and_end(void)
{
	take();
	sleep_ms(40);
}

static void take_and_stay(void)
{
	take();
	for (;;)
		pause();
}

static void *stays(void *unused)
{
	take_and_stay();
	return unused;
}

static void thread_takes(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, stays, NULL);
	while (!s->ready)
		sleep_ms(1);
	sleep_ms(40);
}

static void thread_takes_and_stays(void)
{
	thread_takes();
	for (;;)
		pause();
}

static const char *self;

/* The mutex goes at execve, while the process lives on. */
static void take_and_execute(void)
{
	take();
	sleep_ms(40);
	execl(self, self, "stay", NULL);
	_exit(9);
}

static void repair(void)
{
	CHECK(pthread_mutex_consistent(&s->robust));
	CHECK(pthread_mutex_unlock(&s->robust));
	CHECK(pthread_mutex_lock(&s->robust));
	CHECK(pthread_mutex_unlock(&s->robust));
}

static void after(const char *text, void (*what)(void), int signal, bool wait)
{
	pid_t pid, killer = 0;
	int status;

	printf("%s, signal %d, %s\n", text, signal,
	       wait ? "waited for" : "afterwards");
	new_robust();
	pid = start(what);
	while (!s->ready)
		sleep_ms(1);
	if (signal && wait) {
		killer = fork();
		if (!killer) {
			sleep_ms(40);
			kill(pid, signal);
			_exit(0);
		}
	} else if (signal) {
		kill(pid, signal);
	}
	status = wait ? 0 : status_of(pid);
	CHECK(pthread_mutex_lock(&s->robust));
	repair();
	if (what == take_and_execute)
		kill(pid, SIGTERM);
	if (wait)
		status = status_of(pid);
	CHECK(status);
	if (killer)
		status_of(killer);
}

static void not_repaired(void)
{
	pid_t pid;

	new_robust();
	CHECK(status_of(start(take)));
	CHECK(pthread_mutex_trylock(&s->robust));
	CHECK(pthread_mutex_unlock(&s->robust));
	CHECK(pthread_mutex_lock(&s->robust));
	pid = fork();
	if (!pid)
		_exit(pthread_mutex_lock(&s->robust) == ENOTRECOVERABLE);
	SHOW("in another process", status_of(pid) >> 8);
}

/* ---- no thread of a process goes on when its mutexes are free ---- */

static void *writes(void *unused)
{
	take();
	for (;;)
		s->data++;
	return unused;
}

static void *takes_and_gives(void *unused)
{
	for (;;) {
		pthread_mutex_lock(&s->robust);
		s->ready = 1;
		pthread_mutex_unlock(&s->robust);
	}
	return unused;
}

static void *(*other_thread)(void *);

static void process_of_two(void)
{
	pthread_t thread;
	int i;

	/* Its end takes a while. */
	for (i = 0; i < 200; i++)
		(void)!dup(1);
	pthread_create(&thread, NULL, other_thread, NULL);
	while (!s->ready)
		sched_yield();
	sleep_ms(5);
	_exit(0);
}

static void ends_as_a_whole(void)
{
	int i, r, died = 0, moved = 0, stuck = 0;

	other_thread = writes;
	for (i = 0; i < 30; i++) {
		pid_t pid;
		long seen;

		new_robust();
		pid = start(process_of_two);
		while (!s->ready)
			sched_yield();
		died += pthread_mutex_lock(&s->robust) == EOWNERDEAD;
		seen = s->data;
		status_of(pid);
		moved += s->data != seen;
		pthread_mutex_consistent(&s->robust);
		pthread_mutex_unlock(&s->robust);
	}
	SHOW("owners died", died);
	SHOW("and still wrote", moved);

	other_thread = takes_and_gives;
	for (i = 0; i < 30; i++) {
		new_robust();
		status_of(start(process_of_two));
		r = pthread_mutex_trylock(&s->robust);
		stuck += r && r != EOWNERDEAD;
	}
	SHOW("never given back", stuck);
}

/* ---- several ends at once ---- */

static pthread_barrier_t together;

static void *ends(void *code)
{
	pthread_barrier_wait(&together);
	_exit((long)code);
}

static void *computes(void *unused)
{
	for (;;)
		s->data++;
	return unused;
}

static void four_ends(void)
{
	pthread_t thread;
	long i;

	pthread_barrier_init(&together, NULL, 4);
	pthread_create(&thread, NULL, computes, NULL);
	for (i = 1; i < 4; i++)
		pthread_create(&thread, NULL, ends, (void *)i);
	ends((void *)4L);
}

static void *executes(void *unused)
{
	pthread_barrier_wait(&together);
	execl(self, self, "end", NULL);
	_exit(9);
}

static void end_and_execute(void)
{
	pthread_t thread;

	pthread_barrier_init(&together, NULL, 2);
	pthread_create(&thread, NULL, computes, NULL);
	pthread_create(&thread, NULL, executes, NULL);
	ends((void *)4L);
}

/* Nobody is there to take it but those that end by it. */
static void alarmed(void)
{
	struct itimerval soon = { { 0, 0 }, { 0, 30000 } };
	pthread_t thread;

	pthread_create(&thread, NULL, computes, NULL);
	pthread_create(&thread, NULL, stays, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	computes(NULL);
}

/* Who was made by vfork() lives on when another thread ends its parent. */
static void *lends(void *unused)
{
	if (!vfork()) {
		s->ready = 1;
		sleep_ms(100);
		s->count = 42;
		_exit(0);
	}
	return unused;
}

static void lender_ends(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, lends, NULL);
	while (!s->ready)
		sched_yield();
	sleep_ms(20);
	_exit(4);
}

static void at_once(void)
{
	int i, status, ended = 0, executed_or_ended = 0, killed = 0;

	for (i = 0; i < 20; i++) {
		status = status_of(start(four_ends));
		ended += !(status & 0xff) && status >> 8 >= 1 &&
			 status >> 8 <= 4;
		status = status_of(start(end_and_execute)) >> 8;
		executed_or_ended += status == 4 || status == 5;
		new_robust();
		killed += status_of(start(alarmed)) == SIGALRM;
	}
	CHECK(ended);
	CHECK(executed_or_ended);
	CHECK(killed);
	s->ready = 0;
	s->count = 0;
	SHOW("lender", status_of(start(lender_ends)) >> 8);
	for (i = 0; i < 200 && s->count != 42; i++)
		sleep_ms(10);
	CHECK(s->count);
}

int main(int argc, char **argv)
{
	pthread_rwlockattr_t rwlock;
	pthread_barrierattr_t barrier;
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	if (argc > 1 && !strcmp(argv[1], "end"))
		return 5;
	if (argc > 1)
		for (;;)
			pause();
	self = argv[0];
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&s->mutex, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&s->filled, &cond);
	pthread_cond_init(&s->emptied, &cond);
	pthread_rwlockattr_init(&rwlock);
	pthread_rwlockattr_setpshared(&rwlock, PTHREAD_PROCESS_SHARED);
	pthread_rwlock_init(&s->rwlock, &rwlock);
	pthread_barrierattr_init(&barrier);
	pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&s->barrier, &barrier, PROCESSES);
	sem_init(&s->there, 1, 0);
	sem_init(&s->back, 1, 0);
	counts();
	after("ends", take_and_end, 0, true);
	after("ends", take_and_end, 0, false);
	after("killed", take_and_stay, SIGKILL, true);
	after("killed", take_and_stay, SIGKILL, false);
	after("killed", take_and_stay, SIGTERM, true);
	after("another thread's", thread_takes, 0, true);
	after("another thread's", thread_takes, 0, false);
	after("another thread's", thread_takes_and_stays, SIGKILL, true);
	after("another thread's", thread_takes_and_stays, SIGKILL, false);
	after("execve", take_and_execute, 0, true);
	not_repaired();
	ends_as_a_whole();
	at_once();
	return 0;
}
