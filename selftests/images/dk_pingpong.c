// SPDX-License-Identifier: GPL-2.0-only
/*
 * No edge is lost: two threads send one message back and forth over streams of
 * each kind, and wait by the streams' events only. A lost one would be a wait
 * without end.
 */
#include "dktest.h"

#define RW	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define CURRENT	DK_OFFSET_CURRENT
#define EDGES	DK_STREAM_EDGES
#define MESSAGES 1000
/* A message is 8 bytes, which is what a counter's are. */
#define SIZE	8

/* From an end to the other. */
struct way {
	DK_HANDLE out, in;
};

static struct way there, back;
static bool in_parcels;

/* ---- kinds of streams: how to make two ways ---- */

static void pipe_way(struct way *way, u64 flags)
{
	EXPECT_OK(DkxPipeCreate(flags, &way->in, &way->out));
}

static void pipes(void)
{
	pipe_way(&there, 0);
	pipe_way(&back, 0);
}

/* Both ways of one: what is written at an end is read at the other. */
static void both_ways(u64 flags)
{
	DK_HANDLE a = 0, b = 0;

	EXPECT_OK(DkxPipeCreate(flags, &a, &b));
	there = (struct way){ .out = a, .in = b };
	back = (struct way){ .out = b, .in = a };
}

static void duplex(void)
{
	both_ways(DK_PIPE_DUPLEX);
}

static void local_stream(void)
{
	both_ways(DK_PIPE_LOCAL_STREAM);
}

static void connected(const char *server_uri, const char *client_uri)
{
	DK_HANDLE server =
		dkt_open(server_uri, DK_ACCESS_READ, DK_OPEN_CREATE_NEW, 0);
	struct dk_accepted accepted = { 0 };
	struct dk_address at = { 0 };
	char uri[64];
	DK_HANDLE client;
	u64 done;

	if (!client_uri) {
		EXPECT_OK(DkxStreamControl(server, DK_CONTROL_LOCAL_ADDRESS,
					   &at, sizeof(at)));
		dkt_snprintf(uri, sizeof(uri), "tcp.client:%s:%u",
			     server_uri[11] == '[' ? "[::1]" : "127.0.0.1",
			     at.port);
		client_uri = uri;
	}
	client = dkt_open(client_uri, RW, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(server, CURRENT, &accepted, sizeof(accepted),
			       &done));
	there = (struct way){ .out = client, .in = accepted.stream };
	back = (struct way){ .out = accepted.stream, .in = client };
	EXPECT_OK(DkObjectClose(server));
}

static void named_pipe(void)
{
	connected("pipe.server:pong", "pipe.client:pong");
}

static void tcp(void)
{
	connected("tcp.server:127.0.0.1:0", NULL);
}

static void tcp6(void)
{
	connected("tcp.server:[::1]:0", NULL);
}

static void counters(void)
{
	there.in = there.out =
		dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, 0);
	back.in = back.out = dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, 0);
}

/* ---- the game ---- */

/* local: sockets know no reading and no writing, only parcels. */
static s64 move(DK_HANDLE h, bool out, u64 *message, u64 *done)
{
	struct dk_buffer buffer = { (u64)message, SIZE };
	struct dk_parcel parcel = { .buffers = (u64)&buffer,
				    .buffer_count = 1,
				    .flags = DK_PARCEL_NONBLOCK };
	s64 status;

	if (!in_parcels)
		return out ? DkStreamWrite(h, CURRENT, message, SIZE, done) :
			     DkStreamRead(h, CURRENT, message, SIZE, done);
	status = out ? DkxParcelSend(h, &parcel, sizeof(parcel)) :
		       DkxParcelReceive(h, &parcel, sizeof(parcel));
	*done = parcel.done;
	return status;
}

/* False: it did not come, and the test has failed. */
static bool receive(DK_HANDLE in, DK_HANDLE event, int n)
{
	u64 index, done = 0, message = 0;

	for (;;) {
		s64 status = move(in, false, &message, &done);

		if (!status && done == SIZE && message == 1)
			return true;
		if (status != DK_STATUS_WOULD_BLOCK) {
			dkt_fail("message %d: %s, %lu bytes, %lu", n,
				 dkt_status(status), (unsigned long)done,
				 (unsigned long)message);
			return false;
		}
		if (DkObjectsWaitAny(1, &event, 20 * SEC, &index)) {
			dkt_fail("an edge was lost after %d", n);
			return false;
		}
	}
}

static bool send(DK_HANDLE out)
{
	u64 message = 1, done = 0;
	s64 status = move(out, true, &message, &done);

	if (status || done != SIZE)
		dkt_fail("sending: %s", dkt_status(status));
	return !status;
}

static DK_HANDLE event_of(DK_HANDLE stream, u64 condition)
{
	u32 options = DK_OPTION_NONBLOCK;
	DK_HANDLE event = 0;

	if (!in_parcels)
		EXPECT_OK(DkxStreamControl(stream, DK_CONTROL_SET_OPTIONS,
					   &options, sizeof(options)));
	EXPECT_OK(DkStreamGetEvent(stream, condition, &event));
	return event;
}

static void answers(u64 condition)
{
	DK_HANDLE event = event_of(there.in, condition);

	for (int n = 0; n < MESSAGES; n++) {
		if (!receive(there.in, event, n) || !send(back.out))
			break;
	}
	DkObjectClose(event);
}

static void play(u64 condition)
{
	DK_HANDLE event = event_of(back.in, condition), thread;

	thread = dkt_thread(answers, condition);
	for (int n = 0; n < MESSAGES; n++) {
		if (!send(there.out) || !receive(back.in, event, n))
			break;
	}
	EXPECT_TRUE(dkt_wait(thread));
	EXPECT_OK(DkObjectClose(thread));
	EXPECT_OK(DkObjectClose(event));
}

/* Of two ways, each end once. */
static void close_both(void)
{
	const DK_HANDLE ends[] = { there.out, there.in, back.out, back.in };

	for (int i = 0; i < 4; i++) {
		bool again = false;

		for (int k = 0; k < i; k++)
			again |= ends[k] == ends[i];
		if (!again)
			EXPECT_OK(DkObjectClose(ends[i]));
	}
}

static void over(void (*make)(void))
{
	make();
	play(DK_STREAM_READABLE);
	play(DK_STREAM_READABLE | EDGES);
	close_both();
}

TEST(pipes)
{
	over(pipes);
}

TEST(pipes_of_two_ways)
{
	over(duplex);
}

TEST(local_sockets)
{
	in_parcels = true;
	over(local_stream);
	in_parcels = false;
}

TEST(named_pipes)
{
	over(named_pipe);
}

TEST(connections)
{
	over(tcp);
}

TEST(connections_of_ipv6)
{
	over(tcp6);
}

TEST(counters)
{
	over(counters);
}
