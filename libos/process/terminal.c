// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Controlling terminals.
 *
 * One is the host's, and there is one for all processes of the sandbox. To the
 * host they are one process group, that of the launcher, and of one session.
 * The others are the sandbox's own pseudo-terminals (ptys.h). A session has one
 * at most; which of its groups is in the foreground stands with the terminal,
 * and each process asks there before it reads, writes or changes it.
 *
 * Signals of the host's terminal (Ctrl-C, Ctrl-\, Ctrl-Z, the window's size)
 * reach every process of the sandbox; who is not in the foreground does not look
 * at them. The first process tells of hanging up whomever that concerns.
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

struct terminal *terminal_of(const struct process_entry *entry)
{
	u32 session = load(&entry->sid);

	if (load(&entry->flags) & ENTRY_NO_TERMINAL)
		return NULL;
	if (load(&process_table->console.session) == session)
		return &process_table->console;
	return pty_of_session(session);
}

struct terminal *terminal_mine(void)
{
	return terminal_of(process_self);
}

bool terminal_in_foreground(const struct terminal *t)
{
	u32 group = terminal_group(t);

	return !group || group == process_group();
}

long terminal_check(const struct terminal *t, int signal)
{
	bool ignored;

	if (terminal_in_foreground(t) || terminal_mine() != t)
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

long terminal_set_group(struct terminal *t, const int *from)
{
	long r = terminal_check(t, SIGTTOU);
	int group;

	if (r)
		return r == -EIO ? -ENOTTY : r;
	if (user_get(group, from))
		return -EFAULT;
	if (group < 0)
		return -EINVAL;
	if (terminal_mine() != t)
		return -ENOTTY;
	if (!group || !group_exists(group))
		return -ESRCH;
	if (!group_member(group, process_session()))
		return -EPERM;
	__atomic_store_n(&t->group, group, __ATOMIC_SEQ_CST);
	return 0;
}

static bool is_leader(void)
{
	return process_session() == process.pid;
}

static void take(struct terminal *t)
{
	__atomic_store_n(&t->group, process_group(), __ATOMIC_SEQ_CST);
	__atomic_store_n(&t->session, process.pid, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&process_self->flags, ~ENTRY_NO_TERMINAL,
			   __ATOMIC_SEQ_CST);
}

long terminal_acquire(struct terminal *t, bool steal)
{
	const struct terminal *mine = terminal_mine();
	u32 session = load(&t->session);

	if (mine == t && is_leader())
		return 0;
	if (!is_leader() || mine)
		return -EPERM;
	if (session != TERMINAL_NOBODYS && session != process.pid &&
	    (!steal || process.euid))
		return -EPERM;
	take(t);
	return 0;
}

void terminal_opened(struct terminal *t)
{
	if (is_leader() && !terminal_mine() &&
	    load(&t->session) == TERMINAL_NOBODYS)
		take(t);
}

/* It is nobody's any more; who was in the foreground. */
static u32 disown(struct terminal *t)
{
	u32 group = __atomic_exchange_n(&t->group, 0, __ATOMIC_SEQ_CST);

	__atomic_store_n(&t->session, TERMINAL_NOBODYS, __ATOMIC_SEQ_CST);
	return group;
}

long terminal_give_up(const struct terminal *terminal)
{
	struct terminal *t = terminal_mine();
	u32 group;

	if (!t || t != terminal)
		return -ENOTTY;
	__atomic_fetch_or(&process_self->flags, ENTRY_NO_TERMINAL,
			  __ATOMIC_SEQ_CST);
	group = is_leader() ? disown(t) : 0;
	if (group) {
		group_signal(group, SIGHUP, NULL);
		group_signal(group, SIGCONT, NULL);
	}
	return 0;
}

void terminal_leave(const struct process_entry *entry)
{
	bool leads = load(&entry->sid) == entry->pid;
	struct terminal *t = leads ? terminal_of(entry) : NULL;
	u32 group = t ? disown(t) : 0;

	if (!group)
		return;
	group_signal(group, SIGHUP, entry);
	/* As a real one does, which the host's may be. */
	if (t == &process_table->console)
		group_signal(group, SIGCONT, entry);
}

/* Whoever takes the first has the second, too. */
static void tell_leader(u32 pid)
{
	siginfo_t hang_up = { .si_signo = SIGHUP, .si_code = SI_KERNEL };
	siginfo_t go_on = { .si_signo = SIGCONT, .si_code = SI_KERNEL };
	struct mail first = { .signal = SIGHUP, .code = SI_KERNEL };
	struct mail second = { .signal = SIGCONT, .code = SI_KERNEL };
	struct process_entry *entry = table_find(pid);

	if (entry == process_self) {
		signal_send_process(&hang_up);
		signal_send_process(&go_on);
	} else if (entry) {
		mail_send_both(entry, &first, &second);
	}
}

void terminal_hang_up(struct terminal *t)
{
	u32 session = load(&t->session);

	disown(t);
	if (!session || session == TERMINAL_NOBODYS)
		return;
	tell_leader(session);
}

/* Is @signal, which the host's terminal has sent to all, for this process? */
bool terminal_signal_concerns(int signal)
{
	const struct terminal *console = &process_table->console;
	bool mine = terminal_mine() == console;
	bool foreground = mine && terminal_in_foreground(console);
	u32 ppid = load(&process_self->ppid);

	switch (signal) {
	case SIGINT:
	case SIGQUIT:
	case SIGTSTP:
	case SIGWINCH:
		return foreground;
	case SIGTTIN:
	case SIGTTOU:
		if (foreground && signal == SIGTTIN &&
		    signal_actions[signal].handler == HANDLER_IGNORE)
			__atomic_store_n(&host_background, 1, __ATOMIC_SEQ_CST);
		return foreground;
	case SIGHUP:
		return foreground || (mine && is_leader()) ||
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
