# SPDX-License-Identifier: BSD-2-Clause
"""Talks over Unix sockets within one process."""

import socket

listening = socket.socket(socket.AF_UNIX)
listening.bind("\0own")
listening.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("\0own")
client.sendall(b"hello")
assert listening.accept()[0].recv(5) == b"hello"
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
one.send(b"hello")
assert other.recv(5) == b"hello"
