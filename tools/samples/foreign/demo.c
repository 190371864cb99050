// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * A static program of FreeBSD/amd64, without anything of Linux: its own start
 * code, its own system calls, linked to nothing.
 *
 *	demo echo WORDS...	print them
 *	demo cat [FILES...]	copy files, or standard input, to standard output
 *	demo info		what it is told about the system and itself
 *	demo check FOLDER	try every call, and what it answers when it fails
 *	demo crash		read address 0
 */
#include "freebsd.h"

int errno;

static size_t length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int put(int fd, const char *bytes, size_t size)
{
	while (size) {
		long done = call(SYS_write, fd, bytes, size);

		if (done < 0)
			return -1;
		bytes += done;
		size -= done;
	}
	return 0;
}

static void say(const char *text)
{
	put(1, text, length(text));
}

static void say_number(long long number)
{
	char text[24], *p = text + sizeof(text);
	unsigned long long rest = number < 0 ? -number : number;

	*--p = 0;
	do {
		*--p = '0' + rest % 10;
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--p = '-';
	say(p);
}

static void say_field(const char *name, long long number)
{
	say(name);
	say(" ");
	say_number(number);
	say("\n");
}

static int echo(char **words)
{
	for (; *words; words++) {
		say(*words);
		say(words[1] ? " " : "");
	}
	say("\n");
	return 0;
}

static int copy(int from)
{
	static char buffer[65536];
	long done;

	while ((done = call(SYS_read, from, buffer, sizeof(buffer))) > 0) {
		if (put(1, buffer, done))
			return -1;
	}
	return done;
}

static int cat(char **names)
{
	int file, failed = 0;

	if (!*names)
		return copy(0) != 0;
	for (; *names; names++) {
		file = call(SYS_open, *names, O_RDONLY, 0);
		if (file < 0 || copy(file)) {
			put(2, *names, length(*names));
			put(2, ": failed\n", 9);
			failed = 1;
		}
		if (file >= 0)
			call(SYS_close, file, 0, 0);
	}
	return failed;
}

static void say_sysctl(const char *label, int first, int second)
{
	int name[2] = { first, second };
	char value[64];
	size_t size = sizeof(value);

	if (call6(SYS_sysctl, (long)name, 2, (long)value, (long)&size, 0, 0))
		return;
	say(label);
	say(" ");
	say(value);
	say("\n");
}

static int info(int argc, char **argv, char **environment)
{
	struct timespec now = { 0 };
	char folder[4096];
	int count = 0;

	say_sysctl("ostype", 1, 1);
	say_sysctl("osrelease", 1, 2);
	say_sysctl("machine", 6, 1);
	say_field("pid", call(SYS_getpid, 0, 0, 0));
	say_field("uid", call(SYS_getuid, 0, 0, 0));
	call(SYS_clock_gettime, 0, &now, 0);
	say_field("time", now.seconds);
	if (!call(SYS_getcwd, folder, sizeof(folder), 0)) {
		say("cwd ");
		say(folder);
		say("\n");
	}
	while (environment[count])
		count++;
	say_field("environment", count);
	say("program ");
	say(argv[0]);
	say("\n");
	return argc != 2;
}

/* ---- check: one line for each thing that is not as it should be ---- */

static int wrong;

static void expect(const char *what, long long is, long long should)
{
	if (is == should)
		return;
	wrong = 1;
	say(what);
	say(": is ");
	say_number(is);
	say(", should be ");
	say_number(should);
	say("\n");
}

#define SUCCEEDS(expected, ...)	expect(#__VA_ARGS__, __VA_ARGS__, expected)
#define FAILS(error, ...) do {						\
	errno = 0;							\
	expect(#__VA_ARGS__, __VA_ARGS__, -1);				\
	expect("errno of " #__VA_ARGS__, errno, error);			\
} while (0)

#define NOWHERE		((void *)8)
#define KERNEL		((void *)0xffff888000000000)

static void check_files(const char *folder)
{
	static char name[4096], long_name[8192];
	struct stat status;
	size_t n, i;
	int file;

	for (n = 0; folder[n]; n++)
		name[n] = folder[n];
	for (i = 0; i < 6; i++)
		name[n + i] = "/file"[i];
	for (i = 0; i < sizeof(long_name) - 1; i++)
		long_name[i] = 'x';

	FAILS(ENOENT, call(SYS_open, name, O_RDONLY, 0));
	file = call(SYS_open, name, O_RDWR | O_CREAT | O_EXCL, 0640);
	SUCCEEDS(3, file);
	FAILS(EEXIST, call(SYS_open, name, O_RDWR | O_CREAT | O_EXCL, 0640));
	SUCCEEDS(5, call(SYS_write, file, "12345", 5));
	SUCCEEDS(0, call(SYS_fstat, file, &status, 0));
	expect("st_size", status.size, 5);
	expect("st_mode", status.mode, 0100640);
	expect("st_nlink", status.nlink, 1);
	expect("st_uid", status.uid, call(SYS_getuid, 0, 0, 0));
	SUCCEEDS(0, call(SYS_close, file, 0, 0));
	FAILS(EBADF, call(SYS_close, file, 0, 0));
	FAILS(EBADF, call(SYS_read, file, name, 1));
	FAILS(EBADF, call(SYS_write, -1, name, 1));
	FAILS(EBADF, call(SYS_fstat, file, &status, 0));

	/* Flags of FreeBSD; and what is none, or is refused. */
	SUCCEEDS(3, call(SYS_open, name, O_WRONLY | O_TRUNC, 0));
	FAILS(EBADF, call(SYS_read, 3, name, 1));
	SUCCEEDS(0, call(SYS_fstat, 3, &status, 0));
	expect("st_size, truncated", status.size, 0);
	FAILS(EFAULT, call(SYS_write, 3, NOWHERE, 8));
	FAILS(EFAULT, call(SYS_write, 3, KERNEL, 8));
	FAILS(EFAULT, call(SYS_fstat, 3, KERNEL, 0));
	SUCCEEDS(0, call(SYS_close, 3, 0, 0));
	FAILS(EINVAL, call(SYS_open, name, 3, 0));
	FAILS(EINVAL, call(SYS_open, name, 0x40000000, 0));
	FAILS(EFAULT, call(SYS_open, NOWHERE, O_RDONLY, 0));
	FAILS(EFAULT, call(SYS_open, KERNEL, O_RDONLY, 0));
	FAILS(ENAMETOOLONG, call(SYS_open, long_name, O_RDONLY, 0));
	FAILS(ELOOP, call(SYS_open, "/proc/self", O_RDONLY | O_NOFOLLOW, 0));
}

static void check_memory(void)
{
	long prot = PROT_READ | PROT_WRITE, how = MAP_PRIVATE | MAP_ANON;
	volatile char *memory;

	memory = (char *)call6(SYS_mmap, 0, 65536, prot, how, -1, 0);
	expect("mmap", (long)memory == -1, 0);
	memory[65535] = 1;
	SUCCEEDS(0, call(SYS_munmap, memory, 65536, 0));
	FAILS(EINVAL, call6(SYS_mmap, 0, 0, prot, how, -1, 0));
	FAILS(EINVAL, call6(SYS_mmap, 0, 4096, prot, how, 0, 0));
	FAILS(EINVAL, call6(SYS_mmap, 0, 4096, prot, how | 0x8000000, -1, 0));
	FAILS(EINVAL, call6(SYS_mmap, 0, 4096, 8, how, -1, 0));
	FAILS(EBADF, call6(SYS_mmap, 0, 4096, prot, MAP_PRIVATE, 77, 0));
	FAILS(ENOMEM, call6(SYS_mmap, 0, 1L << 60, prot, how, -1, 0));
	FAILS(EINVAL, call(SYS_munmap, 1, 4096, 0));
}

static void check_others(void)
{
	int name[2] = { 1, 1 };
	size_t size = 4;
	char text[8] = "";

	FAILS(ENOSYS, call(0, 0, 0, 0));
	FAILS(ENOSYS, call(552, 0, 0, 0));
	FAILS(ENOSYS, call(100000, 0, 0, 0));
	FAILS(ENOSYS, call(-1, 0, 0, 0));
	FAILS(EINVAL, call(SYS_clock_gettime, 77, text, 0));
	FAILS(EFAULT, call(SYS_clock_gettime, 0, KERNEL, 0));
	FAILS(ERANGE, call(SYS_getcwd, text, 1, 0));
	FAILS(EFAULT, call(SYS_getcwd, KERNEL, 4096, 0));
	SUCCEEDS(0, call(SYS_issetugid, 0, 0, 0));

	FAILS(ENOMEM,
	      call6(SYS_sysctl, (long)name, 2, (long)text, (long)&size, 0, 0));
	expect("size of a part", size, 4);
	expect("a part", same(text, "Free"), 1);
	SUCCEEDS(0, call6(SYS_sysctl, (long)name, 2, 0, (long)&size, 0, 0));
	expect("size of all", size, 8);
	size = -1;
	FAILS(EFAULT, call6(SYS_sysctl, (long)name, 2, (long)KERNEL,
			    (long)&size, 0, 0));
	FAILS(EFAULT, call6(SYS_sysctl, (long)KERNEL, 2, 0, 0, 0, 0));
	name[1] = 12345;
	FAILS(ENOENT, call6(SYS_sysctl, (long)name, 2, 0, 0, 0, 0));
}

/* In a pipe that holds nothing, and whose reading end does not wait. */
static void check_again(void)
{
	char byte;

	FAILS(EAGAIN, call(SYS_read, 0, &byte, 1));
}

static int check(char **arguments)
{
	check_files(arguments[0]);
	check_memory();
	check_others();
	if (arguments[1])
		check_again();
	say(wrong ? "not all is right\n" : "all is right\n");
	return wrong;
}

int main(int argc, char **argv, char **environment)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (same(what, "echo"))
		return echo(argv + 2);
	if (same(what, "cat"))
		return cat(argv + 2);
	if (same(what, "info"))
		return info(argc, argv, environment);
	if (same(what, "check") && argc > 2)
		return check(argv + 2);
	if (same(what, "crash"))
		return *(volatile int *)0;
	say("usage: demo echo|cat|info|check|crash [...]\n");
	return 2;
}
