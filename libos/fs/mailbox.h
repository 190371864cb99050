/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A queue of datagrams that the libos itself answers with: of netlink. Nobody
 * else sends here, so it grows only by what its owner asks for, up to a limit
 * above which answers are lost, as on a network.
 */
#ifndef _LIBOS_FS_MAILBOX_H
#define _LIBOS_FS_MAILBOX_H

#include "socket.h"

struct letter;

/* struct mailbox - zeroed, then mailbox_init(); @lock guards the letters */
struct mailbox {
	struct lock lock;
	struct letter *first, **end;
	size_t bytes;
	struct wait_queue queue;
};

void mailbox_init(struct mailbox *box);
void mailbox_clear(struct mailbox *box);
/* A copy of @data as a datagram; false: no room or memory. */
bool mailbox_put(struct mailbox *box, const void *data, size_t length,
		 const struct address *from);
s64 mailbox_receive(struct mailbox *box, struct file *file,
		    struct transfer *transfer);
u32 mailbox_poll(struct mailbox *box, struct poll_table *table);

/* Bytes of the program's buffers, from their start; 0 or -EFAULT. */
long transfer_copy_in(const struct transfer *transfer, void *to, size_t length);
long transfer_copy_out(const struct transfer *transfer, const void *from,
		       size_t length);

#endif /* _LIBOS_FS_MAILBOX_H */
