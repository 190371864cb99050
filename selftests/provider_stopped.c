// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of threads that Linux holds: in a stop, by a debugger, in a freezer.
 * Whoever asks waits until the thread can be reached, and is answered then.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include "lib/freezer.h"
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(stopped, true)

/* Somebody who asks; exits with 0 if what it gets is right. */
static pid_t asker(struct world *w, pid_t tid)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct pico_test_service s;
		__u64 *r = s.registers;

		if (get_context(w, tid, 3, &s))
			_exit(1);
		_exit(r[PICO_TEST_IP] < PICO_TEST_IMAGE ||
		      r[PICO_TEST_IP] >= PICO_TEST_STACKS ||
		      r[PICO_TEST_SP] <= PICO_TEST_STACKS ||
		      r[PICO_TEST_SP] >
			      PICO_TEST_STACKS + PICO_TEST_STACK_SIZE);
	}
	return pid;
}

/* It asks, sleeps, and goes on sleeping. */
static void goes_on_waiting(struct __test_metadata *_metadata, pid_t asker)
{
	int status;

	ASSERT_TRUE(eventually(thread_state(asker) == 'S'));
	usleep(200000);
	EXPECT_EQ('S', thread_state(asker));
	EXPECT_EQ(0, waitpid(asker, &status, WNOHANG));
}

TEST_F(stopped, by_a_signal)
{
	pid_t one, other;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	ASSERT_TRUE(eventually(thread_state(self->pid) == 'T'));
	one = asker(&self->w, self->pid);
	other = asker(&self->w, self->pid);
	goes_on_waiting(_metadata, one);
	goes_on_waiting(_metadata, other);
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	EXPECT_EQ(EXITED(0), end_status(one));
	EXPECT_EQ(EXITED(0), end_status(other));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	EXPECT_EQ(-EINVAL, resume(&self->w, self->pid, NULL));
}

/* Suspended first, and stopped on top of it. */
TEST_F(stopped, while_suspended)
{
	pid_t one;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	ASSERT_TRUE(eventually(thread_state(self->pid) == 'T'));
	one = asker(&self->w, self->pid);
	goes_on_waiting(_metadata, one);
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	EXPECT_EQ(EXITED(0), end_status(one));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	EXPECT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

TEST_F(stopped, killed_while_somebody_asks)
{
	struct pico_test_service s;
	pid_t pid;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, kill(self->pid, SIGSTOP));
	ASSERT_TRUE(eventually(thread_state(self->pid) == 'T'));
	pid = fork();
	if (pid == 0)
		_exit(get_context(&self->w, self->pid, 3, &s) == -ESRCH ? 0 :
									  1);
	goes_on_waiting(_metadata, pid);
	ASSERT_EQ(0, kill(self->pid, SIGKILL));
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(EXITED(0), end_status(pid));
}

TEST_F(stopped, by_a_debugger)
{
	int status;
	pid_t one;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	one = asker(&self->w, self->pid);
	goes_on_waiting(_metadata, one);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	EXPECT_EQ(EXITED(0), end_status(one));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	/* And so with one that lets go. */
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	one = asker(&self->w, self->pid);
	goes_on_waiting(_metadata, one);
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	EXPECT_EQ(EXITED(0), end_status(one));
	EXPECT_TRUE(slot_moves(&self->w, 0));
}

TEST_F(stopped, by_a_freezer)
{
	pid_t one;

	ASSERT_TRUE(freezer_take(self->pid));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_TRUE(freezer_set(true));
	one = asker(&self->w, self->pid);
	goes_on_waiting(_metadata, one);
	ASSERT_TRUE(freezer_set(false));
	EXPECT_EQ(EXITED(0), end_status(one));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_TRUE(freezer_remove());
}

TEST_HARNESS_MAIN
