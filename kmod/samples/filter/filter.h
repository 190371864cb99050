/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pico_filter.ko: a provider that lets native calls through, by rule. See
 * Documentation/samples/filter.rst.
 */
#ifndef _SAMPLES_FILTER_H
#define _SAMPLES_FILTER_H

#include <linux/kfifo.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <pico/pico.h>

#include "../../../uapi/pico/samples.h"

struct pid_namespace;
struct sample_program;

/*
 * An open file of /dev/pico, and what the processes made from it share. The
 * file and each process hold a reference.
 *
 * @lock guards @program, @processes, @closed, and the rules until @started;
 * from then on nobody writes them, and calls read them without a lock.
 * @read_lock makes the log's readers one, as kfifo wants it, @log_lock its
 * writers; it also guards @lost.
 */
struct filter {
	struct kref ref;
	struct pid_namespace *pid_ns;
	struct mutex lock;
	struct sample_program *program;
	struct list_head processes;
	bool started;
	bool closed;
	atomic_t running;
	struct pico_filter_rule rules[PICO_FILTER_CALLS];
	struct pico_filter_rule all;

	struct mutex read_lock;
	spinlock_t log_lock;
	u64 lost;
	wait_queue_head_t wait;
	DECLARE_KFIFO_PTR(log, struct pico_filter_record);
};

/*
 * @pico:	NULL until the process has started; @link is empty then, too
 * @program:	until it has started, of one that execve() makes
 */
struct filter_process {
	struct filter *filter;
	struct pico_process *pico;
	struct list_head link;
	struct sample_program *program;
};

/*
 * @set_tid, @clear_tid: what a new process owes to the flags of its clone()
 * @parent_tid, @child_tid: of the clone() that the thread is in
 */
struct filter_thread {
	struct filter_process *process;
	int __user *set_tid;
	int __user *clear_tid;
	int __user *parent_tid;
	int __user *child_tid;
};

extern struct pico_routines filter_pico;

/* filter.c */
struct filter_process *filter_process_alloc(struct filter *filter);
void filter_process_free(struct filter_process *process);

/* clone.c */
enum pico_syscall filter_clone(struct pico_thread *thread,
			       struct pt_regs *regs, unsigned long flags,
			       unsigned long sp);
long filter_thread_created(struct pico_thread *thread,
			   struct pico_thread *child, void *child_context,
			   int error);

/* log.c */
void filter_log(struct filter *filter, const struct pt_regs *regs, u32 action);
long filter_read(struct filter *filter, void __user *arg);

#endif /* _SAMPLES_FILTER_H */
