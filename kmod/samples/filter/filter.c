// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules, processes and calls. A call that its rule lets through is made by the
 * kernel, as if the process were an ordinary one; what pico.ko does not let
 * through fails with the errno that it gives.
 */
#include <linux/nospec.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>

#include <asm/syscall.h>

#include <pico/version.h>

#include "../program.h"
#include "filter.h"

#define FILTER_LOG_RECORDS	1024

struct pico_routines filter_pico = { .size = sizeof(filter_pico) };

/* ---- the open file ---- */

static void filter_free(struct kref *ref)
{
	struct filter *filter = container_of(ref, struct filter, ref);

	sample_program_free(filter->program);
	kfifo_free(&filter->log);
	put_pid_ns(filter->pid_ns);
	kfree(filter);
}

static int filter_open(void **host)
{
	struct filter *filter;
	int ret;

	filter = kzalloc(sizeof(*filter), GFP_KERNEL_ACCOUNT);
	if (!filter)
		return -ENOMEM;
	ret = kfifo_alloc(&filter->log, FILTER_LOG_RECORDS, GFP_KERNEL_ACCOUNT);
	if (ret) {
		kfree(filter);
		return ret;
	}
	kref_init(&filter->ref);
	filter->pid_ns = get_pid_ns(task_active_pid_ns(current));
	mutex_init(&filter->lock);
	INIT_LIST_HEAD(&filter->processes);
	filter->all.action = PICO_FILTER_ALLOW;
	mutex_init(&filter->read_lock);
	spin_lock_init(&filter->log_lock);
	init_waitqueue_head(&filter->wait);
	*host = filter;
	return 0;
}

/* A process that has not started yet finds the filter closed. */
static void filter_release(void *host)
{
	struct filter *filter = host;
	struct filter_process *process;

	mutex_lock(&filter->lock);
	filter->closed = true;
	list_for_each_entry(process, &filter->processes, link)
		filter_pico.terminate_process(process->pico, SIGKILL);
	mutex_unlock(&filter->lock);
	kref_put(&filter->ref, filter_free);
}

static long filter_ioctl_program(struct filter *filter, void __user *arg)
{
	struct sample_program *program, *old;

	program = sample_program_load(arg, false);
	if (IS_ERR(program))
		return PTR_ERR(program);
	mutex_lock(&filter->lock);
	old = filter->program;
	filter->program = program;
	mutex_unlock(&filter->lock);
	sample_program_free(old);
	return 0;
}

static bool filter_rule_valid(const struct pico_filter_rule *rule)
{
	if (rule->number >= PICO_FILTER_CALLS &&
	    rule->number != PICO_FILTER_ALL)
		return false;
	switch (rule->action & ~PICO_FILTER_LOG) {
	case PICO_FILTER_DEFAULT:
		return !rule->value && rule->number != PICO_FILTER_ALL;
	case PICO_FILTER_ALLOW:
		return !rule->value;
	case PICO_FILTER_DENY:
		return rule->value > 0 && rule->value <= MAX_ERRNO;
	case PICO_FILTER_ANSWER:
		return true;
	case PICO_FILTER_NUMBER:
		return rule->value >= 0 && rule->value < PICO_FILTER_CALLS;
	}
	return false;
}

static long filter_ioctl_rule(struct filter *filter, void __user *arg)
{
	struct pico_filter_rule rule;
	long ret = 0;

	if (copy_from_user(&rule, arg, sizeof(rule)))
		return -EFAULT;
	if (!filter_rule_valid(&rule))
		return -EINVAL;
	mutex_lock(&filter->lock);
	if (filter->started)
		ret = -EBUSY;
	else if (rule.number == PICO_FILTER_ALL)
		filter->all = rule;
	else
		filter->rules[rule.number] = rule;
	mutex_unlock(&filter->lock);
	return ret;
}

static long filter_ioctl(void *host, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case PICO_SAMPLE_IOC_PROGRAM:
		return filter_ioctl_program(host, uarg);
	case PICO_FILTER_IOC_RULE:
		return filter_ioctl_rule(host, uarg);
	case PICO_FILTER_IOC_READ:
		return filter_read(host, uarg);
	}
	return -ENOTTY;
}

/* ---- processes ---- */

struct filter_process *filter_process_alloc(struct filter *filter)
{
	struct filter_process *process;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process)
		return NULL;
	kref_get(&filter->ref);
	atomic_inc(&filter->running);
	process->filter = filter;
	INIT_LIST_HEAD(&process->link);
	return process;
}

void filter_process_free(struct filter_process *process)
{
	struct filter *filter = process->filter;

	mutex_lock(&filter->lock);
	list_del(&process->link);
	mutex_unlock(&filter->lock);
	sample_program_free(process->program);
	kfree(process);

	atomic_dec_return_release(&filter->running);
	wake_up_interruptible(&filter->wait);
	kref_put(&filter->ref, filter_free);
}

static int filter_prepare_process(void *host, struct linux_binprm *bprm,
				  void **process_context, void **thread_context)
{
	struct filter *filter = host;
	struct filter_process *process;
	struct filter_thread *thread;
	int ret;

	process = filter_process_alloc(filter);
	if (!process)
		return -ENOMEM;
	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	ret = -ENOMEM;
	if (!thread)
		goto free_process;
	thread->process = process;

	mutex_lock(&filter->lock);
	ret = filter->program ? sample_program_streams(filter->program) :
				-EINVAL;
	if (!ret) {
		swap(process->program, filter->program);
		filter->started = true;
	}
	mutex_unlock(&filter->lock);
	if (ret)
		goto free_thread;
	*process_context = process;
	*thread_context = thread;
	return 0;
free_thread:
	kfree(thread);
free_process:
	filter_process_free(process);
	return ret;
}

/* Also of a process that the filter's clone() made: that one has no program. */
static int filter_start_process(struct pico_process *pico,
				struct pico_thread *pthread,
				struct pico_start *start)
{
	struct filter_thread *thread = pico_thread_context(pthread);
	struct filter_process *process = thread->process;
	struct filter *filter = process->filter;
	int ret = 0;

	if (process->program) {
		ret = sample_program_start(process->program, start);
		if (ret)
			return ret;
	}
	if (thread->set_tid)
		put_user(task_pid_vnr(current), thread->set_tid);
	current->clear_child_tid = thread->clear_tid;
	start->keep_children = true;	/* for wait4() */
	start->native_signals = true;	/* rt_sigaction is forwarded */

	mutex_lock(&filter->lock);
	if (filter->closed) {
		ret = -ESRCH;
	} else {
		process->pico = pico;
		list_add(&process->link, &filter->processes);
	}
	mutex_unlock(&filter->lock);
	return ret;
}

static void filter_image_name(struct pico_process *pico, char *name,
			      size_t size)
{
	struct filter_process *process = filter_pico.get_process_context(pico);

	if (process->program)
		strscpy(name, sample_program_name(process->program), size);
	else
		strscpy(name, current->comm, size);
}

static void filter_exit_thread(struct pico_thread *pthread)
{
	kfree(pico_thread_context(pthread));
}

/* One that did not start has its streams still. */
static void filter_exit_process(struct pico_process *pico)
{
	struct filter_process *process = filter_pico.get_process_context(pico);

	sample_program_free(process->program);
	process->program = NULL;
}

/* Who reads the log hears of the end when pipes have broken, too. */
static void filter_process_gone(struct pico_process *pico)
{
	filter_process_free(filter_pico.get_process_context(pico));
}

/* ---- calls ---- */

static enum pico_syscall filter_make_call(struct pico_thread *thread,
					  struct pt_regs *regs,
					  unsigned long number)
{
	int error;

	switch (number) {
	case __NR_clone:
		return filter_clone(thread, regs, regs->di, regs->si);
	case __NR_fork:
	case __NR_vfork:
		return filter_clone(thread, regs, SIGCHLD, 0);
	case __NR_clone3:
		/* Its callers know clone(), too. */
		return pico_answer_system_call(regs, -ENOSYS);
	}
	error = pico_forward_system_call(thread, regs, number, regs->di,
					 regs->si, regs->dx, regs->r10,
					 regs->r8, regs->r9);
	if (error)
		return pico_answer_system_call(regs, error);
	return PICO_SYSCALL_FORWARD;
}

static enum pico_syscall filter_system_call(struct pico_thread *pthread,
					    struct pt_regs *regs)
{
	struct filter_thread *thread = pico_thread_context(pthread);
	struct filter *filter = thread->process->filter;
	unsigned long number = regs->orig_ax;
	const struct pico_filter_rule *rule;
	u32 action;

	/* Numbers of other tables: 32-bit entries, x32. */
	if (in_ia32_syscall() || number >= PICO_FILTER_CALLS)
		return pico_answer_system_call(regs, -ENOSYS);
	number = array_index_nospec(number, PICO_FILTER_CALLS);

	rule = &filter->rules[number];
	action = rule->action;
	if ((action & ~PICO_FILTER_LOG) == PICO_FILTER_DEFAULT) {
		rule = &filter->all;
		action |= rule->action;
	}
	if (action & PICO_FILTER_LOG)
		filter_log(filter, regs, action & ~PICO_FILTER_LOG);

	switch (action & ~PICO_FILTER_LOG) {
	case PICO_FILTER_DENY:
		return pico_answer_system_call(regs, -rule->value);
	case PICO_FILTER_ANSWER:
		return pico_answer_system_call(regs, rule->value);
	case PICO_FILTER_NUMBER:
		number = rule->value;
		break;
	}
	return filter_make_call(pthread, regs, number);
}

static const struct pico_provider_routines filter_provider = {
	.size = sizeof(filter_provider),
	.name = "filter",
	.owner = THIS_MODULE,
	/* As with an ordinary process: the kernel decides. */
	.open_process_access = PICO_ACCESS_ALL,
	.open_thread_access = PICO_ACCESS_ALL,
	.dispatch_system_call = filter_system_call,
	.exit_thread = filter_exit_thread,
	.exit_process = filter_exit_process,
	.process_gone = filter_process_gone,
	.get_process_image_name = filter_image_name,
	.thread_created = filter_thread_created,
	.open = filter_open,
	.ioctl = filter_ioctl,
	.release = filter_release,
	.prepare_process = filter_prepare_process,
	.start_process = filter_start_process,
};

static int __init filter_init(void)
{
	return pico_register_provider(&filter_provider, &filter_pico);
}

static void __exit filter_exit(void)
{
	/* Processes and open files pin this module: none is left. */
	WARN_ON(pico_unregister_provider(&filter_provider));
}

module_init(filter_init);
module_exit(filter_exit);
MODULE_DESCRIPTION("Sample provider: native calls, filtered");
MODULE_AUTHOR("The pico authors");
MODULE_VERSION(PICO_VERSION);
MODULE_ALIAS_PICO_PROVIDER("filter");
MODULE_LICENSE("GPL");
