// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shared memory (DK_MEM_SHARED) of a sandbox whose memory is limited.
 *
 * It is memory of the kernel's tmpfs, as what mmap(2) maps shared and
 * anonymous, under a file of our own: with the same inode, so that tmpfs serves
 * it, but with a release() that tells when the last mapping, in whichever
 * process, is gone. Until then all of it counts, since unmapping a part gives
 * nothing back. (Where there is no limit the kernel's own is mapped.)
 *
 * The count has no lock: it goes down where the kernel drops the file. It goes
 * up under sandbox->memory_lock.
 */
#include <linux/mm.h>
#include <linux/shmem_fs.h>

#include "drawbridge.h"

struct dk_shared {
	struct dk_sandbox *sandbox;	/* counted */
	struct file *memory;		/* counted */
	u64 pages;
};

static void dk_shared_free(struct dk_shared *shared)
{
	atomic64_sub(shared->pages, &shared->sandbox->shared_pages);
	if (shared->memory)
		fput(shared->memory);
	dk_sandbox_put(shared->sandbox);
	kfree(shared);
}

static int dk_shared_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct dk_shared *shared = file->private_data;

	return shared->memory->f_op->mmap(shared->memory, vma);
}

static int dk_shared_release(struct inode *inode, struct file *file)
{
	dk_shared_free(file->private_data);
	return 0;
}

static const struct file_operations dk_shared_fops = {
	.owner = THIS_MODULE,
	.mmap = dk_shared_mmap,
	.release = dk_shared_release,
};

/* On success the file has @shared. */
static struct file *dk_shared_open(struct dk_shared *shared, u64 length)
{
	struct inode *inode;
	struct file *file;

	file = shmem_file_setup("drawbridge", length, 0);
	if (IS_ERR(file))
		return file;
	shared->memory = file;
	inode = file_inode(file);
	ihold(inode);
	__module_get(THIS_MODULE);	/* the kernel's last fput() puts it */
	file = alloc_file_pseudo(inode, file->f_path.mnt, "drawbridge", O_RDWR,
				 &dk_shared_fops);
	if (IS_ERR(file)) {
		module_put(THIS_MODULE);
		iput(inode);
		return file;
	}
	file->private_data = shared;
	return file;
}

/**
 * dk_shared_file() - memory that clones will share, counted
 * @process:	of the caller, whose sandbox has a limit
 * @length:	in bytes, whole pages
 *
 * Return: a file that is mapped from its beginning, or ERR_PTR(-ENOMEM).
 */
struct file *dk_shared_file(struct dk_process *process, u64 length)
{
	struct dk_shared *shared;
	struct file *file;
	long ret;

	shared = kzalloc(sizeof(*shared), GFP_KERNEL_ACCOUNT);
	if (!shared)
		return ERR_PTR(-ENOMEM);
	ret = dk_memory_shared(process, length);
	if (ret) {
		kfree(shared);
		return ERR_PTR(ret);
	}
	shared->pages = length >> PAGE_SHIFT;
	shared->sandbox = dk_sandbox_get(process->sandbox);
	file = dk_shared_open(shared, length);
	if (IS_ERR(file)) {
		dk_shared_free(shared);
		return ERR_PTR(-ENOMEM);
	}
	return file;
}
