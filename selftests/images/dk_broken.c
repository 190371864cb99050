// SPDX-License-Identifier: GPL-2.0-only
/* Connections that do not come about, or break: what each call says then. */
#include "connection.h"

static u8 data[16384];

static void set_option(DK_HANDLE h, u32 option, int value)
{
	struct dk_socket_option o = { .option = option, .value = value };

	EXPECT_OK(control(h, DK_CONTROL_SET_SOCKET, &o, sizeof(o)));
}

static s64 message(DK_HANDLE h, u64 operation)
{
	struct dk_message m = { .buffer = (u64)data, .length = 1 };

	return control(h, operation, &m, sizeof(m));
}

/* Until no more fits; the other side does not read. */
static void fill(DK_HANDLE h)
{
	u64 done;

	for (int i = 0; i < 100000; i++)
		if (DkStreamWrite(h, CURRENT, data, sizeof(data), &done))
			return;
	dkt_fail("it is never full");
}

/* What @h says when there is something to say; at most 30 seconds. */
static void await(DK_HANDLE h)
{
	s64 left;

	for (int i = 0; i < 300 && !(ready(h) & DK_READY_ERROR); i++)
		DkThreadDelayExecution(100 * MSEC, &left);
	EXPECT_TRUE(ready(h) & DK_READY_ERROR);
}

/* What it is asked for first. */
enum ask { READ, WRITE, RECEIVE };

static s64 ask(DK_HANDLE h, enum ask how)
{
	u64 done;

	switch (how) {
	case READ:
		return DkStreamRead(h, CURRENT, data, 1, &done);
	case WRITE:
		return DkStreamWrite(h, CURRENT, data, 1, &done);
	default:
		return message(h, DK_CONTROL_RECEIVE);
	}
}

/* The other side has no more room, and nobody makes any. */
TEST(a_time_is_over)
{
	for (int how = READ; how <= RECEIVE; how++) {
		DK_HANDLE server = serve("tcp.server:127.0.0.1:0", 0);
		DK_HANDLE a = call(address_of(server, "127.0.0.1"), NONBLOCK);
		DK_HANDLE b = take(server, NULL);

		set_option(a, DK_SOCKET_USER_TIMEOUT, 300);
		fill(a);
		await(a);
		EXPECT_STATUS(ask(a, how), TIMEOUT);
		DkObjectClose(a);
		DkObjectClose(b);
		DkObjectClose(server);
	}
}

/* The other side goes without having read all. */
TEST(a_reset)
{
	for (int how = READ; how <= RECEIVE; how++) {
		DK_HANDLE server = serve("tcp.server:127.0.0.1:0", 0);
		DK_HANDLE a = call(address_of(server, "127.0.0.1"), NONBLOCK);
		DK_HANDLE b = take(server, NULL);

		send_text(a, "unread");
		EXPECT_TRUE(ready(b) & DK_READY_READ);
		DkObjectClose(b);
		await(a);
		EXPECT_STATUS(ask(a, how), CONNECTION_RESET);
		DkObjectClose(a);
		DkObjectClose(server);
	}
}

/*
 * A server whose queue is full lets callers wait, and goes. What is heard then
 * is heard once; afterwards it is a connection that has ended.
 */
TEST(nobody_listens_any_more)
{
	for (int how = READ; how <= WRITE; how++) {
		DK_HANDLE server = serve("tcp.server:127.0.0.1:0?backlog=1", 0);
		const char *uri = address_of(server, "127.0.0.1");
		DK_HANDLE h[8];

		for (size_t i = 0; i < ARRAY_SIZE(h); i++)
			h[i] = call(uri, NONBLOCK);
		EXPECT_STATUS(ask(h[7], READ), WOULD_BLOCK);
		DkObjectClose(server);
		await(h[7]);
		EXPECT_STATUS(ask(h[7], how), CONNECTION_REFUSED);
		if (how == READ)
			expect_end(h[7]);
		else
			EXPECT_STATUS(ask(h[7], WRITE), BROKEN_PIPE);
		for (size_t i = 0; i < ARRAY_SIZE(h); i++)
			DkObjectClose(h[i]);
	}
}

static s64 reads(DK_HANDLE h)
{
	return ask(h, READ);
}

static s64 writes(DK_HANDLE h)
{
	return ask(h, WRITE);
}

static s64 receives(DK_HANDLE h)
{
	return ask(h, RECEIVE);
}

static s64 sends(DK_HANDLE h)
{
	return message(h, DK_CONTROL_SEND);
}

/*
 * Connections that are asked for, to a server whose queue is full. While they
 * wait the way to it goes: what the last try met is what a call says. They are
 * tried again after 1 and 3 seconds, and given up after 7.
 */
static void loses_its_way(const char *how, s64 wanted)
{
	static s64 (*const asks[])(DK_HANDLE h) = { reads, writes, receives,
						    sends };
	DK_HANDLE server = serve("tcp.server:127.0.0.3:0?backlog=1", 0);
	const char *uri = address_of(server, "127.0.0.3");
	DK_HANDLE h[12];
	s64 answer = -1;

	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		h[i] = call(uri, NONBLOCK);
	dkt_ask(how, &answer, sizeof(answer));
	EXPECT_EQ(answer, 0);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++)
		set_option(h[8 + i], DK_SOCKET_USER_TIMEOUT, 4000);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		s64 status;

		await(h[8 + i]);
		status = asks[i](h[8 + i]);
		if (status != wanted)
			dkt_fail("%d after %s: %s", (int)i, how,
				 dkt_status(status));
	}
	dkt_ask("@reachable 127.0.0.3\n", &answer, sizeof(answer));
	EXPECT_EQ(answer, 0);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		DkObjectClose(h[i]);
	DkObjectClose(server);
}

TEST(no_way_any_more)
{
	loses_its_way("@unreachable 127.0.0.3\n", DK_STATUS_HOST_UNREACHABLE);
	loses_its_way("@no-network 127.0.0.3\n", DK_STATUS_NETWORK_UNREACHABLE);
}

/* The machine has no network but itself; and then it knows better. */
TEST(no_way)
{
	s64 answer = -1;

	EXPECT_STATUS(try_open("tcp.client:203.0.113.1:9", RW, DK_OPEN_EXISTING,
			       0),
		      NETWORK_UNREACHABLE);
	dkt_ask("@unreachable 203.0.113.1\n", &answer, sizeof(answer));
	EXPECT_EQ(answer, 0);
	EXPECT_STATUS(try_open("tcp.client:203.0.113.1:9", RW, DK_OPEN_EXISTING,
			       0),
		      HOST_UNREACHABLE);
	dkt_ask("@reachable 203.0.113.1\n", &answer, sizeof(answer));
	EXPECT_EQ(answer, 0);
}

/* Nobody says no, and nobody says yes. */
TEST(no_answer)
{
	DK_HANDLE server = serve("tcp.server:127.0.0.1:0?backlog=1", 0), h[8];
	const char *uri = address_of(server, "127.0.0.1");
	s64 retries = -1;
	char back[32];

	dkt_ask("@syn-retries 1\n", &retries, sizeof(retries));
	EXPECT_GE(retries, 1);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		h[i] = call(uri, NONBLOCK);
	EXPECT_STATUS(try_open(uri, RW, DK_OPEN_EXISTING, 0), TIMEOUT);
	dkt_snprintf(back, sizeof(back), "@syn-retries %lld\n", retries);
	dkt_ask(back, &retries, sizeof(retries));
	EXPECT_EQ(retries, 1);
	for (size_t i = 0; i < ARRAY_SIZE(h); i++)
		DkObjectClose(h[i]);
	DkObjectClose(server);
}

/* More than an ordinary program may have. */
TEST(a_size_for_the_privileged)
{
	DK_HANDLE reader, writer;
	u64 size = 1 << 30;

	EXPECT_OK(DkxPipeCreate(0, &reader, &writer));
	EXPECT_STATUS(control(writer, DK_CONTROL_SET_PIPE_SIZE, &size, 8),
		      NOT_PERMITTED);
	DkObjectClose(reader);
	DkObjectClose(writer);
}
