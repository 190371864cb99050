/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pico.ko: what its files share.
 *
 * A task is *marked* when SYSCALL_WORK_SYSCALL_USER_DISPATCH is set in its
 * thread_info and a struct pico_thread is in the table under its address. The
 * flag alone is not proof: Wine and CRIU set it on tasks of their own.
 *
 * Lifetimes: a picoprocess pins its provider's module and pico.ko. Its last
 * thread drops both in the exit hook, after the last call into the provider,
 * and from there to the kernel's own text nothing sleeps; unloading waits for
 * that stretch with synchronize_rcu_tasks(). A hook that may sleep runs on
 * behalf of a live marked thread only, which keeps the module.
 */
#ifndef _PICO_INTERNAL_H
#define _PICO_INTERNAL_H

#include <linux/hashtable.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include <pico/pico.h>

#include "../../uapi/pico/pico.h"

struct pico_provider {
	struct list_head link;
	const struct pico_provider_routines *routines;
	atomic_t users;		/* bound files and processes */
};

struct pico_process {
	void *context;		/* first, see pico_thread_context() */
	struct pico_provider *provider;
	struct pid *pid;	/* of the thread group */
	atomic_t threads;
};

/*
 * @exception is written by the force hook, maybe with interrupts off, and
 * read at the signal hook: both on the thread itself. The rest is the
 * thread's own, too, but for @task and @hash, which lookups read.
 */
struct pico_thread {
	void *context;		/* first, see pico_thread_context() */
	enum pico_syscall (*dispatch)(struct pico_thread *thread,
				      struct pt_regs *regs);
	struct task_struct *task;
	struct pico_process *process;
	struct hlist_node hash;

	bool exception_pending;
	struct pico_exception exception;

	/* A native call is in place of the thread's own. */
	bool forwarded;
	unsigned long number;		/* what user mode had in rax, */
	unsigned long arguments[6];	/* and in the argument registers */

	/* A clone is in place: the thread to be, until the clone made it. */
	struct pico_thread *child;
	struct pico_thread_create_info child_info;
	bool creating;

	struct rcu_head rcu;
};

/*
 * A /dev/pico file that was bound to a provider. The file and its tickets hold
 * references; @context is the provider's until the file is released. @lock
 * keeps it from being released while prepare_process() works on it: one lock
 * per host, so that an image on a slow file system delays nobody else.
 */
struct pico_host {
	struct kref ref;
	struct mutex lock;
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
struct pico_thread *pico_thread_find(struct task_struct *task);
struct pico_thread *pico_thread_alloc(struct pico_process *process);
void pico_thread_mark(struct pico_thread *thread, struct task_struct *task);
void pico_thread_created(struct pico_thread *thread, struct pt_regs *regs);
int pico_create_thread(struct pico_thread *thread, struct pt_regs *regs,
		       const struct pico_thread_create_info *info);
void pico_terminate_thread(struct pico_thread *thread, struct pt_regs *regs);
void pico_terminate_process(struct pico_thread *thread, struct pt_regs *regs,
			    int code);
void pico_kill_process(struct pico_process *process);
int pico_threads_init(void);
void pico_threads_exit(void);
extern atomic_t pico_thread_count, pico_process_count;

/* process.c */
struct pico_process *pico_process_alloc(struct pico_provider *provider);
void pico_process_free(struct pico_process *process);
int pico_ticket_grant(struct pico_host *host);
void pico_tickets_revoke(struct pico_host *host);
int pico_binfmt_init(void);
void pico_binfmt_exit(void);

/* device.c */
void pico_host_put(struct pico_host *host);
int pico_device_init(void);
void pico_device_exit(void);

/* provider.c */
struct pico_provider *pico_provider_get(const char *name);
void pico_provider_hold(struct pico_provider *provider);
void pico_provider_put(struct pico_provider *provider);

/* syscall.c */
void pico_finish_forward(struct pico_thread *thread, struct pt_regs *regs);

/* hooks.c */
int pico_hooks_init(void);
void pico_hooks_exit(void);

/* The hooks themselves, called by trampolines.S. */
unsigned long pico_hook_system_call(struct pt_regs *regs);
unsigned long pico_hook_dispatch_config(struct task_struct *task);
unsigned long pico_hook_vsyscall(unsigned long error_code,
				 struct pt_regs *regs);
unsigned long pico_hook_force_signal(struct kernel_siginfo *info,
				     struct task_struct *task, int handler);
unsigned long pico_hook_signal(struct pt_regs *regs);
unsigned long pico_hook_exit(struct task_struct *task, int group_dead);

/* trampolines.S: at the entry of the hooked functions, not to be called. */
void pico_trampoline_system_call(void);
void pico_trampoline_force_signal(void);
void pico_trampoline_signal(void);
void pico_trampoline_exit(void);
void pico_trampoline_vsyscall(void);
void pico_trampoline_dispatch_config(void);

/*
 * What a hook answers to its trampoline: run the hooked function, or return
 * @value (63 bits and a sign) to its caller at once.
 */
#define PICO_HOOK_CONTINUE	0UL
#define PICO_HOOK_RETURN(value)	((unsigned long)(value) << 1 | 1)

#endif /* _PICO_INTERNAL_H */
