// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What /proc says of threads: their states and times.
 */
#include "linux_test.h"

#include <pthread.h>

#define MS 1000000LL
#define TRIES 2000

static char text[65536];

static bool get(const char *name)
{
	FILE *f = fopen(name, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (f)
		fclose(f);
	return f;
}

/* A field of @name, which is a file stat, by its number in proc(5), from 3. */
static const char *field(const char *name, int number)
{
	char *at = get(name) ? strrchr(text, ')') : NULL;

	for (number -= 2; at && number; number--) {
		at = strchr(at, ' ');
		at += !!at;
	}
	return at ? at : "";
}

static long value(const char *name, int number)
{
	return atol(field(name, number));
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	pthread_barrier_t begun, end;
	bool spins;
	pid_t tid;
	char stat[64], status[64];
};

static volatile bool stop;

static void *work(void *argument)
{
	struct worker *w = argument;

	w->tid = own_tid();
	snprintf(w->stat, sizeof(w->stat), "/proc/self/task/%d/stat", w->tid);
	snprintf(w->status, sizeof(w->status), "/proc/self/task/%d/status",
		 w->tid);
	pthread_barrier_wait(&w->begun);
	while (w->spins && !stop)
		;
	pthread_barrier_wait(&w->end);
	return NULL;
}

static void start(struct worker *w, bool spins)
{
	w->spins = spins;
	pthread_barrier_init(&w->begun, NULL, 2);
	pthread_barrier_init(&w->end, NULL, 2);
	pthread_create(&w->thread, NULL, work, w);
	pthread_barrier_wait(&w->begun);
}

static void finish(struct worker *w)
{
	pthread_barrier_wait(&w->end);
	pthread_join(w->thread, NULL);
}

/* Of a thread that is about to be in that state. */
static bool comes_to(const struct worker *w, char state)
{
	for (int i = 0; i < TRIES; i++) {
		if (*field(w->stat, 3) == state)
			return true;
		sleep_ms(1);
	}
	return false;
}

static bool is_said(const struct worker *w, const char *line)
{
	return get(w->status) && strstr(text, line);
}

/* User and system time, in ticks. */
static long time_of(const char *stat)
{
	return value(stat, 14) + value(stat, 15);
}

static void states(void)
{
	static struct worker spinner, sleeper;
	int64_t end = now_ns(CLOCK_MONOTONIC) + 20000 * MS;

	start(&sleeper, false);
	start(&spinner, true);
	CHECK(comes_to(&sleeper, 'S'));
	CHECK(is_said(&sleeper, "\nState:\tS (sleeping)\n"));
	CHECK(*field(spinner.stat, 3) == 'R');
	CHECK(is_said(&spinner, "\nState:\tR (running)\n"));
	CHECK(*field("/proc/self/stat", 3) == 'R');
	CHECK(*field("/proc/thread-self/stat", 3) == 'R');
	while (time_of(spinner.stat) < 30 && now_ns(CLOCK_MONOTONIC) < end)
		sleep_ms(10);
	CHECK(time_of(spinner.stat) >= 30);
	CHECK(time_of(sleeper.stat) < 10);
	CHECK(time_of("/proc/thread-self/stat") < 30);
	CHECK(time_of("/proc/self/stat") >= 30);
	stop = true;
	CHECK(comes_to(&spinner, 'S'));
	finish(&spinner);
	finish(&sleeper);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	states();
	return 0;
}
