# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Running a program natively and in a picoprocess, for what is to be the same:
# output, messages, exit code and files, byte by byte. Source lib/tap.sh first.
# shellcheck disable=SC2154 # work is its
#
# Set by the caller:
#   allow	options of picoexec (an array)
#   input	file that is the standard input

allow=()
input=/dev/null

# How long one command may take, in seconds.
compare_limit=$((${COMPARE_LIMIT:-60} * ${PICO_SLOWER:-1}))

# Normalises what differs between any two runs, in a copy of output that is
# only compared: a sed script, empty for most.
compare_filter=

# filtered FILE: FILE as it is compared
filtered()
{
	if [ -n "$compare_filter" ]; then
		sed -E -e "$compare_filter" "$1"
	else
		cat "$1"
	fi
}

# compare_outputs DESCRIPTION NATIVE_CODE PICO_CODE COMMAND...: one result from
# $work/n.out, n.err, p.out and p.err
compare_outputs()
{
	local what=$1 native_code=$2 pico_code=$3 good=0 stream

	shift 3
	[ "$pico_code" = "$native_code" ] || good=1
	for stream in out err; do
		if [ -n "$compare_filter" ]; then
			cmp -s <(filtered "$work/n.$stream") \
				<(filtered "$work/p.$stream") || good=1
		else
			cmp -s "$work/n.$stream" "$work/p.$stream" || good=1
		fi
	done
	result $good "$what"
	[ $good = 0 ] && return
	echo "# ${*:0:400} gave $pico_code, natively $native_code; output" \
		"$(wc -c <"$work/p.out"), natively $(wc -c <"$work/n.out") bytes"
	for stream in out err; do
		cmp -s "$work/n.$stream" "$work/p.$stream" && continue
		echo "# standard $stream, natively (<) and in a picoprocess (>):"
		diff <(filtered "$work/n.$stream") <(filtered "$work/p.$stream") |
			head -n 12 >"$work/differs"
		note "$work/differs"
	done
}

# script DESCRIPTION SHELL-TEXT: the text is run by $shell (bash) in an empty
# folder, natively and then in a picoprocess, under the same name and with the
# same files in it: those of the folder $given, if that is set
# Standard output, standard error, exit code and all that is left in the folder
# must be the same.
shell=(/bin/bash)
given=
folder=$work/folder
script()
{
	local what=$1 text=$2 side run start=$SECONDS
	local -A code

	for side in n p; do
		rm -rf "$folder"
		mkdir "$folder"
		[ -z "$given" ] || cp -a "$given/." "$folder"
		run=(timeout "$compare_limit")
		[ $side = n ] || run+=("$picoexec" --allow "file:$folder=rwx"
			"${allow[@]}")
		(
			cd "$folder" || exit
			exec "${run[@]}" "${shell[@]}" -c "$text" <"$input" \
				>"$work/$side.out" 2>"$work/$side.err"
		)
		code[$side]=$?
		list_folder "$folder" >"$work/$side.list"
		rm -rf "$work/$side.files"
		mv "$folder" "$work/$side.files"
	done
	cmp -s "$work/n.list" "$work/p.list" || {
		diff "$work/n.list" "$work/p.list" >>"$work/p.err"
		echo "the files differ" >>"$work/p.err"
	}
	compare_outputs "$what" "${code[n]}" "${code[p]}" "$text"
	if [ $((SECONDS - start)) -gt 10 ]; then
		echo "# took $((SECONDS - start)) s"
	fi
}

# What is to be the same of a folder: names, kinds, permissions, sizes, links,
# and the contents of files whose name does not match $unlike.
unlike='^$'
list_folder()
{
	(
		cd "$1" || exit
		find . -mindepth 1 -type d -printf '%P d %m\n' \
			-o -printf '%P %y %m %s %n %l\n' |
			grep -v -E -- "$unlike"
		find . -type f -exec md5sum {} + | grep -v -E -- "$unlike"
	) | LC_ALL=C sort
}
