# SPDX-License-Identifier: BSD-2-Clause
"""Resumes a TLS 1.2 session, and prints whether that worked."""

import socket
import ssl

context = ssl.create_default_context()
context.maximum_version = ssl.TLSVersion.TLSv1_2
session = None
for _ in range(4):
    with context.wrap_socket(socket.create_connection(("allowed.test", 443)), server_hostname="allowed.test",
                             session=session) as tls:
        print(tls.session_reused, end=" ")
        session = tls.session
