// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The table of descriptors.
 *
 * Slots stand in segments that double in size (64, 64, 128, 256, ...) and are
 * not moved or freed while the table lives: a slot's address is good without a
 * lock. A slot is
 *
 *	0			free
 *	SLOT_RESERVED		a number given out, its file not yet there
 *	pointer | SLOT_CLOEXEC	open
 *
 * Looking up takes no lock (see file.c); changes take the table's.
 */
#include "fs.h"
#include "table.h"

#include <linux/sched.h>
#include <thread.h>

#define SLOT_CLOEXEC 0x1UL
#define SLOT_RESERVED 0x2UL

static inline struct file *slot_file(uintptr_t slot)
{
	return (struct file *)(slot & ~(SLOT_CLOEXEC | SLOT_RESERVED));
}

static inline unsigned int segment_of(unsigned int fd)
{
	return fd < FD_FIRST ? 0 : 26 - __builtin_clz(fd);
}

static inline unsigned int segment_start(unsigned int segment)
{
	return segment ? FD_FIRST << (segment - 1) : 0;
}

/* The place of @fd, or NULL where the table has never reached. */
static uintptr_t *fd_slot(struct fd_table *table, unsigned int fd)
{
	unsigned int segment;
	uintptr_t *slots;

	if (likely(fd < FD_FIRST))
		return &table->first[fd];
	if (fd >= FD_MAX)
		return NULL;
	segment = segment_of(fd);
	slots = __atomic_load_n(&table->segments[segment], __ATOMIC_ACQUIRE);
	return slots ? slots + (fd - segment_start(segment)) : NULL;
}

static size_t segment_bytes(unsigned int segment)
{
	return (FD_FIRST << (segment ? segment - 1 : 0)) * sizeof(uintptr_t);
}

/* The same, making room. table->lock is held. */
static uintptr_t *fd_slot_make(struct fd_table *table, unsigned int fd)
{
	uintptr_t *slot = fd_slot(table, fd), *slots;
	unsigned int segment;

	if (slot || fd >= FD_MAX)
		return slot;
	segment = segment_of(fd);
	slots = mem_zalloc(segment_bytes(segment));
	if (!slots)
		return NULL;
	__atomic_store_n(&table->segments[segment], slots, __ATOMIC_RELEASE);
	return slots + (fd - segment_start(segment));
}

struct fd_table *fd_table_new(void)
{
	struct fd_table *table = mem_zalloc(sizeof(*table));

	if (table)
		table->refs = 1;
	return table;
}

/* Of a new thread: everything is shared with its maker. */
void fs_share(struct libos_thread *t)
{
	struct libos_thread *me = self();

	__atomic_add_fetch(&me->files->refs, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&me->fs->refs, 1, __ATOMIC_RELAXED);
	t->files = me->files;
	t->fs = me->fs;
}

/*
 * A thread that was to get its share will not run, or has ended. The share is
 * given back when it is nobody's any more: a process that is cloned meanwhile
 * must not do it once more.
 */
void fs_unshare(struct libos_thread *t)
{
	struct fd_table *files = t->files;
	struct fs_context *fs = t->fs;

	__atomic_store_n(&t->files, NULL, __ATOMIC_SEQ_CST);
	__atomic_store_n(&t->fs, NULL, __ATOMIC_SEQ_CST);
	fs_release(files, fs);
}

void fs_release(struct fd_table *table, struct fs_context *fs)
{
	unsigned int i;

	if (fs && !__atomic_sub_fetch(&fs->refs, 1, __ATOMIC_ACQ_REL)) {
		file_put(fs->directory);
		mem_free(fs);
	}
	if (!table || __atomic_sub_fetch(&table->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (i = 0; i < table->end; i++) {
		uintptr_t *slot = fd_slot(table, i);

		if (slot && slot_file(*slot))
			file_put(slot_file(*slot));
	}
	for (i = 1; i < FD_SEGMENTS; i++)
		mem_free(table->segments[i]);
	mem_free(table);
}

void fs_abandon(struct fd_table *table, struct fs_context *fs)
{
	table->refs = 1;
	fs->refs = 1;
	fs_release(table, fs);
}

/* All but what is being opened, as Linux does. */
static bool table_copy(struct fd_table *to, struct fd_table *from)
{
	unsigned int i;
	uintptr_t *slot, *copy, value;
	bool good = true;

	lock_acquire(&from->lock);
	for (i = 0; i < from->end && good; i++) {
		slot = fd_slot(from, i);
		value = slot ? *slot : 0;
		if (!slot_file(value))
			continue;
		copy = fd_slot_make(to, i);
		good = copy;
		if (!copy || !file_try_get(slot_file(value)))
			continue;
		*copy = value;
		to->end = i + 1;
	}
	to->lowest_free = from->lowest_free;
	lock_release(&from->lock);
	/* Numbers that are only reserved are free here. */
	for (i = 0; i < to->lowest_free; i++) {
		slot = fd_slot(to, i);
		if (!slot || !*slot)
			to->lowest_free = i;
	}
	return good;
}

void fs_table_forked(void)
{
	struct fd_table *table = self()->files;
	unsigned int i;

	for (i = 0; i < table->end; i++) {
		uintptr_t *slot = fd_slot(table, i);

		if (!slot || !(*slot & SLOT_RESERVED))
			continue;
		*slot = 0;
		table->lowest_free = MIN(table->lowest_free, i);
	}
}

/* A copy of the caller's; NULL: no memory */
static struct fd_table *files_copy(void)
{
	struct fd_table *files = fd_table_new();

	if (files && !table_copy(files, self()->files)) {
		fs_release(files, NULL);
		return NULL;
	}
	return files;
}

static struct fs_context *context_copy(void)
{
	struct fs_context *fs = self()->fs, *copy = mem_zalloc(sizeof(*copy));

	if (!copy)
		return NULL;
	copy->refs = 1;
	copy->umask = __atomic_load_n(&fs->umask, __ATOMIC_RELAXED);
	copy->directory = directory_get();
	return copy;
}

long fs_copy(struct fd_table **files, struct fs_context **fs)
{
	*files = files_copy();
	*fs = context_copy();
	if (*files && *fs)
		return 0;
	fs_release(*files, *fs);
	return -ENOMEM;
}

/*
 * What the caller shares with other threads is its own from now on. 1 if it was
 * that already, -ENOMEM
 */
static long files_unshare(void)
{
	struct libos_thread *me = self();
	struct fd_table *shared = me->files, *own;

	if (__atomic_load_n(&shared->refs, __ATOMIC_ACQUIRE) == 1)
		return 1;
	own = files_copy();
	if (!own)
		return -ENOMEM;
	me->files = own;
	fs_release(shared, NULL);
	return 0;
}

static long context_unshare(void)
{
	struct libos_thread *me = self();
	struct fs_context *shared = me->fs, *own;

	if (__atomic_load_n(&shared->refs, __ATOMIC_ACQUIRE) == 1)
		return 0;
	own = context_copy();
	if (!own)
		return -ENOMEM;
	me->fs = own;
	fs_release(NULL, shared);
	return 0;
}

#define UNSHARE_NEW                                                       \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |    \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
/* What a process with one thread shares with nobody. */
#define UNSHARE_ALONE (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)

SYSCALL1(unshare, u64, flags)
{
	long r = 0;

	if (flags & ~(u64)(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM |
			   UNSHARE_NEW | UNSHARE_ALONE))
		return -EINVAL;
	if (flags & UNSHARE_ALONE && thread_count > 1)
		return -EINVAL;
	if (flags & UNSHARE_NEW)
		return -EPERM;
	if (flags & CLONE_FS)
		r = context_unshare();
	if (!r && flags & CLONE_FILES)
		r = files_unshare();
	return r < 0 ? r : 0;
}

unsigned int fd_limit(void)
{
	u64 limit = process.limits[LIMIT_NOFILE].soft;

	return limit < FD_MAX ? limit : FD_MAX;
}

/* The open file @fd with a reference, or NULL. */
struct file *fd_get(int fd)
{
	uintptr_t *slot = fd_slot(self()->files, fd);
	struct file *file;

	if (!slot)
		return NULL;
	for (;;) {
		file = slot_file(__atomic_load_n(slot, __ATOMIC_ACQUIRE));
		if (!file)
			return NULL;
		if (!file_try_get(file))
			continue;
		if (likely(slot_file(__atomic_load_n(slot, __ATOMIC_ACQUIRE)) ==
			   file))
			return file;
		file_put(file);
	}
}

/*
 * Reserve the lowest free number that is not below @lowest: -EMFILE, -ENOMEM.
 * fd_install() or fd_abandon() follows.
 */
int fd_allocate(unsigned int lowest, bool close_on_exec)
{
	struct fd_table *table = self()->files;
	unsigned int limit = fd_limit();
	uintptr_t *slot;
	unsigned int fd;

	lock_acquire(&table->lock);
	fd = MAX(lowest, table->lowest_free);
	for (; fd < limit; fd++) {
		slot = fd_slot_make(table, fd);
		if (!slot) {
			lock_release(&table->lock);
			return -ENOMEM;
		}
		if (!*slot)
			break;
	}
	if (fd >= limit) {
		lock_release(&table->lock);
		return -EMFILE;
	}
	__atomic_store_n(slot,
			 SLOT_RESERVED | (close_on_exec ? SLOT_CLOEXEC : 0),
			 __ATOMIC_RELAXED);
	if (lowest <= table->lowest_free)
		table->lowest_free = fd + 1;
	if (fd >= table->end)
		table->end = fd + 1;
	lock_release(&table->lock);
	return fd;
}

/* Takes over the caller's reference to @file. */
void fd_install(int fd, struct file *file)
{
	uintptr_t *slot = fd_slot(self()->files, fd);

	__atomic_store_n(slot, (uintptr_t)file | (*slot & SLOT_CLOEXEC),
			 __ATOMIC_RELEASE);
}

static void slot_free(struct fd_table *table, uintptr_t *slot, unsigned int fd)
{
	__atomic_store_n(slot, 0, __ATOMIC_RELEASE);
	if (fd < table->lowest_free)
		table->lowest_free = fd;
}

void fd_abandon(int fd)
{
	struct fd_table *table = self()->files;

	lock_acquire(&table->lock);
	slot_free(table, fd_slot(table, fd), fd);
	lock_release(&table->lock);
}

/* Give @file the lowest number; the reference is used up in any case. */
int fd_open(struct file *file, bool close_on_exec)
{
	int fd = fd_allocate(0, close_on_exec);

	if (fd < 0)
		file_put(file);
	else
		fd_install(fd, file);
	return fd;
}

/* Put @file at @fd, closing what is there; uses up the reference. */
int fd_replace(int fd, struct file *file, bool close_on_exec)
{
	struct fd_table *table = self()->files;
	struct file *old;
	uintptr_t *slot;

	lock_acquire(&table->lock);
	slot = fd_slot_make(table, fd);
	if (!slot || *slot & SLOT_RESERVED) {
		lock_release(&table->lock);
		file_put(file);
		return slot ? -EBUSY : -EMFILE;
	}
	old = slot_file(*slot);
	__atomic_store_n(slot,
			 (uintptr_t)file | (close_on_exec ? SLOT_CLOEXEC : 0),
			 __ATOMIC_RELEASE);
	if ((unsigned int)fd >= table->end)
		table->end = fd + 1;
	lock_release(&table->lock);
	if (old) {
		lock_closed(old);
		file_put(old);
	}
	return fd;
}

/* Remove @fd from the table and return what was there, or NULL. */
static struct file *fd_take(struct fd_table *table, unsigned int fd)
{
	uintptr_t *slot = fd_slot(table, fd);
	struct file *file = NULL;

	if (!slot)
		return NULL;
	lock_acquire(&table->lock);
	if (!(*slot & SLOT_RESERVED))
		file = slot_file(*slot);
	if (file)
		slot_free(table, slot, fd);
	lock_release(&table->lock);
	return file;
}

int fd_close(int fd)
{
	struct file *file = fd_take(self()->files, fd);

	if (!file)
		return -EBADF;
	lock_closed(file);
	file_put(file);
	return 0;
}

/* Get (@set < 0) or set the close-on-exec flag. */
int fd_close_on_exec(int fd, int set)
{
	struct fd_table *table = self()->files;
	uintptr_t *slot = fd_slot(table, fd);
	int result = -EBADF;

	if (!slot)
		return -EBADF;
	lock_acquire(&table->lock);
	if (slot_file(*slot)) {
		result = *slot & SLOT_CLOEXEC;
		if (set >= 0)
			__atomic_store_n(slot,
					 (*slot & ~SLOT_CLOEXEC) |
						 (set ? SLOT_CLOEXEC : 0),
					 __ATOMIC_RELEASE);
	}
	lock_release(&table->lock);
	return result;
}

/* The first open descriptor that is not below @from, or -1. */
int fd_next(unsigned int from)
{
	struct fd_table *table = self()->files;
	unsigned int end = __atomic_load_n(&table->end, __ATOMIC_RELAXED);
	uintptr_t *slot;

	for (; from < end; from++) {
		slot = fd_slot(table, from);
		if (slot && slot_file(__atomic_load_n(slot, __ATOMIC_RELAXED)))
			return from;
	}
	return -1;
}

/* Is what is open as @fd, a moment ago, of @kind? Nobody is kept from closing. */
bool fd_has_kind(int fd, u8 kind)
{
	uintptr_t *slot = fd_slot(self()->files, fd);
	struct file *file;

	/* The memory of descriptions stays descriptions: file.c */
	file = slot ? slot_file(__atomic_load_n(slot, __ATOMIC_RELAXED)) : NULL;
	return file && __atomic_load_n(&file->kind, __ATOMIC_RELAXED) == kind;
}

void fs_exec_close(void)
{
	int fd;

	for (fd = fd_next(0); fd >= 0; fd = fd_next(fd + 1))
		if (fd_close_on_exec(fd, -1) > 0)
			fd_close(fd);
}

#define CLOSE_RANGE_UNSHARE 0x2
#define CLOSE_RANGE_CLOEXEC 0x4

SYSCALL3(close_range, unsigned int, first, unsigned int, last, unsigned int,
	 flags)
{
	struct file *file;
	long mine = 1;
	int fd;

	if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) ||
	    first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE)
		mine = files_unshare();
	if (mine < 0)
		return mine;
	if (first >= FD_MAX)
		return 0;
	for (fd = fd_next(first); fd >= 0 && (unsigned int)fd <= last;
	     fd = fd_next(fd + 1)) {
		if (flags & CLOSE_RANGE_CLOEXEC) {
			fd_close_on_exec(fd, 1);
		} else if (mine) {
			fd_close(fd);
		} else {
			/* others have it: that takes no lock away */
			file = fd_take(self()->files, fd);
			if (file)
				file_put(file);
		}
	}
	return 0;
}

SYSCALL1(close, int, fd)
{
	return fd_close(fd);
}

struct file *fs_get(int fd)
{
	struct file *file = fd_get(fd);

	if (file && file->kind == FILE_PATH) {
		file_put(file);
		return NULL;
	}
	return file;
}

struct file *fs_ref(struct file *file)
{
	file_try_get(file);
	return file;
}

void fs_put(struct file *file)
{
	file_put(file);
}
