// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls: every entry, answers of every kind, and native calls in the
 * place of a process' own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include "lib/harness.h"
#include "lib/provider.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH	59
#endif
#define X32	0x40000000

PROVIDER_FIXTURE(calls, true)

static long forward(struct world *w, long nr, __u64 a, __u64 b, __u64 c)
{
	return slot_call(w, 0, PICO_TEST_CALL_FORWARD, nr, a, b, c, 0);
}

TEST_F(calls, logged)
{
	struct pico_test_event e = { 0 };

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_SYSTEM_CALL,
					      .flags = PICO_TEST_LOG }));
	clear_events(&self->w);
	/* All 64 bits of the number are the provider's. */
	EXPECT_EQ(-ENOSYS,
		  slot_call(&self->w, 0, 0xfedcba9876543210, 11, 12, 13, 0, 0));
	ASSERT_EQ(0, behave(&self->w,
			    (struct pico_test_behaviour){
				    .callback = PICO_TEST_SYSTEM_CALL }));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_SYSTEM_CALL, self->pid));
	struct pico_test_event all[256];
	int n = events(&self->w, all, 256), found = 0;

	for (int i = 0; i < n; i++) {
		if (all[i].value[0] != (__s64)0xfedcba9876543210)
			continue;
		e = all[i];
		found++;
	}
	ASSERT_EQ(1, found);
	EXPECT_EQ(11, e.value[1]);
	EXPECT_EQ(12, e.value[2]);
	EXPECT_EQ(13, e.value[3]);
	EXPECT_TRUE(e.context & PICO_TEST_OWN);
	EXPECT_TRUE(e.context & PICO_TEST_MAY_SLEEP);
	EXPECT_TRUE(e.context & PICO_TEST_HAS_MM);
}

TEST_F(calls, answers)
{
	/* Any value, those that mean "restart" included. */
	static const long values[] = { 0,    1,	    -1,
				       -512, -513,  -514,
				       -516, -4095, 0x7fffffffffffffff };

	for (int i = 0; i < 9; i++)
		EXPECT_EQ(values[i], slot_call(&self->w, 0, PICO_TEST_CALL_ECHO,
					       values[i] - 1, 0, 0, 0, 0));
	EXPECT_EQ(-ENOSYS, slot_call(&self->w, 0, SYS_getpid, 0, 0, 0, 0, 0));
	EXPECT_EQ(-ENOSYS, slot_call(&self->w, 0, -1, 0, 0, 0, 0, 0));
	/* FORWARD with nothing in place is ANSWERED. */
	EXPECT_EQ(4711, slot_call(&self->w, 0, PICO_TEST_CALL_NOTHING, 4711, 0,
				  0, 0, 0));
}

/* A second one does not take the place of the first. */
TEST_F(calls, one_at_a_time)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	__u64 out = SLOT_ADDRESS(0, scratch);

	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_FORWARD_TWICE,
		   SYS_getppid, 0, 0, 0, 0, out);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(getpid(), (long)slot->result);
	EXPECT_EQ(-EBUSY, *(long *)slot->scratch);
}

TEST_F(calls, redirected)
{
	volatile struct slot *slot = &self->w.shared->slots[0];
	__u32 started = slot->started;

	/* rdi is the call's first argument: not a slot that there is. */
	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_REDIRECT,
		   PICO_TEST_HANDLER, 66, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(started, slot->started);
	EXPECT_EQ(1, slot->faults);
	EXPECT_EQ(PICO_TEST_HANDLER, slot->fault[0]);
	EXPECT_EQ(66, slot->fault[1]);
}

TEST_F(calls, of_32_bit_entries)
{
	volatile struct slot *slot = &self->w.shared->slots[0];

	slot_begin(&self->w, 0, SLOT_INT80, PICO_TEST_CALL_ECHO, 77, 0, 0, 0, 0,
		   0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(78, (__u32)slot->result);
	/* No native call from there: its numbers mean something else. */
	slot_begin(&self->w, 0, SLOT_INT80, PICO_TEST_CALL_FORWARD, SYS_getpid,
		   0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ((__u32)-EOPNOTSUPP, (__u32)slot->result);
	EXPECT_EQ(1, module_counter("pico", "threads"));
}

TEST_F(calls, forwarded)
{
	struct utsname here, *there;
	__u64 address = SLOT_ADDRESS(0, scratch);

	EXPECT_EQ(self->pid, forward(&self->w, SYS_getpid, 0, 0, 0));
	EXPECT_EQ(getpid(), forward(&self->w, SYS_getppid, 0, 0, 0));
	ASSERT_EQ(0, uname(&here));
	ASSERT_EQ(0, forward(&self->w, SYS_uname, address, 0, 0));
	there = (void *)self->w.shared->slots[0].scratch;
	EXPECT_STREQ(here.release, there->release);
	EXPECT_EQ(-EBADF, forward(&self->w, SYS_close, 77, 0, 0));
	EXPECT_EQ(-ENOSYS, forward(&self->w, 511, 0, 0, 0));
}

/*
 * What would take the mark away, or make a process that has none, or would not
 * let its thread be reached.
 */
TEST_F(calls, refused)
{
	static const struct {
		long nr, a0;
	} wrong[] = {
		{ SYS_execve, 0 },
		{ SYS_execveat, 0 },
		{ SYS_clone, SIGCHLD },
		{ SYS_clone3, 0 },
		{ SYS_fork, 0 },
		{ SYS_vfork, 0 },
		{ SYS_io_uring_setup, 1 },
		{ SYS_io_uring_enter, -1 },
		{ SYS_io_uring_register, -1 },
		{ SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH },
		/* The number is an int to the kernel, */
		{ SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH | 1L << 32 },
		/* and so is that of the call. */
		{ SYS_execve | 1L << 32, 0 },
		{ SYS_fork | 0xffffL << 32, 0 },
		{ X32 | SYS_fork, 0 },
		{ X32 | SYS_getpid, 0 },
		{ X32 | 520, 0 },
		{ 520, 0 },
		{ 512, 0 },
	};

	for (int i = 0; i < 18; i++) {
		EXPECT_EQ(-EPERM,
			  forward(&self->w, wrong[i].nr, wrong[i].a0, 0, 0))
		TH_LOG("case %d", i);
	}
	EXPECT_EQ(1, status_number(self->pid, "Threads:"));
	EXPECT_EQ(1, module_counter("pico", "processes"));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* Other prctl()s are natives like others. */
TEST_F(calls, prctl)
{
	EXPECT_EQ(0, forward(&self->w, SYS_prctl, 39 /* GET_NO_NEW_PRIVS */, 0,
			     0));
}

/* A sleep that a signal interrupts is made again, or ends; no other number. */
TEST_F(calls, interrupted)
{
	volatile struct slot *slot = &self->w.shared->slots[0];

	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_FORWARD, SYS_pause, 0,
		   0, 0, 0, 0);
	usleep(50000);
	kill(self->pid, SIGSTOP);
	kill(self->pid, SIGCONT);
	usleep(50000);
	/* Either it still waits or it has ended with EINTR. */
	if (slot_is_done(&self->w, 0))
		EXPECT_EQ(-EINTR, (long)slot->result);
	EXPECT_EQ(0, terminate_process(&self->w, self->pid, EXITED(2)));
	EXPECT_EQ(EXITED(2), end_status(self->pid));
}

TEST_F(calls, exit_group_and_exit)
{
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	slot_begin(&self->w, 1, SLOT_CALL, PICO_TEST_CALL_FORWARD, SYS_exit, 5,
		   0, 0, 0, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_FORWARD,
		   SYS_exit_group, 6, 0, 0, 0, 0);
	EXPECT_EQ(EXITED(6), end_status(self->pid));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXIT_PROCESS, 0));
}

/* ---- a tracer that makes other calls of those that are forwarded ---- */

/* Registers of ptrace in the order of enum pico_test_register. */
struct words {
	unsigned long word[PICO_TEST_REGISTERS];
};

static void seize(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, pid, 0, 0));
}

static void let_go(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, pid, 0, 0));
}

typedef void changes(struct words *w, const long *with);

/* Has slot 0 make a call that is forwarded, and makes another of that. */
static void change_call(struct __test_metadata *_metadata, struct world *w,
			pid_t pid, enum pico_test_call call, __u64 a0,
			changes *change, const long *with)
{
	struct words regs;
	int status;

	slot_begin(w, 0, SLOT_CALL, call, a0, 0, 0, 0, 0, 0);
	/* Calls that the provider answers have no stop. */
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_EQ(SIGTRAP | 0x80, WSTOPSIG(status));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, pid, 0, &regs));
	change(&regs, with);
	ASSERT_EQ(0, ptrace(PTRACE_SETREGS, pid, 0, &regs));
	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, pid, 0, 0));
}

/* The same, and waits for what the slot sees. */
static long changed(struct __test_metadata *_metadata, struct world *w,
		    pid_t pid, enum pico_test_call call, __u64 a0,
		    changes *change, const long *with)
{
	int status;

	change_call(_metadata, w, pid, call, a0, change, with);
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status)) TH_LOG("%#x", status);
	ASSERT_EQ(0, ptrace(PTRACE_SYSCALL, pid, 0, 0));
	return slot_done(w, 0) ? (long)w->shared->slots[0].result : NO_RESULT;
}

static void change_number(struct words *w, const long *with)
{
	w->word[PICO_TEST_ORIG_AX] = with[0];
	w->word[PICO_TEST_DI] = with[1];
	w->word[PICO_TEST_SI] = with[2];
	w->word[PICO_TEST_DX] = with[3];
	w->word[PICO_TEST_R10] = with[4];
}

/* with[0] out of clone's flags, with[1] into them. */
static void change_flags(struct words *w, const long *with)
{
	w->word[PICO_TEST_DI] = (w->word[PICO_TEST_DI] & ~with[0]) | with[1];
}

TEST_F(calls, a_tracer_cannot_take_the_mark_away)
{
	const long path = SLOT_ADDRESS(0, scratch);
	const struct {
		const char *what;
		long with[5], result;
	} tries[] = {
		{ "getppid", { SYS_getppid }, getpid() },
		{ "execve", { SYS_execve, path }, -EPERM },
		{ "execveat", { SYS_execveat, AT_FDCWD, path }, -EPERM },
		{ "prctl, off",
		  { SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH,
		    PR_SYS_DISPATCH_OFF },
		  -EPERM },
		{ "prctl, on",
		  { SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
		    PICO_TEST_IMAGE, 4096 },
		  -EPERM },
	};

	strcpy((char *)self->w.shared->slots[0].scratch, "/bin/true");
	seize(_metadata, self->pid);
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(tries[i].result,
			  changed(_metadata, &self->w, self->pid,
				  PICO_TEST_CALL_FORWARD, SYS_getpid,
				  change_number, tries[i].with))
		TH_LOG("%s", tries[i].what);
	}
	let_go(_metadata, self->pid);
	EXPECT_EQ(1, module_counter("pico", "threads"));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* A call that a tracer skips had other arguments; the thread's own come back. */
TEST_F(calls, a_tracer_skips_the_call)
{
	static const long none[5] = { -1, 1, 2, 3, 4 };
	struct words regs;
	int status;

	seize(_metadata, self->pid);
	change_call(_metadata, &self->w, self->pid, PICO_TEST_CALL_FORWARD,
		    SYS_getpid, change_number, none);
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status)) TH_LOG("%#x", status);
	/* Behind the first instruction after the call. */
	ASSERT_EQ(0, ptrace(PTRACE_SINGLESTEP, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, 0, &regs));
	EXPECT_EQ(SYS_getpid, regs.word[PICO_TEST_DI]);
	EXPECT_EQ(0, regs.word[PICO_TEST_SI]);
	EXPECT_EQ(0, regs.word[PICO_TEST_DX]);
	EXPECT_EQ(0, regs.word[PICO_TEST_R10]);
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(-ENOSYS, (long)self->w.shared->slots[0].result);
	let_go(_metadata, self->pid);
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* What it makes, of nothing or of something else, never sees user mode. */
TEST_F(calls, a_tracer_makes_clones)
{
	static const long fork[5] = { SYS_fork };
	static const long no_thread[2] = {
		CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, SIGCHLD
	};
	static const long thread[2] = { 0xff, CLONE_THREAD | CLONE_SIGHAND |
						      CLONE_VM };
	struct pico_test_create c;

	seize(_metadata, self->pid);
	EXPECT_GT(changed(_metadata, &self->w, self->pid,
			  PICO_TEST_CALL_FORWARD, SYS_getpid, change_number,
			  fork),
		  0);
	create_init(&c, 1);
	c.resume = 1;
	memcpy(self->w.shared->slots[0].scratch, &c, sizeof(c));
	EXPECT_EQ(-EAGAIN,
		  changed(_metadata, &self->w, self->pid, PICO_TEST_CALL_THREAD,
			  SLOT_ADDRESS(0, scratch), change_flags, no_thread));
	EXPECT_TRUE(eventually(module_counter("pico", "threads") == 1));
	EXPECT_EQ(1, module_counter("pico", "processes"));
	/* A thread cannot be ended without its process. */
	memcpy(self->w.shared->slots[0].scratch, &c, sizeof(c));
	change_call(_metadata, &self->w, self->pid, PICO_TEST_CALL_PROCESS,
		    SLOT_ADDRESS(0, scratch), change_flags, thread);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(0, self->w.shared->slots[1].started);
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_CREATED, self->pid));
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

TEST_F(calls, a_callback_that_sleeps_for_seconds)
{
	long start;

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_SYSTEM_CALL,
					      .flags = PICO_TEST_LOG,
					      .sleep_ms = 2000 }));
	start = milliseconds();
	EXPECT_EQ(9,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 8, 0, 0, 0, 0));
	EXPECT_LE(2000, milliseconds() - start);
	clear_events(&self->w);
	/* It does not hear SIGKILL, but does not outlive it for long. */
	start = milliseconds();
	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_ECHO, 8, 0, 0, 0, 0,
		   0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SYSTEM_CALL, self->pid));
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_LE(2000, milliseconds() - start);
}

TEST_HARNESS_MAIN
