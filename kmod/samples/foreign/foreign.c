// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system call convention, exceptions, and the one process that each open
 * file of /dev/pico can make.
 */
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include <asm/syscall.h>

#include <pico/pico.h>
#include <pico/version.h>

#include "../../../uapi/pico/samples.h"
#include "../program.h"
#include "foreign.h"

#define FOREIGN_EXIT	1

static struct pico_routines pico = { .size = sizeof(pico) };

/*
 * An open file and its process; each holds a reference. @lock guards the rest.
 * @program stays until the process ends; @pico is NULL before it has started
 * and after it has ended.
 */
struct foreign {
	struct kref ref;
	struct mutex lock;
	struct sample_program *program;
	struct pico_process *pico;
	bool prepared;
	bool closed;
};

/* ---- the open file ---- */

static void foreign_free(struct kref *ref)
{
	struct foreign *foreign = container_of(ref, struct foreign, ref);

	sample_program_free(foreign->program);
	kfree(foreign);
}

static int foreign_device_open(void **host)
{
	struct foreign *foreign;

	foreign = kzalloc(sizeof(*foreign), GFP_KERNEL_ACCOUNT);
	if (!foreign)
		return -ENOMEM;
	kref_init(&foreign->ref);
	mutex_init(&foreign->lock);
	*host = foreign;
	return 0;
}

static void foreign_release(void *host)
{
	struct foreign *foreign = host;

	mutex_lock(&foreign->lock);
	foreign->closed = true;
	if (foreign->pico)
		pico.terminate_process(foreign->pico, SIGKILL);
	mutex_unlock(&foreign->lock);
	kref_put(&foreign->ref, foreign_free);
}

static long foreign_ioctl(void *host, unsigned int cmd, unsigned long arg)
{
	struct foreign *foreign = host;
	struct sample_program *program;
	long ret = 0;

	if (cmd != PICO_SAMPLE_IOC_PROGRAM)
		return -ENOTTY;
	program = sample_program_load((void __user *)arg, true);
	if (IS_ERR(program))
		return PTR_ERR(program);
	mutex_lock(&foreign->lock);
	if (foreign->prepared)
		ret = -EBUSY;
	else
		swap(foreign->program, program);
	mutex_unlock(&foreign->lock);
	sample_program_free(program);
	return ret;
}

/* ---- the process ---- */

static int foreign_prepare_process(void *host, struct linux_binprm *bprm,
				   void **process_context,
				   void **thread_context)
{
	struct foreign *foreign = host;
	int ret;

	mutex_lock(&foreign->lock);
	if (!foreign->program)
		ret = -EINVAL;
	else if (foreign->prepared)
		ret = -EBUSY;
	else
		ret = sample_program_streams(foreign->program);
	if (!ret) {
		foreign->prepared = true;
		kref_get(&foreign->ref);
		*process_context = foreign;
	}
	mutex_unlock(&foreign->lock);
	return ret;
}

/*
 * FreeBSD passes the address of the argument count in rdi, and a stack pointer
 * as a call would leave it.
 */
static int foreign_start_process(struct pico_process *process,
				 struct pico_thread *thread,
				 struct pico_start *start)
{
	struct foreign *foreign = pico.get_process_context(process);
	int ret;

	ret = sample_program_start(foreign->program, start);
	if (ret)
		return ret;
	start->arg0 = start->sp;
	start->sp -= sizeof(long);

	mutex_lock(&foreign->lock);
	if (foreign->closed)
		ret = -ESRCH;
	else
		foreign->pico = process;
	mutex_unlock(&foreign->lock);
	return ret;
}

static void foreign_exit_process(struct pico_process *process)
{
	struct foreign *foreign = pico.get_process_context(process);

	mutex_lock(&foreign->lock);
	foreign->pico = NULL;
	mutex_unlock(&foreign->lock);
	kref_put(&foreign->ref, foreign_free);
}

static void foreign_image_name(struct pico_process *process, char *name,
			       size_t size)
{
	struct foreign *foreign = pico.get_process_context(process);

	strscpy(name, sample_program_name(foreign->program), size);
}

/* ---- system calls and exceptions ---- */

/* As if the call had not been made yet. */
static enum pico_syscall foreign_again(struct pt_regs *regs)
{
	regs->ax = regs->orig_ax;
	regs->orig_ax = -1;
	regs->ip -= 2;
	regs->cx = regs->ip;
	return PICO_SYSCALL_ANSWERED;
}

/* Carry clear and a result, or carry set and a positive errno. */
static enum pico_syscall foreign_answer(struct pt_regs *regs, long result)
{
	if (IS_ERR_VALUE(result)) {
		regs->flags |= X86_EFLAGS_CF;
		result = foreign_errno(-result);
	} else {
		regs->flags &= ~X86_EFLAGS_CF;
	}
	/* What SYSRET takes the flags from. */
	regs->r11 = regs->flags;
	return pico_answer_system_call(regs, result);
}

static enum pico_syscall foreign_system_call(struct pico_thread *thread,
					     struct pt_regs *regs)
{
	unsigned long number = regs->orig_ax;
	foreign_call_t call = NULL;
	long result;

	/* Its 32-bit programs have another table. */
	if (in_ia32_syscall())
		return pico_answer_system_call(regs, -ENOSYS);
	if (number == FOREIGN_EXIT) {
		pico.terminate_process(pico_thread_process(thread),
				       (regs->di & 0xff) << 8);
		return foreign_answer(regs, 0);
	}
	if (number < FOREIGN_CALLS)
		call = foreign_calls[array_index_nospec(number, FOREIGN_CALLS)];
	result = call ? call(regs) : -ENOSYS;
	if (result == -ERESTARTSYS)
		return foreign_again(regs);
	return foreign_answer(regs, result);
}

/*
 * Every exception ends the process, with Linux' signal, which is what its
 * parent understands. The message is the one of FreeBSD's kernel.
 */
static bool foreign_exception(struct pico_thread *thread, struct pt_regs *regs,
			      const struct pico_exception *exception)
{
	pr_info_ratelimited("pid %d (%s), uid %u: exited on signal %d\n",
			    task_tgid_nr(current), current->comm,
			    from_kuid(&init_user_ns, current_uid()),
			    foreign_signal(exception->info.si_signo));
	return false;
}

static const struct pico_provider_routines foreign_provider = {
	.size = sizeof(foreign_provider),
	.name = "foreign",
	.owner = THIS_MODULE,
	.open_process_access = PICO_ACCESS_READ | PICO_ACCESS_SIGNAL,
	.open_thread_access = PICO_ACCESS_READ | PICO_ACCESS_SIGNAL,
	.dispatch_system_call = foreign_system_call,
	.dispatch_exception = foreign_exception,
	.exit_process = foreign_exit_process,
	.get_process_image_name = foreign_image_name,
	.open = foreign_device_open,
	.ioctl = foreign_ioctl,
	.release = foreign_release,
	.prepare_process = foreign_prepare_process,
	.start_process = foreign_start_process,
};

static int __init foreign_init(void)
{
	return pico_register_provider(&foreign_provider, &pico);
}

static void __exit foreign_exit(void)
{
	/* Processes and open files pin this module: none is left. */
	WARN_ON(pico_unregister_provider(&foreign_provider));
}

module_init(foreign_init);
module_exit(foreign_exit);
MODULE_DESCRIPTION("Sample provider: programs of FreeBSD/amd64");
MODULE_AUTHOR("The pico authors");
MODULE_VERSION(PICO_VERSION);
MODULE_ALIAS_PICO_PROVIDER("foreign");
MODULE_LICENSE("GPL");
