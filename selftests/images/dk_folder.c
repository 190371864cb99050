// SPDX-License-Identifier: GPL-2.0-only
/* Folders: what is in them, each once, also while that changes. */
#include "dktest.h"
#include "files.h"

#define ENTRIES 2000

static u8 found[ENTRIES];

static u64 to_number(const u8 *s, u64 n)
{
	u64 v = 0;

	while (n--)
		v = v * 10 + *s++ - '0';
	return v;
}

/* Walks the folder with a buffer of @size; the number of entries. */
static u64 walk(const char *uri, u64 size)
{
	static u8 buffer[65536] __attribute__((aligned(8)));
	DK_HANDLE h = dkt_open(uri, DK_ACCESS_READ, DK_OPEN_EXISTING,
			       DK_OPTION_DIRECTORY);
	u64 cursor = 0, done = POISON, total = 0;

	memset(found, 0, sizeof(found));
	for (;;) {
		DK_STATUS status = DkStreamEnumerateChildren(h, &cursor, buffer,
							     size, &done);
		u64 last = cursor;

		if (status) {
			dkt_fail("enumerate: %s", dkt_status(status));
			break;
		}
		if (!done)
			break;
		for (u64 at = 0; at < done;) {
			const struct dk_directory_entry *e =
				(void *)(buffer + at);

			if (e->length % 8 || at + e->length > done ||
			    e->length < sizeof(*e) + e->name_length ||
			    !e->name_length) {
				dkt_fail("a bad record");
				return total;
			}
			last = e->cursor;
			if (e->name[0] >= '0' && e->name[0] <= '9') {
				u64 i = to_number(e->name, e->name_length);

				if (i >= ENTRIES || found[i]++)
					dkt_fail("entry %lu is doubled",
						 (unsigned long)i);
				if (e->type && e->type != DK_TYPE_FILE)
					dkt_fail("type %u", e->type);
			}
			total++;
			at += e->length;
		}
		EXPECT_EQ(cursor, last);
	}
	EXPECT_OK(DkObjectClose(h));
	return total;
}

TEST(enumerate_two_thousand)
{
	u64 first, cursor, done;
	u8 small[16];
	DK_HANDLE h;
	char name[32];

	EXPECT_OK(try_open(in_rw("many"), DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	for (int i = 0; i < ENTRIES; i++) {
		dkt_snprintf(name, sizeof(name), "many/%d", i);
		ASSERT_OK(try_open(in_rw(name), DK_ACCESS_WRITE,
				   DK_OPEN_CREATE_NEW, DK_OPTION_MODE(0644)));
	}
	first = walk(in_rw("many"), 65536);
	for (int i = 0; i < ENTRIES; i++)
		if (!found[i])
			dkt_fail("entry %d is missing", i);
	/* . and .. are among them. */
	EXPECT_EQ(first, ENTRIES + 2);
	EXPECT_EQ(walk(in_rw("many"), 100), first);
	EXPECT_EQ(walk(in_rw("many"), 4096), first);
	h = dkt_open(in_rw("many"), DK_ACCESS_READ, DK_OPEN_EXISTING,
		     DK_OPTION_DIRECTORY);
	cursor = 0;
	done = POISON;
	EXPECT_STATUS(DkStreamEnumerateChildren(h, &cursor, small, 16, &done),
		      BUFFER_TOO_SMALL);
	EXPECT_EQ(cursor, 0);
	EXPECT_EQ(done, POISON);
	DkObjectClose(h);
	for (int i = 0; i < ENTRIES; i++) {
		dkt_snprintf(name, sizeof(name), "many/%d", i);
		EXPECT_OK(DkStreamDelete(URI(in_rw(name)), DK_DELETE_FILE));
	}
	EXPECT_OK(DkStreamDelete(URI(in_rw("many")), DK_DELETE_DIRECTORY));
}

/* ---- a large folder that changes meanwhile ---- */

#define STAYING	100000

static u8 met[STAYING];
static volatile bool changing;
static volatile u64 changes;

/* Names that come, move and go around the ones that stay. */
static void change_folder(u64 parameter)
{
	char from[64], to[64];

	for (u64 i = 0; changing; i++) {
		char a[160], b[160];

		dkt_snprintf(from, sizeof(from), "huge/c%lu",
			     (unsigned long)(i % 512));
		dkt_snprintf(to, sizeof(to), "huge/d%lu",
			     (unsigned long)((i * 7) % 512));
		dkt_snprintf(a, sizeof(a), "file:%s/rw/%s", dkt_argument(1),
			     from);
		dkt_snprintf(b, sizeof(b), "file:%s/rw/%s", dkt_argument(1),
			     to);
		DkxStreamLink(URI(a), URI(b), 0);
		DkStreamRename(URI(b), URI(a), 0);
		if (i % 3 == 0)
			DkStreamDelete(URI(a), DK_DELETE_FILE);
		changes++;
		if (!(i % 512)) {
			DK_HANDLE h = 0;

			if (!DkStreamOpen(URI(a), DK_ACCESS_WRITE,
					  DK_OPEN_CREATE, DK_OPTION_MODE(0644),
					  &h))
				DkObjectClose(h);
		}
	}
}

TEST(enumerate_a_hundred_thousand_that_change)
{
	static u8 buffer[8192] __attribute__((aligned(8)));
	u64 cursor = 0, done = 0, total = 0;
	DK_HANDLE h, t;
	char name[64];
	s64 left;

	EXPECT_OK(try_open(in_rw("huge"), DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	put(in_rw("huge-one"), "x");
	for (int i = 0; i < STAYING; i++) {
		dkt_snprintf(name, sizeof(name), "huge/s%d", i);
		ASSERT_OK(DkxStreamLink(URI(in_rw("huge-one")),
					URI(in_rw(name)), 0));
	}
	put(in_rw("huge/c0"), "x");
	changing = true;
	t = dkt_thread(change_folder, 0);
	while (changes < 100)
		DkThreadDelayExecution(MSEC, &left);
	changes = 0;
	h = dkt_open(in_rw("huge"), DK_ACCESS_READ, DK_OPEN_EXISTING,
		     DK_OPTION_DIRECTORY);
	for (;;) {
		ASSERT_OK(DkStreamEnumerateChildren(h, &cursor, buffer,
						    sizeof(buffer), &done));
		if (!done)
			break;
		for (u64 at = 0; at < done;) {
			const struct dk_directory_entry *e =
				(void *)(buffer + at);

			if (e->name[0] == 's') {
				u64 i = to_number(e->name + 1,
						  e->name_length - 1);

				ASSERT_TRUE(i < STAYING);
				total++;
				if (met[i]++)
					dkt_fail("entry %lu is doubled",
						 (unsigned long)i);
			}
			at += e->length;
		}
	}
	EXPECT_GE(changes, 10);
	changing = false;
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_OK(DkObjectClose(t));
	EXPECT_EQ(total, STAYING);
	EXPECT_OK(DkObjectClose(h));
	/* The outer side removes what is left. */
}
