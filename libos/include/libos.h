/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The library OS: what every part of it may use.
 *
 * Life of a system call. The program executes SYSCALL; the host writes where
 * to return to into the thread's block and continues at libos_entry (core/
 * entry.S), which switches to the thread's own libos stack, saves the general
 * registers as a struct dk_context (the "frame") and calls libos_syscall().
 * That looks the number up in the table of syscalls.h and calls the handler.
 * On the way out signals are delivered, then the registers come back, and
 * the program goes on behind its SYSCALL. Vector registers are never touched:
 * everything here is compiled with -mgeneral-regs-only.
 *
 * Rules for all code:
 *  - A program's pointer is used through user_read() and its like, or handed
 *    to a Dk call after user_ok() said that it is not the libos's own memory;
 *    the host then answers DK_STATUS_INVALID_POINTER, which is -EFAULT.
 *  - There is no "current" in a global: self() is the calling thread.
 *  - Results are those of Linux: >= 0, or a negative errno.
 */
#ifndef LIBOS_H
#define LIBOS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/errno.h>
#include <pal.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef s64 ssize_t;

#define PAGE_SIZE	4096UL
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(n)	(((u64)(n) + PAGE_SIZE - 1) & PAGE_MASK)

#define NSEC_PER_SEC	1000000000LL

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))
#define ALIGN_UP(n, a)	(((n) + (a) - 1) & ~((u64)(a) - 1))
#define ALIGN_DOWN(n, a) ((n) & ~((u64)(a) - 1))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))

#define __unused	__attribute__((unused))
#define __noreturn	__attribute__((noreturn))
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

struct file;			/* an open file: libos/fs */
struct fd_table;		/* libos/fs */
struct fs_context;		/* working directory, umask: libos/fs */
struct heap_cache;		/* a thread's own small memory */
struct waiter;			/* libos/fs */

/* ---- system call handlers ---- */

/*
 * SYSCALLn(name, type, arg, ...) { body } defines the handler of system call
 * @name with typed arguments:
 *
 *	SYSCALL3(read, int, fd, void *, buffer, size_t, count)
 *	{
 *		...
 *		return done;
 *	}
 *
 * The row in syscalls.h says REAL, and that is all: the table declares
 * sys_read() by itself. The frame, should a handler need it (fork, sigreturn),
 * is self()->frame. Handlers run on the thread's libos stack (64 KiB; keep
 * buffers below 8 KiB, PATH_MAX is fine) with no lock held.
 *
 * A blocking call that an arriving signal has to interrupt returns
 * -ERESTARTSYS (restarted when the handler says SA_RESTART, else -EINTR) or
 * -EINTR (never restarted), as the same call does in Linux.
 */
#define ERESTARTSYS	512
/* As -EINTR when a handler runs, and restarted when none does. */
#define ERESTARTNOHAND	514

#define SYSCALL_DEFINE(name, proto, pass)				\
	static long do_##name proto;					\
	long sys_##name(struct dk_context *frame);			\
	long sys_##name(struct dk_context *frame __unused)		\
	{								\
		return do_##name pass;					\
	}								\
	static long do_##name proto

#define SYSCALL0(name) SYSCALL_DEFINE(name, (void), ())
#define SYSCALL1(name, t0, a0) \
	SYSCALL_DEFINE(name, (t0 a0), ((t0)frame->rdi))
#define SYSCALL2(name, t0, a0, t1, a1) \
	SYSCALL_DEFINE(name, (t0 a0, t1 a1), ((t0)frame->rdi, (t1)frame->rsi))
#define SYSCALL3(name, t0, a0, t1, a1, t2, a2) \
	SYSCALL_DEFINE(name, (t0 a0, t1 a1, t2 a2), \
		       ((t0)frame->rdi, (t1)frame->rsi, (t2)frame->rdx))
#define SYSCALL4(name, t0, a0, t1, a1, t2, a2, t3, a3) \
	SYSCALL_DEFINE(name, (t0 a0, t1 a1, t2 a2, t3 a3), \
		       ((t0)frame->rdi, (t1)frame->rsi, (t2)frame->rdx, \
			(t3)frame->r10))
#define SYSCALL5(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4) \
	SYSCALL_DEFINE(name, (t0 a0, t1 a1, t2 a2, t3 a3, t4 a4), \
		       ((t0)frame->rdi, (t1)frame->rsi, (t2)frame->rdx, \
			(t3)frame->r10, (t4)frame->r8))
#define SYSCALL6(name, t0, a0, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5) \
	SYSCALL_DEFINE(name, (t0 a0, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5), \
		       ((t0)frame->rdi, (t1)frame->rsi, (t2)frame->rdx, \
			(t3)frame->r10, (t4)frame->r8, (t5)frame->r9))

/* ---- the program's memory (core/uaccess.c) ---- */

/*
 * user_ok() - may [@p, @p + @n) be the program's?
 *
 * False for what lies beyond the address space or in the libos's own image,
 * heap or stacks. True promises nothing about a mapping being there.
 */
bool user_ok(const void *p, u64 n);
/* How much of it, from its beginning; 0 beyond the address space, too. */
u64 user_room(const void *p, u64 n);
/* All of it is the libos's own image or heap, where its stacks are, too. */
bool libos_owns(const void *p, u64 n);

/* All return 0 or -EFAULT; a fault may leave a part copied. Nothing is there
 * always, as in Linux: no bytes never fault.
 */
long user_read(void *to, const void *from, size_t n);
long user_write(void *to, const void *from, size_t n);
long user_clear(void *to, size_t n);

/*
 * user_string() - copy a program's zero-terminated string
 *
 * Returns its length; -EFAULT; -ENAMETOOLONG when there is no zero within
 * @max bytes.
 */
ssize_t user_string(char *to, const char *from, size_t max);

/* One object of the type that @p points to. */
#define user_get(x, p)	user_read(&(x), (p), sizeof(x))
#define user_put(x, p)	user_write((p), &(x), sizeof(x))

/* ---- libos memory (core/heap.c) ---- */

/* 16-byte aligned; NULL when there is none. mem_free(NULL) is fine. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *p, size_t size);
void mem_free(void *p);
/* What a thread that has ended had at hand, is anybody's again. */
void mem_return(struct heap_cache *cache);
/* Zeroed pages, a multiple of PAGE_SIZE. */
void *mem_alloc_pages(size_t size);
void mem_free_pages(void *p, size_t size);

/* ---- text (core/string.c, core/format.c, core/log.c) ---- */

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *p, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* Copies what fits, always terminates; returns strlen(from). */
size_t strlcpy(char *to, const char *from, size_t size);
/* %d %u %x %o %c %s %p with width, 0, -, l, ll, z, .*s; as in C. */
int vsnprintf(char *to, size_t size, const char *format, va_list args);
int snprintf(char *to, size_t size, const char *format, ...) __printf(3, 4);

/* To the host's debug log; to standard error; to both. */
void log_debug(const char *format, ...) __printf(1, 2);
void log_trace(const char *format, ...) __printf(1, 2);
void log_trace_text(const char *text, size_t n);
void log_user(const char *format, ...) __printf(1, 2);
/* The libos itself is broken: says so and ends the process (code 255). */
void __noreturn panic(const char *format, ...) __printf(1, 2);

/* ---- host ---- */

/*
 * errno_of() - a DK_STATUS as a Linux result
 *
 * They are the same numbers but for a few: WRONG_TYPE -> -EBADF,
 * ABORTED -> -EINTR, TIMEOUT -> -ETIMEDOUT as it is.
 * errno_restart() turns INTERRUPTED and ABORTED into -ERESTARTSYS.
 */
static inline long errno_of(DK_STATUS status)
{
	switch (status) {
	case DK_STATUS_WRONG_TYPE:
		return -EBADF;
	case DK_STATUS_ABORTED:
		return -EINTR;
	default:
		return status;
	}
}

static inline long errno_restart(DK_STATUS status)
{
	if (status == DK_STATUS_INTERRUPTED || status == DK_STATUS_ABORTED)
		return -ERESTARTSYS;
	return errno_of(status);
}

/* Nanoseconds of a DK_CLOCK_*. */
static inline s64 clock_now(u64 clock)
{
	s64 time = 0;

	DkSystemTimeQuery(clock, (dk_s64 *)&time);
	return time;
}

/* ---- threads and the process (core/thread.c, process/) ---- */

#define LIBOS_STACK_SIZE	0x10000
#define EXCEPTION_STACK_SIZE	0x8000

#define SIGNAL_COUNT	64
/* A set of signals: bit N-1 is signal N, as in Linux's sigset_t. */
typedef u64 sigset;
#define SIGNAL_BIT(n)	(1ULL << ((n) - 1))

/* Signals that were sent and not yet taken: a set, and what is known of each. */
struct signal_info;
struct signal_queue {
	sigset	set;
	struct signal_info *first;
};

/* Small memory that a thread has at hand: core/heap.c */
#define HEAP_CLASSES	14

struct heap_cache {
	struct free_object *objects[HEAP_CLASSES];
	u8 counts[HEAP_CLASSES];
};

#define CPUS_MAX	1024

/* References that stand @stride bytes apart, NULL among them. */
struct held {
	struct file **first;
	size_t stride, count;
};

/*
 * struct libos_thread - one thread of the program, or a helper of the libos
 *
 * %gs points to it while the thread lives. entry.S knows the offsets of the
 * first members; core/thread.c checks them. Life and list: thread.h.
 *
 * What is not said to be shared is the thread's own, and nobody else's to
 * read. @interrupt, @raised, @attached, @told are atomic. signal_lock guards
 * @queue, and @blocked and @waited_for, which the thread alone writes.
 */
struct libos_thread {
	struct dk_thread_block block;	/* the host's; must be first */
	struct libos_thread *self;
	u64	stack_top;		/* of the libos's stack for this thread */
	u64	scratch;		/* entry.S only */
	struct dk_context *frame;	/* of the system call being served */
	u32	interrupt;		/* look at your signals: signals.h */
	u32	locks;			/* that it holds, or waits for */

	u32	tid;			/* 0: a helper, not the program's */
	u32	flags;			/* THREAD_* */
	DK_HANDLE handle;
	u64	clear_child_tid;
	u64	robust_list;
	char	name[16];		/* comm, zero-terminated; thread_lock */
	u64	timer_slack;		/* a wish, in ns; 0: the usual one */
	u64	default_slack;		/* the creator's */
	u32	memory_errors;		/* PR_MCE_KILL_*; 0: _DEFAULT */

	u32	refs;			/* atomic */
	bool	attached;		/* exceptions may be raised on it */
	bool	told;			/* to end: execve or the process's end */
	bool	waits;			/* in HOST_WAIT; others may look */
	struct libos_thread *next, **link; /* list of all; thread_lock */
	struct identity *identity;	/* whose thread it is: "process" */
	struct vfork *vfork;		/* what it has lent: process/vfork.c */

	/* signals: signals.h */
	sigset	blocked;
	sigset	saved_blocked;		/* before sigsuspend, ppoll ... */
	sigset	waited_for;		/* by sigtimedwait: not to be acted on */
	u64	alt_stack_base;
	u64	alt_stack_size;
	u32	alt_stack_flags;
	u32	raised;			/* 1: one exception is on its way */
	u32	continues;		/* signal_continues, when it took one */
	struct signal_queue queue;

	struct heap_cache heap;
	struct fd_table *files;		/* libos/fs owns these */
	struct fs_context *fs;
	struct file *held[2];		/* that a call of it works with, and */
	struct held held_too;		/* more of them: fs/hold.c */
	struct waiter *waiter;		/* fs/wait.c: at hand for the next wait */
	struct timer *timeout;		/* of its call: timers.h */
	struct file *free_files;	/* fs/file.c: at hand for this thread */
	u32	free_file_count;
	u64	allowed[CPUS_MAX / 64];	/* processors; 0: all; process/sched.c */
	s64	sampled;		/* of its time: signal/queue.c; thread_lock */
};

#define THREAD_RESTORE_MASK	0x1	/* saved_blocked counts after delivery */
#define THREAD_FRAME_CHANGED	0x2	/* all of the frame must be restored */
#define THREAD_VALUE		0x4	/* the call's result is no error */

static inline struct libos_thread *self(void)
{
	struct libos_thread *t;

	asm("mov %%gs:%c1, %0" : "=r"(t)
	    : "i"(offsetof(struct libos_thread, self)));
	return t;
}

/* ---- locks (core/lock.c) ---- */

/*
 * struct lock - mutual exclusion between threads of the process
 *
 * Spins a little, then sleeps. No Dk call that may wait for something else
 * than memory is made with one held: whoever holds a lock is done soon.
 * All-zero is unlocked.
 *
 * Order, outermost first; what is not named is never held with another:
 *
 *	children_lock			process/wait.c
 *	world (below)
 *	thread_lock			the list of threads
 *	mm_lock				areas, mappings, brk
 *	the locks of libos/fs		fs/fs.h has their order
 *	signal_lock			actions, masks, queues
 *	timer_lock			time/timer.c
 *	heap_lock			the heap
 *
 * An exception may find its thread with locks held. So nothing that runs
 * because of one takes a lock, unless the program was what it interrupted.
 */
struct lock {
	u32	held;			/* 2: and somebody sleeps */
};

void lock_acquire_slow(struct lock *l);
void lock_wake(struct lock *l);

extern u32 world_stopped;
extern u32 lock_waits;	/* how often one was not free; atomic */

/* A full barrier: see core/lock.c. */
static inline void lock_count(void)
{
	asm volatile("lock incl %%gs:%c0"
		     :
		     : "i"(offsetof(struct libos_thread, locks))
		     : "memory", "cc");
}

static inline void lock_uncount(void)
{
	asm volatile("decl %%gs:%c0"
		     :
		     : "i"(offsetof(struct libos_thread, locks))
		     : "memory", "cc");
}

static inline void lock_acquire(struct lock *l)
{
	u32 expected = 0;

	lock_count();
	if (unlikely(__atomic_load_n(&world_stopped, __ATOMIC_RELAXED) ||
		     !__atomic_compare_exchange_n(&l->held, &expected, 1, false,
						  __ATOMIC_SEQ_CST,
						  __ATOMIC_RELAXED)))
		lock_acquire_slow(l);
}

static inline void lock_release(struct lock *l)
{
	if (unlikely(__atomic_exchange_n(&l->held, 0, __ATOMIC_RELEASE) == 2))
		lock_wake(l);
	lock_uncount();
}

/*
 * world_stop() - until world_start(), no other thread holds a lock
 *
 * For fork: a copy of memory that is made in between is consistent, as far as
 * locks keep it so. Other threads go on until they want a lock. A lock that
 * the caller holds may be taken by nobody; it takes further ones as usual. In
 * the copy, world_start() is called as well.
 */
void world_stop(void);
void world_start(void);

#define LIMIT_COUNT	16	/* RLIM_NLIMITS */
#define GROUPS_MAX	1024

struct limit {			/* struct rlimit64 */
	u64	soft;
	u64	hard;
};

/*
 * struct identity - what all its threads share
 *
 * Like errno, the name "process" means the calling thread's: one that has lent
 * itself to a child of vfork() (process/vfork.c) has the child's.
 */
struct identity {
	struct process_entry *entry;	/* in the sandbox's table */
	struct action *actions;		/* of signals; signal_lock */
	const struct dk_parameters *parameters;
	u32	pid;		/* the rest is in processes.h */
	u32	uid, euid, suid, fsuid;
	u32	gid, egid, sgid, fsgid;
	u32	group_count;
	const u32 *groups;
	u32	personality;
	u32	dumpable;
	u32	no_new_privs;
	s32	oom_score_adj;
	u32	keep_caps;
	u32	small_pages;		/* PR_SET_THP_DISABLE */
	s64	start_time;		/* DK_CLOCK_BOOT */
	struct limit limits[LIMIT_COUNT]; /* RLIMIT_* */
	char	exe[4096];		/* absolute path of the program */
	/* Addresses in the program, for /proc/self */
	u64	arg_start, arg_end, env_start, env_end;
	u64	auxv_start, auxv_size;
	u64	code_start, code_end, data_start, data_end;
	u64	stack_start, stack_end;	/* the main thread's stack mapping */
	u32	stack_protection;
	u64	brk_start;
};

/* The host's handle of the calling process; the name is a macro from here on. */
static inline DK_HANDLE own_process(const struct dk_parameters *p)
{
	return p->process;
}
#define process (*self()->identity)
/* For threads that come: of the process as the host knows it. */
extern struct identity *process_main;
/* End of the heap, which a child of vfork() shares; mm_lock. */
extern u64 program_brk;

void __noreturn process_exit(int code);
void __noreturn process_kill(int signal);	/* ends it as by a signal */

/* ---- signals (signal/) ---- */

/*
 * signal_interrupts() - is a signal there that ends a blocking call?
 *
 * One that does nothing is forgotten, one that stops the process does so; a
 * call goes on after either. No lock is held.
 */
bool signal_interrupts(void);
/*
 * HOST_WAIT(call, arguments...) - a Dk call that waits, until a signal comes
 *
 * DK_STATUS_INTERRUPTED when self()->interrupt is set, even if that happened
 * in the moment before the call. Then ask signal_interrupts(), and if there is
 * none, wait again. Calls that may wait for long are made in no other way.
 */
#define HOST_WAIT(call, ...)						\
	({								\
		DK_STATUS status_;					\
		__atomic_store_n(&self()->waits, true, __ATOMIC_RELAXED); \
		status_ = host_wait_call(DK_VECTOR_BASE + DK_INDEX_##call, \
			HOST_WAIT_ARGUMENTS(__VA_ARGS__, 0, 0, 0, 0, 0, 0)); \
		__atomic_store_n(&self()->waits, false, __ATOMIC_RELAXED); \
		status_;						\
	})
#define HOST_WAIT_ARGUMENTS(a, b, c, d, e, f, ...)			\
	(u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f)
DK_STATUS host_wait_call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/*
 * signal_send_self() - queue a signal to the calling thread
 *
 * As SI_KERNEL. Delivered when the system call returns: a handler that
 * returns -EPIPE sends SIGPIPE first.
 */
void signal_send_self(int signal);
/*
 * signal_mask_for_call() - ppoll, pselect6: another mask while this call lasts
 *
 * @set: program's pointer to 8 bytes, NULL: nothing to do. The old mask
 * returns by itself when the system call is over. 0, -EINVAL, -EFAULT.
 */
long signal_mask_for_call(const void *set, size_t size);

/* ---- memory of the program (mm/) ---- */

/*
 * maps_format() - the text of /proc/self/maps
 *
 * Fills up to @size bytes of libos memory, returns the length of the whole.
 */
size_t maps_format(char *to, size_t size);
/* Bytes mapped, of which writable-private, for /proc/self/status. */
void mm_usage(u64 *total, u64 *data);

/* ---- what libos/fs gives ---- */

/* First of all of fs; opens stdin:, stdout:, stderr: as 0, 1, 2; sets
 * self()->files and ->fs; the working directory is in @p.
 */
void fs_init(const struct dk_parameters *p);

/* A new thread shares what the caller has; given back when it is freed. */
void fs_share(struct libos_thread *t);
void fs_unshare(struct libos_thread *t);
/* It has ended: what it had at hand is anybody's again. */
void fs_return(struct libos_thread *t);
/* Copies of the calling thread's, for a child of vfork(). 0, -ENOMEM */
long fs_copy(struct fd_table **files, struct fs_context **fs);
void fs_release(struct fd_table *files, struct fs_context *fs);
/* In a process that was copied: nobody has them here, whoever had. */
void fs_abandon(struct fd_table *files, struct fs_context *fs);
/* In the child: what other threads were opening is nobody's. */
void fs_table_forked(void);
/* In the child: what an epoll follows is its parent's. */
void epoll_forked(void);
/* In the child, of each thread of the parent: what it held is given back, or a
 * pipe that it reads from or writes to would never be closed.
 */
void fs_forked(struct libos_thread *t);

/* A thread's stay in a call that waits: an auto-reset event of its own, which
 * others may set. NULL: no memory. The same thread puts it back.
 */
struct waiter *waiter_get(void);
DK_HANDLE waiter_event(const struct waiter *waiter);
void waiter_put(struct waiter *waiter);

/* Reference counting of open files. fs_get: NULL when @fd is not open. */
struct file *fs_get(int fd);
struct file *fs_ref(struct file *file);
void fs_put(struct file *file);

/*
 * fs_exec_open() - open a program (libos memory path; relative: to the cwd)
 *
 * Follows links. 0, or -ENOENT, -EACCES (no permission to execute, not a
 * regular file), -ENOTDIR, -ELOOP, ... The handle has EXECUTE access.
 */
long fs_exec_open(const char *path, struct file **out);
/* -ELOOP if it is a symbolic link itself, else 0. */
long fs_exec_no_link(const char *path);
/* Is it open, and is it closed by execve? -EBADF, 0, > 0. */
long fs_exec_closes(int fd);
/* Bytes read at @offset into libos memory; short only at the end of file. */
ssize_t fs_exec_read(struct file *file, u64 offset, void *to, size_t n);
/* Close all close-on-exec descriptors. */
void fs_exec_close(void);
/* Absolute path as opened, libos memory; "" when there is none. */
void fs_file_path(struct file *file, char *to, size_t size);

/*
 * fs_file_map() - map an open file
 *
 * @base: in/out, *base != NULL is wanted exactly
 * @protection: DK_PROT_*; @flags: DK_MAP_*
 * Checks what Linux checks: -EACCES (not open for reading; shared writable
 * without write access), -ENODEV (cannot be mapped). /dev/zero is made by the
 * caller's anonymous memory: return 1 to ask for that.
 */
long fs_file_map(struct file *file, void **base, u64 length, u64 offset,
		 u64 protection, u64 flags);

/* What was written, by a mapping, too, is on the medium; 0 of what has none. */
long fs_file_sync(struct file *file);

/* Descriptors at exit are closed by the host; fs may flush here. */
void fs_exit(void);

/*
 * Device and inode for /proc/self/maps, the host's numbers (major << 32 |
 * minor). Zeroes when not known. True: it has lost its last name, and does not
 * say so in its path.
 */
bool fs_file_identity(struct file *file, u64 *device, u64 *inode);

#endif /* LIBOS_H */
