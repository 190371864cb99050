// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server of errorfs.h: as much of 9P2000.L as the kernel's client needs.
 * Fields are little-endian and not aligned; a string is its length in two
 * bytes and its text.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "errorfs.h"

#define MESSAGE_MAX	16384
#define FIDS		256
#define STATS_ALL	0x3fff	/* what stat() asks for, and lookups do not */

/* Requests; the reply has the next number. */
enum {
	STATFS = 8,
	LOPEN = 12,
	LCREATE = 14,
	SYMLINK = 16,
	MKNOD = 18,
	RENAME = 20,
	READLINK = 22,
	GETATTR = 24,
	SETATTR = 26,
	XATTRWALK = 30,
	READDIR = 40,
	FSYNC = 50,
	LOCK = 52,
	GETLOCK = 54,
	LINK = 70,
	MKDIR = 72,
	RENAMEAT = 74,
	UNLINKAT = 76,
	VERSION = 100,
	ATTACH = 104,
	FLUSH = 108,
	WALK = 110,
	READ = 116,
	WRITE = 118,
	CLUNK = 120,
	REMOVE = 122,
};
#define LERROR	7
#define TYPE_DIRECTORY	0x80	/* of a qid */

struct fid {
	bool used;
	uint32_t number;
	char name[64]; /* the last component; "": the root */
};

struct server {
	int socket;
	struct fid fids[FIDS];
	uint32_t opened; /* how many times "lopen-again" was */
	uint8_t in[MESSAGE_MAX], out[MESSAGE_MAX];
	uint8_t *from, *to;
};

/* ---- fields ---- */

static uint64_t get(struct server *s, int bytes)
{
	uint64_t value = 0;

	memcpy(&value, s->from, bytes);
	s->from += bytes;
	return value;
}

static void get_text(struct server *s, char *text, size_t size)
{
	size_t length = get(s, 2);

	snprintf(text, size, "%.*s", (int)length, (const char *)s->from);
	s->from += length;
}

static void put(struct server *s, uint64_t value, int bytes)
{
	memcpy(s->to, &value, bytes);
	s->to += bytes;
}

static void put_text(struct server *s, const char *text)
{
	size_t length = strlen(text);

	put(s, length, 2);
	memcpy(s->to, text, length);
	s->to += length;
}

/* ---- files ---- */

static bool is_directory(const char *name)
{
	return !name[0] || !strncmp(name, "d-", 2);
}

static uint64_t inode_of(const char *name)
{
	uint64_t hash = 14695981039346656037ULL;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 1099511628211ULL;
	return hash;
}

static void put_qid(struct server *s, const char *name)
{
	put(s, is_directory(name) ? TYPE_DIRECTORY : 0, 1);
	put(s, 0, 4);
	put(s, inode_of(name), 8);
}

static struct fid *find(struct server *s, uint32_t number, bool make)
{
	struct fid *unused = NULL;

	for (int i = 0; i < FIDS; i++) {
		if (s->fids[i].used && s->fids[i].number == number)
			return &s->fids[i];
		if (!s->fids[i].used && !unused)
			unused = &s->fids[i];
	}
	if (!make || !unused)
		return NULL;
	*unused = (struct fid){ .used = true, .number = number };
	return unused;
}

static const char *get_fid(struct server *s)
{
	struct fid *fid = find(s, get(s, 4), false);

	return fid ? fid->name : "";
}

/* The negative errno that @name has for @request, 0 for none. */
static int failure(const char *name, const char *request)
{
	size_t length = strlen(request);

	if (!strncmp(name, "new-", 4))
		name += 4;
	if (!strncmp(name, "d-", 2))
		name += 2;
	if (strncmp(name, request, length) || name[length] != '-')
		return 0;
	return -atoi(name + length + 1);
}

/* ---- requests: each returns 0 or a negative errno ---- */

static int do_walk(struct server *s)
{
	const char *name = get_fid(s);
	struct fid *fid;
	char text[64];
	uint32_t number = get(s, 4);
	int count = get(s, 2), error;
	uint8_t *place = s->to;

	snprintf(text, sizeof(text), "%s", name);
	put(s, count, 2);
	for (int i = 0; i < count; i++) {
		get_text(s, text, sizeof(text));
		error = failure(text, "walk");
		if (!error && !strncmp(text, "new-", 4))
			error = -ENOENT;
		if (error) {
			s->to = place;
			return error;
		}
		put_qid(s, text);
	}
	fid = find(s, number, true);
	if (!fid)
		return -ENFILE;
	snprintf(fid->name, sizeof(fid->name), "%s", text);
	return 0;
}

static int do_open(struct server *s)
{
	const char *name = get_fid(s);
	int error = failure(name, "lopen");

	/* The second time only. */
	if (!error && failure(name, "again") && s->opened++ & 1)
		error = failure(name, "again");
	if (error)
		return error;
	put_qid(s, name);
	put(s, 0, 4);
	return 0;
}

/* Of a name in a directory; @request is what makes it. */
static int do_make(struct server *s, const char *request)
{
	char name[64];
	int error;

	get(s, 4);
	get_text(s, name, sizeof(name));
	error = failure(name, request);
	if (error)
		return error;
	put_qid(s, name);
	if (!strcmp(request, "lcreate"))
		put(s, 0, 4);
	return 0;
}

static int do_getattr(struct server *s)
{
	const char *name = get_fid(s);
	bool directory = is_directory(name);
	int error = failure(name, "getattr");

	if (error && get(s, 8) == STATS_ALL)
		return error;
	put(s, 0x7ff, 8); /* the basic ones */
	put_qid(s, name);
	put(s, directory ? S_IFDIR | 0755 : S_IFREG | 0755, 4);
	put(s, 0, 4);
	put(s, 0, 4);
	put(s, 1, 8);
	put(s, 0, 8);
	put(s, 4096, 8); /* length */
	put(s, 4096, 8);
	put(s, 8, 8);
	for (int i = 0; i < 10; i++)
		put(s, 0, 8);
	return 0;
}

static int do_read(struct server *s)
{
	const char *name = get_fid(s);
	uint64_t offset = get(s, 8), count = get(s, 4);
	int error = failure(name, "read");

	if (error)
		return error;
	if (offset >= 4096)
		count = 0;
	else if (count > 4096 - offset)
		count = 4096 - offset;
	put(s, count, 4);
	memset(s->to, 0, count);
	s->to += count;
	return 0;
}

static int do_write(struct server *s)
{
	const char *name = get_fid(s);
	uint64_t count;
	int error = failure(name, "write");

	get(s, 8);
	count = get(s, 4);
	if (!error)
		put(s, count, 4);
	return error;
}

static int do_readdir(struct server *s)
{
	int error = failure(get_fid(s), "readdir");

	if (!error)
		put(s, 0, 4);
	return error;
}

static int do_lock(struct server *s)
{
	int error = failure(get_fid(s), "lock");

	if (!error)
		put(s, 0, 1);
	return error;
}

/* Nobody has any. */
static int do_getlock(struct server *s)
{
	int error = failure(get_fid(s), "getlock");
	uint64_t start, length, id;
	char client[64];

	get(s, 1);
	start = get(s, 8);
	length = get(s, 8);
	id = get(s, 4);
	get_text(s, client, sizeof(client));
	if (error)
		return error;
	put(s, 2, 1);
	put(s, start, 8);
	put(s, length, 8);
	put(s, id, 4);
	put_text(s, client);
	return 0;
}

/* The fid is that of the file, the name that of the new link. */
static int do_link(struct server *s)
{
	char name[64];

	get(s, 8);
	get_text(s, name, sizeof(name));
	return failure(name, "link");
}

static int do_rename(struct server *s)
{
	char name[64];

	get(s, 4);
	get_text(s, name, sizeof(name));
	return failure(name, "rename");
}

static int do_unlink(struct server *s)
{
	char name[64];

	get(s, 4);
	get_text(s, name, sizeof(name));
	return failure(name, "unlink");
}

static int do_version(struct server *s)
{
	uint32_t size = get(s, 4);

	put(s, size < MESSAGE_MAX ? size : MESSAGE_MAX, 4);
	put_text(s, "9P2000.L");
	return 0;
}

static int do_attach(struct server *s)
{
	struct fid *fid = find(s, get(s, 4), true);

	if (!fid)
		return -ENFILE;
	fid->name[0] = '\0';
	put_qid(s, "");
	return 0;
}

static int do_clunk(struct server *s)
{
	struct fid *fid = find(s, get(s, 4), false);

	if (fid)
		fid->used = false;
	return 0;
}

/* The client falls back to it where there is no UNLINKAT. */
static int do_remove(struct server *s)
{
	int error = failure(get_fid(s), "unlink");

	s->from -= 4;
	do_clunk(s);
	return error ?: -EOPNOTSUPP;
}

static int answer(struct server *s, int request)
{
	switch (request) {
	case VERSION:
		return do_version(s);
	case ATTACH:
		return do_attach(s);
	case FLUSH:
		return 0;
	case WALK:
		return do_walk(s);
	case LOPEN:
		return do_open(s);
	case LCREATE:
		return do_make(s, "lcreate");
	case MKDIR:
		return do_make(s, "mkdir");
	case MKNOD:
		return do_make(s, "mknod");
	case SYMLINK:
		return do_make(s, "symlink");
	case GETATTR:
		return do_getattr(s);
	case SETATTR:
		return failure(get_fid(s), "setattr");
	case READDIR:
		return do_readdir(s);
	case FSYNC:
		return failure(get_fid(s), "fsync");
	case LOCK:
		return do_lock(s);
	case GETLOCK:
		return do_getlock(s);
	case LINK:
		return do_link(s);
	case RENAMEAT:
		return do_rename(s);
	case RENAME:
		return -EOPNOTSUPP;
	case UNLINKAT:
		return do_unlink(s);
	case REMOVE:
		return do_remove(s);
	case READ:
		return do_read(s);
	case WRITE:
		return do_write(s);
	case CLUNK:
		return do_clunk(s);
	}
	return -EOPNOTSUPP;
}

/* ---- the thread ---- */

static bool receive_all(int fd, void *to, size_t size)
{
	for (ssize_t n; size; to = (char *)to + n, size -= n) {
		n = read(fd, to, size);
		if (n <= 0)
			return false;
	}
	return true;
}

/* One request; false at the end. */
static bool serve_one(struct server *s)
{
	uint32_t size;
	int request, tag, error;
	ssize_t length;

	if (!receive_all(s->socket, &size, 4) || size < 7 ||
	    size > sizeof(s->in) || !receive_all(s->socket, s->in, size - 4))
		return false;
	s->from = s->in;
	request = get(s, 1);
	tag = get(s, 2);
	s->to = s->out + 7;
	error = answer(s, request);
	if (error) {
		s->to = s->out + 7;
		put(s, -error, 4);
	}
	length = s->to - s->out;
	s->to = s->out;
	put(s, length, 4);
	put(s, error ? LERROR : request + 1, 1);
	put(s, tag, 2);
	return write(s->socket, s->out, length) == length;
}

static void *serve(void *argument)
{
	struct server *s = argument;

	while (serve_one(s))
		;
	close(s->socket);
	free(s);
	return NULL;
}

int errorfs_mount(const char *path)
{
	struct server *s = calloc(1, sizeof(*s));
	char options[128];
	pthread_t thread;
	int ends[2], error;

	if (!s || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -errno;
	s->socket = ends[0];
	if (pthread_create(&thread, NULL, serve, s))
		return -EAGAIN;
	pthread_detach(thread);
	snprintf(
		options, sizeof(options),
		"trans=fd,rfdno=%d,wfdno=%d,version=9p2000.L,cache=none,access=any",
		ends[1], ends[1]);
	error = mount("errorfs", path, "9p", 0, options) ? -errno : 0;
	close(ends[1]);
	return error;
}
