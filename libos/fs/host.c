// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Files, directories and devices of the host: file: streams.
 *
 * The position is the host's, so that it is right whoever shares the stream.
 * Only a directory's is kept here: it is the cursor of the host's listing.
 */
#include "fs.h"

/* "file:" URIs are given to every naming call the same way. */
#define URI(path) (path)->uri, (path)->length

/*
 * As in Linux, a signal does not end what takes no time to speak of: devices
 * and FIFOs are waited for, files are not. What is interrupted again and again
 * (a file of a server that does not answer) ends all the same.
 */
#define QUICK_TRIES	8

static bool is_quick(u32 type)
{
	return type == DK_TYPE_FILE || type == DK_TYPE_DIRECTORY ||
	       type == DK_TYPE_BLOCK || type == DK_TYPE_SYMLINK;
}

static s64 host_read(struct file *file, void *buffer, size_t length, u64 offset)
{
	DK_STATUS status;
	dk_u64 done;
	int tries;

	do {
		status = HOST_WAIT(DkStreamRead, file->handle, offset, buffer,
				   length, &done);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	for (tries = 0; status == DK_STATUS_INTERRUPTED &&
			tries < QUICK_TRIES && is_quick(file_type(file));
	     tries++)
		status = DkStreamRead(file->handle, offset, buffer, length,
				      &done);
	return status ? errno_restart(status) : (s64)done;
}

/*
 * stream_write() - to @stream, of @file's; whole, where that may wait
 *
 * Whatever is raised ends the host's call, with what was done. Linux's goes on
 * if it was nothing that the program sees.
 */
s64 stream_write(struct file *file, DK_HANDLE stream, const void *buffer,
		 size_t length, u64 offset)
{
	DK_STATUS status;
	size_t total = 0;
	s64 result = 0;
	dk_u64 done;

	for (;;) {
		done = 0;
		status = HOST_WAIT(DkStreamWrite, stream, offset,
				   (const u8 *)buffer + total, length - total,
				   &done);
		if (status == DK_STATUS_INTERRUPTED && !signal_interrupts())
			continue;
		if (status)
			break;
		total += done;
		if (offset != DK_OFFSET_CURRENT)
			offset += done;
		/* A short one: there was no room, or a signal came. */
		if (!done || total >= length || is_quick(file_type(file)) ||
		    __atomic_load_n(&file->flags, __ATOMIC_RELAXED) &
			    O_NONBLOCK ||
		    signal_interrupts())
			break;
	}
	/* Of a pipe SIGPIPE is told beside what was written, too. */
	if (status == DK_STATUS_BROKEN_PIPE &&
	    (!total || file_type(file) == DK_TYPE_FIFO))
		result = broken_pipe();
	else if (status)
		result = errno_restart(status);
	return total ? (s64)total : result;
}

static s64 host_write(struct file *file, const void *buffer, size_t length,
		      u64 offset)
{
	s64 result = stream_write(file, file->handle, buffer, length, offset);
	DK_STATUS status;
	dk_u64 done;
	int tries;

	for (tries = 0; result == -ERESTARTSYS && tries < QUICK_TRIES &&
			is_quick(file_type(file));
	     tries++) {
		status = DkStreamWrite(file->handle, offset, buffer, length,
				       &done);
		result = status ? errno_restart(status) : (s64)done;
	}
	return result;
}

static s64 host_seek(struct file *file, s64 offset, int whence)
{
	dk_u64 position;
	long error;

	error = errno_of(
		DkxStreamSeek(file->handle, offset, whence, &position));
	return error ? error : (s64)position;
}

static int host_get_attributes(struct file *file,
			       struct dk_stream_attributes *attributes)
{
	return errno_of(DkStreamAttributesQueryByHandle(file->handle,
							attributes,
							sizeof(*attributes)));
}

static int host_set_attributes(struct file *file,
			       const struct dk_stream_attributes *attributes)
{
	return errno_of(DkxStreamAttributesSetByHandle(file->handle, attributes,
						       sizeof(*attributes)));
}

static int host_set_length(struct file *file, u64 length)
{
	return errno_of(DkStreamSetLength(file->handle, length));
}

static int host_flush(struct file *file, u64 flags)
{
	return errno_of(DkStreamFlush(file->handle, flags));
}

static s64 host_list(struct file *file, void *buffer, size_t length,
		     u64 *cursor)
{
	dk_u64 done, next = *cursor;
	long error;

	error = errno_of(DkStreamEnumerateChildren(file->handle, &next, buffer,
						   length, &done));
	*cursor = next;
	return error ? error : (s64)done;
}

int host_append(struct file *file, int set)
{
	u32 append = set,
	    operation = set < 0 ? DK_CONTROL_GET_APPEND : DK_CONTROL_SET_APPEND;
	DK_STATUS status = DK_STATUS_NOT_SUPPORTED;

	if (file->access & FILE_WRITE)
		status = DkxStreamControl(file->handle, operation, &append,
					  sizeof(append));
	/* A device, say, where it makes no difference. */
	if (status == DK_STATUS_NOT_SUPPORTED)
		return set < 0 ? !!(file->flags & O_APPEND) : set;
	return status ? errno_of(status) : (int)append;
}

const struct file_ops host_ops = {
	.read = host_read,
	.write = host_write,
	.seek = host_seek,
	.attributes = host_get_attributes,
	.set_attributes = host_set_attributes,
	.set_length = host_set_length,
	.flush = host_flush,
	.list = host_list,
	.append = host_append,
};

/* O_PATH of what the host does not have: asked by name each time. */
static int name_attributes(struct file *file,
			   struct dk_stream_attributes *attributes)
{
	struct file *named;
	struct path path;
	bool again;
	int error;

	if (file->handle != DK_INVALID_HANDLE)
		return host_get_attributes(file, attributes);
	error = path_set(&path, file_name(file),
			 file->flags & O_NOFOLLOW ? PATH_NOFOLLOW : 0);
	if (error)
		return error;
	/* By number: what has that now may be this file, or one like it. */
	if (path.node && path.node->magic && !(path.flags & PATH_NOFOLLOW)) {
		named = fd_get(path.id);
		if (!named)
			return -ENOENT;
		again = named->kind == FILE_PATH &&
			named->handle == DK_INVALID_HANDLE;
		error = again ? -ENOENT : file_attributes(named, attributes);
		file_put(named);
		return error;
	}
	return path_attributes(&path, attributes);
}

static int name_set_attributes(struct file *file,
			       const struct dk_stream_attributes *attributes)
{
	return file->handle != DK_INVALID_HANDLE ?
		       host_set_attributes(file, attributes) :
		       -EPERM;
}

/* O_PATH: a stream without any access, which only says which file. */
const struct file_ops name_ops = {
	.attributes = name_attributes,
	.set_attributes = name_set_attributes,
};

/* A FIFO that was opened by name: a pipe, as soon as it is known to be one. */
static u32 fifo_poll(struct file *file, struct poll_table *table)
{
	return pipe_ops.poll(file, table);
}

static void fifo_set_flags(struct file *file, u32 flags)
{
	pipe_ops.set_flags(file, flags);
}

static const struct file_ops fifo_ops = {
	.read = host_read,
	.write = host_write,
	.attributes = host_get_attributes,
	.set_attributes = host_set_attributes,
	.poll = fifo_poll,
	.set_flags = fifo_set_flags,
};

/*
 * May it be waited for? The type of a file of the host is not asked when it is
 * opened, for few need it.
 */
bool file_can_poll(struct file *file)
{
	if (file->kind == FILE_CONSOLE)
		return console_can_poll(file);
	if (file->kind == FILE_HOST)
		file_type(file);
	return file->ops->poll;
}

/* What kind of file it is: DK_TYPE_*, asked once. */
u8 file_type(struct file *file)
{
	struct dk_stream_attributes attributes;
	u8 type = __atomic_load_n(&file->type, __ATOMIC_RELAXED);

	if (type)
		return type;
	if (file_attributes(file, &attributes))
		return 0;
	if (attributes.type == DK_TYPE_FIFO && file->kind == FILE_HOST)
		__atomic_store_n(&file->ops, &fifo_ops, __ATOMIC_RELAXED);
	__atomic_store_n(&file->type, attributes.type, __ATOMIC_RELAXED);
	return attributes.type;
}

static u64 disposition_of(u32 flags)
{
	if (flags & O_CREAT) {
		if (flags & O_EXCL)
			return DK_OPEN_CREATE_NEW;
		return flags & O_TRUNC ? DK_OPEN_CREATE_TRUNCATE :
					 DK_OPEN_CREATE;
	}
	return flags & O_TRUNC ? DK_OPEN_TRUNCATE : DK_OPEN_EXISTING;
}

static u64 dk_access_of(u32 flags)
{
	u8 access = access_of_flags(flags);
	u64 dk_access = 0;

	if (access & FILE_READ)
		dk_access |= DK_ACCESS_READ;
	/* Linux lets O_TRUNC change what is opened for reading. */
	if (access & FILE_WRITE || flags & O_TRUNC)
		dk_access |= DK_ACCESS_WRITE;
	if (access & FILE_WRITE && flags & O_APPEND)
		dk_access |= DK_ACCESS_APPEND;
	return dk_access;
}

/* Keep the name: for a directory descriptor, /proc/self/fd, and mapping. */
static int keep_name(struct file *file, struct path *path)
{
	size_t size = path->length - URI_PREFIX_LENGTH + 1;

	file->path = mem_alloc(size);
	if (!file->path)
		return -ENOMEM;
	memcpy(file->path, path_text(path), size);
	return 0;
}

/* Only a FIFO or a device is waited for. */
static DK_STATUS open_wait(struct path *path, u32 flags, u64 options,
			   DK_HANDLE *handle)
{
	struct dk_stream_attributes attributes;
	DK_STATUS status;

	do {
		status = HOST_WAIT(DkStreamOpen, URI(path), dk_access_of(flags),
				   disposition_of(flags), options, handle);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	if (status == DK_STATUS_INTERRUPTED &&
	    (DkStreamAttributesQuery(URI(path), 0, &attributes,
				     sizeof(attributes)) ||
	     is_quick(attributes.type)))
		status = DkStreamOpen(URI(path), dk_access_of(flags),
				      disposition_of(flags), options, handle);
	return status;
}

/*
 * A file that is to be somebody's own, to be written and read: it may lose its
 * name, and then be mapped executable, for which it cannot be opened again. So
 * the right to do that is asked for right away.
 */
static bool is_private(u32 flags)
{
	return (flags & (O_CREAT | O_EXCL | O_ACCMODE)) ==
	       (O_CREAT | O_EXCL | O_RDWR);
}

/* As /proc/self/fd shows what has no name: not one that can be opened. */
static int keep_no_name(struct file *file, struct path *path)
{
	struct dk_stream_attributes attributes = { 0 };
	size_t size = path->length - URI_PREFIX_LENGTH + 40;

	file->path = mem_alloc(size);
	if (!file->path)
		return -ENOMEM;
	host_get_attributes(file, &attributes);
	snprintf(file->path, size, "%s/#%llu (deleted)", path_text(path),
		 (unsigned long long)attributes.inode);
	return 0;
}

/* host_open_unnamed() - O_TMPFILE in the directory @path; also executable */
int host_open_unnamed(struct path *path, u32 flags, u32 mode, struct file **out)
{
	u64 options = DK_OPTION_UNNAMED | DK_OPTION_MODE(mode);
	struct file *file;
	long error;

	if (flags & O_NOFOLLOW)
		options |= DK_OPTION_NOFOLLOW;
	if (flags & O_DSYNC)
		options |= DK_OPTION_SYNC;
	file = file_new(FILE_HOST, &host_ops, access_of_flags(flags), flags);
	if (!file)
		return -ENOMEM;
	file->type = DK_TYPE_FILE;
	file->no_link = flags & O_EXCL;
	error = errno_of(
		DkStreamOpen(URI(path), dk_access_of(flags) | DK_ACCESS_EXECUTE,
			     DK_OPEN_CREATE_NEW, options, &file->handle));
	if (error == -EACCES)
		error = errno_of(DkStreamOpen(URI(path), dk_access_of(flags),
					      DK_OPEN_CREATE_NEW, options,
					      &file->handle));
	if (!error)
		error = keep_no_name(file, path);
	if (error) {
		file_put(file);
		return error;
	}
	*out = file;
	return 0;
}

/* The host opens no sockets, nor does Linux, which says so in another way. */
static bool is_socket(struct path *path)
{
	struct dk_stream_attributes attributes;

	return !host_attributes(path, &attributes) &&
	       attributes.type == DK_TYPE_SOCKET;
}

/*
 * Whoever opens a directory through a link has that directory, also when the
 * link is replaced later. So it gets the name without the link: most names have
 * none, which is found out by opening it.
 */
static bool is_followed(u32 flags)
{
	return (flags & (O_DIRECTORY | O_NOFOLLOW)) == O_DIRECTORY;
}

/* Behind a name, other than the root's. */
static bool has_slash(struct path *path)
{
	const char *text = path_text(path);

	return text[slash_length(text)] && path->uri[path->length - 1] == '/';
}

/* host_open() - open @path with O_* @flags; @mode has the umask taken off */
int host_open(struct path *path, u32 flags, u32 mode, struct file **out)
{
	u64 options = DK_OPTION_MODE(mode);
	struct file *file;
	int error;

	if (flags & O_NONBLOCK)
		options |= DK_OPTION_NONBLOCK;
	if (flags & O_DIRECTORY)
		options |= DK_OPTION_DIRECTORY;
	if (flags & O_NOFOLLOW)
		options |= DK_OPTION_NOFOLLOW;
	if (flags & O_DSYNC)
		options |= DK_OPTION_SYNC;
	file = file_new(FILE_HOST, &host_ops, access_of_flags(flags), flags);
	if (!file)
		return -ENOMEM;
	file->checked = moves_count();
	error = -EACCES;
	if (is_followed(flags)) {
		error = errno_restart(open_wait(path, flags,
						options | DK_OPTION_NOFOLLOW,
						&file->handle));
		if (path_settle(path, error))
			error = -EACCES;
	}
	if (is_private(flags))
		error = errno_of(DkStreamOpen(
			URI(path), dk_access_of(flags) | DK_ACCESS_EXECUTE,
			disposition_of(flags), options, &file->handle));
	if (error == -EACCES)
		error = errno_restart(
			open_wait(path, flags, options, &file->handle));
	if (error == -EACCES && is_socket(path))
		error = -ENXIO;
	/* of the host that a name is taken, in Linux that it is a directory's */
	if (error == -EEXIST && has_slash(path))
		error = -EISDIR;
	if (!error)
		error = keep_name(file, path);
	if (error) {
		file_put(file);
		return error;
	}
	if (flags & O_DIRECTORY)
		file->type = DK_TYPE_DIRECTORY;
	*out = file;
	return 0;
}

static int open_name_handle(struct path *path, u32 flags, DK_HANDLE *handle)
{
	u64 options = 0;
	long error;

	if (flags & O_DIRECTORY)
		options |= DK_OPTION_DIRECTORY;
	if (flags & O_NOFOLLOW)
		options |= DK_OPTION_LINK;
	if (is_followed(flags)) {
		error = errno_of(DkStreamOpen(URI(path), 0, DK_OPEN_EXISTING,
					      options | DK_OPTION_NOFOLLOW,
					      handle));
		if (!path_settle(path, error))
			return error;
	}
	return errno_of(
		DkStreamOpen(URI(path), 0, DK_OPEN_EXISTING, options, handle));
}

static bool is_same_stream(DK_HANDLE a, DK_HANDLE b)
{
	struct dk_stream_attributes x, y;

	return !DkStreamAttributesQueryByHandle(a, &x, sizeof(x)) &&
	       !DkStreamAttributesQueryByHandle(b, &y, sizeof(y)) &&
	       x.device == y.device && x.inode == y.inode;
}

/*
 * A link that was opened itself can be read, whatever has its name by then. The
 * stream for that is only asked for when it is known to be a link: of a FIFO it
 * would be felt.
 */
static void open_link(struct path *path, struct file *file)
{
	DK_HANDLE handle;

	if (file_type(file) != DK_TYPE_SYMLINK ||
	    DkStreamOpen(URI(path), DK_ACCESS_READ, DK_OPEN_EXISTING,
			 DK_OPTION_LINK | DK_OPTION_NONBLOCK, &handle))
		return;
	if (is_same_stream(file->handle, handle)) {
		DkObjectClose(file->handle);
		file->handle = handle;
	} else {
		DkObjectClose(handle);
	}
}

static int name_make(struct path *path, u32 flags, struct file **out)
{
	struct file *file = file_new(FILE_PATH, &name_ops, 0, flags);
	int error = 0;

	if (!file)
		return -ENOMEM;
	file->checked = moves_count();
	if (!path->node) {
		error = open_name_handle(path, flags, &file->handle);
		/* then the host has seen to it */
		if (!error && is_followed(flags))
			file->type = DK_TYPE_DIRECTORY;
		else if (!error && flags & O_NOFOLLOW)
			open_link(path, file);
		if (error && path_reroute(path, error))
			error = 0;
	}
	if (!error)
		error = keep_name(file, path);
	if (!error && flags & O_DIRECTORY &&
	    file_type(file) != DK_TYPE_DIRECTORY)
		error = -ENOTDIR;
	if (error) {
		file_put(file);
		return error;
	}
	*out = file;
	return 0;
}

/* The same of what is open as @open and has the name @path. */
int name_share(struct file *open, struct path *path, struct file **out)
{
	struct file *file = file_new(FILE_PATH, &name_ops, 0, O_PATH);
	int error = file ? keep_name(file, path) : -ENOMEM;
	u8 type = file_type(open);

	if (!error)
		error = errno_of(DkObjectReference(open->handle,
						   type == DK_TYPE_SYMLINK ?
							   DK_RIGHT_READ :
							   0,
						   &file->handle));
	if (error) {
		if (file)
			file_put(file);
		return error;
	}
	file->type = type;
	file->no_link = open->no_link;
	/* A name that had links, which may be others by now, is looked at. */
	if (!strcmp(file->path, file_name(open)))
		file->checked = open->checked;
	*out = file;
	return 0;
}

/* O_PATH of what is open as @open: by its name, or else the same stream. */
static int name_of_open(struct file *open, u32 flags, struct file **out)
{
	struct path path;
	int error;

	if (file_type(open) == DK_TYPE_SYMLINK)
		flags |= O_NOFOLLOW;
	file_follow(open);
	error = path_set(&path, file_name(open),
			 flags & O_NOFOLLOW ? PATH_NOFOLLOW : 0);
	if (error)
		return error;
	error = name_make(&path, flags, out);
	if (open->handle == DK_INVALID_HANDLE ||
	    (open->kind != FILE_HOST && open->kind != FILE_PATH) ||
	    (!error && is_same_stream(open->handle, (*out)->handle)))
		return error;
	if (!error)
		file_put(*out);
	return name_share(open, &path, out);
}

/*
 * name_open() - O_PATH: of the host's tree or the synthetic one
 *
 * Of /dev/fd/N it is what is open there. What has no name, as a pipe, is kept
 * by that number.
 */
int name_open(struct path *path, u32 flags, struct file **out)
{
	int error = name_make(path, flags, out);
	struct file *open;

	if (error || !path->node || !path->node->magic || flags & O_NOFOLLOW)
		return error;
	open = fd_get(path->id);
	if (!open || open->path) {
		file_put(*out);
		error = open ? name_of_open(open, flags, out) : -ENOENT;
	}
	if (open)
		file_put(open);
	return error;
}

/*
 * The working directory of the first process: what the rules hide may be one.
 * NULL: no memory
 */
struct file *directory_start(struct path *path)
{
	struct file *file;

	if (!name_open(path, O_PATH | O_DIRECTORY, &file))
		return file;
	file = file_new(FILE_PATH, &name_ops, 0, O_PATH);
	if (!file)
		return NULL;
	file->type = DK_TYPE_DIRECTORY;
	if (keep_name(file, path)) {
		file_put(file);
		return NULL;
	}
	return file;
}

/* Of the name, as path->flags say: of a link or of what it leads to. */
int host_attributes(struct path *path, struct dk_stream_attributes *attributes)
{
	u64 flags = path->flags & PATH_NOFOLLOW ? DK_NAME_NOFOLLOW : 0;

	return errno_of(DkStreamAttributesQuery(URI(path), flags, attributes,
						sizeof(*attributes)));
}

/*
 * Text of a symbolic link into libos or program memory: its length, cut to
 * @length; -EINVAL when it is something else, which is not opened then.
 */
int host_read_link(struct path *path, char *buffer, size_t length)
{
	struct dk_stream_attributes attributes;
	DK_HANDLE handle;
	dk_u64 done;
	long error;

	error = errno_of(DkStreamAttributesQuery(URI(path), DK_NAME_NOFOLLOW,
						 &attributes,
						 sizeof(attributes)));
	if (error)
		return error;
	if (attributes.type != DK_TYPE_SYMLINK)
		return -EINVAL;
	error = errno_of(DkStreamOpen(URI(path), DK_ACCESS_READ,
				      DK_OPEN_EXISTING, DK_OPTION_LINK,
				      &handle));
	if (error)
		return error;
	error = errno_of(DkStreamRead(handle, 0, buffer, length, &done));
	DkObjectClose(handle);
	return error ? error : (int)done;
}
