// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Tracing and counting of system calls; see trace.h.
 */
#include <libos.h>
#include <processes.h>
#include <syscalls.h>
#include <trace.h>
#include "decode.h"

#define LINE_SIZE	800

struct row {
	const char *name;
	const char *arguments;
};

#define ROW(nr, name, class, arguments) [nr] = { #name, arguments },
static const struct row rows[SYSCALL_LIMIT] = { SYSCALL_TABLE(ROW) };

#define NUMBER(nr, name, class, arguments) NR_##name = nr,
enum { SYSCALL_TABLE(NUMBER) };

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

/*
 * The thread whose call has no result yet, and whose line is the last one: it
 * goes on there. Of all processes of the sandbox. (Between taking it and
 * writing, another may write: lines are for people.)
 */
static u32 *open_line(void)
{
	return &process_table->trace_line;
}

/*
 * Who it is that calls: a child of vfork() has its parent's thread for a while,
 * and the threads that the libos has for itself have no number.
 */
static u32 number_of_caller(void)
{
	const struct libos_thread *t = self();

	return t->vfork || !t->tid ? process.pid : t->tid;
}

/* What ends the line that is open; the caller's own call does not return. */
static void line_break(struct line *t, u32 whose)
{
	if (whose)
		line_add(t, whose == number_of_caller() ?
				    ") = ?\n" :
				    " <unfinished ...>\n");
}

static void write_line(const struct line *t)
{
	log_trace_text(t->to, t->n);
}

/* Lines that stand alone. */
static void __printf(1, 2) trace_line(const char *format, ...)
{
	char line[256], full[320];
	struct line t = { full, sizeof(full), 0 };
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	line_break(&t, __atomic_exchange_n(open_line(), 0, __ATOMIC_SEQ_CST));
	line_add(&t, "[%u] %s\n", number_of_caller(), line);
	write_line(&t);
}

/* Those that are known before the call, or those that are only @after it. */
static void add_arguments(struct line *t, const struct row *row,
			  const struct dk_context *frame, bool after,
			  long result)
{
	const u64 values[] = { frame->rdi, frame->rsi, frame->rdx,
			       frame->r10, frame->r8,  frame->r9 };
	bool results = false;
	unsigned int i;

	for (i = 0; row->arguments[i]; i++) {
		char kind = row->arguments[i];

		results |= decode_is_result(kind);
		if (results == after) {
			if (i)
				line_add(t, ", ");
			decode_argument(t, kind, values, i, result);
		}
		if (decode_ends(kind, values[i]))
			break;
	}
}

static bool never_returns(u32 number)
{
	return number == NR_exit || number == NR_exit_group;
}

/* Two come back from one call; the other one says it. */
static bool is_childs(u32 number, long result)
{
	return !result && (number == NR_clone || number == NR_fork ||
			   number == NR_vfork || number == NR_clone3);
}

static void add_name(struct line *t, u32 number)
{
	const struct row *row = row_of(number);

	if (row)
		line_add(t, "%s", row->name);
	else
		line_add(t, "syscall_%u", number);
}

void trace_enter(u32 number, const struct dk_context *frame)
{
	const struct row *row = row_of(number);
	u32 tid = number_of_caller();
	char line[LINE_SIZE];
	struct line t = { line, sizeof(line), 0 };

	line_break(&t, __atomic_exchange_n(open_line(),
					   never_returns(number) ? 0 : tid,
					   __ATOMIC_SEQ_CST));
	line_add(&t, "[%u] ", tid);
	add_name(&t, number);
	line_add(&t, "(");
	if (row)
		add_arguments(&t, row, frame, false, 0);
	if (never_returns(number))
		line_add(&t, ") = ?\n");
	write_line(&t);
}

void trace_leave(u32 number, const struct dk_context *frame, long result)
{
	const struct row *row = row_of(number);
	u32 tid = number_of_caller(), open = tid;
	char line[LINE_SIZE];
	struct line t = { line, sizeof(line), 0 };

	if (is_childs(number, result))
		return;
	if (!__atomic_compare_exchange_n(open_line(), &open, 0, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		line_break(&t, __atomic_exchange_n(open_line(), 0,
						   __ATOMIC_SEQ_CST));
		line_add(&t, "[%u] <... ", tid);
		add_name(&t, number);
		line_add(&t, " resumed>");
	}
	/* rt_sigreturn() has other registers now, and no arguments. */
	if (row)
		add_arguments(&t, row, frame, true, result);
	line_add(&t, ") = ");
	decode_result(&t, result);
	line_add(&t, "\n");
	write_line(&t);
}

void trace_signal(int signal, int code)
{
	const char *name = signal_name(signal);

	if (name)
		trace_line("--- %s (code %d) ---", name, code);
	else
		trace_line("--- signal %d (code %d) ---", signal, code);
}

void trace_end(u32 status)
{
	const char *name = signal_name(status & 0x7f);

	if (!(status & 0x7f))
		trace_line("+++ exited with %u +++", status >> 8 & 0xff);
	else if (name)
		trace_line("+++ killed by %s +++", name);
	else
		trace_line("+++ killed by signal %u +++", status & 0x7f);
}

void trace_fault(const struct dk_exception *e, const struct dk_context *c)
{
	trace_line("fault: %s, trap %u, address 0x%llx, rip 0x%llx, rsp 0x%llx",
		   signal_name(e->signal) ?: "?", e->trap,
		   (unsigned long long)e->address, (unsigned long long)c->rip,
		   (unsigned long long)c->rsp);
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
