// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Orphans: children of a process that has ended.
 *
 * Each becomes the child of the nearest process above that takes orphans
 * (PR_SET_CHILD_SUBREAPER), or of process 1, which nobody is: then it frees its
 * own entry when it ends.
 *
 * To have another parent is one compare-exchange of @ppid. All that follows is
 * hints, since who does it may be killed behind that: a flag that makes the new
 * parent look through the table, and an exception that makes it do so soon.
 * Whoever finds a process dead gives both again. What the new parent looks for
 * is entries with its number that are not in its lists.
 *
 * A process that ends says so in its flags before it looks for its children. Who
 * has given it one meanwhile sees that, and takes it farther.
 */
#include <libos.h>
#include <linux/wait.h>
#include <processes.h>
#include <signals.h>

/* The nearest process above @pid that takes orphans, or NULL. */
static struct process_entry *reaper_above(u32 pid)
{
	struct process_entry *entry = table_find(pid);
	int i;

	/* Others change it meanwhile: there could be a circle. */
	for (i = 0; entry && i < PROCESS_MAX; i++) {
		u32 ppid = __atomic_load_n(&entry->ppid, __ATOMIC_SEQ_CST);
		u32 flags;

		entry = table_find(ppid);
		if (!entry || entry_state(entry) != ENTRY_LIVE)
			continue;
		flags = __atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST);
		if (flags & ENTRY_REAPER && !(flags & ENTRY_LEAVES))
			return entry;
	}
	return NULL;
}

/* It has a child that it does not know. False: it is gone. */
static bool hint(struct process_entry *reaper)
{
	__atomic_fetch_or(&reaper->flags, ENTRY_HAS_ORPHANS, __ATOMIC_SEQ_CST);
	return reaper == process_self || mail_ring(reaper, EVENT_CHILD);
}

/* What the end of @entry, which has ended, is to its parent @to. */
static void tell_end(const struct process_entry *entry,
		     struct process_entry *to)
{
	siginfo_t info = child_info(entry);
	struct mail mail;

	info.si_signo = SIGCHLD;
	mail = mail_of(&info, 0);
	if (to == process_self)
		signal_send_process(&info);
	else
		mail_send(to, &mail);
}

/* @reaper is its parent now. False: that ends as well. */
static bool handed_over(struct process_entry *entry,
			struct process_entry *reaper)
{
	bool there = hint(reaper);

	if (!there ||
	    __atomic_load_n(&reaper->flags, __ATOMIC_SEQ_CST) & ENTRY_LEAVES) {
		__atomic_fetch_or(&reaper->flags, ENTRY_LEAVES,
				  __ATOMIC_SEQ_CST);
		return false;
	}
	/* Whatever clone() was told. */
	__atomic_store_n(&entry->exit_signal, SIGCHLD, __ATOMIC_SEQ_CST);
	if (entry_state(entry) == ENTRY_ENDED) {
		child_ends(entry, reaper);
		if (!(__atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST) &
		      ENTRY_UNWANTED))
			tell_end(entry, reaper);
	}
	return true;
}

bool entry_orphan(struct process_entry *entry, u32 ppid)
{
	struct mail mail = { .code = SI_USER, .pid = ppid, .uid = process.uid };
	bool borrows = __atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST) &
		       ENTRY_BORROWS;
	struct process_entry *reaper;
	bool mine = false;

	if (__atomic_load_n(&entry->ppid, __ATOMIC_SEQ_CST) != ppid)
		return false;
	for (;;) {
		reaper = borrows ? NULL : reaper_above(ppid);
		if (!__atomic_compare_exchange_n(&entry->ppid, &ppid,
						 reaper ? reaper->pid :
							  PID_INIT,
						 false, __ATOMIC_SEQ_CST,
						 __ATOMIC_RELAXED))
			break;
		mine = true;
		if (!reaper || handed_over(entry, reaper))
			break;
		ppid = reaper->pid;
	}
	mail.signal = __atomic_load_n(&entry->death_signal, __ATOMIC_SEQ_CST);
	if (mine && mail.signal && !borrows && entry_state(entry) == ENTRY_LIVE)
		mail_send(entry, &mail);
	return mine;
}

void orphans_leave(struct process_entry *parent)
{
	struct process_entry *entry, *reaper;

	for_each_entry(entry) {
		bool borrows =
			__atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST) &
			ENTRY_BORROWS;

		if (entry_state(entry) == ENTRY_FREE ||
		    !entry_orphan(entry, parent->pid))
			continue;
		/* It had a thread of the one that is gone. */
		if (borrows)
			entry_move(entry, ENTRY_LIVE, ENTRY_FREE);
		if (__atomic_load_n(&entry->ppid, __ATOMIC_SEQ_CST) == PID_INIT)
			entry_move(entry, ENTRY_ENDED, ENTRY_FREE);
	}
	/* @parent itself may have come as far as half of that. */
	reaper = reaper_above(parent->pid);
	if (reaper)
		hint(reaper);
}

bool orphans_adopt(void)
{
	struct process_entry *me = process_self, *entry;
	bool pending = false;
	struct child *child;
	DK_STATUS status;
	u64 id;

	if (!(__atomic_fetch_and(&me->flags, ~ENTRY_HAS_ORPHANS,
				 __ATOMIC_SEQ_CST) &
	      ENTRY_HAS_ORPHANS))
		return false;
	for_each_entry(entry) {
		u32 state = entry_state(entry);

		if (state == ENTRY_FREE ||
		    __atomic_load_n(&entry->ppid, __ATOMIC_SEQ_CST) !=
			    process.pid ||
		    __atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST) &
			    ENTRY_BORROWS ||
		    child_known(entry))
			continue;
		id = __atomic_load_n(&entry->id, __ATOMIC_SEQ_CST);
		child = id && state != ENTRY_RESERVED ?
				mem_alloc(sizeof(*child)) :
				NULL;
		status = DK_STATUS_SUCCESS;
		if (child) {
			child->handle = DK_INVALID_HANDLE;
			status = DkxProcessOpen(id, &child->handle);
		}
		if (!child || (status && status != DK_STATUS_NOT_FOUND)) {
			/* It is just being made; or there is no room now. */
			mem_free(child);
			pending = true;
			continue;
		}
		__atomic_store_n(&entry->exit_signal, SIGCHLD,
				 __ATOMIC_SEQ_CST);
		__atomic_fetch_or(&entry->flags, ENTRY_ADOPTED,
				  __ATOMIC_SEQ_CST);
		child_add(child, entry, child->handle);
		if (status && entry_state(entry) != ENTRY_ENDED)
			child_killed(child);
	}
	if (pending)
		__atomic_fetch_or(&me->flags, ENTRY_HAS_ORPHANS,
				  __ATOMIC_SEQ_CST);
	return pending;
}
