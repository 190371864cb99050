// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Process groups, sessions, and kill() to any of them. What concerns the
 * terminal is in terminal.c.
 */
#include <libos.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

static u32 load(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

SYSCALL0(getppid)
{
	return load(&process_self->ppid);
}

SYSCALL0(getpgrp)
{
	return process_group();
}

SYSCALL1(getpgid, int, pid)
{
	struct process_entry *entry = pid ? process_of(pid) : process_self;

	return entry ? (long)load(&entry->pgid) : -ESRCH;
}

SYSCALL1(getsid, int, pid)
{
	struct process_entry *entry = pid ? process_of(pid) : process_self;

	return entry ? (long)load(&entry->sid) : -ESRCH;
}

struct process_entry *group_member(u32 pgid, u32 sid)
{
	struct process_entry *entry;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_FREE && entry->pgid == pgid &&
		    entry->sid == sid)
			return entry;
	}
	return NULL;
}

bool group_exists(u32 pgid)
{
	struct process_entry *entry;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_FREE &&
		    load(&entry->pgid) == pgid)
			return true;
	}
	return false;
}

SYSCALL2(setpgid, int, pid, int, group)
{
	struct process_entry *entry = pid ? process_of(pid) : process_self;

	if (group < 0)
		return -EINVAL;
	/* A thread is not a process. */
	if (entry && pid && entry->pid != (u32)pid)
		return -EINVAL;
	if (!entry ||
	    (entry != process_self && load(&entry->ppid) != process.pid))
		return -ESRCH;
	if (entry != process_self && load(&entry->sid) != process_session())
		return -EPERM;
	if (entry != process_self && load(&entry->flags) & ENTRY_EXECUTED)
		return -EACCES;
	if (load(&entry->sid) == entry->pid)
		return -EPERM;
	if (!group)
		group = entry->pid;
	if ((u32)group != entry->pid && !group_member(group, process_session()))
		return -EPERM;
	__atomic_store_n(&entry->pgid, group, __ATOMIC_SEQ_CST);
	return 0;
}

SYSCALL0(setsid)
{
	struct process_entry *me = process_self, *entry;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_FREE &&
		    load(&entry->pgid) == me->pid)
			return -EPERM;
	}
	__atomic_store_n(&me->sid, me->pid, __ATOMIC_SEQ_CST);
	__atomic_store_n(&me->pgid, me->pid, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&me->flags, ENTRY_NO_TERMINAL, __ATOMIC_SEQ_CST);
	return me->pid;
}

static bool leaves(const struct process_entry *entry)
{
	return load(&entry->flags) & ENTRY_LEAVES;
}

/*
 * Whoever is outside of the sandbox counts as a parent that could continue its
 * child. Who ends does not, nor is it a member, although it is live still: its
 * children have another parent by then, and may rely on that.
 */
bool group_is_orphaned(u32 pgid, const struct process_entry *but)
{
	struct process_entry *entry, *parent;
	u32 ppid;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_LIVE ||
		    load(&entry->pgid) != pgid || entry == but || leaves(entry))
			continue;
		ppid = load(&entry->ppid);
		if (ppid == PID_INIT)
			continue;
		parent = table_find(ppid);
		if (!parent)
			return false;
		if (load(&parent->pgid) != pgid &&
		    load(&parent->sid) == load(&entry->sid) && !leaves(parent))
			return false;
	}
	return true;
}

bool process_is_orphaned(void)
{
	return group_is_orphaned(process_group(), NULL);
}

void group_signal(u32 pgid, int signal, const struct process_entry *but)
{
	siginfo_t info = { .si_signo = signal, .si_code = SI_KERNEL };
	struct mail mail = { .signal = signal, .code = SI_KERNEL };
	struct process_entry *entry;
	bool me_too = false;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_LIVE ||
		    load(&entry->pgid) != pgid || entry == but)
			continue;
		if (entry == process_self)
			me_too = true;
		else
			mail_send(entry, &mail);
	}
	if (me_too)
		signal_send_process(&info);
}

static bool has_stopped(u32 pgid, const struct process_entry *but)
{
	struct process_entry *entry;

	for_each_entry(entry) {
		if (entry_state(entry) == ENTRY_LIVE &&
		    load(&entry->pgid) == pgid && entry != but &&
		    load(&entry->stop_signal))
			return true;
	}
	return false;
}

void group_wake_orphans(u32 pgid, const struct process_entry *but)
{
	if (!group_is_orphaned(pgid, but) || !has_stopped(pgid, but))
		return;
	group_signal(pgid, SIGHUP, but);
	group_signal(pgid, SIGCONT, but);
}

/*
 * @entry ends: which groups does that make orphans? Its own, if its parent was
 * the last one outside of it; and those of its children. It is still live.
 */
void group_leave(const struct process_entry *entry)
{
	struct process_entry *parent = table_find(load(&entry->ppid)), *child;
	u32 pgid = load(&entry->pgid), sid = load(&entry->sid);

	if (parent && load(&parent->pgid) != pgid && load(&parent->sid) == sid)
		group_wake_orphans(pgid, entry);
	for_each_entry(child) {
		if (entry_state(child) != ENTRY_LIVE ||
		    load(&child->ppid) != entry->pid ||
		    load(&child->pgid) == pgid || load(&child->sid) != sid ||
		    load(&child->flags) & ENTRY_BORROWS)
			continue;
		/* As if it had gone already. */
		entry_orphan(child, entry->pid);
		group_wake_orphans(load(&child->pgid), NULL);
	}
}

/* ---- signals to others ---- */

static bool may_signal(const struct process_entry *entry, int signal)
{
	return !process.euid || entry->uid == process.uid ||
	       entry->uid == process.euid ||
	       (signal == SIGCONT && entry->sid == process_session());
}

long process_signal(int pid, const siginfo_t *info, u32 tid)
{
	struct mail mail = mail_of(info, tid);
	struct process_entry *entry = process_of(pid);

	if (!entry)
		return -ESRCH;
	if ((u32)info->si_signo > SIGNAL_COUNT)
		return -EINVAL;
	if (!may_signal(entry, info->si_signo))
		return -EPERM;
	if (tid && !thread_is_of(tid, entry))
		return -ESRCH;
	return mail_send_wait(entry, &mail);
}

/* Every process that @pid (0, -1, or a group's negative number) means. */
long process_signal_many(int pid, int signal, bool *me_too)
{
	u32 group = pid ? (u32)-pid : process_group();
	struct mail mail = { .signal = signal,
			     .code = SI_USER,
			     .pid = process.pid,
			     .uid = process.uid };
	struct process_entry *entry;
	bool any = false, denied = false;
	bool valid = (u32)signal <= SIGNAL_COUNT;

	*me_too = false;
	for_each_entry(entry) {
		u32 state = entry_state(entry);

		if (state != ENTRY_LIVE && state != ENTRY_ENDED)
			continue;
		if (pid != -1 && load(&entry->pgid) != group)
			continue;
		if (entry == process_self) {
			/* -1 means everybody else. */
			*me_too = pid != -1;
			any |= *me_too;
			continue;
		}
		if (!may_signal(entry, signal)) {
			denied = true;
			continue;
		}
		any = true;
		if (valid)
			mail_send_wait(entry, &mail);
	}
	if (!valid && (any || denied))
		return -EINVAL;
	return any ? 0 : denied ? -EPERM : -ESRCH;
}
