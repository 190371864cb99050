#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sqlite3 (with WAL, and several processes), openssl and ssh-keygen, natively
# and in a picoprocess.

# Scripts for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

compare_limit=$((120 * ${PICO_SLOWER:-1}))

script "sqlite3: tables" 'sqlite3 x.db "create table t(a,b); insert into t values(1,\"x\"),(2,\"y\"); create index i on t(b); select * from t order by b desc; select count(*), sum(a) from t; pragma integrity_check;"; sqlite3 x.db .dump; sqlite3 x.db "select * from nope"; echo $?; sqlite3 -csv -header x.db "select * from t" >c.csv; cat c.csv; sqlite3 :memory: "with recursive n(i) as (select 1 union all select i+1 from n where i<5000) select sum(i) from n"'
script "sqlite3: a transaction that is rolled back" 'printf "create table t(a);\nbegin;\ninsert into t values(1);\nrollback;\nselect count(*) from t;\nbegin immediate;insert into t values(2);commit;\nselect a from t;\n" | sqlite3 x.db; printf "vacuum;\npragma page_count;\n" | sqlite3 x.db'
unlike='\.db'
script "sqlite3: WAL" 'sqlite3 x.db "pragma journal_mode=wal; create table t(a); insert into t select value from generate_series(1,2000);" ; sqlite3 x.db "select count(*) from t; pragma wal_checkpoint(truncate); pragma journal_mode;"; ls x.db*'
script "sqlite3: several processes" 'sqlite3 x.db "pragma journal_mode=wal; create table t(a)"; for p in 1 2 3 4; do (for i in 1 2 3 4 5; do sqlite3 -cmd ".timeout 30000" x.db "insert into t values($p * 10 + $i)" || echo failed; done) & done; wait; sqlite3 x.db "select count(*), sum(a) from t; pragma integrity_check"'
script "sqlite3: several processes, rollback journal" 'sqlite3 x.db "create table t(a)"; for p in 1 2 3; do (for i in 1 2 3; do sqlite3 -cmd ".timeout 30000" x.db "begin immediate; insert into t values($p); commit" || echo failed; done) & done; wait; sqlite3 x.db "select count(*), sum(a) from t"'
script "sqlite3: locked by another" 'sqlite3 x.db "create table t(a)"; mkfifo p; (printf "begin exclusive;\n.shell touch in\n"; cat p) | sqlite3 x.db & exec 3>p; until [ -e in ]; do sleep 0.1; done; sqlite3 x.db "insert into t values(1)"; echo $?; echo "commit;" >&3; exec 3>&-; wait; sqlite3 x.db "insert into t values(1)"; echo $?'
unlike='^$'
script "openssl: digests and ciphers" 'seq 5000 >f; for d in md5 sha1 sha256 sha512 blake2b512; do openssl dgst -$d f; done; openssl enc -aes-256-cbc -pbkdf2 -pass pass:x -S 0102030405060708 -in f -out e; openssl enc -d -aes-256-cbc -pbkdf2 -pass pass:x -S 0102030405060708 -in e | cmp - f && echo same; openssl version | cut -d " " -f 1; openssl rand 16 | wc -c; openssl nope 2>/dev/null; echo $?'
unlike='\.(pem|key|pub|crt)( |$)|/?k(\.pub)?$|(^| )k(\.pub)?( |$)|sig( |$)'
script "openssl: keys and certificates" 'openssl genpkey -algorithm ed25519 -out a.pem; echo text >f; openssl pkeyutl -sign -rawin -inkey a.pem -in f -out sig; openssl pkey -in a.pem -pubout -out p.pem; openssl pkeyutl -verify -rawin -pubin -inkey p.pem -in f -sigfile sig; openssl ecparam -name prime256v1 -genkey -noout -out e.pem; openssl req -x509 -new -key e.pem -subj /CN=test -days 9 -out c.crt; openssl x509 -in c.crt -noout -subject -issuer; openssl verify -CAfile c.crt c.crt'
script "ssh-keygen" 'ssh-keygen -q -t ed25519 -N "" -C comment -f k; cut -d " " -f 1,3 k.pub; stat -c %a k; ssh-keygen -l -f k.pub | sed "s/SHA256:[^ ]*//"; ssh-keygen -y -f k | cmp - k.pub && echo same; echo data >f; ssh-keygen -q -Y sign -f k -n ns f 2>/dev/null; ls f.sig && rm f.sig; ssh-keygen -f nofile -l; echo $?'

nothing_left "nothing is left"
finish
