# SPDX-License-Identifier: BSD-2-Clause
"""
ask_paths.py COUNT SEED SITE...

To be run in a job. Sends COUNT targets, made up or mutated, to each SITE.test, which may be asked for everything, and to
open.SITE.test, which may be asked by GET and POST for /open and what is below. A site says in fields of its answer which
method and target came, which path it found in that, and which of its places it chose: open, closed, or other.

Fails unless each site found what the fence judged: the target that came, decoded and in no other way changed, and the
place that begins like it. Prints how many targets passed, and how many the fence or the site refused.
"""

import collections
import json
import random
import re
import socket
import sys
import threading
from urllib.parse import unquote_to_bytes

PIECES = (
    "/", "//", ".", "..", "/../", "/./", "%2e", "%2E%2e", "%2f", "%5c", "\\", ";", "..;", ";x=1", "%3b", "a", "b", "A",
    "%61", "%25", "%252e", "%252f", "%c3%a9", "%e2%82%ac", "%c0%ae", "%ef%bc%8f", "%00", "%0a", "%20", "+", "~", "%7e",
    "*", ":", "@", "!", "%21", "?", "?x=/../", "%3f", "%23", "|", '"', "%", "%u002e", "&", "=", "'", "[", "%5B", "...", "http:",
    "open", "/open/", "closed", "/closed/", "/closed", "%6fpen", "/open/../closed", "%2e%2e/closed", "..%2fclosed", "..\\closed",
    "%2e.", ".%2E", "/.;/", "/;/", ";/../", "%3B..", "%3f/../", "%23/..", "#", "%09", "%0d%0a", "%7f", "%80", "%ff", "%f0%9f%98%80",
    "%ed%a0%80", "%C2%A0", "%e3%80%82", "%ef%bc%8e%ef%bc%8e", "%25%32%65", "%2%65", "%%32%65", "{", "}", "^", "`", "<", ">", "$", ",", "_", "-",
    "~1", "::$DATA", ".php", ".json", "index.html", "%E2%80%8B", "%c4%b0", "%2A", "?/open/", "?%2e%2e", "%3Fx", "OPEN", "Closed", "\u00e9", "\t", "\x7f",
)
SEEDS = (
    "/open", "/open/", "/open/a", "/open/a/b?c=d", "/open/a/../b", "/open/./a//b", "/open/%61", "/closed", "/closed/", "/closed/a",
    "/a/../closed/b", "/open/../closed", "/open/%2e%2e/closed/a", "/", "//", "/a", "/open?x", "?x", "/open/x.php/y", "*",
    "http://HOST/open/a", "http://HOST", "http://HOST?x", "http://HOST/closed", "HTTP://HOST/open/../closed", "//HOST/closed", "/open//HOST/closed",
    "http:/closed", "http://HOST:80/open/a", "http://HOST@HOST/closed", "/http://HOST/closed", "closed",
)
METHODS = ("GET",) * 8 + ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "Closed")
OPEN = re.compile(rb"/open(/|$)")
CLOSED = re.compile(rb"/closed(/|$)")
JUDGED = re.compile(r" may not request (\S+) [^/]*(/\S*)")


class Fault(Exception):
    pass


def mutate(chosen, target):
    """Changes a byte, or some, of a target. It is text of Latin-1."""
    at = chosen.randint(0, len(target))
    end = min(len(target), at + chosen.randint(1, 4))
    way = chosen.randrange(7)
    if way == 0:
        return target[:at] + chosen.choice(PIECES) + target[at:]
    if way == 1:
        return target[:at] + target[end:]
    if way == 2:
        return target[:end] + target[at:]
    if way == 3:
        return target[:at] + "".join(f"%{ord(c):02x}" for c in target[at:end]) + target[end:]
    if way == 4:
        return target[:at] + "".join(f"%{ord(c):02X}" for c in target[at:end]) + target[end:]
    if way == 5:
        return target[:at] + chr(chosen.choice((chosen.randrange(256), chosen.randrange(33, 127)))) + target[at + 1:]
    return target[:at] + target[at:end].swapcase() + target[end:]


def make_target(chosen):
    if chosen.random() < 0.4:
        return chosen.choice(("/", "/open/", "/open/")) + "".join(chosen.choices(PIECES, k=chosen.choice((1, 2, 2, 3, 4, 7))))
    target = chosen.choice(SEEDS)
    for _ in range(chosen.choice((0, 1, 1, 2, 3))):
        target = mutate(chosen, target)
    return target


class Site:
    """A connection to a host, which begins anew when it has to."""

    def __init__(self, host):
        self.host = host
        self.stream = None

    def answer(self):
        """Reads an answer. Returns its status, its fields with lower-case names, and its body."""
        status = int(self.stream.readline().split(b" ")[1])
        fields = {}
        while line := self.stream.readline().rstrip(b"\r\n"):
            name, value = line.split(b":", 1)
            fields[name.lower()] = value.strip(b" ")
        body = b""
        if fields.get(b"transfer-encoding") == b"chunked":
            while size := int(self.stream.readline(), 16):
                body += self.stream.read(size)
                self.stream.readline()
            self.stream.readline()
        else:
            body = self.stream.read(int(fields.get(b"content-length", b"0")))
        return status, fields, body

    def ask(self, method, target):
        if not self.stream:
            self.stream = socket.create_connection((self.host, 80), timeout=60).makefile("rwb")
        head = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\nAccept: application/json\r\n\r\n"
        self.stream.write(head.encode("latin-1"))
        self.stream.flush()
        answer = self.answer()
        if answer[1].get(b"connection", b"").lower() == b"close":
            self.stream.close()
            self.stream = None
        return answer


def check_refusal(method, answer, is_open):
    """A refusal of what has a form is one of a path or method that the rule leaves out."""
    status, fields, body = answer
    if status == 400:
        return
    judged = JUDGED.search(json.loads(body)["error"])
    if fields[b"x-jobfence-denied"] != b"rule" or status != 403 or not judged:
        raise Fault(f"refused with {status} {fields}")
    path = judged[2].encode()
    # No wildcard stands for an encoded question mark or number sign.
    if any(mark in path for mark in (b"%3F", b"%23")):
        return
    if not is_open or (OPEN.match(path) and method in ("GET", "POST")):
        raise Fault(f"{path} was refused")


def inside(fields, name):
    """The value of a field, which has brackets around it: it may end with a blank."""
    return fields[name][1:-1]


def check_answer(method, fields, is_open):
    heard, found = inside(fields, b"x-target"), inside(fields, b"x-path")
    path = heard.split(b"?")[0]
    decoded = unquote_to_bytes(path)
    place = b"open" if OPEN.match(decoded) else b"closed" if CLOSED.match(decoded) else b"other"
    if not path.startswith(b"/") or found != decoded:
        raise Fault(f"{heard} was read as {found}")
    if inside(fields, b"x-place") != place:
        raise Fault(f"{heard} led to {fields[b'x-place']}")
    if inside(fields, b"x-method") != method.encode():
        raise Fault(f"{method} was read as {fields[b'x-method']}")
    if is_open and (place != b"open" or method not in ("GET", "POST")):
        raise Fault(f"{method} {heard} was let through")


def check(site, counts, method, target):
    is_open = site.host.startswith("open.")
    target = target.replace("HOST", site.host)
    try:
        answer = site.ask(method, target)
        if b"x-jobfence-denied" in answer[1]:
            counts["refused"] += 1
            check_refusal(method, answer, is_open)
        elif b"x-place" in answer[1]:
            counts["passed"] += 1
            check_answer(method, answer[1], is_open)
        elif answer[0] in (400, 403, 501):
            counts["unread"] += 1
        else:
            raise Fault(f"neither the fence nor the site answered: {answer}")
    except (Fault, OSError, ValueError, IndexError, KeyError) as fault:
        raise Fault(f"{site.host}: {method} {target!r}: {fault!r}") from fault


def ask_all(name, count, seed, counts, faults):
    chosen = random.Random(seed)
    sites = Site(f"{name}.test"), Site(f"open.{name}.test")
    for _ in range(count):
        target, method, site = make_target(chosen), chosen.choice(METHODS), chosen.choice(sites)
        try:
            check(site, counts, method, target)
        except Fault as fault:
            faults.append(str(fault))
            site.stream = None
            if len(faults) > 20:
                return


def main():
    count, seed, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    all_counts, faults, threads = [], [], []
    for name in names:
        counts = collections.Counter()
        all_counts.append(counts)
        threads.append(threading.Thread(target=ask_all, args=(name, count, seed, counts, faults)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    for fault in faults:
        print(fault)
    for name, counts in zip(names, all_counts):
        print(f"{name}: {counts['passed']} passed, {counts['refused']} refused by the fence, {counts['unread']} by the site")
    sys.exit(1 if faults else 0)


main()
