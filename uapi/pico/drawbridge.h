/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The Drawbridge provider: types and constants of its ABI (both sides of the
 * boundary include this), and its ioctls on /dev/pico (for the monitor).
 */
#ifndef _UAPI_PICO_DRAWBRIDGE_H
#define _UAPI_PICO_DRAWBRIDGE_H

#include <linux/types.h>
#include "dk_abi.h"
#include "pico.h"

#define DRAWBRIDGE_PROVIDER	"drawbridge"
#define DRAWBRIDGE_ABI_VERSION	1

typedef __u64 dk_u64;
typedef __s64 dk_s64;

/* A handle: opaque, never zero, dead handles are not reused for long. */
typedef __u64 DK_HANDLE;
typedef __s64 DK_STATUS;

#define DK_INVALID_HANDLE	0ULL

/*
 * ---- both sides: structures and constants ----
 *
 * A chapter of Documentation/drawbridge/calls.rst is made from here to the
 * monitor's side. A comment that begins with a capital letter, or with the name
 * of a structure's field, is about all constants up to the next one; one that
 * does not is about the constant behind it. A structure has a comment of its
 * own right before it: struct NAME - what it is.
 */

/* Rights that a handle carries. DkObjectReference can only take away. */
#define DK_RIGHT_READ		0x01	/* read, peek, query, enumerate */
#define DK_RIGHT_WRITE		0x02	/* write, set, clear, release */
#define DK_RIGHT_EXECUTE	0x04	/* map executable */
#define DK_RIGHT_WAIT		0x08	/* DkObjectsWaitAny */
#define DK_RIGHT_CONTROL	0x10	/* DkxConsoleControl, DkxStreamControl */
#define DK_RIGHTS_ALL		0x1f

/* Durations: nanoseconds. 0 polls; any other negative number is refused. */
#define DK_TIMEOUT_INFINITE	((dk_s64)0x8000000000000000ULL)

/* DkObjectsWaitAny: count */
#define DK_WAIT_MAX		64	/* the most objects of one wait */

/* DkVirtualMemoryAlloc: type */
#define DK_MEM_RESERVE		0x1	/* take addresses, no access, no memory */
#define DK_MEM_COMMIT		0x2	/* usable memory, zero on first touch */
#define DK_MEM_REPLACE		0x4	/* a live mapping may be replaced */
#define DK_MEM_SHARED		0x8	/* with processes cloned from here on */
/* DkVirtualMemoryFree: how */
#define DK_MEM_DECOMMIT		0x1	/* contents lost, addresses kept */
#define DK_MEM_RELEASE		0x2	/* addresses free again */
/* DkxVirtualMemoryMove: how. All values are those of mremap(2). */
#define DK_MOVE_ANYWHERE	0x1	/* else it grows where it is, or not */
#define DK_MOVE_REPLACE		0x2	/* to new_base, whatever is there; with 0x1 */
#define DK_MOVE_KEEP		0x4	/* the old range stays; with 0x1 */
/* Protections */
#define DK_PROT_NONE		0x0
#define DK_PROT_READ		0x1
#define DK_PROT_WRITE		0x2
#define DK_PROT_EXECUTE		0x4
#define DK_PROT_GUARD		0x8	/* no access; alone */

/* DkxProcessOpen, DkxProcessClone: the id of the sandbox's first process */
#define DK_PROCESS_FIRST	1

/* DkxProcessClone, DkProcessCreate: flags */
#define DK_CLONE_NOTIFY		0x1	/* its end raises DK_EXCEPTION_CHILD */

/*
 * struct dk_process_parameters - what a process is given, for DkProcessCreate
 * @flags:	DK_CLONE_NOTIFY
 * @handle_count: at most DK_GIVEN_MAX
 * @handles:	address of that many handles of the caller
 * @strings:	address of zero-terminated strings: program path, working
 *		directory, arguments, environment, in this order
 * @strings_length: in bytes, at most 2 MiB (DRAWBRIDGE_STRINGS_MAX)
 * @argument_count, @environment_count: how many of them are what
 * @reserved:	0
 */
struct dk_process_parameters {
	__u32	flags;
	__u32	handle_count;
	__u64	handles;
	__u64	strings;
	__u32	strings_length;
	__u32	argument_count;
	__u32	environment_count;
	__u32	reserved;
};

#define DK_GIVEN_MAX		1024	/* the most handles */

/* DkStreamOpen: access */
#define DK_ACCESS_READ		0x1
#define DK_ACCESS_WRITE		0x2
#define DK_ACCESS_EXECUTE	0x4	/* will be mapped executable */
#define DK_ACCESS_APPEND	0x8	/* every write goes to the end */
/* DkStreamOpen: disposition */
#define DK_OPEN_EXISTING	0
#define DK_OPEN_CREATE		1	/* open, or create when it is not there */
#define DK_OPEN_CREATE_NEW	2	/* fail when it is there */
#define DK_OPEN_TRUNCATE	3	/* open existing, length becomes 0 */
#define DK_OPEN_CREATE_TRUNCATE	4	/* create, or truncate what is there */
/* DkStreamOpen: options; the permission bits of a new file stand on top */
#define DK_OPTION_NONBLOCK	0x1	/* WOULD_BLOCK instead of waiting */
#define DK_OPTION_DIRECTORY	0x2	/* must be, or is created as, a directory */
#define DK_OPTION_NOFOLLOW	0x4	/* a last symbolic link: LINK_LOOP */
/* open a last symbolic link itself; reading it gives its target */
#define DK_OPTION_LINK		0x8
#define DK_OPTION_SYNC		0x10	/* writes return when on the medium */
/* with CREATE_NEW, without access: a FIFO is made, and only named */
#define DK_OPTION_FIFO		0x20
/* with CREATE_NEW: the URI is a directory's, the file has no name in it */
#define DK_OPTION_UNNAMED	0x40
/* as DK_OPTION_FIFO, but a socket's name, which nobody can open */
#define DK_OPTION_SOCKET	0x80
#define DK_OPTION_MODE_SHIFT	32	/* 12 bits: permissions when created */
#define DK_OPTION_MODE(m)	((dk_u64)((m) & 07777) << DK_OPTION_MODE_SHIFT)

/* DkStreamRead, DkStreamWrite: the stream's own position, which moves */
#define DK_OFFSET_CURRENT	(~0ULL)

/* DkStreamMap: flags */
#define DK_MAP_PRIVATE		0x1	/* copy on write */
#define DK_MAP_SHARED		0x2
#define DK_MAP_REPLACE		0x4	/* a live mapping may be replaced */
/* DkStreamGetEvent: condition; any of those that are set */
#define DK_STREAM_READABLE	0x1	/* reading would not wait */
#define DK_STREAM_WRITABLE	0x2	/* writing would not wait */
#define DK_STREAM_CLOSED	0x4	/* nothing more comes, or it has failed */
#define DK_STREAM_URGENT	0x8	/* out-of-band data, and its like */
#define DK_STREAM_EDGES		0x10	/* each time anew, for one wait */
/* DkStreamFlush: flags */
#define DK_FLUSH_DATA		0x1	/* not what only times need */
/* DkStreamDelete: flags */
#define DK_DELETE_FILE		0x1	/* anything but a directory */
#define DK_DELETE_DIRECTORY	0x2	/* an empty directory */
/* DkStreamRename: flags */
#define DK_RENAME_NOREPLACE	0x1
#define DK_RENAME_EXCHANGE	0x2
/* DkStreamAttributesQuery, DkxStreamAttributesSet, DkxStreamLink: flags */
#define DK_NAME_NOFOLLOW	0x1	/* of a last symbolic link: the link */
/* DkxStreamLink: flags */
#define DK_LINK_SYMBOLIC	0x2	/* target is text; else a file: URI */
#define DK_LINK_STREAM		0x4	/* target is the handle of an open file */
/* DkxStreamSeek: whence */
#define DK_SEEK_SET		0
#define DK_SEEK_CURRENT		1
#define DK_SEEK_END		2
#define DK_SEEK_DATA		3
#define DK_SEEK_HOLE		4

/*
 * DkxAddressWait, DkxAddressWake: operation. All values are those of futex(2).
 */
#define DK_ADDRESS_REQUEUE		0x3
#define DK_ADDRESS_COMPARE_REQUEUE	0x4
#define DK_ADDRESS_WAKE_OPERATION	0x5
#define DK_ADDRESS_WAIT			0x9
#define DK_ADDRESS_WAKE			0xa
#define DK_ADDRESS_PRIVATE		0x80	/* no other process shares it */
#define DK_ADDRESS_WALL_CLOCK		0x100	/* the deadline's; else monotonic */

#define DK_ADDRESS_ALL_BITS		0xffffffffULL	/* bits: any wake */

/* struct dk_deadline - a time of DK_CLOCK_MONOTONIC or DK_CLOCK_WALL */
struct dk_deadline {
	__s64	seconds;		/* 0 or more */
	__s64	nanoseconds;		/* 0 to 999999999 */
};

/* DkxPipeCreate: options */
#define DK_PIPE_NONBLOCK_READ	0x1	/* DK_OPTION_NONBLOCK of the reader */
#define DK_PIPE_NONBLOCK_WRITE	0x2	/* and of the writer */
#define DK_PIPE_DUPLEX		0x4	/* both are read and written: a socket pair */
#define DK_PIPE_LOCAL_STREAM	0x8	/* two local: sockets that are connected */
#define DK_PIPE_LOCAL_PACKET	0x10	/* the same, in messages */
#define DK_PIPE_LOCAL_DATAGRAM	0x20	/* the same, in datagrams */

/* DkxStreamLock: operation; without one of the first two: unlock */
#define DK_LOCK_SHARED		0x1
#define DK_LOCK_EXCLUSIVE	0x2
#define DK_LOCK_WAIT		0x4	/* else WOULD_BLOCK */
#define DK_LOCK_QUERY		0x8	/* only ask who is in the way */
#define DK_LOCK_STREAM		0x10	/* the stream's, not the process's; bytes, too */
#define DK_LOCK_WHOLE		0x20	/* the stream's, on the whole file */

/*
 * struct dk_lock_info - the first lock in the way, for DK_LOCK_QUERY
 * @start:	first byte
 * @length:	in bytes; 0: without end
 * @type:	DK_LOCK_SHARED or DK_LOCK_EXCLUSIVE; 0: none is in the way
 * @process_id:	as the host shows it; 0: a stream's, or not of this namespace
 * @id:		of a process of the sandbox, for DkxProcessOpen; 0: none of them
 */
struct dk_lock_info {
	__u64	start;
	__u64	length;
	__u32	type;
	__u32	process_id;
	__u64	id;
};

/**
 * struct dk_usage - what a thread or a process has used (DkxUsageQuery)
 * @run_time:	on processors, ns; of a process, of the threads that have ended,
 *		too, and so all the others but the sizes
 * @user_time:	what of it was in user mode, by the scheduler's ticks, ns
 * @system_time: and what in the kernel
 * @minor_faults: that had what they needed in memory
 * @major_faults: that had to read it
 * @voluntary_switches: how often it waited
 * @involuntary_switches: and had to make room
 * @resident:	memory that is there, bytes; of a thread, its process'
 * @max_resident: the most there ever was
 */
struct dk_usage {
	__u64	run_time;
	__u64	user_time;
	__u64	system_time;
	__u64	minor_faults;
	__u64	major_faults;
	__u64	voluntary_switches;
	__u64	involuntary_switches;
	__u64	resident;
	__u64	max_resident;
};

/* DkSystemTimeQuery: clock */
#define DK_CLOCK_WALL		0	/* since 1970-01-01 00:00 UTC */
#define DK_CLOCK_MONOTONIC	1
#define DK_CLOCK_BOOT		2	/* monotonic, sleep included */
#define DK_CLOCK_PROCESS_CPU	3
#define DK_CLOCK_THREAD_CPU	4

/* DkxConsoleControl: operation, and what the buffer holds */
#define DK_CONSOLE_GET_ATTRIBUTES	0 /* struct termios of the kernel, 36 bytes */
#define DK_CONSOLE_SET_ATTRIBUTES	1 /* same, at once */
#define DK_CONSOLE_SET_ATTRIBUTES_DRAIN	2 /* same, after output is drained */
#define DK_CONSOLE_SET_ATTRIBUTES_FLUSH	3 /* same, and pending input dropped */
#define DK_CONSOLE_GET_WINDOW_SIZE	4 /* struct winsize, 8 bytes */
#define DK_CONSOLE_BYTES_READABLE	5 /* int, 4 bytes; pipes, too, and the like */
#define DK_CONSOLE_SET_WINDOW_SIZE	6 /* struct winsize, 8 bytes */

/* DkxStreamControl: operation, and what the buffer holds */
#define DK_CONTROL_GET_OPTIONS	0	/* __u32: DK_OPTION_NONBLOCK or 0 */
#define DK_CONTROL_SET_OPTIONS	1	/* the same */
#define DK_CONTROL_READY	2	/* __u32: DK_READY_* */
#define DK_CONTROL_PIPE_SIZE	3	/* __u64: bytes that fit in */
#define DK_CONTROL_UNSENT	4	/* __u32: bytes not yet acknowledged */
#define DK_CONTROL_SHUTDOWN	5	/* __u32: DK_SHUTDOWN_* */
#define DK_CONTROL_ERROR	6	/* __s64: a DK_STATUS, which is reset */
#define DK_CONTROL_LOCAL_ADDRESS 7	/* struct dk_address */
#define DK_CONTROL_PEER_ADDRESS	8	/* struct dk_address */
#define DK_CONTROL_LISTEN	9	/* __u32: how many may wait */
#define DK_CONTROL_GET_SOCKET	10	/* struct dk_socket_option */
#define DK_CONTROL_SET_SOCKET	11	/* struct dk_socket_option */
#define DK_CONTROL_RECEIVE	12	/* struct dk_message */
#define DK_CONTROL_SEND		13	/* struct dk_message */
#define DK_CONTROL_SET_PIPE_SIZE 14	/* __u64: wanted, and then what it is */
#define DK_CONTROL_BIND		15	/* struct dk_local_name, of a local: socket */
#define DK_CONTROL_CONNECT	16	/* the same; may wait */
#define DK_CONTROL_NAME		17	/* the same, of this end */
#define DK_CONTROL_PEER_NAME	18	/* and of the other; with its identity */
#define DK_CONTROL_IDENTITY	19	/* 16 bytes for the other end to see */
#define DK_CONTROL_UNREAD	20	/* __u32: bytes, of the first message */
#define DK_CONTROL_ALLOCATE	21	/* struct dk_allocation; of a file */
#define DK_CONTROL_FILE_SYSTEM	22	/* struct dk_file_system; of a file, a name */
#define DK_CONTROL_GET_APPEND	23	/* __u32: 1 as DK_ACCESS_APPEND, or 0; of a file */
#define DK_CONTROL_SET_APPEND	24	/* the same */

/*
 * struct dk_file_system - what statfs(2) tells of where a file is
 *
 * Blocks are of @fragment_size bytes; numbers that a file system does not have
 * are 0.
 */
struct dk_file_system {
	__u64	type;		/* the magic number */
	__u64	block_size;	/* that transfers are best made of */
	__u64	fragment_size;
	__u64	blocks;
	__u64	free;
	__u64	available;	/* to who has no privilege */
	__u64	files;
	__u64	free_files;
	__u64	id;
	__u64	name_max;
	__u64	flags;		/* ST_* of statvfs(3), and 0x20: they are told */
};

/*
 * struct dk_allocation - for DK_CONTROL_ALLOCATE, as fallocate(2) has it
 * @mode:	DK_ALLOCATE_*; 0: have the file reach to the end of this, too
 * @reserved:	0
 * @offset:	first byte
 * @length:	in bytes, not 0
 */
struct dk_allocation {
	__u32	mode;
	__u32	reserved;
	__u64	offset;
	__u64	length;
};
#define DK_ALLOCATE_KEEP_SIZE	0x01
#define DK_ALLOCATE_PUNCH	0x02	/* a hole; with KEEP_SIZE only */
#define DK_ALLOCATE_COLLAPSE	0x08
#define DK_ALLOCATE_ZERO	0x10
#define DK_ALLOCATE_INSERT	0x20
#define DK_ALLOCATE_UNSHARE	0x40

/* What DK_CONTROL_READY tells, as poll(2) has it */
#define DK_READY_READ		0x0001
#define DK_READY_URGENT		0x0002
#define DK_READY_WRITE		0x0004
#define DK_READY_ERROR		0x0008
#define DK_READY_CLOSED		0x0010	/* both directions */
#define DK_READY_READ_CLOSED	0x2000	/* nothing more will come */

/* What DK_CONTROL_SHUTDOWN closes */
#define DK_SHUTDOWN_READ	0x1
#define DK_SHUTDOWN_WRITE	0x2

/* struct dk_address - one end of a connection */
struct dk_address {
	__u16	family;		/* 4, 6; 0: it has none */
	__u16	port;
	__u32	scope;		/* IPv6, link-local: number of the interface */
	__u8	address[16];	/* the first 4 of IPv4 */
};

/*
 * struct dk_accepted - what reading a server stream gives: one a read
 * @stream:	handle of the connection
 * @peer:	who has connected
 */
struct dk_accepted {
	DK_HANDLE stream;
	struct dk_address peer;
};

/*
 * struct dk_message - a transfer of a connection that does not wait
 * @buffer:	address of the bytes
 * @length:	how many, or how many there is room for
 * @flags:	DK_MESSAGE_*
 * @done:	how many bytes it were; 0 when receiving: the end
 */
struct dk_message {
	__u64	buffer;
	__u64	length;
	__u32	flags;
	__u32	reserved;	/* 0 */
	__u64	done;
};

/* struct dk_message.flags */
#define DK_MESSAGE_PEEK		0x1	/* receive: it stays to be received */
#define DK_MESSAGE_URGENT	0x2	/* out-of-band data */
#define DK_MESSAGE_DISCARD	0x4	/* receive: nothing is stored */
#define DK_MESSAGE_MORE		0x8	/* send: more follows at once */

/* struct dk_socket_option - of a connection, or a server */
struct dk_socket_option {
	__u32	option;		/* DK_SOCKET_* */
	__s32	value;
	__u32	scratch;	/* the host uses it */
	__u32	reserved;
};

/* struct dk_socket_option.option; values as Linux has them */
#define DK_SOCKET_REUSE_ADDRESS	1
#define DK_SOCKET_REUSE_PORT	2
#define DK_SOCKET_KEEPALIVE	3
#define DK_SOCKET_LINGER	4	/* seconds; -1: off */
#define DK_SOCKET_SEND_BUFFER	5
#define DK_SOCKET_RECEIVE_BUFFER 6
#define DK_SOCKET_RECEIVE_LOW	7
#define DK_SOCKET_OUT_OF_BAND	8	/* in line */
#define DK_SOCKET_PRIORITY	9
#define DK_SOCKET_NODELAY	10
#define DK_SOCKET_CORK		11
#define DK_SOCKET_QUICK_ACK	12
#define DK_SOCKET_KEEPALIVE_IDLE 13
#define DK_SOCKET_KEEPALIVE_INTERVAL 14
#define DK_SOCKET_KEEPALIVE_COUNT 15
#define DK_SOCKET_USER_TIMEOUT	16
#define DK_SOCKET_DEFER_ACCEPT	17
#define DK_SOCKET_SEGMENT_SIZE	18
#define DK_SOCKET_ONLY_IPV6	19

/* Names of local: sockets: sizes in bytes, and struct dk_local_name.flags */
#define DK_LOCAL_NAME_MAX	128	/* of a key, or a name */
#define DK_LOCAL_IDENTITY_SIZE	16
#define DK_LOCAL_REPLACE	0x1	/* bind: who has the key loses it */

/*
 * struct dk_local_name - by what a local: socket is found
 * @key:	what DK_CONTROL_CONNECT and DkxParcelSend look for
 * @name:	what others are told of it
 * @identity:	who it is; out of DK_CONTROL_PEER_NAME only
 *
 * The host compares keys, and gives no meaning to any of these.
 */
struct dk_local_name {
	__u32	key_length;
	__u32	name_length;
	__u32	flags;		/* DK_LOCAL_* */
	__u32	reserved;
	__u8	identity[DK_LOCAL_IDENTITY_SIZE];
	__u8	key[DK_LOCAL_NAME_MAX];
	__u8	name[DK_LOCAL_NAME_MAX];
};

/* struct dk_buffer - a piece of the caller's memory, as struct iovec */
struct dk_buffer {
	__u64	address;
	__u64	length;
};

/* Parcels: the most that one has */
#define DK_PARCEL_BUFFERS_MAX	1024
#define DK_PARCEL_HANDLES_MAX	256
#define DK_PARCEL_ATTACHMENT_MAX 65536	/* bytes */

/*
 * struct dk_parcel - for DkxParcelSend and DkxParcelReceive
 * @buffers:	address of struct dk_buffer, @buffer_count of them
 * @flags:	DK_PARCEL_NONBLOCK, ...
 * @attachment:	address of bytes that go with the data
 * @attachment_length: received: room for them, and then their number
 * @handles:	address of DK_HANDLE, @handle_count of them; received: room,
 *		and then their number. Where there is too little room for one
 *		of these two, the message stays, and both are told
 * @name:	address; sent: key of whom it is for; received: name of whom it
 *		is from, DK_LOCAL_NAME_MAX bytes of room
 * @name_length: sent: 0: the other end; received: length of the name
 * @result:	out: DK_PARCEL_TRUNCATED, ...
 * @timeout:	in nanoseconds, or DK_TIMEOUT_INFINITE
 * @done:	out: bytes of data that were moved
 * @whole:	out, received: bytes of data that the message had
 */
struct dk_parcel {
	__u64	buffers;
	__u32	buffer_count;
	__u32	flags;
	__u64	attachment;
	__u32	attachment_length;
	__u32	handle_count;
	__u64	handles;
	__u64	name;
	__u32	name_length;
	__u32	result;
	__s64	timeout;
	__u64	done;
	__u64	whole;
};

/* struct dk_parcel.flags */
#define DK_PARCEL_NONBLOCK	0x1	/* WOULD_BLOCK instead of waiting */
#define DK_PARCEL_PEEK		0x2	/* it stays where it is */
#define DK_PARCEL_RUN		0x4	/* bytes of several, whoever sent them */
#define DK_PARCEL_ACCEPT	0x8	/* of a listening socket: a connection */
/* struct dk_parcel.result */
#define DK_PARCEL_TRUNCATED	0x1	/* data was lost */
#define DK_PARCEL_CUT		0x2	/* handles were lost: there are too many */

/* struct dk_stream_attributes.type */
#define DK_TYPE_FILE		1
#define DK_TYPE_DIRECTORY	2
#define DK_TYPE_SYMLINK		3
#define DK_TYPE_CHARACTER	4
#define DK_TYPE_BLOCK		5
#define DK_TYPE_FIFO		6
#define DK_TYPE_SOCKET		7

/* struct dk_stream_attributes.flags */
#define DK_ATTRIBUTE_TERMINAL	0x1	/* DkxConsoleControl works on it */

/*
 * struct dk_stream_attributes - everything that is known of a stream
 *
 * @valid is for DkxStreamAttributesSet alone: which fields to change
 * (DK_SET_*). Times are nanoseconds since 1970.
 */
struct dk_stream_attributes {
	__u32	type;
	__u32	flags;
	__u32	mode;		/* permissions, 07777 */
	__u32	valid;
	__u32	uid;
	__u32	gid;
	__u32	nlink;
	__u32	block_size;	/* preferred for transfers */
	__u64	inode;
	__u64	device;		/* major << 32 | minor */
	__u64	special;	/* the same, of a device file */
	__u64	length;
	__u64	blocks;		/* of 512 bytes */
	__s64	access_time;
	__s64	write_time;
	__s64	change_time;
	__s64	birth_time;	/* 0: not known */
	__u64	reserved;	/* zero */
};

#define DK_SET_MODE		0x01
#define DK_SET_OWNER		0x02	/* uid; ~0 keeps it */
#define DK_SET_GROUP		0x04	/* gid; ~0 keeps it */
#define DK_SET_ACCESS_TIME	0x08
#define DK_SET_WRITE_TIME	0x10
#define DK_SET_ACCESS_TIME_NOW	0x20
#define DK_SET_WRITE_TIME_NOW	0x40
#define DK_SET_ALL		0x7f

/*
 * struct dk_directory_entry - one record of DkStreamEnumerateChildren
 *
 * Records follow one another, each @length bytes long and 8-byte aligned.
 * @cursor continues behind this entry. The name is not terminated.
 */
struct dk_directory_entry {
	__u64	inode;
	__u64	cursor;
	__u16	length;
	__u16	name_length;
	__u32	type;		/* DK_TYPE_*, 0: not known */
	__u8	name[];
};

/* struct dk_exception.code */
#define DK_EXCEPTION_ACCESS_VIOLATION	1
#define DK_EXCEPTION_BUS_ERROR		2	/* mapped file too short, memory error */
#define DK_EXCEPTION_ALIGNMENT		3
#define DK_EXCEPTION_DIVIDE		4	/* integer division */
#define DK_EXCEPTION_FLOATING_POINT	5
#define DK_EXCEPTION_ILLEGAL_INSTRUCTION 6
#define DK_EXCEPTION_BREAKPOINT		7
#define DK_EXCEPTION_SINGLE_STEP	8
#define DK_EXCEPTION_PROTECTION		9	/* #GP and its like: no address */
#define DK_EXCEPTION_OTHER		10
/*
 * Exceptions that are raised: DkThreadRaiseException takes the first and the
 * last of these. What lies below is the CPU's, what lies between is the host's,
 * and nobody can raise it.
 */
#define DK_EXCEPTION_RAISED		0x100
/* a signal of Linux, see DkxSignalRegister; the parameter is its number */
#define DK_EXCEPTION_SIGNAL		0x101
/* a process made with DK_CLONE_NOTIFY has ended; the parameter is its id */
#define DK_EXCEPTION_CHILD		0x102
#define DK_EXCEPTION_USER		0x1000	/* and above: any meaning */

/* struct dk_exception - what happened: LibOsExceptionDispatch's first argument */
struct dk_exception {
	__u32	code;		/* DK_EXCEPTION_* */
	__u32	trap;		/* x86 vector */
	__u64	error_code;	/* x86 error code */
	__u64	address;	/* that was accessed, or of the instruction */
	__u32	signal;		/* the Linux signal this would be, */
	__s32	signal_code;	/* and its si_code */
	__u64	parameter;	/* of a raised exception */
	__u64	reserved[3];
};

/*
 * struct dk_context - where it happened: LibOsExceptionDispatch's second argument
 *
 * Vector state is not saved: it is still in the registers. An upcall handler
 * is compiled with -mgeneral-regs-only, or saves what it uses.
 * DkxContextRestore takes it back.
 */
struct dk_context {
	__u64	fs_base, gs_base;	/* informative: they were not changed */
	__u64	r15, r14, r13, r12, r11, r10, r9, r8;
	__u64	rdi, rsi, rbp, rbx, rdx, rcx, rax;
	__u64	rip, cs, rflags, rsp, ss;
};

/*
 * struct dk_thread_block - memory of the thread that the host uses
 *
 * Registered per thread by DkxSystemCallRegister, 8-byte aligned.
 * @return_address: the host writes where the program's system call returns
 *		    to, before it enters the registered entry
 * @exception_stack_base, @exception_stack_size: where exceptions are taken
 *		    unless the thread already runs there; 0: below its own
 *		    stack pointer
 */
struct dk_thread_block {
	__u64	return_address;
	__u64	exception_stack_base;
	__u64	exception_stack_size;
	__u64	reserved;
};

/*
 * Event words: one __u64 for each slot of the handle table, in memory that the
 * process shares with the host. Handle h has word (__u32)h - 1.
 *
 * While DK_WORD_FAST is set and the generation is that of the handle
 * (h >> 32), DK_WORD_SIGNALLED is the state of the event, and may be changed
 * by compare-exchange of the whole word, within the handle's rights: cleared
 * by a clear or, where DK_WORD_AUTO is set, by a wait that consumes; set by a
 * set, but if DK_WORD_WAITERS is set, too, it is DkEventSet's to do. A set that
 * finds it set writes the word all the same. In all other cases, and for all
 * other objects, the calls decide. libpal's functions do all that.
 */
#define DK_WORD_SIGNALLED_BIT	0
#define DK_WORD_WAITERS_BIT	1
#define DK_WORD_SIGNALLED	0x1ULL
#define DK_WORD_WAITERS		0x2ULL
#define DK_WORD_FAST		0x4ULL
#define DK_WORD_AUTO		0x8ULL
#define DK_WORD_RIGHTS(rights)	((__u64)(rights) << 8)	/* DK_RIGHT_* */
#define DK_WORD_GENERATION_SHIFT 32

/*
 * struct dk_time - the time page: how to read clocks without a call
 *
 * The host writes; the process may only read. @sequence is odd while it does
 * so, and another afterwards. With count the time-stamp counter, read behind
 * @sequence (LFENCE, RDTSC), the clock is, in nanoseconds,
 *
 *	base[DK_CLOCK_...] + ((fraction + (count - last) * mult) >> shift)
 *
 * if count - last, without sign, is not more than @limit, and @sequence has
 * stayed the same. Otherwise DkSystemTimeQuery's call has to be made: always,
 * as long as the host's clock is not the counter. libpal does all that.
 */
struct dk_time {
	__u32	sequence;
	__u32	shift;
	__u64	last;
	__u64	limit;
	__u64	mult;
	__u64	fraction;
	__u64	base[3];		/* DK_CLOCK_WALL, _MONOTONIC, _BOOT */
};

/*
 * struct dk_parameters - the argument of LibOsInitialize
 *
 * Readable memory of the process. Offsets count from the structure's start;
 * the arguments and the environment are that many zero-terminated strings, one
 * after the other.
 */
struct dk_parameters {
	__u32	version;		/* DRAWBRIDGE_ABI_VERSION */
	__u32	size;			/* of everything, strings included */
	__u32	argument_count;
	__u32	argument_offset;
	__u32	environment_count;
	__u32	environment_offset;
	__u32	program_offset;		/* path of the program, absolute */
	__u32	directory_offset;	/* working directory, absolute */
	__u64	image_base;
	__u64	image_size;
	__u64	stack_base;		/* of the first thread */
	__u64	stack_size;
	__u64	address_limit;		/* first address that cannot be mapped */
	DK_HANDLE process;		/* this process, and */
	DK_HANDLE thread;		/* its first thread */
	__u32	uid, euid, gid, egid;
	__u32	process_id;		/* as the host shows it */
	__u32	parent_id;
	__u32	cpu_count;
	__u32	flags;			/* DK_PARAMETERS_* */
	__u64	memory_total;		/* bytes */
	__u64	random[4];		/* from the host's generator */
	__u8	system_release[64];	/* of the host's kernel, zero-terminated */
	__u8	system_version[64];
	__u8	host_name[64];
	__u32	group_offset;		/* supplementary groups: __u32 each */
	__u32	group_count;
	__u32	umask;			/* the launcher's; the host applies none */
	__u32	reserved0;
	__u64	words;			/* event words: their address */
	__u64	word_count;		/* and number; 0: there are none */
	__u64	time;			/* address of a struct dk_time; 0: none */
	__u32	handle_offset;		/* handles that were given: DK_HANDLE each, */
	__u32	handle_count;		/* in the order in which they were named */
};

#define DK_PARAMETERS_WX	0x1	/* memory may be writable and executable */

/* ---- the monitor's side: ioctls on a /dev/pico file bound to us ---- */

/* Length limit of a rule's URI, a path, a strings block. */
#define DRAWBRIDGE_URI_MAX	4096
#define DRAWBRIDGE_STRINGS_MAX	0x200000
#define DRAWBRIDGE_RULES_MAX	256

/*
 * struct drawbridge_rule - what a picoprocess may name
 * @uri:	address of a URI: file:/ABSOLUTE/PATH (the path and all below),
 *		or a pattern, see below
 * @uri_length:	in bytes
 * @rights:	DK_ACCESS_READ | WRITE | EXECUTE; 0 forbids
 * @flags:	DRAWBRIDGE_RULE_*
 *
 * The rule whose path is the deepest one that holds a file decides alone.
 *
 * Patterns of names that are no files; @flags is 0:
 *
 *	pipe.server:NAME	pipe.client:NAME	a last * : any rest
 *	tcp.server:ADDR:PORT	tcp.client:ADDR:PORT
 *	dns:NAME		dns:*.SUFFIX	dns:*	that may be looked up
 *
 * ADDR is an IPv4 address or an IPv6 address in brackets, with or without
 * /LENGTH of a prefix behind it (1.2.3.0/24, [fe80::]/10), or * for any. PORT
 * is a number, a range (8000-8099), or *. Of the patterns that match a name
 * the most exact one decides: the longest literal name or prefix, then the
 * smallest range of ports, then the one that was added first. @rights that
 * hold every access asked for allow it. What no pattern matches is allowed for
 * pipes, which no other sandbox sees, and refused for tcp and dns.
 *
 * Errors: EINVAL (malformed), ENAMETOOLONG (of a host), ENOENT, ENOTDIR,
 * EACCES (path lookup), E2BIG (too many rules), EEXIST (a rule for that path is
 * there), EBUSY (a process runs already), ENOMEM, EFAULT.
 */
struct drawbridge_rule {
	__u64	uri;
	__u32	uri_length;
	__u32	rights;
	__u32	flags;
	__u32	reserved;
};

/* An empty tmpfs of the sandbox's own stands at the path. */
#define DRAWBRIDGE_RULE_PRIVATE	0x1
/*
 * While nothing has the name, which is one of a directory that exists, it is
 * NOT_FOUND, also where the answer would be ACCESS_DENIED. @rights is 0.
 */
#define DRAWBRIDGE_RULE_ABSENT	0x2

/*
 * struct drawbridge_start - the first process
 * @image_fd:	  a static PIE for x86-64 that speaks the Dk ABI
 * @stdin_fd, @stdout_fd, @stderr_fd: behind the console streams, or -1: regular
 *		  files, pipes, sockets, and character devices, but for misc's
 * @strings:	  address of zero-terminated strings: program path, working
 *		  directory, arguments, environment, in this order
 * @strings_length: in bytes
 * @flags:	  DRAWBRIDGE_START_*
 */
struct drawbridge_start {
	__s32	image_fd;
	__s32	stdin_fd;
	__s32	stdout_fd;
	__s32	stderr_fd;
	__u64	strings;
	__u32	strings_length;
	__u32	argument_count;
	__u32	environment_count;
	__u32	flags;
};

#define DRAWBRIDGE_START_WX	0x1	/* writable and executable memory is allowed */
#define DRAWBRIDGE_START_LEARN	0x2	/* tell what is named: DRAWBRIDGE_IOC_NAMES */

/*
 * struct drawbridge_request - what a picoprocess waits for the monitor to do
 * @id:		out: its number, for the reply
 * @type:	out: DRAWBRIDGE_REQUEST_*
 * @length:	out: bytes of @buffer that are filled; or needed, for EMSGSIZE
 * @buffer:	address
 * @buffer_length: its size in bytes
 *
 * Errors: EAGAIN (there is none), EMSGSIZE (@buffer_length is too small; the
 * request stays), EINVAL (@reserved), EFAULT.
 */
struct drawbridge_request {
	__u64	id;
	__u32	type;
	__u32	length;
	__u64	buffer;
	__u32	buffer_length;
	__u32	reserved;
};

/* @buffer is a host's name; the reply is struct drawbridge_address, one or more */
#define DRAWBRIDGE_REQUEST_DNS		1

/* Then the call that waits ends with DK_STATUS_TIMEOUT. */
#define DRAWBRIDGE_REQUEST_SECONDS	30

/*
 * struct drawbridge_reply - the monitor's answer
 * @id:		of the request
 * @status:	DK_STATUS_SUCCESS, or one that suits the request: NOT_FOUND,
 *		IO_ERROR, NO_MEMORY, TIMEOUT
 * @buffer:	address of the answer, after success
 * @length:	in bytes, DRAWBRIDGE_REPLY_MAX at most
 *
 * Errors: ENOENT (no such request waits any more, or it was never taken),
 * EINVAL (not an answer to this type of request, which waits on), ENOMEM,
 * EFAULT.
 */
struct drawbridge_reply {
	__u64	id;
	__s64	status;
	__u64	buffer;
	__u32	length;
	__u32	reserved;
};

#define DRAWBRIDGE_REPLY_MAX		4096

struct drawbridge_address {
	__u8	family;		/* 4 or 6 */
	__u8	reserved;
	__u8	address[16];	/* in network order; the first 4 for family 4 */
};

/*
 * struct drawbridge_names - where DRAWBRIDGE_IOC_NAMES puts names
 * @buffer:	address; struct drawbridge_name, one behind the other
 * @length:	its size in bytes
 */
struct drawbridge_names {
	__u64	buffer;
	__u64	length;
};

/*
 * struct drawbridge_name - something that was named, and allowed
 * @size:	of this record, a multiple of 8
 * @uri_length:	bytes of @uri
 * @rights:	DK_ACCESS_* that were needed; none: any would have done
 * @flags:	DRAWBRIDGE_NAME_*
 * @uri:	of what the rules decided about: for a new file, its directory
 */
struct drawbridge_name {
	__u32	size;
	__u32	uri_length;
	__u32	rights;
	__u32	flags;
	__u8	uri[];
};

/*
 * Two URIs with a zero byte between: a file went from the first one's place to
 * the second one's, which the rules allow only if the second grants no more.
 */
#define DRAWBRIDGE_NAME_MOVE	0x1
/* Nothing has that name: as for DRAWBRIDGE_RULE_ABSENT. */
#define DRAWBRIDGE_NAME_ABSENT	0x2

/*
 * struct drawbridge_limits - how much a sandbox may have; 0: no limit
 * @memory:	bytes of private writable memory, of all processes together, and
 *		of DK_MEM_SHARED, each until no process has any of it mapped
 * @cpu_time:	nanoseconds, of all threads together; then the sandbox ends
 * @processes, @threads, @handles: at one time
 *
 * Errors: EBUSY (a process runs already), EFAULT.
 */
struct drawbridge_limits {
	__u64	memory;
	__u64	cpu_time;
	__u64	processes;
	__u64	threads;
	__u64	handles;
};

/* struct drawbridge_stats - counters of one sandbox, since it was made */
struct drawbridge_stats {
	__u64	calls;			/* Dk calls */
	__u64	system_calls;		/* of the program, redirected */
	__u64	refused_calls;		/* neither: answered -ENOSYS */
	__u64	exceptions;
	__u64	unlisted_statuses;	/* statuses not in a call's set: bugs */
	__u64	processes;		/* alive now, */
	__u64	threads;		/* and so on */
	__u64	handles;
	__u64	objects;		/* in all sandboxes of the machine */
	__u64	bytes_read;
	__u64	bytes_written;
	__s64	exit_code;		/* of the first process, once it is gone */
	__u32	exited;			/* 1: it is */
	__u32	exit_signal;		/* that killed it, or 0 */
	__u64	cpu_time;		/* nanoseconds, of all threads ever */
	__u64	memory;			/* bytes that count; 0: no limit is set */
	__u64	limit_refusals;		/* what a limit refused */
	__u32	ended_by;		/* DRAWBRIDGE_END_* */
	__u32	reserved0;
};

/* Why the host ended all processes of the sandbox; 0: it did not. */
#define DRAWBRIDGE_END_CPU_TIME	1	/* as if SIGXCPU had killed them */

/*
 * struct drawbridge_debug - where DRAWBRIDGE_IOC_DEBUG puts text
 * @buffer:	address
 * @length:	its size in bytes
 */
struct drawbridge_debug {
	__u64	buffer;
	__u64	length;
};

/* The directory that is the sandbox's "/": fd of it. Once, before rules. */
#define DRAWBRIDGE_IOC_ROOT	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 0, __s32)
#define DRAWBRIDGE_IOC_RULE	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 1, struct drawbridge_rule)
/* Names the first process; PICO_IOC_TICKET and execve() then make it. */
#define DRAWBRIDGE_IOC_START	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 2, struct drawbridge_start)
#define DRAWBRIDGE_IOC_STATS	_IOR(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 3, struct drawbridge_stats)
/* Kill every process of the sandbox. */
#define DRAWBRIDGE_IOC_KILL	_IO(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 4)
/*
 * Take debug text (DkDebugStringPrint) out of the sandbox's buffer; returns
 * the number of bytes, 0 when there is none.
 */
#define DRAWBRIDGE_IOC_DEBUG	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 5, struct drawbridge_debug)
/*
 * Ask every process of the sandbox to come to rest: signals the event that it
 * has registered with DkAbortEventRegister and ends the calls that its threads
 * wait in. Returns the number of processes that have registered one.
 */
#define DRAWBRIDGE_IOC_ABORT	_IO(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 6)
/*
 * An eventfd, or what has taken its place before, that is signalled when there
 * may be something to take: a request, debug text, a name that was learnt.
 * Without one, what needs the monitor fails with DK_STATUS_NO_DEVICE. Errors:
 * EBADF, EINVAL (no eventfd), EFAULT.
 */
#define DRAWBRIDGE_IOC_EVENT	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 17, __s32)
/* Take the oldest request that was not taken yet. */
#define DRAWBRIDGE_IOC_REQUEST	_IOWR(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 18, struct drawbridge_request)
#define DRAWBRIDGE_IOC_REPLY	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 19, struct drawbridge_reply)
/*
 * Take names out of the sandbox's queue, of one that was started to learn;
 * returns the size of what was taken, 0 when there is nothing. Processes wait
 * while the queue is full. Errors: EMSGSIZE (no room for one), EFAULT.
 */
#define DRAWBRIDGE_IOC_NAMES	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 20, struct drawbridge_names)
/* Before the first process; a second call replaces the limits of the first. */
#define DRAWBRIDGE_IOC_LIMITS	_IOW(PICO_IOC_MAGIC, PICO_IOC_PROVIDER + 16, struct drawbridge_limits)

#endif /* _UAPI_PICO_DRAWBRIDGE_H */
