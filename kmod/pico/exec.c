// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation of picoprocesses from outside: an execve() that redeems a ticket.
 *
 * Parent, credentials, name, accounting and reaping come from the kernel's
 * own execve(). Our binary format only takes care that the new address space
 * is empty and that its first instruction is the provider's choice, with the
 * task marked.
 */
#include <linux/binfmts.h>
#include <linux/compat.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/personality.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include <asm/cpufeature.h>

#include "internal.h"
#include "trace.h"

/*
 * A ticket belongs to a thread and to a host. It holds the struct pid, so
 * that a later thread with the same number is not mistaken for its owner.
 * A thread that dies with a ticket leaves it to be found by the next one to
 * look, or by the host's end.
 */
struct pico_ticket {
	struct list_head link;
	struct pid *pid;
	struct pico_host *host;
};

static LIST_HEAD(pico_tickets);
static DEFINE_MUTEX(pico_tickets_lock);

static void pico_ticket_free(struct pico_ticket *ticket)
{
	lockdep_assert_held(&pico_tickets_lock);
	list_del(&ticket->link);
	put_pid(ticket->pid);
	pico_host_put(ticket->host);
	kfree(ticket);
}

int pico_ticket_grant(struct pico_host *host)
{
	struct pico_ticket *ticket, *other, *next;

	ticket = kmalloc(sizeof(*ticket), GFP_KERNEL_ACCOUNT);
	if (!ticket)
		return -ENOMEM;
	ticket->pid = get_pid(task_pid(current));
	ticket->host = host;
	pico_host_get(host);

	mutex_lock(&pico_tickets_lock);
	list_for_each_entry_safe(other, next, &pico_tickets, link) {
		rcu_read_lock();
		if (other->pid != ticket->pid &&
		    pid_task(other->pid, PIDTYPE_PID)) {
			rcu_read_unlock();
			continue;
		}
		rcu_read_unlock();
		pico_ticket_free(other);
	}
	list_add(&ticket->link, &pico_tickets);
	mutex_unlock(&pico_tickets_lock);
	return 0;
}

void pico_tickets_revoke(struct pico_host *host)
{
	struct pico_ticket *ticket, *next;

	mutex_lock(&pico_tickets_lock);
	list_for_each_entry_safe(ticket, next, &pico_tickets, link) {
		if (ticket->host == host)
			pico_ticket_free(ticket);
	}
	mutex_unlock(&pico_tickets_lock);
}

/* Take the calling thread's ticket: its host, referenced, or NULL. */
static struct pico_host *pico_ticket_take(void)
{
	struct pico_host *host = NULL;
	struct pico_ticket *ticket;

	mutex_lock(&pico_tickets_lock);
	list_for_each_entry(ticket, &pico_tickets, link) {
		if (ticket->pid != task_pid(current))
			continue;
		host = pico_host_get(ticket->host);
		pico_ticket_free(ticket);
		break;
	}
	mutex_unlock(&pico_tickets_lock);
	return host;
}

static struct linux_binfmt pico_binfmt;

/*
 * A core is an ELF file, whatever the program was. The kernel's own writer of
 * them is not exported, but the caller of execve(), an ELF program, has it.
 */
static void pico_binfmt_core_dump(void)
{
#ifdef CONFIG_COREDUMP
	struct linux_binfmt *binfmt = current->mm ? current->mm->binfmt : NULL;

	/* What may be unloaded is left alone. */
	if (!binfmt || binfmt->module || !binfmt->core_dump)
		return;
	WRITE_ONCE(pico_binfmt.min_coredump, binfmt->min_coredump);
	WRITE_ONCE(pico_binfmt.core_dump, binfmt->core_dump);
#endif
}

static int pico_exec(struct linux_binprm *bprm, struct pico_process *process,
		     struct pico_thread *thread)
{
	struct pico_start start = { };
	struct vm_area_struct *stack;
	int ret;

	pico_binfmt_core_dump();
	pico_process_guard(process, current);
	bprm->per_clear |= READ_IMPLIES_EXEC | PER_CLEAR_ON_SETID;
	ret = begin_new_exec(bprm);
	if (ret)
		return ret;
	/* Nobody has looked at the new memory yet: exec_update_lock is held. */
	pico_task_flag(current);
	/* As the ELF loader does; kernel.randomize_va_space is not exported. */
	if (!(current->personality & ADDR_NO_RANDOMIZE))
		current->flags |= PF_RANDOMIZE;
	setup_new_exec(bprm);
	set_binfmt(&pico_binfmt);

	/* The strings of execve() are of no use to anybody. */
	stack = bprm->vma;
	bprm->vma = NULL;
	ret = vm_munmap(stack->vm_start, stack->vm_end - stack->vm_start);
	if (ret)
		return ret;

	pico_close_files();
	/*
	 * Nothing of the caller's, as the ELF loader has it; and before the
	 * provider, whose services may set bases.
	 */
	memset(current_pt_regs(), 0, offsetof(struct pt_regs, orig_ax));
	start_thread(current_pt_regs(), 0, 0);
	ret = process->provider->routines->start_process(process, thread,
							 &start);
	trace_pico_start_process(thread, ret);
	if (ret)
		return ret;
	if (start.ip >= TASK_SIZE_MAX)
		return -EINVAL;
	finalize_exec(bprm);
	process->native_signals = start.native_signals;
	pico_signals_init(process);
	pico_process_present(process, &start);
	current_pt_regs()->ip = start.ip;
	current_pt_regs()->sp = start.sp;
	current_pt_regs()->di = start.arg0;
	/* The provider knows it: others may suspend it, too. */
	spin_lock(&thread->lock);
	if (start.suspended)
		thread->suspensions++;
	if (thread->suspensions)
		set_thread_flag(TIF_NOTIFY_SIGNAL);
	spin_unlock(&thread->lock);
	pico_thread_mark(thread, current);
	return 0;
}

/*
 * Redeem the calling thread's ticket: it is used up from here on, whatever
 * comes.
 */
static int pico_prepare(struct linux_binprm *bprm,
			struct pico_process **pprocess,
			struct pico_thread **pthread)
{
	struct pico_process *process;
	struct pico_thread *thread;
	struct pico_host *host;
	int ret;

	host = pico_ticket_take();
	if (!host)
		return -EPERM;
	ret = -ENOMEM;
	process = pico_process_alloc(host);
	if (!process)
		goto put_host;
	thread = pico_thread_alloc(process, NULL);
	if (!thread)
		goto drop_process;
	/* The provider may use its services from start_process() on. */
	thread->task = get_task_struct(current);

	ret = mutex_lock_killable(&host->preparing);
	if (ret)
		goto put_thread;
	ret = -EPERM;
	if (pico_host_use(host)) {
		ret = host->provider->routines->prepare_process(host->context,
				bprm, &process->context, &thread->context);
		pico_host_unuse(host, ret ? NULL : process);
	}
	mutex_unlock(&host->preparing);
	trace_pico_prepare_process(process, ret);
	if (ret)
		goto put_thread;
	*pprocess = process;
	*pthread = thread;
	pico_host_put(host);
	return 0;

put_thread:
	pico_thread_put(thread);
drop_process:
	pico_process_drop(process);
put_host:
	pico_host_put(host);
	return ret;
}

/*
 * What was prepared has not started: never marked, the exit hook is not for it.
 * If there is new memory already, nobody guards that while the task dies.
 */
static void pico_abandon(struct pico_process *process,
			 struct pico_thread *thread)
{
	const struct pico_provider_routines *routines =
		process->provider->routines;

	trace_pico_exit_thread(thread, thread->status);
	if (routines->exit_thread)
		routines->exit_thread(thread);
	pico_apc_gone(thread);
	pico_thread_put(thread);
	pico_process_end(process);
}

static int pico_load_binary(struct linux_binprm *bprm)
{
	struct pico_process *process;
	struct pico_thread *thread;
	int ret;

	if (memcmp(bprm->buf, PICO_EXEC_MAGIC, PICO_EXEC_MAGIC_LEN))
		return -ENOEXEC;
	/* A 32-bit caller would stay one; a marked one is a provider's error. */
	if (in_compat_syscall() || test_thread_flag(TIF_ADDR32) ||
	    pico_thread_current())
		return -EINVAL;

	/* -ENOEXEC would mean "not my format" and be tried again. */
	ret = pico_prepare(bprm, &process, &thread);
	if (ret)
		return ret == -ENOEXEC ? -ELIBBAD : ret;
	ret = pico_exec(bprm, process, thread);
	if (ret)
		pico_abandon(process, thread);
	return ret;
}

static struct linux_binfmt pico_binfmt = {
	.module = THIS_MODULE,
	.load_binary = pico_load_binary,
};

int pico_binfmt_init(void)
{
	/* Behind the others: nobody else's execve() comes by. */
	insert_binfmt(&pico_binfmt);
	return 0;
}

void pico_binfmt_exit(void)
{
	unregister_binfmt(&pico_binfmt);
}
