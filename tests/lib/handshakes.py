# SPDX-License-Identifier: BSD-2-Clause
"""
handshakes.py CA COUNT SEED NAME

To be run in a job. Makes COUNT connections of TLS to names below NAME and to NAME itself, some of which the client breaks
off, or can't finish. Prints how many came to an answer.
"""

import random
import socket
import ssl
import sys

ca, count, seed, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
chosen = random.Random(seed)


def context(**settings):
    made = ssl.create_default_context(cafile=ca)
    for setting, value in settings.items():
        setattr(made, setting, value)
    return made


def with_protocols(made, protocols):
    made.set_alpn_protocols(protocols)
    return made


FINE = context()
CONTEXTS = [FINE, FINE, FINE, context(maximum_version=ssl.TLSVersion.TLSv1_2), with_protocols(context(), ["h2"]),
            ssl.create_default_context(cafile=None, cadata=None, purpose=ssl.Purpose.SERVER_AUTH)]
sessions = {}
answers = 0


def shake(kind, host):
    raw = socket.create_connection((name, 443), timeout=30)
    if kind == "broken":
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(chosen.randrange(400)))
        return False
    made = chosen.choice(CONTEXTS)
    session = sessions.get(made) if host == name else None
    with made.wrap_socket(raw, server_hostname=host, session=session) as secure:
        if kind == "left":
            return False
        secure.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        said = secure.makefile("rb").read()
        if host == name:
            sessions[made] = secure.session
    return said.startswith(b"HTTP/1.1 ")


for number in range(count):
    where = name if chosen.random() < 0.6 else f"n{chosen.randrange(1000)}.{name}"
    try:
        answers += shake(chosen.choice(("asked", "asked", "asked", "left", "broken")), where)
    except (ssl.SSLError, OSError):
        pass
print(answers)
