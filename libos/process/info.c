// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What the system and the process are, in numbers: uname, sysinfo,
 * getrandom.
 */
#include <libos.h>
#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <processes.h>

SYSCALL1(uname, struct new_utsname *, to)
{
	const struct dk_parameters *p = process.parameters;
	struct new_utsname u = { .sysname = "Linux",
				 .machine = "x86_64",
				 .domainname = "(none)" };

	strlcpy(u.nodename, (const char *)p->host_name, sizeof(u.nodename));
	strlcpy(u.release, (const char *)p->system_release, sizeof(u.release));
	strlcpy(u.version, (const char *)p->system_version, sizeof(u.version));
	return user_put(u, to);
}

/* The host tells no more than the total; load and free memory are its own. */
SYSCALL1(sysinfo, struct sysinfo *, to)
{
	u64 total = process.parameters->memory_total, used, data;
	struct sysinfo s = { 0 };

	mm_usage(&used, &data);
	s.uptime = clock_now(DK_CLOCK_BOOT) / NSEC_PER_SEC;
	s.totalram = total;
	s.freeram = total - MIN(data, total);
	s.procs = 1;
	s.mem_unit = 1;
	return user_put(s, to);
}

static DK_STATUS random_bytes(void *to, size_t n)
{
	DK_STATUS status;

	do {
		status = DkRandomBitsRead(to, n);
	} while (status == DK_STATUS_INTERRUPTED);
	return status;
}

/* Up to where @to can be written. */
static size_t random_before_fault(char *to, size_t n)
{
	size_t done, part;

	for (done = 0; done < n; done += part) {
		part = MIN(n - done, PAGE_SIZE - (u64)(to + done) % PAGE_SIZE);
		if (random_bytes(to + done, part))
			break;
	}
	return done;
}

#define RANDOM_MAX 0x7ffff000UL /* of one call, as in Linux */
#define RANDOM_PART (1UL << 20)

SYSCALL3(getrandom, char *, to, size_t, n, u32, flags)
{
	DK_STATUS status = DK_STATUS_SUCCESS;
	size_t done, part;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
		    (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	n = MIN(n, RANDOM_MAX);
	if (!user_ok(to, n))
		return -EFAULT;
	/* Between two parts a signal is looked for. */
	for (done = 0; done < n && !status; done += part) {
		if (done && signal_interrupts())
			return done;
		part = MIN(n - done, RANDOM_PART);
		status = random_bytes(to + done, part);
		if (status == DK_STATUS_INVALID_POINTER)
			part = random_before_fault(to + done, part);
		else if (status)
			part = 0;
	}
	if (done || !status)
		return done;
	return errno_of(status);
}
