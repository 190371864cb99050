// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pseudo-terminals: their lock, who has them open, and what becomes of them
 * when nobody has. ptys.h has the whole.
 */
#include "pty.h"

#include <processes.h>
#include <signals.h>
#include <thread.h>

#define SPINS 200
#define PAUSE 100000LL /* between two looks at a lock that is taken, ns */
#define PATIENCE 20 /* looks, before its owner is looked for */

#define SLAVE_MAJOR 136ULL
#define DEVICE 0x16 /* minor of the file system of /dev/pts */

/*
 * What the process has of each. @lock is held with, and before, the shared one:
 * so a process that is cloned has neither. @masters, @slaves: descriptions.
 */
static struct local {
	struct lock lock;
	struct wait_queue queue;
	u32 masters, slaves;
	struct pty_end ends[2];
} locals[PTY_MAX];

static u64 bit(const struct pty_end *end)
{
	return 1ULL << end->number;
}

static const struct pty_end *end_get(u32 number, bool master)
{
	struct pty_end *end = &locals[number].ends[master];

	/* The same each time. */
	end->number = number;
	end->master = master;
	__atomic_store_n(&end->pty, &process_table->ptys[number],
			 __ATOMIC_RELEASE);
	return end;
}

static u32 ptys_used(void)
{
	return MIN(__atomic_load_n(&process_table->ptys_used, __ATOMIC_SEQ_CST),
		   PTY_MAX);
}

/* ---- the lock ---- */

void pty_lock(const struct pty_end *end)
{
	u64 me = process_main->entry->id, owner;
	dk_s64 left;
	u32 tries;

	lock_acquire(&locals[end->number].lock);
	for (tries = 0;; tries++) {
		owner = 0;
		if (__atomic_compare_exchange_n(&end->pty->owner, &owner, me,
						false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		if (tries < SPINS)
			continue;
		if (tries > SPINS + PATIENCE && host_process_is_gone(owner) &&
		    __atomic_compare_exchange_n(&end->pty->owner, &owner, me,
						false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
		DkThreadDelayExecution(PAUSE, &left);
	}
}

void pty_unlock(const struct pty_end *end)
{
	__atomic_store_n(&end->pty->owner, 0, __ATOMIC_RELEASE);
	lock_release(&locals[end->number].lock);
}

/* ---- waiting ---- */

struct wait_queue *pty_queue(const struct pty_end *end)
{
	return &locals[end->number].queue;
}

void pty_watch(const struct pty_end *end)
{
	__atomic_fetch_or(&process_main->entry->pty_watched, bit(end),
			  __ATOMIC_SEQ_CST);
}

void pty_notify(const struct pty_end *end)
{
	struct process_entry *entry;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_LIVE ||
		    !(__atomic_load_n(&entry->pty_watched, __ATOMIC_SEQ_CST) &
		      bit(end)))
			continue;
		__atomic_fetch_and(&entry->pty_watched, ~bit(end),
				   __ATOMIC_SEQ_CST);
		if (entry == process_main->entry)
			continue;
		__atomic_fetch_or(&entry->pty_changed, bit(end),
				  __ATOMIC_SEQ_CST);
		mail_ring(entry, EVENT_REMOTE);
	}
	wake_all(pty_queue(end));
}

void pty_woken(void)
{
	u64 changed = __atomic_exchange_n(&process_main->entry->pty_changed, 0,
					  __ATOMIC_SEQ_CST);

	for (; changed; changed &= changed - 1)
		wake_all(&locals[__builtin_ctzll(changed)].queue);
}

/* ---- who has them ---- */

/* Under its lock. */
static bool somebody_has(u32 number, bool master)
{
	struct process_entry *entry;

	if (process_table->ptys[number].sent[master])
		return true;
	for_each_entry(entry) {
		const u64 *set = master ? &entry->pty_masters :
					  &entry->pty_slaves;

		if (entry_state(entry) == ENTRY_LIVE &&
		    __atomic_load_n(set, __ATOMIC_SEQ_CST) >> number & 1)
			return true;
	}
	return false;
}

/* Some process has an end less: was it the last one? */
static void look_who_has(u32 number)
{
	const struct pty_end *end = end_get(number, true);
	struct pty *p = end->pty;
	bool master, slave, hang_up = false, changed = false;

	pty_lock(end);
	if (p->used) {
		master = somebody_has(number, true);
		slave = somebody_has(number, false);
		hang_up = !master && !p->hung_up;
		changed = hang_up || (!slave && p->slave == PTY_SLAVE_OPEN);
		p->hung_up |= hang_up;
		if (!slave && p->slave == PTY_SLAVE_OPEN)
			p->slave = PTY_SLAVE_LEFT;
		if (!master && !slave)
			p->used = 0;
	}
	pty_unlock(end);
	if (hang_up)
		terminal_hang_up(&p->terminal);
	if (changed)
		pty_notify(end);
}

/* The first description of an end in this process, or the last one. */
static void mark(const struct pty_end *end, bool has)
{
	struct process_entry *me = process_main->entry;
	u64 *set = end->master ? &me->pty_masters : &me->pty_slaves;

	if (has)
		__atomic_fetch_or(set, bit(end), __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(set, ~bit(end), __ATOMIC_SEQ_CST);
}

static u32 *count_of(const struct pty_end *end)
{
	struct local *l = &locals[end->number];

	return end->master ? &l->masters : &l->slaves;
}

void pty_release(struct file *file)
{
	const struct pty_end *end = pty_end_of(file);
	bool last;

	pty_lock(end);
	last = !--*count_of(end);
	if (last)
		mark(end, false);
	pty_unlock(end);
	if (last)
		look_who_has(end->number);
}

void pty_forking(struct process_entry *child)
{
	const struct process_entry *me = process_main->entry;

	child->pty_masters = me->pty_masters;
	child->pty_slaves = me->pty_slaves;
}

void pty_left(struct process_entry *entry)
{
	u64 set =
		__atomic_exchange_n(&entry->pty_masters, 0, __ATOMIC_SEQ_CST) |
		__atomic_exchange_n(&entry->pty_slaves, 0, __ATOMIC_SEQ_CST);

	for (; set; set &= set - 1)
		look_who_has(__builtin_ctzll(set));
}

void pty_exit(void)
{
	pty_left(process_main->entry);
}

struct terminal *pty_of_session(u32 session)
{
	u32 i;

	for (i = 0; i < ptys_used(); i++) {
		struct pty *p = &process_table->ptys[i];

		if (__atomic_load_n(&p->terminal.session, __ATOMIC_SEQ_CST) ==
			    session &&
		    __atomic_load_n(&p->used, __ATOMIC_SEQ_CST))
			return &p->terminal;
	}
	return NULL;
}

/* ---- opening ---- */

static struct file *end_file(const struct pty_end *end, u32 flags,
			     const char *path)
{
	struct file *file = file_new(FILE_PTY, &pty_file_ops,
				     access_of_flags(flags), flags);
	size_t size = strlen(path) + 1;

	if (!file)
		return NULL;
	file->type = DK_TYPE_CHARACTER;
	file->path = mem_alloc(size);
	if (!file->path) {
		file->ops = &name_ops; /* nothing to release */
		file_put(file);
		return NULL;
	}
	memcpy(file->path, path, size);
	file->data = (void *)end;
	return file;
}

static void set_up(struct pty *p)
{
	static const struct termios2 usual = {
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL |
			   ECHOKE | IEXTEN,
		.c_cc = { [VINTR] = 3,
			  [VQUIT] = 28,
			  [VERASE] = 127,
			  [VKILL] = 21,
			  [VEOF] = 4,
			  [VMIN] = 1,
			  [VSTART] = 17,
			  [VSTOP] = 19,
			  [VSUSP] = 26,
			  [VREPRINT] = 18,
			  [VDISCARD] = 15,
			  [VWERASE] = 23,
			  [VLNEXT] = 22 },
		.c_ispeed = 38400,
		.c_ospeed = 38400,
	};
	u64 owner = p->owner;

	memset(p, 0, offsetof(struct pty, input));
	p->owner = owner;
	p->terminal.session = TERMINAL_NOBODYS;
	p->termios = usual;
	p->locked = 1;
	p->mode = 0620;
	p->uid = process.fsuid;
	p->gid = 5; /* "tty", everywhere */
	p->made = clock_now(DK_CLOCK_WALL);
	__atomic_store_n(&p->used, 1, __ATOMIC_SEQ_CST);
}

/* One more description of @end in this process; its lock is held. */
static void add(const struct pty_end *end)
{
	if (!(*count_of(end))++)
		mark(end, true);
}

/* Take the first that nobody has, also one whose processes were all killed. */
static const struct pty_end *reserve(void)
{
	const struct pty_end *end;
	u32 i, used;

	for (i = 0; i < PTY_MAX; i++) {
		end = end_get(i, true);
		pty_lock(end);
		if (!end->pty->used ||
		    (!somebody_has(i, true) && !somebody_has(i, false))) {
			used = ptys_used();
			while (used <= i &&
			       !__atomic_compare_exchange_n(
				       &process_table->ptys_used, &used, i + 1,
				       false, __ATOMIC_SEQ_CST,
				       __ATOMIC_SEQ_CST))
				;
			set_up(end->pty);
			add(end);
			pty_unlock(end);
			return end;
		}
		pty_unlock(end);
	}
	return NULL;
}

int pty_open_master(u32 flags, struct file **out)
{
	const struct pty_end *end = reserve();
	struct file *file;

	if (!end)
		return -ENOSPC;
	file = end_file(end, flags, "/dev/ptmx");
	if (!file) {
		pty_lock(end);
		--*count_of(end);
		mark(end, false);
		pty_unlock(end);
		look_who_has(end->number);
		return -ENOMEM;
	}
	*out = file;
	return 0;
}

int pty_open_slave(u32 number, u32 flags, const char *path, struct file **out)
{
	const struct pty_end *end = end_get(number, false);
	struct file *file = end_file(end, flags, path);
	struct pty *p = end->pty;
	bool first = false;
	int error = 0;

	if (!file)
		return -ENOMEM;
	pty_lock(end);
	if (!p->used || p->hung_up || p->locked)
		error = -EIO;
	else if (p->exclusive && process.euid)
		error = -EBUSY;
	if (!error) {
		first = p->slave == PTY_SLAVE_LEFT;
		p->slave = PTY_SLAVE_OPEN;
		add(end);
	}
	pty_unlock(end);
	if (error) {
		file->ops = &name_ops; /* nothing to release */
		file_put(file);
		return error;
	}
	if (first)
		pty_notify(end);
	if (!(flags & O_NOCTTY) && file->access & FILE_READ)
		terminal_opened(&p->terminal);
	*out = file;
	return 0;
}

int pty_open_mine(u32 flags, struct file **out)
{
	const struct terminal *t = terminal_mine();
	const struct pty *p;
	int error;

	if (!t || t == &process_table->console)
		return -ENXIO;
	p = container_of(t, struct pty, terminal);
	error = pty_open_slave(p - process_table->ptys, flags | O_NOCTTY,
			       "/dev/tty", out);
	return error == -EIO ? -ENXIO : error;
}

int pty_reopen(struct file *file, u32 flags, struct file **out)
{
	const struct pty_end *end = pty_end_of(file);

	return end->master ?
		       pty_open_master(flags, out) :
		       pty_open_slave(end->number, flags, file->path, out);
}

/* ---- on its way to another process ---- */

void pty_send(const struct file *file)
{
	const struct pty_end *end = pty_end_of(file);

	pty_lock(end);
	end->pty->sent[end->master]++;
	pty_unlock(end);
}

void pty_arrived(u32 number, bool master)
{
	const struct pty_end *end;

	if (number >= ptys_used())
		return;
	end = end_get(number, master);
	pty_lock(end);
	if (end->pty->sent[master])
		end->pty->sent[master]--;
	pty_unlock(end);
	look_who_has(number);
}

struct file *pty_receive(u32 number, bool master, u32 flags, const char *path)
{
	const struct pty_end *end;
	struct file *file;
	bool there;

	if (number >= ptys_used())
		return NULL;
	end = end_get(number, master);
	file = end_file(end, flags, path);
	if (!file)
		return NULL;
	pty_lock(end);
	there = end->pty->used;
	if (there)
		add(end);
	pty_unlock(end);
	if (there)
		return file;
	file->ops = &name_ops; /* nothing to release */
	file_put(file);
	return NULL;
}

/* ---- /dev/pts ---- */

bool pty_exists(u32 number)
{
	const struct pty *p;

	if (number >= ptys_used())
		return false;
	p = &process_table->ptys[number];
	return __atomic_load_n(&p->used, __ATOMIC_SEQ_CST) &&
	       !__atomic_load_n(&p->hung_up, __ATOMIC_SEQ_CST);
}

int pty_next(u32 number)
{
	for (; number < ptys_used(); number++) {
		if (pty_exists(number))
			return number;
	}
	return -1;
}

u64 pty_device(const struct terminal *t)
{
	return SLAVE_MAJOR << 32 |
	       (container_of(t, struct pty, terminal) - process_table->ptys);
}

int pty_attributes(u32 number, struct dk_stream_attributes *a)
{
	const struct pty *p = &process_table->ptys[number];

	memset(a, 0, sizeof(*a));
	a->type = DK_TYPE_CHARACTER;
	a->mode = p->mode;
	a->uid = p->uid;
	a->gid = p->gid;
	a->nlink = 1;
	a->block_size = 1024;
	a->inode = number + 3;
	a->device = DEVICE;
	a->special = SLAVE_MAJOR << 32 | number;
	a->access_time = a->write_time = a->change_time = p->made;
	return 0;
}

int pty_set_attributes(u32 number, const struct dk_stream_attributes *a)
{
	const struct pty_end *end = end_get(number, false);
	bool owner = a->valid & DK_SET_OWNER && a->uid != ~0U;
	bool group = a->valid & DK_SET_GROUP && a->gid != ~0U;
	struct pty *p = end->pty;
	int error = 0;

	pty_lock(end);
	if (process.fsuid && process.fsuid != p->uid)
		error = -EPERM;
	if (owner && process.fsuid && a->uid != p->uid)
		error = -EPERM;
	if (group && process.fsuid && a->gid != p->gid &&
	    a->gid != process.fsgid)
		error = -EPERM;
	if (!error && a->valid & DK_SET_MODE)
		p->mode = a->mode & 07777;
	if (!error && owner)
		p->uid = a->uid;
	if (!error && group)
		p->gid = a->gid;
	pty_unlock(end);
	return error;
}
