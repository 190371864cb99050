// SPDX-License-Identifier: GPL-2.0-only
/*
 * Vector state across the creation of processes and across calls that block
 * or are forwarded.
 */
#include <cpuid.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define EXTENDED 4
#define AREA_MAX 16384

PROVIDER_FIXTURE(vectors, true)

static void seed(volatile struct slot_registers *in, int from)
{
	double x87 = from * 0.5;

	memcpy((void *)&in->x87, &x87, 8);
	in->mxcsr = 0x1f80 | 3 << 13;
	for (int i = 0; i < 16; i++)
		for (int k = 0; k < 32; k++)
			in->vectors[i][k] = from * 11 + i * 32 + k;
}

/* Begins a call of slot @n's thread with vectors made from @from. */
static void begins(struct world *w, int n, int from, __u64 nr, __u64 a0,
		   __u64 a1, __u64 a2)
{
	seed(&w->shared->slots[n].in, from);
	memset(&w->shared->slots[n].out, 0, sizeof(w->shared->slots[n].out));
	slot_begin(w, n, SLOT_VECTORS, nr, a0, a1, a2, 0, 0, 0);
}

/* What it has behind the call is what it had before. */
static void kept(struct __test_metadata *_metadata, struct world *w, int n)
{
	struct slot *slot = &w->shared->slots[n];
	int bytes = slot->has_avx ? 32 : 16;

	ASSERT_TRUE(slot_done(w, n));
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(0, memcmp(slot->in.vectors[i], slot->out.vectors[i],
				    bytes))
		TH_LOG("vector %d", i);
	}
	EXPECT_EQ(slot->in.x87, slot->out.x87);
	EXPECT_EQ(slot->in.mxcsr & 0xffc0, slot->out.mxcsr & 0xffc0);
}

static bool area_of(struct world *w, pid_t tid, __u8 *area)
{
	struct pico_test_service s = { .service = PICO_TEST_DO_EXTENDED_SIZE };

	if (service(w, &s) || s.extended_size > AREA_MAX)
		return false;
	memset(area, 0x77, AREA_MAX);
	s.service = PICO_TEST_DO_GET_CONTEXT;
	s.tid = tid;
	s.parts = EXTENDED;
	s.extended = (uintptr_t)area;
	return !service(w, &s);
}

static unsigned int upper_halves(void)
{
	unsigned int a, b = 0, c, d;

	__cpuid_count(0xd, 2, a, b, c, d);
	return b;
}

/* A copy of the memory goes with a copy of the vectors. */
TEST_F(vectors, of_a_process_that_is_a_copy)
{
	struct slot *slots = self->w.shared->slots;
	static __u8 area[AREA_MAX];
	struct pico_test_create c;
	long pid;

	begins(&self->w, 0, 5, PICO_TEST_CALL_ECHO, 1, 0, 0);
	kept(_metadata, &self->w, 0);
	create_init(&c, 1);
	c.process_flags = CLONE_MEMORY;
	pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(area_of(&self->w, pid, area));
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(0, memcmp(area + 160 + 16 * i, slots[0].in.vectors[i],
				    16))
		TH_LOG("vector %d", i);
		if (slots[0].has_avx)
			EXPECT_EQ(0, memcmp(area + upper_halves() + 16 * i,
					    slots[0].in.vectors[i] + 16, 16))
		TH_LOG("vector %d", i);
	}
}

/* Otherwise it begins as after execve(), whatever its creator has. */
TEST_F(vectors, of_a_process_that_is_no_copy)
{
	static const __u8 zero[16];
	static __u8 area[AREA_MAX];
	struct pico_test_create c;
	__u32 mxcsr;
	__u16 control;
	long pid;

	begins(&self->w, 0, 6, PICO_TEST_CALL_ECHO, 1, 0, 0);
	kept(_metadata, &self->w, 0);
	create_init(&c, 1);
	pid = create(&self->w, 0, PICO_TEST_CALL_PROCESS, &c);
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(area_of(&self->w, pid, area));
	memcpy(&control, area, 2);
	memcpy(&mxcsr, area + 24, 4);
	EXPECT_EQ(0x37f, control);
	EXPECT_EQ(0x1f80, mxcsr);
	for (int i = 0; i < 16; i++) {
		EXPECT_EQ(0, memcmp(area + 160 + 16 * i, zero, 16))
		TH_LOG("vector %d", i);
		if (self->w.shared->slots[0].has_avx)
			EXPECT_EQ(0, memcmp(area + upper_halves() + 16 * i,
					    zero, 16))
		TH_LOG("vector %d", i);
	}
	/* And has the creator's own still. */
	ASSERT_TRUE(area_of(&self->w, self->pid, area));
	EXPECT_EQ(0, memcmp(area + 160, self->w.shared->slots[0].in.vectors[0],
			    16));
}

/* The creation itself is a call as any other, for both. */
TEST_F(vectors, across_a_creation)
{
	struct slot *slot = &self->w.shared->slots[0];

	for (int i = 0; i < 2; i++) {
		struct pico_test_create c;

		create_init(&c, 1 + i);
		c.process_flags = CLONE_MEMORY;
		c.resume = 1;
		memcpy(slot->scratch, &c, sizeof(c));
		begins(&self->w, 0, 7 + i,
		       i ? PICO_TEST_CALL_THREAD : PICO_TEST_CALL_PROCESS,
		       SLOT_ADDRESS(0, scratch), 0, 0);
		kept(_metadata, &self->w, 0);
		EXPECT_GT((long)slot->result, 0);
	}
}

/* In a wait, while another thread uses the same registers, and suspended. */
TEST_F(vectors, across_a_wait)
{
	pid_t tid = new_thread(&self->w, 0, 1);

	ASSERT_GT(tid, 0);
	for (int how = 0; how < 3; how++) {
		begins(&self->w, 0, 9 + how, PICO_TEST_CALL_BLOCK, how, 0, 0);
		ASSERT_TRUE(eventually(
			ioctl(self->w.control, PICO_TEST_IOC_BLOCKED) == 1));
		for (int i = 0; i < 20; i++) {
			begins(&self->w, 1, 30 + i, PICO_TEST_CALL_FORWARD,
			       SYS_sched_yield, 0, 0);
			kept(_metadata, &self->w, 1);
		}
		ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
		ioctl(self->w.control, PICO_TEST_IOC_KICK);
		ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
		ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
		kept(_metadata, &self->w, 0);
	}
}

/* Forwarded, watched, and cut short. */
TEST_F(vectors, across_native_calls)
{
	static const int calls[] = { PICO_TEST_CALL_FORWARD,
				     PICO_TEST_CALL_WATCHED };
	struct pico_test_service apc = { .service = PICO_TEST_DO_APC };

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_APC,
					      .result = PICO_TEST_USED }));
	for (int i = 0; i < 2; i++) {
		begins(&self->w, 0, 60 + i, calls[i], SYS_getppid, 0, 0);
		kept(_metadata, &self->w, 0);
	}
	/* One that waits, with its own arguments: an APC ends it. */
	begins(&self->w, 0, 70, PICO_TEST_CALL_WATCHED, SYS_pause, 0, 0);
	ASSERT_TRUE(eventually(thread_state(self->pid) == 'S'));
	clear_events(&self->w);
	apc.tid = self->pid;
	ASSERT_TRUE(eventually(!service(&self->w, &apc) &&
			       slot_is_done(&self->w, 0)));
	kept(_metadata, &self->w, 0);
	EXPECT_EQ(-4 /* EINTR */, (long)self->w.shared->slots[0].result);
}

TEST_HARNESS_MAIN
