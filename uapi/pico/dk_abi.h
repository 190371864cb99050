/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The Drawbridge ABI: the one table.
 *
 * Every status and every call of the ABI stands here exactly once. The
 * kernel's dispatch table, libpal's stubs, the reference documentation, the
 * tracer and the test that every call has a test are made from it.
 *
 * A call is made with the SYSCALL instruction: rax holds DK_VECTOR_BASE plus
 * the call's index, arguments travel in rdi, rsi, rdx, r10, r8, r9; rcx and
 * r11 are lost, every other register (vector state included) is kept. The
 * DK_STATUS comes back in rax, results through pointers.
 */
#ifndef _UAPI_PICO_DK_ABI_H
#define _UAPI_PICO_DK_ABI_H

/*
 * The private system call vector. It lies outside the range that any Linux
 * personality of x86-64 uses (native, x32 or compat).
 */
#define DK_VECTOR_BASE	0x0db00000

/* Class and function of a call make its index; both are permanent. */
#define DK_CLASS_SHIFT	5
#define DK_CLASS_MEMORY	0
#define DK_CLASS_THREAD	1
#define DK_CLASS_SYNC	2
#define DK_CLASS_PROCESS	3
#define DK_CLASS_STREAM	4
#define DK_CLASS_OTHER	5
#define DK_CLASS_EXTENSION	6
#define DK_CLASSES	7
#define DK_CALL_LIMIT	(DK_CLASSES << DK_CLASS_SHIFT)

#define DK_INDEX(class, function) \
	((DK_CLASS_##class << DK_CLASS_SHIFT) + (function))

/*
 * DK_STATUS_TABLE(S): S(bit, name, value, text)
 *
 * @bit:   place in the sets of statuses below
 * @value: what the call returns. Zero is success; a failure is a negative
 *	   number that equals the Linux errno with the nearest meaning, so that
 *	   the kernel's own answer to a forwarded call (mprotect, say) is a
 *	   DK_STATUS as it stands, and a Linux libos needs no translation.
 */
#define DK_STATUS_TABLE(S)						\
	S(0,  SUCCESS,		0,    "done")				\
	S(1,  NOT_PERMITTED,	-1,   "operation not permitted")	\
	S(2,  NOT_FOUND,	-2,   "no such name")			\
	S(3,  INTERRUPTED,	-4,   "interrupted by an exception raised on the thread") \
	S(4,  IO_ERROR,		-5,   "the device or the file system failed") \
	S(5,  NO_DEVICE,	-6,   "no such device or address")	\
	S(6,  INVALID_HANDLE,	-9,   "not a live handle of this process") \
	S(7,  WOULD_BLOCK,	-11,  "would have to wait")		\
	S(8,  NO_MEMORY,	-12,  "out of memory or address space")	\
	S(9,  ACCESS_DENIED,	-13,  "the handle's rights, the sandbox's rules or the file's permissions forbid it") \
	S(10, INVALID_POINTER,	-14,  "a pointer argument cannot be used") \
	S(11, BUSY,		-16,  "in use")				\
	S(12, ALREADY_EXISTS,	-17,  "the name or the address range is taken") \
	S(13, CROSS_DEVICE,	-18,  "not within one file system")	\
	S(14, NOT_DIRECTORY,	-20,  "not a directory")		\
	S(15, IS_DIRECTORY,	-21,  "is a directory")			\
	S(16, INVALID_PARAMETER, -22, "an argument has no valid meaning") \
	S(17, TOO_MANY_HANDLES,	-24,  "the handle table is full")	\
	S(18, TEXT_BUSY,	-26,  "the file is being executed")	\
	S(19, TOO_LARGE,	-27,  "the file would become too large") \
	S(20, DISK_FULL,	-28,  "no space left")			\
	S(21, NOT_SEEKABLE,	-29,  "the stream has no positions")	\
	S(22, READ_ONLY,	-30,  "read-only file system")		\
	S(23, TOO_MANY_LINKS,	-31,  "the file has too many links")	\
	S(24, BROKEN_PIPE,	-32,  "nobody reads the other end")	\
	S(25, BUFFER_TOO_SMALL,	-34,  "the buffer cannot hold one item") \
	S(26, NAME_TOO_LONG,	-36,  "a name is too long")		\
	S(27, NOT_IMPLEMENTED,	-38,  "this host does not have the call") \
	S(28, NOT_EMPTY,	-39,  "the directory is not empty")	\
	S(29, LINK_LOOP,	-40,  "too many, or forbidden, symbolic links") \
	S(30, LIMIT_EXCEEDED,	-75,  "a count would pass its maximum")	\
	S(31, WRONG_TYPE,	-91,  "the object has another type")	\
	S(32, NOT_SUPPORTED,	-95,  "the stream cannot do this")	\
	S(33, TIMEOUT,		-110, "the time has passed")		\
	S(34, STALE,		-116, "the file is gone from its file system") \
	S(35, QUOTA_EXCEEDED,	-122, "the user's quota is used up")	\
	S(36, ABORTED,		-125, "the monitor asked the process to stop") \
	S(37, DEADLOCK,		-35,  "waiting would never end")	\
	S(38, ADDRESS_IN_USE,	-98,  "the network address is taken")	\
	S(39, ADDRESS_NOT_AVAILABLE, -99, "not a network address of this host") \
	S(40, NETWORK_UNREACHABLE, -101, "no way to the network")	\
	S(41, CONNECTION_RESET,	-104, "the other side broke the connection off") \
	S(42, NOT_CONNECTED,	-107, "the stream is not connected")	\
	S(43, CONNECTION_REFUSED, -111, "nobody listens there")		\
	S(44, HOST_UNREACHABLE,	-113, "no way to the host")			\
	S(45, ENDED,		-3,   "the thread or process has ended") \
	S(46, BAD_IMAGE,	-8,   "not an image that a process can be made from")

#define DK_STATUS_DEFINE(bit, name, value, text) DK_STATUS_##name = (value),
#define DK_STATUS_BIT_DEFINE(bit, name, value, text) DK_BIT_##name = (bit),
enum dk_status_value { DK_STATUS_TABLE(DK_STATUS_DEFINE) };
enum dk_status_bit { DK_STATUS_TABLE(DK_STATUS_BIT_DEFINE) };

/* One status as a member of a call's set. */
#define DK_S(name)	(1ULL << DK_BIT_##name)

/* Not a status: a number above zero comes back as it is, and is success. */
#define DK_SET_COUNT	(1ULL << 63)

/* Sets that several calls share. Every set has SUCCESS implied. */
#define DK_SET_HANDLE	(DK_S(INVALID_HANDLE) | DK_S(WRONG_TYPE) | \
			 DK_S(ACCESS_DENIED))
#define DK_SET_NEW	(DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) | \
			 DK_S(NO_MEMORY) | DK_S(TOO_MANY_HANDLES))
/*
 * What a file system may say to reading, writing or changing a file. Where
 * waiting ends as INTERRUPTED it ends as ABORTED, too, when the monitor has
 * asked the process to stop.
 */
#define DK_SET_FILE	(DK_S(IO_ERROR) | DK_S(NO_DEVICE) | DK_S(NO_MEMORY) | \
			 DK_S(NOT_PERMITTED) | DK_S(ACCESS_DENIED) | \
			 DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) | \
			 DK_S(INTERRUPTED) | DK_S(ABORTED) |		\
			 DK_S(BUSY) | DK_S(TEXT_BUSY) |			\
			 DK_S(TOO_LARGE) | DK_S(DISK_FULL) | \
			 DK_S(READ_ONLY) | DK_S(NOT_SUPPORTED) | \
			 DK_S(STALE) | DK_S(QUOTA_EXCEEDED) | \
			 DK_S(IS_DIRECTORY) | DK_S(WOULD_BLOCK) | \
			 DK_S(LIMIT_EXCEEDED))
/* What looking a name up may say on top of that. */
#define DK_SET_NAME	(DK_SET_FILE | DK_S(NOT_FOUND) | \
			 DK_S(NOT_DIRECTORY) | DK_S(NAME_TOO_LONG) | \
			 DK_S(LINK_LOOP) | DK_S(CROSS_DEVICE) | \
			 DK_S(ALREADY_EXISTS) | DK_S(TOO_MANY_LINKS))

/* What may become of a connection. */
#define DK_SET_NETWORK	(DK_S(NETWORK_UNREACHABLE) | DK_S(CONNECTION_RESET) | \
			 DK_S(CONNECTION_REFUSED) | DK_S(HOST_UNREACHABLE) | \
			 DK_S(TIMEOUT))
/* What calls on local: sockets say, besides what their arguments are to blame for. */
#define DK_SET_LOCAL	(DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) | \
			 DK_S(NO_MEMORY) | DK_S(NOT_SUPPORTED) | \
			 DK_S(WOULD_BLOCK) | DK_S(INTERRUPTED) | \
			 DK_S(ABORTED) | DK_S(NOT_CONNECTED))

/*
 * Kinds of arguments, and the C type each has in libpal's prototypes.
 *
 *   ADDRESS   an address in the caller's memory, as a value
 *   VALUE     an unsigned number
 *   SIGNED    a signed number (nanoseconds; DK_TIMEOUT_INFINITE)
 *   FLAGS     a set of bits; an unknown bit is INVALID_PARAMETER
 *   HANDLE    a handle
 *   STRING    UTF-8 text; the next argument is its length in bytes
 *   IN        memory that is read; the next argument is its length in bytes
 *   OUT       memory that is written; the next argument is its length in bytes
 *   HANDLES   an array of handles; the argument before it is their number
 *   OUT_U64   one number that is written, untouched on failure
 *   OUT_S64   the same, signed
 *   OUT_HANDLE  a handle that is written, untouched on failure
 *   INOUT_U64 a number that is read and then written
 *   INOUT_ADDRESS  an address that is read and then written
 */
#define DK_T_ADDRESS	void *
#define DK_T_VALUE	dk_u64
#define DK_T_SIGNED	dk_s64
#define DK_T_FLAGS	dk_u64
#define DK_T_HANDLE	DK_HANDLE
#define DK_T_STRING	const char *
#define DK_T_IN		const void *
#define DK_T_OUT	void *
#define DK_T_HANDLES	const DK_HANDLE *
#define DK_T_OUT_U64	dk_u64 *
#define DK_T_OUT_S64	dk_s64 *
#define DK_T_OUT_HANDLE	DK_HANDLE *
#define DK_T_INOUT_U64	dk_u64 *
#define DK_T_INOUT_ADDRESS	void **

/*
 * DK_CALL_TABLE(C): C(class, function, name, version, args, statuses)
 *
 * @version:  of the call's behaviour; 0: this host answers NOT_IMPLEMENTED
 * @args:     (count, kind, name, kind, name, ...), to be expanded by DK_PROTO
 *	      and its like
 * @statuses: the set of statuses that the call may return, and no other
 *
 * Behaviour is described in Documentation/drawbridge/calls.rst, call by call.
 */
#define DK_CALL_TABLE(C)						\
	DK_CALL_TABLE_MEMORY(C)						\
	DK_CALL_TABLE_THREAD(C)						\
	DK_CALL_TABLE_SYNC(C)						\
	DK_CALL_TABLE_PROCESS(C)					\
	DK_CALL_TABLE_STREAM(C)						\
	DK_CALL_TABLE_OTHER(C)						\
	DK_CALL_TABLE_EXTENSION(C)

#define DK_CALL_TABLE_MEMORY(C)						\
	C(MEMORY, 0, DkVirtualMemoryAlloc, 1,				\
	  (4, INOUT_ADDRESS, base, INOUT_U64, length, FLAGS, type,	\
	   FLAGS, protection),						\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) |		\
	  DK_S(NO_MEMORY) | DK_S(ALREADY_EXISTS) | DK_S(ACCESS_DENIED) | \
	  DK_S(NOT_PERMITTED) | DK_S(INTERRUPTED))			\
	C(MEMORY, 1, DkVirtualMemoryFree, 1,				\
	  (3, ADDRESS, base, VALUE, length, FLAGS, how),		\
	  DK_S(INVALID_PARAMETER) | DK_S(NO_MEMORY) |			\
	  DK_S(INTERRUPTED))						\
	C(MEMORY, 2, DkVirtualMemoryProtect, 1,				\
	  (3, ADDRESS, base, VALUE, length, FLAGS, protection),		\
	  DK_S(INVALID_PARAMETER) | DK_S(NO_MEMORY) |			\
	  DK_S(ACCESS_DENIED) | DK_S(INTERRUPTED))

#define DK_CALL_TABLE_THREAD(C)						\
	C(THREAD, 0, DkThreadCreate, 1,					\
	  (5, ADDRESS, start, VALUE, parameter, ADDRESS, stack_base,	\
	   VALUE, stack_size, OUT_HANDLE, thread),			\
	  DK_SET_NEW | DK_S(WOULD_BLOCK) | DK_S(INTERRUPTED) |		\
	  DK_S(ABORTED) | DK_S(LIMIT_EXCEEDED))				\
	C(THREAD, 1, DkThreadGetParameter, 1,				\
	  (1, OUT_U64, parameter), DK_S(INVALID_POINTER))		\
	C(THREAD, 2, DkThreadDelayExecution, 1,				\
	  (2, SIGNED, duration, OUT_S64, remaining),			\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) |		\
	  DK_S(INTERRUPTED) | DK_S(ABORTED))				\
	C(THREAD, 3, DkThreadYieldExecution, 1, (0), 0)			\
	C(THREAD, 4, DkThreadExit, 1, (0), 0)				\
	C(THREAD, 5, DkThreadRaiseException, 1,				\
	  (3, HANDLE, thread, VALUE, code, VALUE, parameter),		\
	  DK_SET_HANDLE | DK_S(INVALID_PARAMETER) |			\
	  DK_S(NO_MEMORY) | DK_S(LIMIT_EXCEEDED) | DK_S(ENDED))

#define DK_CALL_TABLE_SYNC(C)						\
	C(SYNC, 0, DkNotificationEventCreate, 1,			\
	  (2, VALUE, signalled, OUT_HANDLE, event), DK_SET_NEW)		\
	C(SYNC, 1, DkSynchronizationEventCreate, 1,			\
	  (2, VALUE, signalled, OUT_HANDLE, event), DK_SET_NEW)		\
	C(SYNC, 2, DkSemaphoreCreate, 1,				\
	  (3, VALUE, initial, VALUE, maximum, OUT_HANDLE, semaphore),	\
	  DK_SET_NEW)							\
	C(SYNC, 3, DkSemaphoreRelease, 1,				\
	  (3, HANDLE, semaphore, VALUE, count, OUT_U64, previous),	\
	  DK_SET_HANDLE | DK_S(INVALID_PARAMETER) |			\
	  DK_S(INVALID_POINTER) | DK_S(LIMIT_EXCEEDED))			\
	C(SYNC, 4, DkSemaphorePeek, 1,					\
	  (2, HANDLE, semaphore, OUT_U64, count),			\
	  DK_SET_HANDLE | DK_S(INVALID_POINTER))			\
	C(SYNC, 5, DkEventSet, 1, (1, HANDLE, event), DK_SET_HANDLE)	\
	C(SYNC, 6, DkEventClear, 1, (1, HANDLE, event), DK_SET_HANDLE)	\
	C(SYNC, 7, DkEventPeek, 1,					\
	  (2, HANDLE, event, OUT_U64, signalled),			\
	  DK_SET_HANDLE | DK_S(INVALID_POINTER))			\
	C(SYNC, 8, DkObjectsWaitAny, 1,					\
	  (4, VALUE, count, HANDLES, handles, SIGNED, timeout,		\
	   OUT_U64, index),						\
	  DK_SET_HANDLE | DK_S(INVALID_PARAMETER) |			\
	  DK_S(INVALID_POINTER) | DK_S(TIMEOUT) | DK_S(INTERRUPTED) |	\
	  DK_S(ABORTED) | DK_S(NO_MEMORY))				\
	C(SYNC, 9, DkAbortEventRegister, 1, (1, HANDLE, event),		\
	  DK_SET_HANDLE)

#define DK_CALL_TABLE_PROCESS(C)					\
	C(PROCESS, 0, DkProcessCreate, 1,				\
	  (6, STRING, uri, VALUE, uri_length, IN, parameters,		\
	   VALUE, parameters_length, OUT_HANDLE, process, OUT_U64, id),	\
	  DK_SET_NEW | DK_SET_FILE | DK_S(NOT_FOUND) |			\
	  DK_S(NOT_DIRECTORY) | DK_S(NAME_TOO_LONG) | DK_S(LINK_LOOP) |	\
	  DK_S(INVALID_HANDLE) | DK_S(BAD_IMAGE))			\
	C(PROCESS, 1, DkProcessGetExitCode, 1,				\
	  (2, HANDLE, process, OUT_S64, code),				\
	  DK_SET_HANDLE | DK_S(INVALID_POINTER) | DK_S(BUSY))		\
	C(PROCESS, 2, DkProcessExit, 1, (1, VALUE, code), 0)

#define DK_CALL_TABLE_STREAM(C)						\
	C(STREAM, 0, DkStreamOpen, 1,					\
	  (6, STRING, uri, VALUE, uri_length, FLAGS, access,		\
	   VALUE, disposition, FLAGS, options, OUT_HANDLE, stream),	\
	  DK_SET_NEW | DK_SET_NAME | DK_SET_NETWORK |			\
	  DK_S(ADDRESS_IN_USE) | DK_S(ADDRESS_NOT_AVAILABLE))		\
	C(STREAM, 1, DkStreamRead, 1,					\
	  (5, HANDLE, stream, VALUE, offset, OUT, buffer,		\
	   VALUE, length, OUT_U64, done),				\
	  DK_SET_HANDLE | DK_SET_FILE | DK_S(NOT_SEEKABLE) |		\
	  DK_SET_NETWORK | DK_S(TOO_MANY_HANDLES) |			\
	  DK_S(BUFFER_TOO_SMALL))					\
	C(STREAM, 2, DkStreamWrite, 1,					\
	  (5, HANDLE, stream, VALUE, offset, IN, buffer,		\
	   VALUE, length, OUT_U64, done),				\
	  DK_SET_HANDLE | DK_SET_FILE | DK_S(NOT_SEEKABLE) |		\
	  DK_S(BROKEN_PIPE) | DK_SET_NETWORK)				\
	C(STREAM, 3, DkStreamMap, 1,					\
	  (6, HANDLE, stream, INOUT_ADDRESS, base, VALUE, length,	\
	   VALUE, offset, FLAGS, protection, FLAGS, flags),		\
	  DK_SET_HANDLE | DK_SET_FILE | DK_S(ALREADY_EXISTS))		\
	C(STREAM, 4, DkStreamUnmap, 1,					\
	  (2, ADDRESS, base, VALUE, length),				\
	  DK_S(INVALID_PARAMETER) | DK_S(NO_MEMORY) |			\
	  DK_S(INTERRUPTED))						\
	C(STREAM, 5, DkStreamMapPeBinary, 0,				\
	  (3, HANDLE, stream, INOUT_ADDRESS, base, OUT_U64, entry),	\
	  DK_SET_HANDLE | DK_SET_FILE | DK_S(NOT_IMPLEMENTED))		\
	C(STREAM, 6, DkStreamSetLength, 1,				\
	  (2, HANDLE, stream, VALUE, length),				\
	  DK_SET_HANDLE | DK_SET_FILE)					\
	C(STREAM, 7, DkStreamFlush, 1,					\
	  (2, HANDLE, stream, FLAGS, flags),				\
	  DK_SET_HANDLE | DK_SET_FILE)					\
	C(STREAM, 8, DkStreamDelete, 1,					\
	  (3, STRING, uri, VALUE, uri_length, FLAGS, flags),		\
	  DK_SET_NAME | DK_S(NOT_EMPTY))				\
	C(STREAM, 9, DkStreamRename, 1,					\
	  (5, STRING, uri, VALUE, uri_length, STRING, new_uri,		\
	   VALUE, new_uri_length, FLAGS, flags),			\
	  DK_SET_NAME | DK_S(NOT_EMPTY))				\
	C(STREAM, 10, DkStreamEnumerateChildren, 1,			\
	  (5, HANDLE, stream, INOUT_U64, cursor, OUT, buffer,		\
	   VALUE, length, OUT_U64, done),				\
	  DK_SET_HANDLE | DK_SET_FILE | DK_S(NOT_FOUND) |		\
	  DK_S(NOT_DIRECTORY) | DK_S(BUFFER_TOO_SMALL))			\
	C(STREAM, 11, DkStreamGetEvent, 1,				\
	  (3, HANDLE, stream, FLAGS, condition, OUT_HANDLE, event),	\
	  DK_S(INVALID_HANDLE) | DK_S(WRONG_TYPE) | DK_SET_NEW |	\
	  DK_S(NOT_SUPPORTED))						\
	C(STREAM, 12, DkStreamAttributesQuery, 1,			\
	  (5, STRING, uri, VALUE, uri_length, FLAGS, flags,		\
	   OUT, attributes, VALUE, length),				\
	  DK_SET_NAME)							\
	C(STREAM, 13, DkStreamAttributesQueryByHandle, 1,		\
	  (3, HANDLE, stream, OUT, attributes, VALUE, length),		\
	  DK_SET_HANDLE | DK_SET_FILE)

#define DK_CALL_TABLE_OTHER(C)						\
	C(OTHER, 0, DkSystemTimeQuery, 1,				\
	  (2, VALUE, clock, OUT_S64, time),				\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER))		\
	C(OTHER, 1, DkRandomBitsRead, 1,				\
	  (2, OUT, buffer, VALUE, length),				\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) |		\
	  DK_S(INTERRUPTED))						\
	C(OTHER, 2, DkInstructionCacheFlush, 1,				\
	  (2, ADDRESS, base, VALUE, length), DK_S(INVALID_PARAMETER))	\
	C(OTHER, 3, DkObjectReference, 1,				\
	  (3, HANDLE, object, FLAGS, rights, OUT_HANDLE, reference),	\
	  DK_S(INVALID_HANDLE) | DK_S(ACCESS_DENIED) | DK_SET_NEW)	\
	C(OTHER, 4, DkObjectClose, 1, (1, HANDLE, object),		\
	  DK_S(INVALID_HANDLE))						\
	C(OTHER, 5, DkDebugStringPrint, 1,				\
	  (2, STRING, text, VALUE, text_length),			\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) |		\
	  DK_S(WOULD_BLOCK) | DK_S(NO_MEMORY))				\
	C(OTHER, 6, DkFrameBufferExport, 0,				\
	  (5, ADDRESS, base, VALUE, width, VALUE, height,		\
	   VALUE, stride, VALUE, format), DK_S(NOT_IMPLEMENTED))	\
	C(OTHER, 7, DkFrameBufferNotifyUpdate, 0,			\
	  (4, VALUE, x, VALUE, y, VALUE, width, VALUE, height),		\
	  DK_S(NOT_IMPLEMENTED))					\
	C(OTHER, 8, DkInputEventRead, 0,				\
	  (4, OUT, buffer, VALUE, count, SIGNED, timeout,		\
	   OUT_U64, done), DK_S(NOT_IMPLEMENTED))

/* Extensions: each has its reason in Documentation/drawbridge/extensions.rst */
#define DK_CALL_TABLE_EXTENSION(C)					\
	C(EXTENSION, 0, DkxAbiQuery, 1,					\
	  (2, VALUE, call, OUT_U64, version),				\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER))		\
	C(EXTENSION, 1, DkxUpcallRegister, 1,				\
	  (2, ADDRESS, thread_start, ADDRESS, exception_dispatch),	\
	  DK_S(INVALID_PARAMETER))					\
	C(EXTENSION, 2, DkxSystemCallRegister, 1,			\
	  (2, ADDRESS, entry, ADDRESS, block),				\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER))		\
	C(EXTENSION, 3, DkxProcessClone, 1,				\
	  (3, FLAGS, flags, OUT_HANDLE, process, OUT_U64, id),		\
	  DK_SET_NEW | DK_S(WOULD_BLOCK) | DK_S(INTERRUPTED) |		\
	  DK_S(ABORTED) | DK_S(LIMIT_EXCEEDED))				\
	C(EXTENSION, 4, DkxStreamAttributesSet, 1,			\
	  (5, STRING, uri, VALUE, uri_length, FLAGS, flags,		\
	   IN, attributes, VALUE, length),				\
	  DK_SET_NAME)							\
	C(EXTENSION, 5, DkxStreamAttributesSetByHandle, 1,		\
	  (3, HANDLE, stream, IN, attributes, VALUE, length),		\
	  DK_SET_HANDLE | DK_SET_FILE)					\
	C(EXTENSION, 6, DkxStreamLink, 1,				\
	  (5, STRING, target, VALUE, target_length, STRING, uri,	\
	   VALUE, uri_length, FLAGS, flags),				\
	  DK_SET_HANDLE | DK_SET_NAME)					\
	C(EXTENSION, 7, DkxStreamSeek, 1,				\
	  (4, HANDLE, stream, SIGNED, offset, VALUE, whence,		\
	   OUT_U64, position),						\
	  DK_S(INVALID_HANDLE) | DK_S(WRONG_TYPE) | DK_SET_FILE |	\
	  DK_S(NOT_SEEKABLE))						\
	C(EXTENSION, 8, DkxConsoleControl, 1,				\
	  (4, HANDLE, stream, VALUE, operation, OUT, buffer,		\
	   VALUE, length),						\
	  DK_SET_HANDLE | DK_S(INVALID_PARAMETER) |			\
	  DK_S(INVALID_POINTER) | DK_S(NOT_SUPPORTED) |			\
	  DK_S(INTERRUPTED) | DK_S(ABORTED) | DK_S(IO_ERROR))		\
	C(EXTENSION, 9, DkxCodePatch, 0,				\
	  (5, ADDRESS, address, IN, old_code, VALUE, old_length,	\
	   IN, new_code, VALUE, new_length), DK_S(NOT_IMPLEMENTED))	\
	C(EXTENSION, 10, DkxContextRestore, 1,				\
	  (1, ADDRESS, context),					\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER))		\
	C(EXTENSION, 11, DkxAddressWait, 1,				\
	  (6, ADDRESS, address, FLAGS, operation, VALUE, value,		\
	   ADDRESS, deadline, VALUE, reserved, VALUE, bits),		\
	  DK_S(INVALID_PARAMETER) | DK_S(INVALID_POINTER) |		\
	  DK_S(WOULD_BLOCK) | DK_S(TIMEOUT) | DK_S(INTERRUPTED) |	\
	  DK_S(ABORTED) | DK_S(NO_MEMORY))				\
	C(EXTENSION, 12, DkxAddressWake, 1,				\
	  (6, ADDRESS, address, FLAGS, operation, VALUE, count,		\
	   VALUE, second_count, ADDRESS, second, VALUE, argument),	\
	  DK_SET_COUNT | DK_S(INVALID_PARAMETER) |			\
	  DK_S(INVALID_POINTER) | DK_S(WOULD_BLOCK) | DK_S(NO_MEMORY))	\
	C(EXTENSION, 13, DkxSignalRegister, 1,				\
	  (1, VALUE, signals), DK_S(INVALID_PARAMETER))			\
	C(EXTENSION, 14, DkxPipeCreate, 1,				\
	  (3, FLAGS, options, OUT_HANDLE, reader, OUT_HANDLE, writer),	\
	  DK_SET_NEW)							\
	C(EXTENSION, 15, DkxStreamLock, 1,				\
	  (6, HANDLE, stream, FLAGS, operation, VALUE, start,		\
	   VALUE, length, OUT, blocker, VALUE, blocker_length),		\
	  DK_SET_HANDLE | DK_SET_FILE | DK_S(DEADLOCK))			\
	C(EXTENSION, 16, DkxStreamControl, 1,				\
	  (4, HANDLE, stream, VALUE, operation, OUT, buffer,		\
	   VALUE, length),						\
	  DK_SET_HANDLE | DK_SET_LOCAL | DK_SET_NETWORK | DK_SET_FILE |	\
	  DK_S(BROKEN_PIPE) | DK_S(ALREADY_EXISTS) |			\
	  DK_S(ADDRESS_IN_USE) | DK_S(TOO_MANY_HANDLES))		\
	C(EXTENSION, 17, DkxParcelSend, 1,				\
	  (3, HANDLE, stream, OUT, parcel, VALUE, length),		\
	  DK_SET_HANDLE | DK_SET_LOCAL | DK_S(CONNECTION_REFUSED) |	\
	  DK_S(BROKEN_PIPE) | DK_S(ALREADY_EXISTS) | DK_S(TOO_LARGE) |	\
	  DK_S(TOO_MANY_HANDLES) | DK_S(NOT_PERMITTED))			\
	C(EXTENSION, 18, DkxParcelReceive, 1,				\
	  (3, HANDLE, stream, OUT, parcel, VALUE, length),		\
	  DK_SET_HANDLE | DK_SET_LOCAL | DK_S(CONNECTION_RESET) |	\
	  DK_S(BUFFER_TOO_SMALL) | DK_S(TOO_MANY_HANDLES))		\
	C(EXTENSION, 19, DkxProcessOpen, 1,				\
	  (2, VALUE, id, OUT_HANDLE, process),				\
	  DK_S(INVALID_POINTER) | DK_S(NO_MEMORY) |			\
	  DK_S(TOO_MANY_HANDLES) | DK_S(NOT_FOUND))			\
	C(EXTENSION, 20, DkxProcessStop, 1, (0), 0)			\
	C(EXTENSION, 21, DkxVirtualMemoryMove, 1,			\
	  (5, ADDRESS, base, VALUE, length, VALUE, new_length,		\
	   FLAGS, how, ADDRESS, new_base),				\
	  DK_SET_COUNT | DK_S(INVALID_PARAMETER) |			\
	  DK_S(INVALID_POINTER) | DK_S(NO_MEMORY) |			\
	  DK_S(NOT_PERMITTED) | DK_S(INTERRUPTED))			\
	C(EXTENSION, 22, DkxUsageQuery, 1,				\
	  (3, HANDLE, object, OUT, usage, VALUE, length),		\
	  DK_SET_HANDLE | DK_S(INVALID_PARAMETER) |			\
	  DK_S(INVALID_POINTER) | DK_S(ENDED))

#define DK_CALL_INDEX_DEFINE(class, function, name, version, args, statuses) \
	DK_INDEX_##name = DK_INDEX(class, function),
enum dk_call_index { DK_CALL_TABLE(DK_CALL_INDEX_DEFINE) };

/* DK_PROTO args: the parameter list of a call's C prototype. */
#define DK_PROTO(n, ...)	DK_PROTO_##n(__VA_ARGS__)
#define DK_PROTO_0(...)		void
#define DK_PROTO_1(k, a)	DK_T_##k a
#define DK_PROTO_2(k, a, ...)	DK_T_##k a, DK_PROTO_1(__VA_ARGS__)
#define DK_PROTO_3(k, a, ...)	DK_T_##k a, DK_PROTO_2(__VA_ARGS__)
#define DK_PROTO_4(k, a, ...)	DK_T_##k a, DK_PROTO_3(__VA_ARGS__)
#define DK_PROTO_5(k, a, ...)	DK_T_##k a, DK_PROTO_4(__VA_ARGS__)
#define DK_PROTO_6(k, a, ...)	DK_T_##k a, DK_PROTO_5(__VA_ARGS__)

/* DK_ARGC args: their number. */
#define DK_ARGC(n, ...)		n

/* DK_PASS args: ", (dk_u64)first, (dk_u64)second", for a generated stub. */
#define DK_PASS(n, ...)		DK_PASS_##n(__VA_ARGS__)
#define DK_PASS_0(...)
#define DK_PASS_1(k, a)		, (dk_u64)(a)
#define DK_PASS_2(k, a, ...)	DK_PASS_1(k, a) DK_PASS_1(__VA_ARGS__)
#define DK_PASS_3(k, a, ...)	DK_PASS_1(k, a) DK_PASS_2(__VA_ARGS__)
#define DK_PASS_4(k, a, ...)	DK_PASS_1(k, a) DK_PASS_3(__VA_ARGS__)
#define DK_PASS_5(k, a, ...)	DK_PASS_1(k, a) DK_PASS_4(__VA_ARGS__)
#define DK_PASS_6(k, a, ...)	DK_PASS_1(k, a) DK_PASS_5(__VA_ARGS__)

#endif /* _UAPI_PICO_DK_ABI_H */
