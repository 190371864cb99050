// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Start, and what the loader and mmap need of files.
 */
#include "fs.h"
#include "pty.h"
#include "table.h"

static void open_consoles(void)
{
	struct file *file;
	int fd;

	for (fd = 0; fd < 3; fd++)
		if (!console_open(fd, ~0U, &file))
			fd_replace(fd, file, false);
}

void fs_init(const struct dk_parameters *p)
{
	struct fs_context *fs = mem_zalloc(sizeof(*fs));
	struct path path;

	self()->fs = fs;
	self()->files = fd_table_new();
	if (!fs || !self()->files)
		panic("no memory for the table of files");
	fs->refs = 1;
	fs->umask = p->umask & 0777;
	if (path_set(&path, (const char *)p + p->directory_offset, 0) ||
	    path_resolve(&path))
		path_set(&path, "/", 0);
	fs->directory = directory_start(&path);
	if (!fs->directory)
		panic("no memory for the working directory");
	open_consoles();
}

void fs_exit(void)
{
	pty_exit();
}

/* ---- programs ---- */

static int path_of_program(struct path *path, const char *name, u32 flags)
{
	char text[PATH_MAX];
	int length = 0;

	if (!*name)
		return -ENOENT;
	if (*name != '/') {
		length = directory_copy(text, sizeof(text));
		if (length < 0)
			return length == -ERANGE ? -ENAMETOOLONG : length;
		text[length++] = '/';
	}
	if (strlen(name) >= sizeof(text) - length)
		return -ENAMETOOLONG;
	memcpy(text + length, name, strlen(name) + 1);
	return path_set(path, text, flags);
}

static int check_program(struct path *path)
{
	struct dk_stream_attributes attributes;
	int error = host_attributes(path, &attributes);

	if (error)
		return error;
	if (attributes.type != DK_TYPE_FILE)
		return -EACCES;
	return permission_of(&attributes, 1, process.fsuid, process.fsgid);
}

static long open_executable(struct file *file, DK_HANDLE *handle);

/*
 * Can its segments be mapped? The loader must not find out too late. What is no
 * program by itself may still be a script.
 */
static bool can_be_run(struct file *file)
{
	DK_HANDLE handle;
	char start[2];

	if (DkObjectReference(file->handle, DK_RIGHT_READ | DK_RIGHT_EXECUTE,
			      &handle) &&
	    (file->kind != FILE_HOST || open_executable(file, &handle)))
		return fs_exec_read(file, 0, start, 2) == 2 &&
		       start[0] == '#' && start[1] == '!';
	DkObjectClose(file->handle);
	file->handle = handle;
	return true;
}

/* A descriptor's own file; a program has to be one that may be executed. */
static long open_descriptor(const struct path *path, struct file **out)
{
	struct dk_stream_attributes attributes;
	struct file *file;
	long r = fd_reopen(path->id, O_RDONLY, &file);

	if (r)
		return r;
	r = file_attributes(file, &attributes);
	if (!r)
		r = attributes.type == DK_TYPE_FILE ?
			    permission_of(&attributes, 1, process.fsuid,
					  process.fsgid) :
			    -EACCES;
	if (!r && !can_be_run(file))
		r = -EACCES;
	if (r)
		file_put(file);
	else
		*out = file;
	return r;
}

long fs_exec_open(const char *name, struct file **out)
{
	struct file *file;
	struct path path;
	int error;

	error = path_of_program(&path, name, 0);
	if (!error)
		error = path_resolve(&path);
	if (error)
		return error;
	if (path.node)
		return path.node->magic ? open_descriptor(&path, out) : -EACCES;
	error = check_program(&path);
	if (error)
		return error;
	file = file_new(FILE_HOST, &host_ops, FILE_READ, O_RDONLY);
	if (!file)
		return -ENOMEM;
	file->type = DK_TYPE_FILE;
	error = errno_of(DkStreamOpen(path.uri, path.length,
				      DK_ACCESS_READ | DK_ACCESS_EXECUTE,
				      DK_OPEN_EXISTING, 0, &file->handle));
	if (!error) {
		file->path = mem_alloc(path.length - URI_PREFIX_LENGTH + 1);
		error = file->path ? 0 : -ENOMEM;
	}
	if (error) {
		file_put(file);
		return error;
	}
	memcpy(file->path, path_text(&path),
	       path.length - URI_PREFIX_LENGTH + 1);
	*out = file;
	return 0;
}

long fs_exec_no_link(const char *name)
{
	struct dk_stream_attributes attributes;
	struct path path;

	/* Every other error is found when it is opened. */
	if (path_of_program(&path, name, PATH_NOFOLLOW) || path_resolve(&path))
		return 0;
	if (path.node)
		return path.node->type == DK_TYPE_SYMLINK ? -ELOOP : 0;
	return !host_attributes(&path, &attributes) &&
			       attributes.type == DK_TYPE_SYMLINK ?
		       -ELOOP :
		       0;
}

long fs_exec_closes(int fd)
{
	return fd_close_on_exec(fd, -1);
}

ssize_t fs_exec_read(struct file *file, u64 offset, void *to, size_t n)
{
	size_t done = 0;
	s64 part;

	while (done < n) {
		part = file_read(file, (u8 *)to + done, n - done,
				 offset + done);
		if (part == -ERESTARTSYS)
			continue;
		if (part < 0)
			return part;
		if (!part)
			break;
		done += part;
	}
	return done;
}

/* ---- names and identities of open files ---- */

void fs_file_path(struct file *file, char *to, size_t size)
{
	strlcpy(to, file->path ? file_name(file) : "", size);
}

/* A file of the host, which may lose its name after it was opened. */
static bool had_name(const struct file *file)
{
	static const char suffix[] = " (deleted)";
	size_t length, n = sizeof(suffix) - 1;

	if ((file->kind != FILE_HOST && file->kind != FILE_PATH) || !file->path)
		return false;
	/* one that never had a name says so by itself */
	length = strlen(file->path);
	return length <= n || strcmp(file->path + length - n, suffix);
}

bool fs_file_identity(struct file *file, u64 *device, u64 *inode)
{
	struct dk_stream_attributes attributes;

	*device = 0;
	*inode = 0;
	if (file_attributes(file, &attributes))
		return false;
	*device = attributes.device;
	*inode = attributes.inode;
	return had_name(file) && !attributes.nlink;
}

/*
 * Has a file of the host lost its last name since it was opened? So it is shown
 * if it is @lost, too: its name is another's by now.
 */
static bool is_nameless(struct file *file, bool lost)
{
	struct dk_stream_attributes attributes;

	if (!had_name(file))
		return false;
	return lost ||
	       (file->handle != DK_INVALID_HANDLE &&
		!file_attributes(file, &attributes) && !attributes.nlink);
}

/* What readlink of /proc/self/fd/N says; its length, or -ENOENT. */
int fd_name(int fd, char *buffer, size_t length)
{
	static const char *const kinds[] = {
		[FILE_PIPE] = "pipe:[%llu]",
		[FILE_EVENT] = "anon_inode:[eventfd]",
		[FILE_EPOLL] = "anon_inode:[eventpoll]",
		[FILE_TIMER] = "anon_inode:[timerfd]",
		[FILE_SOCKET] = "socket:[%llu]",
		[FILE_SIGNAL] = "anon_inode:[signalfd]",
		[FILE_PID] = "anon_inode:[pidfd]",
	};
	struct file *file = fd_get(fd);
	struct dk_stream_attributes attributes = { 0 };
	struct path path;
	size_t needed;

	if (!file)
		return -ENOENT;
	if (file->path) {
		bool lost = file_follow(file) &&
			    file_type(file) == DK_TYPE_DIRECTORY;

		needed = strlcpy(buffer, file_name(file), length);
		if (!path_set(&path, file_name(file),
			      file->kind == FILE_PATH ? PATH_NOFOLLOW : 0) &&
		    !path_resolve(&path))
			needed = strlcpy(buffer, path_text(&path), length);
		if (is_nameless(file, lost) && needed < length)
			needed += strlcpy(buffer + needed, " (deleted)",
					  length - needed);
	} else if (file->kind == FILE_CONSOLE) {
		/* The host does not tell what is behind: its own names. */
		static const char *const names[] = {
			"stdin:",
			"stdout:",
			"stderr:",
		};

		file_attributes(file, &attributes);
		if (file_is_terminal(file))
			needed = strlcpy(buffer, "/dev/tty", length);
		else if (file->type == DK_TYPE_FIFO)
			needed = snprintf(buffer, length, "pipe:[%llu]",
					  (unsigned long long)attributes.inode);
		else
			needed = strlcpy(buffer, names[console_number(file)],
					 length);
	} else {
		file_attributes(file, &attributes);
		needed = snprintf(buffer, length, kinds[file->kind],
				  (unsigned long long)attributes.inode);
	}
	file_put(file);
	return MIN(needed, length - 1);
}

/*
 * Opening again what has no name any more. The host opens by name, so it is
 * the same stream: the position is shared, unlike natively.
 */
static int share_nameless(struct file *old, u32 flags, struct file **out)
{
	u8 access = access_of_flags(flags);
	const char *name = file_name(old);
	size_t size = strlen(name) + 1;
	struct file *file;

	if (access & ~old->access)
		return -EACCES;
	/* What it is, it learns by itself: a FIFO is not truncated. */
	file = file_new(FILE_HOST, &host_ops, access, flags);
	if (!file)
		return -ENOMEM;
	file->path = mem_alloc(size);
	if (!file->path || DkObjectReference(old->handle, 0, &file->handle)) {
		file_put(file);
		return -ENOMEM;
	}
	memcpy(file->path, name, size);
	file->no_link = old->no_link;
	if (flags & O_APPEND)
		host_append(file, 1);
	if (flags & O_TRUNC && access & FILE_WRITE &&
	    file_type(file) == DK_TYPE_FILE)
		file->ops->set_length(file, 0);
	*out = file;
	return 0;
}

static bool is_same(const struct dk_stream_attributes *a,
		    const struct dk_stream_attributes *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* O_TRUNC of @file at @path, whatever it was opened for. */
static int truncate_named(struct file *file, struct path *path)
{
	struct dk_stream_attributes mine, found;
	struct file *writer;
	int error;

	if (file_type(file) != DK_TYPE_FILE)
		return 0;
	if (file->access & FILE_WRITE)
		return file->ops->set_length(file, 0);
	error = host_open(path, O_WRONLY | O_NONBLOCK, 0, &writer);
	if (error)
		return error;
	error = file_attributes(file, &mine);
	if (!error)
		error = file_attributes(writer, &found);
	if (!error)
		error = is_same(&mine, &found) ?
				writer->ops->set_length(writer, 0) :
				-ENOENT;
	file_put(writer);
	return error;
}

/*
 * Open what is open as @file once more, by name. The name may be another's by
 * now: so nothing is done to what it leads to before it is known to be @file.
 */
static int reopen_named(struct file *file, u32 flags, struct file **out)
{
	struct dk_stream_attributes mine, found;
	struct path path;
	int error;

	error = file_attributes(file, &mine);
	if (error)
		return error;
	/* a link that was opened itself */
	if (mine.type == DK_TYPE_SYMLINK)
		return -ELOOP;
	file_follow(file);
	error = path_set(&path, file_name(file), 0);
	if (error)
		return error;
	if (path.node)
		return synth_open(&path, flags, out);
	error = host_open(&path, flags & ~O_TRUNC, 0, out);
	if (error)
		return host_attributes(&path, &found) ||
				       !is_same(&mine, &found) ?
			       -ENOENT :
			       error;
	error = file_attributes(*out, &found);
	if (!error && !is_same(&mine, &found))
		error = -ENOENT;
	if (!error && flags & O_TRUNC)
		error = truncate_named(*out, &path);
	if (error)
		file_put(*out);
	return error;
}

/* Opening /dev/fd/N: a new description of the same thing. */
int fd_reopen(int fd, u32 flags, struct file **out)
{
	struct file *file = fd_get(fd);
	int error;

	if (!file)
		return -ENOENT;
	if (flags & O_DIRECTORY && file_type(file) != DK_TYPE_DIRECTORY) {
		file_put(file);
		return -ENOTDIR;
	}
	flags &= ~(O_CREAT | O_EXCL | O_NOFOLLOW);
	switch (file->kind) {
	case FILE_CONSOLE:
		error = console_open(console_number(file), flags, out);
		break;
	case FILE_PTY:
		error = pty_reopen(file, flags, out);
		break;
	case FILE_PIPE:
		error = pipe_reopen(file, flags, out);
		break;
	case FILE_HOST:
	case FILE_PATH:
	case FILE_SYNTHETIC:
		error = reopen_named(file, flags, out);
		if (error == -ENOENT && file->kind == FILE_HOST)
			error = share_nameless(file, flags, out);
		break;
	default:
		error = -ENXIO;
	}
	file_put(file);
	return error;
}

/* truncate() of /dev/fd/N: the file may be open for reading only. */
long fd_truncate(int fd, u64 length)
{
	struct file *file = fd_get(fd), *writer;
	long error = -ENOENT;
	u8 type;

	if (!file)
		return -ENOENT;
	type = file_type(file);
	file_put(file);
	if (type != DK_TYPE_FILE)
		return type == DK_TYPE_DIRECTORY ? -EISDIR : -EINVAL;
	error = fd_reopen(fd, O_WRONLY | O_NONBLOCK, &writer);
	if (error)
		return error;
	error = file_set_length(writer, length);
	file_put(writer);
	return error;
}

/* ---- mapping ---- */

/*
 * Another stream of the same file, with the right to map it executable. Files
 * are opened without it, for few are ever mapped so. -EACCES when the name now
 * leads to another file, or the rules do not give the right.
 */
static long open_executable(struct file *file, DK_HANDLE *handle)
{
	struct dk_stream_attributes mine, found;
	struct path path;
	long error;

	file_follow(file);
	error = path_set(&path, file_name(file), 0);
	if (error || path.node)
		return -EACCES;
	error = errno_of(DkStreamOpen(path.uri, path.length,
				      DK_ACCESS_READ | DK_ACCESS_EXECUTE,
				      DK_OPEN_EXISTING, DK_OPTION_NONBLOCK,
				      handle));
	if (error)
		return -EACCES;
	if (!file_attributes(file, &mine) &&
	    !DkStreamAttributesQueryByHandle(*handle, &found, sizeof(found)) &&
	    is_same(&mine, &found))
		return 0;
	DkObjectClose(*handle);
	return -EACCES;
}

static bool is_zero_device(struct file *file)
{
	struct dk_stream_attributes attributes;

	return file_type(file) == DK_TYPE_CHARACTER &&
	       !file_attributes(file, &attributes) &&
	       attributes.special == (1ULL << 32 | 5);
}

long fs_file_map(struct file *file, void **base, u64 length, u64 offset,
		 u64 protection, u64 flags)
{
	DK_HANDLE handle;
	long error;

	if (file->kind == FILE_PATH)
		return -EBADF;
	if (!(file->access & FILE_READ))
		return -EACCES;
	if (flags & DK_MAP_SHARED && protection & DK_PROT_WRITE &&
	    !(file->access & FILE_WRITE))
		return -EACCES;
	if (file->handle == DK_INVALID_HANDLE ||
	    file_type(file) == DK_TYPE_DIRECTORY)
		return -ENODEV;
	if (is_zero_device(file))
		return 1;
	error = errno_of(DkStreamMap(file->handle, base, length, offset,
				     protection, flags));
	if (error == -EACCES && protection & DK_PROT_EXECUTE && file->path &&
	    !open_executable(file, &handle)) {
		error = errno_of(DkStreamMap(handle, base, length, offset,
					     protection, flags));
		DkObjectClose(handle);
	}
	return error == -EOPNOTSUPP || error == -ENXIO ? -ENODEV : error;
}
