# SPDX-License-Identifier: BSD-2-Clause
"""Passes sockets to a Unix socket."""

import socket
import sys

peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
made = [socket.socket(type=kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_STREAM)]
socket.send_fds(peer, [b"x"], [one.fileno() for one in made])
