// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: what the kernel leaves to the monitor.
 *
 * A call that needs the monitor queues a request and sleeps. The monitor hears
 * of it by an eventfd, takes it (DRAWBRIDGE_IOC_REQUEST) and replies to it by
 * its number (DRAWBRIDGE_IOC_REPLY), in any order, after any time. The monitor
 * is trusted by nobody but its own sandbox: it may be slow, dead or wrong.
 *
 *  - The caller sleeps interruptibly and no longer than a documented time. It
 *    owns the request and takes it off the queue itself, answered or not; a
 *    reply that comes too late finds no such number.
 *  - The queue is bounded: of more requests than that at one time the call
 *    fails as BUSY.
 *  - A reply is copied and checked, by the type of its request, before the
 *    caller sees any of it. One that does not fit is refused to the monitor,
 *    and the request stays unanswered.
 *  - When the monitor closes its file, its processes are killed, and a fatal
 *    signal ends the sleep.
 */
#include <linux/eventfd.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "request.h"

#define REQUESTS_MAX	64	/* of one sandbox, at one time */

void dk_requests_init(struct dk_sandbox *sandbox)
{
	mutex_init(&sandbox->request_lock);
	INIT_LIST_HEAD(&sandbox->requests);
	init_waitqueue_head(&sandbox->request_wait);
	spin_lock_init(&sandbox->notify_lock);
}

void dk_requests_destroy(struct dk_sandbox *sandbox)
{
	WARN_ON(!list_empty(&sandbox->requests));
	if (sandbox->event)
		eventfd_ctx_put(sandbox->event);
	mutex_destroy(&sandbox->request_lock);
}

/* Tell the monitor that there is something for it. Any context. */
void dk_notify_monitor(struct dk_sandbox *sandbox)
{
	unsigned long flags;

	spin_lock_irqsave(&sandbox->notify_lock, flags);
	if (sandbox->event)
		pico_compat_eventfd_signal(sandbox->event);
	spin_unlock_irqrestore(&sandbox->notify_lock, flags);
}

long dk_ioctl_event(struct dk_sandbox *sandbox, s32 __user *arg)
{
	struct eventfd_ctx *event;
	s32 fd;

	if (get_user(fd, arg))
		return -EFAULT;
	event = eventfd_ctx_fdget(fd);
	if (IS_ERR(event))
		return PTR_ERR(event);
	spin_lock_irq(&sandbox->notify_lock);
	swap(sandbox->event, event);
	spin_unlock_irq(&sandbox->notify_lock);
	if (event)
		eventfd_ctx_put(event);
	/* What came before is not missed. */
	dk_notify_monitor(sandbox);
	return 0;
}

/**
 * dk_request() - ask the monitor, and wait for its reply
 * @sandbox:	whose monitor
 * @request:	@type, @data, @length and @check are set; on success @reply and
 *		@reply_length are too, and @reply is the caller's to kvfree()
 *
 * Context: a thread of the sandbox; sleeps.
 *
 * Return: the status of the reply; -EBUSY, -ETIMEDOUT, -ERESTARTSYS, or -ENXIO
 * when the monitor does not take requests.
 */
long dk_request(struct dk_sandbox *sandbox, struct dk_request *request)
{
	long left;

	if (WARN_ON_ONCE(request->length > DK_REQUEST_DATA_MAX))
		return -EINVAL;
	request->state = DK_REQUEST_QUEUED;
	request->reply = NULL;
	request->reply_length = 0;
	if (!READ_ONCE(sandbox->event))
		return -ENXIO;

	mutex_lock(&sandbox->request_lock);
	if (sandbox->request_count >= REQUESTS_MAX) {
		mutex_unlock(&sandbox->request_lock);
		return -EBUSY;
	}
	sandbox->request_count++;
	request->id = ++sandbox->request_last;
	list_add_tail(&request->link, &sandbox->requests);
	mutex_unlock(&sandbox->request_lock);
	dk_notify_monitor(sandbox);

	left = wait_event_interruptible_timeout(sandbox->request_wait,
			READ_ONCE(request->state) == DK_REQUEST_ANSWERED,
			DRAWBRIDGE_REQUEST_SECONDS * HZ);

	mutex_lock(&sandbox->request_lock);
	list_del(&request->link);
	sandbox->request_count--;
	mutex_unlock(&sandbox->request_lock);

	/* A reply that came at the last moment counts. */
	if (request->state == DK_REQUEST_ANSWERED)
		return request->status;
	return left < 0 ? left : -ETIMEDOUT;
}

static struct dk_request *find_taken(struct dk_sandbox *sandbox, u64 id)
{
	struct dk_request *request;

	lockdep_assert_held(&sandbox->request_lock);
	list_for_each_entry(request, &sandbox->requests, link)
		if (request->id == id && request->state == DK_REQUEST_TAKEN)
			return request;
	return NULL;
}

/*
 * Take the oldest that was not taken yet, and what @out says of it. Its data go
 * into @data, or -EMSGSIZE and it is not taken.
 */
static long take_request(struct dk_sandbox *sandbox,
			 struct drawbridge_request *out, void *data)
{
	struct dk_request *request;
	long ret = -EAGAIN;

	mutex_lock(&sandbox->request_lock);
	list_for_each_entry(request, &sandbox->requests, link) {
		if (request->state != DK_REQUEST_QUEUED)
			continue;
		out->id = request->id;
		out->type = request->type;
		out->length = request->length;
		ret = -EMSGSIZE;
		if (out->buffer_length >= request->length) {
			memcpy(data, request->data, request->length);
			request->state = DK_REQUEST_TAKEN;
			ret = 0;
		}
		break;
	}
	mutex_unlock(&sandbox->request_lock);
	return ret;
}

/*
 * The oldest request that was not taken yet, to the monitor. Whose memory may
 * let itself be waited for, so it is not touched with the lock, which the
 * sandbox's threads wait for.
 */
long dk_ioctl_request(struct dk_sandbox *sandbox, void __user *arg)
{
	u8 data[DK_REQUEST_DATA_MAX];
	struct drawbridge_request out;
	struct dk_request *request;
	long ret;

	if (copy_from_user(&out, arg, sizeof(out)))
		return -EFAULT;
	if (out.reserved)
		return -EINVAL;
	ret = take_request(sandbox, &out, data);
	if (ret && ret != -EMSGSIZE)
		return ret;
	if (copy_to_user(arg, &out, sizeof(out)))
		goto give_back;
	if (ret || !copy_to_user(dk_user(out.buffer), data, out.length))
		return ret;

give_back:
	mutex_lock(&sandbox->request_lock);
	request = ret ? NULL : find_taken(sandbox, out.id);
	if (request)
		request->state = DK_REQUEST_QUEUED;
	mutex_unlock(&sandbox->request_lock);
	/* Who has looked meanwhile has seen none. */
	if (request)
		dk_notify_monitor(sandbox);
	return -EFAULT;
}

long dk_ioctl_reply(struct dk_sandbox *sandbox, void __user *arg)
{
	struct drawbridge_reply reply;
	struct dk_request *request;
	void *data = NULL;
	long ret;

	if (copy_from_user(&reply, arg, sizeof(reply)))
		return -EFAULT;
	if (reply.reserved || reply.length > DRAWBRIDGE_REPLY_MAX ||
	    (reply.status && reply.length))
		return -EINVAL;
	if (reply.length) {
		data = dk_copy_user(dk_user(reply.buffer), reply.length);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}

	mutex_lock(&sandbox->request_lock);
	request = find_taken(sandbox, reply.id);
	if (!request)
		ret = -ENOENT;
	else
		ret = request->check(reply.status, data, reply.length);
	if (!ret) {
		request->status = reply.status;
		swap(request->reply, data);
		request->reply_length = reply.length;
		WRITE_ONCE(request->state, DK_REQUEST_ANSWERED);
		wake_up_all(&sandbox->request_wait);
	}
	mutex_unlock(&sandbox->request_lock);
	kvfree(data);
	return ret;
}
