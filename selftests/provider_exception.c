// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: the vectors that user mode raises on every processor (0, 1, 3, 6,
 * 11 to 14, 16; an emulator has no 17 and 19), handled and not, nested, with a
 * debugger beside, and the core that is left.
 */
#include <asm/ldt.h>
#include <cpuid.h>
#include <stddef.h>
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
#include <sys/user.h>
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
	{ FAULT_X87, 16, SIGFPE, 1, 0, -1 },
	{ FAULT_PAST_EOF, 14, SIGBUS, 3, 4, FAULT_MAPPED },
	{ FAULT_SEGMENT, 11, SIGBUS, 2, FAULT_SELECTOR & ~3, -1 },
	{ FAULT_STACK, 12, SIGBUS, 2, FAULT_SELECTOR & ~3, -1 },
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

/* An empty file, with a page mapped, and a segment that is not there. */
static bool prepare_faults(struct world *w, int n)
{
	const struct user_desc absent = {
		.entry_number = FAULT_SELECTOR >> 3,
		.limit = 0xfffff,
		.seg_32bit = 1,
		.limit_in_pages = 1,
		.seg_not_present = 1,
	};
	long fd;

	memcpy((char *)w->shared->slots[n].scratch, &absent, sizeof(absent));
	if (slot_call(w, n, PICO_TEST_CALL_FORWARD, SYS_modify_ldt, 1,
		      SLOT_ADDRESS(n, scratch), sizeof(absent), 0))
		return false;

	strcpy((char *)w->shared->slots[n].scratch, "empty");
	fd = slot_call(w, n, PICO_TEST_CALL_FORWARD, SYS_memfd_create,
		       SLOT_ADDRESS(n, scratch), 0, 0, 0);
	slot_begin(w, n, SLOT_CALL, PICO_TEST_CALL_FORWARD, SYS_mmap,
		   FAULT_MAPPED, 4096, 1 /* PROT_READ */, 1 /* MAP_SHARED */,
		   fd);
	return slot_done(w, n) && w->shared->slots[n].result == FAULT_MAPPED;
}

TEST_F(exception, skipped)
{
	ASSERT_TRUE(prepare_faults(&self->w, 0));
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

	ASSERT_TRUE(prepare_faults(&self->w, 0));
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

	ASSERT_TRUE(prepare_faults(&self->w, 0));
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
		ASSERT_TRUE(prepare_faults(&self->w, 1));
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

	ASSERT_TRUE(prepare_faults(&self->w, 0));
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

	ASSERT_TRUE(prepare_faults(&self->w, 0));
	seize(_metadata, self->pid);
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_UNHANDLED, 0, 0));
	for (int i = 0; i < FAULTS; i++) {
		if (faults[i].fault == FAULT_JUMP)
			continue;
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

static int poke_debug_register(pid_t pid, int number, unsigned long value)
{
	size_t at = offsetof(struct user, u_debugreg) + 8 * number;

	return ptrace(PTRACE_POKEUSER, pid, at, value);
}

/* A watchpoint of a debugger's is an exception as well: the provider's first. */
TEST_F(exception, watchpoint)
{
	__u64 at = SLOT_ADDRESS(0, scratch) + 64;
	struct pico_test_event e;
	siginfo_t info;
	int status;

	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	ASSERT_EQ(0, poke_debug_register(self->pid, 0, at));
	/* The first one, of eight bytes, for writes. */
	ASSERT_EQ(0, poke_debug_register(self->pid, 7, 1 | 1 << 16 | 2 << 18));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));

	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_SKIP, 0, 0));
	clear_events(&self->w);
	slot_begin(&self->w, 0, SLOT_WRITE, at, 5, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXCEPTION, self->pid));
	ASSERT_TRUE(last_event(&self->w, PICO_TEST_EXCEPTION, self->pid, &e));
	EXPECT_EQ(1, e.value[0]);
	EXPECT_EQ(SIGTRAP, e.value[3]);
	EXPECT_EQ(0, waitpid(self->pid, &status, WNOHANG | __WALL));

	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_UNHANDLED, 0, 0));
	slot_begin(&self->w, 0, SLOT_WRITE, at, 6, 0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(waitpid(self->pid, &status, WNOHANG | __WALL) ==
			       self->pid));
	ASSERT_TRUE(WIFSTOPPED(status)) TH_LOG("%#x", status);
	EXPECT_EQ(SIGTRAP, WSTOPSIG(status));
	ASSERT_EQ(0, ptrace(PTRACE_GETSIGINFO, self->pid, 0, &info));
	EXPECT_EQ(4 /* TRAP_HWBKPT */, info.si_code);
	ASSERT_EQ(0, poke_debug_register(self->pid, 7, 0));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	ASSERT_TRUE(slot_done(&self->w, 0));
	slot_begin(&self->w, 0, SLOT_WRITE, at, 7, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(2, count_events(&self->w, PICO_TEST_EXCEPTION, self->pid));
}

/* ---- cores ---- */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return ret;
}

#define CORE_THREADS 4

/* What the test looks at of a core. */
struct core {
	int threads; /* the one that had the exception first */
	struct {
		int tid;
		__u64 regs[PICO_TEST_REGISTERS];
		__u8 vectors[16][32];
	} thread[CORE_THREADS];
	siginfo_t info;
	bool memory; /* the stacks are there */
};

static void read_vectors(struct core *core, const __u8 *area, size_t size)
{
	__u8(*to)[32] = core->thread[core->threads - 1].vectors;
	unsigned int a, b = 0, c, d;

	__cpuid_count(0xd, 2, a, b, c, d);
	for (int i = 0; i < 16; i++) {
		memcpy(to[i], area + 160 + 16 * i, 16);
		if (b && b + 16 * i + 16 <= size)
			memcpy(to[i] + 16, area + b + 16 * i, 16);
	}
}

static void read_note(struct core *core, __u32 type, const __u8 *data,
		      size_t size)
{
	switch (type) {
	case NT_PRSTATUS:
		if (core->threads == CORE_THREADS)
			break;
		/* pr_pid and pr_reg are behind 32 and 112 bytes. */
		memcpy(&core->thread[core->threads].tid, data + 32, 4);
		memcpy(core->thread[core->threads].regs, data + 112,
		       sizeof(core->thread[0].regs));
		core->threads++;
		break;
	case NT_SIGINFO:
		memcpy(&core->info, data, sizeof(core->info));
		break;
	case NT_X86_XSTATE:
		if (core->threads)
			read_vectors(core, data, size);
		break;
	}
}

static bool read_core(const char *path, struct core *core)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Phdr ph;
	Elf64_Ehdr eh;
	bool good;

	memset(core, 0, sizeof(*core));
	good = pread(fd, &eh, sizeof(eh), 0) == sizeof(eh) &&
	       !memcmp(eh.e_ident, ELFMAG, SELFMAG) && eh.e_type == ET_CORE;
	for (int i = 0; good && i < eh.e_phnum; i++) {
		__u8 *data;

		good = pread(fd, &ph, sizeof(ph),
			     eh.e_phoff + i * sizeof(ph)) == sizeof(ph);
		if (ph.p_type == PT_LOAD && ph.p_vaddr == PICO_TEST_STACKS)
			core->memory = ph.p_filesz > 0;
		if (!good || ph.p_type != PT_NOTE)
			continue;
		data = malloc(ph.p_filesz);
		good = pread(fd, data, ph.p_filesz, ph.p_offset) ==
		       (ssize_t)ph.p_filesz;
		for (size_t at = 0;
		     good && at + sizeof(Elf64_Nhdr) < ph.p_filesz;) {
			Elf64_Nhdr *n = (void *)(data + at);

			at += sizeof(*n) + ((n->n_namesz + 3) & ~3);
			read_note(core, n->n_type, data + at, n->n_descsz);
			at += (n->n_descsz + 3) & ~3;
		}
		free(data);
	}
	close(fd);
	unlink(path);
	return good;
}

static void seed(volatile struct slot_registers *in, int from)
{
	double x87 = from;

	for (int i = 0; i < 15; i++)
		in->general[i] = 0x0101010101010101UL * (from + i);
	memcpy((void *)&in->x87, &x87, 8);
	in->mxcsr = 0x1f80;
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 32; k++)
			in->vectors[i][k] = from + i * 32 + k;
}

/*
 * The core is that of the fault: first its thread, with the registers and
 * vectors of that moment, then another, which was suspended.
 */
TEST_F(exception, core)
{
	static const int places[15] = {
		PICO_TEST_AX,  PICO_TEST_BX,  PICO_TEST_CX,  PICO_TEST_DX,
		PICO_TEST_SI,  PICO_TEST_DI,  PICO_TEST_BP,  PICO_TEST_R8,
		PICO_TEST_R9,  PICO_TEST_R10, PICO_TEST_R11, PICO_TEST_R12,
		PICO_TEST_R13, PICO_TEST_R14, PICO_TEST_R15,
	};
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	volatile struct slot *slots = self->w.shared->slots;
	char path[64], pattern[256];
	static struct core core;
	int status, bytes;
	pid_t tid;

	ASSERT_GT(read_file("/proc/sys/kernel/core_pattern", pattern,
			    sizeof(pattern)),
		  0);
	tid = new_thread(&self->w, 0, 1);
	ASSERT_GT(tid, 0);
	/* The same instruction as below: where it is. */
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_HANDLE, 0, 0));
	fault(&self->w, 0, FAULT_READ, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	ASSERT_EQ(1, slots[0].faults);
	for (int i = 0; i < 2; i++)
		seed(&slots[i].in, 10 * i + 3);
	slot_begin(&self->w, 0, SLOT_VECTORS, PICO_TEST_CALL_ECHO, 1, 0, 0, 0,
		   0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	bytes = slots[0].has_avx ? 32 : 16;
	slot_begin(&self->w, 1, SLOT_REGISTERS, 0, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(slots[1].counter));
	ASSERT_EQ(0, suspend(&self->w, tid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, tid));

	ASSERT_EQ(0, write_text("/proc/sys/kernel/core_pattern",
				"/dev/shm/pico-core.%p"));
	ASSERT_EQ(0, prlimit(self->pid, RLIMIT_CORE, &unlimited, NULL));
	ASSERT_EQ(0, on_exception(&self->w, PICO_TEST_UNHANDLED, 0, 0));
	fault(&self->w, 0, FAULT_READ, 0);
	status = end_status(self->pid);
	write_text("/proc/sys/kernel/core_pattern", pattern);
	EXPECT_TRUE(WIFSIGNALED(status) && WCOREDUMP(status))
	TH_LOG("%#x", status);
	snprintf(path, sizeof(path), "/dev/shm/pico-core.%d", self->pid);
	ASSERT_TRUE(read_core(path, &core));
	EXPECT_TRUE(core.memory);
	EXPECT_EQ(SIGSEGV, core.info.si_signo);
	EXPECT_EQ(16, (__u64)core.info.si_addr);
	ASSERT_EQ(2, core.threads);
	EXPECT_EQ(self->pid, core.thread[0].tid);
	EXPECT_EQ(slots[0].fault[0], core.thread[0].regs[PICO_TEST_IP]);
	EXPECT_GT(core.thread[0].regs[PICO_TEST_SP], PICO_TEST_STACKS);
	EXPECT_LE(core.thread[0].regs[PICO_TEST_SP],
		  PICO_TEST_STACKS + PICO_TEST_STACK_SIZE);
	EXPECT_EQ(tid, core.thread[1].tid);
	for (int i = 0; i < 15; i++) {
		EXPECT_EQ(slots[1].in.general[i],
			  core.thread[1].regs[places[i]])
		TH_LOG("register %d", i);
	}
	for (int i = 0; i < 2; i++) {
		for (int v = 0; v < 16; v++) {
			EXPECT_EQ(0, memcmp((void *)slots[i].in.vectors[v],
					    core.thread[i].vectors[v], bytes))
			TH_LOG("thread %d, vector %d", i, v);
		}
	}
}

TEST_HARNESS_MAIN
