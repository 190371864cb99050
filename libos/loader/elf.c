// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * ELF files: checking and mapping.
 */
#include <exec.h>
#include <layout.h>
#include <libos.h>
#include <linux/mman.h>
#include <mm.h>

#define SEGMENTS_SIZE_MAX	65536	/* as Linux */

static long refuse(const char **why, const char *text)
{
	*why = text;
	return -ENOEXEC;
}

/* Addresses of PT_LOAD rise, do not overlap, and are pages of the file. */
static long check_segments(struct elf *e, const char **why)
{
	u64 last = 0, mask = PAGE_SIZE - 1;
	bool any = false;
	u32 i;

	for (i = 0; i < e->header.e_phnum; i++) {
		const Elf64_Phdr *p = &e->segments[i];

		if (p->p_type != PT_LOAD)
			continue;
		if (p->p_filesz > p->p_memsz ||
		    p->p_vaddr + p->p_memsz < p->p_vaddr ||
		    p->p_vaddr + p->p_memsz > layout.limit ||
		    p->p_offset + p->p_filesz < p->p_offset)
			return refuse(why, "a segment's size is wrong");
		if ((p->p_vaddr & mask) != (p->p_offset & mask))
			return refuse(why, "a segment is not page-aligned");
		if (any && p->p_vaddr < last)
			return refuse(why,
				      "segments overlap or are not in order");
		if (!any)
			e->start = p->p_vaddr & PAGE_MASK;
		any = true;
		last = p->p_vaddr + p->p_memsz;
		e->end = PAGE_ALIGN(last);
	}
	if (!any || e->end <= e->start)
		return refuse(why, "there is nothing to load");
	return 0;
}

long elf_read(struct elf *e, struct file *file, const char **why)
{
	Elf64_Ehdr *h = &e->header;
	size_t size;
	ssize_t n;

	n = fs_exec_read(file, 0, h, sizeof(*h));
	if (n < 0)
		return n;
	if (n < SELFMAG || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return refuse(why, "not an ELF file");
	if (n < (ssize_t)sizeof(*h))
		return refuse(why, "the file is cut off");
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_machine != EM_X86_64)
		return refuse(why, "not for x86-64");
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return refuse(why, "not a program");
	if (h->e_phentsize != sizeof(Elf64_Phdr))
		return refuse(why, "unknown program headers");
	size = h->e_phnum * sizeof(Elf64_Phdr);
	if (!size || size > SEGMENTS_SIZE_MAX)
		return refuse(why, "no program headers, or too many");
	e->segments = mem_alloc(size);
	if (!e->segments)
		return -ENOMEM;
	n = fs_exec_read(file, h->e_phoff, e->segments, size);
	if (n < 0)
		return n;
	if (n != (ssize_t)size)
		return refuse(why, "the file is cut off");
	return check_segments(e, why);
}

void elf_close(struct elf *e)
{
	if (e->file)
		fs_put(e->file);
	mem_free(e->segments);
	e->file = NULL;
	e->segments = NULL;
}

long elf_interpreter(struct elf *e, char *to, size_t size)
{
	const Elf64_Phdr *p = e->segments;
	ssize_t n;
	u32 i;

	for (i = 0; i < e->header.e_phnum; i++, p++) {
		if (p->p_type != PT_INTERP)
			continue;
		if (p->p_filesz < 2 || p->p_filesz > size)
			return -ENOEXEC;
		n = fs_exec_read(e->file, p->p_offset, to, p->p_filesz);
		if (n < 0)
			return n;
		if (n != (ssize_t)p->p_filesz || to[n - 1])
			return -ENOEXEC;
		return 1;
	}
	return 0;
}

static u32 protection_of(const Elf64_Phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) |
	       (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/*
 * The part from the file, zeroes up to the end of its last page (all of it:
 * dynamic loaders allocate from what is left there), and zero pages behind.
 */
static long map_segment(struct elf *e, const Elf64_Phdr *p)
{
	u64 address = e->bias + p->p_vaddr, start = address & PAGE_MASK;
	u64 file_end = address + p->p_filesz, end = address + p->p_memsz;
	u32 protection = protection_of(p);
	u64 zero = start;
	long r;

	if (p->p_filesz) {
		r = map_file(e->file, &start, file_end - start,
			     p->p_offset & PAGE_MASK, protection, 0, true);
		if (r)
			return r;
		zero = PAGE_ALIGN(file_end);
		if (end > file_end && (protection & PROT_WRITE)) {
			r = user_clear((void *)file_end, zero - file_end);
			if (r)
				return r;
		}
	}
	if (PAGE_ALIGN(end) > zero)
		return map_anonymous(&zero, PAGE_ALIGN(end) - zero, protection,
				     0, true);
	return 0;
}

static void note_segment(struct elf *e, const Elf64_Phdr *p)
{
	u64 start = e->bias + p->p_vaddr;

	if (p->p_flags & PF_X) {
		if (!e->code_start)
			e->code_start = start;
		e->code_end = start + p->p_filesz;
	}
	e->data_start = start;
	e->data_end = start + p->p_filesz;
}

/* The largest that a segment asks for; what is no power of two does not count. */
static u64 alignment_of(const struct elf *e)
{
	u64 alignment = PAGE_SIZE;
	u32 i;

	for (i = 0; i < e->header.e_phnum; i++) {
		const Elf64_Phdr *p = &e->segments[i];

		if (p->p_type == PT_LOAD && !(p->p_align & (p->p_align - 1)))
			alignment = MAX(alignment, p->p_align);
	}
	return alignment;
}

/* Somewhere, at @start from a multiple of @alignment. */
static long reserve_aligned(u64 *base, u64 length, u64 start, u64 alignment)
{
	u64 more = alignment - PAGE_SIZE, all = 0, end;
	long r;

	if (length + more < length)
		return -ENOMEM;
	r = map_anonymous(&all, length + more, PROT_NONE, 0, false);
	if (r)
		return r;
	end = all + length + more;
	*base = ALIGN_UP(all - start, alignment) + start;
	if (*base > all)
		unmap(all, *base - all);
	if (end > *base + length)
		unmap(*base + length, end - *base - length);
	return 0;
}

long elf_map(struct elf *e, u64 hint)
{
	u64 length = e->end - e->start, alignment = alignment_of(e), base, last;
	const Elf64_Phdr *p = e->segments;
	long r = -EEXIST;
	u32 i;

	/* Take the whole range first, so that no segment lands in another's. */
	if (e->header.e_type == ET_EXEC) {
		base = e->start;
		if (!base || range_is_libos(base, length))
			return -ENOMEM;
		r = map_anonymous(&base, length, PROT_NONE, 0, false);
	} else {
		base = (hint & -alignment) + e->start;
		if (hint && !range_is_libos(base, length))
			r = map_anonymous(&base, length, PROT_NONE, 0, false);
		if (r == -EEXIST)
			r = reserve_aligned(&base, length, e->start, alignment);
	}
	if (r)
		return r == -EEXIST ? -ENOMEM : r;
	e->bias = base - e->start;
	e->start = last = base;
	e->end = base + length;

	for (i = 0; i < e->header.e_phnum; i++, p++) {
		u64 start = (e->bias + p->p_vaddr) & PAGE_MASK;

		if (p->p_type != PT_LOAD)
			continue;
		if (start > last)
			unmap(last, start - last);
		r = map_segment(e, p);
		if (r)
			return r;
		note_segment(e, p);
		last = PAGE_ALIGN(e->bias + p->p_vaddr + p->p_memsz);
	}
	return 0;
}
