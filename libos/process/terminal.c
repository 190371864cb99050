// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The controlling terminal.
 *
 * It is the host's, and there is one for all processes of the sandbox. To the
 * host they are one process group, that of the launcher, and of one session.
 * Which of the sandbox's own groups is in the foreground stands in the table,
 * and each process asks there before it reads, writes or changes the terminal.
 *
 * Signals of the terminal (Ctrl-C, Ctrl-\, Ctrl-Z, the window's size) reach
 * every process of the sandbox; who is not in the foreground does not look at
 * them. The first process tells of hanging up whomever that concerns.
 *
 * A process that stops does so here, and its parent in the sandbox hears of
 * it. The launcher would not: so when all have stopped, the first process stops
 * as a process of the host, too (DkxProcessStop), and the launcher with it.
 * SIGCONT from outside then reaches all of them.
 */
#include <libos.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

/* The host has said that all of us are in the background of its terminal. */
static u32 host_background;

static u32 load(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

u32 terminal_group(void)
{
	return load(&process_table->terminal_group);
}

bool terminal_is_mine(void)
{
	return !(load(&process_self->flags) & ENTRY_NO_TERMINAL) &&
	       load(&process_table->terminal_session) == process_session();
}

bool terminal_in_foreground(void)
{
	u32 group = terminal_group();

	return !group || group == process_group();
}

/* SIGTTIN: to read; SIGTTOU: to write or to change. 0: go on. */
long terminal_check(int signal)
{
	bool ignored;

	if (!terminal_is_mine() || terminal_in_foreground())
		return 0;
	lock_acquire(&signal_lock);
	ignored = signal_actions[signal].handler == HANDLER_IGNORE ||
		  self()->blocked & SIGNAL_BIT(signal);
	lock_release(&signal_lock);
	if (ignored)
		return signal == SIGTTIN ? -EIO : 0;
	if (process_is_orphaned())
		return -EIO;
	group_signal(process_group(), signal, NULL);
	return -ERESTARTSYS;
}

/* A read was interrupted, and nothing came of it. May it go on? */
long terminal_read_again(void)
{
	return __atomic_exchange_n(&host_background, 0, __ATOMIC_SEQ_CST) ?
		       -EIO :
		       0;
}

long terminal_set_group(int group)
{
	long r = terminal_check(SIGTTOU);

	if (r)
		return r == -EIO ? -ENOTTY : r;
	if (!terminal_is_mine())
		return -ENOTTY;
	if (group < 0)
		return -EINVAL;
	if (!group || !group_exists(group))
		return -ESRCH;
	if (!group_member(group, process_session()))
		return -EPERM;
	__atomic_store_n(&process_table->terminal_group, group,
			 __ATOMIC_SEQ_CST);
	return 0;
}

/* TIOCSCTTY. @steal is root's right. */
long terminal_acquire(bool steal)
{
	u32 session = load(&process_table->terminal_session);

	if (terminal_is_mine() && process_session() == process.pid)
		return 0;
	if (process_session() != process.pid || terminal_is_mine())
		return -EPERM;
	if (session != TERMINAL_NOBODYS && session != process.pid &&
	    (!steal || process.euid))
		return -EPERM;
	__atomic_store_n(&process_table->terminal_group, process_group(),
			 __ATOMIC_SEQ_CST);
	__atomic_store_n(&process_table->terminal_session, process.pid,
			 __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&process_self->flags, ~ENTRY_NO_TERMINAL,
			   __ATOMIC_SEQ_CST);
	return 0;
}

/* A leader's terminal is nobody's afterwards. @ends: so does the caller. */
static void hang_up(bool ends)
{
	const struct process_entry *but = ends ? process_self : NULL;

	u32 group = __atomic_exchange_n(&process_table->terminal_group, 0,
					__ATOMIC_SEQ_CST);

	__atomic_store_n(&process_table->terminal_session, TERMINAL_NOBODYS,
			 __ATOMIC_SEQ_CST);
	if (!group)
		return;
	group_signal(group, SIGHUP, but);
	group_signal(group, SIGCONT, but);
}

/* TIOCNOTTY */
long terminal_give_up(void)
{
	if (!terminal_is_mine())
		return -ENOTTY;
	__atomic_fetch_or(&process_self->flags, ENTRY_NO_TERMINAL,
			  __ATOMIC_SEQ_CST);
	if (process_session() == process.pid)
		hang_up(false);
	return 0;
}

void terminal_leave(void)
{
	if (process_session() == process.pid && terminal_is_mine())
		hang_up(true);
}

/* Is @signal, which the host's terminal has sent to all, for this process? */
bool terminal_signal_concerns(int signal)
{
	u32 ppid = load(&process_self->ppid);

	switch (signal) {
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGWINCH:
		return terminal_is_mine() && terminal_in_foreground();
	case SIGTTIN:
	case SIGTTOU:
		if (!terminal_is_mine() || !terminal_in_foreground())
			return false;
		if (signal == SIGTTIN &&
		    signal_actions[signal].handler == HANDLER_IGNORE)
			__atomic_store_n(&host_background, 1, __ATOMIC_SEQ_CST);
		return true;
	case SIGHUP:
		return (terminal_is_mine() && terminal_in_foreground()) ||
		       process_session() == process.pid ||
		       (ppid != PID_INIT && !table_find(ppid));
	default:
		return true;
	}
}

/*
 * The caller has stopped. If nobody in the sandbox runs any more, all depends
 * on the outside.
 */
void terminal_stopped(void)
{
	struct process_entry *entry, *first = NULL;
	u32 ppid;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_LIVE)
			continue;
		if (!load(&entry->stop_signal))
			return;
		ppid = load(&entry->ppid);
		if (ppid != PID_INIT && !table_find(ppid))
			first = entry;
	}
	if (first == process_self)
		DkxProcessStop();
	else if (first)
		mail_ring(first, EVENT_REMOTE);
}
