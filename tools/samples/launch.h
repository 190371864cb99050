/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What the launchers of "filter" and "foreign" have in common. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <sys/types.h>

#include <pico/samples.h>

/* Name for messages: set first. */
extern const char *launch_name;

/* As a shell has it: could not be started, for the launcher's own reasons. */
#define LAUNCH_FAILED	125

/* Say what failed, and errno's reason if there is one; exit with 125. */
void launch_fail(const char *format, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* Open /dev/pico and bind the file to a provider. */
int launch_open(const char *provider);

/*
 * Start the program whose path is the first argument, in a child. Returns
 * when it has started; exits with 126 or 127 when it cannot.
 */
pid_t launch_start(int device, char *const arguments[]);

/* Wait for it. Returns its exit code, or 128 and the signal's number. */
int launch_wait(pid_t pid);

#endif /* LAUNCH_H */
