#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Constructs of bash and dash, one script each, natively and in a picoprocess.

# Scripts for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

# The shell names the process that was killed.
compare_filter='s/line ([0-9]+): +[0-9]+ /line \1: PID /'

# What both shells must do.
both()
{
	shell=(/bin/dash)
	script "dash: $1" "$2"
	shell=(/bin/bash --norc)
	script "bash: $1" "$2"
}

# ---- POSIX ----

both "simple command" '/bin/echo hello'
both "exit status" '/bin/false; echo $?; /bin/true; echo $?'
both "exit with a status" 'exit 42'
both "and, or, not" 'true && echo a; false || echo b; ! false && echo c'
both "a pipeline of two" '/bin/echo abc | /usr/bin/tr a-c A-C'
both "a pipeline of five" 'seq 20 | sort -r | head -n 7 | sed s/1/x/ | wc -l'
both "a pipeline's status is its last command's" 'false | true; echo $?; true | false; echo $?'
both "a builtin in a pipeline" 'echo a b c | { read x y; echo $y; }'
both "a loop behind a pipe" 'seq 5 | while read n; do echo "<$n>"; done'
both "subshell" '(cd /; x=1; exit 3); echo $? $x; pwd | grep -c folder'
both "nested subshells" '(echo 1; (echo 2; (echo 3); exit 5); echo $?)'
both "group" '{ echo a; echo b; } | cat -n'
both "command substitution" 'x=$(echo a; echo b); echo "$x" | wc -l; echo "`date -u -d @0 +%Y`"'
both "nested substitution" 'echo $(echo $(echo $(echo deep)))'
both "status of a substitution" 'x=$(exit 7); echo $?'
both "large substitution" 'x=$(seq 20000); echo ${#x}'
both "here document" 'cat <<END
one $((1+1))
END
cat <<"END"
raw $x
END
cat <<-END
	tab
	END'
both "large here document" "cat <<END | md5sum
$(seq 12000)
END"
both "redirections" 'echo a >f; echo b >>f; cat <f; cat f f >g; wc -c <g; echo e >&2; ls nofile 2>err; test -s err && echo err'
both "descriptors" 'exec 3>f; echo x >&3; exec 3>&-; cat f; exec 4<f; read l <&4; echo $l; exec 4<&-'
both "closed output" 'echo x >&-; echo $?'
both "duplicated descriptors" '{ echo out; echo err >&2; } 2>&1 | sort; { echo a >&3; } 3>f; cat f'
both "swap of output and errors" '(echo o; echo e >&2) 3>&1 1>&2 2>&3 3>&-'
both "noclobber" 'set -C; echo a >f; echo b >f; echo $?; echo c >|f; cat f'
both "read and write" 'echo abc >f; exec 3<>f; read l <&3; echo def >&3; exec 3>&-; cat f'
both "background and wait" 'sleep 0.1 & wait $!; echo $?; (exit 9) & wait $!; echo $?'
both "several in the background" 'for i in 1 2 3 4; do (exit $i) & p="$p $!"; done; for q in $p; do wait $q; echo $?; done'
both "wait for all" 'for i in 1 2 3; do (sleep 0.0$i; echo $i >f$i) & done; wait; cat f1 f2 f3'
both "output of one in the background" 'echo bg & wait; echo fg'
# (dash says "Terminated" of a child when its end comes after wait has begun.)
both "kill of a child" '{ sleep 100 & kill $!; wait $!; echo $?; } 2>/dev/null'
both "kill with KILL" '{ sleep 100 & kill -9 $!; wait $!; echo $?; } 2>/dev/null'
both "kill of nobody" 'kill -0 $$ && echo me; sleep 0 & p=$!; wait $p; kill -0 $p 2>/dev/null || echo gone'
both "trap of a signal" 'trap "echo caught" USR1; kill -USR1 $$; echo after'
both "trap at the exit" 'trap "echo bye" EXIT; echo hi; exit 3'
both "ignored signal" 'trap "" TERM; kill -TERM $$; echo alive; sh -c "kill -TERM \$\$; echo alive too"'
both "a signal from a child" 'trap "echo got" USR2; sh -c "kill -USR2 $$"; echo done'
both "a trap ends a wait" 'trap "echo trapped" USR1; sleep 5 & p=$!; (sleep 0.2; kill -USR1 $$) & wait $p; echo $?; kill $p'
both "death by signals" 'for s in HUP INT QUIT ABRT SEGV TERM; do sh -c "kill -$s \$\$"; echo $?; done 2>/dev/null'
both "exec" 'echo a; exec /bin/echo b; echo never'
both "exec of what is not there" '(exec /no/such); echo $?'
both "command not found" 'no-such-command-at-all; echo $?'
both "a file that is no program" 'echo data >f; ./f; echo $?; chmod +x f; mkdir d; ./d; echo $?'
both "a script without a first line" 'echo "echo from script" >f; chmod +x f; ./f'
both "a script with one" 'printf "#!/bin/sh\necho \$0 \$# \$1\n" >f; chmod +x f; ./f a b'
both "a script of a script" 'printf "#!/bin/sh\nexec /bin/cat \"\$1\"\n" >i; chmod +x i; printf "#!$PWD/i\ntext\n" >f; chmod +x f; ./f'
both "first line with an argument" 'printf "#!/bin/sed -n -f\n/a/p\n" >f; chmod +x f; printf "#!/bin/sh -e\nfalse\necho no\n" >g; chmod +x g; ./g; echo $?'
both "environment" 'A=1 B=2 env | grep "^[AB]=" | sort; export C=3; sh -c "echo \$C"; unset C; sh -c "echo [\$C]"'
both "environment of one command" 'X=1; X=2 sh -c "echo \$X"; echo $X'
both "an empty environment" 'env -i /usr/bin/env; env -i A=b /usr/bin/env'
both "parameters" 'set -- a "b c" d; echo $# "$2"; shift; echo "$*"; for i; do echo "<$i>"; done'
both "parameter expansion" 'x=file.tar.gz; echo ${x%.*} ${x%%.*} ${x#*.} ${x##*.} ${y:-def} ${#x} ${x:+set}'
both "assigning expansion" 'echo ${z:=new}; echo $z; (echo ${nope:?message}) 2>&1 | sed "s/.*nope/nope/"'
both "arithmetic" 'echo $((3 * (4 + 5) % 7)) $((1 << 20)) $((0x1f)) $((010)) $((5 > 3)) $((-7 / 2))'
both "arithmetic with variables" 'i=5; i=$((i + 1)); echo $i; echo $((i == 6 ? 10 : 20))'
both "globs" 'touch a1 a2 b1 .h; echo * ; echo a?; echo [ab]1; echo [!a]*; echo nomatch*; echo .h*'
both "case" 'for w in apple bird 42 ""; do case $w in a*) echo A;; [0-9]*) echo N;; "") echo E;; *) echo other;; esac; done'
both "for, while, until" 'for i in a b c; do echo $i; done; n=0; while [ $n -lt 3 ]; do n=$((n+1)); done; echo $n; until [ $n = 0 ]; do n=$((n-1)); done; echo $n'
both "break and continue" 'for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; while :; do while :; do break 2; done; done; echo out'
both "functions" 'f() { echo "$1-$#"; return 4; }; f x y; echo $?; g() { local v=1; echo $v; }; g; f2() ( exit 6 ); f2; echo $?'
both "recursion" 'fac() { if [ $1 -le 1 ]; then echo 1; else echo $(( $1 * $(fac $(($1 - 1))) )); fi; }; fac 8'
both "tests of files" 'touch f; mkdir d; ln -s f l; ln -s no broken; chmod 600 f; for t in -e -f -d -L -r -w -x -s; do for n in f d l broken none; do test $t $n && echo "$t $n"; done; done'
both "tests of strings and numbers" '[ a = a ] && [ a != b ] && [ -n a ] && [ -z "" ] && [ 10 -gt 9 ] && echo ok; [ 1 -eq 2 ]; echo $?'
both "comparing times" 'touch -d @100 a; touch -d @200 b; [ a -ot b ] 2>/dev/null && echo older; [ b -nt a ] && echo newer'
both "eval" 'x="echo evaluated | cat"; eval "$x"; eval "y=5"; echo $y'
both "sourcing" 'echo "v=sourced; return 3" >f; . ./f; echo $? $v'
both "set -e" 'set -e; echo a; false; echo b'
both "set -u" 'set -u; echo ${x-unset}; (echo $x) 2>/dev/null; echo $?'
both "set -x" 'set -x; echo traced; x=1'
both "set -f" 'touch a; set -f; echo *'
both "read" 'printf "a b c\nd\\\\\ne\n" | { read x y; echo "$y"; read z; echo $z; }; echo "x:y" | { IFS=: read a b; echo $b $a; }'
both "read at the end" 'printf "no newline" | { read x; echo $? "$x"; }'
both "IFS" 'IFS=:; x="a:b::c"; for i in $x; do echo "[$i]"; done'
both "quotes" 'echo "a $((1)) \"b\" \$c" '"'"'single $x'"'"' a\ b'
both "printf" 'printf "%s %5d|%-5s|%05.2f %x %c\n" str 42 ab 3.14159 255 z; printf "%b\n" "a\tb"'
both "cd and pwd" 'mkdir -p a/b; cd a/b; pwd | sed s,.*/folder,,; cd ..; pwd | sed s,.*/folder,,; cd - >/dev/null; pwd -P | sed s,.*/folder,,; cd /nope; echo $?'
both "symbolic links and cd" 'mkdir -p a/b; ln -s a/b l; cd l; pwd | sed s,.*/folder,,; pwd -P | sed s,.*/folder,,; cd ..; pwd | sed s,.*/folder,,'
both "umask" 'umask 077; touch f; umask; mkdir d; umask 022; touch g; stat -c "%a %n" f d g'
both "ulimit" 'ulimit -n 64; ulimit -n; sh -c "ulimit -n"; ulimit -c 0; ulimit -c'
both "times" 'times | wc -l'
both "type" 'type cd | grep -c builtin; command -v ls; command -v nothing; echo $?'
both "alias" 'alias ll="echo aliased"; alias | grep -c ll; unalias ll; echo $?'
both "getopts" 'set -- -a -b val rest; while getopts ab: o; do echo "$o ${OPTARG:-}"; done; shift $((OPTIND-1)); echo $1'
both "tilde" 'HOME=/tmp; echo ~ ~/x'
both "named pipe" 'mkfifo p; echo through >p & cat p; wait'
both "a pipe whose reader ends" 'yes | head -n 1; (yes; echo $? >&2) 2>f | true; cat f'
both "a long pipeline" 'echo x | cat | cat | cat | cat | cat | cat | cat | cat'
both "much data in a pipeline" 'dd if=/dev/zero bs=65536 count=16 2>/dev/null | cat | wc -c'
both "two writers, one reader" '(echo a; sleep 0.1; echo c) | cat & (sleep 0.05; echo b >f); wait; cat f'
both "a child outlives its parent" 'sh -c "(sleep 0.2; echo orphan >f) &"; echo parent gone; sleep 0.6; cat f'
both "appending from two processes" 'for i in 1 2 3 4 5; do echo a >>f & echo b >>f & done; wait; sort f | uniq -c; rm f'
both "a shared position" '(echo first; sh -c "echo second"; echo third) >f; cat f; { read a; sh -c "head -n 1 >/dev/null"; } <f; echo $a'
both "the position after a child's read" 'printf "1\n2\n3\n" >f; { head -n 1; head -n 1; } <f'
both "kill of a group" 'set -m 2>/dev/null; (sleep 50 & sleep 50) & sleep 0.1; kill -TERM -$! && wait $!; echo $?'
both "setsid" 'setsid -w sh -c "echo in a session"'
both "nohup" 'nohup sh -c "echo kept" 2>/dev/null'
both "time limit" 'timeout 0.2 sleep 5; echo $?; timeout 5 true; echo $?; timeout -s KILL 0.2 sleep 5; echo $?'
both "xargs" 'seq 10 | xargs -n 3 echo; printf "a\0b c\0" | xargs -0 -n 1 echo; seq 3 | xargs -I{} -P 3 sh -c "exit {}"; echo $?'
both "find -exec" 'mkdir d; touch d/a d/b; find d -type f -exec echo {} \; | sort; find d -type f -exec echo {} + | wc -w'
both "tee" 'echo x | tee a b | cat; cat a b'
both "deleted while open" 'echo data >f; exec 3<f; rm f; cat <&3; ls'
both "200 children" 'i=0; while [ $i -lt 200 ]; do (exit $((i % 8))); s=$((s + $?)); i=$((i + 1)); done; echo $s'
both "a tree of processes" 'f() { [ $1 = 0 ] && { echo leaf; return; }; (f $(($1 - 1))) & (f $(($1 - 1))) & wait; }; f 4 | wc -l'
both "pids" '[ $$ -gt 0 ] && sh -c "[ \$PPID = $$ ] && echo parent"; (:) & [ $! != $$ ] && echo other; wait'

# ---- bash ----

shell=(/bin/bash --norc)
bash_only() { script "bash: $1" "$2"; }

bash_only "arrays" 'a=(1 "two words" 3); echo ${#a[@]} "${a[1]}"; a+=(4); unset "a[0]"; echo "${!a[@]}"; for i in "${a[@]}"; do echo "<$i>"; done'
bash_only "associative arrays" 'declare -A m=([x]=1 [y]=2); m[z]=3; for k in "${!m[@]}"; do echo $k=${m[$k]}; done | sort'
bash_only "slices and substitutions" 'x=abcdef; echo ${x:2:3} ${x: -2} ${x/c/C} ${x//[ae]/_} ${x^^} ${x^}; a=(1 2 3 4); echo "${a[@]:1:2}"'
bash_only "conditional expressions" '[[ abc == a* && 5 -gt 3 ]] && echo ok; [[ foo42 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[@]}"'
bash_only "arithmetic commands" '((x = 5, y = x ** 2)); echo $y; for ((i = 0; i < 3; i++)); do echo $i; done; ((0)); echo $?; let z=3*4; echo $z'
bash_only "process substitution" 'diff <(echo a) <(echo b); echo $?; cat <(seq 3) <(seq 4 5); echo x > >(cat >f); until [ -s f ]; do sleep 0.1; done; cat f'
bash_only "here string" 'cat <<<"a string $((1+1))"; read a b <<<"1 2"; echo $b'
bash_only "brace expansion" 'echo {a,b}{1..3} {01..03} {a..e..2}'
bash_only "PIPESTATUS and pipefail" 'true | (exit 3) | (exit 4) | true; echo "${PIPESTATUS[@]}"; set -o pipefail; (exit 5) | true; echo $?'
bash_only "coprocess" 'coproc C { while read l; do echo "got $l"; done; }; echo hi >&${C[1]}; read r <&${C[0]}; echo $r; exec {C[1]}>&-; wait'
bash_only "mapfile" 'mapfile -t l < <(seq 5); echo ${#l[@]} ${l[4]}'
bash_only "select" 'select x in a b; do echo "$x"; break; done <<<2 2>/dev/null'
bash_only "functions and locals" 'f() { local x=$1 -a y=(1 2); declare -g G=global; echo $x ${FUNCNAME[0]}; }; f 5; echo $G; declare -F f'
bash_only "name references" 'f() { declare -n r=$1; r=changed; }; v=1; f v; echo $v'
bash_only "globstar and extglob" 'shopt -s globstar extglob nullglob; mkdir -p a/b; touch a/1.c a/b/2.c a/b/3.h; echo **/*.c; echo a/b/!(*.c); echo none*'
bash_only "printf -v, %q, times" 'printf -v x "%03d" 7; echo $x; printf "%q\n" "a b" '"\"it's\""'; printf "%(%Y)T\n" 0'
bash_only "jobs" 'sleep 5 & jobs | sed "s/ *$//"; kill %1; wait %1; echo $?; jobs'
bash_only "wait -n" '(sleep 2; exit 3) & (sleep 0.05; exit 5) & wait -n; echo $?; wait -n; echo $?; wait -n; echo $?'
bash_only "stop and continue" 'sleep 0.3 & kill -STOP $!; sleep 0.1; kill -CONT $!; wait $!; echo $?'
bash_only "job control" 'set -m; sleep 0.2 & fg %1 >/dev/null; echo $?; (kill -STOP $BASHPID; exit 6) & sleep 0.3; jobs | grep -c Stopped; fg >/dev/null; echo $?'
bash_only "trap ERR, DEBUG, RETURN" 'trap "echo err" ERR; false; trap - ERR; f() { trap "echo ret" RETURN; }; f; trap "((n++))" DEBUG; :; :; trap - DEBUG; ((n > 1)) && echo counted'
bash_only "SECONDS, RANDOM, BASHPID" 'SECONDS=10; ((SECONDS >= 10)) && echo s; RANDOM=1; a=$RANDOM; RANDOM=1; [ $a = $RANDOM ] && echo r; (( BASHPID == $$ )) && (( $(echo $BASHPID) != $$ )) && echo p'
bash_only "read with options" 'read -r -n 3 x <<<abcdef; echo $x; read -d : y <<<"p:q"; echo $y; read -t 0.1 z < <(sleep 2); echo $?; read -a arr <<<"1 2 3"; echo ${arr[2]}'
bash_only "redirection of both" 'ls nofile . &>f; wc -l <f; { echo a; echo b >&2; } |& sort'
bash_only "named descriptors" 'exec {fd}>f; echo x >&$fd; exec {fd}>&-; cat f'
bash_only "/dev/fd and /dev/stdin" 'echo in | cat /dev/stdin; echo a | { cat /dev/fd/0; }; echo out >/dev/stdout; echo err >/dev/stderr'
bash_only "dirs" 'mkdir a b; pushd a >/dev/null; pushd ../b >/dev/null; dirs | wc -w; popd >/dev/null; pwd | sed s,.*/,,'
bash_only "history and fc are quiet" 'set +o history; history | wc -l'
bash_only "login names" 'echo $UID $EUID ${GROUPS[0]}; id -u; [ -O . ] && echo mine'
bash_only "exported functions" 'f() { echo from function; }; export -f f; bash -c f'
bash_only "time" 'TIMEFORMAT=%U; { time :; } 2>&1 | grep -c "^0"'
bash_only "a loop of 10,000" 'for ((i = 0; i < 10000; i++)); do ((s += i)); done; echo $s'

nothing_left "nothing is left"
finish
