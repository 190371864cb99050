// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Names of hosts, in the words of DNS: see resolver.h.
 *
 * The C libraries' resolvers send a query to port 53 of the name server that
 * /etc/resolv.conf names (or of 127.0.0.1). Whichever that is, it is this one:
 * the datagram is read here, dns:NAME of the host is opened, and what the
 * monitor found there becomes the records of a reply.
 *
 *	no such name		NXDOMAIN
 *	not allowed		REFUSED, which a resolver reports as a failure
 *	anything else		SERVFAIL
 *	a type but A and AAAA	no records; for names of addresses (PTR) NXDOMAIN
 */
#include "resolver.h"

#define HEADER 12
#define NAME_MAX_DNS 253
#define TEXT_MAX 4096

enum { TYPE_A = 1, TYPE_PTR = 12, TYPE_AAAA = 28, TYPE_OPT = 41 };
enum { NO_ERROR, FORMAT, SERVER_FAILURE, NO_NAME, NOT_IMPLEMENTED, REFUSED };

#define LEAST_SIZE 512 /* what any resolver takes */
#define RECORD_FIXED 12 /* pointer to the name, type, class, time, length */
#define TIME_TO_LIVE 5

struct query {
	char uri[4 + NAME_MAX_DNS + 1]; /* dns:NAME */
	size_t uri_length;
	u16 type, class;
	size_t end; /* of the question */
	size_t room; /* for the reply */
};

static u16 get16(const u8 *at)
{
	return at[0] << 8 | at[1];
}

static u8 *put16(u8 *at, u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
	return at + 2;
}

/* The question's name as a text; false: it is none. */
static bool parse_name(const u8 *message, size_t length, size_t *at,
		       struct query *query)
{
	size_t n = 4;
	u8 label;

	memcpy(query->uri, "dns:", 4);
	for (;;) {
		if (*at >= length)
			return false;
		label = message[(*at)++];
		if (!label)
			break;
		if (label > 63 || *at + label > length ||
		    n + label + 1 > 4 + NAME_MAX_DNS)
			return false;
		if (n > 4)
			query->uri[n++] = '.';
		memcpy(query->uri + n, message + *at, label);
		n += label;
		*at += label;
	}
	query->uri[n] = 0;
	query->uri_length = n;
	return n > 4 && !memchr(query->uri, 0, n);
}

/* How much the asker takes, from an EDNS record behind the question. */
static size_t room_for_reply(const u8 *message, size_t length, size_t at)
{
	if (get16(message + 10) == 1 && length - at >= 11 && !message[at] &&
	    get16(message + at + 1) == TYPE_OPT)
		return MIN(MAX(get16(message + at + 3), LEAST_SIZE),
			   RESOLVER_MESSAGE_MAX);
	return LEAST_SIZE;
}

static bool parse(const u8 *message, size_t length, struct query *query)
{
	size_t at = HEADER;

	if (get16(message + 4) != 1 ||
	    !parse_name(message, length, &at, query) || length - at < 4)
		return false;
	query->type = get16(message + at);
	query->class = get16(message + at + 2);
	query->end = at + 4;
	query->room = room_for_reply(message, length, query->end);
	return true;
}

/* ---- addresses ---- */

static bool parse_four(const char *text, u8 *to)
{
	int i, value, digits;

	for (i = 0; i < 4; i++) {
		value = digits = 0;
		for (; *text >= '0' && *text <= '9'; text++, digits++)
			value = value * 10 + *text - '0';
		if (!digits || digits > 3 || value > 255)
			return false;
		to[i] = value;
		if (*text++ != (i < 3 ? '.' : 0))
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* Groups of 16 bits, with "::" for those that are missing. */
static bool parse_six(const char *text, u8 *to)
{
	int groups = 0, gap = -1, digits, value;
	u8 parts[16];

	if (text[0] == ':' && text[1] != ':')
		return false;
	while (*text) {
		if (text[0] == ':' && text[1] == ':') {
			if (gap >= 0)
				return false;
			gap = groups;
			text += 2;
			continue;
		}
		if (*text == ':')
			text++;
		for (value = digits = 0; hex_digit(*text) >= 0; digits++)
			value = value << 4 | hex_digit(*text++);
		if (!digits || digits > 4 || groups == 8 ||
		    (*text && *text != ':'))
			return false;
		put16(parts + 2 * groups++, value);
	}
	if (gap < 0 ? groups != 8 : groups > 7)
		return false;
	if (gap < 0)
		gap = groups;
	memset(to, 0, 16);
	memcpy(to, parts, 2 * gap);
	memcpy(to + 16 - 2 * (groups - gap), parts + 2 * gap,
	       2 * (groups - gap));
	return true;
}

/* ---- the reply ---- */

/* What the host knows, as lines; a code of DNS, or -ERESTARTSYS. */
static long ask_host(const struct query *query, char *text, size_t *length)
{
	DK_HANDLE stream;
	DK_STATUS status;
	dk_u64 part;

	*length = 0;
	do {
		status = HOST_WAIT(DkStreamOpen, query->uri, query->uri_length,
				   DK_ACCESS_READ, DK_OPEN_EXISTING, 0,
				   &stream);
	} while (status == DK_STATUS_INTERRUPTED && !signal_interrupts());
	switch (status) {
	case DK_STATUS_SUCCESS:
		break;
	case DK_STATUS_INTERRUPTED:
		return -ERESTARTSYS;
	case DK_STATUS_NOT_FOUND:
	case DK_STATUS_INVALID_PARAMETER:
	case DK_STATUS_NAME_TOO_LONG:
		return NO_NAME;
	case DK_STATUS_ACCESS_DENIED:
		return REFUSED;
	default:
		return SERVER_FAILURE;
	}
	do {
		part = 0;
		status = DkStreamRead(stream, DK_OFFSET_CURRENT, text + *length,
				      TEXT_MAX - *length, &part);
		*length += part;
	} while (!status && part && *length < TEXT_MAX);
	DkObjectClose(stream);
	return status ? SERVER_FAILURE : NO_ERROR;
}

/* A record for each line that is an address of the type; the end of all. */
static u8 *add_records(const struct query *query, char *text, size_t length,
		       u8 *at, const u8 *limit, u16 *count)
{
	size_t size = query->type == TYPE_A ? 4 : 16;
	char *line = text, *end;
	u8 address[16];

	while (line < text + length) {
		end = memchr(line, '\n', text + length - line);
		if (!end)
			end = text + length;
		*end = 0;
		if ((query->type == TYPE_A ? parse_four(line, address) :
					     parse_six(line, address)) &&
		    at + RECORD_FIXED + size <= limit) {
			at = put16(at, 0xc000 | HEADER);
			at = put16(at, query->type);
			at = put16(at, 1);
			at = put16(at, 0);
			at = put16(at, TIME_TO_LIVE);
			at = put16(at, size);
			memcpy(at, address, size);
			at += size;
			++*count;
		}
		line = end + 1;
	}
	return at;
}

long resolver_answer(const u8 *message, size_t length, u8 *reply)
{
	char text[TEXT_MAX + 1];
	size_t text_length = 0;
	struct query query;
	u16 flags, count = 0;
	long code;
	u8 *at;

	/* A query, and not an answer. */
	if (length < HEADER || message[2] & 0x80)
		return 0;
	flags = get16(message + 2);
	if (!parse(message, length, &query)) {
		code = FORMAT;
		query.end = HEADER;
		query.room = LEAST_SIZE;
	} else if (flags & 0x7800 || query.class != 1) {
		code = NOT_IMPLEMENTED;
	} else if (query.type == TYPE_A || query.type == TYPE_AAAA) {
		code = ask_host(&query, text, &text_length);
	} else {
		code = query.type == TYPE_PTR ? NO_NAME : NO_ERROR;
	}
	if (code < 0)
		return code;
	memset(reply, 0, HEADER);
	memcpy(reply + HEADER, message + HEADER, query.end - HEADER);
	at = reply + query.end;
	if (code == NO_ERROR && text_length)
		at = add_records(&query, text, text_length, at,
				 reply + query.room, &count);
	memcpy(reply, message, 2);
	/* A reply, recursion was and could be asked for. */
	put16(reply + 2, 0x8080 | (flags & 0x7900) | code);
	put16(reply + 4, query.end > HEADER);
	put16(reply + 6, count);
	return at - reply;
}
