// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * open, openat, openat2, creat, memfd_create.
 */
#include "fs.h"

#include <linux/memfd.h>
#include <linux/openat2.h>

#define VALID_FLAGS                                                        \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |    \
	 O_NONBLOCK | O_SYNC | O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | \
	 O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |       \
	 __O_TMPFILE)
/* What Linux adds for a 64-bit program, and F_GETFL shows. */
#define LARGE_FILE 0100000

#define PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)

static int check_flags(u32 *flags)
{
	if (*flags & __O_TMPFILE) {
		if ((*flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE ||
		    !(access_of_flags(*flags) & FILE_WRITE))
			return -EINVAL;
		*flags |= LARGE_FILE;
		return 0;
	}
	if (*flags & O_PATH) {
		*flags &= PATH_FLAGS;
		return 0;
	}
	*flags |= LARGE_FILE;
	return (*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) ?
		       -EINVAL :
		       0;
}

static int open_path(struct path *path, u32 flags, u32 mode, struct file **file)
{
	int error;

	if (flags & O_PATH)
		return name_open(path, flags, file);
	if (flags & __O_TMPFILE)
		return path->node ? -EOPNOTSUPP :
				    host_open_unnamed(path, flags, mode, file);
	if (!path->node) {
		error = host_open(path, flags, mode, file);
		if (!error || !path_reroute(path, error))
			return error;
	}
	return synth_open(path, flags, file);
}

static long open_at(int dirfd, const char *name, u32 flags, u32 mode)
{
	struct path path;
	struct file *file;
	u32 path_flags = 0;
	bool empties;
	long result;
	int fd;

	result = check_flags(&flags);
	if (result)
		return result;
	if (flags & O_NOFOLLOW ||
	    (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		path_flags = PATH_NOFOLLOW;
	result = path_get(dirfd, name, path_flags, &path);
	if (result)
		return result;
	fd = fd_allocate(0, flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	/* a directory is not emptied; what is none, says so first */
	empties = (flags & (O_TMPFILE | O_TRUNC)) == (O_DIRECTORY | O_TRUNC);
	if (empties)
		flags &= ~O_TRUNC;
	result = open_path(&path, flags, mode & ~self()->fs->umask & 07777,
			   &file);
	if (!result && empties) {
		file_put(file);
		result = -EISDIR;
	}
	if (result) {
		fd_abandon(fd);
		return result;
	}
	fd_install(fd, file);
	return fd;
}

SYSCALL3(open, const char *, name, u32, flags, u32, mode)
{
	return open_at(AT_FDCWD, name, flags & VALID_FLAGS, mode);
}

SYSCALL4(openat, int, dirfd, const char *, name, u32, flags, u32, mode)
{
	return open_at(dirfd, name, flags & VALID_FLAGS, mode);
}

SYSCALL2(creat, const char *, name, u32, mode)
{
	return open_at(AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

#define RESOLVE_KNOWN                                                    \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | \
	 RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED)

/*
 * How a name is resolved is the host's, so that asking for something else than
 * the usual is answered as by a kernel without this call: programs that ask
 * have a way to do without.
 */
SYSCALL4(openat2, int, dirfd, const char *, name, const struct open_how *, how,
	 size_t, size)
{
	struct open_how copy;
	size_t i;
	u8 byte;

	if (size < sizeof(copy))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (user_get(copy, how))
		return -EFAULT;
	for (i = sizeof(copy); i < size; i++) {
		if (user_get(byte, (const u8 *)how + i))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	if (copy.flags & ~(u64)VALID_FLAGS || copy.mode & ~07777ULL ||
	    copy.resolve & ~(u64)RESOLVE_KNOWN)
		return -EINVAL;
	if (copy.mode && !(copy.flags & (O_CREAT | __O_TMPFILE)))
		return -EINVAL;
	if (copy.flags & O_PATH && copy.flags & ~(u64)PATH_FLAGS)
		return -EINVAL;
	if (copy.resolve)
		return -ENOSYS;
	return open_at(dirfd, name, copy.flags, copy.mode);
}

/*
 * Memory that is a file: one without a name in the sandbox's private /tmp.
 * -ENOSYS where there is no such place.
 */
SYSCALL2(memfd_create, const char *, name, u32, flags)
{
	static const char prefix[] = "/memfd:", suffix[] = " (deleted)";
	char text[sizeof(prefix) + 250 + sizeof(suffix)];
	struct path path;
	struct file *file;
	ssize_t length;
	int error;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	memcpy(text, prefix, sizeof(prefix));
	length = user_string(text + sizeof(prefix) - 1, name, 250);
	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : length;
	error = path_set(&path, "/tmp", 0);
	if (!error)
		error = host_open_unnamed(&path, O_RDWR | LARGE_FILE, 0777,
					  &file);
	if (error)
		return error == -ENOMEM || error == -EMFILE ? error : -ENOSYS;
	mem_free(file->path);
	memcpy(text + sizeof(prefix) - 1 + length, suffix, sizeof(suffix));
	file->path = mem_alloc(strlen(text) + 1);
	if (!file->path) {
		file_put(file);
		return -ENOMEM;
	}
	memcpy(file->path, text, strlen(text) + 1);
	return fd_open(file, flags & MFD_CLOEXEC);
}
