// SPDX-License-Identifier: GPL-2.0-only
/* Threads: how they start, what they see, and how they end. */
#include "dktest.h"
#include "registers.h"

static volatile u64 seen[8];

static void set_seen(u64 parameter)
{
	u64 own = 0;

	DkThreadGetParameter(&own);
	seen[0] = parameter;
	seen[1] = own;
	seen[2] = (u64)__builtin_frame_address(0);
}

TEST(create_and_exit)
{
	void *stack = dkt_pages(4);
	DK_HANDLE thread = POISON;
	u64 index = POISON;

	ASSERT_OK(DkThreadCreate((void *)set_seen, 0xfeedfacecafef00d, stack,
				 4 * PAGE, &thread));
	EXPECT_NE(thread, POISON);
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_EQ(seen[0], 0xfeedfacecafef00d);
	EXPECT_EQ(seen[1], 0xfeedfacecafef00d);
	EXPECT_GE(seen[2], (u64)stack);
	EXPECT_LT(seen[2], (u64)stack + 4 * PAGE);
	/* A thread that is gone stays signalled. */
	EXPECT_OK(DkObjectsWaitAny(1, &thread, 0, &index));
	EXPECT_OK(DkObjectClose(thread));
}

TEST(first_thread_has_parameter_zero)
{
	u64 own = POISON;

	EXPECT_OK(DkThreadGetParameter(&own));
	EXPECT_EQ(own, 0);
}

/* The registers with which dkt_thread_entry is entered. */
static u64 at_start[4];
asm(".text\n"
    "own_start:\n\t"
    "mov %rdi, at_start(%rip)\n\t"
    "mov %rsi, at_start+8(%rip)\n\t"
    "mov %rsp, at_start+16(%rip)\n\t"
    "rdfsbase %rax\n\t"
    "mov %rax, at_start+24(%rip)\n\t"
    "and $-16, %rsp\n\t"
    "call DkThreadExit\n\t"
    "ud2\n");
extern char own_start[];

TEST(entry_registers)
{
	char *stack = dkt_pages(4);
	DK_HANDLE thread = 0;

	ASSERT_OK(DkxUpcallRegister(own_start, dkt_exception_entry));
	EXPECT_OK(
		DkThreadCreate((void *)0x123456, 42, stack, 4 * PAGE, &thread));
	EXPECT_TRUE(dkt_wait(thread));
	ASSERT_OK(DkxUpcallRegister(dkt_thread_entry, dkt_exception_entry));
	EXPECT_EQ(at_start[0], 0x123456);
	EXPECT_EQ(at_start[1], 42);
	EXPECT_EQ(at_start[2] % 16, 8);
	EXPECT_GE(at_start[2], (u64)stack + 4 * PAGE - 64);
	EXPECT_LT(at_start[2], (u64)stack + 4 * PAGE);
	EXPECT_EQ(at_start[3], 0);
	DkObjectClose(thread);
}

static void use_gs(u64 parameter)
{
	u64 fs, gs;

	asm volatile("rdgsbase %0" : "=r"(gs));
	seen[3] = gs;
	asm volatile("wrgsbase %0; wrfsbase %1"
		     :
		     : "r"(parameter), "r"(parameter + 1));
	for (int i = 0; i < 200; i++)
		DkThreadYieldExecution();
	asm volatile("rdgsbase %0; rdfsbase %1" : "=r"(gs), "=r"(fs));
	if (gs != parameter || fs != parameter + 1)
		dkt_fail("thread %lu: gs 0x%lx, fs 0x%lx",
			 (unsigned long)parameter, (unsigned long)gs,
			 (unsigned long)fs);
}

TEST(thread_pointers_are_the_threads_own)
{
	DK_HANDLE threads[4];

	for (u64 i = 0; i < 4; i++)
		threads[i] = dkt_thread(use_gs, 0x10000 + i * 16);
	for (int i = 0; i < 4; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		DkObjectClose(threads[i]);
	}
	EXPECT_EQ(seen[3], 0);
}

static volatile u64 counter;

static void count(u64 parameter)
{
	for (u64 i = 0; i < parameter; i++)
		__atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
}

TEST(many_threads_one_after_the_other)
{
	void *stack = dkt_pages(4);

	counter = 0;
	for (int i = 0; i < 300; i++) {
		DK_HANDLE thread = 0;

		ASSERT_OK(DkThreadCreate((void *)count, 3, stack, 4 * PAGE,
					 &thread));
		ASSERT_TRUE(dkt_wait(thread));
		ASSERT_OK(DkObjectClose(thread));
	}
	EXPECT_EQ(counter, 900);
}

TEST(many_threads_at_once)
{
	static DK_HANDLE threads[64];
	struct dkt_counts counts;

	counter = 0;
	for (int i = 0; i < 64; i++)
		threads[i] = dkt_thread(count, 1000);
	for (int i = 0; i < 64; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		EXPECT_OK(DkObjectClose(threads[i]));
	}
	EXPECT_EQ(counter, 64000);
	for (int i = 0; i < 200; i++) {
		s64 remaining;

		dkt_counts(&counts);
		if (counts.threads == 1)
			break;
		DkThreadDelayExecution(5 * MSEC, &remaining);
	}
	EXPECT_EQ(counts.threads, 1);
	EXPECT_EQ(counts.processes, 1);
}

TEST(the_others_go_on)
{
	DK_HANDLE thread, event;
	u64 index;

	/* A closed handle does not end the thread, which may be done by then. */
	counter = 0;
	thread = dkt_thread(count, 100000);
	EXPECT_OK(DkObjectClose(thread));
	DkNotificationEventCreate(0, &event);
	for (int i = 0; i < 1000 && counter < 100000; i++)
		DkObjectsWaitAny(1, &event, 10 * MSEC, &index);
	EXPECT_EQ(counter, 100000);
	DkObjectClose(event);
}

TEST(delay)
{
	s64 remaining = POISON, before, took;

	before = dkt_now();
	EXPECT_OK(DkThreadDelayExecution(50 * MSEC, &remaining));
	took = dkt_now() - before;
	EXPECT_TRUE(took >= 50 * MSEC);
	EXPECT_TRUE(took < 5 * SEC);
	EXPECT_OK(DkThreadDelayExecution(0, &remaining));
	EXPECT_OK(DkThreadDelayExecution(1, &remaining));
	EXPECT_STATUS(DkThreadDelayExecution(-1, &remaining),
		      INVALID_PARAMETER);
}

TEST(yield)
{
	for (int i = 0; i < 1000; i++)
		EXPECT_OK(DkThreadYieldExecution());
}

REGISTERS_FUNCTION(native_syscall, "syscall");

TEST(a_call_keeps_registers)
{
	struct registers before, r;

	for (int i = 0; i < 15; i++)
		r.word[i] = 0x1111111111111111ULL * (i + 1);
	r.rax = DK_VECTOR_BASE + DK_INDEX_DkThreadYieldExecution;
	before = r;
	native_syscall(&r);
	EXPECT_EQ(r.rax, 0);
	before.rax = r.rax;
	before.rcx = r.rcx;
	before.r11 = r.r11;
	for (int i = 0; i < 15; i++)
		if (r.word[i] != before.word[i])
			dkt_fail("register %d is 0x%lx", i,
				 (unsigned long)r.word[i]);
	/* What SYSRET leaves behind is the caller's own. */
	EXPECT_EQ(r.rcx, (u64)native_syscall_end);
}

/* Vector state of two threads that share processors with each other. */
static void hold_vectors(u64 parameter)
{
	u64 pattern[4] = { parameter, ~parameter, parameter * 3, 7 }, now[4];

	asm volatile("movdqu %0, %%xmm0; movdqu %1, %%xmm15"
		     :
		     : "m"(pattern[0]), "m"(pattern[2]));
	for (int i = 0; i < 500; i++) {
		DkThreadYieldExecution();
		asm volatile("movdqu %%xmm0, %0; movdqu %%xmm15, %1"
			     : "=m"(*(u64(*)[2]) & now[0]),
			       "=m"(*(u64(*)[2]) & now[2]));
		if (memcmp(pattern, now, 32)) {
			dkt_fail("vector registers changed");
			return;
		}
	}
}

TEST(vector_registers_are_kept)
{
	DK_HANDLE threads[3];

	for (u64 i = 0; i < 3; i++)
		threads[i] = dkt_thread(hold_vectors, 0x1234567 * (i + 1));
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		DkObjectClose(threads[i]);
	}
}

static void create_others(u64 parameter)
{
	for (int i = 0; i < 50; i++) {
		DK_HANDLE thread = dkt_thread(count, 1);

		if (!dkt_wait(thread))
			dkt_fail("a thread does not end");
		DkObjectClose(thread);
	}
}

TEST(threads_create_threads)
{
	DK_HANDLE a = dkt_thread(create_others, 0);
	DK_HANDLE b = dkt_thread(create_others, 0);

	counter = 0;
	EXPECT_TRUE(dkt_wait(a));
	EXPECT_TRUE(dkt_wait(b));
	DkObjectClose(a);
	DkObjectClose(b);
}

TEST(first_thread_may_exit_last)
{
	/* The handle of the first thread can be waited for, by others. */
	u64 index;
	DK_HANDLE thread = dkt_parameters->thread;

	EXPECT_STATUS(DkObjectsWaitAny(1, &thread, 0, &index), TIMEOUT);
}
