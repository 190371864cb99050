/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Terminals: who controls which, and the pseudo-terminals.
 *
 * A pseudo-terminal is memory that all processes of the sandbox share, as is
 * the table of processes, in which it stands (processes.h). Its two ends are
 *
 *	master write --> line discipline --> input ring ---> slave read
 *			      | echo
 *			      v
 *	master read <----- output ring <-- output processing <-- slave write
 *
 * The host knows nothing of it. So that nothing depends on any process:
 *
 * - Who has an end open stands in each process's entry, as one bit for each
 *   pseudo-terminal and side, which is gone with the process. Whoever takes
 *   such a bit away (it closes, it ends, its child was killed) looks whether
 *   it was the last one, and what follows from that. An end that was sent
 *   (SCM_RIGHTS) is counted while it is on its way; one that is never received,
 *   because the socket goes, stays so.
 * - Its lock has the host's id of its owner, and is taken from one that is
 *   gone. What it had begun stays as it is: every index is taken modulo the
 *   size of its ring.
 * - What one call writes stays together, though it waits for room: who writes
 *   to a side is the only one (@writers) until all is written, or a signal
 *   comes. The process stands there with the host's id, and another takes its
 *   turn when it is gone or stopped.
 * - Who waits does so for its own process: a wait queue for each
 *   pseudo-terminal. A process that looks says so first (@pty_watched of its
 *   entry); who changes something takes that mark and rings (mail_ring()).
 *   Marks are set before looking, and taken after changing, so none is missed.
 *
 * After fork the child has what its parent has (pty_forking()).
 *
 * Files: fs/pty.c (ends, hanging up, /dev/pts), fs/pty_file.c (read, write,
 * poll), fs/pty_input.c and fs/pty_output.c (the line discipline),
 * fs/pty_control.c (ioctl).
 */
#ifndef LIBOS_PTYS_H
#define LIBOS_PTYS_H

#include <libos.h>
#include <asm/termbits.h>
#include <asm/termios.h>

#define PTY_MAX		64U	/* a bit each in a u64 */
#define PTY_INPUT	4096U	/* powers of two */
#define PTY_OUTPUT	16384U

#define TERMINAL_NOBODYS (~0U) /* 0 is a session outside of the sandbox */

/*
 * struct terminal - whose controlling terminal it is; all atomic
 * @group:	in the foreground; 0: none
 * @session:	or TERMINAL_NOBODYS
 */
struct terminal {
	u32 group;
	u32 session;
};

/* struct pty.slave */
#define PTY_SLAVE_NEVER		0 /* was open */
#define PTY_SLAVE_OPEN		1
#define PTY_SLAVE_LEFT		2 /* was open, and is not */

/* struct pty.stopped */
#define PTY_STOPPED_BY_KEY	0x1 /* Ctrl-S */
#define PTY_STOPPED_BY_CALL	0x2 /* TCOOFF */

/*
 * struct pty - one pseudo-terminal; under its lock
 * @owner:	of the lock: the host's id of a process; atomic
 * @used:	it exists
 * @locked:	the slave cannot be opened (TIOCSPTLCK)
 * @hung_up:	no process has the master any more
 * @sent:	descriptions on their way: of the slave, of the master
 * @slave:	PTY_SLAVE_*
 * @writers:	of the slave, of the master: the host's id and the number of the
 *		process that is in the middle of a write, or 0; which turn that
 *		is; do others wait for it?
 * @packets, @news: TIOCPKT: on, and TIOCPKT_* to be told
 * @literal:	the next character has no meaning
 * @erasing:	within \ and / of ECHOPRT
 * @column:	where the output is; @first_column: where the line began
 * @tail, @line, @head: of the input: up to @line it is whole lines. All
 *		positions are counted on and on
 * @out_end:	what was written before the output was stopped
 * @out_mark:	where the echo of what is being typed begins
 * @out_sent:	the same, of what a Ctrl-S would hold
 * @ends:	a bit for each character that ends a line; with a character of 0
 *		it is an end of file
 */
struct pty {
	u64 owner;
	u32 used, locked, hung_up, slave;
	u32 sent[2];
	struct pty_writer {
		u64 owner;
		u32 pid, turn, wanted;
	} writers[2];
	u32 exclusive;
	u32 mode, uid, gid;
	s64 made;
	struct terminal terminal;
	struct termios2 termios;
	struct winsize size;
	u32 stopped;
	u32 packets, news;
	u32 literal, erasing;
	u32 column, first_column;
	u32 tail, line, head;
	u32 out_tail, out_head;
	struct {
		u32 head, column;
	} out_end, out_mark, out_sent;
	u32 ends[PTY_INPUT / 32];
	u8 input[PTY_INPUT];
	u8 output[PTY_OUTPUT];
};

struct process_entry;

/* @child is about to be cloned from the calling process; and was not. */
void pty_forking(struct process_entry *child);
/* @entry is not there any more, or has never been: it has no ends open. */
void pty_left(struct process_entry *entry);
/* The calling process ends. */
void pty_exit(void);
/* Another process rang: have those that wait look. */
void pty_woken(void);
/* The pseudo-terminal that controls @session, or NULL */
struct terminal *pty_of_session(u32 session);

#endif /* LIBOS_PTYS_H */
