// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* vfork and posix_spawn: what parent and child share, and what not. */
#include "linux_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <xmmintrin.h>

#define THREADS 4
#define ROUNDS 10

static volatile int shared;
static volatile int children, stop;
static int pipes[2];
extern char **environ;

static void on_child(int signal, siginfo_t *info, void *context)
{
	children++;
}

static void on_user(int signal)
{
	shared += 100;
}

static void ended(const char *what, pid_t pid)
{
	int status = -1;
	pid_t r = waitpid(pid, &status, 0);

	printf("%s: %s, code %d, signal %d\n", what,
	       r == pid ? "the child" : "another", WEXITSTATUS(status),
	       WTERMSIG(status));
	fflush(stdout);
}

#define CHILD(...)					\
	({						\
		pid_t pid_ = vfork();			\
		if (!pid_) {				\
			__VA_ARGS__			\
			_exit(9);			\
		}					\
		pid_;					\
	})

static void memory(void)
{
	static void *volatile mapped;
	char *volatile block;
	pid_t pid;

	shared = 1;
	pid = CHILD(sched_yield(); shared = 2; _exit(3););
	SHOW("what the child wrote", shared);
	ended("exit", pid);
	pid = CHILD(mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		    *(int *)mapped = 7; block = sbrk(8192); _exit(0););
	SHOW("what the child mapped", *(int *)mapped);
	memset(block, 1, 8192);
	SHOW("the heap is where the child left it", sbrk(0) == block + 8192);
	ended("mapped", pid);
	SHOW("SIGCHLD", children);
}

static void executed(void)
{
	static char *const good[] = { "sh", "-c", "exit 5", NULL };
	static char *const bad[] = { "nothing", NULL };
	volatile int error = 0;
	pid_t pid;

	pid = CHILD(execv("/bin/sh", good); _exit(100););
	ended("execve", pid);
	pid = CHILD(execv("/no/such", bad); error = errno; execv("/etc", bad);
		    shared = errno; execv("/etc/passwd", bad); _exit(errno););
	printf("errors %d %d\n", error, shared);
	ended("execve without a program", pid);
	pid = CHILD(execv("/no/such", bad); execv("/bin/sh", good););
	ended("the second program", pid);
}

/* Everything that is to be the child's alone. */
static void identity(void)
{
	static char before[4096], after[4096];
	struct rlimit limit = { 64, 64 }, now;
	struct sigaction action = { .sa_handler = SIG_IGN }, old;
	sigset_t set, mask;
	char name[16];
	pid_t volatile pid, seen, thread, parent, group;
	int fd = open("/dev/null", O_RDONLY);
	unsigned int csr = _mm_getcsr();

	getcwd(before, sizeof(before));
	prctl(PR_SET_NAME, "parent");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	umask(022);
	pid = CHILD(seen = getpid(); thread = syscall(SYS_gettid);
		    parent = getppid(); setsid(); group = getpgrp(); chdir("/");
		    umask(077); close(fd); dup2(1, 60);
		    setrlimit(RLIMIT_NOFILE, &limit);
		    sigaction(SIGUSR1, &action, NULL);
		    sigprocmask(SIG_BLOCK, &set, NULL);
		    prctl(PR_SET_NAME, "child"); _mm_setcsr(csr ^ 0x6000);
		    _exit(0););
	SHOW("the child's number", seen == pid && pid != getpid());
	SHOW("its thread's", thread == pid);
	SHOW("its parent's", parent == getpid());
	SHOW("its group's", group == pid);
	SHOW("own group", getpgrp() != pid);
	SHOW("own thread", own_tid() == getpid());
	getcwd(after, sizeof(after));
	SHOW("directory", !strcmp(before, after));
	printf("umask %o\n", umask(022));
	SHOW("descriptor that the child closed", fcntl(fd, F_GETFD));
	SHOW("descriptor that it opened", fcntl(60, F_GETFD));
	getrlimit(RLIMIT_NOFILE, &now);
	SHOW("limit", now.rlim_cur != 64);
	sigaction(SIGUSR1, NULL, &old);
	SHOW("handler", old.sa_handler == on_user);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	SHOW("mask", sigismember(&mask, SIGUSR2));
	prctl(PR_GET_NAME, name);
	printf("name %s\n", name);
	SHOW("rounding", _mm_getcsr() == csr);
	close(fd);
	ended("identity", pid);
}

/* The position belongs to the description, which both have. */
static void files(void)
{
	static char buffer[8];
	int fd = open("/etc/passwd", O_RDONLY);
	pid_t pid = CHILD(read(fd, buffer, 5); write(pipes[1], "abc", 3);
			  fcntl(fd, F_SETFL, O_NONBLOCK); _exit(0););

	CHECK(lseek(fd, 0, SEEK_CUR));
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK(read(pipes[0], buffer, sizeof(buffer)));
	close(fd);
	ended("files", pid);
}

static void signals(void)
{
	int *volatile nowhere = (int *)8;
	pid_t pid;
	int broken[2];

	shared = 0;
	pid = CHILD(kill(getpid(), SIGTERM););
	ended("kill of itself", pid);
	pid = CHILD(raise(SIGUSR1); _exit(shared););
	ended("handler", pid);
	shared = 0;
	pid = CHILD(abort(););
	ended("abort", pid);
	pid = CHILD(*nowhere = 1;);
	ended("fault", pid);
	pid = CHILD(__asm__ volatile("ud2"););
	ended("invalid instruction", pid);
	pipe(broken);
	close(broken[0]);
	pid = CHILD(write(broken[1], "x", 1););
	ended("a broken pipe", pid);
	close(broken[1]);
	/* To the parent, who takes it afterwards. */
	pid = CHILD(kill(getppid(), SIGUSR1); _exit(1););
	SHOW("handlers in the parent", shared);
	ended("kill of the parent", pid);
}

static void more(void)
{
	pid_t pid;
	int status;

	pid = CHILD(pid_t c = fork(); if (!c) _exit(4); waitpid(c, &status, 0);
		    _exit(WEXITSTATUS(status)););
	ended("fork in the child", pid);
	pid = CHILD(pid_t c = vfork(); if (!c) _exit(6); waitpid(c, &status, 0);
		    _exit(WEXITSTATUS(status)););
	ended("vfork in the child", pid);
	pid = CHILD(_exit(wait(NULL) == -1 ? errno : 0););
	ended("wait in the child", pid);
	pid = CHILD(sleep_ms(20); _exit(2););
	ended("sleep", pid);
}

static int cloned(void *arg)
{
	*(int *)arg = 11;
	return 12;
}

static void stacks(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	static int word;
	pid_t tid = 0, pid;

	pid = clone(cloned, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD,
		    &word, &tid);
	SHOW("on a stack of its own", word);
	SHOW("its number", tid == pid);
	ended("clone", pid);
	pid = clone(cloned, stack + sizeof(stack), CLONE_VM | CLONE_VFORK,
		    &word);
	TRY(waitpid(pid, NULL, 0));
	TRY(waitpid(pid, NULL, __WALL) == pid);
	pid = clone(cloned, stack + sizeof(stack), CLONE_VFORK | SIGCHLD,
		    &(int){ 0 });
	ended("clone without memory", pid);
}

/* ---- posix_spawn ---- */

static int spawn(const char *path, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, const char *script)
{
	char *const argv[] = { "sh", "-c", (char *)script, NULL };
	pid_t pid = -7;
	int error = posix_spawn(&pid, path, actions, attributes, argv, environ);

	if (!error)
		ended(script, pid);
	return error;
}

static void spawned(void)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t set;
	pid_t pid = -7;
	char *const argv[] = { "nothing", NULL };

	CHECK(spawn("/bin/sh", NULL, NULL, "exit 3"));
	CHECK(spawn("/no/such/program", NULL, NULL, ""));
	CHECK(spawn("/etc/passwd", NULL, NULL, ""));
	CHECK(spawn("/etc", NULL, NULL, ""));
	CHECK(posix_spawnp(&pid, "no-such-program", NULL, NULL, argv, environ));
	SHOW("pid", pid);
	CHECK(waitpid(-1, NULL, 0));

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 20, "/etc/passwd", O_RDONLY,
					 0);
	posix_spawn_file_actions_adddup2(&actions, 20, 21);
	posix_spawn_file_actions_addclose(&actions, 20);
	posix_spawn_file_actions_addchdir_np(&actions, "/usr");
	CHECK(spawn(
		"/bin/sh", &actions, NULL,
		"test $PWD = /usr -a -e /proc/self/fd/21 -a ! -e /proc/self/fd/20"));
	posix_spawn_file_actions_addopen(&actions, 22, "/no/such/file",
					 O_RDONLY, 0);
	CHECK(spawn("/bin/sh", &actions, NULL, "exit 3"));
	posix_spawn_file_actions_destroy(&actions);

	posix_spawnattr_init(&attributes);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	posix_spawnattr_setsigdefault(&attributes, &set);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes,
				 POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	signal(SIGTERM, SIG_IGN);
	CHECK(spawn("/bin/sh", NULL, &attributes, "kill -TERM $$; exit 3"));
	CHECK(spawn("/bin/sh", NULL, NULL, "kill -TERM $$; exit 3"));
	signal(SIGTERM, SIG_DFL);
	posix_spawnattr_setpgroup(&attributes, 1);
	CHECK(spawn("/bin/sh", NULL, &attributes, "exit 3"));
	posix_spawnattr_destroy(&attributes);
}

/* ---- threads ---- */

static void *spawning(void *arg)
{
	char *const argv[] = { "true", NULL };
	long i, good = 0;
	int status;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		good += posix_spawn(&pid, "/no/such", NULL, NULL, argv,
				    environ) == ENOENT;
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ))
			continue;
		good += waitpid(pid, &status, 0) == pid && !status;
	}
	return (void *)good;
}

static void *busy(void *arg)
{
	long pid = getpid(), rounds = 0, wrong = 0;

	while (!stop) {
		wrong += getpid() != pid;
		rounds++;
		sched_yield();
	}
	return (void *)(rounds ? wrong : -1);
}

static pid_t volatile victim;

static void *killing(void *arg)
{
	while (!victim)
		sched_yield();
	/* The child says who it is before it blocks, or right then. */
	sleep_ms(10);
	return (void *)(long)kill(victim, (long)arg);
}

static void threads(void)
{
	pthread_t threads[THREADS], other;
	void *result;
	pid_t pid;
	char c;
	int i;

	pthread_create(&other, NULL, busy, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, spawning, NULL);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &result);
		SHOW("spawned and failed as it should", (long)result);
	}
	stop = 1;
	pthread_join(other, &result);
	SHOW("wrong numbers in another thread", (long)result);

	for (i = 0; i < 2; i++) {
		victim = 0;
		pthread_create(&other, NULL, killing,
			       (void *)(long)(i ? SIGTERM : SIGKILL));
		pid = CHILD(victim = getpid(); read(pipes[0], &c, 1););
		ended("killed while it reads", pid);
		pthread_join(other, &result);
		SHOW("kill", (long)result);
	}
}

/* ---- a thread in the middle of a write ---- */

static void *writing(void *arg)
{
	static char block[1 << 20];

	return (void *)write(*(int *)arg, block, sizeof(block));
}

/*
 * While a thread writes into a pipe, another starts a process that stays. The
 * reader of the pipe sees its end nevertheless when the writer closes it.
 */
static void held(void)
{
	char *const argv[] = { "sleep", "1000", NULL };
	int data[2], go[2];
	pthread_t thread;
	pid_t reader, stays;
	void *written;
	char block[4096];

	pipe2(data, O_CLOEXEC);
	pipe2(go, O_CLOEXEC);
	reader = fork();
	if (!reader) {
		close(data[1]);
		read(go[0], block, 1);
		while (read(data[0], block, sizeof(block)) > 0)
			;
		_exit(0);
	}
	pthread_create(&thread, NULL, writing, &data[1]);
	/* However far it gets: the pipe is full long before the end. */
	sleep_ms(50);
	posix_spawn(&stays, "/bin/sleep", NULL, NULL, argv, environ);
	write(go[1], "x", 1);
	pthread_join(thread, &written);
	SHOW("written", (long)written);
	close(data[1]);
	ended("the reader sees the end", reader);
	kill(stays, SIGKILL);
	ended("who stayed", stays);
	close(data[0]);
	close(go[0]);
	close(go[1]);
}

int main(void)
{
	struct sigaction action = { .sa_sigaction = on_child,
				    .sa_flags = SA_SIGINFO | SA_RESTART };

	sigaction(SIGCHLD, &action, NULL);
	signal(SIGUSR1, on_user);
	pipe(pipes);
	memory();
	executed();
	identity();
	files();
	signals();
	more();
	stacks();
	spawned();
	threads();
	held();
	signal(SIGCHLD, SIG_IGN);
	CHILD(_exit(1););
	TRY(waitpid(-1, NULL, 0));
	return 0;
}
