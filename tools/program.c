// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * What is to run: finding it, and finding out whether it can.
 *
 * Nothing here protects anything. The sandbox decides by itself what the
 * program may open; these checks exist to say in one line what is wrong.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picoexec.h"

/* Where execvp(3) looks when there is no PATH. */
#define DEFAULT_PATH	"/bin:/usr/bin"
/* As long as the kernel makes the first line of a script. */
#define HEAD_LENGTH	256
#define INTERPRETERS_MAX 4

static char *absolute(const char *directory, const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	return xprintf("%s/%s", directory[1] ? directory : "", path);
}

static const char *variable(const struct strings *environment, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < environment->count; i++) {
		const char *item = environment->items[i];

		if (!strncmp(item, name, length) && item[length] == '=')
			return item + length + 1;
	}
	return NULL;
}

/* 0, or as a negative errno why the file cannot be executed by this user. */
static int execute_error(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		return -EACCES;
	return 0;
}

static void fail_execute(const char *name, int error)
{
	switch (error) {
	case -ENOENT:
		fail(EXIT_NOT_FOUND, "%s: no such file", name);
	case -EISDIR:
		fail(EXIT_NOT_RUNNABLE, "%s: is a directory", name);
	case -EACCES:
		fail(EXIT_NOT_RUNNABLE,
		     "%s: is not an executable file of yours; see ls -l %s",
		     name, name);
	default:
		fail(EXIT_NOT_RUNNABLE, "%s: %s", name, strerror(-error));
	}
}

char *program_find(const char *name, const char *directory,
		   const struct strings *environment)
{
	const char *search = variable(environment, "PATH");
	char *refused = NULL;
	int error;

	if (!*name)
		fail(EXIT_NOT_FOUND, "the program's name is empty");
	if (strchr(name, '/')) {
		error = execute_error(name);
		if (error)
			fail_execute(name, error);
		return absolute(directory, name);
	}

	for (search = search ? search : DEFAULT_PATH; search;) {
		size_t length = strcspn(search, ":");
		/* An empty entry means the working directory. */
		char *candidate =
			length ? xprintf("%.*s/%s", (int)length, search, name) :
				 xstrdup(name);
		char *path = absolute(directory, candidate);

		free(candidate);
		error = execute_error(path);
		if (!error) {
			free(refused);
			return path;
		}
		if (error == -EACCES && !refused)
			refused = path;
		else
			free(path);
		search = search[length] ? search + length + 1 : NULL;
	}
	if (refused)
		fail_execute(refused, -EACCES);
	fail(EXIT_NOT_FOUND, "%s: no such program in PATH", name);
}

static void check_rules(const char *path, const struct rules *rules)
{
	char *real = realpath(path, NULL);
	const struct rule *rule;

	if (!real)
		fail(EXIT_NOT_RUNNABLE, "%s: %s", path, strerror(errno));
	rule = rules_find(rules, real);
	if (!rule || !(rule->rights & DK_ACCESS_READ) ||
	    !(rule->rights & DK_ACCESS_EXECUTE))
		fail(EXIT_NOT_RUNNABLE,
		     "%s: the sandbox's rules do not let it be executed; add --allow file:%s=rx",
		     path, real);
	if (rule_hides(rule, real))
		fail(EXIT_NOT_RUNNABLE,
		     "%s: cannot be seen in the sandbox, which has a %s of its own; add --allow file:%s=rx",
		     path, rule->path, real);
	free(real);
}

static const char *machine_name(unsigned int machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86";
	case EM_ARM:
		return "32-bit ARM";
	case EM_AARCH64:
		return "64-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "PowerPC";
	case EM_S390:
		return "IBM Z";
	default:
		return "another machine";
	}
}

/* What is wrong with an ELF file for this machine, or NULL. */
static const char *elf_error(const Elf64_Ehdr *header, size_t length)
{
	static char text[64];

	if (length < sizeof(*header))
		return "is cut off within its ELF header";
	if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		return "is a program for a big-endian machine; only x86-64 programs can run";
	if (header->e_machine != EM_X86_64) {
		snprintf(text, sizeof(text),
			 "is for %s; only x86-64 programs can run",
			 machine_name(header->e_machine));
		return text;
	}
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return "is an x32 program; only 64-bit x86-64 programs can run";
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return "is an ELF file but not a program";
	return NULL;
}

/*
 * The path that a script's first line names. @head is terminated; it is
 * changed.
 */
static char *interpreter(const char *script, char *head)
{
	char *path = head + 2 + strspn(head + 2, " \t");

	path[strcspn(path, " \t\n")] = 0;
	if (!*path)
		fail(EXIT_NOT_RUNNABLE,
		     "%s: its first line, #!, names no interpreter", script);
	return path;
}

/* Returns the path of the interpreter that @path asks for, or NULL. */
static char *check_format(const char *path)
{
	union {
		Elf64_Ehdr elf;
		char text[HEAD_LENGTH + 1];
	} head;
	const char *wrong;
	ssize_t length;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(EXIT_NOT_RUNNABLE,
		     "%s: cannot be read, which the sandbox needs to run it: %s",
		     path, strerror(errno));
	length = pread(fd, head.text, HEAD_LENGTH, 0);
	if (length < 0)
		fail(EXIT_NOT_RUNNABLE, "%s: %s", path, strerror(errno));
	close(fd);
	head.text[length] = 0;

	if (!strncmp(head.text, "#!", 2))
		return xstrdup(interpreter(path, head.text));
	if (length < SELFMAG || memcmp(head.text, ELFMAG, SELFMAG))
		fail(EXIT_NOT_RUNNABLE,
		     "%s: is neither an ELF program nor a script that begins with #!",
		     path);
	wrong = elf_error(&head.elf, length);
	if (wrong)
		fail(EXIT_NOT_RUNNABLE, "%s: %s", path, wrong);
	return NULL;
}

void program_check(const char *path, const struct rules *rules)
{
	char *current = xstrdup(path);

	for (int depth = 0; depth <= INTERPRETERS_MAX; depth++) {
		char *next;
		int error;

		check_rules(current, rules);
		next = check_format(current);
		if (!next) {
			free(current);
			return;
		}
		error = execute_error(next);
		if (error)
			fail(EXIT_NOT_RUNNABLE,
			     "%s: its interpreter %s cannot be run: %s",
			     current, next, strerror(-error));
		free(current);
		current = next;
	}
	fail(EXIT_NOT_RUNNABLE, "%s: too many interpreters of interpreters",
	     path);
}

/* The library OS beside this program, as it is built or as it is installed. */
static char *find_libos(void)
{
	static const char *const places[] = {
		"../lib/libos.elf",
		"../lib/pico/libos.elf",
	};
	const char *chosen = getenv("PICO_LIBOS");
	char self[4096];
	ssize_t length;

	if (chosen && *chosen)
		return xstrdup(chosen);

	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length < 0)
		fail(EXIT_OWN_FAILURE,
		     "cannot find the library OS without /proc; set PICO_LIBOS to the path of libos.elf");
	self[length] = 0;
	*strrchr(self, '/') = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		char *path = xprintf("%s/%s", self, places[i]);

		if (!access(path, F_OK))
			return path;
		free(path);
	}
	fail(EXIT_OWN_FAILURE,
	     "the library OS is neither %s/%s nor %s/%s; build it with make, or set PICO_LIBOS to the path of libos.elf",
	     self, places[0], self, places[1]);
}

/* An image that wants a dynamic loader has nobody to load it. */
static bool wants_loader(int fd, const Elf64_Ehdr *header)
{
	for (unsigned int i = 0; i < header->e_phnum; i++) {
		off_t offset = header->e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr segment;

		if (pread(fd, &segment, sizeof(segment), offset) !=
		    sizeof(segment))
			return false;
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

int image_open(const char *given, char **path)
{
	char *name = given ? xstrdup(given) : find_libos();
	Elf64_Ehdr header;
	const char *wrong;
	ssize_t length;
	int fd;

	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(EXIT_OWN_FAILURE, "the image %s: %s", name,
		     strerror(errno));
	length = pread(fd, &header, sizeof(header), 0);
	if (length < 0)
		fail(EXIT_OWN_FAILURE, "the image %s: %s", name,
		     strerror(errno));
	if (length < SELFMAG || memcmp(header.e_ident, ELFMAG, SELFMAG))
		fail(EXIT_OWN_FAILURE, "the image %s: is not an ELF file",
		     name);
	wrong = elf_error(&header, length);
	if (wrong)
		fail(EXIT_OWN_FAILURE, "the image %s: %s", name, wrong);
	if (wants_loader(fd, &header))
		fail(EXIT_OWN_FAILURE,
		     "the image %s: is dynamically linked; link it against libpal with -static-pie",
		     name);

	*path = realpath(name, NULL);
	if (!*path)
		fail(EXIT_OWN_FAILURE, "the image %s: %s", name,
		     strerror(errno));
	free(name);
	return fd;
}
