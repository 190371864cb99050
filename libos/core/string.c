// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The string functions that C code and the compiler expect. Bulk work uses
 * the string instructions: without vector registers nothing is faster.
 */
#include <libos.h>

void *memcpy(void *to, const void *from, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	void *d = to;

	asm volatile("rep movsq"
		     : "+D"(d), "+S"(from), "+c"(words)
		     :
		     : "memory");
	asm volatile("rep movsb"
		     : "+D"(d), "+S"(from), "+c"(rest)
		     :
		     : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	u8 *d = to;
	const u8 *s = from;

	if ((u64)d - (u64)s >= n)
		return memcpy(to, from, n);
	while (n >= 8) {
		n -= 8;
		*(u64 __attribute__((aligned(1), may_alias)) *)(d + n) =
			*(const u64
			  __attribute__((aligned(1), may_alias)) *)(s + n);
	}
	while (n--)
		d[n] = s[n];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	u64 pattern = (u8)c * 0x0101010101010101UL;
	void *d = to;

	asm volatile("rep stosq"
		     : "+D"(d), "+c"(words)
		     : "a"(pattern)
		     : "memory");
	asm volatile("rep stosb"
		     : "+D"(d), "+c"(rest)
		     : "a"(pattern)
		     : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *p, int c, size_t n)
{
	const u8 *s = p;

	for (; n; n--, s++) {
		if (*s == (u8)c)
			return (void *)s;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return p - s;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (!*s)
			return NULL;
	}
	return (char *)s;
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)last;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t n = strlen(from);

	if (size) {
		size_t k = MIN(n, size - 1);

		memcpy(to, from, k);
		to[k] = 0;
	}
	return n;
}
