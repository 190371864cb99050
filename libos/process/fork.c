// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * New processes: fork, vfork, and what clone makes that is no thread.
 *
 * The host copies the process, memory on write. While it does, no other thread
 * of ours holds a lock (world_stop()), so the copy is consistent; the child is
 * then the one thread that it has.
 *
 * vfork, and clone with CLONE_VM | CLONE_VFORK: process/vfork.c.
 */
#include <libos.h>
#include <layout.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

/* What a process may be asked for; the last ones mean nothing here. */
#define OPTIONS	(CLONE_VM | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID | \
		 CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SYSVSEM | \
		 CLONE_DETACHED | CLONE_PTRACE | CLONE_UNTRACED | CLONE_IO | \
		 CLONE_CLEAR_SIGHAND | CLONE_PIDFD)

static struct process_entry *entry_new(const struct clone_args *args)
{
	struct process_entry *entry = table_reserve(), *me = process_self;

	if (!entry)
		return NULL;
	entry->ppid = process.pid;
	entry->pgid = process_group();
	entry->sid = process_session();
	entry->uid = process.uid;
	entry->euid = process.euid;
	entry->gid = process.gid;
	entry->egid = process.egid;
	entry->exit_signal = args->exit_signal;
	entry->vfork = (args->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VFORK;
	entry->flags = me->flags &
		       (ENTRY_NO_ZOMBIES | ENTRY_NO_STOPS | ENTRY_NO_TERMINAL);
	entry->nice = me->nice;
	entry->nice_limit = me->nice_limit;
	/* Which means no real-time policy, of which there are none, and this: */
	if (me->policy & SCHED_RESET_ON_FORK)
		entry->nice = MAX(entry->nice, 0);
	entry->policy = me->policy & ~SCHED_RESET_ON_FORK;
	sched_inherit(entry->allowed);
	entry->start_time = clock_now(DK_CLOCK_BOOT);
	memcpy(entry->name, self()->name, sizeof(entry->name));
	memcpy(entry->arguments, me->arguments, sizeof(entry->arguments));
	entry->arguments_length = me->arguments_length;
	return entry;
}

void process_forked(u64 id)
{
	struct libos_thread *t = self();

	t->interrupt = 0;
	t->raised = 0;
	t->sampled = 0;
	t->told = false;
	host_events = 0;
	thread_forked();
	signal_forked();
	timer_forked();
	epoll_forked();
	children_forked();
	mail_forked();
	__atomic_fetch_and(&process_self->flags, ~(u32)ENTRY_BORROWS,
			   __ATOMIC_SEQ_CST);
	__atomic_store_n(&process_self->id, id, __ATOMIC_SEQ_CST);
	/* Who had mail for it before that has not rung. */
	__atomic_fetch_or(&host_events,
			  EVENT_REMOTE | (host_signals ? EVENT_OUTSIDE : 0),
			  __ATOMIC_SEQ_CST);
	t->interrupt = 1;
}

/* In the child: everything that is not to be as it is in the parent. */
static void become(struct process_entry *entry, u64 id,
		   const struct clone_args *args)
{
	struct libos_thread *t = self();

	process_self = entry;
	process.pid = entry->pid;
	process.start_time = entry->start_time;
	t->tid = entry->pid;
	t->clear_child_tid = 0;
	t->robust_list = 0;
	t->default_slack = t->timer_slack;
	host_signals = 0;
	terminal_signals = 0;
	process_forked(id);
	fs_table_forked();
	if (args->flags & CLONE_CLEAR_SIGHAND) {
		int i;

		for (i = 1; i <= SIGNAL_COUNT; i++) {
			if (signal_actions[i].handler > HANDLER_IGNORE)
				signal_actions[i].handler = HANDLER_DEFAULT;
		}
	}
	world_start();

	if (args->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = args->child_tid;
	if (args->flags & CLONE_CHILD_SETTID)
		user_put(t->tid, (u32 *)args->child_tid);
	if (args->stack)
		t->frame->rsp = args->stack + args->stack_size;
	if (args->flags & CLONE_SETTLS)
		fs_base_set(args->tls);
}

/*
 * As in Linux, nothing but its end interrupts it: signals that end the process
 * do so when they are sent, others are taken when the call returns.
 */
void vfork_wait(struct process_entry *entry, DK_HANDLE child)
{
	struct dk_deadline deadline;
	dk_u64 index;
	s64 end;

	/* A child that the host kills tells nobody: look for it now and then. */
	while (__atomic_load_n(&entry->vfork, __ATOMIC_SEQ_CST) &&
	       DkObjectsWaitAny(1, &child, 0, &index)) {
		if (signal_events())
			break;
		end = clock_now(DK_CLOCK_MONOTONIC) + NSEC_PER_SEC / 5;
		deadline.seconds = end / NSEC_PER_SEC;
		deadline.nanoseconds = end % NSEC_PER_SEC;
		HOST_WAIT(DkxAddressWait, &entry->vfork, DK_ADDRESS_WAIT, 1,
			  &deadline, 0, DK_ADDRESS_ALL_BITS);
	}
	self()->interrupt = 1;
}

void vfork_done(void)
{
	struct process_entry *me = process_self;

	if (!__atomic_exchange_n(&me->vfork, 0, __ATOMIC_SEQ_CST))
		return;
	DkxAddressWake(&me->vfork, DK_ADDRESS_WAKE, 1, 0, NULL,
		       DK_ADDRESS_ALL_BITS);
}

static long check(const struct clone_args *args)
{
	if (args->flags & ~(u64)OPTIONS ||
	    (args->flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM ||
	    args->exit_signal > SIGNAL_COUNT)
		return -EINVAL;
	if (args->flags & CLONE_SETTLS && args->tls >= layout.limit)
		return -EPERM;
	return 0;
}

long process_fork(const struct clone_args *args)
{
	struct process_entry *entry;
	struct child *child;
	DK_HANDLE handle = DK_INVALID_HANDLE;
	dk_u64 id = 0;
	DK_STATUS status;
	u32 pid;
	int pidfd = -1, old;
	long r = check(args);

	if (r)
		return r;
	if (process_limit_reached())
		return -EAGAIN;
	children_sweep();
	entry = entry_new(args);
	if (!entry)
		return -EAGAIN;
	if (args->flags & CLONE_VM)
		return process_vfork(args, entry);
	child = mem_alloc(sizeof(*child));
	if (!child) {
		table_free(entry);
		return -ENOMEM;
	}
	if (args->flags & CLONE_PIDFD) {
		pidfd = pidfd_reserve();
		if (pidfd < 0) {
			table_free(entry);
			mem_free(child);
			return pidfd;
		}
		/* It is written when there is a child, but not for the child. */
		if (user_get(old, (int *)args->pidfd) ||
		    user_put(old, (int *)args->pidfd)) {
			pidfd_abandon(pidfd);
			table_free(entry);
			mem_free(child);
			return -EFAULT;
		}
	}
	pid = entry->pid;

	lock_acquire(&children_lock);
	children_prepare();
	world_stop();
	pty_forking(entry);
	table_live(entry);
	do {
		status = DkxProcessClone(0, &handle, &id);
	} while (status == DK_STATUS_INTERRUPTED);
	if (!status && !handle) {
		become(entry, id, args);
		lock_release(&children_lock);
		timer_go_on();
		return 0;
	}
	if (!status) {
		__atomic_store_n(&entry->id, id, __ATOMIC_SEQ_CST);
		/* Before anybody can wait for it. */
		if (pidfd >= 0 && !pidfd_install(pidfd, entry))
			pidfd = -1;
		child_add(child, entry, handle);
	}
	world_start();
	lock_release(&children_lock);
	if (status) {
		if (pidfd >= 0)
			pidfd_abandon(pidfd);
		pty_left(entry);
		table_free(entry);
		mem_free(child);
		return status == DK_STATUS_NO_MEMORY ? -ENOMEM : -EAGAIN;
	}
	if (pidfd >= 0)
		user_put(pidfd, (int *)args->pidfd);
	if (args->flags & CLONE_PARENT_SETTID)
		user_put(pid, (u32 *)args->parent_tid);
	if (args->flags & CLONE_VFORK)
		vfork_wait(entry, handle);
	return pid;
}

SYSCALL0(fork)
{
	struct clone_args args = { .exit_signal = SIGCHLD };

	return process_fork(&args);
}

SYSCALL0(vfork)
{
	struct clone_args args = { .flags = CLONE_VM | CLONE_VFORK,
				   .exit_signal = SIGCHLD };

	return process_fork(&args);
}
