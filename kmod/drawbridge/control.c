// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxStreamControl: what pipes, terminals and connections can be asked and
 * told besides moving bytes.
 */
#include <linux/fcntl.h>
#include <linux/fdtable.h>
#include <linux/falloc.h> /* behind one that has types */
#include <linux/fs.h>
#include <linux/net.h>
#include <linux/nospec.h>
#include <linux/pipe_fs_i.h>
#include <linux/poll.h>
#include <linux/sockios.h>
#include <linux/statfs.h>
#include <net/sock.h>

#include <asm/ioctls.h>

#include "stream.h"

#define KNOWN_READY	(EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP | \
			 EPOLLRDHUP)

bool dk_stream_can_poll(const struct dk_stream *stream)
{
	return stream->ops->poll ||
	       (stream->file && file_can_poll(stream->file));
}

__poll_t dk_stream_poll(struct dk_stream *stream,
			struct poll_table_struct *table)
{
	if (stream->ops->poll)
		return stream->ops->poll(stream, table);
	return vfs_poll(stream->file, table);
}

static struct socket *stream_socket(const struct dk_stream *stream)
{
	return stream->file ? sock_from_file(stream->file) : NULL;
}

/* ---- one function an operation; the buffer has the right size ---- */

static long nonblock_get(struct dk_stream *stream, void __user *buffer)
{
	u32 options = READ_ONCE(stream->flags) & DK_OPTION_NONBLOCK;

	return put_user(options, (u32 __user *)buffer);
}

static void set_file_flag(struct file *file, unsigned int flag, bool on)
{
	lockdep_assert_held(&file->f_lock);
	if (on)
		file->f_flags |= flag;
	else
		file->f_flags &= ~flag;
	file->f_iocb_flags = iocb_flags(file);
}

/*
 * Of all handles of the stream, in all processes. The file of a console is
 * shared with the host, whose flags stay as they are; see transfer.c.
 */
static long nonblock_set(struct dk_stream *stream, void __user *buffer)
{
	struct file *file = stream->file;
	u32 options;

	if (get_user(options, (u32 __user *)buffer))
		return -EFAULT;
	if (options & ~DK_OPTION_NONBLOCK)
		return -EINVAL;
	if (!file && !stream->ops->accept && !stream->ops->poll)
		return -EOPNOTSUPP;
	set_mask_bits(&stream->flags, DK_OPTION_NONBLOCK, options);
	if (!file || dk_is_console(stream))
		return 0;
	spin_lock(&file->f_lock);
	set_file_flag(file, O_NONBLOCK, options);
	spin_unlock(&file->f_lock);
	return 0;
}

static bool can_append(struct dk_stream *stream)
{
	return stream->file && stream->ops->write == dk_file_write &&
	       (dk_is_console(stream) ||
		S_ISREG(file_inode(stream->file)->i_mode));
}

/* The host's own file of a console may append, too. */
static long append_get(struct dk_stream *stream, void __user *buffer)
{
	bool append;

	if (!can_append(stream))
		return -EOPNOTSUPP;
	append = READ_ONCE(stream->flags) & DK_ACCESS_APPEND ||
		 READ_ONCE(stream->file->f_flags) & O_APPEND;
	return put_user((u32)append, (u32 __user *)buffer);
}

/*
 * As fcntl(F_SETFL) does it; of all handles of the stream, too. The lock keeps
 * the two places alike.
 */
static long append_set(struct dk_stream *stream, void __user *buffer)
{
	struct file *file = stream->file;
	u32 append;

	if (get_user(append, (u32 __user *)buffer))
		return -EFAULT;
	if (append > 1)
		return -EINVAL;
	if (!can_append(stream))
		return -EOPNOTSUPP;
	/* What is marked so is only appended to; the host's file is the host's. */
	if (!append &&
	    (IS_APPEND(file_inode(file)) ||
	     (dk_is_console(stream) && READ_ONCE(file->f_flags) & O_APPEND)))
		return -EPERM;
	spin_lock(&file->f_lock);
	set_mask_bits(&stream->flags, DK_ACCESS_APPEND,
		      append ? DK_ACCESS_APPEND : 0);
	if (!dk_is_console(stream))
		set_file_flag(file, O_APPEND, append);
	spin_unlock(&file->f_lock);
	return 0;
}

static long get_ready(struct dk_stream *stream, void __user *buffer)
{
	u32 ready;

	BUILD_BUG_ON((__force u32)EPOLLIN != DK_READY_READ ||
		     (__force u32)EPOLLPRI != DK_READY_URGENT ||
		     (__force u32)EPOLLOUT != DK_READY_WRITE ||
		     (__force u32)EPOLLERR != DK_READY_ERROR ||
		     (__force u32)EPOLLHUP != DK_READY_CLOSED ||
		     (__force u32)EPOLLRDHUP != DK_READY_READ_CLOSED);
	if (!dk_stream_can_poll(stream))
		return -EOPNOTSUPP;
	ready = (__force u32)(dk_stream_poll(stream, NULL) & KNOWN_READY);
	return put_user(ready, (u32 __user *)buffer);
}

static long get_pipe_size(struct dk_stream *stream, void __user *buffer)
{
	struct pipe_inode_info *pipe;

	if (!stream->file || !S_ISFIFO(file_inode(stream->file)->i_mode))
		return -EOPNOTSUPP;
	pipe = file_inode(stream->file)->i_pipe;
	return put_user((u64)READ_ONCE(pipe->max_usage) * PAGE_SIZE,
			(u64 __user *)buffer);
}

/*
 * Only the system call can change it, and takes a descriptor: the pipe has one
 * in the process' own table, which is empty otherwise, for that long. Nothing
 * else that is ever forwarded takes one, and a clone closes what it finds.
 */
static long set_pipe_size(struct dk_thread *thread, struct dk_stream *stream,
			  u64 __user *buffer)
{
	u64 size;
	long ret;
	int fd;

	if (get_user(size, buffer) || put_user(size, buffer))
		return -EFAULT;
	if (!stream->file || !S_ISFIFO(file_inode(stream->file)->i_mode))
		return -EOPNOTSUPP;
	if (size > INT_MAX)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return -ENOMEM;
	fd_install(fd, get_file(stream->file));
	thread->native_fd = fd;
	thread->native_out = buffer;
	ret = pico_forward_watched(thread->pico, current_pt_regs(), __NR_fcntl,
				   fd, F_SETPIPE_SZ, size, 0, 0, 0);
	if (!ret)
		return DK_FORWARD;
	close_fd(fd);
	return ret;
}

long dk_control_ended(struct dk_thread *thread, long result)
{
	close_fd(thread->native_fd);
	if (result < 0)
		return dk_stream_status(result, dk_statuses_DkxStreamControl);
	return put_user((u64)result, thread->native_out) ?
		DK_STATUS_INVALID_POINTER : DK_STATUS_SUCCESS;
}

static long get_unsent(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);

	if (!sock || !sock->ops->ioctl)
		return -EOPNOTSUPP;
	return sock->ops->ioctl(sock, SIOCOUTQ, (unsigned long)buffer);
}

static long shut_down(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);
	u32 how;

	if (get_user(how, (u32 __user *)buffer))
		return -EFAULT;
	if (!how || how & ~(DK_SHUTDOWN_READ | DK_SHUTDOWN_WRITE))
		return -EINVAL;
	if (dk_is_local(stream))
		return dk_local_shutdown(stream, how);
	if (!sock)
		return -EOPNOTSUPP;
	return kernel_sock_shutdown(sock, how == DK_SHUTDOWN_READ ? SHUT_RD :
				    how == DK_SHUTDOWN_WRITE ? SHUT_WR :
							       SHUT_RDWR);
}

static long get_error(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);
	s64 error;

	if (!sock && !dk_is_local(stream))
		return -EOPNOTSUPP;
	/* What was asked for is lost if it cannot be stored: look before. */
	if (put_user(0LL, (s64 __user *)buffer))
		return -EFAULT;
	error = sock ? sock_error(sock->sk) : dk_local_take_error(stream);
	error = dk_stream_status(error, DK_SET_FILE | DK_SET_NETWORK |
				 DK_S(BROKEN_PIPE));
	return put_user(error, (s64 __user *)buffer);
}

static long get_address(struct dk_stream *stream, int peer,
			void __user *buffer)
{
	struct socket *sock = stream_socket(stream);
	struct dk_address address;
	long error;

	if (!sock)
		return -EOPNOTSUPP;
	error = dk_socket_address(sock, peer, &address);
	if (!error && copy_to_user(buffer, &address, sizeof(address)))
		error = -EFAULT;
	return error;
}

static long get_local_address(struct dk_stream *stream, void __user *buffer)
{
	return get_address(stream, 0, buffer);
}

static long get_peer_address(struct dk_stream *stream, void __user *buffer)
{
	return get_address(stream, 1, buffer);
}

static long set_backlog(struct dk_stream *stream, void __user *buffer)
{
	u32 backlog;

	if (get_user(backlog, (u32 __user *)buffer))
		return -EFAULT;
	if (dk_pipe_server_listen(stream, backlog))
		return 0;
	if (dk_is_local(stream))
		return dk_local_listen(stream, backlog);
	/* A client's socket could listen, too, past the rules. */
	if (!dk_is_tcp_server(stream))
		return -EOPNOTSUPP;
	return dk_tcp_listen(sock_from_file(stream->file), backlog);
}

static long get_socket(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);

	return sock ? dk_socket_get(sock, buffer) : -EOPNOTSUPP;
}

static long set_socket(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);

	if (!sock)
		return -EOPNOTSUPP;
	return dk_socket_set(sock, buffer, dk_is_tcp_server(stream));
}

/* Of a connection; a server has nothing to be read but connections. */
static long receive_message(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);

	if (!sock || stream->ops != &dk_socket_ops)
		return -EOPNOTSUPP;
	return dk_socket_receive(sock, buffer);
}

static long send_message(struct dk_stream *stream, void __user *buffer)
{
	struct socket *sock = stream_socket(stream);

	if (!sock || stream->ops != &dk_socket_ops)
		return -EOPNOTSUPP;
	return dk_socket_send(sock, buffer);
}

/* Room for a file, or less of it: whoever may write it, may do that. */
static long allocate(struct dk_stream *stream, void __user *buffer)
{
	const u32 known = DK_ALLOCATE_KEEP_SIZE | DK_ALLOCATE_PUNCH |
			  DK_ALLOCATE_COLLAPSE | DK_ALLOCATE_ZERO |
			  DK_ALLOCATE_INSERT | DK_ALLOCATE_UNSHARE;
	struct dk_allocation a;

	BUILD_BUG_ON(DK_ALLOCATE_KEEP_SIZE != FALLOC_FL_KEEP_SIZE ||
		     DK_ALLOCATE_PUNCH != FALLOC_FL_PUNCH_HOLE ||
		     DK_ALLOCATE_COLLAPSE != FALLOC_FL_COLLAPSE_RANGE ||
		     DK_ALLOCATE_ZERO != FALLOC_FL_ZERO_RANGE ||
		     DK_ALLOCATE_INSERT != FALLOC_FL_INSERT_RANGE ||
		     DK_ALLOCATE_UNSHARE != FALLOC_FL_UNSHARE_RANGE);
	if (copy_from_user(&a, buffer, sizeof(a)))
		return -EFAULT;
	if (a.mode & ~known || a.reserved || a.offset > LLONG_MAX ||
	    !a.length || a.length > LLONG_MAX)
		return -EINVAL;
	if (!dk_is_file_stream(stream) ||
	    !S_ISREG(file_inode(stream->file)->i_mode))
		return -EOPNOTSUPP;
	if (!(stream->file->f_mode & FMODE_WRITE))
		return -EINVAL;
	return vfs_fallocate(stream->file, a.mode, a.offset, a.length);
}

/* Also of what is only named, without any access. */
static long get_file_system(struct dk_stream *stream, void __user *buffer)
{
	const struct path *path = dk_stream_path(stream);
	struct dk_file_system to = { 0 };
	struct kstatfs from;
	long error;

	if (!path)
		return -EOPNOTSUPP;
	error = vfs_statfs(path, &from);
	if (error)
		return error;
	to.type = from.f_type;
	to.block_size = from.f_bsize;
	to.fragment_size = from.f_frsize;
	to.blocks = from.f_blocks;
	to.free = from.f_bfree;
	to.available = from.f_bavail;
	to.files = from.f_files;
	to.free_files = from.f_ffree;
	to.id = (u32)from.f_fsid.val[0] | (u64)from.f_fsid.val[1] << 32;
	to.name_max = from.f_namelen;
	to.flags = from.f_flags;
	return copy_to_user(buffer, &to, sizeof(to)) ? -EFAULT : 0;
}

static const struct {
	long (*call)(struct dk_stream *stream, void __user *buffer); /* or NULL */
	u32 size;
	u32 rights;
	bool waits;
} operations[] = {
	[DK_CONTROL_GET_OPTIONS] = { nonblock_get, sizeof(u32), 0 },
	[DK_CONTROL_SET_OPTIONS] = { nonblock_set, sizeof(u32), 0 },
	[DK_CONTROL_READY] = { get_ready, sizeof(u32), 0 },
	[DK_CONTROL_PIPE_SIZE] = { get_pipe_size, sizeof(u64), 0 },
	[DK_CONTROL_UNSENT] = { get_unsent, sizeof(u32), 0 },
	[DK_CONTROL_SHUTDOWN] = { shut_down, sizeof(u32), DK_RIGHT_CONTROL },
	[DK_CONTROL_ERROR] = { get_error, sizeof(s64), DK_RIGHT_CONTROL },
	[DK_CONTROL_LOCAL_ADDRESS] = {
		get_local_address, sizeof(struct dk_address), 0 },
	[DK_CONTROL_PEER_ADDRESS] = {
		get_peer_address, sizeof(struct dk_address), 0 },
	[DK_CONTROL_LISTEN] = { set_backlog, sizeof(u32), DK_RIGHT_CONTROL },
	[DK_CONTROL_GET_SOCKET] = {
		get_socket, sizeof(struct dk_socket_option), 0 },
	[DK_CONTROL_SET_SOCKET] = {
		set_socket, sizeof(struct dk_socket_option),
		DK_RIGHT_CONTROL },
	[DK_CONTROL_RECEIVE] = { receive_message, sizeof(struct dk_message),
				 DK_RIGHT_READ },
	[DK_CONTROL_SEND] = { send_message, sizeof(struct dk_message),
			      DK_RIGHT_WRITE },
	[DK_CONTROL_SET_PIPE_SIZE] = { NULL, sizeof(u64), DK_RIGHT_CONTROL },
	[DK_CONTROL_BIND] = {
		dk_local_bind, sizeof(struct dk_local_name),
		DK_RIGHT_CONTROL },
	[DK_CONTROL_CONNECT] = {
		dk_local_connect, sizeof(struct dk_local_name),
		DK_RIGHT_CONTROL, true },
	[DK_CONTROL_NAME] = {
		dk_local_get_name, sizeof(struct dk_local_name), 0 },
	[DK_CONTROL_PEER_NAME] = {
		dk_local_get_peer_name, sizeof(struct dk_local_name), 0 },
	[DK_CONTROL_IDENTITY] = {
		dk_local_set_identity, DK_LOCAL_IDENTITY_SIZE,
		DK_RIGHT_CONTROL },
	[DK_CONTROL_UNREAD] = { dk_local_unread, sizeof(u32), 0 },
	[DK_CONTROL_ALLOCATE] = { allocate, sizeof(struct dk_allocation),
				  DK_RIGHT_WRITE, true },
	[DK_CONTROL_FILE_SYSTEM] = {
		get_file_system, sizeof(struct dk_file_system), 0, true },
	[DK_CONTROL_GET_APPEND] = { append_get, sizeof(u32), 0 },
	[DK_CONTROL_SET_APPEND] = { append_set, sizeof(u32), DK_RIGHT_WRITE },
};

/* DkxStreamControl(stream, operation, buffer, length) */
DK_HANDLER(DkxStreamControl)
{
	struct dk_stream *stream;
	long error;

	BUILD_BUG_ON(sizeof(struct dk_address) != 24 ||
		     sizeof(struct dk_socket_option) != 16 ||
		     sizeof(struct dk_accepted) != 32 ||
		     sizeof(struct dk_message) != 32 ||
		     sizeof(struct dk_allocation) != 24 ||
		     sizeof(struct dk_file_system) != 88);
	if (a1 >= ARRAY_SIZE(operations))
		return -EINVAL;
	a1 = array_index_nospec(a1, ARRAY_SIZE(operations));
	if (a3 != operations[a1].size)
		return -EINVAL;
	if (!access_ok(dk_user(a2), a3))
		return -EFAULT;
	if (operations[a1].waits)
		dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, operations[a1].rights);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (operations[a1].call)
		error = operations[a1].call(stream, dk_user(a2));
	else
		error = set_pipe_size(thread, stream, dk_user(a2));
	dk_stream_put(stream);
	return dk_stream_status(error, dk_statuses_DkxStreamControl);
}
