// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names: making, removing, moving and linking them.
 *
 * Each call finds the directories (path.c), asks their rules for the right to
 * write, then looks the last component up again under the directory's lock,
 * as the native call does, and decides by what it finds there.
 *
 * A name that is there, or is not, is told before the rules are asked: what a
 * native program is told of a directory that it may search but not write.
 *
 * Rights do not grow by moving a file or linking it: see rule.c. What the
 * kernel does in its native calls around vfs_link() and its like is done here
 * too: write access to the mount, breaking delegations, the ancestor checks of
 * rename, and the protection of hard links (fs.protected_hardlinks), which is
 * always on here. Of the security modules' path hooks only some can be called
 * from a module; where one cannot, the nearest one that can stands in: unlink
 * for rmdir, mknod of the type for symlink and link. The inode hooks are all
 * called, by the vfs_ functions.
 */
#include <linux/fsnotify.h>
#include <linux/security.h>

#include "stream.h"

/* What @name is told as when slashes follow it and it is no directory. */
static long mistaken(const struct dk_sandbox *sandbox,
		     const struct dk_name *name)
{
	if (!dk_rule_allows(name->parent_rule, 0))
		return -EACCES;
	dk_learn(sandbox, &name->parent, 0);
	return -ENOTDIR;
}

/* ---- new names ---- */

/*
 * Lock @name's directory and look the last component up for making it.
 * Undone by new_name_end().
 */
static struct dentry *new_name_begin(const struct dk_name *name, bool folder)
{
	const struct path *parent = &name->parent;
	struct dentry *dentry;
	int error, writable;

	/* Like the kernel, tell of other errors before a read-only mount. */
	writable = mnt_want_write(parent->mnt);
	inode_lock_nested(d_inode(parent->dentry), I_MUTEX_PARENT);
	dentry = lookup_one(dk_idmap(parent->mnt), name->last, parent->dentry,
			    strlen(name->last));
	if (IS_ERR(dentry))
		goto unlock;
	if (d_is_positive(dentry))
		error = -EEXIST;
	else if (name->slash && !folder)
		error = -ENOENT;
	else
		error = writable;
	if (!error)
		return dentry;
	dput(dentry);
	dentry = ERR_PTR(error);
unlock:
	inode_unlock(d_inode(parent->dentry));
	if (!writable)
		mnt_drop_write(parent->mnt);
	return dentry;
}

static void new_name_end(const struct dk_name *name, struct dentry *dentry)
{
	dput(dentry);
	inode_unlock(d_inode(name->parent.dentry));
	mnt_drop_write(name->parent.mnt);
}

/* Find where a new name goes; it must not be there, and may be made. */
static long new_name_lookup(const struct dk_sandbox *sandbox, const char *path,
			    struct dk_name *name)
{
	long error = dk_lookup(sandbox, path, DK_LOOKUP_PARENT, name);

	if (error)
		return error;
	if (name->path.dentry)
		error = dk_rule_exists(sandbox, name);
	else if (!dk_rule_allows(name->parent_rule, DK_ACCESS_WRITE))
		error = -EACCES;
	if (error)
		dk_name_put(name);
	else
		dk_learn(sandbox, &name->parent, DK_ACCESS_WRITE);
	return error;
}

int dk_make_directory(struct dk_name *name, umode_t mode)
{
	struct dentry *dentry = new_name_begin(name, true);
	int error;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	error = security_path_mkdir(&name->parent, dentry,
				    mode & ~current_umask());
	if (!error)
		error = vfs_mkdir(dk_idmap(name->parent.mnt),
				  d_inode(name->parent.dentry), dentry, mode);
	new_name_end(name, dentry);
	return error;
}

int dk_make_node(struct dk_name *name, umode_t mode)
{
	struct dentry *dentry = new_name_begin(name, false);
	int error;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	error = security_path_mknod(&name->parent, dentry,
				    mode & ~current_umask(), 0);
	if (!error)
		error = vfs_mknod(dk_idmap(name->parent.mnt),
				  d_inode(name->parent.dentry), dentry, mode,
				  0);
	new_name_end(name, dentry);
	return error;
}

/* ---- removing ---- */

static int remove_locked(const struct dk_sandbox *sandbox,
			 const struct dk_name *name, struct dentry *dentry,
			 u64 flags, struct inode **delegated)
{
	const struct path *parent = &name->parent;
	struct inode *dir = d_inode(parent->dentry);
	int error;

	/*
	 * Another thing. The kernel refuses it itself, after what comes first:
	 * who may remove nothing here hears that.
	 */
	if (!(flags & (d_is_dir(dentry) ? DK_DELETE_DIRECTORY :
					  DK_DELETE_FILE))) {
		if (!d_is_dir(dentry))
			return vfs_rmdir(dk_idmap(parent->mnt), dir, dentry);
		if (name->slash)
			return -EISDIR;
		return vfs_unlink(dk_idmap(parent->mnt), dir, dentry,
				  delegated);
	}
	if (!d_is_dir(dentry) && name->slash)
		return -ENOTDIR;
	if (dk_rule_busy(sandbox, dentry))
		return -EBUSY;
	error = security_path_unlink(parent, dentry);
	if (error)
		return error;
	if (d_is_dir(dentry))
		return vfs_rmdir(dk_idmap(parent->mnt), dir, dentry);
	return vfs_unlink(dk_idmap(parent->mnt), dir, dentry, delegated);
}

static int remove_name(const struct dk_sandbox *sandbox,
		       const struct dk_name *name, u64 flags)
{
	const struct path *parent = &name->parent;
	struct inode *delegated = NULL, *inode = NULL;
	struct dentry *dentry;
	int error;

	dk_learn(sandbox, parent, DK_ACCESS_WRITE);
	error = mnt_want_write(parent->mnt);
	if (error)
		return error;
retry:
	inode_lock_nested(d_inode(parent->dentry), I_MUTEX_PARENT);
	dentry = lookup_one(dk_idmap(parent->mnt), name->last, parent->dentry,
			    strlen(name->last));
	if (IS_ERR(dentry)) {
		error = PTR_ERR(dentry);
	} else if (d_is_negative(dentry)) {
		error = -ENOENT;
		dput(dentry);
	} else {
		/* The last reference, and the work with it, after unlocking. */
		inode = d_inode(dentry);
		ihold(inode);
		error = remove_locked(sandbox, name, dentry, flags,
				      &delegated);
		dput(dentry);
	}
	inode_unlock(d_inode(parent->dentry));
	iput(inode);
	inode = NULL;
	if (delegated) {
		error = break_deleg_wait(&delegated);
		if (!error)
			goto retry;
	}
	mnt_drop_write(parent->mnt);
	return error;
}

/* DkStreamDelete(uri, uri_length, flags) */
DK_HANDLER(DkStreamDelete)
{
	const struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_name name;
	struct dk_uri uri;
	long error;

	if (!a2 || a2 & ~(u64)(DK_DELETE_FILE | DK_DELETE_DIRECTORY))
		return -EINVAL;
	dk_block_begin(thread);
	error = dk_uri_get_file(&uri, a0, a1);
	if (error)
		return error;
	error = dk_lookup(sandbox, uri.rest, DK_LOOKUP_PARENT, &name);
	dk_uri_put(&uri);
	if (error)
		goto out;
	if (!name.last)
		error = a2 & DK_DELETE_DIRECTORY ? -EBUSY : -EISDIR;
	else if (!name.path.dentry)
		error = dk_name_absent(sandbox, &name);
	else if (a2 & DK_DELETE_FILE && dk_name_mistaken(&name))
		error = mistaken(sandbox, &name);
	else if (!dk_rule_allows(name.parent_rule, DK_ACCESS_WRITE))
		error = -EACCES;
	else
		error = remove_name(sandbox, &name, a2);
	dk_name_put(&name);
out:
	return dk_stream_status(error, dk_statuses_DkStreamDelete);
}

/* ---- moving ---- */

/* Whether moving from a place of @old to one of @new would add rights. */
static bool adds_rights(const struct dk_rule *old, const struct dk_rule *new)
{
	return new->rights & ~old->rights;
}

static int rules_allow(const struct dk_rule *old, const struct dk_rule *new,
		       unsigned int flags)
{
	if (!dk_rule_allows(old, DK_ACCESS_WRITE) ||
	    !dk_rule_allows(new, DK_ACCESS_WRITE))
		return -EACCES;
	if (adds_rights(old, new) ||
	    (flags & RENAME_EXCHANGE && adds_rights(new, old)))
		return -EXDEV;
	return 0;
}

/* With both directories locked; the checks of do_renameat2() and our own. */
static int rename_locked(const struct dk_sandbox *sandbox,
			 const struct dk_name *old, const struct dk_name *new,
			 struct renamedata *rd, const struct dentry *trap)
{
	bool exchange = rd->flags & RENAME_EXCHANGE;
	int error;

	if (d_is_negative(rd->old_dentry))
		return -ENOENT;
	if (rd->flags & RENAME_NOREPLACE && d_is_positive(rd->new_dentry))
		return -EEXIST;
	if (exchange && d_is_negative(rd->new_dentry))
		return -ENOENT;
	if (exchange && new->slash && !d_is_dir(rd->new_dentry))
		return -ENOTDIR;
	if (!d_is_dir(rd->old_dentry) &&
	    (old->slash || (!exchange && new->slash)))
		return -ENOTDIR;
	/* Neither may be an ancestor of the other. */
	if (rd->old_dentry == trap)
		return -EINVAL;
	if (rd->new_dentry == trap)
		return exchange ? -EINVAL : -ENOTEMPTY;
	/* The directories may have been moved since their rules were asked. */
	error = rules_allow(dk_rule_find(sandbox, &old->parent),
			    dk_rule_find(sandbox, &new->parent), rd->flags);
	if (error)
		return error;
	if (dk_rule_busy(sandbox, rd->old_dentry) ||
	    (d_is_positive(rd->new_dentry) &&
	     dk_rule_busy(sandbox, rd->new_dentry)))
		return -EBUSY;
	error = security_path_rename(&old->parent, rd->old_dentry,
				     &new->parent, rd->new_dentry, rd->flags);
	return error ?: vfs_rename(rd);
}

static int rename_name(const struct dk_sandbox *sandbox,
		       const struct dk_name *old, const struct dk_name *new,
		       unsigned int flags)
{
	struct vfsmount *mnt = old->parent.mnt;
	struct dentry *from = old->parent.dentry, *to = new->parent.dentry;
	struct inode *delegated = NULL;
	struct renamedata rd = {
		.old_dir = d_inode(from),
		.new_dir = d_inode(to),
		.delegated_inode = &delegated,
		.flags = flags,
	};
	struct dentry *trap;
	int error;

	dk_rename_idmap(&rd, mnt);
	error = mnt_want_write(mnt);
	if (error)
		return error;
retry:
	trap = lock_rename(to, from);
	if (IS_ERR(trap)) {
		error = PTR_ERR(trap);
		goto drop;
	}
	rd.old_dentry = lookup_one(dk_idmap(mnt), old->last, from,
				   strlen(old->last));
	if (IS_ERR(rd.old_dentry)) {
		error = PTR_ERR(rd.old_dentry);
		goto unlock;
	}
	rd.new_dentry = lookup_one(dk_idmap(mnt), new->last, to,
				   strlen(new->last));
	if (IS_ERR(rd.new_dentry)) {
		error = PTR_ERR(rd.new_dentry);
	} else {
		error = rename_locked(sandbox, old, new, &rd, trap);
		dput(rd.new_dentry);
	}
	dput(rd.old_dentry);
unlock:
	unlock_rename(to, from);
	if (delegated) {
		error = break_deleg_wait(&delegated);
		if (!error)
			goto retry;
	}
drop:
	mnt_drop_write(mnt);
	return error;
}

static long may_rename(const struct dk_sandbox *sandbox,
		       const struct dk_name *old, const struct dk_name *new,
		       unsigned int flags)
{
	int error;

	if (!old->last)
		return -EBUSY;
	/* What is not there is told so wherever it would have gone. */
	if (!old->path.dentry)
		return dk_name_absent(sandbox, old);
	if (!dk_rule_allows(old->parent_rule, 0))
		return -EACCES;
	if (!dk_rule_allows(new->parent_rule, 0))
		return !new->last ? -EBUSY : -EACCES;
	if (flags & RENAME_NOREPLACE && new->path.dentry)
		return -EEXIST;
	if (dk_name_mistaken(old))
		return mistaken(sandbox, old);
	if (dk_name_mistaken(new))
		return mistaken(sandbox, new);
	if (!new->last)
		return -EBUSY;
	error = rules_allow(old->parent_rule, new->parent_rule, flags);
	if (!error && old->parent.mnt != new->parent.mnt)
		error = -EXDEV;
	return error;
}

/* DkStreamRename(uri, uri_length, new_uri, new_uri_length, flags) */
DK_HANDLER(DkStreamRename)
{
	const struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_name old, new;
	unsigned int flags = 0;
	struct dk_uri uri;
	long error;

	if (a4 & ~(u64)(DK_RENAME_NOREPLACE | DK_RENAME_EXCHANGE) ||
	    a4 == (DK_RENAME_NOREPLACE | DK_RENAME_EXCHANGE))
		return -EINVAL;
	if (a4 & DK_RENAME_NOREPLACE)
		flags |= RENAME_NOREPLACE;
	if (a4 & DK_RENAME_EXCHANGE)
		flags |= RENAME_EXCHANGE;

	dk_block_begin(thread);
	error = dk_uri_get_file(&uri, a0, a1);
	if (error)
		return error;
	error = dk_lookup(sandbox, uri.rest, DK_LOOKUP_PARENT, &old);
	dk_uri_put(&uri);
	if (error)
		goto out;
	error = dk_uri_get_file(&uri, a2, a3);
	if (error)
		goto put_old;
	error = dk_lookup(sandbox, uri.rest, DK_LOOKUP_PARENT, &new);
	dk_uri_put(&uri);
	if (error)
		goto put_old;
	error = may_rename(sandbox, &old, &new, flags);
	if (!error) {
		dk_learn(sandbox, &old.parent, DK_ACCESS_WRITE);
		dk_learn(sandbox, &new.parent, DK_ACCESS_WRITE);
		dk_learn_move(sandbox, &old.parent, &new.parent);
		error = rename_name(sandbox, &old, &new, flags);
	}
	dk_name_put(&new);
put_old:
	dk_name_put(&old);
out:
	return dk_stream_status(error, dk_statuses_DkStreamRename);
}

/* ---- links ---- */

static int make_symlink(const struct dk_name *name, const char *text)
{
	struct dentry *dentry = new_name_begin(name, false);
	int error;

	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	error = security_path_mknod(&name->parent, dentry, S_IFLNK | 0777, 0);
	if (!error)
		error = vfs_symlink(dk_idmap(name->parent.mnt),
				    d_inode(name->parent.dentry), dentry, text);
	new_name_end(name, dentry);
	return error;
}

static long symlink_call(const struct dk_sandbox *sandbox, u64 target,
			 u64 target_length, const char *path)
{
	struct dk_name name;
	char *text;
	long error;

	if (!target_length)
		return -ENOENT;
	if (target_length >= PATH_MAX)
		return -ENAMETOOLONG;
	text = memdup_user_nul(dk_user(target), target_length);
	if (IS_ERR(text))
		return PTR_ERR(text);
	error = -EINVAL;
	if (memchr(text, 0, target_length))
		goto free;
	error = new_name_lookup(sandbox, path, &name);
	if (error)
		goto free;
	error = make_symlink(&name, text);
	dk_name_put(&name);
free:
	kfree(text);
	return error;
}

/* As may_linkat() in fs/namei.c with fs.protected_hardlinks on. */
static int may_link(const struct path *target)
{
	struct inode *inode = d_inode(target->dentry);
	umode_t mode = inode->i_mode;

	if (!vfsuid_valid(i_uid_into_vfsuid(dk_idmap(target->mnt), inode)) ||
	    !vfsgid_valid(i_gid_into_vfsgid(dk_idmap(target->mnt), inode)))
		return -EOVERFLOW;
	if (inode_owner_or_capable(dk_idmap(target->mnt), inode))
		return 0;
	if (!S_ISREG(mode) || mode & S_ISUID || (mode & 02010) == 02010 ||
	    inode_permission(dk_idmap(target->mnt), inode,
			     MAY_READ | MAY_WRITE))
		return -EPERM;
	return 0;
}

static int make_link(const struct path *target, const struct dk_name *name)
{
	struct inode *delegated = NULL;
	struct dentry *dentry;
	int error;

retry:
	dentry = new_name_begin(name, false);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);
	error = may_link(target);
	if (!error)
		error = security_path_mknod(&name->parent, dentry,
					    d_inode(target->dentry)->i_mode,
					    0);
	if (!error)
		error = vfs_link(target->dentry, dk_idmap(name->parent.mnt),
				 d_inode(name->parent.dentry), dentry,
				 &delegated);
	new_name_end(name, dentry);
	if (delegated) {
		error = break_deleg_wait(&delegated);
		if (!error)
			goto retry;
	}
	return error;
}

/* What two ways of naming the old file have in common. */
static long link_path(const struct dk_sandbox *sandbox, const struct path *old,
		      const struct dk_rule *rule, const char *path)
{
	struct dk_name new;
	long error;

	if (!dk_rule_allows(rule, 0))
		return -EACCES;
	dk_learn(sandbox, old, 0);
	error = new_name_lookup(sandbox, path, &new);
	if (error)
		return error;
	if (old->mnt != new.parent.mnt || adds_rights(rule, new.parent_rule)) {
		error = -EXDEV;
	} else {
		dk_learn_move(sandbox, old, &new.parent);
		error = make_link(old, &new);
	}
	dk_name_put(&new);
	return error;
}

static long link_call(const struct dk_sandbox *sandbox, u64 target,
		      u64 target_length, const char *path, u64 flags)
{
	struct dk_name old;
	struct dk_uri uri;
	long error;

	error = dk_uri_get_file(&uri, target, target_length);
	if (error)
		return error;
	error = dk_lookup(sandbox, uri.rest, flags & DK_NAME_NOFOLLOW ? 0 :
			  DK_LOOKUP_FOLLOW, &old);
	dk_uri_put(&uri);
	if (error)
		return error;
	error = link_path(sandbox, &old.path, old.rule, path);
	dk_name_put(&old);
	return error;
}

/* A file that is open, be its name gone; one made without may get its first. */
static long link_stream(struct dk_thread *thread, u64 handle, const char *path)
{
	const struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_stream *stream = dk_stream_get(thread, handle, 0);
	const struct path *old;
	long error = -EACCES;

	if (IS_ERR(stream))
		return PTR_ERR(stream);
	/* Not the consoles, pipes and sockets: no rule speaks for those. */
	old = dk_stream_path(stream);
	if (old)
		error = link_path(sandbox, old, dk_rule_find(sandbox, old),
				  path);
	dk_stream_put(stream);
	return error;
}

/* DkxStreamLink(target, target_length, uri, uri_length, flags) */
DK_HANDLER(DkxStreamLink)
{
	const struct dk_sandbox *sandbox = thread->process->sandbox;
	struct dk_uri uri;
	long error;

	if (a4 != DK_LINK_SYMBOLIC && a4 != DK_LINK_STREAM &&
	    a4 & ~(u64)DK_NAME_NOFOLLOW)
		return -EINVAL;
	if (a4 == DK_LINK_STREAM && a1)
		return -EINVAL;
	dk_block_begin(thread);
	error = dk_uri_get_file(&uri, a2, a3);
	if (error)
		return error;
	if (a4 == DK_LINK_SYMBOLIC)
		error = symlink_call(sandbox, a0, a1, uri.rest);
	else if (a4 == DK_LINK_STREAM)
		error = link_stream(thread, a0, uri.rest);
	else
		error = link_call(sandbox, a0, a1, uri.rest, a4);
	dk_uri_put(&uri);
	return dk_stream_status(error, dk_statuses_DkxStreamLink);
}
