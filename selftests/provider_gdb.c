// SPDX-License-Identifier: GPL-2.0-only
/*
 * gdb on processes of a provider's that leaves exceptions to it: breakpoints,
 * steps, a wait that it looks into, and a core afterwards.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define GDB "/usr/bin/gdb"
#define COMMANDS 12

PROVIDER_FIXTURE(gdb, true)

/* gdb with these commands, on a process or (@pid 0) on what @core names. */
static int gdb(struct run *run, pid_t pid, const char *core,
	       const char *const *commands)
{
	const char *argv[6 + 2 * COMMANDS] = { GDB, "-nx", "-batch" };
	char number[16];
	int n = 3;

	snprintf(number, sizeof(number), "%d", pid);
	argv[n++] = pid ? "-p" : "-c";
	argv[n++] = pid ? number : core;
	for (int i = 0; i < COMMANDS && commands[i]; i++) {
		argv[n++] = "-ex";
		argv[n++] = commands[i];
	}
	return run_program(argv, NULL, 0, run);
}

/* An int3 of gdb's and the step over it, both not handled by the provider. */
TEST_F(gdb, breakpoint)
{
	static const char *const commands[] = {
		"set $at = $rip",
		"break *$at",
		"continue",
		"continue",
		"printf \"there: %d\\n\", $rip == $at",
		"stepi",
		"printf \"beyond: %d\\n\", $rip != $at",
		"delete",
		"detach",
		NULL,
	};
	struct pico_test_event all[64];
	int n, breakpoints = 0, steps = 0;
	struct run run;

	if (access(GDB, X_OK))
		SKIP(return, "no gdb");
	ASSERT_TRUE(slot_spin(&self->w, 0));
	clear_events(&self->w);
	ASSERT_EQ(0, gdb(&run, self->pid, NULL, commands));
	EXPECT_NE(NULL, strstr(run.out, "there: 1"))
	TH_LOG("%s%s", run.out, run.err);
	EXPECT_NE(NULL, strstr(run.out, "beyond: 1"))
	TH_LOG("%s%s", run.out, run.err);
	run_free(&run);
	n = events(&self->w, all, 64);
	for (int i = 0; i < n; i++) {
		if (all[i].callback != PICO_TEST_EXCEPTION)
			continue;
		breakpoints += all[i].value[0] == 3;
		steps += all[i].value[0] == 1;
	}
	EXPECT_EQ(2, breakpoints);
	EXPECT_GE(steps, 2);
	EXPECT_TRUE(slot_moves(&self->w, 0));
	EXPECT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* It attaches to a thread that waits in a call, and lets go of it there. */
TEST_F(gdb, detached_inside_a_call)
{
	static const char *const commands[] = { "printf \"ip: %#lx\\n\", $rip",
						"detach", NULL };
	struct run run;
	unsigned long ip = 0;
	char *at;

	if (access(GDB, X_OK))
		SKIP(return, "no gdb");
	for (int i = 0; i < 2; i++) {
		slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_BLOCK_AGAIN,
			   0, 0, 0, 0, 0, 0);
		ASSERT_TRUE(eventually(
			ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
		ASSERT_EQ(0, gdb(&run, self->pid, NULL, commands));
		at = strstr(run.out, "ip: ");
		ASSERT_NE(NULL, at) TH_LOG("%s%s", run.out, run.err);
		ip = strtoul(at + 4, NULL, 16);
		run_free(&run);
		EXPECT_GE(ip, PICO_TEST_IMAGE);
		EXPECT_LT(ip, PICO_TEST_STACKS);
		/* It waits on, and ends as if nothing had been. */
		ASSERT_TRUE(eventually(
			ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
		EXPECT_FALSE(slot_is_done(&self->w, 0));
		ioctl(self->w.control, PICO_TEST_IOC_KICK);
		ASSERT_TRUE(slot_done(&self->w, 0));
		EXPECT_EQ(0, self->w.shared->slots[0].result);
	}
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;

	close(fd);
	return ret;
}

/* A core of two threads, one of them suspended. */
TEST_F(gdb, core)
{
	static const char *const commands[] = {
		"printf \"ip: %#lx\\n\", $rip",
		"info threads",
		"printf \"word: %#lx\\n\", *(unsigned long *)0x20000100",
		NULL,
	};
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	volatile struct slot *slot = &self->w.shared->slots[0];
	char path[64], pattern[256], wanted[64];
	struct run run;
	pid_t tid;
	int status;

	if (access(GDB, X_OK))
		SKIP(return, "no gdb");
	ASSERT_GT(read_file("/proc/sys/kernel/core_pattern", pattern,
			    sizeof(pattern)),
		  0);
	tid = new_thread(&self->w, 0, 1);
	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, suspend(&self->w, tid, NULL));
	slot_begin(&self->w, 0, SLOT_WRITE, PICO_TEST_STACKS + 0x100, 0x123456,
		   0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	/* Where the instruction is. */
	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_EXCEPTION,
					      .result = PICO_TEST_HANDLE }));
	slot_begin(&self->w, 0, SLOT_FAULT, FAULT_READ, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	ASSERT_EQ(0,
		  behave(&self->w, (struct pico_test_behaviour){
					   .callback = PICO_TEST_EXCEPTION }));
	ASSERT_EQ(0, write_text("/proc/sys/kernel/core_pattern",
				"/dev/shm/pico-gdb.%p"));
	ASSERT_EQ(0, prlimit(self->pid, RLIMIT_CORE, &unlimited, NULL));
	slot_begin(&self->w, 0, SLOT_FAULT, FAULT_READ, 0, 0, 0, 0, 0, 0);
	status = end_status(self->pid);
	write_text("/proc/sys/kernel/core_pattern", pattern);
	EXPECT_TRUE(WIFSIGNALED(status) && WCOREDUMP(status));
	snprintf(path, sizeof(path), "/dev/shm/pico-gdb.%d", self->pid);
	ASSERT_EQ(0, gdb(&run, 0, path, commands));
	unlink(path);
	EXPECT_NE(NULL, strstr(run.out, "SIGSEGV"));
	snprintf(wanted, sizeof(wanted), "ip: %#llx\n", slot->fault[0]);
	EXPECT_NE(NULL, strstr(run.out, wanted)) TH_LOG("no %s", wanted);
	snprintf(wanted, sizeof(wanted), "LWP %d", tid);
	EXPECT_NE(NULL, strstr(run.out, wanted)) TH_LOG("no %s", wanted);
	EXPECT_NE(NULL, strstr(run.out, "word: 0x123456"))
	TH_LOG("%s%s", run.out, run.err);
	run_free(&run);
}

TEST_HARNESS_MAIN
