// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What the arguments of system calls are and point to, for the trace. The
 * program may change what it has passed at any time: what is shown is what was
 * there when it was looked at.
 */
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <asm/stat.h>
#include "decode.h"

#define SHOWN		32	/* bytes of data, */
#define PATH_SHOWN	160	/* of a path, */
#define STRINGS_SHOWN	8	/* of arguments */

void line_add(struct line *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->to + t->n, t->size - t->n, format, args);
	va_end(args);
	if (n > 0)
		t->n += MIN((size_t)n, t->size - t->n - 1);
}

static void add_pointer(struct line *t, u64 value)
{
	if (value)
		line_add(t, "0x%llx", (unsigned long long)value);
	else
		line_add(t, "NULL");
}

static void add_quoted(struct line *t, const char *data, size_t n, bool more)
{
	size_t i;

	line_add(t, "\"");
	for (i = 0; i < n; i++) {
		unsigned char c = data[i];

		if (c == '\n')
			line_add(t, "\\n");
		else if (c == '\t')
			line_add(t, "\\t");
		else if (c == '"' || c == '\\')
			line_add(t, "\\%c", c);
		else if (c < ' ' || c > '~')
			line_add(t, "\\%03o", c);
		else
			line_add(t, "%c", c);
	}
	line_add(t, more ? "\"..." : "\"");
}

static void add_data(struct line *t, u64 at, u64 n)
{
	char data[SHOWN];
	size_t shown = MIN(n, (u64)SHOWN);

	if (user_read(data, (void *)at, shown))
		add_pointer(t, at);
	else
		add_quoted(t, data, shown, shown < n);
}

static void add_string(struct line *t, u64 at)
{
	char text[PATH_SHOWN];
	ssize_t n;

	if (!at) {
		line_add(t, "NULL");
		return;
	}
	n = user_string(text, (void *)at, sizeof(text));
	if (n == -EFAULT)
		add_pointer(t, at);
	else if (n < 0)
		add_quoted(t, text, sizeof(text) - 1, true);
	else
		add_quoted(t, text, n, false);
}

static void add_strings(struct line *t, u64 at)
{
	u64 p = 0;
	int i;

	if (!at || user_get(p, (void *)at)) {
		add_pointer(t, at);
		return;
	}
	line_add(t, "[");
	for (i = 0; p && i < STRINGS_SHOWN; i++) {
		if (i)
			line_add(t, ", ");
		add_string(t, p);
		if (user_get(p, (u64 *)at + i + 1))
			break;
	}
	line_add(t, p ? ", ...]" : "]");
}

static void add_signal(struct line *t, u64 value)
{
	const char *name = signal_name((u32)value);

	if (name)
		line_add(t, "%s", name);
	else
		line_add(t, "%d", (int)value);
}

static void add_signals(struct line *t, u64 at)
{
	const char *before = "";
	u64 set;
	u32 i;

	if (!at || user_get(set, (void *)at)) {
		add_pointer(t, at);
		return;
	}
	line_add(t, set == ~0ULL ? "~[" : "[");
	for (i = 1; set != ~0ULL && i <= 64; i++) {
		if (!(set >> (i - 1) & 1))
			continue;
		line_add(t, "%s", before);
		add_signal(t, i);
		before = " ";
	}
	line_add(t, "]");
}

static void add_time(struct line *t, u64 at)
{
	struct __kernel_timespec time;

	if (!at || user_get(time, (void *)at))
		add_pointer(t, at);
	else
		line_add(t, "{%lld, %lld}", (long long)time.tv_sec,
			 (long long)time.tv_nsec);
}

/* Of several parts the first one, and how many there are. */
static void add_vector(struct line *t, u64 at, u64 parts)
{
	struct iovec part;

	if (!parts || user_get(part, (void *)at)) {
		add_pointer(t, at);
		return;
	}
	line_add(t, "[{");
	add_data(t, (u64)part.iov_base, part.iov_len);
	line_add(t, ", %llu}%s]", (unsigned long long)part.iov_len,
		 parts > 1 ? ", ..." : "");
}

static void add_address(struct line *t, u64 at, u64 length)
{
	unsigned char a[SHOWN * 4] = { 0 };
	size_t n = MIN(length, (u64)sizeof(a) - 1), i;
	u16 family;

	if (n < 2 || user_read(a, (void *)at, n)) {
		add_pointer(t, at);
		return;
	}
	memcpy(&family, a, sizeof(family));
	line_add(t, "{");
	decode_constant(t, 's', family);
	if (family == 1 && n > 2) {
		line_add(t, ", ");
		/* Abstract names begin with a zero byte. */
		for (i = n; i > 3 && !a[i - 1]; i--)
			;
		add_quoted(t, (char *)a + 2, i - 2, false);
	} else if (family == 2 && n >= 8) {
		line_add(t, ", %u.%u.%u.%u:%u", a[4], a[5], a[6], a[7],
			 a[2] << 8 | a[3]);
	} else if (family == 10 && n >= 24) {
		line_add(t, ", [");
		for (i = 8; i < 24; i += 2)
			line_add(t, "%s%x", i > 8 ? ":" : "",
				 a[i] << 8 | a[i + 1]);
		line_add(t, "]:%u", a[2] << 8 | a[3]);
	}
	line_add(t, "}");
}

static void add_pair(struct line *t, u64 at)
{
	int pair[2];

	if (user_get(pair, (void *)at))
		add_pointer(t, at);
	else
		line_add(t, "[%d, %d]", pair[0], pair[1]);
}

/* As wait(2) has it. */
static void add_status(struct line *t, u64 at)
{
	u32 status;

	if (!at || user_get(status, (void *)at)) {
		add_pointer(t, at);
	} else if (status == 0xffff) {
		line_add(t, "[continued]");
	} else if ((status & 0xff) == 0x7f) {
		line_add(t, "[stopped by ");
		add_signal(t, status >> 8 & 0xff);
		line_add(t, "]");
	} else if (status & 0x7f) {
		line_add(t, "[killed by ");
		add_signal(t, status & 0x7f);
		line_add(t, "]");
	} else {
		line_add(t, "[exit %u]", status >> 8 & 0xff);
	}
}

static void add_file_type(struct line *t, u32 mode)
{
	static const char *const types[16] = {
		[1] = "S_IFIFO",   [2] = "S_IFCHR", [4] = "S_IFDIR",
		[6] = "S_IFBLK",   [8] = "S_IFREG", [10] = "S_IFLNK",
		[12] = "S_IFSOCK",
	};

	line_add(t, "{%s|0%o", types[mode >> 12 & 15] ?: "0", mode & 07777);
}

static void add_stat(struct line *t, u64 at)
{
	struct stat st;

	if (user_get(st, (void *)at)) {
		add_pointer(t, at);
		return;
	}
	add_file_type(t, st.st_mode);
	line_add(t, ", size %lld}", (long long)st.st_size);
}

static void add_statx(struct line *t, u64 at)
{
	struct statx st;

	if (user_get(st, (void *)at)) {
		add_pointer(t, at);
		return;
	}
	add_file_type(t, st.stx_mode);
	line_add(t, ", size %lld}", (long long)st.stx_size);
}

bool decode_is_result(char kind)
{
	return kind == 'R' || kind == 'J' || kind == 'Z' || kind == 'Y' ||
	       kind == 'y' || kind == 'H' || kind == 'z';
}

bool decode_ends(char kind, u64 value)
{
	/* There is a mode only where something may be made. */
	return kind == 'o' && !(value & (O_CREAT | __O_TMPFILE));
}

/* What a call that has succeeded has written. */
static void add_written(struct line *t, char kind, u64 value, u64 room,
			long result)
{
	switch (kind) {
	case 'R':
		/* (MSG_TRUNC tells more than there is.) */
		add_data(t, value, MIN((u64)result, room));
		break;
	case 'z':
		add_string(t, value);
		break;
	case 'J':
		add_pair(t, value);
		break;
	case 'Z':
		/* Nobody was there to wait for. */
		if (result)
			add_status(t, value);
		else
			add_pointer(t, value);
		break;
	case 'Y':
		add_stat(t, value);
		break;
	case 'y':
		add_statx(t, value);
		break;
	case 'H':
		add_time(t, value);
		break;
	}
}

void decode_argument(struct line *t, char kind, const u64 *values,
		     unsigned int i, long result)
{
	u64 value = values[i], next = i < 5 ? values[i + 1] : 0;

	if (decode_is_result(kind)) {
		if (result < 0)
			add_pointer(t, value);
		else
			add_written(t, kind, value, next, result);
		return;
	}
	switch (kind) {
	case 'A':
		if ((int)value == AT_FDCWD) {
			line_add(t, "AT_FDCWD");
			break;
		}
		/* fall through */
	case 'D':
	case 'F':
		line_add(t, "%d", (int)value);
		break;
	case 'G':
		add_signal(t, value);
		break;
	case 'I':
		line_add(t, "%lld", (long long)value);
		break;
	case 'N':
		line_add(t, "%llu", (unsigned long long)value);
		break;
	case 'O':
		line_add(t, "0%o", (u32)value);
		break;
	case 'S':
		add_string(t, value);
		break;
	case 'V':
		add_strings(t, value);
		break;
	case 'W':
		add_data(t, value, next);
		break;
	case 'v':
		add_vector(t, value, next);
		break;
	case 'K':
		add_address(t, value, (u32)next);
		break;
	case 'T':
		add_time(t, value);
		break;
	case 'Q':
		add_signals(t, value);
		break;
	case 'P':
		add_pointer(t, value);
		break;
	default:
		if (!decode_constant(t, kind, value))
			line_add(t, "0x%llx", (unsigned long long)value);
	}
}

void decode_result(struct line *t, long result)
{
	const char *name;

	if (result >= 0 || result < -4095) {
		/* Addresses are easier to read so; large numbers are rare. */
		line_add(t, (u64)result >= 1UL << 32 ? "0x%lx" : "%ld", result);
		return;
	}
	name = error_name(-result);
	if (name)
		line_add(t, "-1 %s", name);
	else
		line_add(t, "-1 error %ld", -result);
}
