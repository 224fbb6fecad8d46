# SPDX-License-Identifier: BSD-2-Clause
"""For each line of its input, sends a request on one connection, and prints the status of the answer."""

import http.client
import sys

connection = http.client.HTTPConnection("11.0.0.2", timeout=60)
for _ in sys.stdin:
    connection.request("GET", "/", headers={"Host": "allowed.test"})
    answer = connection.getresponse()
    answer.read()
    print(answer.status, flush=True)
    assert connection.sock, "the connection ended"
