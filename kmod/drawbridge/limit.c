// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: how much of the machine one sandbox may have.
 *
 * All are of the sandbox as a whole, whatever number of processes it has, and
 * are set before the first one starts. What would pass a limit is refused with
 * nothing changed; what cannot be refused, processor time, ends the sandbox.
 *
 * Processes, threads and handles are counted by atomics that are raised before
 * the thing is made and lowered when it is gone, or was not made after all.
 *
 * Memory is what the kernel calls data: private and writable, so that a page
 * of it may have to be found at any moment; and what was allocated to be shared
 * with clones (shared.c), once. Address space that is reserved, files that are
 * mapped read-only or shared, are not. The kernel counts it for
 * each address space (mm->data_vm). @memory_pages is the sum of what each
 * process had when it last asked for more or gave some back, plus what it was
 * granted. @memory_lock is held from the question until the memory is mapped,
 * except where a native call takes the place of ours (mprotect, mremap): its
 * grant counts beside the rest until it has ended, and who would be refused
 * because of it waits for that. (What other threads map or make writable in the
 * same place between the question and the native call is not seen before the
 * next one.)
 *
 * Processor time is read from the scheduler's own accounts of the sandbox's
 * threads by a work item, which comes again when the rest could have been used
 * up by all processors together.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/workqueue.h>

#include "drawbridge.h"

static bool take(struct dk_sandbox *sandbox, atomic64_t *count, u64 limit)
{
	if (likely(atomic64_inc_return(count) <= limit))
		return true;
	atomic64_dec(count);
	atomic64_inc(&sandbox->limit_refusals);
	return false;
}

long dk_limit_handle(struct dk_sandbox *sandbox)
{
	return take(sandbox, &sandbox->handle_count, sandbox->limits.handles) ?
		0 : -EMFILE;
}

/*
 * Connections that wait to be accepted have no handle, and count as one: a
 * client may have closed its own, and there may be thousands.
 */
long dk_limit_queue(struct dk_stream *stream)
{
	long error = dk_limit_handle(stream->sandbox);

	stream->queued = !error;
	return error;
}

/* It was, a moment ago: not refused. */
void dk_limit_requeue(struct dk_stream *stream)
{
	stream->queued = true;
	atomic64_inc(&stream->sandbox->handle_count);
}

void dk_limit_unqueue(struct dk_stream *stream)
{
	if (!stream->queued)
		return;
	stream->queued = false;
	atomic64_dec(&stream->sandbox->handle_count);
}

/* That many handles that are there already; they count even if refused. */
long dk_limit_handles(struct dk_sandbox *sandbox, u64 count)
{
	if (atomic64_add_return(count, &sandbox->handle_count) <=
	    sandbox->limits.handles)
		return 0;
	atomic64_inc(&sandbox->limit_refusals);
	return -EMFILE;
}

long dk_limit_thread(struct dk_sandbox *sandbox)
{
	return take(sandbox, &sandbox->thread_count, sandbox->limits.threads) ?
		0 : -EOVERFLOW;
}

long dk_limit_process(struct dk_sandbox *sandbox)
{
	return take(sandbox, &sandbox->process_count,
		    sandbox->limits.processes) ? 0 : -EOVERFLOW;
}

/* ---- memory ---- */

/* Count what the calling process has now in place of what it had. */
static void count_memory(struct dk_process *process)
{
	struct dk_sandbox *sandbox = process->sandbox;
	u64 now = READ_ONCE(current->mm->data_vm) + process->memory_granted;

	lockdep_assert_held(&sandbox->memory_lock);
	sandbox->memory_pages += now - process->memory_pages;
	process->memory_pages = now;
}

static bool fits(struct dk_sandbox *sandbox, u64 pages)
{
	u64 limit = sandbox->limits.memory >> PAGE_SHIFT;
	u64 used = sandbox->memory_pages +
		   atomic64_read(&sandbox->shared_pages);

	lockdep_assert_held(&sandbox->memory_lock);
	return used <= limit && pages <= limit - used;
}

/*
 * Between the end of a native call and dk_memory_ended() its pages count twice.
 * Wait until none is in between, but not for a thread that a debugger holds.
 */
static void settle(struct dk_process *process, u64 pages)
{
	struct dk_sandbox *sandbox = process->sandbox;

	if (fits(sandbox, pages) || !READ_ONCE(sandbox->memory_native))
		return;
	mutex_unlock(&sandbox->memory_lock);
	wait_event_killable_timeout(sandbox->memory_wait,
				    !READ_ONCE(sandbox->memory_native),
				    HZ / 10);
	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
}

static long ask(struct dk_sandbox *sandbox, u64 pages)
{
	if (fits(sandbox, pages))
		return 0;
	atomic64_inc(&sandbox->limit_refusals);
	return -ENOMEM;
}

static long grant(struct dk_process *process, u64 pages)
{
	struct dk_sandbox *sandbox = process->sandbox;
	long ret = ask(sandbox, pages);

	if (ret)
		return ret;
	sandbox->memory_pages += pages;
	process->memory_pages += pages;
	return 0;
}

/**
 * dk_memory_begin() - the calling process wants more memory
 * @process:	of the caller
 * @length:	in bytes, page-aligned: private and writable
 *
 * After success the caller maps it and calls dk_memory_end(), whether that
 * worked or not.
 *
 * Return: 0 or -ENOMEM.
 */
long dk_memory_begin(struct dk_process *process, u64 length)
{
	struct dk_sandbox *sandbox = process->sandbox;
	long ret;

	if (!dk_memory_limited(sandbox))
		return 0;
	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
	settle(process, length >> PAGE_SHIFT);
	ret = grant(process, length >> PAGE_SHIFT);
	if (ret)
		mutex_unlock(&sandbox->memory_lock);
	return ret;
}

void dk_memory_end(struct dk_process *process)
{
	if (!dk_memory_limited(process->sandbox))
		return;
	count_memory(process);
	mutex_unlock(&process->sandbox->memory_lock);
}

/* The calling process may have less than before. */
void dk_memory_less(struct dk_process *process)
{
	struct dk_sandbox *sandbox = process->sandbox;

	if (!dk_memory_limited(sandbox))
		return;
	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
	mutex_unlock(&sandbox->memory_lock);
}

/* Pages of the range that are private and not writable yet. */
static u64 pages_to_come(unsigned long base, unsigned long length)
{
	struct mm_struct *mm = current->mm;
	unsigned long at = base, end = base + length, stop;
	struct vm_area_struct *vma;
	u64 pages = 0;

	mmap_read_lock(mm);
	while (at < end) {
		vma = find_vma(mm, at);
		if (!vma || vma->vm_start >= end)
			break;
		stop = min(vma->vm_end, end);
		if (!(vma->vm_flags & (VM_WRITE | VM_SHARED)))
			pages += (stop - max(vma->vm_start, at)) >> PAGE_SHIFT;
		at = vma->vm_end;
	}
	mmap_read_unlock(mm);
	return pages;
}

/* The pages are @thread's until dk_memory_ended(); memory_lock is held. */
static long grant_native(struct dk_thread *thread, u64 pages)
{
	struct dk_process *process = thread->process;
	long ret;

	settle(process, pages);
	ret = grant(process, pages);
	if (ret || !pages)
		return ret;
	process->memory_granted += pages;
	thread->memory_granted = pages;
	WRITE_ONCE(process->sandbox->memory_native,
		   process->sandbox->memory_native + 1);
	return 0;
}

/**
 * dk_memory_writable() - a range will be made writable by a native call
 * @thread:	the caller
 * @base:	page-aligned
 * @length:	in bytes; the range is valid
 *
 * After success dk_memory_forward() is to put the call in place.
 *
 * Return: 0 or -ENOMEM.
 */
long dk_memory_writable(struct dk_thread *thread, u64 base, u64 length)
{
	struct dk_process *process = thread->process;
	struct dk_sandbox *sandbox = process->sandbox;
	long ret;

	if (!dk_memory_limited(sandbox))
		return 0;
	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
	ret = grant_native(thread, pages_to_come(base, PAGE_ALIGN(length)));
	mutex_unlock(&sandbox->memory_lock);
	return ret;
}

/**
 * dk_memory_grown() - a native call will make more of what is at an address
 * @thread:	the caller
 * @base:	where it is
 * @more:	in bytes
 *
 * After success dk_memory_forward() is to put the call in place.
 *
 * Return: 0 or -ENOMEM.
 */
long dk_memory_grown(struct dk_thread *thread, u64 base, u64 more)
{
	struct dk_process *process = thread->process;
	struct dk_sandbox *sandbox = process->sandbox;
	long ret = 0;

	if (!more || !dk_memory_limited(sandbox))
		return 0;
	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
	if ((dk_memory_flags(base) & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		ret = grant_native(thread, PAGE_ALIGN(more) >> PAGE_SHIFT);
	mutex_unlock(&sandbox->memory_lock);
	return ret;
}

/**
 * dk_memory_forward() - put a native call in place that may need a grant
 * @thread:	the caller
 * @nr:		its number
 * @a0:		its arguments
 * @a1: .
 * @a2: .
 * @a3: .
 * @a4: .
 *
 * A call that has none costs nothing more.
 *
 * Return: what the handler is to return.
 */
long dk_memory_forward(struct dk_thread *thread, unsigned long nr, u64 a0,
		       u64 a1, u64 a2, u64 a3, u64 a4)
{
	long ret;

	if (likely(!thread->memory_granted))
		ret = pico_forward_system_call(thread->pico, current_pt_regs(),
					       nr, a0, a1, a2, a3, a4, 0);
	else
		ret = pico_forward_watched(thread->pico, current_pt_regs(),
					   nr, a0, a1, a2, a3, a4, 0);
	if (!ret)
		return DK_FORWARD;
	dk_memory_ended(thread);
	return ret;
}

/* The native call has ended: what it has come to is counted, not the grant. */
void dk_memory_ended(struct dk_thread *thread)
{
	struct dk_process *process = thread->process;
	struct dk_sandbox *sandbox = process->sandbox;

	if (!thread->memory_granted)
		return;
	mutex_lock(&sandbox->memory_lock);
	process->memory_granted -= thread->memory_granted;
	thread->memory_granted = 0;
	count_memory(process);
	WRITE_ONCE(sandbox->memory_native, sandbox->memory_native - 1);
	mutex_unlock(&sandbox->memory_lock);
	wake_up_all(&sandbox->memory_wait);
}

/**
 * dk_memory_clone() - the calling process' memory will exist twice
 * @process:	of the caller
 * @child:	not running yet; dk_memory_gone() gives back what it gets
 *
 * Return: 0 or -ENOMEM.
 */
long dk_memory_clone(struct dk_process *process, struct dk_process *child)
{
	struct dk_sandbox *sandbox = process->sandbox;
	long ret;

	if (!dk_memory_limited(sandbox))
		return 0;
	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
	settle(process, process->memory_pages);
	ret = grant(child, process->memory_pages);
	mutex_unlock(&sandbox->memory_lock);
	return ret;
}

/**
 * dk_memory_cloned() - the calling process has been cloned
 * @process:	of the caller
 *
 * Its parent may have got more between the question and the copying.
 *
 * Return: 0 or -ENOMEM: that is too much.
 */
long dk_memory_cloned(struct dk_process *process)
{
	struct dk_sandbox *sandbox = process->sandbox;
	u64 granted;
	long ret = 0;

	if (!dk_memory_limited(sandbox))
		return 0;
	mutex_lock(&sandbox->memory_lock);
	granted = process->memory_pages;
	count_memory(process);
	if (process->memory_pages > granted) {
		settle(process, 0);
		ret = ask(sandbox, 0);
	}
	mutex_unlock(&sandbox->memory_lock);
	return ret;
}

/**
 * dk_memory_create() - a process will begin with so much of its own
 * @child:	not running yet; dk_memory_gone() gives back what it gets
 * @length:	in bytes
 *
 * Return: 0 or -ENOMEM.
 */
long dk_memory_create(struct dk_process *child, u64 length)
{
	struct dk_sandbox *sandbox = child->sandbox;
	long ret;

	if (!dk_memory_limited(sandbox))
		return 0;
	mutex_lock(&sandbox->memory_lock);
	ret = grant(child, PAGE_ALIGN(length) >> PAGE_SHIFT);
	mutex_unlock(&sandbox->memory_lock);
	return ret;
}

/**
 * dk_memory_shared() - the calling process wants memory to share with clones
 * @process:	of the caller
 * @length:	in bytes, whole pages
 *
 * Whoever gets it lowers sandbox->shared_pages in the end.
 *
 * Return: 0 or -ENOMEM.
 */
long dk_memory_shared(struct dk_process *process, u64 length)
{
	struct dk_sandbox *sandbox = process->sandbox;
	long ret;

	mutex_lock(&sandbox->memory_lock);
	count_memory(process);
	settle(process, length >> PAGE_SHIFT);
	ret = ask(sandbox, length >> PAGE_SHIFT);
	if (!ret)
		atomic64_add(length >> PAGE_SHIFT, &sandbox->shared_pages);
	mutex_unlock(&sandbox->memory_lock);
	return ret;
}

/* @process has ended, or was never made. */
void dk_memory_gone(struct dk_process *process)
{
	struct dk_sandbox *sandbox = process->sandbox;

	mutex_lock(&sandbox->memory_lock);
	sandbox->memory_pages -= process->memory_pages;
	process->memory_pages = 0;
	mutex_unlock(&sandbox->memory_lock);
}

/* ---- processor time ---- */

/* Nanoseconds that all threads, those that are gone too, have run. */
u64 dk_cpu_time(struct dk_sandbox *sandbox)
{
	struct dk_thread *thread;
	u64 sum;

	spin_lock(&sandbox->stats_lock);
	sum = sandbox->cpu_time;
	list_for_each_entry(thread, &sandbox->threads, link)
		sum += READ_ONCE(pico_thread_task(thread->pico)->
				 se.sum_exec_runtime);
	spin_unlock(&sandbox->stats_lock);
	return sum;
}

static void cpu_time_work(struct work_struct *work)
{
	struct dk_sandbox *sandbox = container_of(to_delayed_work(work),
						  struct dk_sandbox, cpu_work);
	u64 used = dk_cpu_time(sandbox), limit = sandbox->limits.cpu_time;
	u64 delay;

	if (used >= limit) {
		dk_sandbox_end(sandbox, DRAWBRIDGE_END_CPU_TIME, SIGXCPU);
		return;
	}
	delay = div_u64(limit - used, num_online_cpus());
	delay = clamp_t(u64, delay, NSEC_PER_MSEC, NSEC_PER_SEC);
	queue_delayed_work(system_unbound_wq, &sandbox->cpu_work,
			   nsecs_to_jiffies(delay) + 1);
}

/* ---- the monitor's side ---- */

void dk_limits_init(struct dk_sandbox *sandbox)
{
	mutex_init(&sandbox->memory_lock);
	init_waitqueue_head(&sandbox->memory_wait);
	INIT_DELAYED_WORK(&sandbox->cpu_work, cpu_time_work);
	sandbox->limits = (struct drawbridge_limits) {
		.memory = U64_MAX,
		.cpu_time = U64_MAX,
		.processes = U64_MAX,
		.threads = U64_MAX,
		.handles = U64_MAX,
	};
}

static u64 limit_or_none(u64 given)
{
	return given ?: U64_MAX;
}

/* With sandbox->lock held, before the first process. */
void dk_limits_set(struct dk_sandbox *sandbox,
		   const struct drawbridge_limits *limits)
{
	lockdep_assert_held(&sandbox->lock);
	sandbox->limits.memory = limit_or_none(limits->memory);
	sandbox->limits.cpu_time = limit_or_none(limits->cpu_time);
	sandbox->limits.processes = limit_or_none(limits->processes);
	sandbox->limits.threads = limit_or_none(limits->threads);
	sandbox->limits.handles = limit_or_none(limits->handles);
}

/* The first process can start any time now. */
void dk_limits_start(struct dk_sandbox *sandbox)
{
	if (sandbox->limits.cpu_time != U64_MAX)
		queue_delayed_work(system_unbound_wq, &sandbox->cpu_work, 1);
}

/* The monitor is gone. May sleep. */
void dk_limits_stop(struct dk_sandbox *sandbox)
{
	cancel_delayed_work_sync(&sandbox->cpu_work);
}

/* Nobody is left. */
void dk_limits_destroy(struct dk_sandbox *sandbox)
{
	mutex_destroy(&sandbox->memory_lock);
}
