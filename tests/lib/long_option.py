# SPDX-License-Identifier: BSD-2-Clause
"""Sets a socket option with more bytes than it has."""

import socket

made = socket.socket()
made.setsockopt(socket.SOL_TCP, socket.TCP_NODELAY, (1).to_bytes(4, "little") + bytes(100000))
assert made.getsockopt(socket.SOL_TCP, socket.TCP_NODELAY)
