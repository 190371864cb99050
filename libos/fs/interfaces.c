// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Network interfaces, as a program may ask for them: the loopback interface,
 * and one that stands for all that the sandbox's rules allow beyond the
 * machine. What the host really has is none of the program's business, so that
 * one's addresses are those that are reserved for documentation. They say that
 * there is IPv4 and IPv6; a connection's own address is the host's.
 */
#include "interfaces.h"
#include "proc.h"

#include <linux/if_addr.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/rtnetlink.h>

#define IFF_UP 0x1
#define IFF_BROADCAST 0x2
#define IFF_LOOPBACK 0x8
#define IFF_RUNNING 0x40
#define IFF_MULTICAST 0x1000

const struct interface interfaces[INTERFACE_COUNT] = {
	{ .index = 1,
	  .name = "lo",
	  .type = INTERFACE_LOOPBACK,
	  .flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING,
	  .mtu = 65536,
	  .four = { 127, 0, 0, 1 },
	  .four_prefix = 8,
	  .six = { [15] = 1 },
	  .six_prefix = 128,
	  .scope = RT_SCOPE_HOST },
	{ .index = 2,
	  .name = "eth0",
	  .type = INTERFACE_ETHERNET,
	  .flags = IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST,
	  .mtu = 1500,
	  .hardware = { 2, 0, 0, 0, 0, 1 },
	  .four = { 192, 0, 2, 1 },
	  .four_prefix = 24,
	  .six = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
	  .six_prefix = 64,
	  .scope = RT_SCOPE_UNIVERSE },
};

const struct interface *interface_towards(const struct address *a)
{
	static const u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct sockaddr_in6 *in6 = (const void *)a->bytes;
	const struct sockaddr_in *in = (const void *)a->bytes;
	const u8 *six = in6->sin6_addr.s6_addr;
	u8 first;

	if (a->family == AF_INET)
		first = *(const u8 *)&in->sin_addr;
	else if (!memcmp(six, mapped, 12))
		first = six[12];
	else
		first = memcmp(six, interfaces[0].six, 16) ? 1 : 127;
	return &interfaces[first == 127 || !first ? 0 : 1];
}

/* ---- /proc/net ---- */

#define IPV6_SCOPE_HOST 0x10
#define IPV6_SCOPE_GLOBAL 0x00

/* The IPv6 addresses: Java looks whether there are any. */
void text_if_inet6(struct text *text)
{
	const struct interface *i;
	size_t k;

	for (i = interfaces; i < interfaces + INTERFACE_COUNT; i++) {
		for (k = 0; k < sizeof(i->six); k++)
			text_add(text, "%02x", i->six[k]);
		text_add(text, " %02x %02x %02x %02x %8s\n", i->index,
			 i->six_prefix,
			 i->scope == RT_SCOPE_HOST ? IPV6_SCOPE_HOST :
						     IPV6_SCOPE_GLOBAL,
			 IFA_F_PERMANENT, i->name);
	}
}

/* ---- ioctl ---- */

#define SIOCGIFNAME 0x8910
#define SIOCGIFFLAGS 0x8913
#define SIOCGIFADDR 0x8915
#define SIOCGIFMTU 0x8921
#define SIOCGIFHWADDR 0x8927
#define SIOCGIFINDEX 0x8933

struct request { /* struct ifreq */
	char name[16];
	union {
		s32 number;
		s16 flags;
		struct sockaddr_in address;
		struct {
			u16 type;
			u8 bytes[14];
		} hardware;
		u8 room[24];
	};
};

static const struct interface *find(unsigned int command,
				    const struct request *request)
{
	const struct interface *i;

	for (i = interfaces; i < interfaces + INTERFACE_COUNT; i++) {
		if (command == SIOCGIFNAME ? (u32)request->number == i->index :
					     !strncmp(request->name, i->name,
						      sizeof(request->name)))
			return i;
	}
	return NULL;
}

long interface_control(unsigned int command, unsigned long argument)
{
	const struct interface *i;
	struct request request;

	switch (command) {
	case SIOCGIFNAME:
	case SIOCGIFFLAGS:
	case SIOCGIFADDR:
	case SIOCGIFMTU:
	case SIOCGIFHWADDR:
	case SIOCGIFINDEX:
		break;
	default:
		return -ENOTTY;
	}
	if (user_read(&request, (void *)argument, sizeof(request)))
		return -EFAULT;
	i = find(command, &request);
	if (!i)
		return -ENODEV;
	if (command == SIOCGIFNAME)
		memcpy(request.name, i->name, strlen(i->name) + 1);
	else
		memset(request.room, 0, sizeof(request.room));
	switch (command) {
	case SIOCGIFFLAGS:
		request.flags = i->flags;
		break;
	case SIOCGIFADDR:
		request.address.sin_family = AF_INET;
		memcpy(&request.address.sin_addr, i->four, 4);
		break;
	case SIOCGIFMTU:
		request.number = i->mtu;
		break;
	case SIOCGIFHWADDR:
		request.hardware.type = i->type;
		memcpy(request.hardware.bytes, i->hardware, 6);
		break;
	case SIOCGIFINDEX:
		request.number = i->index;
		break;
	}
	return user_write((void *)argument, &request, sizeof(request)) ?
		       -EFAULT :
		       0;
}
