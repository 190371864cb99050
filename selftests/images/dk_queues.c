// SPDX-License-Identifier: GPL-2.0-only
/* How much waits in a local: socket, and how many may send to one. */
#include "dktest.h"

static DK_HANDLE new_socket(void)
{
	return dkt_open("local:datagram", DK_ACCESS_READ | DK_ACCESS_WRITE,
			DK_OPEN_CREATE_NEW, 0);
}

static DK_STATUS name_call(DK_HANDLE socket, u64 operation)
{
	struct dk_local_name name = { .key_length = 4, .key = "many" };

	return DkxStreamControl(socket, operation, &name, sizeof(name));
}

static u32 ready(DK_HANDLE socket)
{
	u32 r = 0;

	EXPECT_OK(DkxStreamControl(socket, DK_CONTROL_READY, &r, sizeof(r)));
	return r & ~0x7c0U;
}

/* Attachments fill a queue as bytes do. */
TEST(attachments_count)
{
	DK_HANDLE a, b;
	struct dk_parcel parcel = { .flags = DK_PARCEL_NONBLOCK,
				    .attachment = (u64)dkt_pages(16),
				    .attachment_length = 16 * PAGE };
	DK_STATUS status;
	int sent = 0;

	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_DATAGRAM, &a, &b));
	while (!(status = DkxParcelSend(a, &parcel, sizeof(parcel))) &&
	       sent < 600)
		sent++;
	EXPECT_EQ(status, DK_STATUS_WOULD_BLOCK);
	EXPECT_EQ(sent, 212992 / (16 * (int)PAGE));
	/* One is taken out: there is room for one again. */
	parcel.handle_count = 0;
	EXPECT_OK(DkxParcelReceive(b, &parcel, sizeof(parcel)));
	EXPECT_EQ(parcel.attachment_length, 16 * PAGE);
	EXPECT_OK(DkxParcelSend(a, &parcel, sizeof(parcel)));
	EXPECT_STATUS(DkxParcelSend(a, &parcel, sizeof(parcel)), WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}

/* Who may send to one datagram socket; the list of them has an end. */
TEST(senders)
{
	static DK_HANDLE sockets[4097];
	DK_HANDLE server = new_socket();
	int n;

	EXPECT_OK(name_call(server, DK_CONTROL_BIND));
	for (n = 0; n < 4096; n++) {
		sockets[n] = new_socket();
		ASSERT_OK(name_call(sockets[n], DK_CONTROL_CONNECT));
	}
	sockets[n] = new_socket();
	EXPECT_STATUS(name_call(sockets[n], DK_CONTROL_CONNECT),
		      TOO_MANY_HANDLES);
	/* Who is one of them may say so again. */
	EXPECT_OK(name_call(sockets[0], DK_CONTROL_CONNECT));
	EXPECT_OK(DkObjectClose(sockets[0]));
	EXPECT_OK(name_call(sockets[n], DK_CONTROL_CONNECT));
	for (; n > 0; n--)
		EXPECT_OK(DkObjectClose(sockets[n]));
	EXPECT_OK(DkObjectClose(server));
}

/* As long as polling says that there is room, some is sent. */
TEST(full_to_the_last_byte)
{
	DK_HANDLE a, b;
	struct dk_buffer buffer = { (u64)dkt_pages(16), 16 * PAGE };
	struct dk_parcel parcel = { .flags = DK_PARCEL_NONBLOCK,
				    .buffers = (u64)&buffer,
				    .buffer_count = 1 };
	u64 sent = 0;

	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &a, &b));
	while (ready(a) & DK_READY_WRITE && sent < 1000000) {
		EXPECT_OK(DkxParcelSend(a, &parcel, sizeof(parcel)));
		EXPECT_TRUE(parcel.done);
		sent += parcel.done;
	}
	EXPECT_EQ(sent, 212992);
	EXPECT_STATUS(DkxParcelSend(a, &parcel, sizeof(parcel)), WOULD_BLOCK);
	EXPECT_OK(DkObjectClose(a));
	EXPECT_OK(DkObjectClose(b));
}
