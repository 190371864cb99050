/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a call that waits is ended: by an exception that is raised on its thread,
 * or by the monitor's request to come to rest, during the call or before it.
 * And what has to come of it: its status, no exception that was not raised, and
 * another call behind it that is not ended, too.
 */
#ifndef ENDS_H
#define ENDS_H

#include "dktest.h"

enum how { RAISED, ABORTED, ABORTED_BEFORE };

static const char *const ends_how[] = { "raised", "aborted", "aborted before" };

/* Of the call, and of a short sleep behind it: whoever makes them stores these. */
static volatile DK_STATUS ends_result, ends_next;
static volatile u64 ends_taken; /* exceptions */

static inline bool ends_note(struct dk_exception *exception,
			     struct dk_context *context)
{
	if (exception->code != DK_EXCEPTION_RAISED)
		return false;
	ends_taken++;
	return true;
}

static inline void ends_begin(void)
{
	ends_taken = 0;
	ends_result = ends_next = 1;
}

static inline void ends_check(const char *what, enum how how, DK_STATUS wanted)
{
	if (ends_result != wanted || ends_next || ends_taken != (how == RAISED))
		dkt_fail("%s, %s: %s, then %s, %lu exceptions", what,
			 ends_how[how], dkt_status(ends_result),
			 dkt_status(ends_next), (unsigned long)ends_taken);
}

/* All threads, so also this one, which has a call to spare. */
static inline void ends_abort(void)
{
	s64 count = 0, left;

	dkt_ask("@abort\n", &count, sizeof(count));
	EXPECT_EQ(count, 1);
	DkThreadDelayExecution(1, &left);
}

#endif /* ENDS_H */
