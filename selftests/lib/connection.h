/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests of connections, inside a picoprocess: short names for what they do. */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "files.h"

#define RW	(DK_ACCESS_READ | DK_ACCESS_WRITE)
#define R	DK_ACCESS_READ
#define CURRENT	DK_OFFSET_CURRENT
#define NONBLOCK DK_OPTION_NONBLOCK

static inline DK_HANDLE serve(const char *uri, u64 options)
{
	return dkt_open(uri, R, DK_OPEN_CREATE_NEW, options);
}

static inline DK_HANDLE call(const char *uri, u64 options)
{
	return dkt_open(uri, RW, DK_OPEN_EXISTING, options);
}

static inline DK_HANDLE take(DK_HANDLE server, struct dk_address *peer)
{
	struct dk_accepted a = { .stream = POISON };
	u64 done = POISON;

	EXPECT_OK(DkStreamRead(server, CURRENT, &a, sizeof(a), &done));
	EXPECT_EQ(done, sizeof(a));
	if (peer)
		*peer = a.peer;
	return a.stream;
}

static inline s64 control(DK_HANDLE h, u64 operation, void *buffer, u64 size)
{
	return DkxStreamControl(h, operation, buffer, size);
}

static inline void send_text(DK_HANDLE h, const char *text)
{
	u64 done = POISON;

	EXPECT_OK(DkStreamWrite(h, CURRENT, text, strlen(text), &done));
	EXPECT_EQ(done, strlen(text));
}

static inline void expect_text(DK_HANDLE h, const char *text)
{
	u64 done, have = 0, want = strlen(text);
	char b[64];

	while (have < want) {
		done = 0;
		if (DkStreamRead(h, CURRENT, b + have, sizeof(b) - have,
				 &done) ||
		    !done)
			break;
		have += done;
	}
	if (have != want || memcmp(b, text, want))
		dkt_fail("%lu bytes came instead of \"%s\"",
			 (unsigned long)have, text);
}

static inline void expect_end(DK_HANDLE h)
{
	u64 done = POISON;
	char b[8];

	EXPECT_OK(DkStreamRead(h, CURRENT, b, 8, &done));
	EXPECT_EQ(done, 0);
}

static inline void shut(DK_HANDLE h, u32 how)
{
	EXPECT_OK(control(h, DK_CONTROL_SHUTDOWN, &how, 4));
}

/* "tcp.SIDE:ADDR:PORT" of a server's port. */
static inline const char *address_of(DK_HANDLE server, const char *host)
{
	static char uris[4][64];
	static unsigned int next;
	char *uri = uris[next++ % 4];
	struct dk_address at = { 0 };

	EXPECT_OK(control(server, DK_CONTROL_LOCAL_ADDRESS, &at, sizeof(at)));
	EXPECT_NE(at.port, 0);
	dkt_snprintf(uri, sizeof(uris[0]), "tcp.client:%s:%u", host, at.port);
	return uri;
}

static inline u32 ready(DK_HANDLE h)
{
	u32 bits = 0xffff;

	EXPECT_OK(control(h, DK_CONTROL_READY, &bits, 4));
	return bits;
}

/* ---- a thread that calls, and what came of it ---- */

static volatile s64 status_of_caller;
static volatile DK_HANDLE caller;
static const char *caller_uri;

static inline void calls(u64 parameter)
{
	DK_HANDLE h = 0;

	status_of_caller =
		DkStreamOpen(URI(caller_uri), RW, DK_OPEN_EXISTING, 0, &h);
	caller = h;
}

static inline DK_HANDLE start_caller(const char *uri)
{
	DK_HANDLE t;
	s64 left;

	caller_uri = uri;
	status_of_caller = 1;
	caller = 0;
	t = dkt_thread(calls, 0);
	DkThreadDelayExecution(50 * MSEC, &left);
	return t;
}

#endif /* CONNECTION_H */
