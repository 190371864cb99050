// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random bits, and the rest that is one call each.
 */
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/sched/signal.h>

#include "drawbridge.h"

#define DK_DEBUG_TEXT_MAX	1024

DK_HANDLER(DkRandomBitsRead)
{
	u8 __user *out = dk_user(a0);
	u8 block[256];
	u64 left = a1;
	size_t part;
	long ret = 0;

	if (left > LLONG_MAX)
		return -EINVAL;
	if (!access_ok(out, left))
		return -EFAULT;
	while (left) {
		part = min_t(u64, left, sizeof(block));
		get_random_bytes(block, part);
		if (copy_to_user(out, block, part)) {
			ret = -EFAULT;
			break;
		}
		out += part;
		left -= part;
		if (left && fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		cond_resched();
	}
	memzero_explicit(block, sizeof(block));
	return ret;
}

/* x86 keeps its instruction caches coherent by itself. */
DK_HANDLER(DkInstructionCacheFlush)
{
	u64 end;

	if (check_add_overflow(a0, a1, &end) || end > DEFAULT_MAP_WINDOW)
		return -EINVAL;
	return 0;
}

/* Text for the monitor, which may never come to read it: see sandbox.c. */
DK_HANDLER(DkDebugStringPrint)
{
	char *text;
	long ret;

	if (a1 > DK_DEBUG_TEXT_MAX)
		return -EINVAL;
	if (!a1)
		return 0;
	text = memdup_user(dk_user(a0), a1);
	if (IS_ERR(text))
		return PTR_ERR(text);
	ret = dk_sandbox_debug(thread->process->sandbox, text, a1);
	kfree(text);
	return ret;
}
