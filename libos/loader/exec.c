// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Starting programs; see exec.h.
 */
#include <entry.h>
#include <exec.h>
#include <fpu.h>
#include <libos.h>
#include <linux/fcntl.h>
#include <linux/resource.h>
#include <mm.h>
#include <processes.h>
#include <signals.h>
#include <thread.h>
#include <timers.h>

#define SCRIPT_LINE	256		/* BINPRM_BUF_SIZE */
#define SCRIPT_DEPTH	5
#define STRING_MAX	131072		/* MAX_ARG_STRLEN */
#define STRINGS_MAX	(6UL << 20)
#define STRINGS_LEAST	(128UL << 10)
/* Where Linux puts position-independent programs, and how far it varies. */
#define PROGRAM_BASE	0x555555554000UL
#define PROGRAM_VARIES	0xfffffffUL	/* pages */
#define BRK_VARIES	0x1fffUL	/* pages: 32 MiB */

static u64 random_pages(u64 mask)
{
	u64 n = 0;

	DkRandomBitsRead(&n, sizeof(n));
	return (n & mask) * PAGE_SIZE;
}

/* ---- strings ---- */

/* As in Linux: strings and pointers to them are a quarter of the stack at most. */
static size_t strings_max(void)
{
	u64 max = process.limits[RLIMIT_STACK].soft / 4;

	return MAX(MIN(max, STRINGS_MAX), STRINGS_LEAST);
}

/* What may still be added to them. */
static size_t strings_room(const struct strings *s)
{
	size_t used = s->length + strings_pointers(s), max = strings_max();

	return used < max ? max - used : 0;
}

static long strings_reserve(struct strings *s, size_t more)
{
	size_t size = s->size ? s->size : PAGE_SIZE;
	char *text;

	if (more > strings_room(s))
		return -E2BIG;
	while (size < s->length + more)
		size *= 2;
	if (size == s->size)
		return 0;
	text = mem_realloc(s->text, size);
	if (!text)
		return -ENOMEM;
	s->text = text;
	s->size = size;
	return 0;
}

static long strings_append(struct strings *s, const char *text, size_t n)
{
	long r = strings_reserve(s, n);

	if (r)
		return r;
	memcpy(s->text + s->length, text, n);
	s->length += n;
	return 0;
}

/* A program's array of strings; *count of them. */
static long strings_from_user(struct strings *s, char *const *array, u32 *count)
{
	const char *p;
	size_t room;
	ssize_t n;
	long r;

	for (*count = 0; array; (*count)++) {
		if (user_get(p, array + *count))
			return -EFAULT;
		if (!p)
			break;
		room = MIN(strings_room(s), STRING_MAX);
		if (!room)
			return -E2BIG;
		r = strings_reserve(s, MIN(room, 256));
		if (r)
			return r;
		n = user_string(s->text + s->length, p,
				MIN(room, s->size - s->length));
		if (n == -ENAMETOOLONG) {
			r = strings_reserve(s, room);
			if (r)
				return r;
			n = user_string(s->text + s->length, p, room);
		}
		if (n < 0)
			return n == -ENAMETOOLONG ? -E2BIG : n;
		s->length += n + 1;
	}
	return 0;
}

/* ---- scripts ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * "#! interpreter [argument]": the argument vector becomes interpreter,
 * argument, path of the script, and what followed its name.
 */
static long script_strings(struct exec *x, char *line)
{
	struct strings fresh = { .argument_count = x->strings.argument_count,
				 .environment_count =
					 x->strings.environment_count };
	size_t skip = x->strings.argument_count ? strlen(x->strings.text) + 1 :
						  0;
	char *end, *argument, *name = line + 2;
	long r;

	while (is_blank(*name))
		name++;
	for (end = name; *end && !is_blank(*end); end++)
		;
	argument = end;
	while (is_blank(*argument))
		argument++;
	*end = 0;
	for (end = argument + strlen(argument);
	     end > argument && is_blank(end[-1]); end--)
		end[-1] = 0;
	if (!*name)
		return -ENOEXEC;

	r = strings_append(&fresh, name, strlen(name) + 1);
	if (!r && *argument) {
		r = strings_append(&fresh, argument, strlen(argument) + 1);
		fresh.argument_count++;
	}
	if (!r)
		r = strings_append(&fresh, x->path, strlen(x->path) + 1);
	if (!r)
		r = strings_append(&fresh, x->strings.text + skip,
				   x->strings.length - skip);
	if (r) {
		mem_free(fresh.text);
		return r;
	}
	fresh.argument_count += skip ? 1 : 2;
	mem_free(x->strings.text);
	x->strings = fresh;
	strlcpy(x->path, name, sizeof(x->path));
	return 0;
}

/* 1: it was a script, x->path is its interpreter now. */
static long open_script(struct exec *x, struct file *file)
{
	char line[SCRIPT_LINE + 1], *end;
	ssize_t n = fs_exec_read(file, 0, line, SCRIPT_LINE);
	long r;

	if (n < 0)
		return n;
	line[n] = 0;
	if (n < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	end = memchr(line, '\n', n);
	if (!end && n == SCRIPT_LINE) {
		/* An argument is cut off, the interpreter's name is not. */
		for (end = line + 2; is_blank(*end); end++)
			;
		while (*end && !is_blank(*end))
			end++;
		if (end == line + n)
			return -ENOEXEC;
		end = line + n - 1;
	}
	if (end)
		*end = 0;
	r = script_strings(x, line);
	return r ? r : 1;
}

/* ---- the steps ---- */

static void exec_free(struct exec *x)
{
	elf_close(&x->program);
	elf_close(&x->interpreter);
	mem_free(x->strings.text);
	mem_free(x);
}

static long open_interpreter(struct exec *x)
{
	char path[PATH_LENGTH];
	long r;

	r = elf_interpreter(&x->program, path, sizeof(path));
	if (r <= 0)
		return r;
	r = fs_exec_open(path, &x->interpreter.file);
	if (r) {
		x->why = "its interpreter cannot be opened";
		return r;
	}
	r = elf_read(&x->interpreter, x->interpreter.file, &x->why);
	return r == -ENOEXEC ? -ELIBBAD : r;
}

static long exec_open(struct exec *x)
{
	char *path = x->path;
	int depth;
	long r;

	strlcpy(x->name, path, sizeof(x->name));
	for (depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		struct file *file;

		r = fs_exec_open(path, &file);
		if (r)
			return r;
		r = open_script(x, file);
		if (r == 1) {
			fs_put(file);
			if (x->closed)
				return -ENOENT;
			continue;
		}
		x->program.file = file;
		if (r)
			return r;
		r = elf_read(&x->program, file, &x->why);
		return r ? r : open_interpreter(x);
	}
	x->why = "scripts of scripts";
	return -ELOOP;
}

/* Of the program, once its file is known. */
static void set_names(struct exec *x)
{
	const char *slash = strrchr(x->name, '/');

	lock_acquire(&thread_lock);
	memset(self()->name, 0, sizeof(self()->name));
	strlcpy(self()->name, slash ? slash + 1 : x->name,
		sizeof(self()->name));
	lock_release(&thread_lock);
	fs_file_path(x->program.file, process.exe, sizeof(process.exe));
}

static long exec_commit(struct exec *x)
{
	struct elf *e = &x->program;
	u64 hint = PROGRAM_BASE;
	long r;

	if (!(process.personality & PERSONALITY_NO_RANDOMIZE))
		hint += random_pages(PROGRAM_VARIES);
	r = elf_map(e, hint);
	if (r)
		return r;
	x->entry = e->bias + e->header.e_entry;
	process.code_start = e->code_start;
	process.code_end = e->code_end;
	process.data_start = e->data_start;
	process.data_end = e->data_end;
	process.brk_start = e->end;
	if (!(process.personality & PERSONALITY_NO_RANDOMIZE))
		process.brk_start += random_pages(BRK_VARIES);
	program_brk = process.brk_start;
	if (x->interpreter.file) {
		r = elf_map(&x->interpreter, 0);
		if (r)
			return r;
		x->entry = x->interpreter.bias + x->interpreter.header.e_entry;
	}
	set_names(x);
	r = vdso_map(&x->vdso);
	if (!r)
		r = stack_build(x);
	if (!r)
		table_name(true);
	return r;
}

/* Registers of a program at its first instruction. */
static void start_context(struct dk_context *c, const struct exec *x)
{
	memset(c, 0, sizeof(*c));
	c->rip = x->entry;
	c->rsp = x->stack;
	c->rflags = RFLAGS_IF | RFLAGS_RESERVED;
	c->cs = USER_CS;
	c->ss = USER_SS;
}

static void __noreturn exec_failed(const struct exec *x, const char *program,
				   long r)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ ENOENT, "not found" },
		{ ENOTDIR, "not found" },
		{ EACCES, "permission denied" },
		{ ENOEXEC, "not a program that can be run" },
		{ ELIBBAD, "its interpreter is not valid" },
		{ ELOOP, "too many links" },
		{ ENOMEM, "out of memory, or its addresses are taken" },
		{ E2BIG, "arguments are too long" },
	};
	bool missing = r == -ENOENT || r == -ENOTDIR;
	const char *text = "cannot be run";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].error == -r)
			text = texts[i].text;
	}
	if (x->why)
		log_user("libos: %s: %s (%s)\n", program, text, x->why);
	else if (strcmp(x->path, program))
		log_user("libos: %s: %s (interpreter %s)\n", program, text,
			 x->path);
	else
		log_user("libos: %s: %s (error %ld)\n", program, text, -r);
	process_exit(missing ? 127 : 126);
}

void exec_first(const struct dk_parameters *p)
{
	const char *program = (const char *)p + p->program_offset;
	const char *end = (const char *)p + p->size, *at;
	struct exec *x = mem_zalloc(sizeof(*x));
	struct strings *s;
	struct dk_context c;
	u32 i;
	long r;

	if (!x)
		panic("out of memory at the start");
	s = &x->strings;
	strlcpy(x->path, program, sizeof(x->path));
	s->argument_count = p->argument_count;
	s->environment_count = p->environment_count;
	r = 0;
	at = (const char *)p + p->argument_offset;
	for (i = 0; i < p->argument_count && at < end && !r; i++) {
		r = strings_append(s, at, strlen(at) + 1);
		at += strlen(at) + 1;
	}
	at = (const char *)p + p->environment_offset;
	for (i = 0; i < p->environment_count && at < end && !r; i++) {
		r = strings_append(s, at, strlen(at) + 1);
		at += strlen(at) + 1;
	}
	if (!r)
		r = exec_open(x);
	if (!r)
		r = exec_commit(x);
	if (r)
		exec_failed(x, program, r);
	start_context(&c, x);
	exec_free(x);
	context_leave(&c);
}

/*
 * The program's name as a path. What is relative to a descriptor, or is the
 * descriptor itself, goes through /dev/fd, which is also what a script's
 * interpreter gets to read.
 */
static long name_get(struct exec *x, int dirfd, const char *name, u32 flags)
{
	char under[24];
	size_t length;
	ssize_t n;
	long r;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	n = user_string(x->path, name, sizeof(x->path));
	if (n < 0)
		return n;
	if (!n && !(flags & AT_EMPTY_PATH))
		return -ENOENT;
	if (!n && dirfd == AT_FDCWD)
		return -EACCES; /* a directory */
	if (x->path[0] != '/' && dirfd != AT_FDCWD) {
		r = fs_exec_closes(dirfd);
		if (r < 0)
			return r;
		x->closed = r > 0;
		length = snprintf(under, sizeof(under),
				  n ? "/dev/fd/%d/" : "/dev/fd/%d", dirfd);
		if (length + n >= sizeof(x->path))
			return -ENAMETOOLONG;
		memmove(x->path + length, x->path, n + 1);
		memcpy(x->path, under, length);
	}
	return n && flags & AT_SYMLINK_NOFOLLOW ? fs_exec_no_link(x->path) : 0;
}

static long execute(int dirfd, const char *name, char *const *arguments,
		    char *const *environment, u32 flags)
{
	struct exec *x = mem_zalloc(sizeof(*x));
	struct libos_thread *t = self();
	struct strings *s;
	long r;

	if (!x)
		return -ENOMEM;
	s = &x->strings;
	r = name_get(x, dirfd, name, flags);
	if (!r)
		r = strings_from_user(s, arguments, &s->argument_count);
	if (!r && !s->argument_count) {
		r = strings_append(s, "", 1);
		s->argument_count = 1;
	}
	if (!r)
		r = strings_from_user(s, environment, &s->environment_count);
	if (!r)
		r = exec_open(x);
	if (r) {
		exec_free(x);
		return r;
	}

	if (t->vfork) {
		r = vfork_split();
		if (r <= 0)
			exec_free(x);
		if (!r)
			vfork_resume();
		if (r < 0)
			return r;
	}
	r = thread_end_others(NULL);
	if (r) {
		exec_free(x);
		return r;
	}

	/* No way back from here. */
	if (t->tid != process.pid)
		sched_inherit(process_self->allowed);
	t->tid = process.pid;
	/* Whatever clone() was told; before its descriptors tell of it. */
	__atomic_store_n(&process_self->exit_signal, SIGCHLD, __ATOMIC_SEQ_CST);
	timer_exec();
	membarrier_exec();
	robust_list_walk(t);
	mm_exec();
	fs_exec_close();
	__atomic_fetch_or(&process_self->flags, ENTRY_EXECUTED,
			  __ATOMIC_SEQ_CST);
	vfork_done();
	signal_exec();
	process_child_action(signal_actions[SIGCHLD].handler, 0);
	t->clear_child_tid = 0;
	t->robust_list = 0;
	process.dumpable = 1;
	process.keep_caps = 0;
	process.suid = process.fsuid = process.euid;
	process.sgid = process.fsgid = process.egid;
	r = exec_commit(x);
	if (r) {
		log_user("libos: %s: cannot be run (error %ld)\n", x->path, -r);
		process_kill(SIGKILL);
	}
	start_context(t->frame, x);
	fs_base_set(0);
	fpu_reset();
	t->flags |= THREAD_FRAME_CHANGED;
	exec_free(x);
	return 0;
}

SYSCALL3(execve, const char *, path, char *const *, arguments, char *const *,
	 environment)
{
	return execute(AT_FDCWD, path, arguments, environment, 0);
}

SYSCALL5(execveat, int, dirfd, const char *, path, char *const *, arguments,
	 char *const *, environment, u32, flags)
{
	return execute(dirfd, path, arguments, environment, flags);
}
