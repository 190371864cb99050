// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkStreamOpen's DK_OPTION_FIFO and DK_OPTION_UNNAMED, and DkxStreamLink's
 * DK_LINK_STREAM: pipes with a name, files without. The folders and rules are
 * those of image_main.c.
 */
#include "dktest.h"
#include "files.h"

#define R	DK_ACCESS_READ
#define W	DK_ACCESS_WRITE
#define X	DK_ACCESS_EXECUTE
#define NEW	DK_OPEN_CREATE_NEW
#define CURRENT	DK_OFFSET_CURRENT
#define FIFO	(DK_OPTION_FIFO | DK_OPTION_MODE(0640))
#define UNNAMED	(DK_OPTION_UNNAMED | DK_OPTION_MODE(0640))

static char names[8][512];
static unsigned int next_name;

static const char *in(const char *s)
{
	char *name = names[next_name++ % 8];

	dkt_snprintf(name, sizeof(names[0]), "file:%s/%s", dkt_argument(1), s);
	return name;
}

static void made(const char *uri)
{
	EXPECT_OK(try_open(uri, 0, NEW, FIFO));
}

static void gone(const char *uri)
{
	EXPECT_OK(DkStreamDelete(URI(uri), DK_DELETE_FILE));
}

static void queried(const char *uri, struct dk_stream_attributes *at)
{
	memset(at, 0x5a, sizeof(*at));
	EXPECT_OK(DkStreamAttributesQuery(URI(uri), 0, at, sizeof(*at)));
}

TEST(a_fifo_is_made_and_only_named)
{
	const char *uri = in("rw/fifo1");
	struct dk_stream_attributes at;
	DK_HANDLE h = POISON;
	u64 done;
	char b;

	ASSERT_OK(DkStreamOpen(URI(uri), 0, NEW, FIFO, &h));
	EXPECT_STATUS(DkStreamRead(h, CURRENT, &b, 1, &done), ACCESS_DENIED);
	EXPECT_OK(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)));
	EXPECT_EQ(at.type, DK_TYPE_FIFO);
	EXPECT_EQ(at.mode, 0640);
	EXPECT_OK(DkObjectClose(h));
	queried(uri, &at);
	EXPECT_EQ(at.type, DK_TYPE_FIFO);
	EXPECT_STATUS(try_open(uri, 0, NEW, FIFO), ALREADY_EXISTS);
	EXPECT_STATUS(try_open(in("rw/hello"), 0, NEW, FIFO), ALREADY_EXISTS);
	EXPECT_STATUS(try_open(in("rw/no/fifo"), 0, NEW, FIFO), NOT_FOUND);
	gone(uri);
}

TEST(a_socket_is_made_and_only_named)
{
	const u64 options = DK_OPTION_SOCKET | DK_OPTION_MODE(0620);
	const char *uri = in("rw/socket");
	struct dk_stream_attributes at;
	DK_HANDLE h = POISON;
	u64 done;
	char b;

	ASSERT_OK(DkStreamOpen(URI(uri), 0, NEW, options, &h));
	EXPECT_STATUS(DkStreamRead(h, CURRENT, &b, 1, &done), ACCESS_DENIED);
	EXPECT_OK(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)));
	EXPECT_EQ(at.type, DK_TYPE_SOCKET);
	EXPECT_EQ(at.mode, 0620);
	EXPECT_OK(DkObjectClose(h));
	queried(uri, &at);
	EXPECT_EQ(at.type, DK_TYPE_SOCKET);
	EXPECT_STATUS(try_open(uri, R, DK_OPEN_EXISTING, 0), ACCESS_DENIED);
	EXPECT_STATUS(try_open(uri, W, DK_OPEN_CREATE_TRUNCATE, 0),
		      ACCESS_DENIED);
	EXPECT_OK(try_open(uri, 0, DK_OPEN_EXISTING, 0));
	EXPECT_STATUS(try_open(uri, 0, NEW, options), ALREADY_EXISTS);
	gone(uri);
	EXPECT_STATUS(try_open(uri, R, NEW, options), INVALID_PARAMETER);
	EXPECT_STATUS(try_open(uri, 0, DK_OPEN_CREATE, options),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open(uri, 0, NEW, options | DK_OPTION_FIFO),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open(in("ro/socket"), 0, NEW, options),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open(uri, 0, DK_OPEN_EXISTING, 0), NOT_FOUND);
}

TEST(both_ends_by_name)
{
	const char *uri = in("rw/fifo2");
	DK_HANDLE r, w;
	u64 done = POISON;
	u32 ready = 0;
	char b[8];

	made(uri);
	/* A writer that does not wait finds nobody, a reader is content. */
	EXPECT_STATUS(try_open(uri, W, DK_OPEN_EXISTING, DK_OPTION_NONBLOCK),
		      NO_DEVICE);
	r = dkt_open(uri, R, DK_OPEN_EXISTING, DK_OPTION_NONBLOCK);
	w = dkt_open(uri, W, DK_OPEN_EXISTING, DK_OPTION_NONBLOCK);
	EXPECT_STATUS(DkStreamRead(r, CURRENT, b, 8, &done), WOULD_BLOCK);
	EXPECT_OK(DkStreamWrite(w, CURRENT, "hello", 5, &done));
	EXPECT_EQ(done, 5);
	EXPECT_OK(DkxStreamControl(r, DK_CONTROL_READY, &ready, 4));
	EXPECT_EQ(ready & DK_READY_READ, DK_READY_READ);
	EXPECT_OK(DkStreamRead(r, CURRENT, b, 8, &done));
	EXPECT_EQ(done, 5);
	EXPECT_EQ(memcmp(b, "hello", 5), 0);
	/* It is a pipe: no length, no place, no mapping. */
	EXPECT_STATUS(DkStreamRead(r, 0, b, 8, &done), NOT_SEEKABLE);
	EXPECT_STATUS(DkStreamSetLength(w, 0), NOT_SUPPORTED);
	EXPECT_OK(DkObjectClose(r));
	EXPECT_STATUS(DkStreamWrite(w, CURRENT, "x", 1, &done), BROKEN_PIPE);
	EXPECT_OK(DkObjectClose(w));
	gone(uri);
}

static DK_HANDLE opened;
static DK_STATUS opening;

static void open_writer(u64 uri)
{
	opening = DkStreamOpen(URI((const char *)uri), W, DK_OPEN_EXISTING, 0,
			       &opened);
	DkThreadExit();
}

TEST(opening_waits_for_the_other_end)
{
	const char *uri = in("rw/fifo3");
	DK_HANDLE thread, r;

	made(uri);
	opened = POISON;
	opening = 1;
	thread = dkt_thread(open_writer, (u64)uri);
	r = dkt_open(uri, R, DK_OPEN_EXISTING, 0);
	EXPECT_EQ(dkt_wait(thread), true);
	EXPECT_OK(opening);
	EXPECT_NE(opened, POISON);
	EXPECT_OK(DkObjectClose(opened));
	EXPECT_OK(DkObjectClose(r));
	EXPECT_OK(DkObjectClose(thread));
	gone(uri);
}

static bool take(struct dk_exception *exception, struct dk_context *context)
{
	return exception->code == DK_EXCEPTION_USER;
}

TEST(waiting_to_open_is_interrupted)
{
	const char *uri = in("rw/fifo4");
	DK_HANDLE thread;
	DK_STATUS status;
	dk_s64 left;

	made(uri);
	dkt_exception = take;
	opened = POISON;
	opening = 1;
	thread = dkt_thread(open_writer, (u64)uri);
	do {
		/* once it waits, one of these ends that */
		status = DkThreadRaiseException(thread, DK_EXCEPTION_USER, 0);
		DkThreadDelayExecution(1000000, &left);
	} while (!status && __atomic_load_n(&opening, __ATOMIC_SEQ_CST) == 1);
	EXPECT_EQ(dkt_wait(thread), true);
	EXPECT_STATUS(opening, INTERRUPTED);
	EXPECT_EQ(opened, POISON);
	dkt_exception = NULL;
	EXPECT_OK(DkObjectClose(thread));
	gone(uri);
}

/* What is read from a FIFO is gone for its owner: reading is not enough. */
TEST(rules_for_fifos)
{
	EXPECT_STATUS(try_open(in("ro/fifo"), R, DK_OPEN_EXISTING,
			       DK_OPTION_NONBLOCK),
		      ACCESS_DENIED);
	EXPECT_OK(try_open(in("ro/fifo"), 0, DK_OPEN_EXISTING, 0));
	EXPECT_STATUS(try_open(in("ro/new"), 0, NEW, FIFO), ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("no/new"), 0, NEW, FIFO), ACCESS_DENIED);
}

TEST(a_file_without_a_name)
{
	struct dk_stream_attributes at;
	const char *name = in("rw/got-a-name");
	DK_HANDLE h = POISON, g;
	u64 done;
	char b[8];

	ASSERT_OK(DkStreamOpen(URI(in("rw")), R | W, NEW, UNNAMED, &h));
	EXPECT_OK(DkStreamWrite(h, 0, "hello", 5, &done));
	EXPECT_OK(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)));
	EXPECT_EQ(at.type, DK_TYPE_FILE);
	EXPECT_EQ(at.mode, 0640);
	EXPECT_EQ(at.nlink, 0);
	/* It gets a name while it is open, and keeps it. */
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(in("rw/hello")),
				    DK_LINK_STREAM),
		      ALREADY_EXISTS);
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(in("ro/x")),
				    DK_LINK_STREAM),
		      ACCESS_DENIED);
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI("file:/tmp/x"),
				    DK_LINK_STREAM),
		      CROSS_DEVICE);
	EXPECT_OK(DkxStreamLink((void *)h, 0, URI(name), DK_LINK_STREAM));
	EXPECT_OK(DkStreamAttributesQueryByHandle(h, &at, sizeof(at)));
	EXPECT_EQ(at.nlink, 1);
	EXPECT_OK(DkObjectClose(h));
	g = dkt_open(name, R, DK_OPEN_EXISTING, 0);
	EXPECT_OK(DkStreamRead(g, 0, b, 8, &done));
	EXPECT_EQ(done, 5);
	EXPECT_OK(DkObjectClose(g));
	gone(name);
}

/* A stream that only names its file is as good for a second name. */
TEST(a_second_name_without_access)
{
	const char *name = in("rw/second-name");
	DK_HANDLE h = POISON;

	ASSERT_OK(
		DkStreamOpen(URI(in("rw/hello")), 0, DK_OPEN_EXISTING, 0, &h));
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(in("ro/x")),
				    DK_LINK_STREAM),
		      ACCESS_DENIED);
	EXPECT_OK(DkxStreamLink((void *)h, 0, URI(name), DK_LINK_STREAM));
	EXPECT_OK(DkObjectClose(h));
	gone(name);
	/* No rights are to be had in this way, and no directories linked. */
	ASSERT_OK(DkStreamOpen(URI(in("ro/file")), 0, DK_OPEN_EXISTING, 0, &h));
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(name), DK_LINK_STREAM),
		      CROSS_DEVICE);
	EXPECT_OK(DkObjectClose(h));
	ASSERT_OK(DkStreamOpen(URI(in("rw")), 0, DK_OPEN_EXISTING, 0, &h));
	name = in("rw/second-name");
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(name), DK_LINK_STREAM),
		      NOT_PERMITTED);
	EXPECT_OK(DkObjectClose(h));
}

TEST(refusals_without_a_name)
{
	EXPECT_STATUS(try_open(in("ro"), R | W, NEW, UNNAMED), ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("rx"), R | X | W, NEW, UNNAMED),
		      ACCESS_DENIED);
	EXPECT_STATUS(try_open(in("rw/hello"), W, NEW, UNNAMED), NOT_DIRECTORY);
	EXPECT_STATUS(try_open(in("rw/none"), W, NEW, UNNAMED), NOT_FOUND);
}

TEST(options_without_sense)
{
	const char *uri = in("rw/senseless"), *folder = in("rw");
	DK_HANDLE pipe[2], h;

	EXPECT_STATUS(try_open(uri, R, NEW, FIFO), INVALID_PARAMETER);
	EXPECT_STATUS(try_open(uri, 0, DK_OPEN_CREATE, FIFO),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open(uri, 0, NEW, FIFO | DK_OPTION_DIRECTORY),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open(uri, 0, NEW, FIFO | UNNAMED), INVALID_PARAMETER);
	EXPECT_STATUS(try_open(folder, R, NEW, UNNAMED), INVALID_PARAMETER);
	EXPECT_STATUS(try_open(folder, W, DK_OPEN_EXISTING, UNNAMED),
		      INVALID_PARAMETER);
	EXPECT_STATUS(try_open(uri, R, DK_OPEN_EXISTING, 0), NOT_FOUND);

	h = dkt_open(in("rw/hello"), R, DK_OPEN_EXISTING, 0);
	EXPECT_STATUS(DkxStreamLink((void *)h, 1, URI(uri), DK_LINK_STREAM),
		      INVALID_PARAMETER);
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(uri),
				    DK_LINK_STREAM | DK_NAME_NOFOLLOW),
		      INVALID_PARAMETER);
	EXPECT_OK(DkObjectClose(h));
	EXPECT_STATUS(DkxStreamLink((void *)h, 0, URI(uri), DK_LINK_STREAM),
		      INVALID_HANDLE);
	EXPECT_OK(DkxPipeCreate(0, &pipe[0], &pipe[1]));
	EXPECT_STATUS(DkxStreamLink((void *)pipe[0], 0, URI(uri),
				    DK_LINK_STREAM),
		      ACCESS_DENIED);
	EXPECT_OK(DkObjectClose(pipe[0]));
	EXPECT_OK(DkObjectClose(pipe[1]));
	EXPECT_STATUS(try_open(uri, R, DK_OPEN_EXISTING, 0), NOT_FOUND);
}
