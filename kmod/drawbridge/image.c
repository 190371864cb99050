// SPDX-License-Identifier: GPL-2.0-only
/*
 * The image of a process: a static x86-64 ELF file that speaks the Dk ABI.
 *
 * The kernel has no ELF loader to call, so this one does what an image needs
 * and no more: PT_LOAD segments, position independent or not, no interpreter.
 * Relocations are the image's own business. Everything that the file says is
 * checked before the caller's old address space is given up.
 */
#include <linux/elf.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "drawbridge.h"

#define DK_SEGMENTS_MAX		16
#define DK_PROGRAM_HEADERS_MAX	64

struct dk_segment {
	u64 address, file_size, memory_size, offset;
	unsigned long prot;
};

struct dk_image {
	struct file *file;
	bool fixed;		/* ET_EXEC: addresses are absolute */
	u64 low, high;		/* of all segments, in whole pages */
	u64 entry;
	int count;
	struct dk_segment segments[DK_SEGMENTS_MAX];
};

void dk_image_free(struct dk_image *image)
{
	if (!image)
		return;
	fput(image->file);
	kfree(image);
}

static int dk_read_exact(struct file *file, void *buffer, size_t size,
			 loff_t offset)
{
	ssize_t done = kernel_read(file, buffer, size, &offset);

	if (done < 0)
		return done;
	return done == size ? 0 : -ENOEXEC;
}

static unsigned long dk_segment_prot(u32 flags)
{
	return (flags & PF_R ? PROT_READ : 0) |
	       (flags & PF_W ? PROT_WRITE : 0) |
	       (flags & PF_X ? PROT_EXEC : 0);
}

static int dk_add_segment(struct dk_sandbox *sandbox, struct dk_image *image,
			  const struct elf64_phdr *ph)
{
	struct dk_segment *segment;
	u64 start, end;

	if (!ph->p_memsz)
		return 0;
	if (image->count == DK_SEGMENTS_MAX || ph->p_filesz > ph->p_memsz ||
	    ph->p_memsz > DEFAULT_MAP_WINDOW ||
	    ph->p_vaddr > DEFAULT_MAP_WINDOW - ph->p_memsz ||
	    ph->p_offset > LLONG_MAX - ph->p_filesz ||
	    (ph->p_vaddr ^ ph->p_offset) & ~PAGE_MASK)
		return -ENOEXEC;
	start = ph->p_vaddr & PAGE_MASK;
	end = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	/* In ascending order, no page in two segments. */
	if (image->count && start < image->high)
		return -ENOEXEC;
	if (end > DEFAULT_MAP_WINDOW)
		return -ENOEXEC;

	segment = &image->segments[image->count];
	segment->address = ph->p_vaddr;
	segment->file_size = ph->p_filesz;
	segment->memory_size = ph->p_memsz;
	segment->offset = ph->p_offset;
	segment->prot = dk_segment_prot(ph->p_flags);
	if (dk_prot(sandbox, segment->prot) < 0)
		return -ENOEXEC;
	/* The rest of the last page of the file must be cleared. */
	if (ph->p_memsz > ph->p_filesz && !(segment->prot & PROT_WRITE))
		return -ENOEXEC;
	if (!image->count)
		image->low = start;
	image->high = end;
	image->count++;
	return 0;
}

static bool dk_entry_valid(const struct dk_image *image)
{
	int i;

	for (i = 0; i < image->count; i++) {
		const struct dk_segment *s = &image->segments[i];

		if (s->prot & PROT_EXEC && image->entry >= s->address &&
		    image->entry - s->address < s->file_size)
			return true;
	}
	return false;
}

static int dk_parse(struct dk_sandbox *sandbox, struct dk_image *image)
{
	struct elf64_phdr *headers;
	struct elf64_hdr eh;
	size_t size;
	int i, ret;

	ret = dk_read_exact(image->file, &eh, sizeof(eh), 0);
	if (ret)
		return ret;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    eh.e_machine != EM_X86_64 ||
	    (eh.e_type != ET_DYN && eh.e_type != ET_EXEC) ||
	    eh.e_phentsize != sizeof(struct elf64_phdr) ||
	    !eh.e_phnum || eh.e_phnum > DK_PROGRAM_HEADERS_MAX ||
	    eh.e_phoff > LLONG_MAX)
		return -ENOEXEC;
	image->fixed = eh.e_type == ET_EXEC;
	image->entry = eh.e_entry;

	size = eh.e_phnum * sizeof(*headers);
	headers = kmalloc(size, GFP_KERNEL);
	if (!headers)
		return -ENOMEM;
	ret = dk_read_exact(image->file, headers, size, eh.e_phoff);
	for (i = 0; !ret && i < eh.e_phnum; i++) {
		if (headers[i].p_type == PT_LOAD)
			ret = dk_add_segment(sandbox, image, &headers[i]);
		else if (headers[i].p_type == PT_INTERP)
			ret = -ENOEXEC;
	}
	kfree(headers);
	if (!ret && (!image->count || !dk_entry_valid(image)))
		ret = -ENOEXEC;
	return ret;
}

/* What @file has to be is for its caller to check: a regular, readable one. */
int dk_image_prepare(struct dk_sandbox *sandbox, struct file *file,
		     struct dk_image **result)
{
	struct dk_image *image;
	int ret;

	image = kzalloc(sizeof(*image), GFP_KERNEL_ACCOUNT);
	if (!image)
		return -ENOMEM;
	image->file = get_file(file);
	ret = dk_parse(sandbox, image);
	if (ret)
		dk_image_free(image);
	else
		*result = image;
	return ret;
}

/* The part of a segment that the file holds, and the page's rest as zeros. */
static int dk_map_file_part(struct dk_image *image, const struct dk_segment *s,
			    u64 bias)
{
	u64 start = bias + s->address, end = start + s->file_size;
	unsigned long address;

	address = vm_mmap(image->file, start & PAGE_MASK,
			  end - (start & PAGE_MASK), s->prot,
			  MAP_PRIVATE | MAP_FIXED, s->offset & PAGE_MASK);
	if (IS_ERR_VALUE(address))
		return (int)address;
	if (s->memory_size > s->file_size &&
	    clear_user(dk_user(end), PAGE_ALIGN(end) - end))
		return -EFAULT;
	return 0;
}

static int dk_map_segment(struct dk_image *image, const struct dk_segment *s,
			  u64 bias)
{
	u64 start = bias + s->address;
	u64 middle = PAGE_ALIGN(start + s->file_size);
	u64 end = PAGE_ALIGN(start + s->memory_size);
	unsigned long address;
	int ret;

	if (s->file_size) {
		ret = dk_map_file_part(image, s, bias);
		if (ret)
			return ret;
	} else {
		middle = start & PAGE_MASK;
	}
	if (end <= middle)
		return 0;
	address = vm_mmap(NULL, middle, end - middle, s->prot,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return IS_ERR_VALUE(address) ? (int)address : 0;
}

/* Bytes of private, writable memory. */
u64 dk_image_memory(const struct dk_image *image)
{
	u64 sum = 0;
	int i;

	for (i = 0; i < image->count; i++) {
		const struct dk_segment *s = &image->segments[i];

		if (s->prot & PROT_WRITE)
			sum += PAGE_ALIGN(s->address + s->memory_size) -
			       (s->address & PAGE_MASK);
	}
	return sum;
}

/* Into the new, empty address space. */
int dk_image_map(struct dk_image *image, struct pico_start *start,
		 unsigned long *base, unsigned long *size)
{
	unsigned long address;
	u64 bias;
	int i, ret = 0;

	/* One place for all of it, which then nothing else can be in. */
	address = vm_mmap(NULL, image->fixed ? image->low : 0,
			  image->high - image->low, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			  (image->fixed ? MAP_FIXED_NOREPLACE : 0), 0);
	if (IS_ERR_VALUE(address))
		return (int)address;
	bias = address - image->low;
	for (i = 0; !ret && i < image->count; i++)
		ret = dk_map_segment(image, &image->segments[i], bias);
	/* Gaps between segments are nobody's. */
	for (i = 1; !ret && i < image->count; i++) {
		const struct dk_segment *s = &image->segments[i - 1];
		u64 from = PAGE_ALIGN(s->address + s->memory_size);
		u64 to = image->segments[i].address & PAGE_MASK;

		if (to > from)
			ret = vm_munmap(bias + from, to - from);
	}
	start->ip = bias + image->entry;
	*base = address;
	*size = image->high - image->low;
	return ret;
}
