# SPDX-License-Identifier: BSD-2-Clause
"""Breaks off downloads with data on the way."""

import socket
import struct
import sys
import threading
import time

count, size, room = map(int, sys.argv[1:])
def break_off():
    for _ in range(count // 8):
        made = socket.socket()
        made.settimeout(60)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        made.connect(("11.0.0.2", 80))
        made.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: allowed.test\r\n\r\n" % size)
        made.recv(1)
        time.sleep(0.02)
        made.close()
threads = [threading.Thread(target=break_off) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
