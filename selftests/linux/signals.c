// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Signals: sending, masks, queues, handlers, waiting for them. */
#include "linux_test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <ucontext.h>

static volatile sig_atomic_t seen, order[64], orders, depth, deepest;
static volatile pid_t where;
static siginfo_t last;
static volatile bool on_alternate;
static char alternate[65536];

static void handler(int signal, siginfo_t *info, void *context)
{
	char here;

	seen++;
	last = *info;
	where = own_tid();
	on_alternate = &here >= alternate &&
		       &here < alternate + sizeof(alternate);
	if (orders < 64)
		order[orders++] = info->si_code == SI_QUEUE ?
					  info->si_value.sival_int :
					  signal;
}

static void nesting(int signal)
{
	static int times;

	depth++;
	if (depth > deepest)
		deepest = depth;
	if (times++ < 2)
		raise(signal);
	depth--;
}

static void catch (int signal, int flags)
{
	struct sigaction a = { .sa_sigaction = handler,
			       .sa_flags = SA_SIGINFO | flags };

	sigaction(signal, &a, NULL);
}

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static void all_signals(void)
{
	int signal, caught = 0;

	for (signal = 1; signal <= SIGRTMAX; signal++) {
		struct sigaction a = { .sa_sigaction = handler,
				       .sa_flags = SA_SIGINFO };

		if (signal == SIGKILL || signal == SIGSTOP) {
			TRY(sigaction(signal, &a, NULL));
			continue;
		}
		seen = 0;
		if (sigaction(signal, &a, NULL))
			continue;
		syscall(SYS_kill, getpid(), signal);
		caught += seen == 1 && last.si_signo == signal &&
			  last.si_code == SI_USER && last.si_pid == getpid();
	}
	SHOW("caught", caught);
	TRY(kill(getpid(), 65));
	TRY(kill(getpid(), -1));
	TRY(kill(getpid(), 0));
	TRY(sigaction(65, NULL, NULL));
}

static void queues(void)
{
	sigset_t set = set_of(SIGRTMIN + 3, SIGUSR1), old, pending;
	union sigval value;
	int i;

	sigaddset(&set, SIGRTMIN + 1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	catch (SIGRTMIN + 3, 0);
	catch (SIGRTMIN + 1, 0);
	catch (SIGUSR1, 0);
	orders = 0;
	for (i = 1; i <= 5; i++) {
		value.sival_int = 100 + i;
		CHECK(sigqueue(getpid(), SIGRTMIN + 3, value));
		value.sival_int = 200 + i;
		sigqueue(getpid(), SIGRTMIN + 1, value);
		raise(SIGUSR1);
		kill(getpid(), SIGUSR1);
	}
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGUSR1));
	CHECK(sigismember(&pending, SIGRTMIN + 3));
	CHECK(sigismember(&pending, SIGUSR2));
	CHECK(orders);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	for (i = 0; i < orders; i++)
		SHOW("taken", order[i]);
}

static void flags(void)
{
	struct sigaction a = { .sa_handler = nesting }, now;
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) },
		was;

	sigaction(SIGUSR2, &a, NULL);
	deepest = 0;
	raise(SIGUSR2);
	CHECK(deepest);
	catch (SIGUSR1, SA_RESETHAND);
	seen = 0;
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &now);
	CHECK(seen);
	CHECK(now.sa_handler == SIG_DFL);
	TRY(sigaltstack(&stack, NULL));
	TRY(sigaltstack(NULL, &was));
	CHECK(was.ss_flags);
	catch (SIGUSR1, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(on_alternate);
	catch (SIGUSR1, 0);
	raise(SIGUSR1);
	CHECK(on_alternate);
	stack.ss_size = 100;
	TRY(sigaltstack(&stack, NULL));
	stack.ss_flags = SS_DISABLE;
	TRY(sigaltstack(&stack, NULL));
	stack.ss_flags = 77;
	TRY(sigaltstack(&stack, NULL));
	/* Ignored is dropped, if it is not blocked. */
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	catch (SIGUSR1, 0);
	seen = 0;
	sched_yield();
	CHECK(seen);
}

static sigjmp_buf jump;
static siginfo_t fault;

static void fault_handler(int signal, siginfo_t *info, void *context)
{
	fault = *info;
	siglongjmp(jump, signal);
}

#define FAULT(what, statement)						\
	do {								\
		int signal_ = sigsetjmp(jump, 1);			\
									\
		if (!signal_) {						\
			statement;					\
			SHOW(what, 0);					\
		} else {						\
			SHOW(what, signal_);				\
			SHOW("  code", fault.si_code);			\
		}							\
	} while (0)

static void *faults(void *arg)
{
	struct sigaction a = { .sa_sigaction = fault_handler,
			       .sa_flags = SA_SIGINFO | SA_NODEFER };
	volatile uintptr_t nowhere = 16;
	volatile int zero = 0, one = 1, fd;
	char path[] = "/tmp/fault.XXXXXX";
	char *page, *file;
	int signal;

	for (signal = 1; signal < 32; signal++)
		if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
		    signal == SIGILL || signal == SIGTRAP)
			sigaction(signal, &a, NULL);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FAULT("nothing there", *(volatile char *)nowhere = 1);
	CHECK(fault.si_addr == (void *)16);
	FAULT("read only", *(volatile char *)(page + 5) = 1);
	CHECK(fault.si_addr == page + 5);
	FAULT("no address", *(volatile char *)0x8000000000000000UL = 1);
	FAULT("division", one / zero ? zero++ : zero++);
	FAULT("instruction", asm volatile("ud2"));
	FAULT("privileged", asm volatile("hlt"));
	FAULT("breakpoint", asm volatile("int3"));
	fd = mkstemp(path);
	unlink(path);
	if (fd >= 0 && !ftruncate(fd, 4096)) {
		file = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
		FAULT("in the file", (void)*(volatile char *)file);
		FAULT("behind it", (void)*(volatile char *)(file + 4096));
		CHECK(fault.si_addr == file + 4096);
		munmap(file, 8192);
	}
	close(fd);
	munmap(page, 4096);
	for (signal = 1; signal < 32; signal++)
		if (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
		    signal == SIGILL || signal == SIGTRAP)
			sigaction(signal, &(struct sigaction){ 0 }, NULL);
	return arg;
}

/* ---- more than one thread ---- */

static volatile bool computing, stop;
static volatile long spun;

static void *compute(void *arg)
{
	double before = 1.25, after;
	unsigned long a = 0x1122334455667788, b;

	asm volatile("movsd %0, %%xmm7" : : "m"(before) : "xmm7");
	asm volatile("mov %0, %%r12" : : "m"(a) : "r12");
	while (!stop) {
		computing = true;
		spun++;
		asm volatile("" : : : "memory");
	}
	asm volatile("mov %%r12, %0" : "=m"(b));
	asm volatile("movsd %%xmm7, %0" : "=m"(after));
	return arg;
}

static void *paused(void *arg)
{
	*(volatile pid_t *)arg = own_tid();
	return (void *)(long)(pause() == -1 && errno == EINTR);
}

static void wait_for(volatile pid_t *tid)
{
	while (!*tid)
		sleep_ms(1);
	sleep_ms(30);
}

static void *blocking(void *arg)
{
	sigset_t set = set_of(SIGUSR1, 0);

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	*(volatile pid_t *)arg = own_tid();
	while (!stop)
		sleep_ms(2);
	return NULL;
}

static void *waiting(void *arg)
{
	sigset_t set = set_of(SIGRTMIN + 2, SIGUSR2);
	struct timespec ts = { 0, 10000000 };
	siginfo_t info;

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	TRY(sigtimedwait(&set, &info, &ts));
	*(volatile pid_t *)arg = own_tid();
	TRY(sigwaitinfo(&set, &info));
	CHECK(info.si_code == SI_TKILL || info.si_code == SI_USER);
	TRY(sigwaitinfo(&set, &info));
	CHECK(info.si_value.sival_int);
	return NULL;
}

static void threads(void)
{
	static volatile pid_t tid;
	sigset_t set = set_of(SIGUSR1, 0), old;
	union sigval value = { .sival_int = 77 };
	pthread_t thread;
	void *ended;

	/* One that computes, and calls nothing. */
	catch (SIGUSR1, 0);
	stop = computing = false;
	pthread_create(&thread, NULL, compute, NULL);
	while (!computing)
		sleep_ms(1);
	seen = 0;
	CHECK(pthread_kill(thread, SIGUSR1));
	while (!seen)
		sleep_ms(1);
	CHECK(last.si_code == SI_TKILL);
	CHECK(where != own_tid());
	stop = true;
	CHECK(pthread_join(thread, NULL));

	/* One that waits. */
	tid = 0;
	seen = 0;
	pthread_create(&thread, NULL, paused, (void *)&tid);
	wait_for(&tid);
	CHECK(pthread_kill(thread, SIGUSR1));
	pthread_join(thread, &ended);
	SHOW("interrupted", ended);
	CHECK(seen);
	CHECK(where == tid);

	/* Sent to the process: to the one that does not block it. */
	tid = 0;
	seen = 0;
	pthread_sigmask(SIG_BLOCK, &set, &old);
	pthread_create(&thread, NULL, paused, (void *)&tid);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	wait_for(&tid);
	CHECK(seen);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	kill(getpid(), SIGUSR1);
	CHECK(where == getpid());
	CHECK(seen);
	pthread_kill(thread, SIGUSR1);
	CHECK(seen);
	pthread_cancel(thread);
	pthread_join(thread, NULL);

	tid = 0;
	seen = 0;
	stop = false;
	pthread_create(&thread, NULL, blocking, (void *)&tid);
	wait_for(&tid);
	pthread_kill(thread, SIGUSR1);
	sleep_ms(10);
	CHECK(seen);
	kill(getpid(), SIGUSR1);
	CHECK(seen);
	stop = true;
	pthread_join(thread, NULL);

	tid = 0;
	pthread_create(&thread, NULL, waiting, (void *)&tid);
	wait_for(&tid);
	pthread_kill(thread, SIGUSR2);
	sleep_ms(20);
	pthread_sigqueue(thread, SIGRTMIN + 2, value);
	pthread_join(thread, NULL);
}

static void suspends(void)
{
	sigset_t all, old, set = set_of(SIGUSR1, SIGUSR2), empty;
	struct timespec ts = { 0, 1000000 };
	struct pollfd none;
	siginfo_t info;

	sigfillset(&all);
	sigemptyset(&empty);
	catch (SIGUSR1, 0);
	sigprocmask(SIG_BLOCK, &set, &old);
	seen = 0;
	raise(SIGUSR1);
	CHECK(seen);
	TRY(sigsuspend(&old));
	CHECK(seen);
	sigprocmask(SIG_BLOCK, NULL, &all);
	CHECK(sigismember(&all, SIGUSR1));
	raise(SIGUSR1);
	TRY(ppoll(&none, 0, NULL, &old));
	CHECK(seen);
	TRY(ppoll(&none, 0, &ts, &old));
	raise(SIGUSR1);
	TRY(pselect(0, NULL, NULL, NULL, NULL, &old));
	raise(SIGUSR2);
	TRY(sigtimedwait(&set, &info, &ts));
	CHECK(info.si_signo);
	TRY(sigtimedwait(&set, &info, &ts));
	ts.tv_nsec = -1;
	TRY(sigtimedwait(&set, &info, &ts));
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void *sends(void *arg)
{
	sleep_ms(30);
	kill(getpid(), SIGUSR1);
	return arg;
}

static void descriptors(void)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN), old;
	struct signalfd_siginfo records[4];
	struct epoll_event event = { .events = EPOLLIN };
	union sigval value = { .sival_int = 9 };
	struct pollfd p;
	pthread_t thread;
	int fd, epoll;

	sigprocmask(SIG_BLOCK, &set, &old);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	TRY(read(fd, records, sizeof(records)));
	TRY(read(fd, records, 100));
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	TRY(poll(&p, 1, 0));
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, value);
	TRY(poll(&p, 1, 0));
	TRY(read(fd, records, sizeof(records)));
	CHECK(records[0].ssi_signo);
	CHECK(records[1].ssi_signo);
	CHECK(records[1].ssi_int);
	CHECK(records[1].ssi_code);
	epoll = epoll_create1(0);
	TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	pthread_create(&thread, NULL, sends, NULL);
	TRY(epoll_wait(epoll, &event, 1, 5000));
	TRY(read(fd, records, sizeof(records)));
	CHECK(records[0].ssi_pid == getpid());
	pthread_join(thread, NULL);
	TRY(signalfd(0, &set, 0));
	TRY(signalfd(-1, &set, 12345));
	close(fd);
	close(epoll);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* A handler sees and changes what it interrupted. */
static void changing(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	unsigned short *control = (unsigned short *)u->uc_mcontext.fpregs;

	seen = control[0];
	u->uc_mcontext.gregs[REG_R13] = 4711;
	sigaddset(&u->uc_sigmask, SIGUSR2);
}

static void contexts(void)
{
	struct sigaction a = { .sa_sigaction = changing,
			       .sa_flags = SA_SIGINFO };
	sigset_t now;
	long r13;

	sigaction(SIGUSR1, &a, NULL);
	asm volatile("mov $1, %%r13\n\t"
		     "syscall\n\t"
		     "mov %%r13, %0"
		     : "=m"(r13)
		     : "a"(SYS_tkill), "D"(own_tid()), "S"(SIGUSR1)
		     : "r13", "rcx", "r11", "memory");
	SHOW("r13", r13);
	SHOW("control word", seen);
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR2));
	sigemptyset(&now);
	sigprocmask(SIG_SETMASK, &now, NULL);
}

/* As the kernel has it: more than the C library hands on. */
struct kernel_action {
	long handler;
	unsigned long flags, restorer, mask;
};

/* Flags that mean nothing are not kept, which is how programs ask for them. */
static void kept_flags(void)
{
	struct kernel_action a = { .flags = ~0UL }, now = { .flags = 0 };

	TRY(syscall(SYS_rt_sigaction, SIGUSR1, &a, NULL, 8));
	TRY(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &now, 8));
	CHECK(now.flags);
	a.flags = SA_SIGINFO | 0x400;
	TRY(syscall(SYS_rt_sigaction, SIGUSR1, &a, &now, 8));
	CHECK(now.flags);
	a.flags = 0;
	TRY(syscall(SYS_rt_sigaction, SIGUSR1, &a, &now, 8));
	CHECK(now.flags);
}

/* What a process tells another, all of it, and not more. */
static void payloads(void)
{
	struct timespec patience = { 20, 0 };
	unsigned char fill[sizeof(siginfo_t)];
	siginfo_t info;
	sigset_t set;
	pid_t parent = getpid(), pid;
	size_t n;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (!pid) {
		for (n = 0; n < sizeof(fill); n++)
			fill[n] = n + 1;
		memcpy(&info, fill, sizeof(info));
		info.si_signo = SIGRTMIN;
		info.si_code = SI_QUEUE;
		syscall(SYS_rt_sigqueueinfo, parent, SIGRTMIN, &info);
		info.si_code = SI_MESGQ;
		info.si_errno = 0;
		syscall(SYS_rt_tgsigqueueinfo, parent, parent, SIGRTMIN, &info);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	while (sigtimedwait(&set, &info, &patience) > 0) {
		patience.tv_sec = 0;
		memcpy(fill, &info, sizeof(fill));
		fill[12] = fill[13] = fill[14] = fill[15] = 0; /* padding */
		for (n = 0; n < sizeof(fill); n++)
			printf("%d%c", fill[n], n % 16 == 15 ? '\n' : ' ');
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1) {
		int signal = atoi(argv[1]);

		/* Ends the process, whoever takes it. */
		if (argc > 2)
			pthread_create(&thread, NULL, compute, NULL);
		if (argc > 2)
			pthread_kill(thread, signal);
		else
			kill(getpid(), signal);
		sleep_ms(5000);
		return 0;
	}
	all_signals();
	queues();
	flags();
	faults(NULL);
	pthread_create(&thread, NULL, faults, NULL);
	pthread_join(thread, NULL);
	suspends();
	contexts();
	descriptors();
	threads();
	kept_flags();
	payloads();
	return 0;
}
