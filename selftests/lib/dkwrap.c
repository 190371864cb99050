// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands between an image of tests and libpal: a wrapper for each call of
 * the table. It fails the running test when a status comes back that is not in
 * the call's set, and notes which statuses each call gave. When the process
 * ends, the outer side is told, a line for each call: "@seen INDEX SET", in
 * hex. statuses.c compares that with the table.
 */
#include "dktest.h"

#define STATUS_NAME(bit, name, value, text) case value: return #name;
const char *dkt_status(s64 status)
{
	static char unknown[32];

	switch (status) {
		DK_STATUS_TABLE(STATUS_NAME)
	}
	dkt_snprintf(unknown, sizeof(unknown), "%ld", (long)status);
	return unknown;
}

#define STATUS_BIT(bit, name, value, text) case value: return 1ULL << (bit);
u64 dkt_status_bit(s64 status)
{
	switch (status) {
		DK_STATUS_TABLE(STATUS_BIT)
	}
	return 0;
}

/* Not there in an image whose output is only what it says itself. */
extern char dkt_tells[] __attribute__((weak));

/* Of each call the set of statuses seen, and those the outer side knows of. */
static u64 seen[DK_CALL_LIMIT], told[DK_CALL_LIMIT];

void dkt_seen(u64 index, s64 status)
{
	u64 bit = status >= 0 ? DK_S(SUCCESS) : dkt_status_bit(status);

	/* Threads write here all the time; they do so once for each status. */
	if (index < DK_CALL_LIMIT && !(seen[index] & bit))
		__atomic_fetch_or(&seen[index], bit, __ATOMIC_RELAXED);
}

bool dkt_tell_seen(void)
{
	char line[64];

	for (u32 i = 0; i < DK_CALL_LIMIT && dkt_tells; i++) {
		u64 now = __atomic_load_n(&seen[i], __ATOMIC_RELAXED);
		size_t n;

		if (now == told[i])
			continue;
		told[i] = now;
		n = dkt_snprintf(line, sizeof(line), "@seen %x %lx\n", i,
				 (unsigned long)now);
		if (!dkt_write(line, n))
			return false;
	}
	return true;
}

static void check_status(const char *call, int version, u64 allowed, s64 status)
{
	if (version == 0 && status != DK_STATUS_NOT_IMPLEMENTED)
		dkt_fail("%s, which is not there, returned %s", call,
			 dkt_status(status));
	if (status > 0 && allowed & DK_SET_COUNT)
		return;
	if (version && status && !(allowed & dkt_status_bit(status)))
		dkt_fail("%s returned %s, which is not in its set", call,
			 dkt_status(status));
}

#define WRAPPER(class, function, name, version, args, statuses)		\
	DK_STATUS __real_##name(DK_PROTO args);				\
	DK_STATUS __wrap_##name(DK_PROTO args);				\
	DK_STATUS __wrap_##name(DK_PROTO args)				\
	{								\
		DK_STATUS status;					\
									\
		if (DK_INDEX_##name == DK_INDEX_DkProcessExit)		\
			dkt_tell_seen();				\
		status = __real_##name(DKT_NAMES args);			\
		dkt_seen(DK_INDEX_##name, status);			\
		check_status(#name, version, statuses, status);		\
		return status;						\
	}
DK_CALL_TABLE(WRAPPER)
