// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: names, in the file system and abstract ones.
 */
#include "unix.h"

static long check_address(const struct address *a)
{
	if (a->family != AF_UNIX || a->length > sizeof(a->un) ||
	    a->length < sizeof(a->family))
		return -EINVAL;
	return 0;
}

static bool is_path(const struct address *a)
{
	return a->length > sizeof(a->family) && a->un.sun_path[0];
}

static size_t path_length(const struct address *a)
{
	return strnlen(a->un.sun_path, a->length - sizeof(a->family));
}

/* The file that a name is, resolved from the working directory. */
static int path_from(const struct address *a, struct path *path)
{
	char text[PATH_MAX];
	size_t n = path_length(a);
	int length = 0;

	if (a->un.sun_path[0] != '/') {
		length = directory_copy(text, sizeof(text) - n - 2);
		if (length < 0)
			return -ENAMETOOLONG;
		text[length++] = '/';
	}
	memcpy(text + length, a->un.sun_path, n);
	text[length + n] = 0;
	return path_set(path, text, 0);
}

/* Make the file of a name: exclusive. */
static long make_name(const struct address *a, u64 *device, u64 *inode)
{
	u64 options = DK_OPTION_SOCKET |
		      DK_OPTION_MODE(0777 & ~self()->fs->umask);
	struct dk_stream_attributes attributes;
	DK_HANDLE handle;
	struct path path;
	long r;

	r = path_from(a, &path);
	if (!r && path.node)
		r = -EACCES;
	if (!r)
		r = errno_of(DkStreamOpen(path.uri, path.length, 0,
					  DK_OPEN_CREATE_NEW, options,
					  &handle));
	if (r)
		return r == -EEXIST ? -EADDRINUSE : r;
	r = errno_of(DkStreamAttributesQueryByHandle(handle, &attributes,
						     sizeof(attributes)));
	DkObjectClose(handle);
	if (r)
		return r;
	*device = attributes.device;
	*inode = attributes.inode;
	return 0;
}

/* Keys begin with a letter: those of files and abstract names differ. */
static u32 file_key(u64 device, u64 inode, u8 *key)
{
	key[0] = 'f';
	memcpy(key + 1, &device, sizeof(device));
	memcpy(key + 1 + sizeof(device), &inode, sizeof(inode));
	return 1 + sizeof(device) + sizeof(inode);
}

static u32 abstract_key(const struct address *a, u8 *key)
{
	u32 length = a->length - sizeof(a->family);

	key[0] = 'a';
	memcpy(key + 1, a->un.sun_path, length);
	return 1 + length;
}

long unix_key(const struct address *a, u8 *key)
{
	struct dk_stream_attributes attributes = { 0 };
	struct path path;
	long r = check_address(a);

	if (r)
		return r;
	if (!is_path(a))
		return abstract_key(a, key);
	r = path_from(a, &path);
	if (!r)
		r = path_attributes(&path, &attributes);
	if (!r)
		r = permission_of(&attributes, 2, process.fsuid, process.fsgid);
	return r ? r : file_key(attributes.device, attributes.inode, key);
}

static long bind_as(struct unix_socket *u, const struct address *a,
		    struct dk_local_name *name)
{
	name->name_length = a->length;
	memcpy(name->name, a->bytes, a->length);
	return unix_control(u, DK_CONTROL_BIND, name, sizeof(*name));
}

static long autobind(struct unix_socket *u)
{
	static u32 last;
	struct dk_local_name name = { .key_length = 0 };
	struct address a = { .family = AF_UNIX };
	u32 tries;
	long r;

	if (!last)
		last = process.pid * 0x61;
	for (tries = 0; tries < 0x100000; tries++) {
		a.length = sizeof(a.family) + 1 +
			   snprintf(a.un.sun_path + 1, 8, "%05x",
				    __atomic_add_fetch(&last, 1,
						       __ATOMIC_RELAXED) &
					    0xfffff);
		name.key_length = abstract_key(&a, name.key);
		r = bind_as(u, &a, &name);
		if (r != -EADDRINUSE)
			return r;
	}
	return -ENOSPC;
}

static bool is_named(struct unix_socket *u)
{
	struct dk_local_name name;

	return !unix_control(u, DK_CONTROL_NAME, &name, sizeof(name)) &&
	       name.name_length;
}

long unix_bind(struct socket *socket, const struct address *a)
{
	struct dk_local_name name = { .key_length = 0 };
	struct unix_socket *u = unix_of(socket);
	struct address shown = *a;
	u64 device = 0, inode = 0;
	long r = check_address(a);
	bool named;

	if (r)
		return r;
	named = is_named(u);
	if (named && !is_path(a))
		return -EINVAL;
	if (a->length == sizeof(a->family))
		return autobind(u);
	if (named) {
		/* Linux makes the file first, and removes it again. */
		r = unix_key(a, name.key);
		return r == -ENOENT ? -EINVAL : -EADDRINUSE;
	}
	if (!is_path(a)) {
		name.key_length = abstract_key(a, name.key);
		return bind_as(u, a, &name);
	}
	r = make_name(a, &device, &inode);
	if (r)
		return r;
	name.key_length = file_key(device, inode, name.key);
	/* The file is new: a socket of that number has lost its own. */
	name.flags = DK_LOCAL_REPLACE;
	/* Told with the zero behind it. */
	shown.length = sizeof(a->family) + path_length(a) + 1;
	if (shown.length <= sizeof(shown.un))
		shown.un.sun_path[path_length(a)] = 0;
	return bind_as(u, &shown, &name);
}

long unix_name(struct socket *socket, bool of_peer, struct address *a)
{
	struct dk_local_name name;
	long r;

	r = unix_control(unix_of(socket),
			 of_peer ? DK_CONTROL_PEER_NAME : DK_CONTROL_NAME,
			 &name, sizeof(name));
	if (r)
		return r;
	a->length = MIN(name.name_length, sizeof(a->bytes));
	memcpy(a->bytes, name.name, a->length);
	if (!a->length) {
		a->length = sizeof(a->family);
		a->family = AF_UNIX;
	}
	return 0;
}
