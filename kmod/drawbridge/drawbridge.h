/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drawbridge.ko: what its files share.
 *
 * Who owns whom: an open /dev/pico file owns a sandbox; a process holds a
 * reference to its sandbox; a thread holds one to its process; a handle holds
 * one to its object. Objects point to the sandbox without a reference where
 * they cannot outlive the handle tables (events), and with one where they can
 * (processes, threads).
 *
 * Locks, outer to inner: sandbox->lock (lists, configuration), the handle
 * table's lock, the lock of one waitable object (state and waiters). The last
 * is taken with interrupts off, since what signals an object may be a wake-up
 * of the kernel's; nobody holds two of them.
 */
#ifndef _DRAWBRIDGE_DRAWBRIDGE_H
#define _DRAWBRIDGE_DRAWBRIDGE_H

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/path.h>
#include <linux/ptrace.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <pico/pico.h>
#include "../../uapi/pico/drawbridge.h"

struct dk_image;
struct dk_sandbox;
struct dk_process;
struct dk_thread;
struct dk_stream;
struct dk_waitable;

/* ---- objects (object.c) ---- */

enum dk_object_type {
	DK_OBJECT_ANY,		/* for lookups only */
	DK_OBJECT_EVENT,
	DK_OBJECT_SEMAPHORE,
	DK_OBJECT_THREAD,
	DK_OBJECT_PROCESS,
	DK_OBJECT_STREAM,
};

/**
 * struct dk_object - what a handle refers to
 * @ref:	handles, plus whoever else needs it to stay
 * @type:	decides what it is embedded in
 * @waitable:	its wait state, or NULL if it cannot be waited for
 * @release:	called without locks when the last reference goes; may sleep.
 *		Frees by kfree_rcu() or after a grace period: a handle lookup
 *		may still look at @ref and @type.
 */
struct dk_object {
	struct kref ref;
	enum dk_object_type type;
	struct dk_waitable *waitable;
	void (*release)(struct dk_object *object);
};

void dk_object_init(struct dk_object *object, enum dk_object_type type,
		    void (*release)(struct dk_object *object));
void dk_object_free(struct kref *ref);

/* May sleep. */
static inline void dk_object_put(struct dk_object *object)
{
	kref_put(&object->ref, dk_object_free);
}

static inline void dk_object_get(struct dk_object *object)
{
	kref_get(&object->ref);
}

/* ---- handles (handle.c) ---- */

#define DK_HANDLES_MAX	65536

/*
 * A handle is slot number + 1 in its low 32 bits and the slot's generation in
 * the high ones. A lookup takes no lock: chunks of slots are never freed
 * while the process lives, and an object is freed only after an RCU grace
 * period.
 */
struct dk_handle_table {
	spinlock_t lock;	/* allocation and closing */
	struct dk_handle_chunk *chunks[DK_HANDLES_MAX / 256];
	u32 free_head, free_tail;
	u32 used;		/* slots that were ever used */
	u32 live;		/* handles, and what is reserved for some */
};

void dk_handles_init(struct dk_handle_table *table);
void dk_handles_destroy(struct dk_process *process);
void dk_handles_words(struct dk_process *process);

/*
 * Enter @object with @rights, taking over the caller's reference. On failure
 * (-EMFILE, -ENOMEM) the caller keeps it.
 */
long dk_handle_create(struct dk_process *process, struct dk_object *object,
		      u32 rights, DK_HANDLE *handle);
/*
 * In two steps, for what cannot be taken back: a handle that is nobody's yet and
 * that nobody else gets, and what it is to be of. Nothing between them fails for
 * want of a handle. Fill takes over the caller's reference.
 */
long dk_handle_reserve(struct dk_process *process, DK_HANDLE *handle);
void dk_handle_fill(struct dk_process *process, DK_HANDLE handle,
		    struct dk_object *object, u32 rights);
void dk_handle_unreserve(struct dk_process *process, DK_HANDLE handle);
/*
 * The same, and store the handle at @out; on failure nothing is left behind
 * and the reference is dropped. What every creating call ends with.
 */
long dk_handle_publish(struct dk_process *process, struct dk_object *object,
		       u32 rights, DK_HANDLE __user *out);
/*
 * Store two results: both, or, -EFAULT, none, though another thread may unmap
 * the second's page meanwhile.
 */
long dk_put_both(u64 first, u64 __user *first_at, u64 second,
		 u64 __user *second_at);
long dk_handle_close(struct dk_process *process, DK_HANDLE handle);
/*
 * Give @child a copy of the caller's table: the same handles with the same
 * rights. What refers to @thread or its process there, refers to @first and
 * its process in the copy. On failure (-ENOMEM, -EMFILE) @child's table is to
 * be destroyed.
 */
long dk_handles_clone(struct dk_process *child, struct dk_thread *first,
		      struct dk_thread *thread);
/*
 * Referenced object of @handle, or ERR_PTR: -EBADF (no such handle),
 * -EPROTOTYPE (not of @type), -EACCES (a right of @rights is missing).
 */
struct dk_object *dk_handle_get(struct dk_process *process, DK_HANDLE handle,
				enum dk_object_type type, u32 rights);
/* The same; *have receives all rights of the handle, unless it is NULL. */
struct dk_object *dk_handle_get_rights(struct dk_process *process,
				       DK_HANDLE handle,
				       enum dk_object_type type, u32 rights,
				       u32 *have);

/* ---- sandbox, process, thread ---- */

struct dk_stats {
	u64 calls, system_calls, refused_calls, exceptions, unlisted_statuses;
	u64 bytes_read, bytes_written;
};

/**
 * struct dk_rule - what a picoprocess may do below one path, see rule.c
 * @link:	in sandbox->rules; a rule stands before those that contain it
 * @path:	the host's directory or file
 * @parent:	and the directory that has it, see place.c; or NULL
 * @name:	as what; only if there is @parent
 * @mount:	of a private rule: the tmpfs seen in place of @path
 * @at:		of a graft (see path.c): the path whose place it takes
 * @rights:	DK_ACCESS_READ | WRITE | EXECUTE
 */
struct dk_rule {
	struct list_head link;
	struct path path;
	struct dentry *parent;
	struct name_snapshot name;
	struct vfsmount *mount;
	struct path at;
	u32 rights;
};

struct dk_sandbox {
	struct kref ref;
	struct mutex lock;		/* configuration, @processes, @dead */
	spinlock_t sync_lock;		/* how processes ended */
	struct path root;
	bool has_root;
	bool started;			/* rules are fixed, readers take no lock */
	bool dead;			/* no new process */
	bool has_pipes;			/* see pipe.c */
	struct list_head rules;
	struct list_head net_rules;	/* see netrule.c */
	struct list_head absent;	/* see absent.c */
	unsigned int rule_count;	/* of all */
	struct list_head pipe_servers;	/* see namedpipe.c, */
	struct mutex pipe_lock;		/* which guards them */
	/* see local.c, label.c and letter.c */
	struct mutex local_lock;	/* who knows whom, names */
	struct list_head locals, local_names;
	spinlock_t letters_lock;
	struct list_head dead_letters;
	bool letters_draining;
	struct mutex event_lock;	/* see streamevent.c */
	/* the first process, until it has started */
	struct file *image;
	struct file *streams[3];
	char *strings;
	struct drawbridge_start start;
	u32 umask;			/* the launcher's; @lock */
	struct user_namespace *user_ns;	/* ids are shown as this one has them */
	struct list_head processes;
	u64 last_id;			/* of a process; @lock */
	u64 kills;			/* DRAWBRIDGE_IOC_KILLs; @lock */
	struct dk_stats stats;		/* of threads that are gone; stats_lock */
	u64 cpu_time;			/* of the same; stats_lock */
	struct list_head threads;	/* that run; stats_lock */
	spinlock_t stats_lock;
	/* limits (limit.c); fixed when @started */
	struct drawbridge_limits limits;
	atomic64_t handle_count, thread_count, process_count;
	atomic64_t limit_refusals;
	struct mutex memory_lock;	/* @memory_pages, of processes too */
	u64 memory_pages;
	unsigned int memory_native;	/* native calls with a grant; and */
	wait_queue_head_t memory_wait;	/* who waits for their end */
	atomic64_t shared_pages;	/* raised under memory_lock, see shared.c */
	struct delayed_work cpu_work;
	u32 ended_by;			/* DRAWBRIDGE_END_*; @lock */
	s64 exit_code;			/* of the first process; stats_lock */
	u32 exited, exit_signal;
	/* DkDebugStringPrint's text, until the monitor reads it */
	spinlock_t debug_lock;
	DECLARE_KFIFO_PTR(debug, char);
	/* what the monitor is asked and told (request.c, learn.c) */
	struct eventfd_ctx *event;	/* notify_lock; or NULL */
	spinlock_t notify_lock;
	struct mutex request_lock;
	struct list_head requests;	/* @request_lock, and the next two */
	unsigned int request_count;
	u64 request_last;
	wait_queue_head_t request_wait;
	struct dk_names *names;		/* of a sandbox that learns, or NULL */
	struct list_head dns_rules;	/* see dns.c; fixed when @started */
};

int dk_sandbox_open(void **host);
void dk_sandbox_release(void *host);
long dk_sandbox_ioctl(void *host, unsigned int cmd, unsigned long arg);
struct dk_sandbox *dk_sandbox_get(struct dk_sandbox *sandbox);
void dk_sandbox_put(struct dk_sandbox *sandbox);
long dk_sandbox_debug(struct dk_sandbox *sandbox, const char *text,
		      size_t length);
void dk_sandbox_end(struct dk_sandbox *sandbox, u32 reason, int status);

/* ---- the monitor (request.c, learn.c) ---- */

void dk_requests_init(struct dk_sandbox *sandbox);
void dk_requests_destroy(struct dk_sandbox *sandbox);
void dk_notify_monitor(struct dk_sandbox *sandbox);
long dk_ioctl_event(struct dk_sandbox *sandbox, s32 __user *arg);
long dk_ioctl_request(struct dk_sandbox *sandbox, void __user *arg);
long dk_ioctl_reply(struct dk_sandbox *sandbox, void __user *arg);
long dk_dns_rule_add(struct dk_sandbox *sandbox, const char *pattern,
		     u32 rights);
void dk_dns_rules_destroy(struct dk_sandbox *sandbox);

/* ---- limits (limit.c) ---- */

void dk_limits_init(struct dk_sandbox *sandbox);
void dk_limits_set(struct dk_sandbox *sandbox,
		   const struct drawbridge_limits *limits);
void dk_limits_start(struct dk_sandbox *sandbox);
void dk_limits_stop(struct dk_sandbox *sandbox);
void dk_limits_destroy(struct dk_sandbox *sandbox);
u64 dk_cpu_time(struct dk_sandbox *sandbox);

/*
 * One more of its kind: 0, or the status that the refused call returns. Who
 * took one gives it back by lowering the count.
 */
long dk_limit_handle(struct dk_sandbox *sandbox);
long dk_limit_queue(struct dk_stream *stream);
void dk_limit_requeue(struct dk_stream *stream);
void dk_limit_unqueue(struct dk_stream *stream);
long dk_limit_handles(struct dk_sandbox *sandbox, u64 count);
long dk_limit_thread(struct dk_sandbox *sandbox);
long dk_limit_process(struct dk_sandbox *sandbox);

long dk_memory_begin(struct dk_process *process, u64 length);
void dk_memory_end(struct dk_process *process);
void dk_memory_less(struct dk_process *process);
long dk_memory_cloned(struct dk_process *process);
long dk_memory_writable(struct dk_thread *thread, u64 base, u64 length);
unsigned long dk_memory_flags(unsigned long address);
long dk_memory_grown(struct dk_thread *thread, u64 base, u64 more);
long dk_memory_forward(struct dk_thread *thread, unsigned long nr, u64 a0,
		       u64 a1, u64 a2, u64 a3, u64 a4);
void dk_memory_ended(struct dk_thread *thread);
long dk_memory_clone(struct dk_process *process, struct dk_process *child);
long dk_memory_create(struct dk_process *child, u64 length);
long dk_memory_shared(struct dk_process *process, u64 length);
struct file *dk_shared_file(struct dk_process *process, u64 length);

static inline bool dk_memory_limited(const struct dk_sandbox *sandbox)
{
	return unlikely(sandbox->limits.memory != U64_MAX);
}
void dk_memory_gone(struct dk_process *process);

/* ---- waiting (wait.c, word.c) ---- */

/**
 * struct dk_waitable - one object that can be waited for
 * @lock:	guards everything here
 * @waiters:	struct dk_wait_entry, first come, first served
 * @kind:	what a wait consumes
 * @wordable:	an event without a handle, or whose one handle is at @word
 * @word:	where the state of an event is instead of in @count, or NULL
 * @count:	0: not signalled
 * @maximum:	of @count
 * @refresh:	of what follows something else: make it current; may sleep
 */
struct dk_waitable {
	spinlock_t lock;
	struct list_head waiters;
	enum {
		DK_WAIT_MANUAL,		/* stays signalled */
		DK_WAIT_AUTO,		/* one waiter takes the signal */
		DK_WAIT_COUNT,		/* one waiter takes one of @count */
	} kind;
	bool wordable;
	u64 *word;
	u64 count;
	u64 maximum;
	void (*refresh)(struct dk_waitable *w);
};

void dk_waitable_init(struct dk_waitable *w, int kind, u64 count, u64 maximum);
/* These may be called in any context, interrupts on or off. */
void dk_waitable_signal(struct dk_waitable *w);
void dk_waitable_clear(struct dk_waitable *w);
long dk_waitable_release(struct dk_waitable *w, u64 count, u64 *previous);
u64 dk_waitable_peek(struct dk_waitable *w);

/* Before a look that counts; not under a lock. */
static inline void dk_waitable_refresh(struct dk_waitable *w)
{
	if (unlikely(w->refresh))
		w->refresh(w);
}

/* ---- the time page (time.c) ---- */

int dk_time_init(void);
void dk_time_exit(void);
int dk_time_map(u64 *address);

struct dk_words;

int dk_words_map(struct dk_process *process, unsigned long *address);
void dk_words_put(struct dk_words *words);
void dk_words_grow(struct dk_words *words, u32 index);
/* An object's handle comes or goes. @w may be NULL. */
void dk_word_attach(struct dk_process *process, struct dk_waitable *w,
		    DK_HANDLE handle, u32 rights);
void dk_word_detach(struct dk_waitable *w);

/* ---- raised exceptions (raise.c) ---- */

#define DK_NESTED_MAX	16	/* handlers of one thread that interrupt others */

enum {				/* bits of dk_thread.attention */
	DK_ABORTING,		/* the next call that waits is to be ended */
	DK_DEFERRED,		/* raised exceptions wait for handlers to end */
};

void dk_raise_init_process(struct dk_process *process);
void dk_raise_free_process(struct dk_process *process);
void dk_raise_init_thread(struct dk_thread *thread);
void dk_raise_start(struct dk_thread *thread, struct pico_thread *pico);
void dk_raise_end(struct dk_thread *thread);
void dk_raise_handled(struct dk_thread *thread, u64 context);
void dk_block_attention(struct dk_thread *thread);
/*
 * A thread that runs, referenced (pico_thread_put()): @thread, or, if that is
 * NULL, one of @process; NULL: none has begun. -ESRCH: it has ended.
 */
long dk_raise_target(struct dk_process *process, const struct dk_thread *thread,
		     struct pico_thread **target);
/* 0, -ESRCH (it has ended), -EOVERFLOW, -ENOMEM; may sleep. */
long dk_raise_thread(struct dk_thread *thread,
		     const struct dk_exception *exception);
long dk_raise_process(struct dk_process *process,
		      const struct dk_exception *exception);
long dk_notice_prepare(struct dk_process *child, struct dk_process *parent);
void dk_notice_cancel(struct dk_process *child);
void dk_notice_send(struct dk_process *child);
bool dk_deliver_apc(struct pico_thread *pico, struct pt_regs *regs);
bool dk_deliver_signal(struct pico_thread *pico, const kernel_siginfo_t *info);
long dk_sandbox_abort(struct dk_sandbox *sandbox);

struct dk_process {
	struct dk_object object;
	struct dk_waitable waitable;	/* signalled: it is gone */
	struct dk_sandbox *sandbox;
	struct pico_process *pico;	/* while it runs; sandbox->lock */
	struct list_head link;		/* sandbox->processes */
	u64 id;				/* in the sandbox, never reused */
	u64 kills;			/* of the sandbox, when it was made */
	struct dk_handle_table handles;
	struct dk_words *words;		/* counted; of the handles' events */
	unsigned long words_address;	/* where they are mapped */
	/* see raise.c */
	spinlock_t raise_lock;
	struct list_head threads;	/* raise_lock; the oldest first */
	struct dk_object *abort_event;	/* raise_lock; counted, or NULL */
	u64 signals;			/* of Linux, taken as exceptions */
	u64 user_time, system_time;	/* as told last; raise_lock */
	unsigned long thread_start;	/* upcall entries, 0: none */
	unsigned long exception_dispatch;
	bool first;			/* its exit code is the sandbox's */
	bool counted;			/* among the sandbox's processes */
	u64 memory_pages;		/* see limit.c */
	u64 memory_granted;		/* memory_lock; to native calls */
	bool has_locks;			/* or had, see lock.c */
	bool exit_code_set;		/* by DkProcessExit; sync_lock */
	bool gone;			/* nor has it files; sync_lock */
	s64 exit_code;
	struct dk_launch *launch;	/* until it runs; NULL for a clone */
	char name[16];			/* that ps and top show; of no clone */
	bool waiting;			/* for execve() to make it run */
	struct dk_process *parent;	/* counted; to be told of the end, or */
	struct dk_raised *notice;	/* NULL; and what with (raise.c) */
	struct rcu_head rcu;
};

struct dk_thread {
	struct dk_object object;
	struct dk_waitable waitable;	/* signalled: it is gone */
	struct dk_process *process;
	struct pico_thread *pico;	/* while it runs; stats_lock */
	bool gone;			/* its exit has been seen; stats_lock */
	bool counted;			/* among the sandbox's threads */
	struct list_head link;		/* sandbox->threads, while it runs */
	u64 parameter;
	unsigned long syscall_entry;	/* of the libos, 0: none */
	struct dk_thread_block __user *block;
	/* a timed call that is being taken up again, see dk_deadline() */
	unsigned long restart_ip;
	ktime_t restart_deadline;
	/*
	 * DkThreadCreate, DkxProcessClone: the handle, a process' id, and
	 * where they will be stored
	 */
	DK_HANDLE created;
	u64 created_id;
	DK_HANDLE __user *created_out;
	u64 __user *created_id_out;
	/* of the native call in place of DkxStreamControl's, see control.c */
	int native_fd;
	u64 __user *native_out;
	u64 memory_granted;		/* to the native call in place; pages */
	unsigned long call_ip;		/* behind its last call that may wait */
	/* see raise.c; all that is not the thread's own under raise_lock */
	struct list_head peers;		/* process->threads */
	struct pico_thread *target;	/* while it can be reached */
	bool closed;			/* it has ended */
	struct list_head raised;	/* struct dk_raised */
	u32 raised_count;
	unsigned long attention;	/* DK_ABORTING, DK_DEFERRED; atomic */
	u32 nested;			/* own: frames of handlers, the outermost */
	unsigned long frames[DK_NESTED_MAX]; /* first */
	struct dk_stats stats;		/* written by the thread alone */
	struct rcu_head rcu;
};

/* Every call that may wait for long begins with this. */
static inline void dk_block_begin(struct dk_thread *thread)
{
	if (unlikely(READ_ONCE(thread->attention)))
		dk_block_attention(thread);
}

/* ---- calls (dispatch.c) ---- */

/*
 * A call's handler: DK_HANDLER(NAME) { ... } is a function of the calling
 * thread and six arguments, a0 to a5. It returns a DK_STATUS, or
 * -ERESTARTSYS: the call is taken up again, as if it had not been made, after
 * signals have been looked at; or DK_FORWARD: the native call that was put in
 * place decides the status; or DK_REGISTERS_SET: user mode continues with the
 * registers as they are now.
 * Context: the calling thread, may sleep.
 *
 * What dispatch.c calls is the function around it, dk_call_NAME(): it takes
 * from the registers only what the handler uses, and puts success there.
 */
#define DK_FORWARD		1L
#define DK_REGISTERS_SET	2L

enum pico_syscall dk_conclude(struct dk_thread *thread, struct pt_regs *regs,
			      long status);

#define DK_HANDLER(name)						\
	static __always_inline long					\
	dk_handle_##name(struct dk_thread *thread, u64 a0, u64 a1, u64 a2, \
			 u64 a3, u64 a4, u64 a5);			\
	enum pico_syscall dk_call_##name(struct dk_thread *thread,	\
					 struct pt_regs *regs)		\
	{								\
		long status = dk_handle_##name(thread, regs->di, regs->si, \
					       regs->dx, regs->r10,	\
					       regs->r8, regs->r9);	\
									\
		if (unlikely(status))					\
			return dk_conclude(thread, regs, status);	\
		return pico_answer_system_call(regs, DK_STATUS_SUCCESS); \
	}								\
	static __always_inline long					\
	dk_handle_##name(struct dk_thread *thread, u64 a0, u64 a1, u64 a2, \
			 u64 a3, u64 a4, u64 a5)

/* The statuses that a call may return: its set in the table. */
#define DK_STATUSES_DEFINE(class, function, name, version, args, statuses) \
	static const u64 dk_statuses_##name __maybe_unused = (statuses);
DK_CALL_TABLE(DK_STATUSES_DEFINE)

#define DK_DECLARE_0(name)
#define DK_DECLARE_1(name)						\
	enum pico_syscall dk_call_##name(struct dk_thread *thread,	\
					 struct pt_regs *regs);
#define DK_DECLARE(class, function, name, version, args, statuses) \
	DK_DECLARE_##version(name)
DK_CALL_TABLE(DK_DECLARE)

void dk_dispatch_init(void);

static inline void __user *dk_user(u64 address)
{
	return (void __user *)(unsigned long)address;
}

/*
 * As vmemdup_user(), which charges nobody for what may be megabytes, and may
 * stay. kvfree() frees it.
 */
static inline void *dk_copy_user(const void __user *from, size_t length)
{
	void *copy = kvmalloc(length, GFP_KERNEL_ACCOUNT);

	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, from, length)) {
		kvfree(copy);
		return ERR_PTR(-EFAULT);
	}
	return copy;
}

/*
 * Below dk_parameters.address_limit? That is where user memory ends with
 * 4-level page tables. With 5 levels the kernel maps above it for whoever asks
 * for such an address; a picoprocess has the same addresses with either.
 */
static inline bool dk_range_valid(u64 base, u64 length)
{
	return length <= DEFAULT_MAP_WINDOW &&
	       base <= DEFAULT_MAP_WINDOW - length;
}

/* ---- streams (stream.c and one file per scheme) ---- */

struct dk_stream;

/*
 * struct dk_stream_ops - one scheme's answers; a missing one: NOT_SUPPORTED
 *
 * @rights are those of the handle; the generic code has checked the ones that
 * the call itself needs. @offset may be DK_OFFSET_CURRENT. @read and @write
 * return the number of bytes or a negative status.
 */
struct dk_stream_ops {
	ssize_t (*read)(struct dk_stream *stream, u64 offset,
			void __user *buffer, size_t length);
	ssize_t (*write)(struct dk_stream *stream, u64 offset,
			 const void __user *buffer, size_t length);
	long (*map)(struct dk_stream *stream, u32 rights, unsigned long *base,
		    u64 length, u64 offset, unsigned long prot,
		    unsigned long flags);
	long (*set_length)(struct dk_stream *stream, u64 length);
	long (*flush)(struct dk_stream *stream, u64 flags);
	long (*seek)(struct dk_stream *stream, s64 offset, u64 whence,
		     u64 *position);
	long (*enumerate)(struct dk_stream *stream, u64 *cursor,
			  void __user *buffer, size_t length, u64 *done);
	long (*get_attributes)(struct dk_stream *stream,
			       struct dk_stream_attributes *attributes);
	long (*set_attributes)(struct dk_stream *stream,
			       const struct dk_stream_attributes *attributes);
	/*
	 * of a server stream, instead of @read: a new connection, or an error.
	 * @peer is zero before, and stays so if nobody has an address.
	 */
	struct dk_stream *(*accept)(struct dk_stream *stream,
				    struct dk_address *peer);
	/* what vfs_poll() says of @file unless this is here; may sleep */
	__poll_t (*poll)(struct dk_stream *stream,
			 struct poll_table_struct *table);
	void (*release)(struct dk_stream *stream);
};

struct dk_stream {
	struct dk_object object;
	const struct dk_stream_ops *ops;
	struct dk_sandbox *sandbox;	/* not counted: handles die first */
	struct file *file;		/* counted; or NULL */
	struct path path;		/* counted; what is only named, no file */
	u32 flags;			/* DK_ACCESS_APPEND, DK_OPTION_NONBLOCK */
	void *data;			/* the scheme's */
	struct list_head events;	/* that follow it, see streamevent.c */
	bool watched;			/* there was one, ever */
	bool queued;			/* counts as a handle: limit.c */
	bool locked;			/* by a process, some time: lock.c */
	struct rcu_head rcu;
};

/*
 * Check and add a rule of names that are no files; see struct drawbridge_rule.
 * @text is all of the URI. @sandbox->lock is held.
 */
long dk_net_rule_add(struct dk_sandbox *sandbox, const char *text, u32 rights);
void dk_net_rules_destroy(struct dk_sandbox *sandbox);

/* What is on its way in local: sockets goes: no process is left (letter.c). */
void dk_letters_destroy(struct dk_sandbox *sandbox);

/* No pipe of the sandbox is left (pipe.c). */
void dk_pipes_destroy(struct dk_sandbox *sandbox);
/*
 * @process has closed a handle of a stream: with it go all locks that the
 * process has on the stream's file (lock.c).
 */
void dk_locks_drop(struct dk_process *process, struct dk_object *object);

/* The native call in place of a DkxStreamControl has ended (control.c). */
long dk_control_ended(struct dk_thread *thread, long result);

/* Check and add a rule; see struct drawbridge_rule. @sandbox->lock is held. */
long dk_rule_add(struct dk_sandbox *sandbox, const struct drawbridge_rule *rule);
void dk_rules_destroy(struct dk_sandbox *sandbox);
void dk_absent_destroy(struct dk_sandbox *sandbox);

/* ---- memory (memory.c) ---- */

/*
 * DK_PROT_* to PROT_*; -EINVAL for what has no meaning, -EACCES for
 * writable and executable together where the sandbox does not allow it.
 */
long dk_prot(struct dk_sandbox *sandbox, u64 protection);

/* The time that the threads of the calling process have run, ns (usage.c). */
u64 dk_usage_run_time(void);

/* ---- thread, exception, image, process ---- */

ktime_t dk_deadline(struct dk_thread *thread, s64 duration);
long dk_restart_timed(struct dk_thread *thread, ktime_t deadline);
enum pico_syscall dk_dispatch(struct pico_thread *pico, struct pt_regs *regs);
struct dk_thread *dk_thread_new(struct dk_process *process, u64 parameter);
struct dk_process *dk_process_new(struct dk_sandbox *sandbox);
/* Of a process itself, and of others: write is to raise exceptions. */
#define DK_PROCESS_RIGHTS	(DK_RIGHT_READ | DK_RIGHT_WAIT)
#define DK_PROCESS_OTHER_RIGHTS	(DK_PROCESS_RIGHTS | DK_RIGHT_WRITE)
#define DK_THREAD_RIGHTS	(DK_RIGHT_READ | DK_RIGHT_WRITE | DK_RIGHT_WAIT)
int dk_image_prepare(struct dk_sandbox *sandbox, struct file *file,
		     struct dk_image **image);
int dk_image_map(struct dk_image *image, struct pico_start *start,
		 unsigned long *base, unsigned long *size);
u64 dk_image_memory(const struct dk_image *image);
void dk_image_free(struct dk_image *image);
bool dk_dispatch_exception(struct pico_thread *pico, struct pt_regs *regs,
			   const struct pico_exception *exception);
bool dk_exception_range(struct dk_thread *thread, u64 *base, u64 *size);
unsigned long dk_upcall(struct dk_thread *thread, struct pt_regs *regs,
			const struct dk_exception *exception);
int dk_prepare_process(void *host, struct linux_binprm *bprm,
		       void **process_context, void **thread_context);
int dk_start_process(struct pico_process *pico, struct pico_thread *pthread,
		     struct pico_start *start);
void dk_thread_started(struct dk_thread *thread, struct pico_thread *pico);
void dk_image_name(struct pico_process *pico, char *name, size_t size);
void dk_stats_add(struct dk_stats *sum, const struct dk_stats *stats);
void dk_exit_thread(struct pico_thread *pico);
void dk_exit_process(struct pico_process *pico);
void dk_process_gone(struct pico_process *pico);
long dk_native_call_ended(struct pico_thread *pico, struct pt_regs *regs,
			  long result);
long dk_thread_created(struct pico_thread *pico, struct pico_thread *new,
		       void *child_context, int error);
int dk_clone_start(struct dk_thread *thread, struct pico_thread *pico);

/* Processes that processes make (clone.c, create.c). */
void dk_process_enter(struct dk_process *process);
void dk_process_empty(struct dk_process *process);
void dk_process_drop(struct dk_process *process);
long dk_process_publish(struct dk_thread *thread, struct dk_process *process,
			u64 out, u64 id_out);
long dk_process_created(struct dk_thread *thread, struct pico_thread *new,
			struct dk_thread *child, int error);

#define DK_STACK_SIZE	(1UL << 20)	/* of a first thread */

/**
 * struct dk_launch - what a process that is no clone begins with (start.c)
 * @image:	checked, not mapped yet
 * @strings:	see struct drawbridge_start; dk_strings_valid() is true of them
 * @strings_length: .
 * @argument_count: .
 * @environment_count: .
 * @handles:	that it was given, as it has them; or NULL
 * @handle_count: .
 * @process:	its handle of itself,
 * @thread:	and of its first thread
 */
struct dk_launch {
	struct dk_image *image;
	char *strings;
	u32 strings_length;
	u32 argument_count;
	u32 environment_count;
	DK_HANDLE *handles;
	u32 handle_count;
	DK_HANDLE process;
	DK_HANDLE thread;
};

bool dk_strings_valid(const char *strings, u32 length, u32 arguments,
		      u32 environment);
long dk_launch_handles(struct dk_process *process, struct dk_thread *thread);
void dk_launch_free(struct dk_launch *launch);
int dk_launch_start(struct dk_thread *thread, struct pico_process *pico,
		    struct pico_thread *pthread, struct pico_start *start);

/* Running totals over all sandboxes, shown under /sys/module/drawbridge. */
extern atomic_t dk_total_objects;
extern struct pico_routines dk_pico;

#endif /* _DRAWBRIDGE_DRAWBRIDGE_H */
