/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef CHILD_H
#define CHILD_H

#include "linux_test.h"

#include <sys/wait.h>

/* How a child ends that does @what. */
static inline int in_child(void (*what)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		what();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

#endif /* CHILD_H */
