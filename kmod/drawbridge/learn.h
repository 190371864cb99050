/* SPDX-License-Identifier: GPL-2.0-only */
/* drawbridge.ko: telling the monitor what was named, see learn.c. */
#ifndef _DRAWBRIDGE_LEARN_H
#define _DRAWBRIDGE_LEARN_H

#include "drawbridge.h"

struct dk_names *dk_names_new(void);
void dk_names_free(struct dk_names *names);
long dk_ioctl_names(struct dk_sandbox *sandbox, void __user *arg);

void __dk_learn_uri(struct dk_sandbox *sandbox, const char *uri, u32 rights);
void __dk_learn(const struct dk_sandbox *sandbox, const struct path *path,
		u32 rights);
void __dk_learn_absent(const struct dk_sandbox *sandbox,
		       const struct path *parent, const char *name,
		       size_t length);
void __dk_learn_move(const struct dk_sandbox *sandbox, const struct path *from,
		     const struct path *to);

/*
 * The rules were asked for @rights (DK_ACCESS_*; none: any would do) over what
 * is at @path, and granted them. May sleep; no locks of the VFS are held.
 */
static inline void dk_learn(const struct dk_sandbox *sandbox,
			    const struct path *path, u32 rights)
{
	if (unlikely(sandbox->names))
		__dk_learn(sandbox, path, rights);
}

/* The same of a name that is no file's: SCHEME:REST. */
static inline void dk_learn_uri(struct dk_sandbox *sandbox, const char *uri,
				u32 rights)
{
	if (unlikely(sandbox->names))
		__dk_learn_uri(sandbox, uri, rights);
}

/* It was told that @parent has no @name. */
static inline void dk_learn_absent(const struct dk_sandbox *sandbox,
				   const struct path *parent,
				   const char *name, size_t length)
{
	if (unlikely(sandbox->names))
		__dk_learn_absent(sandbox, parent, name, length);
}

/* Something goes from below @from to below @to, which must grant no more. */
static inline void dk_learn_move(const struct dk_sandbox *sandbox,
				 const struct path *from,
				 const struct path *to)
{
	if (unlikely(sandbox->names))
		__dk_learn_move(sandbox, from, to);
}

#endif /* _DRAWBRIDGE_LEARN_H */
