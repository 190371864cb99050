// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Listing directories; the working directory and the umask.
 */
#include "fs.h"

/* ---- getdents ---- */

struct linux_dirent64 {
	u64 d_ino;
	s64 d_off;
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};

struct linux_dirent {
	u64 d_ino;
	u64 d_off;
	u16 d_reclen;
	char d_name[]; /* then a zero, and the type as the last byte */
};

static u8 linux_type(u32 type)
{
	static const u8 types[] = {
		[DK_TYPE_FILE] = 8,	[DK_TYPE_DIRECTORY] = 4,
		[DK_TYPE_SYMLINK] = 10, [DK_TYPE_CHARACTER] = 2,
		[DK_TYPE_BLOCK] = 6,	[DK_TYPE_FIFO] = 1,
		[DK_TYPE_SOCKET] = 12,
	};

	return type < ARRAY_SIZE(types) ? types[type] : 0;
}

/* One record in the program's form; its length. @to has room for the longest. */
static size_t convert(const struct dk_directory_entry *entry, u8 *to, bool wide)
{
	size_t name = entry->name_length, length;

	if (wide) {
		struct linux_dirent64 *d = (void *)to;

		length = ALIGN_UP(offsetof(struct linux_dirent64, d_name) +
					  name + 1,
				  8);
		memset(to + length - 8, 0, 8);
		d->d_ino = entry->inode;
		d->d_off = entry->cursor;
		d->d_reclen = length;
		d->d_type = linux_type(entry->type);
		memcpy(d->d_name, entry->name, name);
	} else {
		struct linux_dirent *d = (void *)to;

		length = ALIGN_UP(offsetof(struct linux_dirent, d_name) + name +
					  2,
				  8);
		memset(to + length - 8, 0, 8);
		d->d_ino = entry->inode;
		d->d_off = entry->cursor;
		d->d_reclen = length;
		memcpy(d->d_name, entry->name, name);
		to[length - 1] = linux_type(entry->type);
	}
	return length;
}

#define SMALL_LIST 512

/* What was taken over before a fault counts, as in Linux. */
static s64 faulted(size_t filled)
{
	return filled ? (s64)filled : -EFAULT;
}

/*
 * The host's records are at least as long as Linux's: it puts them into the
 * program's buffer, and they are converted there, front to back. A small
 * buffer, which Linux's record may fit and the host's not, gets them through
 * one of ours, @own, and the position ends behind the last that did fit. So
 * does what the libos lists itself, which must not fault while it does.
 */
static s64 list(struct file *file, u8 *to, size_t size, bool wide, u8 *own,
		size_t own_size)
{
	union {
		struct dk_directory_entry entry;
		u8 room[sizeof(struct dk_directory_entry) + NAME_MAX + 1];
	} from;
	u8 record[sizeof(struct linux_dirent64) + NAME_MAX + 16]
		__attribute__((aligned(8)));
	const u8 *at = own ? own : to, *end;
	size_t filled = 0, length;
	u64 cursor = file->position;
	s64 done;

	done = file->ops->list(file, (void *)at, own ? own_size : size,
			       &cursor);
	if (done <= 0)
		return done == -ERANGE ? -EINVAL : done;
	for (end = at + done; at < end; at += from.entry.length) {
		if (copy_in(&from, at, sizeof(from.entry)))
			return faulted(filled);
		if (from.entry.name_length > NAME_MAX)
			return -EIO;
		if (copy_in(from.entry.name, at + sizeof(from.entry),
			    from.entry.name_length))
			return faulted(filled);
		length = convert(&from.entry, record, wide);
		if (filled + length > size)
			return filled ? (s64)filled : -EINVAL;
		if (user_write(to + filled, record, length))
			return faulted(filled);
		filled += length;
		file->position = from.entry.cursor;
	}
	return filled;
}

static s64 list_through(struct file *file, u8 *to, size_t size, bool wide)
{
	u8 small[SMALL_LIST] __attribute__((aligned(8)));
	bool synthetic = file->kind == FILE_SYNTHETIC;
	u8 *own = NULL;
	s64 result;

	if (synthetic)
		own = mem_alloc(PAGE_SIZE);
	else if (size < SMALL_LIST)
		own = small;
	if (synthetic && !own)
		return -ENOMEM;
	lock_acquire(&file->lock);
	result = list(file, to, size, wide, own,
		      synthetic ? PAGE_SIZE : SMALL_LIST);
	lock_release(&file->lock);
	if (synthetic)
		mem_free(own);
	return result;
}

static long list_fd(int fd, void *to, size_t size, bool wide)
{
	struct file *file = fs_get(fd);
	size_t room = user_room(to, size);
	s64 result = -ENOTDIR;

	if (!file)
		return -EBADF;
	if (size && !room)
		result = -EFAULT;
	else if (file->ops->list && file_type(file) == DK_TYPE_DIRECTORY)
		result = list_through(file, to, room, wide);
	file_put(file);
	return result;
}

SYSCALL3(getdents64, int, fd, void *, to, u32, size)
{
	return list_fd(fd, to, size, true);
}

SYSCALL3(getdents, int, fd, void *, to, u32, size)
{
	return list_fd(fd, to, size, false);
}

/* ---- working directory ---- */

struct file *directory_get(void)
{
	struct fs_context *fs = self()->fs;
	struct file *file;

	lock_acquire(&fs->lock);
	file = fs_ref(fs->directory);
	lock_release(&fs->lock);
	return file;
}

/*
 * May the caller be in @file, which is a directory's name without links? If so
 * that becomes the working directory. Uses up the reference.
 */
static int change_directory(struct file *file)
{
	struct dk_stream_attributes attributes;
	struct fs_context *fs = self()->fs;
	struct file *old;
	int error;

	error = file_attributes(file, &attributes);
	if (!error && attributes.type != DK_TYPE_DIRECTORY)
		error = -ENOTDIR;
	if (!error)
		error = permission_of(&attributes, 1, process.fsuid,
				      process.fsgid);
	if (error) {
		file_put(file);
		return error;
	}
	lock_acquire(&fs->lock);
	old = fs->directory;
	fs->directory = file;
	lock_release(&fs->lock);
	file_put(old);
	return 0;
}

/*
 * What is already open stays what it is, whatever its name leads to by now. The
 * name is only right if it still does, which is seen at the first use.
 */
static long change_to_open(int fd, long error)
{
	struct file *file = fd_get(fd), *directory = NULL;
	struct path path;

	if (!file)
		return error;
	error = -ENOTDIR;
	if (file->path && file_type(file) == DK_TYPE_DIRECTORY) {
		file_follow(file);
		error = path_set(&path, file_name(file), 0);
	}
	if (!error && path_resolve(&path))
		error = path_set(&path, file_name(file), 0);
	if (!error && file->handle == DK_INVALID_HANDLE)
		error = name_open(&path, O_PATH | O_DIRECTORY, &directory);
	else if (!error)
		error = name_share(file, &path, &directory);
	file_put(file);
	return error ? error : change_directory(directory);
}

SYSCALL1(chdir, const char *, name)
{
	struct file *file;
	struct path path;
	int error;

	error = path_get(AT_FDCWD, name, 0, &path);
	if (!error)
		error = path_resolve(&path);
	if (!error && path.node && path.node->magic)
		return change_to_open(path.id, -ENOENT);
	if (!error)
		error = name_open(&path, O_PATH | O_DIRECTORY, &file);
	return error ? error : change_directory(file);
}

SYSCALL1(fchdir, int, fd)
{
	return change_to_open(fd, -EBADF);
}

SYSCALL2(getcwd, char *, to, size_t, size)
{
	char directory[PATH_MAX];
	int length = directory_copy(directory, sizeof(directory));

	if (length < 0)
		return length;
	if ((size_t)length + 1 > size)
		return -ERANGE;
	return user_write(to, directory, length + 1) ? -EFAULT : length + 1;
}

/* The libos is not allowed to change the sandbox's root. */
SYSCALL1(chroot, const char *, name)
{
	struct dk_stream_attributes attributes;
	struct path path;
	int error;

	error = path_get(AT_FDCWD, name, 0, &path);
	if (!error)
		error = path_attributes(&path, &attributes);
	if (!error && attributes.type != DK_TYPE_DIRECTORY)
		error = -ENOTDIR;
	return error ? error : -EPERM;
}

SYSCALL1(umask, u32, mask)
{
	return __atomic_exchange_n(&self()->fs->umask, mask & 0777,
				   __ATOMIC_RELAXED);
}
