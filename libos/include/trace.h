/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the program calls, for people (core/trace.c).
 *
 * PICO_LIBOS_TRACE=calls in the environment prints every call and its result
 * to standard error, in the manner of strace; =missing prints, at exit, the
 * calls that are not there and how often each was made; =locks, how often a
 * lock was not free.
 */
#ifndef LIBOS_TRACE_H
#define LIBOS_TRACE_H

#include <libos.h>

extern bool trace_calls;

void trace_init(const char *how);
void trace_enter(u32 number, const struct dk_context *frame);
void trace_leave(u32 number, const struct dk_context *frame, long result);
/* A signal is taken, to act or to be ignored, with siginfo's code. */
void trace_signal(int signal, int code);
/* The process ends, with a status as wait(2) has it. */
void trace_end(u32 status);
void trace_fault(const struct dk_exception *e, const struct dk_context *c);
/* Counts a call that is not there. */
void trace_missing(u32 number);
void trace_exit(void);

#endif /* LIBOS_TRACE_H */
