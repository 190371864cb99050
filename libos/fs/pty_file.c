// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pseudo-terminals: reading, writing and polling of their ends.
 *
 * The program's memory is not touched with the lock held: what is moved goes
 * through a buffer on the stack.
 */
#include "pty.h"

#include <asm/ioctls.h>
#include <processes.h>
#include <signals.h>

#define CHUNK 1024U

/*
 * struct stay - of a thread that waits for its pseudo-terminal
 *
 * The first pause() only links it, for the caller to look once more.
 */
struct stay {
	const struct pty_end *end;
	struct waiter *waiter;
	struct wait_entry entry;
};

/* 0: look again; -ETIMEDOUT, -ERESTARTSYS, -ENOMEM */
static long pause(struct stay *stay, s64 deadline)
{
	s64 left;
	long r = 0;

	if (!stay->waiter) {
		stay->waiter = waiter_get();
		if (!stay->waiter)
			return -ENOMEM;
		wait_link(pty_queue(stay->end), &stay->entry, waiter_wake,
			  stay->waiter);
	} else {
		left = deadline_left(deadline);
		r = left ? waiter_sleep(stay->waiter, left) : -ETIMEDOUT;
	}
	pty_watch(stay->end);
	return r;
}

static void stay_end(struct stay *stay)
{
	if (!stay->waiter)
		return;
	wait_unlink(&stay->entry);
	waiter_put(stay->waiter);
}

static bool waits(const struct file *file)
{
	return !(__atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK);
}

/* ---- the slave reads ---- */

/*
 * struct reading - how long a read of the slave goes on
 * @least:	of characters
 * @between:	wait no longer than this behind a character, ns; 0: for ever
 * @deadline:	for the first one
 */
struct reading {
	size_t least;
	s64 between;
	s64 deadline;
};

static struct reading reading_of(const struct pty *p)
{
	s64 time = p->termios.c_cc[VTIME] * (NSEC_PER_SEC / 10);
	struct reading r = { 1, 0, DK_TIMEOUT_INFINITE };

	if (pty_canonical(p))
		return r;
	if (p->termios.c_cc[VMIN]) {
		r.least = p->termios.c_cc[VMIN];
		r.between = time;
	} else {
		r.deadline = poll_deadline(time);
	}
	return r;
}

/*
 * One look: > 0 characters; 0: the end, of a line or of everything; -EAGAIN;
 * -EIO: who has @waited hears so that the master has gone. *@done: the read is
 * over with it.
 */
static s64 look_input(const struct pty_end *end, u8 *to, size_t room,
		      bool waited, bool *done)
{
	struct pty *p = end->pty;
	s64 r = -EAGAIN;

	pty_lock(end);
	*done = p->hung_up;
	if (p->hung_up)
		r = waited ? -EIO : 0;
	else if (pty_has_input(p, 1))
		r = pty_take(p, to, room, done);
	pty_unlock(end);
	if (r >= 0 && !p->hung_up)
		pty_notify(end);
	return r;
}

static s64 slave_read(struct file *file, u8 *buffer, size_t length)
{
	const struct pty_end *end = pty_end_of(file);
	struct reading reading = reading_of(end->pty);
	struct stay stay = { .end = end };
	s64 deadline = reading.deadline, r = 0;
	u8 chunk[CHUNK];
	size_t sum = 0;
	bool done = false;

	while (!done && sum < length) {
		r = look_input(end, chunk, MIN(length - sum, CHUNK),
			       stay.waiter, &done);
		if (r > 0) {
			if (copy_out(buffer + sum, chunk, r)) {
				r = -EFAULT;
				break;
			}
			sum += r;
			/* Of a line there may be more at once. */
			if (!pty_canonical(end->pty) && sum >= reading.least)
				break;
			if (reading.between)
				deadline = poll_deadline(reading.between);
			continue;
		}
		if (r == -EAGAIN && !deadline_left(deadline))
			r = -ETIMEDOUT;
		if (r == -EAGAIN && waits(file))
			r = pause(&stay, deadline);
		if (r)
			break;
	}
	stay_end(&stay);
	if (sum || r == -ETIMEDOUT)
		return sum;
	return r;
}

/* ---- the master reads ---- */

static s64 look_output(const struct pty_end *end, u8 *to, size_t room)
{
	struct pty *p = end->pty;
	size_t n = 0;
	s64 r = -EAGAIN;

	pty_lock(end);
	if (p->packets && p->news) {
		to[0] = p->news;
		p->news = 0;
		r = 1;
	} else {
		if (p->packets)
			to[n++] = TIOCPKT_DATA;
		r = n + pty_fetch(p, to + n, room - n);
		if ((size_t)r == n)
			r = p->slave == PTY_SLAVE_LEFT ? -EIO : -EAGAIN;
	}
	pty_unlock(end);
	return r;
}

static s64 master_read(struct file *file, u8 *buffer, size_t length)
{
	const struct pty_end *end = pty_end_of(file);
	struct stay stay = { .end = end };
	u8 chunk[CHUNK];
	size_t sum = 0;
	s64 r;

	/* All that is there, as far as it is told in one. */
	for (;;) {
		r = look_output(end, chunk, MIN(length - sum, CHUNK));
		if (r > 0) {
			if (copy_out(buffer + sum, chunk, r)) {
				r = -EFAULT;
				break;
			}
			sum += r;
			if (r < (s64)CHUNK || sum == length ||
			    end->pty->packets)
				break;
			continue;
		}
		if (r == -EAGAIN && !sum && waits(file))
			r = pause(&stay, DK_TIMEOUT_INFINITE);
		if (r || sum)
			break;
	}
	stay_end(&stay);
	if (sum)
		pty_notify(end);
	return sum ? (s64)sum : r;
}

static s64 pty_read(struct file *file, void *buffer, size_t length,
		    u64 offset __unused)
{
	const struct pty_end *end = pty_end_of(file);
	long r;

	if (!length)
		return 0;
	if (end->master)
		return master_read(file, buffer, length);
	r = terminal_check(&end->pty->terminal, SIGTTIN);
	return r ? r : slave_read(file, buffer, length);
}

/* ---- writing ---- */

/*
 * struct writing - one call that writes
 * @turn:	the number of its turn, or 0
 */
struct writing {
	const struct pty_end *end;
	struct stay stay;
	u32 turn;
};

/* How long to wait for a writer, before it is looked for. */
#define WRITER_PATIENCE 100000000LL

static struct pty_writer *writer_of(const struct pty_end *end)
{
	return &end->pty->writers[end->master];
}

/* These are under the lock. Another may have taken the turn from it. */
static bool has_turn(const struct writing *w)
{
	const struct pty_writer *writer = writer_of(w->end);

	return w->turn && writer->owner && writer->turn == w->turn;
}

static void take_turn(struct writing *w)
{
	struct pty_writer *writer = writer_of(w->end);

	if (has_turn(w))
		return;
	writer->owner = process_main->entry->id;
	writer->pid = process_main->entry->pid;
	writer->turn = writer->turn + 1 ?: 1;
	w->turn = writer->turn;
}

/* The next one may write. Does somebody wait for that? */
static bool end_turn(struct writing *w)
{
	struct pty_writer *writer = writer_of(w->end);
	bool mine = has_turn(w), wanted = mine && writer->wanted;

	if (mine)
		writer->owner = writer->wanted = 0;
	w->turn = 0;
	return wanted;
}

static void leave_turn(struct writing *w)
{
	bool wanted;

	if (!w->turn)
		return;
	pty_lock(w->end);
	wanted = end_turn(w);
	pty_unlock(w->end);
	if (wanted)
		pty_notify(w->end);
}

static bool is_stopped(u64 id, u32 pid)
{
	const struct process_entry *entry = table_find(pid);

	return entry && __atomic_load_n(&entry->id, __ATOMIC_SEQ_CST) == id &&
	       __atomic_load_n(&entry->stop_signal, __ATOMIC_SEQ_CST);
}

/* The writer was killed, or is stopped, and this call is the next. */
static bool inherit_turn(struct writing *w)
{
	struct pty_writer *writer = writer_of(w->end), seen;

	pty_lock(w->end);
	seen = *writer;
	pty_unlock(w->end);
	if (!seen.owner)
		return true;
	if (!is_stopped(seen.owner, seen.pid) &&
	    !host_process_is_gone(seen.owner))
		return false;
	pty_lock(w->end);
	if (writer->turn == seen.turn)
		writer->owner = 0;
	pty_unlock(w->end);
	return true;
}

/*
 * How much there was room for; -EAGAIN: none; -EBUSY: it is another's turn.
 * @last: with these the write is whole, and else it goes on.
 */
static s64 put_some(struct writing *w, const u8 *from, size_t length, bool last)
{
	const struct pty_end *end = w->end;
	struct pty_writer *writer = writer_of(end);
	struct pty *p = end->pty;
	sigset signals = 0;
	bool wanted = false;
	s64 done = -EBUSY;

	pty_lock(end);
	if (!end->master && p->hung_up)
		done = -EIO;
	else if (writer->owner && !has_turn(w))
		writer->wanted = 1;
	else if (end->master)
		done = pty_type(p, from, length, &signals);
	else
		done = pty_print(p, from, length);
	if (last && done == (s64)length)
		wanted = end_turn(w);
	else if (done >= 0)
		take_turn(w);
	pty_unlock(end);
	if (signals)
		pty_signal(p, signals);
	if (done > 0 || wanted)
		pty_notify(end);
	return done ? done : -EAGAIN;
}

static s64 write_all(struct file *file, const u8 *buffer, size_t length)
{
	struct writing w = { .end = pty_end_of(file),
			     .stay.end = pty_end_of(file) };
	bool patient = waits(file);
	u8 chunk[CHUNK];
	size_t sum = 0, n;
	s64 r = 0;

	while (sum < length) {
		n = MIN(length - sum, CHUNK);
		r = copy_in(chunk, buffer + sum, n) ?
			    -EFAULT :
			    put_some(&w, chunk, n, sum + n == length);
		if (r > 0) {
			sum += r;
			continue;
		}
		if (r == -EBUSY) {
			r = patient ? pause(&w.stay,
					    poll_deadline(WRITER_PATIENCE)) :
				      -ETIMEDOUT;
			if (r == -ETIMEDOUT)
				r = inherit_turn(&w) || patient ? 0 : -EAGAIN;
		} else if (r == -EAGAIN && patient) {
			r = pause(&w.stay, DK_TIMEOUT_INFINITE);
		}
		if (r)
			break;
	}
	stay_end(&w.stay);
	leave_turn(&w);
	return sum ? (s64)sum : r;
}

static s64 pty_write(struct file *file, const void *buffer, size_t length,
		     u64 offset __unused)
{
	const struct pty_end *end = pty_end_of(file);
	const struct pty *p = end->pty;
	long r = 0;

	if (!end->master && p->termios.c_lflag & TOSTOP && !p->hung_up)
		r = terminal_check(&p->terminal, SIGTTOU);
	return r ? r : write_all(file, buffer, length);
}

/* ---- polling ---- */

static u32 poll_master(const struct pty *p)
{
	u32 events = 0;

	if (pty_output_count(p))
		events |= POLLIN | POLLRDNORM;
	if (p->packets && p->news)
		events |= POLLPRI | POLLIN | POLLRDNORM;
	if (p->slave == PTY_SLAVE_LEFT)
		events |= POLLHUP;
	if (pty_type_room(p))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static u32 poll_slave(const struct pty *p)
{
	u32 least = p->termios.c_cc[VTIME] ? 1 : p->termios.c_cc[VMIN];
	u32 events = 0;

	if (p->hung_up)
		return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM |
		       POLLWRNORM;
	if (pty_has_input(p, least))
		events |= POLLIN | POLLRDNORM;
	if (pty_print_room(p))
		events |= POLLOUT | POLLWRNORM;
	return events;
}

static u32 pty_poll(struct file *file, struct poll_table *table)
{
	const struct pty_end *end = pty_end_of(file);
	u32 events;

	poll_link(table, pty_queue(end));
	pty_watch(end);
	pty_lock(end);
	events = end->master ? poll_master(end->pty) : poll_slave(end->pty);
	pty_unlock(end);
	return events;
}

/* ---- what else there is of a file ---- */

static int pty_file_attributes(struct file *file,
			       struct dk_stream_attributes *attributes)
{
	const struct pty_end *end = pty_end_of(file);
	const struct synth_node *node;
	u32 id;

	if (!end->master && strcmp(file->path, "/dev/tty"))
		return pty_attributes(end->number, attributes);
	node = synth_find(file->path, &id);
	return node ? synth_attributes(node, id, attributes) : -EIO;
}

static int pty_file_set_attributes(struct file *file,
				   const struct dk_stream_attributes *change)
{
	const struct pty_end *end = pty_end_of(file);

	return end->master ? -EPERM : pty_set_attributes(end->number, change);
}

const struct file_ops pty_file_ops = {
	.read = pty_read,
	.write = pty_write,
	.poll = pty_poll,
	.control = pty_control,
	.attributes = pty_file_attributes,
	.set_attributes = pty_file_set_attributes,
	.release = pty_release,
};
