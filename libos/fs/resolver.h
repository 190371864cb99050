/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A name server that answers from the host's dns: streams.
 */
#ifndef _LIBOS_FS_RESOLVER_H
#define _LIBOS_FS_RESOLVER_H

#include <libos.h>

#define RESOLVER_PORT 53
#define RESOLVER_MESSAGE_MAX 4096

/*
 * resolver_answer() - the reply to one query
 *
 * @reply has room for RESOLVER_MESSAGE_MAX bytes. Returns its length, 0 when
 * there is none to something that is no query, or -ERESTARTSYS: the monitor
 * was being asked when a signal came.
 */
long resolver_answer(const u8 *query, size_t length, u8 *reply);

#endif /* _LIBOS_FS_RESOLVER_H */
