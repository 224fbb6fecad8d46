# SPDX-License-Identifier: BSD-2-Clause
"""Fetches a URL with requests."""

import requests
import sys

answer = requests.get(sys.argv[1], timeout=60)
answer.raise_for_status()
print(answer.text, end="")
