// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions: what the upcall is told, where it runs, how it goes on. */
#include "dktest.h"
#include "registers.h"

#define SIGILL	4
#define SIGTRAP	5
#define SIGBUS	7
#define SIGFPE	8
#define SIGSEGV	11

#define FLAG_TF	0x100
#define FLAG_DF	0x400
#define FLAG_AC	0x40000

static struct dk_exception seen;
static struct dk_context where;
static volatile u64 count, handler_sp, handler_flags;
static u64 resume_at;

static bool note(struct dk_exception *exception, struct dk_context *context)
{
	u64 flags;

	asm volatile("pushf; pop %0" : "=r"(flags));
	handler_flags = flags;
	handler_sp = (u64)__builtin_frame_address(0);
	seen = *exception;
	where = *context;
	count++;
	return true;
}

/* Notes it and goes on at @resume_at. */
static bool skip(struct dk_exception *exception, struct dk_context *context)
{
	note(exception, context);
	context->rip = resume_at;
	return true;
}

#define FAULT(name, instruction)					\
	REGISTERS_FUNCTION(name, instruction);				\
	static void do_##name(struct registers *r)			\
	{								\
		count = 0;						\
		memset(&seen, 0xee, sizeof(seen));			\
		resume_at = (u64)name##_end;				\
		dkt_exception = skip;					\
		name(r);						\
		dkt_exception = NULL;					\
	}

FAULT(load, "mov (%rax), %rbx")
FAULT(store, "mov %rbx, (%rax)")
FAULT(divide, "div %ebx")
FAULT(illegal, "ud2")
FAULT(breakpoint, "int3")
FAULT(privileged, "hlt")
FAULT(jump, "jmp *%rax")
FAULT(cli, "cli")

static void *nowhere(void)
{
	void *p = dkt_pages(1);

	DkVirtualMemoryFree(p, PAGE, DK_MEM_RELEASE);
	return p;
}

static void expect(u32 code, u32 trap, u64 error_code, u64 address, u32 signal,
		   s64 signal_code, void *rip)
{
	EXPECT_EQ(count, 1);
	EXPECT_EQ(seen.code, code);
	EXPECT_EQ(seen.trap, trap);
	EXPECT_EQ(seen.error_code, error_code);
	EXPECT_EQ(seen.address, address);
	EXPECT_EQ(seen.signal, signal);
	EXPECT_EQ(seen.signal_code, signal_code);
	EXPECT_EQ(where.rip, rip);
	EXPECT_EQ(seen.parameter, 0);
}

TEST(read_of_nothing)
{
	struct registers r = { .rax = (u64)nowhere() + 0x123 };

	do_load(&r);
	expect(DK_EXCEPTION_ACCESS_VIOLATION, 14, 4, r.rax, SIGSEGV, 1,
	       load_at);
}

TEST(write_to_nothing)
{
	struct registers r = { .rax = (u64)nowhere() + 0x456 };

	do_store(&r);
	expect(DK_EXCEPTION_ACCESS_VIOLATION, 14, 6, r.rax, SIGSEGV, 1,
	       store_at);
}

TEST(write_to_read_only)
{
	struct registers r = { .rax = (u64)dkt_pages(1) };

	*(volatile u64 *)r.rax = 1;
	DkVirtualMemoryProtect((void *)r.rax, PAGE, DK_PROT_READ);
	do_store(&r);
	expect(DK_EXCEPTION_ACCESS_VIOLATION, 14, 7, r.rax, SIGSEGV, 2,
	       store_at);
}

TEST(null_pointer)
{
	struct registers r = { .rax = 8 };

	do_load(&r);
	expect(DK_EXCEPTION_ACCESS_VIOLATION, 14, 4, 8, SIGSEGV, 1, load_at);
}

TEST(execution_of_data)
{
	struct registers r = { .rax = (u64)dkt_pages(1) };

	*(volatile u64 *)r.rax = 0xc3;
	do_jump(&r);
	EXPECT_EQ(count, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_ACCESS_VIOLATION);
	EXPECT_EQ(seen.trap, 14);
	EXPECT_EQ(seen.error_code & 0x14, 0x14);
	EXPECT_EQ(seen.address, r.rax);
	EXPECT_EQ(where.rip, r.rax);
}

TEST(kernel_memory)
{
	static const u64 addresses[] = {
		0xffff888000000000,
		0xffffffff81000000,
		0xfffffffffffff000,
	};

	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct registers r = { .rax = addresses[i] };

		do_load(&r);
		EXPECT_EQ(count, 1);
		EXPECT_EQ(seen.code, DK_EXCEPTION_ACCESS_VIOLATION);
		EXPECT_EQ(seen.trap, 14);
		EXPECT_EQ(seen.address, addresses[i]);
		/* Not told whether something is there. */
		EXPECT_EQ(seen.error_code & 4, 4);
		EXPECT_EQ(where.rip, load_at);
	}
}

TEST(not_canonical)
{
	struct registers r = { .rax = 0x8000000000000000 };

	do_load(&r);
	EXPECT_EQ(count, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_PROTECTION);
	EXPECT_EQ(seen.trap, 13);
	EXPECT_EQ(seen.error_code, 0);
	EXPECT_EQ(seen.signal, SIGSEGV);
	EXPECT_EQ(where.rip, load_at);
}

TEST(privileged_instructions)
{
	struct registers r = { 0 };

	do_privileged(&r);
	EXPECT_EQ(seen.code, DK_EXCEPTION_PROTECTION);
	EXPECT_EQ(seen.trap, 13);
	EXPECT_EQ(where.rip, privileged_at);
	do_cli(&r);
	EXPECT_EQ(seen.code, DK_EXCEPTION_PROTECTION);
	EXPECT_EQ(where.rip, cli_at);
}

TEST(divide_by_zero)
{
	struct registers r = { .rax = 1 };

	do_divide(&r);
	expect(DK_EXCEPTION_DIVIDE, 0, 0, (u64)divide_at, SIGFPE, 1, divide_at);
}

TEST(illegal_instruction)
{
	struct registers r = { 0 };

	do_illegal(&r);
	expect(DK_EXCEPTION_ILLEGAL_INSTRUCTION, 6, 0, (u64)illegal_at, SIGILL,
	       2, illegal_at);
}

TEST(int3)
{
	struct registers r = { 0 };

	do_breakpoint(&r);
	EXPECT_EQ(count, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_BREAKPOINT);
	EXPECT_EQ(seen.trap, 3);
	EXPECT_EQ(seen.signal, SIGTRAP);
	/* As everywhere on x86: behind the instruction. */
	EXPECT_EQ(where.rip, breakpoint_end);
}

static u64 steps[16];

static bool step(struct dk_exception *exception, struct dk_context *context)
{
	note(exception, context);
	if (count <= ARRAY_SIZE(steps))
		steps[count - 1] = context->rip;
	return true;
}

TEST(single_step)
{
	extern char step_1[], step_2[], step_3[], step_4[];
	u64 x = 0;

	count = 0;
	dkt_exception = step;
	asm volatile("pushf\n\t"
		     "orl %1, (%%rsp)\n\t"
		     "popf\n\t"
		     "inc %0\n"
		     ".globl step_1, step_2, step_3, step_4\n\t"
		     ".hidden step_1, step_2, step_3, step_4\n"
		     "step_1: inc %0\n"
		     "step_2: pushf\n"
		     "step_3: andl %2, (%%rsp)\n"
		     "step_4: popf\n\t"
		     : "+r"(x)
		     : "i"(FLAG_TF), "i"(~FLAG_TF)
		     : "memory", "cc");
	dkt_exception = NULL;
	EXPECT_EQ(x, 2);
	/* The trap comes behind each instruction but the first popf. */
	EXPECT_TRUE(count == 4 || count == 5);
	EXPECT_EQ(seen.code, DK_EXCEPTION_SINGLE_STEP);
	EXPECT_EQ(seen.trap, 1);
	EXPECT_EQ(seen.signal, SIGTRAP);
	EXPECT_EQ(steps[0], step_1);
	EXPECT_EQ(steps[1], step_2);
	EXPECT_EQ(steps[2], step_3);
	EXPECT_EQ(steps[3], step_4);
}

TEST(bus_error)
{
	struct registers r = { 0 };
	DK_HANDLE h;
	void *base = NULL;
	char uri[160];

	dkt_snprintf(uri, sizeof(uri), "file:%s/rw/bus", dkt_argument(1));
	h = dkt_open(uri, DK_ACCESS_READ | DK_ACCESS_WRITE, DK_OPEN_CREATE,
		     DK_OPTION_MODE(0644));
	EXPECT_OK(DkStreamSetLength(h, PAGE));
	ASSERT_OK(DkStreamMap(h, &base, 2 * PAGE, 0, DK_PROT_READ,
			      DK_MAP_SHARED));
	r.rax = (u64)base + PAGE;
	do_load(&r);
	EXPECT_EQ(count, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_BUS_ERROR);
	EXPECT_EQ(seen.trap, 14);
	EXPECT_EQ(seen.address, r.rax);
	EXPECT_EQ(seen.signal, SIGBUS);
	EXPECT_EQ(seen.signal_code, 2);
	EXPECT_EQ(where.rip, load_at);
	r.rax = (u64)base;
	do_load(&r);
	EXPECT_EQ(count, 0);
	EXPECT_OK(DkStreamUnmap(base, 2 * PAGE));
	DkObjectClose(h);
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
}

/* x87: QEMU's TCG does not trap on SSE's exceptions. */
TEST(floating_point)
{
	u16 unmasked = 0x37f & ~4, normal = 0x37f;
	float zero = 0;

	count = 0;
	dkt_exception = skip;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0\n\t"
		     "fldcw %1; fld1; fdivs %3; fwait\n"
		     "1: fninit; fldcw %2"
		     : "=m"(resume_at)
		     : "m"(unmasked), "m"(normal), "m"(zero)
		     : "rax", "memory");
	dkt_exception = NULL;
	EXPECT_EQ(count, 1);
	EXPECT_EQ(seen.code, DK_EXCEPTION_FLOATING_POINT);
	EXPECT_EQ(seen.trap, 16);
	EXPECT_EQ(seen.signal, SIGFPE);
	EXPECT_EQ(seen.signal_code, 3);
}

TEST(alignment)
{
	u64 two[2] = { 0 };

	count = 0;
	dkt_exception = skip;
	asm volatile("lea 1f(%%rip), %%rcx; mov %%rcx, %0\n\t"
		     "pushf; orl %2, (%%rsp); popf\n\t"
		     "mov (%1), %%rcx\n"
		     "1: pushf; andl %3, (%%rsp); popf"
		     : "=m"(resume_at)
		     : "r"((char *)two + 1), "i"(FLAG_AC), "i"(~FLAG_AC)
		     : "rcx", "memory", "cc");
	dkt_exception = NULL;
	if (!count) {
		dkt_skip("this processor does not check alignment");
		return;
	}
	EXPECT_EQ(seen.code, DK_EXCEPTION_ALIGNMENT);
	EXPECT_EQ(seen.trap, 17);
	EXPECT_EQ(seen.signal, SIGBUS);
}

TEST(every_register_is_in_the_context)
{
	struct registers r, before;

	for (int i = 0; i < 15; i++)
		r.word[i] = 0x0123456789abcdefULL * (i + 3);
	before = r;
	do_illegal(&r);
	EXPECT_EQ(where.rax, before.rax);
	EXPECT_EQ(where.rbx, before.rbx);
	EXPECT_EQ(where.rcx, before.rcx);
	EXPECT_EQ(where.rdx, before.rdx);
	EXPECT_EQ(where.rsi, before.rsi);
	EXPECT_EQ(where.rdi, before.rdi);
	EXPECT_EQ(where.rbp, before.rbp);
	EXPECT_EQ(where.r8, before.r8);
	EXPECT_EQ(where.r9, before.r9);
	EXPECT_EQ(where.r10, before.r10);
	EXPECT_EQ(where.r11, before.r11);
	EXPECT_EQ(where.r12, before.r12);
	EXPECT_EQ(where.r13, before.r13);
	EXPECT_EQ(where.r14, before.r14);
	EXPECT_EQ(where.r15, before.r15);
	EXPECT_EQ(where.cs, 0x33);
	EXPECT_EQ(where.ss, 0x2b);
	/* And all of them come back, rcx and r11 too. */
	for (int i = 0; i < 15; i++)
		if (r.word[i] != before.word[i])
			dkt_fail("register %d is 0x%lx", i,
				 (unsigned long)r.word[i]);
}

static bool change_all(struct dk_exception *exception,
		       struct dk_context *context)
{
	u64 *first = &context->r15;

	for (int i = 0; i < 15; i++)
		first[i] = 0x7000 + i;
	context->rip = resume_at;
	context->rflags ^= 1; /* carry */
	return true;
}

TEST(changed_registers_take_effect)
{
	struct registers r = { 0 };

	resume_at = (u64)illegal_end;
	dkt_exception = change_all;
	illegal(&r);
	dkt_exception = NULL;
	EXPECT_EQ(r.r15, 0x7000);
	EXPECT_EQ(r.r14, 0x7001);
	EXPECT_EQ(r.r13, 0x7002);
	EXPECT_EQ(r.r12, 0x7003);
	EXPECT_EQ(r.r11, 0x7004);
	EXPECT_EQ(r.r10, 0x7005);
	EXPECT_EQ(r.r9, 0x7006);
	EXPECT_EQ(r.r8, 0x7007);
	EXPECT_EQ(r.rdi, 0x7008);
	EXPECT_EQ(r.rsi, 0x7009);
	EXPECT_EQ(r.rbp, 0x700a);
	EXPECT_EQ(r.rbx, 0x700b);
	EXPECT_EQ(r.rdx, 0x700c);
	EXPECT_EQ(r.rcx, 0x700d);
	EXPECT_EQ(r.rax, 0x700e);
	EXPECT_EQ((r.flags ^ where.rflags) & 1, 1);
}

REGISTERS_FUNCTION(backward, "std; ud2; nop; nop");

TEST(direction_flag)
{
	struct registers r = { 0 };
	u64 flags;

	count = 0;
	resume_at = (u64)backward_end - 1;
	dkt_exception = skip;
	asm volatile("mov %1, %%rdi; call *%2; pushf; pop %0; cld"
		     : "=&r"(flags)
		     : "r"(&r), "r"((void *)backward)
		     : "rdi", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10",
		       "r11", "memory", "cc");
	dkt_exception = NULL;
	EXPECT_EQ(count, 1);
	/* Clear for the handler, as any C function expects; kept for us. */
	EXPECT_EQ(handler_flags & FLAG_DF, 0);
	EXPECT_EQ(where.rflags & FLAG_DF, FLAG_DF);
	EXPECT_EQ(flags & FLAG_DF, FLAG_DF);
}

static bool nested(struct dk_exception *exception, struct dk_context *context)
{
	struct registers r = { .rax = 8 };
	u64 mine = context->rbx;

	count++;
	if (count < 20) {
		resume_at = (u64)load_end;
		r.rbx = count;
		load(&r);
	}
	if (context->rbx != mine)
		dkt_fail("the outer context was overwritten");
	context->rip = context->rip == (u64)load_at ? (u64)load_end :
						      (u64)illegal_end;
	return true;
}

TEST(nested_exceptions)
{
	struct registers r = { .rbx = 0x1234 };

	count = 0;
	dkt_exception = nested;
	illegal(&r);
	dkt_exception = NULL;
	EXPECT_EQ(count, 20);
	EXPECT_EQ(r.rbx, 0x1234);
}

static u64 red_zone(void)
{
	u64 bad = 0;

	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %1\n\t"
		     "mov $1, %%ecx\n"
		     "2: mov %%rcx, %%rax; neg %%rax\n\t"
		     "mov %%rcx, (%%rsp, %%rax, 8)\n\t"
		     "inc %%ecx; cmp $16, %%ecx; jbe 2b\n\t"
		     "ud2\n"
		     "1: mov $1, %%ecx\n"
		     "3: mov %%rcx, %%rax; neg %%rax\n\t"
		     "cmp %%rcx, (%%rsp, %%rax, 8); je 4f\n\t"
		     "inc %0\n"
		     "4: inc %%ecx; cmp $16, %%ecx; jbe 3b"
		     : "+r"(bad), "=m"(resume_at)
		     :
		     : "rax", "rcx", "memory", "cc");
	return bad;
}

TEST(the_red_zone_is_kept)
{
	count = 0;
	dkt_exception = skip;
	EXPECT_EQ(red_zone(), 0);
	dkt_exception = NULL;
	EXPECT_EQ(count, 1);
}

TEST(vector_registers_are_kept)
{
	u64 in[4] = { 1, 2, 3, 4 }, out[4];

	count = 0;
	dkt_exception = skip;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0\n\t"
		     "movdqu %2, %%xmm3; movdqu %3, %%xmm14\n\t"
		     "ud2\n"
		     "1: movdqu %%xmm3, %1; movdqu %%xmm14, %4"
		     : "=m"(resume_at), "=m"(*(u64(*)[2]) & out[0])
		     : "m"(*(u64(*)[2]) & in[0]), "m"(*(u64(*)[2]) & in[2]),
		       "m"(*(u64(*)[2]) & out[2])
		     : "rax", "memory");
	dkt_exception = NULL;
	EXPECT_EQ(count, 1);
	EXPECT_EQ(memcmp(in, out, sizeof(in)), 0);
}

static struct dk_thread_block block;

static bool on_own_stack(struct dk_exception *exception,
			 struct dk_context *context)
{
	struct registers r = { .rax = 8 };
	u64 sp = (u64)__builtin_frame_address(0);

	if (sp < block.exception_stack_base ||
	    sp >= block.exception_stack_base + block.exception_stack_size)
		dkt_fail("the handler runs at 0x%lx, not on its stack",
			 (unsigned long)sp);
	count++;
	if (count == 1) {
		/* Already there: the next one goes below. */
		handler_sp = sp;
		load(&r);
		if (r.rax != 8)
			dkt_fail("rax changed");
		context->rip = (u64)illegal_end;
	} else {
		if (sp >= handler_sp)
			dkt_fail("the nested one runs over the first");
		context->rip = (u64)load_end;
	}
	return true;
}

TEST(exception_stack)
{
	struct registers r = { .rbx = 5 };
	static char code;

	memset(&block, 0, sizeof(block));
	block.exception_stack_base = (u64)dkt_pages(8);
	block.exception_stack_size = 8 * PAGE;
	/* No libos: the entry is never entered here. */
	ASSERT_OK(DkxSystemCallRegister(&code, &block));
	for (int i = 0; i < 3; i++) {
		count = 0;
		dkt_exception = on_own_stack;
		illegal(&r);
		dkt_exception = NULL;
		EXPECT_EQ(count, 2);
	}
	/* A stack pointer that is no stack is no obstacle then. */
	count = 0;
	dkt_exception = skip;
	asm volatile("lea 1f(%%rip), %%rax; mov %%rax, %0\n\t"
		     "mov %%rsp, %%rbx; mov $8, %%esp; ud2\n"
		     "1: mov %%rbx, %%rsp"
		     : "=m"(resume_at)
		     :
		     : "rax", "rbx", "memory");
	dkt_exception = NULL;
	EXPECT_EQ(count, 1);
	EXPECT_EQ(where.rsp, 8);
	/* From the block, each time: 0 is below the stack pointer again. */
	block.exception_stack_size = 0;
	block.exception_stack_base = 0;
	do_illegal(&r);
	EXPECT_EQ(count, 1);
	EXPECT_LT(handler_sp, (u64)&r);
	EXPECT_GE(handler_sp, (u64)&r - 65536);
}

static void fault_on_thread(u64 parameter)
{
	for (u64 i = 0; i < 200; i++) {
		struct registers r = { .rax = 8, .rbx = parameter + i };

		load(&r);
		if (r.rbx != parameter + i || r.rax != 8)
			dkt_fail("registers changed");
	}
}

static bool skip_load(struct dk_exception *exception,
		      struct dk_context *context)
{
	__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
	context->rip = (u64)load_end;
	return true;
}

TEST(exceptions_of_several_threads)
{
	DK_HANDLE threads[4];

	count = 0;
	dkt_exception = skip_load;
	for (u64 i = 0; i < 4; i++)
		threads[i] = dkt_thread(fault_on_thread, i * 1000);
	for (int i = 0; i < 4; i++) {
		EXPECT_TRUE(dkt_wait(threads[i]));
		DkObjectClose(threads[i]);
	}
	dkt_exception = NULL;
	EXPECT_EQ(count, 800);
}

static DK_HANDLE event;

static bool call_from_handler(struct dk_exception *exception,
			      struct dk_context *context)
{
	u64 index = POISON;
	s64 remaining;

	note(exception, context);
	EXPECT_OK(DkThreadDelayExecution(MSEC, &remaining));
	EXPECT_STATUS(DkObjectsWaitAny(1, &event, MSEC, &index), TIMEOUT);
	context->rip = resume_at;
	return true;
}

TEST(calls_from_the_handler)
{
	struct registers r = { 0 };

	ASSERT_OK(DkNotificationEventCreate(0, &event));
	resume_at = (u64)illegal_end;
	dkt_exception = call_from_handler;
	illegal(&r);
	dkt_exception = NULL;
	EXPECT_OK(DkObjectClose(event));
}

/* A fault of the host on our behalf is a status, not an exception. */
TEST(no_exception_from_a_call)
{
	u64 done;

	count = 0;
	dkt_exception = note;
	EXPECT_STATUS(DkRandomBitsRead((void *)8, 8), INVALID_POINTER);
	EXPECT_STATUS(DkThreadGetParameter((void *)0xffff888000000000),
		      INVALID_POINTER);
	/* Past libpal, which looks at the handles itself. */
	EXPECT_EQ(dkt_raw(DK_INDEX_DkObjectsWaitAny, 1, 8, 0, (u64)&done, 0, 0),
		  DK_STATUS_INVALID_POINTER);
	dkt_exception = NULL;
	EXPECT_EQ(count, 0);
}

/* ---- the program's own system calls ---- */

static u64 entered[8];
asm(".text\n"
    "entry:\n\t"
    "mov %rax, entered(%rip)\n\t"
    "mov %rdi, entered+8(%rip)\n\t"
    "mov %rsp, entered+16(%rip)\n\t"
    "mov %r9, entered+24(%rip)\n\t"
    "incq entered+32(%rip)\n\t"
    "mov $0x600d, %eax\n\t"
    "jmp *block(%rip)\n");
extern char entry[];

REGISTERS_FUNCTION(program_syscall, "syscall");
REGISTERS_FUNCTION(program_int80, "int $0x80");

TEST(system_calls_are_redirected)
{
	static const u64 numbers[] = { 0,     1,	  39,	     57,
				       60,    231,	  511,	     0x40000000,
				       ~0ULL, 1ULL << 31, 1ULL << 63 };
	struct registers r, before;

	memset(&block, 0, sizeof(block));
	ASSERT_OK(DkxSystemCallRegister(entry, &block));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		memset(entered, 0, sizeof(entered));
		for (int k = 0; k < 15; k++)
			r.word[k] = 0x1111111111111111ULL * (k + 1);
		r.rax = numbers[i];
		before = r;
		program_syscall(&r);
		EXPECT_EQ(entered[0], numbers[i]);
		EXPECT_EQ(entered[1], before.rdi);
		EXPECT_EQ(entered[3], before.r9);
		EXPECT_EQ(entered[4], 1);
		EXPECT_EQ(block.return_address, (u64)program_syscall_end);
		EXPECT_EQ(r.rax, 0x600d);
		before.rax = r.rax;
		before.rcx = r.rcx;
		before.r11 = r.r11;
		for (int k = 0; k < 15; k++)
			if (r.word[k] != before.word[k])
				dkt_fail("register %d is 0x%lx", k,
					 (unsigned long)r.word[k]);
	}
	/* Dk calls are not. */
	EXPECT_OK(DkThreadYieldExecution());
	EXPECT_EQ(entered[4], 1);
	/* 32-bit entries neither. */
	memset(&r, 0, sizeof(r));
	r.rax = 20;
	program_int80(&r);
	EXPECT_EQ((u32)r.rax, (u32)-38);
	EXPECT_EQ(entered[4], 1);
}

static void own_block(u64 parameter)
{
	struct registers r = { .rax = 39 };

	/* A new thread has none. */
	program_syscall(&r);
	EXPECT_EQ(r.rax, -38);
}

TEST(redirection_is_per_thread)
{
	DK_HANDLE thread = dkt_thread(own_block, 0);

	EXPECT_TRUE(dkt_wait(thread));
	DkObjectClose(thread);
}
