// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting at an address: the kernel's own futex.
 *
 * Nothing that a module may call does what futex(2) does with memory that
 * processes share. So the calls have futex's own arguments in futex's own
 * places, and once they are known to be harmless the native call takes the
 * place of ours, with nothing but another number. Its result is the status. A
 * wait that a stop interrupts is made again: its time is an absolute one.
 */
#include <uapi/linux/futex.h>

#include <asm/unistd.h>

#include "drawbridge.h"

static_assert(DK_ADDRESS_WAIT == FUTEX_WAIT_BITSET);
static_assert(DK_ADDRESS_WAKE == FUTEX_WAKE_BITSET);
static_assert(DK_ADDRESS_REQUEUE == FUTEX_REQUEUE);
static_assert(DK_ADDRESS_COMPARE_REQUEUE == FUTEX_CMP_REQUEUE);
static_assert(DK_ADDRESS_WAKE_OPERATION == FUTEX_WAKE_OP);
static_assert(DK_ADDRESS_PRIVATE == FUTEX_PRIVATE_FLAG);
static_assert(DK_ADDRESS_WALL_CLOCK == FUTEX_CLOCK_REALTIME);
static_assert(sizeof(struct dk_deadline) == sizeof(struct timespec64));

static long dk_address_check(u64 address)
{
	if (address & (sizeof(u32) - 1))
		return -EINVAL;
	return dk_range_valid(address, sizeof(u32)) ? 0 : -EFAULT;
}

/* As it is: the arguments are the native call's. */
static long dk_address_forward(struct dk_thread *thread, u64 a0, u64 a1, u64 a2,
			       u64 a3, u64 a4, u64 a5)
{
	long ret;

	ret = pico_forward_system_call(thread->pico, current_pt_regs(),
				       __NR_futex, a0, a1, a2, a3, a4, a5);
	return ret ?: DK_FORWARD;
}

DK_HANDLER(DkxAddressWait)
{
	u64 known = DK_ADDRESS_PRIVATE | DK_ADDRESS_WALL_CLOCK;
	long ret;

	if ((a1 & ~known) != DK_ADDRESS_WAIT || a2 > U32_MAX || a4 || !a5 ||
	    a5 > U32_MAX)
		return -EINVAL;
	ret = dk_address_check(a0);
	if (ret)
		return ret;
	dk_block_begin(thread);
	return dk_address_forward(thread, a0, a1, a2, a3, a4, a5);
}

/* The kernel writes to its log about those that make no sense. */
static bool dk_address_operation_valid(u64 operation)
{
	unsigned int op = operation >> 28 & 7;
	unsigned int compare = operation >> 24 & 15;
	bool shift = operation >> 31 & 1;
	s32 argument = sign_extend32(operation >> 12 & 0xfff, 11);

	return operation <= U32_MAX && op <= FUTEX_OP_XOR &&
	       compare <= FUTEX_OP_CMP_GE &&
	       (!shift || (argument >= 0 && argument <= 31));
}

DK_HANDLER(DkxAddressWake)
{
	bool two = true, valid;
	long ret;

	switch (a1 & ~(u64)DK_ADDRESS_PRIVATE) {
	case DK_ADDRESS_WAKE:
		two = false;
		valid = a5 && a5 <= U32_MAX && !a3 && !a4;
		break;
	case DK_ADDRESS_REQUEUE:
		valid = !a5;
		break;
	case DK_ADDRESS_COMPARE_REQUEUE:
		valid = a5 <= U32_MAX;
		break;
	case DK_ADDRESS_WAKE_OPERATION:
		valid = dk_address_operation_valid(a5);
		break;
	default:
		return -EINVAL;
	}
	if (!valid || a2 > INT_MAX || a3 > INT_MAX)
		return -EINVAL;
	ret = dk_address_check(a0);
	if (!ret && two)
		ret = dk_address_check(a4);
	if (ret)
		return ret;
	return dk_address_forward(thread, a0, a1, a2, a3, a4, a5);
}
