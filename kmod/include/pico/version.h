/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _PICO_VERSION_H
#define _PICO_VERSION_H

/* Of all modules; dkms.conf has it, too ("make check" compares them). */
#define PICO_VERSION	"0.4.0"

#endif /* _PICO_VERSION_H */
