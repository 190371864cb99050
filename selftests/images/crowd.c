// SPDX-License-Identifier: GPL-2.0-only
/*
 * crowd.img: threads that ask for names at the same time. Says, a line each, how
 * many were refused while the others waited, how many of these were answered,
 * and what becomes of one more.
 */
#include "dktest.h"

#define ASKERS	70
#define ROOM	64 /* for requests of a sandbox, at one time */

static volatile u64 refused, answered, other;

static s64 ask(u64 number)
{
	DK_HANDLE stream;
	char uri[32];
	s64 status;
	int n;

	n = dkt_snprintf(uri, sizeof(uri), "dns:host%llu.test", number);
	status = DkStreamOpen(uri, n, DK_ACCESS_READ, DK_OPEN_EXISTING, 0,
			      &stream);
	if (!status)
		DkObjectClose(stream);
	return status;
}

static void asker(u64 number)
{
	s64 status = ask(number);

	__atomic_fetch_add(!status		    ? &answered :
			   status == DK_STATUS_BUSY ? &refused :
						      &other,
			   1, __ATOMIC_SEQ_CST);
	DkThreadExit();
}

TEST(crowd)
{
	DK_HANDLE threads[ASKERS];

	for (u64 i = 0; i < ASKERS; i++)
		threads[i] = dkt_thread(asker, i);
	for (int i = 0; i < 1000 && refused + other + ROOM < ASKERS; i++)
		DkThreadDelayExecution(10000000, NULL);
	dkt_print("refused %llu\n", refused);
	for (u64 i = 0; i < ASKERS; i++)
		dkt_wait(threads[i]);
	dkt_print("answered %llu, else %llu\n", answered, other);
	dkt_print("one more: %lld\n", ask(ASKERS));
	DkProcessExit(0);
}
