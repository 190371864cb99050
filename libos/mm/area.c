// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The sorted array of the program's areas; see mm.h.
 */
#include <libos.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include <mm.h>

#define AREAS_MAX	65530		/* Linux's vm.max_map_count */
#define STACK_COUNTED	(132UL << 10)	/* what Linux has of it at first */

struct lock mm_lock;
bool mm_shares;

static struct area *areas;
static size_t area_count;

/* Index of the first area that ends above @address. */
static size_t find(u64 address)
{
	size_t low = 0, high = area_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (areas[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct area *area_find(u64 address)
{
	size_t i = find(address);

	return i < area_count ? &areas[i] : NULL;
}

struct area *area_next(struct area *a)
{
	return a + 1 < areas + area_count ? a + 1 : NULL;
}

bool area_room(size_t pieces)
{
	return area_count + pieces <= AREAS_MAX;
}

/* Is @address inside of one, not where one begins or ends? */
static bool splits(u64 address)
{
	struct area *a = area_find(address);

	return a && a->start < address;
}

bool area_room_to_split(u64 start, u64 end)
{
	return area_room(splits(start) + splits(end));
}

static void insert_at(size_t i, const struct area *a)
{
	memmove(areas + i + 1, areas + i, (area_count - i) * sizeof(*a));
	areas[i] = *a;
	area_count++;
}

static void delete_at(size_t i, size_t n)
{
	area_count -= n;
	memmove(areas + i, areas + i + n, (area_count - i) * sizeof(*areas));
}

/* Make @address a boundary. Returns the index of the area behind it. */
static size_t split(u64 address)
{
	size_t i = find(address);
	struct area right;

	if (i == area_count || areas[i].start >= address)
		return i;
	right = areas[i];
	right.start = address;
	if (right.file) {
		fs_ref(right.file);
		right.offset += address - areas[i].start;
	}
	areas[i].end = address;
	insert_at(i + 1, &right);
	return i + 1;
}

static bool continues(const struct area *a, const struct area *b)
{
	return a->end == b->start && a->protection == b->protection &&
	       a->flags == b->flags && a->file == b->file &&
	       (!a->file || a->offset + (a->end - a->start) == b->offset);
}

/* Join area @i with the one before it, if they belong together. */
static bool join(size_t i)
{
	if (!i || i >= area_count || !continues(&areas[i - 1], &areas[i]))
		return false;
	areas[i - 1].end = areas[i].end;
	if (areas[i].file)
		fs_put(areas[i].file);
	delete_at(i, 1);
	return true;
}

bool area_covers(u64 start, u64 end)
{
	size_t i;

	for (i = find(start); i < area_count && areas[i].start <= start; i++) {
		if (areas[i].end >= end)
			return true;
		start = areas[i].end;
	}
	return false;
}

long area_remove(u64 start, u64 end)
{
	size_t first, last, i;

	if (!area_room_to_split(start, end))
		return -ENOMEM;
	first = split(start);
	last = split(end);
	for (i = first; i < last; i++) {
		if (areas[i].file)
			fs_put(areas[i].file);
	}
	delete_at(first, last - first);
	return 0;
}

long area_add(const struct area *a)
{
	size_t i;

	if (area_remove(a->start, a->end) || !area_room(1))
		return -ENOMEM;
	i = find(a->start);
	insert_at(i, a);
	if (a->file)
		fs_ref(a->file);
	join(i + 1);
	join(i);
	return 0;
}

long area_protect(u64 start, u64 end, u32 protection)
{
	size_t first, last, i;

	if (!area_room_to_split(start, end))
		return -ENOMEM;
	first = split(start);
	last = split(end);
	for (i = first; i < last; i++)
		areas[i].protection = protection;
	/* From behind, so that indices in front stay what they are. */
	for (i = last; i + 1 > first; i--)
		join(i);
	return 0;
}

void mm_init(void)
{
	dk_u64 length = AREAS_MAX * sizeof(*areas);

	areas = mem_alloc(length);
	if (!areas)
		panic("no memory for the program's areas");
}

void mm_usage(u64 *total, u64 *data)
{
	size_t i;

	*total = 0;
	*data = 0;
	lock_acquire(&mm_lock);
	for (i = 0; i < area_count; i++) {
		u64 length = areas[i].end - areas[i].start;

		if (areas[i].flags & AREA_GUARD)
			continue;
		*total += length;
		if (area_is_data(&areas[i], areas[i].protection))
			*data += length;
	}
	lock_release(&mm_lock);
}

/* ---- limits ---- */

/*
 * What of [from, to) counts. Of the stack, all of which is there from the start,
 * Linux counts what has been needed, which nobody knows here.
 */
static u64 counted(u64 from, u64 to)
{
	u64 total = 0, length, stack = 0;
	size_t i;

	for (i = find(from); i < area_count && areas[i].start < to; i++) {
		length = MIN(areas[i].end, to) - MAX(areas[i].start, from);
		if (areas[i].flags & AREA_STACK)
			stack += length;
		else if (!(areas[i].flags & AREA_GUARD))
			total += length;
	}
	return total + MIN(stack, STACK_COUNTED);
}

bool mm_data_fits(u64 more)
{
	struct limit limit = process.limits[RLIMIT_DATA];
	u64 data = 0;
	size_t i;

	if (limit.soft == ~0UL || !more)
		return true;
	for (i = 0; i < area_count; i++)
		if (area_is_data(&areas[i], areas[i].protection) &&
		    !(areas[i].flags & AREA_STACK))
			data += areas[i].end - areas[i].start;
	/* Linux has this for Valgrind, which sets it to 0. */
	if (!limit.soft)
		limit.soft = limit.hard;
	return more <= limit.soft && data <= limit.soft - more;
}

/* As in Linux, what goes is subtracted whatever it is. */
bool mm_fits(u64 more, bool data, u64 from, u64 to)
{
	u64 limit = process.limits[RLIMIT_AS].soft, gone;

	if (limit == ~0UL && process.limits[RLIMIT_DATA].soft == ~0UL)
		return true;
	gone = counted(from, to);
	more = more > gone ? more - gone : 0;
	if (data && !mm_data_fits(more))
		return false;
	return limit == ~0UL ||
	       (more <= limit && counted(0, ~0UL) <= limit - more);
}

size_t maps_format(char *to, size_t size)
{
	char path[4096];
	u64 device, inode;
	size_t n = 0, i, k;

	lock_acquire(&mm_lock);
	for (i = 0; i < area_count; i++) {
		const struct area *a = &areas[i];
		bool gone = false;
		char line[160];

		if (a->flags & AREA_GUARD)
			continue;
		device = inode = 0;
		path[0] = 0;
		if (a->file) {
			fs_file_path(a->file, path, sizeof(path));
			gone = fs_file_identity(a->file, &device, &inode);
		} else if (a->flags & AREA_STACK) {
			strlcpy(path, "[stack]", sizeof(path));
		} else if (a->flags & AREA_HEAP) {
			strlcpy(path, "[heap]", sizeof(path));
		} else if (a->flags & AREA_VDSO) {
			strlcpy(path, "[vdso]", sizeof(path));
		}
		k = snprintf(line, sizeof(line),
			     "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ",
			     a->start, a->end,
			     a->protection & PROT_READ ? 'r' : '-',
			     a->protection & PROT_WRITE ? 'w' : '-',
			     a->protection & PROT_EXEC ? 'x' : '-',
			     a->flags & AREA_SHARED ? 's' : 'p', a->offset,
			     (u32)(device >> 32), (u32)device, inode);
		while (path[0] && k < 73)
			line[k++] = ' ';
		line[k] = 0;
		n += snprintf(to + MIN(n, size), size - MIN(n, size),
			      "%s%s%s\n", line, path, gone ? " (deleted)" : "");
	}
	lock_release(&mm_lock);
	return n;
}
