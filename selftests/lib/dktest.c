// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frame of an image of tests: strings, TAP, conveniences, upcalls.
 */
#include "dktest.h"

extern const struct dkt_test __start_dk_tests[] __attribute__((weak));
extern const struct dkt_test __stop_dk_tests[] __attribute__((weak));

const struct dk_parameters *dkt_parameters;
dkt_exception_fn dkt_exception;

static DK_HANDLE out_stream, in_stream;
static const char *test_name = "start";
static volatile bool test_failed;
static char skip_reason[128];

/* ---- strings ---- */

void *memset(void *to, int c, size_t n)
{
	void *p = to;

	asm volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *p = to;

	asm volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + n)
		return memcpy(to, from, n);
	while (n--)
		asm volatile("movb %1, %%al; movb %%al, %0"
			     : "=m"(t[n])
			     : "m"(f[n])
			     : "al");
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
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

int dkt_vsnprintf(char *to, size_t size, const char *fmt, va_list ap)
{
	size_t n = 0;

#define PUT(c) do { if (n + 1 < size) to[n] = (c); n++; } while (0)
	for (; *fmt; fmt++) {
		char digits[24];
		unsigned int width = 0, k = 0, base = 10;
		bool negative = false, is_long = false;
		const char *s;
		u64 v;

		if (*fmt != '%') {
			PUT(*fmt);
			continue;
		}
		fmt++;
		while (*fmt >= '0' && *fmt <= '9')
			width = width * 10 + *fmt++ - '0';
		while (*fmt == 'l') {
			is_long = true;
			fmt++;
		}
		switch (*fmt) {
		case 's':
			s = va_arg(ap, const char *);
			while (*s)
				PUT(*s++);
			continue;
		case 'c':
			PUT(va_arg(ap, int));
			continue;
		case 'd':
			v = is_long ? va_arg(ap, long) : va_arg(ap, int);
			negative = (s64)v < 0;
			if (negative)
				v = -v;
			break;
		case 'x':
			base = 16;
			/* fall through */
		case 'u':
			v = is_long ? va_arg(ap, unsigned long) :
				      va_arg(ap, unsigned int);
			break;
		default:
			PUT(*fmt);
			continue;
		}
		do {
			digits[k++] = "0123456789abcdef"[v % base];
			v /= base;
		} while (v);
		if (negative)
			PUT('-');
		while (width-- > k && width < 24)
			PUT('0');
		while (k)
			PUT(digits[--k]);
	}
	if (size)
		to[n < size ? n : size - 1] = '\0';
	return n;
}

int dkt_snprintf(char *to, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = dkt_vsnprintf(to, size, fmt, ap);
	va_end(ap);
	return n;
}

/* ---- reports ---- */

bool dkt_write(const char *text, size_t n)
{
	while (n) {
		u64 done = 0;

		/* Not DkStreamWrite: a failure here must not report itself. */
		if (dkt_system_call(DK_INDEX_DkStreamWrite, out_stream,
				    DK_OFFSET_CURRENT, (u64)text, n, (u64)&done,
				    0) ||
		    !done)
			return false;
		text += done;
		n -= done;
	}
	return true;
}

static void write_out(const char *text, size_t n)
{
	if (!dkt_write(text, n))
		DkProcessExit(99);
}

void dkt_print(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = dkt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_out(line, n < sizeof(line) ? n : sizeof(line) - 1);
}

void dkt_fail(const char *fmt, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, fmt);
	dkt_vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	test_failed = true;
	dkt_print("# %s: %s\n", test_name, line);
}

bool dkt_failed(void)
{
	return test_failed;
}

void dkt_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	dkt_vsnprintf(skip_reason, sizeof(skip_reason), fmt, ap);
	va_end(ap);
}

/* ---- conveniences ---- */

const char *dkt_argument(unsigned int i)
{
	const char *s =
		(const char *)dkt_parameters + dkt_parameters->argument_offset;

	if (i >= dkt_parameters->argument_count)
		return "";
	while (i--)
		s += strlen(s) + 1;
	return s;
}

void dkt_ask(const char *question, void *answer, size_t size)
{
	u64 done = 0, have = 0;

	write_out(question, strlen(question));
	while (have < size) {
		s64 status = DkStreamRead(in_stream, DK_OFFSET_CURRENT,
					  (char *)answer + have, size - have,
					  &done);

		/* The question may be the reason. */
		if (status == DK_STATUS_ABORTED)
			continue;
		if (status || !done) {
			dkt_fail("the outer side did not answer");
			return;
		}
		have += done;
	}
}

void dkt_counts(struct dkt_counts *counts)
{
	dkt_ask("@counts\n", counts, sizeof(*counts));
}

void *dkt_pages(size_t pages)
{
	void *base = NULL;
	u64 length = pages * PAGE;

	if (DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE | DK_MEM_COMMIT,
				 DK_PROT_READ | DK_PROT_WRITE)) {
		dkt_fail("no memory");
		DkProcessExit(98);
	}
	return base;
}

s64 dkt_now(void)
{
	s64 now = -1;

	DkSystemTimeQuery(DK_CLOCK_MONOTONIC, &now);
	return now;
}

DK_HANDLE dkt_thread(void (*start)(u64), u64 parameter)
{
	DK_HANDLE thread = DK_INVALID_HANDLE;
	void *stack = dkt_pages(8);
	DK_STATUS status = DkThreadCreate((void *)start, parameter, stack,
					  8 * PAGE, &thread);

	if (status)
		dkt_fail("DkThreadCreate gave %s", dkt_status(status));
	return thread;
}

bool dkt_wait(DK_HANDLE handle)
{
	u64 index = POISON;
	DK_STATUS status;

	/* Whoever asked for an abort has one wait ended, too. */
	do
		status = DkObjectsWaitAny(1, &handle, 30 * SEC, &index);
	while (status == DK_STATUS_ABORTED);
	return status == 0 && index == 0;
}

DK_HANDLE dkt_open(const char *uri, u64 access, u64 disposition, u64 options)
{
	DK_HANDLE stream = DK_INVALID_HANDLE;
	DK_STATUS status = DkStreamOpen(uri, strlen(uri), access, disposition,
					options, &stream);

	if (status)
		dkt_fail("cannot open %s: %s", uri, dkt_status(status));
	return stream;
}

/* ---- upcalls ---- */

asm(".text\n\t"
    ".globl dkt_thread_entry, dkt_exception_entry\n\t"
    ".hidden dkt_thread_entry, dkt_exception_entry\n"
    "dkt_thread_entry:\n\t"
    "xor %ebp, %ebp; sub $8, %rsp\n\t"
    "call LibOsThreadStart; call DkThreadExit; ud2\n"
    "dkt_exception_entry:\n\t"
    "xor %ebp, %ebp; sub $8, %rsp\n\t"
    "call LibOsExceptionDispatch; ud2\n");

/* An image without TEST()s has these two of its own. */
__attribute__((weak)) void
LibOsExceptionDispatch(struct dk_exception *exception,
		       struct dk_context *context)
{
	if (dkt_exception && dkt_exception(exception, context))
		PalContextRestore(context);
	dkt_print(
		"# %s: exception %u (trap %u, error 0x%lx) at 0x%lx, address 0x%lx\n",
		test_name, exception->code, exception->trap,
		(unsigned long)exception->error_code,
		(unsigned long)context->rip, (unsigned long)exception->address);
	DkProcessExit(128 + exception->signal);
	__builtin_trap();
}

__attribute__((weak)) void
LibOsInitialize(const struct dk_parameters *parameters)
{
	u64 count = __stop_dk_tests - __start_dk_tests;
	const char *only;
	u64 failed = 0;

	dkt_parameters = parameters;
	if (DkStreamOpen(URI("stdout:"), DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0,
			 &out_stream))
		DkProcessExit(97);
	DkStreamOpen(URI("stdin:"), DK_ACCESS_READ, DK_OPEN_EXISTING, 0,
		     &in_stream);
	if (dkt_child)
		dkt_child();
	only = dkt_argument(2);
	if (*only) {
		u64 n = 0;

		for (u64 i = 0; i < count; i++)
			n += !strcmp(only, __start_dk_tests[i].name);
		dkt_print("TAP version 13\n1..%lu\n", (unsigned long)n);
	} else {
		dkt_print("TAP version 13\n1..%lu\n", (unsigned long)count);
	}
	for (u64 i = 0, nr = 0; i < count; i++) {
		test_name = __start_dk_tests[i].name;
		if (*only && strcmp(only, test_name))
			continue;
		test_failed = false;
		skip_reason[0] = '\0';
		dkt_exception = NULL;
		__start_dk_tests[i].run();
		failed += test_failed;
		nr++;
		dkt_print("%s %lu %s%s%s\n", test_failed ? "not ok" : "ok",
			  (unsigned long)nr, test_name,
			  skip_reason[0] ? " # SKIP " : "", skip_reason);
	}
	DkProcessExit(failed ? 1 : 0);
}
