// SPDX-License-Identifier: GPL-2.0-only
/*
 * URIs: SCHEME:REST, copied from user memory once and taken apart.
 *
 * Bytes pass as they are: Linux file names need not be UTF-8, and a program's
 * names must survive the round trip. Only a zero byte is refused.
 */
#include <linux/ctype.h>
#include <linux/string.h>

#include "stream.h"

static const char * const scheme_names[] = {
	[DK_SCHEME_FILE] = "file",
	[DK_SCHEME_NULL] = "null",
	[DK_SCHEME_DNS] = "dns",
	[DK_SCHEME_STDIN] = "stdin",
	[DK_SCHEME_STDOUT] = "stdout",
	[DK_SCHEME_STDERR] = "stderr",
	[DK_SCHEME_PIPE_SERVER] = "pipe.server",
	[DK_SCHEME_PIPE_CLIENT] = "pipe.client",
	[DK_SCHEME_TCP_SERVER] = "tcp.server",
	[DK_SCHEME_TCP_CLIENT] = "tcp.client",
	[DK_SCHEME_LOCAL] = "local",
	[DK_SCHEME_COUNTER] = "counter",
};

/* Letters, digits, '.', '+' and '-', a letter first (RFC 3986, 3.1). */
static bool scheme_is_valid(const char *text, size_t length)
{
	size_t i;

	if (!length || !isalpha(text[0]))
		return false;
	for (i = 1; i < length; i++)
		if (!isalnum(text[i]) && !strchr("+-.", text[i]))
			return false;
	return true;
}

static long uri_parse(struct dk_uri *uri)
{
	const char *colon = strchr(uri->text, ':');
	size_t length, i;

	if (!colon)
		return -EINVAL;
	length = colon - uri->text;
	for (i = 0; i < ARRAY_SIZE(scheme_names); i++)
		if (strlen(scheme_names[i]) == length &&
		    !memcmp(scheme_names[i], uri->text, length))
			break;
	if (i == ARRAY_SIZE(scheme_names))
		return scheme_is_valid(uri->text, length) ? -EOPNOTSUPP :
							    -EINVAL;
	uri->scheme = i;
	uri->rest = uri->text + length + 1;
	if (i == DK_SCHEME_FILE)
		return uri->rest[0] == '/' ? 0 : -EINVAL;
	if (!uri->rest[0] == dk_scheme_has_name(i))
		return -EINVAL;
	return 0;
}

/**
 * dk_uri_get() - copy and parse a URI
 * @uri:	filled in; on success dk_uri_put() frees it
 * @address:	in user memory
 * @length:	in bytes
 *
 * Return: 0; -EINVAL (malformed), -EOPNOTSUPP (a scheme that is not here),
 * -ENAMETOOLONG, -EFAULT, -ENOMEM.
 */
long dk_uri_get(struct dk_uri *uri, u64 address, u64 length)
{
	long error;

	if (!length)
		return -EINVAL;
	if (length > DRAWBRIDGE_URI_MAX)
		return -ENAMETOOLONG;
	uri->text = uri->small;
	if (length >= sizeof(uri->small)) {
		uri->text = kmalloc(length + 1, GFP_KERNEL_ACCOUNT);
		if (!uri->text)
			return -ENOMEM;
	}
	error = -EFAULT;
	if (copy_from_user(uri->text, dk_user(address), length))
		goto put;
	uri->text[length] = 0;
	error = -EINVAL;
	if (memchr(uri->text, 0, length))
		goto put;
	error = uri_parse(uri);
	if (error)
		goto put;
	return 0;

put:
	dk_uri_put(uri);
	return error;
}

/* The same, for calls that only know files. */
long dk_uri_get_file(struct dk_uri *uri, u64 address, u64 length)
{
	long error = dk_uri_get(uri, address, length);

	if (!error && uri->scheme != DK_SCHEME_FILE) {
		dk_uri_put(uri);
		error = -EOPNOTSUPP;
	}
	return error;
}

void dk_uri_put(struct dk_uri *uri)
{
	if (uri->text != uri->small)
		kfree(uri->text);
}
