// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Signal frames: which signals a handler has blocked, which stack it has, what
 * becomes of one that has no room, and what stands in the frame. What was
 * interrupted goes on with the registers that it had.
 */
#include "child.h"
#include "linux_test.h"

#include <cpuid.h>
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define MAGIC1	 0x46505853U
#define MAGIC2	 0x46505845U
#define SOFTWARE 464 /* struct _fpx_sw_bytes, in the legacy area */
#define HEADER	 512
#define PATTERN	 0xa5

static volatile int depth, deepest, raised, blocked, blocked2;
static char *stack;

static void on(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction a = { .sa_sigaction = handler,
			       .sa_flags = SA_SIGINFO | flags };

	sigaction(signal, &a, NULL);
}

/* ---- what is blocked ---- */

static void deeper(int signal, siginfo_t *info, void *context)
{
	sigset_t now;

	if (++depth > deepest)
		deepest = depth;
	sigprocmask(SIG_BLOCK, NULL, &now);
	blocked = sigismember(&now, signal);
	blocked2 = sigismember(&now, SIGUSR2);
	if (raised++ < 2)
		raise(signal);
	depth--;
}

static void nested_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	/* Over the two bytes of UD2, once from inside. */
	u->uc_mcontext.gregs[REG_RIP] += 2;
	if (++depth < 3)
		asm volatile("ud2");
	if (depth > deepest)
		deepest = depth;
}

static void faults_deferred(void)
{
	on(SIGILL, nested_fault, 0);
	asm volatile("ud2");
}

static void deferring(void)
{
	struct sigaction a = { .sa_sigaction = deeper,
			       .sa_flags = SA_SIGINFO | SA_NODEFER };
	sigset_t now;

	sigaction(SIGUSR1, &a, NULL);
	raise(SIGUSR1);
	SHOW("with SA_NODEFER", deepest);
	CHECK(blocked);
	sigaddset(&a.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &a, NULL);
	raise(SIGUSR1);
	CHECK(blocked);
	CHECK(blocked2);
	/* Its own mask says otherwise. */
	sigaddset(&a.sa_mask, SIGUSR1);
	sigaction(SIGUSR1, &a, NULL);
	deepest = raised = 0;
	raise(SIGUSR1);
	CHECK(blocked);
	CHECK(deepest);
	sigemptyset(&a.sa_mask);
	a.sa_flags = SA_SIGINFO;
	sigaction(SIGUSR1, &a, NULL);
	deepest = raised = 0;
	raise(SIGUSR1);
	CHECK(blocked);
	CHECK(blocked2);
	CHECK(deepest);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1) || sigismember(&now, SIGUSR2));
	depth = deepest = 0;
	on(SIGILL, nested_fault, SA_NODEFER);
	asm volatile("ud2");
	SHOW("faults", deepest);
	depth = 0;
	SHOW("in its own handler", in_child(faults_deferred));
}

/* ---- stacks ---- */

static stack_t inside, saved;
static int refused;
static bool onto, nested_onto;
static char other[16384];

static bool on_it(const void *at)
{
	return (char *)at >= stack && (char *)at < stack + 16384;
}

static void nested(int signal, siginfo_t *info, void *context)
{
	char here;

	nested_onto = on_it(&here);
}

static void look(int signal, siginfo_t *info, void *context)
{
	stack_t own = { .ss_sp = other, .ss_size = sizeof(other) };
	ucontext_t *u = context;
	char here;

	onto = on_it(&here);
	saved = u->uc_stack;
	sigaltstack(NULL, &inside);
	raise(SIGUSR2);
	refused = sigaltstack(&own, NULL) ? errno : 0;
}

static sigjmp_buf jump;

static void leap(int signal, siginfo_t *info, void *context)
{
	siglongjmp(jump, 1);
}

static void disarming(unsigned int flags)
{
	stack_t s = { .ss_sp = stack, .ss_size = 16384, .ss_flags = flags };
	stack_t now;

	TRY(sigaltstack(&s, NULL));
	TRY(sigaltstack(NULL, &now));
	SHOW("flags", now.ss_flags);
	on(SIGUSR1, look, SA_ONSTACK);
	on(SIGUSR2, nested, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(onto);
	CHECK(nested_onto);
	CHECK(inside.ss_flags);
	CHECK(inside.ss_size);
	CHECK(saved.ss_sp == stack);
	CHECK(saved.ss_size);
	CHECK(saved.ss_flags & ~SS_ONSTACK);
	CHECK(refused);
	TRY(sigaltstack(NULL, &now));
	CHECK(now.ss_flags);
	CHECK(now.ss_sp == stack);
	CHECK(now.ss_size);
	/* Who leaps out finds what there was in the handler. */
	on(SIGUSR1, leap, SA_ONSTACK);
	if (!sigsetjmp(jump, 1))
		raise(SIGUSR1);
	TRY(sigaltstack(NULL, &now));
	CHECK(now.ss_flags);
	CHECK(now.ss_size);
}

/* A handler gives the interrupted code another stack. */
static void gives(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	u->uc_stack.ss_sp = other;
	u->uc_stack.ss_size = signal == SIGUSR1 ? sizeof(other) : 100;
	u->uc_stack.ss_flags = 0;
}

static void giving(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = 16384 }, now;

	sigaltstack(&s, NULL);
	on(SIGUSR1, gives, 0);
	on(SIGUSR2, gives, 0);
	raise(SIGUSR1);
	sigaltstack(NULL, &now);
	CHECK(now.ss_sp == other);
	CHECK(now.ss_size);
	sigaltstack(&s, NULL);
	raise(SIGUSR2);
	sigaltstack(NULL, &now);
	CHECK(now.ss_sp == stack);
	CHECK(now.ss_size);
}

/* What is below the stack is somebody else's. */
static bool below_is_whole(void)
{
	int i;

	for (i = 1; i <= 8192; i++) {
		if ((unsigned char)stack[-i] != PATTERN)
			return false;
	}
	return true;
}

static volatile int *told; /* in shared memory */
static size_t small;

static void counted(int signal, siginfo_t *info, void *context)
{
	told[0]++;
}

static void too_small(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = small };

	sigaltstack(&s, NULL);
	on(SIGUSR1, counted, SA_ONSTACK);
	raise(SIGUSR1);
	told[1] = 1;
}

static void fault_elsewhere(int signal, siginfo_t *info, void *context)
{
	told[2] = info->si_code;
	told[3] = below_is_whole();
	_exit(7);
}

static void too_small_caught(void)
{
	on(SIGSEGV, fault_elsewhere, 0);
	too_small();
}

/* Each handler interrupts the one before, until there is no room. */
static void again(int signal, siginfo_t *info, void *context)
{
	told[0]++;
	if (told[0] < 100)
		raise(signal);
}

static void full(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = 16384 };

	sigaltstack(&s, NULL);
	on(SIGUSR1, again, SA_ONSTACK | SA_NODEFER);
	raise(SIGUSR1);
}

static void overflow(const char *text, void (*what)(void))
{
	int i;

	for (i = 0; i < 4; i++)
		told[i] = 0;
	memset(stack - 8192, PATTERN, 8192);
	printf("%s: status %x", text, in_child(what));
	printf(", handlers %d, went on %d, code %x, whole %d then, %d now\n",
	       told[0], told[1], told[2], told[3], below_is_whole());
	fflush(stdout);
}

static void overflows(void)
{
	for (small = 2048; small <= 4096; small += 128) {
		printf("%zu bytes, ", small);
		fflush(stdout);
		overflow("too small", too_small);
	}
	small = getauxval(AT_MINSIGSTKSZ);
	overflow("AT_MINSIGSTKSZ", too_small);
	small = 2048;
	overflow("too small, SIGSEGV caught", too_small_caught);
	overflow("full", full);
}

/* ---- vector state ---- */

enum { CHANGE, INITIAL, NO_MAGIC, NO_STATE, BAD };

static int vector_action;
static uint32_t upper_at;
static uint64_t upper_seen[2], xfeatures_seen, features_seen;
static uint32_t magic1_seen, magic2_seen, size_seen, extended_seen;

static void vectors(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	char *f = (char *)u->uc_mcontext.fpregs;
	uint32_t zero = 0;
	uint64_t bits;

	memcpy(&magic1_seen, f + SOFTWARE, 4);
	memcpy(&extended_seen, f + SOFTWARE + 4, 4);
	memcpy(&features_seen, f + SOFTWARE + 8, 8);
	memcpy(&size_seen, f + SOFTWARE + 16, 4);
	memcpy(&magic2_seen, f + size_seen, 4);
	memcpy(&xfeatures_seen, f + HEADER, 8);
	memcpy(upper_seen, f + upper_at + 5 * 16, 16);
	switch (vector_action) {
	case CHANGE:
		upper_seen[0] = ~upper_seen[0];
		memcpy(f + upper_at + 5 * 16, upper_seen, 16);
		upper_seen[0] = ~upper_seen[0];
		break;
	case INITIAL:
		memcpy(&bits, f + HEADER, 8);
		bits &= ~4ULL;
		memcpy(f + HEADER, &bits, 8);
		break;
	case NO_MAGIC:
		memcpy(f + SOFTWARE, &zero, 4);
		break;
	case BAD:
		memset(f + 24, 0xff, 4); /* MXCSR */
		break;
	case NO_STATE:
		u->uc_mcontext.fpregs = NULL;
		break;
	}
}

__attribute__((target("avx"))) static void with_vectors(const char *text)
{
	uint64_t in[4] = { 0x1111, 0x2222, 0x333333, 0x444444 }, out[4];

	asm volatile("vmovdqu %1, %%ymm5\n\t"
		     "syscall\n\t"
		     "vmovdqu %%ymm5, %0"
		     : "=m"(out)
		     : "m"(in), "a"(SYS_tkill), "D"(own_tid()), "S"(SIGUSR1)
		     : "xmm5", "rcx", "r11", "memory");
	printf("%s: seen %lx %lx; %lx %lx %lx %lx\n", text, upper_seen[0],
	       upper_seen[1], out[0], out[1], out[2], out[3]);
	fflush(stdout);
}

static void vector_state(void)
{
	uint32_t a, b, c, d;

	if (!__builtin_cpu_supports("avx")) {
		SHOW("no AVX", 1);
		return;
	}
	__cpuid_count(0xd, 2, a, b, c, d);
	upper_at = b;
	on(SIGUSR1, vectors, 0);
	vector_action = CHANGE;
	with_vectors("changed");
	CHECK(magic1_seen == MAGIC1);
	CHECK(magic2_seen == MAGIC2);
	CHECK(size_seen);
	CHECK(extended_seen);
	CHECK(features_seen);
	CHECK(xfeatures_seen & 7);
	vector_action = INITIAL;
	with_vectors("initial");
	vector_action = NO_MAGIC;
	with_vectors("no magic");
	vector_action = NO_STATE;
	with_vectors("no state");
}

/* ---- what cannot be returned from ---- */

static siginfo_t fault;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	fault = *info;
	siglongjmp(jump, signal);
}

static void bad_state(void)
{
	vector_action = BAD;
	if (sigsetjmp(jump, 1)) {
		SHOW("caught", fault.si_code);
		return;
	}
	raise(SIGUSR1);
	SHOW("went on", 1);
}

static void no_frame(void)
{
	if (sigsetjmp(jump, 1)) {
		SHOW("caught", fault.si_code);
		return;
	}
	asm volatile("mov $64, %%esp\n\t"
		     "syscall"
		     :
		     : "a"(SYS_rt_sigreturn)
		     : "rcx", "r11", "memory");
	_exit(9);
}

static void uncaught(void)
{
	signal(SIGSEGV, SIG_DFL);
	no_frame();
}

static void returning(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = 16384 };

	sigaltstack(&s, NULL);
	on(SIGUSR1, vectors, 0);
	on(SIGSEGV, on_fault, SA_ONSTACK);
	SHOW("bad state", in_child(bad_state));
	SHOW("no frame", in_child(no_frame));
	SHOW("no frame, uncaught", in_child(uncaught));
	signal(SIGSEGV, SIG_DFL);
}

/* ---- unwinding ---- */

static void *frames[32];
static int frame_count;

static void unwinds(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	frame_count = backtrace(frames, 32);
	if (signal == SIGILL)
		u->uc_mcontext.gregs[REG_RIP] += 2;
}

static bool found(const void *function)
{
	int i;

	for (i = 0; i < frame_count; i++) {
		if ((char *)frames[i] >= (char *)function &&
		    (char *)frames[i] < (char *)function + 64)
			return true;
	}
	return false;
}

__attribute__((noinline)) static void faulting(void)
{
	asm volatile("ud2" : : : "memory");
}

__attribute__((noinline)) static void calling(void)
{
	syscall(SYS_tkill, own_tid(), SIGUSR1);
	asm volatile("" : : : "memory");
}

__attribute__((noinline)) static void outer(void (*inner)(void))
{
	inner();
	asm volatile("" : : : "memory");
}

static void unwinding(void)
{
	stack_t s = { .ss_sp = stack, .ss_size = 16384 };
	int flags;

	/* It loads a library first. */
	backtrace(frames, 32);
	for (flags = 0; flags <= SA_ONSTACK; flags += SA_ONSTACK) {
		sigaltstack(&s, NULL);
		on(SIGILL, unwinds, flags);
		on(SIGUSR1, unwinds, flags);
		outer(faulting);
		CHECK(found(unwinds));
		CHECK(found(faulting));
		CHECK(found(outer));
		SHOW("frames", frame_count);
		outer(calling);
		CHECK(found(calling));
		CHECK(found(outer));
		SHOW("frames", frame_count);
	}
}

static void ticked(int signal, siginfo_t *info, void *context)
{
	raised++;
}

/* Computes, with @value in rax all the time, until a handler has run. */
static void any_value(long value)
{
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	long result = value;

	raised = 0;
	setitimer(ITIMER_REAL, &soon, NULL);
	asm volatile("1:	cmpl	$0, %1\n"
		     "		je	1b\n"
		     : "+a"(result)
		     : "m"(raised)
		     : "cc");
	CHECK(result);
}

/* What was interrupted may have the number of an error there. */
static void values(void)
{
	on(SIGALRM, ticked, 0);
	any_value(0);
	any_value(-EINTR);
	any_value(-512); /* ERESTARTSYS */
	any_value(-513);
	any_value(-514); /* ERESTARTNOHAND */
	any_value(-516);
}

static void armed(void)
{
	disarming(0);
}

static void disarmed(void)
{
	disarming(SS_AUTODISARM);
}

static void disarmed_on(void)
{
	disarming(SS_AUTODISARM | SS_ONSTACK);
}

int main(void)
{
	char *pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	told = (int *)pages;
	stack = pages + 32768;
	deferring();
	SHOW("armed", in_child(armed));
	SHOW("SS_AUTODISARM", in_child(disarmed));
	SHOW("SS_AUTODISARM, SS_ONSTACK", in_child(disarmed_on));
	SHOW("giving", in_child(giving));
	overflows();
	vector_state();
	returning();
	values();
	unwinding();
	return 0;
}
