// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Walking a name component by component, in the libos.
 *
 * The host walks names by itself and faster. It is done here only where the
 * result is wanted as text without symbolic links (chdir, /proc/self/exe),
 * or where the walk may cross between the host's tree and the synthetic one:
 * /dev/fd/3, /etc/mtab -> ../proc/self/mounts, /usr/../proc/uptime.
 */
#include "fs.h"

#define LINKS_MAX 40

struct walk {
	char done[PATH_MAX]; /* resolved, no slash behind */
	char rest[PATH_MAX]; /* still to walk */
	size_t length; /* of done */
	size_t at; /* in rest */
	int links;
};

/* Put @target in front of what is still to walk. */
static int walk_link(struct walk *walk, const char *target, size_t length)
{
	size_t left = strlen(walk->rest + walk->at);

	if (!length)
		return -ENOENT;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (length + left >= sizeof(walk->rest))
		return -ENAMETOOLONG;
	memmove(walk->rest + length, walk->rest + walk->at, left + 1);
	memcpy(walk->rest, target, length);
	walk->at = 0;
	if (*target == '/')
		walk->length = 0;
	else
		while (walk->length && walk->done[--walk->length] != '/')
			;
	walk->done[walk->length] = 0;
	return 0;
}

/* Text of the link that walk->done names; 0 when it is not one. */
static int walk_look(struct walk *walk, struct path *path, char *target,
		     bool last, bool *directory)
{
	struct dk_stream_attributes attributes;
	int error;

	path->node = synth_find(walk->done, &path->id);
	if (path->node) {
		*directory = path->node->type == DK_TYPE_DIRECTORY;
		if (path->node->type != DK_TYPE_SYMLINK ||
		    (last && path->node->magic))
			return 0;
		return path->node->target(target, PATH_MAX, path->id);
	}

	memcpy(path_text(path), walk->done, walk->length + 1);
	path->length = URI_PREFIX_LENGTH + walk->length;
	if (synth_owns(walk->done))
		return -ENOENT;
	path->flags |= PATH_NOFOLLOW;
	error = host_attributes(path, &attributes);
	if (error == -EACCES) {
		/* the rules hide it, and may show something below it */
		*directory = true;
		return 0;
	}
	if (error)
		return error;
	*directory = attributes.type == DK_TYPE_DIRECTORY;
	if (attributes.type != DK_TYPE_SYMLINK)
		return 0;
	return host_read_link(path, target, PATH_MAX);
}

static int walk_step(struct walk *walk, struct path *path, u32 flags,
		     char *target)
{
	const char *name = walk->rest + walk->at;
	size_t length = component_length(name);
	bool directory = true, last;
	int result;

	walk->at += length;
	last = !name[length + slash_length(name + length)];
	if (!length || (length == 1 && name[0] == '.'))
		return 0;
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		while (walk->length && walk->done[--walk->length] != '/')
			;
		walk->done[walk->length] = 0;
		path->node = NULL;
		return 0;
	}
	if (length > NAME_MAX || walk->length + 1 + length >= PATH_MAX)
		return -ENAMETOOLONG;
	walk->done[walk->length++] = '/';
	memcpy(walk->done + walk->length, name, length);
	walk->length += length;
	walk->done[walk->length] = 0;

	if (last && flags & PATH_NOFOLLOW && !name[length]) {
		path->node = synth_find(walk->done, &path->id);
		return !path->node && synth_owns(walk->done) ? -ENOENT : 0;
	}
	result = walk_look(walk, path, target, last, &directory);
	if (result == -ENOENT && last && !synth_owns(walk->done))
		return 0;
	if (result < 0)
		return result;
	if (result)
		return walk_link(walk, target, result);
	return directory || (last && !name[length]) ||
			       (path->node && path->node->magic) ?
		       0 :
		       -ENOTDIR;
}

/*
 * path_resolve() - replace @path by the same without "..", and links
 *
 * A last component that is not there stays; with PATH_NOFOLLOW a last
 * symbolic link stays. Sets path->node when it ends in the synthetic tree.
 * Errors are those of a lookup.
 */
int path_resolve(struct path *path)
{
	struct walk *walk = mem_alloc(sizeof(*walk) + PATH_MAX);
	u32 flags = path->flags;
	int error = 0;

	if (!walk)
		return -ENOMEM;
	memcpy(walk->rest, path_text(path),
	       path->length - URI_PREFIX_LENGTH + 1);
	walk->length = walk->at = 0;
	walk->links = 0;
	walk->done[0] = 0;
	path->node = NULL;

	while (walk->rest[walk->at] && !error) {
		walk->at += slash_length(walk->rest + walk->at);
		error = walk_step(walk, path, flags, (char *)(walk + 1));
	}
	if (!walk->length)
		walk->done[walk->length++] = '/';
	walk->done[walk->length] = 0;
	memcpy(path_text(path), walk->done, walk->length + 1);
	path->length = URI_PREFIX_LENGTH + walk->length;
	path->flags = flags;
	if (!error && path->length > DRAWBRIDGE_URI_MAX)
		error = -ENAMETOOLONG;
	mem_free(walk);
	return error;
}

/* Resolve @path, if the result is, or is not, in the synthetic tree. */
static bool resolve_to(struct path *path, bool synthetic)
{
	struct path *copy = mem_alloc(sizeof(*copy));
	bool good;

	if (!copy)
		return false;
	memcpy(copy, path, sizeof(*copy));
	good = !path_resolve(copy) && !copy->node == !synthetic;
	if (good)
		memcpy(path, copy, sizeof(*path));
	mem_free(copy);
	return good;
}

/*
 * The host refused @path with @error: does it lead, through a symbolic link,
 * into the synthetic tree? Then @path is changed and the caller tries again.
 */
bool path_reroute(struct path *path, int error)
{
	return error == -EACCES && !path->node && !path->file &&
	       resolve_to(path, true);
}

/*
 * The host did not open a directory as @path without following a last link:
 * is it to be tried following it? Then @path is what the link leads to by now,
 * by its own name. Where it leads nowhere, or out of the host's tree, it stays,
 * and the host says what is wrong with it.
 */
bool path_settle(struct path *path, int error)
{
	if (error != -ENOTDIR && error != -ELOOP)
		return false;
	resolve_to(path, false);
	return true;
}
