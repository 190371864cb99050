// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pseudo-terminals: from the slave to the master: output processing, the ring
 * that the master reads, and stopping it.
 *
 * Echo has room of its own in the ring, so that it does not wait; what exceeds
 * even that is lost. While the output is stopped nobody writes, and what is
 * echoed stays unseen until it goes on.
 */
#include "pty.h"

#include <asm/ioctls.h>

#define ECHO_ROOM 2048U
#define LONGEST 8U /* what one character can become */
#define TAB 8U

static u32 used(const struct pty *p)
{
	return MIN(p->out_head - p->out_tail, PTY_OUTPUT);
}

static void put(struct pty *p, u8 c)
{
	if (used(p) == PTY_OUTPUT)
		return;
	p->output[p->out_head % PTY_OUTPUT] = c;
	p->out_head++;
}

static void to_column(struct pty *p, u32 column)
{
	p->column = p->first_column = column;
}

static void tab(struct pty *p)
{
	u32 spaces = TAB - p->column % TAB;

	p->column += spaces;
	if ((p->termios.c_oflag & TABDLY) != XTABS) {
		put(p, '\t');
		return;
	}
	while (spaces--)
		put(p, ' ');
}

/* One character through output processing. */
static void process_output(struct pty *p, u8 c)
{
	u32 flags = p->termios.c_oflag;

	switch (c) {
	case '\n':
		if (flags & ONLCR) {
			put(p, '\r');
			p->column = 0;
		}
		to_column(p, flags & ONLRET ? 0 : p->column);
		break;
	case '\r':
		if (flags & ONOCR && !p->column)
			return;
		if (flags & OCRNL)
			c = '\n';
		if (!(flags & OCRNL) || flags & ONLRET)
			to_column(p, 0);
		break;
	case '\t':
		tab(p);
		return;
	case '\b':
		if (p->column)
			p->column--;
		break;
	default:
		if (pty_is_control(c))
			break;
		if (flags & OLCUC)
			c = pty_other_case(c, 0x20);
		if (!pty_continues(p, c))
			p->column++;
	}
	put(p, c);
}

static void emit(struct pty *p, u8 c)
{
	if (p->termios.c_oflag & OPOST)
		process_output(p, c);
	else
		put(p, c);
}

bool pty_print_room(const struct pty *p)
{
	return !p->stopped && used(p) + LONGEST + ECHO_ROOM <= PTY_OUTPUT;
}

size_t pty_print(struct pty *p, const u8 *text, size_t length)
{
	size_t done = 0;

	while (done < length && pty_print_room(p))
		emit(p, text[done++]);
	return done;
}

void pty_echo(struct pty *p, u8 c)
{
	emit(p, c);
}

void pty_echo_visibly(struct pty *p, u8 c)
{
	if (p->termios.c_lflag & ECHOCTL && pty_is_control(c) && c != '\t') {
		put(p, '^');
		put(p, c ^ 0x40);
		p->column += 2;
	} else {
		emit(p, c);
	}
}

/* ---- stopping ---- */

void pty_mark_echo(struct pty *p)
{
	pty_send_echo(p);
	p->out_mark = p->out_sent;
}

void pty_send_echo(struct pty *p)
{
	p->out_sent.head = p->out_head;
	p->out_sent.column = p->column;
}

void pty_drop_echo(struct pty *p)
{
	/* What an earlier Ctrl-S holds, too. */
	if (p->stopped && (s32)(p->out_end.head - p->out_mark.head) < 0)
		p->out_mark = p->out_end;
	p->out_head = p->out_mark.head;
	p->column = p->out_mark.column;
	p->out_end = p->out_sent = p->out_mark;
}

void pty_stop(struct pty *p, u32 by)
{
	if (p->stopped & by)
		return;
	if (!p->stopped) {
		if (by == PTY_STOPPED_BY_CALL)
			pty_mark_echo(p);
		p->out_end = p->out_sent;
		p->news = (p->news & ~TIOCPKT_START) | TIOCPKT_STOP;
	}
	p->stopped |= by;
}

void pty_start(struct pty *p, u32 by)
{
	if (!(p->stopped & by))
		return;
	p->stopped &= ~by;
	if (p->stopped)
		return;
	pty_send_echo(p);
	p->news = (p->news & ~TIOCPKT_STOP) | TIOCPKT_START;
}

/* ---- reading ---- */

size_t pty_output_count(const struct pty *p)
{
	u32 end = p->stopped ? p->out_end.head : p->out_head;

	return MIN(end - p->out_tail, PTY_OUTPUT);
}

size_t pty_fetch(struct pty *p, u8 *to, size_t room)
{
	size_t n = MIN(pty_output_count(p), room), i;

	for (i = 0; i < n; i++)
		to[i] = p->output[(p->out_tail + i) % PTY_OUTPUT];
	p->out_tail += n;
	return n;
}
