// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules that are unloaded as soon as they can be, while the processes that
 * kept them are still on their way out: nobody waits for anything to be zero.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define ROUNDS 40
#define PROCESSES 3

static int delete_module(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Asks again and again until it is unloaded; how often it was refused. */
struct unloader {
	pthread_t thread;
	const char *const *names;
	volatile bool begun;
	long refused;
	int unloaded, wrong;
};

static void *unloads(void *arg)
{
	struct unloader *me = arg;
	const char *const *name = me->names;

	while (*name) {
		int ret = delete_module(*name);

		if (!ret) {
			me->unloaded++;
			name++;
		} else if (ret == -EAGAIN || ret == -EBUSY) {
			me->refused++;
		} else {
			me->wrong = ret;
			break;
		}
		me->begun = true;
	}
	return NULL;
}

/* How many of them have not ended, as far as their parent can see. */
static int not_ended(const pid_t *pids)
{
	int n = 0;

	for (int i = 0; i < PROCESSES; i++) {
		siginfo_t info = { 0 };

		n += waitid(P_PID, pids[i], &info,
			    WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 &&
		     !info.si_pid;
	}
	return n;
}

enum way { BY_FILE, BY_SIGNAL, BY_ITSELF, WAYS };

static void all_end(struct world *w, const pid_t *pids, enum way way)
{
	for (int i = 0; i < PROCESSES && way == BY_SIGNAL; i++)
		kill(pids[i], SIGKILL);
	/* exit_group(0) */
	for (int i = 0; i < PROCESSES && way == BY_ITSELF; i++)
		slot_begin(w, i, SLOT_CALL, PICO_TEST_CALL_FORWARD,
			   SYS_exit_group, 0, 0, 0, 0, 0);
	for (int i = 0; i < PROCESSES && way == BY_ITSELF; i++)
		eventually(count_events(w, PICO_TEST_EXIT_PROCESS, pids[i]));
}

/* Everything is loaded before and after. */
static void rounds(struct __test_metadata *_metadata, const char *const *names)
{
	int n = ROUNDS / slower(), successes = 0, early = 0;
	long refused = 0;

	for (int i = 0; i < n; i++) {
		struct unloader unloader = { .names = names };
		enum way way = i % WAYS;
		pid_t pids[PROCESSES];
		struct world w;

		ASSERT_EQ(0, world_open(&w)) TH_LOG("round %d", i);
		for (int k = 0; k < PROCESSES; k++) {
			pids[k] = start_process(&w, w.host, k, true);
			ASSERT_EQ(1, w.shared->slots[k].started);
			ASSERT_GT(new_thread(&w, k, PROCESSES + k), 0);
		}
		ASSERT_EQ(0, pthread_create(&unloader.thread, NULL, unloads,
					    &unloader));
		/* It has been refused at least once: they live. */
		ASSERT_TRUE(eventually(unloader.begun));
		EXPECT_EQ(0, unloader.unloaded);
		all_end(&w, pids, way);
		close(w.control);
		close(w.host);
		pthread_join(unloader.thread, NULL);
		early += not_ended(pids);
		EXPECT_EQ(0, unloader.wrong);
		EXPECT_GT(unloader.refused, 0);
		successes += unloader.unloaded;
		refused += unloader.refused;
		for (int k = 0; k < PROCESSES; k++)
			EXPECT_EQ(way == BY_ITSELF ? 0 : SIGKILL,
				  end_status(pids[k]))
		TH_LOG("round %d", i);
		munmap(w.shared, PICO_TEST_SHARED_SIZE);
		for (int k = 1; names[k]; k++)
			ASSERT_EQ(0, module_insert(names[k], ""))
		TH_LOG("round %d", i);
	}
	TH_LOG("%d unloaded after %ld refusals; %d of %d processes were still ending",
	       successes, refused, early, n * PROCESSES);
	EXPECT_EQ(names[1] ? 2 * n : n, successes);
}

FIXTURE(unload){};
FIXTURE_SETUP(unload)
{
	ASSERT_EQ(0, nothing_left());
	ASSERT_TRUE(eventually(!delete_module("drawbridge")));
}
FIXTURE_TEARDOWN(unload)
{
	unlink("/dev/shm/pico_test");
	EXPECT_EQ(0, module_insert("drawbridge", ""));
	EXPECT_EQ(0, nothing_left());
}

TEST_F_TIMEOUT(unload, the_provider, 300)
{
	static const char *const names[] = { "pico_test", NULL };

	rounds(_metadata, names);
}

TEST_F_TIMEOUT(unload, the_provider_and_pico, 600)
{
	static const char *const names[] = { "pico_test", "pico", NULL };

	rounds(_metadata, names);
}

TEST_HARNESS_MAIN
