/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernel versions, each with the version in which it
 * came. Nothing else in the tree asks for LINUX_VERSION_CODE.
 */
#ifndef _KMOD_COMPAT_H
#define _KMOD_COMPAT_H

#include <linux/version.h>

#endif /* _KMOD_COMPAT_H */
