// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * mremap: growing, shrinking and moving of private and shared memory and of
 * files, and what is shared afterwards.
 */
#include "mapped.h"

#include <fcntl.h>

/* Whether it is where it was, and else whether it moved or failed. */
static char *shown(const char *what, char *result, char *old)
{
	printf("%s: ", what);
	if (result == (char *)MAP_FAILED)
		printf("%d\n", -errno);
	else
		printf("%s\n", result == old ? "stays" : "moves");
	return result;
}

#define REMAP(old, ...)							\
	shown("mremap(" #old ", " #__VA_ARGS__ ")",			\
	      (char *)mremap(old, __VA_ARGS__), old)

/* Something of somebody's in the page at @at. */
static void occupy(char *at)
{
	mmap(at, PAGE, PROT_NONE, PRIVATE | MAP_FIXED, -1, 0);
}

static void in_place(void)
{
	char *p = pages(4, PRIVATE);

	REMAP(p, 4 * PAGE, 6 * PAGE, 0);
	PAGES(p, 7);
	CHECK(put(p + 5 * PAGE, 'x'));
	REMAP(p, 6 * PAGE, 2 * PAGE, 0);
	PAGES(p, 7);
	REMAP(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	PAGES(p, 5);
	REMAP(p, 4 * PAGE, 4 * PAGE, 0);
	REMAP(p, 4 * PAGE - 5, 4 * PAGE - 7, 0);
	/* from the middle on, and only the middle */
	REMAP(p + 2 * PAGE, 2 * PAGE, 3 * PAGE, 0);
	PAGES(p, 6);
	REMAP(p + PAGE, PAGE, 2 * PAGE, 0);
	REMAP(p + PAGE, 2 * PAGE, PAGE, 0);
	PAGES(p, 6);
	occupy(p + 5 * PAGE);
	REMAP(p + 3 * PAGE, 2 * PAGE, 3 * PAGE, 0);
	munmap(p, 6 * PAGE);
}

static void refused(void)
{
	char *p = pages(4, PRIVATE), *q = place(8);

	REMAP(p, PAGE, 0, 0);
	REMAP(p, PAGE, 0, MREMAP_MAYMOVE);
	REMAP(p + 1, PAGE, PAGE, 0);
	REMAP(p, PAGE, PAGE, 8);
	REMAP(p, PAGE, PAGE, MREMAP_FIXED, q);
	REMAP(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 1);
	REMAP(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE);
	REMAP(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p - PAGE);
	REMAP(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	      (void *)(1UL << 60));
	REMAP(p, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)-PAGE);
	REMAP(p + 4 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	REMAP(p + 4 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE);
	REMAP(p + 3 * PAGE, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	REMAP(p, 0, PAGE, MREMAP_MAYMOVE);
	REMAP(p, 0, PAGE, 0);
	REMAP(p, PAGE, PAGE, MREMAP_DONTUNMAP, NULL);
	REMAP(p, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, NULL);
	REMAP((char *)8, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	/* differently protected, it is not one */
	mprotect(p + PAGE, PAGE, PROT_READ);
	REMAP(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	PAGES(p, 5);
	munmap(p, 4 * PAGE);
}

static void moving(void)
{
	char *p = pages(4, PRIVATE), *m, *q;

	occupy(p + 4 * PAGE);
	REMAP(p, 4 * PAGE, 5 * PAGE, 0);
	m = REMAP(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	PAGES(p, 4);
	PAGES(m, 6);
	CHECK(put(m + 5 * PAGE, 'n'));
	munmap(p + 4 * PAGE, PAGE);
	q = place(12);
	/* to where it is wanted, shorter, longer, and over something */
	p = REMAP(m, 6 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	CHECK(p == q);
	PAGES(m, 6);
	PAGES(p, 4);
	occupy(q + 6 * PAGE);
	p = REMAP(q, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		  q + 5 * PAGE);
	CHECK(p == q + 5 * PAGE);
	PAGES(q, 3);
	PAGES(p, 5);
	CHECK(put(p + 3 * PAGE, 'o'));
	/* a part of it, and its protection goes with it */
	mprotect(p + PAGE, PAGE, PROT_READ);
	m = REMAP(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	CHECK(look(m));
	CHECK(put(m, 'r'));
	PAGES(p, 5);
	mprotect(p, PAGE, PROT_NONE);
	m = REMAP(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE);
	CHECK(look(m));
	mprotect(m, PAGE, PROT_READ);
	CHECK(look(m));
	munmap(q, 12 * PAGE);
}

static void kept(void)
{
	char *p = pages(2, PRIVATE), *s = pages(2, SHARED), *m, *q;

	m = REMAP(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		  NULL);
	PAGES(p, 2);
	PAGES(m, 2);
	munmap(m, 2 * PAGE);
	put(p, 'k');
	q = place(2);
	m = REMAP(p, 2 * PAGE, 2 * PAGE,
		  MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, q);
	CHECK(m == q);
	PAGES(p, 2);
	PAGES(m, 2);
	munmap(m, 2 * PAGE);
	m = REMAP(s, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
		  NULL);
	CHECK(put(m, 'l'));
	PAGES(s, 2);
	PAGES(m, 2);
	munmap(m, 2 * PAGE);
	munmap(s, 2 * PAGE);
	munmap(p, 2 * PAGE);
}

/* Shared memory stays shared with who had it before. */
static void sharing(void)
{
	char *s = pages(3, SHARED), *m, *twice;
	int tell[2], done[2];
	pid_t pid;
	char c;

	if (pipe(tell) || pipe(done))
		exit(1);
	pid = fork();
	if (!pid) {
		if (read(tell[0], &c, 1) != 1)
			_exit(1);
		put(s + PAGE, '1');
		if (write(done[1], "", 1) != 1 || read(tell[0], &c, 1) != 1)
			_exit(1);
		_exit(look(s));
	}
	occupy(s + 3 * PAGE);
	m = REMAP(s, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
	PAGES(s, 3);
	TRY(write(tell[1], "", 1));
	TRY(read(done[0], &c, 1));
	/* past its end, and it has not grown */
	PAGES(m, 5);
	CHECK(put(m, '2'));
	TRY(write(tell[1], "", 1));
	waitpid(pid, &tell[0], 0);
	CHECK(WEXITSTATUS(tell[0]));
	/* the same once more, elsewhere */
	twice = REMAP(m, 0, 3 * PAGE, MREMAP_MAYMOVE);
	CHECK(put(twice + 2 * PAGE, 't'));
	PAGES(m, 4);
	PAGES(twice, 3);
	CHILD(put(twice, '3'));
	PAGES(m, 3);
	REMAP(m, 5 * PAGE, PAGE, 0);
	munmap(m, PAGE);
	PAGES(twice, 3);
	munmap(twice, 3 * PAGE);
	munmap(s + 3 * PAGE, PAGE);
}

static void of_files(void)
{
	char name[] = "/tmp/remaps.XXXXXX", *s, *p, *q;
	int fd = mkstemp(name), i;

	unlink(name);
	for (i = 0; i < 4; i++)
		if (pwrite(fd, "ABCD" + i, 1, i * PAGE) != 1)
			exit(1);
	s = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, PAGE);
	p = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, PAGE);
	put(p, 'p');
	q = place(8);
	s = REMAP(s, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	PAGES(s, 5);
	p = REMAP(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		  q + 4 * PAGE);
	PAGES(p, 4);
	CHECK(put(s + 2 * PAGE, 's'));
	CHECK(look(p + 2 * PAGE));
	/* the second page of it, which is the file's third */
	p = REMAP(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	PAGES(p, 2);
	munmap(p, 2 * PAGE);
	p = REMAP(s + PAGE, 0, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(put(p, 'z'));
	PAGES(s, 4);
	munmap(p, 2 * PAGE);
	munmap(q, 8 * PAGE);
	close(fd);
}

/* After fork, from which on host mappings may be in more pieces. */
static long in_child(char *p)
{
	char *m;

	if (madvise(p + PAGE, PAGE, MADV_DONTNEED))
		return 1;
	put(p + PAGE, 'c');
	occupy(p + 3 * PAGE);
	m = mremap(p, PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	return m != MAP_FAILED && look(m) == 'a' && !look(m + 3 * PAGE) &&
			       look(p + PAGE) == 'c' &&
			       look(p + 2 * PAGE) == 'c' ?
		       0 :
		       2;
}

static void over_fork(void)
{
	char *p = pages(3, PRIVATE);

	CHILD(in_child(p));
	PAGES(p, 4);
	munmap(p, 3 * PAGE);
}

/* Written and executed, page by page as it comes. */
static void code(void)
{
	static const unsigned char text[] = { 0xb8, 7, 0, 0, 0, 0xc3 };
	char *p = pages(3, PRIVATE), *m;
	int i;

	TRY(mprotect(p, 3 * PAGE, RW | PROT_EXEC));
	for (i = 0; i < 3; i++)
		memcpy(p + i * PAGE, text, sizeof(text));
	CHECK(((int (*)(void))(p + PAGE))());
	occupy(p + 3 * PAGE);
	m = REMAP(p, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
	for (i = 0; i < 3; i++)
		CHECK(((int (*)(void))(m + i * PAGE))());
	CHECK(put(m + PAGE + 1, 9));
	CHECK(put(m + 4 * PAGE + 1, 9));
	CHECK(((int (*)(void))(m + PAGE))());
	munmap(p + 3 * PAGE, PAGE);
	munmap(m, 5 * PAGE);
}

/* As much as a program's heap has, and quickly. */
static void large(void)
{
	size_t n = 256 << 20, i, good = 0;
	char *p = mmap(NULL, n, RW, PRIVATE, -1, 0);

	for (i = 0; i < n; i += 4 << 20)
		p[i] = i >> 22;
	p = mremap(p, n, 2 * n, MREMAP_MAYMOVE);
	for (i = 0; i < n; i += 4 << 20)
		good += p[i] == (char)(i >> 22);
	CHECK(good);
	munmap(p, 2 * n);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	faults_are_seen();
	in_place();
	refused();
	moving();
	kept();
	sharing();
	of_files();
	over_fork();
	code();
	large();
	return 0;
}
