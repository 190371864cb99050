// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of forwarded calls, and APCs: on a thread that runs, waits, rests or
 * ends, with and without a call to be made again.
 */
#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define MAX_EVENTS 512

PROVIDER_FIXTURE(ended, true)

static int on(struct world *w, int callback, int what, __u64 value)
{
	return behave(w, (struct pico_test_behaviour){ .callback = callback,
						       .result = what,
						       .value = value });
}

static int natively(struct world *w, __u32 flag)
{
	return behave(w, (struct pico_test_behaviour){
				 .callback = PICO_TEST_SYSTEM_CALL,
				 .flags = flag });
}

static int queue_apc(struct world *w, pid_t tid)
{
	struct pico_test_service s = { .service = PICO_TEST_DO_APC,
				       .tid = tid };

	return service(w, &s);
}

static long watched(struct world *w, long nr, __u64 a, __u64 b, __u64 c)
{
	return slot_call(w, 0, PICO_TEST_CALL_WATCHED, nr, a, b, c, 0);
}

/* Has a thread wait in a native futex call, with a timeout or for ever. */
static void begin_wait(struct world *w, int n, int call, __u64 seconds)
{
	volatile struct slot *slot = &w->shared->slots[n];
	struct timespec *timeout = (struct timespec *)slot->scratch;

	memset((void *)slot->scratch, 0, 64);
	timeout->tv_sec = seconds;
	slot_begin(w, n, SLOT_CALL, call, SYS_futex,
		   SLOT_ADDRESS(n, scratch) + 32, FUTEX_WAIT, 0,
		   seconds ? SLOT_ADDRESS(n, scratch) : 0, 0);
}

/* It sleeps, and has not moved since. */
static bool waits(struct world *w, int n, pid_t tid)
{
	if (!eventually(thread_state(tid) == 'S'))
		return false;
	usleep(20000);
	return thread_state(tid) == 'S' && !slot_is_done(w, n);
}

TEST_F(ended, once_with_the_native_result)
{
	struct pico_test_event e;

	clear_events(&self->w);
	EXPECT_EQ(self->pid, watched(&self->w, SYS_getpid, 0, 0, 0));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_ENDED, 0));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_ENDED, 0, &e));
	EXPECT_EQ(self->pid, e.value[0]);
	/* Argument registers are the thread's own again; no call is in place. */
	EXPECT_EQ(SYS_getpid, e.value[1]);
	EXPECT_EQ(-1, e.value[2]);
	EXPECT_EQ(PICO_TEST_MAY_SLEEP | PICO_TEST_OWN | PICO_TEST_HAS_MM,
		  e.context);

	EXPECT_EQ(-EBADF, watched(&self->w, SYS_close, 99, 0, 0));
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_ENDED, 0));
	/* One that is not watched ends without. */
	EXPECT_EQ(self->pid, slot_call(&self->w, 0, PICO_TEST_CALL_FORWARD,
				       SYS_getpid, 0, 0, 0, 0));
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_ENDED, 0));
}

TEST_F(ended, with_another_result)
{
	static const long values[] = { 0, 5, -1, -4095, 0x7fffffffffffffff };

	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, on(&self->w, PICO_TEST_ENDED, PICO_TEST_RETURN,
				values[i]));
		EXPECT_EQ(values[i], watched(&self->w, SYS_getpid, 0, 0, 0));
	}
}

TEST_F(ended, refusals)
{
	struct pico_test_registration r = { .slot = 1,
					    .name = "another",
					    .without = 1U << PICO_TEST_ENDED };
	volatile struct slot *slot = &self->w.shared->slots[0];
	static const long wrong[] = { SYS_execve,
				      SYS_clone,
				      SYS_vfork,
				      SYS_io_uring_setup,
				      SYS_io_uring_enter,
				      SYS_io_uring_register,
				      512 };
	__u64 out = SLOT_ADDRESS(0, scratch);
	int host, status;
	pid_t pid;

	for (int i = 0; i < 7; i++)
		EXPECT_EQ(-EPERM, watched(&self->w, wrong[i], 0, 0, 0));
	slot_begin(&self->w, 0, SLOT_INT80, PICO_TEST_CALL_WATCHED, SYS_getpid,
		   0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ((__u32)-EOPNOTSUPP, (__u32)slot->result);
	/* A second one does not take the place of the first. */
	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_WATCHED_TWICE,
		   SYS_getppid, 0, 0, 0, 0, out);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(getpid(), (long)slot->result);
	EXPECT_EQ(-EBUSY, *(long *)slot->scratch);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_ENDED, 0));

	/* A provider that does not want to know cannot ask. */
	r.process_access = 7;
	r.thread_access = 7;
	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	host = provider_open(&self->w, "another");
	ASSERT_GE(host, 0);
	pid = start_process(&self->w, host, 1, true);
	EXPECT_EQ(-EOPNOTSUPP, slot_call(&self->w, 1, PICO_TEST_CALL_WATCHED,
					 SYS_getpid, 0, 0, 0, 0));
	EXPECT_EQ(pid, slot_call(&self->w, 1, PICO_TEST_CALL_FORWARD,
				 SYS_getpid, 0, 0, 0, 0));
	kill(pid, SIGKILL);
	status = end_status(pid);
	EXPECT_EQ(SIGKILL, status);
	close(host);
	EXPECT_TRUE(eventually(
		!ioctl(self->w.control, PICO_TEST_IOC_UNREGISTER, 1)));
}

/* With other arguments than the thread's own, and yet it waits. */
TEST_F(ended, may_wait)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct timespec begin, end;

	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
	ASSERT_TRUE(waits(&self->w, 0, self->pid));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_ENDED, 0));
	/* The memory is shared with this process. */
	ASSERT_EQ(1, syscall(SYS_futex, slot->scratch + 32, FUTEX_WAKE, 1));
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(0, (long)slot->result);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 1);
	ASSERT_TRUE(slot_done(&self->w, 0));
	clock_gettime(CLOCK_MONOTONIC, &end);
	EXPECT_EQ(-ETIMEDOUT, (long)slot->result);
	EXPECT_GE(end.tv_sec - begin.tv_sec, 0);
	EXPECT_GE((end.tv_sec - begin.tv_sec) * 1000 +
			  (end.tv_nsec - begin.tv_nsec) / 1000000,
		  999);
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_ENDED, 0));
}

/* A suspension: the native call says "restart", and the provider decides. */
TEST_F(ended, cut_short)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct pico_test_event e;

	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
	ASSERT_TRUE(waits(&self->w, 0, self->pid));
	clear_events(&self->w);
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_ENDED, 0, &e));
	EXPECT_LE(e.value[0], -512);
	EXPECT_GE(e.value[0], -516);
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	/* Passed on, it has the thread make its own call again. */
	ASSERT_TRUE(waits(&self->w, 0, self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_ENDED, 0));

	ASSERT_EQ(0,
		  on(&self->w, PICO_TEST_ENDED, PICO_TEST_INTERRUPTED, -4711));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(-4711, (long)slot->result);
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_ENDED, 0));
}

TEST_F(ended, of_a_thread_that_ends)
{
	pid_t tid = new_thread(&self->w, 0, 1);
	struct pico_test_event all[MAX_EVENTS], e;
	int n, at_ended = -1, at_exit = -1;

	ASSERT_GT(tid, 0);
	/* In exit(): on the way out, and before exit_thread(). */
	slot_begin(&self->w, 1, SLOT_CALL, PICO_TEST_CALL_WATCHED, SYS_exit, 5,
		   0, 0, 0, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	n = events(&self->w, all, MAX_EVENTS);
	for (int i = 0; i < n; i++) {
		if (all[i].callback == PICO_TEST_ENDED)
			at_ended = i;
		if (all[i].callback == PICO_TEST_EXIT_THREAD)
			at_exit = i;
	}
	ASSERT_GE(at_ended, 0);
	EXPECT_LT(at_ended, at_exit);
	EXPECT_EQ(PICO_TEST_MAY_SLEEP | PICO_TEST_OWN | PICO_TEST_HAS_MM |
			  PICO_TEST_EXITING,
		  all[at_ended].context);

	/* Killed while it waits. */
	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
	ASSERT_TRUE(waits(&self->w, 0, self->pid));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_ENDED, 0));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_ENDED, 0, &e));
	EXPECT_TRUE(e.context & PICO_TEST_FATAL);
}

/* The thread's own call, unchanged: the same, watched or not. */
TEST_F(ended, of_the_own_call)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	static const __u32 flags[] = { PICO_TEST_NATIVE,
				       PICO_TEST_NATIVE_WATCHED };

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, natively(&self->w, flags[i]));
		clear_events(&self->w);
		EXPECT_EQ(self->pid,
			  slot_call(&self->w, 0, SYS_getpid, 0, 0, 0, 0, 0));
		EXPECT_EQ(i, count_events(&self->w, PICO_TEST_ENDED, 0));
		/* Suspended in it, the call is made again. */
		slot_begin(&self->w, 0, SLOT_CALL, SYS_pause, 1, 2, 3, 4, 5, 6);
		ASSERT_TRUE(waits(&self->w, 0, self->pid));
		ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
		ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
		ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
		ASSERT_TRUE(waits(&self->w, 0, self->pid));
		EXPECT_EQ(2 * i, count_events(&self->w, PICO_TEST_ENDED, 0));
		/* And an APC that is used ends it. */
		ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
		ASSERT_EQ(0, queue_apc(&self->w, self->pid));
		ASSERT_TRUE(slot_done(&self->w, 0));
		EXPECT_EQ(-EINTR, (long)slot->result);
	}
}

/*
 * A tracer sees the call before the kernel makes it: the call waits all the
 * same, and its end is told, whatever the tracer has done meanwhile.
 */
TEST_F(ended, under_a_tracer)
{
	static const int onwards[] = { PTRACE_SYSCALL, PTRACE_CONT,
				       PTRACE_DETACH };
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct pico_test_event e;
	int status;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0,
				    PTRACE_O_TRACESYSGOOD));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, self->pid, 0, 0));
		clear_events(&self->w);
		begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		ASSERT_EQ(SIGTRAP | 0x80, WSTOPSIG(status));
		ASSERT_EQ(0, ptrace(onwards[i], self->pid, 0, 0));
		ASSERT_TRUE(waits(&self->w, 0, self->pid))
		TH_LOG("case %d", i);
		/* To be let go is a signal of a kind: the wait is made again. */
		if (onwards[i] == PTRACE_DETACH)
			clear_events(&self->w);
		EXPECT_EQ(0, count_events(&self->w, PICO_TEST_ENDED, 0))
		TH_LOG("case %d", i);
		ASSERT_EQ(1, syscall(SYS_futex, slot->scratch + 32, FUTEX_WAKE,
				     1));
		if (onwards[i] == PTRACE_SYSCALL) {
			ASSERT_EQ(self->pid,
				  waitpid(self->pid, &status, __WALL));
			ASSERT_EQ(SIGTRAP | 0x80, WSTOPSIG(status));
			EXPECT_EQ(0,
				  count_events(&self->w, PICO_TEST_ENDED, 0));
			ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
		}
		ASSERT_TRUE(slot_done(&self->w, 0)) TH_LOG("case %d", i);
		EXPECT_EQ(0, (long)slot->result);
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_ENDED, 0));
		ASSERT_TRUE(last_event(&self->w, PICO_TEST_ENDED, 0, &e));
		EXPECT_EQ(0, e.value[0]);
		if (onwards[i] != PTRACE_DETACH) {
			ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
			ASSERT_EQ(self->pid,
				  waitpid(self->pid, &status, __WALL));
			ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
		}
	}
	/* Killed in the stop: it is told, too. */
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, PTRACE_O_TRACESYSGOOD));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, self->pid, 0, 0));
	clear_events(&self->w);
	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_ENDED, 0));
}

PROVIDER_FIXTURE(apc, true)

TEST_F(apc, refused)
{
	struct pico_test_registration r = { .slot = 1,
					    .name = "another",
					    .without = 1U << PICO_TEST_APC,
					    .process_access = 7,
					    .thread_access = 7 };
	struct pico_test_service s = { .service = PICO_TEST_DO_APC };
	int host, held;
	pid_t pid;

	held = ioctl(self->w.host, PICO_TEST_IOC_HOLD, self->pid);
	ASSERT_GT(held, 0);
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	s.held = held;
	ASSERT_EQ(0, ioctl(self->w.host, PICO_TEST_IOC_SERVICE, &s));
	EXPECT_EQ(-ESRCH, s.result);
	EXPECT_EQ(0, ioctl(self->w.host, PICO_TEST_IOC_DROP, held));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_APC, 0));

	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	host = provider_open(&self->w, "another");
	ASSERT_GE(host, 0);
	pid = start_process(&self->w, host, 1, true);
	s.held = 0;
	s.tid = pid;
	ASSERT_EQ(0, ioctl(host, PICO_TEST_IOC_SERVICE, &s));
	EXPECT_EQ(-EOPNOTSUPP, s.result);
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(pid));
	close(host);
	EXPECT_TRUE(eventually(
		!ioctl(self->w.control, PICO_TEST_IOC_UNREGISTER, 1)));
}

/* Where a thread runs is where it is diverted. */
TEST_F(apc, diverts_a_thread_that_runs)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct pico_test_event e;

	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_DIVERT, 4711));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	ASSERT_TRUE(eventually(slot->faults == 1));
	EXPECT_GE(slot->fault[0], PICO_TEST_IMAGE);
	EXPECT_LT(slot->fault[0], PICO_TEST_STACKS);
	EXPECT_EQ(4711, slot->fault[2]);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_APC, self->pid));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_APC, 0, &e));
	EXPECT_EQ(slot->fault[0], e.value[0]);
	EXPECT_EQ(-1, e.value[2]);
	EXPECT_EQ(PICO_TEST_MAY_SLEEP | PICO_TEST_OWN | PICO_TEST_HAS_MM,
		  e.context);
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* One that is not used is as if it had not been. */
TEST_F(apc, unused_leaves_everything)
{
	volatile struct slot *slot = &self->w.shared->slots[0];

	ASSERT_TRUE(slot_spin(&self->w, 0));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, queue_apc(&self->w, self->pid));
		usleep(1000);
	}
	EXPECT_TRUE(slot_moves(&self->w, 0));
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_GE(count_events(&self->w, PICO_TEST_APC, 0), 1);
	EXPECT_LE(count_events(&self->w, PICO_TEST_APC, 0), 20);
	EXPECT_EQ(0, slot->faults);
}

/*
 * A wait of each kind: natively, with and without other arguments, and the
 * provider's own, that is made again or not.
 */
static const struct {
	int call;
	bool watched;
} waiting[] = {
	{ PICO_TEST_CALL_WATCHED, true },
	{ PICO_TEST_CALL_BLOCK_AGAIN, false },
};

TEST_F(apc, ends_a_wait)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct pico_test_event e;

	for (int i = 0; i < 2; i++) {
		/* Not used, the wait goes on. */
		ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_UNUSED, 0));
		clear_events(&self->w);
		begin_wait(&self->w, 0, waiting[i].call, 0);
		ASSERT_TRUE(waits(&self->w, 0, self->pid));
		ASSERT_EQ(0, queue_apc(&self->w, self->pid));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_APC, 0));
		ASSERT_TRUE(waits(&self->w, 0, self->pid));
		ASSERT_TRUE(last_event(&self->w, PICO_TEST_APC, 0, &e));
		EXPECT_EQ(-EINTR, e.value[1]);
		EXPECT_EQ(-1, e.value[2]);

		/* Used, it ends. */
		ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
		ASSERT_EQ(0, queue_apc(&self->w, self->pid));
		ASSERT_TRUE(slot_done(&self->w, 0));
		EXPECT_EQ(-EINTR, (long)slot->result);

		/* Diverted: the instruction is behind, rax says so. */
		__u32 faults = slot->faults;

		ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_DIVERT, 1));
		begin_wait(&self->w, 0, waiting[i].call, 0);
		ASSERT_TRUE(waits(&self->w, 0, self->pid));
		ASSERT_EQ(0, queue_apc(&self->w, self->pid));
		ASSERT_TRUE(eventually(slot->faults == faults + 1));
		EXPECT_EQ(e.value[0], slot->fault[0]);
		EXPECT_EQ(-EINTR, (long)slot->fault[1]);
	}
}

/* It comes while the thread rests, and finds the call that it was to repeat. */
TEST_F(apc, of_a_suspended_thread)
{
	volatile struct slot *slot = &self->w.shared->slots[0];

	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
	ASSERT_TRUE(waits(&self->w, 0, self->pid));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	usleep(50000);
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_APC, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(-EINTR, (long)slot->result);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_APC, 0));
}

/* Whoever sets the registers has taken the call away. */
TEST_F(apc, after_set_context)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	struct pico_test_service s = { 0 };
	struct pico_test_event e;

	begin_wait(&self->w, 0, PICO_TEST_CALL_WATCHED, 0);
	ASSERT_TRUE(waits(&self->w, 0, self->pid));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, get_context(&self->w, self->pid, 1, &s));
	EXPECT_EQ(PICO_TEST_CALL_WATCHED, s.registers[PICO_TEST_AX]);
	s.service = PICO_TEST_DO_SET_CONTEXT;
	s.registers[PICO_TEST_AX] = PICO_TEST_CALL_ECHO;
	ASSERT_EQ(0, service(&self->w, &s));
	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(SYS_futex + 1, (long)slot->result);
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_APC, 0, &e));
	EXPECT_EQ(s.registers[PICO_TEST_IP], e.value[0]);
}

/* Queued in the callback, and by the thread for itself. */
TEST_F(apc, from_the_thread_itself)
{
	struct pico_test_service *s = (void *)self->w.shared->slots[0].scratch;

	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_QUEUE_AGAIN, 0));
	memset(s, 0, sizeof(*s));
	s->service = PICO_TEST_DO_APC;
	EXPECT_EQ(0, slot_call(&self->w, 0, PICO_TEST_CALL_SERVICE,
			       SLOT_ADDRESS(0, scratch), 0, 0, 0, 0));
	EXPECT_EQ(0, s->result);
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_APC, 0));
	/* A thread that an APC suspends rests. */
	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_SUSPEND_APC, 0));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_APC, 0));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	ASSERT_TRUE(slot_stop(&self->w, 0));
}

static unsigned long blocked(pid_t pid)
{
	unsigned long mask = ~0UL;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "SigBlk: %lx", &mask);
	if (file)
		fclose(file);
	return mask;
}

/*
 * What the thread does to itself before it forwards a call that has a mask of
 * its own ends the call with no signal in sight: the mask has to go with it,
 * before user mode, and before the call is made again and takes it for the
 * thread's.
 */
TEST_F(apc, before_a_call_with_a_mask)
{
	static const int calls[] = { PICO_TEST_CALL_FORWARD,
				     PICO_TEST_CALL_WATCHED };
	volatile struct slot *slot = &self->w.shared->slots[0];
	unsigned long own = 1UL << (SIGUSR2 - 1);
	unsigned long other = 1UL << (SIGUSR1 - 1);
	__u64 address = SLOT_ADDRESS(0, scratch);

	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
	memcpy((void *)slot->scratch, &own, 8);
	ASSERT_EQ(0, slot_call(&self->w, 0, PICO_TEST_CALL_FORWARD,
			       SYS_rt_sigprocmask, SIG_SETMASK, address, 0, 8));
	ASSERT_EQ(own, blocked(self->pid));
	memcpy((void *)slot->scratch, &other, 8);
	for (int i = 0; i < 4; i++) {
		struct pico_test_service s = {
			.service = i & 2 ? PICO_TEST_DO_SUSPEND :
					   PICO_TEST_DO_APC,
		};

		ASSERT_EQ(0, within(&self->w, 0, self->pid,
				    PICO_TEST_SYSTEM_CALL, &s));
		slot_begin(&self->w, 0, SLOT_CALL, calls[i & 1], SYS_ppoll, 0,
			   0, 0, address, 8);
		ASSERT_EQ(0, within_result(&self->w, 0));
		if (i & 2) {
			ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
			ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
			/* Unwatched, it cannot wait: it is made anew and anew. */
			if (i & 1)
				ASSERT_TRUE(waits(&self->w, 0, self->pid));
			ASSERT_EQ(0, queue_apc(&self->w, self->pid));
		}
		ASSERT_TRUE(slot_done(&self->w, 0)) TH_LOG("case %d", i);
		EXPECT_EQ(-EINTR, (long)slot->result) TH_LOG("case %d", i);
		ASSERT_TRUE(slot_spin(&self->w, 0));
		EXPECT_EQ(own, blocked(self->pid)) TH_LOG("case %d", i);
		ASSERT_TRUE(slot_stop(&self->w, 0));
	}
}

/* Before the first instruction of a thread that has never run. */
TEST_F(apc, of_a_new_thread)
{
	struct pico_test_create c;
	struct pico_test_event e;
	pid_t tid;

	create_init(&c, 1);
	tid = create(&self->w, 0, PICO_TEST_CALL_THREAD, &c);
	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
	ASSERT_EQ(0, queue_apc(&self->w, tid));
	ASSERT_EQ(0, resume(&self->w, tid, NULL));
	ASSERT_TRUE(eventually(self->w.shared->slots[1].started == 1));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_APC, tid, &e));
	EXPECT_EQ(PICO_TEST_ENTRY, e.value[0]);
}

/* A storm on a thread that makes one call after the other. */
TEST_F(apc, storm)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	int n = 2000 / slower();

	ASSERT_EQ(0, on(&self->w, PICO_TEST_APC, PICO_TEST_USED, 0));
	slot_begin(&self->w, 0, SLOT_CALLS, PICO_TEST_CALL_WATCHED, SYS_getpid,
		   0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(slot->counter > 10));
	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	ASSERT_TRUE(eventually(count_events(&self->w, PICO_TEST_APC, 0) > 0));
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(0, slot->errors);
}

/* Killed in the callback, and while one is queued. */
TEST_F(apc, of_a_thread_that_is_killed)
{
	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_APC,
					      .flags = PICO_TEST_KILLABLE |
						       PICO_TEST_GATE }));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_APC, 0));
	ASSERT_EQ(0, queue_apc(&self->w, self->pid));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_APC, 0));
}

TEST_HARNESS_MAIN
