// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Attributes of files and names, wherever they live, and what Linux's
 * permission bits say about them.
 */
#include "fs.h"

#define PIPE_DEVICE 0xd /* minor of what lives in the libos only */

/* Of what has no name: pipes, eventfds and the like. */
static void nameless_attributes(struct file *file,
				struct dk_stream_attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	attributes->type = file->kind == FILE_PIPE   ? DK_TYPE_FIFO :
			   file->kind == FILE_SOCKET ? DK_TYPE_SOCKET :
						       0;
	attributes->mode = 0600;
	attributes->uid = process.euid;
	attributes->gid = process.egid;
	attributes->nlink = 1;
	attributes->block_size = 4096;
	attributes->inode = (uintptr_t)file->data >> 4;
	attributes->device = PIPE_DEVICE;
}

int file_attributes(struct file *file, struct dk_stream_attributes *attributes)
{
	if (file->ops->attributes)
		return file->ops->attributes(file, attributes);
	nameless_attributes(file, attributes);
	return 0;
}

static int node_attributes(struct path *path,
			   struct dk_stream_attributes *attributes)
{
	struct file *file;
	int error;

	/* A descriptor's link leads to the open file itself. */
	if (path->node->magic && !(path->flags & PATH_NOFOLLOW)) {
		file = fd_get(path->id);
		if (!file)
			return -ENOENT;
		error = file_attributes(file, attributes);
		file_put(file);
		return error;
	}
	return synth_attributes(path->node, path->id, attributes);
}

/* Of @path: an open file, a name of the synthetic tree or of the host. */
int path_attributes(struct path *path, struct dk_stream_attributes *attributes)
{
	int error;

	if (path->file)
		return file_attributes(path->file, attributes);
	if (path->node)
		return node_attributes(path, attributes);
	error = host_attributes(path, attributes);
	if (error && path_reroute(path, error))
		error = node_attributes(path, attributes);
	return error;
}

/* st_mode. */
u32 mode_of(const struct dk_stream_attributes *attributes)
{
	static const u16 types[] = {
		[DK_TYPE_FILE] = S_IFREG,    [DK_TYPE_DIRECTORY] = S_IFDIR,
		[DK_TYPE_SYMLINK] = S_IFLNK, [DK_TYPE_CHARACTER] = S_IFCHR,
		[DK_TYPE_BLOCK] = S_IFBLK,   [DK_TYPE_FIFO] = S_IFIFO,
		[DK_TYPE_SOCKET] = S_IFSOCK,
	};
	u32 type = attributes->type < ARRAY_SIZE(types) ?
			   types[attributes->type] :
			   0;

	return type | (attributes->mode & 07777);
}

static bool in_group(u32 group, u32 gid)
{
	u32 i;

	if (group == gid)
		return true;
	for (i = 0; i < process.group_count; i++)
		if (process.groups[i] == group)
			return true;
	return false;
}

/* May user @uid, @gid do @wanted (R 4, W 2, X 1)? 0 or -EACCES. */
int permission_of(const struct dk_stream_attributes *attributes, int wanted,
		  u32 uid, u32 gid)
{
	u32 mode = attributes->mode;

	if (!uid) {
		if (wanted & 1 && attributes->type != DK_TYPE_DIRECTORY &&
		    !(mode & 0111))
			return -EACCES;
		return 0;
	}
	if (attributes->uid == uid)
		mode >>= 6;
	else if (in_group(attributes->gid, gid))
		mode >>= 3;
	return wanted & ~mode & 7 ? -EACCES : 0;
}
