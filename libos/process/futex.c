// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * futex. The host waits at addresses just as Linux does, between processes as
 * well; what is left is time, signals and whose memory it is. Mutexes with
 * priority inheritance are not there: -ENOSYS, which C libraries know.
 */
#include <clocks.h>
#include <libos.h>
#include <linux/futex.h>
#include <signals.h>

/* Where a wait ends. */
static long deadline_get(int operation, const struct __kernel_timespec *timeout,
			 struct dk_deadline *deadline)
{
	struct __kernel_timespec ts;
	s64 end;

	if (user_get(ts, timeout))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	/* FUTEX_WAIT alone has a duration. */
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT) {
		end = deadline_after(DK_CLOCK_MONOTONIC, timespec_ns(&ts));
		if (end == DK_TIMEOUT_INFINITE)
			end = INT64_MAX;
		ts = timespec_of(end);
	}
	deadline->seconds = MIN(ts.tv_sec, INT64_MAX / NSEC_PER_SEC);
	deadline->nanoseconds = ts.tv_nsec;
	return 0;
}

static long futex_wait(u32 *word, int operation, u32 value,
		       const struct __kernel_timespec *timeout, u32 bits)
{
	u64 host_operation = DK_ADDRESS_WAIT;
	struct dk_deadline deadline;
	long r;

	if (!bits)
		return -EINVAL;
	if (timeout) {
		r = deadline_get(operation, timeout, &deadline);
		if (r)
			return r;
	}
	if (operation & FUTEX_PRIVATE_FLAG)
		host_operation |= DK_ADDRESS_PRIVATE;
	if (operation & FUTEX_CLOCK_REALTIME)
		host_operation |= DK_ADDRESS_WALL_CLOCK;
	for (;;) {
		r = HOST_WAIT(DkxAddressWait, word, host_operation, value,
			      timeout ? &deadline : NULL, 0, bits);
		if (r != DK_STATUS_INTERRUPTED)
			return errno_of(r);
		/* With an end, a handler makes it -EINTR in any case. */
		if (signal_interrupts())
			return timeout ? -EINTR : -ERESTARTSYS;
	}
}

static long futex_wake(u32 *word, int operation, u32 count, u32 bits)
{
	if (!bits)
		return -EINVAL;
	return errno_of(DkxAddressWake(word,
				       DK_ADDRESS_WAKE |
					       (operation & FUTEX_PRIVATE_FLAG ?
							DK_ADDRESS_PRIVATE :
							0),
				       /* None and fewer wake one, as ever. */
				       MAX((s32)count, 1), 0, NULL, bits));
}

/* What Linux does, the host refuses: it would be written to the log there. */
static long wake_operation(u32 *argument)
{
	u32 compare = *argument >> 24 & 15, operation = *argument >> 28 & 7;

	if (operation > FUTEX_OP_XOR || compare > FUTEX_OP_CMP_GE)
		return -ENOSYS;
	/* Of how far it shifts, five bits count. */
	if (*argument & FUTEX_OP_OPARG_SHIFT << 28)
		*argument &= ~(0xfe0U << 12);
	return 0;
}

/* Requeue and wake_op: @second_count stands where others have a time. */
static long futex_two(u32 *word, int operation, u32 count, u64 second_count,
		      u32 *second, u32 argument)
{
	int command = operation & FUTEX_CMD_MASK;
	u64 host_operation =
		command == FUTEX_REQUEUE     ? DK_ADDRESS_REQUEUE :
		command == FUTEX_CMP_REQUEUE ? DK_ADDRESS_COMPARE_REQUEUE :
					       DK_ADDRESS_WAKE_OPERATION;

	if (operation & FUTEX_PRIVATE_FLAG)
		host_operation |= DK_ADDRESS_PRIVATE;
	if ((u64)second % sizeof(*second))
		return -EINVAL;
	if (command == FUTEX_WAKE_OP && wake_operation(&argument))
		return -ENOSYS;
	if (!user_ok(second, sizeof(*second)))
		return -EFAULT;
	if (command == FUTEX_WAKE_OP) {
		count = MAX((s32)count, 1);
		second_count = MAX((s32)second_count, 1);
	} else if ((s32)count < 0 || (s32)second_count < 0) {
		return -EINVAL;
	}
	return errno_of(
		DkxAddressWake(word, host_operation, count, (u32)second_count,
			       second,
			       command == FUTEX_REQUEUE ? 0 : argument));
}

SYSCALL6(futex, u32 *, word, int, operation, u32, value,
	 const struct __kernel_timespec *, timeout, u32 *, second, u32,
	 argument)
{
	int command = operation & FUTEX_CMD_MASK;

	if (operation & FUTEX_CLOCK_REALTIME && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
		break;
	default:
		return -ENOSYS;
	}
	if ((u64)word % sizeof(*word))
		return -EINVAL;
	if (!user_ok(word, sizeof(*word)))
		return -EFAULT;
	switch (command) {
	case FUTEX_WAIT:
		argument = FUTEX_BITSET_MATCH_ANY;
		/* fallthrough */
	case FUTEX_WAIT_BITSET:
		return futex_wait(word, operation, value, timeout, argument);
	case FUTEX_WAKE:
		argument = FUTEX_BITSET_MATCH_ANY;
		/* fallthrough */
	case FUTEX_WAKE_BITSET:
		return futex_wake(word, operation, value, argument);
	default:
		return futex_two(word, operation, value, (u64)timeout, second,
				 argument);
	}
}
