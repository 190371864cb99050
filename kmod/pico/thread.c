// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marked threads: the table that finds them, how one is marked, and how it
 * ends.
 */
#include <linux/hashtable.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/syscall_user_dispatch.h>
#include <linux/task_work.h>
#include <linux/tracepoint.h>

#include <asm/syscall.h>

#include "internal.h"
#include "trace.h"

/* What trampolines.S takes for granted. */
static_assert(offsetof(struct task_struct, thread_info) == 0);
static_assert(offsetof(struct thread_info, syscall_work) == 8);
static_assert(SYSCALL_WORK_SYSCALL_USER_DISPATCH == 1 << 5);
static_assert(offsetof(struct pico_thread, context) == 0);
static_assert(offsetof(struct pico_process, context) == 0);
static_assert(sizeof(struct pico_slot) == 1 << PICO_SLOT_SIZE_BITS);
static_assert(offsetof(struct pico_slot, task) == 0);
static_assert(offsetof(struct pico_slot, thread) == 8);

/*
 * Writers hold the lock; readers are in an RCU read-side section. The lock is
 * raw, since the fork probe takes it where PREEMPT_RT must not sleep either.
 */
static DEFINE_HASHTABLE(pico_threads, PICO_HASH_BITS);
static DEFINE_RAW_SPINLOCK(pico_threads_lock);

atomic_t pico_thread_count;

static const char pico_fork_name[] = "sched_process_fork";
static struct tracepoint *pico_fork_tracepoint;

static struct hlist_head *pico_bucket(struct task_struct *task)
{
	return &pico_threads[hash_min((unsigned long)task,
				      HASH_BITS(pico_threads))];
}

/*
 * Every system call of a marked thread looks itself up: it finds itself here,
 * unless another thread of the same hash was first. Nobody else's memory is
 * touched on the way, so no lock and no read-side section is needed.
 */
struct pico_slot pico_slots[1 << PICO_SLOT_BITS];

/*
 * The caller makes sure that @task's entry stays: it is current, or an RCU
 * read-side section lasts longer than the use of the result.
 */
struct pico_thread *pico_thread_find(struct task_struct *task)
{
	struct pico_thread *thread, *found = NULL;

	rcu_read_lock();
	hlist_for_each_entry_rcu(thread, pico_bucket(task), hash) {
		if (thread->task == task) {
			found = thread;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/* The same, with a reference; NULL also for one that is about to go. */
struct pico_thread *pico_thread_find_get(struct task_struct *task)
{
	struct pico_thread *thread;

	rcu_read_lock();
	thread = pico_thread_find(task);
	if (thread && !kref_get_unless_zero(&thread->ref))
		thread = NULL;
	rcu_read_unlock();
	return thread;
}

/*
 * Files that the provider let go of in the exit hook are closed by work of the
 * task, as @left is, and what they held in turn by more of it. The kernel takes
 * all that there is and does it, in an order that is its own; then what was
 * added meanwhile. Nothing is left when @left is the last of those that were
 * taken, and none has been added.
 *
 * Returns whether @left runs once more, because there is more to be done.
 */
static bool pico_thread_closes(struct pico_thread *thread)
{
	if (!thread->left.next && !task_work_pending(current))
		return false;
	/* Inside exit_task_work(), which takes more until there is no more. */
	return !WARN_ON_ONCE(task_work_add(current, &thread->left, TWA_NONE));
}

/*
 * The thread that was @work's has no address space any more, nor files, nor
 * anything to come from the provider but .process_gone(), if all others have
 * come this far. In this order: freeing may wait for a lock on PREEMPT_RT, and
 * to be counted is all that still keeps the process, and with it the module.
 * From pico_process_drop() on nothing here sleeps.
 */
static void pico_thread_left(struct callback_head *work)
{
	struct pico_thread *thread = container_of(work, struct pico_thread,
						  left);
	struct pico_process *process = thread->process;

	if (pico_thread_closes(thread))
		return;
	pico_thread_put(thread);
	if (atomic_dec_and_test(&process->present)) {
		pico_process_gone(process);
		pico_process_drop(process);
	}
}

struct pico_thread *pico_thread_alloc(struct pico_process *process,
				      void *context)
{
	struct pico_thread *thread;

	thread = kzalloc(sizeof(*thread), GFP_KERNEL_ACCOUNT);
	if (!thread)
		return NULL;
	kref_init(&thread->ref);
	thread->context = context;
	thread->process = pico_process_get(process);
	thread->dispatch = process->provider->routines->dispatch_system_call;
	init_task_work(&thread->left, pico_thread_left);
	pico_apc_init(thread);
	return thread;
}

static void pico_thread_free(struct kref *ref)
{
	struct pico_thread *thread = container_of(ref, struct pico_thread, ref);

	pico_process_put(thread->process);
	if (thread->task)
		put_task_struct(thread->task);
	kfree_rcu(thread, rcu);
}

/**
 * pico_thread_get() - take a reference
 * @thread: a thread that the caller knows to be there
 *
 * It keeps the structure and its task_struct, not the thread: one that has
 * ended answers -ESRCH.
 *
 * Context: any.
 * Return: @thread
 */
struct pico_thread *pico_thread_get(struct pico_thread *thread)
{
	kref_get(&thread->ref);
	return thread;
}
EXPORT_SYMBOL_GPL(pico_thread_get);

/**
 * pico_thread_put() - drop a reference
 * @thread: from pico_thread_get() or pico_thread_lookup()
 *
 * Context: any but hard interrupts; no raw spinlock held.
 */
void pico_thread_put(struct pico_thread *thread)
{
	kref_put(&thread->ref, pico_thread_free);
}
EXPORT_SYMBOL_GPL(pico_thread_put);

/**
 * pico_thread_lookup() - the marked thread that a task is
 * @provider:	whose thread it has to be
 * @task:	any task, which the caller keeps
 *
 * Context: any.
 * Return: a reference, to be dropped with pico_thread_put(); NULL if the task
 * is not a thread of @provider's, or is past its exit_thread().
 */
struct pico_thread *
pico_thread_lookup(const struct pico_provider_routines *provider,
		   struct task_struct *task)
{
	struct pico_thread *thread;

	/* Of another provider, which may go as soon as the thread has. */
	rcu_read_lock();
	thread = pico_thread_find(task);
	if (thread && (thread->process->provider->routines != provider ||
		       !kref_get_unless_zero(&thread->ref)))
		thread = NULL;
	rcu_read_unlock();
	return thread;
}
EXPORT_SYMBOL_GPL(pico_thread_lookup);

/*
 * Have the hooks be asked about @task, which is current, or a child that has
 * never run.
 */
void pico_task_flag(struct task_struct *task)
{
	/*
	 * Should our hook ever be missing, the kernel's own reading of these
	 * fields is "block every call with SIGSYS".
	 */
	memset(&task->syscall_dispatch, 0, sizeof(task->syscall_dispatch));
	set_task_syscall_work(task, SYSCALL_USER_DISPATCH);
}

/*
 * Atomic. @task is current, or a child that has never run. From here on the
 * exit hook takes care of @thread.
 */
void pico_thread_mark(struct pico_thread *thread, struct task_struct *task)
{
	struct pico_slot *slot;

	if (!thread->task)
		thread->task = get_task_struct(task);
	atomic_inc(&thread->process->threads);
	atomic_inc(&thread->process->present);
	atomic_inc(&pico_thread_count);

	raw_spin_lock(&pico_threads_lock);
	hlist_add_head_rcu(&thread->hash, pico_bucket(task));
	slot = pico_slot(task);
	if (!slot->task) {
		slot->thread = thread;
		WRITE_ONCE(slot->task, task);
	}
	raw_spin_unlock(&pico_threads_lock);
	pico_task_flag(task);
}

/**
 * pico_thread_process() - the process of a thread
 * @thread: a thread that the caller knows to be there
 *
 * Context: any.
 * Return: the process, as long as @thread or a reference to either is there
 */
struct pico_process *pico_thread_process(const struct pico_thread *thread)
{
	return thread->process;
}
EXPORT_SYMBOL_GPL(pico_thread_process);

/**
 * pico_thread_task() - the task that a thread is
 * @thread: a thread that the caller knows to be there
 *
 * Context: any.
 * Return: the task_struct, as long as @thread or a reference to it is there;
 * NULL for one that has not been created yet
 */
struct task_struct *pico_thread_task(const struct pico_thread *thread)
{
	return thread->task;
}
EXPORT_SYMBOL_GPL(pico_thread_task);

/*
 * Every fork of the machine passes here, in the parent, before the child can
 * run; maybe atomic.
 */
static void pico_fork_probe(void *data, struct task_struct *parent,
			    struct task_struct *task)
{
	struct pico_thread *thread;

	if (likely(!test_syscall_work(SYSCALL_USER_DISPATCH)))
		return;
	thread = pico_thread_current();
	if (thread)
		pico_creation_forked(thread, task);
}

static void pico_counts_add(struct pico_counts *sum,
			    const struct pico_counts *counts)
{
	sum->system_calls += READ_ONCE(counts->system_calls);
	sum->exceptions += READ_ONCE(counts->exceptions);
	sum->signals += READ_ONCE(counts->signals);
	sum->apcs += READ_ONCE(counts->apcs);
}

/* As wait(2) and accounting will see it: what was asked for, not SIGKILL. */
static void pico_show_status(struct pico_process *process)
{
	int status = atomic_read(&process->termination);

	if (!status)
		return;
	status &= ~PICO_TERMINATED;
	spin_lock_irq(&pico_sighand()->siglock);
	if (current->signal->flags & SIGNAL_GROUP_EXIT)
		current->signal->group_exit_code = status;
	spin_unlock_irq(&pico_sighand()->siglock);
	current->exit_code = status;
}

/*
 * On every task's way through do_exit(), before its address space goes; may
 * sleep.
 */
unsigned long pico_hook_exit(struct task_struct *task, int group_dead)
{
	const struct pico_provider_routines *routines;
	struct pico_process *process;
	struct pico_thread *thread;
	struct pico_slot *slot;

	thread = pico_thread_current();
	if (!thread)
		return PICO_HOOK_CONTINUE;
	process = thread->process;
	routines = process->provider->routines;

	/* Ended in a native call, or on the way from it to the signal hook. */
	if (thread->creation)
		pico_creation_finish(thread, -EINTR);
	if (thread->watched)
		pico_forward_abandon(thread);
	trace_pico_exit_thread(thread, thread->status);
	if (routines->exit_thread)
		routines->exit_thread(thread);
	pico_show_status(process);

	raw_spin_lock(&pico_threads_lock);
	pico_counts_add(&process->provider->ended, &thread->counts);
	hlist_del_init_rcu(&thread->hash);
	slot = pico_slot(current);
	if (slot->task == current)
		WRITE_ONCE(slot->task, NULL);
	raw_spin_unlock(&pico_threads_lock);
	atomic_dec(&pico_thread_count);
	pico_apc_gone(thread);

	if (atomic_dec_and_test(&process->threads))
		pico_process_ended(process);
	/* It cannot fail before exit_task_work(), which is behind exit_mm(). */
	WARN_ON_ONCE(task_work_add(current, &thread->left, TWA_RESUME));
	return PICO_HOOK_CONTINUE;
}

/*
 * What all threads of a provider have had so far. One that ends meanwhile may
 * be missing, or be there twice.
 */
void pico_threads_count(struct pico_provider *provider,
			struct pico_counts *counts)
{
	struct pico_thread *thread;
	int bucket;

	memset(counts, 0, sizeof(*counts));
	rcu_read_lock();
	hash_for_each_rcu(pico_threads, bucket, thread, hash) {
		if (thread->process->provider == provider)
			pico_counts_add(counts, &thread->counts);
	}
	rcu_read_unlock();
	raw_spin_lock(&pico_threads_lock);
	pico_counts_add(counts, &provider->ended);
	raw_spin_unlock(&pico_threads_lock);
}

/* One line a thread; see debugfs.c. */
void pico_threads_show(struct seq_file *file)
{
	struct pico_thread *thread;
	int bucket;

	seq_puts(file, "pid\ttid\tprovider\tsuspended\tstate\tsystem_calls\texceptions\tsignals\tapcs\n");
	rcu_read_lock();
	hash_for_each_rcu(pico_threads, bucket, thread, hash) {
		seq_printf(file, "%d\t%d\t%s\t%u\t%s\t%lu\t%lu\t%lu\t%lu\n",
			   task_tgid_nr(thread->task),
			   task_pid_nr(thread->task),
			   thread->process->provider->routines->name,
			   READ_ONCE(thread->suspensions),
			   READ_ONCE(thread->leave) ? "leaving" :
			   READ_ONCE(thread->resting) ? "resting" : "running",
			   READ_ONCE(thread->counts.system_calls),
			   READ_ONCE(thread->counts.exceptions),
			   READ_ONCE(thread->counts.signals),
			   READ_ONCE(thread->counts.apcs));
	}
	rcu_read_unlock();
}

static void pico_match_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, pico_fork_name))
		pico_fork_tracepoint = tp;
}

int pico_threads_init(void)
{
	int ret;

	for_each_kernel_tracepoint(pico_match_tracepoint, NULL);
	if (!pico_fork_tracepoint) {
		pr_err("pico: this kernel has no tracepoint %s\n",
		       pico_fork_name);
		return -EOPNOTSUPP;
	}
	ret = tracepoint_probe_register(pico_fork_tracepoint, pico_fork_probe,
					NULL);
	if (ret)
		pr_err("pico: cannot watch %s (%d)\n", pico_fork_name, ret);
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
