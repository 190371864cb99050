// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams: the calls that take or make a stream's handle.
 *
 * A call checks its arguments, finds the stream by its handle with the rights
 * that the call needs, and leaves the rest to the scheme's operations. The
 * reference taken by the lookup keeps the stream, and its file, while the
 * operation runs; another thread may close the handle meanwhile.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>

#include "stream.h"

/* ---- statuses ---- */

#define STATUS_ENTRY(bit, name, value, text)				\
	[-(value)] = 1ULL << (bit),

static const u64 status_bits[] = { DK_STATUS_TABLE(STATUS_ENTRY) };

/**
 * dk_stream_status() - a kernel error as a status that a call may return
 * @error:	0 or a negative errno of the VFS or a file system
 * @set:	the call's set of statuses
 *
 * What the set does not have becomes the nearest that it has: file systems
 * are free to return any errno.
 */
long dk_stream_status(long error, u64 set)
{
	if (likely(error >= 0 || error == -ERESTARTSYS))
		return error;
	switch (error) {
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -ERESTARTSYS;
	case -ENFILE:
		error = -ENOMEM;
		break;
	case -ENODEV:
	case -ENOTTY:
	case -EAFNOSUPPORT:
	case -EPROTONOSUPPORT:
	case -ENOPROTOOPT:
	case DK_STATUS_NOT_IMPLEMENTED:
		error = -EOPNOTSUPP;
		break;
	case -EINPROGRESS:
	case -EALREADY:
		error = -EAGAIN;
		break;
	case -ENOBUFS:
		error = -ENOMEM;
		break;
	case -ESHUTDOWN:
		error = -EPIPE;
		break;
	case -ECONNABORTED:
		error = -ECONNRESET;
		break;
	case -ENETDOWN:
		error = -ENETUNREACH;
		break;
	case -EHOSTDOWN:
		error = -EHOSTUNREACH;
		break;
	}
	if (-error >= ARRAY_SIZE(status_bits) || !(status_bits[-error] & set))
		return -EIO;
	return error;
}

/* ---- the object ---- */

static void stream_release(struct dk_object *object)
{
	struct dk_stream *stream = container_of(object, struct dk_stream,
						object);

	/* The last one may be leaving its queues right now: wait for it. */
	if (unlikely(stream->watched))
		dk_stream_events_end(stream);
	if (stream->ops && stream->ops->release)
		stream->ops->release(stream);
	dk_limit_unqueue(stream);
	if (stream->file)
		fput(stream->file);
	if (stream->path.dentry)
		path_put(&stream->path);
	kfree_rcu(stream, rcu);
}

/* Without operations or a file; its one reference is the caller's. */
struct dk_stream *dk_stream_alloc(struct dk_sandbox *sandbox)
{
	struct dk_stream *stream = kzalloc(sizeof(*stream), GFP_KERNEL_ACCOUNT);

	if (stream) {
		stream->sandbox = sandbox;
		INIT_LIST_HEAD(&stream->events);
		dk_object_init(&stream->object, DK_OBJECT_STREAM,
			       stream_release);
	}
	return stream;
}

/* ---- null: ---- */

static ssize_t null_read(struct dk_stream *stream, u64 offset,
			 void __user *buffer, size_t length)
{
	return 0;
}

static ssize_t null_write(struct dk_stream *stream, u64 offset,
			  const void __user *buffer, size_t length)
{
	return min_t(size_t, length, MAX_RW_COUNT);
}

static long null_seek(struct dk_stream *stream, s64 offset, u64 whence,
		      u64 *position)
{
	*position = 0;
	return 0;
}

static long null_get_attributes(struct dk_stream *stream,
				struct dk_stream_attributes *attributes)
{
	dk_null_attributes(attributes);
	return 0;
}

static const struct dk_stream_ops null_ops = {
	.read = null_read,
	.write = null_write,
	.seek = null_seek,
	.get_attributes = null_get_attributes,
};

long dk_null_open(struct dk_stream *stream, const struct dk_open *open,
		  u32 *rights)
{
	if (open->access & DK_ACCESS_EXECUTE)
		return -EACCES;
	if (open->disposition == DK_OPEN_CREATE_NEW)
		return -EEXIST;
	if (open->options & DK_OPTION_DIRECTORY)
		return -ENOTDIR;
	stream->ops = &null_ops;
	*rights = open->access & DK_ACCESS_RIGHTS;
	return 0;
}

/* ---- opening ---- */

#define OPEN_OPTIONS	(DK_OPTION_NONBLOCK | DK_OPTION_DIRECTORY | \
			 DK_OPTION_NOFOLLOW | DK_OPTION_LINK | \
			 DK_OPTION_SYNC | DK_OPTION_FIFO | \
			 DK_OPTION_UNNAMED | DK_OPTION_SOCKET)

/* What options a kind of file goes with that is only made. */
static bool making_makes_sense(const struct dk_open *open)
{
	u32 kind = open->options & (DK_OPTION_DIRECTORY | DK_OPTION_FIFO |
				    DK_OPTION_UNNAMED | DK_OPTION_SOCKET);

	if (!(kind & ~DK_OPTION_DIRECTORY))
		return true;
	if (hweight32(kind) != 1 || open->disposition != DK_OPEN_CREATE_NEW)
		return false;
	return kind == DK_OPTION_UNNAMED ? open->access & DK_ACCESS_WRITE :
					   !open->access;
}

/* DkStreamOpen(uri, uri_length, access, disposition, options, out stream) */
DK_HANDLER(DkStreamOpen)
{
	struct dk_open open = {
		.access = a2,
		.disposition = a3,
		.options = (u32)a4,
		.mode = (a4 >> DK_OPTION_MODE_SHIFT) & 07777,
	};
	struct dk_process *process = thread->process;
	struct dk_stream *stream;
	DK_HANDLE handle;
	struct dk_uri uri;
	u32 rights = 0;
	long error;

	if (a2 & ~(u64)(DK_ACCESS_RIGHTS | DK_ACCESS_APPEND) ||
	    a3 > DK_OPEN_CREATE_TRUNCATE ||
	    a4 & ~(OPEN_OPTIONS | DK_OPTION_MODE(07777)) ||
	    (open.options & DK_OPTION_DIRECTORY && dk_open_truncates(&open)) ||
	    !making_makes_sense(&open))
		return -EINVAL;

	/* Nothing is made, emptied or connected that nobody could be told of. */
	if (fault_in_safe_writeable(dk_user(a5), sizeof(handle)))
		return -EFAULT;
	dk_block_begin(thread);
	error = dk_uri_get(&uri, a0, a1);
	if (error)
		return error;
	error = dk_handle_reserve(process, &handle);
	if (error)
		goto put_uri;
	error = -ENOMEM;
	stream = dk_stream_alloc(process->sandbox);
	if (!stream)
		goto unreserve;
	stream->flags = (open.access & DK_ACCESS_APPEND) |
			(open.options & DK_OPTION_NONBLOCK);

	switch (uri.scheme) {
	case DK_SCHEME_FILE:
		error = dk_file_open(stream, uri.rest, &open, &rights);
		break;
	case DK_SCHEME_NULL:
		error = dk_null_open(stream, &open, &rights);
		break;
	case DK_SCHEME_PIPE_SERVER:
		error = dk_pipe_server_open(stream, uri.rest, &open, &rights);
		break;
	case DK_SCHEME_PIPE_CLIENT:
		error = dk_pipe_client_open(stream, uri.rest, &open, &rights);
		break;
	case DK_SCHEME_TCP_SERVER:
	case DK_SCHEME_TCP_CLIENT:
		error = dk_tcp_open(stream, uri.scheme, uri.rest, &open,
				    &rights);
		if (error != -EACCES && error != -EINVAL)
			dk_learn_uri(stream->sandbox, uri.text,
				     open.access & DK_ACCESS_RIGHTS);
		break;
	case DK_SCHEME_DNS:
		error = dk_dns_open(stream, uri.rest, &open, &rights);
		break;
	case DK_SCHEME_LOCAL:
		error = dk_local_scheme_open(stream, uri.rest, &open, &rights);
		break;
	case DK_SCHEME_COUNTER:
		error = dk_counter_open(stream, uri.rest, &open, &rights);
		break;
	default:
		error = dk_console_open(stream, uri.scheme, &open, &rights);
		break;
	}
	dk_uri_put(&uri);
	if (error) {
		dk_stream_put(stream);
		dk_handle_unreserve(process, handle);
		return dk_stream_status(error, dk_statuses_DkStreamOpen);
	}
	dk_handle_fill(process, handle, &stream->object, rights);
	if (put_user(handle, (DK_HANDLE __user *)dk_user(a5))) {
		dk_handle_close(process, handle);
		return -EFAULT;
	}
	return 0;

unreserve:
	dk_handle_unreserve(process, handle);
put_uri:
	dk_uri_put(&uri);
	return error;
}

/* ---- transfers ---- */

/*
 * A connection that nobody could be told of would be lost. So there is a handle
 * for it, and memory to say so, before it is taken: only memory that goes away
 * in between loses it.
 */
static noinline ssize_t accept_one(struct dk_thread *thread,
				   struct dk_stream *stream, u64 offset,
				   void __user *buffer, size_t length,
				   void __user *done)
{
	struct dk_process *process = thread->process;
	struct dk_accepted accepted = {};
	struct dk_stream *fresh;
	long error;

	if (offset != DK_OFFSET_CURRENT)
		return -ESPIPE;
	if (length < sizeof(struct dk_accepted))
		return -ERANGE;
	if (fault_in_safe_writeable(buffer, sizeof(struct dk_accepted)) ||
	    fault_in_safe_writeable(done, sizeof(u64)))
		return -EFAULT;
	error = dk_handle_reserve(process, &accepted.stream);
	if (error)
		return error;
	fresh = stream->ops->accept(stream, &accepted.peer);
	if (IS_ERR(fresh)) {
		error = PTR_ERR(fresh);
		goto unreserve;
	}
	if (copy_to_user(buffer, &accepted, sizeof(accepted))) {
		dk_stream_put(fresh);
		error = -EFAULT;
		goto unreserve;
	}
	dk_handle_fill(process, accepted.stream, &fresh->object,
		       DK_RIGHT_READ | DK_RIGHT_WRITE | DK_RIGHT_CONTROL);
	return sizeof(accepted);

unreserve:
	dk_handle_unreserve(process, accepted.stream);
	return error;
}

/*
 * Files, pipes and connections are called directly: an indirect call costs as
 * much as the rest of the handler where it has to be guarded.
 */

/* DkStreamRead(stream, offset, buffer, length, out done) */
DK_HANDLER(DkStreamRead)
{
	struct dk_stream *stream;
	ssize_t done = -EOPNOTSUPP;

	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, DK_RIGHT_READ);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (unlikely((s64)a3 < 0))
		done = -EINVAL;
	else if (unlikely(!access_ok(dk_user(a2), a3)))
		done = -EFAULT;
	else if (likely(stream->ops->read == dk_file_read))
		done = dk_file_read(stream, a1, dk_user(a2), a3);
	else if (stream->ops->read)
		done = stream->ops->read(stream, a1, dk_user(a2), a3);
	else if (stream->ops->accept)
		done = accept_one(thread, stream, a1, dk_user(a2), a3,
				  dk_user(a4));
	dk_stream_put(stream);
	if (unlikely(done < 0))
		return dk_stream_status(done, dk_statuses_DkStreamRead);
	thread->stats.bytes_read += done;
	return put_user((u64)done, (u64 __user *)dk_user(a4));
}

/* DkStreamWrite(stream, offset, buffer, length, out done) */
DK_HANDLER(DkStreamWrite)
{
	struct dk_stream *stream;
	ssize_t done = -EOPNOTSUPP;

	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, DK_RIGHT_WRITE);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (unlikely((s64)a3 < 0))
		done = -EINVAL;
	else if (unlikely(!access_ok(dk_user(a2), a3)))
		done = -EFAULT;
	else if (likely(stream->ops->write == dk_file_write))
		done = dk_file_write(stream, a1, dk_user(a2), a3);
	else if (stream->ops->write)
		done = stream->ops->write(stream, a1, dk_user(a2), a3);
	dk_stream_put(stream);
	if (unlikely(done < 0))
		return dk_stream_status(done, dk_statuses_DkStreamWrite);
	thread->stats.bytes_written += done;
	return put_user((u64)done, (u64 __user *)dk_user(a4));
}

/* DkxStreamSeek(stream, offset, whence, out position) */
DK_HANDLER(DkxStreamSeek)
{
	struct dk_stream *stream;
	long error = -EOPNOTSUPP;
	u64 position = 0;

	if (a2 > DK_SEEK_HOLE)
		return -EINVAL;
	stream = dk_stream_get(thread, a0, 0);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	dk_block_begin(thread);
	if (stream->ops->seek)
		error = stream->ops->seek(stream, a1, a2, &position);
	dk_stream_put(stream);
	if (error)
		return dk_stream_status(error, dk_statuses_DkxStreamSeek);
	return put_user(position, (u64 __user *)dk_user(a3));
}

/* ---- mapping ---- */

/* A private writable mapping is memory that counts, see limit.c. */
static long stream_map(struct dk_process *process, struct dk_stream *stream,
		       u32 rights, unsigned long *base, u64 length, u64 offset,
		       unsigned long prot, unsigned long flags)
{
	bool counts = prot & PROT_WRITE && flags & DK_MAP_PRIVATE;
	long error;

	if (counts) {
		if (!dk_range_valid(*base, length))
			return -ENOMEM;
		error = dk_memory_begin(process, PAGE_ALIGN(length));
		if (error)
			return error;
	}
	error = stream->ops->map(stream, rights, base, length, offset, prot,
				 flags);
	if (counts)
		dk_memory_end(process);
	return error;
}

/* DkStreamMap(stream, inout base, length, offset, protection, flags) */
DK_HANDLER(DkStreamMap)
{
	unsigned long __user *base_at = dk_user(a1);
	u32 rights = DK_RIGHT_READ;
	struct dk_stream *stream;
	struct dk_object *object;
	unsigned long base;
	long prot, error;

	if (a5 & ~(u64)(DK_MAP_PRIVATE | DK_MAP_SHARED | DK_MAP_REPLACE) ||
	    !(a5 & DK_MAP_PRIVATE) == !(a5 & DK_MAP_SHARED))
		return -EINVAL;
	prot = dk_prot(thread->process->sandbox, a4);
	if (prot < 0)
		return prot;
	/* A base that cannot be written back must not cost a mapping. */
	if (get_user(base, base_at) || put_user(base, base_at))
		return -EFAULT;
	if (!a2 || offset_in_page(base) || offset_in_page(a3) ||
	    (a5 & DK_MAP_REPLACE && !base))
		return -EINVAL;

	if (a4 & DK_PROT_WRITE && a5 & DK_MAP_SHARED)
		rights |= DK_RIGHT_WRITE;
	if (a4 & DK_PROT_EXECUTE)
		rights |= DK_RIGHT_EXECUTE;
	dk_block_begin(thread);
	object = dk_handle_get_rights(thread->process, a0, DK_OBJECT_STREAM,
				      rights, &rights);
	if (IS_ERR(object))
		return PTR_ERR(object);
	stream = container_of(object, struct dk_stream, object);
	error = -EOPNOTSUPP;
	if (stream->ops->map)
		error = stream_map(thread->process, stream, rights, &base, a2,
				   a3, prot, a5);
	dk_stream_put(stream);
	if (error)
		return dk_stream_status(error, dk_statuses_DkStreamMap);
	if (put_user(base, base_at)) {
		vm_munmap(base, a2);
		return -EFAULT;
	}
	return 0;
}

/* DkStreamUnmap(base, length) */
DK_HANDLER(DkStreamUnmap)
{
	long error = dk_range_valid(a0, a1) ? vm_munmap(a0, a1) : -EINVAL;

	if (!error)
		dk_memory_less(thread->process);
	return dk_stream_status(error, dk_statuses_DkStreamUnmap);
}

/* ---- files and directories ---- */

/* DkStreamSetLength(stream, length) */
DK_HANDLER(DkStreamSetLength)
{
	struct dk_stream *stream;
	long error = -EOPNOTSUPP;

	if ((s64)a1 < 0)
		return -EINVAL;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, DK_RIGHT_WRITE);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (stream->ops->set_length)
		error = stream->ops->set_length(stream, a1);
	dk_stream_put(stream);
	return dk_stream_status(error, dk_statuses_DkStreamSetLength);
}

/* DkStreamFlush(stream, flags) */
DK_HANDLER(DkStreamFlush)
{
	struct dk_stream *stream;
	long error = -EOPNOTSUPP;

	if (a1 & ~(u64)DK_FLUSH_DATA)
		return -EINVAL;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, 0);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (stream->ops->flush)
		error = stream->ops->flush(stream, a1);
	dk_stream_put(stream);
	return dk_stream_status(error, dk_statuses_DkStreamFlush);
}

/* DkStreamEnumerateChildren(stream, inout cursor, buffer, length, out done) */
DK_HANDLER(DkStreamEnumerateChildren)
{
	u64 __user *cursor_at = dk_user(a1);
	struct dk_stream *stream;
	long error = -EOPNOTSUPP;
	u64 cursor, done = 0;

	if ((s64)a3 < 0)
		return -EINVAL;
	/* A cursor that cannot be written back is found before anything. */
	if (!access_ok(dk_user(a2), a3) || get_user(cursor, cursor_at) ||
	    put_user(cursor, cursor_at))
		return -EFAULT;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, DK_RIGHT_READ);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (stream->ops->enumerate)
		error = stream->ops->enumerate(stream, &cursor, dk_user(a2),
					       a3, &done);
	dk_stream_put(stream);
	if (error)
		return dk_stream_status(error,
					dk_statuses_DkStreamEnumerateChildren);
	if (put_user(done, (u64 __user *)dk_user(a4)) ||
	    put_user(cursor, cursor_at))
		return -EFAULT;
	return 0;
}
