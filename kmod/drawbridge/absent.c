// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that may be known to be absent.
 *
 * In a directory without rights all that goes wrong is ACCESS_DENIED, so that
 * nobody learns from it what is there. But programs look for things that most
 * machines do not have, and go another way when they are told "not there" than
 * when they are told "not for you". A rule for such a name allows that one
 * answer: NOT_FOUND while nothing has the name. If something has it after all,
 * it is as out of reach as without the rule.
 *
 * The name is one of a directory that exists, by its place as everywhere
 * (rule.c). The list changes only before the first process starts, under
 * sandbox->lock, and is read without locks afterwards.
 */
#include "stream.h"

/**
 * struct dk_absent - one name
 * @link:	in sandbox->absent
 * @parent:	the directory
 * @length:	of @name
 * @name:	without a zero at the end
 */
struct dk_absent {
	struct list_head link;
	struct path parent;
	size_t length;
	char name[];
};

/* Whether a program may be told that @parent has no @name. */
bool dk_absent(const struct dk_sandbox *sandbox, const struct path *parent,
	       const char *name, size_t length)
{
	const struct dk_absent *absent;

	list_for_each_entry(absent, &sandbox->absent, link)
		if (absent->length == length &&
		    path_equal(&absent->parent, parent) &&
		    !memcmp(absent->name, name, length))
			return true;
	return false;
}

/**
 * dk_absent_add() - add a rule
 * @sandbox:	not started yet; its lock is held
 * @path:	absolute, as the monitor sees the host; is written to
 *
 * Return: 0 or what struct drawbridge_rule lists.
 */
long dk_absent_add(struct dk_sandbox *sandbox, char *path)
{
	char *name = strrchr(path, '/') + 1;
	size_t length = strlen(name);
	struct dk_absent *new;
	long error;

	lockdep_assert_held(&sandbox->lock);
	if (!length || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	new = kzalloc(struct_size(new, name, length), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	new->length = length;
	memcpy(new->name, name, length);
	/* What is left is the directory, with a slash behind it. */
	*name = 0;
	error = dk_lookup_host(sandbox, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY,
			       &new->parent);
	if (error) {
		kfree(new);
		return error;
	}
	if (dk_absent(sandbox, &new->parent, new->name, length)) {
		path_put(&new->parent);
		kfree(new);
		return -EEXIST;
	}
	list_add_tail(&new->link, &sandbox->absent);
	return 0;
}

void dk_absent_destroy(struct dk_sandbox *sandbox)
{
	struct dk_absent *absent, *next;

	list_for_each_entry_safe(absent, next, &sandbox->absent, link) {
		list_del(&absent->link);
		path_put(&absent->parent);
		kfree(absent);
	}
}
