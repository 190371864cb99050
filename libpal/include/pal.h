/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The Drawbridge host, as a C program sees it.
 *
 * 45 calls down (Dk...), 3 up (LibOs...), and the extensions (Dkx...). The
 * prototypes below are made from the one table in pico/dk_abi.h, so this
 * comment is where each call is described: shapes, units, ownership.
 *
 * Common to all calls. The result is DK_STATUS_SUCCESS (0) or a negative
 * DK_STATUS_*; results come through pointers, which are not written on
 * failure, but for *length of DkVirtualMemoryAlloc, *remaining of
 * DkThreadDelayExecution and what a parcel needs room for. A handle is owned by whoever received it and lives until
 * DkObjectClose. Text is UTF-8 with a length, not terminated. Lengths and
 * offsets are bytes, times nanoseconds. Any call may be made by any thread.
 * The statuses that a call may return stand with it in the table.
 *
 * Memory
 *
 * DkVirtualMemoryAlloc(&base, &length, type, protection)
 *	DK_MEM_RESERVE takes addresses; with DK_MEM_COMMIT they are usable
 *	memory, which reads as zero. *base 0: the host chooses. *base and
 *	*length come back rounded to pages. ALREADY_EXISTS: something lives
 *	there and DK_MEM_REPLACE was not given. DK_MEM_COMMIT alone, with a
 *	base, commits what was reserved and keeps what is committed already;
 *	NO_MEMORY: part of it is not reserved. DK_MEM_SHARED, with both: one
 *	memory for this process and those cloned from it. Write and execute together:
 *	ACCESS_DENIED unless DK_PARAMETERS_WX.
 * DkVirtualMemoryFree(base, length, how)
 *	Any range, mapped or not. DECOMMIT keeps the addresses.
 * DkVirtualMemoryProtect(base, length, protection)
 *	NO_MEMORY when part of the range is not mapped.
 * DkxVirtualMemoryMove(base, length, new_length, how, new_base)
 *	mremap(2). Returns the address (above 0), or a status.
 *
 * Threads
 *
 * DkThreadCreate(start, parameter, stack_base, stack_size, &thread)
 *	The thread enters LibOsThreadStart(start, parameter) at the top of the
 *	caller's stack memory, with %fs and %gs bases 0.
 * DkThreadGetParameter(&parameter)
 *	What DkThreadCreate was given; 0 on the first thread.
 * DkThreadDelayExecution(duration, &remaining)
 *	INTERRUPTED, ABORTED: *remaining nanoseconds are left.
 * DkThreadYieldExecution(), DkThreadExit() (does not return; the handle
 *	becomes signalled; the last thread's exit ends the process)
 * DkThreadRaiseException(thread, code, parameter)
 *	The thread (or one of a process) takes LibOsExceptionDispatch wherever
 *	it is; a call that it waits in ends with INTERRUPTED.
 *
 * Synchronisation
 *
 * DkNotificationEventCreate(signalled, &event)	until cleared
 * DkSynchronizationEventCreate(signalled, &event)	releases one waiter
 * DkSemaphoreCreate(initial, maximum, &semaphore)
 * DkSemaphoreRelease(semaphore, count, &previous)
 *	LIMIT_EXCEEDED: nothing was released.
 * DkSemaphorePeek, DkEventSet, DkEventClear, DkEventPeek
 * DkObjectsWaitAny(count, handles, timeout, &index)
 *	At most DK_WAIT_MAX. The lowest signalled index wins and only that
 *	object's state is consumed. Timeout 0 polls, DK_TIMEOUT_INFINITE waits.
 * DkAbortEventRegister(event)
 *	Signalled when the monitor wants the process to come to rest; one
 *	waiting call of each thread ends with ABORTED.
 *
 * Processes
 *
 * DkProcessCreate(uri, uri_length, &parameters, size, &process, &id)
 *	From an image (file:/PATH), with the strings and the handles that struct
 *	dk_process_parameters names, and nothing else of the caller's.
 * DkProcessGetExitCode(process, &code) (BUSY: still runs)
 * DkProcessExit(code)	does not return; all threads end
 *
 * Streams
 *
 * DkStreamOpen(uri, uri_length, access, disposition, options, &stream)
 *	file:/PATH, null:, stdin:, stdout:, stderr:, pipe.server:NAME,
 *	pipe.client:NAME, tcp.server:ADDR:PORT, tcp.client:ADDR:PORT, dns:NAME,
 *	local:TYPE, counter:TYPE. Access is DK_ACCESS_*, options DK_OPTION_*
 *	with DK_OPTION_MODE() of a file that is created. A server is opened to
 *	be read with DK_OPEN_CREATE_NEW; reading it gives one struct
 *	dk_accepted, a connection.
 * DkStreamRead(stream, offset, buffer, length, &done)
 * DkStreamWrite(stream, offset, buffer, length, &done)
 *	DK_OFFSET_CURRENT uses and moves the stream's position. *done may be
 *	less than @length; a read of 0 bytes is the end.
 * DkStreamMap(stream, &base, length, offset, protection, flags)
 * DkStreamUnmap(base, length)
 * DkStreamMapPeBinary(stream, &base, &entry)
 * DkStreamSetLength, DkStreamFlush,
 * DkStreamDelete(uri, uri_length, flags),
 * DkStreamRename(uri, uri_length, new_uri, new_uri_length, flags)
 * DkStreamEnumerateChildren(stream, &cursor, buffer, length, &done)
 *	Whole struct dk_directory_entry records from @cursor (0: the start);
 *	*done 0 is the end.
 * DkStreamGetEvent(stream, condition, &event)
 *	An event that is signalled while the stream is DK_STREAM_READABLE,
 *	_WRITABLE, _CLOSED or _URGENT; with DK_STREAM_EDGES: each time anew.
 * DkStreamAttributesQuery(uri, uri_length, flags, &attributes, size)
 * DkStreamAttributesQueryByHandle(stream, &attributes, size)
 *
 * Other
 *
 * DkSystemTimeQuery(clock, &time)	DK_CLOCK_*
 * DkRandomBitsRead(buffer, length)
 * DkInstructionCacheFlush(base, length)
 * DkObjectReference(object, rights, &reference)
 *	A second handle with at most the first one's rights.
 * DkObjectClose(object)
 * DkDebugStringPrint(text, length)	text for the monitor, at most 1024 bytes
 * DkFrameBufferExport, DkFrameBufferNotifyUpdate, DkInputEventRead
 *
 * Extensions
 *
 * DkxAbiQuery(call, &version)	version 0: the call is not implemented
 * DkxUpcallRegister(thread_start, exception_dispatch)	done by libpal
 * DkxSystemCallRegister(entry, block)
 *	From now on a SYSCALL of this thread that is not a Dk call continues
 *	at @entry, with the address behind it in block->return_address.
 * DkxProcessClone(flags, &process, &id)
 *	A copy of the process with a copy of the handle table; memory is copied
 *	on write. Returns twice: in the child *process is 0.
 * DkxUsageQuery(object, usage, length)	what a thread or process has used
 * DkxProcessOpen(id, &process)	another process of the sandbox, by its id
 * DkxStreamAttributesSet, DkxStreamAttributesSetByHandle,
 * DkxStreamLink, DkxStreamSeek, DkxConsoleControl, DkxCodePatch,
 * DkxContextRestore(context)	see PalContextRestore() below
 * DkxSignalRegister(signals)	taken as DK_EXCEPTION_SIGNAL
 * DkxParcelSend(stream, &parcel, sizeof(parcel)), DkxParcelReceive
 *	Messages of local: sockets, with handles. Sockets that are connected with
 *	each other: DK_PIPE_LOCAL_STREAM and its like of DkxPipeCreate.
 * DkxProcessStop()		until the outside says SIGCONT
 * DkxAddressWait(address, operation, value, deadline, 0, bits)
 *	WOULD_BLOCK unless *address is @value; else wait for a wake with one of
 *	@bits, until @deadline (struct dk_deadline, absolute; null: for ever).
 * DkxAddressWake(address, operation, count, second_count, second, argument)
 *	DK_ADDRESS_WAKE, _REQUEUE, ...: futex(2)'s. Returns how many, or a
 *	(negative) status.
 * DkxPipeCreate(options, &reader, &writer)
 *	A pipe of the kernel; its ends live as long as their handles do, in
 *	whichever processes these are. DK_PIPE_DUPLEX: a pair of connected
 *	streams.
 * DkxStreamControl(stream, operation, &buffer, size)	DK_CONTROL_*
 * DkxStreamLock(stream, operation, start, length, &blocker, size)
 *	DK_LOCK_*. WOULD_BLOCK: somebody else has a lock there, unless
 *	DK_LOCK_WAIT. Locks are the process's, and go when it closes any of its
 *	handles of the file; or the stream's, and go with its last handle.
 *	@blocker only for DK_LOCK_QUERY, else NULL and 0.
 */
#ifndef PAL_H
#define PAL_H

#include <pico/drawbridge.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PAL_PROTOTYPE(class, function, name, version, args, statuses) \
	DK_STATUS name(DK_PROTO args);
DK_CALL_TABLE(PAL_PROTOTYPE)
#undef PAL_PROTOTYPE

/* What DkThreadCreate's @start points to. */
typedef void (*DK_THREAD_START)(dk_u64 parameter);

/*
 * The upcalls. A program defines the first; libpal has defaults of the others.
 */

/*
 * LibOsInitialize() - the first thread starts here
 *
 * On the host's stack; nothing but it, the image and @parameters is mapped.
 * Returning ends the process with code 0.
 */
void LibOsInitialize(const struct dk_parameters *parameters);

/*
 * LibOsThreadStart() - every further thread starts here
 *
 * The default calls start(parameter); then the thread exits.
 */
void LibOsThreadStart(DK_THREAD_START start, dk_u64 parameter);

/*
 * LibOsExceptionDispatch() - the calling thread faulted or was raised upon
 *
 * Vector registers still hold the interrupted code's values: save what you
 * use, or compile with -mgeneral-regs-only. To go on, change @context if need
 * be and hand it to PalContextRestore(); do not return. The default ends the
 * process with code 128 + exception->signal.
 */
void LibOsExceptionDispatch(struct dk_exception *exception,
			    struct dk_context *context);

/*
 * PalContextRestore() - continue with other registers, all at once
 *
 * Loads the general registers, the flags, the stack pointer and the
 * instruction pointer of @context. %fs, %gs and vector registers stay. An
 * illegal-instruction exception tells of a context that cannot be restored.
 */
void __attribute__((noreturn))
PalContextRestore(const struct dk_context *context);

#ifdef __cplusplus
}
#endif

#endif /* PAL_H */
