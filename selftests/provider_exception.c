// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: every vector that user mode can raise, handled and not, nested,
 * with a debugger beside, and the core that is left.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(exception, true)

static const struct {
	int fault, vector, signal, length;
	__u64 error_code, address;
} faults[] = {
	{ FAULT_UD2, 6, SIGILL, 2, 0, -1 },
	{ FAULT_INT3, 3, SIGTRAP, 0, 0, -1 },
	{ FAULT_DIVIDE, 0, SIGFPE, 2, 0, -1 },
	{ FAULT_READ, 14, SIGSEGV, 8, 4, 16 },
	{ FAULT_WRITE, 14, SIGSEGV, 8, 6, 24 },
	{ FAULT_PRIVILEGED, 13, SIGSEGV, 1, 0, -1 },
	{ FAULT_JUMP, 14, SIGSEGV, 0, 0x14, 0x40000000 },
};

#define FAULTS	(sizeof(faults) / sizeof(faults[0]))

static int on_exception(struct world *w, int what, __u64 value, __u32 ms)
{
	return behave(w, (struct pico_test_behaviour){
				 .callback = PICO_TEST_EXCEPTION,
				 .result = what,
				 .value = value,
				 .sleep_ms = ms });
}

static void fault(struct world *w, int n, int which, int nested)
{
	slot_begin(w, n, SLOT_FAULT, which, nested, 0, 0, 0, 0, 0);
}

TEST_F(exception, skipped)
{
	for (int i = 0; i < FAULTS; i++) {
		struct pico_test_event e = { 0 };

		if (faults[i].fault == FAULT_JUMP)
			continue;
		ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SKIP,
					  faults[i].length, 0));
		clear_events(&self->w);
		fault(&self->w, 0, faults[i].fault, 0);
		ASSERT_TRUE(slot_done(&self->w, 0)) TH_LOG("case %d", i);
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXCEPTION, 0));
		ASSERT_TRUE(last_event(&self->w, PICO_TEST_EXCEPTION, self->pid,
				       &e));
		EXPECT_EQ(faults[i].vector, e.value[0]);
		EXPECT_EQ(faults[i].error_code, e.value[1]);
		if (faults[i].address != -1ULL)
			EXPECT_EQ(faults[i].address, e.value[2]);
		EXPECT_EQ(faults[i].signal, e.value[3]);
		EXPECT_TRUE(e.context & PICO_TEST_OWN);
		EXPECT_TRUE(e.context & PICO_TEST_MAY_SLEEP);
		EXPECT_FALSE(e.context & PICO_TEST_FATAL);
	}
}

TEST_F(exception, handled_in_user_mode)
{
	volatile struct slot *slot = &self->w.shared->slots[0];

	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_HANDLE, 0, 0));
	for (int i = 0; i < FAULTS; i++) {
		fault(&self->w, 0, faults[i].fault, 0);
		ASSERT_TRUE(slot_done(&self->w, 0)) TH_LOG("case %d", i);
		EXPECT_EQ(i + 1, slot->faults);
		EXPECT_EQ(faults[i].vector, slot->fault[1]);
		if (faults[i].address != -1ULL)
			EXPECT_EQ(faults[i].address, slot->fault[2]);
	}
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_F(exception, nested)
{
	volatile struct slot *slot = &self->w.shared->slots[0];

	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_HANDLE, 0, 0));
	clear_events(&self->w);
	for (int i = 0; i < FAULTS; i++) {
		__u32 before = slot->faults;

		fault(&self->w, 0, faults[i].fault, 10);
		ASSERT_TRUE(slot_done(&self->w, 0)) TH_LOG("case %d", i);
		EXPECT_EQ(before + 11, slot->faults);
	}
	EXPECT_EQ(11 * FAULTS,
		  count_events(&self->w, PICO_TEST_EXCEPTION, self->pid));
}

TEST_F(exception, not_handled)
{
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_UNHANDLED, 0, 0));
	for (int i = 0; i < FAULTS; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);

		ASSERT_GT(pid, 0);
		fault(&self->w, 1, faults[i].fault, 0);
		EXPECT_EQ(faults[i].signal, end_status(pid) & 0x7f)
		TH_LOG("case %d", i);
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXCEPTION, pid));
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_THREAD, pid));
		EXPECT_EQ(1,
			  count_events(&self->w, PICO_TEST_EXIT_PROCESS, pid));
	}
}

TEST_F(exception, ends_the_process)
{
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_END, EXITED(33), 0));
	fault(&self->w, 0, FAULT_READ, 0);
	EXPECT_EQ(EXITED(33), end_status(self->pid));
	EXPECT_FALSE(slot_is_done(&self->w, 0));
}

TEST_F(exception, suspends_the_thread)
{
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SUSPEND_SELF, 2, 0));
	fault(&self->w, 0, FAULT_UD2, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXCEPTION, self->pid));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	usleep(50000);
	EXPECT_FALSE(slot_is_done(&self->w, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_done(&self->w, 0));
}

TEST_F(exception, without_a_callback)
{
	struct pico_test_registration r = {
		.slot = 1,
		.without = 1U << PICO_TEST_EXCEPTION,
		.process_access = 7,
		.thread_access = 7,
		.name = "no-exceptions",
	};
	pid_t pid;
	int fd;

	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	fd = provider_open(&self->w, "no-exceptions");
	ASSERT_GE(fd, 0);
	pid = start_process(&self->w, fd, 1, true);
	fault(&self->w, 1, FAULT_UD2, 0);
	EXPECT_EQ(SIGILL, end_status(pid) & 0x7f);
	close(fd);
}

/* Each instruction is an exception, the one behind a call included. */
TEST_F(exception, single_steps_across_a_call)
{
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SKIP, 0, 0));
	clear_events(&self->w);
	slot_begin(&self->w, 0, SLOT_STEP, PICO_TEST_CALL_ECHO, 41, 0, 0, 0, 0,
		   0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(42, self->w.shared->slots[0].result);
	EXPECT_GE(count_events(&self->w, PICO_TEST_EXCEPTION, self->pid), 3);
	EXPECT_EQ(2,
		  slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

/* A bad pointer in a call is the call's error. */
TEST_F(exception, none_in_a_call)
{
	clear_events(&self->w);
	EXPECT_EQ(-EFAULT, slot_call(&self->w, 0, PICO_TEST_CALL_SERVICE, 8, 0,
				     0, 0, 0));
	EXPECT_EQ(-EFAULT, slot_call(&self->w, 0, PICO_TEST_CALL_FORWARD,
				     SYS_uname, 8, 0, 0, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXCEPTION, 0));
}

/* What a native call forces is an exception as well. */
TEST_F(exception, forced_by_a_native_call)
{
	volatile struct slot *last =
		&self->w.shared->slots[PICO_TEST_SLOTS - 1];

	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_HANDLE, 0, 0));
	clear_events(&self->w);
	slot_begin(&self->w, 0, SLOT_SIGRETURN, 0, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(last->faults == 1));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXCEPTION, self->pid));
	EXPECT_EQ(2, slot_call(&self->w, PICO_TEST_SLOTS - 1,
			       PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0));
}

TEST_F(exception, the_callback_sleeps)
{
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SKIP, 2, 3000));
	fault(&self->w, 1, FAULT_UD2, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXCEPTION, tid));
	/* Nobody else is held up. */
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(i + 1, slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, i,
					   0, 0, 0, 0));
	EXPECT_FALSE(slot_is_done(&self->w, 1));
	EXPECT_TRUE(slot_done(&self->w, 1));
}

/* A stop that comes while the callback sleeps takes effect behind it. */
TEST_F(exception, stopped_meanwhile)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXCEPTION,
		.flags = PICO_TEST_GATE,
		.result = PICO_TEST_SKIP,
		.value = 2,
	};

	ASSERT_EQ(0, behave(&self->w, gate));
	fault(&self->w, 0, FAULT_UD2, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXCEPTION, self->pid));
	kill(self->pid, SIGSTOP);
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_TRUE(eventually(thread_state(self->pid) == 'T'));
	EXPECT_FALSE(slot_is_done(&self->w, 0));
	kill(self->pid, SIGCONT);
	EXPECT_TRUE(slot_done(&self->w, 0));
}

TEST_F(exception, terminated_meanwhile)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXCEPTION,
		.flags = PICO_TEST_GATE,
		.result = PICO_TEST_SKIP,
		.value = 2,
	};
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, behave(&self->w, gate));
	fault(&self->w, 1, FAULT_UD2, 0);
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXCEPTION, tid));
	ASSERT_EQ(0, terminate_thread(&self->w, tid, 0));
	usleep(50000);
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_EXIT_THREAD, tid));
	gate.flags = 0;
	ASSERT_EQ(0, behave(&self->w, gate));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
	EXPECT_FALSE(slot_is_done(&self->w, 1));
}

/* ---- debuggers ---- */

static void seize(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	ASSERT_EQ(pid, waitpid(pid, &status, __WALL));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, pid, 0, 0));
}

/* What the provider handles, a debugger does not see. */
TEST_F(exception, handled_before_a_debugger)
{
	int status;

	seize(_metadata, self->pid);
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_HANDLE, 0, 0));
	for (int i = 0; i < FAULTS; i++) {
		fault(&self->w, 0, faults[i].fault, 2);
		ASSERT_TRUE(slot_done(&self->w, 0));
		EXPECT_EQ(0, waitpid(self->pid, &status, WNOHANG | __WALL));
	}
}

/* What it does not handle, a debugger is shown, and may suppress. */
TEST_F(exception, shown_to_a_debugger)
{
	struct user_regs_struct_ {
		unsigned long word[27];
	} regs;
	siginfo_t info;
	int status;

	seize(_metadata, self->pid);
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_UNHANDLED, 0, 0));
	for (int i = 0; i < 6; i++) {
		fault(&self->w, 0, faults[i].fault, 0);
		ASSERT_TRUE(eventually(waitpid(self->pid, &status,
					       WNOHANG | __WALL) == self->pid));
		ASSERT_TRUE(WIFSTOPPED(status)) TH_LOG("%#x", status);
		EXPECT_EQ(faults[i].signal, WSTOPSIG(status));
		ASSERT_EQ(0, ptrace(PTRACE_GETSIGINFO, self->pid, 0, &info));
		EXPECT_EQ(faults[i].signal, info.si_signo);
		EXPECT_GT(info.si_code, 0);
		if (faults[i].address != -1ULL)
			EXPECT_EQ(faults[i].address, (__u64)info.si_addr);
		ASSERT_EQ(0, ptrace(PTRACE_GETREGS, self->pid, 0, &regs));
		regs.word[PICO_TEST_IP] += faults[i].length;
		ASSERT_EQ(0, ptrace(PTRACE_SETREGS, self->pid, 0, &regs));
		ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
		EXPECT_TRUE(slot_done(&self->w, 0));
	}
	/* Delivered, it ends the process. */
	fault(&self->w, 0, FAULT_READ, 0);
	ASSERT_TRUE(eventually(waitpid(self->pid, &status, WNOHANG | __WALL) ==
			       self->pid));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, WSTOPSIG(status)));
	EXPECT_EQ(SIGSEGV, end_status(self->pid) & 0x7f);
}

/* ---- cores ---- */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

/* The core's registers are those of the fault, its memory the process'. */
TEST_F(exception, core)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char path[64], pattern[256];
	bool registers = false, memory = false;
	Elf64_Phdr ph;
	Elf64_Ehdr eh;
	int fd, status, notes = 0;

	ASSERT_GT(read_file("/proc/sys/kernel/core_pattern", pattern,
			    sizeof(pattern)),
		  0);
	ASSERT_EQ(0, write_text("/proc/sys/kernel/core_pattern",
				"/dev/shm/pico-core.%p"));
	ASSERT_EQ(0, prlimit(self->pid, RLIMIT_CORE, &unlimited, NULL));
	ASSERT_GT(new_thread(&self->w, 0, 1), 0);
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_UNHANDLED, 0, 0));
	fault(&self->w, 0, FAULT_READ, 0);
	status = end_status(self->pid);
	write_text("/proc/sys/kernel/core_pattern", pattern);
	EXPECT_TRUE(WIFSIGNALED(status) && WCOREDUMP(status))
	TH_LOG("%#x", status);
	snprintf(path, sizeof(path), "/dev/shm/pico-core.%d", self->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(sizeof(eh), pread(fd, &eh, sizeof(eh), 0));
	ASSERT_EQ(0, memcmp(eh.e_ident, ELFMAG, SELFMAG));
	EXPECT_EQ(ET_CORE, eh.e_type);
	for (int i = 0; i < eh.e_phnum; i++) {
		char *data;

		ASSERT_EQ(sizeof(ph), pread(fd, &ph, sizeof(ph),
					    eh.e_phoff + i * sizeof(ph)));
		if (ph.p_type == PT_LOAD && ph.p_vaddr == PICO_TEST_STACKS)
			memory = ph.p_filesz > 0;
		if (ph.p_type != PT_NOTE)
			continue;
		data = malloc(ph.p_filesz);
		ASSERT_EQ(ph.p_filesz,
			  pread(fd, data, ph.p_filesz, ph.p_offset));
		for (size_t at = 0; at + sizeof(Elf64_Nhdr) < ph.p_filesz;) {
			Elf64_Nhdr *n = (void *)(data + at);

			at += sizeof(*n) + ((n->n_namesz + 3) & ~3);
			if (n->n_type == NT_PRSTATUS) {
				/* pr_reg is behind 112 bytes. */
				__u64 *regs = (void *)(data + at + 112);

				notes++;
				if (regs[PICO_TEST_IP] >= PICO_TEST_IMAGE &&
				    regs[PICO_TEST_IP] < PICO_TEST_STACKS &&
				    regs[PICO_TEST_SP] > PICO_TEST_STACKS)
					registers = true;
			}
			at += (n->n_descsz + 3) & ~3;
		}
		free(data);
	}
	close(fd);
	unlink(path);
	EXPECT_TRUE(registers);
	EXPECT_TRUE(memory);
	EXPECT_EQ(2, notes);
}

TEST_HARNESS_MAIN
