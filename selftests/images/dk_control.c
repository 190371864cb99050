// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which right each operation of DkxStreamControl needs: through every handle
 * without it the operation is refused and has no effect, through one that has
 * nothing else it has its effect. What needs none is done through any.
 */
#include "connection.h"
#include "files.h"

#define W	DK_RIGHT_WRITE
#define CONTROL	DK_RIGHT_CONTROL
#define NEW	DK_OPEN_CREATE_NEW

/* A stream that an operation makes sense for. */
enum kind { REGULAR, PIPE, CONNECTION, BROKEN, SERVER, PAIR, FREE, KINDS };

static const struct operation {
	const char *name;
	u32 size;
	u32 right; /* that is needed, or 0 */
	enum kind kind;
} operations[] = {
#define OPERATION(name, size, right, kind)				\
	[DK_CONTROL_##name] = { #name, size, right, kind }
	OPERATION(GET_OPTIONS, 4, 0, PIPE),
	OPERATION(SET_OPTIONS, 4, 0, PIPE),
	OPERATION(READY, 4, 0, PIPE),
	OPERATION(PIPE_SIZE, 8, 0, PIPE),
	OPERATION(UNSENT, 4, 0, CONNECTION),
	OPERATION(SHUTDOWN, 4, CONTROL, CONNECTION),
	OPERATION(ERROR, 8, CONTROL, BROKEN),
	OPERATION(LOCAL_ADDRESS, sizeof(struct dk_address), 0, CONNECTION),
	OPERATION(PEER_ADDRESS, sizeof(struct dk_address), 0, CONNECTION),
	OPERATION(LISTEN, 4, CONTROL, SERVER),
	OPERATION(GET_SOCKET, sizeof(struct dk_socket_option), 0, CONNECTION),
	OPERATION(SET_SOCKET, sizeof(struct dk_socket_option), CONTROL,
		  CONNECTION),
	OPERATION(RECEIVE, sizeof(struct dk_message), R, CONNECTION),
	OPERATION(SEND, sizeof(struct dk_message), W, CONNECTION),
	OPERATION(SET_PIPE_SIZE, 8, CONTROL, PIPE),
	OPERATION(BIND, sizeof(struct dk_local_name), CONTROL, FREE),
	OPERATION(CONNECT, sizeof(struct dk_local_name), CONTROL, FREE),
	OPERATION(NAME, sizeof(struct dk_local_name), 0, PAIR),
	OPERATION(PEER_NAME, sizeof(struct dk_local_name), 0, PAIR),
	OPERATION(IDENTITY, DK_LOCAL_IDENTITY_SIZE, CONTROL, PAIR),
	OPERATION(UNREAD, 4, 0, PAIR),
	OPERATION(ALLOCATE, sizeof(struct dk_allocation), W, REGULAR),
	OPERATION(FILE_SYSTEM, sizeof(struct dk_file_system), 0, REGULAR),
	OPERATION(GET_APPEND, 4, 0, REGULAR),
	OPERATION(SET_APPEND, 4, W, REGULAR),
};

/* @h is what is controlled; @other its other end, or who listens. */
static struct world {
	DK_HANDLE h, other, server;
	u32 rights; /* of @h */
} w;

static void connect_them(void)
{
	w.server = serve("tcp.server:127.0.0.1:0", 0);
	w.h = call(address_of(w.server, "127.0.0.1"), NONBLOCK);
	w.other = take(w.server, NULL);
	w.rights = R | W | CONTROL;
}

static DK_STATUS named(DK_HANDLE h, u64 operation, const char *key)
{
	struct dk_local_name name = { .key_length = strlen(key),
				      .name_length = strlen(key) };

	memcpy(name.key, key, strlen(key));
	memcpy(name.name, key, strlen(key));
	return control(h, operation, &name, sizeof(name));
}

static void make_world(enum kind kind)
{
	u32 one = 1;

	memset(&w, 0, sizeof(w));
	switch (kind) {
	case REGULAR:
		w.h = dkt_open(in_rw("controlled"), RW, DK_OPEN_CREATE_TRUNCATE,
			       DK_OPTION_MODE(0644));
		w.rights = R | W;
		break;
	case PIPE:
		EXPECT_OK(DkxPipeCreate(0, &w.h, &w.other));
		w.rights = R | CONTROL;
		break;
	case CONNECTION:
		connect_them();
		send_text(w.other, "unread");
		while (!(ready(w.h) & DK_READY_READ))
			DkThreadYieldExecution();
		break;
	case BROKEN:
		/* Who closes without having read breaks it off. */
		connect_them();
		send_text(w.h, "never read");
		while (!(ready(w.other) & DK_READY_READ))
			DkThreadYieldExecution();
		EXPECT_OK(DkObjectClose(w.other));
		w.other = 0;
		while (!(ready(w.h) & DK_READY_ERROR))
			DkThreadYieldExecution();
		break;
	case SERVER:
		w.h = serve("tcp.server:127.0.0.1:0?backlog=0", 0);
		w.rights = R | CONTROL;
		break;
	case PAIR:
		EXPECT_OK(DkxPipeCreate(DK_PIPE_LOCAL_PACKET, &w.h, &w.other));
		w.rights = R | W | CONTROL;
		break;
	default:
		w.h = dkt_open("local:packet", RW, NEW, 0);
		w.other = dkt_open("local:packet", RW, NEW, 0);
		EXPECT_OK(named(w.other, DK_CONTROL_BIND, "listener"));
		EXPECT_OK(control(w.other, DK_CONTROL_LISTEN, &one, 4));
		w.rights = R | W | CONTROL;
		break;
	}
}

static void end_world(void)
{
	EXPECT_OK(DkObjectClose(w.h));
	if (w.other)
		EXPECT_OK(DkObjectClose(w.other));
	if (w.server)
		EXPECT_OK(DkObjectClose(w.server));
}

/* What the operation is told to do. */
static u8 *argument(u64 operation, u64 size)
{
	static u8 bytes[8] = "argument";
	static union {
		u32 word;
		u64 number;
		struct dk_socket_option option;
		struct dk_message message;
		struct dk_local_name name;
		struct dk_allocation allocation;
		u8 bytes[sizeof(struct dk_local_name)];
	} a;

	memset(&a, 0, sizeof(a));
	switch (operation) {
	case DK_CONTROL_SET_OPTIONS:
		a.word = NONBLOCK;
		break;
	case DK_CONTROL_SHUTDOWN:
		a.word = DK_SHUTDOWN_WRITE;
		break;
	case DK_CONTROL_LISTEN:
	case DK_CONTROL_SET_APPEND:
		a.word = 1;
		break;
	case DK_CONTROL_ERROR:
		a.number = POISON;
		break;
	case DK_CONTROL_GET_SOCKET:
	case DK_CONTROL_SET_SOCKET:
		a.option.option = DK_SOCKET_KEEPALIVE;
		a.option.value = 1;
		break;
	case DK_CONTROL_RECEIVE:
	case DK_CONTROL_SEND:
		a.message.buffer = (u64)bytes;
		a.message.length = sizeof(bytes);
		break;
	case DK_CONTROL_SET_PIPE_SIZE:
		a.number = 8192;
		break;
	case DK_CONTROL_BIND:
	case DK_CONTROL_CONNECT:
		a.name.key_length = a.name.name_length = 8;
		memcpy(a.name.key,
		       operation == DK_CONTROL_BIND ? "just now" : "listener",
		       8);
		memcpy(a.name.name, a.name.key, 8);
		break;
	case DK_CONTROL_IDENTITY:
		memcpy(a.bytes, "who it is, bytes", 16);
		break;
	case DK_CONTROL_ALLOCATE:
		a.allocation.length = 4096;
		break;
	}
	EXPECT_LE(size, sizeof(a));
	return a.bytes;
}

/* Whether somebody listens at the server's port. */
static bool can_be_called(void)
{
	DK_HANDLE h = 0;
	DK_STATUS status = DkStreamOpen(URI(address_of(w.h, "127.0.0.1")), RW,
					DK_OPEN_EXISTING, 0, &h);

	if (status) {
		EXPECT_EQ(status, DK_STATUS_CONNECTION_REFUSED);
		return false;
	}
	EXPECT_OK(DkObjectClose(h));
	return true;
}

/* Is the effect of @operation there? */
static bool has_happened(u64 operation)
{
	struct dk_socket_option option = { .option = DK_SOCKET_KEEPALIVE };
	struct dk_local_name name = { 0 };
	struct dk_stream_attributes at;
	u64 size = 0;
	u32 word = 0;

	switch (operation) {
	case DK_CONTROL_SET_OPTIONS:
		EXPECT_OK(control(w.h, DK_CONTROL_GET_OPTIONS, &word, 4));
		return word & NONBLOCK;
	case DK_CONTROL_SHUTDOWN:
		return ready(w.other) & DK_READY_READ_CLOSED;
	case DK_CONTROL_ERROR:
		return !(ready(w.h) & DK_READY_ERROR);
	case DK_CONTROL_LISTEN:
		return can_be_called();
	case DK_CONTROL_SET_SOCKET:
		EXPECT_OK(control(w.h, DK_CONTROL_GET_SOCKET, &option,
				  sizeof(option)));
		return option.value;
	case DK_CONTROL_RECEIVE:
		return !(ready(w.h) & DK_READY_READ);
	case DK_CONTROL_SEND:
		return ready(w.other) & DK_READY_READ;
	case DK_CONTROL_SET_PIPE_SIZE:
		EXPECT_OK(control(w.h, DK_CONTROL_PIPE_SIZE, &size, 8));
		return size == 8192;
	case DK_CONTROL_BIND:
		EXPECT_OK(control(w.h, DK_CONTROL_NAME, &name, sizeof(name)));
		return name.name_length;
	case DK_CONTROL_CONNECT:
		return !control(w.h, DK_CONTROL_PEER_NAME, &name, sizeof(name));
	case DK_CONTROL_IDENTITY:
		EXPECT_OK(control(w.other, DK_CONTROL_PEER_NAME, &name,
				  sizeof(name)));
		return !memcmp(name.identity, "who it is, bytes", 16);
	case DK_CONTROL_ALLOCATE:
		EXPECT_OK(
			DkStreamAttributesQueryByHandle(w.h, &at, sizeof(at)));
		return at.length;
	case DK_CONTROL_SET_APPEND:
		EXPECT_OK(control(w.h, DK_CONTROL_GET_APPEND, &word, 4));
		return word;
	}
	return false; /* it only asks */
}

static bool has_effect(u64 operation)
{
	return operations[operation].right ||
	       operation == DK_CONTROL_SET_OPTIONS;
}

static s64 through(u64 operation, u32 rights)
{
	const struct operation *o = &operations[operation];
	u8 *a = argument(operation, o->size),
	   before[sizeof(struct dk_local_name)];
	DK_HANDLE weak = 0;
	s64 status;

	EXPECT_OK(DkObjectReference(w.h, rights, &weak));
	memcpy(before, a, o->size);
	status = control(weak, operation, a, o->size);
	if (status && memcmp(before, a, o->size))
		dkt_fail("%s was refused and wrote", o->name);
	if (operation == DK_CONTROL_ERROR && !status)
		EXPECT_EQ(*(s64 *)a, DK_STATUS_CONNECTION_RESET);
	EXPECT_OK(DkObjectClose(weak));
	return status;
}

static void with_and_without(u64 operation)
{
	const struct operation *o = &operations[operation];
	s64 status;

	make_world(o->kind);
	if (has_happened(operation))
		dkt_fail("%s: has happened before", o->name);
	for (u32 rights = 1; rights <= w.rights; rights++) {
		if (rights & ~w.rights || rights & o->right)
			continue;
		status = through(operation, rights);
		if (status != (o->right ? DK_STATUS_ACCESS_DENIED : 0))
			dkt_fail("%s with the rights 0x%x: %s", o->name, rights,
				 dkt_status(status));
		if (o->right && has_happened(operation))
			dkt_fail("%s with the rights 0x%x has happened",
				 o->name, rights);
	}
	if (o->right) {
		status = through(operation, o->right);
		if (status)
			dkt_fail("%s with the right that it needs: %s", o->name,
				 dkt_status(status));
	}
	if (has_effect(operation) && !has_happened(operation))
		dkt_fail("%s has had no effect", o->name);
	end_world();
}

TEST(every_operation)
{
	for (u64 i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!operations[i].name)
			dkt_fail("operation %lu has no test", (unsigned long)i);
		else
			with_and_without(i);
	}
	EXPECT_OK(DkStreamDelete(URI(in_rw("controlled")), DK_DELETE_FILE));
}

/* A new one has no test here. */
TEST(no_other_operation)
{
	u8 buffer[sizeof(struct dk_local_name)] = { 0 };

	for (int kind = 0; kind < KINDS; kind++) {
		make_world(kind);
		for (u64 size = 0; size <= sizeof(buffer); size++)
			EXPECT_STATUS(control(w.h, ARRAY_SIZE(operations),
					      buffer, size),
				      INVALID_PARAMETER);
		end_world();
	}
	EXPECT_OK(DkStreamDelete(URI(in_rw("controlled")), DK_DELETE_FILE));
}

/* Whose streams do not know an operation asks for the right all the same. */
TEST(where_it_makes_no_sense)
{
	for (int kind = 0; kind < KINDS; kind++) {
		make_world(kind);
		for (u64 i = 0; i < ARRAY_SIZE(operations); i++) {
			u32 right = operations[i].right;

			for (u32 rights = 1; rights <= w.rights; rights++) {
				if (!right || rights & (~w.rights | right))
					continue;
				EXPECT_STATUS(through(i, rights),
					      ACCESS_DENIED);
			}
		}
		end_world();
	}
	EXPECT_OK(DkStreamDelete(URI(in_rw("controlled")), DK_DELETE_FILE));
}
