// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Queues of datagrams: see mailbox.h.
 */
#include "mailbox.h"

#define BYTES_MAX 212992

struct letter {
	struct letter *next;
	size_t length;
	struct address from;
	u8 data[];
};

void mailbox_init(struct mailbox *box)
{
	box->end = &box->first;
}

void mailbox_clear(struct mailbox *box)
{
	struct letter *letter;

	while ((letter = box->first)) {
		box->first = letter->next;
		mem_free(letter);
	}
	mailbox_init(box);
}

bool mailbox_put(struct mailbox *box, const void *data, size_t length,
		 const struct address *from)
{
	struct letter *letter = mem_alloc(sizeof(*letter) + length);
	bool fits;

	if (!letter)
		return false;
	letter->next = NULL;
	letter->length = length;
	letter->from = *from;
	memcpy(letter->data, data, length);
	lock_acquire(&box->lock);
	fits = box->bytes + length <= BYTES_MAX;
	if (fits) {
		*box->end = letter;
		box->end = &letter->next;
		box->bytes += length;
	}
	lock_release(&box->lock);
	if (fits)
		wake_all(&box->queue);
	else
		mem_free(letter);
	return fits;
}

long transfer_copy_in(const struct transfer *transfer, void *to, size_t length)
{
	size_t i, done = 0, part;

	for (i = 0; i < transfer->vector.count && done < length; i++) {
		const struct iovec *iov = &transfer->vector.parts[i];

		part = MIN(iov->iov_len, length - done);
		if (copy_in((u8 *)to + done, iov->iov_base, part))
			return -EFAULT;
		done += part;
	}
	return 0;
}

long transfer_copy_out(const struct transfer *transfer, const void *from,
		       size_t length)
{
	size_t i, done = 0, part;

	for (i = 0; i < transfer->vector.count && done < length; i++) {
		const struct iovec *iov = &transfer->vector.parts[i];

		part = MIN(iov->iov_len, length - done);
		if (copy_out(iov->iov_base, (const u8 *)from + done, part))
			return -EFAULT;
		done += part;
	}
	return 0;
}

/* The first one; -EAGAIN: there is none. box->lock is held. */
static s64 receive_now(struct mailbox *box, struct transfer *transfer)
{
	struct letter *letter = box->first;
	size_t length;

	if (!letter)
		return -EAGAIN;
	length = MIN(letter->length, transfer->vector.total);
	if (transfer_copy_out(transfer, letter->data, length))
		return -EFAULT;
	transfer->address = letter->from;
	if (length < letter->length)
		transfer->result_flags |= MSG_TRUNC;
	if (transfer->flags & MSG_TRUNC)
		length = letter->length;
	if (!(transfer->flags & MSG_PEEK)) {
		box->first = letter->next;
		if (!box->first)
			box->end = &box->first;
		box->bytes -= letter->length;
		mem_free(letter);
	}
	return length;
}

s64 mailbox_receive(struct mailbox *box, struct file *file,
		    struct transfer *transfer)
{
	s64 deadline = socket_deadline(socket_of(file)->receive_timeout), r;

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	for (;;) {
		lock_acquire(&box->lock);
		r = receive_now(box, transfer);
		lock_release(&box->lock);
		if (r != -EAGAIN || !socket_waits(file, transfer->flags))
			return r;
		r = file_wait(file, POLLIN, deadline);
		if (r)
			return r;
	}
}

u32 mailbox_poll(struct mailbox *box, struct poll_table *table)
{
	u32 events = POLLOUT | POLLWRNORM | POLLWRBAND;

	poll_link(table, &box->queue);
	lock_acquire(&box->lock);
	if (box->first)
		events |= POLLIN | POLLRDNORM;
	lock_release(&box->lock);
	return events;
}
