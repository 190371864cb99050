// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks for more than the sandbox may have, and says what it got: limits.img
 * memory|commit|protect|map|handles|threads|spin|starts. Prints lines that the
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
	{ "handles", get_handle, free_handle },
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
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(how, kinds[i].name))
			continue;
		for (n = 0; n < MOST && !status; n++)
			status = kinds[i].get(n);
		dkt_print("got %d status %lld\n", status ? n - 1 : n, status);
		kinds[i].free(0);
		dkt_print("again %lld\n", kinds[i].get(0));
		dkt_print("then %lld\n", kinds[i].get(n - 1));
	}
	DkProcessExit(0);
}
