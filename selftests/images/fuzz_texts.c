// SPDX-License-Identifier: GPL-2.0-only
/* URIs and paths: good ones, those that lead elsewhere, and spoiled ones. */
#include "fuzz.h"

static u64 put(char *to, u64 at, const char *text)
{
	u64 n = strlen(text);

	if (at + n >= AREA_TEXT_2 * PAGE - AREA_TEXT * PAGE)
		return at;
	memcpy(to + at, text, n);
	return at + n;
}

static u64 put_component(struct worker *w, char *to, u64 at)
{
	static const char *const parts[] = {
		"rw",	     "rw",	  "rw",	   "rw",	 "ro",
		"rx",	     "no",	  "..",	   ".",		 "",
		"a",	     "b",	  "c",	   "d0",	 "d1",
		"d2",	     "d0",	  "d1",	   "e",		 "to-hello",
		"to-secret", "to-ro",	  "to-rw", "to-outside", "to-proc",
		"loop-a",    "hello",	  "file",  "inner",	 "secret",
		"outside",   "other",	  "fixed", "fifo",	 "socket",
		"sub",	     "long-link",
	};
	char part[300];
	u64 n;

	switch (below(w, 20)) {
	case 0: /* a long one */
		n = chance(w, 50) ? 255 : 256;
		memset(part, 'x', n);
		part[n] = 0;
		return put(to, at, part);
	case 1: /* one of many */
		dkt_snprintf(part, sizeof(part), "f%u", (u32)below(w, 60));
		return put(to, at, part);
	case 2: /* odd bytes */
		for (n = 0; n < 1 + below(w, 8); n++)
			part[n] = 1 + below(w, 255);
		part[n] = 0;
		return put(to, at, part);
	default:
		return put(to, at, parts[below(w, ARRAY_SIZE(parts))]);
	}
}

u64 put_path(struct worker *w, char *to, u64 at)
{
	static const char *const places[] = {
		"/",
		"/tmp",
		"/tmp/a",
		"/tmp/b/c",
		"/dev/null",
		"/dev/zero",
		"/dev/full",
		"/dev/urandom",
		"/dev/tty",
		"/dev/kmsg",
		"/dev/pico",
		"/proc/self/mem",
		"/proc/self/exe",
		"/proc",
		"/sys/kernel",
		"/etc/passwd",
		"/etc",
		"/usr/bin",
		"//",
		"/..",
		"/proc/self/fd/0",
		"/dev/stdin",
		"/nothing",
	};

	if (chance(w, 12))
		return put(to, at, places[below(w, ARRAY_SIZE(places))]);
	at = put(to, at, shared->folder);
	if (chance(w, 85))
		at = put(to, at, "/rw");
	for (u64 n = below(w, 4); n; n--) {
		at = put(to, at, chance(w, 95) ? "/" : "//");
		at = put_component(w, to, at);
	}
	if (chance(w, 5))
		at = put(to, at, "/");
	if (chance(w, 1))
		while (at < PAGE - 10 && chance(w, 99))
			at = put(to, at, "/././.");
	return at;
}

static u64 put_name(struct worker *w, char *to, u64 at)
{
	static const char *const names[] = {
		"a", "b", "c", "", "x/y", "..", "127.0.0.1:0", ":",
	};

	return put(to, at, names[below(w, ARRAY_SIZE(names))]);
}

static u64 put_address(struct worker *w, char *to, u64 at)
{
	static const char *const hosts[] = {
		"127.0.0.1",	   "[::1]",
		"0.0.0.0",	   "[::]",
		"localhost",	   "",
		"255.255.255.255", "[::ffff:127.0.0.1]",
		"1.2.3",	   "[::1",
		"127.0.0.2",	   "192.0.2.1",
		"[fe80::1%lo]",
	};
	char port[24];

	at = put(to, at,
		 hosts[below(w, chance(w, 70) ? 2 : ARRAY_SIZE(hosts))]);
	if (chance(w, 80))
		dkt_snprintf(port, sizeof(port), ":%u",
			     40000 + (u32)below(w, 6));
	else
		dkt_snprintf(port, sizeof(port), ":%lu",
			     (unsigned long)edge_number(w));
	return put(to, at, port);
}

static u64 put_uri(struct worker *w, char *to)
{
	static const char *const plain[] = {
		"null:",
		"stdin:",
		"stdout:",
		"stderr:",
		"null:x",
		"stdin:/",
		"http:",
		"http.server:80",
		"dns:host3",
		"dns:no.1",
		"dns:",
		"counter:all",
		"counter:one",
		"counter:two",
		"local:stream",
		"local:packet",
		"local:datagram",
		"local:x",
		"unknown:x",
		"pipe:",
		"tcp:",
		"FILE:/",
		"file:",
		"file:x",
		"file://",
		":",
		"",
		"1a:x",
	};
	u64 n;

	switch (below(w, 20)) {
	case 0:
	case 1:
	case 2:
		return put(
			to, 0,
			plain[below(w, chance(w, 60) ? 4 : ARRAY_SIZE(plain))]);
	case 3:
	case 4:
		n = put(to, 0, chance(w, 50) ? "pipe.server:" : "pipe.client:");
		return put_name(w, to, n);
	case 5:
	case 6:
		n = put(to, 0, chance(w, 50) ? "tcp.server:" : "tcp.client:");
		return put_address(w, to, n);
	default:
		n = put(to, 0, "file:");
		return put_path(w, to, n);
	}
}

/* A URI at @to, perhaps spoiled; its length. */
u64 make_uri(struct worker *w, char *to, bool wild)
{
	u64 n = put_uri(w, to), length = n;

	if (!wild)
		return length;
	switch (below(w, 8)) {
	case 0:
		to[below(w, n + 1)] = draw(w);
		return length;
	case 1:
		to[below(w, n + 1)] = 0;
		return length;
	case 2:
		return n + 1 + below(w, 8);
	case 3:
		return below(w, n + 1);
	case 4: /* as long as can be, and one more */
		while (n < 4097)
			to[n++] = chance(w, 50) ? '/' : '.';
		return 4095 + below(w, 4);
	case 5:
		return edge_number(w);
	default:
		return length;
	}
}

/* An image beside our own, at @to: the length. */
u64 make_image_uri(struct worker *w, char *to)
{
	static const char *const names[] = { "hello.img", "hello.img",
					     "hello.img", "fuzz.img" };
	u64 n = dkt_snprintf(to, PAGE, "file:%s", dkt_argument(0));

	while (n && to[n - 1] != '/')
		n--;
	return n + dkt_snprintf(to + n, PAGE - n, "%s",
				names[below(w, ARRAY_SIZE(names))]);
}
