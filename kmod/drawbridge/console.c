// SPDX-License-Identifier: GPL-2.0-only
/*
 * stdin:, stdout: and stderr: are the files that the monitor gave to the
 * sandbox; and DkxConsoleControl.
 *
 * Every stream opened on one shares the monitor's struct file, so its
 * position and its flags are those of everybody who has it. Rights come from
 * what the file was opened for; rules are not asked, the monitor's choice is
 * the permission. Its attributes cannot be changed and it is never mapped
 * executable.
 *
 * Of all that ioctl() can do to a terminal, only what is listed here passes.
 * TIOCSTI, which types on behalf of the user, never does.
 */
#include <linux/nospec.h>
#include <linux/security.h>
#include <linux/termios.h>

#include <asm/ioctls.h>

#include "stream.h"

static const struct dk_stream_ops console_ops = {
	.read = dk_file_read,
	.write = dk_file_write,
	.map = dk_file_map,
	.set_length = dk_file_set_length,
	.flush = dk_file_flush,
	.seek = dk_file_seek,
	.get_attributes = dk_stream_get_attributes,
};

/* Whether the file is not the stream's own. */
bool dk_is_console(const struct dk_stream *stream)
{
	return stream->ops == &console_ops;
}

/* The file behind a console stream, or NULL; the sandbox keeps it. */
struct file *dk_console_file(const struct dk_sandbox *sandbox,
			     enum dk_scheme scheme)
{
	return sandbox->streams[scheme - DK_SCHEME_STDIN];
}

long dk_console_open(struct dk_stream *stream, enum dk_scheme scheme,
		     const struct dk_open *open, u32 *rights)
{
	struct file *file = dk_console_file(stream->sandbox, scheme);

	if (!file)
		return -ENOENT;
	if (open->disposition == DK_OPEN_CREATE_NEW)
		return -EEXIST;
	if (open->options & DK_OPTION_DIRECTORY)
		return -ENOTDIR;
	if (open->access & DK_ACCESS_EXECUTE ||
	    (open->access & DK_ACCESS_READ && !(file->f_mode & FMODE_READ)) ||
	    (open->access & DK_ACCESS_WRITE && !(file->f_mode & FMODE_WRITE)))
		return -EACCES;
	/* What is there already is not ours to throw away. */
	stream->file = get_file(file);
	stream->ops = &console_ops;
	*rights = (open->access & DK_ACCESS_RIGHTS) | DK_RIGHT_CONTROL;
	return 0;
}

/* ---- control ---- */

static const struct {
	unsigned int command;
	u32 size;
} operations[] = {
	[DK_CONSOLE_GET_ATTRIBUTES] = { TCGETS, sizeof(struct termios) },
	[DK_CONSOLE_SET_ATTRIBUTES] = { TCSETS, sizeof(struct termios) },
	[DK_CONSOLE_SET_ATTRIBUTES_DRAIN] = { TCSETSW, sizeof(struct termios) },
	[DK_CONSOLE_SET_ATTRIBUTES_FLUSH] = { TCSETSF, sizeof(struct termios) },
	[DK_CONSOLE_GET_WINDOW_SIZE] = { TIOCGWINSZ, sizeof(struct winsize) },
	[DK_CONSOLE_BYTES_READABLE] = { FIONREAD, sizeof(int) },
	[DK_CONSOLE_SET_WINDOW_SIZE] = { TIOCSWINSZ, sizeof(struct winsize) },
};

static long control(struct file *file, unsigned int command,
		    void __user *buffer)
{
	long error;

	error = security_file_ioctl(file, command, (unsigned long)buffer);
	return error ?: vfs_ioctl(file, command, (unsigned long)buffer);
}

/* Whether @file is a terminal; 36 bytes at @scratch may be overwritten. */
bool dk_is_terminal(struct file *file, void __user *scratch)
{
	return !control(file, TCGETS, scratch);
}

static long bytes_readable(struct file *file, int __user *buffer)
{
	const struct inode *inode = file_inode(file);

	if (S_ISREG(inode->i_mode))
		return put_user((int)clamp_t(loff_t, i_size_read(inode) -
					     file->f_pos, 0, INT_MAX), buffer);
	return control(file, FIONREAD, buffer);
}

/* DkxConsoleControl(stream, operation, buffer, length) */
DK_HANDLER(DkxConsoleControl)
{
	struct dk_stream *stream;
	struct file *file;
	long error;

	BUILD_BUG_ON(sizeof(struct termios) != 36 ||
		     sizeof(struct winsize) != 8);
	if (a1 >= ARRAY_SIZE(operations))
		return -EINVAL;
	a1 = array_index_nospec(a1, ARRAY_SIZE(operations));
	if (a3 != operations[a1].size)
		return -EINVAL;
	if (!access_ok(dk_user(a2), a3))
		return -EFAULT;
	dk_block_begin(thread);
	stream = dk_stream_get(thread, a0, DK_RIGHT_CONTROL);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	file = stream->file;
	error = -EOPNOTSUPP;
	if (file && a1 == DK_CONSOLE_BYTES_READABLE)
		error = bytes_readable(file, dk_user(a2));
	else if (file && S_ISCHR(file_inode(file)->i_mode))
		error = control(file, operations[a1].command, dk_user(a2));
	dk_stream_put(stream);
	/* "Not that kind of file" has several spellings. */
	if (error == -EINVAL)
		error = -EOPNOTSUPP;
	return dk_stream_status(error, dk_statuses_DkxConsoleControl);
}
