// SPDX-License-Identifier: GPL-2.0-only
/* The loader that the samples share; each module has a copy of its own. */
#include "../program.c"
