// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time: DkSystemTimeQuery, and the time page, with which libpal answers it.
 *
 * One page for the whole machine, mapped into every process for reading only,
 * holds what the kernel's own vDSO has: how nanoseconds follow from the
 * processor's time-stamp counter. The kernel says through a notifier chain
 * whenever that changes (some hundred times a second, at a clock step, at a
 * change of the clock source, around suspend), before its own clocks have the
 * change. Where the clock source is not the counter, the page says "ask".
 *
 * The notifier is called under timekeeper_lock, a raw spinlock, with
 * interrupts off: that orders the writers. Readers in user mode retry, by the
 * sequence count; nothing waits for them.
 */
#include <linux/anon_inodes.h>
#include <linux/clocksource.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pvclock_gtod.h>
#include <linux/sched/signal.h>
#include <linux/seqlock.h>
#include <linux/timekeeper_internal.h>
#include <linux/timekeeping.h>

#include "../compat.h"
#include "drawbridge.h"

static struct page *dk_time_page;

/* Every 64 bits of it are written at once, by whoever holds timekeeper_lock. */
static int dk_time_changed(struct notifier_block *block, unsigned long was_set,
			   void *timekeeper)
{
	struct dk_time *time = page_address(dk_time_page);
	const struct timekeeper *tk = timekeeper;
	const struct tk_read_base *base = &tk->tkr_mono;
	const struct clocksource *clock = base->clock;
	u32 sequence = time->sequence;

	WRITE_ONCE(time->sequence, sequence + 1);
	smp_wmb(); /* odd before anything changes: pairs with libpal's LFENCE */
	if (clock->vdso_clock_mode == VDSO_CLOCKMODE_TSC) {
		WRITE_ONCE(time->last, base->cycle_last);
		WRITE_ONCE(time->limit, clock->max_cycles);
		WRITE_ONCE(time->mult, base->mult);
		WRITE_ONCE(time->shift, base->shift);
		WRITE_ONCE(time->fraction, base->xtime_nsec);
		WRITE_ONCE(time->base[DK_CLOCK_MONOTONIC], base->base);
		WRITE_ONCE(time->base[DK_CLOCK_WALL],
			   ktime_add(base->base, tk->offs_real));
		WRITE_ONCE(time->base[DK_CLOCK_BOOT],
			   ktime_add(base->base, tk->offs_boot));
	} else {
		/* No count is this close to it. */
		WRITE_ONCE(time->last, 0);
		WRITE_ONCE(time->limit, 0);
	}
	smp_wmb(); /* and even when all has: pairs with its second look */
	WRITE_ONCE(time->sequence, sequence + 2);
	return NOTIFY_OK;
}

static struct notifier_block dk_time_notifier = {
	.notifier_call = dk_time_changed,
};

int dk_time_init(void)
{
	int ret;

	BUILD_BUG_ON(sizeof(struct dk_time) > PAGE_SIZE);
	dk_time_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!dk_time_page)
		return -ENOMEM;
	/* Calls the notifier once, at once. */
	ret = pvclock_gtod_register_notifier(&dk_time_notifier);
	if (ret)
		__free_page(dk_time_page);
	return ret;
}

/* No process is left, which the mapping's file sees to; nobody reads it. */
void dk_time_exit(void)
{
	pvclock_gtod_unregister_notifier(&dk_time_notifier);
	put_page(dk_time_page);
}

/* ---- the mapping ---- */

/*
 * The page is there at once: no fault, here or in a clone, ever looks for it.
 * The file is open for reading, so that the kernel has taken VM_MAYWRITE and
 * with it every way to write (mprotect, ptrace, copy-on-write) already; to say
 * so once more is for who changes that.
 */
static int dk_time_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE ||
	    vma->vm_flags & VM_WRITE)
		return -EINVAL;
	pico_compat_vm_flags(vma, VM_DONTEXPAND | VM_DONTDUMP,
			     VM_MAYWRITE | VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, dk_time_page);
}

static const struct file_operations dk_time_fops = {
	.owner = THIS_MODULE,
	.mmap = dk_time_mmap,
};

/**
 * dk_time_map() - give a process the time page
 * @address:	where it is; 0: the process may not read the counter
 *
 * Context: a thread of the process, in its address space.
 * Return: 0 or a negative errno
 */
int dk_time_map(u64 *address)
{
	unsigned long base;
	struct file *file;

	*address = 0;
	/* prctl(PR_SET_TSC, PR_TSC_SIGSEGV) outlives execve(). */
	if (test_thread_flag(TIF_NOTSC))
		return 0;
	file = anon_inode_getfile("drawbridge-time", &dk_time_fops, NULL,
				  O_RDONLY);
	if (IS_ERR(file))
		return PTR_ERR(file);
	base = vm_mmap(file, 0, PAGE_SIZE, PROT_READ, MAP_SHARED, 0);
	fput(file);
	if (IS_ERR_VALUE(base))
		return (int)base;
	*address = base;
	return 0;
}

/* ---- the call ---- */

DK_HANDLER(DkSystemTimeQuery)
{
	s64 time;

	/*
	 * The scheduler accounts what has run at each tick and when it is
	 * called, and exports nothing else that makes it do so.
	 */
	if (a0 == DK_CLOCK_PROCESS_CPU || a0 == DK_CLOCK_THREAD_CPU)
		schedule();
	switch (a0) {
	case DK_CLOCK_WALL:
		time = ktime_get_real_ns();
		break;
	case DK_CLOCK_MONOTONIC:
		time = ktime_get_ns();
		break;
	case DK_CLOCK_BOOT:
		time = ktime_get_boottime_ns();
		break;
	case DK_CLOCK_PROCESS_CPU:
		time = dk_usage_run_time();
		break;
	case DK_CLOCK_THREAD_CPU:
		time = READ_ONCE(current->se.sum_exec_runtime);
		break;
	default:
		return -EINVAL;
	}
	return put_user(time, (s64 __user *)dk_user(a1));
}
