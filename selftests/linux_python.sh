#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's python3 and the modules that ask most of a system, natively and in a
# picoprocess.

# Scripts for the interpreter inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

compare_limit=$((120 * ${PICO_SLOWER:-1}))
shell=(/usr/bin/python3)
unlike='\.(db|pyc)( |$)|__pycache__'

python() { script "python3: $1" "$2"; }

python "hello" 'print("hello", 2 ** 100)'
python "files" '
import os, shutil, tempfile, pathlib, glob, stat
p = pathlib.Path("d"); p.mkdir(); (p / "f").write_text("text\n"); os.link("d/f", "d/g"); os.symlink("f", "d/l")
print(sorted(os.listdir("d")), os.stat("d/f").st_nlink, os.readlink("d/l"), stat.filemode(os.stat("d").st_mode))
shutil.copytree("d", "e", symlinks=True); os.rename("e/f", "e/h"); print(sorted(glob.glob("**/*", recursive=True)))
with open("big", "wb") as f: f.seek(1 << 20); f.write(b"x"); f.truncate(1 << 19)
print(os.path.getsize("big")); os.utime("d/f", ns=(5, 6)); print(os.stat("d/f").st_mtime_ns)
with tempfile.TemporaryDirectory() as t: print(os.path.isdir(t))
print(sum(len(f) for _, _, f in os.walk("."))); shutil.rmtree("e")
try: open("none/x")
except OSError as e: print(e)
fd = os.open("d/f", os.O_RDWR | os.O_APPEND); os.write(fd, b"more"); print(os.pread(fd, 4, 5)); os.fsync(fd); print(os.fstat(fd).st_size)
for e in sorted(os.scandir("d"), key=lambda e: e.name): print(e.name, e.is_symlink(), e.is_file())
'
python "text and numbers" '
import json, re, hashlib, zlib, lzma, bz2, base64, struct, math, decimal, fractions, datetime, random, string, collections, itertools, csv, io
print(json.dumps({"a": [1, 2.5, None]}), re.findall(r"\w+", "a b-c"), hashlib.sha256(b"x").hexdigest())
d = bytes(range(256)) * 100
for m in zlib, lzma, bz2: assert m.decompress(m.compress(d)) == d
print(base64.b64encode(b"abc"), struct.pack("<IH", 1, 2), math.sqrt(2), decimal.Decimal(1) / 7, fractions.Fraction(3, 9))
print(datetime.datetime.fromtimestamp(0, datetime.timezone.utc)); random.seed(1); print(random.random(), collections.Counter("hello").most_common(2))
'
python "threading" '
import threading, queue, time, concurrent.futures
n = 0; lock = threading.Lock()
def add():
    global n
    for _ in range(1000):
        with lock: n += 1
t = [threading.Thread(target=add) for _ in range(8)]
[x.start() for x in t]; [x.join() for x in t]; print(n)
q = queue.Queue(3); done = []
def worker():
    while (i := q.get()) is not None: done.append(i * i)
w = threading.Thread(target=worker); w.start(); [q.put(i) for i in range(50)]; q.put(None); w.join(); print(sum(done))
e = threading.Event(); threading.Timer(0.05, e.set).start(); print(e.wait(5), e.wait(0))
c = threading.Condition(); b = threading.Barrier(3); l = threading.local()
def bar(i): l.v = i; b.wait(); assert l.v == i
t = [threading.Thread(target=bar, args=(i,)) for i in range(3)]; [x.start() for x in t]; [x.join() for x in t]
with concurrent.futures.ThreadPoolExecutor(4) as ex: print(list(ex.map(lambda x: x ** 2, range(10))))
s = threading.Semaphore(2); print(s.acquire(), s.acquire(), s.acquire(timeout=0.05)); print(threading.active_count())
'
python "subprocess" '
import subprocess, sys, os, signal
print(subprocess.run(["echo", "hi"], capture_output=True, text=True).stdout)
print(subprocess.run("exit 3", shell=True).returncode, subprocess.call(["false"]), subprocess.check_output(["cat"], input=b"in"))
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE); print(p.communicate(b"x" * 200000)[0] == b"x" * 200000, p.returncode)
p = subprocess.Popen(["sleep", "60"]); p.terminate(); print(p.wait())
try: subprocess.run(["sleep", "9"], timeout=0.2)
except subprocess.TimeoutExpired as e: print("timeout")
try: subprocess.run(["/no/such"])
except OSError as e: print(e)
r, w = os.pipe(); pid = os.fork()
if pid == 0: os.write(w, b"child"); os._exit(5)
os.close(w); print(os.read(r, 99), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(subprocess.run([sys.executable, "-c", "import os; print(os.environ[\"X\"], os.getcwd()[-6:])"], env={"X": "1"}, capture_output=True, text=True))
print(os.system("exit 2") >> 8, os.popen("echo popen").read()); pid = os.posix_spawn("/bin/true", ["true"], {}); print(os.waitpid(pid, 0)[1])
p = subprocess.Popen("echo a; kill -9 $$", shell=True, stdout=subprocess.PIPE); print(p.communicate(), p.returncode)
'
python "multiprocessing" '
import multiprocessing as mp
def sq(x): return x * x
def put(q, n): q.put(n)
def inc(v, l):
    for _ in range(100):
        with l: v.value += 1
def child(c): c.send([c.recv(), "reply"])
if __name__ == "__main__":
    mp.set_start_method("fork")
    with mp.Pool(3) as p: print(p.map(sq, range(10)))
    q = mp.Queue(); ps = [mp.Process(target=put, args=(q, i)) for i in range(4)]; [p.start() for p in ps]; print(sorted(q.get() for _ in ps)); [p.join() for p in ps]
    v = mp.Value("i", 0); l = mp.Lock(); ps = [mp.Process(target=inc, args=(v, l)) for _ in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value, [p.exitcode for p in ps])
    a, b = mp.Pipe(); p = mp.Process(target=child, args=(b,)); p.start(); a.send("hello"); print(a.recv()); p.join()
    e = mp.Event(); p = mp.Process(target=e.set); p.start(); print(e.wait(5)); p.join()
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=100); s.buf[0] = 7; t = shared_memory.SharedMemory(s.name); print(t.buf[0]); t.close(); s.close(); s.unlink()
'
python "asyncio" '
import asyncio, sys
async def main():
    print(await asyncio.gather(*(asyncio.sleep(0.01 * i, i) for i in range(5))))
    p = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE); print(await p.communicate(b"through cat"))
    p = await asyncio.create_subprocess_shell("exit 4"); print(await p.wait())
    try: await asyncio.wait_for(asyncio.sleep(9), 0.05)
    except asyncio.TimeoutError: print("timeout")
    print(await asyncio.to_thread(sum, range(100))); q = asyncio.Queue(); asyncio.create_task(q.put(1)); print(await q.get())
asyncio.run(main())
'
python "signals" '
import signal, os, time, threading
got = []
signal.signal(signal.SIGUSR1, lambda s, f: got.append(s)); os.kill(os.getpid(), signal.SIGUSR1); print(got)
signal.signal(signal.SIGALRM, lambda s, f: got.append(s)); signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause(); print(got)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); os.kill(os.getpid(), signal.SIGUSR2); print(signal.sigpending(), signal.sigtimedwait([signal.SIGUSR2], 1).si_signo)
r, w = os.pipe(); os.set_blocking(w, False); signal.set_wakeup_fd(w); os.kill(os.getpid(), signal.SIGUSR1); print(os.read(r, 9))
pid = os.fork()
if pid == 0: time.sleep(30); os._exit(0)
os.kill(pid, signal.SIGKILL); print(os.waitpid(pid, 0)[1])
threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGUSR1)).start(); time.sleep(0.3); print(len(got))
try:
    signal.signal(signal.SIGALRM, signal.default_int_handler); signal.alarm(1); time.sleep(5)
except KeyboardInterrupt: print("interrupted")
'
python "mmap, select, fcntl, resource" '
import mmap, select, os, fcntl, resource, socket, array
with open("m", "wb+") as f: f.write(bytes(8192)); f.flush(); m = mmap.mmap(f.fileno(), 8192); m[0:3] = b"abc"; m.flush(); print(open("m", "rb").read(3)); m.close()
m = mmap.mmap(-1, 4096)
pid = os.fork()
if pid == 0: m[0] = 9; os._exit(0)
os.waitpid(pid, 0); print(m[0])
r, w = os.pipe(); p = select.poll(); p.register(r, select.POLLIN); print(p.poll(10)); os.write(w, b"x"); print([e for _, e in p.poll(10)], select.select([r], [w], [], 0)[0] == [r])
e = select.epoll(); e.register(r, select.EPOLLIN | select.EPOLLET); print([x for _, x in e.poll(0)], e.poll(0)); os.write(w, b"y"); print(len(e.poll(0)))
f = open("l", "w"); fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB); pid = os.fork()
if pid == 0:
    try: fcntl.lockf(open("l", "w"), fcntl.LOCK_EX | fcntl.LOCK_NB); os._exit(1)
    except OSError as e: os._exit(e.errno)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])); fcntl.flock(f, fcntl.LOCK_EX); print(resource.getrlimit(resource.RLIMIT_STACK)[0] > 0, fcntl.fcntl(f, fcntl.F_GETFD))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0, os.sched_getaffinity(0) != set(), os.cpu_count() > 0)
'
python "sockets" '
import socket, threading, os, array
a, b = socket.socketpair(); a.send(b"pair"); print(b.recv(9)); a.shutdown(socket.SHUT_WR); print(b.recv(9))
s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen(); c = socket.socket(socket.AF_UNIX)
t = threading.Thread(target=lambda: c.connect("sock")); t.start(); d, _ = s.accept(); t.join(); c.sendall(b"unix"); print(d.recv(9), d.getsockname()); os.unlink("sock")
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.send(b"one"); a.send(b"two"); print(b.recv(99), b.recv(99))
a, b = socket.socketpair(); r, w = os.pipe(); socket.send_fds(a, [b"fd"], [w]); m, f, _, _ = socket.recv_fds(b, 9, 1); os.write(f[0], b"passed"); print(m, os.read(r, 9))
a.settimeout(0.05)
try: a.recv(1)
except TimeoutError: print("timeout")
a.setblocking(False)
try: a.recv(1)
except BlockingIOError as e: print(e)
'
python "sqlite3" '
import sqlite3, os
c = sqlite3.connect("x.db"); print(c.execute("pragma journal_mode=wal").fetchone()); c.execute("create table t(a integer primary key, b text)")
with c: c.executemany("insert into t(b) values(?)", [(str(i),) for i in range(1000)])
print(c.execute("select count(*), sum(a) from t").fetchone()); pid = os.fork()
if pid == 0:
    d = sqlite3.connect("x.db", timeout=20)
    with d: d.execute("insert into t(b) values(?)", ("child",))
    d.close(); os._exit(0)
print(os.waitpid(pid, 0)[1]); print(sqlite3.connect("x.db").execute("select b from t order by a desc limit 1").fetchone(), c.execute("pragma integrity_check").fetchone())
'
python "ssl and ctypes" '
import ssl, ctypes, ctypes.util
c = ssl.create_default_context(); i, o = ssl.MemoryBIO(), ssl.MemoryBIO(); b = c.wrap_bio(i, o, server_hostname="x")
try: b.do_handshake()
except ssl.SSLWantReadError: print("wants to read", o.pending > 100)
l = ctypes.CDLL("libc.so.6"); print(l.abs(-5), l.strlen(b"four"), ctypes.sizeof(ctypes.c_long)); m = ctypes.CDLL("libm.so.6"); m.sqrt.restype = ctypes.c_double; m.sqrt.argtypes = [ctypes.c_double]; print(m.sqrt(2.0))
cb = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)); a = (ctypes.c_int * 5)(3, 1, 2, 5, 4); l.qsort(a, 5, 4, cb(lambda x, y: x[0] - y[0])); print(list(a))
'
python "an exception and exit codes" 'import sys, atexit; atexit.register(print, "bye"); 1 / 0'
python "sys.exit" 'import sys; print("err", file=sys.stderr); sys.exit(7)'
script "python3: a module and its cache" 'import os, sys, subprocess
open("mod.py", "w").write("x = 5\n"); import mod; sys.path.insert(0, "."); print(mod.x, os.path.exists("__pycache__"))
print(subprocess.run([sys.executable, "-m", "json.tool"], input="{\"a\":1}", text=True, capture_output=True).stdout, subprocess.run([sys.executable, "-m", "nosuch"], capture_output=True).returncode)'

nothing_left "nothing is left"
finish
