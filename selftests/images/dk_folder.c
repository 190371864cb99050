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
#define COMING	512 /* names that come, half of which are there */
#define CHANGES	6000 /* during the walks */

static u8 met[STAYING];
static volatile bool changing;
static volatile u64 changes;

/* "file:FOLDER/rw/huge/LETTER@i" */
static const char *in_huge(char *uri, size_t size, char letter, u64 i)
{
	dkt_snprintf(uri, size, "file:%s/rw/huge/%c%lu", dkt_argument(1),
		     letter, (unsigned long)(i % COMING));
	return uri;
}

static void count(DK_STATUS status)
{
	if (status)
		dkt_fail("a change: %s", dkt_status(status));
	else
		changes++;
}

/* Names that come, move and go around the ones that stay. */
static void change_folder(u64 parameter)
{
	char one[160], fresh[160], moved[160], old[160];

	dkt_snprintf(one, sizeof(one), "file:%s/rw/huge-one", dkt_argument(1));
	for (u64 i = 0; changing; i++) {
		in_huge(fresh, sizeof(fresh), 'c', i);
		in_huge(moved, sizeof(moved), 'd', i * 7);
		count(DkxStreamLink(URI(one), URI(fresh), 0));
		count(DkStreamRename(URI(fresh), URI(moved), 0));
		if (i < COMING / 2)
			continue;
		in_huge(old, sizeof(old), 'd', (i - COMING / 2) * 7);
		count(DkStreamDelete(URI(old), DK_DELETE_FILE));
	}
}

/* Meets each of those that stay once. */
static void walk_huge(void)
{
	static u8 buffer[8192] __attribute__((aligned(8)));
	DK_HANDLE h = dkt_open(in_rw("huge"), DK_ACCESS_READ, DK_OPEN_EXISTING,
			       DK_OPTION_DIRECTORY);
	u64 cursor = 0, done = 0, total = 0;

	memset(met, 0, sizeof(met));
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
	EXPECT_EQ(total, STAYING);
	EXPECT_OK(DkObjectClose(h));
}

/*
 * However slow the machine makes one or the other: as many walks as it takes
 * until enough has changed during them, and every one finds everything.
 */
TEST(enumerate_a_hundred_thousand_that_change)
{
	u64 during = 0, walks = 0, before;
	char name[64];
	DK_HANDLE t;

	EXPECT_OK(try_open(in_rw("huge"), DK_ACCESS_READ, DK_OPEN_CREATE_NEW,
			   DK_OPTION_DIRECTORY | DK_OPTION_MODE(0755)));
	put(in_rw("huge-one"), "x");
	for (int i = 0; i < STAYING; i++) {
		dkt_snprintf(name, sizeof(name), "huge/s%d", i);
		ASSERT_OK(DkxStreamLink(URI(in_rw("huge-one")),
					URI(in_rw(name)), 0));
	}
	changing = true;
	t = dkt_thread(change_folder, 0);
	while (during < CHANGES && !dkt_failed()) {
		before = changes;
		walk_huge();
		during += changes - before;
		walks++;
	}
	changing = false;
	EXPECT_TRUE(dkt_wait(t));
	EXPECT_OK(DkObjectClose(t));
	dkt_print("# %lu changes during %lu walks\n", (unsigned long)during,
		  (unsigned long)walks);
	/* The outer side removes what is left. */
}
