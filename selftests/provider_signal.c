// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals from outside: which a provider is shown, what becomes of those that
 * it takes and of the others, and what comes while it looks at them.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "lib/harness.h"
#include "lib/provider.h"

#define MAX_EVENTS 4096
#define BIT(sig) (1UL << ((sig)-1))

static int on_signal(struct world *w, int what, __u64 which, __u32 ms)
{
	return behave(w, (struct pico_test_behaviour){ .callback =
							       PICO_TEST_SIGNAL,
						       .result = what,
						       .value = which,
						       .sleep_ms = ms });
}

static int shown(struct world *w)
{
	return count_events(w, PICO_TEST_SIGNAL, 0);
}

static bool alive(struct world *w, int n)
{
	return slot_call(w, n, PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0) == 2;
}

PROVIDER_FIXTURE(signals, true)

static const int usual[] = {
	SIGHUP,	 SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,  SIGBUS,	SIGFPE,
	SIGUSR1, SIGSEGV, SIGUSR2, SIGALRM, SIGTERM, SIGCHLD,  SIGCONT, SIGTSTP,
	SIGTTIN, SIGTTOU, SIGURG,  SIGXCPU, SIGPROF, SIGWINCH, SIGIO,	SIGPWR,
	SIGSYS,	 32,	  33,	   34,	    64,
};

#define USUAL ((int)(sizeof(usual) / sizeof(usual[0])))

TEST_F(signals, taken)
{
	struct pico_test_event e;

	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	for (int i = 0; i < USUAL; i++) {
		clear_events(&self->w);
		ASSERT_EQ(0, kill(self->pid, usual[i]));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0))
		TH_LOG("signal %d", usual[i]);
		ASSERT_TRUE(last_event(&self->w, PICO_TEST_SIGNAL, 0, &e));
		EXPECT_EQ(usual[i], e.value[0]);
		EXPECT_EQ(SI_USER, e.value[1]);
		EXPECT_EQ(getpid(), e.value[2]);
		EXPECT_EQ(self->pid, e.tid);
		EXPECT_EQ(PICO_TEST_MAY_SLEEP | PICO_TEST_OWN |
				  PICO_TEST_HAS_MM,
			  e.context);
		EXPECT_TRUE(slot_moves(&self->w, 0));
		EXPECT_EQ(1, shown(&self->w));
	}
	ASSERT_TRUE(slot_stop(&self->w, 0));
	EXPECT_EQ(0, status_number(self->pid, "ShdPnd:"));
}

TEST_F(signals, never_shown)
{
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
	EXPECT_EQ(0, kill(self->pid, SIGPIPE));
	EXPECT_EQ(0, kill(self->pid, SIGXFSZ));
	EXPECT_TRUE(alive(&self->w, 0));
	EXPECT_EQ(0, kill(self->pid, SIGSTOP));
	EXPECT_TRUE(eventually(thread_state(self->pid) == 'T'));
	EXPECT_EQ(0, shown(&self->w));
	/* SIGCONT has done its work when it is shown. */
	EXPECT_EQ(0, kill(self->pid, SIGCONT));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
	EXPECT_TRUE(alive(&self->w, 0));
	EXPECT_EQ(1, shown(&self->w));
	EXPECT_EQ(0, kill(self->pid, SIGKILL));
	EXPECT_EQ(SIGKILL, end_status(self->pid));
	EXPECT_EQ(1, shown(&self->w));
}

TEST_F(signals, of_which_the_launcher_wanted_none)
{
	pid_t pid;

	signal(SIGHUP, SIG_IGN);
	pid = start_process(&self->w, self->w.host, 1, true);
	signal(SIGHUP, SIG_DFL);
	clear_events(&self->w);
	EXPECT_EQ(0, kill(pid, SIGHUP));
	EXPECT_TRUE(alive(&self->w, 1));
	EXPECT_EQ(0, shown(&self->w));
	/* Nor when it comes while the process is stopped, where signals wait. */
	EXPECT_EQ(0, kill(pid, SIGSTOP));
	EXPECT_TRUE(eventually(thread_state(pid) == 'T'));
	EXPECT_EQ(0, kill(pid, SIGHUP));
	EXPECT_EQ(0, kill(pid, SIGCONT));
	EXPECT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
	EXPECT_TRUE(alive(&self->w, 1));
	EXPECT_EQ(1, shown(&self->w));
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, end_status(pid));
}

/* The default action, as it would be without anybody to ask. */
TEST_F(signals, not_taken)
{
	static const unsigned long ignored = BIT(SIGCHLD) | BIT(SIGCONT) |
					     BIT(SIGURG) | BIT(SIGWINCH);
	static const unsigned long stopping = BIT(SIGTSTP) | BIT(SIGTTIN) |
					      BIT(SIGTTOU);

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	for (int i = 0; i < USUAL; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);
		unsigned long bit = BIT(usual[i]);

		clear_events(&self->w);
		ASSERT_EQ(0, kill(pid, usual[i]));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
		if (bit & stopping) {
			/* An orphaned process group does not stop. */
			EXPECT_TRUE(eventually(thread_state(pid) == 'T'))
			TH_LOG("signal %d", usual[i]);
			kill(pid, SIGCONT);
		}
		if (bit & (stopping | ignored)) {
			EXPECT_TRUE(alive(&self->w, 1));
			kill(pid, SIGKILL);
			EXPECT_EQ(SIGKILL, end_status(pid));
		} else {
			EXPECT_EQ(usual[i], end_status(pid) & 0x7f);
		}
		EXPECT_EQ(1 + !!(bit & stopping), shown(&self->w));
	}
}

/* What stops does so again and again. */
TEST_F(signals, stops_and_goes_on)
{
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, BIT(SIGTERM), 0));
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, kill(self->pid, SIGTSTP));
		ASSERT_TRUE(eventually(thread_state(self->pid) == 'T'));
		/* Comes when it goes on. */
		ASSERT_EQ(0, kill(self->pid, SIGTERM));
		usleep(10000);
		EXPECT_EQ(3 * i + 1, shown(&self->w));
		ASSERT_EQ(0, kill(self->pid, SIGCONT));
		ASSERT_TRUE(alive(&self->w, 0));
		EXPECT_TRUE(eventually(shown(&self->w) == 3 * i + 3));
	}
}

/* Signals while the provider looks at one, and right behind it. */
TEST_F(signals, meanwhile)
{
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 300));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
	ASSERT_EQ(0, kill(self->pid, SIGINT));
	ASSERT_EQ(0, kill(self->pid, SIGTERM));
	ASSERT_TRUE(eventually(shown(&self->w) == 3));
	EXPECT_TRUE(alive(&self->w, 0));

	/* SIGCONT undoes a stop that is not decided yet. */
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_NOT_TAKEN, 0, 300));
	clear_events(&self->w);
	ASSERT_EQ(0, kill(self->pid, SIGTSTP));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	ASSERT_TRUE(eventually(shown(&self->w) == 2));
	EXPECT_TRUE(alive(&self->w, 0));
	EXPECT_NE('T', thread_state(self->pid));
}

/* Each is shown to one thread. */
TEST_F(signals, each_once)
{
	static struct pico_test_event all[MAX_EVENTS];
	static bool seen[500];
	union sigval value = { 0 };
	int n, shown = 0;

	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
	for (int i = 1; i <= 3; i++)
		ASSERT_GT(new_thread(&self->w, 0, i), 0);
	/* Calls that end one way and the other; none of them is logged. */
	for (int i = 0; i <= 3; i++)
		slot_begin(&self->w, i, i & 1 ? SLOT_SPIN : SLOT_CALLS,
			   i & 2 ? PICO_TEST_CALL_FORWARD : PICO_TEST_CALL_ECHO,
			   SYS_getppid, 0, 0, 0, 0, 0);
	clear_events(&self->w);
	for (int i = 0; i < 500; i++) {
		value.sival_int = i;
		ASSERT_EQ(0, sigqueue(self->pid, SIGRTMIN, value));
	}
	ASSERT_TRUE(
		eventually(count_events(&self->w, PICO_TEST_SIGNAL, 0) >= 500));
	for (int i = 0; i <= 3; i++)
		ASSERT_TRUE(slot_stop(&self->w, i));
	/* The log is large enough for all that there was. */
	n = events(&self->w, all, MAX_EVENTS);
	ASSERT_LT(n, MAX_EVENTS);
	for (int i = 0; i < n; i++) {
		ASSERT_EQ(PICO_TEST_SIGNAL, all[i].callback);
		ASSERT_GE(all[i].value[3], 0);
		ASSERT_LT(all[i].value[3], 500);
		EXPECT_FALSE(seen[all[i].value[3]]);
		seen[all[i].value[3]] = true;
		shown++;
	}
	EXPECT_EQ(500, shown);
}

/* Many of them, of all kinds, at whatever moment: nothing gets lost or acts. */
TEST_F(signals, storm)
{
	static const int storm[] = { SIGINT,   SIGTSTP, SIGTERM,
				     SIGCONT,  SIGHUP,	SIGTTIN,
				     SIGWINCH, SIGCONT, SIGSEGV };
	int n = 3000 / slower();

	/* Stops are not taken: the kernel's handling is in between. */
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN,
			       BIT(SIGINT) | BIT(SIGTERM) | BIT(SIGHUP) |
				       BIT(SIGWINCH) | BIT(SIGSEGV),
			       0));
	for (int i = 1; i <= 2; i++)
		ASSERT_GT(new_thread(&self->w, 0, i), 0);
	for (int i = 0; i <= 2; i++)
		slot_begin(&self->w, i, i & 1 ? SLOT_SPIN : SLOT_CALLS,
			   PICO_TEST_CALL_ECHO, 1, 0, 0, 0, 0, 0);
	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, kill(self->pid, storm[i % 9]));
	ASSERT_EQ(0, kill(self->pid, SIGCONT));
	for (int i = 0; i <= 2; i++)
		ASSERT_TRUE(slot_stop(&self->w, i));
	EXPECT_EQ(0, self->w.shared->slots[0].errors);
	EXPECT_TRUE(alive(&self->w, 0));
}

/* A wait goes on, or ends if there is an APC. */
TEST_F(signals, of_a_thread_that_waits)
{
	static const int calls[] = { PICO_TEST_CALL_BLOCK_AGAIN,
				     PICO_TEST_CALL_WATCHED };
	volatile struct slot *slot = &self->w.shared->slots[0];

	ASSERT_EQ(0, behave(&self->w, (struct pico_test_behaviour){
					      .callback = PICO_TEST_APC,
					      .result = PICO_TEST_USED }));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
		slot_begin(&self->w, 0, SLOT_CALL, calls[i], SYS_pause, 0, 0, 0,
			   0, 0);
		ASSERT_TRUE(eventually(thread_state(self->pid) == 'S'));
		clear_events(&self->w);
		ASSERT_EQ(0, kill(self->pid, SIGUSR1));
		ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
		ASSERT_TRUE(eventually(thread_state(self->pid) == 'S'));
		EXPECT_FALSE(slot_is_done(&self->w, 0));

		ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN_APC, 0, 0));
		ASSERT_EQ(0, kill(self->pid, SIGUSR1));
		ASSERT_TRUE(slot_done(&self->w, 0));
		EXPECT_EQ(-EINTR, (long)slot->result);
		EXPECT_EQ(1, count_events(&self->w, PICO_TEST_APC, 0));
	}
}

TEST_F(signals, of_a_suspended_thread)
{
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN_APC, 0, 0));
	ASSERT_TRUE(slot_spin(&self->w, 0));
	ASSERT_EQ(0, suspend(&self->w, self->pid, NULL));
	ASSERT_EQ(0, comes_to_rest(&self->w, self->pid));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
	EXPECT_TRUE(slot_rests(&self->w, 0));
	EXPECT_EQ(0, count_events(&self->w, PICO_TEST_APC, 0));
	ASSERT_EQ(0, resume(&self->w, self->pid, NULL));
	EXPECT_TRUE(slot_moves(&self->w, 0));
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_APC, 0));
	ASSERT_TRUE(slot_stop(&self->w, 0));
}

/* It has been seen as an exception. */
TEST_F(signals, of_an_exception)
{
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
	slot_begin(&self->w, 0, SLOT_FAULT, FAULT_READ, 0, 0, 0, 0, 0, 0);
	EXPECT_EQ(SIGSEGV, end_status(self->pid) & 0x7f);
	EXPECT_EQ(1, count_events(&self->w, PICO_TEST_EXCEPTION, 0));
	EXPECT_EQ(0, shown(&self->w));
}

/*
 * A seccomp filter of the launcher's that kills: what it kills with is not the
 * provider's to take, whoever is to die with it.
 */
TEST_F(signals, of_a_filter_that_kills)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { 4, code };
	static const int calls[] = { PICO_TEST_CALL_FORWARD,
				     PICO_TEST_CALL_WATCHED };

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
	ASSERT_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	ASSERT_EQ(0, prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
	for (int i = 0; i < 6; i++) {
		pid_t pid = start_process(&self->w, self->w.host, 1, true);

		ASSERT_TRUE(alive(&self->w, 1));
		/* One of several threads; behind one that was sent and taken. */
		if (i & 2)
			ASSERT_GT(new_thread(&self->w, 1, 2), 0);
		if (i & 4) {
			clear_events(&self->w);
			ASSERT_EQ(0, kill(pid, SIGSYS));
			ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
			ASSERT_TRUE(alive(&self->w, 1));
		}
		clear_events(&self->w);
		slot_begin(&self->w, 1, SLOT_CALL, calls[i & 1],
			   SYS_getpriority, 0, 0, 0, 0, 0);
		EXPECT_EQ(SIGSYS, end_status(pid) & 0x7f)
		TH_LOG("case %d", i);
		EXPECT_EQ(0, shown(&self->w)) TH_LOG("case %d", i);
		EXPECT_FALSE(slot_is_done(&self->w, 1)) TH_LOG("case %d", i);
		kill(pid, SIGKILL);
	}
}

/* A debugger sees what is left. */
TEST_F(signals, before_a_debugger)
{
	int status;

	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, BIT(SIGUSR2), 0));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->pid, 0, 0));
	ASSERT_EQ(0, kill(self->pid, SIGUSR2));
	ASSERT_TRUE(wait_event(&self->w, PICO_TEST_SIGNAL, 0));
	EXPECT_TRUE(alive(&self->w, 0));
	EXPECT_EQ(0, waitpid(self->pid, &status, WNOHANG));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));
	EXPECT_EQ(SIGUSR1, WSTOPSIG(status));
	EXPECT_EQ(2, shown(&self->w));
	/* Suppressed. */
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, 0));
	EXPECT_TRUE(alive(&self->w, 0));
	ASSERT_EQ(0, kill(self->pid, SIGUSR1));
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	ASSERT_EQ(0, ptrace(PTRACE_CONT, self->pid, 0, SIGUSR1));
	EXPECT_EQ(SIGUSR1, end_status(self->pid));
	EXPECT_EQ(3, shown(&self->w));
}

TEST_F(signals, of_who_does_not_ask)
{
	struct pico_test_registration r = { .slot = 1,
					    .name = "another",
					    .without = 1U << PICO_TEST_SIGNAL,
					    .process_access = 7,
					    .thread_access = 7 };
	static const int fatal[] = { SIGINT, SIGSEGV, 40 };
	pid_t pid;
	int host;

	ASSERT_EQ(0, ioctl(self->w.control, PICO_TEST_IOC_REGISTER, &r));
	host = provider_open(&self->w, "another");
	ASSERT_GE(host, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	for (int i = 0; i < 3; i++) {
		pid = start_process(&self->w, host, 1, true);
		EXPECT_EQ(0, kill(pid, SIGWINCH));
		EXPECT_TRUE(alive(&self->w, 1));
		EXPECT_EQ(0, kill(pid, fatal[i]));
		EXPECT_EQ(fatal[i], end_status(pid) & 0x7f);
	}
	/* Nor those whose signals are native. */
	ASSERT_EQ(0, behave(&self->w,
			    (struct pico_test_behaviour){
				    .callback = PICO_TEST_START,
				    .value = PICO_TEST_NATIVE_SIGNALS }));
	ASSERT_EQ(0, on_signal(&self->w, PICO_TEST_TAKEN, 0, 0));
	pid = start_process(&self->w, self->w.host, 2, true);
	EXPECT_EQ(0, kill(pid, SIGTERM));
	EXPECT_EQ(SIGTERM, end_status(pid));
	EXPECT_EQ(0, shown(&self->w));
	close(host);
	EXPECT_TRUE(eventually(
		!ioctl(self->w.control, PICO_TEST_IOC_UNREGISTER, 1)));
}

TEST_HARNESS_MAIN
