// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks that sleep for seconds: nobody else is held up, and what comes
 * meanwhile (SIGKILL, a freezer, an attempt to unload) takes effect behind
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/freezer.h"
#include "lib/harness.h"
#include "lib/provider.h"

#define SECONDS 2

PROVIDER_FIXTURE(sleeping, true)

/* What has the callback called: by the thread @tid of the process @pid. */
struct sleeper {
	int callback;
	pid_t pid, tid;
};

static struct pico_test_behaviour sleeps(int callback)
{
	return (struct pico_test_behaviour){
		.callback = callback,
		/* Not only so long, but until it is let go. */
		.flags = PICO_TEST_GATE,
		.sleep_ms = SECONDS * 1000,
		.result = callback == PICO_TEST_SIGNAL ? PICO_TEST_TAKEN :
			  callback == PICO_TEST_APC    ? PICO_TEST_USED :
							 0,
	};
}

static void begins(struct __test_metadata *_metadata, struct world *w,
		   struct sleeper *s, int callback)
{
	struct pico_test_service apc = { .service = PICO_TEST_DO_APC };
	struct pico_test_create c;

	s->callback = callback;
	if (callback == PICO_TEST_START)
		ASSERT_EQ(0, behave(w, sleeps(callback)));
	clear_events(w);
	s->pid = start_process(w, w->host, 1, callback != PICO_TEST_START);
	ASSERT_GT(s->pid, 0);
	s->tid = s->pid;
	if (callback == PICO_TEST_EXIT_THREAD) {
		s->tid = new_thread(w, 1, 2);
		ASSERT_GT(s->tid, 0);
	}
	if (callback != PICO_TEST_START)
		ASSERT_EQ(0, behave(w, sleeps(callback)));
	switch (callback) {
	case PICO_TEST_EXIT_THREAD:
		ASSERT_EQ(0, terminate_thread(w, s->tid, 0));
		break;
	case PICO_TEST_APC:
		apc.tid = s->tid;
		ASSERT_EQ(0, service(w, &apc));
		break;
	case PICO_TEST_SIGNAL:
		ASSERT_EQ(0, kill(s->pid, SIGUSR1));
		break;
	case PICO_TEST_CREATED:
		create_init(&c, 3);
		c.resume = 1;
		memcpy(w->shared->slots[1].scratch, &c, sizeof(c));
		slot_begin(w, 1, SLOT_CALL, PICO_TEST_CALL_THREAD,
			   SLOT_ADDRESS(1, scratch), 0, 0, 0, 0, 0);
		break;
	}
	ASSERT_TRUE(wait_event(w, callback, s->tid)) TH_LOG("%d", callback);
	ASSERT_TRUE(eventually(thread_state(s->tid) == 'D'));
}

/* Others go on, and nobody can unload anything. */
static void meanwhile(struct __test_metadata *_metadata, struct world *w)
{
	for (int i = 0; i < 5; i++)
		EXPECT_EQ(i + 1,
			  slot_call(w, 0, PICO_TEST_CALL_ECHO, i, 0, 0, 0, 0));
	EXPECT_EQ(-1, syscall(SYS_delete_module, "pico_test", O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, syscall(SYS_delete_module, "pico", O_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);
}

static void let_go(struct __test_metadata *_metadata, struct world *w,
		   struct sleeper *s)
{
	EXPECT_EQ('D', thread_state(s->tid));
	ASSERT_EQ(0, behave(w, (struct pico_test_behaviour){
				       .callback = s->callback }));
}

static void killed(struct __test_metadata *_metadata, struct world *w,
		   int callback)
{
	struct sleeper s;
	int status;

	begins(_metadata, w, &s, callback);
	ASSERT_EQ(0, kill(s.pid, SIGKILL));
	meanwhile(_metadata, w);
	EXPECT_EQ(0, waitpid(s.pid, &status, WNOHANG));
	EXPECT_EQ(0, count_events(w, PICO_TEST_EXIT_PROCESS, s.pid));
	let_go(_metadata, w, &s);
	EXPECT_EQ(SIGKILL, end_status(s.pid));
	EXPECT_EQ(1, count_events(w, PICO_TEST_EXIT_PROCESS, s.pid));
	/* It has not been called again because of that. */
	EXPECT_EQ(callback == PICO_TEST_EXIT_THREAD ? 2 : 1,
		  count_events(w, callback, s.pid));
}

static void frozen(struct __test_metadata *_metadata, struct world *w,
		   int callback)
{
	struct sleeper s;
	char text[256] = "";

	begins(_metadata, w, &s, callback);
	ASSERT_TRUE(freezer_take(s.pid));
	ASSERT_TRUE(freezer_write("cgroup.freeze", "1"));
	meanwhile(_metadata, w);
	/* A thread in a callback is not frozen there (one that ends never is), */
	ASSERT_GT(read_file(FREEZER "/cgroup.events", text, sizeof(text)), 0);
	EXPECT_TRUE(callback == PICO_TEST_EXIT_THREAD ||
		    strstr(text, "frozen 0"));
	let_go(_metadata, w, &s);
	/* but behind it. */
	EXPECT_TRUE(freezer_set(true));
	EXPECT_TRUE(freezer_set(false));
	if (callback == PICO_TEST_START)
		ASSERT_TRUE(eventually(
			((volatile struct slot *)&w->shared->slots[1])
				->started));
	if (callback == PICO_TEST_CREATED)
		EXPECT_TRUE(slot_done(w, 1));
	EXPECT_EQ(2, slot_call(w, 1, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
	if (callback == PICO_TEST_EXIT_THREAD)
		EXPECT_TRUE(eventually(status_number(s.pid, "Threads:") == 1));
	EXPECT_EQ(1, count_events(w, callback, s.pid));
	kill(s.pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(s.pid));
	EXPECT_TRUE(freezer_remove());
}

/*
 * The last two callbacks of a process: it is there until they are done, for who
 * waits for it and for who would unload, and others start and end meanwhile.
 */
static void ending(struct __test_metadata *_metadata, struct world *w,
		   int callback)
{
	struct sleeper s = { .callback = callback };
	int status;
	pid_t other;

	s.pid = start_process(w, w->host, 1, true);
	ASSERT_GT(s.pid, 0);
	s.tid = s.pid;
	other = start_process(w, w->host, 2, true);
	ASSERT_GT(other, 0);
	ASSERT_EQ(0, behave(w, sleeps(callback)));
	clear_events(w);
	ASSERT_EQ(0, kill(s.pid, SIGKILL));
	ASSERT_TRUE(wait_event(w, callback, s.pid));
	ASSERT_TRUE(eventually(thread_state(s.tid) == 'D'));
	meanwhile(_metadata, w);
	EXPECT_EQ(3, slot_call(w, 2, PICO_TEST_CALL_ECHO, 2, 0, 0, 0, 0));
	EXPECT_EQ(0, waitpid(s.pid, &status, WNOHANG));
	EXPECT_EQ(callback == PICO_TEST_GONE,
		  count_events(w, PICO_TEST_GONE, s.pid));
	let_go(_metadata, w, &s);
	EXPECT_EQ(SIGKILL, end_status(s.pid));
	EXPECT_EQ(1, count_events(w, PICO_TEST_EXIT_PROCESS, s.pid));
	EXPECT_EQ(1, count_events(w, PICO_TEST_GONE, s.pid));
	EXPECT_EQ(3, slot_call(w, 2, PICO_TEST_CALL_ECHO, 2, 0, 0, 0, 0));
	kill(other, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(other));
}

TEST_F(sleeping, in_exit_process)
{
	ending(_metadata, &self->w, PICO_TEST_EXIT_PROCESS);
}

TEST_F(sleeping, in_process_gone)
{
	ending(_metadata, &self->w, PICO_TEST_GONE);
}

#define CALLBACK(name, which)                       \
	TEST_F(sleeping, in_##name##_and_killed)    \
	{                                           \
		killed(_metadata, &self->w, which); \
	}                                           \
	TEST_F(sleeping, in_##name##_and_frozen)    \
	{                                           \
		frozen(_metadata, &self->w, which); \
	}

CALLBACK(start_process, PICO_TEST_START)
CALLBACK(exit_thread, PICO_TEST_EXIT_THREAD)
CALLBACK(deliver_apc, PICO_TEST_APC)
CALLBACK(deliver_signal, PICO_TEST_SIGNAL)
CALLBACK(thread_created, PICO_TEST_CREATED)

TEST_HARNESS_MAIN
