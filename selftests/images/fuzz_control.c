// SPDX-License-Identifier: GPL-2.0-only
/*
 * DkxStreamControl and DkxConsoleControl: what stands in their buffers, by the
 * operation. Numbers drawn for a structure would hardly ever make sense.
 */
#include "fuzz.h"

u64 control_size(u64 operation)
{
	static const u16 sizes[CONTROL_OPERATIONS] = {
		[DK_CONTROL_GET_OPTIONS] = 4,
		[DK_CONTROL_SET_OPTIONS] = 4,
		[DK_CONTROL_READY] = 4,
		[DK_CONTROL_PIPE_SIZE] = 8,
		[DK_CONTROL_UNSENT] = 4,
		[DK_CONTROL_SHUTDOWN] = 4,
		[DK_CONTROL_ERROR] = 8,
		[DK_CONTROL_LOCAL_ADDRESS] = sizeof(struct dk_address),
		[DK_CONTROL_PEER_ADDRESS] = sizeof(struct dk_address),
		[DK_CONTROL_LISTEN] = 4,
		[DK_CONTROL_GET_SOCKET] = sizeof(struct dk_socket_option),
		[DK_CONTROL_SET_SOCKET] = sizeof(struct dk_socket_option),
		[DK_CONTROL_RECEIVE] = sizeof(struct dk_message),
		[DK_CONTROL_SEND] = sizeof(struct dk_message),
		[DK_CONTROL_SET_PIPE_SIZE] = 8,
		[DK_CONTROL_BIND] = sizeof(struct dk_local_name),
		[DK_CONTROL_CONNECT] = sizeof(struct dk_local_name),
		[DK_CONTROL_NAME] = sizeof(struct dk_local_name),
		[DK_CONTROL_PEER_NAME] = sizeof(struct dk_local_name),
		[DK_CONTROL_IDENTITY] = DK_LOCAL_IDENTITY_SIZE,
		[DK_CONTROL_UNREAD] = 4,
		[DK_CONTROL_ALLOCATE] = sizeof(struct dk_allocation),
		[DK_CONTROL_FILE_SYSTEM] = sizeof(struct dk_file_system),
		[DK_CONTROL_GET_APPEND] = 4,
		[DK_CONTROL_SET_APPEND] = 4,
	};

	return operation < CONTROL_OPERATIONS ? sizes[operation] : 0;
}

u64 console_size(u64 operation)
{
	static const u8 sizes[CONSOLE_OPERATIONS] = {
		[DK_CONSOLE_GET_ATTRIBUTES] = 36,
		[DK_CONSOLE_SET_ATTRIBUTES] = 36,
		[DK_CONSOLE_SET_ATTRIBUTES_DRAIN] = 36,
		[DK_CONSOLE_SET_ATTRIBUTES_FLUSH] = 36,
		[DK_CONSOLE_GET_WINDOW_SIZE] = 8,
		[DK_CONSOLE_BYTES_READABLE] = 4,
		[DK_CONSOLE_SET_WINDOW_SIZE] = 8,
	};

	return operation < CONSOLE_OPERATIONS ? sizes[operation] : 0;
}

/* The data is in the page behind, or nowhere that is ours. */
static void make_message(struct worker *w, struct dk_message *m)
{
	*m = (struct dk_message){
		.buffer = (u64)w->area + (AREA_BUFFER + 1) * PAGE,
		.length = chance(w, 80) ? below(w, 300) : below(w, PAGE),
		.flags = chance(w, 50) ? 0 : below(w, 16),
	};
	if (!w->wild)
		return;
	switch (below(w, 5)) {
	case 0:
		m->buffer = wild_pointer(w, true);
		if (is_ours(m->buffer, m->length))
			m->length = 0;
		break;
	case 1:
		m->length = edge_number(w);
		break;
	case 2:
		m->flags = edge_number(w);
		break;
	case 3:
		m->reserved = 1;
		break;
	}
}

static void make_local_name(struct worker *w, struct dk_local_name *n)
{
	memset(n, 0, sizeof(*n));
	n->key_length = chance(w, 80) ? 1 : below(w, DK_LOCAL_NAME_MAX + 2);
	n->name_length = below(w, chance(w, 80) ? 3 : DK_LOCAL_NAME_MAX + 2);
	n->flags = below(w, 2);
	n->key[0] = below(w, 4);
	if (w->wild && chance(w, 30))
		n->reserved = edge_number(w);
	if (w->wild && chance(w, 30))
		n->flags = edge_number(w);
}

/* Little of it: what is set aside stays until the end. */
static void make_allocation(struct worker *w, struct dk_allocation *a)
{
	static const u32 modes[] = {
		0,
		DK_ALLOCATE_KEEP_SIZE,
		DK_ALLOCATE_KEEP_SIZE | DK_ALLOCATE_PUNCH,
		DK_ALLOCATE_COLLAPSE,
		DK_ALLOCATE_ZERO,
		DK_ALLOCATE_ZERO | DK_ALLOCATE_KEEP_SIZE,
		DK_ALLOCATE_INSERT,
		DK_ALLOCATE_UNSHARE,
	};

	*a = (struct dk_allocation){
		.mode = chance(w, 90) ? modes[below(w, ARRAY_SIZE(modes))] :
					below(w, 128),
		.offset = below(w, 8) * PAGE,
		.length = chance(w, 80) ? (1 + below(w, 4)) * PAGE :
					  below(w, 3 * PAGE),
	};
	if (w->wild && chance(w, 30))
		a->offset = edge_number(w);
	if (w->wild && chance(w, 10))
		a->length = 1ULL << 63;
	if (w->wild && chance(w, 10))
		a->reserved = 1;
}

void make_control(struct worker *w, u64 operation, void *to)
{
	union {
		u32 word[4];
		u64 number;
		u8 bytes[DK_LOCAL_IDENTITY_SIZE];
		struct dk_socket_option option;
		struct dk_message message;
		struct dk_local_name name;
		struct dk_allocation allocation;
	} v = {};

	switch (operation) {
	case DK_CONTROL_SET_OPTIONS:
		v.word[0] = chance(w, 90) ? below(w, 2) : below(w, 64);
		break;
	case DK_CONTROL_SHUTDOWN:
	case DK_CONTROL_LISTEN:
		v.word[0] = below(w, 5);
		break;
	case DK_CONTROL_GET_SOCKET:
	case DK_CONTROL_SET_SOCKET:
		v.option.option = below(w, DK_SOCKET_ONLY_IPV6 + 3);
		v.option.value = chance(w, 80) ? (int)below(w, 5) - 1 :
						 (int)edge_number(w);
		break;
	case DK_CONTROL_RECEIVE:
	case DK_CONTROL_SEND:
		make_message(w, &v.message);
		break;
	case DK_CONTROL_SET_PIPE_SIZE:
		v.number = chance(w, 80) ? below(w, 20) * PAGE : edge_number(w);
		break;
	case DK_CONTROL_BIND:
	case DK_CONTROL_CONNECT:
		make_local_name(w, &v.name);
		break;
	case DK_CONTROL_ALLOCATE:
		make_allocation(w, &v.allocation);
		break;
	default:
		for (u32 i = 0; i < ARRAY_SIZE(v.word); i++)
			v.word[i] = draw(w);
	}
	touch(to, &v, control_size(operation));
}
