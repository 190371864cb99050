// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks of the time-stamp counter that calls take, the smallest of many:
 * lines of "value NAME TICKS". cost.c has the native side.
 */
#include "dktest.h"

static inline u64 ticks(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc; lfence"
		     : "=a"(low), "=d"(high)
		     :
		     : "memory");
	return (u64)high << 32 | low;
}

#define MEASURE(name, n, call) do {					\
	u64 best = ~0ULL;						\
									\
	for (int i_ = 0; i_ < (n); i_++) {				\
		u64 start_ = ticks();					\
									\
		call;							\
		start_ = ticks() - start_;				\
		if (start_ < best)					\
			best = start_;					\
	}								\
	dkt_print("value %s %lu\n", name, (unsigned long)best);		\
} while (0)

/* libpal's own functions, without what dktest.c puts in front of them. */
DK_STATUS __real_DkStreamRead(DK_HANDLE stream, dk_u64 offset, void *buffer,
			      dk_u64 length, dk_u64 *done);
DK_STATUS __real_DkStreamWrite(DK_HANDLE stream, dk_u64 offset,
			       const void *buffer, dk_u64 length, dk_u64 *done);
#define read_stream __real_DkStreamRead
#define write_stream __real_DkStreamWrite

/* Two ends of a connection over the loopback device. */
static void connect_ends(DK_HANDLE ends[2])
{
	struct dk_accepted accepted = { 0 };
	struct dk_address at = { 0 };
	DK_HANDLE server;
	char uri[64];
	u64 done;

	server = dkt_open("tcp.server:127.0.0.1:0", DK_ACCESS_READ,
			  DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(DkxStreamControl(server, DK_CONTROL_LOCAL_ADDRESS, &at,
				   sizeof(at)));
	dkt_snprintf(uri, sizeof(uri), "tcp.client:127.0.0.1:%u", at.port);
	ends[0] = dkt_open(uri, DK_ACCESS_READ | DK_ACCESS_WRITE,
			   DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(server, DK_OFFSET_CURRENT, &accepted,
			       sizeof(accepted), &done));
	ends[1] = accepted.stream;
	for (int i = 0; i < 2; i++) {
		struct dk_socket_option o = { .option = DK_SOCKET_NODELAY,
					      .value = 1 };

		EXPECT_OK(DkxStreamControl(ends[i], DK_CONTROL_SET_SOCKET, &o,
					   sizeof(o)));
	}
	DkObjectClose(server);
}

static void echo(const DK_HANDLE ends[2], void *buffer, u64 length)
{
	u64 done;

	for (int i = 0; i < 2; i++) {
		write_stream(ends[i], DK_OFFSET_CURRENT, buffer, length, &done);
		read_stream(ends[!i], DK_OFFSET_CURRENT, buffer, length, &done);
	}
}

static void nothing(u64 parameter)
{
}

/* Answers each signal of one event with one of the other. */
static DK_HANDLE ping, pong;

static void answer(u64 rounds)
{
	u64 index;

	while (rounds--) {
		DkObjectsWaitAny(1, &ping, DK_TIMEOUT_INFINITE, &index);
		DkEventSet(pong);
	}
}

TEST(bench)
{
	static const char uri[] = "file:/tmp/bench";
	u8 *buffer = dkt_pages(16), *stack = dkt_pages(4);
	DK_HANDLE file, event, thread, ends[2];
	u64 done, length, index, parameter;
	s64 now;
	void *base;

	file = dkt_open(uri, DK_ACCESS_READ | DK_ACCESS_WRITE,
			DK_OPEN_CREATE_TRUNCATE, DK_OPTION_MODE(0644));
	DkNotificationEventCreate(1, &event);
	EXPECT_OK(DkStreamWrite(file, 0, buffer, 65536, &done));
	MEASURE("nothing", 100, asm volatile(""));
	MEASURE("null", 1000,
		dkt_system_call(DK_INDEX_DkInstructionCacheFlush, (u64)buffer,
				1, 0, 0, 0, 0));
	MEASURE("refused", 1000, dkt_system_call(0xffff, 0, 0, 0, 0, 0, 0));
	MEASURE("get-parameter", 1000,
		dkt_system_call(DK_INDEX_DkThreadGetParameter, (u64)&parameter,
				0, 0, 0, 0, 0));
	MEASURE("read-1", 300, read_stream(file, 0, buffer, 1, &done));
	MEASURE("read-4096", 300, read_stream(file, 0, buffer, 4096, &done));
	MEASURE("read-65536", 100, read_stream(file, 0, buffer, 65536, &done));
	MEASURE("write-1", 300, write_stream(file, 0, buffer, 1, &done));
	MEASURE("write-4096", 300, write_stream(file, 0, buffer, 4096, &done));
	MEASURE("write-65536", 100,
		write_stream(file, 0, buffer, 65536, &done));
	connect_ends(ends);
	MEASURE("tcp-echo-1", 300, echo(ends, buffer, 1));
	MEASURE("tcp-echo-4096", 300, echo(ends, buffer, 4096));
	MEASURE("map+unmap", 300, base = NULL; length = 8192;
		DkVirtualMemoryAlloc(&base, &length,
				     DK_MEM_RESERVE | DK_MEM_COMMIT,
				     DK_PROT_READ | DK_PROT_WRITE);
		DkVirtualMemoryFree(base, length, DK_MEM_RELEASE));
	MEASURE("clock", 1000, DkSystemTimeQuery(DK_CLOCK_MONOTONIC, &now));
	MEASURE("clock-call", 1000,
		dkt_system_call(DK_INDEX_DkSystemTimeQuery, DK_CLOCK_MONOTONIC,
				(u64)&now, 0, 0, 0, 0));
	MEASURE("wait-signalled", 500, DkObjectsWaitAny(1, &event, 0, &index));
	MEASURE("set+wait", 500, DkEventSet(event);
		DkObjectsWaitAny(1, &event, 0, &index));
	MEASURE("open+close", 200,
		DkStreamOpen(uri, sizeof(uri) - 1, DK_ACCESS_READ,
			     DK_OPEN_EXISTING, 0, &thread);
		DkObjectClose(thread));
	MEASURE("thread", 100,
		DkThreadCreate((void *)nothing, 0, stack, 4 * PAGE, &thread);
		DkObjectsWaitAny(1, &thread, DK_TIMEOUT_INFINITE, &index);
		DkObjectClose(thread));
	MEASURE("fork", 100, DkxProcessClone(0, &thread, &parameter);
		if (!thread) DkProcessExit(0);
		DkObjectsWaitAny(1, &thread, DK_TIMEOUT_INFINITE, &index);
		DkObjectClose(thread));
	DkSynchronizationEventCreate(0, &ping);
	DkSynchronizationEventCreate(0, &pong);
	DkThreadCreate((void *)answer, 300, stack, 4 * PAGE, &thread);
	MEASURE("ping-pong", 300, DkEventSet(ping);
		DkObjectsWaitAny(1, &pong, DK_TIMEOUT_INFINITE, &index));
	DkObjectsWaitAny(1, &thread, DK_TIMEOUT_INFINITE, &index);
	DkObjectClose(file);
}
