# SPDX-License-Identifier: BSD-2-Clause
"""Looks up names and addresses as programs do that need none of them."""

import socket

socket.getaddrinfo("allowed.test", 80)
for name in "127.0.0.1", "192.0.0.8", socket.gethostname():
    try:
        socket.gethostbyaddr(name)
    except OSError:
        pass
