// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Extended attributes: a file system that has none. Reading, setting and
 * removing one is -EOPNOTSUPP, the list is empty.
 */
#include "fs.h"

#include <linux/xattr.h>

/* What is wrong with the name of an attribute, or @answer. */
static long answer_key(const char *key, long answer)
{
	char text[XATTR_NAME_MAX + 1];
	ssize_t n = user_string(text, key, sizeof(text));

	return n == -EFAULT ? n : n > 0 ? answer : -ERANGE;
}

/* A value that would be set: @flags, then whether all of it is there. */
static long answer_value(const char *key, const u8 *value, size_t size,
			 u32 flags)
{
	long r = answer_key(key, 0);
	u8 part[256];
	size_t n;

	if (flags & ~(u32)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (r)
		return r;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	for (; size; size -= n, value += n) {
		n = MIN(size, sizeof(part));
		if (user_read(part, value, n))
			return -EFAULT;
	}
	return -EOPNOTSUPP;
}

static long answer_at(const char *name, u32 flags, long answer)
{
	struct dk_stream_attributes attributes;
	struct path path;
	int error;

	error = path_get(AT_FDCWD, name, flags, &path);
	if (!error)
		error = path_attributes(&path, &attributes);
	return error ? error : answer;
}

static long answer_fd(int fd, long answer)
{
	struct file *file = fs_get(fd);

	if (!file)
		return -EBADF;
	file_put(file);
	return answer;
}

SYSCALL5(setxattr, const char *, name, const char *, key, const void *, value,
	 size_t, size, u32, flags)
{
	long r = answer_at(name, 0, 0);

	return r ? r : answer_value(key, value, size, flags);
}

SYSCALL5(lsetxattr, const char *, name, const char *, key, const void *, value,
	 size_t, size, u32, flags)
{
	long r = answer_at(name, PATH_NOFOLLOW, 0);

	return r ? r : answer_value(key, value, size, flags);
}

SYSCALL5(fsetxattr, int, fd, const char *, key, const void *, value, size_t,
	 size, u32, flags)
{
	long r = answer_fd(fd, 0);

	return r ? r : answer_value(key, value, size, flags);
}

SYSCALL4(getxattr, const char *, name, const char *, key, void *,
	 value __unused, size_t, size __unused)
{
	long r = answer_at(name, 0, 0);

	return r ? r : answer_key(key, -EOPNOTSUPP);
}

SYSCALL4(lgetxattr, const char *, name, const char *, key, void *,
	 value __unused, size_t, size __unused)
{
	long r = answer_at(name, PATH_NOFOLLOW, 0);

	return r ? r : answer_key(key, -EOPNOTSUPP);
}

SYSCALL4(fgetxattr, int, fd, const char *, key, void *, value __unused, size_t,
	 size __unused)
{
	long r = answer_fd(fd, 0);

	return r ? r : answer_key(key, -EOPNOTSUPP);
}

SYSCALL3(listxattr, const char *, name, char *, keys __unused, size_t,
	 size __unused)
{
	return answer_at(name, 0, 0);
}

SYSCALL3(llistxattr, const char *, name, char *, keys __unused, size_t,
	 size __unused)
{
	return answer_at(name, PATH_NOFOLLOW, 0);
}

SYSCALL3(flistxattr, int, fd, char *, keys __unused, size_t, size __unused)
{
	return answer_fd(fd, 0);
}

SYSCALL2(removexattr, const char *, name, const char *, key)
{
	long r = answer_at(name, 0, 0);

	return r ? r : answer_key(key, -EOPNOTSUPP);
}

SYSCALL2(lremovexattr, const char *, name, const char *, key)
{
	long r = answer_at(name, PATH_NOFOLLOW, 0);

	return r ? r : answer_key(key, -EOPNOTSUPP);
}

SYSCALL2(fremovexattr, int, fd, const char *, key)
{
	long r = answer_fd(fd, 0);

	return r ? r : answer_key(key, -EOPNOTSUPP);
}
