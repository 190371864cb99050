// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tries every native system call by every instruction that makes one. The
 * outer side (boundary part of escape.c) looks whether anything happened.
 *
 * Arguments: a folder with "old", "old2" and "dir" in it, and after the name
 * of a test (see dktest.c) the pid of a process to hit.
 *
 * All pointers lie below 4 GiB, so that they mean the same to the 32-bit
 * entries.
 */
#include "dktest.h"
#include "registers.h"

#define ENOSYS	38
#define LOW	0x10000000UL

static struct low {
	char fresh[128]; /* does not exist */
	char old[128], old2[128], dir[128];
	u64 buffer[64];
	u32 iovec[8];
	u8 stack[4096];
} * low;

static u8 *code32; /* executable, below 4 GiB */
static u64 pid;

static u64 number(const char *s)
{
	u64 n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + *s++ - '0';
	return n;
}

static void prepare(void)
{
	void *base = (void *)LOW;
	u64 length = 4 * PAGE;
	const char *folder = dkt_argument(1);

	if (low)
		return;
	if (DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE | DK_MEM_COMMIT,
				 DK_PROT_READ | DK_PROT_WRITE))
		dkt_fail("no low memory");
	low = base;
	dkt_snprintf(low->fresh, 128, "%s/fresh", folder);
	dkt_snprintf(low->old, 128, "%s/old", folder);
	dkt_snprintf(low->old2, 128, "%s/old2", folder);
	dkt_snprintf(low->dir, 128, "%s/dir", folder);
	pid = number(dkt_argument(3));
	if (!pid)
		dkt_fail("no pid given");
}

#define SETS 9

/* Argument sets; between them they make most calls do something. */
static void arguments(int set, u64 *a)
{
	u64 p = (u64)low->fresh, q = (u64)low->old, r = (u64)low->old2;
	u64 b = (u64)low->buffer;

	memcpy(low->buffer, "leaked by a native call\n", 24);
	memset(a, 0, 6 * sizeof(*a));
#define SET(...) do { u64 s_[] = { __VA_ARGS__ }; memcpy(a, s_, sizeof(s_)); } while (0)
	switch (set) {
	case 0:
		SET(p, 0102, 0644, 0, 0, 0);
		break; /* open, creat, mkdir */
	case 1:
		SET(q, p, 0644, 0, 0, 0);
		break; /* link, rename */
	case 2:
		SET(q, 0, 0, 0, 0, 0);
		break; /* unlink, truncate */
	case 3:
		SET(-100, p, 0102, 0644, 0, 0);
		break; /* ...at */
	case 4:
		SET(-100, q, -100, p, 0, 0);
		break; /* renameat, linkat */
	case 5:
		SET(1, b, 24, 0, 0, 0);
		break; /* write, send */
	case 6:
		SET(pid, 9, 9, 0, 0, 0);
		break; /* kill, tkill */
	case 7:
		SET(pid, pid, 9, 0, 0, 0);
		break; /* tgkill */
	case 8:
		SET(17, 0, 0, 0, 0, 0);
		break; /* clone, fork, exit */
	}
	(void)r;
}

REGISTERS_FUNCTION(by_syscall, "syscall");
REGISTERS_FUNCTION(by_int80, "int $0x80");

static u64 attempts;

static void check(const struct registers *r, const struct registers *before,
		  const char *how, bool int80)
{
	const u64 *now = r->word, *then = before->word;

	for (int i = 1; i < 15; i++) {
		/* rcx and r11 are lost to SYSCALL; r8-r11 are not 32-bit. */
		if (int80 ? i >= 7 && i <= 10 : i == 2 || i == 10)
			continue;
		if (now[i] != then[i])
			dkt_fail("%s 0x%lx changed register %d to 0x%lx", how,
				 (unsigned long)then[0], i,
				 (unsigned long)now[i]);
	}
}

static void try_syscall(u64 nr, const u64 *a)
{
	struct registers r, before;

	for (int i = 0; i < 15; i++)
		r.word[i] = 0x100 + i;
	r.rax = nr;
	r.rdi = a[0];
	r.rsi = a[1];
	r.rdx = a[2];
	r.r10 = a[3];
	r.r8 = a[4];
	r.r9 = a[5];
	before = r;
	by_syscall(&r);
	attempts++;
	if (r.rax != -ENOSYS)
		dkt_fail("syscall 0x%lx returned 0x%lx", (unsigned long)nr,
			 (unsigned long)r.rax);
	check(&r, &before, "syscall", false);
}

static void try_int80(u64 nr, const u64 *a)
{
	struct registers r, before;

	for (int i = 0; i < 15; i++)
		r.word[i] = 0x100 + i;
	r.rax = nr;
	r.rbx = a[0];
	r.rcx = a[1];
	r.rdx = a[2];
	r.rsi = a[3];
	r.rdi = a[4];
	r.rbp = a[5];
	before = r;
	by_int80(&r);
	attempts++;
	if ((u32)r.rax != (u32)-ENOSYS ||
	    (r.rax >> 32 && r.rax >> 32 != 0xffffffff))
		dkt_fail("int $0x80 with 0x%lx returned 0x%lx",
			 (unsigned long)nr, (unsigned long)r.rax);
	check(&r, &before, "int $0x80", true);
}

static const u64 beyond[] = {
	512,
	513,
	546,
	547,
	1000,
	4096,
	0xffff,
	0x10000,
	0x0dafffff,
	0x3fffffff,
	0x7fffffff,
	0x80000000,
	0x80000001,
	0xffffffff,
	0x100000000,
	0x100000027,
	0x10000003c,
	0x1000000e7,
	0x8000000000000000,
	0x8000000000000001,
	0x8000000000000027,
	0x800000000000003c,
	0x80000000000000e7,
	0x7fffffffffffffff,
	-1ULL,
	-2ULL,
	-39ULL,
	-512ULL,
	-4095ULL,
	0xffffffff00000027,
	0xffffffff0000003c,
	0x4000000000000027,
	/* Nearly a Dk call. */
	0x10db00000,
	0x800000000db00062,
	0x4db00062,
	0xffffffff0db00062,
};

static void every_number(void (*try)(u64, const u64 *))
{
	u64 a[6];

	for (int set = 0; set < SETS; set++) {
		arguments(set, a);
		for (u64 nr = 0; nr < 512; nr++)
			try(nr, a);
		for (size_t i = 0; i < ARRAY_SIZE(beyond); i++)
			try(beyond[i], a);
		for (u64 nr = 0; nr < 600; nr++)
			try(0x40000000 | nr, a);
		for (u64 nr = 0; nr < 512; nr += 7) {
			try(1ULL << 31 | nr, a);
			try(1ULL << 32 | nr, a);
			try(1ULL << 63 | nr, a);
			try(-nr - 1, a);
		}
	}
}

TEST(syscall)
{
	prepare();
	every_number(try_syscall);
}

TEST(int80)
{
	prepare();
	every_number(try_int80);
}

/*
 * ---- 32-bit code ----
 *
 * Reached with LJMP: QEMU's TCG reads the stack of a far return in user mode
 * with the kernel's rights, which ends in an oops.
 */

static struct compat {
	u32 eax, ebx, ecx, edx, esi, edi, ebp, pad;
	u32 code; /* offset and selector, for LJMP */
	u16 selector, pad2;
	u64 stack, saved_rsp;
} compat;

void compat_call(void);
extern char compat_back[];
asm(".text\n"
    "compat_call:\n\t"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
    "mov %rsp, compat+48(%rip)\n\t"
    "mov compat+40(%rip), %rsp\n\t"
    "mov compat+0(%rip), %eax\n\t"
    "mov compat+4(%rip), %ebx\n\t"
    "mov compat+8(%rip), %ecx\n\t"
    "mov compat+12(%rip), %edx\n\t"
    "mov compat+16(%rip), %esi\n\t"
    "mov compat+20(%rip), %edi\n\t"
    "mov compat+24(%rip), %ebp\n\t"
    "ljmp *compat+32(%rip)\n"
    "compat_back:\n\t"
    "mov compat+48(%rip), %rsp\n\t"
    "mov %eax, compat+0(%rip)\n\t"
    "mov %ebx, compat+4(%rip)\n\t"
    "mov %ecx, compat+8(%rip)\n\t"
    "mov %edx, compat+12(%rip)\n\t"
    "mov %esi, compat+16(%rip)\n\t"
    "mov %edi, compat+20(%rip)\n\t"
    "mov %ebp, compat+24(%rip)\n\t"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
    "ret\n");

static u64 exceptions;
static u32 exception_eax, exception_code;

static bool return_to_64(struct dk_exception *exception,
			 struct dk_context *context)
{
	exceptions++;
	exception_eax = context->rax;
	exception_code = exception->code;
	context->rip = (u64)compat_back;
	context->cs = 0x33;
	context->ss = 0x2b;
	return true;
}

enum { CODE_INT80 = 0, CODE_SYSENTER = 64, CODE_SYSCALL = 128, CODE_64 = 192 };

static void prepare_code(void)
{
	static const u8 instructions[3][2] = {
		{ 0xcd, 0x80 },
		{ 0x0f, 0x34 },
		{ 0x0f, 0x05 },
	};
	void *base = (void *)(LOW + 16 * PAGE);
	u64 length = PAGE, back = (u64)compat_back;

	prepare();
	if (code32)
		return;
	if (DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE | DK_MEM_COMMIT,
				 DK_PROT_READ | DK_PROT_WRITE))
		dkt_fail("no low memory");
	code32 = base;
	memset(code32, 0xcc, PAGE);
	for (int i = 0; i < 3; i++) {
		u8 *c = code32 + 64 * i;
		u32 to = (u32)(u64)code32 + CODE_64;

		/* the instruction; ljmp $0x33, $code64 */
		memcpy(c, instructions[i], 2);
		c[2] = 0xea;
		memcpy(c + 3, &to, 4);
		c[7] = 0x33;
		c[8] = 0;
	}
	/* movabs $compat_back, %r11; jmp *%r11 */
	memcpy(code32 + CODE_64, "\x49\xbb", 2);
	memcpy(code32 + CODE_64 + 2, &back, 8);
	memcpy(code32 + CODE_64 + 10, "\x41\xff\xe3", 3);
	if (DkVirtualMemoryProtect(code32, PAGE,
				   DK_PROT_READ | DK_PROT_EXECUTE))
		dkt_fail("cannot make code");
}

static int way;

static void try_compat(u64 nr, const u64 *a)
{
	static const char *const names[] = { "int $0x80", "sysenter",
					     "syscall" };
	u64 faults = exceptions;

	compat = (struct compat){
		.eax = nr,
		.ebx = a[0],
		.ecx = a[1],
		.edx = a[2],
		.esi = a[3],
		.edi = a[4],
		.ebp = (u64)(low->stack + 2048),
		.code = (u64)code32 + way,
		.selector = 0x23,
		.stack = (u64)(low->stack + 2048),
	};
	/* SYSCALL takes its second argument in ebp, its sixth on the stack. */
	if (way == CODE_SYSCALL)
		compat.ebp = a[1];
	compat_call();
	attempts++;
	if (exceptions != faults) {
		if (way == CODE_INT80)
			dkt_fail("int $0x80 faulted");
		/*
		 * No vDSO to return to: the fault comes behind the call, with
		 * its result, or instead of it.
		 */
		if (exception_eax != (u32)-ENOSYS && exception_eax != (u32)nr)
			dkt_fail("32-bit %s 0x%lx: eax is 0x%x",
				 names[way / 64], (unsigned long)nr,
				 exception_eax);
		return;
	}
	if (compat.eax != (u32)-ENOSYS)
		dkt_fail("32-bit %s 0x%lx returned 0x%x", names[way / 64],
			 (unsigned long)nr, compat.eax);
}

static void compat_way(int which)
{
	prepare_code();
	dkt_exception = return_to_64;
	way = which;
	every_number(try_compat);
	dkt_print("# %lu exceptions\n", (unsigned long)exceptions);
}

TEST(compat_int80)
{
	compat_way(CODE_INT80);
}
TEST(compat_sysenter)
{
	compat_way(CODE_SYSENTER);
}

/*
 * An Intel processor does not have it: #UD. QEMU's goes to the address 0 that
 * the kernel then leaves in the register for it.
 */
TEST(compat_syscall)
{
	u32 a = 0, b, c, d;

	asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	if (b == 0x756e6547) {
		dkt_skip("not on this processor");
		return;
	}
	compat_way(CODE_SYSCALL);
}

/* ---- SYSENTER from 64-bit code ---- */

static u64 resume_sp __attribute__((used));
void sysenter64(u64 nr, const u64 *a);
extern char sysenter64_back[];
asm(".text\n"
    "sysenter64:\n\t"
    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
    "mov %rsp, resume_sp(%rip)\n\t"
    "mov %rdi, %rax\n\t"
    "mov %rsi, %r11\n\t"
    "mov low(%rip), %rbp\n\t"
    "add $3072, %rbp\n\t"
    "mov 0(%r11), %rbx; mov 8(%r11), %rcx; mov 16(%r11), %rdx\n\t"
    "mov 24(%r11), %rsi; mov 32(%r11), %rdi\n\t"
    "sysenter\n"
    "sysenter64_back:\n\t"
    "mov resume_sp(%rip), %rsp\n\t"
    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
    "ret\n");

static bool after_sysenter(struct dk_exception *exception,
			   struct dk_context *context)
{
	exceptions++;
	exception_eax = context->rax;
	context->rip = (u64)sysenter64_back;
	context->cs = 0x33;
	context->ss = 0x2b;
	return true;
}

static void try_sysenter(u64 nr, const u64 *a)
{
	u64 faults = exceptions;

	exception_eax = -ENOSYS;
	sysenter64(nr, a);
	attempts++;
	if (exceptions == faults)
		dkt_fail("sysenter 0x%lx came back", (unsigned long)nr);
	else if (exception_eax != (u32)-ENOSYS && exception_eax != (u32)nr)
		dkt_fail("sysenter 0x%lx: eax is 0x%x", (unsigned long)nr,
			 exception_eax);
}

TEST(sysenter)
{
	prepare();
	dkt_exception = after_sysenter;
	every_number(try_sysenter);
}

/* ---- vsyscall ---- */

static u64 vsyscall_address, vsyscall_back;
static struct dk_exception vsyscall_exception;
static u64 vsyscall_rip;

static bool after_vsyscall(struct dk_exception *exception,
			   struct dk_context *context)
{
	exceptions++;
	vsyscall_exception = *exception;
	vsyscall_rip = context->rip;
	context->rip = vsyscall_back;
	return true;
}

TEST(vsyscall)
{
	prepare();
	dkt_exception = after_vsyscall;
	for (u64 offset = 0; offset < 0xc00; offset += 0x400) {
		u64 faults = exceptions, result;

		low->buffer[0] = low->buffer[1] = POISON;
		vsyscall_address = 0xffffffffff600000 + offset;
		/* As a call, so that an emulated return would go on here. */
		asm volatile(
			"mov %%rsp, %%r12\n\t"
			"lea 1f(%%rip), %%rax; mov %%rax, %1\n\t"
			"mov $0x7777, %%eax\n\t"
			"mov %2, %%rdi; lea 8(%%rdi), %%rsi; xor %%edx, %%edx\n\t"
			"call *%3\n"
			"1: mov %%r12, %%rsp"
			: "=&a"(result), "=m"(vsyscall_back)
			: "r"(low->buffer), "m"(vsyscall_address)
			: "r12", "rdi", "rsi", "rdx", "rcx", "r11", "memory");
		attempts++;
		EXPECT_EQ(exceptions, faults + 1);
		EXPECT_EQ(result, 0x7777);
		EXPECT_EQ(low->buffer[0], POISON);
		EXPECT_EQ(low->buffer[1], POISON);
		EXPECT_EQ(vsyscall_exception.code,
			  DK_EXCEPTION_ACCESS_VIOLATION);
		EXPECT_EQ(vsyscall_rip, vsyscall_address);
		/* No memory of ours to the host either. */
		EXPECT_STATUS(DkRandomBitsRead((void *)vsyscall_address, 8),
			      INVALID_POINTER);
	}
}

/* ---- a new thread, from its first instruction on ---- */

static volatile u64 thread_result, thread_done;
asm(".text\n"
    "raw_start:\n\t"
    "mov %esi, %eax; mov $0102, %esi; mov $0644, %edx; syscall\n\t"
    "mov %rax, thread_result(%rip)\n\t"
    "movl $1, thread_done(%rip)\n\t"
    "and $-16, %rsp; call DkThreadExit; ud2\n"
    "raw_start_int80:\n\t"
    "mov %esi, %eax; mov %rdi, %rbx; mov $0102, %ecx; mov $0644, %edx\n\t"
    "int $0x80\n\t"
    "cltq\n\t"
    "mov %rax, thread_result(%rip)\n\t"
    "movl $1, thread_done(%rip)\n\t"
    "and $-16, %rsp; call DkThreadExit; ud2\n");
extern char raw_start[], raw_start_int80[];

static void run_thread(void *entry, u64 start, u64 nr, void *stack)
{
	DK_HANDLE thread = 0;

	thread_done = 0;
	thread_result = POISON;
	if (DkxUpcallRegister(entry, dkt_exception_entry) ||
	    DkThreadCreate((void *)start, nr, stack, 4 * PAGE, &thread))
		dkt_fail("no thread");
	if (!dkt_wait(thread))
		dkt_fail("it does not end");
	DkObjectClose(thread);
	attempts++;
	if (!thread_done || thread_result != -ENOSYS)
		dkt_fail("call %lu of a new thread: 0x%lx", (unsigned long)nr,
			 (unsigned long)thread_result);
}

TEST(a_new_thread)
{
	static const u32 numbers[] = { 0,  1,  2,  5,  8,   10,	 12,  20,
				       37, 39, 41, 56, 57,  58,	 59,  60,
				       62, 83, 85, 87, 200, 231, 252, 257 };
	void *stack;

	prepare();
	stack = dkt_pages(4);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		run_thread(raw_start, (u64)low->fresh, numbers[i], stack);
		run_thread(raw_start_int80, (u64)low->fresh, numbers[i], stack);
		run_thread(raw_start, pid, numbers[i], stack);
	}
	DkxUpcallRegister(dkt_thread_entry, dkt_exception_entry);
}

static void on_thread(u64 parameter)
{
	every_number(try_syscall);
	every_number(try_int80);
}

TEST(on_a_second_thread)
{
	DK_HANDLE thread;
	u64 index;

	prepare();
	thread = dkt_thread(on_thread, 0);
	EXPECT_OK(DkObjectsWaitAny(1, &thread, 120 * SEC, &index));
	DkObjectClose(thread);
}

static bool try_in_handler(struct dk_exception *exception,
			   struct dk_context *context)
{
	u64 a[6];

	arguments(0, a);
	for (u64 nr = 0; nr < 512; nr++) {
		try_syscall(nr, a);
		try_int80(nr, a);
	}
	context->rip += 2;
	return true;
}

TEST(in_an_exception_handler)
{
	prepare();
	dkt_exception = try_in_handler;
	asm volatile("ud2" : : : "memory");
}

TEST(how_many)
{
	dkt_print("# %lu attempts\n", (unsigned long)attempts);
	EXPECT_GE(attempts, 50000);
}
