// SPDX-License-Identifier: GPL-2.0-only
/*
 * Input that is the same everywhere, on standard output: generate text|binary
 * BYTES SEED. Text has lines of words, some of them often.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(int argc, char **argv)
{
	static const char *const words[] = {
		"alpha",  "beta", "gamma", "needle",  "delta",
		"the",	  "of",	  "x",	   "library", "operating",
		"system", "0",	  "42",	   "1999",    "a-b",
	};
	static char line[4096];
	unsigned long long left;

	if (argc != 4)
		return 2;
	left = strtoull(argv[2], NULL, 0);
	state = strtoull(argv[3], NULL, 0) * 0x9e3779b97f4a7c15ULL + 1;
	while (left) {
		size_t n = 0;

		if (!strcmp(argv[1], "binary")) {
			for (; n < sizeof(line); n += 8) {
				uint64_t r = next_random();

				memcpy(line + n, &r, 8);
			}
		} else {
			uint64_t r = next_random();

			for (int i = 0; i < 2 + (int)(r % 7); i++)
				n += sprintf(line + n, "%s ",
					     words[r >> (4 * i + 8) & 15 ?
							   (r >> (4 * i + 8) &
							    15) - 1 :
							   0]);
			n += sprintf(line + n, "%u\n", (unsigned int)(r >> 40));
		}
		if (n > left)
			n = left;
		if (fwrite(line, 1, n, stdout) != n)
			return 1;
		left -= n;
	}
	return fflush(stdout) != 0;
}
