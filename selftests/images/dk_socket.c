// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcp.server: and tcp.client:, what they have in common with named pipes
 * (accepting, half-close, races), and DkxStreamControl of connections. The rules
 * of the sandbox are in image_main.c.
 */
#include "connection.h"

static volatile DK_HANDLE accepted;
static DK_HANDLE accepting;

static void accepts(u64 parameter)
{
	struct dk_accepted a = { 0 };
	u64 done = 0;

	DkStreamRead(accepting, CURRENT, &a, sizeof(a), &done);
	accepted = a.stream;
}

static void accept_waits(const char *server, const char *client)
{
	DK_HANDLE t, c;
	s64 left;

	accepting = serve(server, 0);
	accepted = 0;
	t = dkt_thread(accepts, 0);
	DkThreadDelayExecution(50 * MSEC, &left);
	EXPECT_EQ(accepted, 0);
	c = call(client ?: address_of(accepting, "127.0.0.1"), 0);
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_NE(accepted, 0);
	EXPECT_OK(DkObjectClose(t));
	send_text(c, "abc");
	expect_text(accepted, "abc");
	EXPECT_OK(DkObjectClose(accepted));
	EXPECT_OK(DkObjectClose(c));
	EXPECT_OK(DkObjectClose(accepting));
}

TEST(accepting_waits)
{
	accept_waits("pipe.server:wait", "pipe.client:wait");
	accept_waits("tcp.server:127.0.0.1:0", NULL);
}

/* ---- half-close, of every kind ---- */

static void half_close(DK_HANDLE a, DK_HANDLE b)
{
	u64 done = POISON;
	u32 how = 0;

	send_text(a, "last words");
	shut(a, DK_SHUTDOWN_WRITE);
	expect_text(b, "last words");
	expect_end(b);
	EXPECT_TRUE(ready(b) & DK_READY_READ_CLOSED);
	EXPECT_FALSE(ready(b) & DK_READY_CLOSED);
	EXPECT_STATUS(DkStreamWrite(a, CURRENT, "x", 1, &done), BROKEN_PIPE);
	EXPECT_EQ(done, POISON);
	/* The other direction goes on. */
	send_text(b, "still");
	expect_text(a, "still");
	shut(b, DK_SHUTDOWN_WRITE);
	expect_end(a);
	EXPECT_TRUE(ready(a) & DK_READY_CLOSED);
	EXPECT_STATUS(control(a, DK_CONTROL_SHUTDOWN, &how, 4),
		      INVALID_PARAMETER);
	how = 4;
	EXPECT_STATUS(control(a, DK_CONTROL_SHUTDOWN, &how, 4),
		      INVALID_PARAMETER);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}

TEST(half_closed)
{
	DK_HANDLE server, a = 0, b = 0;

	EXPECT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &a, &b));
	half_close(a, b);
	server = serve("pipe.server:half", 0);
	a = call("pipe.client:half", 0);
	half_close(a, take(server, NULL));
	a = call("pipe.client:half", 0);
	b = take(server, NULL);
	half_close(b, a);
	EXPECT_OK(DkObjectClose(server));
	server = serve("tcp.server:127.0.0.1:0", 0);
	a = call(address_of(server, "127.0.0.1"), 0);
	half_close(a, take(server, NULL));
	EXPECT_OK(DkObjectClose(server));
}

/* ---- TCP ---- */

static void echo(const char *server_uri, const char *host, u8 family)
{
	DK_HANDLE server = serve(server_uri, 0), client, here;
	struct dk_address at = { 0 }, peer = { 0 };

	client = call(address_of(server, host), 0);
	here = take(server, &peer);
	EXPECT_EQ(peer.family, family);
	EXPECT_OK(control(client, DK_CONTROL_LOCAL_ADDRESS, &at, sizeof(at)));
	EXPECT_EQ(memcmp(&at, &peer, sizeof(at)), 0);
	EXPECT_OK(control(here, DK_CONTROL_PEER_ADDRESS, &at, sizeof(at)));
	EXPECT_EQ(memcmp(&at, &peer, sizeof(at)), 0);
	EXPECT_OK(
		control(client, DK_CONTROL_PEER_ADDRESS, &peer, sizeof(peer)));
	EXPECT_OK(control(here, DK_CONTROL_LOCAL_ADDRESS, &at, sizeof(at)));
	EXPECT_EQ(memcmp(&at, &peer, sizeof(at)), 0);
	EXPECT_EQ(at.family, family);
	if (family == 4)
		EXPECT_EQ(memcmp(at.address, "\177\0\0\1", 4), 0);
	else
		EXPECT_EQ(at.address[15], 1);
	send_text(client, "marco");
	expect_text(here, "marco");
	send_text(here, "polo");
	expect_text(client, "polo");
	EXPECT_OK(DkObjectClose(here));
	expect_end(client);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
}

TEST(tcp)
{
	echo("tcp.server:127.0.0.1:0", "127.0.0.1", 4);
	echo("tcp.server:127.0.0.1:0?reuse&reuseport&backlog=5&send=65536",
	     "127.0.0.1", 4);
	echo("tcp.server:[::1]:0", "[::1]", 6);
	echo("tcp.server:[::1]:0?only6", "[0:0:0:0:0:0:0:1]", 6);
	/* To the host itself, however it is spelled. */
	echo("tcp.server:127.0.0.1:0", "0.0.0.0", 4);
}

TEST(tcp_rules)
{
	static const char mapped[] =
		"tcp.client:[::ffff:0.0.0.0]:20?bind=[::ffff:127.0.0.2]:0";

	/* Nothing that no rule names. */
	EXPECT_STATUS(try_open("tcp.server:0.0.0.0:0", R, DK_OPEN_CREATE_NEW,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.server:127.0.0.2:0", R, DK_OPEN_CREATE_NEW,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.server:[::]:0", R, DK_OPEN_CREATE_NEW, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:10.0.0.1:80", RW, DK_OPEN_EXISTING,
			       0),
		      ACCESS_DENIED);
	/* A client's own port is one that a server could have. */
	EXPECT_STATUS(try_open("tcp.client:127.0.0.1:11?bind=127.0.0.2:4001",
			       RW, DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.1:11?bind=127.0.0.1:4001",
			       RW, DK_OPEN_EXISTING, 0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(try_open("tcp.client:128.0.0.1:80", RW, DK_OPEN_EXISTING,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:[::2]:80", RW, DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	/* The most exact one decides. */
	EXPECT_STATUS(try_open("tcp.client:127.0.0.1:9", RW, DK_OPEN_EXISTING,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.1:8", RW, DK_OPEN_EXISTING,
			       0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.2:20", RW, DK_OPEN_EXISTING,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.2:29", R, DK_OPEN_EXISTING,
			       0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.2:30", RW, DK_OPEN_EXISTING,
			       0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.2:25", R, DK_OPEN_EXISTING,
			       0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:127.0.0.2:25", DK_ACCESS_WRITE,
			       DK_OPEN_EXISTING, 0),
		      CONNECTION_REFUSED);
	/* In another dress. */
	EXPECT_STATUS(try_open("tcp.client:[::ffff:127.0.0.1]:9", RW,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:[::ffff:10.0.0.1]:80", RW,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:0.0.0.0:9", RW, DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:[::ffff:0.0.0.0]:9", RW,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	/* Any address is the one that is bound, or IPv4's after such a one. */
	EXPECT_STATUS(try_open("tcp.client:0.0.0.0:20?bind=127.0.0.2:0", RW,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:0.0.0.0:9?bind=127.0.0.2:0", RW,
			       DK_OPEN_EXISTING, 0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(try_open(mapped, RW, DK_OPEN_EXISTING, 0), ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:[::]:9?bind=[::ffff:127.0.0.1]:0",
			       RW, DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open("tcp.client:[::]:9?bind=[::1]:0", RW,
			       DK_OPEN_EXISTING, 0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(try_open("tcp.client:0.0.0.0:9?bind=0.0.0.0:0", RW,
			       DK_OPEN_EXISTING, 0),
		      ACCESS_DENIED);
}

TEST(tcp_names)
{
	static const char *const bad[] = {
		"tcp.client:",
		"tcp.client:127.0.0.1",
		"tcp.client:127.0.0.1:",
		"tcp.client:127.0.0.1:65536",
		"tcp.client:127.0.0.1:-1",
		"tcp.client:127.0.0.1:80x",
		"tcp.client:127.0.0.1:80?",
		"tcp.client:127.0.0.1:80?what",
		"tcp.client:127.0.0.1:80?reuse&",
		"tcp.client:127.0.0.1:80?only6",
		"tcp.client:127.0.0.1:80?reuse=1",
		"tcp.client:127.0.0.1:80?send",
		"tcp.client:127.0.0.1:80?send=",
		"tcp.client:127.0.0.1:80?send=99999999999",
		"tcp.client:127.0.0.1:80?backlog=1",
		"tcp.client:127.0.0.1:80?bind=127.0.0.1",
		"tcp.client:127.0.0.1:80?bind=[::1]:0",
		"tcp.client:127.0.0:80",
		"tcp.client:256.0.0.1:80",
		"tcp.client:localhost:80",
		"tcp.client:*:80",
		"tcp.client:[::1:80",
		"tcp.client:[::1]80",
		"tcp.client:[]:80",
		"tcp.client:[::1%]:80",
		"tcp.client:[::1%x]:80",
		"tcp.client:[::g]:80",
		"tcp.client:::1:80",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		DK_STATUS s = try_open(bad[i], RW, DK_OPEN_EXISTING, 0);

		if (s != DK_STATUS_INVALID_PARAMETER)
			dkt_fail("%s gave %s", bad[i], dkt_status(s));
	}
	EXPECT_STATUS(try_open("tcp:", RW, DK_OPEN_EXISTING, 0), NOT_SUPPORTED);
	EXPECT_STATUS(try_open("tcp.server:127.0.0.1:0?bind=127.0.0.1:0", R,
			       DK_OPEN_CREATE_NEW, 0),
		      INVALID_PARAMETER);
}

TEST(ports)
{
	DK_HANDLE server = serve("tcp.server:127.0.0.1:0", NONBLOCK), second,
		  client;
	struct dk_address at = { 0 }, peer = { 0 };
	struct dk_accepted a;
	char uri[64];
	u64 done = POISON;
	u32 backlog = 1;

	EXPECT_OK(control(server, DK_CONTROL_LOCAL_ADDRESS, &at, sizeof(at)));
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a), &done),
		      WOULD_BLOCK);
	dkt_snprintf(uri, sizeof(uri), "tcp.server:127.0.0.1:%u", at.port);
	EXPECT_STATUS(try_open(uri, R, DK_OPEN_CREATE_NEW, 0), ADDRESS_IN_USE);
	EXPECT_STATUS(control(server, DK_CONTROL_PEER_ADDRESS, &at, sizeof(at)),
		      NOT_CONNECTED);
	EXPECT_OK(DkObjectClose(server));
	server = serve(uri, 0);
	/* A client may choose its own end. */
	dkt_snprintf(uri, sizeof(uri),
		     "tcp.client:127.0.0.1:%u?bind=127.0.0.7:0", at.port);
	client = call(uri, 0);
	second = take(server, &peer);
	EXPECT_EQ(peer.address[3], 7);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(second));
	EXPECT_OK(DkObjectClose(server));
	dkt_snprintf(uri, sizeof(uri),
		     "tcp.client:127.0.0.1:%u?bind=10.1.2.3:0", at.port);
	EXPECT_STATUS(try_open(uri, RW, DK_OPEN_EXISTING, 0),
		      ADDRESS_NOT_AVAILABLE);
	/* Bound, but not listening yet. */
	server = serve("tcp.server:127.0.0.1:0?backlog=0", NONBLOCK);
	EXPECT_STATUS(try_open(address_of(server, "127.0.0.1"), RW,
			       DK_OPEN_EXISTING, 0),
		      CONNECTION_REFUSED);
	EXPECT_STATUS(DkStreamRead(server, CURRENT, &a, sizeof(a), &done),
		      INVALID_PARAMETER);
	EXPECT_OK(control(server, DK_CONTROL_LISTEN, &backlog, 4));
	EXPECT_OK(try_open(address_of(server, "127.0.0.1"), RW,
			   DK_OPEN_EXISTING, 0));
	EXPECT_OK(DkObjectClose(take(server, NULL)));
	EXPECT_OK(DkObjectClose(server));
}

TEST(connecting_without_waiting)
{
	DK_HANDLE server = serve("tcp.server:127.0.0.1:0", 0), client, h = 0;
	const char *uri = address_of(server, "127.0.0.1");
	s64 error = 1, left;
	u64 done;
	u32 backlog = 1;

	client = call(uri, NONBLOCK);
	h = take(server, NULL);
	while (!(ready(client) & DK_READY_WRITE))
		DkThreadDelayExecution(MSEC, &left);
	EXPECT_OK(control(client, DK_CONTROL_ERROR, &error, 8));
	EXPECT_EQ(error, 0);
	send_text(client, "now");
	expect_text(h, "now");
	EXPECT_OK(DkObjectClose(h));
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
	/* Nobody is there: by opening or by asking. */
	h = POISON;
	if (!DkStreamOpen(URI(uri), RW, DK_OPEN_EXISTING, NONBLOCK, &h)) {
		while (!(ready(h) & (DK_READY_WRITE | DK_READY_ERROR)))
			DkThreadDelayExecution(MSEC, &left);
		EXPECT_OK(control(h, DK_CONTROL_ERROR, &error, 8));
		EXPECT_EQ(error, DK_STATUS_CONNECTION_REFUSED);
		EXPECT_OK(control(h, DK_CONTROL_ERROR, &error, 8));
		EXPECT_EQ(error, 0);
		EXPECT_STATUS(DkStreamWrite(h, CURRENT, "x", 1, &done),
			      BROKEN_PIPE);
		/* It does not become a server, past the rules. */
		EXPECT_STATUS(control(h, DK_CONTROL_LISTEN, &backlog, 4),
			      NOT_SUPPORTED);
		EXPECT_OK(DkObjectClose(h));
	} else {
		dkt_fail("connecting failed at once");
	}
}

TEST(resets)
{
	DK_HANDLE server = serve("tcp.server:127.0.0.1:0", 0), client, here;
	struct dk_socket_option linger = { .option = DK_SOCKET_LINGER };
	u64 done = POISON;
	s64 left;
	char b[8];

	client = call(address_of(server, "127.0.0.1"), 0);
	here = take(server, NULL);
	EXPECT_OK(
		control(here, DK_CONTROL_SET_SOCKET, &linger, sizeof(linger)));
	EXPECT_OK(DkObjectClose(here));
	while (!(ready(client) & DK_READY_CLOSED))
		DkThreadDelayExecution(MSEC, &left);
	EXPECT_STATUS(DkStreamRead(client, CURRENT, b, 8, &done),
		      CONNECTION_RESET);
	EXPECT_STATUS(DkStreamWrite(client, CURRENT, b, 8, &done), BROKEN_PIPE);
	EXPECT_EQ(done, POISON);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
}

/* ---- messages ---- */

static s64 message(DK_HANDLE h, bool send, void *buffer, u64 length, u32 flags,
		   u64 *done)
{
	struct dk_message m = { .buffer = (u64)buffer,
				.length = length,
				.flags = flags,
				.done = POISON };
	s64 status = control(h, send ? DK_CONTROL_SEND : DK_CONTROL_RECEIVE, &m,
			     sizeof(m));

	EXPECT_EQ(m.length, length);
	EXPECT_EQ(m.flags, flags);
	*done = m.done;
	return status;
}

#define MESSAGE_SEND(h, b, n, f) message(h, true, b, n, f, &done)
#define MESSAGE_RECEIVE(h, b, n, f) message(h, false, b, n, f, &done)

static void await(DK_HANDLE h, u32 wanted)
{
	s64 left;

	while (!(ready(h) & wanted))
		DkThreadDelayExecution(MSEC, &left);
}

static void refused_messages(DK_HANDLE a)
{
	struct dk_message m = { .buffer = 8, .length = 4 };
	DK_HANDLE weak = 0, in = 0, out = 0;
	char b[8];
	u64 done;

	EXPECT_STATUS(MESSAGE_RECEIVE(a, b, 8, DK_MESSAGE_MORE),
		      INVALID_PARAMETER);
	EXPECT_EQ(done, POISON);
	EXPECT_STATUS(MESSAGE_SEND(a, b, 8, DK_MESSAGE_PEEK),
		      INVALID_PARAMETER);
	EXPECT_STATUS(MESSAGE_SEND(a, b, 8, 0x10), INVALID_PARAMETER);
	m.reserved = 1;
	EXPECT_STATUS(control(a, DK_CONTROL_SEND, &m, sizeof(m)),
		      INVALID_PARAMETER);
	m.reserved = 0;
	EXPECT_STATUS(control(a, DK_CONTROL_SEND, &m, sizeof(m) - 8),
		      INVALID_PARAMETER);
	EXPECT_STATUS(control(a, DK_CONTROL_SEND, &m, sizeof(m)),
		      INVALID_POINTER);
	m.buffer = 1ULL << 63;
	EXPECT_STATUS(control(a, DK_CONTROL_RECEIVE, &m, sizeof(m)),
		      INVALID_POINTER);
	EXPECT_STATUS(control(a, DK_CONTROL_SEND, (void *)8, sizeof(m)),
		      INVALID_POINTER);
	EXPECT_OK(DkObjectReference(a, DK_RIGHT_READ, &weak));
	EXPECT_STATUS(MESSAGE_SEND(weak, b, 1, 0), ACCESS_DENIED);
	EXPECT_STATUS(MESSAGE_RECEIVE(weak, b, 1, 0), WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectReference(a, DK_RIGHT_WRITE, &weak));
	EXPECT_STATUS(MESSAGE_RECEIVE(weak, b, 1, 0), ACCESS_DENIED);
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkxPipeCreate(0, &in, &out));
	EXPECT_STATUS(MESSAGE_RECEIVE(in, b, 1, 0), NOT_SUPPORTED);
	EXPECT_STATUS(MESSAGE_SEND(out, b, 1, 0), NOT_SUPPORTED);
	EXPECT_OK(DkObjectClose(in));
	EXPECT_OK(DkObjectClose(out));
}

/* It is told of by an event, as long as it was not taken. */
static void urgent_event(DK_HANDLE a, DK_HANDLE b)
{
	DK_HANDLE event = POISON, readable = POISON;
	u64 done, index;
	char c = 0;

	EXPECT_OK(DkStreamGetEvent(b, DK_STREAM_URGENT, &event));
	EXPECT_OK(DkStreamGetEvent(b, DK_STREAM_READABLE, &readable));
	EXPECT_OK(MESSAGE_SEND(a, "plain", 5, 0));
	EXPECT_TRUE(dkt_wait(readable));
	EXPECT_STATUS(DkObjectsWaitAny(1, &event, 0, &index), TIMEOUT);
	expect_text(b, "plain");
	EXPECT_OK(MESSAGE_SEND(a, "!", 1, DK_MESSAGE_URGENT));
	EXPECT_TRUE(dkt_wait(event));
	EXPECT_TRUE(dkt_wait(event));
	await(b, DK_READY_URGENT);
	EXPECT_OK(MESSAGE_RECEIVE(b, &c, 1, DK_MESSAGE_URGENT));
	EXPECT_EQ(c, '!');
	EXPECT_STATUS(DkObjectsWaitAny(1, &event, 0, &index), TIMEOUT);
	DkObjectClose(event);
	DkObjectClose(readable);
}

TEST(messages)
{
	DK_HANDLE server = serve("tcp.server:127.0.0.1:0", 0), a, b;
	static char large[65536];
	u64 done = POISON, sent = 0;
	char c[16] = "";
	s64 status;

	a = call(address_of(server, "127.0.0.1"), 0);
	b = take(server, NULL);
	EXPECT_STATUS(MESSAGE_RECEIVE(server, c, 16, 0), NOT_SUPPORTED);
	refused_messages(a);
	/* The stream waits, the message does not. */
	EXPECT_STATUS(MESSAGE_RECEIVE(b, c, 16, 0), WOULD_BLOCK);
	EXPECT_OK(MESSAGE_SEND(a, "abcdef", 6, 0));
	EXPECT_EQ(done, 6);
	await(b, DK_READY_READ);
	EXPECT_OK(MESSAGE_RECEIVE(b, c, 3, DK_MESSAGE_PEEK));
	EXPECT_EQ(done, 3);
	EXPECT_EQ(memcmp(c, "abc", 4), 0);
	EXPECT_OK(MESSAGE_RECEIVE(b, c, 16, DK_MESSAGE_PEEK));
	EXPECT_EQ(done, 6);
	EXPECT_OK(MESSAGE_RECEIVE(b, NULL, 2, DK_MESSAGE_DISCARD));
	EXPECT_EQ(done, 2);
	expect_text(b, "cdef");
	EXPECT_STATUS(MESSAGE_RECEIVE(b, c, 16, DK_MESSAGE_PEEK), WOULD_BLOCK);
	EXPECT_STATUS(MESSAGE_RECEIVE(b, c, 1, DK_MESSAGE_URGENT),
		      INVALID_PARAMETER);
	urgent_event(a, b);
	EXPECT_OK(MESSAGE_SEND(a, "one ", 4, DK_MESSAGE_MORE));
	EXPECT_OK(MESSAGE_SEND(a, "two", 3, 0));
	expect_text(b, "one two");
	/* Until there is no room. */
	do {
		status = MESSAGE_SEND(a, large, sizeof(large), 0);
		sent += status ? 0 : done;
	} while (!status);
	EXPECT_STATUS(status, WOULD_BLOCK);
	while (sent) {
		await(b, DK_READY_READ);
		EXPECT_OK(MESSAGE_RECEIVE(b, large, sizeof(large), 0));
		sent -= done;
	}
	EXPECT_OK(DkObjectClose(b));
	await(a, DK_READY_READ_CLOSED);
	EXPECT_OK(MESSAGE_RECEIVE(a, c, 16, 0));
	EXPECT_EQ(done, 0);
	shut(a, DK_SHUTDOWN_WRITE);
	EXPECT_STATUS(MESSAGE_SEND(a, "x", 1, 0), BROKEN_PIPE);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(server));
}

TEST(socket_options)
{
	static const struct {
		u32 option;
		int set, get;
	} rows[] = {
		{ DK_SOCKET_REUSE_ADDRESS, 1, 1 },
		{ DK_SOCKET_REUSE_PORT, 1, 1 },
		{ DK_SOCKET_KEEPALIVE, 1, 1 },
		{ DK_SOCKET_LINGER, 5, 5 },
		{ DK_SOCKET_LINGER, -1, -1 },
		{ DK_SOCKET_SEND_BUFFER, 50000, 100000 },
		{ DK_SOCKET_RECEIVE_BUFFER, 50000, 100000 },
		{ DK_SOCKET_RECEIVE_LOW, 2, 2 },
		{ DK_SOCKET_OUT_OF_BAND, 1, 1 },
		{ DK_SOCKET_PRIORITY, 3, 3 },
		{ DK_SOCKET_NODELAY, 1, 1 },
		{ DK_SOCKET_CORK, 1, 1 },
		{ DK_SOCKET_KEEPALIVE_IDLE, 77, 77 },
		{ DK_SOCKET_KEEPALIVE_INTERVAL, 7, 7 },
		{ DK_SOCKET_KEEPALIVE_COUNT, 3, 3 },
		{ DK_SOCKET_USER_TIMEOUT, 1234, 1234 },
	};
	DK_HANDLE server = serve("tcp.server:[::1]:0?only6", 0), client, a, b;
	struct dk_socket_option o;
	u32 unsent = 77;

	client = call(address_of(server, "[::1]"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		o = (struct dk_socket_option){ .option = rows[i].option,
					       .value = rows[i].set };
		EXPECT_OK(
			control(client, DK_CONTROL_SET_SOCKET, &o, sizeof(o)));
		o.value = 0x5a5a;
		EXPECT_OK(
			control(client, DK_CONTROL_GET_SOCKET, &o, sizeof(o)));
		if (o.value != rows[i].get)
			dkt_fail("option %u is %d, not %d", rows[i].option,
				 o.value, rows[i].get);
	}
	o.option = DK_SOCKET_ONLY_IPV6;
	EXPECT_OK(control(server, DK_CONTROL_GET_SOCKET, &o, sizeof(o)));
	EXPECT_EQ(o.value, 1);
	/* Who gets to a server is what its name and the rules say. */
	o.value = 0;
	EXPECT_STATUS(control(server, DK_CONTROL_SET_SOCKET, &o, sizeof(o)),
		      INVALID_PARAMETER);
	o.option = DK_SOCKET_SEGMENT_SIZE;
	EXPECT_OK(control(client, DK_CONTROL_GET_SOCKET, &o, sizeof(o)));
	EXPECT_TRUE(o.value > 500);
	EXPECT_OK(control(client, DK_CONTROL_UNSENT, &unsent, 4));
	EXPECT_EQ(unsent, 0);
	o.option = 0;
	EXPECT_STATUS(control(client, DK_CONTROL_GET_SOCKET, &o, sizeof(o)),
		      INVALID_PARAMETER);
	o.option = 20;
	EXPECT_STATUS(control(client, DK_CONTROL_SET_SOCKET, &o, sizeof(o)),
		      INVALID_PARAMETER);
	o = (struct dk_socket_option){ .option = DK_SOCKET_LINGER,
				       .value = -2 };
	EXPECT_STATUS(control(client, DK_CONTROL_SET_SOCKET, &o, sizeof(o)),
		      INVALID_PARAMETER);
	o = (struct dk_socket_option){ .option = DK_SOCKET_KEEPALIVE_IDLE,
				       .value = 0 };
	EXPECT_STATUS(control(client, DK_CONTROL_SET_SOCKET, &o, sizeof(o)),
		      INVALID_PARAMETER);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
	/* Those of TCP are of TCP alone. */
	EXPECT_OK(DkxPipeCreate(DK_PIPE_DUPLEX, &a, &b));
	o.option = DK_SOCKET_NODELAY;
	EXPECT_STATUS(control(a, DK_CONTROL_GET_SOCKET, &o, sizeof(o)),
		      NOT_SUPPORTED);
	EXPECT_STATUS(control(a, DK_CONTROL_SET_SOCKET, &o, sizeof(o)),
		      NOT_SUPPORTED);
	o.option = DK_SOCKET_ONLY_IPV6;
	EXPECT_STATUS(control(a, DK_CONTROL_GET_SOCKET, &o, sizeof(o)),
		      NOT_SUPPORTED);
	o.option = DK_SOCKET_SEND_BUFFER;
	EXPECT_OK(control(a, DK_CONTROL_GET_SOCKET, &o, sizeof(o)));
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}

/* Numbers of protocols mean something within a family; see image_main.c. */
TEST(options_of_another_family)
{
	DK_HANDLE other =
		dkt_open("stderr:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	static const u32 of_tcp[] = { DK_SOCKET_NODELAY, DK_SOCKET_CORK,
				      DK_SOCKET_SEGMENT_SIZE,
				      DK_SOCKET_ONLY_IPV6 };
	struct dk_socket_option o = { .option = DK_SOCKET_SEND_BUFFER };

	EXPECT_OK(control(other, DK_CONTROL_GET_SOCKET, &o, sizeof(o)));
	EXPECT_TRUE(o.value > 0);
	for (size_t i = 0; i < ARRAY_SIZE(of_tcp); i++) {
		o = (struct dk_socket_option){ .option = of_tcp[i],
					       .value = 1 };
		EXPECT_STATUS(control(other, DK_CONTROL_GET_SOCKET, &o,
				      sizeof(o)),
			      NOT_SUPPORTED);
		EXPECT_STATUS(control(other, DK_CONTROL_SET_SOCKET, &o,
				      sizeof(o)),
			      NOT_SUPPORTED);
	}
	EXPECT_OK(DkObjectClose(other));
}

/* ---- races ---- */

static volatile bool stop;

static void race_calls(u64 parameter)
{
	const char *uri = parameter ? "pipe.client:race" : caller_uri;
	DK_HANDLE h;
	u64 done;

	while (!stop) {
		s64 status;

		h = 0;
		status = DkStreamOpen(URI(uri), RW, DK_OPEN_EXISTING, 0, &h);
		if (status && status != DK_STATUS_NOT_FOUND &&
		    status != DK_STATUS_CONNECTION_REFUSED &&
		    status != DK_STATUS_CONNECTION_RESET &&
		    status != DK_STATUS_ADDRESS_NOT_AVAILABLE)
			dkt_fail("client: %s", dkt_status(status));
		if (status)
			continue;
		DkStreamWrite(h, CURRENT, "race", 4, &done);
		DkObjectClose(h);
	}
}

static void race_accepts(u64 parameter)
{
	struct dk_accepted a;
	u64 done;

	while (!stop) {
		s64 status =
			DkStreamRead(accepting, CURRENT, &a, sizeof(a), &done);

		if (!status)
			DkObjectClose(a.stream);
		else if (status != DK_STATUS_INVALID_HANDLE &&
			 status != DK_STATUS_WOULD_BLOCK &&
			 status != DK_STATUS_CONNECTION_RESET)
			dkt_fail("server: %s", dkt_status(status));
	}
}

static void race(const char *server, u64 named)
{
	DK_HANDLE t[3], h;
	s64 end = dkt_now() + 700 * MSEC, left;
	struct dkt_counts before, after;
	u64 n = 0;

	dkt_counts(&before);
	stop = false;
	t[0] = dkt_thread(race_calls, named);
	t[1] = dkt_thread(race_calls, named);
	t[2] = dkt_thread(race_accepts, 0);
	while (dkt_now() < end) {
		h = 0;
		if (DkStreamOpen(URI(server), R, DK_OPEN_CREATE_NEW, NONBLOCK,
				 &h))
			continue;
		*(volatile DK_HANDLE *)&accepting = h;
		DkThreadDelayExecution((n % 4) * MSEC, &left);
		EXPECT_OK(DkObjectClose(h));
		n++;
	}
	stop = true;
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(dkt_wait(t[i]));
		EXPECT_OK(DkObjectClose(t[i]));
	}
	EXPECT_GE(n, 5);
	for (int i = 0; i < 200; i++) {
		dkt_counts(&after);
		if (after.objects == before.objects)
			break;
		DkThreadDelayExecution(5 * MSEC, &left);
	}
	EXPECT_EQ(after.objects, before.objects);
	EXPECT_EQ(after.handles, before.handles);
}

TEST(servers_close_while_clients_call)
{
	DK_HANDLE h;
	static char uri[64];

	race("pipe.server:race", 1);
	/* A port that is free, most likely. */
	h = serve("tcp.server:127.0.0.1:0", 0);
	caller_uri = address_of(h, "127.0.0.1");
	EXPECT_OK(DkObjectClose(h));
	dkt_snprintf(uri, sizeof(uri), "tcp.server%s?reuse", caller_uri + 10);
	race(uri, 0);
}

/* The process ends with all of these asleep: the outer side sees what is left. */
static void accept_for_ever(u64 server)
{
	struct dk_accepted a;
	u64 done;

	DkStreamRead(server, CURRENT, &a, sizeof(a), &done);
	dkt_fail("accepting returned");
}

TEST(exit_ends_all_waits)
{
	DK_HANDLE p = serve("pipe.server:exit", 0), full;
	s64 left;
	u32 backlog = 1;

	DkObjectClose(dkt_thread(accept_for_ever, p));
	DkObjectClose(dkt_thread(accept_for_ever,
				 serve("tcp.server:127.0.0.1:0", 0)));
	full = serve("pipe.server:exit-full", 0);
	EXPECT_OK(control(full, DK_CONTROL_LISTEN, &backlog, 4));
	call("pipe.client:exit-full", 0);
	DkObjectClose(start_caller("pipe.client:exit-full"));
	DkThreadDelayExecution(20 * MSEC, &left);
	EXPECT_EQ(status_of_caller, 1);
}
