// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad input to every call, driven by the call table.
 *
 * For each call there is a row with arguments that are good. The driver makes
 * the call as it stands, then again and again with one argument made bad in
 * each way its kind allows: the one status that fits must come back, nothing
 * may be written, and no handle or object may be left. A call of the table
 * without a row fails the first test.
 */
#include "dktest.h"

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
static const struct call calls[DK_CALL_LIMIT] = { DK_CALL_TABLE(CALL) };

#define BIT_OF(bit, name, value, text) case value: return 1ULL << (bit);
static u64 bit_of(s64 status)
{
	switch (status) {
		DK_STATUS_TABLE(BIT_OF)
	}
	return 0;
}

/* ---- a world of good objects ---- */

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
} w;

static void quick_exit(u64 parameter)
{
}

static void make_world(void)
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
	dkt_snprintf(w.new_uri, sizeof(w.new_uri), "%s/bad-new", w.dir);
	w.file = dkt_open(w.uri, DK_ACCESS_READ | DK_ACCESS_WRITE,
			  DK_OPEN_CREATE, DK_OPTION_MODE(0644));
	DkStreamSetLength(w.file, 3 * PAGE);
	w.folder = dkt_open(w.dir, DK_ACCESS_READ, DK_OPEN_EXISTING,
			    DK_OPTION_DIRECTORY);
	w.in = dkt_open("stdin:", DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
}

/* Memory for out and inout arguments; one page away from its end. */
static u64 *slot(int i)
{
	return (u64 *)(w.page + 64 * i);
}

#define BUFFER	(w.page + 1024)

/* ---- the rows ---- */

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
	ROW(DkxPipeCreate, UNDO(DkxPipeCreate), .flags_known = 7),
	ROW(DkxStreamControl, .wrong = &w.event),
	ROW(DkxStreamLock, .wrong = &w.event, .flags_known = 0x3f),
	ROW(DkxProcessClone, UNDO(DkxProcessClone)),
	ROW(DkxProcessOpen, UNDO(DkxProcessOpen)),
};

/* ---- the driver ---- */

static u64 made_bad;

static s64 make_call(const struct call *c, const u64 *a)
{
	s64 status = dkt_raw(c->index, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (status > 0 && c->statuses & DK_SET_COUNT)
		return status;
	if (status && (!bit_of(status) || !(c->statuses & bit_of(status))))
		dkt_fail("%s returned %s, which is not in its set", c->name,
			 dkt_status(status));
	return status;
}

/*
 * Makes the call with argument @i replaced by @value. @want: the status, or
 * 1 for any failure, or 2 for whatever the call's set has.
 */
static void bad_call(const struct call *c, int i, u64 value, s64 want,
		     const char *what)
{
	const struct row *row = &rows[c->index];
	u64 a[6] = { 0 }, slots[4], before[4];
	s64 status;

	for (int k = 0; k < 4; k++)
		*slot(k) = POISON;
	row->good(a);
	for (int k = 0; k < 4; k++)
		before[k] = *slot(k);
	a[i] = value;
	status = make_call(c, a);
	made_bad++;
	for (int k = 0; k < 4; k++)
		slots[k] = *slot(k);
	/* A call that fails anyway may say so first. */
	if (want == 1 ? status == 0 :
			want != 2 && status != want &&
				!(status && status == row->status))
		dkt_fail("%s with argument %d %s (0x%lx): %s, not %s", c->name,
			 i, what, (unsigned long)value, dkt_status(status),
			 want == 1 ? "a failure" : dkt_status(want));
	for (int k = 0; k < 4 && status; k++)
		if (slots[k] != before[k])
			dkt_fail(
				"%s with argument %d %s failed (%s) and wrote 0x%lx",
				c->name, i, what, dkt_status(status),
				(unsigned long)slots[k]);
	if (row->after && (status == 0 || row->always))
		row->after(a);
}

struct bad_value {
	u64 value;
	const char *what;
};

static void bad_pointers(const struct call *c, int i, enum dkt_kind kind)
{
	const struct bad_value bad[] = {
		{ 8, "in the first page" },
		{ 0, "null" },
		{ (u64)w.gone, "unmapped" },
		{ (u64)w.none, "without access" },
		{ (u64)w.above, "at the limit" },
		{ (u64)w.above - 4, "across the limit" },
		{ 0x8000000000000000ULL, "not canonical" },
		{ 0xffff800000000000ULL, "kernel memory" },
		{ 0xffffffff81000000ULL, "kernel text" },
		{ 0xffffffffff600000ULL, "the vsyscall page" },
		{ 0xfffffffffffffff8ULL, "at the very end" },
		{ 0xffffffffffffffffULL, "the last byte" },
		/* Two good pages end here: 4 bytes are there, no more. */
		{ (u64)w.page + 2 * PAGE - 4, "4 bytes before a hole" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		/* A shorter object than 4 bytes fits in front of the hole. */
		bool fits = kind == DKT_OUT &&
			    c->index == DK_INDEX_DkxConsoleControl;

		fits |= c->index == DK_INDEX_DkDebugStringPrint;
		/*
		 * A transfer may be short (four bytes) or fail: a file's data
		 * and random bits are written as far as they can be.
		 */
		fits |= c->index == DK_INDEX_DkStreamRead && kind == DKT_OUT;
		fits |= c->index == DK_INDEX_DkStreamWrite && kind == DKT_IN;
		if (k == ARRAY_SIZE(bad) - 1 && fits)
			continue;
		/* These may be left out. */
		if (!bad[k].value &&
		    (c->index == DK_INDEX_DkThreadDelayExecution ||
		     c->index == DK_INDEX_DkSemaphoreRelease))
			continue;
		bad_call(c, i, bad[k].value, DK_STATUS_INVALID_POINTER,
			 bad[k].what);
	}
	if (kind >= DKT_OUT_U64 || kind == DKT_OUT) {
		u64 a[6] = { 0 }, value;

		/* What is read there is good. */
		rows[c->index].good(a);
		value = *(u64 *)a[i];
		DkVirtualMemoryProtect(w.read_only, PAGE,
				       DK_PROT_READ | DK_PROT_WRITE);
		*(u64 *)w.read_only = value;
		DkVirtualMemoryProtect(w.read_only, PAGE, DK_PROT_READ);
		if (rows[c->index].always)
			rows[c->index].after(a);
		bad_call(c, i, (u64)w.read_only, DK_STATUS_INVALID_POINTER,
			 "read-only");
		if (*(u64 *)w.read_only != value)
			dkt_fail("%s wrote to a read-only page", c->name);
	}
}

static void bad_handles(const struct call *c, int i, const struct row *row)
{
	const struct bad_value bad[] = {
		{ 0, "null" },
		{ ~0ULL, "all ones" },
		{ 0x8000000000000000ULL, "the sign bit" },
		{ w.closed, "stale" },
		{ w.event ^ 1ULL << 32, "of another generation" },
		{ w.event ^ 1ULL << 63, "with a flipped top bit" },
		{ w.event + 60000, "far beyond" },
		{ 0x100000000ULL + 65537, "past the table" },
		{ 0xffffffff00000001ULL, "foreign" },
	};
	u64 a[6] = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
		bad_call(c, i, bad[k].value, DK_STATUS_INVALID_HANDLE,
			 bad[k].what);
	if (row->wrong)
		bad_call(c, i, *row->wrong, DK_STATUS_WRONG_TYPE,
			 "of a wrong type");
	if (row->right) {
		DK_HANDLE weak = 0;

		/* The most that it has, without the one. */
		row->good(a);
		for (u64 rights = DK_RIGHTS_ALL; rights && !weak; rights--)
			if (!(rights & row->right))
				DkObjectReference(a[i], rights, &weak);
		/* A handle with that right alone has nothing weaker. */
		if (!weak) {
			if (row->always)
				row->after(a);
			return;
		}
		if (row->always)
			row->after(a);
		bad_call(c, i, weak, DK_STATUS_ACCESS_DENIED,
			 "without the right");
		DkObjectClose(weak);
	}
}

static void bad_flags(const struct call *c, int i, u64 known)
{
	u64 good[6] = { 0 };

	if (c->index == DK_INDEX_DkVirtualMemoryAlloc && i == 2)
		known = 0xf;
	if (c->index == DK_INDEX_DkStreamMap && i == 5)
		known = 7;
	if (c->index == DK_INDEX_DkStreamOpen && i == 2)
		known = 0xf;
	rows[c->index].good(good);
	if (rows[c->index].always)
		rows[c->index].after(good);
	for (int bit = 0; bit < 64; bit++)
		if (!(known >> bit & 1))
			bad_call(c, i, good[i] | 1ULL << bit,
				 DK_STATUS_INVALID_PARAMETER,
				 "with an unknown bit");
	bad_call(c, i, ~0ULL, DK_STATUS_INVALID_PARAMETER, "all bits");
}

static void bad_lengths(const struct call *c, int i)
{
	static const struct bad_value bad[] = {
		{ 1ULL << 63, "2^63" },
		{ ~0ULL, "2^64 - 1" },
		{ ~0ULL - 4095, "2^64 - 4096" },
		{ (1ULL << 63) - 1, "2^63 - 1" },
		{ 1ULL << 62, "2^62" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		s64 want = 1;

		/* What is too long for memory may be cut there. */
		if (c->index == DK_INDEX_DkStreamRead ||
		    c->index == DK_INDEX_DkStreamWrite)
			want = 2;
		/* A length that a sparse file can have. */
		if (c->index == DK_INDEX_DkStreamSetLength &&
		    !(bad[k].value >> 63))
			want = 2;
		bad_call(c, i, bad[k].value, want, bad[k].what);
	}
}

static void bad_addresses(const struct call *c, int i)
{
	const struct bad_value bad[] = {
		{ (u64)w.above, "at the limit" },
		{ 0x8000000000000000ULL, "not canonical" },
		{ 0xffff800000000000ULL, "kernel memory" },
		{ 0xffffffff81000000ULL, "kernel text" },
		{ 0xfffffffffffff000ULL, "the last page" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
		s64 want = 1;

		if (c->index == DK_INDEX_DkInstructionCacheFlush)
			want = 2;
		if (c->index == DK_INDEX_DkxSystemCallRegister && i == 1)
			want = DK_STATUS_INVALID_POINTER;
		bad_call(c, i, bad[k].value, want, bad[k].what);
	}
}

/* Is argument @i the length of something, by what stands before it? */
static bool is_length(const struct call *c, int i)
{
	if (c->kinds[i] != DKT_VALUE)
		return false;
	if (i && (c->kinds[i - 1] == DKT_STRING || c->kinds[i - 1] == DKT_IN ||
		  c->kinds[i - 1] == DKT_OUT || c->kinds[i - 1] == DKT_ADDRESS))
		return c->index != DK_INDEX_DkThreadCreate || i != 1;
	return (c->index == DK_INDEX_DkStreamMap && i == 2) ||
	       (c->index == DK_INDEX_DkStreamSetLength) ||
	       (c->index == DK_INDEX_DkObjectsWaitAny);
}

/* A thread that has been waited for takes a moment to be gone. */
static void settled_counts(struct dkt_counts *now,
			   const struct dkt_counts *want)
{
	s64 remaining;

	for (int i = 0; i < 200; i++) {
		dkt_counts(now);
		if (now->handles == want->handles &&
		    now->objects == want->objects)
			return;
		DkThreadDelayExecution(5 * MSEC, &remaining);
	}
}

static void drive(u32 class)
{
	struct dkt_counts before, after;

	make_world();
	for (u32 index = class << DK_CLASS_SHIFT;
	     index < (class + 1) << DK_CLASS_SHIFT; index++) {
		const struct call *c = &calls[index];
		const struct row *row = &rows[index];
		u64 a[6] = { 0 }, made = made_bad;
		s64 status;

		if (!c->name || !c->version || !row->good)
			continue;
		dkt_counts(&before);
		for (int k = 0; k < 4; k++)
			*slot(k) = POISON;
		row->good(a);
		status = make_call(c, a);
		if (status != row->status)
			dkt_fail("%s: %s, not %s", c->name, dkt_status(status),
				 dkt_status(row->status));
		if (row->after)
			row->after(a);
		for (u32 i = 0; i < c->argc; i++) {
			if (row->skip >> i & 1)
				continue;
			switch (c->kinds[i]) {
			case DKT_HANDLE:
				bad_handles(c, i, row);
				break;
			case DKT_FLAGS:
				bad_flags(c, i, row->flags_known);
				break;
			case DKT_ADDRESS:
				bad_addresses(c, i);
				break;
			case DKT_SIGNED:
				bad_call(c, i, -1ULL,
					 DK_STATUS_INVALID_PARAMETER,
					 "negative");
				break;
			case DKT_VALUE:
				if (is_length(c, i))
					bad_lengths(c, i);
				break;
			default:
				bad_pointers(c, i, c->kinds[i]);
			}
		}
		settled_counts(&after, &before);
		if (after.handles != before.handles ||
		    after.objects != before.objects)
			dkt_fail("%s: %ld handles and %ld objects left",
				 c->name,
				 (long)(after.handles - before.handles),
				 (long)(after.objects - before.objects));
		dkt_print("# %s: %lu bad calls\n", c->name,
			  (unsigned long)(made_bad - made));
	}
}

/* ---- tests ---- */

TEST(every_call_has_a_test)
{
	u32 count = 0;

	for (u32 i = 0; i < DK_CALL_LIMIT; i++) {
		if (!calls[i].name)
			continue;
		count++;
		/* These do not return; see exit_calls, context_restore. */
		if (i == DK_INDEX_DkThreadExit || i == DK_INDEX_DkProcessExit ||
		    i == DK_INDEX_DkxContextRestore)
			continue;
		if (calls[i].version && !rows[i].good)
			dkt_fail("%s has no test", calls[i].name);
		if (!calls[i].version && rows[i].good)
			dkt_fail("%s is tested and not there", calls[i].name);
	}
	EXPECT_GE(count, 45);
}

TEST(calls_that_are_not_there)
{
	for (u32 i = 0; i < DK_CALL_LIMIT; i++) {
		u64 version = POISON;
		s64 status;

		if (calls[i].name && calls[i].version) {
			EXPECT_OK(DkxAbiQuery(DK_VECTOR_BASE + i, &version));
			EXPECT_EQ(version, calls[i].version);
			continue;
		}
		status = dkt_raw(i, 0, 0, 0, 0, 0, 0);
		if (status != DK_STATUS_NOT_IMPLEMENTED)
			dkt_fail("call %u (%s) gave %s", i,
				 calls[i].name ? calls[i].name : "no name",
				 dkt_status(status));
		if (calls[i].name) {
			EXPECT_OK(DkxAbiQuery(DK_VECTOR_BASE + i, &version));
			EXPECT_EQ(version, 0);
		} else {
			EXPECT_STATUS(DkxAbiQuery(DK_VECTOR_BASE + i, &version),
				      INVALID_PARAMETER);
			EXPECT_EQ(version, POISON);
		}
	}
}

TEST(numbers_beside_the_table)
{
	static const u64 numbers[] = {
		DK_CALL_LIMIT,
		DK_CALL_LIMIT + 1,
		0x1ff,
		0xffff,
		0xfffff,
		-1ULL - DK_VECTOR_BASE,
		-1ULL,
		1ULL << 31,
		1ULL << 32,
		1ULL << 63,
		(1ULL << 32) + DK_INDEX_DkNotificationEventCreate,
		(1ULL << 63) + DK_INDEX_DkNotificationEventCreate,
	};
	u64 out = POISON;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		s64 status = dkt_raw(numbers[i], 0, (u64)&out, 0, 0, 0, 0);

		if (status != DK_STATUS_NOT_IMPLEMENTED)
			dkt_fail("vector + 0x%lx gave %s",
				 (unsigned long)numbers[i], dkt_status(status));
	}
	EXPECT_EQ(out, POISON);
}

TEST(memory)
{
	drive(DK_CLASS_MEMORY);
}
TEST(threads)
{
	drive(DK_CLASS_THREAD);
}
TEST(synchronisation)
{
	drive(DK_CLASS_SYNC);
}
TEST(processes)
{
	drive(DK_CLASS_PROCESS);
}
TEST(streams)
{
	drive(DK_CLASS_STREAM);
}
TEST(others)
{
	drive(DK_CLASS_OTHER);
}
TEST(extensions)
{
	drive(DK_CLASS_EXTENSION);
}

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
	/* A file's handle never has the right. */
	hs[63] = w.file;
	EXPECT_STATUS(DkObjectsWaitAny(64, hs, 0, &out), ACCESS_DENIED);
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
	DK_HANDLE h = POISON;
	u64 n, again;

	make_world();
	dkt_counts(&before);
	n = fill_table();
	EXPECT_EQ(n + before.handles, TABLE_SIZE);
	dkt_counts(&full);
	EXPECT_EQ(full.handles, TABLE_SIZE);
	/* Every call that makes a handle says so, and leaves nothing. */
	EXPECT_STATUS(DkSynchronizationEventCreate(0, &h), TOO_MANY_HANDLES);
	EXPECT_STATUS(DkSemaphoreCreate(0, 1, &h), TOO_MANY_HANDLES);
	EXPECT_STATUS(DkStreamOpen(URI(w.uri), DK_ACCESS_READ, DK_OPEN_EXISTING,
				   0, &h),
		      TOO_MANY_HANDLES);
	EXPECT_STATUS(DkObjectReference(w.event, DK_RIGHT_READ, &h),
		      TOO_MANY_HANDLES);
	EXPECT_STATUS(DkxPipeCreate(0, &h, &h), TOO_MANY_HANDLES);
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
	again = fill_table();
	EXPECT_EQ(again, n);
	for (u64 i = 0; i < again; i++)
		ASSERT_OK(DkObjectClose(all[i]));
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
