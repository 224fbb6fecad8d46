# SPDX-License-Identifier: BSD-2-Clause
"""
half_handshake.py NAME

To be run in a job. Begins TLS with NAME, and says no more once the answer is there. Prints "ended" when the other side has
ended the connection.
"""

import socket
import ssl
import sys

name = sys.argv[1]
came, said = ssl.MemoryBIO(), ssl.MemoryBIO()
client = ssl.create_default_context().wrap_bio(came, said, server_hostname=name)
try:
    client.do_handshake()
except ssl.SSLWantReadError:
    pass
with socket.create_connection((name, 443), timeout=60) as site:
    site.sendall(said.read())
    if not site.recv(65536):
        sys.exit("nothing came")
    print("begun", flush=True)
    while site.recv(65536):
        pass
print("ended")
