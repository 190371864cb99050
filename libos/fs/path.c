// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Names: from a program's (directory descriptor, text) to one absolute path.
 *
 * The text is only joined to its directory. Symbolic links and ".." are left
 * to the host, which walks them within the sandbox and physically. The
 * exception are names of the synthetic tree, which the host does not know:
 * where a name may lead there, resolve.c walks it here.
 *
 * A directory that is open, and the working directory, stand for their names,
 * which are followed when they are renamed: moves.c.
 */
#include "fs.h"

/* Append @text[@length] behind a slash: -ENAMETOOLONG. */
static int path_join(struct path *path, const char *base, size_t length)
{
	if (length > DRAWBRIDGE_URI_MAX - URI_PREFIX_LENGTH - 1)
		return -ENAMETOOLONG;
	memcpy(path->uri, URI_PREFIX, URI_PREFIX_LENGTH);
	memcpy(path_text(path), base, length);
	path->length = URI_PREFIX_LENGTH + length;
	if (!length || path->uri[path->length - 1] != '/')
		path->uri[path->length++] = '/';
	path->uri[path->length] = 0;
	return 0;
}

static int path_start(struct path *path, int dirfd)
{
	struct file *file = dirfd == AT_FDCWD ? directory_get() : fd_get(dirfd);
	const char *name;
	int error;

	if (!file)
		return -EBADF;
	error = -ENOTDIR;
	if (file->path && file_type(file) == DK_TYPE_DIRECTORY) {
		error = file_follow(file);
		name = file_name(file);
		if (!error)
			error = path_join(path, name, strlen(name));
	}
	file_put(file);
	return error;
}

/* The working directory without a slash behind it; its length or an error. */
int directory_copy(char *to, size_t size)
{
	struct file *file = directory_get();
	int length = file_follow(file);

	if (!length)
		length = strlcpy(to, file_name(file), size);
	if (length >= (int)size)
		length = -ERANGE;
	file_put(file);
	return length;
}

static int path_get_empty(int dirfd, struct path *path)
{
	if (!(path->flags & PATH_EMPTY))
		return -ENOENT;
	path->flags |= PATH_WAS_EMPTY;
	if (dirfd == AT_FDCWD) {
		int error = path_start(path, dirfd);

		/* "/dir/" would do for the host, but not for every use here */
		if (!error && path->length > URI_PREFIX_LENGTH + 1)
			path->uri[--path->length] = 0;
		return error ? error : path_resolve(path);
	}
	path->file = fd_get(dirfd);
	return path->file ? 0 : -EBADF;
}

/*
 * path_get() - take over a name from the program
 *
 * @name is a program's pointer. The order of the checks is Linux's: the text
 * (EFAULT, ENOENT, ENAMETOOLONG), then the directory (EBADF, ENOTDIR).
 */
int path_get(int dirfd, const char *name, u32 flags, struct path *path)
{
	const char *text;
	ssize_t length;
	int error;
	char first;

	path->file = NULL;
	path->node = NULL;
	path->flags = flags;
	if (user_get(first, name))
		return -EFAULT;
	if (!first)
		return path_get_empty(dirfd, path);

	if (first == '/') {
		memcpy(path->uri, URI_PREFIX, URI_PREFIX_LENGTH);
		path->length = URI_PREFIX_LENGTH;
	} else {
		error = path_start(path, dirfd);
		if (error)
			return error;
	}
	length = user_string(path->uri + path->length, name,
			     MIN((size_t)PATH_MAX,
				 sizeof(path->uri) - path->length));
	if (length < 0)
		return length;
	text = path->uri + path->length;
	if (component_length(text) == (size_t)length && strcmp(text, ".") &&
	    strcmp(text, ".."))
		path->flags |= PATH_CHILD;
	path->length += length;
	if (path->length > DRAWBRIDGE_URI_MAX)
		return -ENAMETOOLONG;
	if (synth_covers(path_text(path)))
		return path_resolve(path);
	return 0;
}

/* The same for an absolute path of the libos's own. */
int path_set(struct path *path, const char *absolute, u32 flags)
{
	size_t length = strlen(absolute);

	path->file = NULL;
	path->node = NULL;
	path->flags = flags;
	if (length > DRAWBRIDGE_URI_MAX - URI_PREFIX_LENGTH)
		return -ENAMETOOLONG;
	memcpy(path->uri, URI_PREFIX, URI_PREFIX_LENGTH);
	memcpy(path_text(path), absolute, length + 1);
	path->length = URI_PREFIX_LENGTH + length;
	return synth_covers(absolute) ? path_resolve(path) : 0;
}

void path_put(struct path *path)
{
	if (path->file)
		file_put(path->file);
	path->file = NULL;
}
