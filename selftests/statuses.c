// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table says which statuses each call may return; the tests of images say
 * which they have seen (lib/dkwrap.c). Here both are compared, call by call: a
 * status that stands in the table and that no test has seen is a failure.
 *
 * In a run of all tests the others have left what they saw in $PICO_SEEN, a
 * file for each. Tests without one are run first.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kselftest.h"
#include "lib/sandbox.h"

static const struct call {
	const char *name;
	int index, version;
	unsigned long long statuses;
} calls[] = {
#define CALL(class, function, name, version, args, statuses)	\
	{ #name, DK_INDEX_##name, version, statuses },
	DK_CALL_TABLE(CALL)
};

#define CALLS	((int)(sizeof(calls) / sizeof(calls[0])))

static const char *const names[] = {
#define NAME(bit, name, value, text)	[bit] = #name,
	DK_STATUS_TABLE(NAME)
};

#define STATUSES ((int)(sizeof(names) / sizeof(names[0])))

static unsigned long long seen[DK_CALL_LIMIT];
static bool lacks_fuse; /* dk_errors could not run */
/* Nor could dk_failures: what lacks memory is excused. */
static bool lacks_failures;

/*
 * What these tests cannot bring about, and why. A status that stands here and
 * is seen nevertheless is a failure: the line is to go.
 */
#define KILLED	"only a thread that is being killed would be told"
#define MEMORY	"an allocation has to fail; see dk_failures, on the debug kernel"
/* Of these alone it is no failure when they are seen after all. */
#define MOMENT	"of one moment that cannot be met at will"

static const struct {
	int index;
	unsigned long long statuses;
	const char *why;
} excused[] = {
#define EXCUSED(call, set, why)	{ DK_INDEX_##call, set, why }
	EXCUSED(DkVirtualMemoryAlloc, DK_S(INTERRUPTED), KILLED),
	EXCUSED(DkVirtualMemoryFree, DK_S(INTERRUPTED), KILLED),
	EXCUSED(DkVirtualMemoryProtect, DK_S(INTERRUPTED), KILLED),
	EXCUSED(DkxVirtualMemoryMove, DK_S(INTERRUPTED), KILLED),
	EXCUSED(DkStreamUnmap, DK_S(INTERRUPTED), KILLED),
	EXCUSED(DkRandomBitsRead, DK_S(INTERRUPTED), KILLED),
	EXCUSED(DkThreadCreate, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkThreadRaiseException, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkNotificationEventCreate, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkSynchronizationEventCreate, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkSemaphoreCreate, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkObjectsWaitAny, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkStreamGetEvent, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkObjectReference, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkDebugStringPrint, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkxAddressWait, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkxAddressWake, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkxPipeCreate, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkxParcelSend, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkxParcelReceive, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkxProcessOpen, DK_S(NO_MEMORY), MEMORY),
	EXCUSED(DkThreadCreate, DK_S(INTERRUPTED) | DK_S(ABORTED), MOMENT),
	EXCUSED(DkxProcessClone, DK_S(INTERRUPTED) | DK_S(ABORTED), MOMENT),
	EXCUSED(DkxProcessStop, DK_S(SUCCESS), "signals.img calls it"),
};

/* Of a call: all, or those that are never to be seen. */
static unsigned long long excused_of(int index, bool never)
{
	unsigned long long set = 0;

	for (size_t i = 0; i < sizeof(excused) / sizeof(excused[0]); i++)
		if (excused[i].index == index &&
		    !(never && !strcmp(excused[i].why, MOMENT)) &&
		    (lacks_failures || strcmp(excused[i].why, MEMORY)))
			set |= excused[i].statuses;
	return set;
}

static void print_set(const char *call, unsigned long long set, const char *why)
{
	for (int bit = 0; bit < STATUSES; bit++)
		if (set >> bit & 1)
			ksft_print_msg("%s %s %s\n", call, names[bit], why);
}
static char made[64];

/* The folder of files, for the tests to come as well. */
static const char *folder(void)
{
	const char *path = getenv("PICO_SEEN");

	if (path)
		return path;
	strcpy(made, "/dev/shm/pico-seen.XXXXXX");
	if (!mkdtemp(made))
		ksft_exit_fail_msg("%s: %s\n", made, strerror(errno));
	setenv("PICO_SEEN", made, 1);
	return made;
}

static bool run(const char *name)
{
	const char *const argv[] = { beside(name), NULL };
	struct run run;
	bool passed;

	if (run_program(argv, NULL, 0, &run))
		return false;
	passed = run_exit_code(&run) == 0;
	if (!passed)
		ksft_print_msg("%s:\n%s\n", name, run.out);
	run_free(&run);
	return passed;
}

/* What one test saw; it runs if it has not. False if it fails then. */
static bool take(const char *name)
{
	char path[256], line[128];
	unsigned int index;
	unsigned long long set;
	bool passed = true;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder(), name);
	if (access(path, F_OK))
		passed = run(name);
	f = fopen(path, "r");
	if (!f) {
		ksft_print_msg("%s has seen nothing\n", name);
		return false;
	}
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "no FUSE"))
			lacks_fuse = true;
		else if (strstr(line, "no failures"))
			lacks_failures = true;
		else if (sscanf(line, "@seen %x %llx", &index, &set) == 2 &&
			 index < DK_CALL_LIMIT)
			seen[index] |= set;
	fclose(f);
	return passed;
}

static bool take_all(void)
{
	char list[] = IMAGE_TESTS " limits";
	bool passed = true;

	for (char *name = strtok(list, " "); name; name = strtok(NULL, " "))
		passed &= take(name);
	return passed;
}

/* These do not come back. */
static bool returns(const struct call *c)
{
	return c->index != DK_INDEX_DkThreadExit &&
	       c->index != DK_INDEX_DkProcessExit &&
	       c->index != DK_INDEX_DkxContextRestore;
}

static int count(unsigned long long set)
{
	return __builtin_popcountll(set);
}

int main(void)
{
	int pairs = 0, met = 0, skipped = 0;

	ksft_print_header();
	ksft_set_plan(1 + CALLS);
	ksft_test_result(take_all(), "every test told what it saw\n");
	for (int i = 0; i < CALLS; i++) {
		const struct call *c = &calls[i];
		unsigned long long want = c->statuses & ~DK_SET_COUNT;
		unsigned long long missing, stale;

		if (lacks_fuse) {
			ksft_test_result_skip("%s: this kernel has no FUSE\n",
					      c->name);
			continue;
		}

		if (c->version && returns(c))
			want |= DK_S(SUCCESS);
		/* Of what is not there yet, what it says now. */
		if (!c->version)
			want = DK_S(NOT_IMPLEMENTED);
		missing = want & ~seen[c->index];
		pairs += count(want);
		met += count(want & ~missing);
		stale = excused_of(c->index, true) & ~missing;
		skipped += count(missing & excused_of(c->index, false));
		missing &= ~excused_of(c->index, false);
		print_set(c->name, missing, "was never returned");
		print_set(c->name, stale, "stands in the list of excuses");
		ksft_test_result(!missing && !stale, "%s: %d statuses\n",
				 c->name, count(want));
	}

	ksft_print_msg(
		"%d of %d pairs of a call and a status were seen, %d are excused\n",
		met, pairs, skipped);
	if (made[0]) {
		char command[128];

		snprintf(command, sizeof(command), "rm -r %s", made);
		if (system(command))
			return KSFT_FAIL;
	}
	ksft_finished();
}
