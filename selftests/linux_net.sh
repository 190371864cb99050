#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The network of Linux programs: the same output, messages and exit codes in a
# picoprocess as natively. Only the loopback interface is used.
#
# linux_net.sh [PART...]: of tcp, refused, names, and localhost, python, ssl, curl, which
# linux_web.sh runs

# Scripts for the programs inside stand in single quotes.
# shellcheck disable=SC2016
# shellcheck source=lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=lib/compare.sh
. "$(dirname "$0")/lib/compare.sh"

compare_limit=$((60 * ${PICO_SLOWER:-1}))
allow=(--allow 'tcp.server:127.0.0.1:*=r' --allow 'tcp.server:[::1]:*=r'
	--allow 'tcp.client:127.0.0.1:*=rw' --allow 'tcp.client:[::1]:*=rw')

# same DESCRIPTION COMMAND...
same()
{
	local what=$1 native_code pico_code

	shift
	timeout -k 5 "$compare_limit" "$@" >"$work/n.out" 2>"$work/n.err" \
		<"$input"
	native_code=$?
	timeout -k 5 "$compare_limit" "$picoexec" "${allow[@]}" "$@" \
		>"$work/p.out" 2>"$work/p.err" <"$input"
	pico_code=$?
	compare_outputs "$what" "$native_code" "$pico_code" "$@"
}

# ---- TCP, call by call ----

part_tcp()
{
	local part

	for part in simple ready sixes flags options woken forked many edges refused; do
		same "tcp: $part" "$here/linux/tcp" "$part"
	done
	for part in rights peeks accepts; do
		same "tcp: $part" "$here/linux/streams" "$part"
	done
	same "epoll" "$here/linux/polling"
	same "what an accepted socket has of its listener" \
		"$here/linux/corners" inherited
}

# ---- without a rule ----

part_refused()
{
	local allow=(--allow 'tcp.client:127.0.0.1:9=rw')
	local text='
import socket
def t(f, *a):
    try: print(f(*a))
    except OSError as e: print(e)
s = socket.socket(); t(s.connect, ("127.0.0.1", 7)); t(s.connect, ("127.0.0.1", 9)); s.bind(("127.0.0.1", 0))
t(s.listen)
'

	"$picoexec" "${allow[@]}" /usr/bin/python3 -c "$text" >"$work/out" 2>&1
	printf '[Errno 13] Permission denied\n[Errno 111] Connection refused\n[Errno 13] Permission denied\n' |
		cmp -s - "$work/out"
	result $? "what no rule allows is refused" || note "$work/out"
	both_families
}

# A server of [::] has IPv4 only by a rule for that.
both_families()
{
	local allow=(--allow 'tcp.server:[::]:*=r' --allow 'tcp.client:*:*=rw')
	local text='
import socket
s = socket.socket(socket.AF_INET6); s.bind(("::", 0)); s.listen()
for host in "::1", "127.0.0.1":
    try:
        with socket.create_connection((host, s.getsockname()[1])): print("connected")
    except OSError as e: print(e)
'

	"$picoexec" "${allow[@]}" /usr/bin/python3 -c "$text" >"$work/out" 2>&1
	"$picoexec" "${allow[@]}" --allow 'tcp.server:0.0.0.0:*=r' \
		/usr/bin/python3 -c "$text" >>"$work/out" 2>&1
	printf '%s\n' connected '[Errno 111] Connection refused' connected \
		connected | cmp -s - "$work/out"
	result $? "[::] has IPv4 only where that is allowed" || note "$work/out"
}

# ---- names ----

# The sandbox hides /etc/hosts, so that the program asks by DNS; the monitor, who
# answers, reads it.
part_names()
{
	local allow=("${allow[@]}" --allow file:/etc/hosts=none
		--allow 'dns:*=r')

	cp /etc/hosts "$work/hosts"
	printf '%s\n' '192.0.2.7 pico-four.example' \
		'2001:db8::9 pico-six.example' \
		'192.0.2.9 pico-refused.example' >>/etc/hosts
	same "names: interfaces and datagrams" "$here/linux/names"
	"$picoexec" "${allow[@]}" --allow dns:pico-refused.example=none \
		"$here/linux/names" pico-four.example pico-six.example \
		pico-refused.example >"$work/out" 2>&1
	cat >"$work/wanted" <<-'end'
		pico-four.example, family 0, flags 0: 192.0.2.7
		pico-four.example, family 2, flags 32: 192.0.2.7
		pico-four.example, family 10, flags 0: No address associated with hostname
		pico-four.example, family 0, flags 4: Name or service not known
		pico-six.example, family 0, flags 0: 2001:db8::9
		pico-six.example, family 2, flags 32: No address associated with hostname
		pico-six.example, family 10, flags 0: 2001:db8::9
		pico-six.example, family 0, flags 4: Name or service not known
		pico-refused.example, family 0, flags 0: Temporary failure in name resolution
		pico-refused.example, family 2, flags 32: Temporary failure in name resolution
		pico-refused.example, family 10, flags 0: Temporary failure in name resolution
		pico-refused.example, family 0, flags 4: Name or service not known
	end
	cmp -s "$work/wanted" "$work/out"
	result $? "names: by DNS, what the rules allow" || note "$work/out"
	cp "$work/hosts" /etc/hosts
}

# Natively AI_ADDRCONFIG finds nothing where no interface has an address but those
# of the loopback network: here one has.
part_localhost()
{
	busybox ip address add 192.0.2.1/32 dev lo
	same "names: addresses, localhost" "$here/linux/names" \
		localhost 127.0.0.9 ::1
	busybox ip address del 192.0.2.1/32 dev lo
}

# ---- python3 ----

python()
{
	# shellcheck disable=SC2034
	local shell=(/usr/bin/python3)

	script "python3: $1" "$2"
}

part_python()
{
	python "socket" '
import socket, threading, select, os
s = socket.create_server(("127.0.0.1", 0)); port = s.getsockname()[1]
def serve():
    while True:
        c, _ = s.accept()
        with c, c.makefile("rwb") as f:
            line = f.readline()
            if line == b"end\n": return
            f.write(line.upper()); f.flush(); f.write(f.read()[::-1])
t = threading.Thread(target=serve); t.start()
for i in range(5):
    with socket.create_connection(("127.0.0.1", port), timeout=10) as c:
        c.sendall(b"line %d\n" % i + b"x" * 100000 + b"y"); c.shutdown(socket.SHUT_WR)
        d = b""
        while b := c.recv(65536): d += b
        print(d[:8], len(d))
c = socket.create_connection(("localhost", port)); c.sendall(b"end\n"); t.join(); c.close(); s.close()
try: socket.create_connection(("127.0.0.1", port))
except OSError as e: print(e)
print(socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)[0][4], socket.gethostbyname("localhost"), socket.if_nametoindex("lo"))
a = socket.create_server(("::1", 0), family=socket.AF_INET6); b = socket.create_connection(a.getsockname()[:2]); d, p = a.accept(); print(p == b.getsockname()); b.send(b"six"); print(d.recv(9))
'
	python "asyncio" '
import asyncio
async def handle(r, w):
    while line := await r.readline():
        w.write(line[::-1]); await w.drain()
    w.close()
async def client(port, n):
    r, w = await asyncio.open_connection("127.0.0.1", port)
    for i in range(10):
        w.write(b"%d-%d\n" % (n, i)); assert await r.readexactly(len(b"%d-%d\n" % (n, i)))
    w.write_eof(); rest = await r.read(); w.close(); await w.wait_closed(); return len(rest)
async def main():
    s = await asyncio.start_server(handle, "127.0.0.1", 0); port = s.sockets[0].getsockname()[1]
    async with s: print(await asyncio.gather(*(client(port, n) for n in range(40))))
    p = await asyncio.create_subprocess_exec("/bin/cat", stdin=-1, stdout=-1); print(await p.communicate(b"through cat"))
    try: await asyncio.open_connection("127.0.0.1", port)
    except OSError as e: print(type(e).__name__)
    try: await asyncio.wait_for(asyncio.sleep(9), 0.05)
    except asyncio.TimeoutError: print("timeout")
asyncio.run(main())
'
	python "http.server and urllib" '
import http.server, threading, urllib.request, urllib.error, socketserver, xmlrpc.server, xmlrpc.client
open("file", "wb").write(b"content\n" * 20000)
class H(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self): n = int(self.headers["Content-Length"]); d = self.rfile.read(n); self.send_response(200); self.end_headers(); self.wfile.write(d[::-1])
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H); u = "http://127.0.0.1:%d/" % s.server_port
threading.Thread(target=s.serve_forever, daemon=True).start()
print(len(urllib.request.urlopen(u + "file").read()), urllib.request.urlopen(u, data=b"abc").read(), urllib.request.urlopen(u).status)
try: urllib.request.urlopen(u + "none")
except urllib.error.HTTPError as e: print(e)
s.shutdown()
x = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False); x.register_function(pow); threading.Thread(target=x.serve_forever, daemon=True).start()
print(xmlrpc.client.ServerProxy("http://127.0.0.1:%d" % x.server_address[1]).pow(2, 10))
'
}

# A key and a certificate that signs itself, for localhost.
certificate()
{
	[ -e "$work/given/key" ] && return
	mkdir -p "$work/given"
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -sha256 \
		-subj /CN=localhost \
		-addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
		-keyout "$work/given/key" -out "$work/given/cert" 2>"$work/err"
}

part_ssl()
{
	# shellcheck disable=SC2034
	local given=$work/given

	certificate
	python "ssl" '
import ssl, socket, threading, http.server, urllib.request, asyncio
sc = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); sc.load_cert_chain("cert", "key"); cc = ssl.create_default_context(cafile="cert")
class H(http.server.BaseHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b"secret " * 5000)
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H); s.handle_error = lambda *a: None; s.socket = sc.wrap_socket(s.socket, server_side=True); threading.Thread(target=s.serve_forever, daemon=True).start()
print(len(urllib.request.urlopen("https://localhost:%d/" % s.server_port, context=cc).read()))
with socket.create_connection(("127.0.0.1", s.server_port)) as c:
    try: ssl.create_default_context().wrap_socket(c, server_hostname="localhost")
    except ssl.SSLError as e: print(e.reason)
with socket.create_connection(("127.0.0.1", s.server_port)) as c, cc.wrap_socket(c, server_hostname="localhost") as t: print(t.version(), t.cipher()[0]); t.sendall(b"GET / HTTP/1.0\r\n\r\n"); print(t.recv(15))
async def main():
    async def echo(r, w): w.write(await r.readline()); await w.drain(); w.close()
    s = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=sc); r, w = await asyncio.open_connection("localhost", s.sockets[0].getsockname()[1], ssl=cc); w.write(b"tls line\n"); print(await r.read()); w.close(); s.close()
asyncio.run(main())
'
}

# ---- curl and wget ----

# A server for shell scripts: it writes down its port, and SIGTERM ends it.
server='
import http.server, os, signal
class H(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a): pass
    def do_POST(self): d = self.rfile.read(int(self.headers["Content-Length"])); self.send_response(201); self.end_headers(); self.wfile.write(b"%d bytes" % len(d))
signal.signal(signal.SIGTERM, lambda *a: os._exit(0))
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H); open("port.new", "w").write(str(s.server_port)); os.rename("port.new", "port")
s.serve_forever()
'

fetch='
read -r port <port; u=http://127.0.0.1:$port
curl -sS $u/small | md5sum; curl -sS -o copy $u/big; md5sum copy; curl -sS -d @copy $u/post; curl -sSf $u/none; echo $?
curl -sS -r 10-20 $u/small | wc -c; curl -sSI $u/small | head -n 1; curl -sS $u/sub/file $u/small $u/sub/file | tail -n 1
curl -sS http://localhost:$port/sub/file; curl -sS http://127.0.0.1:9/ 2>&1 | sed "s/after [0-9]* ms/after N ms/"; curl -sS -Z $u/small $u/small -o a -o b 2>/dev/null; cmp a b
wget -q -O - $u/small | md5sum; wget -q -O copy $u/big; md5sum copy; wget -q $u/none; echo $?; wget -q -r -np -nH $u/sub/ -P down; ls down/sub
rm -f port copy a b; rm -r down
'

part_curl()
{
	# shellcheck disable=SC2034
	local shell=(/bin/bash) given=$work/served pid

	mkdir -p "$given/sub"
	seq 20000 >"$given/big"
	seq 100 >"$given/small"
	echo "in sub" >"$given/sub/file"
	unset http_proxy https_proxy no_proxy
	script "curl and wget, server inside" "
/usr/bin/python3 -c '$server' & pid=\$!
until [ -s port ]; do sleep 0.05; done
$fetch
kill \$pid; wait \$pid; echo \$?"
	(cd "$given" && exec /usr/bin/python3 -c "$server") &
	pid=$!
	until [ -s "$given/port" ]; do sleep 0.05; done
	script "curl and wget, server outside" "$fetch"
	kill "$pid"
	wait "$pid"
}

parts=("$@")
[ $# -gt 0 ] || parts=(tcp refused names)
for part in "${parts[@]}"; do
	case $part in
	tcp) part_tcp ;;
	refused) part_refused ;;
	names) part_names ;;
	localhost) part_localhost ;;
	python) part_python ;;
	ssl) part_ssl ;;
	curl) part_curl ;;
	*) result 1 "$part: no such part" ;;
	esac
done
nothing_left "nothing is left"
finish
