// SPDX-License-Identifier: GPL-2.0-only
/*
 * Paths: from the text of a file: URI to the file, and never out of the
 * sandbox.
 *
 * What a picoprocess sees as "/" is sandbox->root. The tree below it is the
 * host's, with *grafts*: places where something else is seen than what the
 * host has there.
 *
 *  - A private rule's tmpfs stands where the rule's directory is.
 *  - The place of another rule below that directory would be hidden, so the
 *    tmpfs gets an empty directory or file of its name, and the host's is
 *    grafted on that. With "/tmp private" and "/tmp/work read, write", a
 *    program finds its own /tmp with the host's work in it.
 *
 * Grafts are not mounts: no other process sees them, and no privilege is
 * needed to make them. The walk below knows them.
 *
 * So paths are walked here, one component after the other. Each step asks for
 * execute permission, looks up, crosses mounts and enters a graft. ".." stops
 * at the root, and from a graft's root it goes on from where the graft stands.
 * The text of a symbolic link is put in front of the rest of the path; if it
 * is absolute, the walk starts again at the root. After each ".." the place
 * must be below the root (or in a private mount, which has no outside): so a
 * directory that someone moves out of the root, while we walk in it, is a dead
 * end and no way out. This test looks at where we are and not at whether
 * something moved, so there is nothing to be tried again.
 *
 * The kernel's own walk, vfs_path_lookup(), is not used for this. It knows no
 * grafts, so it could only be tried for paths that meet none, and it does not
 * tell what it met: with links, mounts and missing names most of what a
 * program does would be walked twice. The price is that ours takes a reference
 * on every directory of the way, where the kernel's takes one at the end.
 *
 * Where our walk differs from the kernel's:
 *
 *  - The protection of links in sticky, world-writable directories is always
 *    on (fs.protected_symlinks; the sysctl cannot be read from a module).
 *  - Links that are not text but jump (/proc/PID/fd, root, exe, cwd, ns) are
 *    refused, as by NO_MAGICLINKS.
 *  - The rest of a path together with the links put before it may be 8 KiB.
 *  - A link whose file system needs to be asked again after -ESTALE is not.
 *
 * What the file at the end may be used for is decided by the rules, rule.c.
 * In a directory without any rights everything that goes wrong is
 * ACCESS_DENIED, be a name there or not, but for the names of absent.c. Passing
 * through is allowed, because the way to a rule's root leads through such
 * directories; so do the host's symbolic links. But ".." out of one that leads
 * to no rule's root would tell that it is there, so that is denied, too, unless
 * it is a link's own way out of the directory that has it.
 *
 * Names of things to be made, removed or moved end in a directory and a last
 * component; the calls in names.c look that up again under the directory's
 * lock, so what was found before is only good for choosing what to do.
 */
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "learn.h"
#include "stream.h"

#define MAX_LINKS	40		/* MAXSYMLINKS */
#define MAX_TRIES	16		/* of dk_lookup_host() */
#define MAX_TEXT	(2 * PATH_MAX)	/* a link and the rest of the path */

/**
 * dk_lookup_host() - walk the host's tree as it is, for the monitor
 * @sandbox:	whose root
 * @name:	absolute
 * @flags:	LOOKUP_FOLLOW, LOOKUP_DIRECTORY
 * @path:	result, referenced
 *
 * As openat2() does it with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS: ".."
 * stops at the root, absolute links start at it, a race with a rename or a
 * mount while ".." is taken gives -EAGAIN, and the end must be below the root.
 */
int dk_lookup_host(const struct dk_sandbox *sandbox, const char *name,
		   unsigned int flags, struct path *path)
{
	int tries, error;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		error = vfs_path_lookup(sandbox->root.dentry,
					sandbox->root.mnt, name,
					flags | LOOKUP_IN_ROOT |
					LOOKUP_NO_MAGICLINKS, path);
		if (error != -EAGAIN)
			break;
		cond_resched();
	}
	/* It left the root while it was walked. */
	return error == -EXDEV || error == -EAGAIN ? -EACCES : error;
}

/**
 * struct walk - a walk of our own
 * @sandbox:	whose view
 * @at:		where we are, referenced
 * @rest:	what is left of the path, in @buffer
 * @buffer:	what was walked already makes room for links in front of @rest
 * @links:	followed so far
 * @climbing:	since the last one there was nothing but ".."
 * @missing:	what @at does not have, in @buffer, or NULL
 * @length:	of @missing
 */
struct walk {
	const struct dk_sandbox *sandbox;
	struct path at;
	char *rest;
	char *buffer;
	unsigned int links;
	bool climbing;
	const char *missing;
	size_t length;
};

static void walk_to(struct walk *walk, const struct path *path)
{
	path_put(&walk->at);
	walk->at = *path;
}

static void walk_to_root(struct walk *walk)
{
	struct path root = walk->sandbox->root;

	path_get(&root);
	walk_to(walk, &root);
	dk_rule_enter(walk->sandbox, &walk->at);
}

/* Whether @path is part of the view at all; see the top of the file. */
static bool is_inside(const struct dk_sandbox *sandbox, const struct path *path)
{
	const struct dk_rule *rule;

	if (path_is_under(path, &sandbox->root))
		return true;
	list_for_each_entry(rule, &sandbox->rules, link)
		if (rule->mount && rule->mount == path->mnt)
			return true;
	return false;
}

/* A directory can be moved out of what a bind mount shows of its tree. */
static bool is_connected(const struct path *path)
{
	return path->mnt->mnt_root == path->mnt->mnt_sb->s_root ||
	       is_subdir(path->dentry, path->mnt->mnt_root);
}

static int walk_up(struct walk *walk)
{
	const struct dk_sandbox *sandbox = walk->sandbox;
	const struct dk_rule *graft;
	struct dentry *parent;
	struct path at;
	int error;

	for (;;) {
		if (path_equal(&walk->at, &sandbox->root))
			goto enter;
		graft = dk_rule_grafted(sandbox, &walk->at);
		if (graft) {
			at = graft->at;
			path_get(&at);
			walk_to(walk, &at);
			continue;
		}
		if (walk->at.dentry != walk->at.mnt->mnt_root)
			break;
		if (!follow_up(&walk->at))
			goto enter;
	}
	parent = dget_parent(walk->at.dentry);
	dput(walk->at.dentry);
	walk->at.dentry = parent;
	if (!is_connected(&walk->at))
		return -ENOENT;
	error = dk_follow_down(&walk->at);
	if (error)
		return error;
enter:
	dk_rule_enter(sandbox, &walk->at);
	return is_inside(sandbox, &walk->at) ? 0 : -EACCES;
}

/* Whether it may be known that there is a directory where we are. */
static bool may_be_known(const struct walk *walk)
{
	const struct dk_sandbox *sandbox = walk->sandbox;
	struct path at = walk->at;
	bool known = dk_rule_allows(dk_rule_find(sandbox, &at), 0);

	if (known || at.dentry != at.mnt->mnt_root)
		return known;
	/* As /proc: the directory that it is mounted on has that name, too. */
	path_get(&at);
	while (at.dentry == at.mnt->mnt_root && follow_up(&at))
		;
	known = dk_rule_allows(dk_rule_find(sandbox, &at), 0);
	path_put(&at);
	return known;
}

/* Whether ".." may lead out of where we are; see the top of the file. */
static bool may_leave(const struct walk *walk)
{
	if (walk->climbing || dk_rule_leads_to(walk->sandbox, &walk->at))
		return true;
	if (!may_be_known(walk))
		return false;
	dk_learn(walk->sandbox, &walk->at, 0);
	return true;
}

/* As may_follow_link() in fs/namei.c. */
static bool may_follow(const struct path *dir, const struct path *link)
{
	const struct inode *parent = d_inode(dir->dentry);
	const struct inode *inode = d_inode(link->dentry);
	vfsuid_t owner = i_uid_into_vfsuid(dk_idmap(link->mnt), inode);
	vfsuid_t dir_owner = i_uid_into_vfsuid(dk_idmap(dir->mnt), parent);

	if (vfsuid_eq_kuid(owner, current_fsuid()))
		return true;
	if ((parent->i_mode & 01002) != 01002)
		return true;
	return vfsuid_valid(dir_owner) && vfsuid_eq(dir_owner, owner);
}

/* Make room for @length bytes in front of the rest. */
static int walk_room(struct walk *walk, size_t length)
{
	size_t left = strlen(walk->rest) + 1;
	char *buffer;

	if (length > walk->rest - walk->buffer) {
		if (length + left > MAX_TEXT)
			return -ENAMETOOLONG;
		buffer = kmalloc(length + left, GFP_KERNEL_ACCOUNT);
		if (!buffer)
			return -ENOMEM;
		memcpy(buffer + length, walk->rest, left);
		kfree(walk->buffer);
		walk->buffer = buffer;
		walk->rest = buffer + length;
	}
	walk->rest -= length;
	return 0;
}

/* Put the text of @link, which is in walk->at, in front of the rest. */
static int walk_link(struct walk *walk, const struct path *link, bool last)
{
	struct inode *inode = d_inode(link->dentry);
	DEFINE_DELAYED_CALL(done);
	const char *text;
	size_t length;
	int error;

	if (++walk->links > MAX_LINKS)
		return -ELOOP;
	if (last && !may_follow(&walk->at, link))
		return -EACCES;
	/* One with a readlink method of its own jumps. */
	if (link->mnt->mnt_flags & MNT_NOSYMFOLLOW || inode->i_op->readlink)
		return -ELOOP;
	touch_atime(link);
	text = vfs_get_link(link->dentry, &done);
	if (IS_ERR(text))
		return PTR_ERR(text);
	if (!text)
		return -ELOOP;
	length = strlen(text);
	error = length ? walk_room(walk, length) : -ENOENT;
	if (!error) {
		memcpy(walk->rest, text, length);
		walk->climbing = true;
		if (*text == '/')
			walk_to_root(walk);
	}
	do_delayed_call(&done);
	return error;
}

/* One step down, to the child @name of where we are: mounts, then grafts. */
static int walk_child(struct walk *walk, const char *name, size_t length,
		      struct path *child)
{
	int error;

	child->dentry = lookup_one_unlocked(dk_idmap(walk->at.mnt), name,
					    walk->at.dentry, length);
	if (IS_ERR(child->dentry))
		return PTR_ERR(child->dentry);
	if (d_is_negative(child->dentry)) {
		dput(child->dentry);
		return -ENOENT;
	}
	child->mnt = mntget(walk->at.mnt);
	error = dk_follow_down(child);
	if (error) {
		path_put(child);
		return error;
	}
	dk_rule_enter(walk->sandbox, child);
	return 0;
}

/* Walk to the end. @found gets everything but the rules and the buffer. */
static int walk_rest(struct walk *walk, unsigned int flags,
		     struct dk_name *found)
{
	struct path child;
	int error;

	for (;;) {
		char *name, *next;
		size_t length;
		bool last, slash;

		while (*walk->rest == '/')
			walk->rest++;
		name = walk->rest;
		if (!*name) {
			found->path = walk->at;
			path_get(&found->path);
			return 0;
		}
		next = strchrnul(name, '/');
		length = next - name;
		last = !next[strspn(next, "/")];
		slash = last && *next;
		walk->rest = next;

		if (!d_can_lookup(walk->at.dentry))
			return -ENOTDIR;
		if (name[0] == '.' &&
		    (length == 1 || (length == 2 && name[1] == '.'))) {
			error = inode_permission(dk_idmap(walk->at.mnt),
						 d_inode(walk->at.dentry),
						 MAY_EXEC);
			if (!error && length == 2)
				error = may_leave(walk) ? walk_up(walk) :
							  -EACCES;
			if (error)
				return error;
			continue;
		}

		error = walk_child(walk, name, length, &child);
		walk->missing = error == -ENOENT ? name : NULL;
		walk->length = length;
		if (error == -ENOENT && last && flags & DK_LOOKUP_PARENT)
			goto parent;
		if (error)
			return error;
		if (d_is_symlink(child.dentry) &&
		    (!last || flags & DK_LOOKUP_FOLLOW ||
		     (slash && !(flags & DK_LOOKUP_PARENT)))) {
			error = walk_link(walk, &child, last);
			path_put(&child);
			if (error)
				return error;
			cond_resched();
			continue;
		}
		if (!last) {
			walk_to(walk, &child);
			walk->climbing = false;
			continue;
		}
		/* With PARENT the caller decides: there may be more to tell. */
		if (slash && !(flags & DK_LOOKUP_PARENT) &&
		    !d_can_lookup(child.dentry)) {
			path_put(&child);
			return -ENOTDIR;
		}
		found->path = child;
parent:
		if (flags & DK_LOOKUP_PARENT) {
			*next = 0;
			found->parent = walk->at;
			path_get(&found->parent);
			found->last = name;
			found->slash = slash;
		}
		return 0;
	}
}

/* @error ended the walk. What is the program told? */
static int walk_error(const struct walk *walk, int error)
{
	const struct dk_sandbox *sandbox = walk->sandbox;
	bool missing = error == -ENOENT && walk->missing;

	if (!dk_rule_allows(dk_rule_find(sandbox, &walk->at), 0)) {
		if (missing && dk_absent(sandbox, &walk->at, walk->missing,
					 walk->length))
			return -ENOENT;
		return -EACCES;
	}
	if (missing)
		dk_learn_absent(sandbox, &walk->at, walk->missing,
				walk->length);
	else if (error != -EACCES)
		dk_learn(sandbox, &walk->at, 0);
	return error;
}

/**
 * dk_lookup() - find what a path means
 * @sandbox:	whose process asks
 * @name:	absolute
 * @flags:	DK_LOOKUP_*
 * @found:	result; on success dk_name_put() drops it
 *
 * With the credentials of the caller, and without regard to what the rules
 * grant there: that is asked of @found->rule by who knows what is wanted.
 */
int dk_lookup(const struct dk_sandbox *sandbox, const char *name,
	      unsigned int flags, struct dk_name *found)
{
	struct walk walk = { .sandbox = sandbox, .at = sandbox->root };
	int error;

	memset(found, 0, sizeof(*found));
	walk.buffer = kstrdup(name, GFP_KERNEL_ACCOUNT);
	if (!walk.buffer)
		return -ENOMEM;
	walk.rest = walk.buffer;
	path_get(&walk.at);
	dk_rule_enter(sandbox, &walk.at);

	error = walk_rest(&walk, flags, found);
	if (error && error != -ENOMEM)
		error = walk_error(&walk, error);
	path_put(&walk.at);
	if (found->path.dentry)
		found->rule = dk_rule_find(sandbox, &found->path);
	if (found->parent.dentry)
		found->parent_rule = dk_rule_find(sandbox, &found->parent);
	if (found->last)
		found->buffer = walk.buffer;
	else
		kfree(walk.buffer);
	return error;
}

/* Nothing has @name, found with DK_LOOKUP_PARENT: what the program is told. */
int dk_name_absent(const struct dk_sandbox *sandbox, const struct dk_name *name)
{
	size_t length = strlen(name->last);

	if (dk_rule_allows(name->parent_rule, 0)) {
		dk_learn_absent(sandbox, &name->parent, name->last, length);
		return -ENOENT;
	}
	return dk_absent(sandbox, &name->parent, name->last, length) ? -ENOENT :
								       -EACCES;
}

void dk_name_put(struct dk_name *name)
{
	if (name->path.dentry)
		path_put(&name->path);
	if (name->parent.dentry)
		path_put(&name->parent);
	kfree(name->buffer);
}
