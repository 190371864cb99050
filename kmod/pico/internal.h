/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pico.ko: what its files share.
 *
 * A task is *marked* when SYSCALL_WORK_SYSCALL_USER_DISPATCH is set in its
 * thread_info and a struct pico_thread is in the table under its address. The
 * flag alone is not proof: Wine and CRIU set it on tasks of their own. And it
 * stays when the thread has ended, as the hooks that guard the process are not
 * asked without.
 *
 * Lifetimes: a picoprocess pins its provider's module and pico.ko. Each thread
 * calls into the provider in the exit hook, and has a task work behind that,
 * when it has given up the address space. The last of these calls into the
 * provider for the last time (.process_gone) and drops both; from there to the
 * kernel's own text nothing sleeps;
 * unloading waits for that stretch with synchronize_rcu_tasks(). A hook that may
 * sleep runs on behalf of a live marked thread only, which keeps the module.
 * What references keep longer than that is memory, not code.
 */
#ifndef _PICO_INTERNAL_H
#define _PICO_INTERNAL_H

#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/task_work.h>
#include <linux/wait.h>

#include <pico/pico.h>

#include "../../uapi/pico/pico.h"
#include "slot.h"

struct seq_file;

/*
 * Of /dev/pico, among those for local use. A fixed number is what lets a node
 * be there before the module is; where it is taken, any other does.
 */
#define PICO_MINOR		250

/* What a thread has had: written by itself alone, read by debugfs. */
struct pico_counts {
	unsigned long system_calls;
	unsigned long exceptions;
	unsigned long signals;		/* that the provider was shown */
	unsigned long apcs;
};

/* @ended: of the threads that have ended; under a lock of thread.c. */
struct pico_provider {
	struct list_head link;
	const struct pico_provider_routines *routines;
	atomic_t users;		/* bound files and processes */
	atomic_t processes;
	struct pico_counts ended;
};

/*
 * @host, @pid: set before the first thread can run, until the last has gone.
 * @flags, @credentials: of create_process(), until the first thread started.
 * @termination: 0, or PICO_TERMINATED and the status that was asked for.
 * @threads, @present: whose exit hook is still to come; who may have its memory.
 * @holds, @ended: under a lock of process.c. Who is no thread of the process
 * holds it while the provider is to find it alive. Once it has ended nobody can,
 * and exit_process() waits for those that do.
 */
struct pico_process {
	void *context;		/* first, see pico_thread_context() */
	struct list_head link;	/* of all processes */
	struct hlist_node hash;	/* see pico_process_guard() */
	struct signal_struct *signal;
	struct pico_provider *provider;
	struct pico_host *host;	/* counted */
	struct pid *pid;	/* of the thread group */
	struct kref ref;
	atomic_t threads;
	atomic_t present;
	atomic_t termination;
	unsigned int holds;
	bool ended;		/* its last thread is gone */
	bool native_signals;	/* of struct pico_start */
	u32 flags;
	struct cred *credentials;
	struct rcu_head rcu;	/* lookups read it, also by way of its threads */
};

#define PICO_TERMINATED		BIT(16)

/* A native clone is in place of a call: what will become of it. */
struct pico_creation {
	struct pico_thread *child;	/* counted, beside its own reference */
	void *child_context;
	bool made;			/* by the clone */
	struct user_regs_struct registers;
};

/*
 * What was put in place of a call, compared with the call itself. Or, with
 * AGAIN, nothing any more: the registers are such that the thread makes its
 * call once more, and as long as ip is what @number says it has not done so.
 */
enum pico_forward {
	PICO_FORWARD_NONE,
	PICO_FORWARD_SAME,
	PICO_FORWARD_NUMBER,
	PICO_FORWARD_OTHER,
	PICO_FORWARD_AGAIN,
};

enum pico_leave {
	PICO_STAY,
	PICO_LEAVE_THREAD,
	PICO_LEAVE_PROCESS,
};

/*
 * The first part is what every system call needs. @exception is written by
 * the force hook, maybe with interrupts off, and read at the signal hook: both
 * on the thread itself. So is all the rest but what @lock guards, @apc, which
 * others set, and @task and @hash, which lookups read.
 */
struct pico_thread {
	void *context;		/* first, see pico_thread_context() */
	struct hlist_node hash;
	struct task_struct *task;	/* counted */
	enum pico_syscall (*dispatch)(struct pico_thread *thread,
				      struct pt_regs *regs);
	/* A native call is, or was, in place of the thread's own. */
	enum pico_forward forward;
	struct pico_counts counts;

	struct pico_process *process;	/* counted */
	struct kref ref;
	bool starting;			/* first in a process that was created */
	bool in_signal;			/* called the kernel's signal handling */
	bool watched;			/* native_call_ended() has to follow */
	bool in_tracer_stop;		/* called the kernel's, while watched */
	bool watch_again;		/* @after_call was run in there */
	bool apc;			/* deliver_apc() has to follow */
	bool sigreturn;			/* rt_sigreturn() is, or was, in place */

	unsigned long number;		/* what user mode had in rax, */
	unsigned long arguments[6];	/* and in the argument registers */
	struct pico_creation *creation;

	spinlock_t lock;
	wait_queue_head_t wait;		/* the thread, and who waits for it */
	unsigned int suspensions;	/* @lock: the provider's */
	unsigned int holds;		/* @lock: who looks at its state */
	enum pico_leave leave;		/* @lock */
	int status;			/* @lock: to leave with */
	bool kicked;			/* @lock: @work is queued */
	bool gone;			/* @lock: its exit hook has run */
	bool resting;			/* @lock: its state is in memory */
	bool busy;			/* @lock: and somebody works on it */
	bool new_bases;			/* @lock: to be loaded by the thread */
	unsigned long fs_base, gs_base;	/* @lock, while resting */
	struct callback_head work;
	struct callback_head after_call;	/* see pico_watch() */
	struct callback_head left;	/* behind the exit hook */
	unsigned long call_ip;		/* behind the call that was forwarded */

	unsigned long acting;	/* signals that the provider does not take */
	bool exception_pending;
	struct pico_exception exception;

	struct rcu_head rcu;
};

/*
 * A /dev/pico file that was bound to a provider. The file, its tickets and
 * its processes hold references; @context is the provider's until its
 * .release(). @preparing has one prepare_process() at a time work on it: one
 * lock per host, so that an image on a slow file system delays nobody else. The
 * file's end does not wait for that, which may wait for whoever ends it: who
 * comes last, the file's end or prepare_process(), calls .release().
 */
struct pico_host {
	struct kref ref;
	struct mutex preparing;
	spinlock_t lock;
	bool in_use;		/* @lock: by prepare_process() */
	bool released;		/* @lock */
	struct pico_provider *provider;
	void *context;
};

/* The calling task's own, which nobody takes away from it. */
static inline struct sighand_struct *pico_sighand(void)
{
	return rcu_dereference_protected(current->sighand, true);
}

/* thread.c */
#define PICO_HASH_BITS	10

/*
 * Written under a lock: @task is set last and cleared first. A thread that
 * finds itself in @task has set both, and is the only one to clear them.
 */
struct pico_slot {
	struct task_struct *task;
	struct pico_thread *thread;
};

extern struct pico_slot pico_slots[1 << PICO_SLOT_BITS];

static inline struct pico_slot *pico_slot(struct task_struct *task)
{
	unsigned long product = (unsigned long)task * PICO_SLOT_MULTIPLIER;

	/* As trampolines.S does it. */
	return (void *)pico_slots +
	       ((product >> PICO_SLOT_SHIFT) & PICO_SLOT_MASK);
}

struct pico_thread *pico_thread_find(struct task_struct *task);
struct pico_thread *pico_thread_find_get(struct task_struct *task);

/* The calling thread; NULL if it is not marked. */
static __always_inline struct pico_thread *pico_thread_current(void)
{
	struct pico_slot *slot = pico_slot(current);

	if (likely(slot->task == current))
		return slot->thread;
	return pico_thread_find(current);
}

struct pico_thread *pico_thread_alloc(struct pico_process *process,
				      void *context);
void pico_task_flag(struct task_struct *task);
void pico_thread_mark(struct pico_thread *thread, struct task_struct *task);
void pico_threads_show(struct seq_file *file);
void pico_threads_count(struct pico_provider *provider,
			struct pico_counts *counts);
int pico_threads_init(void);
void pico_threads_exit(void);
extern atomic_t pico_thread_count;

/* create.c */
int pico_create_thread(struct pico_thread *thread, struct pt_regs *regs,
		       const struct pico_thread_attributes *attributes);
int pico_create_process(struct pico_thread *thread, struct pt_regs *regs,
			const struct pico_process_attributes *process,
			const struct pico_thread_attributes *first);
void pico_creation_forked(struct pico_thread *thread, struct task_struct *task);
long pico_creation_finish(struct pico_thread *thread, long result);
void pico_creation_start(struct pico_thread *thread, struct pt_regs *regs);

/* apc.c */
void pico_apc_arrived(struct pico_thread *thread);
void pico_apc(struct pico_thread *thread, struct pt_regs *regs);
void pico_apc_init(struct pico_thread *thread);
void pico_apc_gone(struct pico_thread *thread);
int pico_thread_hold(struct pico_thread *thread);
void pico_thread_release(struct pico_thread *thread);
int pico_thread_rest(struct pico_thread *thread);
int pico_suspend_thread(struct pico_thread *thread, unsigned int *previous);
int pico_resume_thread(struct pico_thread *thread, unsigned int *previous);
int pico_queue_apc(struct pico_thread *thread);
bool pico_status_valid(int status);
int pico_terminate_thread(struct pico_thread *thread, int status);
int pico_terminate_process(struct pico_process *process, int status);

/* context.c */
int pico_registers_check(const struct user_regs_struct *registers);
void pico_registers_set(struct pt_regs *regs,
			const struct user_regs_struct *registers);
void pico_bases_save(struct pico_thread *thread);
void pico_bases_load(struct pico_thread *thread);
int pico_get_context_thread(struct pico_thread *thread,
			    struct pico_context *context);
int pico_set_context_thread(struct pico_thread *thread,
			    const struct pico_context *context);
int pico_set_descriptor_base(struct pico_thread *thread,
			     enum pico_descriptor which, unsigned long base);

/* exception.c */
void pico_exception_dispatch(struct pico_thread *thread, struct pt_regs *regs);

/* signal.c */
void pico_signals_init(const struct pico_process *process);
void pico_signal_fatal(struct pico_thread *thread, kernel_siginfo_t *info);
void pico_signals_handle(struct pico_thread *thread, struct pt_regs *regs);

/* process.c */
struct pico_process *pico_process_alloc(struct pico_host *host);
void pico_processes_kill(struct pico_host *host);
void pico_process_guard(struct pico_process *process,
			struct task_struct *task);
struct pico_process *pico_process_find(struct task_struct *task);
void pico_process_drop(struct pico_process *process);
bool pico_process_hold(struct pico_process *process);
void pico_process_release(struct pico_process *process);
void pico_process_ended(struct pico_process *process);
void pico_process_gone(struct pico_process *process);
void pico_process_end(struct pico_process *process);
void pico_process_present(struct pico_process *process,
			  const struct pico_start *start);
void pico_close_files(void);
void pico_processes_show(struct seq_file *file);
extern atomic_t pico_process_count;

/* exec.c */
int pico_ticket_grant(struct pico_host *host);
void pico_tickets_revoke(struct pico_host *host);
int pico_binfmt_init(void);
void pico_binfmt_exit(void);

/* device.c */
struct pico_host *pico_host_get(struct pico_host *host);
void pico_host_put(struct pico_host *host);
bool pico_host_use(struct pico_host *host);
void pico_host_unuse(struct pico_host *host, struct pico_process *process);
int pico_device_init(void);
void pico_device_exit(void);

/* provider.c */
struct pico_provider *pico_provider_get(const char *name);
void pico_provider_put(struct pico_provider *provider);
void pico_providers_show(struct seq_file *file);

/* syscall.c */
void pico_forward(struct pico_thread *thread, struct pt_regs *regs,
		  unsigned long nr, const unsigned long arguments[6],
		  bool watched);
void pico_forward_finish(struct pico_thread *thread, struct pt_regs *regs);
void pico_forward_abandon(struct pico_thread *thread);
void pico_after_call(struct callback_head *work);
void pico_call_again(struct pico_thread *thread, struct pt_regs *regs,
		     unsigned long nr);
bool pico_call_interrupt(struct pico_thread *thread, struct pt_regs *regs);
void pico_call_forget(struct pico_thread *thread);
bool pico_call_restarts(const struct pt_regs *regs);

/* debugfs.c */
void pico_debugfs_init(void);
void pico_debugfs_exit(void);

/* hooks.c */
int pico_hooks_init(void);
void pico_hooks_exit(void);

/* Functions of the kernel that are not exported; null before loading ended. */
void __noreturn pico_do_exit(long code);
void __noreturn pico_do_group_exit(int code);
void pico_do_signal(struct pt_regs *regs);
int pico_do_tracer_stop(int exit_code, unsigned long message);

/* The hooks themselves; hooks.c has the list of the functions. */
bool pico_hook_system_call(struct pico_thread *thread, struct pt_regs *regs);
unsigned long pico_hook_dispatch_config(struct task_struct *task);
unsigned long pico_hook_vsyscall(unsigned long error_code,
				 struct pt_regs *regs);
unsigned long pico_hook_mark(void);
unsigned long pico_hook_tracer_stop(int exit_code, unsigned long message);
unsigned long pico_hook_force_signal(struct kernel_siginfo *info,
				     struct task_struct *task, int handler);
unsigned long pico_hook_signal(struct pt_regs *regs);
unsigned long pico_hook_exit(struct task_struct *task, int group_dead);
unsigned long pico_hook_ptrace_access(struct task_struct *task,
				      unsigned int mode);
unsigned long pico_hook_signal_permission(int sig, struct kernel_siginfo *info,
					  struct task_struct *task);

/*
 * What trampolines.S calls, with the hooked function's arguments and where in
 * it the trampoline was called.
 */
unsigned long pico_hook_current(unsigned long a, unsigned long b,
				unsigned long c, unsigned long ip);
unsigned long pico_hook_first_argument(unsigned long a, unsigned long b,
				       unsigned long c, unsigned long ip);
unsigned long pico_hook_third_argument(unsigned long a, unsigned long b,
				       unsigned long c, unsigned long ip);

/* trampolines.S: at the entry of the hooked functions, not to be called. */
void pico_trampoline_system_call(void);
void pico_trampoline_current(void);
void pico_trampoline_first_argument(void);
void pico_trampoline_third_argument(void);

unsigned long pico_call_kernel(unsigned long a, unsigned long b,
			       unsigned long function);

/*
 * What a hook answers to its trampoline: run the hooked function, or return
 * @value (63 bits and a sign) to its caller at once. (The system call's hook
 * returns to that caller itself.)
 */
#define PICO_HOOK_CONTINUE	0UL
#define PICO_HOOK_RETURN(value)	((unsigned long)(value) << 1 | 1)

#endif /* _PICO_INTERNAL_H */
