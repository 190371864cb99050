// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that the host probes: uprobes.sh. The probed instructions are of
 * those that the kernel does not emulate but executes elsewhere, step by step.
 *
 * probed places: where they are in the file
 * probed fault: one that faults, N times; the handler goes on behind it
 * probed signals: one in a loop, until N signals have come
 * probed returns: a function is called, and has to come back
 * probed entry: what a system call of 32 bits says in a function that is probed
 * probed loop: until somebody ends it
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define TIMES	200

extern const char __executable_start[];
extern const char probed_load[], probed_after[], probed_function[];
extern const char probed_entry[];

/* The value at @at: one place of the program, so not inlined. */
__attribute__((noinline, noclone)) static uint64_t load(const uint64_t *at)
{
	uint64_t value = 0;

	asm volatile(".globl probed_load, probed_after\n"
		     "probed_load: movq (%1), %0\n"
		     "probed_after:"
		     : "+r"(value)
		     : "r"(at)
		     : "memory");
	return value;
}

asm(".text\n"
    ".globl probed_function\n"
    ".type probed_function, @function\n"
    "probed_function:\n"
    "leaq 1(%rdi), %rax\n"
    "ret\n"
    ".size probed_function, . - probed_function\n");

/* The number is uretprobe's, and that of rt_tgsigqueueinfo by this entry. */
asm(".text\n"
    ".globl probed_entry\n"
    ".type probed_entry, @function\n"
    "probed_entry:\n"
    "pushq %rbx\n"
    "movl $335, %eax\n"
    "movl $-1, %ebx\n"
    "movl $-1, %ecx\n"
    "xorl %edx, %edx\n"
    "xorl %esi, %esi\n"
    "int $0x80\n"
    "popq %rbx\n"
    "ret\n"
    ".size probed_entry, . - probed_entry\n");

static volatile sig_atomic_t count;
static volatile int wrong;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (regs[REG_RIP] != (greg_t)probed_load || info->si_addr)
		wrong = 1;
	regs[REG_RIP] = (greg_t)probed_after;
	count++;
}

static void on_alarm(int signal)
{
	count++;
}

static int fault(void)
{
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	while (count < TIMES)
		load(NULL);
	printf("%d faults, %s\n", (int)count, wrong ? "elsewhere" : "there");
	return wrong;
}

static int signals(void)
{
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };
	uint64_t value = 7;

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	while (count < TIMES && load(&value) == 7)
		;
	puts(count >= TIMES ? "signals came" : "a load went wrong");
	return count < TIMES;
}

static int returns(void)
{
	uint64_t (*call)(uint64_t) = (void *)probed_function;
	uint64_t n;

	for (n = 0; n < TIMES; n = call(n))
		;
	printf("%d calls\n", (int)n);
	return 0;
}

static void on_refusal(int signal)
{
	puts("refused");
	_exit(0);
}

static int entry(void)
{
	int (*call)(void) = (void *)probed_entry;

	signal(SIGSEGV, on_refusal);
	printf("%d\n", call());
	return 0;
}

static int loop(void)
{
	uint64_t value = 7;

	puts("in the loop");
	fflush(stdout);
	while (load(&value) == 7)
		;
	return 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "fault"))
		return fault();
	if (!strcmp(what, "signals"))
		return signals();
	if (!strcmp(what, "returns"))
		return returns();
	if (!strcmp(what, "entry"))
		return entry();
	if (!strcmp(what, "loop"))
		return loop();
	printf("0x%tx 0x%tx 0x%tx\n", probed_load - __executable_start,
	       probed_function - __executable_start,
	       probed_entry - __executable_start);
	return strcmp(what, "places");
}
