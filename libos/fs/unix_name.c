// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * AF_UNIX: names, in the file system and abstract ones.
 */
#include "unix.h"

static struct unix_socket *names; /* under unix_lock */
static u32 last_autobind;

long unix_check_address(const struct address *a)
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
	struct dk_stream_attributes attributes;
	struct file *file;
	struct path path;
	long r;

	r = path_from(a, &path);
	if (!r && path.node)
		r = -EACCES;
	if (!r)
		r = host_open(&path, O_CREAT | O_EXCL | O_RDWR,
			      0777 & ~self()->fs->umask, &file);
	if (r)
		return r == -EEXIST ? -EADDRINUSE : r;
	r = file_attributes(file, &attributes);
	file_put(file);
	if (r)
		return r;
	*device = attributes.device;
	*inode = attributes.inode;
	return 0;
}

long unix_find_name(const struct address *a, struct unix_socket **found)
{
	struct dk_stream_attributes attributes = { 0 };
	struct unix_socket *u;
	struct path path;
	bool by_path = is_path(a);
	long r;

	if (by_path) {
		r = path_from(a, &path);
		if (!r)
			r = path_attributes(&path, &attributes);
		if (!r)
			r = permission_of(&attributes, 2, process.fsuid,
					  process.fsgid);
		if (r)
			return r;
	}
	lock_acquire(&unix_lock);
	for (u = names; u; u = u->next_name) {
		if (by_path ?
			    is_path(&u->name) &&
				    u->device == attributes.device &&
				    u->inode == attributes.inode :
			    u->name.length == a->length &&
				    !memcmp(u->name.bytes, a->bytes, a->length))
			break;
	}
	*found = unix_get(u);
	lock_release(&unix_lock);
	return *found ? 0 : -ECONNREFUSED;
}

/* unix_lock is held. */
static bool name_taken(const struct address *a)
{
	struct unix_socket *u;

	for (u = names; u; u = u->next_name) {
		if (u->name.length == a->length &&
		    !memcmp(u->name.bytes, a->bytes, a->length))
			return true;
	}
	return false;
}

static void name_add(struct unix_socket *u, const struct address *a)
{
	u->name = *a;
	u->named = true;
	u->next_name = names;
	names = u;
}

/* unix_lock is held. */
void unix_name_remove(struct unix_socket *u)
{
	struct unix_socket **at;

	for (at = &names; u->named && *at; at = &(*at)->next_name) {
		if (*at == u) {
			*at = u->next_name;
			break;
		}
	}
}

static long autobind(struct unix_socket *u)
{
	struct address a = { .family = AF_UNIX };

	lock_acquire(&unix_lock);
	if (!u->named) {
		do {
			a.length = sizeof(a.family) + 1 +
				   snprintf(a.un.sun_path + 1, 8, "%05x",
					    ++last_autobind & 0xfffff);
		} while (name_taken(&a));
		name_add(u, &a);
	}
	lock_release(&unix_lock);
	return 0;
}

long unix_bind(struct socket *socket, const struct address *a)
{
	struct unix_socket *u = unix_of(socket);
	struct unix_socket *other = NULL;
	u64 device = 0, inode = 0;
	struct address name = *a;
	long r = unix_check_address(a);

	if (r)
		return r;
	if (u->named && !is_path(a))
		return -EINVAL;
	if (a->length == sizeof(a->family))
		return autobind(u);
	if (u->named) {
		/* Linux makes the file first, and removes it again. */
		r = unix_find_name(a, &other);
		unix_put(other);
		return r == -ENOENT ? -EINVAL : -EADDRINUSE;
	}
	if (is_path(a)) {
		r = make_name(a, &device, &inode);
		if (r)
			return r;
		/* Told with the zero behind it. */
		name.length = sizeof(a->family) + path_length(a) + 1;
		if (name.length <= sizeof(name.un))
			name.un.sun_path[path_length(a)] = 0;
	}
	lock_acquire(&unix_lock);
	if (u->named)
		r = -EINVAL;
	else if (!is_path(a) && name_taken(a))
		r = -EADDRINUSE;
	if (!r) {
		u->device = device;
		u->inode = inode;
		name_add(u, &name);
	}
	lock_release(&unix_lock);
	return r;
}

long unix_name(struct socket *socket, bool of_peer, struct address *a)
{
	struct unix_socket *u = unix_of(socket);
	long r = 0;

	lock_acquire(&unix_lock);
	if (of_peer && (!u->connected || !u->peer)) {
		r = -ENOTCONN;
	} else {
		*a = (of_peer ? u->peer : u)->name;
		if (!a->length) {
			a->length = sizeof(a->family);
			a->family = AF_UNIX;
		}
	}
	lock_release(&unix_lock);
	return r;
}
