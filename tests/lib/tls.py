#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
tls.py [--name NAME] [--then NAME] [--connect HOST:PORT] [--records N] [--segments N] [--pad N]
       [--extension TYPE:HEX] [--then-extension TYPE:HEX] ADDRESS [PORT]

Fetches / over TLS with a ClientHello as nobody would send it: with any server name or none, with
another name in the second hello that a server may ask for, through a tunnel to another, cut into
records or segments of N bytes, or padded to N bytes at most by protocol names, or with one more extension in the first or the second, which no site will believe. Prints the answer's body, or how it ended: "alert NUMBER", "reset", "closed", "403", OpenSSL's error …
"""

import argparse
import ctypes
import socket
import ssl

RECORD_HANDSHAKE, RECORD_ALERT, RECORD_CHANGE_CIPHER_SPEC = 0x16, 0x15, 0x14
SSL_OF_OBJECT = 24  # where the object of Python's module _ssl has OpenSSL's
SSL_CTRL_SET_TLSEXT_HOSTNAME = 55
PATIENCE = 30  # seconds


def cut(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)] if size else [data]


def into_records(hello, size):
    """The handshake message of one record, again as records of `size` bytes each."""
    return b"".join(hello[:3] + len(part).to_bytes(2, "big") + part
                    for part in cut(hello[5:], size))


def extended(hello, text):
    """The ClientHello of one record with an extension more, which may be the first of its type. The second may come after another record."""
    if hello[0] == RECORD_CHANGE_CIPHER_SPEC:
        return hello[:6] + extended(hello[6:], text)
    kind, _, content = text.partition(":")
    content = bytes.fromhex(content)
    extension = int(kind).to_bytes(2, "big") + len(content).to_bytes(2, "big") + content
    at = 5 + 4 + 2 + 32  # record, handshake, version, random
    for size in (1, 2, 1):  # session, suites, compressions
        at += size + int.from_bytes(hello[at:at + size], "big")
    body = hello[9:at] + (len(hello) - at - 2 + len(extension)).to_bytes(2, "big") + hello[at + 2:] + extension
    return hello[:3] + (len(body) + 4).to_bytes(2, "big") + hello[5:6] + len(body).to_bytes(3, "big") + body


def hello_length(context, name):
    """How many bytes it has unpadded, which differs between versions of OpenSSL."""
    outgoing = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.pending


class Hello:
    def __init__(self, options):
        context = ssl.create_default_context()
        context.check_hostname = False
        if options.pad:
            context.set_alpn_protocols(["x" * 250] * ((options.pad - hello_length(context, options.name)) // 251))
        self.options, self.incoming, self.outgoing = options, ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=options.name)
        self.socket = socket.create_connection((options.address, options.port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def rename(self, name):
        """Gives the next hello another server name."""
        library = ctypes.CDLL("libssl.so.3")
        inner = ctypes.c_void_p.from_address(id(self.tls._sslobj) + SSL_OF_OBJECT)
        library.SSL_ctrl(inner, SSL_CTRL_SET_TLSEXT_HOSTNAME, 0, ctypes.c_char_p(name.encode()))

    def tunnel(self):
        to = self.options.connect
        self.socket.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.socket.recv(4096) or b"\r\n\r\n"
        status = answer.split(b" ")[1].decode()
        if status != "200":
            raise SystemExit(status)

    def send(self):
        data = self.outgoing.read()
        if self.options.extension is not None:
            data = extended(data, self.options.extension)
        self.options.extension, self.options.then_extension = self.options.then_extension, None
        if data[:1] == bytes([RECORD_HANDSHAKE]) and self.options.records:
            data = into_records(data, self.options.records)
            self.options.records = 0  # only the first message
        for segment in cut(data, self.options.segments):
            self.socket.sendall(segment)
        self.options.segments = 0
        if self.options.then:
            self.rename(self.options.then)

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise SystemExit("closed")
        if data[0] == RECORD_ALERT and len(data) == 7:
            raise SystemExit(f"alert {data[6]}")
        self.incoming.write(data)

    def until(self, step, *arguments):
        while True:
            try:
                result = step(*arguments)
                self.send()
                return result
            except ssl.SSLWantReadError:
                self.send()
                self.receive()

    def fetch(self):
        if self.options.connect:
            self.tunnel()
        self.until(self.tls.do_handshake)
        host = self.options.then or self.options.name or self.options.address
        self.until(self.tls.write, f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return self.until(self.tls.read, 65536).split(b"\r\n\r\n")[1].decode()


parser = argparse.ArgumentParser()
parser.add_argument("--name")
parser.add_argument("--then")
parser.add_argument("--connect")
parser.add_argument("--extension")
parser.add_argument("--then-extension")
for option in ("--records", "--segments", "--pad"):
    parser.add_argument(option, type=int, default=0)
parser.add_argument("address")
parser.add_argument("port", type=int, nargs="?", default=443)
try:
    print(Hello(parser.parse_args()).fetch(), end="")
except (ConnectionResetError, BrokenPipeError):
    print("reset")
except ssl.SSLError as error:
    print(error.reason)
except SystemExit as end:
    print(end)
