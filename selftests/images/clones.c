// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes of a sandbox, for clones.c outside: clones.img HOW.
 *
 * storm:    clones of clones, on several threads, until all are killed
 * orphans:  the first process ends with 3 before its child, which ends when
 *           its standard input does
 * ask:      a clone for each byte of standard input; the status is told
 * new PATH: new processes of new processes from the image at PATH, on several
 *           threads, until all are killed; the sandbox limits their number
 * children: twenty that have ended, whose handles stay open
 */
#include <pal.h>

static DK_HANDLE in, out;
static dk_u64 *alive;

static void say(const char *text)
{
	dk_u64 n = 0, done;

	while (text[n])
		n++;
	DkStreamWrite(out, DK_OFFSET_CURRENT, text, n, &done);
}

static void *memory(dk_u64 type)
{
	void *base = (void *)0;
	dk_u64 size = 16384;

	if (DkVirtualMemoryAlloc(&base, &size,
				 DK_MEM_RESERVE | DK_MEM_COMMIT | type,
				 DK_PROT_READ | DK_PROT_WRITE))
		DkProcessExit(1);
	return base;
}

/* A byte, or the end, of standard input. */
static int more(void)
{
	dk_u64 done = 0;
	char c;

	return !DkStreamRead(in, DK_OFFSET_CURRENT, &c, 1, &done) && done;
}

static DK_HANDLE clone(void)
{
	DK_HANDLE child = 1;
	dk_u64 id;

	if (DkxProcessClone(0, &child, &id))
		return 1;
	return child;
}

/* At most 40 at a time; the newest ones are the ones that go on. */
static void storm(dk_u64 parameter)
{
	DK_HANDLE child;
	dk_u64 n = 0;

	for (;;) {
		if (__atomic_add_fetch(alive, 1, __ATOMIC_SEQ_CST) > 40) {
			__atomic_sub_fetch(alive, 1, __ATOMIC_SEQ_CST);
			DkThreadYieldExecution();
			continue;
		}
		child = clone();
		if (child == 1) {
			__atomic_sub_fetch(alive, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		if (child) {
			DkObjectClose(child);
			continue;
		}
		if (n++ > 3) {
			__atomic_sub_fetch(alive, 1, __ATOMIC_SEQ_CST);
			DkProcessExit(0);
		}
	}
}

static void threads(void (*run)(dk_u64))
{
	DK_HANDLE thread;

	for (int i = 0; i < 2; i++)
		if (DkThreadCreate((void *)run, 0, memory(0), 16384, &thread))
			DkProcessExit(1);
	say("ready\n");
	run(0);
}

/* "file:PATH", and the strings of a process that goes on with it. */
static char uri[512], strings[1024];
static dk_u64 uri_length;
static dk_u64 strings_length;

static void prepare_new(const char *path)
{
	static const char before[] = "/p\0/\0clones\0goes on";
	static const char scheme[] = "file:";

	for (dk_u64 i = 0; i < sizeof(scheme) - 1; i++)
		uri[uri_length++] = scheme[i];
	for (dk_u64 i = 0; i < sizeof(before); i++)
		strings[strings_length++] = before[i];
	do {
		strings[strings_length++] = *path;
		uri[uri_length++] = *path;
	} while (*path++);
	uri_length--;
}

/* All but the first process end after a few. */
static void storm_new(dk_u64 few)
{
	struct dk_process_parameters p = {
		.flags = few & DK_CLONE_NOTIFY,
		.handles = (dk_u64)&out,
		.handle_count = 1,
		.strings = (dk_u64)strings,
		.strings_length = strings_length,
		.argument_count = 3,
	};
	DK_HANDLE child;
	dk_u64 n = 0, id;

	for (;;) {
		if (DkProcessCreate(uri, uri_length, &p, sizeof(p), &child,
				    &id)) {
			DkThreadYieldExecution();
			continue;
		}
		DkObjectClose(child);
		if (few && n++ > 3)
			DkProcessExit(0);
	}
}

/* The end of a child is told, and nothing comes of it. */
void LibOsExceptionDispatch(struct dk_exception *exception,
			    struct dk_context *context)
{
	if (exception->code == DK_EXCEPTION_CHILD)
		PalContextRestore(context);
	DkProcessExit(128 + exception->signal);
	__builtin_unreachable();
}

static void orphans(void)
{
	if (clone()) {
		say("first\n");
		DkProcessExit(3);
	}
	while (more())
		;
	say("orphan\n");
	DkProcessExit(4);
}

static void ask(void)
{
	DK_HANDLE child;
	dk_u64 id, index;
	DK_STATUS status;

	say("ready\n");
	while (more()) {
		status = DkxProcessClone(0, &child, &id);
		if (!status && !child)
			DkProcessExit(0);
		if (!status) {
			DkObjectsWaitAny(1, &child, DK_TIMEOUT_INFINITE,
					 &index);
			DkObjectClose(child);
		}
		say(!status			    ? "ok\n" :
		    status == DK_STATUS_WOULD_BLOCK ? "would block\n" :
						      "other\n");
	}
	DkProcessExit(0);
}

static void children(void)
{
	DK_HANDLE child;
	dk_u64 index;

	for (int i = 0; i < 20; i++) {
		child = clone();
		if (!child)
			DkProcessExit(i);
		if (child == 1)
			DkProcessExit(1);
		DkObjectsWaitAny(1, &child, DK_TIMEOUT_INFINITE, &index);
	}
	say("ready\n");
	while (more())
		;
	DkProcessExit(0);
}

void LibOsInitialize(const struct dk_parameters *parameters)
{
	const char *how =
		(const char *)parameters + parameters->argument_offset;

	while (*how++)
		;
	if (DkStreamOpen("stdout:", 7, DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0,
			 &out))
		DkProcessExit(1);
	DkStreamOpen("stdin:", 6, DK_ACCESS_READ, DK_OPEN_EXISTING, 0, &in);
	alive = memory(DK_MEM_SHARED);
	switch (*how) {
	case 's':
		threads(storm);
		break;
	case 'n':
		prepare_new(how + 4);
		threads(storm_new);
		break;
	case 'g':
		prepare_new(how + 8);
		storm_new(3);
		break;
	case 'o':
		orphans();
		break;
	case 'a':
		ask();
		break;
	case 'c':
		children();
	}
	DkProcessExit(1);
}
