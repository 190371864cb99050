#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Unmodified programs do in a picoprocess what they do natively: the same
# output, messages, exit code and files, byte by byte.
#
# MIB is the size of the large input (64, divided by PICO_SLOWER).

# Programs for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

bb=/bin/busybox
mib=${MIB:-$((64 / ${PICO_SLOWER:-1}))}

# same DESCRIPTION COMMAND...: the command natively and in a picoprocess, side
# by side, with $input; in the folders $native and $pico if these are set
same()
{
	local what=$1 native_code pico_code start=$SECONDS

	shift
	(
		cd "${native:-.}" || exit
		exec "$@" <"$input" >"$work/n.out" 2>"$work/n.err"
	) &
	(
		cd "${pico:-.}" || exit
		exec "$picoexec" "${allow[@]}" "$@" <"$input" >"$work/p.out" \
			2>"$work/p.err"
	)
	pico_code=$?
	wait $!
	native_code=$?
	compare_outputs "$what" "$native_code" "$pico_code" "$@"
	if [ $((SECONDS - start)) -gt 4 ]; then
		echo "# took $((SECONDS - start)) s"
	fi
	rm -f "$work/last"
	cp "$work/p.out" "$work/last"
}

# same_files DESCRIPTION: what the commands have left in $native and $pico
same_files()
{
	local good=0

	diff -r "$native" "$pico" >"$work/diff" 2>&1 || good=1
	for side in native pico; do
		(
			cd "${!side}" || exit
			find . -printf '%P %y %m %s %l %n\n' | sed 's/ d \([0-7]*\) [0-9]*/ d \1/' |
				sort >"$work/$side.list"
		)
	done
	cmp -s "$work/native.list" "$work/pico.list" || good=1
	result $good "$1"
	if [ $good != 0 ]; then
		note "$work/diff"
		diff "$work/native.list" "$work/pico.list" | head -n 10 |
			sed 's/^/# /'
	fi
}

# ---- input ----

text=$work/text
binary=$work/binary
small=$work/small
"$here/generate" text $((mib << 20)) 1 >"$text"
"$here/generate" binary $((1 << 20)) 2 >"$binary"
"$here/generate" text $((1 << 18)) 3 >"$small"
tree=$work/tree
mkdir "$tree"
for ((d = 0; d < 21; d++)); do
	mkdir -p "$tree/d$d/sub"
	for ((f = 0; f < 100; f++)); do
		echo "file $f of $d, $((f * d % 97)) needles $((f % 7))" \
			>"$tree/d$d/f$f"
	done
	ln -s "../d0/f$d" "$tree/d$d/link"
	chmod $((f % 2 ? 644 : 600)) "$tree/d$d/f0"
done
echo "# $(find "$tree" | wc -l) names in the tree"

# ---- the large input ----

same "sha256sum, $mib MiB" $bb sha256sum "$text"
same "md5sum, $mib MiB" $bb md5sum "$text"
same "wc, $mib MiB" $bb wc "$text"
same "cat, $mib MiB" $bb cat "$text"
same "grep -F, $mib MiB" $bb grep -c -F 'needle 42' "$text"
input=$text
same "tail, $mib MiB" $bb tail -n 1000
input=/dev/null
same "cmp, $mib MiB" $bb cmp "$text" "$text"

# ---- filters ----

input=$small
same "sort" $bb sort
same "sort -rn -k 2" $bb sort -rn -k 2
same "sort -u" $bb sort -u
# shellcheck disable=SC2016 # awk's own variables
{
	same "awk, fields" $bb awk '{ print $2, $1, NF }'
	same "awk, arrays" $bb awk '{ for (i = 1; i <= NF; i++) n[$i]++ }
		END { for (i in n) if (n[i] > 100) s += n[i]; print s }'
	same "awk, numbers" $bb awk 'BEGIN { for (i = 1; i < 50; i++)
		printf "%.10f %e %g\n", sqrt(i), exp(i), sin(i) }'
}
same "sed" $bb sed -e 's/\(the\) \([a-z]*\)/\2 \1/g' -e '/^x/d' -e '10,20y/abc/ABC/'
same "sed -n" $bb sed -n '1~100p;$='
same "grep" $bb grep -n -E '(needle|1999).*42$'
same "grep -v" $bb grep -v -i ALPHA
same "tr" $bb tr a-z A-Z
same "cut" $bb cut -d ' ' -f 1,3
same "uniq" $bb uniq -c
same "rev" $bb rev
same "fold" $bb fold -w 31
same "head" $bb head -c 100001
same "od" $bb od -A x -t x1z -v
same "base64" $bb base64
same "cksum" $bb cksum
input=$binary
same "od of binary data" $bb od -c
same "cat of binary data" $bb cat
same "tac of binary data" $bb tac
same "sha512sum of binary data" $bb sha512sum

# ---- compression ----

input=$small
same "gzip" $bb gzip -c
cp "$work/last" "$work/small.gz"
input=$work/small.gz
same "gunzip" $bb gunzip -c
cmp -s "$work/last" "$small"
result $? "gunzip gives back what gzip was given"
input=$binary
same "gzip of binary data" $bb gzip -c
cp "$work/last" "$work/binary.gz"
input=$work/binary.gz
same "gunzip of binary data" $bb gunzip -c
cmp -s "$work/last" "$binary"
result $? "and back"
input=$small
same "bzip2" $bb bzip2 -c
cp "$work/last" "$work/small.bz2"
input=$work/small.bz2
same "bunzip2" $bb bunzip2 -c
cmp -s "$work/last" "$small"
result $? "bunzip2 gives back what bzip2 was given"
input=$small
same "gunzip of what is not compressed" $bb gunzip -c
input=/dev/null

# ---- a tree ----

cd "$tree" || exit 1
same "find" $bb find . -type f
same "find -name" $bb find . -name 'f1?' -o -type l
same "find -size -perm" $bb find . -type f -size -1 -perm 600
same "grep -r" $bb grep -r 'needles 3' .
same "ls -laR" $bb ls -laR .
same "ls of one" $bb ls -l d3
same "du" $bb du -a d1 d2
same "tar c" $bb tar cf - .
cp "$work/last" "$work/tree.tar"
same "tar t" $bb tar tvf "$work/tree.tar"
same "stat" $bb stat d0 d0/f1 d0/link
same "readlink" $bb readlink d5/link
same "realpath" $bb realpath d5/link
same "sha1sum of many" $bb sha1sum d0/f1 d0/f2 d1/f3 d1/no-such d20/link
same "diff" $bb diff d1/f1 d2/f1
same "diff -r" $bb diff -r d1 d2
same "wc of many" $bb wc d0/f0 d0/f1 d0/f2
cd "$here" || exit 1

# ---- a writable folder ----

native=$work/native
pico=$work/pico
mkdir "$native" "$pico"
allow=(--allow "file:$pico=rw")
same "tar x" $bb tar xf "$work/tree.tar"
same_files "tar x: the same files"
cp "$small" "$native/text"
cp "$small" "$pico/text"
same "sed -i" $bb sed -i -e 's/needle/thread/g' text
same "sed -i with a copy" $bb sed -i.bak -e '1,100d' text
printf '1,5d\n/gamma/s//GAMMA/\n$a\nlast line\n.\nw\nq\n' >"$work/script"
input=$work/script
same "ed" $bb ed text
input=/dev/null
same "mkdir -p" $bb mkdir -p a/b/c/d
same "touch -d" $bb touch -d '2001-02-03 04:05:06' a/b/file
same "ln -s" $bb ln -s b/file a/soft
same "ln" $bb ln a/b/file a/hard
same "cp -r" $bb cp -r d0 copied
same "cp -a" $bb cp -a d1 archived
same "mv" $bb mv d2 moved
same "mv into a folder" $bb mv d3/f1 d3/f2 a/b
same "chmod" $bb chmod 640 d4/f1 d4/f2
same "rm" $bb rm d4/f3 d4/no-such
same "rm -r" $bb rm -r d5
same "rmdir" $bb rmdir d6
same "truncate" $bb truncate -s 12345 d7/f1
same "dd" $bb dd if=text of=dd.out bs=1000 count=10 skip=3 seek=2 conv=notrunc status=none
same "split" $bb split -b 100000 text part.
same "gzip a file" $bb gzip text.bak
same "install" $bb install -m 700 d8/f1 installed
same "tee" $bb tee tee.out
same "date -r" $bb date -u -r a/b/file
same_files "all of that: the same files"
unset native pico
allow=()

# ---- odd input, arguments and names ----

: >"$work/empty"
for program in cat sort wc sha256sum md5sum gzip bzip2 tac rev od uniq; do
	input=$work/empty
	same "$program of nothing" $bb $program
done
input=/dev/null
same "gunzip of nothing" $bb gunzip
names=$work/names
mkdir "$names"
for name in 'with space' $'new\nline' $'tab\tname' 'üñí-名前' '-n' \
	'*' "quote'\"" $'\x01\x7f' 'back\slash' '%41' "$(printf 'x%.0s' {1..255})"; do
	echo "content of one" >"$names/$name"
done
cd "$names" || exit 1
same "unusual names, listed" $bb ls -la
same "unusual names, found" $bb find . -type f
same "unusual names, read" $bb cat ./-n './*' $'./new\nline' './üñí-名前'
same "a name that is too long" $bb cat "$(printf 'y%.0s' {1..256})"
cd "$here" || exit 1
long=$("$here/generate" text 100000 7 | tr '\n' '_')
same "an argument of 100 kB" $bb echo "$long"
# shellcheck disable=SC2046 # many arguments are the point
same "10,000 arguments" $bb echo $(seq 10000)
PICO_LONG=$long same "a variable of 100 kB" $bb printenv PICO_LONG
same "an empty argument" $bb printf '%s|' '' a '' ''
same "bytes that are not UTF-8" $bb echo $'\xff\xfe\x80'

# ---- what fails, fails alike ----

same "a file that is not there" $bb cat /no/such/file
same "a folder read as a file" $bb cat /etc
same "a file used as a folder" $bb cat /etc/passwd/x
same "several, some there" $bb cat /etc/hostname /no/such /etc/hostname
same "an applet that is not there" $bb no-such-applet
same "an option that is not there" $bb ls --no-such-option
same "no arguments" $bb grep
same "test, false" $bb test 1 -gt 2
same "expr" $bb expr 6 '*' 7
same "expr, null" $bb expr 1 - 1
same "cmp, different" $bb cmp /etc/passwd /etc/group
ln -s loop2 "$work/loop"
ln -s loop "$work/loop2"
same "a loop of links" $bb cat "$work/loop"
same "sh, exit code" $bb sh -c 'exit 57'
same "sh, builtins" $bb sh -c 'i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo $i; done; set -- a b; echo $# $*; case x in [a-z]) echo letter;; esac'
same "sh, here document" $bb sh -c 'while read -r a b; do echo "$b:$a"; done </etc/passwd'
same "sh, output and errors" $bb sh -c 'echo out; echo err >&2; exit 3'
same "sh, kill itself" $bb sh -c 'kill -TERM $$'
same "sh, trap" $bb sh -c 'trap "echo caught; exit 4" USR1; kill -USR1 $$; echo no'
same "dc" $bb dc -e '2 100 ^ p'
same "bc" $bb sh -c 'echo $((0x7fffffff * 3)) $((-7 / 2)) $((1 << 40))'
same "seq" $bb seq 1 3 20000
same "factor" $bb factor 1000000007 600851475143
same "cal" $bb cal 2 2000
same "id" $bb id
same "uname" $bb uname -a
same "hostname" $bb hostname
same "pwd" $bb pwd
same "printf" $bb printf '%5d|%-8s|%x|%o|%c\n' 42 text 255 8 y
same "sleep" $bb sleep 0.1
same "usleep" $bb usleep 1000
same "basename" $bb basename /a/b/c.txt .txt
same "which" $bb which ls
same "true" $bb true
same "false" $bb false

# The reader goes away.
$bb yes 2>/dev/null | head -n 1 >/dev/null
native_codes=("${PIPESTATUS[@]}")
"$picoexec" $bb yes 2>/dev/null | head -n 1 >/dev/null
codes=("${PIPESTATUS[@]}")
[ "${codes[*]}" = "${native_codes[*]}" ]
result $? "a reader that goes away: ${codes[0]}, natively ${native_codes[0]}"
"$picoexec" $bb cat "$text" | head -c 100000 | cmp -s - <(head -c 100000 "$text")
result $? "and gets what it has read"

# A full disk.
"$picoexec" $bb echo x >/dev/full 2>"$work/p.err"
full=$?
$bb echo x >/dev/full 2>"$work/n.err"
[ $full = $? ]
result $? "a full device"

nothing_left "nothing is left"
finish
