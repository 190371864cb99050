/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Of dk_bad.c and dk_page.c alone: the call table, for each call arguments that
 * are good, and what is to be done after it.
 */
#ifndef DK_BAD_ROWS_H
#define DK_BAD_ROWS_H

#include "counts.h"
#include "world.h"

struct call {
	const char *name;
	u32 index, version, argc;
	u64 statuses;
	enum dkt_kind kinds[6];
};

#define CALL(class, function, call_name, call_version, args, set)	\
	[DK_INDEX(class, function)] = {					\
		.name = #call_name, .index = DK_INDEX(class, function),	\
		.version = call_version, .argc = DK_ARGC args,		\
		.statuses = set, .kinds = { DKT_KINDS args },		\
	},
static const struct call call_table[DK_CALL_LIMIT] = { DK_CALL_TABLE(CALL) };

struct row {
	/* Fills in arguments; may make objects that @after removes. */
	void (*good)(u64 *a);
	void (*after)(u64 *a);
	bool always; /* @after is due even when the call failed */
	s64 status; /* that good arguments give */
	u64 flags_known; /* the union of defined bits of FLAGS */
	DK_HANDLE *wrong; /* a live handle of a wrong type */
	u64 right; /* that the handle must have, or 0 */
	u32 skip; /* arguments (bits) that are not made bad */
};

#define GOOD(name)	static void good_##name(u64 *a)
#define AFTER(name)	static void after_##name(u64 *a)

GOOD(DkVirtualMemoryAlloc)
{
	*slot(0) = 0;
	*slot(1) = PAGE;
	a[0] = (u64)slot(0);
	a[1] = (u64)slot(1);
	a[2] = DK_MEM_RESERVE | DK_MEM_COMMIT;
	a[3] = DK_PROT_READ;
}
AFTER(DkVirtualMemoryAlloc)
{
	DkVirtualMemoryFree((void *)*slot(0), PAGE, DK_MEM_RELEASE);
}

static void *scratch;
GOOD(DkVirtualMemoryFree)
{
	/* With a hole behind it: what is too long must not reach others. */
	scratch = dkt_pages(2);
	DkVirtualMemoryFree((char *)scratch + PAGE, PAGE, DK_MEM_RELEASE);
	a[0] = (u64)scratch;
	a[1] = PAGE;
	a[2] = DK_MEM_RELEASE;
}
AFTER(DkVirtualMemoryFree)
{
	DkVirtualMemoryFree(scratch, PAGE, DK_MEM_RELEASE);
}

GOOD(DkVirtualMemoryProtect)
{
	good_DkVirtualMemoryFree(a);
	a[2] = DK_PROT_READ;
}
#define after_DkVirtualMemoryProtect after_DkVirtualMemoryFree

static void *moved;
GOOD(DkxVirtualMemoryMove)
{
	good_DkVirtualMemoryFree(a);
	moved = dkt_pages(2);
	a[2] = 2 * PAGE;
	a[3] = DK_MOVE_ANYWHERE | DK_MOVE_REPLACE;
	a[4] = (u64)moved;
}
AFTER(DkxVirtualMemoryMove)
{
	after_DkVirtualMemoryFree(a);
	DkVirtualMemoryFree(moved, 2 * PAGE, DK_MEM_RELEASE);
}

GOOD(DkThreadCreate)
{
	*slot(0) = POISON;
	a[0] = (u64)quick_exit;
	a[1] = 0;
	a[2] = (u64)w.stack;
	a[3] = 4 * PAGE;
	a[4] = (u64)slot(0);
}
AFTER(DkThreadCreate)
{
	if (!dkt_wait(*slot(0)))
		dkt_fail("the thread does not end");
	DkObjectClose(*slot(0));
}

GOOD(DkThreadGetParameter)
{
	a[0] = (u64)slot(0);
}

GOOD(DkThreadDelayExecution)
{
	a[0] = 1000;
	a[1] = (u64)slot(0);
}

GOOD(DkThreadYieldExecution)
{
}

GOOD(DkNotificationEventCreate)
{
	a[0] = 1;
	a[1] = (u64)slot(0);
}
AFTER(DkNotificationEventCreate)
{
	DkObjectClose(*slot(0));
}

#define good_DkSynchronizationEventCreate good_DkNotificationEventCreate
#define after_DkSynchronizationEventCreate after_DkNotificationEventCreate

GOOD(DkSemaphoreCreate)
{
	a[0] = 1;
	a[1] = 2;
	a[2] = (u64)slot(0);
}
#define after_DkSemaphoreCreate after_DkNotificationEventCreate

GOOD(DkSemaphoreRelease)
{
	a[0] = w.semaphore;
	a[1] = 1;
	a[2] = (u64)slot(0);
}

GOOD(DkSemaphorePeek)
{
	a[0] = w.semaphore;
	a[1] = (u64)slot(0);
}

GOOD(DkEventSet)
{
	a[0] = w.event;
}
#define good_DkEventClear good_DkEventSet

GOOD(DkEventPeek)
{
	a[0] = w.event;
	a[1] = (u64)slot(0);
}

GOOD(DkObjectsWaitAny)
{
	DkEventSet(w.event);
	((u64 *)BUFFER)[0] = w.event;
	((u64 *)BUFFER)[1] = w.semaphore;
	a[0] = 2;
	a[1] = (u64)BUFFER;
	a[2] = 0;
	a[3] = (u64)slot(0);
}

static struct dk_process_parameters process_parameters;

/* What it makes is this image again, and ends in dkt_child(). */
GOOD(DkProcessCreate)
{
	static const char strings[] = "/p\0/\0child";

	process_parameters = (struct dk_process_parameters){
		.strings = (u64)strings,
		.strings_length = sizeof(strings),
		.argument_count = 1,
	};
	a[0] = (u64)w.image_uri;
	a[1] = strlen(w.image_uri);
	a[2] = (u64)&process_parameters;
	a[3] = sizeof(process_parameters);
	a[4] = (u64)slot(0);
	a[5] = (u64)slot(1);
}
#define after_DkProcessCreate after_DkxProcessClone

void dkt_child(void)
{
	if (!strcmp(dkt_argument(0), "child"))
		DkProcessExit(dkt_parameters->handle_count);
}

GOOD(DkProcessGetExitCode)
{
	a[0] = w.process;
	a[1] = (u64)slot(0);
}

GOOD(DkStreamOpen)
{
	a[0] = (u64)w.uri;
	a[1] = strlen(w.uri);
	a[2] = DK_ACCESS_READ;
	a[3] = DK_OPEN_EXISTING;
	a[4] = 0;
	a[5] = (u64)slot(0);
}
#define after_DkStreamOpen after_DkNotificationEventCreate

GOOD(DkStreamRead)
{
	a[0] = w.file;
	a[1] = 0;
	a[2] = (u64)BUFFER;
	a[3] = 512;
	a[4] = (u64)slot(0);
}
#define good_DkStreamWrite good_DkStreamRead

GOOD(DkStreamMap)
{
	*slot(0) = 0;
	a[0] = w.file;
	a[1] = (u64)slot(0);
	a[2] = PAGE;
	a[3] = 0;
	a[4] = DK_PROT_READ;
	a[5] = DK_MAP_PRIVATE;
}
AFTER(DkStreamMap)
{
	DkStreamUnmap((void *)*slot(0), PAGE);
}

GOOD(DkStreamUnmap)
{
	scratch = NULL;
	DkStreamMap(w.file, &scratch, PAGE, 0, DK_PROT_READ, DK_MAP_PRIVATE);
	a[0] = (u64)scratch;
	a[1] = PAGE;
}
AFTER(DkStreamUnmap)
{
	DkStreamUnmap(scratch, PAGE);
}

GOOD(DkStreamSetLength)
{
	a[0] = w.file;
	a[1] = 3 * PAGE;
}

GOOD(DkStreamFlush)
{
	a[0] = w.file;
	a[1] = DK_FLUSH_DATA;
}

static void make_file(const char *uri)
{
	DkObjectClose(dkt_open(uri, DK_ACCESS_WRITE, DK_OPEN_CREATE,
			       DK_OPTION_MODE(0644)));
}
static char victim[128];
GOOD(DkStreamDelete)
{
	dkt_snprintf(victim, sizeof(victim), "%s/bad-victim", w.dir);
	make_file(victim);
	a[0] = (u64)victim;
	a[1] = strlen(victim);
	a[2] = DK_DELETE_FILE;
}
AFTER(DkStreamDelete)
{
	DkStreamDelete(URI(victim), DK_DELETE_FILE);
}

GOOD(DkStreamRename)
{
	good_DkStreamDelete(a);
	a[2] = (u64)w.new_uri;
	a[3] = strlen(w.new_uri);
	a[4] = 0;
}
AFTER(DkStreamRename)
{
	after_DkStreamDelete(a);
	DkStreamDelete(URI(w.new_uri), DK_DELETE_FILE);
}

GOOD(DkStreamEnumerateChildren)
{
	*slot(0) = 0;
	a[0] = w.folder;
	a[1] = (u64)slot(0);
	a[2] = (u64)BUFFER;
	a[3] = 1024;
	a[4] = (u64)slot(1);
}

GOOD(DkStreamGetEvent)
{
	a[0] = w.in;
	a[1] = DK_STREAM_READABLE;
	a[2] = (u64)slot(0);
}
#define after_DkStreamGetEvent after_DkNotificationEventCreate

GOOD(DkStreamAttributesQuery)
{
	a[0] = (u64)w.uri;
	a[1] = strlen(w.uri);
	a[2] = 0;
	a[3] = (u64)BUFFER;
	a[4] = sizeof(struct dk_stream_attributes);
}

GOOD(DkStreamAttributesQueryByHandle)
{
	a[0] = w.file;
	a[1] = (u64)BUFFER;
	a[2] = sizeof(struct dk_stream_attributes);
}

GOOD(DkSystemTimeQuery)
{
	a[0] = DK_CLOCK_WALL;
	a[1] = (u64)slot(0);
}

GOOD(DkRandomBitsRead)
{
	a[0] = (u64)BUFFER;
	a[1] = 64;
}

GOOD(DkInstructionCacheFlush)
{
	a[0] = (u64)w.page;
	a[1] = PAGE;
}

GOOD(DkObjectReference)
{
	a[0] = w.event;
	a[1] = DK_RIGHT_READ;
	a[2] = (u64)slot(0);
}
#define after_DkObjectReference after_DkNotificationEventCreate

GOOD(DkObjectClose)
{
	DK_HANDLE h = 0;

	DkNotificationEventCreate(0, &h);
	a[0] = h;
	*slot(2) = h;
}
AFTER(DkObjectClose)
{
	DkObjectClose(*slot(2));
}

GOOD(DkDebugStringPrint)
{
	memcpy(BUFFER, "good", 4);
	a[0] = (u64)BUFFER;
	a[1] = 4;
}

GOOD(DkxAbiQuery)
{
	a[0] = DK_VECTOR_BASE + DK_INDEX_DkStreamOpen;
	a[1] = (u64)slot(0);
}

GOOD(DkxUpcallRegister)
{
	a[0] = (u64)dkt_thread_entry;
	a[1] = (u64)dkt_exception_entry;
}

/* An entry that is never entered: this thread makes no such call. */
GOOD(DkxSystemCallRegister)
{
	memset(BUFFER, 0, sizeof(struct dk_thread_block));
	a[0] = (u64)quick_exit;
	a[1] = (u64)BUFFER;
}
AFTER(DkxSystemCallRegister)
{
	DkxSystemCallRegister(NULL, NULL);
}

static struct dk_stream_attributes attributes;
GOOD(DkxStreamAttributesSet)
{
	memset(&attributes, 0, sizeof(attributes));
	attributes.valid = DK_SET_MODE;
	attributes.mode = 0640;
	a[0] = (u64)w.uri;
	a[1] = strlen(w.uri);
	a[2] = 0;
	a[3] = (u64)&attributes;
	a[4] = sizeof(attributes);
}
GOOD(DkxStreamAttributesSetByHandle)
{
	u64 b[6];

	good_DkxStreamAttributesSet(b);
	a[0] = w.file;
	a[1] = b[3];
	a[2] = b[4];
}

GOOD(DkxStreamLink)
{
	a[0] = (u64)w.uri;
	a[1] = strlen(w.uri);
	a[2] = (u64)w.new_uri;
	a[3] = strlen(w.new_uri);
	a[4] = 0;
}
AFTER(DkxStreamLink)
{
	DkStreamDelete(URI(w.new_uri), DK_DELETE_FILE);
}

GOOD(DkxStreamSeek)
{
	a[0] = w.file;
	a[1] = 0;
	a[2] = DK_SEEK_SET;
	a[3] = (u64)slot(0);
}

GOOD(DkxConsoleControl)
{
	a[0] = w.in;
	a[1] = DK_CONSOLE_BYTES_READABLE;
	a[2] = (u64)BUFFER;
	a[3] = 4;
}

/* The value differs: without another thread, a good wait ends at once. */
GOOD(DkxAddressWait)
{
	*(u32 *)BUFFER = 5;
	a[0] = (u64)BUFFER;
	a[1] = DK_ADDRESS_WAIT;
	a[2] = 4;
	a[3] = 0;
	a[4] = 0;
	a[5] = DK_ADDRESS_ALL_BITS;
}
GOOD(DkxAddressWake)
{
	a[0] = (u64)BUFFER;
	a[1] = DK_ADDRESS_WAKE;
	a[2] = 1;
	a[3] = 0;
	a[4] = 0;
	a[5] = DK_ADDRESS_ALL_BITS;
}

GOOD(DkxPipeCreate)
{
	a[0] = 0;
	a[1] = (u64)slot(0);
	a[2] = (u64)slot(1);
}
AFTER(DkxPipeCreate)
{
	DkObjectClose(*slot(0));
	DkObjectClose(*slot(1));
}

GOOD(DkxStreamLock)
{
	a[0] = w.file;
	a[1] = DK_LOCK_EXCLUSIVE | DK_LOCK_QUERY;
	a[2] = 0;
	a[3] = 1;
	a[4] = (u64)BUFFER;
	a[5] = sizeof(struct dk_lock_info);
}

/* The child of a clone that was made comes here first, too. */
GOOD(DkxProcessClone)
{
	a[0] = 0;
	a[1] = (u64)slot(0);
	a[2] = (u64)slot(1);
}
AFTER(DkxProcessClone)
{
	if (!*slot(0))
		DkProcessExit(0);
	if (!dkt_wait(*slot(0)))
		dkt_fail("the process does not end");
	DkObjectClose(*slot(0));
}

GOOD(DkxProcessOpen)
{
	a[0] = DK_PROCESS_FIRST;
	a[1] = (u64)slot(0);
}
#define after_DkxProcessOpen after_DkNotificationEventCreate

GOOD(DkxUsageQuery)
{
	a[0] = dkt_parameters->process;
	a[1] = (u64)BUFFER;
	a[2] = sizeof(struct dk_usage);
}

GOOD(DkxStreamControl)
{
	a[0] = w.in;
	a[1] = DK_CONTROL_PIPE_SIZE;
	a[2] = (u64)BUFFER;
	a[3] = 8;
}
GOOD(DkThreadRaiseException)
{
	a[0] = w.ended;
	a[1] = DK_EXCEPTION_RAISED;
	a[2] = 1;
}
GOOD(DkAbortEventRegister)
{
	a[0] = w.event;
}
GOOD(DkxSignalRegister)
{
	a[0] = 0;
}

#define ROW(call, ...)	[DK_INDEX_##call] = { .good = good_##call, ##__VA_ARGS__ }
#define UNDO(call)	.after = after_##call
#define ALWAYS(call)	.after = after_##call, .always = true

static const struct row rows[DK_CALL_LIMIT] = {
	ROW(DkVirtualMemoryAlloc, UNDO(DkVirtualMemoryAlloc),
	    .flags_known = 0xf),
	ROW(DkVirtualMemoryFree, ALWAYS(DkVirtualMemoryFree), .flags_known = 3),
	ROW(DkVirtualMemoryProtect, ALWAYS(DkVirtualMemoryProtect),
	    .flags_known = 0xf),
	/* A start routine that is not mapped is the thread's own exception. */
	ROW(DkThreadCreate, UNDO(DkThreadCreate), .skip = 1),
	ROW(DkThreadGetParameter),
	ROW(DkThreadDelayExecution),
	ROW(DkThreadYieldExecution),
	ROW(DkNotificationEventCreate, UNDO(DkNotificationEventCreate)),
	ROW(DkSynchronizationEventCreate, UNDO(DkSynchronizationEventCreate)),
	ROW(DkSemaphoreCreate, UNDO(DkSemaphoreCreate)),
	ROW(DkSemaphoreRelease, .wrong = &w.event, .right = DK_RIGHT_WRITE),
	ROW(DkSemaphorePeek, .wrong = &w.event, .right = DK_RIGHT_READ),
	ROW(DkEventSet, .wrong = &w.semaphore, .right = DK_RIGHT_WRITE),
	ROW(DkEventClear, .wrong = &w.file, .right = DK_RIGHT_WRITE),
	ROW(DkEventPeek, .wrong = &w.process, .right = DK_RIGHT_READ),
	ROW(DkObjectsWaitAny),
	ROW(DkThreadRaiseException, .status = DK_STATUS_ENDED,
	    .wrong = &w.event, .right = DK_RIGHT_WRITE),
	ROW(DkAbortEventRegister, .wrong = &w.semaphore,
	    .right = DK_RIGHT_WRITE),
	ROW(DkxSignalRegister),
	ROW(DkProcessCreate, UNDO(DkProcessCreate)),
	ROW(DkProcessGetExitCode, .wrong = &w.thread, .status = DK_STATUS_BUSY,
	    .right = DK_RIGHT_READ),
	ROW(DkStreamOpen, UNDO(DkStreamOpen),
	    .flags_known = DK_OPTION_MODE(07777) | 0x1f),
	ROW(DkStreamRead, .wrong = &w.event, .right = DK_RIGHT_READ),
	ROW(DkStreamWrite, .wrong = &w.process, .right = DK_RIGHT_WRITE),
	ROW(DkStreamMap, UNDO(DkStreamMap), .wrong = &w.semaphore,
	    .right = DK_RIGHT_READ, .flags_known = 0xf),
	ROW(DkStreamUnmap, ALWAYS(DkStreamUnmap)),
	ROW(DkStreamSetLength, .wrong = &w.event, .right = DK_RIGHT_WRITE),
	ROW(DkStreamFlush, .wrong = &w.event, .flags_known = 1),
	ROW(DkStreamDelete, ALWAYS(DkStreamDelete), .flags_known = 3),
	ROW(DkStreamRename, ALWAYS(DkStreamRename), .flags_known = 3),
	ROW(DkStreamEnumerateChildren, .wrong = &w.event,
	    .right = DK_RIGHT_READ),
	ROW(DkStreamGetEvent, UNDO(DkStreamGetEvent), .wrong = &w.event,
	    .flags_known = 0x1f),
	ROW(DkStreamAttributesQuery, .flags_known = 1),
	ROW(DkStreamAttributesQueryByHandle, .wrong = &w.event),
	ROW(DkSystemTimeQuery),
	ROW(DkRandomBitsRead),
	ROW(DkInstructionCacheFlush),
	ROW(DkObjectReference, UNDO(DkObjectReference),
	    .flags_known = DK_RIGHTS_ALL),
	ROW(DkObjectClose, ALWAYS(DkObjectClose)),
	ROW(DkDebugStringPrint),
	ROW(DkxAbiQuery),
	ROW(DkxUpcallRegister),
	ROW(DkxSystemCallRegister, ALWAYS(DkxSystemCallRegister)),
	ROW(DkxStreamAttributesSet, .flags_known = 1),
	ROW(DkxStreamAttributesSetByHandle, .wrong = &w.event),
	ROW(DkxStreamLink, UNDO(DkxStreamLink), .flags_known = 3),
	ROW(DkxStreamSeek, .wrong = &w.event),
	ROW(DkxConsoleControl, .wrong = &w.event),
	ROW(DkxAddressWait, .status = DK_STATUS_WOULD_BLOCK,
	    .flags_known = DK_ADDRESS_WAIT | DK_ADDRESS_PRIVATE |
			   DK_ADDRESS_WALL_CLOCK),
	ROW(DkxAddressWake,
	    .flags_known = DK_ADDRESS_WAKE | DK_ADDRESS_PRIVATE),
	ROW(DkxPipeCreate, UNDO(DkxPipeCreate), .flags_known = 0x3f),
	ROW(DkxStreamControl, .wrong = &w.event),
	ROW(DkxStreamLock, .wrong = &w.event, .flags_known = 0x3f),
	ROW(DkxProcessClone, UNDO(DkxProcessClone),
	    .flags_known = DK_CLONE_NOTIFY),
	ROW(DkxProcessOpen, UNDO(DkxProcessOpen)),
	ROW(DkxUsageQuery, .wrong = &w.event, .right = DK_RIGHT_READ),
	ROW(DkxVirtualMemoryMove, ALWAYS(DkxVirtualMemoryMove),
	    .flags_known = 7),
};

static s64 make_call(const struct call *c, const u64 *a)
{
	s64 status = dkt_raw(c->index, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (status > 0 && c->statuses & DK_SET_COUNT)
		return 0;
	if (status && !(c->statuses & dkt_status_bit(status)))
		dkt_fail("%s returned %s, which is not in its set", c->name,
			 dkt_status(status));
	return status;
}

#endif /* DK_BAD_ROWS_H */
