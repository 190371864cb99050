// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Limits of a sandbox, as people write them: 512M, 1.5s, 20. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picoexec.h"

struct unit {
	const char *name;
	double factor;
};

static const struct unit counts[] = { { "", 1 }, { 0 } };

static const struct unit sizes[] = {
	{ "", 1 },	     { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "T", 1ULL << 40 }, { 0 },
};

static const struct unit times[] = {
	{ "", 1e9 },   { "ms", 1e6 },	{ "s", 1e9 },
	{ "m", 6e10 }, { "h", 3600e9 }, { 0 },
};

static const struct {
	const char *name;
	size_t offset;
	const struct unit *units;
	const char *form;
} known[] = {
#define LIMIT(field) offsetof(struct drawbridge_limits, field)
	{ "memory", LIMIT(memory), sizes,
	  "bytes, or a number with K, M, G or T" },
	{ "cpu-time", LIMIT(cpu_time), times,
	  "seconds, or a number with ms, s, m or h" },
	{ "processes", LIMIT(processes), counts, "a whole number" },
	{ "threads", LIMIT(threads), counts, "a whole number" },
	{ "handles", LIMIT(handles), counts, "a whole number" },
#undef LIMIT
};

#define KNOWN	(sizeof(known) / sizeof(*known))

bool limits_known(const char *name)
{
	for (size_t i = 0; i < KNOWN; i++)
		if (!strcmp(known[i].name, name))
			return true;
	return false;
}

const char *limits_set(struct drawbridge_limits *limits, const char *name,
		       const char *amount)
{
	for (size_t i = 0; i < KNOWN; i++) {
		const struct unit *unit = known[i].units;
		double number;
		char *end;

		if (strcmp(known[i].name, name))
			continue;
		errno = 0;
		number = strtod(amount, &end);
		while (unit->name && strcmp(unit->name, end))
			unit++;
		/* strtod() takes signs, blanks, "inf" and hexadecimal, too. */
		if (end == amount ||
		    amount[strspn(amount, "0123456789.")] != *end || errno ||
		    !unit->name)
			return xprintf("limit %s: '%s' is no amount; %s", name,
				       amount, known[i].form);
		number *= unit->factor;
		if (known[i].units != counts)
			number = floor(number);
		if (number < 1 || number >= 9e18 || number != floor(number))
			return xprintf(
				"limit %s: '%s' is no amount; %s, 1 at least",
				name, amount, known[i].form);
		*(uint64_t *)((char *)limits + known[i].offset) = number;
		return NULL;
	}
	return xprintf(
		"no limit '%s'; there are memory, cpu-time, processes, threads, handles",
		name);
}
