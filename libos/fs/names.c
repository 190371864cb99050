// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Making, removing and renaming: mkdir, rmdir, unlink, rename, link, symlink,
 * mknod; and readlink.
 */
#include "fs.h"

static bool is_dot(const struct path *path, const char *dots)
{
	const char *end = path->uri + path->length, *start;
	size_t length = strlen(dots);

	while (end[-1] == '/' && end > path->uri + URI_PREFIX_LENGTH + 1)
		end--;
	for (start = end; start[-1] != '/'; start--)
		;
	return (size_t)(end - start) == length && !memcmp(start, dots, length);
}

static bool is_dots(const struct path *path)
{
	return is_dot(path, ".") || is_dot(path, "..");
}

/*
 * Is the way to the "." or ".." of @path there? That is said before what cannot
 * be done to these. What the rules hide may be there.
 */
static int check_way(struct path *path)
{
	struct dk_stream_attributes attributes;
	int error = path->node ? 0 : host_attributes(path, &attributes);

	return error == -EACCES ? 0 : error;
}

static bool is_root(const struct path *path)
{
	const char *text = path->uri + URI_PREFIX_LENGTH;

	return !text[slash_length(text)];
}

SYSCALL3(mkdirat, int, dirfd, const char *, name, u32, mode)
{
	struct path path;
	DK_HANDLE handle;
	u64 options;
	int error;

	error = path_get(dirfd, name, PATH_NOFOLLOW, &path);
	if (error)
		return error;
	if (path.node || is_root(&path))
		return -EEXIST;
	options = DK_OPTION_DIRECTORY |
		  DK_OPTION_MODE(mode & ~self()->fs->umask & 01777);
	error = errno_of(DkStreamOpen(path.uri, path.length, 0,
				      DK_OPEN_CREATE_NEW, options, &handle));
	if (!error)
		DkObjectClose(handle);
	return error;
}

SYSCALL2(mkdir, const char *, name, u32, mode)
{
	return do_mkdirat(AT_FDCWD, name, mode);
}

static long remove_at(int dirfd, const char *name, u64 how)
{
	struct path path;
	int error;

	error = path_get(dirfd, name, PATH_NOFOLLOW, &path);
	if (error)
		return error;
	if (is_root(&path))
		return how == DK_DELETE_DIRECTORY ? -EBUSY : -EISDIR;
	if (is_dots(&path)) {
		error = check_way(&path);
		return error			  ? error :
		       how != DK_DELETE_DIRECTORY ? -EISDIR :
		       is_dot(&path, ".")	  ? -EINVAL :
						    -ENOTEMPTY;
	}
	if (path.node)
		return -EPERM;
	error = errno_of(DkStreamDelete(path.uri, path.length, how));
	if (!error && how == DK_DELETE_DIRECTORY)
		moves_own(dirfd, &path, moves_happened());
	return error;
}

SYSCALL3(unlinkat, int, dirfd, const char *, name, u32, flags)
{
	if (flags & ~(u32)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dirfd, name,
			 flags & AT_REMOVEDIR ? DK_DELETE_DIRECTORY :
						DK_DELETE_FILE);
}

SYSCALL1(unlink, const char *, name)
{
	return remove_at(AT_FDCWD, name, DK_DELETE_FILE);
}

SYSCALL1(rmdir, const char *, name)
{
	return remove_at(AT_FDCWD, name, DK_DELETE_DIRECTORY);
}

#define RENAME_NOREPLACE 0x1
#define RENAME_EXCHANGE 0x2

static bool cannot_be_renamed(const struct path *path)
{
	return is_root(path) || is_dots(path);
}

/* Where a directory is, and where it will be, without links and slashes. */
struct renaming {
	struct path from, to;
};

static bool name_settle(struct path *to, const struct path *from)
{
	memcpy(to, from, sizeof(*to));
	while (to->length > URI_PREFIX_LENGTH + 1 &&
	       to->uri[to->length - 1] == '/')
		to->uri[--to->length] = 0;
	return !path_resolve(to);
}

/*
 * What this process has open by the name @from, as far as it is what has moved,
 * is called @to from now on: in /proc/self/fd, and where it is opened again.
 */
static void files_renamed(struct path *from, struct path *to,
			  const struct dk_stream_attributes *moved)
{
	struct dk_stream_attributes mine;
	struct file *file;
	int fd;

	for (fd = fd_next(0); fd >= 0; fd = fd_next(fd + 1)) {
		/* Of a pipe, one reference too many would be felt. */
		file = fd_has_kind(fd, FILE_HOST) ? fd_get(fd) : NULL;
		if (!file)
			continue;
		if (file->kind == FILE_HOST && file->path &&
		    !strcmp(file_name(file), path_text(from)) &&
		    !file_attributes(file, &mine) &&
		    mine.inode == moved->inode && mine.device == moved->device)
			file_rename(file, path_text(to));
		file_put(file);
	}
}

static long rename_noted(int from_fd, struct path *from, int to_fd,
			 struct path *to, u64 flags)
{
	bool exchange = flags & DK_RENAME_EXCHANGE, known = false;
	struct dk_stream_attributes attributes = { 0 }, other = { 0 };
	struct renaming *names = NULL;
	long error;
	u32 count;

	host_attributes(from, &attributes);
	if (exchange)
		host_attributes(to, &other);
	if (exchange || attributes.type == DK_TYPE_DIRECTORY)
		names = mem_alloc(sizeof(*names));
	if (names)
		known = name_settle(&names->from, from) &&
			name_settle(&names->to, to);
	error = errno_of(DkStreamRename(from->uri, from->length, to->uri,
					to->length, flags));
	if (!error && (exchange || attributes.type == DK_TYPE_DIRECTORY ||
		       attributes.type == DK_TYPE_SYMLINK)) {
		count = known ? moves_renamed(path_text(&names->from),
					      path_text(&names->to), exchange) :
				moves_happened();
		moves_own(from_fd, from, count);
		moves_own(to_fd, to, count);
	}
	if (!error && attributes.type == DK_TYPE_FILE)
		files_renamed(from, to, &attributes);
	if (!error && other.type == DK_TYPE_FILE)
		files_renamed(to, from, &other);
	mem_free(names);
	return error;
}

static long rename_at(int from_fd, const char *from_name, int to_fd,
		      const char *to_name, u32 flags)
{
	struct path from, to;
	int error;

	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	error = path_get(from_fd, from_name, PATH_NOFOLLOW, &from);
	if (!error)
		error = path_get(to_fd, to_name, PATH_NOFOLLOW, &to);
	if (error)
		return error;
	if (from.node || to.node)
		return !from.node != !to.node ? -EXDEV : -EPERM;
	if (is_dots(&from))
		error = check_way(&from);
	if (!error && is_dots(&to))
		error = check_way(&to);
	if (error)
		return error;
	if (cannot_be_renamed(&from))
		return -EBUSY;
	if (cannot_be_renamed(&to))
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return rename_noted(
		from_fd, &from, to_fd, &to,
		(flags & RENAME_NOREPLACE ? DK_RENAME_NOREPLACE : 0) |
			(flags & RENAME_EXCHANGE ? DK_RENAME_EXCHANGE : 0));
}

SYSCALL2(rename, const char *, from, const char *, to)
{
	return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

SYSCALL4(renameat, int, from_fd, const char *, from, int, to_fd, const char *,
	 to)
{
	return rename_at(from_fd, from, to_fd, to, 0);
}

SYSCALL5(renameat2, int, from_fd, const char *, from, int, to_fd, const char *,
	 to, u32, flags)
{
	return rename_at(from_fd, from, to_fd, to, flags);
}

/* A name for the file that is open as @fd; O_TMPFILE may have none yet. */
static long link_open(int fd, struct path *to)
{
	struct file *file = fd_get(fd);
	long error = -EXDEV;

	if (!file)
		return -ENOENT;
	if (file->no_link)
		error = -ENOENT;
	else if (file->kind == FILE_HOST ||
		 (file->kind == FILE_PATH && file->handle != DK_INVALID_HANDLE))
		error = errno_of(DkxStreamLink((void *)file->handle, 0, to->uri,
					       to->length, DK_LINK_STREAM));
	file_put(file);
	return error == -EACCES ? -EXDEV : error;
}

static long link_at(int from_fd, const char *from_name, int to_fd,
		    const char *to_name, u32 at_flags)
{
	struct path from, to;
	int error;

	if (at_flags & ~(u32)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = path_get(from_fd, from_name,
			 (at_flags & AT_SYMLINK_FOLLOW ? 0 : PATH_NOFOLLOW) |
				 (at_flags & AT_EMPTY_PATH ? PATH_EMPTY : 0),
			 &from);
	if (error)
		return error;
	if (from.flags & PATH_WAS_EMPTY && !from.file)
		return -EPERM; /* a directory */
	error = path_get(to_fd, to_name, PATH_NOFOLLOW, &to);
	if (!error && to.node)
		error = -EEXIST;
	/* Linux lets only privileged ones link by descriptor this way. */
	if (!error && from.file)
		error = process.euid ? -ENOENT : link_open(from_fd, &to);
	else if (!error && from.node)
		error = from.node->magic && at_flags & AT_SYMLINK_FOLLOW ?
				link_open(from.id, &to) :
				-EXDEV;
	else if (!error)
		error = errno_of(DkxStreamLink(
			from.uri, from.length, to.uri, to.length,
			at_flags & AT_SYMLINK_FOLLOW ? 0 : DK_NAME_NOFOLLOW));
	path_put(&from);
	return error;
}

SYSCALL5(linkat, int, from_fd, const char *, from, int, to_fd, const char *, to,
	 u32, flags)
{
	return link_at(from_fd, from, to_fd, to, flags);
}

SYSCALL2(link, const char *, from, const char *, to)
{
	return link_at(AT_FDCWD, from, AT_FDCWD, to, 0);
}

static long symlink_at(const char *target, int dirfd, const char *name)
{
	char text[PATH_MAX];
	struct path path;
	ssize_t length;
	int error;

	length = user_string(text, target, sizeof(text));
	if (length < 0)
		return length;
	if (!length)
		return -ENOENT;
	error = path_get(dirfd, name, PATH_NOFOLLOW, &path);
	if (error)
		return error;
	if (path.node || is_root(&path))
		return -EEXIST;
	error = errno_of(DkxStreamLink(text, length, path.uri, path.length,
				       DK_LINK_SYMBOLIC));
	if (!error)
		moves_own(dirfd, &path, moves_happened());
	return error;
}

SYSCALL3(symlinkat, const char *, target, int, dirfd, const char *, name)
{
	return symlink_at(target, dirfd, name);
}

SYSCALL2(symlink, const char *, target, const char *, name)
{
	return symlink_at(target, AT_FDCWD, name);
}

/* Regular files and FIFOs: the host makes no devices. */
static long make_node_at(int dirfd, const char *name, u32 mode)
{
	u64 options = DK_OPTION_MODE(mode & 07777 & ~self()->fs->umask);
	struct path path;
	DK_HANDLE handle;
	int error;

	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
		break;
	case S_IFIFO:
		options |= DK_OPTION_FIFO;
		break;
	case S_IFSOCK:
		options |= DK_OPTION_SOCKET;
		break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	error = path_get(dirfd, name, PATH_NOFOLLOW, &path);
	if (error)
		return error;
	if (path.node || is_root(&path))
		return -EEXIST;
	error = errno_of(DkStreamOpen(path.uri, path.length, 0,
				      DK_OPEN_CREATE_NEW, options, &handle));
	if (!error)
		DkObjectClose(handle);
	/* "NAME/": what the host has for opening one */
	return error == -EISDIR ? -ENOENT : error;
}

SYSCALL4(mknodat, int, dirfd, const char *, name, u32, mode, u32,
	 device __unused)
{
	return make_node_at(dirfd, name, mode);
}

SYSCALL3(mknod, const char *, name, u32, mode, u32, device __unused)
{
	return make_node_at(AT_FDCWD, name, mode);
}

/* "" means a link that was opened with O_PATH | O_NOFOLLOW. */
static bool is_still(struct file *file, struct path *path)
{
	struct dk_stream_attributes a, b;

	return !file_attributes(file, &a) && !path_attributes(path, &b) &&
	       a.inode == b.inode && a.device == b.device;
}

static long read_link_open(struct file *file, char *to, int size)
{
	struct path link;
	dk_u64 done;
	long error;

	if (file->kind != FILE_PATH || file_type(file) != DK_TYPE_SYMLINK)
		return -ENOENT;
	if (file->handle != DK_INVALID_HANDLE) {
		error = errno_of(
			DkStreamRead(file->handle, 0, to, size, &done));
		if (!error)
			return done;
		/* It could not be opened for reading. */
		if (path_set(&link, file_name(file), PATH_NOFOLLOW) ||
		    link.node || !is_still(file, &link))
			return error;
		return host_read_link(&link, to, size);
	}
	error = path_set(&link, file_name(file), PATH_NOFOLLOW);
	if (error)
		return error;
	return link.node ? synth_read_link(&link, to, size) : -ENOENT;
}

static long read_link_at(int dirfd, const char *name, char *to, int size)
{
	struct path path;
	long result;

	if (size <= 0)
		return -EINVAL;
	result = path_get(dirfd, name, PATH_NOFOLLOW | PATH_EMPTY, &path);
	if (result)
		return result;
	if (path.flags & PATH_WAS_EMPTY && !path.file)
		return -ENOENT;
	size = user_room(to, size);
	if (!size)
		result = -EFAULT;
	else if (path.file)
		result = read_link_open(path.file, to, size);
	else if (path.node)
		result = synth_read_link(&path, to, size);
	else
		result = host_read_link(&path, to, size);
	if (result < 0 && !path.file && !path.node &&
	    path_reroute(&path, result))
		result = synth_read_link(&path, to, size);
	path_put(&path);
	return result;
}

SYSCALL4(readlinkat, int, dirfd, const char *, name, char *, to, int, size)
{
	return read_link_at(dirfd, name, to, size);
}

SYSCALL3(readlink, const char *, name, char *, to, int, size)
{
	return read_link_at(AT_FDCWD, name, to, size);
}
