// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Memory: mapping, protecting, moving and advising, of files, of nothing and
 * between processes; and what an access that is not allowed gives. Works in
 * /tmp.
 */
#include "mapped.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[] = "/tmp/memory.XXXXXX";

static void mapping(void)
{
	char *m = pages(4, PRIVATE), *hint = place(4), *n;

	TRY(mmap(NULL, 0, RW, PRIVATE, -1, 0));
	TRY(mmap(NULL, PAGE, RW, PRIVATE, -1, 1));
	TRY(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	TRY(mmap(NULL, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, -1, 0));
	TRY(mmap(NULL, 1UL << 60, RW, PRIVATE, -1, 0));
	TRY(mmap(NULL, -1UL, RW, PRIVATE, -1, 0));
	TRY(mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
	TRY(mmap(m + 1, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0));
	TRY(mmap((void *)(1UL << 60), PAGE, RW, PRIVATE | MAP_FIXED, -1, 0));
	TRY(mmap((void *)-PAGE, 2 * PAGE, RW, PRIVATE | MAP_FIXED, -1, 0));
	/* an address that is free, one that is not, and one in between */
	n = MAP(mmap(hint, 2 * PAGE, RW, PRIVATE, -1, 0));
	CHECK(n == hint);
	n = MAP(mmap(hint, PAGE, RW, PRIVATE, -1, 0));
	CHECK(n == hint);
	n = MAP(mmap(hint + 2 * PAGE + 5, PAGE, RW, PRIVATE, -1, 0));
	CHECK(n == hint + 2 * PAGE);
	TRY(munmap(hint, 4 * PAGE));
	n = MAP(mmap(hint, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0));
	CHECK(n == hint);
	MAP(mmap(hint, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0));
	MAP(mmap(hint - PAGE, 3 * PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1,
		 0));
	MAP(mmap(hint + 1, PAGE, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0));
	/* what was there goes */
	n = MAP(mmap(m + PAGE, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0));
	CHECK(n == m + PAGE);
	PAGES(m, 5);
	TRY(munmap(m + 2 * PAGE, PAGE));
	PAGES(m, 5);
	TRY(munmap(m, 4 * PAGE));
	PAGES(m, 5);
	TRY(munmap(m, 4 * PAGE));
	TRY(munmap(m + 1, PAGE));
	TRY(munmap(m, 0));
	TRY(munmap((void *)(1UL << 60), PAGE));
	TRY(munmap((void *)-PAGE, 2 * PAGE));
	n = MAP(mmap(NULL, PAGE, RW, PRIVATE | MAP_32BIT, -1, 0));
	CHECK((unsigned long)n < 1UL << 31);
	/* a hint counts where it is low, and nobody is there */
	m = MAP(mmap(m, PAGE, RW, PRIVATE | MAP_32BIT, -1, 0));
	CHECK((unsigned long)m < 1UL << 31);
	TRY(munmap(m, PAGE));
	m = MAP(mmap(n, PAGE, RW, PRIVATE | MAP_32BIT, -1, 0));
	CHECK(m != n && (unsigned long)m < 1UL << 31);
	TRY(munmap(m, PAGE));
	TRY(munmap(n, PAGE));
	m = MAP(mmap(n, PAGE, RW, PRIVATE | MAP_32BIT, -1, 0));
	CHECK(m == n);
	TRY(munmap(n, PAGE));
	m = MAP(mmap((void *)((1UL << 31) - PAGE), 2 * PAGE, RW,
		     PRIVATE | MAP_32BIT, -1, 0));
	CHECK((unsigned long)m < 1UL << 31);
	TRY(munmap(m, 2 * PAGE));
	n = MAP(mmap(NULL, 4 * PAGE, RW, PRIVATE | MAP_POPULATE | MAP_NORESERVE,
		     -1, 0));
	PAGES(n, 4);
	munmap(n, 4 * PAGE);
	munmap(hint, PAGE);
}

/* What a segment of the program asks for. */
static char aligned[1 << 16] __attribute__((aligned(1 << 16)));

/* A stack as a whole, which is how dynamic loaders make it executable. */
static void grown(void)
{
	char *here = (char *)((uintptr_t)__builtin_frame_address(0) & -PAGE);
	const int down = PROT_GROWSDOWN, up = PROT_GROWSUP;

	TRY(mprotect(here, PAGE, RW | down));
	here[-PAGE] = 1;
	TRY(mprotect(here, PAGE, RW | up));
	TRY(mprotect(here, PAGE, RW | down | up));
	TRY(mprotect(aligned, PAGE, RW | down));
	TRY(mprotect(NULL, PAGE, RW | down));
	SHOW("aligned", (uintptr_t)aligned & (sizeof(aligned) - 1));
}

static void protecting(void)
{
	char *m = pages(6, PRIVATE);

	TRY(mprotect(m + PAGE, PAGE, PROT_READ));
	CHECK(look(m + PAGE));
	CHECK(put(m + PAGE, 'x'));
	TRY(mprotect(m + 2 * PAGE, PAGE, PROT_NONE));
	CHECK(look(m + 2 * PAGE));
	CHECK(put(m + 2 * PAGE, 'x'));
	TRY(mprotect(m + 3 * PAGE, PAGE, PROT_WRITE));
	CHECK(put(m + 3 * PAGE, 'x'));
	TRY(munmap(m + 4 * PAGE, PAGE));
	CHECK(look(m + 4 * PAGE));
	TRY(mprotect(m, 6 * PAGE, PROT_READ));
	CHECK(put(m + 3 * PAGE, 'y'));
	CHECK(put(m + 5 * PAGE, 'y'));
	TRY(mprotect(m + 4 * PAGE, 2 * PAGE, PROT_READ));
	CHECK(put(m + 5 * PAGE, 'z'));
	PAGES(m, 6);
	TRY(mprotect(m, 4 * PAGE, RW));
	CHECK(put(m + 3 * PAGE, 'y'));
	TRY(mprotect(m + 1, PAGE, RW));
	TRY(mprotect(m, 0, RW));
	TRY(mprotect(m, -1UL, RW));
	TRY(mprotect(m, PAGE, 0x40));
	grown();
	TRY(mprotect(m, PAGE, RW | PROT_GROWSDOWN));
	TRY(mprotect(m, PAGE, RW | PROT_GROWSUP));
	TRY(mprotect(m, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP));
	TRY(mprotect(m + 4 * PAGE, 0, RW));
	munmap(m, 6 * PAGE);
}

/* A file of @n pages and some bytes, which hold 'A', 'B', ... */
static int file(const char *name, int n, int more)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), i;
	char c;

	for (i = 0; i < n; i++) {
		c = 'A' + i;
		if (pwrite(fd, &c, 1, i * PAGE) != 1)
			exit(1);
	}
	if (ftruncate(fd, n * PAGE + more))
		exit(1);
	return fd;
}

static long in_file(int fd, int page)
{
	char c = 0;

	return pread(fd, &c, 1, page * PAGE) == 1 ? c : -1;
}

static void refused(void)
{
	int fd = file("refused", 1, 0), tell[2], other;

	close(fd);
	fd = open("refused", O_RDONLY);
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
	MAP(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	MAP(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
	TRY(mprotect(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), PAGE, RW));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x4000000, fd,
		 0));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x200000, fd, 0));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_SHARED | 0x200000, fd, 0));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1UL << 63));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE));
	close(fd);
	fd = open("refused", O_WRONLY);
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	MAP(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0));
	close(fd);
	fd = open("refused", O_PATH);
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	fd = open(".", O_RDONLY);
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	TRY(pipe(tell));
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, tell[0], 0));
	fd = open("/dev/null", O_RDWR);
	MAP(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0));
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	for (other = MAP_SHARED; other <= MAP_PRIVATE; other++) {
		char *m = MAP(mmap(NULL, 2 * PAGE, RW, other, fd, 0));

		put(m, 'z');
		PAGES(m, 2);
		CHILD(put(m, 'y'));
		PAGES(m, 2);
		munmap(m, 2 * PAGE);
	}
	close(fd);
	close(tell[0]);
	close(tell[1]);
	unlink("refused");
}

static void of_files(void)
{
	int fd = file("mapped", 2, 10), fork_fd;
	char *s, *p, b[4];

	s = MAP(mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0));
	p = MAP(mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0));
	PAGES(s, 4);
	PAGES(p, 4);
	CHECK(look(s + 2 * PAGE + 9));
	CHECK(look(s + 2 * PAGE + 10));
	CHECK(put(p, 'p'));
	CHECK(in_file(fd, 0));
	CHECK(put(s + PAGE, 's'));
	CHECK(in_file(fd, 1));
	CHECK(look(p + PAGE));
	TRY(pwrite(fd, "w", 1, PAGE));
	CHECK(look(s + PAGE));
	/* past the end, also of a call */
	CHECK(put(s + 3 * PAGE, 'x'));
	CHECK(put(p + 3 * PAGE, 'x'));
	TRY(pread(fd, s + 3 * PAGE, 1, 0));
	TRY(pwrite(fd, p + 3 * PAGE, 1, 0));
	TRY(pread(fd, s + 3 * PAGE - 2, 4, 0));
	/* what lies behind the end is not the file's */
	CHECK(put(s + 2 * PAGE + 100, 'x'));
	TRY(ftruncate(fd, 4 * PAGE));
	PAGES(s, 4);
	PAGES(p, 4);
	CHECK(in_file(fd, 3));
	CHECK(put(p + 2 * PAGE, 'q'));
	TRY(ftruncate(fd, PAGE));
	PAGES(s, 4);
	PAGES(p, 4);
	TRY(ftruncate(fd, 4 * PAGE));
	PAGES(s, 4);
	PAGES(p, 4);
	/* it stays when its name and its descriptor go */
	fork_fd = dup(fd);
	close(fd);
	unlink("mapped");
	CHECK(put(s, 'S'));
	CHILD(put(s + PAGE, 'c') || put(p, 'd'));
	PAGES(s, 2);
	PAGES(p, 2);
	CHECK(in_file(fork_fd, 1));
	TRY(pread(fork_fd, b, 1, 0));
	TRY(munmap(s + PAGE, PAGE));
	PAGES(s, 4);
	munmap(s, 4 * PAGE);
	/* from the middle on */
	s = MAP(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fork_fd, PAGE));
	CHECK(look(s));
	CHECK(put(s, 'x'));
	munmap(s, PAGE);
	munmap(p, 4 * PAGE);
	close(fork_fd);
}

static void between_processes(void)
{
	char *s = pages(3, SHARED), *p = pages(3, PRIVATE);

	CHILD(put(s, '1') || put(p, '1'));
	PAGES(s, 3);
	PAGES(p, 3);
	CHILD(munmap(s, PAGE) || mprotect(s + PAGE, PAGE, PROT_NONE));
	PAGES(s, 3);
	CHILD(fork() ? wait(NULL) < 0 : put(s + PAGE, '2'));
	PAGES(s, 3);
	TRY(munmap(s + PAGE, PAGE));
	CHILD(put(s + 2 * PAGE, '3') || put(s + PAGE, 'x') != -1101);
	PAGES(s, 3);
	munmap(s, 3 * PAGE);
	munmap(p, 3 * PAGE);
}

static void syncing(void)
{
	int fd = file("synced", 3, 0);
	char *s = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	char *p = pages(3, PRIVATE);

	put(s, 'x');
	TRY(msync(s, 3 * PAGE, MS_SYNC));
	TRY(msync(s, 3 * PAGE, MS_ASYNC));
	TRY(msync(s, 3 * PAGE, MS_INVALIDATE | MS_SYNC));
	TRY(msync(s, PAGE + 1, 0));
	TRY(msync(s, 3 * PAGE, MS_SYNC | MS_ASYNC));
	TRY(msync(s, 3 * PAGE, 8));
	TRY(msync(s + 1, PAGE, MS_SYNC));
	TRY(msync(s, 0, MS_SYNC));
	TRY(msync(s, -1UL, MS_SYNC));
	TRY(msync(s, -2 * PAGE, MS_SYNC));
	TRY(msync(p, 3 * PAGE, MS_SYNC));
	TRY(munmap(s + PAGE, PAGE));
	TRY(msync(s, 3 * PAGE, MS_SYNC));
	TRY(msync(s + PAGE, PAGE, MS_ASYNC));
	TRY(msync(s + 2 * PAGE, PAGE, MS_SYNC));
	munmap(s, 3 * PAGE);
	munmap(p, 3 * PAGE);
	close(fd);
	unlink("synced");
}

static void residing(void)
{
	char *m = pages(4, PRIVATE);
	unsigned char v[8];

	memset(v, 0xee, sizeof(v));
	TRY(mincore(m, 3 * PAGE + 1, v));
	SHOW("resident", (v[0] & 1) + (v[1] & 1) + (v[2] & 1) + (v[3] & 1));
	CHECK(v[4]);
	TRY(mincore(m + 1, PAGE, v));
	TRY(mincore(m, 0, v));
	TRY(mincore(m, 5 * PAGE, v));
	TRY(mincore(m + 4 * PAGE, PAGE, v));
	TRY(mincore(m, PAGE, (void *)8));
	TRY(mincore(m, -PAGE, v));
	TRY(mincore((void *)(1UL << 62), PAGE, v));
	munmap(m, 4 * PAGE);
}

static void advising(void)
{
	char *p = pages(4, PRIVATE), *s = pages(3, SHARED), *f, *g;
	int fd = file("advised", 3, 0);

	f = mmap(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	g = mmap(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	put(f + PAGE, 'x');
	put(g + 2 * PAGE, 'y');
	TRY(madvise(p + PAGE, PAGE + 1, MADV_DONTNEED));
	PAGES(p, 4);
	TRY(madvise(s, 3 * PAGE, MADV_DONTNEED));
	PAGES(s, 3);
	PAGES(f, 3);
	TRY(madvise(f, 3 * PAGE, MADV_DONTNEED));
	PAGES(f, 3);
	TRY(madvise(g, 3 * PAGE, MADV_DONTNEED));
	PAGES(g, 3);
	/* what cannot be accessed loses its contents as well */
	TRY(mprotect(p, PAGE, PROT_NONE));
	TRY(madvise(p, PAGE, MADV_DONTNEED));
	CHECK(look(p));
	TRY(mprotect(p, PAGE, RW));
	CHECK(look(p));
	/* a hole: what is around it is done */
	put(p, 'h');
	put(p + 2 * PAGE, 'i');
	TRY(munmap(p + PAGE, PAGE));
	TRY(madvise(p, 4 * PAGE, MADV_DONTNEED));
	PAGES(p, 4);
	TRY(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	TRY(madvise(p, 4 * PAGE, MADV_NORMAL));
	TRY(madvise(p, 4 * PAGE, MADV_RANDOM));
	TRY(madvise(p, 4 * PAGE, MADV_SEQUENTIAL));
	TRY(madvise(p, 4 * PAGE, MADV_DONTDUMP));
	TRY(madvise(p, 4 * PAGE, MADV_DODUMP));
	TRY(madvise(p, 4 * PAGE, MADV_FREE));
	TRY(madvise(f, 3 * PAGE, MADV_WILLNEED));
	TRY(madvise(p + PAGE, PAGE, MADV_WILLNEED));
	/* it keeps what is written after it */
	TRY(madvise(p + 2 * PAGE, 2 * PAGE, MADV_FREE));
	CHECK(put(p + 2 * PAGE, 'f'));
	CHECK(look(p + 2 * PAGE));
	CHECK(look(p + 3 * PAGE));
	TRY(madvise(s, PAGE, MADV_FREE));
	TRY(madvise(f, PAGE, MADV_FREE));
	TRY(madvise(g, PAGE, MADV_FREE));
	TRY(madvise(p + 1, PAGE, MADV_DONTNEED));
	TRY(madvise(p, 0, MADV_DONTNEED));
	TRY(madvise(p + 3 * PAGE, 0, MADV_DONTNEED));
	TRY(madvise(f + PAGE, 0, MADV_DONTNEED));
	TRY(madvise(s + PAGE, 0, MADV_FREE));
	TRY(madvise(p + PAGE, 0, MADV_NORMAL));
	TRY(madvise(p, -1UL, MADV_DONTNEED));
	TRY(madvise(p, -2 * PAGE, MADV_DONTNEED));
	TRY(madvise(p, PAGE, 12345));
	TRY(madvise(p, 0, 12345));
	/* after fork each has its own */
	put(p, 'a');
	CHILD(madvise(p, PAGE, MADV_DONTNEED) ?: look(p));
	CHECK(look(p));
	munmap(p, 4 * PAGE);
	munmap(s, 3 * PAGE);
	munmap(f, 3 * PAGE);
	munmap(g, 3 * PAGE);
	close(fd);
	unlink("advised");
}

/* The break, as the system call moves it. */
static void breaking(void)
{
	char *start = (char *)syscall(SYS_brk, 0), *up;
	char *at = (char *)(((unsigned long)start + PAGE - 1) & -PAGE);

#define BRK(x) ((char *)syscall(SYS_brk, x) - start)
	CHECK(BRK(start));
	up = at + 3 * PAGE + 5;
	CHECK(BRK(up) == up - start);
	CHECK(put(at + 2 * PAGE, 'b'));
	CHECK(look(at + 3 * PAGE));
	CHECK(look(at + 4 * PAGE));
	CHECK(BRK(at + PAGE) == at + PAGE - start);
	CHECK(look(at + PAGE));
	CHECK(BRK(up) == up - start);
	CHECK(look(at + 2 * PAGE));
	CHECK(BRK(NULL) == up - start);
	CHECK(BRK((char *)8) == up - start);
	CHECK(BRK((char *)-1UL) == up - start);
	CHECK(BRK((char *)(1UL << 50)) == up - start);
	/* what is in the way stays */
	MAP(mmap(at + 5 * PAGE, PAGE, RW, PRIVATE | MAP_FIXED, -1, 0));
	CHECK(put(at + 5 * PAGE, 'm'));
	CHECK(BRK(at + 8 * PAGE) == up - start);
	CHECK(look(at + 5 * PAGE));
	TRY(munmap(at + 5 * PAGE, PAGE));
	CHILD(BRK(start));
	CHECK(look(at + 2 * PAGE));
	CHECK(BRK(start));
}

/* As much as it may have, of all and of what can be written. */
static void limited(void)
{
	struct rlimit all = { 128 << 20, RLIM_INFINITY }, old, none;
	struct rlimit data = { 64 << 20, RLIM_INFINITY };
	char *m, *n, *end = sbrk(0);

	getrlimit(RLIMIT_AS, &old);
	TRY(setrlimit(RLIMIT_AS, &all));
	MAP(mmap(NULL, 160 << 20, PROT_READ, PRIVATE, -1, 0));
	m = MAP(mmap(NULL, 80 << 20, PROT_NONE, PRIVATE, -1, 0));
	MAP(mmap(NULL, 80 << 20, PROT_READ, SHARED, -1, 0));
	/* what goes is not counted */
	n = MAP(mmap(m, 80 << 20, PROT_READ, PRIVATE | MAP_FIXED, -1, 0));
	CHECK(n == m);
	MAP(mremap(m, 80 << 20, 160 << 20, MREMAP_MAYMOVE));
	CHECK(sbrk(80 << 20) == (void *)-1 && errno == ENOMEM);
	CHECK(sbrk(0) == end);
	TRY(munmap(m, 40 << 20));
	n = MAP(mmap(NULL, 40 << 20, RW, PRIVATE, -1, 0));
	TRY(munmap(n, 40 << 20));
	TRY(munmap(m + (40 << 20), 40 << 20));
	/* a child has the same, and may take it back: it is the soft one */
	CHILD(mmap(NULL, 160 << 20, PROT_READ, PRIVATE, -1, 0) == MAP_FAILED);
	CHILD((setrlimit(RLIMIT_AS, &old),
	       mmap(NULL, 160 << 20, PROT_READ, PRIVATE, -1, 0) == MAP_FAILED));
	setrlimit(RLIMIT_AS, &old);

	getrlimit(RLIMIT_DATA, &none);
	TRY(setrlimit(RLIMIT_DATA, &data));
	MAP(mmap(NULL, 80 << 20, RW, PRIVATE, -1, 0));
	n = MAP(mmap(NULL, 80 << 20, RW, SHARED, -1, 0));
	TRY(munmap(n, 80 << 20));
	m = MAP(mmap(NULL, 80 << 20, PROT_READ, PRIVATE, -1, 0));
	TRY(mprotect(m, 80 << 20, RW));
	TRY(mprotect(m, 40 << 20, RW));
	TRY(mprotect(m + (40 << 20), 40 << 20, RW));
	MAP(mremap(m, 40 << 20, 80 << 20, MREMAP_MAYMOVE));
	CHECK(sbrk(40 << 20) == (void *)-1 && errno == ENOMEM);
	/* what is replaced is not counted */
	n = MAP(mmap(m, 40 << 20, RW, PRIVATE | MAP_FIXED, -1, 0));
	CHECK(n == m);
	n = MAP(mmap(m, 80 << 20, RW, PRIVATE | MAP_FIXED, -1, 0));
	CHECK(n == m);
	TRY(munmap(m, 80 << 20));
	m = MAP(mmap(NULL, PAGE, PROT_READ, PRIVATE, -1, 0));
	getrlimit(RLIMIT_AS, &old);
	all.rlim_cur = PAGE;
	TRY(setrlimit(RLIMIT_AS, &all));
	TRY(mprotect(m, PAGE, RW));
	MAP(mmap(NULL, PAGE, PROT_READ, PRIVATE, -1, 0));
	TRY(munmap(m, PAGE));
	setrlimit(RLIMIT_AS, &old);
	CHECK(sbrk(40 << 20) == end);
	CHECK(sbrk(-(40 << 20)) == end + (40 << 20));
	setrlimit(RLIMIT_DATA, &none);
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	faults_are_seen();
	mapping();
	protecting();
	refused();
	of_files();
	between_processes();
	syncing();
	residing();
	advising();
	breaking();
	limited();
	return chdir("/") || rmdir(folder);
}
