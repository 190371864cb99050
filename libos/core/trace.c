// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Tracing and counting of system calls; see trace.h.
 */
#include <libos.h>
#include <syscalls.h>
#include <trace.h>

struct row {
	const char *name;
	const char *arguments;
};

#define ROW(nr, name, class, arguments) [nr] = { #name, arguments },
static const struct row rows[SYSCALL_LIMIT] = { SYSCALL_TABLE(ROW) };

bool trace_calls;
static bool trace_counts, trace_locks;

/* Of calls that were answered -ENOSYS; the last element: unknown numbers. */
static u32 missing[SYSCALL_LIMIT + 1];

void trace_init(const char *how)
{
	trace_calls = !strcmp(how, "calls");
	trace_counts = !strcmp(how, "missing");
	trace_locks = !strcmp(how, "locks");
	if (!trace_calls && !trace_counts && !trace_locks)
		log_user(
			"PICO_LIBOS_TRACE=%s: is \"calls\", \"missing\" or \"locks\"\n",
			how);
}

static const struct row *row_of(u32 number)
{
	if (number < SYSCALL_LIMIT && rows[number].name)
		return &rows[number];
	return NULL;
}

static size_t format_argument(char *to, size_t size, char kind, u64 value)
{
	char text[64];

	switch (kind) {
	case 'D':
	case 'F':
	case 'G':
		return snprintf(to, size, "%d", (int)value);
	case 'I':
		return snprintf(to, size, "%lld", (long long)value);
	case 'N':
		return snprintf(to, size, "%llu", (unsigned long long)value);
	case 'O':
		return snprintf(to, size, "0%o", (u32)value);
	case 'S':
		if (user_string(text, (void *)value, sizeof(text)) == -EFAULT)
			break;
		text[sizeof(text) - 1] = 0;
		return snprintf(to, size, "\"%s\"", text);
	}
	return snprintf(to, size, "0x%llx", (unsigned long long)value);
}

void trace_enter(u32 number, const struct dk_context *frame)
{
	const u64 values[] = { frame->rdi, frame->rsi, frame->rdx,
			       frame->r10, frame->r8,  frame->r9 };
	const struct row *row = row_of(number);
	char line[512];
	size_t n, i;

	if (row)
		n = snprintf(line, sizeof(line), "[%u] %s(", self()->tid,
			     row->name);
	else
		n = snprintf(line, sizeof(line), "[%u] %u(", self()->tid,
			     number);
	for (i = 0; row && row->arguments[i]; i++) {
		if (i)
			n += snprintf(line + n, sizeof(line) - n, ", ");
		n += format_argument(line + n, sizeof(line) - n,
				     row->arguments[i], values[i]);
	}
	log_trace("%s)\n", line);
}

void trace_leave(u32 number, long result)
{
	const struct row *row = row_of(number);

	if (result < 0 && result > -4096)
		log_trace("[%u]   %s = error %ld\n", self()->tid,
			  row ? row->name : "?", -result);
	else
		log_trace("[%u]   %s = 0x%lx\n", self()->tid,
			  row ? row->name : "?", result);
}

void trace_fault(const struct dk_exception *e, const struct dk_context *c)
{
	log_trace(
		"[%u] fault: signal %u, trap %u, address 0x%llx, rip 0x%llx, rsp 0x%llx\n",
		self()->tid, e->signal, e->trap, (unsigned long long)e->address,
		(unsigned long long)c->rip, (unsigned long long)c->rsp);
}

void trace_missing(u32 number)
{
	__atomic_fetch_add(&missing[MIN(number, SYSCALL_LIMIT)], 1,
			   __ATOMIC_RELAXED);
}

void trace_exit(void)
{
	u32 i;

	if (trace_locks)
		log_trace("%u times a lock was waited for\n", lock_waits);
	if (!trace_counts)
		return;
	for (i = 0; i <= SYSCALL_LIMIT; i++) {
		if (missing[i])
			log_trace("%6u  %s\n", missing[i],
				  row_of(i) ? rows[i].name : "unknown");
	}
}
