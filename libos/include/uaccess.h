/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Inside of core/uaccess; others use user_read() and its like. */
#ifndef LIBOS_UACCESS_H
#define LIBOS_UACCESS_H

#include <libos.h>

u64 user_copy_bytes(void *to, const void *from, u64 n);
u64 user_clear_bytes(void *to, u64 n);
s64 user_copy_string(char *to, const char *from, u64 max);
u32 user_cmpxchg32(u32 *p, u32 *expected, u32 new);

u32 fpu_xsave(void *area, u64 mask);
u32 fpu_xrstor(const void *area, u64 mask);
u32 fpu_fxrstor(const void *area);

/* Where to go on after a fault of the libos at @rip; 0: nowhere. */
u64 fixup_find(u64 rip);

#endif /* LIBOS_UACCESS_H */
