// SPDX-License-Identifier: GPL-2.0-only
/* DkVirtualMemory*: what is mapped, and what an access to it does. */
#include "dktest.h"

static volatile u64 faults, fault_code, fault_address, fault_error;
static u64 skip_to;

/* Goes on at @skip_to, with rax = 1. */
static bool skip_fault(struct dk_exception *exception,
		       struct dk_context *context)
{
	faults++;
	fault_code = exception->code;
	fault_address = exception->address;
	fault_error = exception->error_code;
	context->rip = skip_to;
	context->rax = 1;
	return true;
}

enum access { READ, WRITE, EXECUTE };

/* Does the access fault? */
static bool access_faults(void *p, enum access how)
{
	u64 faulted = 0;

	dkt_exception = skip_fault;
	switch (how) {
	case READ:
		asm volatile("lea 1f(%%rip), %%rdx; mov %%rdx, %1\n\t"
			     "movb (%2), %%dl\n1:"
			     : "+a"(faulted), "=m"(skip_to)
			     : "r"(p)
			     : "rdx", "memory");
		break;
	case WRITE:
		asm volatile("lea 1f(%%rip), %%rdx; mov %%rdx, %1\n\t"
			     "movb $1, (%2)\n1:"
			     : "+a"(faulted), "=m"(skip_to)
			     : "r"(p)
			     : "rdx", "memory");
		break;
	case EXECUTE:
		/* A fault of the fetch leaves the return address behind. */
		asm volatile("lea 1f(%%rip), %%rdx; mov %%rdx, %1\n\t"
			     "mov %%rsp, %%rbx; call *%2\n1: mov %%rbx, %%rsp"
			     : "+a"(faulted), "=m"(skip_to)
			     : "r"(p)
			     : "rdx", "rbx", "rcx", "rsi", "rdi", "memory");
		break;
	}
	dkt_exception = NULL;
	return faulted;
}

static void *alloc(void *at, u64 size, u64 type, u64 protection)
{
	DK_STATUS status = DkVirtualMemoryAlloc(&at, &size, type, protection);

	if (status) {
		dkt_fail("alloc: %s", dkt_status(status));
		return NULL;
	}
	return at;
}

#define BOTH	(DK_MEM_RESERVE | DK_MEM_COMMIT)
#define RW	(DK_PROT_READ | DK_PROT_WRITE)

TEST(pages_are_zero_and_writable)
{
	u64 *p = alloc(NULL, 64 * PAGE, BOTH, RW);

	ASSERT_TRUE(p);
	EXPECT_EQ((u64)p % PAGE, 0);
	for (int i = 0; i < 64 * 512; i++)
		if (p[i])
			dkt_fail("word %d is not zero", i);
	memset(p, 0xff, 64 * PAGE);
	EXPECT_EQ(p[64 * 512 - 1], ~0ULL);
	EXPECT_OK(DkVirtualMemoryFree(p, 64 * PAGE, DK_MEM_RELEASE));
	EXPECT_TRUE(access_faults(p, READ));
	EXPECT_EQ(fault_code, DK_EXCEPTION_ACCESS_VIOLATION);
	EXPECT_EQ(fault_address, (u64)p);
}

TEST(base_and_length_come_back_rounded)
{
	void *base = NULL;
	u64 length = 1;

	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length, BOTH, RW));
	EXPECT_EQ(length, PAGE);
	EXPECT_EQ((u64)base % PAGE, 0);
	EXPECT_OK(DkVirtualMemoryFree(base, length, DK_MEM_RELEASE));
	length = PAGE + 1;
	base = NULL;
	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length, BOTH, RW));
	EXPECT_EQ(length, 2 * PAGE);
	EXPECT_OK(DkVirtualMemoryFree(base, PAGE + 1, DK_MEM_RELEASE));
	EXPECT_TRUE(access_faults((char *)base + PAGE, READ));
	/* A base is not rounded. */
	base = (char *)base + 10;
	length = PAGE;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, BOTH, RW),
		      INVALID_PARAMETER);
}

TEST(a_live_mapping_is_not_replaced)
{
	u64 *p = alloc(NULL, 4 * PAGE, BOTH, RW), length = PAGE;
	void *base = (char *)p + PAGE;

	ASSERT_TRUE(p);
	p[512] = 42;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, BOTH, RW),
		      ALREADY_EXISTS);
	EXPECT_EQ(base, (char *)p + PAGE);
	EXPECT_EQ(length, PAGE);
	EXPECT_EQ(p[512], 42);
	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length, BOTH | DK_MEM_REPLACE,
				       RW));
	EXPECT_EQ(base, (char *)p + PAGE);
	EXPECT_EQ(p[512], 0);
	EXPECT_OK(DkVirtualMemoryFree(p, 4 * PAGE, DK_MEM_RELEASE));
	/* And free again, so that the very place can be had. */
	base = p;
	length = 4 * PAGE;
	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length, BOTH, RW));
	EXPECT_EQ(base, p);
	EXPECT_OK(DkVirtualMemoryFree(p, 4 * PAGE, DK_MEM_RELEASE));
}

TEST(reserved_then_committed)
{
	char *p = alloc(NULL, 16 * PAGE, DK_MEM_RESERVE, DK_PROT_NONE);
	void *base = p + 4 * PAGE;
	u64 length = 2 * PAGE;

	ASSERT_TRUE(p);
	EXPECT_TRUE(access_faults(p, READ));
	EXPECT_TRUE(access_faults(p, WRITE));
	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length, DK_MEM_COMMIT, RW));
	EXPECT_EQ(base, p + 4 * PAGE);
	EXPECT_FALSE(access_faults(p + 4 * PAGE, WRITE));
	EXPECT_FALSE(access_faults(p + 6 * PAGE - 1, WRITE));
	EXPECT_TRUE(access_faults(p + 4 * PAGE - 1, WRITE));
	EXPECT_TRUE(access_faults(p + 6 * PAGE, READ));
	EXPECT_EQ(p[4 * PAGE], 1);
	/* Decommit: the contents are lost, the addresses are not. */
	EXPECT_OK(DkVirtualMemoryFree(p + 4 * PAGE, PAGE, DK_MEM_DECOMMIT));
	EXPECT_TRUE(access_faults(p + 4 * PAGE, READ));
	base = p + 4 * PAGE;
	length = PAGE;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE,
					   DK_PROT_NONE),
		      ALREADY_EXISTS);
	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length, DK_MEM_COMMIT, RW));
	EXPECT_EQ(p[4 * PAGE], 0);
	/* Commit again: what is there is kept. */
	p[4 * PAGE] = 9;
	base = p + 3 * PAGE;
	length = 3 * PAGE;
	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length, DK_MEM_COMMIT, RW));
	EXPECT_EQ(p[4 * PAGE], 9);
	EXPECT_EQ(p[3 * PAGE], 0);
	EXPECT_OK(DkVirtualMemoryFree(p, 16 * PAGE, DK_MEM_RELEASE));
	/* Nothing is reserved there any more. */
	base = p;
	length = PAGE;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, DK_MEM_COMMIT, RW),
		      NO_MEMORY);
	EXPECT_STATUS(DkVirtualMemoryFree(p, PAGE, DK_MEM_DECOMMIT), NO_MEMORY);
}

TEST(protections)
{
	static const struct {
		u64 protection;
		bool read, write, execute;
	} cases[] = {
		{ DK_PROT_NONE, false, false, false },
		{ DK_PROT_READ, true, false, false },
		{ RW, true, true, false },
		{ DK_PROT_READ | DK_PROT_EXECUTE, true, false, true },
		{ DK_PROT_GUARD, false, false, false },
	};
	u8 *p = alloc(NULL, PAGE, BOTH, RW);

	ASSERT_TRUE(p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		EXPECT_OK(DkVirtualMemoryProtect(p, PAGE, RW));
		p[0] = 0xc3; /* ret */
		EXPECT_OK(DkVirtualMemoryProtect(p, PAGE, cases[i].protection));
		EXPECT_EQ(access_faults(p, READ), !cases[i].read);
		EXPECT_EQ(access_faults(p, EXECUTE), !cases[i].execute);
		EXPECT_EQ(access_faults(p, WRITE), !cases[i].write);
	}
	EXPECT_OK(DkVirtualMemoryFree(p, PAGE, DK_MEM_RELEASE));
}

TEST(write_and_execute_together_is_refused)
{
	void *base = NULL, *p = alloc(NULL, PAGE, BOTH, RW);
	u64 length = PAGE;

	EXPECT_EQ(dkt_parameters->flags & DK_PARAMETERS_WX, 0);
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, BOTH,
					   RW | DK_PROT_EXECUTE),
		      ACCESS_DENIED);
	EXPECT_EQ(base, 0);
	EXPECT_STATUS(DkVirtualMemoryProtect(p, PAGE, RW | DK_PROT_EXECUTE),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkVirtualMemoryProtect(p, PAGE,
					     DK_PROT_WRITE | DK_PROT_EXECUTE),
		      ACCESS_DENIED);
	EXPECT_TRUE(access_faults(p, EXECUTE));
	EXPECT_OK(DkVirtualMemoryFree(p, PAGE, DK_MEM_RELEASE));
}

TEST(protect_of_a_hole)
{
	char *p = alloc(NULL, 3 * PAGE, BOTH, RW);

	EXPECT_OK(DkVirtualMemoryFree(p + PAGE, PAGE, DK_MEM_RELEASE));
	EXPECT_STATUS(DkVirtualMemoryProtect(p + PAGE, PAGE, DK_PROT_READ),
		      NO_MEMORY);
	EXPECT_STATUS(DkVirtualMemoryProtect(p, 3 * PAGE, RW), NO_MEMORY);
	EXPECT_OK(DkVirtualMemoryFree(p, 3 * PAGE, DK_MEM_RELEASE));
}

TEST(free_of_any_range)
{
	char *p = alloc(NULL, 8 * PAGE, BOTH, RW);

	/* In the middle, then all with the hole in it, then nothing. */
	EXPECT_OK(DkVirtualMemoryFree(p + 2 * PAGE, PAGE, DK_MEM_RELEASE));
	EXPECT_TRUE(access_faults(p + 2 * PAGE, READ));
	EXPECT_FALSE(access_faults(p + 3 * PAGE, READ));
	EXPECT_OK(DkVirtualMemoryFree(p, 8 * PAGE, DK_MEM_RELEASE));
	EXPECT_OK(DkVirtualMemoryFree(p, 8 * PAGE, DK_MEM_RELEASE));
	EXPECT_TRUE(access_faults(p, READ));
	EXPECT_TRUE(access_faults(p + 7 * PAGE, READ));
}

TEST(more_than_there_is)
{
	void *base = NULL;
	u64 length = dkt_parameters->address_limit;

	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE,
					   DK_PROT_NONE),
		      NO_MEMORY);
	EXPECT_EQ(base, 0);
	EXPECT_EQ(length, dkt_parameters->address_limit);
}

/* Not even where the kernel has 5-level page tables. */
TEST(nothing_above_the_limit)
{
	char *limit = (char *)dkt_parameters->address_limit;
	static const u64 below[] = { 0, 1, 16, 1ULL << 34 };
	u64 length;
	void *base;

	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		base = limit - below[i] * PAGE;
		length = (below[i] + 1) * PAGE;
		EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length,
						   DK_MEM_RESERVE,
						   DK_PROT_NONE),
			      NO_MEMORY);
		EXPECT_STATUS(DkVirtualMemoryFree(base, length, DK_MEM_RELEASE),
			      INVALID_PARAMETER);
		EXPECT_STATUS(DkStreamUnmap(base, length), INVALID_PARAMETER);
	}
	base = limit + (1ULL << 50);
	length = PAGE;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE,
					   DK_PROT_NONE),
		      NO_MEMORY);
}

TEST(a_large_reservation_costs_nothing)
{
	u64 length = 1ULL << 40;
	void *base = NULL;

	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE,
				       DK_PROT_NONE));
	EXPECT_OK(DkVirtualMemoryFree(base, length, DK_MEM_RELEASE));
}

TEST(the_parameters)
{
	const struct dk_parameters *p = dkt_parameters;

	EXPECT_EQ(p->version, DRAWBRIDGE_ABI_VERSION);
	EXPECT_GE(p->size, sizeof(*p));
	EXPECT_EQ(p->argument_count, 3);
	EXPECT_EQ(p->environment_count, 0);
	EXPECT_NE(p->process, 0);
	EXPECT_NE(p->thread, 0);
	EXPECT_NE(p->process, p->thread);
	EXPECT_GE(p->address_limit, 1ULL << 46);
	EXPECT_GE((u64)&p, p->stack_base);
	EXPECT_LT((u64)&p, p->stack_base + p->stack_size);
	EXPECT_LT((u64)dkt_print, p->image_base + p->image_size);
	EXPECT_GE((u64)dkt_print, p->image_base);
	EXPECT_GE(p->cpu_count, 1);
	EXPECT_GE(p->memory_total, 64 << 20);
	EXPECT_TRUE(p->random[0] | p->random[1] | p->random[2] | p->random[3]);
	EXPECT_NE(p->random[0], p->random[1]);
	EXPECT_EQ(strcmp((char *)p + p->directory_offset, "/"), 0);
	EXPECT_EQ(strcmp((char *)p + p->program_offset, dkt_argument(0)), 0);
	EXPECT_NE(p->system_release[0], 0);
}

TEST(stack_is_usable_to_its_base)
{
	char *low = (char *)dkt_parameters->stack_base;

	EXPECT_GE(dkt_parameters->stack_size, 64 * 1024);
	EXPECT_FALSE(access_faults(low, WRITE));
	/* What is below is not the stack's. */
	EXPECT_TRUE(access_faults(low - 1, WRITE));
}

/* What a move gives: the address, or a status. */
#define MOVE(from, length, new_length, how, to)				\
	DkxVirtualMemoryMove(from, length, new_length, how, to)

TEST(move_where_it_is)
{
	char *p = alloc(NULL, 8 * PAGE, BOTH, RW);

	EXPECT_OK(DkVirtualMemoryFree(p + 2 * PAGE, 6 * PAGE, DK_MEM_RELEASE));
	p[PAGE] = 1;
	EXPECT_EQ(MOVE(p, 2 * PAGE, 6 * PAGE, 0, NULL), (u64)p);
	EXPECT_EQ(p[PAGE], 1);
	EXPECT_FALSE(access_faults(p + 5 * PAGE, WRITE));
	EXPECT_TRUE(access_faults(p + 6 * PAGE, READ));
	EXPECT_EQ(MOVE(p, 6 * PAGE - 1, PAGE + 1, 0, NULL), (u64)p);
	EXPECT_FALSE(access_faults(p + PAGE, READ));
	EXPECT_TRUE(access_faults(p + 2 * PAGE, READ));
	/* Something is in the way. */
	EXPECT_TRUE(alloc(p + 2 * PAGE, PAGE, DK_MEM_RESERVE, 0));
	EXPECT_STATUS(MOVE(p, 2 * PAGE, 3 * PAGE, 0, NULL), NO_MEMORY);
	EXPECT_OK(DkVirtualMemoryFree(p, 8 * PAGE, DK_MEM_RELEASE));
}

TEST(move_elsewhere)
{
	/* The last page is in the way. */
	char *p = alloc(NULL, 5 * PAGE, BOTH, RW), *q, *to;

	p[0] = 1;
	p[3 * PAGE] = 4;
	EXPECT_OK(DkVirtualMemoryProtect(p, 4 * PAGE, DK_PROT_READ));
	q = (char *)MOVE(p, 4 * PAGE, 1024 * PAGE, DK_MOVE_ANYWHERE, NULL);
	ASSERT_TRUE((s64)q > 0);
	EXPECT_TRUE(q != p);
	EXPECT_TRUE(access_faults(p, READ));
	EXPECT_EQ(q[0], 1);
	EXPECT_EQ(q[3 * PAGE], 4);
	EXPECT_EQ(q[1023 * PAGE], 0);
	EXPECT_TRUE(access_faults(q, WRITE));
	/* A part of it, over something. */
	to = alloc(NULL, 4 * PAGE, BOTH, RW);
	EXPECT_EQ(MOVE(q + 2 * PAGE, 2 * PAGE, 2 * PAGE,
		       DK_MOVE_ANYWHERE | DK_MOVE_REPLACE, to + PAGE),
		  (u64)to + PAGE);
	EXPECT_EQ(to[2 * PAGE], 4);
	EXPECT_FALSE(access_faults(to, WRITE));
	EXPECT_TRUE(access_faults(to + PAGE, WRITE));
	EXPECT_TRUE(access_faults(q + 2 * PAGE, READ));
	EXPECT_FALSE(access_faults(q + PAGE, READ));
	DkVirtualMemoryFree(to, 4 * PAGE, DK_MEM_RELEASE);
	DkVirtualMemoryFree(q, 1024 * PAGE, DK_MEM_RELEASE);
	DkVirtualMemoryFree(p + 4 * PAGE, PAGE, DK_MEM_RELEASE);
}

TEST(move_and_keep)
{
	char *p = alloc(NULL, 2 * PAGE, BOTH, RW), *q;
	char *s = alloc(NULL, 2 * PAGE, BOTH | DK_MEM_SHARED, RW), *t;

	p[PAGE] = 2;
	q = (char *)MOVE(p, 2 * PAGE, 2 * PAGE, DK_MOVE_ANYWHERE | DK_MOVE_KEEP,
			 NULL);
	ASSERT_TRUE((s64)q > 0);
	EXPECT_EQ(q[PAGE], 2);
	EXPECT_EQ(p[PAGE], 0);
	EXPECT_FALSE(access_faults(p, WRITE));
	s[0] = 3;
	t = (char *)MOVE(s, 2 * PAGE, 2 * PAGE, DK_MOVE_ANYWHERE | DK_MOVE_KEEP,
			 NULL);
	ASSERT_TRUE((s64)t > 0);
	t[0]++;
	EXPECT_EQ(s[0], 4);
	DkVirtualMemoryFree(t, 2 * PAGE, DK_MEM_RELEASE);
	/* A length of 0: the same once more, and nothing behind its end. */
	t = (char *)MOVE(s, 0, 3 * PAGE, DK_MOVE_ANYWHERE, NULL);
	ASSERT_TRUE((s64)t > 0);
	t[0]++;
	EXPECT_EQ(s[0], 5);
	EXPECT_TRUE(access_faults(t + 2 * PAGE, READ));
	EXPECT_EQ(fault_code, DK_EXCEPTION_BUS_ERROR);
	DkVirtualMemoryFree(t, 3 * PAGE, DK_MEM_RELEASE);
	DkVirtualMemoryFree(s, 2 * PAGE, DK_MEM_RELEASE);
	DkVirtualMemoryFree(q, 2 * PAGE, DK_MEM_RELEASE);
	DkVirtualMemoryFree(p, 2 * PAGE, DK_MEM_RELEASE);
}

TEST(move_of_what_cannot)
{
	const u64 both = DK_MOVE_ANYWHERE | DK_MOVE_REPLACE;
	char *p = alloc(NULL, 4 * PAGE, BOTH, RW);
	char *to = alloc(NULL, 4 * PAGE, BOTH, RW);

	EXPECT_STATUS(MOVE(p + 1, PAGE, 2 * PAGE, 0, NULL), INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, 0, 0, NULL), INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, 8, NULL), INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, DK_MOVE_REPLACE, to),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, DK_MOVE_ANYWHERE, to),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, both, to + 1), INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, 2 * PAGE, 2 * PAGE, both, p + PAGE),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, DK_MOVE_KEEP, NULL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, 2 * PAGE, DK_MOVE_ANYWHERE | DK_MOVE_KEEP,
			   NULL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, 0, PAGE, DK_MOVE_ANYWHERE, NULL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE((void *)-PAGE, PAGE, PAGE, 0, NULL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, both, (void *)-PAGE),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, 1ULL << 60, DK_MOVE_ANYWHERE, NULL),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MOVE(p, PAGE, PAGE, both, NULL), NOT_PERMITTED);
	/* A hole, and two that are differently protected. */
	EXPECT_OK(DkVirtualMemoryFree(p + 3 * PAGE, PAGE, DK_MEM_RELEASE));
	EXPECT_STATUS(MOVE(p + 3 * PAGE, PAGE, 2 * PAGE, DK_MOVE_ANYWHERE,
			   NULL),
		      INVALID_POINTER);
	EXPECT_OK(DkVirtualMemoryProtect(p + PAGE, PAGE, DK_PROT_READ));
	EXPECT_STATUS(MOVE(p, 3 * PAGE, 4 * PAGE, both, to), INVALID_POINTER);
	EXPECT_FALSE(access_faults(p, WRITE));
	EXPECT_FALSE(access_faults(p + PAGE, READ));
	DkVirtualMemoryFree(p, 3 * PAGE, DK_MEM_RELEASE);
	DkVirtualMemoryFree(to, 4 * PAGE, DK_MEM_RELEASE);
}
