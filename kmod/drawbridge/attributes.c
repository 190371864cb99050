// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes: everything that stat() tells of a file, and what of it can be
 * changed.
 *
 * Querying by name needs a rule that grants anything at all there; changing,
 * by name or by handle, needs one that grants writing where the file is at
 * that moment. A handle that was opened for reading is enough for the latter:
 * fchmod() and its like work on such a descriptor.
 *
 * Several changes in one call are made one after the other: owner and group,
 * permissions, times. In this order nothing that was asked for is undone by
 * the next (a new owner clears set-user-id). The first one that fails ends
 * the call; the ones before it stay.
 */
#include <linux/cred.h>
#include <linux/major.h>
#include <linux/stat.h>
#include <linux/user_namespace.h>

#include "stream.h"

/* ---- querying ---- */

static u32 attribute_type(umode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return DK_TYPE_FILE;
	case S_IFDIR:
		return DK_TYPE_DIRECTORY;
	case S_IFLNK:
		return DK_TYPE_SYMLINK;
	case S_IFCHR:
		return DK_TYPE_CHARACTER;
	case S_IFBLK:
		return DK_TYPE_BLOCK;
	case S_IFIFO:
		return DK_TYPE_FIFO;
	case S_IFSOCK:
		return DK_TYPE_SOCKET;
	}
	/* Anonymous inodes have no type. */
	return DK_TYPE_FILE;
}

static u64 attribute_device(dev_t device)
{
	return (u64)MAJOR(device) << 32 | MINOR(device);
}

static s64 attribute_time(const struct timespec64 *time)
{
	return timespec64_to_ns(time);
}

long dk_path_get_attributes(const struct dk_sandbox *sandbox,
			    const struct path *path,
			    struct dk_stream_attributes *attributes)
{
	struct kstat stat;
	int error;

	error = vfs_getattr(path, &stat, STATX_BASIC_STATS | STATX_BTIME,
			    AT_STATX_SYNC_AS_STAT);
	if (error)
		return error;
	*attributes = (struct dk_stream_attributes) {
		.type = attribute_type(stat.mode),
		.mode = stat.mode & 07777,
		.uid = from_kuid_munged(sandbox->user_ns, stat.uid),
		.gid = from_kgid_munged(sandbox->user_ns, stat.gid),
		.nlink = stat.nlink,
		.block_size = stat.blksize,
		.inode = stat.ino,
		.device = attribute_device(stat.dev),
		.special = attribute_device(stat.rdev),
		.length = stat.size,
		.blocks = stat.blocks,
		.access_time = attribute_time(&stat.atime),
		.write_time = attribute_time(&stat.mtime),
		.change_time = attribute_time(&stat.ctime),
	};
	if (stat.result_mask & STATX_BTIME)
		attributes->birth_time = attribute_time(&stat.btime);
	if (S_ISCHR(stat.mode) && stat.rdev == MKDEV(TTYAUX_MAJOR, 0))
		attributes->flags |= DK_ATTRIBUTE_TERMINAL;
	return 0;
}

/* Of null:, which is what Linux has as character device 1:3. */
void dk_null_attributes(struct dk_stream_attributes *attributes)
{
	*attributes = (struct dk_stream_attributes) {
		.type = DK_TYPE_CHARACTER,
		.mode = 0666,
		.nlink = 1,
		.block_size = PAGE_SIZE,
		.special = attribute_device(MKDEV(MEM_MAJOR, 3)),
	};
}

static const struct path *stream_path(const struct dk_stream *stream)
{
	return stream->file ? &stream->file->f_path : &stream->path;
}

long dk_stream_get_attributes(struct dk_stream *stream,
			      struct dk_stream_attributes *attributes)
{
	return dk_path_get_attributes(stream->sandbox, stream_path(stream),
				      attributes);
}

/*
 * The end of both calls. Whether a character device is a terminal, only it
 * can tell; no driver's number or operations say so reliably. It is asked as
 * isatty() asks. The kernel's terminals only answer into user memory: the
 * answer goes where the attributes are about to go.
 */
static long store_attributes(struct dk_stream_attributes *attributes,
			     struct file *file, void __user *out)
{
	if (file && attributes->type == DK_TYPE_CHARACTER &&
	    dk_is_terminal(file, out))
		attributes->flags |= DK_ATTRIBUTE_TERMINAL;
	return copy_to_user(out, attributes, sizeof(*attributes)) ? -EFAULT : 0;
}

static long query_file(const struct dk_sandbox *sandbox, const char *path,
		       u64 flags, struct dk_stream_attributes *attributes)
{
	struct dk_name name;
	long error;

	error = dk_lookup(sandbox, path, flags & DK_NAME_NOFOLLOW ? 0 :
			  DK_LOOKUP_FOLLOW, &name);
	if (error)
		return error;
	error = -EACCES;
	if (dk_rule_allows(name.rule, 0)) {
		dk_learn(sandbox, &name.path, 0);
		error = dk_path_get_attributes(sandbox, &name.path, attributes);
	}
	dk_name_put(&name);
	return error;
}

/* DkStreamAttributesQuery(uri, uri_length, flags, out attributes, length) */
DK_HANDLER(DkStreamAttributesQuery)
{
	const struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_stream_attributes attributes;
	struct file *file = NULL;
	struct dk_uri uri;
	long error;

	if (a2 & ~(u64)DK_NAME_NOFOLLOW || a4 != sizeof(attributes))
		return -EINVAL;
	dk_block_begin(thread);
	error = dk_uri_get(&uri, a0, a1);
	if (error)
		return error;
	switch (uri.scheme) {
	case DK_SCHEME_FILE:
		error = query_file(sandbox, uri.rest, a2, &attributes);
		break;
	case DK_SCHEME_NULL:
		dk_null_attributes(&attributes);
		break;
	default:
		/* A connection is not there until it is opened. */
		error = -EOPNOTSUPP;
		if (!dk_scheme_is_console(uri.scheme))
			break;
		file = dk_console_file(sandbox, uri.scheme);
		error = file ? dk_path_get_attributes(sandbox, &file->f_path,
						      &attributes) : -ENOENT;
		break;
	}
	dk_uri_put(&uri);
	if (!error)
		error = store_attributes(&attributes, file, dk_user(a3));
	return dk_stream_status(error, dk_statuses_DkStreamAttributesQuery);
}

/* DkStreamAttributesQueryByHandle(stream, out attributes, length) */
DK_HANDLER(DkStreamAttributesQueryByHandle)
{
	struct dk_stream_attributes attributes;
	struct dk_stream *stream;
	long error = -EOPNOTSUPP;

	if (a2 != sizeof(attributes))
		return -EINVAL;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, 0);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	if (stream->ops->get_attributes)
		error = stream->ops->get_attributes(stream, &attributes);
	if (!error)
		error = store_attributes(&attributes, stream->file,
					 dk_user(a1));
	dk_stream_put(stream);
	return dk_stream_status(error, dk_statuses_DkStreamAttributesQueryByHandle);
}

/* ---- changing ---- */

/*
 * One notify_change(), with what chmod() and chown() (@owner; also of ids that
 * stay as they are) add under the lock.
 */
static int change(const struct path *path, const struct iattr *wanted,
		  bool owner)
{
	struct inode *inode = d_inode(path->dentry), *delegated = NULL;
	struct iattr attr;
	int error;

	error = mnt_want_write(path->mnt);
	if (error)
		return error;
	do {
		inode_lock(inode);
		attr = *wanted;
		if (attr.ia_valid & ATTR_MODE)
			attr.ia_mode |= inode->i_mode & ~S_IALLUGO;
		if (owner && !S_ISDIR(inode->i_mode))
			attr.ia_valid |= ATTR_KILL_SUID | ATTR_KILL_PRIV |
				setattr_should_drop_sgid(dk_idmap(path->mnt),
							 inode);
		error = notify_change(dk_idmap(path->mnt), path->dentry, &attr,
				      &delegated);
		inode_unlock(inode);
		if (!delegated)
			break;
		error = break_deleg_wait(&delegated);
	} while (!error);
	mnt_drop_write(path->mnt);
	return error;
}

static int change_owner(const struct dk_sandbox *sandbox,
			const struct path *path,
			const struct dk_stream_attributes *attributes)
{
	struct iattr attr = { .ia_valid = ATTR_CTIME };

	if (attributes->valid & DK_SET_OWNER && attributes->uid != (uid_t)-1) {
		kuid_t uid = make_kuid(sandbox->user_ns, attributes->uid);

		if (!uid_valid(uid))
			return -EINVAL;
		attr.ia_vfsuid = VFSUIDT_INIT(uid);
		attr.ia_valid |= ATTR_UID;
	}
	if (attributes->valid & DK_SET_GROUP && attributes->gid != (gid_t)-1) {
		kgid_t gid = make_kgid(sandbox->user_ns, attributes->gid);

		if (!gid_valid(gid))
			return -EINVAL;
		attr.ia_vfsgid = VFSGIDT_INIT(gid);
		attr.ia_valid |= ATTR_GID;
	}
	return change(path, &attr, true);
}

static int change_times(const struct path *path,
			const struct dk_stream_attributes *attributes)
{
	const u32 access = DK_SET_ACCESS_TIME | DK_SET_ACCESS_TIME_NOW;
	const u32 write = DK_SET_WRITE_TIME | DK_SET_WRITE_TIME_NOW;
	const u32 now = DK_SET_ACCESS_TIME_NOW | DK_SET_WRITE_TIME_NOW;
	struct iattr attr = { .ia_valid = ATTR_CTIME };
	u32 valid = attributes->valid;

	if (valid & access)
		attr.ia_valid |= ATTR_ATIME;
	if (valid & write)
		attr.ia_valid |= ATTR_MTIME;
	if (valid & DK_SET_ACCESS_TIME) {
		attr.ia_valid |= ATTR_ATIME_SET;
		attr.ia_atime = ns_to_timespec64(attributes->access_time);
	}
	if (valid & DK_SET_WRITE_TIME) {
		attr.ia_valid |= ATTR_MTIME_SET;
		attr.ia_mtime = ns_to_timespec64(attributes->write_time);
	}
	/* Who may write may set both to now; anything else is the owner's. */
	attr.ia_valid |= (valid & (access | write)) == now ? ATTR_TOUCH :
							     ATTR_TIMES_SET;
	return change(path, &attr, false);
}

/* @path is where the file is; its rule is asked here. */
long dk_path_set_attributes(const struct dk_sandbox *sandbox,
			    const struct path *path,
			    const struct dk_stream_attributes *attributes)
{
	const u32 owner = DK_SET_OWNER | DK_SET_GROUP;
	int error = 0;

	if (!dk_rule_allows(dk_rule_find(sandbox, path), DK_ACCESS_WRITE))
		return -EACCES;
	/* No change is a question, which access() has, too. */
	if (!attributes->valid)
		return __mnt_is_readonly(path->mnt) ? -EROFS : 0;
	dk_learn(sandbox, path, DK_ACCESS_WRITE);
	if (attributes->valid & owner)
		error = change_owner(sandbox, path, attributes);
	if (!error && attributes->valid & DK_SET_MODE) {
		struct iattr attr = {
			.ia_valid = ATTR_MODE | ATTR_CTIME,
			.ia_mode = attributes->mode,
		};

		error = change(path, &attr, false);
	}
	if (!error && attributes->valid & ~(owner | DK_SET_MODE))
		error = change_times(path, attributes);
	return error;
}

long dk_stream_set_attributes(struct dk_stream *stream,
			      const struct dk_stream_attributes *attributes)
{
	return dk_path_set_attributes(stream->sandbox, stream_path(stream),
				      attributes);
}

static long get_wanted(struct dk_stream_attributes *attributes, u64 address,
		       u64 length)
{
	if (length != sizeof(*attributes))
		return -EINVAL;
	if (copy_from_user(attributes, dk_user(address), sizeof(*attributes)))
		return -EFAULT;
	if (attributes->valid & ~DK_SET_ALL ||
	    (attributes->valid & DK_SET_MODE && attributes->mode & ~07777) ||
	    (attributes->valid & DK_SET_ACCESS_TIME &&
	     attributes->valid & DK_SET_ACCESS_TIME_NOW) ||
	    (attributes->valid & DK_SET_WRITE_TIME &&
	     attributes->valid & DK_SET_WRITE_TIME_NOW))
		return -EINVAL;
	return 0;
}

/* DkxStreamAttributesSet(uri, uri_length, flags, attributes, length) */
DK_HANDLER(DkxStreamAttributesSet)
{
	const struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_stream_attributes attributes;
	struct dk_name name;
	struct dk_uri uri;
	long error;

	if (a2 & ~(u64)DK_NAME_NOFOLLOW)
		return -EINVAL;
	error = get_wanted(&attributes, a3, a4);
	if (error)
		return error;
	dk_block_begin(thread);
	error = dk_uri_get_file(&uri, a0, a1);
	if (error)
		return error;
	error = dk_lookup(sandbox, uri.rest, a2 & DK_NAME_NOFOLLOW ? 0 :
			  DK_LOOKUP_FOLLOW, &name);
	dk_uri_put(&uri);
	if (!error) {
		error = dk_path_set_attributes(sandbox, &name.path,
					       &attributes);
		dk_name_put(&name);
	}
	return dk_stream_status(error, dk_statuses_DkxStreamAttributesSet);
}

/* DkxStreamAttributesSetByHandle(stream, attributes, length) */
DK_HANDLER(DkxStreamAttributesSetByHandle)
{
	struct dk_stream_attributes attributes;
	struct dk_stream *stream;
	long error;

	error = get_wanted(&attributes, a1, a2);
	if (error)
		return error;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, 0);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	error = -EOPNOTSUPP;
	if (stream->ops->set_attributes)
		error = stream->ops->set_attributes(stream, &attributes);
	dk_stream_put(stream);
	return dk_stream_status(error, dk_statuses_DkxStreamAttributesSetByHandle);
}
