// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Files between processes: record locks, flock, FIFOs; files without a name;
 * memory that is written and executed. Works in /tmp.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef F_OFD_SETLK
#define F_OFD_GETLK	36
#define F_OFD_SETLK	37
#endif

static char folder[] = "/tmp/files.XXXXXX";

static long lock(int fd, int command, short type, off_t start, off_t length)
{
	struct flock l = { .l_type = type,
			   .l_whence = SEEK_SET,
			   .l_start = start,
			   .l_len = length };

	return fcntl(fd, command, &l);
}

/* In a child: its exit code is the errno of what it tried, or 0. */
#define CHILD(x)							\
	({								\
		pid_t pid_ = fork();					\
		int status_ = -1;					\
									\
		if (!pid_)						\
			_exit((x) == -1 ? errno : 0);			\
		waitpid(pid_, &status_, 0);				\
		SHOW("child: " #x, WEXITSTATUS(status_));		\
	})

static long try_lock(short type, off_t start, off_t length)
{
	int fd = open("locked", O_RDWR);

	return lock(fd, F_SETLK, type, start, length);
}

static long try_flock(int how)
{
	return flock(open("locked", O_RDWR), how | LOCK_NB);
}

static void show_holder(int fd, int command, pid_t me)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	TRY(fcntl(fd, command, &l));
	printf("type %d, start %ld, length %ld, %s\n", l.l_type,
	       (long)l.l_start, (long)l.l_len,
	       l.l_pid == me ? "the parent's" :
	       l.l_pid == -1 ? "a description's" :
			       "");
	fflush(stdout);
}

static void record_locks(void)
{
	int fd = open("locked", O_RDWR | O_CREAT, 0644), other;
	struct flock l = { .l_type = F_WRLCK };
	pid_t me = getpid(), pid;
	int status;

	TRY(ftruncate(fd, 100));
	TRY(lock(fd, F_SETLK, F_WRLCK, 10, 10));
	CHILD(try_lock(F_RDLCK, 15, 1));
	CHILD(try_lock(F_RDLCK, 20, 0));
	CHILD(try_lock(F_WRLCK, 0, 10));
	pid = fork();
	if (!pid) {
		show_holder(fd, F_GETLK, me);
		show_holder(fd, F_OFD_GETLK, me);
		/* closing here drops nothing of the parent's */
		close(fd);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	CHILD(try_lock(F_RDLCK, 15, 1));
	show_holder(fd, F_GETLK, me);
	/* half of it goes, the rest becomes shared */
	TRY(lock(fd, F_SETLK, F_UNLCK, 10, 5));
	TRY(lock(fd, F_SETLK, F_RDLCK, 15, 5));
	CHILD(try_lock(F_WRLCK, 10, 5));
	CHILD(try_lock(F_RDLCK, 15, 5));
	CHILD(try_lock(F_WRLCK, 15, 5));
	/* any descriptor of the file, be it another description or a copy */
	other = open("locked", O_RDONLY);
	close(other);
	CHILD(try_lock(F_WRLCK, 0, 0));
	TRY(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	close(dup(fd));
	CHILD(try_lock(F_WRLCK, 0, 0));
	/* from the end and from the position, backwards */
	lseek(fd, 50, SEEK_SET);
	l.l_whence = SEEK_CUR;
	l.l_len = -10;
	TRY(fcntl(fd, F_SETLK, &l));
	CHILD(try_lock(F_WRLCK, 50, 0));
	CHILD(try_lock(F_WRLCK, 40, 1));
	l.l_whence = SEEK_END;
	l.l_start = -1;
	l.l_len = 0;
	TRY(fcntl(fd, F_SETLK, &l));
	CHILD(try_lock(F_WRLCK, 1000, 1));
	/* does not make sense */
	TRY(lock(fd, F_SETLK, 7, 0, 0));
	TRY(lock(fd, F_GETLK, F_UNLCK, 0, 0));
	TRY(lock(fd, F_SETLK, F_WRLCK, -1, 0));
	l.l_whence = 9;
	TRY(fcntl(fd, F_SETLK, &l));
	TRY(fcntl(fd, F_SETLK, 8));
	other = open("locked", O_RDONLY);
	TRY(lock(other, F_SETLK, F_WRLCK, 0, 1));
	close(other);
	close(fd);
}

/* F_SETLKW waits until the other one is gone, and until a signal. */
static void on_alarm(int signal)
{
	(void)signal;
}

static void waiting(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	int fd = open("locked", O_RDWR), ready[2];
	pid_t pid;
	char c;

	if (pipe(ready))
		return;
	pid = fork();
	if (!pid) {
		lock(fd, F_SETLK, F_WRLCK, 0, 0);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	if (read(ready[0], &c, 1) != 1)
		return;
	sigaction(SIGALRM, &act, NULL);
	ualarm(100000, 100000);
	TRY(lock(fd, F_SETLKW, F_WRLCK, 0, 0));
	ualarm(0, 0);
	kill(pid, SIGKILL);
	TRY(lock(fd, F_SETLKW, F_WRLCK, 0, 0));
	waitpid(pid, NULL, 0);
	close(fd);
	close(ready[0]);
	close(ready[1]);
}

static void description_locks(void)
{
	int a = open("locked", O_RDWR), b = open("locked", O_RDWR), c = dup(a);
	pid_t pid;

	TRY(lock(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	TRY(lock(b, F_OFD_SETLK, F_WRLCK, 5, 1));
	TRY(lock(c, F_OFD_SETLK, F_RDLCK, 5, 1));
	TRY(lock(b, F_SETLK, F_WRLCK, 0, 1));
	show_holder(b, F_OFD_GETLK, getpid());
	/* it is shared over fork, and goes with the last descriptor */
	pid = fork();
	if (!pid)
		_exit(lock(a, F_OFD_SETLK, F_WRLCK, 20, 1) ? errno : 0);
	waitpid(pid, NULL, 0);
	TRY(lock(b, F_OFD_SETLK, F_WRLCK, 20, 1));
	close(a);
	TRY(lock(b, F_OFD_SETLK, F_WRLCK, 20, 1));
	close(c);
	TRY(lock(b, F_OFD_SETLK, F_WRLCK, 20, 1));
	close(b);
}

static void whole_locks(void)
{
	int a = open("locked", O_RDONLY), b = open("locked", O_RDONLY);

	TRY(flock(a, LOCK_SH));
	TRY(flock(b, LOCK_SH | LOCK_NB));
	TRY(flock(b, LOCK_EX | LOCK_NB));
	CHILD(try_flock(LOCK_SH));
	CHILD(try_flock(LOCK_EX));
	TRY(flock(a, LOCK_UN));
	TRY(flock(b, LOCK_EX | LOCK_NB));
	CHILD(try_flock(LOCK_SH));
	TRY(flock(a, 9));
	TRY(flock(99, LOCK_SH));
	close(b);
	TRY(flock(a, LOCK_EX | LOCK_NB));
	close(a);
}

static void fifos(void)
{
	struct stat st;
	struct pollfd p;
	int r, w;
	char b[8] = "";
	pid_t pid;

	umask(022);
	TRY(mkfifo("fifo", 0666));
	TRY(mkfifo("fifo", 0666));
	TRY(lstat("fifo", &st));
	printf("%o\n", st.st_mode);
	TRY(open("fifo", O_WRONLY | O_NONBLOCK));
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	p = (struct pollfd){ r, POLLIN, 0 };
	CHECK(poll(&p, 1, 0));
	TRY(read(r, b, 8));
	w = open("fifo", O_WRONLY);
	TRY(read(r, b, 8));
	TRY(write(w, "hello", 5));
	CHECK(poll(&p, 1, 1000));
	CHECK(p.revents);
	TRY(read(r, b, 8));
	printf("%s\n", b);
	TRY(lseek(r, 0, SEEK_CUR));
	TRY(ftruncate(w, 0));
	close(w);
	TRY(read(r, b, 8));
	CHECK(poll(&p, 1, 0));
	CHECK(p.revents);
	close(r);
	/* opening waits for the other side */
	pid = fork();
	if (!pid) {
		w = open("fifo", O_WRONLY);
		_exit(write(w, "from the child", 5) != 5);
	}
	r = open("fifo", O_RDONLY);
	TRY(read(r, b, 8));
	waitpid(pid, NULL, 0);
	TRY(read(r, b, 8));
	close(r);
	signal(SIGPIPE, SIG_IGN);
	r = open("fifo", O_RDONLY | O_NONBLOCK);
	w = open("fifo", O_WRONLY);
	close(r);
	TRY(write(w, "x", 1));
	close(w);
	r = open("fifo", O_RDWR);
	TRY(write(r, "self", 4));
	TRY(read(r, b, 8));
	TRY(fcntl(r, F_SETFL, O_NONBLOCK));
	TRY(read(r, b, 8));
	close(r);
	TRY(unlink("fifo"));
}

static void splices(void)
{
	int fd = open("spliced", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2], q[2];
	loff_t at = 2;
	char b[16] = "";

	if (pipe(p) || pipe(q))
		return;
	TRY(write(fd, "0123456789", 10));
	TRY(splice(fd, &at, p[1], NULL, 5, 0));
	CHECK(at);
	TRY(splice(p[0], NULL, q[1], NULL, 3, 0));
	TRY(splice(q[0], NULL, fd, NULL, 100, 0));
	TRY(splice(q[0], NULL, fd, NULL, 100, SPLICE_F_NONBLOCK));
	at = 20;
	TRY(splice(p[0], NULL, fd, &at, 100, 0));
	CHECK(at);
	TRY(pread(fd, b, 15, 8));
	printf("%s\n", b);
	TRY(splice(fd, NULL, fd, NULL, 1, 0));
	TRY(splice(p[0], &at, fd, NULL, 1, 0));
	TRY(splice(p[0], NULL, p[1], NULL, 1, 0));
	TRY(splice(p[1], NULL, fd, NULL, 1, 0));
	TRY(splice(p[0], NULL, fd, NULL, 1, 64));
	TRY(splice(p[0], NULL, 99, NULL, 1, 0));
	TRY(splice(99, NULL, 99, NULL, 0, 0));
	close(p[1]);
	TRY(splice(p[0], NULL, fd, NULL, 1, 0));
	close(p[0]);
	close(q[0]);
	TRY(splice(fd, (at = 0, &at), q[1], NULL, 1, 0));
	close(q[1]);
	close(fd);
	unlink("spliced");
}

/* How long a file may become. */
static void limit(void)
{
	struct rlimit old, small;
	int e[8], n = 0, i;
	struct stat st;
	long r[8];
	int fd = open("limited", O_RDWR | O_CREAT, 0600);

	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	/* What is said goes to a file, too: later. */
#define TELL(x) (r[n] = (x), e[n] = r[n] == -1 ? errno : 0, n++)
	TELL(pwrite(fd, "0123456789", 10, 95));
	TELL(pwrite(fd, "0123456789", 10, 100));
	TELL(lseek(fd, 98, SEEK_SET));
	TELL(write(fd, "0123", 4));
	TELL(write(fd, "0123", 4));
	TELL(ftruncate(fd, 101));
	TELL(ftruncate(fd, 100));
	if (!fstat(1, &st) && S_ISREG(st.st_mode))
		TELL(write(1, "none of this\n", 13));
	setrlimit(RLIMIT_FSIZE, &old);
	for (i = 0; i < n; i++)
		printf("%d: %ld, %d\n", i, r[i], e[i]);
	TRY(write(fd, "0123", 4));
	close(fd);
	unlink("limited");
}

static void nameless(void)
{
	char link[64], target[256];
	struct stat st;
	ssize_t n;
	int fd;

	TRY(open(".", O_TMPFILE | O_RDONLY, 0600));
	TRY(open("locked", O_TMPFILE | O_RDWR, 0600));
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	TRY(write(fd, "text", 4));
	TRY(fstat(fd, &st));
	printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = 0;
	printf("%s\n", strstr(target, " (deleted)") ?: "has a name");
	TRY(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	TRY(linkat(AT_FDCWD, link, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	TRY(stat("named", &st));
	printf("%o %ld %ld\n", st.st_mode, (long)st.st_size, (long)st.st_nlink);
	close(fd);
	TRY(unlink("named"));

	fd = open("gone", O_RDWR | O_CREAT | O_EXCL, 0600);
	unlink("gone");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = 0;
	printf("%s\n", strstr(target, "/gone") ?: "?");
	TRY(linkat(AT_FDCWD, link, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
	close(fd);
}

/* mov eax, VALUE; ret */
static void put_code(unsigned char *at, int value)
{
	at[0] = 0xb8;
	memcpy(at + 1, &value, 4);
	at[5] = 0xc3;
}

static long call(void *at)
{
	return ((int (*)(void))at)();
}

/* The same memory twice, once to write and once to execute: libffi's way. */
static void two_mappings(int fd)
{
	unsigned char *w, *x;

	TRY(ftruncate(fd, 4096));
	w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	x = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	CHECK(w != MAP_FAILED && x != MAP_FAILED);
	if (w == MAP_FAILED || x == MAP_FAILED)
		return;
	put_code(w, 42);
	CHECK(call(x));
	put_code(w, 43);
	CHECK(call(x));
	munmap(w, 4096);
	munmap(x, 4096);
}

static void code(void)
{
	int rwx = PROT_READ | PROT_WRITE | PROT_EXEC, fd, i;
	unsigned char *m =
		mmap(NULL, 3 * 4096, rwx, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long sum = 0;
	pid_t pid;

	CHECK(m != MAP_FAILED);
	if (m == MAP_FAILED)
		return;
	put_code(m, 7);
	CHECK(call(m));
	/* written again after it ran, and across a page's end */
	put_code(m, 8);
	CHECK(call(m));
	put_code(m + 4096 - 3, 9);
	CHECK(call(m + 4096 - 3));
	for (i = 0; i < 1000; i++) {
		put_code(m + 8192, i);
		sum += call(m + 8192);
	}
	CHECK(sum);
	pid = fork();
	if (!pid) {
		put_code(m, 10);
		_exit(call(m));
	}
	waitpid(pid, &i, 0);
	CHECK(WEXITSTATUS(i));
	CHECK(call(m));
	TRY(mprotect(m, 4096, PROT_READ | PROT_EXEC));
	CHECK(call(m));
	TRY(mprotect(m, 4096, rwx));
	put_code(m, 11);
	CHECK(call(m));
	munmap(m, 3 * 4096);

	fd = memfd_create("code", MFD_CLOEXEC);
	two_mappings(fd);
	close(fd);
	fd = open("code", O_RDWR | O_CREAT | O_EXCL, 0700);
	unlink("code");
	two_mappings(fd);
	close(fd);
}

static void shared(void)
{
	char name[64];
	sem_t *sem;
	pid_t pid;
	char *m;
	int fd;

	snprintf(name, sizeof(name), "/files-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(fd >= 0);
	TRY(ftruncate(fd, 4096));
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	CHECK(sem != SEM_FAILED);
	pid = fork();
	if (!pid) {
		strcpy(m, "from the child");
		sem_post(sem);
		_exit(0);
	}
	TRY(sem_wait(sem));
	printf("%s\n", m);
	waitpid(pid, NULL, 0);
	TRY(sem_unlink(name));
	TRY(shm_unlink(name));
	TRY(shm_unlink(name));
	close(fd);
}

/* Room and holes. */
static void room(void)
{
	char text[4096 * 4], back[sizeof(text)];
	int fd = open("room", O_RDWR | O_CREAT, 0600);
	int other = open("room", O_RDONLY), tell[2];
	struct rlimit small = { 1 << 20, RLIM_INFINITY }, before;
	struct stat st;

	TRY(fallocate(fd, 0, 1000, 9000));
	fstat(fd, &st);
	SHOW("length", st.st_size);
	SHOW("has room", st.st_blocks > 0);
	TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
	fstat(fd, &st);
	SHOW("length", st.st_size);
	TRY(posix_fallocate(fd, 0, 20000));
	fstat(fd, &st);
	SHOW("length", st.st_size);
	memset(text, 'x', sizeof(text));
	TRY(pwrite(fd, text, sizeof(text), 0));
	TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096,
		      8192));
	TRY(pread(fd, back, sizeof(back), 0));
	memset(text + 4096, 0, 8192);
	SHOW("a hole", memcmp(text, back, sizeof(text)));
	SHOW("found", lseek(fd, 0, SEEK_HOLE));
	TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10));
	TRY(fallocate(fd, 0, -1, 10));
	TRY(fallocate(fd, 0, 0, 0));
	TRY(fallocate(fd, 0, 10, INT64_MAX));
	TRY(fallocate(fd, 0x4000, 0, 10));
	TRY(fallocate(other, 0, 0, 10));
	TRY(pipe(tell));
	TRY(fallocate(tell[1], 0, 0, 10));
	TRY(fallocate(open("/dev/null", O_RDWR), 0, 0, 10));
	getrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	TRY(fallocate(fd, 0, 0, 2 << 20));
	small.rlim_cur = before.rlim_cur;
	setrlimit(RLIMIT_FSIZE, &small);
	close(fd);
	close(other);
	unlink("room");
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	record_locks();
	waiting();
	description_locks();
	whole_locks();
	fifos();
	splices();
	limit();
	nameless();
	code();
	shared();
	room();
	unlink("locked");
	TRY(rmdir(folder));
	return 0;
}
