/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Pseudo-terminals: what the files fs/pty*.c share. ptys.h has the whole.
 */
#ifndef _LIBOS_FS_PTY_H
#define _LIBOS_FS_PTY_H

#include "fs.h"

#include <ptys.h>

/* struct pty_end - struct file.data: one side of one, not changed */
struct pty_end {
	struct pty *pty;
	u32 number;
	bool master;
};

static inline const struct pty_end *pty_end_of(const struct file *file)
{
	return file->data;
}

/* ---- pty.c ---- */

extern const struct file_ops pty_file_ops;

void pty_lock(const struct pty_end *end);
void pty_unlock(const struct pty_end *end);
/* Something that others may wait for has changed. The lock is not held. */
void pty_notify(const struct pty_end *end);
/* What the calling process will hear of from now on: before it looks. */
void pty_watch(const struct pty_end *end);
struct wait_queue *pty_queue(const struct pty_end *end);
/* A new one, its master. */
int pty_open_master(u32 flags, struct file **out);
/* @path: under which name */
int pty_open_slave(u32 number, u32 flags, const char *path, struct file **out);
/* The slave of the terminal that controls the caller; -ENXIO */
int pty_open_mine(u32 flags, struct file **out);
/* The same end again: of a master, another pseudo-terminal. */
int pty_reopen(struct file *file, u32 flags, struct file **out);
/* Of /dev/pts: is there number @number; the first that is not below. -1 */
bool pty_exists(u32 number);
int pty_next(u32 number);
/* Of /dev/pts/@number: to be filled in, or changed. */
int pty_attributes(u32 number, struct dk_stream_attributes *attributes);
int pty_set_attributes(u32 number,
		       const struct dk_stream_attributes *attributes);
/* Which one @t, that of a pseudo-terminal, is: major << 32 | minor */
u64 pty_device(const struct terminal *t);
void pty_release(struct file *file);
/*
 * An end is sent: it stays open until pty_arrived(). pty_receive() makes a
 * description of it for the caller; NULL if it is none, or for want of memory.
 */
void pty_send(const struct file *file);
void pty_arrived(u32 number, bool master);
struct file *pty_receive(u32 number, bool master, u32 flags, const char *path);

/* ---- pty_input.c: under the lock ---- */

static inline bool pty_canonical(const struct pty *p)
{
	return p->termios.c_lflag & ICANON;
}

/*
 * Type @length characters: how many there was room for. @signals receives
 * those for the foreground.
 */
size_t pty_type(struct pty *p, const u8 *text, size_t length, sigset *signals);
/* Would typing wait? */
bool pty_type_room(const struct pty *p);
/* Read up to @room characters; *@whole: a line has ended with them. */
size_t pty_take(struct pty *p, u8 *to, size_t room, bool *whole);
/* Has a read something to tell? @least: of characters, when not canonical */
bool pty_has_input(const struct pty *p, u32 least);
int pty_input_count(const struct pty *p);
void pty_drop_input(struct pty *p);
void pty_set_termios(struct pty *p, const struct termios2 *t);

/* ---- pty_output.c: under the lock ---- */

/* As the program writes it: how many characters there was room for. */
size_t pty_print(struct pty *p, const u8 *text, size_t length);
bool pty_print_room(const struct pty *p);
/* Output of the line discipline itself. */
void pty_echo(struct pty *p, u8 c);
/* The same, a control character as ^X if ECHOCTL. */
void pty_echo_visibly(struct pty *p, u8 c);
/*
 * Echo belongs together as it was typed together: Ctrl-C takes back what came
 * before it, Ctrl-S holds it, but for what was sent before.
 */
void pty_mark_echo(struct pty *p);
void pty_send_echo(struct pty *p);
void pty_drop_echo(struct pty *p);
void pty_stop(struct pty *p, u32 by);
void pty_start(struct pty *p, u32 by);
/* What the master reads. */
size_t pty_output_count(const struct pty *p);
size_t pty_fetch(struct pty *p, u8 *to, size_t room);

/* In a multi-byte character (IUTF8), not the first byte of it. */
static inline bool pty_continues(const struct pty *p, u8 c)
{
	return p->termios.c_iflag & IUTF8 && (c & 0xc0) == 0x80;
}

static inline bool pty_is_control(u8 c)
{
	return c < 0x20 || c == 0x7f;
}

/* A letter of Latin-1 in small (0x20: in capitals): the same in both but a bit */
static inline u8 pty_other_case(u8 c, u8 small)
{
	u8 capital = c & ~0x20;

	if ((c & 0x20) != small)
		return c;
	if ((capital >= 'A' && capital <= 'Z') ||
	    (capital >= 0xc0 && capital <= 0xde && capital != 0xd7))
		return c ^ 0x20;
	return c;
}

/* ---- pty_control.c ---- */

/* The numbers of the speeds that the flags say. */
void termios_set_speeds(struct termios2 *t);
long pty_control(struct file *file, unsigned int command,
		 unsigned long argument);
/* Signals that typing has caused: to the foreground. The lock is not held. */
void pty_signal(struct pty *p, sigset signals);

#endif /* _LIBOS_FS_PTY_H */
