// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The vDSO: clocks and the processor's number without a system call.
 *
 * A shared object of its own, not a part of the libos: a copy of it is mapped
 * for each program (loader/vdso.c) and runs as the program's code. It knows
 * where the host's time page is (struct dk_time; libpal reads it in the same
 * way), and asks the libos by a system call for everything else: for clocks
 * that the page lacks, and for all of them while the host says so.
 *
 * Results are those of the system calls, to the nanosecond; so coarse clocks
 * are as fine as the others.
 */
#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <pico/drawbridge.h>
#include <vdso.h>

#define NSEC_PER_SEC	1000000000ULL

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define EXPORT(result, name)						\
	extern __typeof__(__vdso_##name) name				\
		__attribute__((weak, alias("__vdso_" #name)));		\
	result __vdso_##name

int __vdso_clock_gettime(int id, struct __kernel_timespec *to);
int __vdso_gettimeofday(struct __kernel_old_timeval *to, struct timezone *zone);
long __vdso_time(long *to);
int __vdso_clock_getres(int id, struct __kernel_timespec *to);
int __vdso_getcpu(unsigned int *cpu, unsigned int *node, void *unused);

/* Written by the libos into each copy. */
const volatile struct vdso_data vdso_data
	__attribute__((section(".vdso_data"), visibility("hidden")));

static inline long system_call(long number, long a, long b, long c)
{
	asm volatile("syscall"
		     : "+a"(number)
		     : "D"(a), "S"(b), "d"(c)
		     : "rcx", "r11", "memory");
	return number;
}

/* DK_CLOCK_* of Linux's clocks, four bits each; NONE: no clock of the page. */
#define NONE		0xfULL
#define CLOCK(id, clock) (((clock) ^ NONE) << 4 * (id))
#define CLOCKS								\
	~(CLOCK(CLOCK_REALTIME, DK_CLOCK_WALL) |			\
	  CLOCK(CLOCK_MONOTONIC, DK_CLOCK_MONOTONIC) |			\
	  CLOCK(CLOCK_MONOTONIC_RAW, DK_CLOCK_MONOTONIC) |		\
	  CLOCK(CLOCK_REALTIME_COARSE, DK_CLOCK_WALL) |			\
	  CLOCK(CLOCK_MONOTONIC_COARSE, DK_CLOCK_MONOTONIC) |		\
	  CLOCK(CLOCK_BOOTTIME, DK_CLOCK_BOOT) |			\
	  CLOCK(CLOCK_TAI, DK_CLOCK_WALL))

static inline unsigned int clock_of(unsigned int id)
{
	return id < 16 ? CLOCKS >> 4 * id & NONE : NONE;
}

/* False: ask. See struct dk_time. */
static inline int read_clock(unsigned int clock, unsigned long *time)
{
	const volatile struct dk_time *t =
		(const volatile struct dk_time *)vdso_data.time;
	unsigned int sequence, low, high;
	unsigned long now, count;

	if (unlikely(!t))
		return 0;
	do {
		while (unlikely((sequence = t->sequence) & 1))
			asm volatile("pause");
		asm volatile("lfence\n\trdtsc"
			     : "=a"(low), "=d"(high)
			     :
			     : "memory");
		count = ((unsigned long)high << 32 | low) - t->last;
		if (unlikely(count > t->limit))
			return 0;
		now = t->base[clock] +
		      ((t->fraction + count * t->mult) >> t->shift);
	} while (unlikely(t->sequence != sequence));
	*time = now;
	return 1;
}

EXPORT(int, clock_gettime)(int id, struct __kernel_timespec *to)
{
	unsigned int clock = clock_of(id);
	unsigned long now;

	if (unlikely(clock == NONE || !read_clock(clock, &now)))
		return system_call(__NR_clock_gettime, id, (long)to, 0);
	to->tv_sec = now / NSEC_PER_SEC;
	to->tv_nsec = now % NSEC_PER_SEC;
	return 0;
}

EXPORT(int, gettimeofday)
(struct __kernel_old_timeval *to, struct timezone *zone)
{
	unsigned long now;

	if (unlikely(!read_clock(DK_CLOCK_WALL, &now)))
		return system_call(__NR_gettimeofday, (long)to, (long)zone, 0);
	if (to) {
		to->tv_sec = now / NSEC_PER_SEC;
		to->tv_usec = now % NSEC_PER_SEC / 1000;
	}
	if (unlikely(zone)) {
		zone->tz_minuteswest = 0;
		zone->tz_dsttime = 0;
	}
	return 0;
}

EXPORT(long, time)(long *to)
{
	unsigned long now;

	if (unlikely(!read_clock(DK_CLOCK_WALL, &now)))
		return system_call(__NR_time, (long)to, 0, 0);
	now /= NSEC_PER_SEC;
	if (to)
		*to = now;
	return now;
}

/* Nobody asks often. */
EXPORT(int, clock_getres)(int id, struct __kernel_timespec *to)
{
	return system_call(__NR_clock_getres, id, (long)to, 0);
}

EXPORT(int, getcpu)(unsigned int *cpu, unsigned int *node, void *unused)
{
	unsigned int number;

	if (unlikely(!vdso_data.has_rdtscp))
		return system_call(__NR_getcpu, (long)cpu, (long)node,
				   (long)unused);
	asm volatile("rdtscp" : "=c"(number) : : "eax", "edx");
	if (cpu)
		*cpu = number & 0xfff;
	if (node)
		*node = number >> 12;
	return 0;
}
