// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules: what a picoprocess may do with which files.
 *
 * A rule is a place (a directory, or one file) and rights. Of the rules that
 * contain a file the deepest alone decides; a file that none contains may not
 * be touched. "Contains" is asked of the file that a name finally led to, by
 * its place in the tree of directories and mounts, never of the text of the
 * name. So a symbolic link, "..", a doubled slash or a directory renamed
 * half-way through gives a program the rights of the place where it arrives,
 * and there is no spelling that a rule fails to recognise.
 *
 * What must hold for that is that no file changes its rule by moving:
 *
 *  - a rule's own root, and any directory with one below it, can be neither
 *    renamed nor deleted nor replaced from inside (dk_rule_busy(): BUSY);
 *  - a rename or a hard link into a place with rights that the old place does
 *    not have is refused as CROSS_DEVICE (names.c): places of different rights
 *    are to a program what file systems are, and one that moves files, like
 *    mv, then copies, which needs the rights that copying needs;
 *  - symbolic links carry nothing: they are only text.
 *
 * The rights of a handle are those of the moment of the opening, as they are
 * for the file permissions of Linux.
 *
 * File systems that are windows into the kernel (proc, sysfs, debugfs, cgroup
 * and their like) are out of reach of the rules around them: /proc/PID/mem of
 * a neighbour is not part of "the file tree is readable". A rule reaches into
 * such a file system only when its own place lies in it. They are recognised
 * by what they have in common: no backing device information, with the few
 * ordinary ones that have none either named below. A new or foreign one is
 * out of reach until a rule says otherwise.
 *
 * A *private* rule shows an empty tmpfs of the sandbox's own in place of what
 * the host has there. Where it stands, and where the host's files that other
 * rules name below it stand, is the matter of grafts, see path.c. What it
 * hides is never reached: dk_rule_find() refuses it on every way.
 *
 * What the host has put in the place's stead since is the matter of place.c.
 *
 * The list changes only before the first process starts, under sandbox->lock,
 * and is read without locks afterwards.
 */
#include <linux/backing-dev.h>
#include <linux/magic.h>
#include <linux/module.h>

#include "stream.h"

/* Whether @path is @rule's place or below it; of a private one, either side. */
static bool rule_contains(const struct dk_rule *rule, const struct path *path)
{
	if (rule->mount && path->mnt == rule->mount)
		return true;
	/* Nothing is below a file, except what was mounted on it since. */
	if (!d_is_dir(rule->path.dentry) &&
	    path->dentry != rule->path.dentry &&
	    path->dentry != path->mnt->mnt_root)
		return false;
	/* Without the lock of all mounts when the mount is the same. */
	if (path->mnt == rule->path.mnt)
		return is_subdir(path->dentry, rule->path.dentry);
	return path_is_under(path, &rule->path);
}

static struct super_block *rule_superblock(const struct dk_rule *rule)
{
	return rule->mount ? rule->mount->mnt_sb : rule->path.dentry->d_sb;
}

static bool is_window_into_kernel(const struct super_block *sb)
{
	if (sb->s_iflags & SB_I_USERNS_VISIBLE)
		return true;
	if (sb->s_bdi != &noop_backing_dev_info)
		return false;
	switch (sb->s_magic) {
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return false;
	}
	return true;
}

/*
 * @rule contains @path. But that may have the name of another rule's lost place,
 * or be below it, and @rule's own place not: then only what both grant counts.
 */
static const struct dk_rule *narrowed(const struct dk_sandbox *sandbox,
				      const struct dk_rule *rule,
				      const struct path *path)
{
	static const struct dk_rule both[DK_ACCESS_RIGHTS + 1] = {
		{ .rights = 0 }, { .rights = 1 }, { .rights = 2 },
		{ .rights = 3 }, { .rights = 4 }, { .rights = 5 },
		{ .rights = 6 }, { .rights = 7 },
	};
	u32 rights = rule->rights;
	const struct dk_rule *named;

	list_for_each_entry(named, &sandbox->rules, link) {
		if (likely(!dk_place_lost(named)) || named == rule ||
		    !dk_place_taken(named, path) ||
		    dk_place_taken(named, &rule->path))
			continue;
		/* What a private one hides. */
		if (named->mount)
			return NULL;
		rights &= named->rights;
	}
	return rights == rule->rights ? rule : &both[rights];
}

/**
 * dk_rule_find() - the rule that decides over a file
 * @sandbox:	whose process asks
 * @path:	what a name led to, or what is open
 *
 * Return: the rule, or NULL: out of reach.
 */
const struct dk_rule *dk_rule_find(const struct dk_sandbox *sandbox,
				   const struct path *path)
{
	const struct super_block *sb = path->dentry->d_sb;
	const struct dk_rule *rule;

	list_for_each_entry(rule, &sandbox->rules, link) {
		if (!rule_contains(rule, path))
			continue;
		if (rule->mount && path->mnt != rule->mount)
			return NULL;	/* what it hides */
		if (sb != rule_superblock(rule) && is_window_into_kernel(sb))
			return NULL;
		return narrowed(sandbox, rule, path);
	}
	return NULL;
}

/* Whether @place is @dentry or below it, mounts between them or not. */
static bool stands_below(const struct path *place, struct dentry *dentry)
{
	struct path at = *place;
	bool below;

	path_get(&at);
	do {
		below = is_subdir(at.dentry, dentry);
	} while (!below && follow_up(&at));
	path_put(&at);
	return below;
}

/* The same of the name that @rule's place had. */
static bool name_stands_below(const struct dk_rule *rule,
			      struct dentry *dentry)
{
	const struct path parent = {
		.mnt = rule->path.mnt,
		.dentry = rule->parent,
	};

	return dk_place_lost(rule) && (dk_place_is(rule, dentry) ||
				       stands_below(&parent, dentry));
}

/* Whether the way to the place of a rule that grants something is by @path. */
bool dk_rule_leads_to(const struct dk_sandbox *sandbox, const struct path *path)
{
	const struct dk_rule *rule;

	list_for_each_entry(rule, &sandbox->rules, link)
		if (rule->rights &&
		    (stands_below(&rule->path, path->dentry) ||
		     (rule->at.dentry &&
		      stands_below(&rule->at, path->dentry))))
			return true;
	return false;
}

/**
 * dk_rule_busy() - whether a name must stay
 * @sandbox:	whose process asks
 * @dentry:	positive; its parent is locked
 *
 * True when a rule's root, or the place of a graft, is @dentry or below it; and
 * of a place where something is mounted. The kernel looks for mounts of the
 * caller's namespace alone and would take away those of all others, and a
 * sandbox has a namespace of its own.
 */
bool dk_rule_busy(const struct dk_sandbox *sandbox, struct dentry *dentry)
{
	const struct dk_rule *rule;

	if (d_mountpoint(dentry))
		return true;
	list_for_each_entry(rule, &sandbox->rules, link)
		if (stands_below(&rule->path, dentry) ||
		    (rule->at.dentry && stands_below(&rule->at, dentry)) ||
		    name_stands_below(rule, dentry))
			return true;
	return false;
}

/* ---- grafts ---- */

static void graft_root(const struct dk_rule *rule, struct path *root)
{
	if (rule->mount) {
		root->mnt = rule->mount;
		root->dentry = rule->mount->mnt_root;
	} else {
		*root = rule->path;
	}
}

/* If a graft stands at @path, go to its root. */
void dk_rule_enter(const struct dk_sandbox *sandbox, struct path *path)
{
	const struct dk_rule *rule;
	struct path root;

	list_for_each_entry(rule, &sandbox->rules, link) {
		if (!rule->at.dentry || !path_equal(path, &rule->at))
			continue;
		graft_root(rule, &root);
		path_get(&root);
		path_put(path);
		*path = root;
		return;
	}
}

/* The graft whose root @path is, or NULL. */
const struct dk_rule *dk_rule_grafted(const struct dk_sandbox *sandbox,
				      const struct path *path)
{
	const struct dk_rule *rule;
	struct path root;

	list_for_each_entry(rule, &sandbox->rules, link) {
		if (!rule->at.dentry)
			continue;
		graft_root(rule, &root);
		if (path_equal(path, &root))
			return rule;
	}
	return NULL;
}

/* ---- adding and removing ---- */

/*
 * The names that lead from @base down to @path, as "/a/b"; "" when they are
 * the same. An ERR_PTR if @path is not below @base.
 */
char *dk_name_below(const struct path *path, const struct path *base)
{
	char *buffer, *name = ERR_PTR(-ENOENT);
	size_t room = PATH_MAX - 1;
	struct path at = *path;

	buffer = kzalloc(PATH_MAX, GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	path_get(&at);
	while (!path_equal(&at, base)) {
		struct name_snapshot snapshot;
		struct dentry *parent;
		bool fits;

		if (at.dentry == at.mnt->mnt_root) {
			if (!follow_up(&at))
				goto out;
			continue;
		}
		take_dentry_name_snapshot(&snapshot, at.dentry);
		fits = snapshot.name.len < room;
		if (fits) {
			room -= snapshot.name.len;
			memcpy(buffer + room, snapshot.name.name,
			       snapshot.name.len);
			buffer[--room] = '/';
		}
		release_dentry_name_snapshot(&snapshot);
		if (!fits) {
			name = ERR_PTR(-ENAMETOOLONG);
			goto out;
		}
		parent = dget_parent(at.dentry);
		if (parent == at.dentry) {
			dput(parent);
			goto out;
		}
		dput(at.dentry);
		at.dentry = parent;
	}
	name = kstrdup(buffer + room, GFP_KERNEL) ?: ERR_PTR(-ENOMEM);
out:
	path_put(&at);
	kfree(buffer);
	return name;
}

/* The child @name of a directory in a tmpfs of our own, made if need be. */
static struct dentry *place_holder(struct vfsmount *mnt, struct dentry *parent,
				   const char *name, size_t length, bool folder)
{
	struct inode *dir = d_inode(parent);
	struct dentry *dentry;
	int error = 0;

	inode_lock_nested(dir, I_MUTEX_PARENT);
	dentry = lookup_one(dk_idmap(mnt), name, parent, length);
	if (!IS_ERR(dentry) && d_is_negative(dentry)) {
		if (folder)
			error = vfs_mkdir(dk_idmap(mnt), dir, dentry, 0755);
		else
			error = vfs_create(dk_idmap(mnt), dir, dentry, 0644,
					   true);
		if (error) {
			dput(dentry);
			dentry = ERR_PTR(error);
		}
	}
	inode_unlock(dir);
	return dentry;
}

/*
 * @rule's place is hidden by the private @cover: make an empty directory or
 * file of that name inside, for it to be grafted on.
 */
static int rule_place(struct dk_rule *rule, const struct dk_rule *cover)
{
	struct path at = {
		.mnt = cover->mount,
		.dentry = cover->mount->mnt_root,
	};
	bool folder = d_is_dir(rule->path.dentry);
	char *name, *p, *end;
	int error;

	name = dk_name_below(&rule->path, &cover->path);
	if (IS_ERR(name))
		return PTR_ERR(name);
	error = mnt_want_write(at.mnt);
	if (error)
		goto out;
	path_get(&at);
	for (p = name; *p == '/'; p = end) {
		struct dentry *child;

		end = strchrnul(++p, '/');
		child = place_holder(at.mnt, at.dentry, p, end - p,
				     *end || folder);
		if (IS_ERR(child)) {
			error = PTR_ERR(child);
			path_put(&at);
			goto drop;
		}
		dput(at.dentry);
		at.dentry = child;
	}
	if (rule->at.dentry)
		path_put(&rule->at);
	rule->at = at;
drop:
	mnt_drop_write(cover->mount);
out:
	kfree(name);
	return error;
}

/* The rule that contains @rule's host place next, if that is a private one. */
static struct dk_rule *rule_cover(struct dk_sandbox *sandbox,
				  struct dk_rule *rule)
{
	struct dk_rule *other;

	list_for_each_entry(other, &sandbox->rules, link)
		if (other != rule && rule_contains(other, &rule->path))
			return other->mount ? other : NULL;
	return NULL;
}

/*
 * An empty tmpfs with the limits that one has by default: half of the memory,
 * and inodes to match. (Not SB_KERNMOUNT, which would take the limits away.)
 */
static struct vfsmount *private_mount(void)
{
	struct file_system_type *type = get_fs_type("tmpfs");
	struct vfsmount *mount;

	if (!type)
		return ERR_PTR(-ENODEV);
	mount = vfs_kern_mount(type, 0, type->name, NULL);
	module_put(type->owner);
	if (!IS_ERR(mount))
		mount->mnt_flags |= MNT_NOSUID | MNT_NODEV;
	return mount;
}

static void graft_forget(struct dk_rule *rule)
{
	if (rule->at.dentry)
		path_put(&rule->at);
	rule->at = (struct path){};
}

static void rule_free(struct dk_rule *rule)
{
	graft_forget(rule);
	if (rule->mount)
		kern_unmount(rule->mount);
	dk_place_destroy(rule);
	path_put(&rule->path);
	kfree(rule);
}

/* Enter @rule in its order, and graft what now has to be grafted. */
static int rule_insert(struct dk_sandbox *sandbox, struct dk_rule *rule)
{
	struct list_head *before = &sandbox->rules;
	struct dk_rule *other, *cover;
	int error;

	list_for_each_entry(other, &sandbox->rules, link) {
		if (path_equal(&other->path, &rule->path))
			return -EEXIST;
		if (before == &sandbox->rules &&
		    rule_contains(other, &rule->path))
			before = &other->link;
	}
	list_add_tail(&rule->link, before);

	cover = rule_cover(sandbox, rule);
	if (cover) {
		error = rule_place(rule, cover);
		if (error)
			goto remove;
	} else if (rule->mount) {
		rule->at = rule->path;
		path_get(&rule->at);
	}
	if (!rule->mount)
		return 0;
	list_for_each_entry(other, &sandbox->rules, link) {
		if (rule_cover(sandbox, other) != rule)
			continue;
		error = rule_place(other, rule);
		if (error)
			goto remove;
	}
	return 0;

remove:
	list_for_each_entry(other, &sandbox->rules, link)
		if (rule->mount && other->at.mnt == rule->mount)
			graft_forget(other);
	list_del(&rule->link);
	return error;
}

/**
 * dk_rule_add() - add a rule
 * @sandbox:	not started yet; its lock is held
 * @rule:	the monitor's request, copied from its memory
 *
 * The path is looked up as the monitor, which is the caller, sees the host:
 * below the sandbox's root, without regard to other rules.
 *
 * Return: 0 or what struct drawbridge_rule lists.
 */
long dk_rule_add(struct dk_sandbox *sandbox, const struct drawbridge_rule *rule)
{
	struct dk_rule *new;
	struct dk_uri uri;
	long error;

	lockdep_assert_held(&sandbox->lock);
	if (!sandbox->has_root || rule->reserved ||
	    rule->rights & ~DK_ACCESS_RIGHTS ||
	    rule->flags & (rule->flags - 1) ||
	    rule->flags & ~(DRAWBRIDGE_RULE_PRIVATE | DRAWBRIDGE_RULE_ABSENT) ||
	    (rule->flags & DRAWBRIDGE_RULE_ABSENT && rule->rights))
		return -EINVAL;
	if (sandbox->started)
		return -EBUSY;
	if (sandbox->rule_count >= DRAWBRIDGE_RULES_MAX)
		return -E2BIG;

	error = dk_uri_get(&uri, rule->uri, rule->uri_length);
	if (error)
		return error == -EOPNOTSUPP ? -EINVAL : error;
	error = -EINVAL;
	if (uri.scheme != DK_SCHEME_FILE) {
		if (!rule->flags && uri.scheme == DK_SCHEME_DNS)
			error = dk_dns_rule_add(sandbox, uri.rest,
						rule->rights);
		else if (!rule->flags)
			error = dk_net_rule_add(sandbox, uri.text,
						rule->rights);
		if (!error)
			sandbox->rule_count++;
		goto put_uri;
	}

	if (rule->flags & DRAWBRIDGE_RULE_ABSENT) {
		error = dk_absent_add(sandbox, uri.rest);
		if (!error)
			sandbox->rule_count++;
		goto put_uri;
	}

	error = -ENOMEM;
	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		goto put_uri;
	new->rights = rule->rights;
	error = dk_lookup_host(sandbox, uri.rest, LOOKUP_FOLLOW |
			       (rule->flags & DRAWBRIDGE_RULE_PRIVATE ?
				LOOKUP_DIRECTORY : 0), &new->path);
	if (error) {
		kfree(new);
		goto put_uri;
	}
	dk_place_init(new);
	if (rule->flags & DRAWBRIDGE_RULE_PRIVATE) {
		new->mount = private_mount();
		if (IS_ERR(new->mount)) {
			error = PTR_ERR(new->mount);
			new->mount = NULL;
			goto free;
		}
	}
	error = rule_insert(sandbox, new);
	if (error)
		goto free;
	sandbox->rule_count++;
	dk_uri_put(&uri);
	return 0;

free:
	rule_free(new);
put_uri:
	dk_uri_put(&uri);
	return error;
}

/* All of them; no process is left that could look. */
void dk_rules_destroy(struct dk_sandbox *sandbox)
{
	struct dk_rule *rule, *next;

	/* First the grafts, which hold the mounts that they stand in. */
	list_for_each_entry(rule, &sandbox->rules, link)
		graft_forget(rule);
	list_for_each_entry_safe(rule, next, &sandbox->rules, link) {
		list_del(&rule->link);
		rule_free(rule);
	}
	sandbox->rule_count = 0;
}
