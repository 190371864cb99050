// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs in the processes of pico_test.ko: every thread waits for the
 * requests in its slot (lib/provider_shared.h) and serves them. It has no
 * state of its own.
 */
#include <stddef.h>
#include "provider_shared.h"

asm(".pushsection .head, \"ax\"\n\t"
    ".ascii \"\\177PICOEXE\"\n\t"
    "jmp entry; .balign 8\n\t"
    "jmp handler; .balign 8\n\t"
    ".popsection\n\t"
    ".text\n"
    "entry: and $-16, %rsp; call serve; ud2\n"
    "handler: or $0xffff, %rsp; and $-64, %rsp; call handle; ud2\n");

static volatile struct shared *const shared =
	(volatile struct shared *)PICO_TEST_SHARED;

static __u64 call(__u64 nr, __u64 a, __u64 b, __u64 c, __u64 d, __u64 e,
		  __u64 f)
{
	register __u64 r10 asm("r10") = d;
	register __u64 r8 asm("r8") = e;
	register __u64 r9 asm("r9") = f;

	asm volatile("syscall"
		     : "+a"(nr), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8),
		       "+r"(r9)
		     :
		     : "rcx", "r11", "memory");
	return nr;
}

static __u64 call32(__u64 nr, __u64 a, __u64 b, __u64 c, __u64 d, __u64 e)
{
	asm volatile("int $0x80"
		     : "+a"(nr), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e)
		     :
		     : "r8", "r9", "r10", "r11", "memory");
	return nr;
}

/* The single step comes behind each instruction up to the popf's second. */
static __u64 stepped_call(__u64 nr, __u64 a)
{
	asm volatile("pushf; orl $0x100, (%%rsp); popf\n\t"
		     "syscall\n\t"
		     "nop\n\t"
		     "pushf; andl $~0x100, (%%rsp); popf"
		     : "+a"(nr)
		     : "D"(a)
		     : "rcx", "r11", "memory", "cc");
	return nr;
}

/* The exception is pending until the next instruction that waits for it. */
static void x87_fault(void)
{
	static const __u16 unmasked = 0x37b;

	asm volatile("fninit; fldcw %0; fld1; fldz; fdivrp\n\t"
		     "fwait\n\t"
		     "fninit"
		     :
		     : "m"(unmasked));
}

static void fault(__u64 which)
{
	switch (which) {
	case FAULT_UD2:
		asm volatile("ud2");
		break;
	case FAULT_INT3:
		asm volatile("int3");
		break;
	case FAULT_DIVIDE:
		asm volatile("xor %%eax, %%eax; xor %%edx, %%edx; div %%eax"
			     :
			     :
			     : "eax", "edx", "cc");
		break;
	case FAULT_READ:
		asm volatile("movq 16, %%rax" : : : "rax");
		break;
	case FAULT_WRITE:
		asm volatile("movq %%rax, 24" : : : "memory");
		break;
	case FAULT_PRIVILEGED:
		asm volatile("hlt");
		break;
	case FAULT_JUMP:
		asm volatile("jmp *%0" : : "r"(0x40000000UL));
		break;
	case FAULT_X87:
		x87_fault();
		break;
	case FAULT_PAST_EOF:
		asm volatile("movq (%0), %%rax" : : "d"(FAULT_MAPPED) : "rax");
		break;
	case FAULT_SEGMENT:
		asm volatile("movw %w0, %%ds" : : "a"(FAULT_SELECTOR));
		break;
	case FAULT_STACK:
		asm volatile("movw %w0, %%ss" : : "a"(FAULT_SELECTOR));
		break;
	}
}

/*
 * The stack pointer is where the stacks end: there is no frame for the kernel
 * to read. What handles it goes on with the last slot.
 */
static void bad_sigreturn(void)
{
	asm volatile("mov %0, %%rsp; syscall; ud2"
		     :
		     : "r"(PICO_TEST_STACKS +
			   PICO_TEST_SLOTS * PICO_TEST_STACK_SIZE),
		       "a"((__u64)PICO_TEST_CALL_FORWARD), "D"(15UL));
}

static int has_avx(void)
{
	unsigned int a = 1, b, c, d, lo, hi;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if ((c & (3 << 27)) != (3 << 27))
		return 0;
	asm volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return (lo & 6) == 6;
}

#define VECTORS(load)                                                          \
	load(0) load(1) load(2) load(3) load(4) load(5) load(6) load(7)        \
	load(8) load(9) load(10) load(11) load(12) load(13) load(14) load(15)
#define AVX_LOAD(n)	"vmovdqu %c[vectors]+32*" #n "(%%rbx), %%ymm" #n "\n\t"
#define AVX_STORE(n)	"vmovdqu %%ymm" #n ", %c[vectors]+32*" #n "(%%rbx)\n\t"
#define SSE_LOAD(n)	"movdqu %c[vectors]+32*" #n "(%%rbx), %%xmm" #n "\n\t"
#define SSE_STORE(n)	"movdqu %%xmm" #n ", %c[vectors]+32*" #n "(%%rbx)\n\t"

#define FIELD(field)	[field] "i"(offsetof(struct slot_registers, field))

static void load_vectors(volatile struct slot_registers *from, int avx)
{
	if (avx)
		asm volatile(VECTORS(AVX_LOAD) : : "b"(from), FIELD(vectors));
	else
		asm volatile(VECTORS(SSE_LOAD) : : "b"(from), FIELD(vectors));
	asm volatile("fninit; fldl %c[x87](%%rbx); ldmxcsr %c[mxcsr](%%rbx)"
		     :
		     : "b"(from), FIELD(x87), FIELD(mxcsr));
}

static void store_vectors(volatile struct slot_registers *to, int avx)
{
	asm volatile("fstpl %c[x87](%%rbx); stmxcsr %c[mxcsr](%%rbx)"
		     :
		     : "b"(to), FIELD(x87), FIELD(mxcsr)
		     : "memory");
	if (avx)
		asm volatile(VECTORS(AVX_STORE)
			     :
			     : "b"(to), FIELD(vectors)
			     : "memory");
	else
		asm volatile(VECTORS(SSE_STORE)
			     :
			     : "b"(to), FIELD(vectors)
			     : "memory");
}

/* %gs finds the slot, and no register changes but the flags. */
void spin_with_registers(volatile struct slot *slot);
asm(".text\n"
    "spin_with_registers:\n\t"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
    "wrgsbase %rdi\n\t"
    "lea in_offset(%rdi), %rdi\n\t"
    "mov 0(%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx\n\t"
    "mov 24(%rdi), %rdx; mov 32(%rdi), %rsi; mov 48(%rdi), %rbp\n\t"
    "mov 56(%rdi), %r8; mov 64(%rdi), %r9; mov 72(%rdi), %r10\n\t"
    "mov 80(%rdi), %r11; mov 88(%rdi), %r12; mov 96(%rdi), %r13\n\t"
    "mov 104(%rdi), %r14; mov 112(%rdi), %r15\n\t"
    "mov 40(%rdi), %rdi\n"
    "1:\tincq %gs:counter_offset\n\t"
    "cmpq $0, %gs:nested_offset\n\t"
    "je 2f\n\t"
    "ud2\n"
    "2:\tcmpl $0, %gs:stop_offset\n\t"
    "je 1b\n\t"
    "push %rdi; rdgsbase %rdi\n\t"
    "lea out_offset(%rdi), %rdi\n\t"
    "mov %rax, 0(%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi)\n\t"
    "mov %rdx, 24(%rdi); mov %rsi, 32(%rdi); mov %rbp, 48(%rdi)\n\t"
    "mov %r8, 56(%rdi); mov %r9, 64(%rdi); mov %r10, 72(%rdi)\n\t"
    "mov %r11, 80(%rdi); mov %r12, 88(%rdi); mov %r13, 96(%rdi)\n\t"
    "mov %r14, 104(%rdi); mov %r15, 112(%rdi)\n\t"
    "pop 40(%rdi)\n\t"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
    "ret\n");
#define OFFSET(name, field)                                                    \
	asm volatile(".set " #name ", %c0" : : "i"(offsetof(struct slot, field)))

static void write_pkru(__u32 value)
{
	asm volatile("wrpkru" : : "a"(value), "c"(0), "d"(0) : "memory");
}

static __u32 read_pkru(void)
{
	__u32 value, zero;

	asm volatile("rdpkru" : "=a"(value), "=d"(zero) : "c"(0));
	return value;
}

static void one(volatile struct slot *slot)
{
	volatile __u64 *a = slot->args;
	__u64 first, other;

	switch (slot->operation) {
	case SLOT_CALL:
		slot->result = call(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		break;
	case SLOT_INT80:
		slot->result = call32(a[0], a[1], a[2], a[3], a[4], a[5]);
		break;
	case SLOT_SPIN:
		while (!slot->stop)
			slot->counter++;
		break;
	case SLOT_CALLS:
		first = call(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		while (!slot->stop) {
			other = call(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
			if (other != first)
				slot->errors++;
			slot->counter++;
		}
		slot->result = first;
		break;
	case SLOT_REGISTERS:
		slot->has_avx = has_avx();
		load_vectors(&slot->in, slot->has_avx);
		spin_with_registers(slot);
		store_vectors(&slot->out, slot->has_avx);
		break;
	case SLOT_READ:
		slot->result = *(volatile __u64 *)a[0];
		break;
	case SLOT_WRITE:
		*(volatile __u64 *)a[0] = a[1];
		break;
	case SLOT_FAULT:
		slot->nested = a[1];
		fault(a[0]);
		break;
	case SLOT_BASES:
		asm volatile("rdfsbase %0; rdgsbase %1"
			     : "=r"(first), "=r"(other));
		slot->result = first;
		slot->args[0] = other;
		break;
	case SLOT_SIGRETURN:
		bad_sigreturn();
		break;
	case SLOT_STEP:
		slot->result = stepped_call(a[0], a[1]);
		break;
	case SLOT_VECTORS:
		slot->has_avx = has_avx();
		load_vectors(&slot->in, slot->has_avx);
		slot->result = call(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
		store_vectors(&slot->out, slot->has_avx);
		break;
	case SLOT_PKRU:
		write_pkru(a[0]);
		while (!slot->stop)
			slot->counter++;
		slot->result = read_pkru();
		break;
	}
}

static void finish(volatile struct slot *slot, __u32 request)
{
	if (slot->fail)
		slot->fail_left = call(PICO_TEST_CALL_FAILED, 0, 0, 0, 0, 0, 0);
	slot->done = request;
}

static void serve_slot(volatile struct slot *slot)
{
	for (;;) {
		__u32 request = slot->request;

		if (request == slot->done) {
			call(PICO_TEST_CALL_SLEEP, 1, PICO_TEST_KILLABLY, 0, 0,
			     0, 0);
			continue;
		}
		if (slot->fail)
			call(PICO_TEST_CALL_FAIL, slot->fail, 0, 0, 0, 0, 0);
		one(slot);
		finish(slot, request);
	}
}

void __attribute__((used)) serve(__u64 number, __u64 si);
void serve(__u64 number, __u64 si)
{
	volatile struct slot *slot = &shared->slots[number];

	OFFSET(in_offset, in);
	OFFSET(out_offset, out);
	OFFSET(counter_offset, counter);
	OFFSET(stop_offset, stop);
	OFFSET(nested_offset, nested);
	slot->entry_si = si;
	slot->done = slot->request;
	slot->started++;
	serve_slot(slot);
}

/* The stack tells the slot; what was going on is given up. */
void __attribute__((used)) handle(__u64 ip, __u64 vector, __u64 address);
void handle(__u64 ip, __u64 vector, __u64 address)
{
	__u64 at = (__u64)__builtin_frame_address(0) - PICO_TEST_STACKS;
	volatile struct slot *slot = &shared->slots[at / PICO_TEST_STACK_SIZE];

	slot->fault[0] = ip;
	slot->fault[1] = vector;
	slot->fault[2] = address;
	slot->faults++;
	if (slot->nested) {
		slot->nested--;
		fault(slot->args[0]);
	}
	finish(slot, slot->request);
	serve_slot(slot);
}
