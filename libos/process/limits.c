// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Resource limits: the libos's own, with Linux's usual values.
 */
#include <libos.h>
#include <linux/resource.h>
#include <processes.h>

#define INFINITE	(~0ULL)

void limits_init(void)
{
	struct limit *l = process.limits;
	int i;

	for (i = 0; i < LIMIT_COUNT; i++)
		l[i] = (struct limit){ INFINITE, INFINITE };
	l[RLIMIT_STACK].soft = 8UL << 20;
	l[RLIMIT_CORE].soft = 0;
	l[RLIMIT_NOFILE] = (struct limit){ 1024, 1048576 };
	l[RLIMIT_MEMLOCK] = (struct limit){ 8UL << 20, 8UL << 20 };
	l[RLIMIT_MSGQUEUE] = (struct limit){ 819200, 819200 };
	l[RLIMIT_NICE] = (struct limit){ 0, 0 };
	l[RLIMIT_RTPRIO] = (struct limit){ 0, 0 };
}

static long limit_set(u32 which, const struct limit *wanted)
{
	struct limit *l = &process.limits[which];

	if (wanted->soft > wanted->hard)
		return -EINVAL;
	if (wanted->hard > l->hard)
		return -EPERM;
	*l = *wanted;
	return 0;
}

SYSCALL4(prlimit64, int, pid, u32, which, const struct limit *, wanted,
	 struct limit *, old)
{
	struct limit n, o;
	long r;

	if (which >= LIMIT_COUNT)
		return -EINVAL;
	if (wanted && user_get(n, wanted))
		return -EFAULT;
	if (pid && pid != (int)process.pid)
		return -ESRCH;
	o = process.limits[which];
	if (wanted) {
		r = limit_set(which, &n);
		if (r)
			return r;
	}
	return old ? user_put(o, old) : 0;
}

SYSCALL2(getrlimit, u32, which, struct limit *, to)
{
	if (which >= LIMIT_COUNT)
		return -EINVAL;
	return user_put(process.limits[which], to);
}

SYSCALL2(setrlimit, u32, which, const struct limit *, from)
{
	struct limit l;

	if (which >= LIMIT_COUNT)
		return -EINVAL;
	if (user_get(l, from))
		return -EFAULT;
	return limit_set(which, &l);
}
