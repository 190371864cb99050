/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* What an access gives, for programs about memory. */
#ifndef MAPPED_H
#define MAPPED_H

#include "linux_test.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE	4096UL
#define RW	(PROT_READ | PROT_WRITE)
#define PRIVATE	(MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED	(MAP_SHARED | MAP_ANONYMOUS)

static sigjmp_buf back;

static inline void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	siglongjmp(back, signal * 100 + info->si_code);
}

/* An access: what is there, or the signal times -100, less its code. */
static inline long look(const volatile char *at)
{
	int r = sigsetjmp(back, 1);

	return r ? -r : *at;
}

static inline long put(volatile char *at, char value)
{
	int r = sigsetjmp(back, 1);

	if (!r)
		*at = value;
	return -r;
}

/* Whether a call gave an address, and else its errno. */
#define MAP(x)								\
	({								\
		char *m_ = (errno = 0, (char *)(x));			\
		SHOW(#x, m_ == (char *)MAP_FAILED ? -errno : 0);	\
		m_;							\
	})

/* A place of @n pages where nothing is, until something is mapped anywhere. */
static inline char *place(int n)
{
	char *m = mmap(NULL, n * PAGE, PROT_NONE, PRIVATE, -1, 0);

	munmap(m, n * PAGE);
	return m;
}

/* Pages that hold 'a', 'b', ... with a place of 16 pages behind them. */
static inline char *pages(int n, int flags)
{
	char *m = mmap(place(n + 16), n * PAGE, RW, flags | MAP_FIXED, -1, 0);
	int i;

	for (i = 0; i < n; i++)
		m[i * PAGE] = 'a' + i;
	return m;
}

/* What @n pages begin with. */
static inline void show_pages(const char *what, const char *m, int n)
{
	int i;

	printf("%s:", what);
	for (i = 0; i < n; i++)
		printf(" %ld", look(m + i * PAGE));
	printf("\n");
}

#define PAGES(m, n) show_pages(#m, m, n)

/* In a child, which ends with what it found. */
#define CHILD(x)							\
	({								\
		pid_t pid_ = fork();					\
		int status_ = -1;					\
									\
		if (!pid_)						\
			_exit(x);					\
		waitpid(pid_, &status_, 0);				\
		SHOW("child: " #x, WEXITSTATUS(status_));		\
	})

static inline void faults_are_seen(void)
{
	struct sigaction act = { .sa_sigaction = on_fault,
				 .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}

#endif /* MAPPED_H */
