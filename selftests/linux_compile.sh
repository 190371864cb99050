#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# gcc, as, ld and make, natively and in a picoprocess: the same files, and
# programs that do the same.

# Scripts for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

compare_limit=$((180 * ${PICO_SLOWER:-1}))
given=$work/given
mkdir "$given"
cat >"$given/main.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int twice(int);
int main(int argc, char **argv)
{
	for (int i = 0; i < argc - 1; i++)
		printf("%d %s\n", twice(atoi(argv[i + 1])), argv[i + 1]);
	return argc == 1 ? 7 : 0;
}
END
echo 'int twice(int n) { return 2 * n; }' >"$given/twice.c"
cat >"$given/Makefile" <<'END'
CFLAGS = -O2 -Wall
prog: main.o lib.a
	$(CC) -o $@ $^
lib.a: twice.o
	ar rcD $@ $^
END

script "compile, link and run" 'gcc -O2 main.c twice.c -o prog; ./prog 1 21; ./prog; echo $?'
script "static" 'gcc -static main.c twice.c -o prog && ./prog 5'
script "shared library" 'gcc -shared -fPIC twice.c -o libtwice.so; gcc main.c -L. -ltwice -Wl,-rpath,"\$ORIGIN" -o prog; ./prog 4; readelf -d prog | grep -c NEEDED'
script "step by step" 'gcc -E main.c | md5sum; gcc -S -O1 twice.c; cat twice.s; as twice.s -o twice.o; gcc -c -pipe main.c; gcc main.o twice.o -o prog; ./prog 3; size prog; nm twice.o; strip prog; ./prog 8; objdump -d twice.o | tail -n 5'
# How far in the future a file is differs by how long make took to see it.
compare_filter='s/modification time [0-9]+ s/modification time N s/'
script "make" 'make -s; ./prog 6; touch -d "+1 hour" twice.c; make -j2; ./prog 7; make'
compare_filter=
script "errors" 'echo "int main(void) { return x; }" >bad.c; gcc bad.c; echo $?; gcc nofile.c; echo $?; echo "int f(void);int main(void){return f();}" >und.c; gcc und.c 2>&1 | sed "s,/tmp/[A-Za-z0-9]*,,;s,^.*ld:,ld:,"'

nothing_left "nothing is left"
finish
