# SPDX-License-Identifier: BSD-2-Clause
"""Tells the programs of the caller's cgroup, as a supervisor does, that a worker ended with status 7."""

import socket

socket.socket().setsockopt(0x6a66, 1, 7 << 8)
