// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Process groups, sessions, and kill() to any of them.
 */
#include <libos.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

static bool is_self(int pid)
{
	return !pid || pid == (int)process.pid;
}

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
	struct process_entry *entry = is_self(pid) ? process_self :
						     table_find(pid);

	return entry ? (long)load(&entry->pgid) : -ESRCH;
}

SYSCALL1(getsid, int, pid)
{
	struct process_entry *entry = is_self(pid) ? process_self :
						     table_find(pid);

	return entry ? (long)load(&entry->sid) : -ESRCH;
}

/* A member of group @pgid in session @sid. */
static struct process_entry *member(u32 pgid, u32 sid)
{
	struct process_entry *entry;

	for_each_entry(entry)
	{
		if (entry_state(entry) != ENTRY_FREE && entry->pgid == pgid &&
		    entry->sid == sid)
			return entry;
	}
	return NULL;
}

SYSCALL2(setpgid, int, pid, int, group)
{
	struct process_entry *entry = is_self(pid) ? process_self :
						     table_find(pid);

	if (group < 0)
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
	if ((u32)group != entry->pid && !member(group, process_session()))
		return -EPERM;
	__atomic_store_n(&entry->pgid, group, __ATOMIC_SEQ_CST);
	return 0;
}

SYSCALL0(setsid)
{
	struct process_entry *me = process_self, *entry;

	for_each_entry(entry)
	{
		if (entry_state(entry) != ENTRY_FREE &&
		    load(&entry->pgid) == me->pid)
			return -EPERM;
	}
	__atomic_store_n(&me->sid, me->pid, __ATOMIC_SEQ_CST);
	__atomic_store_n(&me->pgid, me->pid, __ATOMIC_SEQ_CST);
	return me->pid;
}

/*
 * No member has a parent in the same session and another group: nobody would
 * continue them. Whoever is outside of the sandbox counts as such a parent.
 */
bool process_is_orphaned(void)
{
	struct process_entry *entry, *parent;
	u32 pgid = process_group(), ppid;

	for_each_entry(entry)
	{
		if (entry_state(entry) != ENTRY_LIVE || entry->pgid != pgid)
			continue;
		ppid = load(&entry->ppid);
		if (ppid == PID_INIT)
			continue;
		parent = table_find(ppid);
		if (!parent)
			return false;
		if (parent->pgid != pgid && parent->sid == entry->sid)
			return false;
	}
	return true;
}

/* ---- signals to others ---- */

static bool may_signal(const struct process_entry *entry, int signal)
{
	return !process.euid || entry->uid == process.uid ||
	       entry->uid == process.euid ||
	       (signal == SIGCONT && entry->sid == process_session());
}

long process_signal(int pid, int signal, int code, u64 value, u32 tid)
{
	struct mail mail = { .signal = signal,
			     .code = code,
			     .pid = process.pid,
			     .uid = process.uid,
			     .tid = tid,
			     .value = value };
	struct process_entry *entry = table_find(pid);

	if (!entry)
		return -ESRCH;
	if (!may_signal(entry, signal))
		return -EPERM;
	return mail_send(entry, &mail);
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

	*me_too = false;
	for_each_entry(entry)
	{
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
		mail_send(entry, &mail);
	}
	return any ? 0 : denied ? -EPERM : -ESRCH;
}

/* ---- the terminal ---- */

u32 terminal_group(void)
{
	return load(&process_table->terminal_group);
}

long terminal_set_group(int group)
{
	if (group < 0)
		return -EINVAL;
	if (!member(group, process_session()))
		return -EPERM;
	__atomic_store_n(&process_table->terminal_group, group,
			 __ATOMIC_SEQ_CST);
	return 0;
}
