/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drawbridge.ko: what the files that serve streams share.
 */
#ifndef _DRAWBRIDGE_STREAM_H
#define _DRAWBRIDGE_STREAM_H

#include <linux/namei.h>

#include "../compat.h"
#include "drawbridge.h"
#include "learn.h"

#define DK_ACCESS_RIGHTS	(DK_ACCESS_READ | DK_ACCESS_WRITE | \
				 DK_ACCESS_EXECUTE)

/* ---- statuses and URIs (stream.c, uri.c) ---- */

long dk_stream_status(long error, u64 set);

enum dk_scheme {
	DK_SCHEME_FILE,
	DK_SCHEME_NULL,
	DK_SCHEME_STDIN,	/* these three in the order of */
	DK_SCHEME_STDOUT,	/* sandbox->streams */
	DK_SCHEME_STDERR,
	DK_SCHEME_PIPE_SERVER,	/* a name follows: dk_scheme_has_name() */
	DK_SCHEME_PIPE_CLIENT,
	DK_SCHEME_TCP_SERVER,
	DK_SCHEME_TCP_CLIENT,
	DK_SCHEME_DNS,
	DK_SCHEME_LOCAL,
	DK_SCHEME_COUNTER,
};

static inline bool dk_scheme_is_console(enum dk_scheme scheme)
{
	return scheme >= DK_SCHEME_STDIN && scheme <= DK_SCHEME_STDERR;
}

static inline bool dk_scheme_has_name(enum dk_scheme scheme)
{
	return scheme >= DK_SCHEME_PIPE_SERVER;
}

/**
 * struct dk_uri - a copy of a URI, taken apart
 * @scheme:	which
 * @rest:	what follows the colon; of file: an absolute path
 * @text:	all of it, terminated; freed by dk_uri_put()
 * @small:	holds @text when it is short
 */
struct dk_uri {
	enum dk_scheme scheme;
	char *rest;
	char *text;
	char small[128];
};

long dk_uri_get(struct dk_uri *uri, u64 address, u64 length);
long dk_uri_get_file(struct dk_uri *uri, u64 address, u64 length);
void dk_uri_put(struct dk_uri *uri);

/* ---- rules (rule.c) ---- */

const struct dk_rule *dk_rule_find(const struct dk_sandbox *sandbox,
				   const struct path *path);
void dk_place_init(struct dk_rule *rule);
void dk_place_destroy(struct dk_rule *rule);
bool dk_place_lost(const struct dk_rule *rule);
bool dk_place_taken(const struct dk_rule *rule, const struct path *path);
bool dk_place_is(const struct dk_rule *rule, struct dentry *dentry);
bool dk_rule_leads_to(const struct dk_sandbox *sandbox,
		      const struct path *path);
bool dk_absent(const struct dk_sandbox *sandbox, const struct path *parent,
	       const char *name, size_t length);
long dk_absent_add(struct dk_sandbox *sandbox, char *path);
bool dk_rule_busy(const struct dk_sandbox *sandbox, struct dentry *dentry);
void dk_rule_enter(const struct dk_sandbox *sandbox, struct path *path);
const struct dk_rule *dk_rule_grafted(const struct dk_sandbox *sandbox,
				      const struct path *path);

char *dk_name_below(const struct path *path, const struct path *base);

/* Whether @rule grants every right of @access; no rule grants nothing. */
static inline bool dk_rule_allows(const struct dk_rule *rule, u32 access)
{
	return rule && rule->rights &&
	       !(access & DK_ACCESS_RIGHTS & ~rule->rights);
}

/* ---- names (path.c, names.c) ---- */

/* A last symbolic link too. */
#define DK_LOOKUP_FOLLOW	0x1
/* @parent and @last are wanted; the name itself need not be there. */
#define DK_LOOKUP_PARENT	0x2

/**
 * struct dk_name - what a path leads to
 * @path:	the file; all NULL when nothing has the name (PARENT only)
 * @rule:	that decides over it, or NULL
 * @parent:	directory that the last component is looked up in; all NULL
 *		when there is none: the path ends in "/", "." or ".."
 * @parent_rule: that decides over @parent, or NULL
 * @last:	the last component, terminated; last symbolic links replaced
 * @slash:	slashes followed @last, which @path may still be no directory
 * @buffer:	what @last is in; dk_name_put() frees it
 */
struct dk_name {
	struct path path;
	const struct dk_rule *rule;
	struct path parent;
	const struct dk_rule *parent_rule;
	char *last;
	bool slash;
	char *buffer;
};

int dk_lookup(const struct dk_sandbox *sandbox, const char *name,
	      unsigned int flags, struct dk_name *found);
void dk_name_put(struct dk_name *name);
int dk_name_absent(const struct dk_sandbox *sandbox,
		   const struct dk_name *name);
int dk_lookup_host(const struct dk_sandbox *sandbox, const char *name,
		   unsigned int flags, struct path *path);

/* Whether slashes follow what is no directory, which most calls refuse. */
static inline bool dk_name_mistaken(const struct dk_name *name)
{
	return name->slash && name->path.dentry &&
	       !d_can_lookup(name->path.dentry);
}

/* What a name that must not be there, but is, is told as. */
static inline long dk_rule_exists(const struct dk_sandbox *sandbox,
				  const struct dk_name *name)
{
	if (!dk_rule_allows(name->rule, 0))
		return -EACCES;
	dk_learn(sandbox, &name->path, 0);
	return -EEXIST;
}

int dk_make_directory(struct dk_name *name, umode_t mode);
/* @mode has S_IFIFO or S_IFSOCK, too. */
int dk_make_node(struct dk_name *name, umode_t mode);

/* ---- files (file.c, transfer.c, directory.c) ---- */

/* What DkStreamOpen was asked for, checked for sense. */
struct dk_open {
	u32 access;
	u32 disposition;
	u32 options;
	umode_t mode;
	bool image;		/* to be executed: it is not waited for */
};

static inline bool dk_open_creates(const struct dk_open *open)
{
	return open->disposition == DK_OPEN_CREATE ||
	       open->disposition == DK_OPEN_CREATE_NEW ||
	       open->disposition == DK_OPEN_CREATE_TRUNCATE;
}

static inline bool dk_open_truncates(const struct dk_open *open)
{
	return open->disposition == DK_OPEN_TRUNCATE ||
	       open->disposition == DK_OPEN_CREATE_TRUNCATE;
}

long dk_file_open(struct dk_stream *stream, const char *path,
		  const struct dk_open *open, u32 *rights);
long dk_dns_open(struct dk_stream *stream, const char *name,
		 const struct dk_open *open, u32 *rights);
long dk_null_open(struct dk_stream *stream, const struct dk_open *open,
		  u32 *rights);
long dk_console_open(struct dk_stream *stream, enum dk_scheme scheme,
		     const struct dk_open *open, u32 *rights);

ssize_t dk_file_read(struct dk_stream *stream, u64 offset,
		     void __user *buffer, size_t length);
ssize_t dk_file_write(struct dk_stream *stream, u64 offset,
		      const void __user *buffer, size_t length);
long dk_file_map(struct dk_stream *stream, u32 rights, unsigned long *base,
		 u64 length, u64 offset, unsigned long prot,
		 unsigned long flags);
long dk_file_set_length(struct dk_stream *stream, u64 length);
long dk_file_flush(struct dk_stream *stream, u64 flags);
long dk_file_seek(struct dk_stream *stream, s64 offset, u64 whence,
		  u64 *position);
long dk_directory_enumerate(struct dk_stream *stream, u64 *cursor,
			    void __user *buffer, size_t length, u64 *done);

/* The file's position, locked as the kernel's own read() locks it. */
static inline void dk_position_lock(struct file *file)
{
	if (file->f_mode & FMODE_ATOMIC_POS)
		mutex_lock(&file->f_pos_lock);
}

static inline void dk_position_unlock(struct file *file)
{
	if (file->f_mode & FMODE_ATOMIC_POS)
		mutex_unlock(&file->f_pos_lock);
}

/* ---- connections (socket.c, namedpipe.c, tcp.c, netrule.c) ---- */

struct socket;
struct sockaddr_storage;

extern const struct dk_stream_ops dk_socket_ops;

int dk_socket_attach(struct dk_stream *stream, struct socket *sock,
		     bool nonblock);
int dk_socket_pair(struct socket *pair[2]);
long dk_socket_address(struct socket *sock, int peer,
		       struct dk_address *address);
long dk_socket_receive(struct socket *sock, void __user *buffer);
long dk_socket_send(struct socket *sock, void __user *buffer);
long dk_socket_get(struct socket *sock,
		   struct dk_socket_option __user *option);
long dk_socket_set(struct socket *sock,
		   const struct dk_socket_option __user *option, bool server);
long dk_connection_open(const struct dk_open *open, bool server, u32 *rights);

long dk_pipe_server_open(struct dk_stream *stream, const char *name,
			 const struct dk_open *open, u32 *rights);
long dk_pipe_client_open(struct dk_stream *stream, const char *name,
			 const struct dk_open *open, u32 *rights);
long dk_tcp_open(struct dk_stream *stream, enum dk_scheme scheme,
		 const char *name, const struct dk_open *open, u32 *rights);

long dk_local_scheme_open(struct dk_stream *stream, const char *name,
			  const struct dk_open *open, u32 *rights);
int dk_local_pair(struct dk_stream *stream[2], u64 options);
long dk_local_shutdown(struct dk_stream *stream, u32 how);
long dk_local_take_error(struct dk_stream *stream);
long dk_local_bind(struct dk_stream *stream, void __user *buffer);
long dk_local_connect(struct dk_stream *stream, void __user *buffer);
long dk_local_listen(struct dk_stream *stream, u32 backlog);
long dk_local_get_name(struct dk_stream *stream, void __user *buffer);
long dk_local_get_peer_name(struct dk_stream *stream, void __user *buffer);
long dk_local_set_identity(struct dk_stream *stream, void __user *buffer);
long dk_local_unread(struct dk_stream *stream, void __user *buffer);
bool dk_is_local(const struct dk_stream *stream);

long dk_counter_open(struct dk_stream *stream, const char *name,
		     const struct dk_open *open, u32 *rights);

bool dk_address_parse(const char *text, struct dk_address *address,
		      const char **end);
bool dk_port_parse(const char *text, u16 *port, const char **end);
bool dk_pipe_allowed(const struct dk_sandbox *sandbox, enum dk_scheme scheme,
		     const char *name, u32 access);
bool dk_address_mapped(const struct dk_address *address);
bool dk_tcp_allowed(const struct dk_sandbox *sandbox, enum dk_scheme scheme,
		    const struct dk_address *address, u32 access);

bool dk_pipe_server_listen(struct dk_stream *stream, u32 backlog);
bool dk_is_file_stream(const struct dk_stream *stream);
const struct path *dk_stream_path(const struct dk_stream *stream);
bool dk_is_tcp_server(const struct dk_stream *stream);
int dk_tcp_listen(struct socket *sock, u32 backlog);
bool dk_is_console(const struct dk_stream *stream);

/* Readiness of any stream; EPOLL*. */
__poll_t dk_stream_poll(struct dk_stream *stream,
			struct poll_table_struct *table);
bool dk_stream_can_poll(const struct dk_stream *stream);
void dk_stream_events_end(struct dk_stream *stream);

/* ---- attributes and consoles (attributes.c, console.c) ---- */

long dk_path_get_attributes(const struct dk_sandbox *sandbox,
			    const struct path *path,
			    struct dk_stream_attributes *attributes);
long dk_path_set_attributes(const struct dk_sandbox *sandbox,
			    const struct path *path,
			    const struct dk_stream_attributes *attributes);
long dk_stream_get_attributes(struct dk_stream *stream,
			      struct dk_stream_attributes *attributes);
long dk_stream_set_attributes(struct dk_stream *stream,
			      const struct dk_stream_attributes *attributes);
void dk_null_attributes(struct dk_stream_attributes *attributes);
bool dk_is_terminal(struct file *file, void __user *scratch);
struct file *dk_console_file(const struct dk_sandbox *sandbox,
			     enum dk_scheme scheme);

struct dk_stream *dk_stream_alloc(struct dk_sandbox *sandbox);
/* A referenced stream, or ERR_PTR as dk_handle_get(). */
static inline struct dk_stream *dk_stream_get(struct dk_thread *thread,
					      u64 handle, u32 rights)
{
	struct dk_object *object;

	object = dk_handle_get_rights(thread->process, handle,
				      DK_OBJECT_STREAM, rights, NULL);
	if (IS_ERR(object))
		return ERR_CAST(object);
	return container_of(object, struct dk_stream, object);
}

static inline void dk_stream_put(struct dk_stream *stream)
{
	dk_object_put(&stream->object);
}

#endif /* _DRAWBRIDGE_STREAM_H */
