// SPDX-License-Identifier: GPL-2.0-only
/*
 * TerminateThread, TerminateProcess and PICO_IOC_TERMINATE: whatever the
 * victim is doing, and what wait(2) says afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(ending, true)

/* What a thread may be doing. */
enum doing {
	SPINNING,
	IDLE,
	BLOCKED,
	BLOCKED_KILLABLE,
	SUSPENDED,
	CALLING,
	STOPPED,
	DOINGS,
};

static void bring(struct __test_metadata *_metadata, struct world *w, int n,
		  pid_t tid, enum doing doing)
{
	int before = ioctl(w->control, PICO_TEST_IOC_BLOCKED);

	switch (doing) {
	case SPINNING:
		ASSERT_TRUE(slot_spin(w, n));
		break;
	case BLOCKED:
	case BLOCKED_KILLABLE:
		slot_begin(w, n, SLOT_CALL, PICO_TEST_CALL_BLOCK,
			   doing == BLOCKED ? PICO_TEST_INTERRUPTIBLY :
					      PICO_TEST_KILLABLY,
			   0, 0, 0, 0, 0);
		ASSERT_TRUE(
			eventually(ioctl(w->control, PICO_TEST_IOC_BLOCKED) ==
				   before + 1));
		break;
	case SUSPENDED:
		ASSERT_EQ(0, suspend(w, tid, NULL));
		ASSERT_EQ(0, suspend(w, tid, NULL));
		break;
	case CALLING:
		slot_begin(w, n, SLOT_CALLS, PICO_TEST_CALL_ECHO, 0, 0, 0, 0, 0,
			   0);
		ASSERT_TRUE(eventually(
			((volatile struct slot *)&w->shared->slots[n])
				->counter));
		break;
	case STOPPED:
		ASSERT_EQ(0, kill(tid, SIGSTOP));
		ASSERT_TRUE(eventually(thread_state(tid) == 'T'));
		break;
	default:
		break;
	}
}

TEST_F(ending, a_thread_whatever_it_does)
{
	for (int doing = 0; doing < STOPPED; doing++) {
		pid_t tid = new_thread(&self->w, 0, 1);

		ASSERT_GT(tid, 0);
		bring(_metadata, &self->w, 1, tid, doing);
		ASSERT_EQ(0, terminate_thread(&self->w, tid, EXITED(doing)));
		/* A killable wait goes on until it is over. */
		if (doing == BLOCKED_KILLABLE) {
			usleep(50000);
			EXPECT_NE(0, thread_state(tid));
			ioctl(self->w.control, PICO_TEST_IOC_KICK);
		}
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid))
		TH_LOG("doing %d", doing);
		ASSERT_TRUE(
			eventually(status_number(self->pid, "Threads:") == 1));
		EXPECT_EQ(2, slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0,
				       0, 0, 0));
	}
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
}

TEST_F(ending, a_thread_that_has_just_been_created)
{
	for (int i = 0; i < 20; i++) {
		struct pico_test_create c;
		long tid;

		create_init(&c, 1);
		tid = create(&self->w, 0, PICO_TEST_CALL_THREAD, &c);
		ASSERT_GT(tid, 0);
		ASSERT_EQ(0, terminate_thread(&self->w, tid, 0));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	}
	/* It has executed nothing. */
	EXPECT_EQ(0, self->w.shared->slots[1].started);
	EXPECT_TRUE(eventually(status_number(self->pid, "Threads:") == 1));
}

TEST_F(ending, itself)
{
	struct pico_test_service *s = (void *)self->w.shared->slots[1].scratch;
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	memset(s, 0, sizeof(*s));
	s->service = PICO_TEST_DO_TERMINATE_THREAD;
	s->result = POISON;
	slot_begin(&self->w, 1, SLOT_CALL, PICO_TEST_CALL_SERVICE,
		   SLOT_ADDRESS(1, scratch), 0, 0, 0, 0, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	/* The service has returned, the call has not. */
	EXPECT_EQ(0, s->result);
	EXPECT_FALSE(slot_is_done(&self->w, 1));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_F(ending, statuses)
{
	static const int wrong[] = { -1,   1 << 16, 0x10000, 0x7f,   0x17f,
				     0x80, 65,	    0x109,   1 << 30 };

	for (int i = 0; i < 9; i++) {
		EXPECT_EQ(-EINVAL,
			  terminate_thread(&self->w, self->pid, wrong[i]))
		TH_LOG("status %#x", wrong[i]);
		EXPECT_EQ(-EINVAL,
			  terminate_process(&self->w, self->pid, wrong[i]))
		TH_LOG("status %#x", wrong[i]);
	}
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* The process' status as its parent sees it. */
TEST_F(ending, a_process_with_any_status)
{
	static const int statuses[] = {
		EXITED(0), EXITED(1), EXITED(42), EXITED(255), SIGTERM,
		SIGSEGV,   SIGKILL,   SIGSTOP,	  SIGCHLD,     64,
	};

	for (int i = 0; i < 10; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);

		ASSERT_GT(pid, 0);
		ASSERT_GT(new_thread(&self->w, 1, 2), 0);
		ASSERT_EQ(0, terminate_process(&self->w, pid, statuses[i]));
		EXPECT_EQ(statuses[i], end_status(pid));
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	}
}

TEST_F(ending, a_process_whatever_it_does)
{
	for (int doing = 0; doing < DOINGS; doing++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);

		ASSERT_GT(pid, 0);
		ASSERT_GT(new_thread(&self->w, 1, 2), 0);
		bring(_metadata, &self->w, 1, pid, doing);
		ASSERT_EQ(0, terminate_process(&self->w, pid, EXITED(doing)));
		EXPECT_EQ(EXITED(doing), end_status(pid));
		EXPECT_EQ(2,
			  count_events(&self->w, PICO_TEST_EXIT_THREAD, pid));
	}
}

TEST_F(ending, its_own_process)
{
	struct pico_test_service *s = (void *)self->w.shared->slots[1].scratch;
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 0));
	memset(s, 0, sizeof(*s));
	s->service = PICO_TEST_DO_TERMINATE_PROCESS;
	s->status = EXITED(77);
	slot_begin(&self->w, 1, SLOT_CALL, PICO_TEST_CALL_SERVICE,
		   SLOT_ADDRESS(1, scratch), 0, 0, 0, 0, 0);
	EXPECT_EQ(EXITED(77), end_status(self->pid));
	EXPECT_EQ(0, s->result);
	EXPECT_FALSE(slot_is_done(&self->w, 1));
}

TEST_F(ending, the_first_counts)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXIT_THREAD,
		.flags = PICO_TEST_GATE,
	};

	ASSERT_EQ(0, behave(&self->w, gate));
	ASSERT_EQ(0, terminate_process(&self->w, self->pid, EXITED(3)));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
	EXPECT_EQ(0, terminate_process(&self->w, self->pid, EXITED(4)));
	EXPECT_EQ(-EINVAL, terminate_process(&self->w, self->pid, 1 << 20));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_EQ(EXITED(3), end_status(self->pid));
}

TEST_F(ending, of_what_is_gone)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_TERMINATE_PROCESS,
	};
	int held = ioctl(self->w.host, PICO_TEST_IOC_HOLD, self->pid);

	ASSERT_GT(held, 0);
	s.held = held;
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_TRUE(eventually(module_counter("pico", "processes") == 0));
	EXPECT_EQ(-ESRCH, service(&self->w, &s));
	s.service = PICO_TEST_DO_TERMINATE_THREAD;
	EXPECT_EQ(-ESRCH, service(&self->w, &s));
	EXPECT_EQ(0, ioctl(self->w.host, PICO_TEST_IOC_DROP, held));
}

/* SIGKILL's status is not replaced by what nobody asked for. */
TEST_F(ending, killed)
{
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
}

/* The last thing that a thread does ends all others. */
TEST_F(ending, with_one_of_its_threads)
{
	struct pico_test_behaviour all = {
		.callback = PICO_TEST_EXIT_THREAD,
		.result = PICO_TEST_EXIT_ALL,
		.value = EXITED(7),
	};

	ASSERT_GT(new_thread(&self->w, 0, 1), 0);
	ASSERT_GT(new_thread(&self->w, 0, 2), 0);
	ASSERT_TRUE(slot_spin(&self->w, 1));
	ASSERT_EQ(0, behave(&self->w, all));
	slot_begin(&self->w, 2, SLOT_CALL, PICO_TEST_CALL_FORWARD, SYS_exit, 1,
		   0, 0, 0, 0);
	EXPECT_EQ(EXITED(7), end_status(self->pid));
	EXPECT_EQ(3, count_events(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, self->pid));
}

/* And of the only thread's end it is still the status. */
TEST_F(ending, with_its_only_thread)
{
	struct pico_test_behaviour all = {
		.callback = PICO_TEST_EXIT_THREAD,
		.result = PICO_TEST_EXIT_ALL,
		.value = EXITED(8),
	};

	ASSERT_EQ(0, behave(&self->w, all));
	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_FORWARD, SYS_exit, 1,
		   0, 0, 0, 0);
	EXPECT_EQ(EXITED(8), end_status(self->pid));
}

/* ---- PICO_IOC_TERMINATE ---- */

static int ioc_terminate(int fd, pid_t pid, int status)
{
	struct pico_ioc_terminate t = { pid, status };

	return ioctl(fd, PICO_IOC_TERMINATE, &t) ? -errno : 0;
}

static int how(struct world *w, int result, int value)
{
	return behave(w, (struct pico_test_behaviour){
				 .callback = PICO_TEST_TERMINATE,
				 .result = result,
				 .value = value });
}

TEST_F(ending, asked_and_refused)
{
	struct pico_test_event e = { 0 };

	ASSERT_EQ(0, how(&self->w, PICO_TEST_REFUSE, 0));
	EXPECT_EQ(0, ioc_terminate(self->w.host, self->pid, EXITED(6)));
	EXPECT_EQ(EXITED(6), end_status(self->pid));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_TERMINATE, self->pid, &e));
	EXPECT_EQ(EXITED(6), e.value[0]);
	EXPECT_EQ(getpid(), e.caller);
	EXPECT_TRUE(e.context & PICO_TEST_MAY_SLEEP);
}

TEST_F(ending, asked_and_seen_to)
{
	ASSERT_EQ(0, how(&self->w, PICO_TEST_KEEP, 0));
	EXPECT_EQ(0, ioc_terminate(self->w.host, self->pid, EXITED(6)));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_TERMINATE, self->pid));
	usleep(100000);
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
	ASSERT_EQ(0, how(&self->w, PICO_TEST_REPLACE, EXITED(8)));
	EXPECT_EQ(0, ioc_terminate(self->w.host, self->pid, EXITED(6)));
	EXPECT_EQ(EXITED(8), end_status(self->pid));
}

TEST_F(ending, asked_for_what_cannot_be)
{
	int other = provider_open(&self->w, PICO_TEST_PROVIDER);
	int unbound = open(PICO_DEVICE, O_RDWR | O_CLOEXEC);

	ASSERT_GE(other, 0);
	ASSERT_GE(unbound, 0);
	ASSERT_EQ(0, how(&self->w, PICO_TEST_REFUSE, 0));
	EXPECT_EQ(-EINVAL, ioc_terminate(unbound, self->pid, 0));
	EXPECT_EQ(-EINVAL, ioc_terminate(self->w.host, self->pid, 1 << 16));
	EXPECT_EQ(-EINVAL, ioc_terminate(self->w.host, self->pid, 0x7f));
	EXPECT_EQ(-EINVAL, ioc_terminate(self->w.host, self->pid, -1));
	/* Of another host, of nobody, no process at all. */
	EXPECT_EQ(-ESRCH, ioc_terminate(other, self->pid, 0));
	EXPECT_EQ(-ESRCH, ioc_terminate(self->w.host, getpid(), 0));
	EXPECT_EQ(-ESRCH, ioc_terminate(self->w.host, 0, 0));
	EXPECT_EQ(-ESRCH, ioc_terminate(self->w.host, -1, 0));
	EXPECT_EQ(-ESRCH, ioc_terminate(self->w.host, 999999999, 0));
	EXPECT_EQ(-1, ioctl(self->w.host, PICO_IOC_TERMINATE, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_TERMINATE, 0));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
	/* A thread that is not its process. */
	EXPECT_EQ(0, ioc_terminate(self->w.host, self->pid, EXITED(1)));
	EXPECT_EQ(EXITED(1), end_status(self->pid));
	EXPECT_EQ(-ESRCH, ioc_terminate(self->w.host, self->pid, EXITED(1)));
	close(other);
	close(unbound);
}

struct asker {
	struct world *w;
	pid_t pid;
	volatile int result;
};

static void *asks(void *arg)
{
	struct asker *asker = arg;

	asker->result = ioc_terminate(asker->w->host, asker->pid, EXITED(6));
	return NULL;
}

/*
 * Killed while the provider is being asked: the process' context is there until
 * the callback has returned, and later questions are refused.
 */
TEST_F(ending, asked_while_it_is_killed)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_TERMINATE,
		.flags = PICO_TEST_GATE,
		.result = PICO_TEST_REPLACE,
		.value = EXITED(6),
	};
	struct asker asker = { &self->w, self->pid, 1 };
	pthread_t thread;

	ASSERT_EQ(0, behave(&self->w, gate));
	ASSERT_EQ(0, pthread_create(&thread, NULL, asks, &asker));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_TERMINATE, self->pid));
	kill(self->pid, SIGKILL);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
	usleep(100000);
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_PROCESS, self->pid));
	EXPECT_EQ(1, asker.result);
	EXPECT_EQ(-ESRCH, ioc_terminate(self->w.host, self->pid, 0));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_TERMINATE, self->pid));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, self->pid));
	pthread_join(thread, NULL);
	/* It had ended: there was nothing to be done any more. */
	EXPECT_EQ(0, asker.result);
}

TEST_F(ending, asked_of_a_process_that_was_created)
{
	pid_t pid = new_process(&self->w, 0, 1, SIBLING);

	ASSERT_GT(pid, 0);
	EXPECT_EQ(0, ioc_terminate(self->w.host, pid, EXITED(9)));
	EXPECT_EQ(EXITED(9), end_status(pid));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_F(ending, asked_without_a_callback)
{
	struct pico_test_registration r = {
		.slot = 1,
		.without = 1U << PICO_TEST_TERMINATE,
		.process_access = 7,
		.thread_access = 7,
		.name = "no-terminate",
	};
	pid_t pid;
	int fd;

	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	fd = provider_open(&self->w, "no-terminate");
	ASSERT_GE(fd, 0);
	pid = start_process(&self->w, fd, 1, true);
	EXPECT_EQ(0, ioc_terminate(fd, pid, EXITED(5)));
	EXPECT_EQ(EXITED(5), end_status(pid));
	close(fd);
}

TEST_HARNESS_MAIN
