# SPDX-License-Identifier: BSD-2-Clause
"""Measures proxies beside each other, to be run on a lab's node. See the script proxies."""

import json
import os
import re
import statistics
import subprocess
import sys

from cgroup import cpu, memory
from table import print_table

JOBFENCE, CGROUPS, ROUNDS = sys.argv[1], sys.argv[2], int(sys.argv[3])
SECONDS = int(os.environ.get("SECONDS_EACH", "5"))
CONNECTIONS = 64
GIB_PER_BODY = 0.5
SCRIPT = os.path.join(os.path.dirname(os.path.realpath(__file__)), "wrk.lua")
NAMES = {"jobfence": "jobfence", "haproxy": "HAProxy", "squid": "Squid", "tinyproxy": "Tinyproxy"}
PORTS = {"haproxy": 3130, "squid": 3128, "tinyproxy": 3129}
HAPROXY_TLS = 3131

# What is measured, and how it is written, in the order of Proxy.measure().
FIGURES = {
    "proxy CPU per request, keep-alive, µs": "{:.0f}",
    "proxy CPU per request, a new connection each, µs": "{:.0f}",
    "requests per second, keep-alive": "{:.0f}",
    "requests per second, a new connection each": "{:.0f}",
    "99th percentile, keep-alive, ms": "{:.1f}",
    "99th percentile, a new connection each, ms": "{:.1f}",
    "proxy CPU per GiB of a TLS tunnel, s": "{:.2f}",
    "proxy CPU per GiB of a plain body, s": "{:.2f}",
    "idle memory after the first request, KiB (PSS)": "{:.0f}",
}


def up(name):
    """Makes a job, and returns the cgroup of its proxy."""
    said = subprocess.check_output([JOBFENCE, "up", "--job", name, "--domain", "allowed.test", "--rate", "0", "--json"])
    return os.path.join(os.path.dirname(json.loads(said)["cgroup"]), "proxy")


def inside(job):
    return [JOBFENCE, "exec", job, "--"]


def wrk(prefix, address, target, connections=CONNECTIONS, seconds=SECONDS, close=False):
    """The command that makes requests."""
    headers = ["-H", "Host: allowed.test"] + (["-H", "Connection: close"] if close else [])
    return [*prefix, "wrk", "--timeout", "30", "-t", "1", "-c", str(connections), "-d", str(seconds), "-s", SCRIPT, *headers,
            address, "--", target]


def read_wrk(output):
    """How many requests, how many a second, and the 99th percentile in ms."""
    requests, duration, percentile, errors = map(float, re.search(r"^requests(.*)", output, re.M).group(1).split())
    if errors or not requests:
        sys.exit(f"{errors:.0f} errors beside {requests:.0f} requests:\n{output}")
    return requests, requests / duration * 1e6, percentile / 1000


def run(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Proxy:
    def __init__(self, name, cgroup):
        self.name, self.cgroup = name, cgroup
        self.port = PORTS.get(name)
        self.prefix = [] if self.port else inside("job")
        self.get("http", "small")
        self.memory = memory(cgroup)

    def requests(self, close):
        """CPU per request in µs, requests per second, and the 99th percentile in ms."""
        before = cpu(self.cgroup)
        if self.port:
            command = wrk([], f"http://127.0.0.1:{self.port}", "http://allowed.test/small", close=close)
        else:
            command = wrk(self.prefix, "http://allowed.test", "/small", close=close)
        count, *rest = read_wrk(run(command))
        return ((cpu(self.cgroup) - before) / count, *rest)

    def get(self, scheme, path):
        """Fetches a file. Returns the processor time of the proxy, in seconds."""
        way = []
        if self.name == "haproxy" and scheme == "https":
            way = ["--connect-to", f"allowed.test:443:127.0.0.1:{HAPROXY_TLS}"]
        elif self.port:
            way = ["-x", f"http://127.0.0.1:{self.port}"]
        before = cpu(self.cgroup)
        run([*self.prefix, "curl", "-sSf", *way, "-o", "/dev/null", f"{scheme}://allowed.test/{path}"])
        return (cpu(self.cgroup) - before) / 1e6

    def measure(self):
        kept, fresh = self.requests(False), self.requests(True)
        tunnel, body = (self.get(scheme, "large") / GIB_PER_BODY for scheme in ("https", "http"))
        return [value for pair in zip(kept, fresh) for value in pair] + [tunnel, body, self.memory]


def neighbour():
    """The 99th percentile, in ms, of a job alone and beside one that saturates its proxy."""
    alone, *beside = (wrk(inside("neighbour"), "http://allowed.test", "/small", connections=1) for _ in range(2))
    saturating = wrk(inside("job"), "http://allowed.test", "/small", seconds=SECONDS + 1)
    first = read_wrk(run(alone))[2]
    with subprocess.Popen(saturating, stdout=subprocess.PIPE, text=True) as other:
        second = read_wrk(run(*beside))[2]
        read_wrk(other.communicate()[0])
    return first, second


def main():
    cgroup = up("job")
    untouched = memory(cgroup)
    proxies = [Proxy("jobfence", cgroup)] + [Proxy(name, os.path.join(CGROUPS, name)) for name in PORTS]
    up("neighbour")
    rounds, neighbours = [], []
    for i in range(ROUNDS):
        rounds.append({proxy.name: proxy.measure() for proxy in proxies[::-1 if i % 2 else 1]})
        neighbours.append(neighbour())
        print(f"round {i + 1} of {ROUNDS} is done", file=sys.stderr, flush=True)
    print_table(FIGURES, NAMES, rounds)
    print(f"\nThe two processes of a proxy of jobfence take {untouched} KiB before the first request.\n")
    print("| one connection of a job, one request after another | 99th percentile, ms |\n| --- | ---: |")
    for what, values in zip(("alone", "while another job saturates its proxy"), zip(*neighbours)):
        print(f"| {what} | {statistics.median(values):.1f} |")


main()
