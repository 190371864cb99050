// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The synthetic tree: /proc, and the names of /dev that mean the process's own
 * descriptors. What they contain is made in proc.c when they are read.
 *
 * /proc and /dev/pts belong to the libos as a whole: a name in them that is not
 * in the table does not exist. In /dev the table only adds to what the host has.
 */
#include "fs.h"

#include "pty.h"

#include <processes.h>
#include <thread.h>

#define SYNTH_DEVICE 0x14 /* minor, as of a file system without disk */

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) &&
	       (!path[length] || path[length] == '/');
}

bool synth_owns(const char *path)
{
	return is_below(path, "/proc") || is_below(path, "/dev/pts");
}

static bool is_own_device(const char *name, size_t length)
{
	static const char *const names[] = {
		"tty", "stdin", "stdout", "stderr", "fd", "ptmx", "pts",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == length &&
		    !memcmp(names[i], name, length))
			return true;
	return false;
}

/*
 * May a walk of @path come through the synthetic tree? Read as text, so ".."
 * behind a symbolic link is not seen rightly: path_resolve() then decides.
 */
bool synth_covers(const char *path)
{
	bool first_is_dev = false;
	unsigned int depth = 0;
	size_t length;

	for (path += slash_length(path); *path;
	     path += length, path += slash_length(path)) {
		length = component_length(path);
		if (length == 1 && path[0] == '.')
			continue;
		if (length == 2 && path[0] == '.' && path[1] == '.') {
			depth -= depth > 0;
			continue;
		}
		if (depth == 0) {
			if (length == 4 && !memcmp(path, "proc", 4))
				return true;
			first_is_dev = length == 3 && !memcmp(path, "dev", 3);
		} else if (depth == 1 && first_is_dev &&
			   is_own_device(path, length)) {
			return true;
		}
		depth++;
	}
	return false;
}

static bool number_of(const char *text, size_t length, u32 *number)
{
	u64 value = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + text[i] - '0';
		if (value > 0x7fffffff)
			return false;
	}
	*number = value;
	return length > 0 && (text[0] != '0' || length == 1);
}

static bool component_matches(const char *pattern, size_t pattern_length,
			      const char *name, size_t length, u32 *id)
{
	if (pattern_length == 1 && *pattern == '*')
		return number_of(name, length, id);
	return pattern_length == length && !memcmp(pattern, name, length);
}

static bool is_pty(const struct synth_node *node)
{
	return !strcmp(node->path, "/dev/pts/*");
}

static bool is_of_thread(const struct synth_node *node)
{
	return !strncmp(node->path, "/proc/*/task/*", 14);
}

static bool thread_exists(u32 tid)
{
	struct libos_thread *thread = thread_find(tid);

	thread_put(thread);
	return thread;
}

/*
 * In /proc, the process has its number, and, though they are not listed, those
 * of its threads.
 */
static bool is_own(u32 id)
{
	return id == process.pid ||
	       (thread_is_of(id, process_self) && thread_exists(id));
}

#define IDS_MAX 3 /* /proc/PID/task/TID/fd/N */

/* Are the numbers in @node's name a process, a thread of it, and open? */
static bool ids_exist(const struct synth_node *node, const u32 *numbers,
		      unsigned int ids)
{
	struct file *file;

	if (!ids)
		return true;
	if (is_pty(node))
		return pty_exists(numbers[0]);
	if (!is_own(numbers[0]))
		return ids == 1 && node->others && table_find(numbers[0]);
	if (is_of_thread(node) && !thread_exists(numbers[1]))
		return false;
	if (ids == (is_of_thread(node) ? 2 : 1))
		return true;
	file = fd_get(numbers[ids - 1]);
	if (!file)
		return false;
	file_put(file);
	return true;
}

/* @path is absolute, without ".", ".." and doubled slashes. */
const struct synth_node *synth_find(const char *path, u32 *id)
{
	const struct synth_node *node;

	if (strncmp(path, "/proc", 5) && strncmp(path, "/dev/", 5) &&
	    strcmp(path, "/sys"))
		return NULL;
	for (node = synth_tree; node->path; node++) {
		const char *pattern = node->path, *text = path;
		u32 numbers[IDS_MAX + 1] = { 0 };
		unsigned int ids = 0;

		while (*pattern == '/' && *text == '/') {
			size_t a = component_length(++pattern);
			size_t b = component_length(++text);

			if (!component_matches(pattern, a, text, b,
					       &numbers[ids]))
				break;
			ids += *pattern == '*';
			pattern += a;
			text += b;
		}
		if (*pattern || *text)
			continue;
		if (!ids_exist(node, numbers, ids))
			return NULL;
		*id = ids ? numbers[ids - 1] : 0;
		return node;
	}
	return NULL;
}

/* Device number of a character device, as the host writes them. */
static u64 device_of(const struct synth_node *node)
{
	if (!strcmp(node->path, "/dev/tty"))
		return 5ULL << 32;
	return node->type == DK_TYPE_CHARACTER ? 5ULL << 32 | 2 : 0;
}

/* A directory's names: the task has one for each thread. */
static u32 links_of(const struct synth_node *node)
{
	u32 count = 0;

	if (node->type != DK_TYPE_DIRECTORY)
		return 1;
	if (!strcmp(node->path, "/proc/*/task")) {
		lock_acquire(&thread_lock);
		count = thread_count;
		lock_release(&thread_lock);
	}
	return 2 + count;
}

int synth_attributes(const struct synth_node *node, u32 id,
		     struct dk_stream_attributes *attributes)
{
	const struct process_entry *entry = NULL;
	s64 now = process.start_time + clock_now(DK_CLOCK_WALL) -
		  clock_now(DK_CLOCK_BOOT);

	if (is_pty(node))
		return pty_attributes(id, attributes);
	memset(attributes, 0, sizeof(*attributes));
	attributes->type = node->type;
	attributes->mode = node->mode;
	if (!strncmp(node->path, "/proc/*", 7)) {
		/* What is there of others has no other number in its name. */
		if (node->others)
			entry = table_find(id);
		attributes->uid = entry ? entry->euid : process.euid;
		attributes->gid = entry ? entry->egid : process.egid;
	}
	attributes->nlink = links_of(node);
	attributes->block_size = node->type == DK_TYPE_FILE ? 1024 : 4096;
	attributes->inode = (u64)(node - synth_tree + 1) << 32 | id;
	attributes->device = SYNTH_DEVICE;
	attributes->special = device_of(node);
	attributes->access_time = now;
	attributes->write_time = now;
	attributes->change_time = now;
	return 0;
}

/* Length of the text, cut to @length; -EINVAL when it is not a link. */
int synth_read_link(struct path *path, char *buffer, size_t length)
{
	char *target;
	int result;

	if (path->node->type != DK_TYPE_SYMLINK)
		return -EINVAL;
	target = mem_alloc(PATH_MAX);
	if (!target)
		return -ENOMEM;
	result = path->node->target(target, PATH_MAX, path->id);
	if (result > (int)length)
		result = length;
	if (result > 0 && copy_out(buffer, target, result))
		result = -EFAULT;
	mem_free(target);
	return result;
}

/* ---- files: texts ---- */

void text_add(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	for (;;) {
		char *data;

		va_start(args, format);
		length = vsnprintf(text->data + text->length,
				   text->room - text->length, format, args);
		va_end(args);
		if (text->failed || length < 0)
			return;
		if ((size_t)length < text->room - text->length)
			break;
		data = mem_realloc(text->data, 2 * text->room + length);
		if (!data) {
			text->failed = true;
			return;
		}
		text->data = data;
		text->room = 2 * text->room + length;
	}
	text->length += length;
}

/* Found by name again: a descriptor may have been closed meanwhile. */
static const struct synth_node *synth_node_of(struct file *file, u32 *id)
{
	return synth_find(file->path, id);
}

static struct text *text_make(const struct synth_node *node, u32 id)
{
	struct text *text = mem_zalloc(sizeof(*text));

	if (!text)
		return NULL;
	text->id = id;
	text->of_thread = is_of_thread(node);
	text->room = 1024;
	text->data = mem_alloc(text->room);
	if (text->data)
		node->content(text);
	if (!text->data || text->failed) {
		mem_free(text->data);
		mem_free(text);
		return NULL;
	}
	return text;
}

static void text_free(struct text *text)
{
	if (text)
		mem_free(text->data);
	mem_free(text);
}

/*
 * A text is made when it is read from its beginning, as Linux does, so that who
 * seeks back reads how it is then. No lock is held while that happens. Of what
 * is not there any more, the text that was made last stays.
 */
static int text_renew(struct file *file)
{
	const struct synth_node *node;
	struct text *text, *old;
	u32 id;

	node = synth_node_of(file, &id);
	if (!node)
		return file->data ? 0 : -ESRCH;
	text = text_make(node, id);
	if (!text)
		return -ENOMEM;
	lock_acquire(&file->lock);
	old = file->data;
	file->data = text;
	lock_release(&file->lock);
	text_free(old);
	return 0;
}

static s64 synth_read(struct file *file, void *buffer, size_t length,
		      u64 offset)
{
	bool current = offset == DK_OFFSET_CURRENT;
	u64 at = current ? __atomic_load_n(&file->position, __ATOMIC_RELAXED) :
			   offset;
	struct text *text;
	s64 done;

	if (file->type != DK_TYPE_FILE)
		return -EISDIR;
	if (!at || !__atomic_load_n(&file->data, __ATOMIC_RELAXED)) {
		done = text_renew(file);
		if (done)
			return done;
	}
	lock_acquire(&file->lock);
	text = file->data;
	if (current)
		offset = file->position;
	done = offset < text->length ? MIN(length, text->length - offset) : 0;
	if (done && copy_out(buffer, text->data + offset, done))
		done = -EFAULT;
	if (current && done > 0)
		file->position += done;
	lock_release(&file->lock);
	return done;
}

#define STORE_MAX 63

static s64 synth_write(struct file *file, const void *buffer, size_t length,
		       u64 offset)
{
	char text[STORE_MAX + 1] = "";
	const struct synth_node *node;
	s64 done;
	u32 id;

	node = synth_node_of(file, &id);
	if (!node || !node->store)
		return -ESRCH;
	if (copy_in(text, buffer, MIN(length, (size_t)STORE_MAX)))
		return -EFAULT;
	done = node->store(text, length, id);
	if (done > 0 && offset == DK_OFFSET_CURRENT) {
		lock_acquire(&file->lock);
		file->position += done;
		lock_release(&file->lock);
	}
	return done;
}

static s64 synth_seek(struct file *file, s64 offset, int whence)
{
	s64 result;

	lock_acquire(&file->lock);
	if (whence == SEEK_CUR)
		offset += file->position;
	else if (whence != SEEK_SET)
		offset = -1;
	result = offset < 0 ? -EINVAL : offset;
	if (result >= 0)
		file->position = offset;
	lock_release(&file->lock);
	return result;
}

static int synth_get_attributes(struct file *file,
				struct dk_stream_attributes *attributes)
{
	const struct synth_node *node;
	u32 id;

	node = synth_node_of(file, &id);
	return node ? synth_attributes(node, id, attributes) : -ENOENT;
}

u32 synth_process(struct file *file)
{
	static const char top[] = "/proc/";
	const char *name = file->path;
	u32 number = 0;

	/* It may have gone, and so the name is not looked up. */
	if (file->kind != FILE_SYNTHETIC || strncmp(name, top, sizeof(top) - 1))
		return 0;
	name += sizeof(top) - 1;
	return component_matches("*", 1, name, strlen(name), &number) ? number :
									0;
}

/* ---- directories ---- */

/*
 * Where an entry stands must not depend on others: who lists a directory of
 * numbers may close or end what it finds there meanwhile. So a number stands at
 * NUMBERS + itself, behind all that has a name.
 */
#define NUMBERS 0x100

struct listing {
	u8 *buffer;
	size_t length, done;
	u64 skip, cursor;
	bool full;
};

static void list_add(struct listing *list, const char *name, u8 type, u64 inode)
{
	size_t length = strlen(name);
	struct dk_directory_entry *entry;
	size_t room = ALIGN_UP(sizeof(*entry) + length, 8);

	list->cursor++;
	if (list->full || list->cursor <= list->skip)
		return;
	if (list->done + room > list->length) {
		list->full = true;
		return;
	}
	entry = (struct dk_directory_entry *)(list->buffer + list->done);
	entry->inode = inode;
	entry->cursor = list->cursor;
	entry->length = room;
	entry->name_length = length;
	entry->type = type;
	memcpy(entry->name, name, length);
	list->done += room;
}

/* The least of @found, if it is none yet, and @number, if that may be it. */
static int least(int found, int number, int from)
{
	return number >= from && (found < 0 || number < found) ? number : found;
}

static int thread_next(u32 from)
{
	struct libos_thread *t;
	int found = -1;

	lock_acquire(&thread_lock);
	for (t = threads; t; t = t->next) {
		if (t->tid)
			found = least(found, t->tid, from);
	}
	lock_release(&thread_lock);
	return found;
}

static int process_next(u32 from)
{
	struct process_entry *entry;
	int found = -1;
	u32 state;

	for_each_entry(entry) {
		state = entry_state(entry);
		if (state == ENTRY_LIVE || state == ENTRY_ENDED)
			found = least(found, entry->pid, from);
	}
	return found;
}

/* A directory's numbers: @next has the first one that is not less than. */
static void list_numbers(struct listing *list, int (*next)(u32 from),
			 const struct synth_node *node)
{
	u64 inode = (u64)(node - synth_tree + 1) << 32;
	u64 from = list->skip > NUMBERS ? list->skip - NUMBERS : 0;
	char name[16];
	int number;

	while (!list->full && (number = next(from)) >= 0) {
		snprintf(name, sizeof(name), "%u", number);
		list->cursor = NUMBERS + number;
		list_add(list, name, node->type,
			 is_pty(node) ? (u64)number + 3 : inode | number);
		from = number + 1;
	}
}

/* Is @pattern an entry right below @directory? Its name, or NULL. */
static const char *entry_below(const char *pattern, const char *directory)
{
	size_t length = strlen(directory);

	if (strncmp(pattern, directory, length) || pattern[length] != '/')
		return NULL;
	pattern += length + 1;
	return strchr(pattern, '/') ? NULL : pattern;
}

static s64 synth_list(struct file *file, void *buffer, size_t length,
		      u64 *cursor)
{
	struct listing list = { buffer, length, 0, *cursor, 0, false };
	const struct synth_node *directory, *node, *numbers = NULL;
	const char *name;
	bool foreign;
	u32 id;

	directory = synth_node_of(file, &id);
	if (!directory)
		return -ENOENT;
	if (directory->type != DK_TYPE_DIRECTORY)
		return -ENOTDIR;
	list_add(&list, ".", DK_TYPE_DIRECTORY,
		 (u64)(directory - synth_tree + 1) << 32 | id);
	list_add(&list, "..", DK_TYPE_DIRECTORY, 1);
	foreign = directory->others && !is_own(id);
	for (node = synth_tree; node->path; node++) {
		name = entry_below(node->path, directory->path);
		if (!name || (foreign && !node->others))
			continue;
		if (!strcmp(name, "*"))
			numbers = node;
		else
			list_add(&list, name, node->type,
				 (u64)(node - synth_tree + 1) << 32);
	}
	if (numbers)
		list_numbers(&list,
			     !strcmp(directory->path, "/proc/*/task") ?
				     thread_next :
			     !strcmp(directory->path, "/proc") ? process_next :
			     is_pty(numbers)		       ? pty_next :
								 fd_next,
			     numbers);
	if (list.full && !list.done)
		return -EINVAL;
	if (list.done) {
		struct dk_directory_entry *last = buffer;

		while ((u8 *)last + last->length < list.buffer + list.done)
			last = (void *)((u8 *)last + last->length);
		*cursor = last->cursor;
	}
	return list.done;
}

static void synth_release(struct file *file)
{
	text_free(file->data);
}

static const struct file_ops synth_ops = {
	.read = synth_read,
	.write = synth_write,
	.seek = synth_seek,
	.attributes = synth_get_attributes,
	.list = synth_list,
	.release = synth_release,
};

static int open_text(struct path *path, u32 flags, struct file **out)
{
	const struct synth_node *node = path->node;
	struct file *file;

	if (access_of_flags(flags) & FILE_WRITE && !node->store)
		return node->type == DK_TYPE_DIRECTORY ? -EISDIR : -EACCES;
	file = file_new(FILE_SYNTHETIC, &synth_ops, access_of_flags(flags),
			flags);
	if (!file)
		return -ENOMEM;
	file->type = node->type;
	file->path = mem_alloc(path->length - URI_PREFIX_LENGTH + 1);
	if (!file->path) {
		file_put(file);
		return -ENOMEM;
	}
	memcpy(file->path, path_text(path),
	       path->length - URI_PREFIX_LENGTH + 1);
	*out = file;
	return 0;
}

/* /dev/tty */
static int open_terminal(u32 flags, struct file **out)
{
	int number;

	if (terminal_mine() != &process_table->console)
		return pty_open_mine(flags, out);
	for (number = 0; number < 3; number++)
		if (console_is_terminal(number) &&
		    !console_open(number, flags, out))
			return 0;
	return -ENXIO;
}

/* Open what path->node says, with O_* @flags. */
int synth_open(struct path *path, u32 flags, struct file **out)
{
	const struct synth_node *node = path->node;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (node->type == DK_TYPE_SYMLINK) {
		if (path->flags & PATH_NOFOLLOW)
			return -ELOOP;
		return fd_reopen(path->id, flags, out);
	}
	if (flags & O_DIRECTORY && node->type != DK_TYPE_DIRECTORY)
		return -ENOTDIR;
	if (is_pty(node))
		return pty_open_slave(path->id, flags, path_text(path), out);
	if (node->type == DK_TYPE_CHARACTER)
		return strcmp(node->path, "/dev/tty") ?
			       pty_open_master(flags, out) :
			       open_terminal(flags, out);
	return open_text(path, flags, out);
}
