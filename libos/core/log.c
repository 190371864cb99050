// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What the libos itself has to say.
 */
#include <libos.h>

/* The libos's own handle: the program may close or redirect its own. */
static DK_HANDLE standard_error;

static void to_host(const char *text, size_t n)
{
	DkDebugStringPrint(text, n);
}

static void to_standard_error(const char *text, size_t n)
{
	DK_HANDLE handle = standard_error, none = 0;
	dk_u64 done;

	if (!handle) {
		if (DkStreamOpen("stderr:", 7, DK_ACCESS_WRITE,
				 DK_OPEN_EXISTING, 0, &handle))
			return;
		if (!__atomic_compare_exchange_n(&standard_error, &none, handle,
						 false, __ATOMIC_SEQ_CST,
						 __ATOMIC_SEQ_CST)) {
			DkObjectClose(handle);
			handle = none;
		}
	}
	while (n && !DkStreamWrite(handle, DK_OFFSET_CURRENT, text, n, &done) &&
	       done) {
		text += done;
		n -= done;
	}
}

static size_t format_line(char *to, size_t size, const char *format,
			  va_list args)
{
	int n = vsnprintf(to, size, format, args);

	return n < 0 ? 0 : MIN((size_t)n, size - 1);
}

void log_debug(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	to_host(line, format_line(line, sizeof(line), format, args));
	va_end(args);
}

void log_user(const char *format, ...)
{
	char line[512];
	va_list args;
	size_t n;

	va_start(args, format);
	n = format_line(line, sizeof(line), format, args);
	va_end(args);
	to_host(line, n);
	to_standard_error(line, n);
}

void log_trace(const char *format, ...)
{
	char line[640];
	va_list args;

	va_start(args, format);
	to_standard_error(line, format_line(line, sizeof(line), format, args));
	va_end(args);
}

void log_trace_text(const char *text, size_t n)
{
	to_standard_error(text, n);
}

void panic(const char *format, ...)
{
	char line[512];
	va_list args;
	size_t n;

	va_start(args, format);
	n = format_line(line, sizeof(line), format, args);
	va_end(args);
	log_user("libos: %.*s\n", (int)n, line);
	for (;;)
		DkProcessExit(255);
}
