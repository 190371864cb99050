// SPDX-License-Identifier: GPL-2.0-only
/* DkxUsageQuery: time, faults, memory and switches of threads and processes. */
#include "dktest.h"

static struct dk_usage usage_of(DK_HANDLE object)
{
	struct dk_usage u;

	memset(&u, 0xff, sizeof(u));
	EXPECT_OK(DkxUsageQuery(object, &u, sizeof(u)));
	EXPECT_TRUE(u.user_time + u.system_time <= u.run_time + SEC);
	EXPECT_TRUE(u.resident && u.resident <= u.max_resident);
	return u;
}

static struct dk_usage mine(void)
{
	return usage_of(dkt_parameters->process);
}

static struct dk_usage threads(void)
{
	return usage_of(dkt_parameters->thread);
}

static void spin_ms(u64 ms)
{
	s64 start, now;

	EXPECT_OK(DkSystemTimeQuery(DK_CLOCK_THREAD_CPU, &start));
	do {
		for (volatile int i = 0; i < 1000000; i++)
			;
		EXPECT_OK(DkSystemTimeQuery(DK_CLOCK_THREAD_CPU, &now));
	} while (now - start < (s64)ms * MSEC);
}

TEST(time_of_user_mode)
{
	struct dk_usage p = mine(), t = threads(), now;

	spin_ms(300);
	now = mine();
	EXPECT_TRUE((s64)(now.run_time - p.run_time) >= 300 * MSEC);
	EXPECT_EQ(now.user_time + now.system_time, now.run_time);
	EXPECT_TRUE(now.user_time > p.user_time);
	now = threads();
	EXPECT_TRUE((s64)(now.run_time - t.run_time) >= 300 * MSEC);
	EXPECT_TRUE(now.user_time > t.user_time);
	/* Nearly all of it is not the kernel's. */
	EXPECT_TRUE(now.user_time - t.user_time >
		    now.system_time - t.system_time);
}

/* Memory that comes and goes is the kernel's work. */
TEST(time_of_the_kernel)
{
	struct dk_usage p = mine(), t = threads();
	s64 end = dkt_now() + 60 * SEC;

	do {
		u64 length = 64 * PAGE;
		void *base = NULL;

		ASSERT_OK(DkVirtualMemoryAlloc(&base, &length,
					       DK_MEM_RESERVE | DK_MEM_COMMIT,
					       DK_PROT_READ | DK_PROT_WRITE));
		for (int i = 0; i < 64; i++)
			((volatile char *)base)[i * PAGE] = 1;
		EXPECT_OK(DkVirtualMemoryFree(base, length, DK_MEM_RELEASE));
	} while (dkt_now() < end &&
		 (mine().system_time - p.system_time < 100 * MSEC ||
		  threads().system_time - t.system_time < 100 * MSEC));
	EXPECT_TRUE(mine().system_time - p.system_time >= 100 * MSEC);
	EXPECT_TRUE(threads().system_time - t.system_time >= 100 * MSEC);
}

TEST(faults_and_memory)
{
	const u64 pages = 200;
	u64 length = pages * PAGE;
	void *base = NULL;
	struct dk_usage p, t, now;

	ASSERT_OK(DkVirtualMemoryAlloc(&base, &length,
				       DK_MEM_RESERVE | DK_MEM_COMMIT,
				       DK_PROT_READ | DK_PROT_WRITE));
	p = mine();
	t = threads();
	for (u64 i = 0; i < pages; i++)
		((volatile char *)base)[i * PAGE] = 1;
	now = mine();
	/* Counts of a processor's own may not be in the sums yet. */
	EXPECT_TRUE((s64)(now.resident - p.resident) >=
		    (s64)((pages - 128) * PAGE));
	EXPECT_TRUE(now.minor_faults > p.minor_faults);
	EXPECT_TRUE(threads().minor_faults > t.minor_faults);
	EXPECT_EQ(now.major_faults, p.major_faults);
	p = now;
	EXPECT_OK(DkVirtualMemoryFree(base, length, DK_MEM_RELEASE));
	now = mine();
	EXPECT_TRUE(now.resident < p.resident);
	EXPECT_TRUE(now.max_resident >= p.max_resident);
}

TEST(switches)
{
	struct dk_usage p = mine(), t = threads(), now;
	s64 left;

	/* Where the computer is busy, a time may be over before it is waited for. */
	for (int i = 0; i < 20; i++)
		DkThreadDelayExecution(20 * MSEC, &left);
	now = mine();
	EXPECT_TRUE(now.voluntary_switches >= p.voluntary_switches + 10);
	now = threads();
	EXPECT_TRUE(now.voluntary_switches >= t.voluntary_switches + 10);
}

static volatile bool go;

static void spins(u64 ms)
{
	spin_ms(ms);
	while (!go)
		DkThreadYieldExecution();
}

/* Also of one that has ended, in its process. */
TEST(other_threads)
{
	struct dk_usage p = mine(), t = threads(), u;
	DK_HANDLE thread;

	go = false;
	thread = dkt_thread(spins, 200);
	do {
		u = usage_of(thread);
	} while (u.run_time < 200 * MSEC);
	go = true;
	EXPECT_TRUE(dkt_wait(thread));
	memset(&u, 0x5a, sizeof(u));
	EXPECT_STATUS(DkxUsageQuery(thread, &u, sizeof(u)), ENDED);
	EXPECT_EQ(u.run_time, 0x5a5a5a5a5a5a5a5aULL);
	EXPECT_OK(DkObjectClose(thread));
	u = threads();
	EXPECT_TRUE((s64)(mine().run_time - p.run_time) >=
		    (s64)(200 * MSEC + u.run_time - t.run_time));
}

static volatile u64 wrong;

static void looks(u64 rounds)
{
	struct dk_usage last = mine(), now;

	for (u64 i = 0; i < rounds; i++) {
		now = mine();
		if (now.run_time < last.run_time ||
		    now.user_time < last.user_time ||
		    now.system_time < last.system_time)
			wrong++;
		last = now;
	}
}

/* Whoever asks meanwhile, and though threads end all the time. */
TEST(time_does_not_go_back)
{
	DK_HANDLE lookers[2];

	wrong = 0;
	for (int i = 0; i < 2; i++)
		lookers[i] = dkt_thread(looks, 1000);
	for (int i = 0; i < 50; i++) {
		DK_HANDLE thread = dkt_thread(looks, 5);

		EXPECT_TRUE(dkt_wait(thread));
		EXPECT_OK(DkObjectClose(thread));
	}
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(dkt_wait(lookers[i]));
		EXPECT_OK(DkObjectClose(lookers[i]));
	}
	EXPECT_EQ(wrong, 0);
}

TEST(other_processes)
{
	DK_HANDLE child = POISON, found, in, out, down, up;
	struct dk_usage u;
	u64 id, done;
	char byte = 0;

	ASSERT_OK(DkxPipeCreate(0, &in, &out));
	ASSERT_OK(DkxPipeCreate(0, &down, &up));
	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		EXPECT_OK(
			DkStreamWrite(up, DK_OFFSET_CURRENT, &byte, 1, &done));
		spin_ms(100);
		DkStreamRead(in, DK_OFFSET_CURRENT, &byte, 1, &done);
		DkProcessExit(0);
	}
	/* One that has just begun may have no memory yet. */
	EXPECT_OK(DkxUsageQuery(child, &u, sizeof(u)));
	EXPECT_OK(DkStreamRead(down, DK_OFFSET_CURRENT, &byte, 1, &done));
	do {
		u = usage_of(child);
	} while (u.run_time < 100 * MSEC);
	EXPECT_EQ(u.user_time + u.system_time, u.run_time);
	EXPECT_OK(DkxProcessOpen(id, &found));
	EXPECT_TRUE(usage_of(found).run_time >= u.run_time);
	EXPECT_OK(DkObjectClose(found));
	EXPECT_OK(DkStreamWrite(out, DK_OFFSET_CURRENT, &byte, 1, &done));
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_STATUS(DkxUsageQuery(child, &u, sizeof(u)), ENDED);
	EXPECT_OK(DkObjectClose(child));
	EXPECT_OK(DkObjectClose(down));
	EXPECT_OK(DkObjectClose(up));
	EXPECT_OK(DkObjectClose(in));
	EXPECT_OK(DkObjectClose(out));
}

TEST(refusals)
{
	struct dk_usage u;

	memset(&u, 0x5a, sizeof(u));
	for (u64 size = 0; size < 200; size++) {
		if (size != sizeof(u))
			EXPECT_STATUS(DkxUsageQuery(dkt_parameters->process, &u,
						    size),
				      INVALID_PARAMETER);
	}
	EXPECT_STATUS(DkxUsageQuery(dkt_parameters->process, &u, ~0ULL),
		      INVALID_PARAMETER);
	EXPECT_EQ(u.max_resident, 0x5a5a5a5a5a5a5a5aULL);
}
