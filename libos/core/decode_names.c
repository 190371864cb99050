// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The names of constants, for the trace.
 */
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <asm/ioctls.h>
#include <asm/resource.h>
#include "decode.h"

struct name {
	u64 value;
	const char *name;
};

#define NAME(x) { x, #x }

/* The first of equal values counts. */
static const struct name errors[] = {
	NAME(EPERM),
	NAME(ENOENT),
	NAME(ESRCH),
	NAME(EINTR),
	NAME(EIO),
	NAME(ENXIO),
	NAME(E2BIG),
	NAME(ENOEXEC),
	NAME(EBADF),
	NAME(ECHILD),
	NAME(EAGAIN),
	NAME(ENOMEM),
	NAME(EACCES),
	NAME(EFAULT),
	NAME(ENOTBLK),
	NAME(EBUSY),
	NAME(EEXIST),
	NAME(EXDEV),
	NAME(ENODEV),
	NAME(ENOTDIR),
	NAME(EISDIR),
	NAME(EINVAL),
	NAME(ENFILE),
	NAME(EMFILE),
	NAME(ENOTTY),
	NAME(ETXTBSY),
	NAME(EFBIG),
	NAME(ENOSPC),
	NAME(ESPIPE),
	NAME(EROFS),
	NAME(EMLINK),
	NAME(EPIPE),
	NAME(EDOM),
	NAME(ERANGE),
	NAME(EDEADLK),
	NAME(ENAMETOOLONG),
	NAME(ENOLCK),
	NAME(ENOSYS),
	NAME(ENOTEMPTY),
	NAME(ELOOP),
	NAME(ENODATA),
	NAME(ETIME),
	NAME(EPROTO),
	NAME(EOVERFLOW),
	NAME(EILSEQ),
	NAME(EUSERS),
	NAME(ENOTSOCK),
	NAME(EDESTADDRREQ),
	NAME(EMSGSIZE),
	NAME(EPROTOTYPE),
	NAME(ENOPROTOOPT),
	NAME(EPROTONOSUPPORT),
	NAME(ESOCKTNOSUPPORT),
	NAME(EOPNOTSUPP),
	NAME(EPFNOSUPPORT),
	NAME(EAFNOSUPPORT),
	NAME(EADDRINUSE),
	NAME(EADDRNOTAVAIL),
	NAME(ENETDOWN),
	NAME(ENETUNREACH),
	NAME(ENETRESET),
	NAME(ECONNABORTED),
	NAME(ECONNRESET),
	NAME(ENOBUFS),
	NAME(EISCONN),
	NAME(ENOTCONN),
	NAME(ESHUTDOWN),
	NAME(ETIMEDOUT),
	NAME(ECONNREFUSED),
	NAME(EHOSTDOWN),
	NAME(EHOSTUNREACH),
	NAME(EALREADY),
	NAME(EINPROGRESS),
	NAME(ESTALE),
	NAME(EDQUOT),
	NAME(ECANCELED),
	NAME(EOWNERDEAD),
	NAME(ENOTRECOVERABLE),
	NAME(ERESTARTSYS),
	NAME(ERESTARTNOHAND),
	{ 0, NULL },
};

static const char *const signals[] = {
	"0",	   "SIGHUP",  "SIGINT",	   "SIGQUIT", "SIGILL",	   "SIGTRAP",
	"SIGABRT", "SIGBUS",  "SIGFPE",	   "SIGKILL", "SIGUSR1",   "SIGSEGV",
	"SIGUSR2", "SIGPIPE", "SIGALRM",   "SIGTERM", "SIGSTKFLT", "SIGCHLD",
	"SIGCONT", "SIGSTOP", "SIGTSTP",   "SIGTTIN", "SIGTTOU",   "SIGURG",
	"SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH",  "SIGIO",
	"SIGPWR",  "SIGSYS",
};

/* ---- sets of flags ---- */

static const struct name opens[] = {
	NAME(O_CREAT),
	NAME(O_EXCL),
	NAME(O_NOCTTY),
	NAME(O_TRUNC),
	NAME(O_APPEND),
	NAME(O_NONBLOCK),
	{ 04010000, "O_SYNC" },
	NAME(O_DSYNC),
	NAME(O_DIRECT),
	NAME(O_LARGEFILE),
	{ 020200000, "O_TMPFILE" },
	NAME(O_DIRECTORY),
	NAME(O_NOFOLLOW),
	NAME(O_NOATIME),
	NAME(O_CLOEXEC),
	NAME(O_PATH),
	{ 0, NULL },
};

static const struct name at_flags[] = {
	NAME(AT_SYMLINK_NOFOLLOW), { 0x200, "AT_EACCESS" },
	NAME(AT_SYMLINK_FOLLOW),   NAME(AT_NO_AUTOMOUNT),
	NAME(AT_EMPTY_PATH),	   NAME(AT_STATX_FORCE_SYNC),
	NAME(AT_STATX_DONT_SYNC),  { 0, NULL },
};

static const struct name unlink_flags[] = {
	NAME(AT_REMOVEDIR),
	{ 0, NULL },
};

static const struct name protections[] = {
	NAME(PROT_READ),      NAME(PROT_WRITE),	  NAME(PROT_EXEC),
	NAME(PROT_GROWSDOWN), NAME(PROT_GROWSUP), { 0, NULL },
};

static const struct name map_flags[] = {
	{ MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE" },
	NAME(MAP_SHARED),
	NAME(MAP_PRIVATE),
	NAME(MAP_FIXED),
	NAME(MAP_ANONYMOUS),
	NAME(MAP_GROWSDOWN),
	NAME(MAP_DENYWRITE),
	NAME(MAP_EXECUTABLE),
	NAME(MAP_LOCKED),
	NAME(MAP_NORESERVE),
	NAME(MAP_POPULATE),
	NAME(MAP_NONBLOCK),
	NAME(MAP_STACK),
	NAME(MAP_HUGETLB),
	NAME(MAP_FIXED_NOREPLACE),
	{ 0, NULL },
};

static const struct name wait_flags[] = {
	NAME(WNOHANG),
	NAME(WUNTRACED),
	NAME(WEXITED),
	NAME(WCONTINUED),
	NAME(WNOWAIT),
	NAME(__WNOTHREAD),
	{ 0x40000000, "__WALL" },
	{ 0x80000000, "__WCLONE" },
	{ 0, NULL },
};

static const struct name clone_flags[] = {
	NAME(CLONE_VM),
	NAME(CLONE_FS),
	NAME(CLONE_FILES),
	NAME(CLONE_SIGHAND),
	NAME(CLONE_PIDFD),
	NAME(CLONE_PTRACE),
	NAME(CLONE_VFORK),
	NAME(CLONE_PARENT),
	NAME(CLONE_THREAD),
	NAME(CLONE_NEWNS),
	NAME(CLONE_SYSVSEM),
	NAME(CLONE_SETTLS),
	NAME(CLONE_PARENT_SETTID),
	NAME(CLONE_CHILD_CLEARTID),
	NAME(CLONE_DETACHED),
	NAME(CLONE_UNTRACED),
	NAME(CLONE_CHILD_SETTID),
	NAME(CLONE_NEWCGROUP),
	NAME(CLONE_NEWUTS),
	NAME(CLONE_NEWIPC),
	NAME(CLONE_NEWUSER),
	NAME(CLONE_NEWPID),
	NAME(CLONE_NEWNET),
	NAME(CLONE_IO),
	{ 0, NULL },
};

static const struct name message_flags[] = {
	{ 0x1, "MSG_OOB" },
	{ 0x2, "MSG_PEEK" },
	{ 0x4, "MSG_DONTROUTE" },
	{ 0x20, "MSG_TRUNC" },
	{ 0x40, "MSG_DONTWAIT" },
	{ 0x80, "MSG_EOR" },
	{ 0x100, "MSG_WAITALL" },
	{ 0x2000, "MSG_ERRQUEUE" },
	{ 0x4000, "MSG_NOSIGNAL" },
	{ 0x8000, "MSG_MORE" },
	{ 0x40000000, "MSG_CMSG_CLOEXEC" },
	{ 0, NULL },
};

static const struct name access_modes[] = {
	{ 4, "R_OK" },
	{ 2, "W_OK" },
	{ 1, "X_OK" },
	{ 0, NULL },
};

static const struct name socket_flags[] = {
	{ O_NONBLOCK, "SOCK_NONBLOCK" },
	{ O_CLOEXEC, "SOCK_CLOEXEC" },
	{ 0, NULL },
};

static const struct name futex_flags[] = {
	{ FUTEX_PRIVATE_FLAG, "FUTEX_PRIVATE" },
	{ FUTEX_CLOCK_REALTIME, "FUTEX_CLOCK_REALTIME" },
	{ 0, NULL },
};

/* ---- one of several ---- */

static const struct name open_modes[] = {
	NAME(O_RDONLY),
	NAME(O_WRONLY),
	NAME(O_RDWR),
	{ 0, NULL },
};

static const struct name file_commands[] = {
	NAME(F_DUPFD),	    NAME(F_GETFD),	NAME(F_SETFD),
	NAME(F_GETFL),	    NAME(F_SETFL),	NAME(F_GETLK),
	NAME(F_SETLK),	    NAME(F_SETLKW),	NAME(F_SETOWN),
	NAME(F_GETOWN),	    NAME(F_SETSIG),	NAME(F_GETSIG),
	NAME(F_SETOWN_EX),  NAME(F_GETOWN_EX),	NAME(F_OFD_GETLK),
	NAME(F_OFD_SETLK),  NAME(F_OFD_SETLKW), NAME(F_SETLEASE),
	NAME(F_GETLEASE),   NAME(F_NOTIFY),	NAME(F_DUPFD_CLOEXEC),
	NAME(F_SETPIPE_SZ), NAME(F_GETPIPE_SZ), NAME(F_ADD_SEALS),
	NAME(F_GET_SEALS),  { 0, NULL },
};

static const struct name futex_commands[] = {
	NAME(FUTEX_WAIT),
	NAME(FUTEX_WAKE),
	NAME(FUTEX_REQUEUE),
	NAME(FUTEX_CMP_REQUEUE),
	NAME(FUTEX_WAKE_OP),
	NAME(FUTEX_LOCK_PI),
	NAME(FUTEX_UNLOCK_PI),
	NAME(FUTEX_TRYLOCK_PI),
	NAME(FUTEX_WAIT_BITSET),
	NAME(FUTEX_WAKE_BITSET),
	NAME(FUTEX_WAIT_REQUEUE_PI),
	NAME(FUTEX_CMP_REQUEUE_PI),
	{ 0, NULL },
};

static const struct name epoll_commands[] = {
	NAME(EPOLL_CTL_ADD),
	NAME(EPOLL_CTL_DEL),
	NAME(EPOLL_CTL_MOD),
	{ 0, NULL },
};

static const struct name families[] = {
	{ 0, "AF_UNSPEC" }, { 1, "AF_UNIX" },	  { 2, "AF_INET" },
	{ 10, "AF_INET6" }, { 16, "AF_NETLINK" }, { 0, NULL },
};

static const struct name socket_types[] = {
	{ 1, "SOCK_STREAM" },	 { 2, "SOCK_DGRAM" }, { 3, "SOCK_RAW" },
	{ 5, "SOCK_SEQPACKET" }, { 0, NULL },
};

static const struct name whences[] = {
	{ 0, "SEEK_SET" },  { 1, "SEEK_CUR" },	{ 2, "SEEK_END" },
	{ 3, "SEEK_DATA" }, { 4, "SEEK_HOLE" }, { 0, NULL },
};

static const struct name advices[] = {
	NAME(MADV_NORMAL),
	NAME(MADV_RANDOM),
	NAME(MADV_SEQUENTIAL),
	NAME(MADV_WILLNEED),
	NAME(MADV_DONTNEED),
	NAME(MADV_FREE),
	NAME(MADV_REMOVE),
	NAME(MADV_DONTFORK),
	NAME(MADV_DOFORK),
	NAME(MADV_MERGEABLE),
	NAME(MADV_HUGEPAGE),
	NAME(MADV_NOHUGEPAGE),
	NAME(MADV_DONTDUMP),
	NAME(MADV_DODUMP),
	NAME(MADV_WIPEONFORK),
	NAME(MADV_KEEPONFORK),
	NAME(MADV_COLD),
	NAME(MADV_PAGEOUT),
	NAME(MADV_POPULATE_READ),
	NAME(MADV_POPULATE_WRITE),
	{ 0, NULL },
};

static const struct name resources[] = {
	NAME(RLIMIT_CPU),      NAME(RLIMIT_FSIZE),  NAME(RLIMIT_DATA),
	NAME(RLIMIT_STACK),    NAME(RLIMIT_CORE),   NAME(RLIMIT_RSS),
	NAME(RLIMIT_NPROC),    NAME(RLIMIT_NOFILE), NAME(RLIMIT_MEMLOCK),
	NAME(RLIMIT_AS),       NAME(RLIMIT_LOCKS),  NAME(RLIMIT_SIGPENDING),
	NAME(RLIMIT_MSGQUEUE), NAME(RLIMIT_NICE),   NAME(RLIMIT_RTPRIO),
	NAME(RLIMIT_RTTIME),   { 0, NULL },
};

static const struct name clocks[] = {
	{ 0, "CLOCK_REALTIME" },
	{ 1, "CLOCK_MONOTONIC" },
	{ 2, "CLOCK_PROCESS_CPUTIME_ID" },
	{ 3, "CLOCK_THREAD_CPUTIME_ID" },
	{ 4, "CLOCK_MONOTONIC_RAW" },
	{ 5, "CLOCK_REALTIME_COARSE" },
	{ 6, "CLOCK_MONOTONIC_COARSE" },
	{ 7, "CLOCK_BOOTTIME" },
	{ 0, NULL },
};

static const struct name mask_changes[] = {
	{ 0, "SIG_BLOCK" },
	{ 1, "SIG_UNBLOCK" },
	{ 2, "SIG_SETMASK" },
	{ 0, NULL },
};

static const struct name requests[] = {
	NAME(TCGETS),	  NAME(TCSETS),	   NAME(TCSETSW),    NAME(TCSETSF),
	NAME(TIOCGPGRP),  NAME(TIOCSPGRP), NAME(TIOCGWINSZ), NAME(TIOCSWINSZ),
	NAME(TIOCSCTTY),  NAME(TIOCNOTTY), NAME(TIOCGSID),   NAME(TIOCGPTN),
	NAME(TIOCSPTLCK), NAME(FIONREAD),  NAME(FIONBIO),    NAME(FIOCLEX),
	NAME(FIONCLEX),	  { 0, NULL },
};

static const char *find(const struct name *names, u64 value)
{
	for (; names->name; names++) {
		if (names->value == value)
			return names->name;
	}
	return NULL;
}

const char *error_name(long error)
{
	return find(errors, error);
}

const char *signal_name(unsigned int signal)
{
	return signal < ARRAY_SIZE(signals) ? signals[signal] : NULL;
}

static void add_one(struct line *t, const struct name *names, u64 value)
{
	const char *name = find(names, value);

	if (name)
		line_add(t, "%s", name);
	else
		line_add(t, "0x%llx", (unsigned long long)value);
}

/* Behind what is there already, if @more; 0 is written if nothing is. */
static void add_flags(struct line *t, const struct name *names, u64 value,
		      bool more)
{
	for (; names->name; names++) {
		if ((value & names->value) != names->value)
			continue;
		line_add(t, "%s%s", more ? "|" : "", names->name);
		value &= ~names->value;
		more = true;
	}
	if (value || !more)
		line_add(t,
			 more  ? "|0x%llx" :
			 value ? "0x%llx" :
				 "0",
			 (unsigned long long)value);
}

bool decode_constant(struct line *t, char kind, u64 value)
{
	static const struct {
		char kind;
		const struct name *one; /* of the bits in @mask */
		const struct name *flags;
		u64 mask;
	} kinds[] = {
		{ 'o', open_modes, opens, O_ACCMODE },
		{ 'a', NULL, at_flags, 0 },
		{ 'x', NULL, unlink_flags, 0 },
		{ 'g', NULL, opens, 0 },
		{ 'm', NULL, map_flags, 0 },
		{ 'w', NULL, wait_flags, 0 },
		{ 'l', NULL, message_flags, 0 },
		{ 'f', file_commands, NULL, ~0ULL },
		{ 'u', futex_commands, futex_flags, FUTEX_CMD_MASK },
		{ 'e', epoll_commands, NULL, ~0ULL },
		{ 's', families, NULL, ~0ULL },
		{ 't', socket_types, socket_flags, 0xf },
		{ 'L', whences, NULL, ~0ULL },
		{ 'M', advices, NULL, ~0ULL },
		{ 'r', resources, NULL, ~0ULL },
		{ 'h', clocks, NULL, ~0ULL },
		{ 'k', mask_changes, NULL, ~0ULL },
		{ 'i', requests, NULL, ~0ULL },
	};
	unsigned int i;

	value = (u32)value;
	switch (kind) {
	case 'q':
		if (value)
			add_flags(t, access_modes, value, false);
		else
			line_add(t, "F_OK");
		return true;
	case 'c':
		/* The signal is in the low byte. */
		if (value & ~0xffULL || !value)
			add_flags(t, clone_flags, value & ~0xffULL, false);
		if (value & 0xff)
			line_add(t, "%s%s", value & ~0xffULL ? "|" : "",
				 signal_name(value & 0xff) ?: "?");
		return true;
	case 'p':
		if (value)
			add_flags(t, protections, value, false);
		else
			line_add(t, "PROT_NONE");
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (kinds[i].kind != kind)
			continue;
		if (kinds[i].one)
			add_one(t, kinds[i].one, value & kinds[i].mask);
		if (kinds[i].flags && (!kinds[i].one || value & ~kinds[i].mask))
			add_flags(t, kinds[i].flags, value & ~kinds[i].mask,
				  kinds[i].one);
		return true;
	}
	return false;
}
