/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Open files that go with a message of an AF_UNIX socket. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include "linux_test.h"

#include <sys/socket.h>

#define RIGHTS_MAX 4

/* Send @text and @count files; what sendmsg() says. */
static inline long pass_many(int to, const int *fds, int count,
			     const char *text, int flags)
{
	char control[CMSG_SPACE(sizeof(int) * RIGHTS_MAX)] = "";
	struct iovec iov = { (void *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = CMSG_SPACE(sizeof(int) * count) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	return sendmsg(to, &m, flags);
}

static inline long pass(int to, int fd, const char *text)
{
	return pass_many(to, &fd, 1, text, 0);
}

/* Receive a message with @wanted, and its file; -1: another, or none. */
static inline int take_with(int from, const char *wanted, int flags)
{
	char control[CMSG_SPACE(sizeof(int))] = "", text[64] = "";
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC | flags) < 0 ||
	    strcmp(text, wanted))
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static inline int take(int from, const char *wanted)
{
	return take_with(from, wanted, 0);
}

#endif /* RIGHTS_H */
