// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * snprintf, as far as the libos needs it.
 */
#include <libos.h>

struct out {
	char *to;
	size_t size, n;
};

static void put(struct out *o, char c)
{
	if (o->n + 1 < o->size)
		o->to[o->n] = c;
	o->n++;
}

static void put_padded(struct out *o, const char *s, size_t n, size_t width,
		       bool left, char pad)
{
	size_t i;

	/* A sign stands before zeroes. */
	if (pad == '0' && n && *s == '-') {
		put(o, *s++);
		n--;
		width -= !!width;
	}
	for (i = n; !left && i < width; i++)
		put(o, pad);
	for (i = 0; i < n; i++)
		put(o, s[i]);
	for (i = n; left && i < width; i++)
		put(o, ' ');
}

/* Digits of @v, at the end of @buffer; returns where they start. */
static char *digits(char *end, u64 v, unsigned int base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		*--end = set[v % base];
		v /= base;
	} while (v);
	return end;
}

int vsnprintf(char *to, size_t size, const char *format, va_list args)
{
	struct out o = { to, size, 0 };
	char buffer[32], *end = buffer + sizeof(buffer), *s;
	const char *f;

	for (f = format; *f; f++) {
		size_t width = 0, precision = (size_t)-1;
		bool left = false, wide = false;
		char pad = ' ';
		u64 v;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		for (f++; *f == '-' || *f == '0'; f++) {
			if (*f == '-')
				left = true;
			else
				pad = '0';
		}
		if (*f == '*') {
			width = va_arg(args, int);
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + (*f - '0');
		if (*f == '.') {
			precision = 0;
			if (*++f == '*') {
				precision = va_arg(args, int);
				f++;
			}
			for (; *f >= '0' && *f <= '9'; f++)
				precision = precision * 10 + (*f - '0');
		}
		for (; *f == 'l' || *f == 'z'; f++)
			wide = true;

		switch (*f) {
		case 'd': {
			s64 n = wide ? va_arg(args, s64) : va_arg(args, int);

			s = digits(end, n < 0 ? -(u64)n : (u64)n, 10, false);
			if (n < 0)
				*--s = '-';
			put_padded(&o, s, end - s, width, left, pad);
			break;
		}
		case 'u':
		case 'x':
		case 'X':
		case 'o':
			v = wide ? va_arg(args, u64) : va_arg(args, u32);
			s = digits(end, v,
				   *f == 'u' ? 10 :
				   *f == 'o' ? 8 :
					       16,
				   *f == 'X');
			put_padded(&o, s, end - s, width, left, pad);
			break;
		case 'p':
			s = digits(end, va_arg(args, u64), 16, false);
			*--s = 'x';
			*--s = '0';
			put_padded(&o, s, end - s, width, left, ' ');
			break;
		case 'c':
			put(&o, va_arg(args, int));
			break;
		case 's': {
			const char *t = va_arg(args, const char *);

			if (!t)
				t = "(null)";
			put_padded(&o, t, strnlen(t, precision), width, left,
				   ' ');
			break;
		}
		case '%':
			put(&o, '%');
			break;
		default:
			return -EINVAL;
		}
	}
	if (size)
		to[MIN(o.n, size - 1)] = 0;
	return o.n;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(to, size, format, args);
	va_end(args);
	return n;
}
