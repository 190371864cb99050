// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a process against its beginning, and of a provider against both:
 * each place at which one can meet the other is held open, and what comes of
 * it is counted.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(order, true)

static struct pico_test_behaviour gate_of(int callback)
{
	return (struct pico_test_behaviour){
		.callback = callback,
		.flags = PICO_TEST_GATE,
	};
}

static bool open_gate(struct world *w, int callback)
{
	return !behave(w, (struct pico_test_behaviour){ .callback = callback });
}

/* ---- terminate against execve() ---- */

enum way {
	BY_SERVICE, /* terminate_process() */
	BY_IOCTL, /* PICO_IOC_TERMINATE */
	BY_THREAD, /* terminate_thread() */
	WAYS,
};

static int ends(struct world *w, pid_t pid, enum way way)
{
	struct pico_ioc_terminate t = { pid, EXITED(9) };

	if (way == BY_IOCTL)
		return ioctl(w->host, PICO_IOC_TERMINATE, &t) ? -errno : 0;
	return way == BY_SERVICE ? terminate_process(w, pid, EXITED(9)) :
				   terminate_thread(w, pid, EXITED(9));
}

/*
 * Before the process is its provider's nothing is found, and it starts as if
 * nothing had been asked. From its first instruction on it ends as it was told.
 */
TEST_F(order, terminate_and_execve)
{
	static const int places[] = { PICO_TEST_PREPARE, PICO_TEST_START,
				      PICO_TEST_NAME };
	int not_found = 0, ended = 0;

	for (int i = 0; i < 3; i++) {
		for (int way = 0; way < WAYS; way++) {
			__u32 started = self->w.shared->slots[1].started;
			pid_t pid;
			int ret;

			ASSERT_EQ(0, behave(&self->w, gate_of(places[i])));
			clear_events(&self->w);
			pid = start_process(&self->w, self->w.host, 1, false);
			ASSERT_TRUE(wait_event(&self->w, places[i], 0));
			ret = ends(&self->w, pid, way);
			EXPECT_EQ(way == BY_IOCTL ? -ESRCH : NO_THREAD, ret)
			TH_LOG("place %d, way %d", i, way);
			not_found++;
			ASSERT_TRUE(open_gate(&self->w, places[i]));
			ASSERT_TRUE(
				eventually(self->w.shared->slots[1].started ==
					   started + 1));
			/* And now it is there. */
			ASSERT_EQ(0, ends(&self->w, pid, way));
			EXPECT_EQ(EXITED(9), end_status(pid));
			ended++;
		}
	}
	EXPECT_EQ(9, not_found);
	EXPECT_EQ(9, ended);
}

/* From inside: the provider ends what it is just starting. */
TEST_F(order, terminate_within_start)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_TERMINATE_PROCESS,
		.status = EXITED(9),
	};

	for (int suspended = 0; suspended < 2; suspended++) {
		struct pico_test_create c;
		long pid;

		ASSERT_EQ(0, behave(&self->w, gate_of(PICO_TEST_START)));
		create_init(&c, 1);
		c.process_flags = SIBLING;
		c.resume = !suspended;
		pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_START, pid));
		ASSERT_EQ(0, within(&self->w, 0, pid, PICO_TEST_START, &s));
		ASSERT_TRUE(open_gate(&self->w, PICO_TEST_START));
		EXPECT_EQ(0, within_result(&self->w, 0));
		EXPECT_EQ(EXITED(9), end_status(pid));
		EXPECT_EQ(0, self->w.shared->slots[1].started);
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	}
}

/* Bases that start_process() sets are there, whatever made the process. */
TEST_F(order, bases_within_start)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_DESCRIPTOR_BASE,
		.base = 0x33000,
	};

	for (int execve = 0; execve < 2; execve++) {
		__u32 started = self->w.shared->slots[1].started;
		struct pico_test_create c;
		long pid;

		ASSERT_EQ(0, behave(&self->w, gate_of(PICO_TEST_START)));
		clear_events(&self->w);
		create_init(&c, 1);
		c.process_flags = SIBLING;
		c.resume = true;
		pid = execve ? start_process(&self->w, self->w.host, 1, false) :
			       create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
		ASSERT_GT(pid, 0);
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_START, pid));
		ASSERT_EQ(0, within(&self->w, 0, pid, PICO_TEST_START, &s));
		ASSERT_TRUE(open_gate(&self->w, PICO_TEST_START));
		EXPECT_EQ(0, within_result(&self->w, 0));
		ASSERT_TRUE(eventually(self->w.shared->slots[1].started ==
				       started + 1));
		slot_begin(&self->w, 1, SLOT_BASES, 0, 0, 0, 0, 0, 0, 0);
		ASSERT_TRUE(slot_done(&self->w, 1));
		EXPECT_EQ(0x33000, self->w.shared->slots[1].result)
		TH_LOG("%s", execve ? "execve()" : "create_process()");
		kill(pid, SIGKILL);
		EXPECT_EQ(SIGKILL, end_status(pid));
	}
}

/* From outside, at whatever moment: it is found or not, and ends or not. */
TEST_F(order, terminate_and_execve_at_any_time)
{
	int found = 0, not_found = 0, n = 60 / slower() + 4;
	unsigned int seed = 11;

	for (int i = 0; i < n; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, false);
		int ret, status;

		ASSERT_GT(pid, 0);
		usleep(rand_r(&seed) % 8000);
		ret = ends(&self->w, pid, i % 2);
		if (!ret) {
			found++;
			EXPECT_EQ(EXITED(9), end_status(pid));
			continue;
		}
		EXPECT_TRUE(ret == NO_THREAD || ret == -ESRCH)
		TH_LOG("%d", ret);
		not_found++;
		ASSERT_TRUE(eventually(!ends(&self->w, pid, i % 2)));
		status = end_status(pid);
		EXPECT_EQ(EXITED(9), status);
	}
	TH_LOG("%d found, %d not yet", found, not_found);
	EXPECT_EQ(n, found + not_found);
}

/* ---- unregister against create_process() ---- */

static int unregisters(struct world *w)
{
	return ioctl(w->control, PICO_TEST_IOC_UNREGISTER, 1) ? -errno : 0;
}

static int fleeting(struct world *w)
{
	struct pico_test_registration r = {
		.slot = 1,
		.process_access = 7,
		.thread_access = 7,
		.name = "fleeting",
	};

	return ioctl(w->control, PICO_TEST_IOC_REGISTER, &r) ?
		       -1 :
		       provider_open(w, "fleeting");
}

static void creates(struct world *w, int by, int slot)
{
	struct pico_test_create c;

	create_init(&c, slot);
	c.resume = 1;
	memcpy(w->shared->slots[by].scratch, &c, sizeof(c));
	slot_begin(w, by, SLOT_CALL, PICO_TEST_CALL_PROCESS,
		   SLOT_ADDRESS(by, scratch), 0, 0, 0, 0, 0);
}

/*
 * Wherever the creation is, its provider stays; the creator's file is closed
 * meanwhile, or the creator is killed, or neither.
 */
TEST_F(order, unregister_and_create)
{
	static const int places[] = { PICO_TEST_CREATED, PICO_TEST_START,
				      PICO_TEST_NAME, PICO_TEST_EXIT_PROCESS,
				      PICO_TEST_GONE };
	int busy = 0, gone = 0;

	for (int i = 0; i < 15; i++) {
		int place = places[i / 3], how = i % 3;
		int fd = fleeting(&self->w);
		pid_t pid;

		ASSERT_GE(fd, 0);
		pid = start_process(&self->w, fd, 1, true);
		ASSERT_GT(pid, 0);
		clear_events(&self->w);
		ASSERT_EQ(0, behave(&self->w, gate_of(place)));
		creates(&self->w, 1, 2);
		if (i / 3 >= 3) {
			ASSERT_TRUE(slot_done(&self->w, 1));
			kill(pid, SIGKILL);
		}
		ASSERT_TRUE(wait_event(&self->w, place, 0))
		TH_LOG("place %d", place);
		if (how != 1)
			kill(pid, SIGKILL);
		EXPECT_EQ(-EBUSY, unregisters(&self->w));
		if (how)
			close(fd);
		/* Who is held there still needs it. */
		EXPECT_EQ(-EBUSY, unregisters(&self->w))
		TH_LOG("place %d, how %d", place, how);
		busy++;
		ASSERT_TRUE(open_gate(&self->w, place));
		if (!how)
			close(fd);
		EXPECT_TRUE(eventually(unregisters(&self->w) == 0))
		TH_LOG("place %d, how %d", place, how);
		gone++;
		EXPECT_EQ(SIGKILL, end_status(pid));
	}
	EXPECT_EQ(15, busy);
	EXPECT_EQ(15, gone);
}

struct worker {
	struct world *w;
	volatile bool stop;
	long busy, gone, wrong;
};

static void *keeps_unregistering(void *arg)
{
	struct worker *me = arg;

	while (!me->stop) {
		int ret = unregisters(me->w);

		me->busy += ret == -EBUSY;
		me->gone += ret == 0;
		me->wrong += ret && ret != -EBUSY && ret != -ENOENT;
	}
	return NULL;
}

/* The same with somebody who never stops asking: it goes exactly once. */
TEST_F(order, unregister_all_the_time)
{
	struct worker worker = { .w = &self->w };
	int n = 30 / slower() + 2;
	pthread_t thread;

	for (int i = 0; i < n; i++) {
		int fd = fleeting(&self->w);
		long gone = worker.gone;
		pid_t pid;

		ASSERT_GE(fd, 0);
		pid = start_process(&self->w, fd, 1, true);
		ASSERT_GT(pid, 0);
		worker.stop = false;
		ASSERT_EQ(0, pthread_create(&thread, NULL, keeps_unregistering,
					    &worker));
		ASSERT_TRUE(eventually(*(volatile long *)&worker.busy > i));
		creates(&self->w, 1, 2);
		if (i & 1)
			ASSERT_TRUE(slot_done(&self->w, 1));
		close(fd);
		EXPECT_TRUE(eventually(*(volatile long *)&worker.gone > gone));
		worker.stop = true;
		pthread_join(thread, NULL);
		EXPECT_EQ(gone + 1, worker.gone);
		EXPECT_EQ(SIGKILL, end_status(pid));
	}
	TH_LOG("%ld times busy, %ld times gone", worker.busy, worker.gone);
	EXPECT_EQ(n, worker.gone);
	EXPECT_GE(worker.busy, n);
	EXPECT_EQ(0, worker.wrong);
}

TEST_HARNESS_MAIN
