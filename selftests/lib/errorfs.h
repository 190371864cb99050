/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file system that fails as it is asked to, for tests of what a program is
 * told then. It is served by a thread of the calling program, with the 9P
 * protocol through a socket.
 *
 * Every name exists, as a file with a page of zeros, but for those that begin
 * with "new-". Behind that the name says which of the protocol's requests
 * fails with which errno: "read-5". One that begins with "d-" is a directory.
 */
#ifndef ERRORFS_H
#define ERRORFS_H

/* Mounts it; 0 or a negative errno. */
int errorfs_mount(const char *path);

#endif /* ERRORFS_H */
