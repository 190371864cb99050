// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Directories that are open, or somebody's working directory, and change their
 * names.
 *
 * The host opens by name alone, and does not tell what a stream's name is by
 * now. So whoever makes it possible in this sandbox that a name leads to
 * another directory than before (by renaming one, removing one, making a
 * symbolic link) counts that, in memory that all processes share; a rename is
 * written down besides. Who uses a directory's name looks at the count. When it
 * has changed, the host is asked once whether the name still leads to the
 * stream that was opened (device and inode: an open one's are nobody else's).
 * If not, the renames since then are applied to the name, and that is tried.
 * What cannot be found is -ENOENT, as when it was removed.
 *
 * No lock is needed: one who is killed leaves a move that is not written down,
 * and a wrong name is never believed. What others rename, outside the sandbox,
 * is only seen when something here has been renamed since, too.
 */
#include "fs.h"

#include <processes.h>

static struct moves *moves(void)
{
	return &process_table->moves;
}

u32 moves_count(void)
{
	return __atomic_load_n(&moves()->count, __ATOMIC_ACQUIRE);
}

/* Some name may lead to another directory now, or to none: the new count. */
u32 moves_happened(void)
{
	return __atomic_add_fetch(&moves()->count, 1, __ATOMIC_SEQ_CST);
}

/*
 * The caller has made that @count, by something with @path, which is relative
 * to @dirfd. What happens to a name right in a directory is nothing to the
 * directory, which need not be looked at for that.
 */
void moves_own(int dirfd, const struct path *path, u32 count)
{
	struct file *file;
	u32 before = count - 1;

	if (!(path->flags & PATH_CHILD))
		return;
	file = dirfd == AT_FDCWD ? directory_get() : fd_get(dirfd);
	if (!file)
		return;
	__atomic_compare_exchange_n(&file->checked, &before, count, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	file_put(file);
}

/* The directory @from is @to now, both without links. */
u32 moves_renamed(const char *from, const char *to, bool exchange)
{
	u32 number = __atomic_add_fetch(&moves()->claimed, 1, __ATOMIC_SEQ_CST);
	struct move *move = &moves()->kept[number % MOVES_KEPT];
	size_t n = strlen(from) + 1, size = strlen(to) + 1;

	__atomic_store_n(&move->number, 0, __ATOMIC_SEQ_CST);
	if (n + size <= sizeof(move->text)) {
		memcpy(move->text, from, n);
		memcpy(move->text + n, to, size);
		move->exchange = exchange;
		move->at = moves_count() + 1;
		__atomic_store_n(&move->number, number, __ATOMIC_SEQ_CST);
	}
	return moves_happened();
}

/* Put @to in the place of the first @length bytes of @text. */
static void replace(char *text, size_t length, const char *to)
{
	size_t n = strlen(to), left = strlen(text + length);

	if (n + left >= PATH_MAX)
		return;
	memmove(text + n, text + length, left + 1);
	memcpy(text, to, n);
}

static bool is_at_or_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) &&
	       (!path[length] || path[length] == '/');
}

static void apply(char *text, const char *from, const char *to, bool exchange)
{
	if (is_at_or_below(text, from))
		replace(text, strlen(from), to);
	else if (exchange && is_at_or_below(text, to))
		replace(text, strlen(to), from);
}

/* A copy of move @number, if it is kept and is later than @since. */
static bool move_get(u32 number, u32 since, struct move *copy)
{
	struct move *move = &moves()->kept[number % MOVES_KEPT];
	size_t n;

	if (__atomic_load_n(&move->number, __ATOMIC_ACQUIRE) != number)
		return false;
	memcpy(copy, move, sizeof(*copy));
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&move->number, __ATOMIC_RELAXED) != number)
		return false;
	copy->text[MOVE_TEXT - 1] = 0;
	n = strlen(copy->text) + 1;
	return n < MOVE_TEXT && (s32)(copy->at - since) > 0;
}

/* All that has happened since then to @text, a name without links. */
static void apply_all(char *text, u32 since, struct move *copy)
{
	u32 last = __atomic_load_n(&moves()->claimed, __ATOMIC_ACQUIRE);
	u32 number = last > MOVES_KEPT ? last - MOVES_KEPT : 0;

	while (number++ != last) {
		if (move_get(number, since, copy))
			apply(text, copy->text,
			      copy->text + strlen(copy->text) + 1,
			      copy->exchange);
	}
}

/* Take off what does not count in a name; false: it has ".." */
static bool normalize(char *text)
{
	const char *from = text;
	size_t length;

	for (; *from; from += length) {
		from += slash_length(from);
		length = component_length(from);
		if (!length || (length == 1 && from[0] == '.'))
			continue;
		if (length == 2 && from[0] == '.' && from[1] == '.')
			return false;
		*text++ = '/';
		memmove(text, from, length);
		text += length;
	}
	*text = 0;
	return true;
}

struct search {
	struct path path;
	struct move move;
	struct dk_stream_attributes mine, found;
};

/* Is search->path, not what a link there leads to, what is open? */
static int is_it(struct search *s)
{
	int error;

	s->path.flags = PATH_NOFOLLOW;
	error = host_attributes(&s->path, &s->found);
	if (error)
		return error;
	return s->found.device == s->mine.device &&
			       s->found.inode == s->mine.inode ?
		       0 :
		       -ENOENT;
}

static int start(struct file *file, struct search *s)
{
	return path_set(&s->path, file_name(file),
			file->flags & O_NOFOLLOW ? PATH_NOFOLLOW : 0);
}

static bool try_renamed(struct file *file, struct search *s, u32 since)
{
	char *text = path_text(&s->path);

	apply_all(text, since, &s->move);
	s->path.length = URI_PREFIX_LENGTH + strlen(text);
	if (!*text || s->path.length > DRAWBRIDGE_URI_MAX || is_it(s))
		return false;
	return !strcmp(text, file_name(file)) || !file_rename(file, text);
}

/*
 * The renames come first: that a name leads to it may be by a link that was put
 * there, and then it is not its name.
 */
static int search_for(struct file *file, struct search *s, u32 since)
{
	int error = start(file, s);

	if (error)
		return error;
	if (normalize(path_text(&s->path)) && try_renamed(file, s, since))
		return 0;
	error = start(file, s);
	if (!error)
		error = is_it(s);
	/* What may not be looked at will not be found in another way, either. */
	if (!error || error == -EACCES)
		return 0;
	/* If there were links in it, as far as they are there. */
	if (!start(file, s) && !path_resolve(&s->path) && !s->path.node &&
	    try_renamed(file, s, since))
		return 0;
	return -ENOENT;
}

/*
 * file_follow() - see that the name of @file is still its
 *
 * Of what is not the host's, nothing is asked. -ENOENT: it has none any more,
 * or nobody knows which; -ENOMEM.
 */
int file_follow(struct file *file)
{
	u32 since = __atomic_load_n(&file->checked, __ATOMIC_RELAXED);
	u32 now = moves_count();
	struct search *s;
	int error;

	if (likely(since == now) || !file->path ||
	    file->handle == DK_INVALID_HANDLE ||
	    (file->kind != FILE_HOST && file->kind != FILE_PATH))
		return 0;
	s = mem_alloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	error = file_attributes(file, &s->mine);
	if (!error)
		error = search_for(file, s, since);
	mem_free(s);
	if (!error)
		__atomic_store_n(&file->checked, now, __ATOMIC_RELAXED);
	return error;
}
