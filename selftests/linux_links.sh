#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One program (linux/basics.c) linked in every way: by glibc and by musl, with
# a dynamic loader, static, position-independent or at a fixed address. It has
# to print in a picoprocess what it prints natively.

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

for program in "$here"/linux/basics-*; do
	timeout "$compare_limit" "$program" </dev/null >"$work/n.out" \
		2>"$work/n.err"
	native=$?
	timeout "$compare_limit" "$picoexec" "$program" </dev/null \
		>"$work/p.out" 2>"$work/p.err"
	compare_outputs "${program##*/}" $native $? "$program"
done
nothing_left "nothing is left"
finish
