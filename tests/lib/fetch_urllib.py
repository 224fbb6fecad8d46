# SPDX-License-Identifier: BSD-2-Clause
"""Fetches a URL with urllib."""

import sys
import urllib.request

print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode(), end="")
