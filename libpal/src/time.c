// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Reading clocks without entering the host: struct dk_time of
 * pico/drawbridge.h. Other clocks than its three, and those when the host has
 * to be asked, are the host's to read.
 */
#include <pal.h>

DK_STATUS pal_host_DkSystemTimeQuery(dk_u64 clock, dk_s64 *time);
void pal_time_init(const struct dk_parameters *parameters);

#define unlikely(x)	__builtin_expect(!!(x), 0)

static const volatile struct dk_time *page;

/* By start.S, before anything else runs. */
void pal_time_init(const struct dk_parameters *parameters)
{
	page = (const volatile struct dk_time *)parameters->time;
}

DK_STATUS DkSystemTimeQuery(dk_u64 clock, dk_s64 *time)
{
	const volatile struct dk_time *t = page;
	dk_u64 now, count;
	unsigned int sequence, low, high;

	if (unlikely(clock > DK_CLOCK_BOOT || !t))
		return pal_host_DkSystemTimeQuery(clock, time);
	do {
		/* Loads are not reordered with each other on x86. */
		while (unlikely((sequence = t->sequence) & 1))
			asm volatile("pause");
		/* LFENCE: the counter is not read before what is above. */
		asm volatile("lfence\n\trdtsc"
			     : "=a"(low), "=d"(high)
			     :
			     : "memory");
		count = ((dk_u64)high << 32 | low) - t->last;
		if (unlikely(count > t->limit))
			return pal_host_DkSystemTimeQuery(clock, time);
		now = t->base[clock] +
		      ((t->fraction + count * t->mult) >> t->shift);
	} while (unlikely(t->sequence != sequence));
	*time = now;
	return DK_STATUS_SUCCESS;
}
