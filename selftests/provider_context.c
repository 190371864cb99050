// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of threads: what is read is what the thread has, what is written is
 * what it goes on with, vector registers included.
 */
#include <cpuid.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <elf.h>
#include "lib/freezer.h"
#include "lib/harness.h"
#include "lib/provider.h"

PROVIDER_FIXTURE(context, true)

/* Of struct slot_registers' general registers. */
static const int places[15] = {
	PICO_TEST_AX,  PICO_TEST_BX,  PICO_TEST_CX,  PICO_TEST_DX,
	PICO_TEST_SI,  PICO_TEST_DI,  PICO_TEST_BP,  PICO_TEST_R8,
	PICO_TEST_R9,  PICO_TEST_R10, PICO_TEST_R11, PICO_TEST_R12,
	PICO_TEST_R13, PICO_TEST_R14, PICO_TEST_R15,
};

#define GENERAL		1
#define BASES		2
#define EXTENDED	4
#define AREA_MAX	16384

static volatile struct slot *slot(struct world *w, int n)
{
	return &w->shared->slots[n];
}

static void fill(volatile struct slot_registers *r, int seed)
{
	double x87 = seed * 1.5 + 0.25;

	for (int i = 0; i < 15; i++)
		r->general[i] = 0x0101010101010101UL * (seed + i) + i;
	memcpy((void *)&r->x87, &x87, 8);
	r->mxcsr = 0x1f80 | (seed & 3) << 13;
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 32; k++)
			r->vectors[i][k] = seed * 7 + i * 32 + k;
}

static unsigned int area_size(struct world *w)
{
	struct pico_test_service s = { .service = PICO_TEST_DO_EXTENDED_SIZE };

	return service(w, &s) ? 0 : s.extended_size;
}

/* Has slot @n's thread spin with registers made from @seed. */
static bool spin(struct world *w, int n, int seed)
{
	fill(&slot(w, n)->in, seed);
	slot(w, n)->nested = 0;
	memset((void *)&slot(w, n)->out, 0, sizeof(slot(w, n)->out));
	slot_begin(w, n, SLOT_REGISTERS, 0, 0, 0, 0, 0, 0, 0);
	return eventually(slot(w, n)->counter);
}

/* What it stored at its end; upper halves only with AVX. */
static void stored(struct __test_metadata *_metadata, struct world *w, int n,
		   int seed)
{
	struct slot_registers want;
	volatile struct slot_registers *out = &slot(w, n)->out;
	int bytes = slot(w, n)->has_avx ? 32 : 16;

	ASSERT_TRUE(slot_stop(w, n));
	fill(&want, seed);
	for (int i = 0; i < 15; i++) {
		EXPECT_EQ(want.general[i], out->general[i])
		TH_LOG("register %d", i);
	}
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(0, memcmp((void *)out->vectors[i], want.vectors[i],
				    bytes))
		TH_LOG("vector %d", i);
	}
	EXPECT_EQ(want.x87, out->x87);
	EXPECT_EQ(want.mxcsr & 0xffc0, out->mxcsr & 0xffc0);
}

static unsigned int avx_offset(void)
{
	unsigned int a = 0, b = 0, c = 0, d = 0;

	__cpuid_count(0xd, 2, a, b, c, d);
	return b;
}

/* Vectors in an XSAVE area, compared with or set to those of @seed. */
static bool area_has(const __u8 *area, bool avx, int seed)
{
	struct slot_registers want;

	fill(&want, seed);
	for (int i = 0; i < 16; i++) {
		if (memcmp(area + 160 + 16 * i, want.vectors[i], 16))
			return false;
		if (avx && memcmp(area + avx_offset() + 16 * i,
				  want.vectors[i] + 16, 16))
			return false;
	}
	return true;
}

static void store_x87(__u8 *to, long double value)
{
	memcpy(to, &value, 10);
}

static void area_set(__u8 *area, bool avx, int seed)
{
	struct slot_registers want;
	double value;
	__u32 mxcsr;

	fill(&want, seed);
	for (int i = 0; i < 16; i++) {
		memcpy(area + 160 + 16 * i, want.vectors[i], 16);
		if (avx)
			memcpy(area + avx_offset() + 16 * i,
			       want.vectors[i] + 16, 16);
	}
	memcpy(&value, &want.x87, 8);
	store_x87(area + 32, value);
	mxcsr = want.mxcsr;
	memcpy(area + 24, &mxcsr, 4);
	/* The components are there. */
	area[512] |= avx ? 7 : 3;
}

static int context_service(struct world *w, int what, pid_t tid, __u32 parts,
			   __u8 *area, struct pico_test_service *s)
{
	s->service = what;
	s->tid = tid;
	s->parts = parts;
	s->extended_size = parts & EXTENDED ? area_size(w) : 0;
	s->extended = (uintptr_t)area;
	return service(w, s);
}

static int get_all(struct world *w, pid_t tid, __u8 *area,
		   struct pico_test_service *s)
{
	memset(s, 0, sizeof(*s));
	memset(s->registers, 0x5a, sizeof(s->registers));
	return context_service(w, PICO_TEST_DO_GET_CONTEXT, tid, 7, area, s);
}

static int set_parts(struct world *w, pid_t tid, __u32 parts, __u8 *area,
		     struct pico_test_service *s)
{
	return context_service(w, PICO_TEST_DO_SET_CONTEXT, tid, parts, area,
			       s);
}

TEST_F(context, of_a_running_thread)
{
	__u8 area[AREA_MAX];
	struct pico_test_service s;
	struct slot_registers want;

	ASSERT_GT(area_size(&self->w), 512);
	ASSERT_LE(area_size(&self->w), AREA_MAX);
	ASSERT_TRUE(spin(&self->w, 0, 3));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &s));
	fill(&want, 3);
	for (int i = 0; i < 15; i++)
		EXPECT_EQ(want.general[i], s.registers[places[i]]);
	EXPECT_GE(s.registers[PICO_TEST_IP], PICO_TEST_IMAGE);
	EXPECT_LT(s.registers[PICO_TEST_IP], PICO_TEST_STACKS);
	EXPECT_GT(s.registers[PICO_TEST_SP], PICO_TEST_STACKS);
	EXPECT_LT(s.registers[PICO_TEST_SP],
		  PICO_TEST_STACKS + PICO_TEST_STACK_SIZE);
	EXPECT_EQ(0x33, s.registers[PICO_TEST_CS]);
	EXPECT_EQ(0x2b, s.registers[PICO_TEST_SS]);
	EXPECT_EQ(0x200, s.registers[PICO_TEST_FLAGS] & 0x200);
	EXPECT_EQ(SLOT_ADDRESS(0, request), s.registers[PICO_TEST_GS_BASE]);
	EXPECT_EQ(0, s.registers[PICO_TEST_ORIG_AX]);
	EXPECT_EQ(0, s.registers[PICO_TEST_DS]);
	EXPECT_EQ(0, s.registers[PICO_TEST_ES]);
	EXPECT_EQ(0, s.registers[PICO_TEST_FS]);
	EXPECT_EQ(0, s.registers[PICO_TEST_GS]);
	EXPECT_TRUE(area_has(area, slot(&self->w, 0)->has_avx, 3));
	/* It has noticed nothing, and goes on. */
	EXPECT_TRUE(slot_moves(&self->w, 0));
	stored(_metadata, &self->w, 0, 3);
}

TEST_F(context, set_while_suspended)
{
	__u8 area[AREA_MAX];
	struct pico_test_service s;
	struct slot_registers want;

	ASSERT_TRUE(spin(&self->w, 0, 5));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &s));
	fill(&want, 80);
	for (int i = 0; i < 15; i++)
		s.registers[places[i]] = want.general[i];
	area_set(area, slot(&self->w, 0)->has_avx, 80);
	ASSERT_EQ(0, set_parts(&self->w, self->pid, 7, area, &s));
	/* What was written is what is read. */
	memset(area, 0, sizeof(area));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &s));
	for (int i = 0; i < 15; i++)
		EXPECT_EQ(want.general[i], s.registers[places[i]]);
	EXPECT_TRUE(area_has(area, slot(&self->w, 0)->has_avx, 80));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	stored(_metadata, &self->w, 0, 80);
}

/* A running thread is suspended for the moment. */
TEST_F(context, set_while_running)
{
	__u8 area[AREA_MAX];
	struct pico_test_service s;
	struct slot_registers want;

	ASSERT_TRUE(spin(&self->w, 0, 5));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &s));
	for (int seed = 10; seed < 40; seed++) {
		struct pico_test_service now;
		__u8 was[AREA_MAX];

		/* Its flags and ip are its own. */
		ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
		ASSERT_EQ(0, get_all(&self->w, self->pid, was, &now));
		fill(&want, seed);
		for (int i = 0; i < 15; i++)
			now.registers[places[i]] = want.general[i];
		area_set(was, slot(&self->w, 0)->has_avx, seed);
		ASSERT_EQ(0, set_parts(&self->w, self->pid, 7, was, &now));
		ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
		EXPECT_TRUE(slot_moves(&self->w, 0));
	}
	area_set(area, slot(&self->w, 0)->has_avx, 39);
	for (int i = 0; i < 50; i++)
		ASSERT_EQ(0,
			  set_parts(&self->w, self->pid, EXTENDED, area, &s));
	stored(_metadata, &self->w, 0, 39);
}

TEST_F(context, parts_are_separate)
{
	__u8 area[AREA_MAX];
	struct pico_test_service s, before;

	ASSERT_TRUE(spin(&self->w, 0, 9));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &before));
	/* Nothing is no part. */
	EXPECT_EQ(-EINVAL, get_context(&self->w, self->pid, 0, &s));
	EXPECT_EQ(-EINVAL, set_parts(&self->w, self->pid, 0, NULL, &s));
	/* What is not asked for is not written. */
	ASSERT_EQ(0, get_context(&self->w, self->pid, BASES, &s));
	EXPECT_EQ(before.registers[PICO_TEST_FS_BASE],
		  s.registers[PICO_TEST_FS_BASE]);
	for (int i = 0; i < 15; i++)
		EXPECT_EQ(0x5a5a5a5a5a5a5a5aUL, s.registers[places[i]]);
	ASSERT_EQ(0, get_context(&self->w, self->pid, GENERAL, &s));
	EXPECT_EQ(0x5a5a5a5a5a5a5a5aUL, s.registers[PICO_TEST_FS_BASE]);
	EXPECT_EQ(before.registers[PICO_TEST_IP], s.registers[PICO_TEST_IP]);
	/* And what is not meant is not read. */
	s = before;
	memset(s.registers, 0xff, sizeof(s.registers));
	s.registers[PICO_TEST_FS_BASE] = 0x123456789000;
	s.registers[PICO_TEST_GS_BASE] = before.registers[PICO_TEST_GS_BASE];
	ASSERT_EQ(0, set_parts(&self->w, self->pid, BASES, NULL, &s));
	ASSERT_EQ(0, get_context(&self->w, self->pid, 3, &s));
	EXPECT_EQ(0x123456789000, s.registers[PICO_TEST_FS_BASE]);
	EXPECT_EQ(before.registers[PICO_TEST_IP], s.registers[PICO_TEST_IP]);
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	stored(_metadata, &self->w, 0, 9);
}

TEST_F(context, wrong_arguments)
{
	__u8 area[AREA_MAX];
	struct pico_test_service s, before, after;
	unsigned int size = area_size(&self->w);
	static const int services[] = { PICO_TEST_DO_GET_CONTEXT,
					PICO_TEST_DO_SET_CONTEXT };

	ASSERT_TRUE(spin(&self->w, 0, 11));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &before));
	for (int k = 0; k < 2; k++) {
		const unsigned int sizes[] = { 0,	 1,	   512,
					       size - 8, size + 8, ~0U };

		s = before;
		s.service = services[k];
		for (int bit = 3; bit < 32; bit++) {
			s.parts = 1U << bit | GENERAL;
			EXPECT_EQ(-EINVAL, service(&self->w, &s));
		}
		s.parts = EXTENDED;
		for (int i = 0; i < 6; i++) {
			s.extended_size = sizes[i];
			EXPECT_EQ(-EINVAL, service(&self->w, &s));
		}
		s.extended_size = size;
		s.extended = 0;
		EXPECT_EQ(-EINVAL, service(&self->w, &s));
	}
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &after));
	EXPECT_EQ(0, memcmp(before.registers, after.registers,
			    sizeof(after.registers)));
}

/* Nothing is set when anything is wrong, in whatever part. */
TEST_F(context, values_that_user_mode_could_not_have)
{
	const struct {
		int which;
		__u64 value;
	} wrong[] = {
		{ PICO_TEST_IP, user_limit() },
		{ PICO_TEST_IP, 0xffffffff81000000 },
		{ PICO_TEST_CS, 0x10 },
		{ PICO_TEST_SS, 0x18 },
		{ PICO_TEST_FS_BASE, user_limit() },
		{ PICO_TEST_FS_BASE, 1UL << 63 },
		{ PICO_TEST_GS_BASE, 0xffff888000000000 },
	};
	__u8 area[AREA_MAX], other[AREA_MAX];
	struct pico_test_service s, before, after;
	__u32 mxcsr = 0xffffffff;

	ASSERT_TRUE(spin(&self->w, 0, 13));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &before));
	for (int i = 0; i < 8; i++) {
		s = before;
		memcpy(other, area, sizeof(area));
		area_set(other, slot(&self->w, 0)->has_avx, 99);
		s.registers[PICO_TEST_R15] = 1234;
		s.registers[PICO_TEST_FS_BASE] = 0x1000;
		if (i < 7)
			s.registers[wrong[i].which] = wrong[i].value;
		else
			memcpy(other + 24, &mxcsr, 4);
		EXPECT_EQ(-EINVAL, set_parts(&self->w, self->pid, 7, other, &s))
		TH_LOG("case %d", i);
		ASSERT_EQ(0, get_all(&self->w, self->pid, other, &after));
		EXPECT_EQ(0, memcmp(before.registers, after.registers,
				    sizeof(after.registers)));
		EXPECT_TRUE(area_has(other, slot(&self->w, 0)->has_avx, 13));
	}
	/* Flags: only user mode's own are taken. */
	s = before;
	s.registers[PICO_TEST_FLAGS] = 0x3000 | 0x4000 | 0x1;
	ASSERT_EQ(0, set_parts(&self->w, self->pid, GENERAL, NULL, &s));
	ASSERT_EQ(0, get_context(&self->w, self->pid, GENERAL, &after));
	EXPECT_EQ(0x203, after.registers[PICO_TEST_FLAGS]);
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	stored(_metadata, &self->w, 0, 13);
}

/* To another place altogether; what it was doing is forgotten. */
TEST_F(context, sent_elsewhere)
{
	struct pico_test_service s;

	for (int i = 0; i < 10; i++) {
		__u32 started = slot(&self->w, 0)->started;

		if (i & 1) {
			ASSERT_TRUE(slot_spin(&self->w, 0));
		} else {
			slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_BLOCK,
				   PICO_TEST_INTERRUPTIBLY, 0, 0, 0, 0, 0);
		}
		ASSERT_EQ(0, get_context(&self->w, self->pid, 3, &s));
		s.registers[PICO_TEST_IP] = PICO_TEST_ENTRY;
		s.registers[PICO_TEST_SP] =
			PICO_TEST_STACKS + PICO_TEST_STACK_SIZE;
		s.registers[PICO_TEST_DI] = 0;
		s.registers[PICO_TEST_SI] = 4321 + i;
		/* Not a number of a call that is made again. */
		s.registers[PICO_TEST_AX] = -512;
		s.registers[PICO_TEST_ORIG_AX] = PICO_TEST_CALL_BLOCK;
		ASSERT_EQ(0, set_parts(&self->w, self->pid, 3, NULL, &s));
		ASSERT_TRUE(
			eventually(slot(&self->w, 0)->started == started + 1));
		EXPECT_EQ(4321 + i, slot(&self->w, 0)->entry_si);
		EXPECT_EQ(3, slot_call(&self->w, 0, PICO_TEST_CALL_ECHO, 2, 0,
				       0, 0, 0));
	}
}

/* One in a call is waited for. */
TEST_F(context, of_a_blocked_thread)
{
	struct pico_test_service s;
	pid_t helper;
	int status;

	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_BLOCK,
		   PICO_TEST_UNINTERRUPTIBLY, 0, 0, 0, 0, 0);
	ASSERT_TRUE(
		eventually(ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
	helper = fork();
	if (helper == 0) {
		int ret = get_context(&self->w, self->pid, GENERAL, &s);

		_exit(ret ? 1 : s.registers[PICO_TEST_AX] == 0 ? 0 : 2);
	}
	usleep(200000);
	EXPECT_EQ(0, waitpid(helper, &status, WNOHANG));
	ioctl(self->w.control, PICO_TEST_IOC_KICK);
	/* And then its answer is in its registers. */
	EXPECT_EQ(EXITED(0), end_status(helper));
	EXPECT_TRUE(slot_done(&self->w, 0));
}

static void nothing(int sig)
{
}

TEST_F(context, a_signal_ends_the_wait)
{
	struct sigaction action = { .sa_handler = nothing };
	struct pico_test_service s;
	pid_t helper;

	slot_begin(&self->w, 0, SLOT_CALL, PICO_TEST_CALL_BLOCK,
		   PICO_TEST_UNINTERRUPTIBLY, 0, 0, 0, 0, 0);
	ASSERT_TRUE(
		eventually(ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
	helper = fork();
	if (helper == 0) {
		sigaction(SIGUSR1, &action, NULL);
		_exit(get_context(&self->w, self->pid, GENERAL, &s) == -512 ?
			      0 :
			      1);
	}
	ASSERT_TRUE(eventually(thread_state(helper) == 'S'));
	kill(helper, SIGUSR1);
	EXPECT_EQ(EXITED(0), end_status(helper));
	ioctl(self->w.control, PICO_TEST_IOC_KICK);
	EXPECT_TRUE(slot_done(&self->w, 0));
	/* The attempt has left it as it was: not suspended. */
	EXPECT_EQ(-EINVAL, resume(&self->w, self->pid, NULL));
}

/* Of the calling thread: as things stand. */
TEST_F(context, ones_own)
{
	struct pico_test_service *s = (void *)slot(&self->w, 0)->scratch;
	unsigned int size = area_size(&self->w);
	__u64 area = SLOT_ADDRESS(0, scratch) + 4096;

	ASSERT_LE(size, sizeof(slot(&self->w, 0)->scratch) - 4096);
	memset(s, 0, sizeof(*s));
	s->service = PICO_TEST_DO_GET_CONTEXT;
	s->parts = 7;
	s->extended_size = size;
	s->extended = area;
	s->result = POISON;
	ASSERT_EQ(0, slot_call(&self->w, 0, PICO_TEST_CALL_SERVICE,
			       SLOT_ADDRESS(0, scratch), 0, 0, 0, 0));
	EXPECT_EQ(0, s->result);
	EXPECT_GE(s->registers[PICO_TEST_IP], PICO_TEST_IMAGE);
	EXPECT_LT(s->registers[PICO_TEST_IP], PICO_TEST_STACKS);
	EXPECT_EQ(SLOT_ADDRESS(0, scratch), s->registers[PICO_TEST_DI]);
	/* Its extended state is not in memory. */
	s->service = PICO_TEST_DO_SET_CONTEXT;
	s->parts = EXTENDED;
	ASSERT_EQ(0, slot_call(&self->w, 0, PICO_TEST_CALL_SERVICE,
			       SLOT_ADDRESS(0, scratch), 0, 0, 0, 0));
	EXPECT_EQ(-EDEADLK, s->result);
	s->parts = BASES;
	s->registers[PICO_TEST_FS_BASE] = 0x7000;
	s->registers[PICO_TEST_GS_BASE] = 0x8000;
	ASSERT_EQ(0, slot_call(&self->w, 0, PICO_TEST_CALL_SERVICE,
			       SLOT_ADDRESS(0, scratch), 0, 0, 0, 0));
	EXPECT_EQ(0, s->result);
	slot_begin(&self->w, 0, SLOT_BASES, 0, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(0x7000, slot(&self->w, 0)->result);
	EXPECT_EQ(0x8000, slot(&self->w, 0)->args[0]);
}

/* Vectors through everything that can happen to a thread meanwhile. */
TEST_F(context, vectors_survive)
{
	int status;

	ASSERT_TRUE(spin(&self->w, 0, 21));
	for (int i = 0; i < 3; i++) {
		__u8 area[AREA_MAX], noise[AREA_MAX];
		struct iovec v = { area, sizeof(area) };
		struct pico_test_service s;

		kill(self->pid, SIGSTOP);
		ASSERT_TRUE(eventually(thread_state(self->pid) == 'T'));
		kill(self->pid, SIGCONT);
		ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
		ASSERT_EQ(0, get_all(&self->w, self->pid, noise, &s));
		ASSERT_EQ(0, set_parts(&self->w, self->pid, 7, noise, &s));
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		ASSERT_EQ(0, ptrace(PTRACE_GETREGSET, self->pid, NT_X86_XSTATE,
				    &v));
		/* The same format as ours. */
		EXPECT_EQ(area_size(&self->w), v.iov_len);
		EXPECT_TRUE(area_has(area, slot(&self->w, 0)->has_avx, 21));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
		ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
		EXPECT_TRUE(slot_moves(&self->w, 0));
	}
	stored(_metadata, &self->w, 0, 21);
}

static void quiet(struct __test_metadata *_metadata, struct world *w,
		  int callback, int result, int value)
{
	ASSERT_EQ(0,
		  behave(w, (struct pico_test_behaviour){ .callback = callback,
							  .result = result,
							  .value = value }));
}

/* ... and through what pico.ko itself does to it. */
TEST_F(context, vectors_survive_callbacks)
{
	struct pico_test_service apc = { .service = PICO_TEST_DO_APC,
					 .tid = self->pid };
	int status;

	quiet(_metadata, &self->w, PICO_TEST_EXCEPTION, PICO_TEST_SKIP, 2);
	quiet(_metadata, &self->w, PICO_TEST_APC, PICO_TEST_USED, 0);
	quiet(_metadata, &self->w, PICO_TEST_SIGNAL, PICO_TEST_TAKEN, 0);
	ASSERT_TRUE(freezer_take(self->pid));
	ASSERT_TRUE(spin(&self->w, 0, 51));
	for (int i = 1; i <= 3; i++) {
		/* Exceptions, while it is seized, too. */
		slot(&self->w, 0)->nested = 1;
		ASSERT_TRUE(
			wait_event(&self->w, PICO_TEST_EXCEPTION, self->pid));
		ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
		/* There are so many that the log may be full. */
		clear_events(&self->w);
		EXPECT_TRUE(
			wait_event(&self->w, PICO_TEST_EXCEPTION, self->pid));
		slot(&self->w, 0)->nested = 0;
		ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
		ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
		ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
		clear_events(&self->w);
		ASSERT_EQ(0, service(&self->w, &apc));
		EXPECT_TRUE(wait_event(&self->w, PICO_TEST_APC, self->pid));
		ASSERT_EQ(0, kill(self->pid, SIGWINCH));
		EXPECT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, self->pid));
		ASSERT_TRUE(freezer_set(true));
		EXPECT_TRUE(slot_rests(&self->w, 0));
		ASSERT_TRUE(freezer_set(false));
		EXPECT_TRUE(slot_moves(&self->w, 0));
	}
	stored(_metadata, &self->w, 0, 51);
	kill(self->pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_TRUE(freezer_remove());
}

/* ---- protection keys ---- */

static unsigned int pkru_offset(void)
{
	unsigned int a = 0, b = 0, c = 0, d = 0;

	__cpuid_count(7, 0, a, b, c, d);
	if (!(c & 1 << 4)) /* OSPKE */
		return 0;
	__cpuid_count(0xd, 9, a, b, c, d);
	return b;
}

/*
 * The one part of extended state that the kernel does not keep with the rest.
 * Key 0 is always open: the thread's own memory has it.
 */
TEST_F(context, protection_keys)
{
	unsigned int at = pkru_offset();
	__u8 area[AREA_MAX];
	struct pico_test_service s;
	__u32 pkru;

	if (!at)
		SKIP(return, "no protection keys");
	ASSERT_LE(at + 4, area_size(&self->w));
	slot_begin(&self->w, 0, SLOT_PKRU, 0x40, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(eventually(slot(&self->w, 0)->counter));
	for (__u32 i = 1; i < 200; i++) {
		/* Read and written on its way to rest, and when it is there. */
		if (i & 1)
			ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
		ASSERT_EQ(0, get_all(&self->w, self->pid, area, &s));
		memcpy(&pkru, area + at, 4);
		ASSERT_EQ(i << 6, pkru) TH_LOG("round %u", i);
		pkru = (i + 1) << 6;
		memcpy(area + at, &pkru, 4);
		area[513] |= 1 << 1; /* component 9 is there */
		ASSERT_EQ(0,
			  set_parts(&self->w, self->pid, EXTENDED, area, &s));
		if (i & 1)
			ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
		if (i & 2)
			EXPECT_TRUE(slot_moves(&self->w, 0));
	}
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(200 << 6, slot(&self->w, 0)->result);
}

/* ---- threads that end ---- */

struct reader {
	struct world *w;
	pid_t tid;
	volatile int result;
};

static void *reads(void *arg)
{
	struct reader *reader = arg;
	struct pico_test_service s;

	reader->result = get_context(reader->w, reader->tid, GENERAL, &s);
	return NULL;
}

/* On its way out, a thread has no context that could be read. */
TEST_F(context, of_a_thread_that_leaves)
{
	struct pico_test_behaviour gate = {
		.callback = PICO_TEST_EXIT_THREAD,
		.flags = PICO_TEST_GATE,
	};

	for (int suspended = 0; suspended < 2; suspended++) {
		pid_t tid = new_thread(&self->w, 0, 1);
		struct reader reader = { &self->w, tid, 1 };
		pthread_t thread;

		ASSERT_GT(tid, 0);
		ASSERT_TRUE(slot_spin(&self->w, 1));
		if (suspended) {
			ASSERT_EQ(0, suspend(&self->w, tid, NULL));
			ASSERT_EQ(0, comes_to_rest(&self->w, tid));
		}
		gate.flags = PICO_TEST_GATE;
		ASSERT_EQ(0, behave(&self->w, gate));
		ASSERT_EQ(0, terminate_thread(&self->w, tid, 0));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_EXIT_THREAD, tid));
		ASSERT_EQ(0, pthread_create(&thread, NULL, reads, &reader));
		usleep(100000);
		EXPECT_EQ(1, reader.result);
		gate.flags = 0;
		ASSERT_EQ(0, behave(&self->w, gate));
		pthread_join(thread, NULL);
		EXPECT_EQ(-ESRCH, reader.result);
	}
}

/* What a tracer sets while the thread is suspended counts too. */
TEST_F(context, a_tracer_sets_vectors)
{
	__u8 area[AREA_MAX];
	struct iovec v = { area, sizeof(area) };
	struct pico_test_service s;
	int status;

	ASSERT_TRUE(spin(&self->w, 0, 31));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, self->pid, 0, 0));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, __WALL));
	ASSERT_EQ(0, ptrace(PTRACE_GETREGSET, self->pid, NT_X86_XSTATE, &v));
	area_set(area, slot(&self->w, 0)->has_avx, 32);
	ASSERT_EQ(0, ptrace(PTRACE_SETREGSET, self->pid, NT_X86_XSTATE, &v));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, self->pid, 0, 0));
	memset(area, 0, sizeof(area));
	ASSERT_EQ(0, get_all(&self->w, self->pid, area, &s));
	EXPECT_TRUE(area_has(area, slot(&self->w, 0)->has_avx, 32));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(0, memcmp((void *)slot(&self->w, 0)->out.vectors[15],
			    area + 160 + 16 * 15, 16));
}

/* A new thread has its creator's vectors. */
TEST_F(context, vectors_of_a_new_thread)
{
	__u8 mine[AREA_MAX], theirs[AREA_MAX];
	struct pico_test_create c;
	struct pico_test_service s;
	long tid;

	ASSERT_TRUE(spin(&self->w, 0, 41));
	ASSERT_TRUE(slot_stop(&self->w, 0));
	create_init(&c, 1);
	tid = create(&self->w, 0, PICO_TEST_CALL_THREAD, &c);
	ASSERT_GT(tid, 0);
	ASSERT_EQ(0, get_all(&self->w, self->pid, mine, &s));
	ASSERT_EQ(0, get_all(&self->w, tid, theirs, &s));
	EXPECT_TRUE(area_has(mine, slot(&self->w, 0)->has_avx, 41));
	EXPECT_TRUE(area_has(theirs, slot(&self->w, 0)->has_avx, 41));
}

/* ---- set_thread_descriptor_base ---- */

static int base(struct world *w, pid_t tid, __u32 which, __u64 value)
{
	struct pico_test_service s = {
		.service = PICO_TEST_DO_DESCRIPTOR_BASE,
		.tid = tid,
		.which = which,
		.base = value,
	};

	return service(w, &s);
}

TEST_F(context, descriptor_bases)
{
	struct pico_test_service *own = (void *)slot(&self->w, 0)->scratch;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	EXPECT_EQ(-EBUSY, base(&self->w, self->pid, 0, 0x1000));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	EXPECT_EQ(0, base(&self->w, self->pid, 0, 0x11000));
	EXPECT_EQ(0, base(&self->w, self->pid, 1, user_limit() - 1));
	EXPECT_EQ(-EINVAL, base(&self->w, self->pid, 2, 0x1000));
	EXPECT_EQ(-EINVAL, base(&self->w, self->pid, 0, user_limit()));
	EXPECT_EQ(-EINVAL, base(&self->w, self->pid, 1, 1UL << 63));
	EXPECT_EQ(-EINVAL, base(&self->w, self->pid, 1, 0xffffffff81000000));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	ASSERT_TRUE(slot_stop(&self->w, 0));
	slot_begin(&self->w, 0, SLOT_BASES, 0, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(0x11000, slot(&self->w, 0)->result);
	EXPECT_EQ(user_limit() - 1, slot(&self->w, 0)->args[0]);
	/* Its own. */
	memset(own, 0, sizeof(*own));
	own->service = PICO_TEST_DO_DESCRIPTOR_BASE;
	own->base = 0x22000;
	ASSERT_EQ(0, slot_call(&self->w, 0, PICO_TEST_CALL_SERVICE,
			       SLOT_ADDRESS(0, scratch), 0, 0, 0, 0));
	EXPECT_EQ(0, own->result);
	slot_begin(&self->w, 0, SLOT_BASES, 0, 0, 0, 0, 0, 0, 0);
	ASSERT_TRUE(slot_done(&self->w, 0));
	EXPECT_EQ(0x22000, slot(&self->w, 0)->result);
	EXPECT_EQ(user_limit() - 1, slot(&self->w, 0)->args[0]);
}

/* Who is suspended and was found at rest stays there. */
TEST_F(context, rest_lasts)
{
	int i, refused = 0;

	ASSERT_TRUE(slot_spin(&self->w, 0));
	for (i = 0; i < 3000 && !refused; i++) {
		ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
		ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
		refused = base(&self->w, self->pid, 0, PICO_TEST_SHARED);
		ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
		if (i % 2)
			continue;
		ASSERT_TRUE(slot_moves(&self->w, 0));
	}
	EXPECT_EQ(0, refused)
	{
		TH_LOG("in round %d", i);
	}
	ASSERT_TRUE(slot_stop(&self->w, 0));
}

TEST_HARNESS_MAIN
