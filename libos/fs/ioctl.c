// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * ioctl: terminals, and the few commands that every file has.
 *
 * A terminal is the host's, and shared with whoever started the picoprocess.
 * What changes or tells its mode is passed on; what concerns sessions and
 * process groups is answered by process/terminal.c.
 */
#include "fs.h"
#include "processes.h"
#include "pty.h"
#include "signals.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>

static long set_nonblock(struct file *file, const int *from)
{
	u32 flags;
	int on;

	if (user_get(on, from))
		return -EFAULT;
	lock_acquire(&file->lock);
	flags = file->flags & ~O_NONBLOCK;
	if (on)
		flags |= O_NONBLOCK;
	__atomic_store_n(&file->flags, flags, __ATOMIC_RELAXED);
	lock_release(&file->lock);
	file_tell_flags(file, flags);
	return 0;
}

/* What is left of a regular file, or what a pipe or terminal has for us. */
static long bytes_readable(struct file *file, int *to)
{
	struct dk_stream_attributes attributes;
	s64 position;
	int count = 0;

	if (file_type(file) == DK_TYPE_FILE) {
		position = file_seek(file, 0, SEEK_CUR);
		if (position < 0 || file_attributes(file, &attributes))
			return -ENOTTY;
		count = attributes.length - position;
	} else if (file->handle == DK_INVALID_HANDLE ||
		   DkxConsoleControl(file->handle, DK_CONSOLE_BYTES_READABLE,
				     &count, sizeof(count))) {
		return -ENOTTY;
	}
	return user_put(count, to);
}

/* One of the host's terminal operations, with the program's memory. */
static long terminal(struct file *file, u64 operation, unsigned long argument,
		     size_t length)
{
	long error;

	if (!user_ok((void *)argument, length))
		return -EFAULT;
	error = errno_restart(DkxConsoleControl(file->handle, operation,
						(void *)argument, length));
	return error == -EOPNOTSUPP || error == -EACCES ? -ENOTTY : error;
}

/* The same, of a process in the foreground. */
static long change(struct file *file, u64 operation, unsigned long argument)
{
	long r = terminal_check(&process_table->console, SIGTTOU);

	return r ? r :
		   terminal(file, operation, argument, sizeof(struct termios));
}

/* Set what is set already, for what comes with it. */
static long change_nothing(struct file *file, u64 operation)
{
	struct termios attributes;
	long r = terminal_check(&process_table->console, SIGTTOU);

	if (!r)
		r = errno_restart(DkxConsoleControl(file->handle,
						    DK_CONSOLE_GET_ATTRIBUTES,
						    &attributes,
						    sizeof(attributes)));
	if (!r)
		r = errno_restart(DkxConsoleControl(file->handle, operation,
						    &attributes,
						    sizeof(attributes)));
	return r;
}

/* The host has only the first part of the structure: speeds are in the flags. */
static long get_termios2(struct file *file, unsigned long argument)
{
	struct termios2 t = { 0 };
	long r = errno_restart(DkxConsoleControl(file->handle,
						 DK_CONSOLE_GET_ATTRIBUTES, &t,
						 sizeof(struct termios)));

	termios_set_speeds(&t);
	return r ? -ENOTTY : user_put(t, (struct termios2 *)argument);
}

static long set_termios2(struct file *file, u64 operation,
			 unsigned long argument)
{
	struct termios2 t;
	long r = terminal_check(&process_table->console, SIGTTOU);

	if (r)
		return r;
	if (user_get(t, (const struct termios2 *)argument))
		return -EFAULT;
	r = errno_restart(DkxConsoleControl(file->handle, operation, &t,
					    sizeof(struct termios)));
	return r == -EOPNOTSUPP || r == -EACCES ? -ENOTTY : r;
}

static long put_id(unsigned long argument, int id)
{
	return user_put(id, (int *)argument);
}

static long terminal_control(struct file *file, unsigned int command,
			     unsigned long argument)
{
	struct terminal *t = &process_table->console;
	struct termios attributes;

	switch (command) {
	case TCGETS:
		return terminal(file, DK_CONSOLE_GET_ATTRIBUTES, argument,
				sizeof(attributes));
	case TCSETS:
		return change(file, DK_CONSOLE_SET_ATTRIBUTES, argument);
	case TCSETSW:
		return change(file, DK_CONSOLE_SET_ATTRIBUTES_DRAIN, argument);
	case TCSETSF:
		return change(file, DK_CONSOLE_SET_ATTRIBUTES_FLUSH, argument);
	case TIOCGWINSZ:
		return terminal(file, DK_CONSOLE_GET_WINDOW_SIZE, argument, 8);
	case TIOCSWINSZ:
		return terminal(file, DK_CONSOLE_SET_WINDOW_SIZE, argument, 8);
	case TCGETS2:
		return get_termios2(file, argument);
	case TCSETS2:
		return set_termios2(file, DK_CONSOLE_SET_ATTRIBUTES, argument);
	case TCSETSW2:
		return set_termios2(file, DK_CONSOLE_SET_ATTRIBUTES_DRAIN,
				    argument);
	case TCSETSF2:
		return set_termios2(file, DK_CONSOLE_SET_ATTRIBUTES_FLUSH,
				    argument);
	}

	/* For the rest it only counts whether this is a terminal. */
	if (DkxConsoleControl(file->handle, DK_CONSOLE_GET_ATTRIBUTES,
			      &attributes, sizeof(attributes)))
		return -ENOTTY;
	switch (command) {
	case TIOCGPGRP:
		if (terminal_mine() != t)
			return -ENOTTY;
		return put_id(argument, terminal_group(t));
	case TIOCSPGRP:
		return terminal_set_group(t, (int *)argument);
	case TIOCGSID:
		if (terminal_mine() != t)
			return -ENOTTY;
		return put_id(argument, process_session());
	case TIOCSCTTY:
		return terminal_acquire(t, argument == 1);
	case TIOCNOTTY:
		return terminal_give_up(t);
	case TCSBRK:
		/* A break has no meaning here; all else waits for output. */
		return argument ?
			       change_nothing(file,
					      DK_CONSOLE_SET_ATTRIBUTES_DRAIN) :
			       0;
	case TCSBRKP:
		return 0;
	case TCFLSH:
		if (argument > TCIOFLUSH)
			return -EINVAL;
		return argument == TCOFLUSH ?
			       0 :
			       change_nothing(file,
					      DK_CONSOLE_SET_ATTRIBUTES_FLUSH);
	case TCXONC:
		return argument > TCION ? -EINVAL : 0;
	case TIOCOUTQ:
	case TIOCGETD:
		return put_id(argument, 0);
	default:
		return -ENOTTY;
	}
}

SYSCALL3(ioctl, int, fd, unsigned int, command, unsigned long, argument)
{
	struct file *file = fs_get(fd);
	long result = -ENOTTY;

	if (!file)
		return -EBADF;
	hold(file);
	switch (command) {
	case FIOCLEX:
	case FIONCLEX:
		fd_close_on_exec(fd, command == FIOCLEX);
		result = 0;
		break;
	case FIONBIO:
		result = set_nonblock(file, (const int *)argument);
		break;
	case FIONREAD:
		if (file->ops->control)
			result = file->ops->control(file, command, argument);
		else
			result = bytes_readable(file, (int *)argument);
		break;
	default:
		if (file->ops->control)
			result = file->ops->control(file, command, argument);
		else if (file_is_terminal(file))
			result = terminal_control(file, command, argument);
	}
	hold(NULL);
	file_put(file);
	return result;
}
