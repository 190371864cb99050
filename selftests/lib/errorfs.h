/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file system that fails as it is asked to, for tests of what a program is
 * told then. It is served by a thread of the calling program, with FUSE.
 *
 * Every name exists, as a file with a page of zeros, but for those that begin
 * with "new-". Behind that the name says which request fails with which errno:
 * "read-5". One that begins with "d-" is a directory. With "hang-" before the
 * request and no errno ("hang-read") it does not end before it is interrupted,
 * with EINTR; "again" does so each second time as well.
 *
 * The requests: walk (looking the name up), lopen, again (each second time
 * that it is opened), lcreate, mkdir, mknod, symlink, link, rename (these two
 * by the new name), unlink, getattr, setattr, read, write, readdir, fsync,
 * fallocate, lock, getlock. And a file "held" has a lock: it goes when who has
 * it unlocks or closes.
 */
#ifndef ERRORFS_H
#define ERRORFS_H

/* Mounts it; 0 or a negative errno, -ENODEV where the kernel has no FUSE. */
int errorfs_mount(const char *path);

/*
 * How many requests have hung so far; waits until these are @count or, if it
 * takes too long, for 30 seconds.
 */
unsigned long errorfs_hung(unsigned long count);

#endif /* ERRORFS_H */
