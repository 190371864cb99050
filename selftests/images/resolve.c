// SPDX-License-Identifier: GPL-2.0-only
/*
 * resolve.img NAME,NAME...: the addresses of each, as dns: has them, or the status.
 */
#include "dktest.h"

TEST(resolve)
{
	const char *name = dkt_argument(1);
	char what[512], uri[520], text[1024];
	DK_HANDLE stream, out;
	u64 done;
	s64 status;
	int n;

	out = dkt_open("stdout:", DK_ACCESS_WRITE, DK_OPEN_EXISTING, 0);
	for (bool more = true; more; name += more) {
		n = 0;
		while (name[n] && name[n] != ',')
			n++;
		dkt_snprintf(what, sizeof(what), "%s", name);
		what[n] = 0;
		more = name[n];
		name += n;
		n = dkt_snprintf(uri, sizeof(uri), "dns:%s", what);
		status = DkStreamOpen(uri, n, DK_ACCESS_READ, DK_OPEN_EXISTING,
				      0, &stream);
		if (status) {
			n = dkt_snprintf(text, sizeof(text), "%s: %lld\n", what,
					 status);
			DkStreamWrite(out, DK_OFFSET_CURRENT, text, n, &done);
			continue;
		}
		while (!DkStreamRead(stream, DK_OFFSET_CURRENT, text,
				     sizeof(text), &done) &&
		       done)
			DkStreamWrite(out, DK_OFFSET_CURRENT, text, done,
				      &done);
		DkObjectClose(stream);
	}
	DkProcessExit(0);
}
