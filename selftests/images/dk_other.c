// SPDX-License-Identifier: GPL-2.0-only
/* Time, random bits, and what else there is. */
#include "dktest.h"

TEST(clocks_go_forward)
{
	s64 last[5], now;

	for (u64 c = 0; c < 5; c++) {
		last[c] = POISON;
		ASSERT_OK(DkSystemTimeQuery(c, &last[c]));
		EXPECT_TRUE(last[c] > 0);
	}
	for (int i = 0; i < 2000; i++) {
		for (u64 c = 0; c < 5; c++) {
			ASSERT_OK(DkSystemTimeQuery(c, &now));
			ASSERT_TRUE(now >= last[c]);
			last[c] = now;
		}
	}
	/* After 2020, before 2200. */
	EXPECT_TRUE(last[DK_CLOCK_WALL] > 1577836800 * SEC);
	EXPECT_TRUE(last[DK_CLOCK_WALL] < 7258118400 * SEC);
	EXPECT_TRUE(last[DK_CLOCK_BOOT] >= last[DK_CLOCK_MONOTONIC]);
}

TEST(clocks_measure_the_same)
{
	s64 w0 = 0, m0 = 0, w1 = 0, m1 = 0, c0 = 0, c1 = 0, remaining;

	DkSystemTimeQuery(DK_CLOCK_WALL, &w0);
	DkSystemTimeQuery(DK_CLOCK_MONOTONIC, &m0);
	DkSystemTimeQuery(DK_CLOCK_THREAD_CPU, &c0);
	DkThreadDelayExecution(200 * MSEC, &remaining);
	DkSystemTimeQuery(DK_CLOCK_WALL, &w1);
	DkSystemTimeQuery(DK_CLOCK_MONOTONIC, &m1);
	DkSystemTimeQuery(DK_CLOCK_THREAD_CPU, &c1);
	EXPECT_TRUE(m1 - m0 >= 200 * MSEC);
	EXPECT_TRUE(w1 - w0 >= 190 * MSEC);
	EXPECT_TRUE((w1 - w0) - (m1 - m0) < 50 * MSEC);
	EXPECT_TRUE((w1 - w0) - (m1 - m0) > -50 * MSEC);
	/* Sleep is no processor time. */
	EXPECT_TRUE(c1 - c0 < 100 * MSEC);
}

TEST(random_bits)
{
	u64 a[64] = { 0 }, b[64] = { 0 }, ones = 0, same = 0;

	EXPECT_OK(DkRandomBitsRead(a, sizeof(a)));
	EXPECT_OK(DkRandomBitsRead(b, sizeof(b)));
	for (int i = 0; i < 64; i++) {
		same += a[i] == b[i];
		for (int k = 0; k < 64; k++)
			ones += a[i] >> k & 1;
	}
	EXPECT_EQ(same, 0);
	/* 4096 fair coins: 12 standard deviations. */
	EXPECT_TRUE(ones > 1664 && ones < 2432);
	EXPECT_OK(DkRandomBitsRead(a, 0));
}

TEST(random_bits_of_any_length)
{
	u8 *p = dkt_pages(64);

	for (u64 n = 1; n < 64 * PAGE; n = n * 3 + 1) {
		u64 zero = 0;

		memset(p, 0, 64 * PAGE);
		ASSERT_OK(DkRandomBitsRead(p, n));
		for (u64 i = n; i < 64 * PAGE; i++)
			if (p[i]) {
				dkt_fail("byte %lu of %lu", (unsigned long)i,
					 (unsigned long)n);
				break;
			}
		for (u64 i = 0; i < n; i++)
			zero += !p[i];
		EXPECT_TRUE(zero <= n / 16 + 8);
	}
	EXPECT_OK(DkVirtualMemoryFree(p, 64 * PAGE, DK_MEM_RELEASE));
}

TEST(instruction_cache_flush)
{
	u8 *p = dkt_pages(1);

	EXPECT_OK(DkInstructionCacheFlush(p, PAGE));
	EXPECT_OK(DkInstructionCacheFlush(p, 1));
}

TEST(debug_string)
{
	/* Rate-limited: a flood is cut off, and is never an error otherwise. */
	for (int i = 0; i < 500; i++) {
		DK_STATUS status = DkDebugStringPrint("debug string", 12);

		if (status && status != DK_STATUS_WOULD_BLOCK)
			dkt_fail("%s", dkt_status(status));
	}
}

TEST(abi_query)
{
	u64 version = POISON;

	EXPECT_OK(DkxAbiQuery(DK_VECTOR_BASE + DK_INDEX_DkxAbiQuery, &version));
	EXPECT_EQ(version, 1);
}

TEST(close)
{
	DK_HANDLE h = 0;

	ASSERT_OK(DkNotificationEventCreate(0, &h));
	EXPECT_OK(DkObjectClose(h));
	EXPECT_STATUS(DkObjectClose(h), INVALID_HANDLE);
	EXPECT_STATUS(DkObjectClose(DK_INVALID_HANDLE), INVALID_HANDLE);
}
