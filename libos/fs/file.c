// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Open file descriptions: memory and reference counts.
 *
 * fd_get() reads a slot of the table and then counts the description up,
 * without a lock between the two. It may be released in that moment, so the
 * memory of descriptions stays descriptions for ever: a free one has a count
 * of zero, which cannot be counted up, and one that is in use again for
 * something else is noticed because the slot no longer names it.
 *
 * Each thread has some at hand, so that it needs no lock for most.
 */
#include "fs.h"

#define FILES_AT_ONCE (4 * PAGE_SIZE / sizeof(struct file))
#define FILES_AT_HAND 4U /* a thread's own, at most twice as many */

static struct {
	struct lock lock;
	struct file *first;
} free_files;

/* Move up to @n from one list to another; how many. free_files.lock is held. */
static u32 move(struct file **from, struct file **to, u32 n)
{
	struct file *file;
	u32 done;

	for (done = 0; done < n && *from; done++) {
		file = *from;
		*from = file->next_free;
		file->next_free = *to;
		*to = file;
	}
	return done;
}

void fs_return(struct libos_thread *t)
{
	lock_acquire(&free_files.lock);
	move(&t->free_files, &free_files.first, UINT32_MAX);
	lock_release(&free_files.lock);
	t->free_file_count = 0;
	waiter_drop(t);
}

static struct file *file_memory(void)
{
	struct libos_thread *t = self();
	struct file *file;
	size_t i;

	if (!t->free_files) {
		lock_acquire(&free_files.lock);
		t->free_file_count =
			move(&free_files.first, &t->free_files, FILES_AT_HAND);
		lock_release(&free_files.lock);
	}
	file = t->free_files;
	if (file) {
		t->free_files = file->next_free;
		t->free_file_count--;
		return file;
	}

	file = mem_alloc_pages(4 * PAGE_SIZE);
	if (!file)
		return NULL;
	lock_acquire(&free_files.lock);
	for (i = 1; i < FILES_AT_ONCE; i++) {
		file[i].next_free = free_files.first;
		free_files.first = &file[i];
	}
	lock_release(&free_files.lock);
	return file;
}

u8 access_of_flags(u32 flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return FILE_READ;
	case O_WRONLY:
		return FILE_WRITE;
	case O_RDWR:
		return FILE_READ | FILE_WRITE;
	default:
		return 0;
	}
}

/* A description with one reference, or NULL when there is no memory. */
struct file *file_new(u8 kind, const struct file_ops *ops, u8 access, u32 flags)
{
	struct file *file = file_memory();

	if (!file)
		return NULL;
	file->flags = flags &
		      ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	file->kind = kind;
	file->access = access;
	file->type = 0;
	file->no_link = false;
	file->ops = ops;
	file->handle = DK_INVALID_HANDLE;
	file->path = NULL;
	file->checked = 0;
	file->name = NULL;
	file->names = NULL;
	file->data = NULL;
	file->position = 0;
	file->watched = NULL;
	file->event = NULL;
	__atomic_store_n(&file->refs, 1, __ATOMIC_RELEASE);
	return file;
}

bool file_try_get(struct file *file)
{
	u32 refs = __atomic_load_n(&file->refs, __ATOMIC_RELAXED);

	do {
		if (!refs)
			return false;
	} while (!__atomic_compare_exchange_n(&file->refs, &refs, refs + 1,
					      true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

/*
 * Give @file another name. Those that it had stay, for somebody may be reading
 * them; when it gets one back, that is used again. -ENOMEM
 */
int file_rename(struct file *file, const char *text)
{
	size_t size = strlen(text) + 1;
	struct file_name *name;

	lock_acquire(&file->lock);
	for (name = file->names; name; name = name->next)
		if (!strcmp(name->text, text))
			break;
	if (!name) {
		name = mem_alloc(sizeof(*name) + size);
		if (!name) {
			lock_release(&file->lock);
			return -ENOMEM;
		}
		memcpy(name->text, text, size);
		name->next = file->names;
		file->names = name;
	}
	__atomic_store_n(&file->name, name, __ATOMIC_RELEASE);
	lock_release(&file->lock);
	return 0;
}

static void free_names(struct file *file)
{
	struct file_name *name = file->names, *next;

	for (; name; name = next) {
		next = name->next;
		mem_free(name);
	}
	mem_free(file->path);
}

void file_put(struct file *file)
{
	struct libos_thread *t = self();

	if (__atomic_sub_fetch(&file->refs, 1, __ATOMIC_ACQ_REL))
		return;

	if (file->watched)
		epoll_forget(file);
	stream_event_forget(file);
	if (file->ops->release)
		file->ops->release(file);
	if (file->handle != DK_INVALID_HANDLE)
		DkObjectClose(file->handle);
	free_names(file);

	file->next_free = t->free_files;
	t->free_files = file;
	if (++t->free_file_count < 2 * FILES_AT_HAND)
		return;
	lock_acquire(&free_files.lock);
	t->free_file_count -=
		move(&t->free_files, &free_files.first, FILES_AT_HAND);
	lock_release(&free_files.lock);
}
