# SPDX-License-Identifier: BSD-2-Clause
"""
ask_paths.py HOST COUNT SEED

To be run in a job. Asks a site of two lines, the target as it came and the path that it found
in it, for paths that were made up. Fails unless each path that passed was decoded there, and
nothing else. Prints how many passed, and how many the fence refused.
"""

import http.client
import random
import sys
from urllib.parse import unquote_to_bytes

PIECES = (
    "/", "//", ".", "..", "/../", "/./", "%2e", "%2E%2e", "%2f", "%5c", "\\", ";", "..;", ";x=1", "%3b", "a", "b", "A",
    "%61", "%25", "%252e", "%252f", "%c3%a9", "%e2%82%ac", "%c0%ae", "%ef%bc%8f", "%00", "%0a", "%20", "+", "~", "%7e",
    "*", ":", "@", "!", "%21", "?", "?x=/../", "%3f", "%23", "|", '"', "%", "%u002e", "&", "=", "'", "[", "%5B", "...", "http:",
)


def main():
    host, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    chosen = random.Random(seed)
    site = http.client.HTTPConnection(host, timeout=60)
    passed = refused = 0
    for _ in range(count):
        target = "/" + "".join(chosen.choices(PIECES, k=chosen.randint(1, 9)))
        site.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
        site.putheader("Host", host)
        site.endheaders()
        answer = site.getresponse()
        body = answer.read()
        # No wildcard stands for an encoded question mark or number sign.
        marked = any(mark in target.split("?")[0].lower() for mark in ("%3f", "%23"))
        if answer.getheader("X-Jobfence-Denied") == "rule" and (answer.status == 400 or (marked and answer.status == 403)):
            refused += 1
            continue
        heard, found = body.split(b"\n", 1)
        if answer.status != 200 or unquote_to_bytes(heard.split(b"?")[0]) != found:
            sys.exit(f"{target!r} was sent as {heard!r}, and read as {found!r} ({answer.status})")
        passed += 1
    print(passed, refused)


main()
