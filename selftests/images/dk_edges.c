// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kinds of a call's arguments do not tell (dk_bad.c has that): values
 * without meaning, lengths at the edge of memory, handles that are stale, weak
 * or too many, calls while the process ends, contexts that cannot be restored.
 */
#include "connection.h"
#include "world.h"

TEST(values)
{
	u64 out = POISON, length;
	s64 t = POISON;
	u8 buffer[64];
	DK_HANDLE h = POISON, hs[65];
	void *base;

	make_world();
	EXPECT_STATUS(DkSemaphoreCreate(3, 2, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkSemaphoreCreate(0, 0, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkNotificationEventCreate(2, &h), INVALID_PARAMETER);
	EXPECT_STATUS(DkSynchronizationEventCreate(~0ULL, &h),
		      INVALID_PARAMETER);
	EXPECT_EQ(h, POISON);
	EXPECT_STATUS(DkSemaphoreRelease(w.semaphore, 0, &out),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkSemaphoreRelease(w.semaphore, ~0ULL, &out),
		      LIMIT_EXCEEDED);
	EXPECT_STATUS(DkSemaphoreRelease(w.semaphore, 1000001, &out),
		      LIMIT_EXCEEDED);
	for (int i = 0; i < 65; i++)
		hs[i] = w.event;
	EXPECT_STATUS(DkObjectsWaitAny(65, hs, 0, &out), INVALID_PARAMETER);
	EXPECT_STATUS(DkObjectsWaitAny(0, hs, 0, &out), INVALID_PARAMETER);
	EXPECT_STATUS(DkObjectsWaitAny(1, hs, -2, &out), INVALID_PARAMETER);
	DkEventClear(w.event);
	hs[63] = w.closed;
	EXPECT_STATUS(DkObjectsWaitAny(64, hs, 0, &out), INVALID_HANDLE);
	hs[63] = w.file;
	EXPECT_STATUS(DkObjectsWaitAny(64, hs, 0, &out), WRONG_TYPE);
	EXPECT_EQ(out, POISON);
	EXPECT_STATUS(DkSystemTimeQuery(5, &t), INVALID_PARAMETER);
	EXPECT_STATUS(DkSystemTimeQuery(~0ULL, &t), INVALID_PARAMETER);
	EXPECT_STATUS(DkSystemTimeQuery(1ULL << 32, &t), INVALID_PARAMETER);
	EXPECT_EQ(t, POISON);
	EXPECT_STATUS(DkStreamOpen(URI(w.uri), DK_ACCESS_READ, 5, 0, &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(URI(w.uri), DK_ACCESS_READ, 1ULL << 32, 0,
				   &h),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamOpen(w.uri, 0, DK_ACCESS_READ, 0, 0, &h),
		      INVALID_PARAMETER);
	EXPECT_EQ(h, POISON);
	EXPECT_STATUS(DkxStreamSeek(w.file, 0, 5, &out), INVALID_PARAMETER);
	EXPECT_STATUS(DkxConsoleControl(w.in, 6, buffer, 64),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamControl(w.in, 12, buffer, 4), INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamControl(w.in, ~0ULL, buffer, 4),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxAbiQuery(0, &out), INVALID_PARAMETER);
	EXPECT_STATUS(DkxAbiQuery(DK_VECTOR_BASE + DK_CALL_LIMIT, &out),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxAbiQuery(~0ULL, &out), INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamDelete(URI(w.uri), 0), INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamRename(URI(w.uri), URI(w.new_uri), 3),
		      INVALID_PARAMETER);
	base = NULL;
	length = 0;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ),
		      INVALID_PARAMETER);
	length = PAGE;
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length, 0, DK_PROT_READ),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkVirtualMemoryAlloc(&base, &length,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ | DK_PROT_GUARD),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkVirtualMemoryFree(w.page, PAGE, 0), INVALID_PARAMETER);
	EXPECT_STATUS(DkVirtualMemoryFree(w.page, PAGE, 3), INVALID_PARAMETER);
	EXPECT_EQ(out, POISON);
	EXPECT_STATUS(DkStreamMap(w.file, &base, 0, 0, DK_PROT_READ,
				  DK_MAP_PRIVATE),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamMap(w.file, &base, PAGE, 1, DK_PROT_READ,
				  DK_MAP_PRIVATE),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamMap(w.file, &base, PAGE, 0, DK_PROT_READ, 0),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkStreamMap(w.file, &base, PAGE, 0, DK_PROT_READ,
				  DK_MAP_PRIVATE | DK_MAP_SHARED),
		      INVALID_PARAMETER);
	EXPECT_EQ(base, 0);
}

/* What an operation's buffer holds, and a stream that knows the operation. */
enum stream { FILE_STREAM, PIPE, TCP, LISTENER, LOCAL, FREE_LOCAL, STREAMS };

static const struct {
	u32 operation, size;
	enum stream stream;
	bool reads; /* out of the buffer alone: in the middle it has no meaning */
} operations[] = {
	{ DK_CONTROL_GET_OPTIONS, 4, PIPE, false },
	{ DK_CONTROL_SET_OPTIONS, 4, PIPE, false },
	{ DK_CONTROL_READY, 4, PIPE, false },
	{ DK_CONTROL_PIPE_SIZE, 8, PIPE, false },
	{ DK_CONTROL_SET_PIPE_SIZE, 8, PIPE, false },
	{ DK_CONTROL_UNSENT, 4, TCP, false },
	{ DK_CONTROL_SHUTDOWN, 4, TCP, true },
	{ DK_CONTROL_ERROR, 8, TCP, false },
	{ DK_CONTROL_LOCAL_ADDRESS, sizeof(struct dk_address), TCP, false },
	{ DK_CONTROL_PEER_ADDRESS, sizeof(struct dk_address), TCP, false },
	{ DK_CONTROL_LISTEN, 4, LISTENER, false },
	{ DK_CONTROL_GET_SOCKET, sizeof(struct dk_socket_option), TCP, false },
	{ DK_CONTROL_SET_SOCKET, sizeof(struct dk_socket_option), TCP, false },
	{ DK_CONTROL_RECEIVE, sizeof(struct dk_message), TCP, true },
	{ DK_CONTROL_SEND, sizeof(struct dk_message), TCP, true },
	{ DK_CONTROL_BIND, sizeof(struct dk_local_name), FREE_LOCAL, true },
	{ DK_CONTROL_CONNECT, sizeof(struct dk_local_name), FREE_LOCAL, true },
	{ DK_CONTROL_NAME, sizeof(struct dk_local_name), LOCAL, false },
	{ DK_CONTROL_PEER_NAME, sizeof(struct dk_local_name), LOCAL, false },
	{ DK_CONTROL_IDENTITY, DK_LOCAL_IDENTITY_SIZE, LOCAL, false },
	{ DK_CONTROL_UNREAD, 4, LOCAL, false },
	{ DK_CONTROL_ALLOCATE, sizeof(struct dk_allocation), FILE_STREAM,
	  false },
	{ DK_CONTROL_FILE_SYSTEM, sizeof(struct dk_file_system), FILE_STREAM,
	  false },
	{ DK_CONTROL_GET_APPEND, 4, FILE_STREAM, false },
	{ DK_CONTROL_SET_APPEND, 4, FILE_STREAM, false },
};

/* What is looked at before the rest is needed. */
static void prepare(u64 operation, u8 *buffer)
{
	u32 option = DK_SOCKET_USER_TIMEOUT;

	if (operation == DK_CONTROL_GET_SOCKET ||
	    operation == DK_CONTROL_SET_SOCKET)
		memcpy(buffer, &option, sizeof(option));
}

/* A page that is read and written, before one that is not there. */
TEST(operations_at_the_edge_of_a_page)
{
	DK_HANDLE s[STREAMS], out, peer, server, other;
	u8 *end, *middle;
	u64 done;

	make_world();
	end = (u8 *)dkt_pages(2) + PAGE;
	EXPECT_OK(DkVirtualMemoryFree(end, PAGE, DK_MEM_RELEASE));
	middle = end - PAGE / 2;
	EXPECT_OK(DkxPipeCreate(0, &s[PIPE], &out));
	EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_STREAM, &s[LOCAL], &other));
	server = serve("tcp.server:127.0.0.1:0", 0);
	s[LISTENER] = server;
	s[TCP] = call(address_of(server, "127.0.0.1"), 0);
	peer = take(server, NULL);
	s[FREE_LOCAL] = dkt_open("local:stream", RW, DK_OPEN_CREATE_NEW, 0);
	s[FILE_STREAM] = w.file;
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		u64 operation = operations[i].operation;
		u32 size = operations[i].size, needed = size;
		DK_HANDLE h = s[operations[i].stream];
		s64 status, here;

		/* Its last member is nobody's. */
		if (operation == DK_CONTROL_GET_SOCKET)
			needed = offsetof(struct dk_socket_option, reserved);
		/* It ends one byte, or all but one, behind the edge; or is away. */
		for (int k = 0; k < 3; k++) {
			u8 *at = k == 0 ? end - needed + 1 :
				 k == 1 ? end - 1 :
					  end;

			if (k == 0)
				prepare(operation, at);
			status = control(h, operation, at, size);
			if (status != DK_STATUS_INVALID_POINTER)
				dkt_fail("operation %llu at %d: %s", operation,
					 k, dkt_status(status));
		}
		if (operations[i].reads)
			continue;
		/* The last byte is as good as any other. */
		memset(middle, 0, size);
		memset(end - size - 8, 0, size + 8);
		prepare(operation, middle);
		prepare(operation, end - size);
		here = control(h, operation, middle, size);
		status = control(h, operation, end - size, size);
		if (here != status || memcmp(middle, end - size, size))
			dkt_fail("operation %llu: %s at the edge, %s elsewhere",
				 operation, dkt_status(status),
				 dkt_status(here));
		for (int k = 1; k <= 8; k++)
			EXPECT_EQ(end[-(long)size - k], 0);
	}
	/* Nothing was shut, bound or connected by all that. */
	send_text(s[TCP], "x");
	EXPECT_OK(DkStreamRead(peer, CURRENT, middle, 1, &done));
	EXPECT_OK(control(s[FREE_LOCAL], DK_CONTROL_NAME, middle,
			  sizeof(struct dk_local_name)));
	EXPECT_EQ(((struct dk_local_name *)middle)->key_length, 0);
	for (int i = PIPE; i < STREAMS; i++)
		DkObjectClose(s[i]);
	DkObjectClose(out);
	DkObjectClose(peer);
	DkObjectClose(other);
}

TEST(lengths_at_the_edge_of_a_page)
{
	u64 done = POISON;
	DK_HANDLE h = 0;
	u8 *end;

	make_world();
	end = w.page + 2 * PAGE;
	/* A name that ends exactly where the memory ends is fine. */
	memcpy(end - strlen(w.uri), w.uri, strlen(w.uri));
	EXPECT_OK(DkStreamOpen((char *)end - strlen(w.uri), strlen(w.uri),
			       DK_ACCESS_READ, DK_OPEN_EXISTING, 0, &h));
	EXPECT_OK(DkObjectClose(h));
	EXPECT_STATUS(DkStreamOpen((char *)end - strlen(w.uri),
				   strlen(w.uri) + 1, DK_ACCESS_READ,
				   DK_OPEN_EXISTING, 0, &h),
		      INVALID_POINTER);
	EXPECT_OK(DkRandomBitsRead(end - 16, 16));
	EXPECT_STATUS(DkRandomBitsRead(end - 16, 17), INVALID_POINTER);
	EXPECT_OK(DkStreamRead(w.file, 0, end - 100, 100, &done));
	EXPECT_EQ(done, 100);
	EXPECT_OK(DkStreamRead(w.file, 0, end, 0, &done));
	EXPECT_EQ(done, 0);
}

TEST(reading_kernel_memory_through_a_write)
{
	u64 done = POISON;
	struct dk_stream_attributes at;

	make_world();
	EXPECT_OK(DkStreamSetLength(w.file, 0));
	EXPECT_STATUS(DkStreamWrite(w.file, 0, (void *)0xffffffff81000000, 64,
				    &done),
		      INVALID_POINTER);
	EXPECT_EQ(done, POISON);
	EXPECT_OK(DkStreamAttributesQueryByHandle(w.file, &at, sizeof(at)));
	EXPECT_EQ(at.length, 0);
	EXPECT_OK(DkStreamSetLength(w.file, 3 * PAGE));
}

TEST(handles_are_not_reused_at_once)
{
	DK_HANDLE first = 0, h = 0;

	ASSERT_OK(DkNotificationEventCreate(0, &first));
	ASSERT_OK(DkObjectClose(first));
	EXPECT_STATUS(DkObjectClose(first), INVALID_HANDLE);
	for (int i = 0; i < 100000; i++) {
		ASSERT_OK(DkNotificationEventCreate(0, &h));
		ASSERT_NE(h, first);
		ASSERT_OK(DkObjectClose(h));
	}
	EXPECT_STATUS(DkEventSet(first), INVALID_HANDLE);
}

TEST(weaker_references)
{
	DK_HANDLE event = 0, weak = POISON, weaker = POISON;
	u64 signalled = POISON;

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	ASSERT_OK(DkObjectReference(event, DK_RIGHT_READ, &weak));
	EXPECT_OK(DkEventPeek(weak, &signalled));
	EXPECT_EQ(signalled, 0);
	EXPECT_STATUS(DkEventSet(weak), ACCESS_DENIED);
	EXPECT_STATUS(DkObjectsWaitAny(1, &weak, 0, &signalled), ACCESS_DENIED);
	/* A right that the first handle has not cannot be had by the second. */
	EXPECT_STATUS(DkObjectReference(weak, DK_RIGHTS_ALL, &weaker),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkObjectReference(weak, DK_RIGHT_READ | DK_RIGHT_WRITE,
					&weaker),
		      ACCESS_DENIED);
	EXPECT_EQ(weaker, POISON);
	EXPECT_OK(DkObjectReference(weak, 0, &weaker));
	EXPECT_STATUS(DkEventSet(weaker), ACCESS_DENIED);
	EXPECT_OK(DkEventPeek(weaker, &signalled));
	EXPECT_OK(DkObjectClose(event));
	/* The object lives on through its other handles. */
	EXPECT_OK(DkEventPeek(weak, &signalled));
	EXPECT_OK(DkObjectClose(weak));
	EXPECT_OK(DkObjectClose(weaker));
}

TEST(closed_streams)
{
	u64 done = POISON, cursor = 0;
	struct dk_stream_attributes at;
	DK_HANDLE h;
	void *base = NULL;
	u8 buffer[64];

	make_world();
	h = dkt_open(w.uri, DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_EXISTING,
		     0);
	ASSERT_OK(DkObjectClose(h));
	EXPECT_STATUS(DkStreamRead(h, 0, buffer, 64, &done), INVALID_HANDLE);
	EXPECT_STATUS(DkStreamWrite(h, 0, buffer, 64, &done), INVALID_HANDLE);
	EXPECT_STATUS(DkStreamMap(h, &base, PAGE, 0, DK_PROT_READ,
				  DK_MAP_PRIVATE),
		      INVALID_HANDLE);
	EXPECT_STATUS(DkStreamSetLength(h, 0), INVALID_HANDLE);
	EXPECT_STATUS(DkStreamFlush(h, 0), INVALID_HANDLE);
	EXPECT_STATUS(DkStreamEnumerateChildren(h, &cursor, buffer, 64, &done),
		      INVALID_HANDLE);
	EXPECT_STATUS(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)),
		      INVALID_HANDLE);
	EXPECT_STATUS(DkxStreamSeek(h, 0, DK_SEEK_SET, &done), INVALID_HANDLE);
	EXPECT_STATUS(DkObjectClose(h), INVALID_HANDLE);
	EXPECT_EQ(done, POISON);
	EXPECT_EQ(base, 0);
}

#define TABLE_SIZE 65536
static DK_HANDLE all[TABLE_SIZE + 16];

static u64 fill_table(void)
{
	u64 n = 0;
	s64 status = 0;

	while (n < ARRAY_SIZE(all)) {
		all[n] = POISON;
		status = DkNotificationEventCreate(0, &all[n]);
		if (status)
			break;
		n++;
	}
	EXPECT_EQ(status, DK_STATUS_TOO_MANY_HANDLES);
	EXPECT_EQ(all[n], POISON);
	return n;
}

TEST(exhausted_handle_table)
{
	struct dkt_counts before, full, after;
	DK_HANDLE h = POISON, server[2], client[2];
	struct dk_accepted accepted;
	char uri[128];
	u64 n, again;

	make_world();
	server[0] = serve("pipe.server:full", 0);
	client[0] = call("pipe.client:full", 0);
	server[1] = serve("tcp.server:127.0.0.1:0", 0);
	client[1] = call(address_of(server[1], "127.0.0.1"), 0);
	dkt_counts(&before);
	n = fill_table();
	/* The connection that waits at the pipe counts, and is in no table. */
	EXPECT_EQ(n + before.handles, TABLE_SIZE + 1);
	dkt_counts(&full);
	EXPECT_EQ(full.handles, TABLE_SIZE + 1);
	/* Every call that makes a handle says so, and leaves nothing. */
	EXPECT_STATUS(DkSynchronizationEventCreate(0, &h), TOO_MANY_HANDLES);
	EXPECT_STATUS(DkSemaphoreCreate(0, 1, &h), TOO_MANY_HANDLES);
	EXPECT_STATUS(DkStreamOpen(URI(w.uri), DK_ACCESS_READ, DK_OPEN_EXISTING,
				   0, &h),
		      TOO_MANY_HANDLES);
	dkt_snprintf(uri, sizeof(uri), "file:%s/rw/never-made",
		     dkt_argument(1));
	EXPECT_STATUS(DkStreamOpen(URI(uri), DK_ACCESS_WRITE,
				   DK_OPEN_CREATE_NEW, 0, &h),
		      TOO_MANY_HANDLES);
	EXPECT_STATUS(DkObjectReference(w.event, DK_RIGHT_READ, &h),
		      TOO_MANY_HANDLES);
	EXPECT_STATUS(DkxPipeCreate(0, &h, &h), TOO_MANY_HANDLES);
	for (int i = 0; i < 2; i++)
		EXPECT_STATUS(DkStreamRead(server[i], CURRENT, &accepted,
					   sizeof(accepted), &again),
			      TOO_MANY_HANDLES);
	/* Also when there is room for one of two. */
	EXPECT_OK(DkObjectClose(all[n - 1]));
	EXPECT_STATUS(DkxPipeCreate(0, &h, &h), TOO_MANY_HANDLES);
	EXPECT_OK(DkNotificationEventCreate(0, &all[n - 1]));
	EXPECT_STATUS(DkThreadCreate((void *)quick_exit, 0, w.stack, 4 * PAGE,
				     &h),
		      TOO_MANY_HANDLES);
	EXPECT_EQ(h, POISON);
	dkt_counts(&after);
	EXPECT_EQ(after.handles, full.handles);
	EXPECT_EQ(after.objects, full.objects);
	/* The handles that are there still work. */
	EXPECT_OK(DkEventSet(all[n - 1]));
	for (u64 i = 0; i < n; i++)
		ASSERT_OK(DkObjectClose(all[i]));
	for (u64 i = 0; i < n; i += 4099)
		EXPECT_STATUS(DkObjectClose(all[i]), INVALID_HANDLE);
	dkt_counts(&after);
	EXPECT_EQ(after.handles, before.handles);
	EXPECT_EQ(after.objects, before.objects);
	EXPECT_STATUS(DkStreamOpen(URI(uri), DK_ACCESS_WRITE, DK_OPEN_EXISTING,
				   0, &h),
		      NOT_FOUND);
	again = fill_table();
	EXPECT_EQ(again, n);
	for (u64 i = 0; i < again; i++)
		ASSERT_OK(DkObjectClose(all[i]));
	/* Who had connected is still there. */
	for (int i = 0; i < 2; i++) {
		h = take(server[i], NULL);
		send_text(client[i], "patient");
		expect_text(h, "patient");
		DkObjectClose(h);
		DkObjectClose(client[i]);
		DkObjectClose(server[i]);
	}
}

/* The other calls that do not return are seen through their effect. */
static void exits(u64 parameter)
{
	DkThreadExit();
	dkt_fail("DkThreadExit returned");
}

TEST(exit_calls)
{
	DK_HANDLE t = dkt_thread(exits, 0);

	EXPECT_TRUE(dkt_wait(t));
	EXPECT_OK(DkObjectClose(t));
	/* DkProcessExit ends this image; the outer side looks at its code. */
}

static u64 restored;

static bool note_exception(struct dk_exception *exception,
			   struct dk_context *context)
{
	restored++;
	context->rip = context->r12;
	context->rsp = context->r13;
	context->cs = 0x33;
	context->ss = 0x2b;
	context->rflags = 0x202;
	return true;
}

/* Restores @c with r12, r13 leading back here; its status, or 1. */
static s64 try_restore(struct dk_context *c)
{
	s64 status;

	asm volatile("lea 1f(%%rip), %%rax\n\t"
		     "mov %%rax, 40(%%rdi)\n\t" /* r12 */
		     "mov %%rsp, 32(%%rdi)\n\t" /* r13 */
		     "mov %%rbp, 96(%%rdi)\n\t"
		     "mov %[nr], %%eax\n\t"
		     "syscall\n\t"
		     "jmp 2f\n"
		     "1: mov $1, %%eax\n"
		     "2:"
		     : "=a"(status), "+D"(c)
		     : [nr] "i"(DK_VECTOR_BASE + DK_INDEX_DkxContextRestore)
		     : "rcx", "r11", "r12", "r13", "r14", "r15", "rbx", "rsi",
		       "rdx", "r8", "r9", "r10", "memory", "cc");
	if (status < 0)
		dkt_seen(DK_INDEX_DkxContextRestore, status);
	return status;
}

TEST(context_restore)
{
	static const u64 pointers[] = {
		0,
		8,
		0x8000000000000000,
		0xffff800000000000,
		0xffffffff81000000,
		0xfffffffffffffff8,
	};
	static const u64 selectors[] = { 0x10, 0x18, 0x8, 0x30, 0x3b, 0x2b };
	struct dk_context good, c;

	make_world();
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		EXPECT_STATUS(dkt_raw(DK_INDEX_DkxContextRestore, pointers[i],
				      0, 0, 0, 0, 0),
			      INVALID_POINTER);
	EXPECT_STATUS(dkt_raw(DK_INDEX_DkxContextRestore, (u64)w.gone - 64, 0,
			      0, 0, 0, 0),
		      INVALID_POINTER);
	memset(&good, 0, sizeof(good));
	good.cs = 0x33;
	good.ss = 0x2b;
	good.rsp = (u64)w.stack + 4 * PAGE;
	dkt_exception = note_exception;
	restored = 0;
	for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
		c = good;
		c.cs = selectors[i];
		EXPECT_STATUS(try_restore(&c), INVALID_PARAMETER);
	}
	EXPECT_EQ(restored, 0);
	/* Nowhere to go: an exception there, or a refusal; nothing worse. */
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
		s64 status;

		c = good;
		c.rip = pointers[i];
		status = try_restore(&c);
		EXPECT_TRUE(status == 1 ||
			    status == DK_STATUS_INVALID_PARAMETER);
		c = good;
		c.rip = 8;
		c.rflags = ~0ULL; /* IOPL, VM, NT and all */
		status = try_restore(&c);
		EXPECT_TRUE(status == 1 ||
			    status == DK_STATUS_INVALID_PARAMETER);
	}
	EXPECT_GE(restored, 1);
	dkt_exception = NULL;
}
