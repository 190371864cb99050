/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of refusals, inside a picoprocess: a world of good objects, and
 * memory and names that are not.
 */
#ifndef WORLD_H
#define WORLD_H

#include "dktest.h"

static struct world {
	DK_HANDLE event, semaphore, thread, process, file, folder, in;
	DK_HANDLE closed; /* was a handle */
	DK_HANDLE ended; /* a thread */
	u8 *page; /* good memory, 2 pages, then nothing */
	u8 *read_only; /* readable, not writable */
	u8 *none; /* reserved, not committed */
	u8 *gone; /* was mapped */
	u8 *above; /* first address past user memory */
	u8 *stack;
	char uri[128], new_uri[128], missing[128], dir[128];
	char image_uri[512];
} w;

static inline void quick_exit(u64 parameter)
{
}

static inline void make_world(void)
{
	void *p;
	u64 n;

	if (w.page)
		return;
	w.page = dkt_pages(8);
	DkVirtualMemoryFree(w.page + 2 * PAGE, PAGE, DK_MEM_RELEASE);
	w.read_only = w.page + 3 * PAGE;
	*(u64 *)w.read_only = POISON;
	DkVirtualMemoryProtect(w.read_only, PAGE, DK_PROT_READ);
	w.gone = w.page + 2 * PAGE;
	p = NULL;
	n = PAGE;
	DkVirtualMemoryAlloc(&p, &n, DK_MEM_RESERVE, DK_PROT_NONE);
	w.none = p;
	w.above = (u8 *)dkt_parameters->address_limit;
	w.stack = dkt_pages(4);
	w.process = dkt_parameters->process;
	w.thread = dkt_parameters->thread;
	w.ended = dkt_thread(quick_exit, 0);
	dkt_wait(w.ended);
	DkNotificationEventCreate(0, &w.event);
	DkSemaphoreCreate(1, 1000000, &w.semaphore);
	DkNotificationEventCreate(0, &w.closed);
	DkObjectClose(w.closed);
	dkt_snprintf(w.dir, sizeof(w.dir), "file:%s/rw", dkt_argument(1));
	dkt_snprintf(w.uri, sizeof(w.uri), "%s/bad-file", w.dir);
	dkt_snprintf(w.image_uri, sizeof(w.image_uri), "file:%s",
		     dkt_argument(0));
	dkt_snprintf(w.new_uri, sizeof(w.new_uri), "%s/bad-new", w.dir);
	w.file = dkt_open(w.uri, DK_ACCESS_READ | DK_ACCESS_WRITE,
			  DK_OPEN_CREATE, DK_OPTION_MODE(0644));
	DkStreamSetLength(w.file, 3 * PAGE);
	w.folder = dkt_open(w.dir, DK_ACCESS_READ, DK_OPEN_EXISTING,
			    DK_OPTION_DIRECTORY);
	w.in = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
}

/* Memory for out and inout arguments; one page away from its end. */
static inline u64 *slot(int i)
{
	return (u64 *)(w.page + 64 * i);
}

#define BUFFER	(w.page + 1024)

#endif /* WORLD_H */
