/* SPDX-License-Identifier: GPL-2.0-only */
/* Preprocessed into options of the linker, see Makefile. */
#include <pico/dk_abi.h>
#define WRAP(class, function, name, version, args, statuses) --wrap=name
DK_CALL_TABLE(WRAP)
