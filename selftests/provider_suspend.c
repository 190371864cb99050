// SPDX-License-Identifier: GPL-2.0-only
/*
 * SuspendThread and ResumeThread, and everything else that stops a thread at
 * the same time.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "lib/freezer.h"
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(suspending, true)

TEST_F(suspending, a_spinning_thread)
{
	__u32 previous;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	EXPECT_EQ(0, suspend(&self->w, self->pid, &previous));
	EXPECT_EQ(0, previous);
	EXPECT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	EXPECT_EQ('S', thread_state(self->pid));
	EXPECT_EQ(0, resume(&self->w, self->pid, &previous));
	EXPECT_EQ(1, previous);
	EXPECT_TRUE(slot_moves(&self->w, 0));
	EXPECT_TRUE(slot_stop(&self->w, 0));
}

TEST_F(suspending, nests)
{
	__u32 previous;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, suspend(&self->w, self->pid, &previous));
		EXPECT_EQ(i, previous);
	}
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	for (int i = 5; i > 0; i--) {
		EXPECT_TRUE(slot_rests(&self->w, 0));
		ASSERT_EQ(0, resume(&self->w, self->pid, &previous));
		EXPECT_EQ(i, previous);
	}
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

TEST_F(suspending, previous_may_be_null)
{
	ASSERT_TRUE(slot_spin(&self->w, 0));
	EXPECT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	EXPECT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

TEST_F(suspending, was_not_suspended)
{
	__u32 previous = 0;

	EXPECT_EQ(-EINVAL, resume(&self->w, self->pid, &previous));
	EXPECT_EQ(POISON, previous);
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_EQ(-EINVAL, resume(&self->w, self->pid, &previous));
	EXPECT_EQ(POISON, previous);
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* The count has sixteen bits. */
TEST_F(suspending, overflow)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_SUSPEND,
		.tid = self->pid,
		.repeat = 65534,
	};
	__u32 previous;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, service(&self->w, &s));
	EXPECT_EQ(65534, s.previous);
	EXPECT_EQ(-EOVERFLOW, suspend(&self->w, self->pid, &previous));
	EXPECT_EQ(POISON, previous);
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	s.service = PICO_TEST_DO_RESUME;
	s.repeat = 65533;
	ASSERT_EQ(0, service(&self->w, &s));
	EXPECT_EQ(2, s.previous);
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, &previous));
	EXPECT_EQ(1, previous);
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

TEST_F(suspending, others_go_on)
{
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_TRUE(slot_spin(&self->w, 1));
	ASSERT_EQ(0, suspend(&self->w, tid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, tid));
	EXPECT_TRUE(slot_rests(&self->w, 1));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, tid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 1));
	EXPECT_TRUE(slot_stop(&self->w, 1));
	EXPECT_TRUE(slot_stop(&self->w, 0));
}

/* The call goes on, and its answer is not seen before the thread resumes. */
static void in_a_call(struct __test_metadata *_metadata, struct world *w,
		      pid_t pid, enum pico_test_wait how)
{
	slot_begin(w, 0, SLOT_CALL, PICO_TEST_CALL_BLOCK, how, 0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(ioctl(w->control, PICO_TEST_IOC_BLOCKED) == 1));
	ASSERT_EQ(0, suspend(w, pid, NULL));
	/* An interruptible wait may, and does, end by it. */
	if (how != PICO_TEST_INTERRUPTIBLY) {
		usleep(50000);
		EXPECT_EQ(1, ioctl(w->control, PICO_TEST_IOC_BLOCKED));
		ioctl(w->control, PICO_TEST_IOC_KICK);
	}
	ASSERT_TRUE(eventually(ioctl(w->control, PICO_TEST_IOC_BLOCKED) == 0));
	ASSERT_EQ(0, comes_to_rest(w, pid));
	usleep(50000);
	EXPECT_FALSE(slot_is_done(w, 0));
	ASSERT_EQ(0, resume(w, pid, NULL));
	ASSERT_TRUE(slot_done(w, 0));
	EXPECT_EQ(how == PICO_TEST_INTERRUPTIBLY ? (__u64)-EINTR : 0,
		  w->shared->slots[0].result);
}

TEST_F(suspending, in_an_interruptible_call)
{
	in_a_call(_metadata, &self->w, self->pid, PICO_TEST_INTERRUPTIBLY);
}

TEST_F(suspending, in_a_killable_call)
{
	in_a_call(_metadata, &self->w, self->pid, PICO_TEST_KILLABLY);
}

TEST_F(suspending, in_an_uninterruptible_call)
{
	in_a_call(_metadata, &self->w, self->pid, PICO_TEST_UNINTERRUPTIBLY);
}

TEST_F(suspending, itself)
{
	struct pico_test_service *s = (void *)self->w.shared->slots[0].scratch;

	memset(s, 0, sizeof(*s));
	s->service = PICO_TEST_DO_SUSPEND;
	s->result = s->previous = POISON;
	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_SERVICE,
		   SLOT_ADDRESS(0, scratch), 0, 0, 0, 0, 0);
	/* The service has returned; the call has not. */
	ASSERT_TRUE(eventually(*(volatile __s32 *)&s->result == 0));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_FALSE(slot_is_done(&self->w, 0));
	EXPECT_EQ(0, s->previous);
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(0, self->w.shared->slots[0].result);
}

/* A thread that resumes another, and one that suspends it. */
TEST_F(suspending, one_another)
{
	struct pico_test_service *s = (void *)self->w.shared->slots[0].scratch;
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_TRUE(slot_spin(&self->w, 1));
	ASSERT_EQ(0, suspend(&self->w, tid, NULL));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, comes_to_rest(&self->w, tid));
	EXPECT_TRUE(slot_rests(&self->w, 1));
	memset(s, 0, sizeof(*s));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
	EXPECT_TRUE(slot_rests(&self->w, 1));
	ASSERT_EQ(0, resume(&self->w, tid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 1));
}

TEST_F(suspending, of_what_is_gone)
{
	pid_t tid = new_thread(&self->w, 0, 1);
	struct pico_test_service s = { .status = 0 };
	int held;

	ASSERT_GT(tid, 0);
	held = ioctl(self->w.host, PICO_TEST_IOC_HOLD, tid);
	ASSERT_GT(held, 0);
	ASSERT_EQ(0, terminate_thread(&self->w, tid, 0));
	ASSERT_TRUE(eventually(status_number(self->pid, "Threads:") == 1));
	EXPECT_EQ(NO_THREAD, suspend(&self->w, tid, NULL));
	for (int i = PICO_TEST_DO_SUSPEND; i <= PICO_TEST_DO_DESCRIPTOR_BASE;
	     i++) {
		if (i == PICO_TEST_DO_TERMINATE_PROCESS)
			continue;
		s.service = i;
		s.held = held;
		s.previous = POISON;
		s.parts = 1;
		s.registers[PICO_TEST_IP] = PICO_TEST_ENTRY;
		EXPECT_EQ(-ESRCH, service(&self->w, &s))
		TH_LOG("service %d", i);
		EXPECT_EQ(POISON, s.previous);
	}
	EXPECT_EQ(0, ioctl(self->w.host, PICO_TEST_IOC_DROP, held));
}

TEST_F(suspending, from_the_start)
{
	pid_t pid;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_START,
					      .value = PICO_TEST_SUSPENDED }));
	pid = start_process(&self->w, self->w.host, 1, false);
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_START, pid));
	ASSERT_TRUE(eventually(comes_to_rest(&self->w, pid) == 0));
	usleep(50000);
	EXPECT_EQ(0, self->w.shared->slots[1].started);
	EXPECT_EQ(0, resume(&self->w, pid, NULL));
	EXPECT_TRUE(eventually(self->w.shared->slots[1].started));
}

/* ---- Linux' own ways ---- */

TEST_F(suspending, stopped_too)
{
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	EXPECT_TRUE(eventually(thread_state(self->pid) == 'T'));
	/* Resumed, it is still stopped, */
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	/* and continued, it is still suspended. */
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	ASSERT_TRUE(eventually(thread_state(self->pid) == 'T'));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

/* ---- the freezer of cgroups ---- */

static void end_frozen(struct __test_metadata *_metadata, pid_t pid)
{
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(pid));
	EXPECT_TRUE(freezer_remove());
}

TEST_F(suspending, frozen_while_it_runs)
{
	ASSERT_TRUE(freezer_take(self->pid));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	EXPECT_TRUE(freezer_set(true));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	/* Suspended while frozen, it stays so when thawed. */
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	EXPECT_TRUE(freezer_set(false));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	end_frozen(_metadata, self->pid);
}

TEST_F(suspending, frozen_while_suspended)
{
	ASSERT_TRUE(freezer_take(self->pid));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(freezer_set(true));
	/* Resumed while frozen. */
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	EXPECT_TRUE(freezer_set(false));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	end_frozen(_metadata, self->pid);
}

TEST_F(suspending, killed_while_frozen_and_suspended)
{
	ASSERT_TRUE(freezer_take(self->pid));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	EXPECT_TRUE(freezer_set(true));
	end_frozen(_metadata, self->pid);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
}

TEST_F(suspending, traced)
{
	struct user_regs_struct regs;
	int status;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, 0, &regs));
		EXPECT_GE(regs.rip, PICO_TEST_IMAGE);
		EXPECT_LT(regs.rip, PICO_TEST_STACKS);
		EXPECT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
		EXPECT_TRUE(slot_rests(&self->w, 0));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	}
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	EXPECT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_F(suspending, gdb_attaches)
{
	char pid[16];
	const char *const argv[] = { "gdb",
				     "-nx",
				     "-batch",
				     "-p",
				     pid,
				     "-ex",
				     "info registers rip",
				     "-ex",
				     "detach",
				     NULL };
	struct run run;

	if (access("/usr/bin/gdb", X_OK))
		SKIP(return, "no gdb");
	snprintf(pid, sizeof(pid), "%d", self->pid);
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, run_program(argv, NULL, 0, &run));
	EXPECT_NE(NULL, strstr(run.out, "rip  "))
	TH_LOG("%s%s", run.out, run.err);
	run_free(&run);
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

TEST_F(suspending, killed)
{
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_THREAD, self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, self->pid));
}

/* SIGTERM is one of the signals that the process would die of. */
TEST_F(suspending, terminated_by_a_signal)
{
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	kill(self->pid, SIGTERM);
	EXPECT_EQ(SIGTERM, end_status(self->pid));
}

TEST_HARNESS_MAIN
