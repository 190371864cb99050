// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork() and pthread_create(): clone() cannot be passed on as it is, since
 * pico.ko has to know the new thread before it runs. So it is taken apart
 * here, into create_process() or create_thread(), and what is left of its
 * flags. There is nothing between the two: no memory shared by processes (a
 * vfork() is a fork()), no files of a thread's own.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "filter.h"

#define FILTER_THREAD_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | \
				 CLONE_SIGHAND | CLONE_THREAD)
#define FILTER_THREAD_OPTIONS	(CLONE_SYSVSEM | CLONE_DETACHED | \
				 CLONE_SETTLS | CLONE_PARENT_SETTID | \
				 CLONE_CHILD_CLEARTID)
#define FILTER_FORK_OPTIONS	(CSIGNAL | CLONE_PARENT_SETTID | \
				 CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID)

static int __user *filter_tid(unsigned long flags, unsigned long flag,
			      unsigned long address)
{
	return flags & flag ? (int __user *)address : NULL;
}

static int filter_fork(struct pico_thread *pthread, struct pt_regs *regs,
		       unsigned long flags,
		       const struct pico_thread_attributes *first)
{
	struct filter_thread *thread = pico_thread_context(pthread);
	struct filter_thread *child = first->context;
	struct pico_process_attributes attributes = {
		.flags = PICO_PROCESS_CLONE_MEMORY | PICO_PROCESS_INHERIT_FILES,
		.exit_signal = flags & CSIGNAL,
	};
	struct filter_process *process;
	int ret;

	process = filter_process_alloc(thread->process->filter);
	if (!process)
		return -ENOMEM;
	child->process = process;
	child->set_tid = filter_tid(flags, CLONE_CHILD_SETTID, regs->r10);
	child->clear_tid = filter_tid(flags, CLONE_CHILD_CLEARTID, regs->r10);
	attributes.context = process;
	ret = filter_pico.create_process(pthread, regs, &attributes, first);
	if (ret)
		filter_process_free(process);
	return ret;
}

static int filter_new_thread(struct pico_thread *pthread, struct pt_regs *regs,
			     const struct pico_thread_attributes *attributes)
{
	struct filter_thread *thread = pico_thread_context(pthread);
	struct filter_thread *child = attributes->context;

	child->process = thread->process;
	return filter_pico.create_thread(pthread, regs, attributes);
}

/* A result, or 0: the native call is in place. */
static long filter_try_clone(struct pico_thread *pthread, struct pt_regs *regs,
			     unsigned long flags, unsigned long sp)
{
	bool is_thread = (flags & FILTER_THREAD_FLAGS) == FILTER_THREAD_FLAGS;
	struct filter_thread *thread = pico_thread_context(pthread);
	struct pico_thread_attributes attributes = { };
	struct pico_context context = {
		.parts = PICO_CONTEXT_GENERAL | PICO_CONTEXT_BASES,
	};
	struct filter_thread *child;
	long ret;

	if (flags & ~(is_thread ? FILTER_THREAD_FLAGS | FILTER_THREAD_OPTIONS :
				  FILTER_FORK_OPTIONS))
		return -EINVAL;
	ret = filter_pico.get_context_thread(pthread, &context);
	if (ret)
		return ret;
	attributes.registers = context.registers;
	attributes.registers.ax = 0;
	if (sp)
		attributes.registers.sp = sp;
	if (flags & CLONE_SETTLS)
		attributes.registers.fs_base = regs->r8;

	child = kzalloc(sizeof(*child), GFP_KERNEL_ACCOUNT);
	if (!child)
		return -ENOMEM;
	attributes.context = child;
	thread->parent_tid = filter_tid(flags, CLONE_PARENT_SETTID, regs->dx);
	thread->child_tid = is_thread ? filter_tid(flags, CLONE_CHILD_CLEARTID,
						   regs->r10) : NULL;
	ret = is_thread ? filter_new_thread(pthread, regs, &attributes) :
			  filter_fork(pthread, regs, flags, &attributes);
	if (ret)
		kfree(child);
	return ret;
}

enum pico_syscall filter_clone(struct pico_thread *thread,
			       struct pt_regs *regs, unsigned long flags,
			       unsigned long sp)
{
	long ret = filter_try_clone(thread, regs, flags, sp);

	if (ret)
		return pico_answer_system_call(regs, ret);
	return PICO_SYSCALL_FORWARD;
}

/*
 * The child is suspended, so nobody else touches what it will find; it may
 * have been killed, so its context may be gone.
 */
long filter_thread_created(struct pico_thread *pthread,
			   struct pico_thread *child, void *child_context,
			   int error)
{
	struct filter_thread *thread = pico_thread_context(pthread);
	struct task_struct *task;
	pid_t tid;

	if (!child) {
		kfree(child_context);
		return error;
	}
	task = pico_thread_task(child);
	tid = task_pid_vnr(task);
	if (thread->parent_tid)
		put_user(tid, thread->parent_tid);
	if (thread->child_tid)
		task->clear_child_tid = thread->child_tid;
	filter_pico.resume_thread(child, NULL);
	/* Killed, and waited for by another thread: as if it had not been. */
	return tid ?: -EAGAIN;
}
