/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Starting a program: the first one, and execve.
 *
 *	exec_open()	reads and checks; follows #! lines; opens the program's
 *			interpreter; anything may fail, nothing has changed
 *	exec_commit()	maps both and builds the stack; a failure is the end
 *			of the process, as in Linux
 */
#ifndef LIBOS_EXEC_H
#define LIBOS_EXEC_H

#include <libos.h>
#include <linux/elf.h>

#define PATH_LENGTH	4096

/* Strings that a program is started with: one after the other. */
struct strings {
	char	*text;		/* heap */
	size_t	length;
	size_t	size;		/* of the allocation */
	u32	argument_count;
	u32	environment_count;
};

/* What the pointers to them take. */
static inline size_t strings_pointers(const struct strings *s)
{
	return ((size_t)s->argument_count + s->environment_count) *
	       sizeof(char *);
}

/* An ELF file: what is in it, and then where it is. */
struct elf {
	struct file *file;
	Elf64_Ehdr header;
	Elf64_Phdr *segments;	/* heap; header.e_phnum of them */
	u64	bias;		/* address - p_vaddr */
	u64	start, end;	/* of all segments, in memory */
	u64	code_start, code_end, data_start, data_end;
};

struct exec {
	struct elf program;
	struct elf interpreter;	/* file NULL: there is none */
	struct strings strings;
	char	path[PATH_LENGTH];	/* of a script: its interpreter's */
	char	name[PATH_LENGTH];	/* as given: AT_EXECFN */
	bool	closed;		/* @path is gone when an interpreter reads it */
	const char *why;	/* what is wrong with the file, for a person */
	u64	entry;		/* where to start, */
	u64	stack;		/* and with which rsp */
	u64	vdso;		/* address of its copy */
};

/* loader/elf.c. elf_read: -ENOEXEC and *why */
long elf_read(struct elf *e, struct file *file, const char **why);
/* @hint: where a position-independent file should go; 0: anywhere */
long elf_map(struct elf *e, u64 hint);
void elf_close(struct elf *e);
/* Path of PT_INTERP: 1 and @to, 0 when there is none, -ENOEXEC. */
long elf_interpreter(struct elf *e, char *to, size_t size);

/* loader/vdso.c */
long vdso_map(u64 *address);

/* loader/stack.c: the initial stack; @x->stack and process.arg_start... */
long stack_build(struct exec *x);
/* RLIMIT_STACK is another: the stack of the program that runs may be larger. */
void stack_grow(void);

/* loader/exec.c */
void __noreturn exec_first(const struct dk_parameters *p);

#endif /* LIBOS_EXEC_H */
