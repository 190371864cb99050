/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Files of the library OS: what the files of this folder share.
 *
 *   fd table          struct file             behind it
 *   slot 3  ------->  open file description   host stream (DK_HANDLE), pipe,
 *   slot 4  ---/      flags, position, ops    eventfd, epoll, synthetic text
 *
 * The table maps numbers to descriptions (table.c), a description is counted
 * (file.c) and its kind is its ops. Names are absolute paths: one per call,
 * joined from the working directory or a directory's own path (path.c), then
 * looked up in the synthetic tree (synth.c), else given to the host, which
 * walks symbolic links and "..".
 *
 * Locks, outermost first; libos.h has them among all others:
 *
 *   fs_context.lock   the working directory
 *   fd_table.lock     which numbers are in use; never needed to look one up
 *   epoll_lock        which epoll watches which description
 *   file.lock         position of a directory or synthetic file
 *   pipe.lock, ...    content of one object
 *   wait_queue.lock   who waits for it
 */
#ifndef _LIBOS_FS_FS_H
#define _LIBOS_FS_FS_H

#include "libos.h"

#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <asm/poll.h>

struct poll_table;
struct epoll_item;
struct stream_event;

#ifndef SEEK_SET
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#endif

/* Longest transfer of one call: what Linux itself uses. */
#define MAX_TRANSFER 0x7ffff000UL

/* ---- waiting (wait.c) ---- */

/*
 * A waiter is a thread's stay in one call: an auto-reset event of the host.
 * It is linked to as many wait queues as it likes, through one entry each.
 * The order that loses no wake-up: link, look at the condition, wait.
 */
struct waiter {
	DK_HANDLE event;
};

struct wait_entry {
	struct wait_entry *next, **link;
	struct wait_queue *queue;
	void (*wake)(struct wait_entry *entry);
	void *data;
};

struct wait_queue {
	struct lock lock;
	struct wait_entry *first;
};

void waiter_drop(struct libos_thread *t);
void waiter_wake(struct wait_entry *entry);
int waiter_sleep(struct waiter *waiter, s64 duration);
/*
 * The same with other events of the host besides; the first is the waiter's.
 * @which: NULL, or receives which one has ended the wait.
 */
int waiter_sleep_any(const DK_HANDLE *events, size_t count, s64 duration,
		     size_t *which);
void wait_link(struct wait_queue *queue, struct wait_entry *entry,
	       void (*wake)(struct wait_entry *), void *data);
void wait_unlink(struct wait_entry *entry);
void wake_all(struct wait_queue *queue);

/*
 * Wait on @queue until @condition, or until interrupted: the value is 0 or
 * the error. @condition is evaluated without locks of this macro's.
 */
#define wait_until(queue, condition)                                        \
	({                                                                  \
		struct wait_entry entry_;                                   \
		struct waiter *waiter_ = waiter_get();                      \
		int error_ = waiter_ ? 0 : -ENOMEM;                         \
		if (waiter_) {                                              \
			wait_link(queue, &entry_, waiter_wake, waiter_);    \
			while (!(condition) && !error_)                     \
				error_ = waiter_sleep(waiter_,              \
						      DK_TIMEOUT_INFINITE); \
			wait_unlink(&entry_);                               \
			waiter_put(waiter_);                                \
		}                                                           \
		error_;                                                     \
	})

/* ---- open file descriptions (file.c) ---- */

/*
 * struct file_ops - one kind of file
 *
 * A missing operation answers as Linux does for a kind without it; one without
 * @seek has no pread and pwrite either. @buffer is the program's, checked by
 * user_ok(), or the libos's: see rw.c. @list makes struct dk_directory_entry
 * records and moves @cursor behind them. An @offset of DK_OFFSET_CURRENT means the file's position.
 * @poll returns EPOLL bits, and links the table's entry to the queue that will
 * tell of a change; POLL_TIMED on top asks to look again after a while.
 */
struct file_ops {
	s64 (*read)(struct file *file, void *buffer, size_t length, u64 offset);
	s64 (*write)(struct file *file, const void *buffer, size_t length,
		     u64 offset);
	s64 (*seek)(struct file *file, s64 offset, int whence);
	int (*attributes)(struct file *file,
			  struct dk_stream_attributes *attributes);
	int (*set_attributes)(struct file *file,
			      const struct dk_stream_attributes *attributes);
	int (*set_length)(struct file *file, u64 length);
	int (*flush)(struct file *file, u64 flags);
	s64 (*list)(struct file *file, void *buffer, size_t length,
		    u64 *cursor);
	u32 (*poll)(struct file *file, struct poll_table *table);
	long (*control)(struct file *file, unsigned int command,
			unsigned long argument);
	void (*set_flags)(struct file *file, u32 flags);
	/*
	 * O_APPEND of what is shared with other processes: 1, 0, or a negative
	 * errno; @set is that too, or -1 to ask. Without it, it is file.flags'.
	 */
	int (*append)(struct file *file, int set);
	void (*release)(struct file *file);
};

/* struct file.kind */
enum {
	FILE_HOST = 1, /* file: of the host, by path */
	FILE_CONSOLE, /* stdin: stdout: stderr: */
	FILE_PATH, /* O_PATH: a name only */
	FILE_PIPE,
	FILE_EVENT,
	FILE_EPOLL,
	FILE_SYNTHETIC,
	FILE_TIMER,
	FILE_SIGNAL,
	FILE_SOCKET,
	FILE_PTY,
	FILE_PID, /* pidfd.c */
};

/* struct file.access */
#define FILE_READ 0x1
#define FILE_WRITE 0x2

/*
 * struct file - an open file description
 *
 * The memory of descriptions is never used for anything else, so a reader of
 * the table may look at @refs of one that was just released (table.c).
 * @refs, @flags, @checked and @name are atomic; @kind to @path do not change
 * while it lives, but for @checked;
 * @lock guards @position, and @data where the kind says so.
 */
struct file {
	u32 refs;
	u32 flags; /* O_*, as F_GETFL shows them */
	u8 kind;
	u8 access;
	u8 type; /* DK_TYPE_* as far as it is known, else 0 */
	bool no_link; /* of O_TMPFILE with O_EXCL: it gets no name */
	u32 checked; /* moves_count() when @path was last seen to be its */
	const struct file_ops *ops;
	DK_HANDLE handle;
	char *path; /* absolute, of what has a name; or NULL */
	struct file_name *name; /* that it has by now; NULL: @path */
	struct file_name *names; /* that it had; under @lock */
	void *data; /* of the kind */
	struct lock lock;
	u64 position;
	struct epoll_item *watched; /* under epoll_lock */
	struct stream_event *event; /* under @lock, see readiness.c */
	struct file *next_free;
};

/* A name that a file has got since it was opened; stays as long as the file. */
struct file_name {
	struct file_name *next;
	char text[];
};

/* Where it has a path: which by now, as far as file_follow() has seen. */
static inline const char *file_name(const struct file *file)
{
	const struct file_name *name =
		__atomic_load_n(&file->name, __ATOMIC_ACQUIRE);

	return name ? name->text : file->path;
}

/*
 * A file that turns out to be a FIFO gets other operations, maybe by another
 * thread (file_type()). Who looks whether there is one and then calls it, looks
 * once.
 */
static inline const struct file_ops *ops_of(const struct file *file)
{
	return __atomic_load_n(&file->ops, __ATOMIC_RELAXED);
}

int file_rename(struct file *file, const char *text);
struct file *file_new(u8 kind, const struct file_ops *ops, u8 access,
		      u32 flags);
bool file_try_get(struct file *file);
void file_put(struct file *file);
u8 access_of_flags(u32 flags);

/*
 * The calling thread has a reference to @file and may be long. Between this and
 * its end (NULL), a process that is cloned gives back the reference of the copy,
 * which has no such thread: hold.c.
 */
static inline void hold(struct file *file)
{
	__atomic_store_n(&self()->held[0], file, __ATOMIC_RELEASE);
}

/* The same of a second one; those of the first are of reads and writes. */
static inline void hold_other(struct file *file)
{
	__atomic_store_n(&self()->held[1], file, __ATOMIC_RELEASE);
}

/* The same of @count more, @stride bytes apart. */
void hold_many(struct file **first, size_t stride, size_t count);

/* ---- directories that are renamed (moves.c) ---- */

u32 moves_count(void);
struct path;

u32 moves_happened(void);
u32 moves_renamed(const char *from, const char *to, bool exchange);
void moves_own(int dirfd, const struct path *path, u32 count);
int file_follow(struct file *file);

/* ---- descriptors (table.c) ---- */

struct file *fd_get(int fd);
int fd_allocate(unsigned int lowest, bool close_on_exec);
void fd_install(int fd, struct file *file);
void fd_abandon(int fd);
int fd_open(struct file *file, bool close_on_exec);
int fd_replace(int fd, struct file *file, bool close_on_exec);
int fd_close(int fd);
int fd_close_on_exec(int fd, int set);
int fd_next(unsigned int from);
bool fd_has_kind(int fd, u8 kind);
unsigned int fd_limit(void);

/* ---- names (path.c, resolve.c) ---- */

#define URI_PREFIX "file:"
#define URI_PREFIX_LENGTH 5

/*
 * struct path - a name of one call, absolute
 * @uri:	"file:" and the path, zero-terminated, for the host
 * @length:	of @uri
 * @file:	set when the name was empty: the open file is meant itself
 * @node:	set when the name is one of the synthetic tree, with @id
 * Released by path_put(). Lives on the stack: two fit, no more than that.
 */
struct path {
	struct file *file;
	const struct synth_node *node;
	u32 id; /* the number in the node's name */
	u32 flags; /* PATH_* */
	u32 length;
	char uri[URI_PREFIX_LENGTH + PATH_MAX + 3];
};

/* path_get: flags */
#define PATH_EMPTY 0x1 /* "" is the directory descriptor itself */
#define PATH_WAS_EMPTY 0x4 /* set by path_get: the name was "" */
#define PATH_NOFOLLOW 0x2 /* a last symbolic link is meant itself */
#define PATH_CHILD 0x8 /* set by path_get: a name right in the directory */

int path_get(int dirfd, const char *name, u32 flags, struct path *path);
int path_set(struct path *path, const char *absolute, u32 flags);
void path_put(struct path *path);
int path_resolve(struct path *path);
bool path_reroute(struct path *path, int error);
bool path_settle(struct path *path, int error);

static inline char *path_text(struct path *path)
{
	return path->uri + URI_PREFIX_LENGTH;
}

/* Bytes up to the next slash or the end; slashes before the next name. */
static inline size_t component_length(const char *text)
{
	size_t length = 0;

	while (text[length] && text[length] != '/')
		length++;
	return length;
}

static inline size_t slash_length(const char *text)
{
	size_t length = 0;

	while (text[length] == '/')
		length++;
	return length;
}

/* ---- locks (lock.c) ---- */

struct flock;

void lock_closed(struct file *file);
long lock_control(struct file *file, int command, struct flock *user);

/* ---- streams of the host (host.c, console.c) ---- */

extern const struct file_ops host_ops, console_ops, pipe_ops;
extern const struct file_ops event_ops, name_ops;

int host_open(struct path *path, u32 flags, u32 mode, struct file **file);
int host_append(struct file *file, int set);
s64 stream_write(struct file *file, DK_HANDLE stream, const void *buffer,
		 size_t length, u64 offset);
bool file_appends(struct file *file); /* fcntl.c */
void file_tell_flags(struct file *file, u32 flags);
int host_open_unnamed(struct path *path, u32 flags, u32 mode,
		      struct file **file);
int name_open(struct path *path, u32 flags, struct file **file);
int name_share(struct file *open, struct path *path, struct file **file);
int host_attributes(struct path *path, struct dk_stream_attributes *attributes);
int host_read_link(struct path *path, char *buffer, size_t length);
u8 file_type(struct file *file);
bool file_can_poll(struct file *file);
int console_open(int number, u32 flags, struct file **file);
bool console_is_terminal(int number);
u64 console_device(void);
bool file_is_terminal(struct file *file);
int console_number(struct file *file);
bool console_can_poll(struct file *file);

/* ---- the synthetic tree (synth.c; content in proc.c) ---- */

/*
 * @id: the last number in the name that is opened
 * @of_thread: the name is in /proc/PID/task/TID
 */
struct text {
	char *data;
	size_t length, room;
	u32 id;
	bool of_thread;
	bool failed;
};

void text_add(struct text *text, const char *format, ...) __printf(2, 3);
void pidfd_describe(struct file *file, struct text *text);

/*
 * struct synth_node - one name that the host does not have
 * @path:	a "*" component stands for a number: the process, or the
 *		descriptor in /proc/N/fd
 * @content:	of a file: its text
 * @target:	of a link: its text, as for readlink: length or error
 * @magic:	following the link leads to an open file, not to its text
 * @others:	it is there of other processes, too
 * @store:	of a file that is written: take @text over, which ends in zero;
 *		what was written of @length bytes, or an error
 */
struct synth_node {
	const char *path;
	u8 type; /* DK_TYPE_* */
	u16 mode;
	void (*content)(struct text *text);
	int (*target)(char *buffer, size_t length, u32 id);
	bool magic;
	bool others;
	s64 (*store)(const char *text, size_t length, u32 id);
};

extern const struct synth_node synth_tree[];

bool synth_covers(const char *path);
bool synth_owns(const char *path);
const struct synth_node *synth_find(const char *path, u32 *id);
/* The process whose directory of /proc @file is, or was; 0: of nobody. */
u32 synth_process(struct file *file);
int synth_open(struct path *path, u32 flags, struct file **file);
int synth_attributes(const struct synth_node *node, u32 id,
		     struct dk_stream_attributes *attributes);
int synth_read_link(struct path *path, char *buffer, size_t length);
int fd_reopen(int fd, u32 flags, struct file **file);
long fd_truncate(int fd, u64 length);
int fd_name(int fd, char *buffer, size_t length);
int pipe_reopen(struct file *pipe, u32 flags, struct file **file);

/* ---- attributes (attributes.c) ---- */

int file_attributes(struct file *file, struct dk_stream_attributes *attributes);
int path_attributes(struct path *path, struct dk_stream_attributes *attributes);
u32 mode_of(const struct dk_stream_attributes *attributes);
int permission_of(const struct dk_stream_attributes *attributes, int wanted,
		  u32 uid, u32 gid);

/* ---- reading and writing (rw.c) ---- */

s64 file_read(struct file *file, void *buffer, size_t length, u64 offset);
s64 file_write(struct file *file, const void *buffer, size_t length,
	       u64 offset);
s64 file_seek(struct file *file, s64 offset, int whence);
s64 file_within_limit(struct file *file, size_t length, u64 offset);
long file_growth_check(struct file *file, u64 length);
long file_set_length(struct file *file, u64 length);
s64 broken_pipe(void);
long copy_in(void *to, const void *from, size_t length);
long copy_out(void *to, const void *from, size_t length);

/*
 * struct vector - a program's array of buffers, checked
 * @total: of all, at most MAX_TRANSFER
 */
struct vector {
	struct iovec *parts;
	size_t count;
	size_t total;
	struct iovec few[UIO_FASTIOV];
};

int vector_get(struct vector *vector, const struct iovec *parts, size_t count);
void vector_put(struct vector *vector);
/* The next @done bytes have been moved. */
void vector_advance(struct vector *vector, size_t done);

/* ---- polling (readiness.c, poll.c) ---- */

/* Above all EPOLL bits: nothing will wake us, look again after a while. */
#define POLL_TIMED 0x08000000

/*
 * struct poll_table - how a polled file tells of changes
 * @entry:  to be linked to a queue; NULL: only ask
 * @stream: set by the file: the host's stream whose readiness it is, too
 */
struct poll_table {
	struct wait_entry *entry;
	void (*wake)(struct wait_entry *entry);
	void *data;
	DK_HANDLE stream;
};

void poll_link(struct poll_table *table, struct wait_queue *queue);
void poll_stream(struct poll_table *table, DK_HANDLE stream);
u32 file_poll(struct file *file, struct poll_table *table);
void epoll_forget(struct file *file);
void stream_event_forget(struct file *file);
/* DK_STREAM_* that POLL* bits stand for. */
u32 stream_condition(u32 wanted);

/*
 * struct poll_slot - one file that is waited for; zeroed before
 * @file:   NULL: nothing, or @found says already what
 * @wanted: POLL*
 * @only:   POLLERR and POLLHUP count only where they are wanted
 * @found:  of those, or else of those and POLLERR, POLLHUP, what is so
 */
struct poll_slot {
	struct file *file;
	u32 wanted;
	bool only;
	u32 found;
	/* of the wait */
	struct wait_entry entry;
	DK_HANDLE stream;
	struct stream_event *event;
};

/*
 * Wait until one is ready or @deadline (monotonic; DK_TIMEOUT_INFINITE):
 * returns how many are, 0 after the time, -ERESTARTSYS, -ENOMEM.
 */
int poll_slots(struct poll_slot *slots, size_t count, s64 deadline);
/* The same of slots that poll_slot_set() filled; -EINTR for -ERESTARTSYS. */
int poll_slots_wait(struct poll_slot *slots, size_t count, s64 deadline);
void poll_slot_set(struct poll_slot *slot, int fd, u32 wanted);
void poll_slots_free(struct poll_slot *slots, size_t count);
/* One file: 0: ready; -EAGAIN after @deadline; -ERESTARTSYS, -EINTR with one. */
long file_wait(struct file *file, u32 wanted, s64 deadline);
/* When a wait of @duration from now ends; infinite stays so. */
s64 poll_deadline(s64 duration);
s64 deadline_left(s64 deadline);
void poll_put_left(struct __kernel_timespec *time, s64 deadline);
/* Nanoseconds from a program's struct timespec; infinite for NULL. */
int duration_get(const struct __kernel_timespec *time, s64 *duration);
#define POLL_PAUSE_FIRST 1000000LL /* between two looks, growing */
#define POLL_PAUSE_LAST 16000000LL

/* ---- the state of threads that share it (context.c) ---- */

/*
 * struct fs_context - working directory and umask
 * @directory: its name has no symbolic links; under @lock, with a reference
 */
struct fs_context {
	u32 refs;
	u32 umask;
	struct lock lock;
	struct file *directory;
};

struct file *directory_get(void);
struct file *directory_start(struct path *path);
int directory_copy(char *to, size_t size);

#endif /* _LIBOS_FS_FS_H */
