// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The console streams stdin:, stdout: and stderr:, descriptors 0, 1 and 2 of a
 * new process. Behind each is whatever the launcher was given: a terminal, a
 * pipe, a file, a device.
 *
 * O_NONBLOCK is an option of the host's stream, not of what is behind it (a
 * terminal is shared with others who do not expect it to change), and is
 * chosen when it is opened. So a console has a second stream when the flag is
 * set, made when that happens first.
 *
 * Polling asks the host, of what it has queues for: of a file or /dev/null it
 * has none, and epoll will not have those.
 */
#include "fs.h"

#include <asm/termbits.h>
#include <processes.h>
#include <signals.h>

/*
 * struct console - struct file.data
 * @polled:   the host knows when it is ready
 * @nonblock: the stream with DK_OPTION_NONBLOCK, or 0
 */
struct console {
	int number;
	bool terminal;
	bool polled;
	DK_HANDLE nonblock;
};

static const char *const uris[] = { "stdin:", "stdout:", "stderr:" };

/* The stream that obeys the file's flags. */
static DK_HANDLE console_handle(struct file *file)
{
	struct console *console = file->data;
	DK_HANDLE handle =
		__atomic_load_n(&console->nonblock, __ATOMIC_RELAXED);

	if (__atomic_load_n(&file->flags, __ATOMIC_RELAXED) & O_NONBLOCK &&
	    handle)
		return handle;
	return file->handle;
}

static u64 console_access(struct file *file)
{
	return (file->access & FILE_READ ? DK_ACCESS_READ : 0) |
	       (file->access & FILE_WRITE ? DK_ACCESS_WRITE : 0);
}

/* Make sure that the second stream is there; file->lock is held. */
static void console_need_nonblock(struct file *file)
{
	struct console *console = file->data;
	const char *uri = uris[console->number];
	u64 access = console_access(file);
	DK_HANDLE handle;

	if (console->nonblock)
		return;
	if (host_append(file, -1) > 0)
		access |= DK_ACCESS_APPEND;
	if (!DkStreamOpen(uri, strlen(uri), access, DK_OPEN_EXISTING,
			  DK_OPTION_NONBLOCK, &handle))
		__atomic_store_n(&console->nonblock, handle, __ATOMIC_RELAXED);
}

/* Of both streams. */
static int console_append(struct file *file, int set)
{
	struct console *console = file->data;
	u32 append = set;

	if (set >= 0 && console->nonblock)
		DkxStreamControl(console->nonblock, DK_CONTROL_SET_APPEND,
				 &append, sizeof(append));
	return host_append(file, set);
}

static void console_set_flags(struct file *file, u32 flags)
{
	if (!(flags & O_NONBLOCK))
		return;
	lock_acquire(&file->lock);
	console_need_nonblock(file);
	lock_release(&file->lock);
}

static s64 console_read(struct file *file, void *buffer, size_t length,
			u64 offset)
{
	struct console *console = file->data;
	dk_u64 done;
	s64 result;

	if (console->terminal) {
		result = terminal_check(&process_table->console, SIGTTIN);
		if (result)
			return result;
	}
	do {
		result = errno_restart(HOST_WAIT(DkStreamRead,
						 console_handle(file), offset,
						 buffer, length, &done));
		if (result != -ERESTARTSYS || signal_interrupts())
			break;
		result = console->terminal ? terminal_read_again() : 0;
	} while (!result);
	return result ? result : (s64)done;
}

/* In the background, the terminal's TOSTOP decides. */
static s64 check_write(struct file *file)
{
	struct termios attributes;

	if (terminal_in_foreground(&process_table->console) ||
	    DkxConsoleControl(file->handle, DK_CONSOLE_GET_ATTRIBUTES,
			      &attributes, sizeof(attributes)) ||
	    !(attributes.c_lflag & TOSTOP))
		return 0;
	return terminal_check(&process_table->console, SIGTTOU);
}

static s64 console_write(struct file *file, const void *buffer, size_t length,
			 u64 offset)
{
	struct console *console = file->data;
	s64 result = console->terminal ? check_write(file) : 0;

	return result ? result :
			stream_write(file, console_handle(file), buffer, length,
				     offset);
}

static u32 console_poll(struct file *file, struct poll_table *table)
{
	return pipe_ops.poll(file, table);
}

static s64 console_seek(struct file *file, s64 offset, int whence)
{
	return host_ops.seek(file, offset, whence);
}

static int console_attributes(struct file *file,
			      struct dk_stream_attributes *attributes)
{
	return host_ops.attributes(file, attributes);
}

static int console_set_attributes(struct file *file,
				  const struct dk_stream_attributes *attributes)
{
	return host_ops.set_attributes(file, attributes);
}

static int console_set_length(struct file *file, u64 length)
{
	return host_ops.set_length(file, length);
}

static int console_flush(struct file *file, u64 flags)
{
	return host_ops.flush(file, flags);
}

static void console_release(struct file *file)
{
	struct console *console = file->data;

	if (console->nonblock)
		DkObjectClose(console->nonblock);
	mem_free(console);
}

const struct file_ops console_ops = {
	.read = console_read,
	.write = console_write,
	.seek = console_seek,
	.attributes = console_attributes,
	.set_attributes = console_set_attributes,
	.set_length = console_set_length,
	.flush = console_flush,
	.poll = console_poll,
	.set_flags = console_set_flags,
	.append = console_append,
	.release = console_release,
};

/* With the access that @flags ask for, or with what there is if @any. */
static int console_open_handle(int number, u64 access, bool any,
			       DK_HANDLE *handle, u64 *granted)
{
	const u64 tries[] = {
		access,
		number ? DK_ACCESS_WRITE : DK_ACCESS_READ,
		number ? DK_ACCESS_READ : DK_ACCESS_WRITE,
	};
	const char *uri = uris[number];
	int error = -ENXIO;
	size_t i;

	for (i = 0; i < (any ? ARRAY_SIZE(tries) : 1); i++) {
		error = errno_of(DkStreamOpen(uri, strlen(uri), tries[i],
					      DK_OPEN_EXISTING, 0, handle));
		*granted = tries[i];
		if (error != -EACCES && error != -EINVAL)
			break;
	}
	return error;
}

static int console_setup(struct file *file, int number)
{
	struct dk_stream_attributes attributes;
	struct console *console = mem_zalloc(sizeof(*console));
	u32 ready;

	if (!console)
		return -ENOMEM;
	console->number = number;
	file->data = console;
	if (!console_attributes(file, &attributes)) {
		file->type = attributes.type;
		console->terminal = attributes.flags & DK_ATTRIBUTE_TERMINAL;
	}
	console->polled = !DkxStreamControl(file->handle, DK_CONTROL_READY,
					    &ready, sizeof(ready));
	return 0;
}

/*
 * console_open() - a new description of console @number
 * @flags: O_*; all ones: with all the access that it has
 */
int console_open(int number, u32 flags, struct file **out)
{
	bool any = flags == ~0U;
	u64 access = DK_ACCESS_READ | DK_ACCESS_WRITE;
	struct file *file;
	DK_HANDLE handle;
	int error;

	if (!any)
		access = (access_of_flags(flags) & FILE_READ ? DK_ACCESS_READ :
							       0) |
			 (access_of_flags(flags) & FILE_WRITE ?
				  DK_ACCESS_WRITE :
				  0);
	error = console_open_handle(number, access, any, &handle, &access);
	if (error)
		return error;
	if (any)
		flags = access == DK_ACCESS_READ  ? O_RDONLY :
			access == DK_ACCESS_WRITE ? O_WRONLY :
						    O_RDWR;
	file = file_new(FILE_CONSOLE, NULL, access_of_flags(flags), flags);
	if (!file) {
		DkObjectClose(handle);
		return -ENOMEM;
	}
	file->handle = handle;
	file->ops = &host_ops; /* until it is set up */
	error = console_setup(file, number);
	if (error) {
		file_put(file);
		return error;
	}
	file->ops = &console_ops;
	if (flags & O_APPEND)
		console_append(file, 1);
	if (flags & O_NONBLOCK)
		console_set_flags(file, flags);
	/* The host cannot open it again: its position is that of all. */
	if (!any && flags & O_TRUNC && access & DK_ACCESS_WRITE &&
	    file_type(file) == DK_TYPE_FILE) {
		error = console_set_length(file, 0);
		if (!error)
			console_seek(file, 0, SEEK_SET);
	}
	if (error) {
		file_put(file);
		return error;
	}
	*out = file;
	return 0;
}

bool console_can_poll(struct file *file)
{
	return ((struct console *)file->data)->polled;
}

int console_number(struct file *file)
{
	return ((struct console *)file->data)->number;
}

/* May DkxConsoleControl's terminal operations be tried on it? */
bool file_is_terminal(struct file *file)
{
	if (file->kind == FILE_CONSOLE)
		return ((struct console *)file->data)->terminal;
	return file->kind == FILE_HOST && file_type(file) == DK_TYPE_CHARACTER;
}

/* Is there a terminal behind console @number? Which, if it is asked for. */
static bool is_terminal(int number, struct dk_stream_attributes *attributes)
{
	struct file *file;
	bool terminal;

	if (console_open(number, ~0U, &file))
		return false;
	terminal = file_is_terminal(file) &&
		   (!attributes || !console_attributes(file, attributes));
	file_put(file);
	return terminal;
}

bool console_is_terminal(int number)
{
	return is_terminal(number, NULL);
}

/* The number of the host's terminal, major << 32 | minor; 0: there is none. */
u64 console_device(void)
{
	struct dk_stream_attributes attributes;
	int number;

	for (number = 0; number < 3; number++)
		if (is_terminal(number, &attributes))
			return attributes.special;
	return 0;
}
