#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
hostile_resolver.py ADDRESS [LABEL]

A resolver at ADDRESS that answers as no honest one would: how is said by the label before ".test", which is a function
named name_* here; or by LABEL for all names. Every other name has the address 11.0.0.2. Prints "ready" once it listens, and
"asked TYPE LABEL" for each query.
"""

import socket
import struct
import sys
import threading

A, CNAME, AAAA = 1, 5, 28
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
TRUNCATED = 0x0200
SO_RCVBUFFORCE = 33
ITSELF = b"\xc0\x0c"  # a pointer to the name in the question
GOOD, PRIVATE = "11.0.0.2", "10.1.2.3"
MANY = [f"11.1.{i >> 8}.{i & 255}" for i in range(4000)]
RECORD = 16  # bytes of an address with a pointer to its name
BURST = 100  # answers at once
asked = {}  # how often, by label and type
held = []
late = []
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Question:
    def __init__(self, message, client):
        self.client = client
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1").lower())
            at += 1 + message[at]
        self.id, self.bytes, self.label = message[:2], message[12:at + 5], labels[-2]
        self.kind = struct.unpack_from("!H", message, at + 1)[0]

    def answer(self, *records, code=NOERROR, flags=0, **changed):
        head = struct.pack("!HHHHH", 0x8180 | flags | code, changed.get("questions", 1),
                           changed.get("count", len(records)), 0, 0)
        return changed.get("id", self.id) + head + changed.get("question", self.bytes) + b"".join(records)

    def record(self, kind, data, owner=ITSELF, length=None, ttl=60):
        return owner + struct.pack("!HHIH", kind, 1, ttl, len(data) if length is None else length) + data

    def sized(self, size, *last):
        """An answer of that many bytes, filled with addresses of the site before the last ones."""
        if self.kind != A:
            return self.answer()
        room = size - len(self.answer(*self.addresses(*last)))
        filler = (room // RECORD - 1) * self.addresses(GOOD)
        # A record of another type takes what is left.
        other = self.record(16, bytes(room - len(filler) * RECORD - RECORD + 4))
        return self.answer(*filler, other, *self.addresses(*last))

    def addresses(self, *texts, owner=ITSELF, ttl=60):
        families = {A: socket.AF_INET, AAAA: socket.AF_INET6}
        return [self.record(self.kind, socket.inet_pton(families[self.kind], text), owner, ttl=ttl)
                for text in texts if self.kind == (AAAA if ":" in text else A)]

    # CNAMEs

    def name_alias_of_private(self, _):
        return self.answer(self.record(CNAME, encode("inner.test")),
                           *self.addresses(PRIVATE, "fd00::1", owner=encode("inner.test")))

    def name_alias_of_localhost(self, _):
        return self.answer(self.record(CNAME, encode("localhost")))

    def name_alias_of_itself(self, _):
        return self.answer(self.record(CNAME, ITSELF), *self.addresses(PRIVATE, owner=encode("a.test")))

    def name_alias_in_circles(self, _):
        a, b = encode("a.test"), encode("b.test")
        return self.answer(self.record(CNAME, a), self.record(CNAME, b, a), self.record(CNAME, a, b))

    # Addresses

    def name_mapped(self, _):
        return self.answer(*self.addresses("::ffff:" + PRIVATE))

    def name_many(self, transport):
        if transport == "udp":
            return self.answer(flags=TRUNCATED)
        return self.answer(*self.addresses(*MANY))

    def name_many_and_private(self, transport):
        if transport == "udp":
            return self.answer(flags=TRUNCATED)
        return self.answer(*self.addresses(*MANY, PRIVATE))

    def name_first_public(self, _):
        """Only the first question for it has an address that may be dialled."""
        if self.kind != A:
            return self.answer()
        asked[self.label] = asked.get(self.label, 0) + 1
        address = GOOD if asked[self.label] == 1 else PRIVATE
        return self.answer(self.record(A, socket.inet_aton(address), ttl=0))

    # Longer than datagrams, or than readers, are meant to be

    def name_513(self, _):
        return self.sized(513)

    def name_1233(self, _):
        return self.sized(1233)

    def name_4097(self, _):
        return self.sized(4097)

    def name_65000(self, _):
        return self.sized(65000)

    def name_65535(self, transport):
        return self.answer(flags=TRUNCATED) if transport == "udp" else self.sized(65535)

    def name_private_behind_512(self, _):
        return self.sized(528, PRIVATE)

    def name_private_behind_4096(self, _):
        return self.sized(4112, PRIVATE)

    def name_private_behind_65519(self, transport):
        return self.answer(flags=TRUNCATED) if transport == "udp" else self.sized(65535, PRIVATE)

    def name_private_if_whole(self, transport):
        """What was cut off is an answer that could be used."""
        if transport == "udp":
            return self.answer(*self.addresses(GOOD), flags=TRUNCATED)
        return self.answer(*self.addresses(GOOD, PRIVATE))

    # Malformed

    def name_loop(self, _):
        loop = bytes([0xc0, 12 + len(self.bytes)])
        return self.answer(self.record(self.kind, bytes(4), loop), self.record(CNAME, loop, loop))

    def name_loop_in_question(self, _):
        return self.answer(*self.addresses(GOOD), question=ITSELF + self.bytes[-4:])

    def name_beyond(self, _):
        return self.answer(self.record(CNAME, b"\xff\xff"), self.record(A, bytes(4), b"\xff\xf0"))

    def name_short_record(self, _):
        return self.answer(self.record(self.kind, b"\x0b"))

    def name_long_record(self, _):
        return self.answer(self.record(self.kind, bytes(4), length=65535))

    def name_missing(self, _):
        return self.answer(*self.addresses(GOOD), count=65535)

    def name_no_question(self, _):
        return self.answer(*self.addresses(GOOD), questions=0, question=b"")

    def name_empty(self, _):
        return b""

    def name_oversize(self, _):
        return self.answer(*self.addresses(GOOD)) + bytes(60000)

    # Somebody else's, or nobody's

    def name_wrong_id(self, _):
        return self.answer(*self.addresses(GOOD), id=bytes(byte ^ 255 for byte in self.id))

    def name_wrong_question(self, _):
        return self.answer(*self.addresses(GOOD), question=encode("another.test") + self.bytes[-4:])

    def name_echo(self, _):
        return self.id + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + self.bytes

    def name_servfail(self, _):
        return self.answer(code=SERVFAIL)

    def name_refused(self, _):
        return self.answer(code=REFUSED)

    def name_no_such_name(self, _):
        return self.answer(code=NXDOMAIN)

    def name_no_address(self, _):
        return self.answer()

    def name_silent(self, _):
        return None

    def name_slow(self, _):
        answer = self.answer(*self.addresses(GOOD))
        threading.Timer(1.5, datagrams.sendto, (answer, self.client)).start()

    def name_no_aaaa(self, _):
        return self.answer(*self.addresses(GOOD)) if self.kind == A else None

    def name_late(self, _):
        """A good address; the private one comes with the release."""
        if self.kind == A:
            return self.answer(*self.addresses(GOOD))
        late.append((self.answer(*self.addresses("fd00::1")), self.client))
        return None

    def name_held(self, _):
        held.append(self)
        return None

    def name_release(self, _):
        """Has those answered that were held longest, at each look-up."""
        if self.kind == A:
            # The kernel drops what a busy reader's socket has no room for.
            questions, held[:BURST] = held[:BURST], []
            print("released", len(questions) + len(late), flush=True)
            while late:
                datagrams.sendto(*late.pop(0))
            for question in questions:
                datagrams.sendto(question.answer(*question.addresses(GOOD)), question.client)
        return self.answer(*self.addresses(GOOD, ttl=0))

    # Over TCP

    def name_truncated(self, _):
        return self.answer(flags=TRUNCATED)

    def name_lying_length(self, transport):
        return self.answer(flags=TRUNCATED) if transport == "udp" else "length"

    def name_byte_by_byte(self, transport):
        return self.answer(*self.addresses(GOOD)) if transport == "tcp" else self.answer(flags=TRUNCATED)

    def name_hanging(self, transport):
        return self.answer(flags=TRUNCATED) if transport == "udp" else None


def reply(message, transport, client=None):
    question = Question(message, client)
    print("asked", {A: "A", AAAA: "AAAA"}.get(question.kind), question.label, flush=True)
    label = sys.argv[2] if len(sys.argv) > 2 else question.label
    special = getattr(question, "name_" + label.replace("-", "_"), None)
    return special(transport) if special else question.answer(*question.addresses(GOOD))


def serve_datagram(message, client):
    answer = reply(message, "udp", client)
    if answer is not None:
        datagrams.sendto(answer, client)


def serve_stream(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as stream:
        while len(size := stream.read(2)) == 2:
            answer = reply(stream.read(int.from_bytes(size, "big")), "tcp")
            if answer == "length":
                connection.sendall(b"\xff\xff" + bytes(100))
                return
            if answer is not None:
                message = len(answer).to_bytes(2, "big") + answer
                for byte in message[:100]:
                    connection.sendall(bytes([byte]))
                connection.sendall(message[100:])


def main():
    datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    datagrams.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    datagrams.bind((sys.argv[1], 53))
    streams = socket.create_server((sys.argv[1], 53), reuse_port=True)
    print("ready", flush=True)

    def accept():
        while True:
            threading.Thread(target=serve_stream, args=(streams.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    while True:
        serve_datagram(*datagrams.recvfrom(4096))


main()
