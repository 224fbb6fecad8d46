#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Sends queries and junk to the DNS stub, over UDP and TCP, and checks each answer. The stub
answers what can be answered, and lives on.
"""

import socket
import struct

STUB = ("192.0.0.8", 53)
NAME, A = b"\7allowed\4test\0", b"\0\1\0\1"
FORMAT_ERROR, NOT_IMPLEMENTED = 1, 4


def query(*parts, flags=0x0100, questions=1, answers=0):
    return struct.pack("!HHHHHH", 1, flags, questions, answers, 0, 0) + b"".join(parts)


def code(message):
    """The code of the answer to a datagram. None: only the good query after it was answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(STUB)
        client.settimeout(10)
        for part in message, query(NAME, A).replace(b"\0\1", b"\0\2", 1):
            client.send(part)
        answer = client.recv(4096)
        return answer[3] & 15 if answer[:2] == b"\0\1" else None


def stream(*parts):
    client = socket.create_connection(STUB, 20)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for part in parts:
        client.sendall(part)
    return client


def prefixed(message):
    return len(message).to_bytes(2, "big") + message


good = query(NAME, A)
assert code(good) == 0
for bad in (query(b"\xc0\x0c", A), query(b"\7allowed\xc0\x0c", A), query(b"\xff\xff", A), query(b"\77" * 300, A),
            query(NAME), query(), query(questions=0), query(NAME, A, questions=65535),
            query(NAME, A, NAME, A, questions=2), query(NAME, A, answers=1)):
    assert code(bad) == FORMAT_ERROR, bad
assert code(query(NAME, A, flags=0x2900)) == NOT_IMPLEMENTED
for none in (b"", b"\0\1", query(NAME, A, flags=0x8180)):
    assert code(none) is None, none
assert code(good + bytes(60000)) == 0

assert stream(*(bytes([byte]) for byte in prefixed(good))).recv(4096)[5] & 15 == 0
for lie in b"\xff\xff" + good, b"\0\0" + good, b"\0\5" + good:
    try:
        assert stream(lie).recv(4096)[4:6] in (b"", b"\x85\x81"), lie
    except ConnectionResetError:
        pass
idle = [stream(b"\4\0" + good) for _ in range(200)]
assert code(good) == 0
del idle
for _ in range(100):
    try:
        if stream(prefixed(good)).recv(4096):
            break
    except ConnectionResetError:
        pass
else:
    raise SystemExit("no stream is answered any more")
