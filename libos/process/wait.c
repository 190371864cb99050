// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Children: waiting for them, and what becomes of them without that.
 *
 * A child that exits says how in its entry, and then ends; its host's handle is
 * signalled when nothing of it is left. One whose handle is signalled and whose
 * entry says nothing was killed by the host. Whether anybody will wait for it
 * is decided then, by what its parent does with SIGCHLD. Waiting is for the
 * handles, and for one event that children set when they stop or go on: they
 * have it by being cloned, and those that were adopted ring instead.
 *
 * That event is of all threads that wait. Which of them it concerns, nobody
 * knows before they have looked; so whoever is woken by it clears it and wakes
 * the others, each of which has an event of its own besides.
 *
 * children_lock guards the lists, which are in the order of birth, or of
 * adoption. A child that was found is nobody else's from then on; the end of its
 * process is waited for without the lock.
 */
#include <libos.h>
#include <linux/resource.h>
#include <linux/wait.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

#define WAIT_CHUNK	(DK_WAIT_MAX - 2)
#define CHUNK_PAUSE	50000000LL	/* between two looks at the next chunk */

struct lock children_lock;

/* A thread that waits for children. */
struct parent {
	struct parent *next;
	DK_HANDLE event; /* look again */
};

static struct child *children;
static struct child *leaving; /* found, and not yet gone */
static struct parent *parents;
static struct usage childrens; /* of those that were waited for */
static DK_HANDLE news; /* of my children, to me */
static DK_HANDLE parents_news; /* of me, to my parent */

/* Which children are meant. */
struct wanted {
	int type; /* P_* */
	u32 id;
	int options;
};

/* One that was found. */
struct found {
	u32 pid, uid;
	int code; /* CLD_* */
	u32 status; /* as wait4 has it */
	struct usage usage;
};

/* children_lock is held. */
static void wake_parents(void)
{
	struct parent *parent;

	for (parent = parents; parent; parent = parent->next)
		DkEventSet(parent->event);
}

bool child_known(const struct process_entry *entry)
{
	struct child *child;

	for (child = children; child; child = child->next)
		if (child->entry == entry)
			return true;
	for (child = leaving; child; child = child->next)
		if (child->entry == entry)
			return true;
	return false;
}

/* children_lock is held. Who waits already, waits for this one, too. */
void child_add(struct child *child, struct process_entry *entry,
	       DK_HANDLE handle)
{
	struct child **at = &children;

	while (*at)
		at = &(*at)->next;
	child->next = NULL;
	child->entry = entry;
	child->pid = entry->pid;
	child->handle = handle;
	*at = child;
	wake_parents();
}

void children_prepare(void)
{
	if (!news)
		DkNotificationEventCreate(0, &news);
}

void children_changed(void)
{
	lock_acquire(&children_lock);
	wake_parents();
	lock_release(&children_lock);
}

static void forget_all(struct child **list)
{
	struct child *child, *next;

	for (child = *list; child; child = next) {
		next = child->next;
		if (child->handle)
			DkObjectClose(child->handle);
		mem_free(child);
	}
	*list = NULL;
}

/* In the child: they are its siblings. */
void children_forked(void)
{
	forget_all(&children);
	forget_all(&leaving);
	parents = NULL;
	memset(&childrens, 0, sizeof(childrens));
	if (parents_news)
		DkObjectClose(parents_news);
	parents_news = news;
	news = DK_INVALID_HANDLE;
}

void children_usage(struct usage *u)
{
	lock_acquire(&children_lock);
	*u = childrens;
	lock_release(&children_lock);
}

static bool is_gone(DK_HANDLE handle)
{
	dk_u64 index;

	return handle && !DkObjectsWaitAny(1, &handle, 0, &index);
}

/*
 * It has said that it ends, which is the last thing it does: what it had open
 * is closed when nothing is left of it, and wait4() has promised that. The
 * signal by which it said so interrupts.
 */
static void await_end(DK_HANDLE handle)
{
	DK_STATUS status;
	dk_u64 index;

	if (!handle)
		return;
	do {
		status = DkObjectsWaitAny(1, &handle, DK_TIMEOUT_INFINITE,
					  &index);
	} while (status == DK_STATUS_INTERRUPTED ||
		 status == DK_STATUS_ABORTED);
}

void child_ends(struct process_entry *entry, const struct process_entry *parent)
{
	u32 flags = __atomic_load_n(&parent->flags, __ATOMIC_SEQ_CST);

	if (flags & ENTRY_NO_ZOMBIES &&
	    __atomic_load_n(&entry->exit_signal, __ATOMIC_SEQ_CST) == SIGCHLD)
		__atomic_fetch_or(&entry->flags, ENTRY_UNWANTED,
				  __ATOMIC_SEQ_CST);
}

static bool is_unwanted(const struct process_entry *entry)
{
	return __atomic_load_n(&entry->flags, __ATOMIC_SEQ_CST) &
	       ENTRY_UNWANTED;
}

siginfo_t child_info(const struct process_entry *entry)
{
	u32 status = __atomic_load_n(&entry->status, __ATOMIC_SEQ_CST);
	siginfo_t info = { .si_signo = entry->exit_signal,
			   .si_code = status & 0x7f ? CLD_KILLED : CLD_EXITED };

	info.si_pid = entry->pid;
	info.si_uid = entry->uid;
	info.si_status = status & 0x7f ? status & 0x7f : status >> 8 & 0xff;
	info.si_utime = entry->usage.user_time / TICK;
	info.si_stime = entry->usage.system_time / TICK;
	return info;
}

/* To the process itself, in the name of a child that cannot. */
static void child_signal(const struct process_entry *entry)
{
	siginfo_t info = child_info(entry);

	if (info.si_signo)
		signal_send_process(&info);
}

/*
 * No lock is asked for: in a process that ends, another thread may hold it, and
 * does not come back.
 */
void entry_leave(struct process_entry *entry)
{
	__atomic_fetch_or(&entry->flags, ENTRY_LEAVES, __ATOMIC_SEQ_CST);
	terminal_leave(entry);
	group_leave(entry);
	orphans_leave(entry);
}

/* The host ended it: 128 + signal is what the host says. */
void child_killed(struct child *child)
{
	struct process_entry *entry = child->entry;
	dk_s64 code = 128 + SIGKILL;

	DkProcessGetExitCode(child->handle, &code);
	entry->status = code > 128 && code <= 128 + SIGNAL_COUNT ?
				code - 128 :
				(code & 0xff) << 8;
	entry_leave(entry);
	child_ends(entry, process_self);
	if (!entry_move(entry, ENTRY_LIVE, ENTRY_ENDED))
		return;
	pty_left(entry);
	child_signal(entry);
}

static bool has_ended(struct child *child)
{
	if (entry_state(child->entry) != ENTRY_ENDED) {
		if (!is_gone(child->handle))
			return false;
		/* It may have said so in between. */
		if (entry_state(child->entry) != ENTRY_ENDED)
			child_killed(child);
	}
	return true;
}

/*
 * It is waited for, by this process and nobody else. False: it is somebody
 * else's already, as another thread of this one has begun to end the process.
 */
static bool claim(struct child *child)
{
	u32 mine = process.pid;

	return child->entry->pid == child->pid &&
	       __atomic_compare_exchange_n(&child->entry->ppid, &mine, PID_INIT,
					   false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static void forget(struct child **at)
{
	struct child *child = *at;

	*at = child->next;
	if (child->entry->pid == child->pid)
		entry_move(child->entry, ENTRY_ENDED, ENTRY_FREE);
	if (child->handle)
		DkObjectClose(child->handle);
	mem_free(child);
}

void children_sweep(void)
{
	bool more = process_self->flags & ENTRY_NO_ZOMBIES, ended;
	struct child **at, *child;

	if (!more && !__atomic_load_n(&children, __ATOMIC_RELAXED))
		return;
	lock_acquire(&children_lock);
	if (more)
		orphans_adopt();
	for (at = &children; (child = *at);) {
		/* Where it may be for this, the host is asked. */
		ended = more ? has_ended(child) :
			       entry_state(child->entry) == ENTRY_ENDED;
		if (ended && is_unwanted(child->entry) &&
		    (!child->handle || is_gone(child->handle)) && claim(child))
			forget(at);
		else
			at = &child->next;
	}
	lock_release(&children_lock);
}

/* ---- looking ---- */

static bool matches(const struct wanted *w, const struct process_entry *entry)
{
	bool clone = entry->exit_signal != SIGCHLD;

	if (!(w->options & __WALL) && clone != !!(w->options & (int)__WCLONE))
		return false;
	switch (w->type) {
	case P_PID:
		return entry->pid == w->id;
	case P_PGID:
		return entry->pgid == w->id;
	default:
		return true;
	}
}

static bool take_news(const struct wanted *w, struct process_entry *entry,
		      struct found *f)
{
	u32 mine = (w->options & WUNTRACED ? ENTRY_STOPPED : 0) |
		   (w->options & WCONTINUED ? ENTRY_CONTINUED : 0);
	u32 have = __atomic_load_n(&entry->news, __ATOMIC_SEQ_CST) & mine;

	if (!have)
		return false;
	if (!(w->options & WNOWAIT))
		__atomic_fetch_and(&entry->news, ~have, __ATOMIC_SEQ_CST);
	f->code = have & ENTRY_STOPPED ? CLD_STOPPED : CLD_CONTINUED;
	f->status = have & ENTRY_STOPPED ? entry->last_stop << 8 | 0x7f :
					   0xffff;
	return true;
}

static void describe(struct process_entry *entry, struct found *f)
{
	f->pid = entry->pid;
	f->uid = entry->uid;
	f->usage = entry->usage;
	usage_add(&f->usage, &entry->childrens);
}

/* It is the caller's, who has to release_child() it. */
static struct child *take_child(struct child **at)
{
	struct child *child = *at;

	*at = child->next;
	child->next = leaving;
	leaving = child;
	return child;
}

static void release_child(struct child *child)
{
	struct child **at;

	await_end(child->handle);
	lock_acquire(&children_lock);
	for (at = &leaving; *at != child; at = &(*at)->next)
		;
	forget(at);
	lock_release(&children_lock);
}

static bool has_orphans(void)
{
	return __atomic_load_n(&process_self->flags, __ATOMIC_SEQ_CST) &
	       ENTRY_HAS_ORPHANS;
}

/*
 * 1: @f says what was found; 0: nothing yet, and @handles are those to wait
 * for; -ECHILD.
 */
static int look(const struct wanted *w, struct found *f, DK_HANDLE *handles,
		u32 *count)
{
	struct child **at, *child, *taken = NULL;
	bool any = false, ended, pending;
	int result = 0;

	lock_acquire(&children_lock);
again:
	*count = 0;
	pending = orphans_adopt();
	any |= pending;
	for (at = &children; (child = *at) && !result; at = &child->next) {
		struct process_entry *entry = child->entry;

		if (!matches(w, entry))
			continue;
		ended = has_ended(child);
		/* It neither stops nor goes on any more. */
		if (ended && !(w->options & WEXITED))
			continue;
		any = true;
		if (ended) {
			if (is_unwanted(entry)) {
				if (child->handle && *count < WAIT_CHUNK)
					handles[(*count)++] = child->handle;
				continue;
			}
			describe(entry, f);
			f->status = entry->status;
			f->code = f->status & 0x7f ?
					  (f->status & 0x80 ? CLD_DUMPED :
							      CLD_KILLED) :
					  CLD_EXITED;
			if (!(w->options & WNOWAIT) && !claim(child))
				continue;
			result = 1;
			if (w->options & WNOWAIT)
				break;
			usage_add(&childrens, &f->usage);
			taken = take_child(at);
			break;
		}
		if (take_news(w, entry, f)) {
			describe(entry, f);
			memset(&f->usage, 0, sizeof(f->usage));
			result = 1;
			break;
		}
		if (child->handle && *count < WAIT_CHUNK)
			handles[(*count)++] = child->handle;
	}
	/* Of one that was found killed. */
	if (!result && !pending && has_orphans())
		goto again;
	lock_release(&children_lock);
	if (taken)
		release_child(taken);
	return result ? result : any ? 0 : -ECHILD;
}

/* Who waits: it is told of everything from now on. */
static struct waiter *parent_enter(struct parent *parent)
{
	struct waiter *waiter = waiter_get();

	if (!waiter)
		return NULL;
	parent->event = waiter_event(waiter);
	lock_acquire(&children_lock);
	parent->next = parents;
	parents = parent;
	lock_release(&children_lock);
	return waiter;
}

static void parent_leave(struct parent *parent, struct waiter *waiter)
{
	struct parent **at;

	lock_acquire(&children_lock);
	for (at = &parents; *at != parent; at = &(*at)->next)
		;
	*at = parent->next;
	lock_release(&children_lock);
	waiter_put(waiter);
}

/* The event of all has come, as far as this thread knows. */
static void pass_news(void)
{
	lock_acquire(&children_lock);
	DkEventClear(news);
	wake_parents();
	lock_release(&children_lock);
}

static long wait_until_found(const struct wanted *w, struct found *f,
			     DK_HANDLE mine)
{
	DK_HANDLE handles[DK_WAIT_MAX];
	DK_STATUS status;
	dk_u64 index;
	u32 count;
	bool all;
	int r;

	for (;;) {
		r = look(w, f, handles, &count);
		if (r)
			return r;
		all = count < WAIT_CHUNK && !has_orphans();
		handles[count++] = mine;
		if (news)
			handles[count++] = news;
		status = HOST_WAIT(DkObjectsWaitAny, count, handles,
				   all ? DK_TIMEOUT_INFINITE : CHUNK_PAUSE,
				   &index);
		if (!status && handles[index] == news)
			pass_news();
		/* The signal may be a child's that has ended: that comes first. */
		if ((status == DK_STATUS_INTERRUPTED ||
		     status == DK_STATUS_ABORTED) &&
		    signal_interrupts()) {
			r = look(w, f, handles, &count);
			return r ? r : -ERESTARTSYS;
		}
		children_sweep();
	}
}

static long wait_for(const struct wanted *w, struct found *f)
{
	DK_HANDLE handles[DK_WAIT_MAX];
	struct waiter *waiter;
	struct parent me;
	u32 count;
	long r;

	children_sweep();
	r = look(w, f, handles, &count);
	if (r || w->options & WNOHANG)
		return r;
	waiter = parent_enter(&me);
	if (!waiter)
		return -ENOMEM;
	r = wait_until_found(w, f, me.event);
	parent_leave(&me, waiter);
	return r;
}

SYSCALL4(wait4, int, pid, int *, status, int, options, struct rusage *, usage)
{
	struct wanted w = { .type = P_ALL, .options = options | WEXITED };
	struct found f = { 0 };
	struct rusage u;
	long r;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD |
			(int)__WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0) {
		w.type = P_PID;
		w.id = pid;
	} else if (pid != -1) {
		w.type = P_PGID;
		w.id = pid ? (u32)-pid : process_group();
	}
	r = wait_for(&w, &f);
	if (r <= 0)
		return r;
	usage_format(&f.usage, &u);
	if ((status && user_put(f.status, (u32 *)status)) ||
	    (usage && user_put(u, usage)))
		return -EFAULT;
	return f.pid;
}

SYSCALL5(waitid, int, type, int, id, siginfo_t *, to, int, options,
	 struct rusage *, usage)
{
	struct wanted w = { .type = type, .id = id, .options = options };
	siginfo_t info = { 0 };
	struct found f = { 0 };
	bool nonblocking = false;
	struct rusage u;
	long r;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED |
			__WNOTHREAD | (int)__WCLONE | __WALL) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (type != P_ALL && type != P_PID && type != P_PGID && type != P_PIDFD)
		return -EINVAL;
	if ((type == P_PID && id <= 0) ||
	    ((type == P_PGID || type == P_PIDFD) && id < 0))
		return -EINVAL;
	if (type == P_PIDFD) {
		r = pidfd_pid(id, &nonblocking);
		if (r < 0)
			return r;
		w.type = P_PID;
		w.id = r;
		if (nonblocking)
			w.options |= WNOHANG;
	}
	if (type == P_PGID && !id)
		w.id = process_group();
	r = wait_for(&w, &f);
	if (!r && nonblocking && !(options & WNOHANG))
		r = -EAGAIN;
	if (r > 0) {
		info.si_signo = SIGCHLD;
		info.si_code = f.code;
		info.si_pid = f.pid;
		info.si_uid = f.uid;
		info.si_status = f.code == CLD_EXITED  ? f.status >> 8 & 0xff :
				 f.code == CLD_STOPPED ? f.status >> 8 & 0xff :
				 f.code == CLD_CONTINUED ? SIGCONT :
							   f.status & 0x7f;
		usage_format(&f.usage, &u);
		if (usage && user_put(u, usage))
			return -EFAULT;
		r = 0;
	}
	/* Also when there is nobody; and the members that Linux writes. */
	if (to && (user_write(to, &info, 3 * sizeof(int)) ||
		   user_write(&to->si_pid, &info.si_pid, 3 * sizeof(int))))
		return -EFAULT;
	return r;
}

/* ---- what a child tells its parent ---- */

static struct process_entry *my_parent(void)
{
	return table_find(
		__atomic_load_n(&process_self->ppid, __ATOMIC_SEQ_CST));
}

static void tell_parent(const siginfo_t *info)
{
	struct process_entry *parent = my_parent();
	struct mail mail = mail_of(info, 0);

	if (!parent || entry_state(parent) != ENTRY_LIVE || !mail.signal)
		return;
	mail_send(parent, &mail);
}

void process_stop_changed(int signal)
{
	struct process_entry *me = process_self;

	if (signal)
		me->last_stop = signal;
	__atomic_store_n(&me->stop_signal, signal, __ATOMIC_SEQ_CST);
	__atomic_store_n(&me->news, signal ? ENTRY_STOPPED : ENTRY_CONTINUED,
			 __ATOMIC_SEQ_CST);
}

void process_stop_tell(int signal)
{
	struct process_entry *me = process_self, *parent = my_parent();
	struct usage usage;
	siginfo_t info;

	if (parents_news)
		DkEventSet(parents_news);
	/* Which was the event of who made it. */
	if (parent && me->flags & ENTRY_ADOPTED)
		mail_ring(parent, EVENT_CHILD);
	if (!parent || parent->flags & ENTRY_NO_STOPS ||
	    me->exit_signal != SIGCHLD)
		return;
	usage_of_process(&usage);
	info = child_info(me);
	info.si_code = signal ? CLD_STOPPED : CLD_CONTINUED;
	info.si_status = signal ? signal : SIGCONT;
	info.si_utime = usage.user_time / TICK;
	info.si_stime = usage.system_time / TICK;
	tell_parent(&info);
}

void process_child_action(u64 handler, u64 flags)
{
	u32 set = 0, old, new;

	if (handler == HANDLER_IGNORE || flags & SA_NOCLDWAIT)
		set |= ENTRY_NO_ZOMBIES;
	if (flags & SA_NOCLDSTOP)
		set |= ENTRY_NO_STOPS;
	/* At once: a child that ends looks at it only then. */
	old = __atomic_load_n(&process_self->flags, __ATOMIC_SEQ_CST);
	do {
		new = (old & ~(ENTRY_NO_ZOMBIES | ENTRY_NO_STOPS)) | set;
	} while (!__atomic_compare_exchange_n(&process_self->flags, &old, new,
					      false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
}

/* Who was killed, could not tell. */
static void look_for_killed(void)
{
	struct child *child;

	lock_acquire(&children_lock);
	orphans_adopt();
	for (child = children; child; child = child->next)
		has_ended(child);
	/* Of those that were killed. */
	orphans_adopt();
	wake_parents();
	lock_release(&children_lock);
}

void process_events(u32 events)
{
	if (events & EVENT_CHILD)
		look_for_killed();
	mail_take();
	pidfd_notify();
	pty_woken();
	children_sweep();
}

void entry_end_borrowed(struct process_entry *entry, u32 status)
{
	entry->status = status;
	child_ends(entry, process_self);
	if (!entry_move(entry, ENTRY_LIVE, ENTRY_ENDED))
		return;
	children_changed();
	pidfd_notify();
	child_signal(entry);
	children_sweep();
}

/*
 * The last thing that the process says. @status: as wait(2) has it. Whoever
 * waits sees the rest in the host's handle.
 */
void entry_end(u32 status)
{
	struct process_entry *me = process_self, *parent, *later;
	siginfo_t info;

	entry_leave(me);
	me->status = status;
	usage_of_process(&me->usage);
	/* No lock, as in entry_leave(). */
	me->childrens = childrens;
	parent = my_parent();
	if (parent)
		child_ends(me, parent);
	if (!entry_move(me, ENTRY_LIVE, ENTRY_ENDED))
		return;
	/* Who has handed us over meanwhile has seen us live. */
	later = my_parent();
	if (later && later != parent)
		child_ends(me, later);
	vfork_done();
	info = child_info(me);
	tell_parent(&info);
	/* Who has no parent has nobody who would wait for it. */
	if (!my_parent())
		entry_move(me, ENTRY_ENDED, ENTRY_FREE);
}
