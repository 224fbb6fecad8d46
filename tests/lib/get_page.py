#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
get_page.py urllib|requests|httpx URL

Prints what is there, fetched by that library.
"""

import importlib
import sys
import urllib.request

LIBRARY, URL = sys.argv[1:]

if LIBRARY == "urllib":
    with urllib.request.urlopen(URL) as page:
        print(page.read().decode())
else:
    print(importlib.import_module(LIBRARY).get(URL).text)
