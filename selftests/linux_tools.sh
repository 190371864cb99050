#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tools that stand beside the coreutils, natively and in a picoprocess:
# findutils, grep, sed, gawk, diffutils, tar, gzip, xz, make, perl, lua, jq.

# Scripts for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

given=$work/given
mkdir -p "$given/d/e/f" "$given/d/g"
"$here/generate" text 200000 21 >"$given/text"
"$here/generate" binary 60000 22 >"$given/binary"
for n in 1 2 3 4 5; do
	echo "file $n of many needles $((n % 2))" >"$given/d/f$n"
	seq $n >"$given/d/e/s$n.txt"
done
ln -s ../text "$given/d/link"
ln "$given/d/f1" "$given/d/g/hard"
chmod 700 "$given/d/e"
: >"$given/empty"
find "$given" -exec touch -h -d @1000000000 {} +

script "find: names, types, sizes" 'find . -name "*.txt" | sort; find . -type l; find d -maxdepth 1 -type f -size -1k; find . -empty; find d -links 2 | sort; find . -perm 700; find . -newer nofile; echo $?'
script "find: actions" 'find d -type f -name "f*" -exec wc -c {} + | sort; find d -name "s*" -delete; find d | sort; find . -type f -printf "%f %s %m %y\n" | sort; find d -name f1 -ok true {} \; </dev/null; find . -execdir pwd \; | wc -l; find . -samefile d/f1 | sort; find . -prune; find . -regex ".*f[12]" | sort'
script "xargs" 'find d -type f -print0 | sort -z | xargs -0 -n 2 echo; seq 100 | xargs -P 4 -n 10 sh -c "echo \$#" x | sort | uniq -c; echo a | xargs -t echo; xargs false <d/f1; echo $?; seq 3 | xargs sh -c "exit 255"; echo $?; xargs </dev/null; xargs -r echo </dev/null'
script "grep" 'grep -n needle d/f*; grep -c e text; grep -rl needles . | sort; grep -E "^(a|b)[a-z]+" text | wc -l; grep -o "[0-9]+" text | head -n 3; grep -P "\d{2,}(?= )" text | wc -l; grep -v -w the text | md5sum; grep -q zzz text; echo $?; grep x nofile; echo $?; grep -A1 -B1 3 d/e/s5.txt; grep -i -f d/f1 text; grep -z . binary | md5sum; grep a binary; egrep -h needle d/f? 2>/dev/null; fgrep -x 3 d/e/s4.txt 2>/dev/null'
script "sed" 'sed -n "5,10p;\$p" text; sed "s/[aeiou]/<&>/g;10q" text; sed -e "1!G;h;\$!d" d/e/s5.txt; sed -i.bak "s/file/FILE/" d/f*; cat d/f1; sed "y/abc/xyz/" d/f1; sed -E "s/(\w+) (\w+)/\2 \1/" d/f2; sed "/3/,/4/d;a\\
tail" d/e/s5.txt; sed "w out" d/f3; sed -s -n "\$=" d/f*; sed --posix "s/x" d/f1; echo $?; sed "1e echo executed" d/f1; sed -z "s/\n/,/g" d/e/s5.txt'
script "gawk" 'gawk "{ s += length(\$0) } END { print NR, s }" text; gawk -F: "{ print \$1, \$NF }" /etc/passwd | head -n 3; gawk "BEGIN { while ((\"echo from a pipe; echo two\" | getline l) > 0) print l; print \"sorted\" | \"sort\"; close(\"sort\"); system(\"echo system\"); printf \"%5.2f %s %c\n\", 3.14159, toupper(\"x\"), 65; print strftime(\"%Y\", 0, 1); print length(ENVIRON) > 0 }"; gawk "{ a[\$1]++ } END { n = asorti(a, b); for (i = 1; i <= n && i < 5; i++) print b[i], a[b[i]] }" text; gawk -v x=5 "BEGIN { print x^2, int(7/2), 7%3, substr(\"hello\", 2, 3), match(\"foobar\", /o+/), RLENGTH }"; gawk "BEGIN { c = \"cat\"; print \"co\" |& c; close(c, \"to\"); c |& getline l; print l }"; gawk "{" ; echo $?; mawk "BEGIN { print 1 }"'
script "diff, cmp, diff3, sdiff, patch" 'cp text t2; sed -i "5d;20s/^/new /;\$a last" t2; diff text t2; echo $?; diff -u text t2 | sed 1,2d; diff -q text t2; diff -y --width=60 d/e/s3.txt d/e/s5.txt; diff -r d d; cmp text t2; echo $?; diff3 d/e/s3.txt d/e/s4.txt d/e/s5.txt; sdiff -s d/e/s1.txt d/e/s2.txt; diff -u text t2 >p; patch text p; cmp text t2 && echo patched; patch -R text <p; diff text nofile; echo $?; rm p'
unlike='\.(tar|gz|xz|bz2|zst)( |$)'
script "tar" 'tar cf x.tar d; tar tvf x.tar | sort; mkdir o; tar xf x.tar -C o; diff -r d o/d && echo same; tar cf - d | tar xf - -C o --strip-components=1; find o | sort; echo new >d/new; tar rf x.tar d/new; tar tf x.tar | tail -n 1; tar --delete -f x.tar d/f1; tar tf x.tar | grep -c f1; tar xf nofile; echo $?; tar cf x2.tar --exclude="*.txt" --sort=name --owner=0 --numeric-owner --mtime=@0 d; md5sum <x2.tar'
script "tar with compressors" 'for c in z j J; do tar c${c}f x.tar.gz d && tar t${c}f x.tar.gz | sort | md5sum; done; tar caf x.tar.xz text binary; mkdir o; tar xf x.tar.xz -C o; cmp text o/text && cmp binary o/binary && echo same'
unlike='^$'
script "gzip" 'gzip -n -k text; gzip -l text.gz | sed 1d; gzip -t text.gz; zcat text.gz | cmp - text && echo same; gzip -9 -n binary; gunzip binary.gz; gzip -d text.gz; echo $?; echo bad >b.gz; gunzip b.gz; echo $?; zgrep -c the text.gz; gzip <text | gzip -dc | md5sum; gzip nofile; echo $?'
script "xz, bzip2" 'xz -k text; xz -t text.xz; xz -l text.xz | wc -l; xzcat text.xz | cmp - text && echo same; xz -T 2 -0 -c binary | unxz | cmp - binary && echo same; xz -d nofile.xz; echo $?; bzip2 -k text; bunzip2 -c text.bz2 | cmp - text && echo same; rm text; unxz text.xz; ls'
# How far in the future a file is differs by how long make took to see it.
compare_filter='s/modification time [0-9]+ s/modification time N s/'
script "make" 'printf "all: a b c\n\t@echo all of \$^\n%%: %%.in\n\tcp \$< \$@\n.PHONY: all clean\nclean:\n\trm -f a b c\nbad:\n\texit 3\nsub:\n\t\$(MAKE) -C s\nvar := \$(shell echo from shell)\nprint:\n\t@echo \$(var) \$(words 1 2 3) \$(patsubst %%.c,%%.o,x.c)\n" >Makefile; mkdir s; printf "x:\n\t@echo in s; sleep 0.1\ny: ; @echo y\n" >s/Makefile; for f in a b c; do echo $f >$f.in; done; make; make; touch -d "+1 hour" a.in; make -s; make clean; make -j4 -s; make sub | grep -v directory; make bad; echo $?; make -k bad print; make -n clean; make nothing; echo $?; seq 40 | sed "s/.*/t&: ; @sleep 0.0\$\$((& % 5)); echo &/" >m; make -s -f m -j 6 $(seq 40 | sed s/^/t/) | sort -n | md5sum'
compare_filter=
script "perl" 'perl -e "print join(\",\", map { \$_ ** 2 } 1..10), \"\n\""; perl -ne "print if /the/ && ++\$n < 4" text; perl -pi -e "s/file/FILE/" d/f1; cat d/f1; perl -MPOSIX -e "print strftime(\"%F\", gmtime(0)), floor(-1.5), \"\n\""; perl -e "my \$p = fork; if (!\$p) { exit 7 } waitpid \$p, 0; print \$? >> 8, \"\n\""; perl -e "open my \$f, \"-|\", \"echo piped\"; print <\$f>; close \$f; print \`echo ticks\`; \$SIG{USR1} = sub { print \"signal\n\" }; kill USR1 => \$\$; select undef, undef, undef, 0.05"; perl -MSocket -e "socketpair my \$a, my \$b, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die; syswrite \$a, \"hi\n\"; print scalar <\$b>"; perl -e "\$SIG{ALRM} = sub { die \"alarm\n\" }; eval { alarm 1; sleep 5 }; print \$@"; perl -MFile::Temp=tempfile -MData::Dumper -e "\$Data::Dumper::Sortkeys = 1; my (\$h, \$n) = tempfile(UNLINK => 1); print Dumper({a => [1, 2], b => undef})"; perl -e "opendir D, \"d\"; print join(\" \", sort readdir D), \"\n\"; die \"dying\n\""; echo $?; perl -MDigest::SHA=sha256_hex -e "print sha256_hex(\"x\"), \"\n\""'
script "lua" 'lua5.4 -e "for i = 1, 3 do print(i, i ^ 2, i // 2) end print(string.format(\"%5.1f|%s\", 3.14159, (\"x\"):rep(3)))"; lua5.4 -e "local f = io.open(\"out\", \"w\") f:write(\"line\n\") f:close() for l in io.lines(\"out\") do print(l) end print(os.execute(\"exit 3\")) local p = io.popen(\"echo popen\") print(p:read(\"a\")) p:close() print(os.getenv(\"HOME\") ~= nil, #arg)"; lua5.4 -e "local t = {} for i = 1, 100000 do t[i] = i end table.sort(t, function(a, b) return a > b end) print(t[1]) local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co()) print(pcall(error, \"oops\"))"; echo "error(1)" >e.lua; lua5.4 e.lua; echo $?'
script "jq" 'echo "{\"a\":[1,2,{\"b\":null}],\"c\":\"x\"}" | jq -c ".a[2], .c, (.a | length), keys"; seq 5 | jq -s "add, map(. * 2)"; jq -n "[range(10)] | map(select(. % 2 == 0)) | {even: .}"; echo "{" | jq .; echo $?; jq -r ".[] | @csv" <<<"[[1,\"a,b\"]]"'

nothing_left "nothing is left"
finish
