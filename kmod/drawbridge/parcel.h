/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drawbridge.ko: what sending and receiving of parcels have in common.
 */
#ifndef _DRAWBRIDGE_PARCEL_H
#define _DRAWBRIDGE_PARCEL_H

#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "local.h"

/* ---- letters (letter.c) ---- */

/* An empty one, for that much; or NULL. */
struct dk_letter *dk_letter_new(size_t length, u32 attachment_length);
/* The handles of @parcel; only streams are sent. */
long dk_letter_carry(struct dk_letter *letter, struct dk_process *process,
		     const struct dk_parcel *parcel);
/* It may be the end of a socket: neither its @lock nor local_lock is held. */
void dk_letter_drop_handles(struct dk_sandbox *sandbox,
			    struct dk_letter *letter);
void dk_letter_drop(struct dk_sandbox *sandbox, struct dk_letter *letter);

/* ---- one call (parcel.c) ---- */

struct dk_transfer {
	struct dk_thread *thread;
	struct dk_stream *stream;
	struct dk_local *local;
	struct dk_parcel parcel;
	struct iovec few[UIO_FASTIOV], *vector;
	struct iov_iter iter;
	ktime_t deadline;
	bool nonblock;
};

/*
 * Copy and check what the caller has at @address, and find its socket; after
 * success dk_transfer_end() is due.
 */
long dk_transfer_begin(struct dk_transfer *t, struct dk_thread *thread,
		       u64 handle, u64 address, u64 length, bool send);
void dk_transfer_end(struct dk_transfer *t);
/* The call's status: what came of it is stored, or it is taken up again. */
long dk_transfer_result(struct dk_transfer *t, long error, u64 address);

/* Until @condition: 0; -EAGAIN after the time; or to be taken up again. */
#define dk_transfer_wait(t, local, condition)				\
({									\
	ktime_t left_ = KTIME_MAX;					\
	long r_ = 0;							\
	if ((t)->deadline != KTIME_MAX) {				\
		left_ = ktime_sub((t)->deadline, ktime_get());		\
		if (left_ <= 0)						\
			r_ = -EAGAIN;					\
	}								\
	if (!r_ && left_ == KTIME_MAX)					\
		r_ = wait_event_interruptible((local)->wait, condition); \
	else if (!r_)							\
		r_ = wait_event_interruptible_hrtimeout((local)->wait,	\
							condition, left_); \
	if (r_ == -ETIME)						\
		r_ = -EAGAIN;						\
	r_;								\
})

#endif /* _DRAWBRIDGE_PARCEL_H */
