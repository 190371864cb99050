#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Job control: shells at a pseudo-terminal, natively and in a picoprocess, show
# the same: at one of the host's, and at one of the sandbox's own, with everything
# in the sandbox. linux_jobs.py has the conversations. And programs that make
# pseudo-terminals.
#
# linux_jobs.sh [SESSION...]: only these

# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

python=/usr/bin/python3

# within SESSION [PROGRAM]: the terminal's other end is in the sandbox as well
within()
{
	local good=0

	if ! $python "$here/linux_jobs.py" "$@" >"$work/n.out" 2>&1; then
		good=1
		echo "# it was the native run that failed"
	fi
	"$picoexec" $python "$here/linux_jobs.py" "$@" >"$work/p.out" 2>&1 ||
		good=1
	diff "$work/n.out" "$work/p.out" >"$work/diff" || good=1
	result $good "$1, at a terminal of the sandbox"
	[ $good = 0 ] || note "$work/diff"
}

# alike DESCRIPTION COMMAND...: no input, the same output
alike()
{
	local what=$1 native_code pico_code

	shift
	timeout -k 5 "$compare_limit" "$@" >"$work/n.out" 2>"$work/n.err" \
		</dev/null
	native_code=$?
	timeout -k 5 "$compare_limit" "$picoexec" "$@" >"$work/p.out" \
		2>"$work/p.err" </dev/null
	pico_code=$?
	compare_outputs "$what" $native_code $pico_code "$@"
}

# same SESSION [PROGRAM]
same()
{
	local code good=0

	# As in a picoprocess, the program does not lead the session.
	# shellcheck disable=SC2016
	python3 "$here/linux_jobs.py" "$1" /bin/sh -c '"$0" "$@"; exit $?' \
		${2:+"$2"} >"$work/n.out" 2>&1
	code=$?
	python3 "$here/linux_jobs.py" "$1" "$picoexec" \
		${2:+"$2"} >"$work/p.out" 2>&1 || good=1
	[ $code = 0 ] || good=1
	diff "$work/n.out" "$work/p.out" >"$work/diff" || good=1
	result $good "$1"
	[ $good = 0 ] || note "$work/diff"
}

# Scripts of the programs inside stand in single quotes.
# shellcheck disable=SC2016
programs()
{
	alike "script -c" script -qec 'stty size; test -t 0 && test -t 1 &&
		test -t 2 && echo terminal; tty | tr -d 0-9; exit 3' /dev/null
	alike "script of a shell's input" sh -c 'printf "echo a; tty >/dev/null &&
		echo b\nexit 5\n" | PS1="$ " script -qec "sh" /dev/null; echo $?'
	alike "script within script" script -qec \
		"script -qec 'script -qec \"echo deep\" /dev/null' /dev/null" \
		/dev/null
	alike "python3: pty.spawn" $python -c 'if True:
		import os, pty
		def read(fd):
		    data = os.read(fd, 1024)
		    return data.upper()
		status = pty.spawn(["sh", "-c", "stty -a | head -n 1; tty | tr -d 0-9; echo err >&2; exit 4"], read)
		print(os.waitstatus_to_exitcode(status))'
	alike "python3: a subprocess at a terminal" $python -c 'if True:
		import os, pty, subprocess, sys, tty, termios
		m, s = pty.openpty()
		p = subprocess.Popen(["sh", "-c", "read x; echo got $x; read y; echo $?"],
				     stdin=s, stdout=s, start_new_session=True)
		os.close(s); os.write(m, b"word\n\4"); out = b""
		while True:
		    try: data = os.read(m, 100)
		    except OSError as e: print(e.errno); break
		    out += data
		print(p.wait(), sorted(out.split()))
		m, s = os.openpty(); tty.setraw(s); os.write(s, b"a\n"); print(os.read(m, 9))
		termios.tcsetwinsize(m, (7, 9)); print(os.get_terminal_size(s))
		print(os.ttyname(s).startswith("/dev/pts/"), os.isatty(m), os.get_blocking(m))
		before = set(os.listdir("/dev/pts")); m2, s2 = os.openpty()
		print(set(os.listdir("/dev/pts")) - before == {os.path.basename(os.ttyname(s2))})'
	alike "python3: asyncio and selectors" $python -c 'if True:
		import asyncio, os, pty, tty
		async def main():
		    m, s = pty.openpty(); tty.setraw(s)
		    loop = asyncio.get_running_loop(); done = loop.create_future(); got = b""
		    def reader():
		        nonlocal got
		        got += os.read(m, 5)
		        if len(got) == 20000: done.set_result(True)
		    loop.add_reader(m, reader)
		    p = await asyncio.create_subprocess_exec("sh", "-c", "i=0; while [ $i -lt 20 ]; do printf %1000d $i; i=$((i+1)); done", stdout=s)
		    await done; print(await p.wait(), len(got), got.split() == [b"%d" % i for i in range(20)])
		asyncio.run(main())'
}

if [ "${1:-}" = programs ]; then
	programs
elif [ $# -gt 0 ]; then
	for session in "$@"; do
		same "$session"
	done
else
	same calls "$here/linux/jobs"
	same bash
	same dash
	same orphan
	same end
	within calls "$here/linux/jobs"
	within bash
	within dash
	within orphan
	within end
	programs
fi
nothing_left "nothing is left"
finish
