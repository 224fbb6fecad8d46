# SPDX-License-Identifier: BSD-2-Clause
"""Prints two answers on one connection. Before the second request it waits for the end of its input."""

import http.client
import sys

client = http.client.HTTPConnection("allowed.test")


def ask():
    client.request("GET", "/")
    print(client.getresponse().read().decode(), end="", flush=True)


ask()
sys.stdin.read()
ask()
