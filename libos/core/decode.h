/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Arguments and results of system calls as text, for the trace.
 *
 * decode.c knows what lies behind the letters of the table in syscalls.h,
 * decode_names.c the names of constants.
 */
#ifndef LIBOS_DECODE_H
#define LIBOS_DECODE_H

#include <libos.h>

/* What does not fit is left out. */
struct line {
	char *to;
	size_t size;
	size_t n;
};

void line_add(struct line *t, const char *format, ...) __printf(2, 3);

/*
 * The argument @i of six, of a kind of syscalls.h; what it points to is read
 * from the program. Kinds that decode_is_result() are asked for behind the
 * call, with what it returned; @result of the others means nothing.
 */
void decode_argument(struct line *t, char kind, const u64 *values,
		     unsigned int i, long result);
bool decode_is_result(char kind);
/* Whether the arguments behind this one are there at all. */
bool decode_ends(char kind, u64 value);
void decode_result(struct line *t, long result);

/* ---- decode_names.c ---- */

/* NULL: has none */
const char *error_name(long error);
const char *signal_name(unsigned int signal);
/* False: no kind of constants. */
bool decode_constant(struct line *t, char kind, u64 value);

#endif /* LIBOS_DECODE_H */
