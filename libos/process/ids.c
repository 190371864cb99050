// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Who the process is. Users and groups are the host's: the host's own checks
 * use the ones it started with, so a change is possible only between those
 * that the process has already.
 */
#include <libos.h>
#include <linux/capability.h>
#include <processes.h>
#include <signals.h>

#define KEEP	((u32)-1)

/* Those of children of vfork() are in the heap, with their actions. */
static struct action first_actions[SIGNAL_COUNT + 1];
static struct identity first = { .actions = first_actions };

struct identity *process_main = &first;

void process_is(struct identity *p)
{
	struct identity *before = process_main;

	process_main = p;
	if (before != &first)
		mem_free(before);
}

void process_init(const struct dk_parameters *p)
{
	process.pid = p->process_id;
	process.uid = p->uid;
	process.euid = process.suid = process.fsuid = p->euid;
	process.gid = p->gid;
	process.egid = process.sgid = process.fsgid = p->egid;
	process.group_count = MIN(p->group_count, GROUPS_MAX);
	process.groups = (const u32 *)((const char *)p + p->group_offset);
	process.dumpable = 1;
	process.start_time = clock_now(DK_CLOCK_BOOT);
	limits_init();
	table_init();
}

SYSCALL0(getpid)
{
	return process.pid;
}

SYSCALL0(getuid)
{
	return process.uid;
}

SYSCALL0(geteuid)
{
	return process.euid;
}

SYSCALL0(getgid)
{
	return process.gid;
}

SYSCALL0(getegid)
{
	return process.egid;
}

SYSCALL3(getresuid, u32 *, real, u32 *, effective, u32 *, saved)
{
	if (user_put(process.uid, real) || user_put(process.euid, effective) ||
	    user_put(process.suid, saved))
		return -EFAULT;
	return 0;
}

SYSCALL3(getresgid, u32 *, real, u32 *, effective, u32 *, saved)
{
	if (user_put(process.gid, real) || user_put(process.egid, effective) ||
	    user_put(process.sgid, saved))
		return -EFAULT;
	return 0;
}

static bool may_be_user(u32 id)
{
	return id == KEEP || id == process.uid || id == process.euid ||
	       id == process.suid;
}

static bool may_be_group(u32 id)
{
	return id == KEEP || id == process.gid || id == process.egid ||
	       id == process.sgid;
}

static long set_users(u32 real, u32 effective, u32 saved)
{
	if (!may_be_user(real) || !may_be_user(effective) ||
	    !may_be_user(saved))
		return -EPERM;
	if (real != KEEP)
		process.uid = real;
	if (effective != KEEP)
		process.euid = process.fsuid = effective;
	if (saved != KEEP)
		process.suid = saved;
	process_self->uid = process.uid;
	process_self->euid = process.euid;
	return 0;
}

static long set_groups(u32 real, u32 effective, u32 saved)
{
	if (!may_be_group(real) || !may_be_group(effective) ||
	    !may_be_group(saved))
		return -EPERM;
	if (real != KEEP)
		process.gid = real;
	if (effective != KEEP)
		process.egid = process.fsgid = effective;
	if (saved != KEEP)
		process.sgid = saved;
	process_self->gid = process.gid;
	process_self->egid = process.egid;
	return 0;
}

SYSCALL1(setuid, u32, id)
{
	return id == KEEP ? -EINVAL : set_users(KEEP, id, KEEP);
}

SYSCALL1(setgid, u32, id)
{
	return id == KEEP ? -EINVAL : set_groups(KEEP, id, KEEP);
}

SYSCALL2(setreuid, u32, real, u32, effective)
{
	return set_users(real, effective, effective);
}

SYSCALL2(setregid, u32, real, u32, effective)
{
	return set_groups(real, effective, effective);
}

SYSCALL3(setresuid, u32, real, u32, effective, u32, saved)
{
	return set_users(real, effective, saved);
}

SYSCALL3(setresgid, u32, real, u32, effective, u32, saved)
{
	return set_groups(real, effective, saved);
}

/* These two return the old value, changed or not. */
SYSCALL1(setfsuid, u32, id)
{
	u32 old = process.fsuid;

	if (id != KEEP && may_be_user(id))
		process.fsuid = id;
	return old;
}

SYSCALL1(setfsgid, u32, id)
{
	u32 old = process.fsgid;

	if (id != KEEP && may_be_group(id))
		process.fsgid = id;
	return old;
}

SYSCALL2(getgroups, int, size, u32 *, to)
{
	if (size < 0 || (size && (u32)size < process.group_count))
		return -EINVAL;
	if (size &&
	    user_write(to, process.groups, process.group_count * sizeof(u32)))
		return -EFAULT;
	return process.group_count;
}

SYSCALL2(setgroups, int, size, const u32 *, from)
{
	u32 group;
	int i;

	if (size < 0 || (u32)size != process.group_count)
		return -EPERM;
	for (i = 0; i < size; i++) {
		if (user_get(group, from + i))
			return -EFAULT;
		if (group != process.groups[i])
			return -EPERM;
	}
	return 0;
}

/* ---- capabilities: a picoprocess has none ---- */

static long capability_words(struct __user_cap_header_struct *header,
			     u32 *words, int *pid)
{
	struct __user_cap_header_struct h;
	u32 newest = _LINUX_CAPABILITY_VERSION_3;

	if (user_get(h, header))
		return -EFAULT;
	if (h.version == _LINUX_CAPABILITY_VERSION_1) {
		*words = 1;
	} else if (h.version == _LINUX_CAPABILITY_VERSION_2 ||
		   h.version == _LINUX_CAPABILITY_VERSION_3) {
		*words = 2;
	} else {
		if (user_put(newest, &header->version))
			return -EFAULT;
		return -EINVAL;
	}
	*pid = h.pid;
	return 0;
}

SYSCALL2(capget, struct __user_cap_header_struct *, header,
	 struct __user_cap_data_struct *, data)
{
	u32 words;
	int pid;
	long r = capability_words(header, &words, &pid);

	if (!data && r == -EINVAL)
		return 0;
	if (r || !data)
		return r;
	if (pid < 0)
		return -EINVAL;
	if (pid && !process_of(pid))
		return -ESRCH;
	return user_clear(data, words * sizeof(*data));
}

SYSCALL2(capset, struct __user_cap_header_struct *, header,
	 const struct __user_cap_data_struct *, data)
{
	struct __user_cap_data_struct d;
	u32 words, i;
	int pid;
	long r = capability_words(header, &words, &pid);

	if (!r && pid && pid != (int)own_tid())
		return -EPERM;
	for (i = 0; !r && i < words; i++) {
		if (user_get(d, data + i))
			return -EFAULT;
		if (d.effective || d.permitted || d.inheritable)
			r = -EPERM;
	}
	return r;
}
