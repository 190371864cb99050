#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every command of Debian's coreutils with a use that exercises it, natively
# and in a picoprocess. The last result is that none was forgotten.

# Scripts for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

shell=(/bin/dash)
tried=" "

# try COMMANDS SHELL-TEXT: the first names the commands that it is about
try()
{
	tried+="$1 "
	script "$1" "$2"
}

given=$work/given
mkdir "$given"
"$here/generate" text 20000 11 >"$given/text"
"$here/generate" binary 5000 12 >"$given/binary"
printf '3 c\n1 a\n2 b\n1 a\n' >"$given/lines"
printf 'a 1\nb 2\nd 4\n' >"$given/left"
printf 'a x\nc y\nd z\n' >"$given/right"
mkdir -p "$given/tree/a/b"
echo one >"$given/tree/a/one"
echo two >"$given/tree/a/b/two"
ln -s a/one "$given/tree/link"
chmod 640 "$given/tree/a/one"

# ---- output of files ----
try cat 'cat text | wc -c; cat -A lines; cat -n lines lines; cat -s -E text | tail -n 3; cat nofile; echo $?'
try tac 'tac lines; tac -s " " lines; tac text | md5sum'
try nl 'nl lines; nl -b a -n rz -w 3 text | tail -n 2'
try od 'od -c lines; od -A x -t x1z binary | md5sum; od -t d4 -j 8 -N 32 binary'
try 'base32 base64 basenc' 'for c in base32 base64 "basenc --base16"; do $c binary | md5sum; $c binary | $c -d | cmp - binary && echo same; done; echo "!!" | base64 -d'
try 'fmt pr fold' 'fmt -w 40 text | md5sum; pr -l 20 -h title -D "%Y" text | sed 3d | md5sum; fold -s -w 30 text | md5sum; fold -b -w 7 lines'
# ---- parts of files ----
# The library OS has no inotify, and tail says so when it wants it.
try 'head tail' 'head -n 2 lines; head -c -3 lines; head -q -n 1 lines left; tail -n 2 lines; tail -c 5 lines; tail -n +3 lines; (sleep 0.2; echo more >>f) & echo first >f; timeout 3 tail ---disable-inotify -s 0.1 -f f; echo $?'
try 'split csplit' 'split -l 2 lines s.; split -n 3 -d text t.; csplit -s lines /2/ "{*}"; cat s.a* | cmp - lines; ls'
# ---- summaries ----
try wc 'wc lines text binary; wc -L text; wc -m text; echo | wc -w'
try 'sum cksum b2sum md5sum md5sum.textutils sha1sum sha224sum sha256sum sha384sum sha512sum' 'for c in sum cksum b2sum md5sum md5sum.textutils sha1sum sha224sum sha256sum sha384sum sha512sum; do $c text binary; done; sha256sum text >c; sha256sum -c c; echo x >>text; sha256sum -c c; echo $?; cksum -a sm3 binary'
# ---- sorted files ----
try sort 'sort lines; sort -u lines; sort -k2 -r lines; sort -n text | md5sum; sort -R --random-source=binary lines; sort -c lines; echo $?; sort -m left right; sort -S 16k -T . text | md5sum; sort -o lines lines; cat lines; seq 5000 | sort --parallel=4 -r | md5sum'
try shuf 'shuf --random-source=binary lines; shuf -i 1-10 --random-source=binary; shuf -n 3 text | wc -l'
try 'uniq comm' 'sort lines | uniq -c; sort lines | uniq -d; comm left right; comm -12 left right'
try 'ptx tsort' 'ptx -G lines left; printf "a b\nb c\nd b\n" | tsort; printf "a b\nb a\n" | tsort; echo $?'
# ---- fields ----
try 'cut paste join' 'cut -d " " -f 2 lines; cut -c 2- left; cut -b 1,3 right; paste left right; paste -s -d, lines; join left right; join -a 1 -e none -o 0,1.2,2.2 left right'
# ---- characters ----
try 'tr expand unexpand' 'tr a-z A-Z <lines; tr -d "\n" <lines; tr -s " " <text | md5sum; tr -c "a-z\n" . <left; printf "a\tb\n" | expand -t 4; printf "        x\n" | unexpand'
# ---- listing ----
try 'ls dir vdir' 'cd tree; touch -d @1000000000 . a a/one a/b a/b/two; touch -h -d @1000000000 link; ls; ls -lR --time-style=+%s | grep -v ^total; ls -laF a | grep -v total | wc -l; ls -1S; ls -i a/one | wc -w; ls -d a/*; ls --color=always | od -c; dir; vdir --time-style=+%s a | grep -v total; ls nofile; echo $?'
try dircolors 'dircolors -b | md5sum; dircolors -p | wc -l'
# ---- basic operations ----
try cp 'cp text copy; cmp text copy; cp -r tree tree2; cp -a tree tree3; diff -r tree tree3; cp -l text hard; cp -s text soft; cp -b lines copy; cp -u text copy; cp -n lines copy; cp --sparse=always binary s; cp --reflink=auto text r; cp nofile x; echo $?; cp -t tree/a left right; ls tree/a; cp --parents tree/a/one tree/a/b'
try dd 'dd if=binary of=o bs=512 count=3 skip=1 2>/dev/null; cmp -n 1536 -i 512:0 binary o && echo same; dd if=binary of=o bs=1 seek=10 count=5 conv=notrunc status=none; dd if=lines conv=ucase status=none; echo abc | dd conv=swab 2>/dev/null; dd if=binary of=o ibs=100 obs=1000 conv=sync status=noxfer 2>&1 | head -n 2'
try install 'install -m 750 text d1; install -d -m 700 x/y; install -D lines p/q/r; install -t x text lines; ls -R; stat -c "%a %n" d1 x/y'
try mv 'mv text t2; mv t2 lines tree; mv -n left right; mv -b left right; mv -T tree tree9; mv nofile x; echo $?; mv right/x y; echo $?; ls -R'
try rm 'rm text; rm -r tree; rm -f nofile; rm nofile; echo $?; mkdir d; rm d; echo $?; rm -d d; chmod 0 lines; rm -f lines; rm -v left; ls'
try shred 'shred -n 1 -z text; od text | head -n 1; shred -u lines; ls'
# ---- special file types ----
try 'ln link unlink readlink realpath' 'ln text hard; ln -s text soft; ln -sf lines soft; ln -sr tree/a/one rel; readlink soft rel; readlink -f rel | sed s,.*/folder,,; link text l2; unlink l2; realpath --relative-to=. tree/link; realpath -m x/../y | sed s,.*/folder,,; ln text hard; echo $?; stat -c %h text; unlink nofile; echo $?'
try 'mkdir rmdir' 'mkdir a; mkdir -p b/c/d; mkdir -m 700 e; mkdir a; echo $?; rmdir a; rmdir -p b/c/d; rmdir tree; echo $?; umask 027; mkdir f; stat -c %a e f'
try 'mkfifo mknod' 'mkfifo p; mkfifo -m 600 q; mknod r p; stat -c "%F %a" p q r; echo x >p & cat p; mkfifo p; echo $?'
try mktemp 'f=$(mktemp ./x.XXXXXX); test -f $f && stat -c %a $f; rm $f; d=$(mktemp -d -p .); stat -c %a $d; rmdir $d; mktemp x; echo $?; t=$(mktemp); test -w "$t" && echo t; rm $t'
# ---- attributes ----
try 'chmod chown chgrp' 'chmod 600 text; chmod u+x,g=r,o= lines; chmod -R a+r tree; chmod --reference=text left; stat -c "%a %n" text lines tree/a/one left; chown $(id -u) text; chown :$(id -g) text; chgrp $(id -g) text; chown -h $(id -u) tree/link; chown nobody-there text; echo $?; chmod 7777x text; echo $?; chmod -v 644 text'
try touch 'touch new; touch -d "2001-02-03 04:05:06.789 UTC" text; stat -c %Y text; touch -r text lines; stat -c %Y lines; touch -a -d @5 left; stat -c "%X" left; touch -c none; ls none; touch -m -t 200001010000 right; touch tree/none/x; echo $?; touch -h -d @7 tree/link; stat -c %Y tree/link'
# ---- space ----
try 'df du' 'df . >/dev/null; echo $?; df --output=fstype /proc/none; du -b text; du -ab tree | sort | sed "s/^[0-9]*//"; du -sh --apparent-size text; du nofile; echo $?'
try stat 'stat -c "%n %s %F %a %h %u %g %N" text tree tree/link; stat -L -c %F tree/link; stat nofile; echo $?; stat -c "%s" - <text'
try sync 'sync text; sync -d text; sync -f .; sync nofile; echo $?'
try truncate 'truncate -s 100 text; truncate -s +50 text; truncate -s %64 text; truncate -r left lines; truncate -s 1M big; wc -c text lines big; truncate -c -s 5 none; ls none'
# ---- text, conditions ----
try 'echo printf yes' '/bin/echo -e "a\tb\c"; /bin/echo; /usr/bin/printf "%d %s %q %x\n" 5 s "a b" 255; /usr/bin/printf "%d\n" nope; echo $?; yes y | head -n 3; yes a b | head -n 1'
try 'false true test [' '/bin/false; echo $?; /bin/true; echo $?; /usr/bin/test -f text -a -d tree; echo $?; /usr/bin/[ -h tree/link ]; echo $?; /usr/bin/test 1 -gt; echo $?; /usr/bin/test -t 0; echo $?; /usr/bin/[ text -ef ./text ]; echo $?'
try 'expr factor numfmt seq' 'expr 7 + 3 \* 2; expr abcde : "b*\(.*\)"; expr length abc; expr 1 = 2; echo $?; factor 12 97 1000000007 18446744073709551615 340282366920938463463374607431768211456; numfmt --to=iec 1000000; numfmt --from=si 5K; seq 3; seq 1 0.5 3; seq -w 8 11; seq -s, 5'
try tee 'seq 3 | tee a b; seq 4 | tee -a a >/dev/null; cat a; echo x | tee /dev/full 2>/dev/null; echo $?'
# ---- names ----
try 'basename dirname pathchk' 'basename /a/b.c .c; basename -a a/b c/d; dirname /a/b c; pathchk -p "a b"; echo $?; pathchk text; echo $?'
# ---- context ----
try 'pwd printenv env tty' '/bin/pwd | sed s,.*/folder,,; X=1 printenv X; printenv NONE; echo $?; env -u HOME A=1 sh -c "echo \$A \${HOME-none}"; env -C tree ls; env --ignore-signal=TERM sh -c "kill -TERM \$\$; echo alive"; env -S "echo split words"; tty; echo $?'
try stty 'stty -a; echo $?; stty size; echo $?'
try 'id logname whoami groups users who pinky' 'id; id -un; id -G; whoami; groups; users; who; logname; echo $?; id nobody-there; echo $?; pinky -l root | head -n 1'
try 'date arch nproc uname hostid' 'date -u -d @1234567890; date -u -d "2024-02-30"; echo $?; date -u -r text +%Y >/dev/null; echo $?; date -u -d "2020-01-31 + 1 month" +%F; TZ=Asia/Tokyo date -d @0; arch; test $(nproc) -ge 1 && echo n; uname -srvmo; hostid'
# ---- others ----
try 'chroot' 'chroot / /bin/true 2>/dev/null; test $? -le 125 && echo x; chroot /no/such; echo $?'
# (timeout -k: its TERM has to find env already ignoring it, on a slow machine too.)
try 'nice nohup stdbuf timeout sleep kill' 'nice; nice -n 5 nice; nohup echo kept 2>/dev/null; stdbuf -o0 echo unbuffered; stdbuf -oL cat lines; timeout 0.2 sleep 9; echo $?; timeout -k 0.3 4 env --ignore-signal=TERM sleep 19; echo $?; timeout --preserve-status -s INT 0.2 sleep 9; echo $?; sleep 0.1s; sleep x; echo $?; timeout 60 sh -c "exit 9"; echo $?'
try 'chcon runcon' 'chcon -t x text 2>/dev/null; echo $?; runcon x true 2>/dev/null; echo $?'

# None forgotten?
forgotten=
for path in $(dpkg -L coreutils | grep -E '^/(usr/)?s?bin/'); do
	name=${path##*/}
	[[ $tried == *" $name "* ]] || forgotten+=" $name"
done
# shellcheck disable=SC2319 # the test's own status
[ -z "$forgotten" ]
result $? "every command was tried${forgotten:+, but for$forgotten}"

nothing_left "nothing is left"
finish
