// SPDX-License-Identifier: GPL-2.0-only
/*
 * file: streams, and how they are opened.
 *
 * A name is looked up first (path.c), the rule at its end asked (rule.c), the
 * type of the file checked, and only then the very file that was found is
 * opened, by file_open_root() with an empty name, which makes all permission
 * checks of open() and looks nothing up again. So what is opened is what was
 * checked, whatever becomes of the name meanwhile; and nothing is opened just
 * to see what it is: opening some devices and FIFOs waits or has effects.
 *
 * Regular files, directories, and these character devices are opened: null,
 * zero, full, random, urandom and the controlling terminal. FIFOs are opened
 * where the rules allow reading and writing, whichever is asked for: whoever
 * reads one takes something away, and opening one is felt at its other end.
 * That waits for the other end, as natively. Every other type
 * is ACCESS_DENIED, except for a stream with no access at all, which only
 * names its file: attributes can be asked of it, it is never opened.
 *
 * A file that is not there is created with O_EXCL. If somebody else is faster,
 * the lookup starts again: creating never opens what exists. A hardening of
 * open() is lost by that: fs.protected_regular, which forbids O_CREAT on
 * existing files of others in sticky directories. The host's umask applies to
 * what is created, as it would natively.
 */
#include <linux/fcntl.h>
#include <linux/major.h>
#include <linux/module.h>

#include "stream.h"

#define CREATE_TRIES	16

static const struct dk_stream_ops file_ops = {
	.read = dk_file_read,
	.write = dk_file_write,
	.map = dk_file_map,
	.set_length = dk_file_set_length,
	.flush = dk_file_flush,
	.seek = dk_file_seek,
	.enumerate = dk_directory_enumerate,
	.get_attributes = dk_stream_get_attributes,
	.set_attributes = dk_stream_set_attributes,
};

/* A FIFO is not mapped, and has no length. */
static const struct dk_stream_ops fifo_ops = {
	.read = dk_file_read,
	.write = dk_file_write,
	.seek = dk_file_seek,
	.get_attributes = dk_stream_get_attributes,
	.set_attributes = dk_stream_set_attributes,
};

bool dk_is_file_stream(const struct dk_stream *stream)
{
	return stream->ops == &file_ops || stream->ops == &fifo_ops;
}

/* ---- symbolic links and what is only named ---- */

/* The target's text from @offset on; there is no position that moves. */
static ssize_t link_read(struct dk_stream *stream, u64 offset,
			 void __user *buffer, size_t length)
{
	struct dentry *dentry = stream->path.dentry;
	DEFINE_DELAYED_CALL(done);
	const char *text;
	ssize_t left;

	if (offset == DK_OFFSET_CURRENT)
		offset = 0;
	/* One that jumps has no text but what its own method makes up. */
	if (d_inode(dentry)->i_op->readlink)
		return offset ? 0 : vfs_readlink(dentry, buffer,
						 min_t(size_t, length,
						       PATH_MAX));
	text = vfs_get_link(dentry, &done);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!text)
		return -EOPNOTSUPP;
	touch_atime(&stream->path);
	left = strlen(text);
	left = offset < left ? left - offset : 0;
	left = min_t(size_t, left, length);
	if (left && copy_to_user(buffer, text + offset, left))
		left = -EFAULT;
	do_delayed_call(&done);
	return left;
}

static const struct dk_stream_ops link_ops = {
	.read = link_read,
	.get_attributes = dk_stream_get_attributes,
	.set_attributes = dk_stream_set_attributes,
};

static const struct dk_stream_ops named_ops = {
	.get_attributes = dk_stream_get_attributes,
	.set_attributes = dk_stream_set_attributes,
};

static void open_named(struct dk_stream *stream, const struct path *path,
		       const struct dk_stream_ops *ops)
{
	stream->path = *path;
	path_get(&stream->path);
	stream->ops = ops;
}

/* Where it is in the host's tree; NULL: it is not a file. */
const struct path *dk_stream_path(const struct dk_stream *stream)
{
	if (stream->ops == &link_ops || stream->ops == &named_ops)
		return &stream->path;
	return dk_is_file_stream(stream) ? &stream->file->f_path : NULL;
}

/* ---- files ---- */

static bool is_controlling_terminal(const struct inode *inode)
{
	return S_ISCHR(inode->i_mode) &&
	       inode->i_rdev == MKDEV(TTYAUX_MAJOR, 0);
}

static bool may_be_opened(const struct inode *inode,
			  const struct dk_rule *rule)
{
	if (S_ISFIFO(inode->i_mode))
		return dk_rule_allows(rule, DK_ACCESS_READ | DK_ACCESS_WRITE);
	if (S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode) ||
	    is_controlling_terminal(inode))
		return true;
	if (!S_ISCHR(inode->i_mode) || imajor(inode) != MEM_MAJOR)
		return false;
	switch (iminor(inode)) {
	case 3:		/* null */
	case 5:		/* zero */
	case 7:		/* full */
	case 8:		/* random */
	case 9:		/* urandom */
		return true;
	}
	return false;
}

static int open_flags(const struct dk_open *open)
{
	int flags = O_LARGEFILE | O_NOCTTY;

	if (!(open->access & DK_ACCESS_WRITE))
		flags |= O_RDONLY;
	else if (open->access & (DK_ACCESS_READ | DK_ACCESS_EXECUTE))
		flags |= O_RDWR;
	else
		flags |= O_WRONLY;
	if (open->access & DK_ACCESS_APPEND)
		flags |= O_APPEND;
	if (open->options & DK_OPTION_SYNC)
		flags |= O_SYNC;
	if (open->options & DK_OPTION_NONBLOCK)
		flags |= O_NONBLOCK;
	return flags;
}

static void open_done(struct dk_stream *stream, struct file *file,
		      const struct dk_open *open, u32 *rights)
{
	stream->file = file;
	stream->ops = &file_ops;
	*rights = open->access & DK_ACCESS_RIGHTS;
	if (S_ISFIFO(file_inode(file)->i_mode)) {
		stream->ops = &fifo_ops;
		*rights |= DK_RIGHT_CONTROL;
	} else if (*rights && is_controlling_terminal(file_inode(file))) {
		*rights |= DK_RIGHT_CONTROL;
	}
}

static long open_existing(struct dk_stream *stream, const struct dk_name *name,
			  const struct dk_open *open, u32 *rights)
{
	const struct inode *inode = d_backing_inode(name->path.dentry);
	u32 access = open->access & DK_ACCESS_RIGHTS;
	int flags = open_flags(open);
	struct file *file;

	if (!dk_rule_allows(name->rule, access) ||
	    (dk_open_truncates(open) &&
	     !dk_rule_allows(name->rule, DK_ACCESS_WRITE)))
		return -EACCES;
	dk_learn(stream->sandbox, &name->path,
		 dk_open_truncates(open) ? access | DK_ACCESS_WRITE : access);
	if (open->options & DK_OPTION_DIRECTORY && !S_ISDIR(inode->i_mode))
		return -ENOTDIR;
	/* As of a name that is not there yet. */
	if (dk_name_mistaken(name))
		return -EISDIR;
	if (S_ISLNK(inode->i_mode)) {
		if (!(open->options & DK_OPTION_LINK) ||
		    access & ~DK_ACCESS_READ || dk_open_truncates(open))
			return -ELOOP;
		open_named(stream, &name->path, access ? &link_ops :
							 &named_ops);
		*rights = access;
		return 0;
	}
	if (S_ISDIR(inode->i_mode) &&
	    (access & DK_ACCESS_WRITE || dk_open_truncates(open) ||
	     (dk_open_creates(open) &&
	      !(open->options & DK_OPTION_DIRECTORY))))
		return -EISDIR;
	if (!access && !dk_open_truncates(open)) {
		open_named(stream, &name->path, &named_ops);
		*rights = 0;
		return 0;
	}
	if (!may_be_opened(inode, name->rule))
		return -EACCES;
	/* It would wait for its other end, and be felt there. */
	if (open->image && S_ISFIFO(inode->i_mode))
		return -ENOEXEC;
	if (S_ISFIFO(inode->i_mode))
		dk_learn(stream->sandbox, &name->path,
			 DK_ACCESS_READ | DK_ACCESS_WRITE);

	if (dk_open_truncates(open))
		flags |= O_TRUNC;
	if (S_ISCHR(inode->i_mode))
		flags |= O_NONBLOCK;	/* does not wait for a carrier */
	file = file_open_root(&name->path, "", flags, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	if (!(open->options & DK_OPTION_NONBLOCK)) {
		spin_lock(&file->f_lock);
		file->f_flags &= ~O_NONBLOCK;
		spin_unlock(&file->f_lock);
	}
	open_done(stream, file, open, rights);
	return 0;
}

static long open_new(struct dk_stream *stream, const struct dk_name *name,
		     const struct dk_open *open, u32 *rights)
{
	u32 access = open->access | DK_ACCESS_WRITE;
	struct file *file;

	if (name->slash)
		return -EISDIR;
	file = file_open_root(&name->parent, name->last, open_flags(open) |
			      O_CREAT | O_EXCL | O_NOFOLLOW, open->mode);
	if (IS_ERR(file))
		return PTR_ERR(file);
	/* The directory may have been moved just before. */
	if (!dk_rule_allows(dk_rule_find(stream->sandbox, &file->f_path),
			    access)) {
		fput(file);
		return -EACCES;
	}
	open_done(stream, file, open, rights);
	return 0;
}

/* A file in the directory @name that has no name; it may get one later. */
static long open_unnamed(struct dk_stream *stream, const struct dk_name *name,
			 const struct dk_open *open, u32 *rights)
{
	u32 access = open->access | DK_ACCESS_WRITE;
	struct file *file;

	if (!dk_rule_allows(name->rule, access))
		return -EACCES;
	if (!d_is_dir(name->path.dentry))
		return -ENOTDIR;
	dk_learn(stream->sandbox, &name->path, access);
	file = file_open_root(&name->path, "", open_flags(open) | O_TMPFILE,
			      open->mode);
	if (IS_ERR(file))
		return PTR_ERR(file);
	open_done(stream, file, open, rights);
	return 0;
}

static unsigned int open_lookup_flags(const struct dk_open *open)
{
	unsigned int flags = 0;

	if (open->options & DK_OPTION_UNNAMED)
		return open->options & DK_OPTION_NOFOLLOW ? 0 :
							    DK_LOOKUP_FOLLOW;
	if (dk_open_creates(open))
		flags |= DK_LOOKUP_PARENT;
	/* A link is something that exists, and mkdir() follows none. */
	if (!(open->options & (DK_OPTION_NOFOLLOW | DK_OPTION_LINK)) &&
	    open->disposition != DK_OPEN_CREATE_NEW)
		flags |= DK_LOOKUP_FOLLOW;
	return flags;
}

/**
 * dk_file_open() - open or create what a path names
 * @stream:	gets its operations and its file
 * @path:	absolute
 * @open:	how
 * @rights:	set to those that the handle shall have
 *
 * Return: 0 or a negative errno.
 */
long dk_file_open(struct dk_stream *stream, const char *path,
		  const struct dk_open *open, u32 *rights)
{
	unsigned int flags = open_lookup_flags(open);
	struct dk_name name;
	bool made = false;
	int tries;
	long error;

	for (tries = 0; tries < CREATE_TRIES; tries++) {
		error = dk_lookup(stream->sandbox, path, flags, &name);
		if (error)
			return error;
		if (name.path.dentry) {
			if (open->options & DK_OPTION_UNNAMED)
				error = open_unnamed(stream, &name, open,
						     rights);
			else if (open->disposition == DK_OPEN_CREATE_NEW &&
				 !made)
				error = dk_rule_exists(stream->sandbox, &name);
			else
				error = open_existing(stream, &name, open,
						      rights);
			dk_name_put(&name);
			return error;
		}
		if (!dk_rule_allows(name.parent_rule,
				    open->access | DK_ACCESS_WRITE)) {
			error = -EACCES;
		} else if (open->options & DK_OPTION_DIRECTORY) {
			dk_learn(stream->sandbox, &name.parent,
				 open->access | DK_ACCESS_WRITE);
			error = dk_make_directory(&name, open->mode);
			made |= !error;
		} else if (open->options & (DK_OPTION_FIFO | DK_OPTION_SOCKET)) {
			dk_learn(stream->sandbox, &name.parent,
				 DK_ACCESS_WRITE);
			error = dk_make_node(&name, open->mode |
					     (open->options & DK_OPTION_FIFO ?
					      S_IFIFO : S_IFSOCK));
			made |= !error;
		} else {
			dk_learn(stream->sandbox, &name.parent,
				 open->access | DK_ACCESS_WRITE);
			error = open_new(stream, &name, open, rights);
			if (!error) {
				dk_name_put(&name);
				return 0;
			}
		}
		dk_name_put(&name);
		/* Made: now open it. Somebody was faster: look again. */
		if (error && (error != -EEXIST ||
			      open->disposition == DK_OPEN_CREATE_NEW))
			return error;
	}
	return -EBUSY;
}
