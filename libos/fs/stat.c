// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * stat and its relatives, statx, access, statfs.
 */
#include <linux/types.h>
#include <asm/stat.h> /* has a member called __unused */

#include "fs.h"

#include <asm/statfs.h>
#include <linux/magic.h>

/* The host's major << 32 | minor as Linux packs it into a dev_t. */
static u64 device_number(u64 device)
{
	u64 major = device >> 32, minor = (u32)device;

	return (minor & 0xff) | major << 8 | (minor & ~0xffULL) << 12;
}

/* Also for times before 1970: the rest is never negative. */
static void split_time(s64 time, s64 *seconds, s64 *nanoseconds)
{
	*seconds = time / NSEC_PER_SEC;
	*nanoseconds = time % NSEC_PER_SEC;
	if (*nanoseconds < 0) {
		*nanoseconds += NSEC_PER_SEC;
		--*seconds;
	}
}

static long put_stat(const struct dk_stream_attributes *attributes,
		     struct stat *to)
{
	struct stat st;
	s64 seconds, rest;

	memset(&st, 0, sizeof(st));
	st.st_dev = device_number(attributes->device);
	st.st_ino = attributes->inode;
	st.st_nlink = attributes->nlink;
	st.st_mode = mode_of(attributes);
	st.st_uid = attributes->uid;
	st.st_gid = attributes->gid;
	st.st_rdev = device_number(attributes->special);
	st.st_size = attributes->length;
	st.st_blksize = attributes->block_size;
	st.st_blocks = attributes->blocks;
	split_time(attributes->access_time, &seconds, &rest);
	st.st_atime = seconds;
	st.st_atime_nsec = rest;
	split_time(attributes->write_time, &seconds, &rest);
	st.st_mtime = seconds;
	st.st_mtime_nsec = rest;
	split_time(attributes->change_time, &seconds, &rest);
	st.st_ctime = seconds;
	st.st_ctime_nsec = rest;
	return user_put(st, to);
}

static long query_at(int dirfd, const char *name, u32 at_flags,
		     struct dk_stream_attributes *attributes)
{
	struct path path;
	u32 flags = 0;
	int error;

	if (at_flags & AT_SYMLINK_NOFOLLOW)
		flags |= PATH_NOFOLLOW;
	if (at_flags & AT_EMPTY_PATH)
		flags |= PATH_EMPTY;
	error = path_get(dirfd, name, flags, &path);
	if (error)
		return error;
	error = path_attributes(&path, attributes);
	path_put(&path);
	return error;
}

static long query_fd(int fd, struct dk_stream_attributes *attributes)
{
	struct file *file = fd_get(fd);
	long error;

	if (!file)
		return -EBADF;
	error = file_attributes(file, attributes);
	file_put(file);
	return error;
}

static long stat_at(int dirfd, const char *name, struct stat *to, u32 flags)
{
	struct dk_stream_attributes attributes;
	long error = query_at(dirfd, name, flags, &attributes);

	return error ? error : put_stat(&attributes, to);
}

SYSCALL2(stat, const char *, name, struct stat *, to)
{
	return stat_at(AT_FDCWD, name, to, 0);
}

SYSCALL2(lstat, const char *, name, struct stat *, to)
{
	return stat_at(AT_FDCWD, name, to, AT_SYMLINK_NOFOLLOW);
}

SYSCALL2(fstat, int, fd, struct stat *, to)
{
	struct dk_stream_attributes attributes;
	long error = query_fd(fd, &attributes);

	return error ? error : put_stat(&attributes, to);
}

SYSCALL4(newfstatat, int, dirfd, const char *, name, struct stat *, to, u32,
	 flags)
{
	struct dk_stream_attributes attributes;
	long error;
	char first;

	if (flags &
	    ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	/* fstat() of glibc: spare it the path */
	if (flags & AT_EMPTY_PATH && dirfd >= 0 && !user_get(first, name) &&
	    !first) {
		error = query_fd(dirfd, &attributes);
		return error ? error : put_stat(&attributes, to);
	}
	return stat_at(dirfd, name, to, flags);
}

static void put_time(struct statx_timestamp *to, s64 time)
{
	s64 seconds, rest;

	split_time(time, &seconds, &rest);
	to->tv_sec = seconds;
	to->tv_nsec = rest;
}

SYSCALL5(statx, int, dirfd, const char *, name, u32, flags, u32, mask,
	 struct statx *, to)
{
	struct dk_stream_attributes attributes;
	struct statx st;
	long error;

	if (mask & STATX__RESERVED ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
			   AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	error = query_at(dirfd, name, flags, &attributes);
	if (error)
		return error;

	memset(&st, 0, sizeof(st));
	st.stx_mask = STATX_BASIC_STATS;
	st.stx_blksize = attributes.block_size;
	st.stx_nlink = attributes.nlink;
	st.stx_uid = attributes.uid;
	st.stx_gid = attributes.gid;
	st.stx_mode = mode_of(&attributes);
	st.stx_ino = attributes.inode;
	st.stx_size = attributes.length;
	st.stx_blocks = attributes.blocks;
	put_time(&st.stx_atime, attributes.access_time);
	put_time(&st.stx_mtime, attributes.write_time);
	put_time(&st.stx_ctime, attributes.change_time);
	if (attributes.birth_time) {
		st.stx_mask |= STATX_BTIME;
		put_time(&st.stx_btime, attributes.birth_time);
	}
	st.stx_rdev_major = attributes.special >> 32;
	st.stx_rdev_minor = attributes.special;
	st.stx_dev_major = attributes.device >> 32;
	st.stx_dev_minor = attributes.device;
	return user_put(st, to);
}

/*
 * What permission bits allow, the sandbox's rules may still forbid: ask the
 * host, in a way that changes nothing. Setting no attribute of a directory
 * needs the right to write there.
 */
static int ask_host(struct path *path,
		    const struct dk_stream_attributes *attributes, int mode)
{
	static const u8 access[] = {
		[4] = DK_ACCESS_READ,
		[2] = DK_ACCESS_WRITE,
		[1] = DK_ACCESS_EXECUTE,
	};
	struct dk_stream_attributes none = { 0 };
	DK_HANDLE handle;
	int right, error;

	if (attributes->type == DK_TYPE_DIRECTORY) {
		if (!(mode & 2))
			return 0;
		error = errno_of(DkxStreamAttributesSet(path->uri, path->length,
							0, &none,
							sizeof(none)));
		return error == -EINVAL ? 0 : error;
	}
	if (attributes->type != DK_TYPE_FILE)
		return 0;
	for (right = 4; right; right >>= 1) {
		if (!(mode & right))
			continue;
		error = errno_of(DkStreamOpen(path->uri, path->length,
					      access[right], DK_OPEN_EXISTING,
					      DK_OPTION_NONBLOCK, &handle));
		if (!error)
			DkObjectClose(handle);
		else if (error == -EACCES || error == -EROFS)
			return error;
	}
	return 0;
}

static long access_at(int dirfd, const char *name, int mode, u32 at_flags)
{
	struct dk_stream_attributes attributes;
	bool effective = at_flags & AT_EACCESS;
	struct path path;
	u32 flags = 0;
	long error;

	if (mode & ~7 ||
	    at_flags & ~(u32)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (at_flags & AT_SYMLINK_NOFOLLOW)
		flags |= PATH_NOFOLLOW;
	if (at_flags & AT_EMPTY_PATH)
		flags |= PATH_EMPTY;
	error = path_get(dirfd, name, flags, &path);
	if (error)
		return error;
	error = path_attributes(&path, &attributes);
	if (!error && attributes.type != DK_TYPE_SYMLINK)
		error = permission_of(&attributes, mode,
				      effective ? process.fsuid : process.uid,
				      effective ? process.fsgid : process.gid);
	if (!error && mode && !path.file && !path.node)
		error = ask_host(&path, &attributes, mode);
	path_put(&path);
	return error;
}

SYSCALL2(access, const char *, name, int, mode)
{
	return access_at(AT_FDCWD, name, mode, 0);
}

SYSCALL3(faccessat, int, dirfd, const char *, name, int, mode)
{
	return access_at(dirfd, name, mode, 0);
}

SYSCALL4(faccessat2, int, dirfd, const char *, name, int, mode, u32, flags)
{
	return access_at(dirfd, name, mode, flags);
}

#define ST_VALID	0x20 /* the flags are told */

/* What is no file of the host's is of a file system that has no size. */
static void statfs_of_kind(struct file *file, struct statfs *fs)
{
	u8 type = file_type(file);
	bool named = file->kind == FILE_SYNTHETIC || file->kind == FILE_PATH;

	if (named && file->path && !strncmp(file->path, "/dev/pts", 8))
		fs->f_type = DEVPTS_SUPER_MAGIC;
	else if (named)
		fs->f_type = PROC_SUPER_MAGIC;
	else if (type == DK_TYPE_FIFO)
		fs->f_type = PIPEFS_MAGIC;
	else if (type == DK_TYPE_SOCKET)
		fs->f_type = SOCKFS_MAGIC;
	else
		fs->f_type = ANON_INODE_FS_MAGIC;
	fs->f_bsize = PAGE_SIZE;
	fs->f_frsize = PAGE_SIZE;
	fs->f_namelen = NAME_MAX;
	fs->f_flags = ST_VALID;
}

static long put_statfs(struct file *file, struct statfs *to)
{
	struct dk_file_system host;
	struct statfs fs = { 0 };
	DK_STATUS status = DK_STATUS_NOT_SUPPORTED;

	if (file->handle != DK_INVALID_HANDLE)
		status = DkxStreamControl(file->handle, DK_CONTROL_FILE_SYSTEM,
					  &host, sizeof(host));
	if (status && status != DK_STATUS_NOT_SUPPORTED)
		return errno_of(status);
	if (status) {
		statfs_of_kind(file, &fs);
		return user_put(fs, to);
	}
	fs.f_type = host.type;
	fs.f_bsize = host.block_size;
	fs.f_frsize = host.fragment_size;
	fs.f_blocks = host.blocks;
	fs.f_bfree = host.free;
	fs.f_bavail = host.available;
	fs.f_files = host.files;
	fs.f_ffree = host.free_files;
	fs.f_fsid.val[0] = (int)host.id;
	fs.f_fsid.val[1] = (int)(host.id >> 32);
	fs.f_namelen = host.name_max;
	fs.f_flags = host.flags;
	return user_put(fs, to);
}

SYSCALL2(statfs, const char *, name, struct statfs *, to)
{
	struct file *file;
	struct path path;
	long error;

	error = path_get(AT_FDCWD, name, 0, &path);
	if (error)
		return error;
	if (path.node && path.node->magic) {
		file = fd_get(path.id);
		error = file ? 0 : -ENOENT;
	} else {
		error = name_open(&path, O_PATH, &file);
	}
	path_put(&path);
	if (error)
		return error;
	error = put_statfs(file, to);
	file_put(file);
	return error;
}

SYSCALL2(fstatfs, int, fd, struct statfs *, to)
{
	struct file *file = fd_get(fd);
	long error;

	if (!file)
		return -EBADF;
	error = put_statfs(file, to);
	file_put(file);
	return error;
}
