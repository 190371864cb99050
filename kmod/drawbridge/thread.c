// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads.
 *
 * A running thread holds a reference to its own object; handles hold others.
 * Its object is signalled when it ends, and stays so.
 */
#include <linux/sched.h>
#include <linux/syscalls.h>

#include "drawbridge.h"

/* The last reference is gone, and so is the thread. */
static void dk_thread_release(struct dk_object *object)
{
	struct dk_thread *thread = container_of(object, struct dk_thread,
						object);

	dk_raise_end(thread);
	if (thread->counted)
		atomic64_dec(&thread->process->sandbox->thread_count);
	dk_object_put(&thread->process->object);
	kfree_rcu(thread, rcu);
}

/* A thread of @process that does not run yet; or ERR_PTR. */
struct dk_thread *dk_thread_new(struct dk_process *process, u64 parameter)
{
	struct dk_thread *thread;
	long error;

	error = dk_limit_thread(process->sandbox);
	if (error)
		return ERR_PTR(error);
	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	if (!thread) {
		atomic64_dec(&process->sandbox->thread_count);
		return ERR_PTR(-ENOMEM);
	}
	thread->counted = true;
	dk_object_init(&thread->object, DK_OBJECT_THREAD, dk_thread_release);
	dk_waitable_init(&thread->waitable, DK_WAIT_MANUAL, 0, 1);
	thread->object.waitable = &thread->waitable;
	dk_object_get(&process->object);
	thread->process = process;
	INIT_LIST_HEAD(&thread->link);
	thread->parameter = parameter;
	dk_raise_init_thread(thread);
	return thread;
}

/*
 * @child was never made, but a clone of the process may have got a handle of it,
 * and shall not wait for ever. Drops the reference that itself would have had.
 */
static void never_made(struct dk_thread *child)
{
	dk_raise_end(child);
	dk_waitable_signal(&child->waitable);
	dk_object_put(&child->object);
}

DK_HANDLER(DkThreadCreate)
{
	struct dk_process *process = thread->process;
	struct pico_thread_attributes attributes = { };
	unsigned long stack = a2, size = a3;
	struct dk_thread *child;
	long ret;

	attributes.registers.ip = READ_ONCE(process->thread_start);
	if (!attributes.registers.ip || !a0 || a0 >= DEFAULT_MAP_WINDOW)
		return -EINVAL;
	if (!size || !dk_range_valid(stack, size))
		return -EINVAL;
	if (fault_in_safe_writeable(dk_user(a4), sizeof(DK_HANDLE)))
		return -EFAULT;

	child = dk_thread_new(process, a1);
	if (IS_ERR(child))
		return PTR_ERR(child);
	/* As at a function's entry: a return address would be on top. */
	attributes.registers.sp = round_down(stack + size, 16) - sizeof(long);
	attributes.registers.di = a0;
	attributes.registers.si = a1;
	attributes.context = child;

	dk_object_get(&child->object);
	ret = dk_handle_create(process, &child->object, DK_THREAD_RIGHTS,
			       &thread->created);
	if (ret)
		goto put;
	thread->created_out = dk_user(a4);
	/* dk_thread_created()'s: the child may be gone by then. */
	dk_object_get(&child->object);
	ret = dk_pico.create_thread(thread->pico, current_pt_regs(),
				    &attributes);
	if (ret)
		goto close;
	return DK_FORWARD;

close:
	dk_object_put(&child->object);
	dk_handle_close(process, thread->created);
	never_made(child);
	return ret;
put:
	dk_object_put(&child->object);
	dk_object_put(&child->object);
	return ret;
}

/* One that was put in place of a call of @pico's, and watched. */
long dk_native_call_ended(struct pico_thread *pico, struct pt_regs *regs,
			  long result)
{
	struct dk_thread *thread = pico_thread_context(pico);

	if (!thread->memory_granted)
		return dk_control_ended(thread, result);
	dk_memory_ended(thread);
	return result;
}

static long thread_created(struct dk_thread *thread, struct pico_thread *new,
			   struct dk_thread *child, int error)
{
	if (error) {
		never_made(child);
	} else {
		dk_thread_started(child, new);
		error = put_user(thread->created, thread->created_out);
		if (error)
			dk_pico.terminate_thread(new, 0);
		dk_pico.resume_thread(new, NULL);
		if (!error)
			return 0;
	}
	dk_handle_close(thread->process, thread->created);
	return error;
}

/*
 * The clone that DkThreadCreate or DkxProcessClone asked for was made, or not.
 * The child cannot run yet; if it was killed already, it knows. Who asked has
 * taken a reference to it for this.
 */
long dk_thread_created(struct pico_thread *pico, struct pico_thread *new,
		       void *child_context, int error)
{
	struct dk_thread *thread = pico_thread_context(pico);
	struct dk_thread *child = child_context;
	long ret;

	if (child->process == thread->process)
		ret = thread_created(thread, new, child, error);
	else
		ret = dk_process_created(thread, new, child, error);
	dk_object_put(&child->object);
	return ret;
}

/* The thread is there: count it, unless it has gone already. */
void dk_thread_started(struct dk_thread *thread, struct pico_thread *pico)
{
	struct dk_sandbox *sandbox = thread->process->sandbox;

	spin_lock(&sandbox->stats_lock);
	if (!thread->gone) {
		thread->pico = pico;
		list_add(&thread->link, &sandbox->threads);
	}
	spin_unlock(&sandbox->stats_lock);
	dk_raise_start(thread, pico);
}

/* A running thread's counters may be a moment old. */
void dk_stats_add(struct dk_stats *sum, const struct dk_stats *stats)
{
	sum->calls += READ_ONCE(stats->calls);
	sum->system_calls += READ_ONCE(stats->system_calls);
	sum->refused_calls += READ_ONCE(stats->refused_calls);
	sum->exceptions += READ_ONCE(stats->exceptions);
	sum->unlisted_statuses += READ_ONCE(stats->unlisted_statuses);
	sum->bytes_read += READ_ONCE(stats->bytes_read);
	sum->bytes_written += READ_ONCE(stats->bytes_written);
}

void dk_exit_thread(struct pico_thread *pico)
{
	struct dk_thread *thread = pico_thread_context(pico);
	struct dk_sandbox *sandbox = thread->process->sandbox;

	spin_lock(&sandbox->stats_lock);
	dk_stats_add(&sandbox->stats, &thread->stats);
	sandbox->cpu_time += current->se.sum_exec_runtime;
	list_del_init(&thread->link);
	thread->gone = true;
	thread->pico = NULL;
	spin_unlock(&sandbox->stats_lock);
	dk_raise_end(thread);
	/* Whoever waits for it may make another in its place. */
	thread->counted = false;
	atomic64_dec(&sandbox->thread_count);
	dk_waitable_signal(&thread->waitable);
	dk_object_put(&thread->object);
}

DK_HANDLER(DkThreadGetParameter)
{
	return put_user(thread->parameter, (u64 __user *)dk_user(a0));
}

DK_HANDLER(DkThreadYieldExecution)
{
	long ret;

	ret = pico_forward_system_call(thread->pico, current_pt_regs(),
				       __NR_sched_yield, a0, a1, a2, a3, a4,
				       a5);
	return ret ?: DK_FORWARD;
}

DK_HANDLER(DkThreadExit)
{
	return dk_pico.terminate_thread(thread->pico, 0);
}
