// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxUsageQuery: what threads and processes have used.
 *
 * The scheduler knows to the nanosecond how long something ran, and by its ticks
 * roughly how much of that was in the kernel. As getrusage() does it, the time
 * is divided in the proportion of the ticks, and neither part ever goes back.
 * The kernel's own function for that is exported for threads only.
 */
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/sched/cputime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

#include "../compat.h"
#include "drawbridge.h"

/* What of a process is a sum over its threads. */
struct dk_usage_sum {
	u64 run, user, system;
	u64 minor, major;
	u64 voluntary, involuntary;
};

static void dk_usage_add(struct dk_usage_sum *sum, struct task_struct *task)
{
	sum->run += READ_ONCE(task->se.sum_exec_runtime);
	sum->user += READ_ONCE(task->utime);
	sum->system += READ_ONCE(task->stime);
	sum->minor += READ_ONCE(task->min_flt);
	sum->major += READ_ONCE(task->maj_flt);
	sum->voluntary += READ_ONCE(task->nvcsw);
	sum->involuntary += READ_ONCE(task->nivcsw);
}

static void dk_usage_sum(struct task_struct *task, struct dk_usage_sum *sum)
{
	struct signal_struct *signal = task->signal;
	struct task_struct *one;

	*sum = (struct dk_usage_sum){
		.run = READ_ONCE(signal->sum_sched_runtime),
		.user = READ_ONCE(signal->utime),
		.system = READ_ONCE(signal->stime),
		.minor = READ_ONCE(signal->min_flt),
		.major = READ_ONCE(signal->maj_flt),
		.voluntary = READ_ONCE(signal->nvcsw),
		.involuntary = READ_ONCE(signal->nivcsw),
	};
	for_each_thread(task, one)
		dk_usage_add(sum, one);
}

/*
 * Of threads that are and that were. One that ends meanwhile goes from the list
 * into the sums under stats_lock: without it a sum would go back. As threads may
 * end all the time, the second try keeps them from it.
 */
static void dk_usage_of_process(struct task_struct *task,
				struct dk_usage_sum *sum)
{
	struct signal_struct *signal = task->signal;
	unsigned int sequence;
	unsigned long flags;
	bool again;

	rcu_read_lock();
	sequence = read_seqbegin(&signal->stats_lock);
	dk_usage_sum(task, sum);
	again = read_seqretry(&signal->stats_lock, sequence);
	rcu_read_unlock();
	if (!again)
		return;
	rcu_read_lock();
	read_seqlock_excl_irqsave(&signal->stats_lock, flags);
	dk_usage_sum(task, sum);
	read_sequnlock_excl_irqrestore(&signal->stats_lock, flags);
	rcu_read_unlock();
}

u64 dk_usage_run_time(void)
{
	struct dk_usage_sum sum;

	dk_usage_of_process(current, &sum);
	return sum.run;
}

/* Where there was no tick, all was in user mode, as Linux has it. */
static void dk_usage_divide(struct dk_process *process,
			    const struct dk_usage_sum *sum,
			    struct dk_usage *usage)
{
	u64 ticks = sum->user + sum->system, system = 0;

	if (ticks)
		system = mul_u64_u64_div_u64(sum->run, sum->system, ticks);
	spin_lock(&process->raise_lock);
	/* Somebody else may have been here with a later sum. */
	if (sum->run > process->user_time + process->system_time) {
		process->system_time = clamp(system, process->system_time,
					     sum->run - process->user_time);
		process->user_time = sum->run - process->system_time;
	}
	usage->user_time = process->user_time;
	usage->system_time = process->system_time;
	usage->run_time = process->user_time + process->system_time;
	spin_unlock(&process->raise_lock);
}

static void dk_usage_memory(struct task_struct *task, struct dk_usage *usage)
{
	struct mm_struct *mm = NULL;
	struct task_struct *one;
	unsigned long rss;

	/* One that is ending has none any more. */
	rcu_read_lock();
	for_each_thread(task, one) {
		mm = get_task_mm(one);
		if (mm)
			break;
	}
	rcu_read_unlock();
	if (!mm)
		return;
	/*
	 * As update_hiwater_rss(), which may know of less: the most is never
	 * less than what was told before.
	 */
	rss = pico_compat_mm_rss(mm);
	if (READ_ONCE(mm->hiwater_rss) < rss)
		WRITE_ONCE(mm->hiwater_rss, rss);
	usage->resident = (u64)rss << PAGE_SHIFT;
	usage->max_resident =
		max((u64)get_mm_hiwater_rss(mm) << PAGE_SHIFT, usage->resident);
	mmput(mm);
}

/* @thread: of all of them, or NULL: the process */
static long dk_usage_fill(struct dk_process *process, struct dk_thread *thread,
			  struct dk_usage *usage)
{
	struct dk_usage_sum sum = {};
	struct task_struct *task;
	struct pico_thread *pico;
	long ret;

	ret = dk_raise_target(process, thread, &pico);
	/* What has not begun has used nothing. */
	if (ret || !pico)
		return ret;
	task = pico_thread_task(pico);
	if (thread) {
		dk_usage_add(&sum, task);
		task_cputime_adjusted(task, &usage->user_time,
				      &usage->system_time);
		usage->run_time = sum.run;
	} else {
		dk_usage_of_process(task, &sum);
		dk_usage_divide(process, &sum, usage);
	}
	usage->minor_faults = sum.minor;
	usage->major_faults = sum.major;
	usage->voluntary_switches = sum.voluntary;
	usage->involuntary_switches = sum.involuntary;
	dk_usage_memory(task, usage);
	pico_thread_put(pico);
	return 0;
}

DK_HANDLER(DkxUsageQuery)
{
	struct dk_usage usage = {};
	struct dk_object *object;
	struct dk_thread *of;
	long ret;

	if (a2 != sizeof(usage))
		return -EINVAL;
	object = dk_handle_get(thread->process, a0, DK_OBJECT_ANY,
			       DK_RIGHT_READ);
	if (IS_ERR(object))
		return PTR_ERR(object);
	/* As in DkSystemTimeQuery: what has run is accounted then. */
	schedule();
	if (object->type == DK_OBJECT_THREAD) {
		of = container_of(object, struct dk_thread, object);
		ret = dk_usage_fill(of->process, of, &usage);
	} else if (object->type == DK_OBJECT_PROCESS) {
		ret = dk_usage_fill(container_of(object, struct dk_process,
						 object),
				    NULL, &usage);
	} else {
		ret = -EPROTOTYPE;
	}
	dk_object_put(object);
	if (!ret && copy_to_user(dk_user(a1), &usage, sizeof(usage)))
		ret = -EFAULT;
	return ret;
}
