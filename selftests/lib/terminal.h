/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A terminal for an image, and what its other side does on request: see
 * outside.h. The image is in a process group of its own, whose leader is in
 * the session's other one: so it can be in the background and be stopped there.
 */
#ifndef _PICO_TEST_TERMINAL_H
#define _PICO_TEST_TERMINAL_H

#include <stdbool.h>

struct outside;

/*
 * Returns in a child: the leader of a group of a new session, which has the
 * terminal. 0 or a negative errno.
 */
int terminal_open(void);
/* What the image is to have of it; -1: there is none. */
int terminal_slave(void);
/* The image has been started. */
int terminal_leave(void);
/* The value of a request. */
long terminal_request(const char *line);
/*
 * Until the image says something, it is let go on when it has stopped; from the
 * second time on in the foreground.
 */
void terminal_later(const struct outside *o,
		    bool (*stopped)(const struct outside *o));

#endif
