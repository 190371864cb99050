// SPDX-License-Identifier: GPL-2.0-only
/* Streams while allocations fail; see lib/failures.h. */
#include "failures.h"

static DK_HANDLE second = POISON;

static void close_both(bool success)
{
	if (success) {
		EXPECT_OK(DkObjectClose(made));
		EXPECT_OK(DkObjectClose(second));
	}
	made = POISON;
	second = POISON;
}

/* ---- streams ---- */

static void need_file(void)
{
	kept = dkt_open(uri, RW, DK_OPEN_CREATE, DK_OPTION_MODE(0644));
	EXPECT_OK(DkStreamWrite(kept, 0, data, sizeof(data), &done));
}

static void remove_file(bool success)
{
	DkStreamDelete(URI(uri), DK_DELETE_FILE);
}

static void need_name(void)
{
	need_file();
	drop_kept(true);
}

static void drop_file(bool success)
{
	drop_kept(true);
	remove_file(true);
}

static DK_STATUS create_file(void)
{
	return DkStreamOpen(URI(uri), RW, DK_OPEN_CREATE, DK_OPTION_MODE(0644),
			    &made);
}

static void remove_made(bool success)
{
	close_made(success);
	remove_file(true);
}

static DK_STATUS open_file(void)
{
	return DkStreamOpen(URI(uri), RW, DK_OPEN_EXISTING, 0, &made);
}

static DK_STATUS open_folder(void)
{
	return DkStreamOpen(URI(folder), R, DK_OPEN_EXISTING,
			    DK_OPTION_DIRECTORY, &made);
}

static DK_STATUS open_pipe_server(void)
{
	return DkStreamOpen(URI("pipe.server:scarce"), R, DK_OPEN_CREATE_NEW, 0,
			    &made);
}

/* What a client of the server that is kept opens. */
static const char *client_uri;

static void need_pipe_server(void)
{
	kept = serve("pipe.server:scarce", NONBLOCK);
	client_uri = "pipe.client:scarce";
}

static void need_tcp_server(void)
{
	kept = serve("tcp.server:127.0.0.1:0", NONBLOCK);
	client_uri = address_of(kept, "127.0.0.1");
}

static DK_STATUS open_client(void)
{
	return DkStreamOpen(URI(client_uri), RW, DK_OPEN_EXISTING, 0, &made);
}

static DK_STATUS open_tcp_server(void)
{
	return DkStreamOpen(URI("tcp.server:127.0.0.1:0"), R,
			    DK_OPEN_CREATE_NEW, 0, &made);
}

static DK_STATUS open_local(void)
{
	return DkStreamOpen(URI("local:stream"), RW, DK_OPEN_CREATE_NEW, 0,
			    &made);
}

static DK_STATUS open_counter(void)
{
	return DkStreamOpen(URI("counter:all"), RW, DK_OPEN_CREATE_NEW, 0,
			    &made);
}

static DK_STATUS create_pipe(void)
{
	return DkxPipeCreate(0, &made, &second);
}

static DK_STATUS create_duplex(void)
{
	return DkxPipeCreate(DK_PIPE_DUPLEX, &made, &second);
}

static DK_STATUS create_local(void)
{
	return DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &made, &second);
}

static DK_STATUS read_file(void)
{
	return DkStreamRead(kept, 0, data, sizeof(data), &done);
}

static DK_STATUS write_file(void)
{
	return DkStreamWrite(kept, 0, data, sizeof(data), &done);
}

/* Where nothing is yet. */
static DK_STATUS extend_file(void)
{
	return DkStreamWrite(kept, 1 << 20, data, sizeof(data), &done);
}

static void need_pipe_client(void)
{
	need_pipe_server();
	second = call(client_uri, 0);
}

static void need_tcp_client(void)
{
	need_tcp_server();
	second = call(client_uri, 0);
}

/* Memory that goes away while it is told of loses the connection. */
static void connect_again(DK_STATUS status)
{
	if (status == DK_STATUS_INVALID_POINTER &&
	    !(ready(kept) & DK_READY_READ)) {
		expect_end(second);
		EXPECT_OK(DkObjectClose(second));
		second = call(client_uri, 0);
	}
}

/* Who is accepted is lost to nobody. */
static DK_STATUS accept(void)
{
	struct dk_accepted a;
	DK_STATUS status = DkStreamRead(kept, CURRENT, &a, sizeof(a), &done);

	if (!status)
		made = a.stream;
	return status;
}

static void drop_connection(bool success)
{
	send_text(second, "x");
	expect_text(made, "x");
	EXPECT_OK(DkObjectClose(second));
	close_made(success);
	drop_kept(true);
}

static DK_STATUS map(void)
{
	void *base = NULL;
	DK_STATUS status =
		DkStreamMap(kept, &base, PAGE, 0, DK_PROT_READ, DK_MAP_SHARED);

	if (!status)
		memory = base;
	return status;
}

static void drop_map(bool success)
{
	if (success)
		EXPECT_OK(DkStreamUnmap(memory, PAGE));
	drop_file(true);
}

static DK_STATUS unmap(void)
{
	return DkStreamUnmap(memory + PAGE, PAGE);
}

static void need_mapping(void)
{
	void *base = NULL;

	need_file();
	EXPECT_OK(DkStreamSetLength(kept, 3 * PAGE));
	EXPECT_OK(DkStreamMap(kept, &base, 3 * PAGE, 0, DK_PROT_READ,
			      DK_MAP_SHARED));
	memory = base;
}

static void drop_mapping(bool success)
{
	EXPECT_OK(DkStreamUnmap(memory, 3 * PAGE));
	drop_file(true);
}

static DK_STATUS set_length(void)
{
	return DkStreamSetLength(kept, 12345);
}

static DK_STATUS flush(void)
{
	return DkStreamFlush(kept, 0);
}

static DK_STATUS delete (void)
{
	return DkStreamDelete(URI(uri), DK_DELETE_FILE);
}

static DK_STATUS rename(void)
{
	return DkStreamRename(URI(uri), URI(new_uri), 0);
}

static void remove_renamed(bool success)
{
	EXPECT_OK(DkStreamDelete(URI(new_uri), DK_DELETE_FILE));
}

static void need_folder(void)
{
	kept = dkt_open(folder, R, DK_OPEN_EXISTING, DK_OPTION_DIRECTORY);
}

static DK_STATUS enumerate(void)
{
	u64 cursor = 0;

	return DkStreamEnumerateChildren(kept, &cursor, data, sizeof(data),
					 &done);
}

static void need_pipe(void)
{
	EXPECT_OK(DkxPipeCreate(0, &kept, &other));
}

static DK_STATUS get_event(void)
{
	return DkStreamGetEvent(kept, DK_STREAM_READABLE, &made);
}

/* It is told what comes. */
static void drop_event(bool success)
{
	send_text(other, "x");
	EXPECT_TRUE(dkt_wait(made));
	close_made(success);
	EXPECT_OK(DkObjectClose(other));
	drop_kept(true);
}

static struct dk_stream_attributes attributes;

static DK_STATUS query(void)
{
	return DkStreamAttributesQuery(URI(uri), 0, &attributes,
				       sizeof(attributes));
}

static DK_STATUS query_handle(void)
{
	return DkStreamAttributesQueryByHandle(kept, &attributes,
					       sizeof(attributes));
}

static DK_STATUS set(void)
{
	attributes = (struct dk_stream_attributes){ .valid = DK_SET_MODE,
						    .mode = 0600 };
	return DkxStreamAttributesSet(URI(uri), 0, &attributes,
				      sizeof(attributes));
}

static DK_STATUS set_handle(void)
{
	attributes = (struct dk_stream_attributes){ .valid = DK_SET_MODE,
						    .mode = 0600 };
	return DkxStreamAttributesSetByHandle(kept, &attributes,
					      sizeof(attributes));
}

static DK_STATUS link(void)
{
	return DkxStreamLink(URI(uri), URI(new_uri), 0);
}

static DK_STATUS link_symbolic(void)
{
	return DkxStreamLink(URI("a target"), URI(new_uri), DK_LINK_SYMBOLIC);
}

static void remove_both(bool success)
{
	remove_renamed(success);
	remove_file(true);
}

static DK_STATUS seek(void)
{
	return DkxStreamSeek(kept, 100, DK_SEEK_SET, &done);
}

static DK_STATUS lock(void)
{
	return DkxStreamLock(kept, DK_LOCK_EXCLUSIVE, 10, 20, NULL, 0);
}

static DK_STATUS lock_stream(void)
{
	return DkxStreamLock(kept, DK_LOCK_EXCLUSIVE | DK_LOCK_STREAM, 10, 20,
			     NULL, 0);
}

static DK_STATUS set_pipe_size(void)
{
	u64 size = 1 << 19;

	return control(kept, DK_CONTROL_SET_PIPE_SIZE, &size, sizeof(size));
}

static void drop_pipe(bool success)
{
	EXPECT_OK(DkObjectClose(other));
	drop_kept(true);
}

static DK_STATUS file_system(void)
{
	struct dk_file_system fs;

	return control(kept, DK_CONTROL_FILE_SYSTEM, &fs, sizeof(fs));
}

/* ---- parcels ---- */

static void need_locals(void)
{
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &kept, &other));
	second = dkt_open("counter:all", RW, DK_OPEN_CREATE_NEW, 0);
	done = 1;
	EXPECT_OK(DkStreamWrite(second, CURRENT, &done, 8, &done));
}

static DK_STATUS send_parcel(void)
{
	struct dk_buffer buffers[16] = { { (u64) "par", 3 },
					 { (u64) "cel", 3 } };
	struct dk_parcel p = { .buffers = (u64)buffers,
			       .buffer_count = ARRAY_SIZE(buffers),
			       .attachment = (u64) "att",
			       .attachment_length = 3,
			       .handles = (u64)&second,
			       .handle_count = 1,
			       .timeout = SEC };

	return DkxParcelSend(kept, &p, sizeof(p));
}

static DK_STATUS receive_parcel(void)
{
	struct dk_buffer buffers[16] = { { (u64)data, 64 } };
	struct dk_parcel p = { .buffers = (u64)buffers,
			       .buffer_count = ARRAY_SIZE(buffers),
			       .attachment = (u64)(data + 64),
			       .attachment_length = 64,
			       .handles = (u64)&made,
			       .handle_count = 1,
			       .timeout = SEC };
	DK_STATUS status = DkxParcelReceive(other, &p, sizeof(p));

	if (!status) {
		EXPECT_EQ(p.done, 6);
		EXPECT_EQ(p.handle_count, 1);
		EXPECT_EQ(p.attachment_length, 3);
	}
	return status;
}

static void need_sent(void)
{
	need_locals();
	EXPECT_OK(send_parcel());
}

/* It was sent, but what came of it could not be told. */
static void unsend(DK_STATUS status)
{
	u32 unread = 0;

	if (status != DK_STATUS_INVALID_POINTER)
		return;
	EXPECT_OK(control(other, DK_CONTROL_UNREAD, &unread, 4));
	if (unread) {
		EXPECT_OK(receive_parcel());
		EXPECT_OK(DkObjectClose(made));
		made = POISON;
	}
}

/* And the same of what was received. */
static void send_again(DK_STATUS status)
{
	u32 unread = 0;

	if (status != DK_STATUS_INVALID_POINTER)
		return;
	EXPECT_OK(control(other, DK_CONTROL_UNREAD, &unread, 4));
	if (!unread) {
		EXPECT_OK(DkObjectClose(made));
		made = POISON;
		EXPECT_OK(send_parcel());
	}
}

/* One came, whole; no second one. */
static void drop_locals(bool success)
{
	u64 number = 0;

	EXPECT_OK(DkStreamRead(made, CURRENT, &number, 8, &done));
	EXPECT_EQ(number, 1);
	close_both(true);
	EXPECT_STATUS(control(other, DK_CONTROL_UNREAD, &done, 4), SUCCESS);
	EXPECT_EQ((u32)done, 0);
	drop_pipe(true);
}

static void drop_sent(bool success)
{
	EXPECT_OK(receive_parcel());
	drop_locals(success);
}

static const struct operation stream_operations[] = {
	/* tmpfs, whose inodes are counted */
	OP_ALSO(DkStreamOpen, NULL, create_file, remove_made, DK_S(DISK_FULL)),
	OP(DkStreamOpen, need_name, open_file, remove_made),
	OP(DkStreamOpen, NULL, open_folder, close_made),
	OP(DkStreamOpen, NULL, open_pipe_server, close_made),
	OP(DkStreamOpen, need_pipe_server, open_client, drop_reference),
	/* bind(), which makes what stands for the port */
	OP_ALSO(DkStreamOpen, NULL, open_tcp_server, close_made,
		DK_S(ADDRESS_IN_USE)),
	OP(DkStreamOpen, NULL, open_local, close_made),
	OP(DkStreamOpen, NULL, open_counter, close_made),
	OP(DkxPipeCreate, NULL, create_pipe, close_both),
	OP(DkxPipeCreate, NULL, create_duplex, close_both),
	OP(DkxPipeCreate, NULL, create_local, close_both),
	OP(DkStreamRead, need_file, read_file, drop_file),
	OP_MENDED(DkStreamRead, need_pipe_client, accept, drop_connection,
		  connect_again),
	OP_ALSO(DkStreamOpen, need_tcp_server, open_client, drop_reference,
		DK_S(ADDRESS_NOT_AVAILABLE)),
	OP_MENDED(DkStreamRead, need_tcp_client, accept, drop_connection,
		  connect_again),
	OP(DkStreamWrite, need_file, write_file, drop_file),
	OP(DkStreamWrite, need_file, extend_file, drop_file),
	OP(DkStreamMap, need_file, map, drop_map),
	OP(DkStreamUnmap, need_mapping, unmap, drop_mapping),
	OP(DkStreamSetLength, need_file, set_length, drop_file),
	OP(DkStreamFlush, need_file, flush, drop_file),
	OP(DkStreamDelete, need_name, delete, NULL),
	OP(DkStreamRename, need_name, rename, remove_renamed),
	OP(DkStreamEnumerateChildren, need_folder, enumerate, drop_kept),
	OP(DkStreamGetEvent, need_pipe, get_event, drop_event),
	OP(DkStreamAttributesQuery, need_name, query, remove_file),
	OP(DkStreamAttributesQueryByHandle, need_file, query_handle, drop_file),
	OP(DkxStreamAttributesSet, need_name, set, remove_file),
	OP(DkxStreamAttributesSetByHandle, need_file, set_handle, drop_file),
	OP_ALSO(DkxStreamLink, need_name, link, remove_both, DK_S(DISK_FULL)),
	OP_ALSO(DkxStreamLink, NULL, link_symbolic, remove_renamed,
		DK_S(DISK_FULL)),
	OP(DkxStreamSeek, need_file, seek, drop_file),
	OP(DkxStreamLock, need_file, lock, drop_file),
	OP(DkxStreamLock, need_file, lock_stream, drop_file),
	OP(DkxStreamControl, need_pipe, set_pipe_size, drop_pipe),
	OP(DkxStreamControl, need_file, file_system, drop_file),
};

static const struct operation parcel_operations[] = {
	OP_MENDED(DkxParcelSend, need_locals, send_parcel, drop_sent, unsend),
	OP_MENDED(DkxParcelReceive, need_sent, receive_parcel, drop_locals,
		  send_again),
};

TEST(the_outside_lets_them_fail)
{
	failures_begin();
}

TEST(streams)
{
	WALK(stream_operations);
}

TEST(parcels)
{
	WALK(parcel_operations);
}

TEST(each_that_may_lack_memory_said_so)
{
	failures_end();
}
