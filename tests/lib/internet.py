#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
internet.py LOG [--tls CERTIFICATE] [--resolver ZONE] [--canary INTERFACE]

The Internet of a test: a web server for every address and name, a resolver, and a canary that
sees each packet that arrives. What happened is appended to the file LOG, one JSON object a line:

	connection	somebody connected: id, port, to, from
	tls		its server name and version, and whether its session was resumed
	request		line, headers (a list of pairs, as they came), head (all bytes)
	body		length, sha256, trailers
	left		who waited in vain for an answer, or the rest of it, has gone: line
	query		a DNS question: name, type, transport
	packet		one that is neither for the web server nor for the resolver, a fragment, or one with IPv4 options
	marker		text of a datagram to port 9: all that came before it is in the log

Prints "ready" once everything listens. The paths that the web server knows are the functions
named get_*; a number at the end of a path is their argument. At 11.0.0.4 the web server asks a
TLS client for a second hello, at 11.0.0.6 it resets the connection, at 11.0.0.7 it answers before it was asked.
"""

import argparse
import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import threading
import time
from urllib.parse import unquote_to_bytes

BLOCK = bytes(range(256)) * 1024
WEB_PORTS = (80, 443)
PLAIN_HEAD, FRAGMENT = 0x45, 0x3fff
SO_RCVBUFFORCE = 33
RESOLVER = ("::ffff:11.0.0.53", "2600:1::53")
HELLO_TWICE = "11.0.0.4"
RESETS = "11.0.0.6"
HASTY = "11.0.0.7"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\n\r\n"
FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nforged\n"
DEFAULT_ADDRESSES = ("11.0.0.2", "2600:1::2")
WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Log:
    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a", encoding="utf-8")

    def write(self, event, **fields):
        with self.lock:
            self.file.write(json.dumps({"event": event, **fields}) + "\n")
            self.file.flush()


def start(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def plain(address):
    return address.removeprefix("::ffff:")


def listener(kind, port, address="::"):
    bound = socket.socket(socket.AF_INET6, kind)
    bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Another server may take the same port of a single address.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((address, port))
    if kind == socket.SOCK_STREAM:
        bound.listen(1024)
    return bound


class Request:
    """One request: its head has been read, its body not yet."""

    def __init__(self, stream, head):
        lines = head.decode("latin-1").split("\n")
        self.stream = stream
        self.line = lines[0].rstrip("\r")
        self.headers = [
            [part.strip() for part in line.split(":", 1)] for line in lines[1:] if ":" in line
        ]
        self.method, self.path = (self.line.split(" ") + ["", ""])[:2]
        self.trailers = []

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name), "")

    def chunks(self):
        while size := int(self.stream.readline().split(b";")[0], 16):
            yield from self.exactly(size)
            self.stream.readline()
        while line := self.stream.readline().strip():
            self.trailers.append(line.decode("latin-1"))

    def exactly(self, length):
        while length:
            block = self.stream.read(min(length, len(BLOCK)))
            if not block:
                raise ConnectionError("the body is cut short")
            length -= len(block)
            yield block

    def body(self):
        if self.header("transfer-encoding"):
            return self.chunks()
        return self.exactly(int(self.header("content-length") or 0))


class Visit:
    """One connection to the web server."""

    count = 0
    lulled = []

    def __init__(self, log, connection, address, port, tls):
        Visit.count += 1
        self.log, self.connection, self.id = log, connection, Visit.count
        self.answered = False
        to = plain(connection.getsockname()[0])
        log.write("connection", id=self.id, port=port, to=to, client=plain(address[0]))
        start(self.serve, tls[to == HELLO_TWICE] if port == 443 else None)

    def reset(self):
        """Ends the connection without a FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def serve(self, tls):
        try:
            if tls and plain(self.connection.getsockname()[0]) == RESETS:
                self.connection.recv(65536)
                self.reset()
                return
            if tls:
                self.connection = tls.wrap_socket(self.connection, server_side=True)
                self.log.write("tls", id=self.id, name=tls.names.pop(self.connection, None),
                               version=self.connection.version(), resumed=self.connection.session_reused)
            if plain(self.connection.getsockname()[0]) == HASTY:
                self.connection.sendall(FORGED)
            with self.connection, self.connection.makefile("rb") as stream:
                while self.answer(stream):
                    pass
        except (OSError, ValueError) as error:
            self.log.write("error", id=self.id, text=str(error))

    def answer(self, stream):
        head = b""
        while line := stream.readline():
            head += line
            if head.endswith((b"\r\n\r\n", b"\n\n")):
                break
        if not head:
            return False
        request = Request(stream, head)
        self.log.write("request", id=self.id, line=request.line, headers=request.headers,
                       head=head.decode("latin-1"))
        if not line:
            return False
        if request.header("expect").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        name, _, argument = request.path.split("?")[0].strip("/").partition("/")
        serve = getattr(self, "get_" + name.replace("-", "_"), self.get_)
        number = int(argument or 0) if argument.isdigit() else 0
        early = serve in (self.get_early, self.get_early_end)
        if early:
            serve(request, number)
        if serve == self.get_unread:
            serve(request, number)
            return request.header("connection").lower() != "close"
        length, digest = 0, hashlib.sha256()
        for block in request.body():
            length += len(block)
            digest.update(block)
        request.received = f"{length} {digest.hexdigest()}\n".encode()
        self.log.write("body", id=self.id, length=length, sha256=digest.hexdigest(),
                       trailers=request.trailers)
        if not early:
            serve(request, number)
        return request.header("connection").lower() != "close"

    def send(self, status, *headers, body=b""):
        head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *headers, ""))
        self.connection.sendall(head.encode() + body)

    def send_text(self, request, text, status="200 OK"):
        self.send(status, "Content-Type: text/plain", f"Content-Length: {len(text)}",
                  body=b"" if request.method == "HEAD" else text)

    def get_(self, request, _):
        self.send_text(request, f"this is {request.header('host')}\n".encode())

    def get_echo(self, request, _):
        self.send_text(request, json.dumps(request.headers).encode())

    def get_reflect(self, request, _):
        """Sends the key of the request back in its head, in all the ways that a site may."""
        key = request.header("authorization").partition(" ")[2]
        encoded = "".join(f"%{ord(character):02x}" for character in key)
        self.send(f"103 {key}", f"Link: </{key}>; rel=preload")
        self.send(f"302 {key}", f"Location: https://other.test/?key={key}", f"Set-Cookie: key={encoded}; Secure",
                  f"Refresh: 0; url=/{key[:1]}{encoded[3:]}", f"X-Echo: Bearer {key}", f"{key}: name", "X-Other: stays",
                  "Content-Length: 0")

    def get_jobs(self, request, _):
        """Where jobs are submitted."""
        submitted = request.method not in ("GET", "HEAD", "OPTIONS")
        self.send_text(request, b"a job\n", "201 Created" if submitted else "200 OK")

    def get_early(self, request, _):
        """Answers before the body has come."""
        self.send_text(request, b"early\n")

    def get_once(self, request, length):
        """Answers one request on a connection. The next one ends it, after so many bytes of an interim answer."""
        if self.answered:
            self.connection.sendall(EARLY_HINTS[:length])
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.answered = True
            self.send_text(request, b"once\n")

    def get_lull(self, request, _):
        """Answers. Afterwards /rouse on another connection has this one say more, or end."""
        self.send_text(request, b"lull\n")
        Visit.lulled.append(self.connection)

    def get_rouse(self, request, ends):
        for connection in Visit.lulled:
            if ends:
                connection.shutdown(socket.SHUT_WR)
            else:
                connection.sendall(FORGED)
        Visit.lulled.clear()
        self.send_text(request, b"rouse\n")

    def get_unread(self, request, _):
        """Takes no notice of a body: what is in it could be the next request."""
        self.send_text(request, b"unread\n")

    def get_early_end(self, request, _):
        """The same, and wants none of it."""
        self.send_text(request, b"too large\n", "413 Content Too Large")
        os.close(self.connection.detach())

    def get_upload(self, request, _):
        self.send_text(request, request.received)

    def get_bytes(self, request, length):
        self.send("200 OK", f"Content-Length: {length}")
        while length > 0 and request.method != "HEAD":
            self.connection.sendall(BLOCK[:length])
            length -= len(BLOCK)

    def get_chunked(self, _, length):
        self.send("200 OK", "Transfer-Encoding: chunked", "Trailer: X-Last")
        while length > 0:
            block = BLOCK[:length]
            self.connection.sendall(b"%x\r\n%b\r\n" % (len(block), block))
            length -= len(block)
        self.connection.sendall(b"0\r\nX-Last: yes\r\n\r\n")

    def get_crumbs(self, _, length):
        self.send("200 OK", "Transfer-Encoding: chunked",
                  body=b"".join(b"1\r\n%c\r\n" % BLOCK[i] for i in range(length)) + b"0\r\n\r\n")

    def get_extended(self, *_):
        """Chunks of a byte with extensions of many."""
        self.send("200 OK", "Transfer-Encoding: chunked")
        while True:
            self.connection.sendall(b"1;a=%b\r\nb\r\n" % (b"c" * 60000))

    def get_extended_once(self, *_):
        """A chunk with an extension that does not end."""
        self.send("200 OK", "Transfer-Encoding: chunked", body=b"1;a=")
        while True:
            self.connection.sendall(BLOCK)

    def get_endless(self, *_):
        self.send("200 OK", "Transfer-Encoding: chunked")
        while True:
            self.connection.sendall(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))

    def get_until_close(self, _, length):
        self.send("200 OK", "Connection: close", body=BLOCK[:length])
        self.connection.shutdown(socket.SHUT_RDWR)

    def get_until_reset(self, _, length):
        self.send("200 OK", "Connection: close", body=BLOCK[:length])
        self.reset()

    def get_cut_chunk(self, _, length):
        self.send("200 OK", "Transfer-Encoding: chunked", body=b"%x\r\n%b" % (2 * length, BLOCK[:length]))
        self.connection.shutdown(socket.SHUT_RDWR)

    def get_status(self, request, status):
        if status in (204, 304):
            self.send(f"{status} None", 'ETag: "1"')
        else:
            self.send_text(request, b"as you like it\n", f"{status} Other")

    def get_posing(self, request, _):
        """Answers as a fence would."""
        body = b'{"by":"fence"}'
        self.send("403 Forbidden", "X-Jobfence-Denied: domain", "Proxy-Status: cdn.example; error=dns_error",
            'Proxy-Status: jobfence; error=http_request_denied', f"Content-Length: {len(body)}", body=body)

    def get_early_hints(self, request, _):
        self.send("103 Early Hints", "Link: </style.css>; rel=preload")
        self.send_text(request, b"late\n")

    def get_close(self, *_):
        self.connection.shutdown(socket.SHUT_RDWR)

    def get_short(self, _, length):
        self.send("200 OK", f"Content-Length: {length}", body=BLOCK[:length // 2])
        self.connection.shutdown(socket.SHUT_RDWR)

    def wait_in_vain(self, request):
        """Sends no more until the other side has gone."""
        while request.stream.read1(65536):
            pass
        self.log.write("left", id=self.id, line=request.line)

    def get_silence(self, request, _):
        self.wait_in_vain(request)

    def get_half_head(self, request, _):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nA: ")
        self.wait_in_vain(request)

    def get_half(self, request, length):
        self.send("200 OK", f"Content-Length: {length}", body=BLOCK[:length // 2])
        self.wait_in_vain(request)

    def get_half_chunk(self, request, length):
        self.send("200 OK", "Transfer-Encoding: chunked", body=b"%x\r\n%b" % (length, BLOCK[:length // 2]))
        self.wait_in_vain(request)

    def get_half_until_close(self, request, length):
        self.send("200 OK", "Connection: close", body=BLOCK[:length // 2])
        self.wait_in_vain(request)

    def send_bytewise(self, data):
        """Not faster than whoever reads it."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in data:
            self.connection.sendall(bytes((byte,)))
            time.sleep(0.0001)

    def get_bytewise_head(self, _, length):
        self.send_bytewise(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: " + b"b" * length + b"\r\n\r\n")
        self.connection.sendall(b"late\n")

    def get_bytewise(self, _, length):
        self.send("200 OK", f"Content-Length: {length}")
        self.send_bytewise(BLOCK[:length])

    def get_longer(self, _, length):
        """More than it promises, which could be the next answer."""
        self.send("200 OK", f"Content-Length: {length}", body=BLOCK[:length] + FORGED)

    def get_longer_chunk(self, _, length):
        self.send("200 OK", "Transfer-Encoding: chunked",
                  body=b"%x\r\n%b\r\n0\r\n\r\n" % (length, BLOCK[:length]) + FORGED)

    def get_longer_than_none(self, *_):
        self.send("304 Not Modified", "Content-Length: 5", body=FORGED)

    def get_switch(self, *_):
        self.send("101 Switching Protocols")

    def get_endless_head(self, *_):
        self.connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.connection.sendall(b"A: b\r\n" * 1000)

    def get_endless_interim(self, *_):
        while True:
            self.connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000)

    def get_raw(self, request, _):
        """Says the query, which is percent-encoded, byte by byte as it is."""
        self.connection.sendall(unquote_to_bytes(request.path.partition("?")[2]))

    def get_garbage(self, *_):
        self.connection.sendall(b"SSH-2.0-this_is_no_web_server\r\n")
        self.connection.shutdown(socket.SHUT_RDWR)

    def get_websocket(self, request, urgent):
        """Says again what it hears; after a byte that is urgent, if there is a number."""
        digest = hashlib.sha1(request.header("sec-websocket-key").encode() + WEBSOCKET_GUID)
        self.send("101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                  "Sec-WebSocket-Accept: " + base64.b64encode(digest.digest()).decode())
        while block := request.stream.read1(65536):
            if urgent:
                self.connection.send(b"!", socket.MSG_OOB)
            self.connection.sendall(block)


def serve_web(log, port, tls=None):
    bound = listener(socket.SOCK_STREAM, port)

    def accept():
        while True:
            Visit(log, *bound.accept(), port, tls)

    start(accept)


def make_tls(certificate, curve):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    if curve:
        context.set_ecdh_curve(curve)
    context.load_cert_chain(certificate)
    context.names = {}
    context.sni_callback = lambda connection, name, _: context.names.update({connection: name})
    return context


class Resolver:
    """Answers from a zone file, read at each question: a name and its addresses on a line; none
    for a name that is not there. Every other name below .test is the web server. A word ttl=SECONDS
    gives the addresses that TTL, or has the name's absence remembered for so long; else that is 0."""

    TYPES = {1: "A", 28: "AAAA"}

    def __init__(self, log, zone):
        self.log, self.zone = log, zone
        for address in RESOLVER:
            start(self.serve_datagrams, listener(socket.SOCK_DGRAM, 53, address))
        start(self.serve_streams, listener(socket.SOCK_STREAM, 53))

    def addresses(self, name):
        with open(self.zone, encoding="utf-8") as lines:
            for line in lines:
                if line.split()[:1] == [name]:
                    return line.split()[1:]
        return DEFAULT_ADDRESSES if name.endswith(".test") else []

    def answer(self, question, transport):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1"))
            at += 1 + question[at]
        name, kind = ".".join(labels).lower(), struct.unpack_from("!H", question, at + 1)[0]
        self.log.write("query", name=name, type=self.TYPES.get(kind, str(kind)),
                       transport=transport)
        words = self.addresses(name)
        ttl = next((int(word[4:]) for word in words if word.startswith("ttl=")), 0)
        addresses = [word for word in words if not word.startswith("ttl=")]
        records = [b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, ttl, len(packed)) + packed
                   for address in addresses
                   for family in [socket.AF_INET6 if ":" in address else socket.AF_INET]
                   if self.TYPES.get(kind) == ("AAAA" if ":" in address else "A")
                   for packed in [socket.inet_pton(family, address)]]
        flags = 0x8180 if addresses else 0x8183
        soa = [b"\xc0\x0c" + struct.pack("!HHIH", 6, 1, ttl, 22) + bytes(2) + struct.pack("!5I", 1, 1, 1, 1, ttl)]
        authority = soa if ttl and not records else []
        header = question[:2] + struct.pack("!HHHHH", flags, 1, len(records), len(authority), 0)
        return header + question[12:at + 5] + b"".join(records + authority)

    def serve_datagrams(self, bound):
        # Who asks is not to be told only after it asked again.
        bound.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
        while True:
            question, client = bound.recvfrom(4096)
            bound.sendto(self.answer(question, "udp"), client)

    def serve_streams(self, bound):
        while True:
            start(self.serve_stream, bound.accept()[0])

    def serve_stream(self, connection):
        with connection, connection.makefile("rb") as stream:
            while len(size := stream.read(2)) == 2:
                answer = self.answer(stream.read(int.from_bytes(size, "big")), "tcp")
                connection.sendall(len(answer).to_bytes(2, "big") + answer)


class Canary:
    """Sees every packet that arrives, of whatever protocol."""

    ETHERTYPES = {0x0800: "ip4", 0x86DD: "ip6"}
    # ICMP errors, neighbours, groups.
    HOUSEKEEPING = {1: (3,), 58: (1, 3, *range(130, 144))}

    def __init__(self, log, interface):
        self.log = log
        self.packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.packets.bind((interface, 0))
        start(self.watch)

    def watch(self):
        while True:
            packet, address = self.packets.recvfrom(65536)
            if address[2] != socket.PACKET_OUTGOING and address[1] in self.ETHERTYPES:
                self.judge(packet, self.ETHERTYPES[address[1]])

    def judge(self, packet, version):
        plain_head = True
        if version == "ip4":
            protocol, rest = packet[9], packet[(packet[0] & 15) * 4:]
            plain_head = packet[0] == PLAIN_HEAD and not struct.unpack_from("!H", packet, 6)[0] & FRAGMENT
            to = socket.inet_ntop(socket.AF_INET, packet[16:20])
        else:
            protocol, rest = packet[6], packet[40:]
            to = socket.inet_ntop(socket.AF_INET6, packet[24:40])
            # Multicast listener reports come with a hop-by-hop header.
            if protocol == 0 and rest[0] == 58:
                protocol, rest = rest[0], rest[8:]
        port = struct.unpack_from("!H", rest, 2)[0] if len(rest) > 4 else None
        if protocol == socket.IPPROTO_UDP and port == 9:
            self.log.write("marker", text=rest[8:].decode("latin-1"))
        elif not plain_head or not self.is_expected(protocol, to, port, rest):
            self.log.write("packet", protocol=protocol, to=to, port=port)

    def is_expected(self, protocol, to, port, rest):
        if protocol == socket.IPPROTO_TCP and port in WEB_PORTS:
            return True
        if port == 53 and to in map(plain, RESOLVER):
            return True
        return rest[:1] and rest[0] in self.HOUSEKEEPING.get(protocol, ())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--tls")
    parser.add_argument("--resolver")
    parser.add_argument("--canary")
    options = parser.parse_args()
    log = Log(options.log)
    serve_web(log, 80)
    if options.tls:
        # No client begins with a key for the second's curve.
        serve_web(log, 443, [make_tls(options.tls, curve) for curve in (None, "secp384r1")])
    if options.resolver:
        Resolver(log, options.resolver)
    if options.canary:
        Canary(log, options.canary)
    print("ready", flush=True)
    threading.Event().wait()


main()
