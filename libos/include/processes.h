/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Processes: identity, limits, making and ending them, and the table in which
 * those of a sandbox find one another. struct identity is in libos.h.
 *
 * The table is memory that the first process allocates and all others have by
 * being cloned from it. No process is special in it, and none holds a lock on
 * it: each may be killed between any two instructions. An entry goes from state
 * to state by compare-exchange, and who has won a transition does what follows:
 *
 *	FREE --> RESERVED --> LIVE --> ENDED --> FREE
 *	     fork()    |  the child    |   exit  |  wait4() of the parent; of an
 *		       |  runs or will |	 |  orphan that nobody takes, its exit
 *		       +---------------+---------+-> FREE: found dead
 *
 * What an entry says of its process only that process writes, but for @ppid
 * (the parent, when it ends), @pgid (setpgid of the parent), @mail, @vfork, and
 * of @flags those about orphans, and what a parent says of a child's end.
 *
 * Signals to another process are put into its mailbox, and an exception is
 * raised on it, which makes it look (process_events()).
 */
#ifndef LIBOS_PROCESSES_H
#define LIBOS_PROCESSES_H

#include <libos.h>
#include <linux/signal.h>
#include <moves.h>
#include <ptys.h>

#define PERSONALITY_NO_RANDOMIZE	0x0040000

#define PROCESS_MAX	4096
#define MAIL_MAX	16
#define PID_LIMIT	0x3fffff	/* threads have numbers above */
#define PID_INIT	1		/* parent of orphans without a reaper; nobody */

enum entry_state {
	ENTRY_FREE,
	ENTRY_RESERVED,
	ENTRY_LIVE,
	ENTRY_ENDED,
};

/* A signal on its way: @state 0 free, 1 being written, 2 to be taken. */
struct mail {
	u32 state;
	u32 order; /* of sending; wraps */
	u32 tid; /* to this thread; 0: to the process */
	s32 signal;
	s32 code;
	s32 error;
	/* As far as Linux keeps it, a siginfo_t from si_pid on: */
	u32 pid;
	u32 uid;
	u64 value; /* of SIGCHLD: the status */
	u64 more[2]; /* of SIGCHLD: si_utime, si_stime */
};

#define ENTRY_EXECUTED		0x1	/* has called execve */
#define ENTRY_NO_ZOMBIES	0x2	/* does not wait for its children, */
#define ENTRY_NO_STOPS		0x4	/* nor want to know of stops */
#define ENTRY_BORROWS		0x8	/* of vfork(), in its parent's process */
#define ENTRY_NO_TERMINAL	0x10	/* has none, though its session may */
#define ENTRY_REAPER		0x20	/* takes orphans as its children: */
#define ENTRY_HAS_ORPHANS	0x40	/* there may be some that it does not know */
#define ENTRY_ADOPTED		0x80	/* not its parent's by birth */
#define ENTRY_LEAVES		0x100	/* ends: no member, parent or reaper now */
#define ENTRY_UNWANTED		0x200	/* ended, and its parent did not care */

#define ENTRY_STOPPED		0x1	/* @news: for wait4 */
#define ENTRY_CONTINUED		0x2

#define TICK	(NSEC_PER_SEC / 100)	/* USER_HZ */

/* What a process or thread has used. Times are ns, sizes KiB. */
struct usage {
	u64 run_time, user_time, system_time;
	u64 minor_faults, major_faults;
	u64 voluntary_switches, involuntary_switches;
	u64 resident, max_resident;
};

struct process_entry {
	u32 state;
	u32 pid;
	u32 ppid;
	u32 pgid;
	u32 sid;
	u32 uid;
	u32 euid;
	u32 gid;
	u32 egid;
	u32 exit_signal;
	u32 flags; /* ENTRY_* */
	u64 id; /* the host's; 0: not known yet */
	u64 maker; /* of RESERVED: the host's id of whose it is; 0: not said */
	u32 status; /* of ENDED, as wait(2) has it */
	u32 news;
	u32 stop_signal; /* that it is stopped by; 0: it runs */
	u32 last_stop; /* the same, kept for wait4 */
	u32 vfork; /* 1: the parent waits here */
	u32 death_signal; /* when the parent ends; 0: none */
	struct usage usage; /* of ENDED */
	struct usage childrens; /* that it has waited for; the same */
	s64 start_time;
	char name[16];
	u32 arguments_length;
	char arguments[252]; /* the first of /proc/PID/cmdline */
	s32 nice;
	u32 nice_limit; /* RLIMIT_NICE */
	u32 policy; /* SCHED_*, with SCHED_RESET_ON_FORK */
	u64 allowed[CPUS_MAX / 64]; /* processors, of the main thread; 0: all */
	u64 pty_masters, pty_slaves; /* that it has open: a bit each; atomic */
	u64 pty_watched; /* wants to know when they change */
	u64 pty_changed; /* they did */
	u64 mail_lost; /* signals that found no room: a set */
	u32 mail_order; /* of the last that was sent */
	struct mail mail[MAIL_MAX];
};

struct process_table {
	u32 last_pid;
	u32 used; /* entries that ever were */
	u32 trace_line; /* core/trace.c's */
	u64 boot_id; /* what /proc's is made of: fs/proc_system.c */
	struct terminal console; /* the host's terminal */
	struct moves moves; /* of directories: fs/moves.c */
	u32 ptys_used; /* that ever were */
	struct process_entry entries[PROCESS_MAX];
	struct pty ptys[PTY_MAX];
};

extern struct process_table *process_table;
#define process_self (process.entry)

/* ---- table.c ---- */

void table_init(void);
struct process_entry *table_reserve(void);
void table_free(struct process_entry *entry);
/* What was reserved has a process, or is about to. */
void table_live(struct process_entry *entry);
/* The host knows nothing any more of the process with this id of its. */
bool host_process_is_gone(u64 id);
/* A live or ended process by its number; NULL */
struct process_entry *table_find(u32 pid);
/* What others see of the program: its name has changed, or all of it. */
void table_name(bool arguments);
bool entry_move(struct process_entry *entry, u32 from, u32 to);

static inline u32 entry_state(const struct process_entry *entry)
{
	return __atomic_load_n(&entry->state, __ATOMIC_SEQ_CST);
}

static inline u32 process_group(void)
{
	return __atomic_load_n(&process_self->pgid, __ATOMIC_RELAXED);
}

static inline u32 process_session(void)
{
	return __atomic_load_n(&process_self->sid, __ATOMIC_RELAXED);
}

#define for_each_entry(entry)						\
	for ((entry) = process_table->entries;				\
	     (entry) < process_table->entries +				\
		       __atomic_load_n(&process_table->used,		\
				       __ATOMIC_SEQ_CST);		\
	     (entry)++)

/* ---- mail.c: signals between processes ---- */

/* @tid 0: to the process */
struct mail mail_of(const siginfo_t *info, u32 tid);
/* Signal @signal to a process that is not the caller. 0 only asks. */
long mail_send(struct process_entry *to, const struct mail *mail);
/* Two at once: it does not act on the one before it has the other. */
void mail_send_both(struct process_entry *to, const struct mail *first,
		    const struct mail *second);
/* The same of one, and if there is no room, waits for some; with no lock held. */
long mail_send_wait(struct process_entry *to, const struct mail *mail);
/* Have it look. False: the host says that it is gone. */
bool mail_ring(struct process_entry *to, u32 events);
/* Take what has come; if another thread is about it, it goes on to do so. */
void mail_take(void);
void mail_forked(void); /* in the child: nobody is */

/* ---- group.c ---- */

/* kill and its like: to process @pid, not the caller; to a thread of it */
long process_signal(int pid, const siginfo_t *info, u32 tid);
/* To all that @pid <= 0 means, but the caller: *@me_too tells. */
long process_signal_many(int pid, int signal, bool *me_too);
/* A member of group @pgid in session @sid; NULL */
struct process_entry *group_member(u32 pgid, u32 sid);
bool group_exists(u32 pgid);
/* To all members, the caller as well, but not @but; as the kernel's. */
void group_signal(u32 pgid, int signal, const struct process_entry *but);
/*
 * No member (@but does not count) has a parent in the same session and another
 * group: nobody would continue them.
 */
bool group_is_orphaned(u32 pgid, const struct process_entry *but);
/*
 * If nobody will continue them any more, and one has stopped, all of them but
 * @but are told, and go on.
 */
void group_wake_orphans(u32 pgid, const struct process_entry *but);
/* @entry, which is live, ends: groups that are orphaned by that hear of it. */
void group_leave(const struct process_entry *entry);

/* ---- terminal.c ---- */

/* The controlling one of a process, of the calling one; or NULL. */
struct terminal *terminal_of(const struct process_entry *entry);
struct terminal *terminal_mine(void);
static inline u32 terminal_group(const struct terminal *t)
{
	return __atomic_load_n(&t->group, __ATOMIC_SEQ_CST);
}

bool terminal_in_foreground(const struct terminal *t);
/*
 * May the caller read (SIGTTIN), or write or change (SIGTTOU) @t?
 * 0, -EIO, or -ERESTARTSYS: its group has been sent the signal.
 */
long terminal_check(const struct terminal *t, int signal);
/* TIOCSPGRP, with the program's pointer */
long terminal_set_group(struct terminal *t, const int *from);
/* TIOCSCTTY. @steal is root's right. */
long terminal_acquire(struct terminal *t, bool steal);
/* The caller opens @t: so a leader that has none gets its terminal. */
void terminal_opened(struct terminal *t);
/* TIOCNOTTY */
long terminal_give_up(const struct terminal *t);
/* @t is no more: its session's leader is told. */
void terminal_hang_up(struct terminal *t);
/* @entry ends: who leads a session leaves its terminal. */
void terminal_leave(const struct process_entry *entry);
/* The host's terminal */
long terminal_read_again(void);
bool terminal_signal_concerns(int signal);
void terminal_stopped(void);

/* ---- wait.c: children ---- */

/* One more child; its entry, and the handle that was got for it. */
struct child {
	struct child *next;
	struct process_entry *entry;
	u32 pid; /* whose entry it was */
	DK_HANDLE handle;
};

extern struct lock children_lock;

/* @handle 0: the host does not know it, as yet. */
void child_add(struct child *child, struct process_entry *entry,
	       DK_HANDLE handle);
void children_prepare(void); /* before fork; children_lock is held */
void children_changed(void); /* who waits, looks again */
void children_forked(void); /* in the child */
/*
 * @entry ends, which is the caller, or was killed and is live still: its terminal
 * and its groups hear of it, and its children become orphans.
 */
void entry_leave(struct process_entry *entry);
/* The last word of the process: @status is as wait(2) has it. */
void entry_end(u32 status);
/* The same of a child that had its parent's thread, by its parent. */
void entry_end_borrowed(struct process_entry *entry, u32 status);
/*
 * @entry ends, or has another parent than when it did: will @parent wait for
 * it? What that says later does not count.
 */
void child_ends(struct process_entry *entry,
		const struct process_entry *parent);
/* What the end of @entry is to its parent */
siginfo_t child_info(const struct process_entry *entry);
/* Children that have ended and that nobody will wait for. */
void children_sweep(void);
/* Of those that were waited for. */
void children_usage(struct usage *u);

/* Is it in one of the lists? children_lock is held. */
bool child_known(const struct process_entry *entry);
/* The host has ended it. children_lock is held. */
void child_killed(struct child *child);

/* ---- orphan.c ---- */

/*
 * @entry's parent @ppid has ended: it is an orphan, is sent what it asked for
 * (PR_SET_PDEATHSIG), and has another parent from now on. False: it was not, or
 * has one already.
 */
bool entry_orphan(struct process_entry *entry, u32 ppid);
/*
 * @parent, which is the caller or has been killed, leaves its children;
 * ENTRY_LEAVES is in its flags.
 */
void orphans_leave(struct process_entry *parent);
/*
 * Those that have become the caller's are its children from now on.
 * children_lock is held. True: there are some that cannot be yet.
 */
bool orphans_adopt(void);

/* ---- fs/pidfd.c ---- */

/* A child has ended, or something else has. */
void pidfd_notify(void);
/* CLONE_PIDFD: a descriptor before there is the process; or -EMFILE */
int pidfd_reserve(void);
void pidfd_abandon(int fd);
/* False: no memory, and the descriptor is free again. */
bool pidfd_install(int fd, struct process_entry *entry);
/* Whose it is; -EBADF */
long pidfd_pid(int fd, bool *nonblocking);

/* ---- usage.c ---- */

struct rusage;

void usage_of_process(struct usage *u); /* the caller's */
/* False: it has ended. */
bool usage_of_thread(const struct libos_thread *t, struct usage *u);
/* Live or ended; false: it is gone, and nothing is known. */
bool usage_of_other(const struct process_entry *entry, struct usage *u);
/* Sums, and the larger maximum. */
void usage_add(struct usage *to, const struct usage *from);
void usage_format(const struct usage *from, struct rusage *u);

/* ---- sched.c ---- */

/* The processors that the calling thread asked for, for a new thread. */
void sched_inherit(u64 *allowed);
void membarrier_exec(void);

/* ---- exit.c, fork.c ---- */

void process_init(const struct dk_parameters *p);
/* process/limits.c */
void limits_init(void);
/* RLIMIT_CPU is another, or the process's from now on. */
void cpu_limit_start(void);
/* RLIMIT_NPROC: may the user have no more? */
bool process_limit_reached(void);

/* process/fork.c: clone and clone3 without CLONE_THREAD */
struct clone_args;
long process_fork(const struct clone_args *args);
/* The calling process is another from now on. */
void process_is(struct identity *p);
/* In the copy that the host has made, for which @id is the host's. */
void process_forked(u64 id);
/* execve has begun, or the process ends: who called vfork goes on. */
void vfork_done(void);
void vfork_wait(struct process_entry *entry, DK_HANDLE child);

/* ---- vfork.c: for threads with ->vfork ---- */

/* The thread is the child's, for which @entry is reserved. 0, -ENOMEM */
long process_vfork(const struct clone_args *args, struct process_entry *entry);
/* The child ends. */
void __noreturn vfork_end(u32 status);
/* A process of its own: 1 in the child, 0 in the parent: then _resume(). */
long vfork_split(void);
void __noreturn vfork_resume(void);
/* The same, returning in the child only: 0, -ENOMEM, -EAGAIN. */
long vfork_leave(void);
/* Before a system call. */
long vfork_call(u32 number);
/* Is there something that the child has to have a process for? */
bool vfork_wanted(struct libos_thread *t);
void vfork_signal(int signal); /* to itself */
/* Mail came: perhaps it is for one of them. */
void vfork_ring(void);

/* process/clone.c: @tid is, or was, that of a thread of @entry's process. */
/* The calling thread's; of a child of vfork() the thread is its parent's. */
u32 own_tid(void);
/*
 * Whose number @id is, or whose thread's; NULL. Threads of others are not looked
 * for: it is the process that would have given that number.
 */
struct process_entry *process_of(int id);
bool thread_is_of(u32 tid, const struct process_entry *entry);

/* process/exit.c: end the calling thread, and the process with the last one. */
void __noreturn thread_leave(int code);
/* process/robust.c: mutexes that @t holds are free, and known as orphans. */
void robust_list_walk(struct libos_thread *t);

/*
 * What others have to know, and hear (at points where no lock is held).
 * EVENT_CHILD, EVENT_REMOTE; the process stopped (signal) or goes on (0), which
 * is written down with signal_lock held: what came last counts.
 */
void process_events(u32 events);
void process_stop_changed(int signal);
void process_stop_tell(int signal);
/* Would nobody continue us if we stopped? (Orphaned process group.) */
bool process_is_orphaned(void);
/* The disposition of SIGCHLD is another. */
void process_child_action(u64 handler, u64 flags);

#endif /* LIBOS_PROCESSES_H */
