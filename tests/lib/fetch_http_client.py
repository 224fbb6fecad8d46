# SPDX-License-Identifier: BSD-2-Clause
"""Fetches the root of a URL's site with http.client."""

import http.client
import sys

scheme, _, host, *_ = sys.argv[1].split("/")
kind = http.client.HTTPSConnection if scheme == "https:" else http.client.HTTPConnection
connection = kind(host, timeout=60)
connection.request("GET", "/")
answer = connection.getresponse()
print(answer.read().decode(), end="")
sys.exit(answer.status != 200)
