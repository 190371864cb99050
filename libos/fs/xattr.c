// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Extended attributes: a file system that has none. Reading, setting and
 * removing one is -EOPNOTSUPP, the list is empty.
 */
#include "fs.h"

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

SYSCALL5(setxattr, const char *, name, const char *, key __unused, const void *,
	 value __unused, size_t, size __unused, u32, flags __unused)
{
	return answer_at(name, 0, -EOPNOTSUPP);
}

SYSCALL5(lsetxattr, const char *, name, const char *, key __unused,
	 const void *, value __unused, size_t, size __unused, u32,
	 flags __unused)
{
	return answer_at(name, PATH_NOFOLLOW, -EOPNOTSUPP);
}

SYSCALL5(fsetxattr, int, fd, const char *, key __unused, const void *,
	 value __unused, size_t, size __unused, u32, flags __unused)
{
	return answer_fd(fd, -EOPNOTSUPP);
}

SYSCALL4(getxattr, const char *, name, const char *, key __unused, void *,
	 value __unused, size_t, size __unused)
{
	return answer_at(name, 0, -EOPNOTSUPP);
}

SYSCALL4(lgetxattr, const char *, name, const char *, key __unused, void *,
	 value __unused, size_t, size __unused)
{
	return answer_at(name, PATH_NOFOLLOW, -EOPNOTSUPP);
}

SYSCALL4(fgetxattr, int, fd, const char *, key __unused, void *, value __unused,
	 size_t, size __unused)
{
	return answer_fd(fd, -EOPNOTSUPP);
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

SYSCALL2(removexattr, const char *, name, const char *, key __unused)
{
	return answer_at(name, 0, -EOPNOTSUPP);
}

SYSCALL2(lremovexattr, const char *, name, const char *, key __unused)
{
	return answer_at(name, PATH_NOFOLLOW, -EOPNOTSUPP);
}

SYSCALL2(fremovexattr, int, fd, const char *, key __unused)
{
	return answer_fd(fd, -EOPNOTSUPP);
}
