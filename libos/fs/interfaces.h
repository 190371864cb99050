/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The network interfaces that a program sees.
 */
#ifndef _LIBOS_FS_INTERFACES_H
#define _LIBOS_FS_INTERFACES_H

#include "socket.h"

/* ARPHRD_* */
#define INTERFACE_ETHERNET 1
#define INTERFACE_LOOPBACK 772

/*
 * struct interface - what there is to know
 * @flags:	IFF_*
 * @four:	IPv4 address, @six: IPv6 address, with the lengths of prefixes
 */
struct interface {
	u32 index;
	const char *name;
	u16 type; /* INTERFACE_* */
	u32 flags, mtu;
	u8 hardware[6];
	u8 four[4], four_prefix;
	u8 six[16], six_prefix;
	u8 scope; /* RT_SCOPE_* */
};

#define INTERFACE_COUNT 2
extern const struct interface interfaces[INTERFACE_COUNT];

/* The one that packets to @a (family, address) would leave by. */
const struct interface *interface_towards(const struct address *a);
long interface_control(unsigned int command, unsigned long argument);

#endif /* _LIBOS_FS_INTERFACES_H */
