// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel has no ELF loader that a module could call, so this one does what
 * a static program needs: PT_LOAD segments at their place or, of a position
 * independent one, anywhere; the heap behind them; a stack with arguments,
 * environment and auxiliary vector. There is no interpreter and no vDSO.
 *
 * All that the file says is checked when the program is named: an error is
 * then an errno of the ioctl. Later only memory can run out, or the file
 * shrink, and the new process ends of it. Between the two the headers are the
 * kernel's own copy.
 */
#include <linux/binfmts.h>
#include <linux/cred.h>
#include <linux/elf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <pico/pico.h>

#include "../../uapi/pico/samples.h"
#include "program.h"

#define PROGRAM_HEADERS_MAX	64
#define PROGRAM_MEMORY_MAX	(1UL << 32)
#define ELFOSABI_FREEBSD	9
#define STACK_SIZE		(8UL << 20)
#define AUXILIARY_MAX		16

struct sample_program {
	struct file *file;
	struct file *streams[3];
	bool freebsd;
	bool fixed;			/* ET_EXEC: addresses are absolute */
	unsigned long low, high;	/* of all segments, in whole pages */
	unsigned long entry;
	unsigned long headers;		/* their address in memory, or 0 */
	unsigned int count;
	struct elf64_phdr *segments;	/* @count of them, but PT_LOAD alone */
	unsigned int header_count;	/* in the file */
	u32 argument_count, environment_count, strings_length;
	char *strings;
};

/* ---- what the file says ---- */

static int read_exact(struct file *file, void *buffer, size_t size,
		      loff_t offset)
{
	ssize_t done = kernel_read(file, buffer, size, &offset);

	if (done < 0)
		return done;
	return done == size ? 0 : -ENOEXEC;
}

static int check_segment(struct sample_program *program,
			 const struct elf64_phdr *ph)
{
	unsigned long start, end;

	if (ph->p_filesz > ph->p_memsz ||
	    ph->p_memsz > DEFAULT_MAP_WINDOW ||
	    ph->p_vaddr > DEFAULT_MAP_WINDOW - ph->p_memsz ||
	    ph->p_offset > LLONG_MAX - ph->p_filesz ||
	    offset_in_page(ph->p_vaddr) != offset_in_page(ph->p_offset))
		return -ENOEXEC;
	start = ph->p_vaddr & PAGE_MASK;
	end = PAGE_ALIGN(ph->p_vaddr + ph->p_memsz);
	/* In ascending order, no page in two of them. */
	if (program->count && start < program->high)
		return -ENOEXEC;
	/* The rest of the file's last page will be cleared. */
	if (ph->p_memsz > ph->p_filesz && !(ph->p_flags & PF_W))
		return -ENOEXEC;
	if (!program->count)
		program->low = start;
	program->high = end;
	if (program->high - program->low > PROGRAM_MEMORY_MAX)
		return -ENOMEM;
	program->segments[program->count++] = *ph;
	return 0;
}

/* The entry lies in code; the headers are where a segment shows them. */
static int check_addresses(struct sample_program *program, u64 headers,
			   size_t size)
{
	const struct elf64_phdr *ph;
	bool entry = false;

	for (ph = program->segments; ph < program->segments + program->count;
	     ph++) {
		if (ph->p_flags & PF_X && program->entry >= ph->p_vaddr &&
		    program->entry - ph->p_vaddr < ph->p_filesz)
			entry = true;
		if (headers >= ph->p_offset && ph->p_filesz >= size &&
		    headers - ph->p_offset <= ph->p_filesz - size)
			program->headers = ph->p_vaddr + headers - ph->p_offset;
	}
	return entry ? 0 : -ENOEXEC;
}

static bool check_brand(const struct sample_program *program, u8 osabi)
{
	if (program->freebsd)
		return osabi == ELFOSABI_FREEBSD;
	return osabi == ELFOSABI_NONE || osabi == ELFOSABI_LINUX;
}

static int check_file(struct sample_program *program)
{
	struct file *file = program->file;
	struct elf64_phdr *headers, *ph;
	struct elf64_hdr eh;
	size_t size;
	int ret;

	if (!(file->f_mode & FMODE_READ))
		return -EBADF;
	if (!S_ISREG(file_inode(file)->i_mode) ||
	    file->f_path.mnt->mnt_flags & MNT_NOEXEC ||
	    file->f_path.mnt->mnt_sb->s_iflags & SB_I_NOEXEC)
		return -EACCES;
	ret = file_permission(file, MAY_EXEC);
	if (ret)
		return ret;
	ret = read_exact(file, &eh, sizeof(eh), 0);
	if (ret)
		return ret;
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 ||
	    eh.e_ident[EI_DATA] != ELFDATA2LSB ||
	    !check_brand(program, eh.e_ident[EI_OSABI]) ||
	    eh.e_machine != EM_X86_64 ||
	    (eh.e_type != ET_DYN && eh.e_type != ET_EXEC) ||
	    eh.e_phentsize != sizeof(*headers) ||
	    !eh.e_phnum || eh.e_phnum > PROGRAM_HEADERS_MAX ||
	    eh.e_phoff > LLONG_MAX)
		return -ENOEXEC;
	program->fixed = eh.e_type == ET_EXEC;
	program->entry = eh.e_entry;
	program->header_count = eh.e_phnum;

	size = eh.e_phnum * sizeof(*headers);
	headers = kmalloc(size, GFP_KERNEL);
	program->segments = kmalloc(size, GFP_KERNEL_ACCOUNT);
	ret = -ENOMEM;
	if (headers && program->segments)
		ret = read_exact(file, headers, size, eh.e_phoff);
	for (ph = headers; !ret && ph < headers + eh.e_phnum; ph++) {
		if (ph->p_type == PT_INTERP)
			ret = -ENOEXEC;
		else if (ph->p_type == PT_LOAD && ph->p_memsz)
			ret = check_segment(program, ph);
	}
	kfree(headers);
	return ret ?: check_addresses(program, eh.e_phoff, size);
}

/* Exactly as many strings as were announced. */
static int check_strings(const struct sample_program *program)
{
	u64 count = 0;
	u32 i;

	for (i = 0; i < program->strings_length; i++)
		count += !program->strings[i];
	if (count != (u64)program->argument_count + program->environment_count ||
	    program->strings[program->strings_length - 1])
		return -EINVAL;
	return 0;
}

/**
 * sample_program_load() - the argument of PICO_SAMPLE_IOC_PROGRAM
 * @arg:	a struct pico_sample_program
 * @freebsd:	which system's program it must be: FreeBSD's or Linux'
 */
struct sample_program *sample_program_load(const void __user *arg,
					   bool freebsd)
{
	struct pico_sample_program from;
	struct sample_program *program;
	int ret;

	if (copy_from_user(&from, arg, sizeof(from)))
		return ERR_PTR(-EFAULT);
	if (!from.argument_count || !from.strings_length ||
	    from.strings_length > PICO_SAMPLE_STRINGS_MAX)
		return ERR_PTR(-EINVAL);
	program = kzalloc(sizeof(*program), GFP_KERNEL_ACCOUNT);
	if (!program)
		return ERR_PTR(-ENOMEM);
	program->freebsd = freebsd;
	program->argument_count = from.argument_count;
	program->environment_count = from.environment_count;
	program->strings_length = from.strings_length;
	program->strings = vmemdup_user(u64_to_user_ptr(from.strings),
					from.strings_length);
	if (IS_ERR(program->strings)) {
		ret = PTR_ERR(program->strings);
		program->strings = NULL;
		goto free;
	}
	ret = check_strings(program);
	if (ret)
		goto free;
	ret = -EBADF;
	program->file = fget(from.file);
	if (!program->file)
		goto free;
	ret = check_file(program);
	if (ret)
		goto free;
	return program;
free:
	sample_program_free(program);
	return ERR_PTR(ret);
}

/**
 * sample_program_streams() - keep the caller's descriptors 0, 1 and 2
 * @program: that will have them
 *
 * In .prepare_process(): pico.ko closes all descriptors before the process
 * starts.
 */
int sample_program_streams(struct sample_program *program)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(program->streams); i++) {
		if (program->streams[i])
			fput(program->streams[i]);
		program->streams[i] = fget(i);
		if (!program->streams[i])
			return -EBADF;
	}
	return 0;
}

/* The last part of the first argument. */
const char *sample_program_name(const struct sample_program *program)
{
	return kbasename(program->strings);
}

void sample_program_free(struct sample_program *program)
{
	int i;

	if (!program)
		return;
	for (i = 0; i < ARRAY_SIZE(program->streams); i++) {
		if (program->streams[i])
			fput(program->streams[i]);
	}
	if (program->file)
		fput(program->file);
	kvfree(program->strings);
	kfree(program->segments);
	kfree(program);
}

/* ---- the new process: no other thread is there yet ---- */

static void __user *user(unsigned long address)
{
	return (void __user *)address;
}

static int map_anonymous(unsigned long start, unsigned long end,
			 unsigned long prot)
{
	unsigned long address;

	if (start >= end)
		return 0;
	address = vm_mmap(NULL, start, end - start, prot,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	return IS_ERR_VALUE(address) ? (int)address : 0;
}

static int map_segment(const struct sample_program *program,
		       const struct elf64_phdr *ph, unsigned long bias)
{
	unsigned long start = (bias + ph->p_vaddr) & PAGE_MASK;
	unsigned long file_end = bias + ph->p_vaddr + ph->p_filesz;
	unsigned long end = PAGE_ALIGN(bias + ph->p_vaddr + ph->p_memsz);
	unsigned long prot, address;

	prot = (ph->p_flags & PF_R ? PROT_READ : 0) |
	       (ph->p_flags & PF_W ? PROT_WRITE : 0) |
	       (ph->p_flags & PF_X ? PROT_EXEC : 0);
	if (!ph->p_filesz)
		return map_anonymous(start, end, prot);
	address = vm_mmap(program->file, start, file_end - start, prot,
			  MAP_PRIVATE | MAP_FIXED, ph->p_offset & PAGE_MASK);
	if (IS_ERR_VALUE(address))
		return (int)address;
	if (ph->p_memsz > ph->p_filesz &&
	    clear_user(user(file_end), PAGE_ALIGN(file_end) - file_end))
		return -EFAULT;
	return map_anonymous(PAGE_ALIGN(file_end), end, prot);
}

static int map_segments(const struct sample_program *program,
			unsigned long *bias)
{
	unsigned long address;
	int i, ret = 0;

	*bias = 0;
	if (!program->fixed) {
		/* Where all of it has room, it has room again. */
		address = vm_mmap(NULL, 0, program->high - program->low,
				  PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
				  MAP_NORESERVE, 0);
		if (IS_ERR_VALUE(address))
			return (int)address;
		ret = vm_munmap(address, program->high - program->low);
		*bias = address - program->low;
	}
	for (i = 0; !ret && i < program->count; i++)
		ret = map_segment(program, &program->segments[i], *bias);
	if (ret)
		return ret;
	/* brk() is refused where it meets another mapping. */
	current->mm->start_brk = *bias + program->high;
	current->mm->brk = current->mm->start_brk;
	return 0;
}

/* Returns the end; a page below is out of bounds. */
static unsigned long map_stack(void)
{
	unsigned long guard, stack;

	guard = vm_mmap(NULL, 0, PAGE_SIZE + STACK_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0);
	if (IS_ERR_VALUE(guard))
		return guard;
	stack = vm_mmap(NULL, guard + PAGE_SIZE, STACK_SIZE,
			PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0);
	if (IS_ERR_VALUE(stack))
		return stack;
	return stack + STACK_SIZE;
}

/* The addresses of @count strings, and a zero. Returns where it stopped. */
static u64 *fill_strings(u64 *entry, const struct sample_program *program,
			 const char **string, unsigned long bias, u32 count)
{
	while (count--) {
		*entry++ = bias + (*string - program->strings);
		*string += strlen(*string) + 1;
	}
	*entry++ = 0;
	return entry;
}

static u64 *fill_auxiliary(u64 *entry, const struct sample_program *program,
			   unsigned long bias, unsigned long strings,
			   unsigned long random)
{
	const struct cred *cred = current_cred();
	const u64 common[][2] = {
		{ AT_PHDR, program->headers ? bias + program->headers : 0 },
		{ AT_PHENT, sizeof(struct elf64_phdr) },
		{ AT_PHNUM, program->headers ? program->header_count : 0 },
		{ AT_PAGESZ, PAGE_SIZE },
		{ AT_ENTRY, bias + program->entry },
		{ AT_UID, from_kuid_munged(cred->user_ns, cred->uid) },
		{ AT_EUID, from_kuid_munged(cred->user_ns, cred->euid) },
		{ AT_GID, from_kgid_munged(cred->user_ns, cred->gid) },
		{ AT_EGID, from_kgid_munged(cred->user_ns, cred->egid) },
	};
	/* Whose numbers mean other things elsewhere. */
	const u64 linux_only[][2] = {
		{ AT_SECURE, 0 },
		{ AT_CLKTCK, USER_HZ },
		{ AT_RANDOM, random },
		{ AT_EXECFN, strings },
	};

	BUILD_BUG_ON(ARRAY_SIZE(common) + ARRAY_SIZE(linux_only) + 1 >
		     AUXILIARY_MAX);
	memcpy(entry, common, sizeof(common));
	entry += 2 * ARRAY_SIZE(common);
	if (!program->freebsd) {
		memcpy(entry, linux_only, sizeof(linux_only));
		entry += 2 * ARRAY_SIZE(linux_only);
	}
	*entry++ = AT_NULL;
	*entry++ = 0;
	return entry;
}

/*
 * From the stack's end downwards: the strings, 16 random bytes, and, where the
 * stack pointer begins, the argument count and the three vectors.
 */
static int fill_stack(const struct sample_program *program,
		      struct pico_start *start, unsigned long end,
		      unsigned long bias)
{
	unsigned long strings = end - ALIGN(program->strings_length, 16);
	const char *string = program->strings;
	unsigned long random = strings - 16;
	u64 *block, *entry;
	u8 bytes[16];
	size_t size;
	int ret = 0;

	block = kvmalloc_array(3 + program->argument_count +
			       program->environment_count + 2 * AUXILIARY_MAX,
			       sizeof(*block), GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	entry = block;
	*entry++ = program->argument_count;
	entry = fill_strings(entry, program, &string, strings,
			     program->argument_count);
	start->arguments_start = strings;
	start->arguments_end = strings + (string - program->strings);
	entry = fill_strings(entry, program, &string, strings,
			     program->environment_count);
	start->environment_end = strings + (string - program->strings);
	entry = fill_auxiliary(entry, program, bias, strings, random);
	size = (entry - block) * sizeof(*block);

	start->sp = round_down(random - size, 16);
	get_random_bytes(bytes, sizeof(bytes));
	if (copy_to_user(user(strings), program->strings,
			 program->strings_length) ||
	    copy_to_user(user(random), bytes, sizeof(bytes)) ||
	    copy_to_user(user(start->sp), block, size))
		ret = -EFAULT;
	kvfree(block);
	return ret;
}

/* The empty descriptor table gives out 0, 1 and 2. */
static int install_streams(struct sample_program *program)
{
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(program->streams); i++) {
		fd = get_unused_fd_flags(0);
		if (fd < 0)
			return fd;
		fd_install(fd, program->streams[i]);
		program->streams[i] = NULL;
	}
	return 0;
}

/**
 * sample_program_start() - in .start_process() of the first process
 * @program: to be started
 * @start: filled but for arg0
 */
int sample_program_start(struct sample_program *program,
			 struct pico_start *start)
{
	unsigned long bias, end;
	int ret;

	ret = install_streams(program);
	if (ret)
		return ret;
	ret = map_segments(program, &bias);
	if (ret)
		return ret;
	end = map_stack();
	if (IS_ERR_VALUE(end))
		return (int)end;
	start->ip = bias + program->entry;
	return fill_stack(program, start, end, bias);
}
