// SPDX-License-Identifier: GPL-2.0-only
/*
 * Picoprocesses: what they have beside their threads. How one comes to be is
 * in exec.c and create.c, how it ends in thread.c.
 */
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>
#include <linux/rculist.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "internal.h"
#include "trace.h"

atomic_t pico_process_count;

static LIST_HEAD(pico_processes);
static DEFINE_SPINLOCK(pico_processes_lock);

static DECLARE_WAIT_QUEUE_HEAD(pico_processes_wait);

/*
 * Those whose access is guarded, by what all threads of a process have. Writers
 * hold the lock, which is raw as that of the threads is; readers are in an RCU
 * read-side section.
 */
#define PICO_GUARDED_BITS	8

static DEFINE_HASHTABLE(pico_guarded, PICO_GUARDED_BITS);
static DEFINE_RAW_SPINLOCK(pico_guarded_lock);

/* It holds @host, which holds the provider, and pico.ko, until it ends. */
struct pico_process *pico_process_alloc(struct pico_host *host)
{
	struct pico_process *process;

	process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	if (!process)
		return NULL;
	__module_get(THIS_MODULE);
	kref_init(&process->ref);
	process->host = pico_host_get(host);
	process->provider = host->provider;
	atomic_inc(&process->provider->processes);
	atomic_inc(&pico_process_count);
	spin_lock(&pico_processes_lock);
	list_add_tail(&process->link, &pico_processes);
	spin_unlock(&pico_processes_lock);
	return process;
}

static void pico_process_free(struct kref *ref)
{
	struct pico_process *process = container_of(ref, struct pico_process,
						    ref);

	put_pid(process->pid);
	kfree_rcu(process, rcu);
}

/**
 * pico_process_get() - take a reference
 * @process: a process that the caller knows to be there
 *
 * It keeps the structure, not the process: one that has ended answers -ESRCH.
 *
 * Context: any.
 * Return: @process
 */
struct pico_process *pico_process_get(struct pico_process *process)
{
	kref_get(&process->ref);
	return process;
}
EXPORT_SYMBOL_GPL(pico_process_get);

/**
 * pico_process_put() - drop a reference
 * @process: that pico_process_get() was called for
 *
 * Context: any but hard interrupts.
 */
void pico_process_put(struct pico_process *process)
{
	kref_put(&process->ref, pico_process_free);
}
EXPORT_SYMBOL_GPL(pico_process_put);

/*
 * From here on the provider says what others may do to the process of @task,
 * until pico_process_drop(): as long as it has memory, whichever of its threads
 * are left. Atomic.
 */
void pico_process_guard(struct pico_process *process, struct task_struct *task)
{
	process->signal = task->signal;
	raw_spin_lock(&pico_guarded_lock);
	hash_add_rcu(pico_guarded, &process->hash,
		     (unsigned long)process->signal);
	raw_spin_unlock(&pico_guarded_lock);
}

/* In an RCU read-side section, which lasts longer than the use of the result. */
struct pico_process *pico_process_find(struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct pico_process *process;

	hash_for_each_possible_rcu(pico_guarded, process, hash,
				   (unsigned long)signal) {
		if (process->signal == signal)
			return process;
	}
	return NULL;
}

/* False: it has ended. */
bool pico_process_hold(struct pico_process *process)
{
	bool held;

	spin_lock(&pico_processes_lock);
	held = !process->ended;
	if (held)
		process->holds++;
	spin_unlock(&pico_processes_lock);
	return held;
}

void pico_process_release(struct pico_process *process)
{
	bool last;

	spin_lock(&pico_processes_lock);
	last = !--process->holds && process->ended;
	spin_unlock(&pico_processes_lock);
	if (last)
		wake_up_all(&pico_processes_wait);
}

/* From here on it has ended, for everybody. */
static void pico_process_close(struct pico_process *process)
{
	spin_lock(&pico_processes_lock);
	process->ended = true;
	spin_unlock(&pico_processes_lock);
	wait_event_idle(pico_processes_wait, !READ_ONCE(process->holds));
}

/*
 * The provider has not heard of it, or has heard its end. Does not sleep; the
 * caller returns straight to the kernel's own text, or holds the module
 * otherwise.
 */
void pico_process_drop(struct pico_process *process)
{
	struct pico_host *host = process->host;

	raw_spin_lock(&pico_guarded_lock);
	if (process->signal)
		hash_del_rcu(&process->hash);
	raw_spin_unlock(&pico_guarded_lock);
	if (process->credentials)
		abort_creds(process->credentials);
	process->credentials = NULL;
	spin_lock(&pico_processes_lock);
	process->ended = true;
	list_del(&process->link);
	spin_unlock(&pico_processes_lock);
	atomic_dec(&process->provider->processes);
	pico_process_put(process);
	atomic_dec(&pico_process_count);
	pico_host_put(host);
	module_put(THIS_MODULE);
}

/*
 * @host has been released: no process of it may go on. One that is being
 * created and has no pid yet looks at ->released itself.
 */
void pico_processes_kill(struct pico_host *host)
{
	struct pico_process *process;

	spin_lock(&pico_processes_lock);
	list_for_each_entry(process, &pico_processes, link) {
		if (process->host == host && process->pid)
			kill_pid(process->pid, SIGKILL, 1);
	}
	spin_unlock(&pico_processes_lock);
}

/* One line a process; see debugfs.c. */
void pico_processes_show(struct seq_file *file)
{
	struct pico_process *process;
	struct task_struct *task;

	seq_puts(file, "pid\tprovider\tsubsystem\tthreads\tname\n");
	spin_lock(&pico_processes_lock);
	list_for_each_entry(process, &pico_processes, link) {
		rcu_read_lock();
		task = pid_task(process->pid, PIDTYPE_TGID);
		seq_printf(file, "%d\t%s\t%u\t%d\t%s\n",
			   pid_nr(process->pid),
			   process->provider->routines->name,
			   process->provider->routines->subsystem_type,
			   atomic_read(&process->threads),
			   task ? task->comm : "-");
		rcu_read_unlock();
	}
	spin_unlock(&pico_processes_lock);
}

/* After its last thread's exit_thread(). */
void pico_process_ended(struct pico_process *process)
{
	const struct pico_provider_routines *routines =
		process->provider->routines;

	pico_process_close(process);
	trace_pico_exit_process(process, atomic_read(&process->termination) &
					 ~PICO_TERMINATED);
	if (routines->exit_process)
		routines->exit_process(process);
}

/* Nothing of it is left but its contexts. */
void pico_process_gone(struct pico_process *process)
{
	const struct pico_provider_routines *routines =
		process->provider->routines;

	trace_pico_process_gone(process, atomic_read(&process->termination) &
					 ~PICO_TERMINATED);
	if (routines->process_gone)
		routines->process_gone(process);
}

/* The same for one that never got a thread that ran. */
void pico_process_end(struct pico_process *process)
{
	pico_process_ended(process);
	pico_process_gone(process);
	pico_process_drop(process);
}

/*
 * What is asked for with struct pico_start, but for registers: how the process
 * shows itself to ps, top and /proc/PID/cmdline, and who reaps its children.
 */
void pico_process_present(struct pico_process *process,
			  const struct pico_start *start)
{
	const struct pico_provider_routines *routines =
		process->provider->routines;
	struct k_sigaction *child = &pico_sighand()->action[SIGCHLD - 1];
	char name[TASK_COMM_LEN] = { };

	if (start->arguments_start) {
		spin_lock(&current->mm->arg_lock);
		current->mm->arg_start = start->arguments_start;
		current->mm->arg_end = start->arguments_end;
		current->mm->env_start = start->arguments_end;
		current->mm->env_end = start->environment_end;
		spin_unlock(&current->mm->arg_lock);
	}
	spin_lock_irq(&pico_sighand()->siglock);
	if (start->keep_children)
		child->sa.sa_flags &= ~SA_NOCLDWAIT;
	else
		child->sa.sa_flags |= SA_NOCLDWAIT;
	spin_unlock_irq(&pico_sighand()->siglock);

	if (!routines->get_process_image_name)
		return;
	trace_pico_image_name(process, 0);
	routines->get_process_image_name(process, name, sizeof(name));
	task_lock(current);
	strscpy_pad(current->comm, name, sizeof(current->comm));
	task_unlock(current);
}

static int pico_close_file(const void *last, struct file *file, unsigned int fd)
{
	*(unsigned int *)last = fd;
	return 1;
}

/*
 * A picoprocess has no descriptors: its provider's handles are all it has.
 * What the launcher forgot to close must not stay open unseen.
 */
void pico_close_files(void)
{
	unsigned int fd = 0;

	while (iterate_fd(current->files, fd, pico_close_file, &fd))
		close_fd(fd);
}
