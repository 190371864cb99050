// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marked threads: the table that finds them, how one comes to be, and how it
 * ends.
 */
#include <linux/hashtable.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/syscall_user_dispatch.h>
#include <linux/tracepoint.h>

#include <asm/syscall.h>

#include "internal.h"

/* What trampolines.S takes for granted. */
static_assert(offsetof(struct task_struct, thread_info) == 0);
static_assert(offsetof(struct thread_info, syscall_work) == 8);
static_assert(SYSCALL_WORK_SYSCALL_USER_DISPATCH == 1 << 5);
static_assert(offsetof(struct pico_thread, context) == 0);
static_assert(offsetof(struct pico_process, context) == 0);

/* Writers hold the lock; readers are in an RCU read-side section. */
static DEFINE_HASHTABLE(pico_threads, 10);
static DEFINE_SPINLOCK(pico_threads_lock);

atomic_t pico_thread_count, pico_process_count;

static struct tracepoint *pico_fork_tracepoint;

static struct hlist_head *pico_bucket(struct task_struct *task)
{
	return &pico_threads[hash_min((unsigned long)task,
				      HASH_BITS(pico_threads))];
}

/*
 * The caller makes sure that @task's entry stays: it is current, or an RCU
 * read-side section lasts longer than the use of the result.
 */
struct pico_thread *pico_thread_find(struct task_struct *task)
{
	struct pico_thread *thread, *found = NULL;

	/* Every system call of a marked thread comes by: the cheapest kind. */
	rcu_read_lock_sched();
	hlist_for_each_entry_rcu(thread, pico_bucket(task), hash,
				 rcu_read_lock_sched_held()) {
		if (thread->task == task) {
			found = thread;
			break;
		}
	}
	rcu_read_unlock_sched();
	return found;
}

struct pico_thread *pico_thread_alloc(struct pico_process *process)
{
	struct pico_thread *thread;

	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	if (!thread)
		return NULL;
	thread->process = process;
	thread->dispatch = process->provider->routines->dispatch_system_call;
	return thread;
}

/*
 * Atomic. @task is current, or a child that has never run. From here on the
 * exit hook takes care of @thread.
 */
void pico_thread_mark(struct pico_thread *thread, struct task_struct *task)
{
	thread->task = task;
	atomic_inc(&thread->process->threads);
	atomic_inc(&pico_thread_count);

	spin_lock(&pico_threads_lock);
	hlist_add_head_rcu(&thread->hash, pico_bucket(task));
	spin_unlock(&pico_threads_lock);

	/*
	 * Should our hook ever be missing, the kernel's own reading of these
	 * fields is "block every call with SIGSYS".
	 */
	memset(&task->syscall_dispatch, 0, sizeof(task->syscall_dispatch));
	set_task_syscall_work(task, SYSCALL_USER_DISPATCH);
}

struct pico_process *pico_thread_process(const struct pico_thread *thread)
{
	return thread->process;
}
EXPORT_SYMBOL_GPL(pico_thread_process);

struct task_struct *pico_thread_task(const struct pico_thread *thread)
{
	return thread->task;
}
EXPORT_SYMBOL_GPL(pico_thread_task);

int pico_create_thread(struct pico_thread *thread, struct pt_regs *regs,
		       const struct pico_thread_create_info *info)
{
	struct pico_thread *child;

	if (thread->creating)
		return -EBUSY;
	child = pico_thread_alloc(thread->process);
	if (!child)
		return -ENOMEM;
	child->context = info->context;
	thread->child = child;
	thread->child_info = *info;
	thread->creating = true;

	pico_forward_system_call(thread, regs, __NR_clone,
				 CLONE_VM | CLONE_FS | CLONE_FILES |
				 CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
				 info->sp, 0, 0, 0, 0);
	/* The way back to user mode leads over the signal hook. */
	set_thread_flag(TIF_NOTIFY_SIGNAL);
	return 0;
}

/*
 * The end of pico_create_thread(), at the signal hook: the native clone was
 * made or failed.
 */
void pico_thread_created(struct pico_thread *thread, struct pt_regs *regs)
{
	int error = 0;

	thread->creating = false;
	if (thread->child)
		error = (long)regs->ax < 0 ? (long)regs->ax : -EAGAIN;
	kfree(thread->child);
	thread->child = NULL;
	regs->ax = thread->process->provider->routines->thread_created(thread,
					thread->child_info.context, error);
}

static void pico_set_child_registers(struct task_struct *task,
				     const struct pico_thread_create_info *info)
{
	struct pt_regs *regs = task_pt_regs(task);
	unsigned long cs = regs->cs, ss = regs->ss;

	memset(regs, 0, sizeof(*regs));
	regs->cs = cs;
	regs->ss = ss;
	regs->ip = info->ip;
	regs->cx = info->ip;
	regs->sp = info->sp;
	regs->di = info->arg0;
	regs->si = info->arg1;
	regs->flags = X86_EFLAGS_IF | X86_EFLAGS_FIXED;
	regs->r11 = regs->flags;
	regs->orig_ax = -1;
	task->thread.fsbase = 0;
	task->thread.gsbase = 0;
	task->thread.fsindex = 0;
	task->thread.gsindex = 0;
}

/*
 * Every fork of the machine passes here, in the parent, before the child can
 * run; maybe atomic.
 */
static void pico_fork_probe(void *data, struct task_struct *parent,
			    struct task_struct *task)
{
	const struct pico_provider_routines *routines;
	struct pico_thread *thread, *child;

	if (likely(!test_syscall_work(SYSCALL_USER_DISPATCH)))
		return;
	thread = pico_thread_find(current);
	if (!thread)
		return;
	child = thread->child;
	if (!child) {
		/* Nobody prepared this child: it must not see user mode. */
		send_sig(SIGKILL, task, 1);
		return;
	}
	thread->child = NULL;
	pico_thread_mark(child, task);
	pico_set_child_registers(task, &thread->child_info);
	routines = thread->process->provider->routines;
	if (routines->thread_starting)
		routines->thread_starting(child);
}

void pico_terminate_thread(struct pico_thread *thread, struct pt_regs *regs)
{
	pico_forward_system_call(thread, regs, __NR_exit, 0, 0, 0, 0, 0, 0);
}

void pico_terminate_process(struct pico_thread *thread, struct pt_regs *regs,
			    int code)
{
	pico_forward_system_call(thread, regs, __NR_exit_group, code & 0xff,
				 0, 0, 0, 0, 0);
}

void pico_kill_process(struct pico_process *process)
{
	kill_pid(process->pid, SIGKILL, 1);
}

/*
 * On every task's way through do_exit(), before its address space goes; may
 * sleep. The module may be unloaded as soon as the last thread has dropped
 * the process: from there on, nothing here sleeps.
 */
unsigned long pico_hook_exit(struct task_struct *task, int group_dead)
{
	const struct pico_provider_routines *routines;
	struct pico_process *process;
	struct pico_thread *thread;

	thread = pico_thread_find(current);
	if (!thread)
		return PICO_HOOK_CONTINUE;
	process = thread->process;
	routines = process->provider->routines;

	if (thread->creating) {
		/* Killed on the way from the clone to the signal hook. */
		thread->creating = false;
		routines->thread_created(thread, thread->child_info.context,
					 thread->child ? -EINTR : 0);
		kfree(thread->child);
	}
	if (routines->exit_thread)
		routines->exit_thread(thread);

	clear_task_syscall_work(current, SYSCALL_USER_DISPATCH);
	spin_lock(&pico_threads_lock);
	hlist_del_init_rcu(&thread->hash);
	spin_unlock(&pico_threads_lock);
	kfree_rcu(thread, rcu);
	atomic_dec(&pico_thread_count);

	if (atomic_dec_and_test(&process->threads)) {
		if (routines->exit_process)
			routines->exit_process(process);
		pico_process_free(process);
	}
	return PICO_HOOK_CONTINUE;
}

static void pico_match_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "sched_process_fork"))
		pico_fork_tracepoint = tp;
}

int pico_threads_init(void)
{
	int ret;

	for_each_kernel_tracepoint(pico_match_tracepoint, NULL);
	if (!pico_fork_tracepoint) {
		pr_err("pico: this kernel has no tracepoint sched_process_fork\n");
		return -EOPNOTSUPP;
	}
	ret = tracepoint_probe_register(pico_fork_tracepoint, pico_fork_probe,
					NULL);
	if (ret)
		pr_err("pico: cannot watch sched_process_fork (%d)\n", ret);
	return ret;
}

/* No thread is left: processes pin the module. */
void pico_threads_exit(void)
{
	tracepoint_probe_unregister(pico_fork_tracepoint, pico_fork_probe,
				    NULL);
	tracepoint_synchronize_unregister();
	rcu_barrier();
}
