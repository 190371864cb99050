// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* pico-foreign: run a static program of FreeBSD/amd64. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch.h"

int main(int argc, char **argv)
{
	launch_name = "pico-foreign";
	if (argc > 1 && !strcmp(argv[1], "--"))
		argv++, argc--;
	if (argc < 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: pico-foreign [--] PROGRAM [ARGS...]\n");
		return LAUNCH_FAILED;
	}
	return launch_wait(launch_start(launch_open("foreign"), argv + 1));
}
