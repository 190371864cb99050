/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that a test makes by DkProcessCreate. A child is the test's image
 * again, with the name of one of the functions in child_tests[] as its first
 * argument; its exit code is 42 when what it expected was so.
 */
#ifndef CREATE_H
#define CREATE_H

#include "dktest.h"

#define CODE_GOOD	42

static void child_done(void)
{
	DkProcessExit(dkt_failed() ? 99 : CODE_GOOD);
}

static char image_uri[512];

/* This image's URI. */
static const char *image(void)
{
	dkt_snprintf(image_uri, sizeof(image_uri), "file:%s", dkt_argument(0));
	return image_uri;
}

/* A name in the folder that image_main.c has prepared. */
static inline const char *folder_uri(char *uri, size_t size, const char *name)
{
	dkt_snprintf(uri, size, "file:%s/%s", dkt_argument(1), name);
	return uri;
}

/* Program, directory, and as arguments: the image, @how, @value. */
static u32 strings_for(char *strings, const char *how, u64 value)
{
	char number[32];
	const char *texts[] = { "/a/program", "/a", dkt_argument(0), how,
				number };
	u32 n = 0;

	dkt_snprintf(number, sizeof(number), "%lu", (unsigned long)value);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		memcpy(strings + n, texts[i], strlen(texts[i]) + 1);
		n += strlen(texts[i]) + 1;
	}
	return n;
}

static char strings[1024];

/* What makes a child that does @how; everything else is 0. */
static struct dk_process_parameters parameters_for(const char *how, u64 value)
{
	return (struct dk_process_parameters){
		.strings = (u64)strings,
		.strings_length = strings_for(strings, how, value),
		.argument_count = 3,
	};
}

static DK_STATUS create(const char *uri,
			const struct dk_process_parameters *parameters,
			DK_HANDLE *process, u64 *id)
{
	return DkProcessCreate(URI(uri), parameters, sizeof(*parameters),
			       process, id);
}

/* A child that does @how with @count handles, or 0xbad. */
static DK_HANDLE child(const char *how, u64 value, const DK_HANDLE *handles,
		       u32 count)
{
	struct dk_process_parameters p = parameters_for(how, value);
	DK_HANDLE process = POISON;
	DK_STATUS status;
	u64 id = POISON;

	p.handles = (u64)handles;
	p.handle_count = count;
	status = create(image(), &p, &process, &id);
	if (status) {
		dkt_fail("no child that does %s: %s", how, dkt_status(status));
		return 0xbad;
	}
	return process;
}

static s64 wait_code(DK_HANDLE process)
{
	s64 code = -1;

	if (!dkt_wait(process))
		dkt_fail("a process does not end");
	EXPECT_OK(DkProcessGetExitCode(process, &code));
	EXPECT_OK(DkObjectClose(process));
	return code;
}

/* The n-th handle that this process was given. */
static DK_HANDLE given(u32 n)
{
	const DK_HANDLE *handles =
		(const void *)dkt_parameters + dkt_parameters->handle_offset;

	return n < dkt_parameters->handle_count ? handles[n] : POISON;
}

static u64 value(void)
{
	u64 n = 0;

	for (const char *s = dkt_argument(2); *s; s++)
		n = n * 10 + *s - '0';
	return n;
}

/* ---- what a child does ---- */

static void child_exit(void)
{
	DkProcessExit(value());
}

/* Sets the first of its events, waits for the second. */
static void child_events(void)
{
	EXPECT_EQ(dkt_parameters->handle_count, 2);
	EXPECT_OK(DkEventSet(given(0)));
	EXPECT_TRUE(dkt_wait(given(1)));
}

static const char *text_at(u32 offset)
{
	return (const char *)dkt_parameters + offset;
}

static void child_strings(void)
{
	const struct dk_parameters *p = dkt_parameters;

	EXPECT_FALSE(strcmp(text_at(p->program_offset), "/a/program"));
	EXPECT_FALSE(strcmp(text_at(p->directory_offset), "/a"));
	EXPECT_EQ(p->argument_count, 5);
	EXPECT_FALSE(strcmp(dkt_argument(2), ""));
	EXPECT_FALSE(strcmp(dkt_argument(3), "with space"));
	EXPECT_FALSE(strcmp(dkt_argument(4), ""));
	EXPECT_EQ(p->environment_count, 2);
	EXPECT_FALSE(strcmp(text_at(p->environment_offset), "A=1"));
	EXPECT_FALSE(strcmp(text_at(p->environment_offset) + 4, "B"));
	EXPECT_EQ(p->handle_count, 0);
}

static void child_rights(void)
{
	u64 state = POISON, count;

	EXPECT_EQ(dkt_parameters->handle_count, 4);
	/* 0: an event to be read, 1 and 2: the same one with all rights. */
	EXPECT_NE(given(1), given(2));
	EXPECT_STATUS(DkEventSet(given(0)), ACCESS_DENIED);
	EXPECT_OK(DkEventPeek(given(0), &state));
	EXPECT_EQ(state, 0);
	EXPECT_OK(DkEventSet(given(1)));
	EXPECT_OK(DkEventPeek(given(2), &state));
	EXPECT_EQ(state, 1);
	EXPECT_OK(DkObjectClose(given(1)));
	EXPECT_OK(DkEventPeek(given(0), &state));
	EXPECT_STATUS(DkEventSet(given(3)), WRONG_TYPE);
	EXPECT_OK(DkSemaphoreRelease(given(3), 2, &count));
	EXPECT_EQ(count, 1);
}

static volatile u64 fault_address;

static bool skip_load(struct dk_exception *exception,
		      struct dk_context *context)
{
	fault_address = exception->address;
	context->rip = context->rbx;
	return exception->code == DK_EXCEPTION_ACCESS_VIOLATION;
}

/* Whether loading from @address is an exception. */
static bool faults(u64 address)
{
	u64 to;

	fault_address = 0;
	dkt_exception = skip_load;
	asm volatile("lea 1f(%%rip), %%rbx; mov (%1), %0; 1:"
		     : "=&r"(to)
		     : "r"(address)
		     : "rbx", "memory");
	dkt_exception = NULL;
	return fault_address == address;
}

/*
 * First of all, before anything uses them: vector registers, the bases of %fs
 * and %gs. Then: the creator's memory, and every handle of a small table.
 */
static void child_nothing_else(void)
{
	u64 vector[2] = { 1, 1 }, fs = 1, gs = 1, signalled, found = 0;
	u32 mxcsr = 0;
	u16 control = 0;

	asm volatile("movups %%xmm7, %0; stmxcsr %1; fnstcw %2"
		     : "=m"(vector), "=m"(mxcsr), "=m"(control));
	asm volatile("rdfsbase %0; rdgsbase %1" : "=r"(fs), "=r"(gs));
	EXPECT_EQ(vector[0], 0);
	EXPECT_EQ(vector[1], 0);
	EXPECT_EQ(mxcsr, 0x1f80);
	EXPECT_EQ(control, 0x37f);
	EXPECT_EQ(fs, 0);
	EXPECT_EQ(gs, 0);
	EXPECT_TRUE(faults(value()));
	/* Itself, its thread, standard output and input of the frame. */
	for (u64 slot = 1; slot < 512; slot++)
		for (u64 generation = 0; generation < 4; generation++)
			found += DkEventPeek(generation << 32 | slot,
					     &signalled) !=
				 DK_STATUS_INVALID_HANDLE;
	EXPECT_EQ(found, 4);
	EXPECT_NE(dkt_parameters->process, dkt_parameters->thread);
	EXPECT_EQ(dkt_parameters->handle_count, 0);
}

/* Reads a byte of the stream, where the creator has left off. */
static void child_stream(void)
{
	char c = 0;
	u64 done;

	EXPECT_OK(DkStreamRead(given(0), DK_OFFSET_CURRENT, &c, 1, &done));
	EXPECT_EQ(done, 1);
	EXPECT_EQ(c, 'e');
}

/* Waits for what never comes. */
static void child_forever(void)
{
	DK_HANDLE never;
	u64 index;

	EXPECT_OK(DkNotificationEventCreate(0, &never));
	EXPECT_OK(DkxUpcallRegister(NULL, NULL));
	EXPECT_OK(DkEventSet(given(0)));
	DkObjectsWaitAny(1, &never, DK_TIMEOUT_INFINITE, &index);
}

static void child_fault(void)
{
	DkxUpcallRegister(NULL, NULL);
	asm volatile("ud2");
}

/* Makes one of its own, which has to outlive it. */
static void child_parent(void)
{
	DK_HANDLE process, handles[] = { given(0), given(1) };

	process = child("events", 0, handles, 2);
	EXPECT_NE(process, 0xbad);
}

/* Comes to rest when the monitor asks. */
static void child_abort(void)
{
	DK_HANDLE abort, never;
	u64 index, state;

	ASSERT_OK(DkNotificationEventCreate(0, &abort));
	ASSERT_OK(DkNotificationEventCreate(0, &never));
	ASSERT_OK(DkAbortEventRegister(abort));
	EXPECT_OK(DkEventSet(given(0)));
	EXPECT_STATUS(DkObjectsWaitAny(1, &never, DK_TIMEOUT_INFINITE, &index),
		      ABORTED);
	EXPECT_OK(DkEventPeek(abort, &state));
	EXPECT_EQ(state, 1);
}

/* Memory, threads, exceptions and names work as in any process. */
static void child_works(void)
{
	char uri[256];
	DK_HANDLE file, copy;
	u64 id;

	*(u64 *)dkt_pages(4) = 1;
	dkt_snprintf(uri, sizeof(uri), "file:%s", dkt_argument(0));
	file = dkt_open(uri, DK_ACCESS_READ, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkObjectClose(file));
	EXPECT_TRUE(faults(8));
	ASSERT_OK(DkxProcessClone(0, &copy, &id));
	if (!copy)
		DkProcessExit(7);
	EXPECT_EQ(wait_code(copy), 7);
	copy = child("exit", 8, NULL, 0);
	EXPECT_EQ(wait_code(copy), 8);
}

static const struct {
	const char *name;
	void (*run)(void);
} child_tests[] = {
	{ "abort", child_abort },     { "events", child_events },
	{ "exit", child_exit },	      { "fault", child_fault },
	{ "forever", child_forever }, { "nothing-else", child_nothing_else },
	{ "parent", child_parent },   { "rights", child_rights },
	{ "stream", child_stream },   { "strings", child_strings },
	{ "works", child_works },
};

void dkt_child(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(child_tests); i++) {
		if (strcmp(dkt_argument(1), child_tests[i].name))
			continue;
		child_tests[i].run();
		child_done();
	}
}

/* ---- for the tests ---- */

/* Nothing more than before; what an earlier test has left may be gone. */
static void expect_nothing_changed(const struct dkt_counts *before)
{
	struct dkt_counts after;
	s64 remaining;

	for (int i = 0; i < 500; i++) {
		dkt_counts(&after);
		if (after.handles <= before->handles &&
		    after.objects <= before->objects &&
		    after.processes <= before->processes)
			return;
		DkThreadDelayExecution(10 * MSEC, &remaining);
	}
	EXPECT_LE(after.handles, before->handles);
	EXPECT_LE(after.objects, before->objects);
	EXPECT_LE(after.processes, before->processes);
}

#endif /* CREATE_H */
