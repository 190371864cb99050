#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Job control: a conversation with a shell at a terminal.

    linux_jobs.py SESSION [COMMAND...]

Starts COMMAND (default: the shell itself), as the session SESSION says, behind
a pseudo-terminal, types what the session has, each line when the shell has
asked for it, and prints what the terminal showed. Numbers of processes
are written as P1, P2, ... in the order in which they come. What is printed is
the same each time, and has to be the same natively and in a picoprocess.

Nothing here depends on time: what is typed next waits for what was printed.
"""

import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import fcntl

LIMIT = int(os.environ.get("LIMIT", "60")) * int(os.environ.get("PICO_SLOWER", "1"))
# The terminal may echo Ctrl-C after what a program says of it.
PROMPT = r"(\^[CZ\\])?ready[$] "

BASH = ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"]
DASH = ["/bin/dash", "-i"]
CTRL_C, CTRL_Z, CTRL_D, CTRL_BACKSLASH = "\3", "\32", "\4", "\34"
# A program that says when it runs, and when it goes on after a stop: what is
# typed then is typed for it, not for a shell that has yet to leave the terminal.
RUN = """perl -e '$|=1; $SIG{CONT}=sub{print "on\\n"}; print "run\\n"; sleep 1 while 1'"""
STARTED = "run\r\n"
AGAIN = "on\r\n"


def handler(name, action):
    return ("perl -e '$|=1; $SIG{%s}=sub{%s}; print \"run\\n\"; sleep 1 while 1'"
            % (name, action))


# What is typed; what has to be seen before the next is typed (default: the
# prompt), as a regular expression. Typed text None: only wait.
common = [
    ("echo $((6 * 7))",),
    # Ctrl-C ends the program, not the shell.
    (RUN, STARTED),
    (CTRL_C,),
    ("echo code $?",),
    # Ctrl-\ too.
    ("ulimit -c 0",),
    (RUN, STARTED),
    (CTRL_BACKSLASH,),
    ("echo code $?",),
    # Ctrl-C at a pipeline: all of its programs.
    (RUN + " | cat", STARTED),
    (CTRL_C,),
    ("echo code $?",),
    # Ctrl-Z stops it, fg goes on, Ctrl-C ends it.
    (RUN, STARTED),
    (CTRL_Z,),
    ("echo code $?",),
    ("jobs",),
    ("fg", AGAIN),
    (CTRL_Z,),
    ("fg", AGAIN),
    (CTRL_C,),
    ("echo code $?",),
    # A handler of Ctrl-C.
    (handler("INT", r'print "caught\n"; exit 7'), STARTED),
    (CTRL_C, "caught\r\n" + PROMPT),
    ("echo code $?",),
    # A program in the background does not see Ctrl-C.
    (handler("INT", r'print "wrong\n"') + " >/dev/null & echo", "\n\r\n" + PROMPT),
    (RUN, STARTED),
    (CTRL_C,),
    ("kill %1",),
    # The window's size.
    ("stty size",),
    (handler("WINCH", 'system("stty size"); exit 3'), STARTED),
    ("resize", "132\r\n" + PROMPT),
    ("echo code $?",),
    # A shell within the shell.
    ("PS1='inn''er$ ' sh -i", "inner[$] "),
    (RUN, STARTED),
    (CTRL_Z, "inner[$] "),
    ("fg", AGAIN),
    (CTRL_C, "inner[$] "),
    ("exit",),
    ("echo code $?",),
]

# dash does not always see the end of what it waits for.
jobs = [
    ("sh -c 'echo run; exec sleep 1000'", STARTED),
    (CTRL_Z,),
    ("bg",),
    ("kill %1; wait %1; echo code $?",),
]

SESSIONS = {
    "bash": (BASH, common + jobs + [("exit", None)]),
    "dash": (DASH, common + [("exit", None)]),
    # A shell that is left with a stopped job.
    "orphan": (BASH, [
        (RUN, STARTED),
        (CTRL_Z,),
        ("exit",),
        ("exit", None),
    ]),
    # End of input.
    "end": (BASH, [
        ("echo hello",),
        (CTRL_D, None),
    ]),
    # No shell, but what shells do.
    "calls": (None, [(None, None)]),
}


class Session:
    def __init__(self, argv):
        self.seen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            environ = {
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PS1": "ready$ ",
                "TERM": "dumb",
                "HOME": "/",
                "LC_ALL": "C",
            }
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            os.execve(argv[0], argv, environ)
        self.size(25, 80)
        self.shown = 0

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, end):
        """More of the output; False at the end."""
        if not select.select([self.master], [], [],
                             max(end - time.monotonic(), 0))[0]:
            print(self.seen)
            print("--- nothing more came", flush=True)
            os.kill(self.pid, signal.SIGKILL)
            sys.exit(1)
        try:
            data = os.read(self.master, 65536)
        except OSError:
            data = b""
        self.seen += data.decode(errors="replace")
        return bool(data)

    def wait(self, text):
        """Until @text has been printed since the last time."""
        end = time.monotonic() + LIMIT
        while True:
            found = re.compile(text).search(self.seen, self.shown)
            if found:
                self.shown = found.end()
                return
            if not self.read(end):
                print(self.seen)
                print("--- the end came before %r" % text, flush=True)
                sys.exit(1)

    def wait_end(self):
        end = time.monotonic() + LIMIT
        while self.read(end):
            pass
        status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(status)

    def type(self, text):
        if text not in (CTRL_C, CTRL_Z, CTRL_D, CTRL_BACKSLASH):
            text += "\n"
        self.shown = len(self.seen)
        os.write(self.master, text.encode())


def normal(text):
    numbers = {}

    def name(match):
        number = match.group(0)
        return numbers.setdefault(number, "P%d" % (len(numbers) + 1))

    text = text.replace("\r", "")
    # The terminal's echo of these comes when it comes.
    for echo in ("^C", "^Z", "^\\"):
        text = text.replace(echo, "")
    # When the shell hears of it is chance.
    text = re.sub(r"^\[1\][ +]*Terminated .*\n", "", text, flags=re.M)
    # "(core dumped)" depends on the system.
    text = text.replace(" (core dumped)", "")
    return re.sub(r"(?<=\] )\d+$", name, text, flags=re.M)


def main():
    shell, steps = SESSIONS[sys.argv[1]]
    session = Session(sys.argv[2:] + (shell or []))
    if shell:
        session.wait(PROMPT)
    for step in steps:
        typed, wanted = step if len(step) > 1 else (step[0], PROMPT)
        if typed == "resize":
            session.shown = len(session.seen)
            session.size(40, 132)
        elif typed is not None:
            session.type(typed)
        if wanted is not None:
            session.wait(wanted)
    code = session.wait_end()
    sys.stdout.write(normal(session.seen))
    print("--- exit code %d" % code)


main()
