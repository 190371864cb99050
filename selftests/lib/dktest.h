/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests that run inside a picoprocess, written straight against libpal.
 *
 * An image has TEST()s and nothing else; they run in the order of the source
 * and report in TAP on stdout:. EXPECT_* go on after a failure, ASSERT_* leave
 * the test. Everything is compiled -mgeneral-regs-only, so that an exception
 * handler may be any C function.
 *
 * Every Dk call of an image goes through a wrapper made from the call table
 * (ld --wrap), which fails the running test when a status comes back that is
 * not in the call's set, and notes which came back; the outer side is told when
 * the process ends (dkwrap.c).
 */
#ifndef DKTEST_H
#define DKTEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pal.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef dk_u64 u64;
typedef dk_s64 s64;

#define PAGE		4096UL
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MSEC		1000000LL
#define SEC		1000000000LL

/* Never a value that the host gives out. */
#define POISON		0x5a5aa5a55a5aa5a5ULL

struct dkt_test {
	const char *name;
	void (*run)(void);
	u64 pad[2];
};

#define TEST(name)							\
	static void test_##name(void);					\
	static const struct dkt_test entry_##name			\
		__attribute__((section("dk_tests"), used, aligned(32))) = \
		{ #name, test_##name, { 0 } };				\
	static void test_##name(void)

extern const struct dk_parameters *dkt_parameters;

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

int dkt_vsnprintf(char *to, size_t size, const char *fmt, va_list ap);
int __attribute__((format(printf, 3, 4)))
dkt_snprintf(char *to, size_t size, const char *fmt, ...);
/* To stdout:, atomically as far as a line is short. */
void __attribute__((format(printf, 1, 2))) dkt_print(const char *fmt, ...);
/* The same of a text as it is; false if it cannot be written. */
bool dkt_write(const char *text, size_t n);
/* The running test has failed, and why. */
void __attribute__((format(printf, 1, 2))) dkt_fail(const char *fmt, ...);
/* Whether it has; in a cloned process, which has a copy of the answer. */
bool dkt_failed(void);
void __attribute__((format(printf, 1, 2))) dkt_skip(const char *fmt, ...);

/* Argument @i of the program, or "" */
const char *dkt_argument(unsigned int i);

/*
 * Of an image that makes processes from itself: called before any test. Returns
 * in the one that was not made so.
 */
void dkt_child(void) __attribute__((weak));

/* What the outer side's DRAWBRIDGE_IOC_STATS says now. */
struct dkt_counts {
	u64 handles, objects, threads, processes;
	u64 calls; /* of threads that run or ran, a moment ago */
};
void dkt_counts(struct dkt_counts *counts);

/* A question to the outside (outside.h), which ends with a newline; its answer. */
void dkt_ask(const char *question, void *answer, size_t size);

/* Committed read-write memory, or the process ends. */
void *dkt_pages(size_t pages);

s64 dkt_now(void); /* DK_CLOCK_MONOTONIC */

/* A thread with a stack of its own. */
DK_HANDLE dkt_thread(void (*start)(u64), u64 parameter);
/* Waits, at most 30 seconds, until @handle is signalled; true if it was. */
bool dkt_wait(DK_HANDLE handle);

/* Opens a URI that must open. */
DK_HANDLE dkt_open(const char *uri, u64 access, u64 disposition, u64 options);
#define URI(s)	(s), strlen(s)

/*
 * Called with each exception; returns true to go on with @context. Without
 * one, an exception ends the process with 128 + signal.
 */
typedef bool (*dkt_exception_fn)(struct dk_exception *exception,
				 struct dk_context *context);
extern dkt_exception_fn dkt_exception;

/* Upcall entries that do what libpal's do, for DkxUpcallRegister. */
extern char dkt_thread_entry[], dkt_exception_entry[];

/* A Dk call by its index, past libpal; and as dkt_raw(), noted. */
static inline s64 dkt_system_call(u64 index, u64 a0, u64 a1, u64 a2, u64 a3,
				  u64 a4, u64 a5)
{
	register u64 r10 asm("r10") = a3;
	register u64 r8 asm("r8") = a4;
	register u64 r9 asm("r9") = a5;
	u64 ax = DK_VECTOR_BASE + index;

	asm volatile("syscall"
		     : "+a"(ax), "+D"(a0), "+S"(a1), "+d"(a2), "+r"(r10),
		       "+r"(r8), "+r"(r9)
		     :
		     : "rcx", "r11", "memory");
	return ax;
}

/* A call has returned a status. */
void dkt_seen(u64 index, s64 status);

static inline s64 dkt_raw(u64 index, u64 a0, u64 a1, u64 a2, u64 a3, u64 a4,
			  u64 a5)
{
	s64 status = dkt_system_call(index, a0, a1, a2, a3, a4, a5);

	dkt_seen(index, status);
	return status;
}

/* Tells the outer side what was seen; false if it cannot be told. */
bool dkt_tell_seen(void);

const char *dkt_status(s64 status);
/* A status as a member of a set, 0 if it is none. */
u64 dkt_status_bit(s64 status);

#define DKT_OP(a, op, b, leave) do {					\
	u64 a_ = (u64)(a), b_ = (u64)(b);				\
	if (!(a_ op b_)) {						\
		dkt_fail("%s:%d: %s is %ld (0x%lx), not %s %s, %ld (0x%lx)", \
			 __FILE__, __LINE__, #a, (long)a_,		\
			 (unsigned long)a_, #op, #b, (long)b_,		\
			 (unsigned long)b_);				\
		leave;							\
	}								\
} while (0)

#define EXPECT_EQ(a, b)	DKT_OP(a, ==, b, )
#define EXPECT_NE(a, b)	DKT_OP(a, !=, b, )
#define EXPECT_LE(a, b)	DKT_OP(a, <=, b, )
#define EXPECT_GE(a, b)	DKT_OP(a, >=, b, )
#define EXPECT_LT(a, b)	DKT_OP(a, <, b, )
#define EXPECT_TRUE(a)	DKT_OP(!!(a), ==, true, )
#define EXPECT_FALSE(a)	DKT_OP(!!(a), ==, false, )
#define ASSERT_EQ(a, b)	DKT_OP(a, ==, b, return)
#define ASSERT_NE(a, b)	DKT_OP(a, !=, b, return)
#define ASSERT_TRUE(a)	DKT_OP(!!(a), ==, true, return)

#define DKT_STATUS_IS(call, status, leave) do {				\
	s64 s_ = (call);						\
	if (s_ != DK_STATUS_##status) {					\
		dkt_fail("%s:%d: %s gave %s, not %s", __FILE__, __LINE__, \
			 #call, dkt_status(s_),				\
			 dkt_status(DK_STATUS_##status));		\
		leave;							\
	}								\
} while (0)

#define EXPECT_STATUS(call, status)	DKT_STATUS_IS(call, status, )
#define ASSERT_STATUS(call, status)	DKT_STATUS_IS(call, status, return)
#define EXPECT_OK(call)			EXPECT_STATUS(call, SUCCESS)
#define ASSERT_OK(call)			ASSERT_STATUS(call, SUCCESS)

/* The names of a call's arguments, to pass them on. */
#define DKT_NAMES(n, ...)	DKT_NAMES_##n(__VA_ARGS__)
#define DKT_NAMES_0(...)
#define DKT_NAMES_1(k, a)	a
#define DKT_NAMES_2(k, a, ...)	a, DKT_NAMES_1(__VA_ARGS__)
#define DKT_NAMES_3(k, a, ...)	a, DKT_NAMES_2(__VA_ARGS__)
#define DKT_NAMES_4(k, a, ...)	a, DKT_NAMES_3(__VA_ARGS__)
#define DKT_NAMES_5(k, a, ...)	a, DKT_NAMES_4(__VA_ARGS__)
#define DKT_NAMES_6(k, a, ...)	a, DKT_NAMES_5(__VA_ARGS__)

/* The kinds of a call's arguments, in braces. */
enum dkt_kind {
	DKT_ADDRESS,
	DKT_VALUE,
	DKT_SIGNED,
	DKT_FLAGS,
	DKT_HANDLE,
	DKT_STRING,
	DKT_IN,
	DKT_OUT,
	DKT_HANDLES,
	DKT_OUT_U64,
	DKT_OUT_S64,
	DKT_OUT_HANDLE,
	DKT_INOUT_U64,
	DKT_INOUT_ADDRESS,
};

#define DKT_KINDS(n, ...)	DKT_KINDS_##n(__VA_ARGS__)
#define DKT_KINDS_0(...)
#define DKT_KINDS_1(k, a)	DKT_##k
#define DKT_KINDS_2(k, a, ...)	DKT_##k, DKT_KINDS_1(__VA_ARGS__)
#define DKT_KINDS_3(k, a, ...)	DKT_##k, DKT_KINDS_2(__VA_ARGS__)
#define DKT_KINDS_4(k, a, ...)	DKT_##k, DKT_KINDS_3(__VA_ARGS__)
#define DKT_KINDS_5(k, a, ...)	DKT_##k, DKT_KINDS_4(__VA_ARGS__)
#define DKT_KINDS_6(k, a, ...)	DKT_##k, DKT_KINDS_5(__VA_ARGS__)

#endif /* DKTEST_H */
