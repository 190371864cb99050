// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * clone and clone3: threads. Other processes are made by process/fork.c.
 *
 * A thread shares everything that pthreads share; one that does not, but lives
 * in the same memory, is refused: descriptors, directory and handlers of its
 * own are for processes.
 */
#include <entry.h>
#include <layout.h>
#include <libos.h>
#include <linux/futex.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

#define SHARED	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
		 CLONE_THREAD)
/* What a thread may be asked for besides; the last ones mean nothing here. */
#define OPTIONS	(CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | \
		 CLONE_CHILD_CLEARTID | CLONE_SYSVSEM | CLONE_DETACHED | \
		 CLONE_PTRACE | CLONE_UNTRACED | CLONE_IO)
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | \
		    CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | \
		    CLONE_NEWNET | CLONE_NEWTIME)

/* Linux's own order of checks. */
static long check_flags(u64 flags)
{
	if ((flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) ||
	    (flags & CLONE_SIGHAND && !(flags & CLONE_VM)) ||
	    (flags & CLONE_PIDFD && flags & (CLONE_THREAD | CLONE_DETACHED)) ||
	    (flags & CLONE_FS && flags & (CLONE_NEWNS | CLONE_NEWUSER)))
		return -EINVAL;
	return flags & NAMESPACES ? -EPERM : 0;
}

/*
 * Numbers of threads are not the host's: above those that it may give to
 * processes, and different in every process of the sandbox, by its place in the
 * table. All fit into the 30 bits that a futex has for them.
 */
#define ID_FIRST	(PID_LIMIT + 1)
#define ID_BITS		17
#define THREADS_MAX	(1U << ID_BITS)

_Static_assert(ID_FIRST + PROCESS_MAX * THREADS_MAX <= FUTEX_TID_MASK,
	       "a thread's number fits into a futex");

/* 0: there is none left. */
static u32 new_id(void)
{
	u32 base = ID_FIRST +
		   (process_self - process_table->entries) * THREADS_MAX;
	struct libos_thread *taken;
	static u32 last;
	u32 id, i;

	for (i = 0; i < THREADS_MAX; i++) {
		id = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) %
		     THREADS_MAX;
		taken = thread_find(base + id);
		thread_put(taken);
		if (!taken)
			return base + id;
	}
	return 0;
}

struct process_entry *process_of(int id)
{
	struct process_entry *entry;
	struct libos_thread *t;
	u32 place;

	if (id == (int)process.pid)
		return process_self;
	if (id < (int)ID_FIRST)
		return table_find(id);
	t = thread_find(id);
	thread_put(t);
	if (t)
		return process_self;
	place = (id - ID_FIRST) / THREADS_MAX;
	if (place >= PROCESS_MAX)
		return NULL;
	entry = &process_table->entries[place];
	return entry != process_self && entry_state(entry) == ENTRY_LIVE ?
		       entry :
		       NULL;
}

bool thread_is_of(u32 tid, const struct process_entry *entry)
{
	return tid == entry->pid ||
	       (tid >= ID_FIRST && (tid - ID_FIRST) / THREADS_MAX ==
					   entry - process_table->entries);
}

/* ---- threads ---- */

static void inherit(struct libos_thread *t)
{
	struct libos_thread *me = self();

	memcpy(t->name, me->name, sizeof(t->name));
	t->blocked = me->blocked;
	t->timer_slack = t->default_slack = me->timer_slack;
	t->memory_errors = me->memory_errors;
	sched_inherit(t->allowed);
	fs_share(t);
}

static long clone_thread(const struct clone_args *args)
{
	struct libos_thread *t;
	struct dk_context c = *self()->frame;
	u32 tid;
	long r;

	if ((args->flags & SHARED) != SHARED ||
	    args->flags & ~(SHARED | OPTIONS))
		return -EINVAL;
	if (args->flags & CLONE_SETTLS && args->tls >= layout.limit)
		return -EPERM;
	if (process_limit_reached())
		return -EAGAIN;
	tid = new_id();
	if (!tid)
		return -EAGAIN;
	t = thread_new();
	if (!t)
		return -ENOMEM;
	inherit(t);
	t->tid = tid;
	if (args->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = args->child_tid;
	if (args->flags & CLONE_PARENT_SETTID)
		user_put(tid, (u32 *)args->parent_tid);
	if (args->flags & CLONE_CHILD_SETTID)
		user_put(tid, (u32 *)args->child_tid);
	c.rax = 0;
	c.rcx = c.rip;
	if (args->stack)
		c.rsp = args->stack + args->stack_size;
	thread_enter(t);
	r = thread_start(t, &c,
			 args->flags & CLONE_SETTLS ? args->tls :
						      fs_base_get());
	return r ? r : (long)tid;
}

static long clone_with(const struct clone_args *args)
{
	long r = check_flags(args->flags);

	if (r)
		return r;
	return args->flags & CLONE_THREAD ? clone_thread(args) :
					    process_fork(args);
}

SYSCALL5(clone, u64, flags, u64, stack, u64, parent_tid, u64, child_tid, u64,
	 tls)
{
	struct clone_args args = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.exit_signal = flags & CSIGNAL,
		.stack = stack,
		.parent_tid = parent_tid,
		.pidfd = parent_tid, /* the same place, for either */
		.child_tid = child_tid,
		.tls = tls,
	};

	if (flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID)
		return -EINVAL;
	return clone_with(&args);
}

/* The structure may be longer than ours, if only with zeroes. */
static long args_get(struct clone_args *args, const void *from, size_t size)
{
	const u8 *rest = (const u8 *)from + sizeof(*args);
	u8 byte;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (user_read(args, from, MIN(size, sizeof(*args))))
		return -EFAULT;
	for (; size > sizeof(*args); size--, rest++) {
		if (user_get(byte, rest))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	return 0;
}

SYSCALL2(clone3, const void *, from, size_t, size)
{
	struct clone_args args = { 0 };
	long r = args_get(&args, from, size);

	if (r)
		return r;
	if (args.set_tid_size)
		return args.set_tid_size > 32 || !args.set_tid ? -EINVAL :
								 -EPERM;
	if (args.set_tid || args.exit_signal > SIGNAL_COUNT ||
	    args.flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)) ||
	    args.flags & ~(0xffffffffULL | CLONE_CLEAR_SIGHAND |
			   CLONE_INTO_CGROUP) ||
	    (args.flags & (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)) ==
		    (CLONE_SIGHAND | CLONE_CLEAR_SIGHAND) ||
	    (args.flags & (CLONE_THREAD | CLONE_PARENT) && args.exit_signal) ||
	    !args.stack != !args.stack_size)
		return -EINVAL;
	if (args.flags & CLONE_INTO_CGROUP)
		return -EOPNOTSUPP;
	return clone_with(&args);
}

u32 own_tid(void)
{
	return self()->vfork ? process.pid : self()->tid;
}

SYSCALL0(gettid)
{
	return own_tid();
}

SYSCALL1(set_tid_address, u64, address)
{
	struct libos_thread *t = self();

	t->clear_child_tid = address;
	return own_tid();
}
