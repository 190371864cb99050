// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls, each with the kernel functions that modules may use. Why none is
 * forwarded to a native call: Documentation/samples/foreign.rst.
 */
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "../../compat.h"
#include "foreign.h"

static void __user *user(unsigned long address)
{
	return (void __user *)address;
}

/* ---- files ---- */

static long foreign_transfer(const struct pt_regs *regs, bool write)
{
	size_t length = min_t(size_t, regs->dx, MAX_RW_COUNT);
	struct iov_iter iter;
	loff_t *position;
	struct file *file;
	long done;

	if (!access_ok(user(regs->si), length))
		return -EFAULT;
	file = fget(regs->di);
	if (!file)
		return -EBADF;
	iov_iter_ubuf(&iter, write ? WRITE : READ, user(regs->si), length);
	position = file->f_mode & FMODE_STREAM ? NULL : &file->f_pos;
	/* Always: fget() hides whether somebody else has the file, too. */
	if (file->f_mode & FMODE_ATOMIC_POS)
		mutex_lock(&file->f_pos_lock);
	if (write)
		done = pico_compat_iter_write(file, &iter, position);
	else
		done = vfs_iter_read(file, &iter, position, 0);
	if (file->f_mode & FMODE_ATOMIC_POS)
		mutex_unlock(&file->f_pos_lock);
	fput(file);
	return done;
}

static long foreign_read(const struct pt_regs *regs)
{
	return foreign_transfer(regs, false);
}

static long foreign_write(const struct pt_regs *regs)
{
	return foreign_transfer(regs, true);
}

static long foreign_open(const struct pt_regs *regs)
{
	int flags = foreign_open_flags(regs->si), fd;
	struct file *file;
	char *path;

	if (flags < 0)
		return flags;
	path = strndup_user(user(regs->di), PATH_MAX);
	if (IS_ERR(path))
		return PTR_ERR(path) == -EINVAL ? -ENAMETOOLONG : PTR_ERR(path);
	fd = get_unused_fd_flags(flags);
	if (fd < 0)
		goto free;
	file = filp_open(path, flags | O_LARGEFILE, regs->dx & S_IALLUGO);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
	} else {
		fd_install(fd, file);
	}
free:
	kfree(path);
	return fd;
}

static long foreign_close(const struct pt_regs *regs)
{
	long ret = close_fd(regs->di);

	/* It is closed, whatever its file says of it. */
	return ret == -EBADF ? ret : 0;
}

static long foreign_fstat(const struct pt_regs *regs)
{
	struct file *file = fget(regs->di);
	struct foreign_stat stat;
	struct kstat kstat;
	int ret;

	if (!file)
		return -EBADF;
	ret = vfs_getattr(&file->f_path, &kstat,
			  STATX_BASIC_STATS | STATX_BTIME,
			  AT_STATX_SYNC_AS_STAT);
	fput(file);
	if (ret)
		return ret;
	foreign_stat_fill(&stat, &kstat);
	return copy_to_user(user(regs->si), &stat, sizeof(stat)) ? -EFAULT : 0;
}

static long foreign_getcwd(const struct pt_regs *regs)
{
	char *page = (char *)__get_free_page(GFP_KERNEL), *name;
	struct path path;
	size_t size;
	long ret;

	if (!page)
		return -ENOMEM;
	get_fs_pwd(current->fs, &path);
	name = d_path(&path, page, PAGE_SIZE);
	path_put(&path);
	ret = PTR_ERR_OR_ZERO(name);
	if (ret)
		goto free;
	size = strlen(name) + 1;
	if (size > regs->si)
		ret = -ERANGE;
	else if (copy_to_user(user(regs->di), name, size))
		ret = -EFAULT;
free:
	free_page((unsigned long)page);
	return ret;
}

/* ---- memory ---- */

static long foreign_mmap(const struct pt_regs *regs)
{
	unsigned long length = regs->si, prot = regs->dx, offset = regs->r9;
	int flags = foreign_map_flags(regs->r10);
	struct file *file = NULL;
	unsigned long address;

	if (flags < 0)
		return flags;
	if (!length || prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC))
		return -EINVAL;
	if (flags & MAP_ANONYMOUS) {
		if ((int)regs->r8 != -1 || offset)
			return -EINVAL;
	} else {
		file = fget(regs->r8);
		if (!file)
			return -EBADF;
	}
	address = vm_mmap(file, regs->di, length, prot, flags, offset);
	if (file)
		fput(file);
	return address;
}

static long foreign_munmap(const struct pt_regs *regs)
{
	return vm_munmap(regs->di, regs->si);
}

/* ---- what the system and the process are ---- */

static long foreign_getpid(const struct pt_regs *regs)
{
	return task_tgid_vnr(current);
}

static long foreign_getuid(const struct pt_regs *regs)
{
	return from_kuid_munged(current_user_ns(), current_uid());
}

static long foreign_issetugid(const struct pt_regs *regs)
{
	return 0;
}

static long foreign_clock_gettime(const struct pt_regs *regs)
{
	struct foreign_timespec to;
	struct timespec64 time;

	switch (regs->di) {
	case 0:				/* CLOCK_REALTIME */
		ktime_get_real_ts64(&time);
		break;
	case 4:				/* CLOCK_MONOTONIC */
		ktime_get_ts64(&time);
		break;
	default:
		return -EINVAL;
	}
	to.seconds = time.tv_sec;
	to.nanoseconds = time.tv_nsec;
	return copy_to_user(user(regs->si), &to, sizeof(to)) ? -EFAULT : 0;
}

static const struct {
	int name[2];
	const char *value;
} foreign_sysctls[] = {
	{ { 1, 1 }, "FreeBSD" },	/* kern.ostype */
	{ { 1, 2 }, "13.2-RELEASE" },	/* kern.osrelease */
	{ { 6, 1 }, "amd64" },		/* hw.machine */
};

/* name, how many, old value, its size in and out; new values are refused */
static long foreign_sysctl(const struct pt_regs *regs)
{
	u64 __user *sizep = user(regs->r10);
	size_t i, length;
	int name[2];
	u64 size;

	if (regs->r8)
		return -EPERM;
	if (regs->si != ARRAY_SIZE(name))
		return -ENOENT;
	if (copy_from_user(name, user(regs->di), sizeof(name)))
		return -EFAULT;
	for (i = 0; memcmp(foreign_sysctls[i].name, name, sizeof(name)); i++) {
		if (i == ARRAY_SIZE(foreign_sysctls) - 1)
			return -ENOENT;
	}
	if (!sizep)
		return 0;
	if (get_user(size, sizep))
		return -EFAULT;
	length = strlen(foreign_sysctls[i].value) + 1;
	if (regs->dx) {
		/* What has room, and an error when that was not all. */
		size = min_t(u64, size, length);
		if (copy_to_user(user(regs->dx), foreign_sysctls[i].value,
				 size))
			return -EFAULT;
	} else {
		size = length;
	}
	if (put_user(size, sizep))
		return -EFAULT;
	return size < length ? -ENOMEM : 0;
}

const foreign_call_t foreign_calls[FOREIGN_CALLS] = {
	[3] = foreign_read,
	[4] = foreign_write,
	[5] = foreign_open,
	[6] = foreign_close,
	[20] = foreign_getpid,
	[24] = foreign_getuid,
	[73] = foreign_munmap,
	[202] = foreign_sysctl,
	[232] = foreign_clock_gettime,
	[253] = foreign_issetugid,
	[326] = foreign_getcwd,
	[477] = foreign_mmap,
	[551] = foreign_fstat,
};
