# SPDX-License-Identifier: BSD-2-Clause
"""Connects two clients, then prints the status of an answer to each."""

import http.client

clients = [http.client.HTTPConnection("allowed.test") for _ in range(2)]
for client in clients:
    client.connect()
for client in clients:
    client.request("GET", "/")
    print(client.getresponse().status)
