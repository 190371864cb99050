#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Manifests and limits: what they do, what options change of them, and what is
# said about mistakes.

# shellcheck disable=SC2016,SC2181
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/picoexec.sh
. "$(dirname "$0")/lib/picoexec.sh"

# manifest: standard input becomes $m
m=$work/m.yaml
manifest()
{
	cat >"$m"
}

# wrong PLACE PATTERN DESCRIPTION: the manifest is refused for its line:column,
# in one line that matches
wrong()
{
	local good=0

	run --manifest "$m" busybox true
	[ "$code" = 125 ] || good=1
	[ "$(wc -l <"$work/err")" = 1 ] || good=1
	grep -q "^picoexec: $m:$1: .*$2" "$work/err" || good=1
	[ ! -s "$work/out" ] || good=1
	result $good "refused: $3"
	if [ $good != 0 ]; then
		echo "# exit code $code; message:"
		note "$work/err"
	fi
}

# ---- what is in a manifest ----

mkdir "$work/folder" "$work/folder/below"
echo text >"$work/folder/file"
manifest <<END
program: busybox
arguments: [echo, one, "two  three"]
END
run --manifest "$m"
expect 0 "one two  three" "program and arguments"
run --manifest "$m" four
expect 0 "one two  three four" "more arguments"
manifest <<END
arguments: [echo, one]
END
run --manifest "$m" busybox two
expect 0 "one two" "without a program: the first word, arguments, the others"
manifest <<END
program: busybox
arguments: [sh, -c, 'echo "\$A/\$B/\$C/\$D"']
environment:
  set:
    A: 1
    B: yes
  keep: ["C*"]
END
C=3 D=4 run --env A=9 --manifest "$m"
expect 0 "9/yes/3/" "environment: set, keep; --env"
manifest <<END
program: /bin/busybox
arguments: [env]
environment: {clear: true, set: {X: ''}}
END
C=3 run --manifest "$m"
expect 0 "X=" "environment: clear"
manifest <<END
program: /bin/busybox
arguments: [pwd]
directory: folder
END
run --manifest "$m"
expect 0 "$work/folder" "directory, from the manifest's"
run --manifest "$m" --chdir /etc
expect 0 "/etc" "--chdir goes before it"
manifest <<END
image: $here/hello.img
END
run --manifest "$m"
expect 0 "hello, Drawbridge" "image"

manifest <<END
program: /bin/busybox
arguments: [sh, -c]
default-rules: no
rules:
  file:/bin: rx
  file:/usr: rx
  file:folder: r
  file:folder/below: rw
  file:/tmp: private
directory: folder
END
run --manifest "$m" 'read -r a <file; echo x >below/new; echo y >/tmp/z;
	echo "$a" /tmp/*'
expect 0 "text /tmp/z" "rules"
[ "$(cat "$work/folder/below/new")" = x ] && [ ! -e /tmp/z ]
result $? "and what was written is where it belongs"
run --manifest "$m" 'echo x >new'
[ "$code" != 0 ] && [ ! -e "$work/folder/new" ]
result $? "what is not allowed is refused"
run --manifest "$m" 'cat /etc/passwd'
[ "$code" != 0 ] && [ ! -s "$work/out" ]
result $? "without default rules nothing else is there"
run --manifest "$m" --allow "file:$work/folder=rw" 'echo x >new; read -r a <new; echo $a'
expect 0 x "--allow goes before a rule"
run --allow "file:/etc/passwd=r" --manifest "$m" 'head -n 1 /etc/passwd'
expect 0 "$(head -n 1 /etc/passwd)" "wherever it stands"

# ---- limits ----

manifest <<END
program: /bin/busybox
limits: {cpu-time: 1.5s, memory: 1G, handles: 1000, threads: 50}
END
run --manifest "$m" sh -c 'while :; do :; done'
expect 152 "" "limits: processor time: 128 + SIGXCPU"
grep -q 'processor time' "$work/err"
result $? "and it is said"
run --manifest "$m" --limit cpu-time=1h echo fine
expect 0 fine "--limit goes before it"
run --limit memory=48M busybox dd if=/dev/zero of=/dev/null bs=96M count=1
[ "$code" = 1 ] && grep -qi 'memory' "$work/err"
result $? "memory that is not there is refused"
run --limit memory=256M busybox dd if=/dev/zero of=/dev/null bs=96M count=1
expect 0 "" "memory that is there"
for bad in memory memory= memory=x memory=-1 memory=0 memory=1X memory=1e3 \
	memory=inf memory=0x10 threads=1K threads=1.5 cpu-time=1d nothing=1 =1 \
	memory=99999999999T "memory= 1"; do
	run --limit "$bad" busybox true
	[ "$code" = 125 ] && [ "$(wc -l <"$work/err")" = 1 ]
	result $? "refused: --limit $bad"
done

# reached LIMIT AMOUNT KIND LEAST MOST STATUS: limits.img asks for more of KIND
# than a manifest allows it, and gets that many
reached()
{
	local got status good=0

	manifest <<-END
	image: $here/limits.img
	arguments: [$3]
	limits: {$1: $2}
	END
	run --stats --manifest "$m"
	read -r _ got _ status < <(grep '^got ' "$work/out")
	[ "$code" = 0 ] || good=1
	[ "${got:--1}" -ge "$4" ] && [ "$got" -le "$5" ] || good=1
	[ "$status" = "$6" ] || good=1
	grep -q 'refused by limits  *2$' "$work/err" || good=1
	result $good "limits of a manifest: $1: $2 is reached"
	if [ $good != 0 ]; then
		note "$work/out"
		note "$work/err"
	fi
}

reached threads 20 threads 19 19 -75
reached processes 5 processes 4 4 -75
reached handles 100 handles 80 97 -24

# ---- mistakes ----

run --manifest "$work/no-such" busybox true
[ "$code" = 125 ] && grep -q 'no-such: No such file' "$work/err"
result $? "refused: no such manifest"
manifest <<END
END
wrong 1:1 empty "an empty manifest"
manifest <<END
- program
END
wrong 1:1 'mapping expected, not a list' "a list"
manifest <<END
program: busybox
argument: [x]
END
wrong 2:1 "no such key 'argument'; there are program, arguments" "an unknown key"
manifest <<END
program: busybox
wx: no
program: sh
END
wrong 3:1 "'program' stands in line 1 already" "a key twice"
manifest <<END
program: [busybox]
END
wrong 1:10 'path expected, not a list' "a list for a program"
manifest <<END
arguments: x
END
wrong 1:12 'list of arguments expected' "no list of arguments"
manifest <<END
arguments:
  - x
  - {a: b}
END
wrong 3:5 'arguments expected, not a mapping' "an argument that is a mapping"
manifest <<END
program: ''
END
wrong 1:10 'empty' "an empty program"
manifest <<END
wx: maybe
END
wrong 1:5 "true or false, not 'maybe'" "neither true nor false"
manifest <<END
rules:
  file:/etc: rq
END
wrong 2:3 "'q' is no right" "an unknown right"
manifest <<END
rules:
  file:/etc: ''
END
wrong 2:14 'empty' "no right"
manifest <<END
rules:
  file:/no/such/place: r
END
wrong 2:3 'No such file' "a rule for what does not exist"
manifest <<END
rules:
  file:/no/such/place: absent
END
wrong 2:3 'No such file' "absent from a directory that does not exist"
manifest <<END
rules:
  file:/etc/: absent
END
wrong 2:3 'Invalid' "absent without a name"
manifest <<END
rules:
  dns:example.org: absent
END
wrong 2:3 'only a file' "absent, and no file"
manifest <<END
rules:
  nope:/etc: r
END
wrong 2:3 'no such scheme' "an unknown scheme"
manifest <<END
rules:
  /etc: r
END
wrong 2:3 'no URI' "a path without a scheme"
manifest <<END
rules:
  file:/etc: r
  file:/etc: rw
END
wrong 3:3 'stands in line 2 already' "a rule twice"
manifest <<END
rules:
  file:/etc/passwd: private
END
run --manifest "$m" busybox true
[ "$code" = 125 ] &&
	grep -q "$m:2:3: file:/etc/passwd: only a directory can be private" \
		"$work/err"
result $? "refused: a private file"
# refused_rule URI RIGHTS PATTERN: as a rule of a manifest, and as an option
refused_rule()
{
	printf 'rules:\n  "%s": %s\n' "$1" "$2" >"$m"
	wrong 2:3 "$3" "$1: $2"
	run --allow "$1=$2" busybox true
	[ "$code" = 125 ] && [ "$(wc -l <"$work/err")" = 1 ] &&
		[[ $(<"$work/err") == "picoexec: --allow $1=$2: "*"$3"* ]]
	result $? "refused: --allow $1=$2"
}

for bad in tcp.client:localhost:80 'tcp.client:*' tcp.server:1.2.3.4 \
	tcp.server:1.2.3:80 tcp.client:::1:80 tcp.client:1.2.3.4/33:80 \
	tcp.client:1.2.3.4:80-70 tcp.client:1.2.3.4:70000; do
	refused_rule "$bad" r 'ADDRESS:PORT expected'
done
for bad in 'dns:*x' 'dns:a b' dns:a/b; do
	refused_rule "$bad" r "a host's name expected"
done
refused_rule dns:x w "rights of a host's name are r or none"
refused_rule tcp.client:127.0.0.1:80 rwx 'only a file: has x'
refused_rule 'pipe.server:a*b' rw "a pipe's name expected"
refused_rule pipe.client:a x 'only a file: has x'
refused_rule "dns:$(printf '%0254d' 0)" r 'too long'
manifest <<END
rules:
  dns:example.org: r
  dns:EXAMPLE.org: none
END
wrong 3:3 'another rule is for the same' "a host's name twice"
{
	echo rules:
	for i in $(seq 300); do
		echo "  pipe.server:p$i: r"
	done
} >"$m"
wrong '[0-9]*:3' 'pipe.server:p[0-9]*: too many rules: 256 is the limit' \
	"too many rules"
manifest <<END
rules: [file:/etc]
END
wrong 1:8 'mapping of URIs' "a list of rules"
manifest <<END
limits:
  memory: lots
END
wrong 2:11 "'lots' is no amount" "a limit that is no amount"
manifest <<END
limits:
  memroy: 1M
END
wrong 2:3 "no limit 'memroy'; there are memory" "an unknown limit"
manifest <<END
environment: {sets: {}}
END
wrong 1:15 "environment: no such key 'sets'" "an unknown key of environment"
manifest <<END
environment: {set: {"A=B": 1}}
END
wrong 1:21 "no '='" "a variable with = in its name"
manifest <<END
environment: {keep: [A], clear: false}
END
wrong 1:14 "exclude each other" "keep and not clear"
manifest <<END
image: x
program: y
END
wrong 1:1 "exclude each other" "image and program"
manifest <<END
program: busybox
  wx: no
END
wrong 2:5 "mapping values" "what is not YAML"
printf 'program: "a\\0b"\n' >"$m"
wrong 1:10 "zero byte" "a zero byte"
manifest <<END
program: busybox
---
program: busybox
END
wrong 2:1 "second document" "two documents"
run --manifest "$m" --manifest "$m"
[ "$code" = 125 ]
result $? "refused: two manifests"

# ---- the examples of the documentation ----

examples=$here/../../Documentation/manifests
[ -d "$examples" ] || examples=$here/../Documentation/manifests
if [ -d "$examples" ]; then
	cp -r "$examples" "$work/manifests"
	run --manifest "$work/manifests/checksum.yaml" /etc/os-release
	expect 0 "$(sha256sum /etc/os-release)" "example: checksum.yaml"
	echo 'water plants' |
		"$picoexec" --manifest "$work/manifests/notes.yaml" today \
			>"$work/out" 2>"$work/err"
	[ $? = 0 ] && [ "$(cat "$work/manifests/notes/today")" = "buy milk
water plants" ]
	result $? "example: notes.yaml"
	used=$(basename -a "$examples"/*.yaml | tr '\n' ' ')
	[ "$used" = "checksum.yaml notes.yaml " ]
	result $? "every example was run"
else
	skip "the examples" "no Documentation beside the tests"
fi

nothing_left "nothing is left"
finish
