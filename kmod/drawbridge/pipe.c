// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pipes without a name: DkxPipeCreate.
 *
 * A pipe is the kernel's own, so what holds of pipes holds of it: writes of at
 * most PIPE_BUF bytes go in whole, a reader without writers is at the end, a
 * writer without readers gets BROKEN_PIPE, and the ends are counted by open
 * files, in however many processes their handles are.
 *
 * create_pipe_files() is not for modules. What is, is a FIFO, which is the same
 * code: each pipe is an inode without a name in a file system of ours, opened
 * once for each end. The reading end is opened first and without waiting; the
 * writing end then finds a reader. (That a reader without writers sees no
 * hang-up until the first one came is over by then.)
 *
 * With DK_PIPE_DUPLEX there is no FIFO but two connected sockets, see socket.c;
 * with DK_PIPE_LOCAL_* two of local.c.
 *
 * The file system is mounted while any sandbox that made a pipe exists: a
 * mount for good would pin the module.
 */
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/net.h>
#include <linux/pseudo_fs.h>

#include "stream.h"

#define DK_PIPE_MAGIC	0x6462706970650001 /* "dbpipe" */

static int pipe_fs_init(struct fs_context *fc)
{
	if (!init_pseudo(fc, DK_PIPE_MAGIC))
		return -ENOMEM;
	/* Not of the user namespace of whoever comes first. */
	fc->global = true;
	return 0;
}

static struct file_system_type pipe_fs = {
	.owner = THIS_MODULE,
	.name = "drawbridge",
	.init_fs_context = pipe_fs_init,
	.kill_sb = kill_anon_super,
};

static struct vfsmount *pipe_mount;
static int pipe_mount_users;

static const struct dk_stream_ops pipe_ops = {
	.read = dk_file_read,
	.write = dk_file_write,
	.seek = dk_file_seek,
	.get_attributes = dk_stream_get_attributes,
};

/* The sandbox's hold on the file system; lasts as long as the sandbox. */
static int pipes_prepare(struct dk_sandbox *sandbox)
{
	int error = 0;

	/* Pairs with the release below. */
	if (smp_load_acquire(&sandbox->has_pipes))
		return 0;
	mutex_lock(&sandbox->lock);
	if (!sandbox->has_pipes) {
		error = simple_pin_fs(&pipe_fs, &pipe_mount, &pipe_mount_users);
		if (!error) /* pipe_mount is set: pairs with the above */
			smp_store_release(&sandbox->has_pipes, true);
	}
	mutex_unlock(&sandbox->lock);
	return error;
}

void dk_pipes_destroy(struct dk_sandbox *sandbox)
{
	if (sandbox->has_pipes)
		simple_release_fs(&pipe_mount, &pipe_mount_users);
}

/* A FIFO that has no name. */
static int pipe_make(struct path *path)
{
	struct super_block *sb = pipe_mount->mnt_sb;
	struct dentry *dentry;
	struct inode *inode;

	inode = new_inode(sb);
	if (!inode)
		return -ENFILE;
	inode->i_ino = get_next_ino();
	inode_init_owner(dk_idmap(pipe_mount), inode, NULL, S_IFIFO | 0600);
	init_special_inode(inode, inode->i_mode, 0);
	dk_inode_times_now(inode);
	dentry = d_alloc_anon(sb);
	if (!dentry) {
		iput(inode);
		return -ENOMEM;
	}
	d_instantiate(dentry, inode);
	path->mnt = mntget(pipe_mount);
	path->dentry = dentry;
	return 0;
}

static int pipe_open_end(struct dk_stream *stream, const struct path *path,
			 int flags, bool nonblock)
{
	struct file *file;

	file = dentry_open(path, flags | O_NONBLOCK | O_LARGEFILE,
			   current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!nonblock) {
		spin_lock(&file->f_lock);
		file->f_flags &= ~O_NONBLOCK;
		spin_unlock(&file->f_lock);
	} else {
		stream->flags |= DK_OPTION_NONBLOCK;
	}
	stream->file = file;
	stream->ops = &pipe_ops;
	return 0;
}

static int pipe_create(struct dk_stream *reader, struct dk_stream *writer,
		       u64 options)
{
	struct path path;
	int error;

	error = pipes_prepare(reader->sandbox);
	if (error)
		return error;
	error = pipe_make(&path);
	if (error)
		return error;
	error = pipe_open_end(reader, &path, O_RDONLY,
			      options & DK_PIPE_NONBLOCK_READ);
	if (!error)
		error = pipe_open_end(writer, &path, O_WRONLY,
				      options & DK_PIPE_NONBLOCK_WRITE);
	path_put(&path);
	return error;
}

static int duplex_create(struct dk_stream *stream[2], u64 options)
{
	struct socket *pair[2];
	int error;

	error = dk_socket_pair(pair);
	if (error)
		return error;
	error = dk_socket_attach(stream[0], pair[0],
				 options & DK_PIPE_NONBLOCK_READ);
	if (error) {
		sock_release(pair[1]);
		return error;
	}
	return dk_socket_attach(stream[1], pair[1],
				options & DK_PIPE_NONBLOCK_WRITE);
}

#define PIPE_KINDS	(DK_PIPE_DUPLEX | DK_PIPE_LOCAL_STREAM | \
			 DK_PIPE_LOCAL_PACKET | DK_PIPE_LOCAL_DATAGRAM)

/* DkxPipeCreate(options, out reader, out writer) */
DK_HANDLER(DkxPipeCreate)
{
	struct dk_process *process = thread->process;
	DK_HANDLE __user *out[2] = { dk_user(a1), dk_user(a2) };
	u32 rights[2] = { DK_RIGHT_READ | DK_RIGHT_CONTROL,
			  DK_RIGHT_WRITE | DK_RIGHT_CONTROL };
	struct dk_stream *stream[2] = { };
	DK_HANDLE handle[2];
	int entered = 0, i;
	long error;

	if (a0 & ~(u64)(DK_PIPE_NONBLOCK_READ | DK_PIPE_NONBLOCK_WRITE |
			PIPE_KINDS) ||
	    hweight64(a0 & PIPE_KINDS) > 1)
		return -EINVAL;
	error = -ENOMEM;
	for (i = 0; i < 2; i++) {
		stream[i] = dk_stream_alloc(process->sandbox);
		if (!stream[i])
			goto put;
	}
	if (a0 & PIPE_KINDS) {
		rights[0] |= DK_RIGHT_WRITE;
		rights[1] |= DK_RIGHT_READ;
		error = a0 & DK_PIPE_DUPLEX ? duplex_create(stream, a0) :
					      dk_local_pair(stream, a0);
	} else {
		error = pipe_create(stream[0], stream[1], a0);
	}
	if (error) {
		error = dk_stream_status(error, dk_statuses_DkxPipeCreate);
		goto put;
	}
	for (; entered < 2; entered++) {
		error = dk_handle_create(process, &stream[entered]->object,
					 rights[entered], &handle[entered]);
		if (error)
			goto close;
	}
	error = dk_put_both(handle[0], out[0], handle[1], out[1]);
	if (!error)
		return 0;

close:
	for (i = 0; i < entered; i++) {
		/* The handle took the reference. */
		dk_handle_close(process, handle[i]);
		stream[i] = NULL;
	}
put:
	for (i = 0; i < 2; i++)
		if (stream[i])
			dk_stream_put(stream[i]);
	return error;
}
