#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# git, natively and in a picoprocess: the same output and the same repository,
# object by object.

# Scripts for the shell inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

compare_limit=$((180 * ${PICO_SLOWER:-1}))

# Everything that git writes down of who and when is given.
export HOME=$work/home GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
export GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=C
export GIT_COMMITTER_EMAIL=c@example GIT_PAGER=cat
export GIT_AUTHOR_DATE='1000000000 +0000' GIT_COMMITTER_DATE='1000000000 +0000'
mkdir "$HOME"
printf '[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[core]\n\tfsmonitor = false\n' >"$HOME/.gitconfig"

# The index holds inode numbers and times.
unlike='\.git/index( |$)|/index( |$)'

given=$work/given
mkdir -p "$given/src/sub"
for n in $(seq 30); do
	"$here/generate" text 2000 "$n" >"$given/src/f$n"
done
"$here/generate" binary 30000 31 >"$given/src/sub/blob"

script "init, add, commit, log" 'cd src; git init -q .; git add .; git commit -q -m first; git status --short; git log --stat --format="%H %s %an %ad"; git fsck; git rev-parse HEAD; git ls-files -s | md5sum; git cat-file -p HEAD'
script "changes, diff, branches, merge" 'cd src; git init -q .; git add .; git commit -q -m first; sed -i 3d f1; echo new >new; git add new; git diff; git diff --cached --stat; git commit -q -a -m second; git checkout -q -b topic HEAD~1; sed -i 10d f2; git commit -q -a -m topic; git checkout -q main; git merge -q --no-edit topic; git log --graph --oneline --all; git show --stat HEAD; git blame -s new; git branch -a; git tag v1; git describe; git checkout -q topic; sed -i "3s/.*/conflict/" f1; git commit -q -a -m c; git checkout -q main; sed -i "3s/.*/other/" f1; git commit -qam d; git merge topic; echo $?; git status --short; git merge --abort'
script "clone, push, pull, gc" 'cd src; git init -q .; git add .; git commit -q -m first; cd ..; git clone -q src copy; cd copy; echo x >x; git add x; git commit -q -m x; git push -q origin HEAD:refs/heads/pushed; cd ../src; git log --oneline --all; git gc -q; git count-objects -v | grep -v size; git fsck; cd ../copy; git pull -q; git fetch -q; git repack -adq; git verify-pack .git/objects/pack/*.idx; git log --oneline | wc -l; git clone -q --bare . ../bare; ls ../bare'
script "stash, rebase, reset, archive, grep, bisect" 'cd src; git init -q .; git add .; git commit -q -m 0; for i in 1 2 3 4 5 6; do echo $i >>log; git add log; git commit -q -m $i; done; echo dirty >>log; git stash -q; git stash list; git stash pop -q; git checkout -q log; git rebase -q --onto HEAD~4 HEAD~2; echo $?; git rebase --abort; git reset -q --hard HEAD~1; tail -n 1 log; git archive HEAD | tar t | wc -l; git grep -c the f1 f2; git bisect start -q HEAD HEAD~4 >/dev/null; git bisect run sh -c "! grep -q 3 log" | tail -n 3 | head -n 1; git bisect reset 2>&1 | tail -n 1; git format-patch -q -2; ls *.patch; git reflog | wc -l; git worktree add -q ../wt; ls ../wt | wc -l; git cherry-pick HEAD~9 2>&1; echo $?'

nothing_left "nothing is left"
finish
