// SPDX-License-Identifier: GPL-2.0-only
/*
 * Places of rules that the host has given to something else.
 *
 * A rule is bound to what its place was when the rule was made (rule.c), and
 * from inside that cannot be replaced. The host can: whoever rewrites a file
 * makes a new one and renames it over the old one. So a rule knows its place's
 * name, too, and what has that name now is under the rule as far as the rule
 * takes rights away: no secret is in the open because it was saved again. Rights
 * are never given by name, since then whoever may write the directory could
 * have them for whatever he likes. So where a program is to see a file that is
 * replaced, the rule has to be for its directory.
 *
 * The directory is the one that the name was in; if the host replaces that, or
 * mounts something over it, its rules have to be made anew, for a new sandbox.
 */
#include <linux/dcache.h>
#include <linux/namei.h>
#include <linux/seqlock.h>

#include "stream.h"

/* @rule->path is there. The root of a mount has no name of its own. */
void dk_place_init(struct dk_rule *rule)
{
	struct dentry *dentry = rule->path.dentry;

	if (dentry == rule->path.mnt->mnt_root)
		return;
	take_dentry_name_snapshot(&rule->name, dentry);
	rule->parent = dget_parent(dentry);
}

void dk_place_destroy(struct dk_rule *rule)
{
	if (!rule->parent)
		return;
	release_dentry_name_snapshot(&rule->name);
	dput(rule->parent);
}

/* Whether something else may have the name now. */
bool dk_place_lost(const struct dk_rule *rule)
{
	const struct dentry *dentry = rule->path.dentry;

	return rule->parent &&
	       (d_unhashed(dentry) ||
		READ_ONCE(dentry->d_parent) != rule->parent ||
		READ_ONCE(dentry->d_name.hash_len) != rule->name.name.hash_len);
}

/* Whether @dentry, a child of the place's directory, has the name. */
static bool has_name(const struct dk_rule *rule, struct dentry *dentry)
{
	bool same;

	spin_lock(&dentry->d_lock);
	same = d_same_name(dentry, rule->parent, &rule->name.name);
	spin_unlock(&dentry->d_lock);
	return same;
}

/* Whether @dentry, or what it is below, has the name; as is_subdir(). */
static bool is_below_name(const struct dk_rule *rule, struct dentry *dentry)
{
	struct dentry *at, *parent;
	unsigned int seq;
	bool found;

	do {
		found = false;
		seq = read_seqbegin(&rename_lock);
		rcu_read_lock();
		for (at = dentry; !IS_ROOT(at); at = parent) {
			parent = READ_ONCE(at->d_parent);
			if (parent != rule->parent)
				continue;
			found = has_name(rule, at);
			break;
		}
		rcu_read_unlock();
	} while (read_seqretry(&rename_lock, seq));
	return found;
}

/* Whether @path is what has the name of @rule's lost place, or below that. */
bool dk_place_taken(const struct dk_rule *rule, const struct path *path)
{
	struct path at = *path;
	bool taken;

	path_get(&at);
	do {
		taken = at.mnt == rule->path.mnt &&
			is_below_name(rule, at.dentry);
	} while (!taken && follow_up(&at));
	path_put(&at);
	return taken;
}

/* The same of @dentry itself, whose parent is locked. */
bool dk_place_is(const struct dk_rule *rule, struct dentry *dentry)
{
	return dentry->d_parent == rule->parent && has_name(rule, dentry);
}
