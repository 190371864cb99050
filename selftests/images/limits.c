// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks for more than the sandbox may have, and says what it got: limits.img
 * memory|commit|protect|map|shared|handles|parcels|threads|processes|children|
 * spin.
 * "sharing" tells what of shared memory counts when. Prints lines that the
 * test outside (limits.c) reads: "got N status S", and "again S" after some
 * was given back.
 */
#include "dktest.h"

#define CHUNK	(1UL << 20)
#define MOST	4096

static void *chunks[MOST];
static DK_HANDLE handles[MOST], stop[MOST];

static s64 allocate(void **base, u64 type, u64 protection)
{
	u64 length = CHUNK;

	*base = NULL;
	return DkVirtualMemoryAlloc(base, &length, type, protection);
}

static s64 get_memory(int i)
{
	return allocate(&chunks[i], DK_MEM_RESERVE | DK_MEM_COMMIT,
			DK_PROT_READ | DK_PROT_WRITE);
}

/* Reserved first, which costs nothing, then committed in place. */
static s64 get_committed(int i)
{
	u64 length = CHUNK;
	s64 status = allocate(&chunks[i], DK_MEM_RESERVE, DK_PROT_NONE);

	if (status)
		return status == DK_STATUS_NO_MEMORY ? DK_STATUS_BUSY : status;
	return DkVirtualMemoryAlloc(&chunks[i], &length, DK_MEM_COMMIT,
				    DK_PROT_READ | DK_PROT_WRITE);
}

static s64 get_protected(int i)
{
	s64 status = allocate(&chunks[i], DK_MEM_RESERVE | DK_MEM_COMMIT,
			      DK_PROT_READ);

	if (status)
		return status == DK_STATUS_NO_MEMORY ? DK_STATUS_BUSY : status;
	return DkVirtualMemoryProtect(chunks[i], CHUNK,
				      DK_PROT_READ | DK_PROT_WRITE);
}

static s64 get_mapped(int i)
{
	static DK_HANDLE file;

	if (!file)
		file = dkt_open("file:/etc/passwd", DK_ACCESS_READ,
				DK_OPEN_EXISTING, 0);
	chunks[i] = NULL;
	return DkStreamMap(file, &chunks[i], CHUNK, 0,
			   DK_PROT_READ | DK_PROT_WRITE, DK_MAP_PRIVATE);
}

static s64 get_shared(int i)
{
	return allocate(&chunks[i],
			DK_MEM_RESERVE | DK_MEM_COMMIT | DK_MEM_SHARED,
			DK_PROT_READ | DK_PROT_WRITE);
}

static void free_chunk(int i)
{
	DkVirtualMemoryFree(chunks[i], CHUNK, DK_MEM_RELEASE);
}

static s64 get_handle(int i)
{
	return DkNotificationEventCreate(0, &handles[i]);
}

static void free_handle(int i)
{
	DkObjectClose(handles[i]);
}

/* A handle in a message that nobody has received. */
static DK_HANDLE sender, receiver;

static struct dk_parcel parcel_of(DK_HANDLE *handle)
{
	return (struct dk_parcel){ .flags = DK_PARCEL_NONBLOCK,
				   .handles = (u64)handle,
				   .handle_count = 1 };
}

static s64 get_parcel(int i)
{
	struct dk_parcel p = parcel_of(&sender);

	if (!sender)
		EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &sender,
					&receiver));
	return DkxParcelSend(sender, &p, sizeof(p));
}

/* It has no room for the handle either; that is lost, and the message gone. */
static void free_parcel(int i)
{
	DK_HANDLE handle = 0;
	struct dk_parcel p = parcel_of(&handle);

	EXPECT_OK(DkxParcelReceive(receiver, &p, sizeof(p)));
	if (handle)
		DkObjectClose(handle);
}

static void sleeper(u64 parameter)
{
	u64 index;

	DkObjectsWaitAny(1, &stop[parameter], DK_TIMEOUT_INFINITE, &index);
}

static s64 get_thread(int i)
{
	void *stack = dkt_pages(4);

	DkNotificationEventCreate(0, &stop[i]);
	return DkThreadCreate((void *)sleeper, i, stack, 4 * PAGE, &handles[i]);
}

static void free_thread(int i)
{
	u64 index;

	DkEventSet(stop[i]);
	DkObjectsWaitAny(1, &handles[i], DK_TIMEOUT_INFINITE, &index);
}

/* Two ways to make a process; it ends when it is told to, or left behind. */
static s64 get_process(int i)
{
	u64 id;
	s64 status;

	if (!stop[i])
		DkNotificationEventCreate(0, &stop[i]);
	status = DkxProcessClone(0, &handles[i], &id);
	if (!status && !handles[i]) {
		sleeper(i);
		DkProcessExit(0);
	}
	return status;
}

static s64 get_child(int i)
{
	static const char strings[] = "/program\0/\0limits\0child";
	struct dk_process_parameters p = {
		.handles = (u64)&stop[i],
		.handle_count = 1,
		.strings = (u64)strings,
		.strings_length = sizeof(strings),
		.argument_count = 2,
	};
	char uri[512];
	u64 id;

	if (!stop[i])
		DkNotificationEventCreate(0, &stop[i]);
	dkt_snprintf(uri, sizeof(uri), "file:%s", dkt_argument(3));
	return DkProcessCreate(URI(uri), &p, sizeof(p), &handles[i], &id);
}

static void free_process(int i)
{
	free_thread(i);
	DkObjectClose(handles[i]);
	DkObjectClose(stop[i]);
	stop[i] = 0;
}

void dkt_child(void)
{
	const DK_HANDLE *given =
		(const void *)dkt_parameters + dkt_parameters->handle_offset;

	if (strcmp(dkt_argument(1), "child"))
		return;
	stop[0] = given[0];
	sleeper(0);
	DkProcessExit(0);
}

/*
 * Of 64 MiB, 40 are shared: in a clone they do not count again, what is
 * unmapped in part or in one process alone counts on, and all is free when
 * nobody has it.
 */
static void sharing(void)
{
	u64 length = 40 * CHUNK, more = 30 * CHUNK, id;
	void *base = NULL, *other = NULL;
	DK_HANDLE child;

	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length,
				       DK_MEM_RESERVE | DK_MEM_COMMIT |
					       DK_MEM_SHARED,
				       DK_PROT_READ | DK_PROT_WRITE));
	*(volatile u64 *)base = 1;
	DkNotificationEventCreate(0, &stop[0]);
	EXPECT_OK(DkxProcessClone(0, &child, &id));
	if (!child) {
		*(volatile u64 *)base = 2;
		sleeper(0);
		DkProcessExit(0);
	}
	EXPECT_STATUS(DkVirtualMemoryAlloc(&other, &more,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ | DK_PROT_WRITE),
		      NO_MEMORY);
	EXPECT_OK(DkVirtualMemoryFree(base, 20 * CHUNK, DK_MEM_RELEASE));
	EXPECT_STATUS(DkVirtualMemoryAlloc(&other, &more,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ | DK_PROT_WRITE),
		      NO_MEMORY);
	EXPECT_OK(DkVirtualMemoryFree(base + 20 * CHUNK, 20 * CHUNK,
				      DK_MEM_RELEASE));
	EXPECT_STATUS(DkVirtualMemoryAlloc(&other, &more,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ | DK_PROT_WRITE),
		      NO_MEMORY);
	DkEventSet(stop[0]);
	EXPECT_TRUE(dkt_wait(child));
	/* Its address space goes before its end is seen, its files after. */
	for (int i = 0; i < 1000; i++) {
		s64 remaining;

		if (!DkVirtualMemoryAlloc(&other, &more,
					  DK_MEM_RESERVE | DK_MEM_COMMIT,
					  DK_PROT_READ | DK_PROT_WRITE))
			break;
		other = NULL;
		DkThreadDelayExecution(10 * MSEC, &remaining);
	}
	EXPECT_TRUE(other);
	dkt_print("got %d status 0\n", dkt_failed());
}

/* Of 64 MiB: what a move adds counts, and what it takes away does not. */
static void moving(void)
{
	u64 length = 30 * CHUNK, more = 20 * CHUNK;
	void *base = NULL, *other = NULL;
	DK_STATUS at;

	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length,
				       DK_MEM_RESERVE | DK_MEM_COMMIT,
				       DK_PROT_READ | DK_PROT_WRITE));
	EXPECT_STATUS(DkxVirtualMemoryMove(base, length, 70 * CHUNK,
					   DK_MOVE_ANYWHERE, NULL),
		      NO_MEMORY);
	at = DkxVirtualMemoryMove(base, length, 50 * CHUNK, DK_MOVE_ANYWHERE,
				  NULL);
	EXPECT_TRUE(at > 0);
	EXPECT_STATUS(DkVirtualMemoryAlloc(&other, &more,
					   DK_MEM_RESERVE | DK_MEM_COMMIT,
					   DK_PROT_READ | DK_PROT_WRITE),
		      NO_MEMORY);
	EXPECT_STATUS(DkxVirtualMemoryMove((void *)at, 50 * CHUNK, 50 * CHUNK,
					   DK_MOVE_ANYWHERE | DK_MOVE_KEEP,
					   NULL),
		      NO_MEMORY);
	EXPECT_EQ(DkxVirtualMemoryMove((void *)at, 50 * CHUNK, 10 * CHUNK, 0,
				       NULL),
		  at);
	EXPECT_OK(DkVirtualMemoryAlloc(&other, &more,
				       DK_MEM_RESERVE | DK_MEM_COMMIT,
				       DK_PROT_READ | DK_PROT_WRITE));
	at = DkxVirtualMemoryMove((void *)at, 10 * CHUNK, 10 * CHUNK,
				  DK_MOVE_ANYWHERE | DK_MOVE_KEEP, NULL);
	EXPECT_TRUE(at > 0);
	dkt_print("got %d status 0\n", dkt_failed());
}

/*
 * A range that ends beyond all memory: the native call would make writable what
 * comes before the first hole. Nothing is, and nothing counts.
 */
static void overlong(void)
{
	u64 length = 200 * CHUNK, more = 40 * CHUNK, too_long;
	void *base = NULL, *other = NULL;

	EXPECT_OK(DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE,
				       DK_PROT_NONE));
	too_long = 0x7ffffffff000 + PAGE - (u64)base;
	EXPECT_STATUS(DkVirtualMemoryProtect(base, too_long,
					     DK_PROT_READ | DK_PROT_WRITE),
		      NO_MEMORY);
	EXPECT_STATUS(DkVirtualMemoryProtect(base, -PAGE,
					     DK_PROT_READ | DK_PROT_WRITE),
		      NO_MEMORY);
	EXPECT_OK(DkVirtualMemoryAlloc(&other, &more,
				       DK_MEM_RESERVE | DK_MEM_COMMIT,
				       DK_PROT_READ | DK_PROT_WRITE));
	dkt_print("got %d status 0\n", dkt_failed());
}

/*
 * Connections that nobody has accepted count as handles, though their clients
 * have closed theirs; and no more when the server goes.
 */
static s64 connect_pipe(DK_HANDLE *client)
{
	return DkStreamOpen("pipe.client:q", 13,
			    DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_EXISTING,
			    DK_OPTION_NONBLOCK, client);
}

static s64 connect_local(DK_HANDLE *client)
{
	struct dk_local_name name = { .key_length = 1, .key = "q" };
	s64 status = DkStreamOpen("local:stream", 12,
				  DK_ACCESS_READ | DK_ACCESS_WRITE,
				  DK_OPEN_CREATE_NEW, DK_OPTION_NONBLOCK,
				  client);

	if (status)
		return status;
	status = DkxStreamControl(*client, DK_CONTROL_CONNECT, &name,
				  sizeof(name));
	if (status)
		DkObjectClose(*client);
	return status;
}

static void fill(DK_HANDLE server, s64 (*connect)(DK_HANDLE *))
{
	DK_HANDLE client, event;
	u32 backlog = 4000;
	s64 status;
	int n;

	EXPECT_OK(DkxStreamControl(server, DK_CONTROL_LISTEN, &backlog,
				   sizeof(backlog)));
	for (int round = 0; round < 2; round++) {
		for (n = 0; !(status = connect(&client)) && n < 1000; n++)
			EXPECT_OK(DkObjectClose(client));
		EXPECT_EQ(status, DK_STATUS_TOO_MANY_HANDLES);
		if (!round)
			EXPECT_TRUE(n > 80 && n < 98);
		else
			EXPECT_EQ(n, 0);
		/* One is free now, and counts in another way. */
		EXPECT_OK(DkNotificationEventCreate(0, &event));
		EXPECT_STATUS(DkNotificationEventCreate(0, &client),
			      TOO_MANY_HANDLES);
		EXPECT_OK(DkObjectClose(event));
	}
	EXPECT_OK(DkObjectClose(server));
	for (n = 0; n < 80; n++)
		EXPECT_OK(DkNotificationEventCreate(0, &handles[n]));
	while (n--)
		EXPECT_OK(DkObjectClose(handles[n]));
}

static void queues(void)
{
	struct dk_local_name name = { .key_length = 1, .key = "q" };
	DK_HANDLE server;

	server = dkt_open("pipe.server:q", DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
			  0);
	fill(server, connect_pipe);
	server = dkt_open("local:stream", DK_ACCESS_READ | DK_ACCESS_WRITE,
			  DK_OPEN_CREATE_NEW, 0);
	EXPECT_OK(
		DkxStreamControl(server, DK_CONTROL_BIND, &name, sizeof(name)));
	fill(server, connect_local);
	dkt_print("got %d status 0\n", dkt_failed());
}

/*
 * Several threads make memory writable at the same time, each with one native
 * call. Of 64 MiB there is room for all of them but one, every time.
 */
#define TOGETHER 4
#define SHARE	 19 /* chunks of each */

static u8 *together_base;
static volatile u64 together_ready, together_count;

static void make_writable(u64 number)
{
	__atomic_add_fetch(&together_ready, 1, __ATOMIC_SEQ_CST);
	while (together_ready < TOGETHER)
		asm volatile("pause");
	if (!DkVirtualMemoryProtect(together_base + number * SHARE * CHUNK,
				    SHARE * CHUNK,
				    DK_PROT_READ | DK_PROT_WRITE))
		__atomic_add_fetch(&together_count, 1, __ATOMIC_SEQ_CST);
}

static void together(void)
{
	DK_HANDLE threads[TOGETHER];
	u8 *stacks = dkt_pages(4 * TOGETHER);

	for (int round = 0; round < 200; round++) {
		u64 length = TOGETHER * SHARE * CHUNK;
		void *base = NULL;

		EXPECT_OK(DkVirtualMemoryAlloc(&base, &length,
					       DK_MEM_RESERVE | DK_MEM_COMMIT,
					       DK_PROT_READ));
		together_base = base;
		together_ready = together_count = 0;
		for (int i = 0; i < TOGETHER; i++)
			EXPECT_OK(DkThreadCreate((void *)make_writable, i,
						 stacks + i * 4 * PAGE,
						 4 * PAGE, &threads[i]));
		for (int i = 0; i < TOGETHER; i++) {
			EXPECT_TRUE(dkt_wait(threads[i]));
			DkObjectClose(threads[i]);
		}
		EXPECT_EQ(together_count, TOGETHER - 1);
		EXPECT_OK(DkVirtualMemoryFree(base, length, DK_MEM_RELEASE));
	}
	dkt_print("got %d status 0\n", dkt_failed());
}

static void spin(u64 parameter)
{
	for (;;)
		asm volatile("pause");
}

static const struct {
	const char *name;
	s64 (*get)(int i);
	void (*free)(int i);
} kinds[] = {
	{ "memory", get_memory, free_chunk },
	{ "commit", get_committed, free_chunk },
	{ "protect", get_protected, free_chunk },
	{ "map", get_mapped, free_chunk },
	{ "shared", get_shared, free_chunk },
	{ "processes", get_process, free_process },
	{ "children", get_child, free_process },
	{ "handles", get_handle, free_handle },
	{ "parcels", get_parcel, free_parcel },
	{ "threads", get_thread, free_thread },
};

TEST(limits)
{
	const char *how = dkt_argument(1);
	s64 status = 0;
	int n;

	if (!strcmp(how, "spin")) {
		dkt_print("ready\n");
		dkt_thread(spin, 0);
		spin(0);
	}
	if (!strcmp(how, "sharing"))
		sharing();
	if (!strcmp(how, "moving"))
		moving();
	if (!strcmp(how, "together"))
		together();
	if (!strcmp(how, "overlong"))
		overlong();
	if (!strcmp(how, "queues"))
		queues();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(how, kinds[i].name))
			continue;
		for (n = 0; n < MOST && !status; n++)
			status = kinds[i].get(n);
		dkt_print("got %d status %lld\n", status ? n - 1 : n, status);
		kinds[i].free(0);
		dkt_print("again %lld\n", kinds[i].get(0));
		dkt_print("then %lld\n", kinds[i].get(n - 1));
		while (--n > 0)
			kinds[i].free(n - 1);
	}
	DkProcessExit(0);
}
