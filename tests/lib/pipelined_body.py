# SPDX-License-Identifier: BSD-2-Clause
"""Sends a request with a long body and one more request at once. Prints the bodies of the answers."""

import socket
import threading

client = socket.create_connection(("11.0.0.2", 80), 20)
requests = (b"POST /upload HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 3000000\r\n\r\n" + bytes(3000000) +
            b"GET / HTTP/1.1\r\nHost: allowed.test\r\nConnection: close\r\n\r\n")
threading.Thread(target=client.sendall, args=(requests,)).start()
answers = b"".join(iter(lambda: client.recv(65536), b""))
print(*(part.partition(b"HTTP/1.1")[0].decode() for part in answers.split(b"\r\n\r\n")[1:]))
