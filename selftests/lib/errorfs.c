// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server of errorfs.h. An inode's number is the place of its name in a
 * table, that only grows; 1, the root, has no name.
 */
#define FUSE_USE_VERSION 34

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "errorfs.h"

#define LENGTH	4096 /* of every file */

static char names[4096][48];

static const char *name_of(fuse_ino_t inode)
{
	return names[inode];
}

/* 0: there is no room. */
static fuse_ino_t inode_of(const char *name)
{
	fuse_ino_t i;

	for (i = FUSE_ROOT_ID + 1; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!names[i][0])
			snprintf(names[i], sizeof(names[i]), "%s", name);
		if (!strcmp(names[i], name))
			return i;
	}
	return 0;
}

static const char *behind_kind(const char *name)
{
	if (!strncmp(name, "new-", 4))
		name += 4;
	if (!strncmp(name, "d-", 2))
		name += 2;
	return name;
}

/* The errno that @name has for @request, 0 for none. */
static int failure(const char *name, const char *request)
{
	size_t length = strlen(request);

	name = behind_kind(name);
	if (strncmp(name, request, length) || name[length] != '-')
		return 0;
	return atoi(name + length + 1);
}

static struct stat attributes(fuse_ino_t inode)
{
	const char *name = name_of(inode);
	bool directory = inode == FUSE_ROOT_ID || !strncmp(name, "d-", 2) ||
			 !strncmp(name, "new-d-", 6);

	return (struct stat){ .st_ino = inode,
			      .st_mode = (directory ? S_IFDIR : S_IFREG) | 0755,
			      .st_nlink = 1,
			      .st_size = LENGTH,
			      .st_blocks = LENGTH / 512,
			      .st_blksize = LENGTH };
}

/* ---- requests that hang ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static unsigned long hung; /* so far */

static void interrupted(fuse_req_t req, void *data)
{
	fuse_reply_err(req, EINTR);
}

/* There is one thread: nothing is interrupted between the two. */
static void hang(fuse_req_t req)
{
	pthread_mutex_lock(&lock);
	hung++;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
	if (fuse_req_interrupted(req))
		fuse_reply_err(req, EINTR);
	else
		fuse_req_interrupt_func(req, interrupted, NULL);
}

/* Whether @name has it that @request hangs. */
static bool named_to_hang(const char *name, const char *request)
{
	name = behind_kind(name);
	return !strncmp(name, "hang-", 5) && !strcmp(name + 5, request);
}

/* It does, if @name has it so. */
static bool hangs(fuse_req_t req, const char *name, const char *request)
{
	bool so = named_to_hang(name, request);

	if (so)
		hang(req);
	return so;
}

unsigned long errorfs_hung(unsigned long count)
{
	struct timespec until;
	unsigned long now;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 30;
	pthread_mutex_lock(&lock);
	while (hung < count && !pthread_cond_timedwait(&more, &lock, &until))
		;
	now = hung;
	pthread_mutex_unlock(&lock);
	return now;
}

/* ---- requests ---- */

/* Of a name in a directory: @request looks it up, or makes it. */
static void reply_name(fuse_req_t req, const char *name, const char *request,
		       struct fuse_file_info *fi)
{
	struct fuse_entry_param e = { .ino = inode_of(name) };
	int error = failure(name, request) ?: e.ino ? 0 : ENFILE;

	if (hangs(req, name, request))
		return;
	e.attr = attributes(e.ino);
	if (error)
		fuse_reply_err(req, error);
	else if (fi)
		fuse_reply_create(req, &e, fi);
	else
		fuse_reply_entry(req, &e);
}

static void reply_failure(fuse_req_t req, fuse_ino_t inode, const char *request)
{
	if (!hangs(req, name_of(inode), request))
		fuse_reply_err(req, failure(name_of(inode), request));
}

static void ef_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!strncmp(name, "new-", 4) && !failure(name, "walk"))
		fuse_reply_err(req, ENOENT);
	else
		reply_name(req, name, "walk", NULL);
}

static void ef_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	reply_name(req, name, "lcreate", fi);
}

static void ef_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	reply_name(req, name, "mkdir", NULL);
}

static void ef_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, dev_t device)
{
	reply_name(req, name, "mknod", NULL);
}

static void ef_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	reply_name(req, name, "symlink", NULL);
}

static void ef_link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent,
		    const char *name)
{
	reply_name(req, name, "link", NULL);
}

static void ef_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		      fuse_ino_t new_parent, const char *new_name,
		      unsigned int flags)
{
	if (!hangs(req, new_name, "rename"))
		fuse_reply_err(req, failure(new_name, "rename"));
}

static void ef_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!hangs(req, name, "unlink"))
		fuse_reply_err(req, failure(name, "unlink"));
}

static void reply_attributes(fuse_req_t req, fuse_ino_t inode,
			     const char *request)
{
	struct stat st = attributes(inode);
	int error = failure(name_of(inode), request);

	if (hangs(req, name_of(inode), request))
		return;
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_attr(req, &st, 0);
}

static void ef_getattr(fuse_req_t req, fuse_ino_t inode,
		       struct fuse_file_info *fi)
{
	reply_attributes(req, inode, "getattr");
}

static void ef_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *attr,
		       int to_set, struct fuse_file_info *fi)
{
	reply_attributes(req, inode, "setattr");
}

static void ef_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	static unsigned int opened, hung_open; /* how often "again" was */
	const char *name = name_of(inode);
	int error = failure(name, "lopen");

	if (hangs(req, name, "lopen"))
		return;
	if (named_to_hang(name, "again") && hung_open++ & 1) {
		hang(req);
		return;
	}
	/* The second time only. */
	if (!error && failure(name, "again") && opened++ & 1)
		error = failure(name, "again");
	/* A page cache would say EIO of whatever it was. */
	fi->direct_io = failure(name, "read") || failure(name, "write") ||
			named_to_hang(name, "read") ||
			named_to_hang(name, "write");
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_open(req, fi);
}

static void ef_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	static const char zeros[LENGTH];
	int error = failure(name_of(inode), "read");

	if (hangs(req, name_of(inode), "read"))
		return;
	if (error)
		fuse_reply_err(req, error);
	else if (offset >= LENGTH)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, zeros,
			       size < (size_t)(LENGTH - offset) ?
				       size :
				       (size_t)(LENGTH - offset));
}

static void ef_write(fuse_req_t req, fuse_ino_t inode, const char *buffer,
		     size_t size, off_t offset, struct fuse_file_info *fi)
{
	int error = failure(name_of(inode), "write");

	if (hangs(req, name_of(inode), "write"))
		return;
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_write(req, size);
}

static void ef_readdir(fuse_req_t req, fuse_ino_t inode, size_t size,
		       off_t offset, struct fuse_file_info *fi)
{
	int error = failure(name_of(inode), "readdir");

	if (hangs(req, name_of(inode), "readdir"))
		return;
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_buf(req, NULL, 0);
}

static void ef_fsync(fuse_req_t req, fuse_ino_t inode, int data,
		     struct fuse_file_info *fi)
{
	reply_failure(req, inode, "fsync");
}

static void ef_fallocate(fuse_req_t req, fuse_ino_t inode, int mode,
			 off_t offset, off_t length, struct fuse_file_info *fi)
{
	reply_failure(req, inode, "fallocate");
}

/* Of the file "held", who has it; of others, nobody has any. */
static uint64_t holder;

static bool can_be_held(fuse_ino_t inode)
{
	return !strcmp(name_of(inode), "held");
}

static void ef_getlk(fuse_req_t req, fuse_ino_t inode,
		     struct fuse_file_info *fi, struct flock *lock)
{
	int error = failure(name_of(inode), "getlock");

	lock->l_type = can_be_held(inode) && holder ? F_WRLCK : F_UNLCK;
	if (error)
		fuse_reply_err(req, error);
	else
		fuse_reply_lock(req, lock);
}

static void ef_setlk(fuse_req_t req, fuse_ino_t inode,
		     struct fuse_file_info *fi, struct flock *lock, int sleep)
{
	if (can_be_held(inode))
		holder = lock->l_type == F_UNLCK ? 0 : fi->lock_owner;
	reply_failure(req, inode, "lock");
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = ef_lookup,
	.getattr = ef_getattr,
	.setattr = ef_setattr,
	.mknod = ef_mknod,
	.mkdir = ef_mkdir,
	.unlink = ef_unlink,
	.rmdir = ef_unlink,
	.symlink = ef_symlink,
	.rename = ef_rename,
	.link = ef_link,
	.open = ef_open,
	.read = ef_read,
	.write = ef_write,
	.fsync = ef_fsync,
	.readdir = ef_readdir,
	.create = ef_create,
	.getlk = ef_getlk,
	.setlk = ef_setlk,
	.fallocate = ef_fallocate,
};

/* ---- the thread ---- */

static void *serve(void *session)
{
	fuse_session_loop(session);
	fuse_session_destroy(session);
	return NULL;
}

int errorfs_mount(const char *path)
{
	char *argv[] = { "errorfs", "-oallow_other", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(2, argv);
	struct fuse_session *session;
	pthread_t thread;

	if (access("/dev/fuse", F_OK))
		return -ENODEV;
	session =
		fuse_session_new(&args, &operations, sizeof(operations), NULL);
	fuse_opt_free_args(&args);
	if (!session)
		return -ENOMEM;
	if (fuse_session_mount(session, path)) {
		fuse_session_destroy(session);
		return -EIO;
	}
	if (pthread_create(&thread, NULL, serve, session))
		return -EAGAIN;
	pthread_detach(thread);
	return 0;
}
