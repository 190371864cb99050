// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pseudo-terminals: from the master to the slave: what a typed character does,
 * editing of lines, echo, and the ring that the slave reads.
 *
 *	tail ........ line ............ head
 *	 whole lines	the line that	  next character
 *	 (canonical)	is being typed
 *
 * Out of canonical mode everything up to @head can be read.
 */
#include "pty.h"

#include <asm/ioctls.h>
#include <signals.h>

static u32 count(const struct pty *p)
{
	return MIN(p->head - p->tail, PTY_INPUT);
}

static u8 at(const struct pty *p, u32 position)
{
	return p->input[position % PTY_INPUT];
}

static bool ends_at(const struct pty *p, u32 position)
{
	position %= PTY_INPUT;
	return p->ends[position / 32] >> position % 32 & 1;
}

static void set_end(struct pty *p, u32 position, bool end)
{
	u32 *word = &p->ends[position % PTY_INPUT / 32];
	u32 mask = 1U << position % 32;

	*word = end ? *word | mask : *word & ~mask;
}

static bool flag(const struct pty *p, u32 local)
{
	return p->termios.c_lflag & local;
}

/* Is @c what the terminal has for @which? 0 there: no character is. */
static bool is(const struct pty *p, int which, u8 c)
{
	return c && p->termios.c_cc[which] == c;
}

static void put(struct pty *p, u8 c, bool end)
{
	if (count(p) == PTY_INPUT)
		return;
	set_end(p, p->head, end);
	p->input[p->head % PTY_INPUT] = c;
	p->head++;
	if (end)
		p->line = p->head;
}

/* ---- echo and erasing ---- */

static void end_erasing(struct pty *p)
{
	if (!p->erasing)
		return;
	pty_echo(p, '/');
	p->erasing = 0;
}

/* Before the first character of a line is echoed. */
static void note_column(struct pty *p)
{
	if (p->line == p->head)
		p->first_column = p->column;
}

static void rub_out(struct pty *p, u32 columns)
{
	while (columns--) {
		pty_echo(p, '\b');
		pty_echo(p, ' ');
		pty_echo(p, '\b');
	}
}

/* The tab behind @position is erased: back to where it began. */
static void rub_out_tab(struct pty *p, u32 position)
{
	u32 columns = 0;
	bool another = false;

	while (position != p->line && !another) {
		u8 c = at(p, --position);

		if (c == '\t')
			another = true;
		else if (pty_is_control(c))
			columns += flag(p, ECHOCTL) ? 2 : 0;
		else
			columns += !pty_continues(p, c);
	}
	if (!another)
		columns += p->first_column;
	for (columns = 8 - columns % 8; columns; columns--)
		pty_echo(p, '\b');
}

/* On the screen: @length bytes of a character behind @position, and more. */
static void erase_shown(struct pty *p, u32 position, u32 length, bool one)
{
	u8 c = at(p, position);
	u32 i;

	if (flag(p, ECHOPRT)) {
		if (!p->erasing)
			pty_echo(p, '\\');
		p->erasing = 1;
		pty_echo_visibly(p, c);
		for (i = 1; i < length; i++)
			pty_echo(p, at(p, position + i));
	} else if (one && !flag(p, ECHOE)) {
		pty_echo_visibly(p, p->termios.c_cc[VERASE]);
	} else if (c == '\t') {
		rub_out_tab(p, position);
	} else if (pty_is_control(c)) {
		rub_out(p, flag(p, ECHOCTL) ? 2 : 0);
	} else {
		rub_out(p, 1);
	}
}

static bool in_word(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c >= 0xc0;
}

/* VERASE, VWERASE or VKILL was typed. */
static void erase(struct pty *p, u8 typed)
{
	bool one = is(p, VERASE, typed);
	bool word = !one && is(p, VWERASE, typed);
	bool seen = false;
	u32 position, length;

	if (p->head == p->line)
		return;
	if (!one && !word &&
	    (!flag(p, ECHO) || !flag(p, ECHOK) || !flag(p, ECHOKE) ||
	     !flag(p, ECHOE))) {
		p->head = p->line;
		if (!flag(p, ECHO))
			return;
		end_erasing(p);
		pty_echo_visibly(p, p->termios.c_cc[VKILL]);
		if (flag(p, ECHOK))
			pty_echo(p, '\n');
		return;
	}
	do {
		position = p->head - 1;
		while (pty_continues(p, at(p, position)) && position != p->line)
			position--;
		if (pty_continues(p, at(p, position)))
			break;
		if (word && in_word(at(p, position)))
			seen = true;
		else if (word && seen)
			break;
		length = p->head - position;
		p->head = position;
		if (flag(p, ECHO))
			erase_shown(p, position, length, one);
	} while (!one && p->head != p->line);
	if (p->head == p->line && flag(p, ECHO))
		end_erasing(p);
}

/* ---- typing ---- */

static void reprint(struct pty *p, u8 c)
{
	u32 position;

	end_erasing(p);
	pty_echo_visibly(p, c);
	pty_echo(p, '\n');
	for (position = p->line; position != p->head; position++)
		pty_echo_visibly(p, at(p, position));
}

static void literal_follows(struct pty *p)
{
	p->literal = 1;
	if (!flag(p, ECHO))
		return;
	end_erasing(p);
	if (flag(p, ECHOCTL)) {
		pty_echo(p, '^');
		pty_echo(p, '\b');
	}
}

/* A character without meaning. @line: a carriage return that became a newline */
static void plain(struct pty *p, u8 c, bool line)
{
	if (flag(p, ECHO)) {
		end_erasing(p);
		note_column(p);
		if (line)
			pty_echo(p, c);
		else
			pty_echo_visibly(p, c);
	}
	if (c == 0xff && p->termios.c_iflag & PARMRK)
		put(p, c, false);
	put(p, c, false);
}

static void end_line(struct pty *p, u8 c)
{
	if (c == '\n') {
		if (flag(p, ECHO | ECHONL))
			pty_echo(p, '\n');
	} else if (is(p, VEOF, c)) {
		c = 0;
	} else if (flag(p, ECHO)) {
		note_column(p);
		pty_echo_visibly(p, c);
	}
	put(p, c, true);
}

/* Does it edit or end the line? */
static bool edits(struct pty *p, u8 c)
{
	bool extended = flag(p, IEXTEN);

	if (is(p, VERASE, c) || is(p, VKILL, c) ||
	    (extended && is(p, VWERASE, c)))
		erase(p, c);
	else if (extended && is(p, VLNEXT, c))
		literal_follows(p);
	else if (extended && is(p, VREPRINT, c) && flag(p, ECHO))
		reprint(p, c);
	else if (c == '\n' || is(p, VEOF, c) || is(p, VEOL, c) ||
		 (extended && is(p, VEOL2, c)))
		end_line(p, c);
	else
		return false;
	return true;
}

static int signal_of(const struct pty *p, u8 c)
{
	if (!flag(p, ISIG))
		return 0;
	return is(p, VINTR, c) ? SIGINT :
	       is(p, VQUIT, c) ? SIGQUIT :
	       is(p, VSUSP, c) ? SIGTSTP :
				 0;
}

static void type_one(struct pty *p, u8 c, sigset *signals)
{
	u32 flags = p->termios.c_iflag;
	bool line = false;
	int signal;

	if (flags & ISTRIP)
		c &= 0x7f;
	if (flags & IUCLC && flag(p, IEXTEN))
		c = pty_other_case(c, 0);
	if (p->literal) {
		p->literal = 0;
		plain(p, c, false);
		return;
	}
	if (flag(p, EXTPROC)) {
		put(p, c, false);
		return;
	}
	if (flags & IXON && is(p, VSTART, c)) {
		pty_start(p, PTY_STOPPED_BY_KEY);
		pty_send_echo(p);
		return;
	}
	if (flags & IXON && is(p, VSTOP, c)) {
		pty_stop(p, PTY_STOPPED_BY_KEY);
		return;
	}
	signal = signal_of(p, c);
	if (signal) {
		*signals |= SIGNAL_BIT(signal);
		if (!flag(p, NOFLSH)) {
			pty_drop_input(p);
			pty_drop_echo(p);
		}
		if (flags & IXON)
			pty_start(p, PTY_STOPPED_BY_KEY);
		if (flag(p, ECHO))
			pty_echo_visibly(p, c);
		return;
	}
	if (flags & IXON && flags & IXANY)
		pty_start(p, PTY_STOPPED_BY_KEY);
	if (c == '\r') {
		if (flags & IGNCR)
			return;
		line = flags & ICRNL;
		if (line)
			c = '\n';
	} else if (c == '\n' && flags & INLCR) {
		c = '\r';
	}
	if (!pty_canonical(p) || !edits(p, c))
		plain(p, c, line);
}

/* A line that nobody can read, as it has no end, does not make others wait. */
static bool too_long(const struct pty *p)
{
	return pty_canonical(p) && p->line == p->tail;
}

bool pty_type_room(const struct pty *p)
{
	return count(p) < PTY_INPUT - 1 || too_long(p);
}

size_t pty_type(struct pty *p, const u8 *text, size_t length, sigset *signals)
{
	size_t done;

	pty_mark_echo(p);
	for (done = 0; done < length && pty_type_room(p); done++) {
		/* Its last character gives way, till the line ends. */
		if (count(p) == PTY_INPUT)
			p->head--;
		type_one(p, text[done], signals);
	}
	return done;
}

/* ---- reading ---- */

bool pty_has_input(const struct pty *p, u32 least)
{
	return pty_canonical(p) ? p->line != p->tail :
				  count(p) >= MAX(least, 1U);
}

static bool is_eof(const struct pty *p, u32 position)
{
	return ends_at(p, position) && !at(p, position);
}

size_t pty_take(struct pty *p, u8 *to, size_t room, bool *whole)
{
	size_t done = 0;
	u32 end = pty_canonical(p) ? p->line : p->head;

	*whole = false;
	while (p->tail != end && done < room && !*whole) {
		*whole = pty_canonical(p) && ends_at(p, p->tail);
		if (!*whole || at(p, p->tail))
			to[done++] = at(p, p->tail);
		p->tail++;
	}
	/* An end of file behind what just fitted has been told by that. */
	if (!*whole && pty_canonical(p) && p->tail != end &&
	    is_eof(p, p->tail)) {
		p->tail++;
		*whole = true;
	}
	if (!pty_canonical(p))
		p->line = p->tail;
	return done;
}

int pty_input_count(const struct pty *p)
{
	u32 position;
	int n = 0;

	if (!pty_canonical(p))
		return count(p);
	for (position = p->tail; position != p->line && n < (int)PTY_INPUT;
	     position++)
		n += !is_eof(p, position);
	return n;
}

void pty_drop_input(struct pty *p)
{
	p->head = p->line = p->tail;
	p->erasing = p->literal = 0;
	p->news |= TIOCPKT_FLUSHREAD;
}

/* ---- modes ---- */

static void note_flow(struct pty *p, const struct termios2 *t)
{
	bool keys = t->c_iflag & IXON && t->c_cc[VSTOP] == 19 &&
		    t->c_cc[VSTART] == 17;

	p->news &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
	p->news |= keys ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP;
}

static bool flow_differs(const struct termios2 *a, const struct termios2 *b)
{
	return (a->c_iflag ^ b->c_iflag) & IXON ||
	       a->c_cc[VSTOP] != b->c_cc[VSTOP] ||
	       a->c_cc[VSTART] != b->c_cc[VSTART];
}

void pty_set_termios(struct pty *p, const struct termios2 *t)
{
	bool other = (p->termios.c_lflag ^ t->c_lflag) & (ICANON | EXTPROC);

	if (p->packets && flow_differs(&p->termios, t))
		note_flow(p, t);
	if (p->termios.c_iflag & IXON && !(t->c_iflag & IXON))
		pty_start(p, PTY_STOPPED_BY_KEY);
	p->termios = *t;
	if (!other)
		return;
	/* What is there becomes one line, or is no line any more. */
	memset(p->ends, 0, sizeof(p->ends));
	p->erasing = p->literal = 0;
	p->line = p->tail;
	if (pty_canonical(p) && count(p)) {
		set_end(p, p->head - 1, true);
		p->line = p->head;
	}
}
