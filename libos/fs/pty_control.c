// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Pseudo-terminals: ioctl.
 *
 * Modes and size are the slave's, whichever end asks. Sessions and groups:
 * process/terminal.c.
 */
#include "pty.h"

#include <asm/ioctls.h>
#include <processes.h>
#include <signals.h>

/* What a command copies: the size of the program's structure. */
static size_t size_of(unsigned int command)
{
	switch (command) {
	case TCGETS:
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return sizeof(struct termios);
	default:
		return sizeof(struct termios2);
	}
}

static const u32 speeds[] = {
	0,   50,   75,	 110,  134,  150,  200,	  300,
	600, 1200, 1800, 2400, 4800, 9600, 19200, 38400,
};

static const u32 more_speeds[] = {
	0,	 57600,	  115200,  230400,  460800,  500000,  576000,  921600,
	1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
};

static u32 speed_of(u32 code, u32 other)
{
	if (code & BOTHER)
		return code == BOTHER ? other :
		       code - BOTHER < ARRAY_SIZE(more_speeds) ?
					more_speeds[code - BOTHER] :
					38400;
	return code < ARRAY_SIZE(speeds) ? speeds[code] : 38400;
}

void termios_set_speeds(struct termios2 *t)
{
	u32 in = (t->c_cflag & CIBAUD) >> IBSHIFT;

	t->c_ospeed = speed_of(t->c_cflag & CBAUD, t->c_ospeed);
	t->c_ispeed = in ? speed_of(in, t->c_ispeed) : t->c_ospeed;
}

static long get_termios(const struct pty_end *end, unsigned int command,
			void *to)
{
	struct termios2 copy;

	pty_lock(end);
	copy = end->pty->termios;
	pty_unlock(end);
	return user_write(to, &copy, size_of(command));
}

static long set_termios(const struct pty_end *end, unsigned int command,
			const void *from, bool flush)
{
	struct pty *p = end->pty;
	struct termios2 copy = p->termios;
	long r = terminal_check(&p->terminal, SIGTTOU);

	if (r)
		return r;
	if (user_read(&copy, from, size_of(command)))
		return -EFAULT;
	copy.c_line = 0;
	/* There are no wires: 8 bits, and no parity. */
	copy.c_cflag = (copy.c_cflag & ~(u32)(CSIZE | PARENB)) | CS8 | CREAD;
	termios_set_speeds(&copy);
	pty_lock(end);
	if (flush)
		pty_drop_input(p);
	pty_set_termios(p, &copy);
	pty_unlock(end);
	pty_notify(end);
	return 0;
}

static long get_size(const struct pty_end *end, struct winsize *to)
{
	struct winsize copy;

	pty_lock(end);
	copy = end->pty->size;
	pty_unlock(end);
	return user_put(copy, to);
}

static long set_size(const struct pty_end *end, const struct winsize *from)
{
	struct pty *p = end->pty;
	struct winsize copy;
	bool other;
	u32 group;

	if (user_get(copy, from))
		return -EFAULT;
	pty_lock(end);
	other = memcmp(&copy, &p->size, sizeof(copy));
	p->size = copy;
	pty_unlock(end);
	group = terminal_group(&p->terminal);
	if (other && group)
		group_signal(group, SIGWINCH, NULL);
	return 0;
}

void pty_signal(struct pty *p, sigset signals)
{
	u32 group = terminal_group(&p->terminal);

	for (; group && signals; signals &= signals - 1)
		group_signal(group, __builtin_ctzll(signals) + 1, NULL);
}

static long put_number(const void *to, int number)
{
	return user_put(number, (int *)to);
}

/* FIONREAD */
static long count(const struct pty_end *end, int *to)
{
	int n;

	pty_lock(end);
	n = end->master ? (int)pty_output_count(end->pty) :
			  pty_input_count(end->pty);
	pty_unlock(end);
	return put_number(to, n);
}

static long flow(const struct pty_end *end, unsigned long what)
{
	struct pty *p = end->pty;
	long r = terminal_check(&p->terminal, SIGTTOU);
	u8 c;

	if (r)
		return r;
	if (what > TCION)
		return -EINVAL;
	if (end->master)
		return 0; /* what is typed cannot be stopped */
	pty_lock(end);
	if (what == TCOOFF)
		pty_stop(p, PTY_STOPPED_BY_CALL);
	else if (what == TCOON)
		pty_start(p, PTY_STOPPED_BY_CALL);
	c = p->termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
	if ((what == TCIOFF || what == TCION) && c)
		pty_print(p, &c, 1);
	pty_unlock(end);
	pty_notify(end);
	return 0;
}

static long flush(const struct pty_end *end, unsigned long what)
{
	struct pty *p = end->pty;
	long r = terminal_check(&p->terminal, SIGTTOU);

	if (r)
		return r;
	if (what > TCIOFLUSH)
		return -EINVAL;
	pty_lock(end);
	if (end->master && what != TCOFLUSH)
		p->out_tail = p->out_head;
	if (!end->master && what != TCOFLUSH)
		pty_drop_input(p);
	pty_unlock(end);
	pty_notify(end);
	return 0;
}

static long get_group(const struct pty_end *end, int *to)
{
	const struct terminal *t = &end->pty->terminal;

	if (!end->master && terminal_mine() != t)
		return -ENOTTY;
	return put_number(to, terminal_group(t));
}

static long get_session(const struct pty_end *end, int *to)
{
	const struct terminal *t = &end->pty->terminal;

	if ((!end->master && terminal_mine() != t) ||
	    t->session == TERMINAL_NOBODYS)
		return -ENOTTY;
	return put_number(to, t->session);
}

/* What both ends have. */
static long common(struct file *file, unsigned int command,
		   unsigned long argument)
{
	const struct pty_end *end = pty_end_of(file);
	void *user = (void *)argument;
	int on;

	switch (command) {
	case TCGETS:
	case TCGETS2:
		return get_termios(end, command, user);
	case TCSETS:
	case TCSETSW:
	case TCSETS2:
	case TCSETSW2:
		return set_termios(end, command, user, false);
	case TCSETSF:
	case TCSETSF2:
		return set_termios(end, command, user, true);
	case TIOCGWINSZ:
		return get_size(end, user);
	case TIOCSWINSZ:
		return set_size(end, user);
	case FIONREAD:
		return count(end, user);
	case TIOCOUTQ:
	case TIOCGETD:
		return put_number(user, 0);
	case TIOCSETD:
		if (user_get(on, (int *)user))
			return -EFAULT;
		return on ? -EINVAL : 0;
	case TCSBRK:
	case TCSBRKP:
		/* Output needs no time; a break has no meaning. */
		return terminal_check(&end->pty->terminal, SIGTTOU);
	case TCXONC:
		return flow(end, argument);
	case TCFLSH:
		return flush(end, argument);
	case TIOCGPGRP:
		return get_group(end, user);
	case TIOCSPGRP:
		return terminal_set_group(&end->pty->terminal, user);
	case TIOCGSID:
		return get_session(end, user);
	case TIOCSCTTY:
		return terminal_acquire(&end->pty->terminal, argument == 1);
	case TIOCNOTTY:
		return end->master ? -ENOTTY :
				     terminal_give_up(&end->pty->terminal);
	case TIOCEXCL:
	case TIOCNXCL:
		end->pty->exclusive = command == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		return put_number(user, end->pty->exclusive);
	case TIOCGPTPEER:
		return -EIO; /* a slave has none */
	default:
		return -ENOTTY;
	}
}

static long open_peer(const struct pty_end *end, u32 flags)
{
	char path[sizeof("/dev/pts/") + 10];
	struct file *file;
	long r;

	if (flags & ~(u32)(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	snprintf(path, sizeof(path), "/dev/pts/%u", end->number);
	r = pty_open_slave(end->number, flags, path, &file);
	return r ? r : fd_open(file, flags & O_CLOEXEC);
}

static long set_packets(const struct pty_end *end, bool on)
{
	struct pty *p = end->pty;

	pty_lock(end);
	if (on && !p->packets)
		p->news = 0;
	p->packets = on;
	pty_unlock(end);
	return 0;
}

static long of_master(struct file *file, unsigned int command,
		      unsigned long argument)
{
	const struct pty_end *end = pty_end_of(file);
	struct pty *p = end->pty;
	int *user = (int *)argument;
	int number;

	switch (command) {
	case TIOCGPTN:
		return put_number(user, end->number);
	case TIOCGPTLCK:
		return put_number(user, p->locked);
	case TIOCGPKT:
		return put_number(user, p->packets);
	case TIOCGPTPEER:
		return open_peer(end, argument);
	case TIOCSIG:
		if (argument != SIGINT && argument != SIGQUIT &&
		    argument != SIGTSTP)
			return -EINVAL;
		pty_signal(p, SIGNAL_BIT(argument));
		return 0;
	case TIOCSPTLCK:
	case TIOCPKT:
		if (user_get(number, user))
			return -EFAULT;
		if (command == TIOCPKT)
			return set_packets(end, number);
		p->locked = !!number;
		return 0;
	default:
		return common(file, command, argument);
	}
}

long pty_control(struct file *file, unsigned int command,
		 unsigned long argument)
{
	const struct pty_end *end = pty_end_of(file);

	if (end->master)
		return of_master(file, command, argument);
	if (end->pty->hung_up)
		return command == TIOCSPGRP ? -ENOTTY : -EIO;
	return common(file, command, argument);
}
