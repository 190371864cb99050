// SPDX-License-Identifier: GPL-2.0-only
/*
 * local: sockets with DkxParcelSend and DkxParcelReceive.
 */
#include "dktest.h"

#define CURRENT	DK_OFFSET_CURRENT
#define BOTH	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define NEW	DK_OPEN_CREATE_NEW

static DK_HANDLE new_socket(const char *uri)
{
	return dkt_open(uri, BOTH, NEW, 0);
}

struct pair {
	DK_HANDLE a, b;
};

static struct pair new_pair(u64 type)
{
	struct pair p = { POISON, POISON };

	EXPECT_OK(DkxPipeCreate(type, &p.a, &p.b));
	EXPECT_NE(p.a, p.b);
	return p;
}

static void close_pair(struct pair p)
{
	EXPECT_OK(DkObjectClose(p.a));
	EXPECT_OK(DkObjectClose(p.b));
}

static DK_STATUS send(DK_HANDLE to, const char *text, const DK_HANDLE *handles,
		      u32 count)
{
	struct dk_buffer buffer = { (u64)text, strlen(text) };
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .attachment = (u64) "att",
			       .attachment_length = 3,
			       .handles = (u64)handles,
			       .handle_count = count,
			       .timeout = 10 * SEC };
	DK_STATUS status = DkxParcelSend(to, &p, sizeof(p));

	if (!status)
		EXPECT_EQ(p.done, strlen(text));
	return status;
}

static struct {
	char data[64], attachment[16], name[DK_LOCAL_NAME_MAX];
	DK_HANDLE handles[4];
	struct dk_parcel p;
} got;

static DK_STATUS receive(DK_HANDLE from, u32 size, u32 flags)
{
	struct dk_buffer buffer = { (u64)got.data, size };

	memset(&got, 0x5a, sizeof(got));
	got.p = (struct dk_parcel){ .buffers = (u64)&buffer,
				    .buffer_count = 1,
				    .flags = flags,
				    .attachment = (u64)got.attachment,
				    .attachment_length = sizeof(got.attachment),
				    .handles = (u64)got.handles,
				    .handle_count = ARRAY_SIZE(got.handles),
				    .name = (u64)got.name,
				    .timeout = 10 * SEC };
	return DkxParcelReceive(from, &got.p, sizeof(got.p));
}

static void expect(DK_HANDLE from, const char *text)
{
	EXPECT_OK(receive(from, sizeof(got.data), 0));
	EXPECT_EQ(got.p.done, strlen(text));
	EXPECT_EQ(memcmp(got.data, text, strlen(text)), 0);
}

static DK_STATUS name_call(DK_HANDLE socket, u64 operation, const char *key,
			   u32 flags)
{
	struct dk_local_name name = { .key_length = strlen(key),
				      .name_length = strlen(key) + 1,
				      .flags = flags };

	memcpy(name.key, key, strlen(key));
	memcpy(name.name, "=", 1);
	memcpy(name.name + 1, key, strlen(key));
	return DkxStreamControl(socket, operation, &name, sizeof(name));
}

#define BIND(s, key)	name_call(s, DK_CONTROL_BIND, key, 0)
#define CONNECT(s, key)	name_call(s, DK_CONTROL_CONNECT, key, 0)

static DK_STATUS listen(DK_HANDLE socket, u32 backlog)
{
	return DkxStreamControl(socket, DK_CONTROL_LISTEN, &backlog,
				sizeof(backlog));
}

static u32 ready(DK_HANDLE socket)
{
	u32 r = 0;

	EXPECT_OK(DkxStreamControl(socket, DK_CONTROL_READY, &r, sizeof(r)));
	return r & ~0x7c0U;
}

static DK_STATUS shut(DK_HANDLE socket, u32 how)
{
	return DkxStreamControl(socket, DK_CONTROL_SHUTDOWN, &how, sizeof(how));
}

static s64 error_of(DK_HANDLE socket)
{
	s64 error = POISON;

	EXPECT_OK(DkxStreamControl(socket, DK_CONTROL_ERROR, &error,
				   sizeof(error)));
	return error;
}

TEST(bytes)
{
	struct pair p = new_pair(DK_PIPE_LOCAL_STREAM);
	u32 unread = 0;

	EXPECT_EQ(ready(p.a), DK_READY_WRITE);
	EXPECT_OK(send(p.a, "hello ", NULL, 0));
	EXPECT_OK(send(p.a, "world", NULL, 0));
	EXPECT_EQ(ready(p.b), DK_READY_READ | DK_READY_WRITE);
	EXPECT_OK(DkxStreamControl(p.b, DK_CONTROL_UNREAD, &unread, 4));
	EXPECT_EQ(unread, 11);
	EXPECT_OK(receive(p.b, 3, DK_PARCEL_PEEK));
	EXPECT_EQ(got.p.done, 3);
	EXPECT_EQ(got.p.attachment_length, 3);
	EXPECT_EQ(memcmp(got.attachment, "att", 3), 0);
	EXPECT_EQ(got.p.handle_count, 0);
	EXPECT_OK(receive(p.b, 2, 0));
	EXPECT_EQ(got.p.done, 2);
	expect(p.b, "llo world");
	EXPECT_STATUS(receive(p.b, 8, DK_PARCEL_NONBLOCK), WOULD_BLOCK);
	EXPECT_OK(shut(p.a, DK_SHUTDOWN_WRITE));
	EXPECT_OK(receive(p.b, 8, 0));
	EXPECT_EQ(got.p.done, 0);
	EXPECT_STATUS(send(p.a, "x", NULL, 0), BROKEN_PIPE);
	EXPECT_OK(send(p.b, "back", NULL, 0));
	expect(p.a, "back");
	/* Who goes with letters unread resets the connection. */
	EXPECT_OK(send(p.b, "lost", NULL, 0));
	EXPECT_OK(shut(p.b, DK_SHUTDOWN_READ));
	EXPECT_OK(DkObjectClose(p.a));
	EXPECT_STATUS(send(p.b, "x", NULL, 0), BROKEN_PIPE);
	EXPECT_STATUS(receive(p.b, 8, 0), CONNECTION_RESET);
	EXPECT_OK(receive(p.b, 8, 0));
	EXPECT_EQ(got.p.done, 0);
	EXPECT_EQ(error_of(p.b), DK_STATUS_SUCCESS);
	EXPECT_OK(DkObjectClose(p.b));
}

/* What becomes of a connection is told once, by whatever asks first. */
TEST(resets)
{
	struct pair p = new_pair(DK_PIPE_LOCAL_PACKET);
	DK_HANDLE server = new_socket("local:stream");
	DK_HANDLE client = new_socket("local:stream");

	EXPECT_EQ(error_of(p.a), DK_STATUS_SUCCESS);
	EXPECT_OK(send(p.a, "lost", NULL, 0));
	EXPECT_OK(DkObjectClose(p.b));
	EXPECT_TRUE(ready(p.a) & DK_READY_ERROR);
	EXPECT_EQ(error_of(p.a), DK_STATUS_CONNECTION_RESET);
	EXPECT_FALSE(ready(p.a) & DK_READY_ERROR);
	EXPECT_EQ(error_of(p.a), DK_STATUS_SUCCESS);
	EXPECT_OK(receive(p.a, 8, 0));
	EXPECT_EQ(got.p.done, 0);
	EXPECT_OK(DkObjectClose(p.a));
	/* Of one that was not accepted, whatever it has sent. */
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(BIND(server, "reset"));
		EXPECT_OK(listen(server, 1));
		EXPECT_OK(CONNECT(client, "reset"));
		if (i)
			EXPECT_OK(send(client, "lost", NULL, 0));
		EXPECT_OK(DkObjectClose(server));
		EXPECT_STATUS(receive(client, 8, 0), CONNECTION_RESET);
		EXPECT_OK(receive(client, 8, 0));
		EXPECT_EQ(got.p.done, 0);
		EXPECT_OK(DkObjectClose(client));
		server = new_socket("local:stream");
		client = new_socket("local:stream");
	}
	/* Shut before there is a connection. */
	EXPECT_OK(shut(client, DK_SHUTDOWN_WRITE));
	EXPECT_STATUS(receive(client, 8, 0), INVALID_PARAMETER);
	EXPECT_STATUS(send(client, "x", NULL, 0), NOT_CONNECTED);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
}

/* Who is at the other end: of datagrams, only where both know each other. */
TEST(identities)
{
	const u64 types[] = { DK_PIPE_LOCAL_STREAM, DK_PIPE_LOCAL_DATAGRAM };
	u8 identity[DK_LOCAL_IDENTITY_SIZE] = "somebody", none[8] = "";
	DK_HANDLE a = new_socket("local:datagram");
	DK_HANDLE b = new_socket("local:datagram");
	struct dk_local_name name;

	for (int i = 0; i < 2; i++) {
		struct pair p = new_pair(types[i]);

		EXPECT_OK(DkxStreamControl(p.a, DK_CONTROL_IDENTITY, identity,
					   sizeof(identity)));
		EXPECT_OK(DkxStreamControl(p.b, DK_CONTROL_PEER_NAME, &name,
					   sizeof(name)));
		EXPECT_EQ(memcmp(name.identity, "somebody", 8), 0);
		close_pair(p);
	}
	EXPECT_OK(BIND(b, "b"));
	EXPECT_OK(CONNECT(a, "b"));
	for (int i = 0; i < 2; i++)
		EXPECT_OK(DkxStreamControl(i ? a : b, DK_CONTROL_IDENTITY,
					   identity, sizeof(identity)));
	EXPECT_OK(
		DkxStreamControl(a, DK_CONTROL_PEER_NAME, &name, sizeof(name)));
	EXPECT_EQ(memcmp(name.identity, none, 8), 0);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}

TEST(messages)
{
	u64 types[] = { DK_PIPE_LOCAL_PACKET, DK_PIPE_LOCAL_DATAGRAM };

	for (int i = 0; i < 2; i++) {
		struct pair p = new_pair(types[i]);

		EXPECT_OK(send(p.a, "one", NULL, 0));
		EXPECT_OK(send(p.a, "", NULL, 0));
		EXPECT_OK(send(p.a, "three", NULL, 0));
		expect(p.b, "one");
		expect(p.b, "");
		EXPECT_OK(receive(p.b, 2, 0));
		EXPECT_EQ(got.p.done, 2);
		EXPECT_EQ(got.p.whole, 5);
		EXPECT_EQ(got.p.result, DK_PARCEL_TRUNCATED);
		EXPECT_STATUS(receive(p.b, 8, DK_PARCEL_NONBLOCK), WOULD_BLOCK);
		close_pair(p);
	}
}

TEST(limits)
{
	struct pair p =
		new_pair(DK_PIPE_LOCAL_DATAGRAM | DK_PIPE_NONBLOCK_READ);
	u64 size = 300000;
	char *big = dkt_pages(size / PAGE + 1);
	struct dk_buffer buffer = { (u64)big, size };
	struct dk_parcel parcel = { .buffers = (u64)&buffer,
				    .buffer_count = 1,
				    .timeout = DK_TIMEOUT_INFINITE };
	int n = 0;

	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)), TOO_LARGE);
	buffer.length = 50000;
	while (n < 100 && !DkxParcelSend(p.a, &parcel, sizeof(parcel)))
		n++;
	EXPECT_EQ(n, 4);
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)), WOULD_BLOCK);
	parcel.flags = 0;
	parcel.timeout = MSEC;
	close_pair(p);

	p = new_pair(DK_PIPE_LOCAL_STREAM);
	buffer.length = size;
	EXPECT_OK(DkxParcelSend(p.a, &parcel, sizeof(parcel)));
	EXPECT_LE(parcel.done, 212992);
	EXPECT_GE(parcel.done, 150000);
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)), WOULD_BLOCK);
	close_pair(p);
	DkVirtualMemoryFree(big, (size / PAGE + 1) * PAGE, DK_MEM_RELEASE);
}

TEST(handles_travel)
{
	struct pair p = new_pair(DK_PIPE_LOCAL_STREAM), q;
	DK_HANDLE event, sent[2];
	u64 done;
	char c;

	q = new_pair(DK_PIPE_LOCAL_STREAM);
	EXPECT_OK(DkxPipeCreate(0, &sent[0], &sent[1]));
	EXPECT_OK(send(p.a, "plain", NULL, 0));
	EXPECT_OK(send(p.a, "with", sent, 2));
	EXPECT_OK(send(p.a, "after", NULL, 0));
	EXPECT_OK(DkObjectClose(sent[0]));
	EXPECT_OK(DkObjectClose(sent[1]));
	expect(p.b, "plain");
	EXPECT_EQ(got.p.handle_count, 0);
	/* Looked at, they come twice. */
	EXPECT_OK(receive(p.b, 1, DK_PARCEL_PEEK));
	EXPECT_EQ(got.p.handle_count, 2);
	EXPECT_OK(DkObjectClose(got.handles[0]));
	EXPECT_OK(DkObjectClose(got.handles[1]));
	EXPECT_OK(receive(p.b, 1, 0));
	EXPECT_EQ(got.p.done, 1);
	EXPECT_EQ(got.p.handle_count, 2);
	sent[0] = got.handles[0];
	sent[1] = got.handles[1];
	expect(p.b, "ithafter");
	EXPECT_EQ(got.p.handle_count, 0);
	/* They are what was sent, with its rights. */
	EXPECT_OK(DkStreamWrite(sent[1], CURRENT, "x", 1, &done));
	EXPECT_OK(DkStreamRead(sent[0], CURRENT, &c, 1, &done));
	EXPECT_EQ(c, 'x');
	EXPECT_STATUS(DkStreamWrite(sent[0], CURRENT, "x", 1, &done),
		      ACCESS_DENIED);
	/* Too little room: it stays. */
	EXPECT_OK(send(p.a, "y", sent, 2));
	{
		struct dk_parcel small = { .timeout = 0 };

		EXPECT_STATUS(DkxParcelReceive(p.b, &small, sizeof(small)),
			      BUFFER_TOO_SMALL);
		EXPECT_EQ(small.attachment_length, 3);
		EXPECT_EQ(small.handle_count, 2);
	}
	EXPECT_OK(receive(p.b, 8, 0));
	EXPECT_EQ(got.p.handle_count, 2);
	EXPECT_OK(DkObjectClose(got.handles[0]));
	EXPECT_OK(DkObjectClose(got.handles[1]));
	/* Only streams. */
	EXPECT_OK(DkNotificationEventCreate(0, &event));
	EXPECT_STATUS(send(p.a, "z", &event, 1), WRONG_TYPE);
	EXPECT_OK(DkObjectClose(event));
	EXPECT_STATUS(send(p.a, "z", &event, 1), INVALID_HANDLE);
	EXPECT_STATUS(send(p.a, "z", (DK_HANDLE *)8, 1), INVALID_POINTER);
	EXPECT_OK(DkObjectClose(sent[0]));
	EXPECT_OK(DkObjectClose(sent[1]));
	/* What nobody receives goes with the socket, and its kind, too. */
	EXPECT_OK(send(p.a, "q", &q.a, 1));
	EXPECT_OK(send(q.b, "p", &p.b, 1));
	close_pair(p);
	close_pair(q);
	/* A ring of its own goes with the process. */
	p = new_pair(DK_PIPE_LOCAL_STREAM);
	EXPECT_OK(send(p.a, "self", &p.b, 1));
	EXPECT_OK(send(p.b, "self", &p.a, 1));
	close_pair(p);
}

/* Each in the queue of the next: they end one after the other. */
TEST(a_long_chain)
{
	struct pair last = new_pair(DK_PIPE_LOCAL_STREAM), next;

	for (int i = 0; i < 2000; i++) {
		next = new_pair(DK_PIPE_LOCAL_STREAM);
		ASSERT_OK(send(next.a, "x", &last.b, 1));
		EXPECT_OK(DkObjectClose(last.a));
		EXPECT_OK(DkObjectClose(last.b));
		last = next;
	}
	close_pair(last);
}

TEST(names)
{
	DK_HANDLE server = new_socket("local:stream");
	DK_HANDLE client = new_socket("local:stream");
	DK_HANDLE other = new_socket("local:stream");
	struct dk_local_name name;
	u8 identity[DK_LOCAL_IDENTITY_SIZE] = "server";

	EXPECT_EQ(ready(server), DK_READY_WRITE | DK_READY_CLOSED);
	EXPECT_STATUS(listen(server, 1), INVALID_PARAMETER);
	EXPECT_STATUS(BIND(server, ""), INVALID_PARAMETER);
	EXPECT_OK(BIND(server, "here"));
	EXPECT_STATUS(BIND(server, "there"), INVALID_PARAMETER);
	EXPECT_STATUS(BIND(other, "here"), ADDRESS_IN_USE);
	EXPECT_STATUS(CONNECT(client, "there"), CONNECTION_REFUSED);
	EXPECT_STATUS(CONNECT(client, "here"), CONNECTION_REFUSED);
	EXPECT_STATUS(receive(server, 8, DK_PARCEL_ACCEPT), INVALID_PARAMETER);
	EXPECT_STATUS(receive(client, 8, 0), INVALID_PARAMETER);
	EXPECT_STATUS(send(client, "x", NULL, 0), NOT_CONNECTED);
	EXPECT_OK(shut(client, DK_SHUTDOWN_READ));
	EXPECT_STATUS(DkxStreamControl(client, DK_CONTROL_PEER_NAME, &name,
				       sizeof(name)),
		      NOT_CONNECTED);
	EXPECT_OK(DkxStreamControl(server, DK_CONTROL_IDENTITY, identity,
				   sizeof(identity)));
	EXPECT_OK(listen(server, 0));
	EXPECT_STATUS(CONNECT(server, "here"), INVALID_PARAMETER);
	EXPECT_STATUS(receive(server, 8, DK_PARCEL_ACCEPT | DK_PARCEL_NONBLOCK),
		      WOULD_BLOCK);
	EXPECT_OK(BIND(client, "client"));
	EXPECT_OK(CONNECT(client, "here"));
	EXPECT_STATUS(CONNECT(client, "here"), ALREADY_EXISTS);
	EXPECT_EQ(ready(server), DK_READY_READ);
	EXPECT_OK(send(client, "early", NULL, 0));
	EXPECT_OK(DkxStreamControl(client, DK_CONTROL_PEER_NAME, &name,
				   sizeof(name)));
	EXPECT_EQ(name.name_length, 5);
	EXPECT_EQ(memcmp(name.name, "=here", 5), 0);
	EXPECT_EQ(memcmp(name.identity, "server", 6), 0);
	/* One more waits than the backlog says; the next has no room. */
	{
		u32 options = DK_OPTION_NONBLOCK;

		EXPECT_OK(DkxStreamControl(other, DK_CONTROL_SET_OPTIONS,
					   &options, sizeof(options)));
		EXPECT_STATUS(CONNECT(other, "here"), WOULD_BLOCK);
	}
	EXPECT_OK(receive(server, 0, DK_PARCEL_ACCEPT));
	EXPECT_EQ(got.p.handle_count, 1);
	EXPECT_EQ(got.p.name_length, 7);
	EXPECT_EQ(memcmp(got.name, "=client", 7), 0);
	EXPECT_OK(DkObjectClose(client));
	client = got.handles[0];
	expect(client, "early");
	EXPECT_OK(receive(client, 8, 0));
	EXPECT_EQ(got.p.done, 0);
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(CONNECT(other, "here"));
	/* Whoever was not accepted sees a reset, and the end. */
	EXPECT_OK(DkObjectClose(server));
	EXPECT_STATUS(receive(other, 8, 0), CONNECTION_RESET);
	EXPECT_OK(receive(other, 8, 0));
	EXPECT_EQ(got.p.done, 0);
	EXPECT_OK(DkObjectClose(other));
	/* The name is free again. */
	server = new_socket("local:stream");
	EXPECT_OK(BIND(server, "here"));
	EXPECT_OK(DkObjectClose(server));
}

TEST(datagrams_by_name)
{
	DK_HANDLE a = new_socket("local:datagram");
	DK_HANDLE b = new_socket("local:datagram");
	DK_HANDLE s = new_socket("local:stream"), c;
	struct dk_buffer buffer = { (u64) "hi", 2 };
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .name = (u64) "b",
			       .name_length = 1,
			       .timeout = DK_TIMEOUT_INFINITE };

	EXPECT_OK(BIND(a, "a"));
	EXPECT_OK(BIND(s, "s"));
	EXPECT_STATUS(DkxParcelSend(a, &p, sizeof(p)), CONNECTION_REFUSED);
	EXPECT_OK(BIND(b, "b"));
	EXPECT_OK(DkxParcelSend(a, &p, sizeof(p)));
	expect(b, "hi");
	EXPECT_EQ(got.p.name_length, 2);
	EXPECT_EQ(memcmp(got.name, "=a", 2), 0);
	p.name = (u64) "s";
	EXPECT_STATUS(DkxParcelSend(a, &p, sizeof(p)), WRONG_TYPE);
	EXPECT_STATUS(DkxParcelSend(s, &p, sizeof(p)), NOT_SUPPORTED);
	EXPECT_STATUS(CONNECT(a, "s"), WRONG_TYPE);
	EXPECT_STATUS(CONNECT(s, "b"), WRONG_TYPE);
	c = new_socket("local:datagram");
	EXPECT_OK(CONNECT(c, "a"));
	EXPECT_OK(CONNECT(a, "b"));
	EXPECT_OK(send(a, "connected", NULL, 0));
	expect(b, "connected");
	EXPECT_STATUS(send(b, "x", NULL, 0), NOT_CONNECTED);
	EXPECT_STATUS(listen(b, 1), NOT_SUPPORTED);
	/* Who has a peer hears nobody else. */
	EXPECT_STATUS(send(c, "x", NULL, 0), NOT_PERMITTED);
	EXPECT_OK(CONNECT(c, ""));
	EXPECT_STATUS(CONNECT(c, "a"), NOT_PERMITTED);
	p.name = (u64) "a";
	EXPECT_STATUS(DkxParcelSend(c, &p, sizeof(p)), NOT_PERMITTED);
	EXPECT_OK(DkxParcelSend(b, &p, sizeof(p)));
	expect(a, "hi");
	/* What a former peer sent is lost. */
	EXPECT_OK(DkxParcelSend(b, &p, sizeof(p)));
	EXPECT_OK(CONNECT(a, "b"));
	expect(a, "hi");
	EXPECT_OK(DkxParcelSend(b, &p, sizeof(p)));
	EXPECT_OK(CONNECT(a, ""));
	EXPECT_OK(CONNECT(a, "b"));
	EXPECT_STATUS(receive(a, 8, DK_PARCEL_NONBLOCK), WOULD_BLOCK);
	EXPECT_OK(CONNECT(b, "a"));
	EXPECT_OK(CONNECT(b, ""));
	EXPECT_OK(DkObjectClose(c));
	EXPECT_OK(DkObjectClose(b));
	/* Who hears that its peer is gone has none any more. */
	c = new_socket("local:datagram");
	EXPECT_STATUS(DkxParcelSend(c, &p, sizeof(p)), NOT_PERMITTED);
	EXPECT_STATUS(send(a, "x", NULL, 0), CONNECTION_REFUSED);
	EXPECT_STATUS(send(a, "x", NULL, 0), NOT_CONNECTED);
	EXPECT_OK(DkxParcelSend(c, &p, sizeof(p)));
	expect(a, "hi");
	EXPECT_OK(DkObjectClose(c));
	EXPECT_OK(CONNECT(a, ""));
	EXPECT_STATUS(send(a, "x", NULL, 0), NOT_CONNECTED);
	/* A name that is taken over. */
	b = new_socket("local:datagram");
	EXPECT_OK(name_call(b, DK_CONTROL_BIND, "a", DK_LOCAL_REPLACE));
	p.name = (u64) "a";
	EXPECT_OK(DkxParcelSend(a, &p, sizeof(p)));
	expect(b, "hi");
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
	EXPECT_OK(DkObjectClose(s));
}

TEST(refusals)
{
	struct pair p = new_pair(DK_PIPE_LOCAL_STREAM);
	DK_HANDLE reader, writer, h = POISON;
	struct dk_local_name name = { .key_length = 1 };
	struct dk_parcel parcel = { .timeout = 0 };

	EXPECT_STATUS(DkStreamOpen(URI("local:other"), BOTH, NEW, 0, &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(URI("local:stream"), DK_ACCESS_READ, NEW, 0,
				   &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(URI("local:stream"), BOTH, DK_OPEN_EXISTING,
				   0, &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(URI("local:stream"),
				   BOTH | DK_ACCESS_EXECUTE, NEW, 0, &h),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkStreamOpen(URI("local:stream"), BOTH, NEW,
				   DK_OPTION_DIRECTORY, &h),
		      NOT_DIRECTORY);
	EXPECT_EQ(h, POISON);
	EXPECT_STATUS(DkxPipeCreate(DK_PIPE_LOCAL_STREAM | DK_PIPE_DUPLEX, &h,
				    &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamRead(p.a, CURRENT, &name, 1, &h), NOT_SUPPORTED);
	EXPECT_STATUS(DkStreamWrite(p.a, CURRENT, &name, 1, &h), NOT_SUPPORTED);
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, 8), INVALID_PARAMETER);
	EXPECT_STATUS(DkxParcelSend(p.a, NULL, sizeof(parcel)),
		      INVALID_POINTER);
	parcel.flags = DK_PARCEL_PEEK;
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)),
		      INVALID_PARAMETER);
	parcel.flags = 1U << 31;
	EXPECT_STATUS(DkxParcelReceive(p.a, &parcel, sizeof(parcel)),
		      INVALID_PARAMETER);
	parcel.flags = 0;
	parcel.buffer_count = DK_PARCEL_BUFFERS_MAX + 1;
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)),
		      INVALID_PARAMETER);
	parcel.buffer_count = 1;
	parcel.buffers = 8;
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)),
		      INVALID_POINTER);
	parcel.buffer_count = 0;
	parcel.timeout = -5;
	EXPECT_STATUS(DkxParcelSend(p.a, &parcel, sizeof(parcel)),
		      INVALID_PARAMETER);
	parcel.timeout = MSEC;
	EXPECT_STATUS(DkxParcelReceive(p.a, &parcel, sizeof(parcel)),
		      WOULD_BLOCK);
	EXPECT_STATUS(DkxParcelReceive(POISON, &parcel, sizeof(parcel)),
		      INVALID_HANDLE);
	EXPECT_OK(DkxPipeCreate(0, &reader, &writer));
	EXPECT_STATUS(DkxParcelSend(writer, &parcel, sizeof(parcel)),
		      NOT_SUPPORTED);
	EXPECT_STATUS(DkxParcelSend(reader, &parcel, sizeof(parcel)),
		      ACCESS_DENIED);
	EXPECT_STATUS(BIND(writer, "x"), NOT_SUPPORTED);
	EXPECT_STATUS(CONNECT(writer, "x"), NOT_SUPPORTED);
	EXPECT_STATUS(DkxStreamControl(writer, DK_CONTROL_UNREAD, &name, 4),
		      NOT_SUPPORTED);
	EXPECT_STATUS(DkxStreamControl(p.a, DK_CONTROL_BIND, NULL,
				       sizeof(name)),
		      INVALID_POINTER);
	name.key_length = DK_LOCAL_NAME_MAX + 1;
	EXPECT_STATUS(DkxStreamControl(p.a, DK_CONTROL_BIND, &name,
				       sizeof(name)),
		      INVALID_PARAMETER);
	name.key_length = 1;
	name.flags = 2;
	EXPECT_STATUS(DkxStreamControl(p.a, DK_CONTROL_BIND, &name,
				       sizeof(name)),
		      INVALID_PARAMETER);
	EXPECT_OK(DkObjectClose(reader));
	EXPECT_OK(DkObjectClose(writer));
	close_pair(p);
}

/* ---- waiting, in another thread and another process ---- */

static struct pair shared;
static volatile DK_STATUS seen;

static void wait_receive(u64 parameter)
{
	struct dk_parcel p = { .timeout = DK_TIMEOUT_INFINITE };

	seen = DkxParcelReceive(shared.b, &p, sizeof(p));
}

static void wait_send(u64 parameter)
{
	struct dk_buffer buffer = { (u64)got.data, 1 };
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .timeout = DK_TIMEOUT_INFINITE };

	do {
		seen = DkxParcelSend(shared.a, &p, sizeof(p));
	} while (!seen);
}

TEST(waiting)
{
	DK_HANDLE t;

	shared = new_pair(DK_PIPE_LOCAL_PACKET);
	t = dkt_thread(wait_receive, 0);
	EXPECT_OK(send(shared.a, "", NULL, 0));
	/* It has an attachment that there is no room for. */
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(seen, DK_STATUS_BUFFER_TOO_SMALL);
	EXPECT_OK(DkObjectClose(t));
	expect(shared.b, "");
	t = dkt_thread(wait_receive, 0);
	EXPECT_OK(DkObjectClose(shared.a));
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(seen, 0);
	EXPECT_OK(DkObjectClose(t));
	EXPECT_OK(DkObjectClose(shared.b));

	/* Who sends, and nobody reads. */
	shared = new_pair(DK_PIPE_LOCAL_DATAGRAM);
	t = dkt_thread(wait_send, 0);
	while (ready(shared.a) & DK_READY_WRITE)
		DkThreadYieldExecution();
	EXPECT_OK(DkObjectClose(shared.b));
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_EQ(seen, DK_STATUS_CONNECTION_REFUSED);
	EXPECT_OK(DkObjectClose(t));
	EXPECT_OK(DkObjectClose(shared.a));
}

TEST(between_processes)
{
	struct pair p = new_pair(DK_PIPE_LOCAL_STREAM);
	DK_HANDLE child, event, reader, writer;
	u64 id, done, index;
	char c = 0;

	ASSERT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		DkObjectClose(p.a);
		DkxPipeCreate(0, &reader, &writer);
		send(p.b, "pipe", &reader, 1);
		DkStreamWrite(writer, CURRENT, "!", 1, &done);
		DkProcessExit(0);
	}
	EXPECT_OK(DkObjectClose(p.b));
	EXPECT_OK(DkStreamGetEvent(p.a, DK_STREAM_READABLE, &event));
	EXPECT_OK(DkObjectsWaitAny(1, &event, 30 * SEC, &index));
	expect(p.a, "pipe");
	ASSERT_EQ(got.p.handle_count, 1);
	reader = got.handles[0];
	EXPECT_OK(DkStreamRead(reader, CURRENT, &c, 1, &done));
	EXPECT_EQ(c, '!');
	EXPECT_TRUE(dkt_wait(child));
	EXPECT_OK(receive(p.a, 8, 0));
	EXPECT_EQ(got.p.done, 0);
	EXPECT_OK(DkStreamRead(reader, CURRENT, &c, 1, &done));
	EXPECT_EQ(done, 0);
	EXPECT_OK(DkObjectClose(reader));
	EXPECT_OK(DkObjectClose(event));
	EXPECT_OK(DkObjectClose(child));
	EXPECT_OK(DkObjectClose(p.a));
}

/* ---- memory that cannot be written: nothing is lost ---- */

/* A parcel with room for everything, on a page of its own. */
static struct dk_parcel *parcel_at(u8 *page, u32 flags)
{
	static struct dk_buffer buffer;
	struct dk_parcel *p = (struct dk_parcel *)page;

	buffer = (struct dk_buffer){ (u64)got.data, sizeof(got.data) };
	*p = (struct dk_parcel){ .buffers = (u64)&buffer,
				 .buffer_count = 1,
				 .flags = flags | DK_PARCEL_NONBLOCK,
				 .attachment = (u64)got.attachment,
				 .attachment_length = sizeof(got.attachment),
				 .handles = (u64)got.handles,
				 .handle_count = ARRAY_SIZE(got.handles),
				 .name = (u64)got.name };
	return p;
}

static void expect_no_handles(const struct dkt_counts *before)
{
	struct dkt_counts now;

	dkt_counts(&now);
	EXPECT_EQ(now.handles, before->handles);
}

TEST(a_message_stays)
{
	struct pair p = new_pair(DK_PIPE_LOCAL_PACKET);
	u8 *page = dkt_pages(3), *next = page + PAGE;
	DK_HANDLE sent[2], *handles = (DK_HANDLE *)next;
	struct dkt_counts before;
	struct dk_parcel *parcel;

	EXPECT_OK(DkVirtualMemoryProtect(next, PAGE, DK_PROT_READ));
	EXPECT_OK(DkxPipeCreate(0, &sent[0], &sent[1]));
	EXPECT_OK(send(p.a, "letter", sent, 2));
	dkt_counts(&before);
	/* Handles: nowhere, or only the first one of two. */
	parcel = parcel_at(page, 0);
	for (int i = 0; i < 2; i++) {
		parcel->handles = (u64)(handles - i);
		EXPECT_STATUS(DkxParcelReceive(p.b, parcel, sizeof(*parcel)),
			      INVALID_POINTER);
		expect_no_handles(&before);
	}
	parcel->handles = (u64)got.handles;
	parcel->name = (u64)next;
	parcel->attachment = (u64)next;
	EXPECT_STATUS(DkxParcelReceive(p.b, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	/* The parcel itself, all of it and its last word. */
	parcel = parcel_at(page, 0);
	EXPECT_OK(DkVirtualMemoryProtect(page, PAGE, DK_PROT_READ));
	EXPECT_STATUS(DkxParcelReceive(p.b, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	EXPECT_OK(DkVirtualMemoryProtect(page, 2 * PAGE,
					 DK_PROT_READ | DK_PROT_WRITE));
	parcel = parcel_at(next + 8 - sizeof(*parcel), 0);
	EXPECT_OK(DkVirtualMemoryProtect(next, PAGE, DK_PROT_READ));
	EXPECT_STATUS(DkxParcelReceive(p.b, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	expect_no_handles(&before);
	/* It was not sent, either. */
	parcel->handle_count = 0;
	EXPECT_STATUS(DkxParcelSend(p.a, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	expect(p.b, "letter");
	EXPECT_EQ(got.p.handle_count, 2);
	EXPECT_EQ(got.p.result, 0);
	EXPECT_OK(DkObjectClose(got.handles[0]));
	EXPECT_OK(DkObjectClose(got.handles[1]));
	EXPECT_STATUS(receive(p.b, 8, DK_PARCEL_NONBLOCK), WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(sent[0]));
	EXPECT_OK(DkObjectClose(sent[1]));
	close_pair(p);
	DkVirtualMemoryFree(page, 3 * PAGE, DK_MEM_RELEASE);
}

TEST(a_connection_stays)
{
	DK_HANDLE server = new_socket("local:stream");
	DK_HANDLE client = new_socket("local:stream");
	u8 *page = dkt_pages(2), *next = page + PAGE;
	struct dkt_counts before;
	struct dk_parcel *parcel = parcel_at(page, DK_PARCEL_ACCEPT);

	EXPECT_OK(DkVirtualMemoryProtect(next, PAGE, DK_PROT_READ));
	EXPECT_OK(BIND(server, "stays"));
	EXPECT_OK(listen(server, 1));
	EXPECT_OK(BIND(client, "who"));
	EXPECT_OK(CONNECT(client, "stays"));
	dkt_counts(&before);
	parcel->name = (u64)next;
	EXPECT_STATUS(DkxParcelReceive(server, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	/* Its first byte has room. */
	parcel->name = (u64)next - 1;
	EXPECT_STATUS(DkxParcelReceive(server, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	parcel->name = (u64)got.name;
	parcel->handles = (u64)next;
	EXPECT_STATUS(DkxParcelReceive(server, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	parcel = parcel_at(page, DK_PARCEL_ACCEPT);
	EXPECT_OK(DkVirtualMemoryProtect(page, PAGE, DK_PROT_READ));
	EXPECT_STATUS(DkxParcelReceive(server, parcel, sizeof(*parcel)),
		      INVALID_POINTER);
	expect_no_handles(&before);
	EXPECT_EQ(ready(server), DK_READY_READ);
	EXPECT_OK(receive(server, 0, DK_PARCEL_ACCEPT));
	EXPECT_EQ(got.p.name_length, 4);
	EXPECT_OK(send(client, "still there", NULL, 0));
	EXPECT_OK(DkObjectClose(client));
	client = got.handles[0];
	expect(client, "still there");
	EXPECT_OK(DkObjectClose(client));
	EXPECT_OK(DkObjectClose(server));
	DkVirtualMemoryFree(page, 2 * PAGE, DK_MEM_RELEASE);
}

/* ---- who sends, and may not any more ---- */

static DK_HANDLE sender;

static void send_to_full(u64 parameter)
{
	struct dk_buffer buffer = { (u64)got.data, 1 };
	struct dk_parcel p = { .buffers = (u64)&buffer,
			       .buffer_count = 1,
			       .name = (u64) "full",
			       .name_length = 4,
			       .timeout = DK_TIMEOUT_INFINITE };

	do {
		seen = DkxParcelSend(sender, &p, sizeof(p));
	} while (!seen);
}

/* Whom it names does not know of it, and it has no other end. */
TEST(shut_down_while_it_sends)
{
	DK_HANDLE target = new_socket("local:datagram"), other, t;

	sender = new_socket("local:datagram");
	other = new_socket("local:datagram");
	EXPECT_OK(BIND(target, "full"));
	EXPECT_OK(CONNECT(other, "full"));
	t = dkt_thread(send_to_full, 0);
	while (ready(other) & DK_READY_WRITE)
		DkThreadYieldExecution();
	EXPECT_OK(shut(sender, DK_SHUTDOWN_WRITE));
	if (!dkt_wait(t)) {
		dkt_fail("it still sends");
		DkObjectClose(target);
		EXPECT_TRUE(dkt_wait(t));
	}
	EXPECT_EQ(seen, DK_STATUS_BROKEN_PIPE);
	DkObjectClose(t);
	DkObjectClose(target);
	DkObjectClose(other);
	DkObjectClose(sender);
}
