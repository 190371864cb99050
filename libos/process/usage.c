// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What threads, processes and children have used: getrusage, times, and what
 * /proc and the CPU clocks of others tell. The host counts for what runs; of a
 * process that has ended, its last word is in the table (wait.c).
 */
#include <libos.h>
#include <linux/resource.h>
#include <linux/times.h>
#include <processes.h>
#include <thread.h>

/* False: it has ended; zeroes. */
static bool ask(DK_HANDLE object, struct usage *u)
{
	struct dk_usage from;

	memset(u, 0, sizeof(*u));
	if (DkxUsageQuery(object, &from, sizeof(from)))
		return false;
	u->run_time = from.run_time;
	u->user_time = from.user_time;
	u->system_time = from.system_time;
	u->minor_faults = from.minor_faults;
	u->major_faults = from.major_faults;
	u->voluntary_switches = from.voluntary_switches;
	u->involuntary_switches = from.involuntary_switches;
	u->resident = from.resident / 1024;
	u->max_resident = from.max_resident / 1024;
	return true;
}

void usage_of_process(struct usage *u)
{
	ask(own_process(process.parameters), u);
}

bool usage_of_thread(const struct libos_thread *t, struct usage *u)
{
	return ask(t->handle, u);
}

bool usage_of_other(const struct process_entry *entry, struct usage *u)
{
	u64 id = __atomic_load_n(&entry->id, __ATOMIC_SEQ_CST);
	DK_HANDLE handle;
	bool known;

	memset(u, 0, sizeof(*u));
	if (id && !DkxProcessOpen(id, &handle)) {
		known = ask(handle, u);
		DkObjectClose(handle);
		if (known)
			return true;
	}
	/* It ends after its last word. */
	if (entry_state(entry) != ENTRY_ENDED)
		return false;
	*u = entry->usage;
	u->resident = 0;
	return true;
}

void usage_add(struct usage *to, const struct usage *from)
{
	to->run_time += from->run_time;
	to->user_time += from->user_time;
	to->system_time += from->system_time;
	to->minor_faults += from->minor_faults;
	to->major_faults += from->major_faults;
	to->voluntary_switches += from->voluntary_switches;
	to->involuntary_switches += from->involuntary_switches;
	to->max_resident = MAX(to->max_resident, from->max_resident);
}

void usage_format(const struct usage *from, struct rusage *u)
{
	memset(u, 0, sizeof(*u));
	u->ru_utime.tv_sec = from->user_time / NSEC_PER_SEC;
	u->ru_utime.tv_usec = from->user_time % NSEC_PER_SEC / 1000;
	u->ru_stime.tv_sec = from->system_time / NSEC_PER_SEC;
	u->ru_stime.tv_usec = from->system_time % NSEC_PER_SEC / 1000;
	u->ru_maxrss = from->max_resident;
	u->ru_minflt = from->minor_faults;
	u->ru_majflt = from->major_faults;
	u->ru_nvcsw = from->voluntary_switches;
	u->ru_nivcsw = from->involuntary_switches;
}

SYSCALL2(getrusage, int, who, struct rusage *, to)
{
	struct usage usage;
	struct rusage u;

	switch (who) {
	case RUSAGE_SELF:
		usage_of_process(&usage);
		break;
	case RUSAGE_THREAD:
		usage_of_thread(self(), &usage);
		break;
	case RUSAGE_CHILDREN:
		children_usage(&usage);
		break;
	default:
		return -EINVAL;
	}
	usage_format(&usage, &u);
	return user_put(u, to);
}

SYSCALL1(times, struct tms *, to)
{
	struct usage mine, childrens;
	struct tms t;

	usage_of_process(&mine);
	children_usage(&childrens);
	t = (struct tms){ .tms_utime = mine.user_time / TICK,
			  .tms_stime = mine.system_time / TICK,
			  .tms_cutime = childrens.user_time / TICK,
			  .tms_cstime = childrens.system_time / TICK };
	if (to && user_put(t, to))
		return -EFAULT;
	return clock_now(DK_CLOCK_BOOT) / TICK;
}
