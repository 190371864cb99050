// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Signals from one process to another: a mailbox in the table, and an exception
 * that makes its owner look there.
 *
 * A sender that is killed while it writes leaves its slot unusable until the
 * owner ends; there are more. When none is left, who may wait does, until the
 * owner has had time to empty its mailbox. If it has not then, the signal is at
 * least known to have been sent, as Linux does when its queue is full.
 */
#include <libos.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>

#define PAYLOAD (sizeof(struct mail) - offsetof(struct mail, pid))

_Static_assert(offsetof(siginfo_t, si_pid) + PAYLOAD == 48,
	       "all that Linux keeps");

static u32 looks; /* asked for since a thread began to look */

struct mail mail_of(const siginfo_t *info, u32 tid)
{
	struct mail mail = { .tid = tid,
			     .signal = info->si_signo,
			     .code = info->si_code,
			     .error = info->si_errno };

	memcpy(&mail.pid, &info->si_pid, PAYLOAD);
	return mail;
}

bool mail_ring(struct process_entry *to, u32 events)
{
	u64 id = __atomic_load_n(&to->id, __ATOMIC_SEQ_CST);
	DK_STATUS status;
	DK_HANDLE handle;

	/* It will look when it begins. */
	if (!id)
		return true;
	status = DkxProcessOpen(id, &handle);
	if (status)
		return status != DK_STATUS_NOT_FOUND;
	DkThreadRaiseException(handle, DK_EXCEPTION_RAISED, events);
	DkObjectClose(handle);
	return true;
}

static bool post(struct process_entry *to, const struct mail *mail)
{
	u32 i, empty;

	for (i = 0; i < MAIL_MAX; i++) {
		struct mail *m = &to->mail[i];

		empty = 0;
		if (!__atomic_compare_exchange_n(&m->state, &empty, 1, false,
						 __ATOMIC_SEQ_CST,
						 __ATOMIC_RELAXED))
			continue;
		m->tid = mail->tid;
		m->signal = mail->signal;
		m->code = mail->code;
		m->error = mail->error;
		memcpy(&m->pid, &mail->pid, PAYLOAD);
		m->order = __atomic_add_fetch(&to->mail_order, 1,
					      __ATOMIC_SEQ_CST);
		__atomic_store_n(&m->state, 2, __ATOMIC_SEQ_CST);
		return true;
	}
	return false;
}

#define ROOM_TRIES	1000
#define ROOM_PAUSE	1000000LL

/*
 * Ring, and wait for it to take something out. It may wait for us in the same
 * way: what has come is taken meanwhile.
 */
static bool post_later(struct process_entry *to, const struct mail *mail)
{
	struct libos_thread *t = self();
	bool posted = false;
	dk_s64 rest;
	int i;

	for (i = 0; i < ROOM_TRIES && !posted; i++) {
		if (entry_state(to) != ENTRY_LIVE ||
		    !mail_ring(to, EVENT_REMOTE))
			break;
		DkThreadDelayExecution(ROOM_PAUSE, &rest);
		posted = post(to, mail);
		if (!t->vfork && t->interrupt && signal_events())
			break;
	}
	t->interrupt = 1;
	return posted;
}

/* Without ringing. */
static long put(struct process_entry *to, const struct mail *mail,
		bool may_wait)
{
	if (post(to, mail) || (may_wait && post_later(to, mail)))
		return 0;
	if (mail->signal >= SIGRTMIN && mail->code != SI_USER)
		return -EAGAIN;
	__atomic_fetch_or(&to->mail_lost, SIGNAL_BIT(mail->signal),
			  __ATOMIC_SEQ_CST);
	return 0;
}

static long send(struct process_entry *to, const struct mail *mail,
		 bool may_wait)
{
	long r;

	if (!mail->signal || entry_state(to) == ENTRY_ENDED)
		return 0;
	r = put(to, mail, may_wait);
	if (!r)
		mail_ring(to, EVENT_REMOTE);
	return r;
}

long mail_send(struct process_entry *to, const struct mail *mail)
{
	return send(to, mail, false);
}

void mail_send_both(struct process_entry *to, const struct mail *first,
		    const struct mail *second)
{
	if (entry_state(to) == ENTRY_ENDED)
		return;
	put(to, first, false);
	put(to, second, false);
	mail_ring(to, EVENT_REMOTE);
}

long mail_send_wait(struct process_entry *to, const struct mail *mail)
{
	return send(to, mail, true);
}

static void deliver(const struct mail *m)
{
	siginfo_t info = { .si_signo = m->signal,
			   .si_code = m->code,
			   .si_errno = m->error };
	struct libos_thread *t = NULL;

	memcpy(&info.si_pid, &m->pid, PAYLOAD);
	if (m->tid) {
		t = thread_find(m->tid);
		if (t)
			signal_send_thread(t, &info);
		thread_put(t);
	} else {
		signal_send_process(&info);
	}
}

/* What was sent first of what has come, or NULL. */
static struct mail *oldest(struct process_entry *me)
{
	struct mail *found = NULL;
	u32 i;

	for (i = 0; i < MAIL_MAX; i++) {
		struct mail *m = &me->mail[i];

		if (__atomic_load_n(&m->state, __ATOMIC_SEQ_CST) == 2 &&
		    (!found || (s32)(m->order - found->order) < 0))
			found = m;
	}
	return found;
}

static void empty(void)
{
	struct process_entry *me = process_self;
	struct mail *m;
	sigset lost;

	while ((m = oldest(me))) {
		struct mail copy = *m;

		__atomic_store_n(&m->state, 0, __ATOMIC_SEQ_CST);
		deliver(&copy);
	}
	lock_acquire(&thread_lock);
	vfork_ring();
	lock_release(&thread_lock);
	lost = __atomic_exchange_n(&me->mail_lost, 0, __ATOMIC_SEQ_CST);
	for (; lost; lost &= lost - 1) {
		struct mail one = { .signal = __builtin_ctzll(lost) + 1,
				    .code = SI_USER };

		deliver(&one);
	}
}

/*
 * One thread at a time: of two, each would have signals that the other has to
 * deliver first. Who comes meanwhile has that one look once more. It is no
 * lock: what is delivered may end the process, and who does that here does not
 * come back.
 */
void mail_take(void)
{
	u32 seen = 1;

	if (__atomic_fetch_add(&looks, 1, __ATOMIC_SEQ_CST))
		return;
	do {
		empty();
	} while (!__atomic_compare_exchange_n(&looks, &seen, 0, false,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
}

void mail_forked(void)
{
	looks = 0;
}
