// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The stack that a program starts with, as Linux builds it:
 *
 *	top	eight zero bytes
 *		path of the program
 *		environment strings
 *		argument strings
 *		"x86_64", 16 random bytes
 *		auxiliary vector
 *		pointers to the environment, NULL
 *		pointers to the arguments, NULL
 *	rsp ->	number of arguments		(16-byte aligned)
 */
#include <exec.h>
#include <libos.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <mm.h>
#include <signals.h>

/* asm/auxvec.h's, which 32-bit builds lack */
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ	51
#endif

#define STACK_DEFAULT	(8UL << 20)
#define STACK_MAX	(1UL << 30)
#define STACK_ROOM	(128UL << 20)	/* for it to grow, as in Linux */
#define STACK_GUARD	(1UL << 20)	/* Linux's stack_guard_gap */
#define HUGE_PAGE	(2UL << 20)
#define CLOCK_TICKS	100
#define PLATFORM	"x86_64"
#define AUXV_MAX	24

static u32 hwcap(void)
{
	u32 a = 1, b, c, d;

	asm("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
	return d;
}

/* Where the program headers are in memory; 0: in no segment. */
static u64 headers_address(const struct elf *e)
{
	const Elf64_Phdr *p = e->segments;
	u32 i;

	for (i = 0; i < e->header.e_phnum; i++, p++) {
		if (p->p_type == PT_LOAD && p->p_offset <= e->header.e_phoff &&
		    e->header.e_phoff - p->p_offset < p->p_filesz)
			return e->bias + p->p_vaddr + e->header.e_phoff -
			       p->p_offset;
	}
	return 0;
}

static bool executable_stack(const struct elf *e)
{
	const Elf64_Phdr *p = e->segments;
	u32 i;

	for (i = 0; i < e->header.e_phnum; i++, p++) {
		if (p->p_type == PT_GNU_STACK)
			return p->p_flags & PF_X;
	}
	return false;
}

/* Accessible from @start on, whatever was there. */
static long map_accessible(u64 start, u64 end)
{
	return map_anonymous(&start, end - start, process.stack_protection,
			     AREA_STACK, true);
}

/*
 * The mapping, with a guard below that nothing else is put into, and into which
 * it grows when the limit does. A size that the sandbox may not have, as it
 * counts whether it is touched or not, becomes the usual one.
 */
static long map_stack(struct exec *x, u64 *top)
{
	u64 limit = process.limits[RLIMIT_STACK].soft;
	u64 wanted = limit > STACK_MAX ? STACK_ROOM : limit;
	u64 least = x->strings.length + strings_pointers(&x->strings) +
		    (256UL << 10);
	u64 size = PAGE_ALIGN(MAX(wanted, least)), base = 0, start, end;
	u64 room = MAX(size, STACK_ROOM), lowest;
	long r;

	process.stack_protection = PROT_READ | PROT_WRITE;
	if (executable_stack(&x->program))
		process.stack_protection |= PROT_EXEC;
	r = map_anonymous(&base, room + STACK_GUARD + HUGE_PAGE, PROT_NONE,
			  AREA_GUARD, false);
	if (r)
		return r;
	/*
	 * It ends in the middle between two boundaries of huge pages: one of these
	 * would be there as soon as the first byte was touched.
	 */
	end = base + room + STACK_GUARD + HUGE_PAGE;
	*top = ((end - HUGE_PAGE / 2) & ~(HUGE_PAGE - 1)) + HUGE_PAGE / 2;
	start = *top - size;
	r = map_accessible(start, *top);
	if (r == -ENOMEM && size > STACK_DEFAULT) {
		start = *top - PAGE_ALIGN(MAX(STACK_DEFAULT, least));
		r = map_accessible(start, *top);
	}
	if (!r && *top < end)
		r = unmap(*top, end - *top);
	lowest = *top - room - STACK_GUARD;
	if (!r && base < lowest)
		r = unmap(base, lowest - base);
	if (r)
		return r;
	process.stack_start = start;
	process.stack_end = *top;
	return 0;
}

/*
 * Not for who asks for no limit: make does, say, and each of its children would
 * count with all of it.
 */
void stack_grow(void)
{
	u64 size = process.limits[RLIMIT_STACK].soft;

	if (size <= STACK_MAX)
		mm_stack_grow((process.stack_end - size) & PAGE_MASK,
			      STACK_GUARD);
}

static u64 put_vector(u64 *auxv, const struct exec *x, u64 random, u64 platform,
		      u64 path)
{
	const struct elf *e = &x->program;
	u64 n = 0;

#define AUX(type, value) (auxv[n++] = (type), auxv[n++] = (value))
	AUX(AT_SYSINFO_EHDR, x->vdso);
	AUX(AT_MINSIGSTKSZ, frame_size());
	AUX(AT_HWCAP, hwcap());
	AUX(AT_PAGESZ, PAGE_SIZE);
	AUX(AT_CLKTCK, CLOCK_TICKS);
	AUX(AT_PHDR, headers_address(e));
	AUX(AT_PHENT, sizeof(Elf64_Phdr));
	AUX(AT_PHNUM, e->header.e_phnum);
	AUX(AT_BASE, x->interpreter.file ? x->interpreter.bias : 0);
	AUX(AT_FLAGS, 0);
	AUX(AT_ENTRY, e->bias + e->header.e_entry);
	AUX(AT_UID, process.uid);
	AUX(AT_EUID, process.euid);
	AUX(AT_GID, process.gid);
	AUX(AT_EGID, process.egid);
	AUX(AT_SECURE, 0);
	AUX(AT_RANDOM, random);
	/* Not HWCAP2_FSGSBASE: %gs is the libos's. */
	AUX(AT_HWCAP2, 0);
	AUX(AT_EXECFN, path);
	AUX(AT_PLATFORM, platform);
	AUX(AT_NULL, 0);
#undef AUX
	return n;
}

/* Write pointers to @count strings from @at on, and a NULL. */
static long put_pointers(u64 *to, u32 count, u64 *at, const char **text)
{
	u64 null = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		size_t n = strlen(*text) + 1;

		if (user_put(*at, to + i))
			return -EFAULT;
		*at += n;
		*text += n;
	}
	return user_put(null, to + count);
}

long stack_build(struct exec *x)
{
	const struct strings *s = &x->strings;
	u64 auxv[2 * AUXV_MAX], random[2], words, top, sp, at, jitter;
	u64 path, strings, platform, random_at;
	u64 argc = s->argument_count;
	const char *text = s->text;
	size_t n;
	long r;

	r = map_stack(x, &top);
	if (r)
		return r;
	DkRandomBitsRead(random, sizeof(random));
	DkRandomBitsRead(&jitter, sizeof(jitter));

	n = strlen(x->name) + 1;
	path = top - 8 - n;
	strings = path - s->length;
	sp = (strings - jitter % 8192) & ~15UL;
	platform = sp - sizeof(PLATFORM);
	random_at = platform - sizeof(random);
	words = put_vector(auxv, x, random_at, platform, path);
	sp = (random_at & ~15UL) -
	     8 * (1 + argc + 1 + s->environment_count + 1 + words);
	sp &= ~15UL;

	if (user_write((void *)path, x->name, n) ||
	    user_write((void *)strings, s->text, s->length) ||
	    user_write((void *)platform, PLATFORM, sizeof(PLATFORM)) ||
	    user_write((void *)random_at, random, sizeof(random)) ||
	    user_put(argc, (u64 *)sp))
		return -EFAULT;
	process.arg_start = at = strings;
	if (put_pointers((u64 *)sp + 1, argc, &at, &text))
		return -EFAULT;
	process.arg_end = process.env_start = at;
	if (put_pointers((u64 *)sp + 1 + argc + 1, s->environment_count, &at,
			 &text))
		return -EFAULT;
	process.env_end = at;
	process.auxv_start = sp + 8 * (1 + argc + 1 + s->environment_count + 1);
	process.auxv_size = 8 * words;
	x->stack = sp;
	return user_write((void *)process.auxv_start, auxv, 8 * words);
}
