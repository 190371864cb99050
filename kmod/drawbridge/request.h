/* SPDX-License-Identifier: GPL-2.0-only */
/* drawbridge.ko: asking the monitor, see request.c. */
#ifndef _DRAWBRIDGE_REQUEST_H
#define _DRAWBRIDGE_REQUEST_H

#include "../compat.h"
#include "drawbridge.h"

#define DK_REQUEST_DATA_MAX	256

/**
 * struct dk_request - one request, on its caller's stack
 * @link:	in sandbox->requests, all of it under sandbox->request_lock
 * @id:		of the request, told to the monitor
 * @type:	DRAWBRIDGE_REQUEST_*
 * @state:	may be read without the lock
 * @data:	for the monitor
 * @length:	of @data, in bytes: DK_REQUEST_DATA_MAX at most
 * @check:	0, or -EINVAL for a reply that is none; with the lock held
 * @status:	of the reply
 * @reply:	what came with it
 * @reply_length: in bytes
 */
struct dk_request {
	struct list_head link;
	u64 id;
	u32 type;
	enum {
		DK_REQUEST_QUEUED,
		DK_REQUEST_TAKEN,
		DK_REQUEST_ANSWERED,
	} state;
	const void *data;
	u32 length;
	long (*check)(s64 status, const void *reply, u32 length);
	s64 status;
	void *reply;
	u32 reply_length;
};

long dk_request(struct dk_sandbox *sandbox, struct dk_request *request);

#endif /* _DRAWBRIDGE_REQUEST_H */
