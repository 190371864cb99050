// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxProcessClone: a copy of the calling process, memory on write.
 *
 * The kernel's own clone makes it, in place of the call. Before that, on the
 * calling thread: the child's objects, its copy of the handle table, its place
 * in the sandbox, and the parent's handle. After it, on the child: it is
 * alive, unless the sandbox has been killed meanwhile; and on the parent: the
 * handle is told, and the child may run.
 *
 * The parent may be killed, and the child may, at any point of this. Whoever
 * comes last finds references of its own.
 */
#include <linux/sched/signal.h>

#include "drawbridge.h"

/* The caller's, with success as the result of its call. */
static long dk_clone_registers(struct dk_thread *thread,
			       struct user_regs_struct *registers)
{
	struct pico_context context = {
		.parts = PICO_CONTEXT_GENERAL | PICO_CONTEXT_BASES,
	};
	long ret;

	ret = dk_pico.get_context_thread(thread->pico, &context);
	if (ret)
		return ret;
	*registers = context.registers;
	registers->ax = DK_STATUS_SUCCESS;
	return 0;
}

/* Into the sandbox's list, where it has no struct pico_process yet. */
void dk_process_enter(struct dk_process *process)
{
	struct dk_sandbox *sandbox = process->sandbox;

	mutex_lock(&sandbox->lock);
	process->id = ++sandbox->last_id;
	process->kills = sandbox->kills;
	list_add(&process->link, &sandbox->processes);
	mutex_unlock(&sandbox->lock);
}

/*
 * Nothing of it was shown to pico.ko: dk_exit_process() will not come. It may
 * be in the sandbox's list, or not yet.
 */
void dk_process_drop(struct dk_process *process)
{
	struct dk_sandbox *sandbox = process->sandbox;

	mutex_lock(&sandbox->lock);
	list_del_init(&process->link);
	mutex_unlock(&sandbox->lock);
	dk_process_empty(process);
	/* Whoever has opened it meanwhile shall not wait for ever, */
	spin_lock(&sandbox->sync_lock);
	process->gone = true;
	spin_unlock(&sandbox->sync_lock);
	/* and may make another in its place. */
	process->counted = false;
	atomic64_dec(&sandbox->process_count);
	dk_waitable_signal(&process->waitable);
	dk_object_put(&process->object);
}

/* The child and its thread, which is returned; or ERR_PTR. */
static struct dk_thread *dk_clone_new(struct dk_thread *thread, u64 flags)
{
	struct dk_process *parent = thread->process, *process;
	struct dk_thread *first;
	long ret;

	process = dk_process_new(parent->sandbox);
	if (IS_ERR(process))
		return ERR_CAST(process);
	process->thread_start = READ_ONCE(parent->thread_start);
	process->exception_dispatch = READ_ONCE(parent->exception_dispatch);
	process->words_address = parent->words_address;
	process->signals = READ_ONCE(parent->signals);
	first = dk_thread_new(process, thread->parameter);
	if (IS_ERR(first)) {
		ret = PTR_ERR(first);
		goto put_process;
	}
	first->syscall_entry = thread->syscall_entry;
	first->block = thread->block;
	ret = dk_handles_clone(process, first, thread);
	if (!ret)
		ret = dk_memory_clone(parent, process);
	if (!ret && flags & DK_CLONE_NOTIFY)
		ret = dk_notice_prepare(process, parent);
	if (ret)
		goto drop;
	dk_process_enter(process);
	return first;

drop:
	dk_object_put(&first->object);
	dk_process_drop(process);
	return ERR_PTR(ret);
put_process:
	dk_object_put(&process->object);
	return ERR_PTR(ret);
}

/*
 * A handle of @process for @thread, to be told when the native clone was made.
 * On failure there is none.
 */
long dk_process_publish(struct dk_thread *thread, struct dk_process *process,
			u64 out, u64 id_out)
{
	long ret;

	dk_object_get(&process->object);
	ret = dk_handle_create(thread->process, &process->object,
			       DK_PROCESS_OTHER_RIGHTS, &thread->created);
	if (ret) {
		dk_object_put(&process->object);
		return ret;
	}
	thread->created_id = process->id;
	thread->created_out = dk_user(out);
	thread->created_id_out = dk_user(id_out);
	return 0;
}

DK_HANDLER(DkxProcessClone)
{
	struct pico_process_attributes attributes = {
		.flags = PICO_PROCESS_CLONE_MEMORY,
		/* With this one, nothing is left to be waited for. */
		.exit_signal = SIGCHLD,
	};
	struct pico_thread_attributes registers = { };
	struct dk_process *process;
	struct dk_thread *first;
	long ret;

	if (a0 & ~(u64)DK_CLONE_NOTIFY)
		return -EINVAL;
	if (fault_in_safe_writeable(dk_user(a1), sizeof(DK_HANDLE)) ||
	    fault_in_safe_writeable(dk_user(a2), sizeof(u64)))
		return -EFAULT;
	ret = dk_clone_registers(thread, &registers.registers);
	if (ret)
		return ret;
	first = dk_clone_new(thread, a0);
	if (IS_ERR(first))
		return PTR_ERR(first);
	process = first->process;

	ret = dk_process_publish(thread, process, a1, a2);
	if (ret)
		goto drop;
	first->created_out = thread->created_out;
	first->created_id_out = thread->created_id_out;
	registers.context = first;
	attributes.context = process;
	/* dk_thread_created()'s: the child may be gone by then. */
	dk_object_get(&first->object);
	ret = dk_pico.create_process(thread->pico, current_pt_regs(),
				     &attributes, &registers);
	if (!ret)
		return DK_FORWARD;
	dk_object_put(&first->object);
	dk_handle_close(thread->process, thread->created);
drop:
	dk_object_put(&first->object);
	dk_process_drop(process);
	return ret;
}

/* On the child, before its first instruction; an error ends it. */
int dk_clone_start(struct dk_thread *thread, struct pico_thread *pico)
{
	struct dk_process *process = thread->process;
	struct dk_sandbox *sandbox = process->sandbox;
	int ret;

	/* The parent's words were not copied; the place is where they were. */
	ret = dk_words_map(process, &process->words_address);
	if (ret)
		return ret;
	dk_handles_words(process);
	/* What it was given counts as its parent's did, grants included. */
	ret = dk_memory_cloned(process);
	if (ret)
		return ret;
	if (put_user(DK_INVALID_HANDLE, thread->created_out) ||
	    put_user(process->id, thread->created_id_out))
		return -EFAULT;
	mutex_lock(&sandbox->lock);
	if (sandbox->dead || sandbox->kills != process->kills)
		ret = -ESRCH;
	else
		process->pico = pico_thread_process(pico);
	mutex_unlock(&sandbox->lock);
	if (!ret)
		dk_thread_started(thread, pico);
	return ret;
}

/*
 * On the parent, maybe while it dies: the clone was made, or not. @child may
 * have ended already.
 */
long dk_process_created(struct dk_thread *thread, struct pico_thread *new,
			struct dk_thread *child, int error)
{
	/* What the kernel says to a signal is that the call shall be made again. */
	if (error && error != -ENOMEM && error != -ERESTARTNOINTR)
		error = -EAGAIN;
	if (error) {
		dk_notice_cancel(child->process);
		/* The thread's own reference; dk_exit_process() comes next. */
		dk_object_put(&child->object);
		goto close;
	}
	error = dk_put_both(thread->created, thread->created_out,
			    thread->created_id, thread->created_id_out);
	if (error)
		dk_pico.terminate_process(pico_thread_process(new), SIGKILL);
	dk_pico.resume_thread(new, NULL);
	if (!error)
		return 0;
close:
	dk_handle_close(thread->process, thread->created);
	return error;
}

/* Another process of the sandbox, or the own one. */
DK_HANDLER(DkxProcessOpen)
{
	struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_process *process, *found = NULL;

	mutex_lock(&sandbox->lock);
	list_for_each_entry(process, &sandbox->processes, link) {
		if (process->id == a0) {
			dk_object_get(&process->object);
			found = process;
			break;
		}
	}
	mutex_unlock(&sandbox->lock);
	if (!found)
		return -ENOENT;
	return dk_handle_publish(thread->process, &found->object,
				 DK_PROCESS_OTHER_RIGHTS, dk_user(a1));
}
