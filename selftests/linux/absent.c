// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * System calls that the library OS does not have: each says so. What does not
 * is printed, so that nothing is printed in a picoprocess.
 */
#include "linux_test.h"

#include "../../libos/include/syscalls.h"

enum { REAL, NOOP, DENY, NONE };

static const struct {
	int number;
	int class;
	const char *name;
} calls[] = {
#define ROW(number, name, class, arguments) { number, class, #name },
	SYSCALL_TABLE(ROW)
};

int main(void)
{
	static char room[4096];
	unsigned int i, absent = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].class != NONE)
			continue;
		absent++;
		errno = 0;
		if (syscall(calls[i].number, 0, 0, 0, 0, 0, 0) != -1 ||
		    errno != ENOSYS)
			printf("%s: %d\n", calls[i].name, errno);
		/* what they are asked does not count */
		errno = 0;
		if (syscall(calls[i].number, -1, room, room, -1, room, 0) !=
			    -1 ||
		    errno != ENOSYS)
			printf("%s, otherwise: %d\n", calls[i].name, errno);
	}
	errno = 0;
	if (syscall(SYSCALL_LIMIT) != -1 || errno != ENOSYS)
		printf("%d: %d\n", SYSCALL_LIMIT, errno);
	/* it was not the wrong table */
	return absent < 50;
}
