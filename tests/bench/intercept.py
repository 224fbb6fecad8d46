# SPDX-License-Identifier: BSD-2-Clause
"""Measures proxies that open TLS beside each other, to be run on a lab's node. See the script intercept.

intercept.py JOBFENCE CGROUP ADDRESS AUTHORITY ROUNDS [NAME CGROUP ADDRESS AUTHORITY]...

The first is the proxy of the job `bench`. An address is that of a proxy, and an authority a file.
"""

import subprocess
import sys

from cgroup import cpu, memory
from table import print_table

KEPT, FRESH = 2000, 200  # requests of a round
GIB_PER_BODY = 1.0
FIGURES = {
    "proxy CPU per request, keep-alive, µs": "{:.0f}",
    "proxy CPU per request, a new connection each, µs": "{:.0f}",
    "proxy CPU per GiB of a body, s": "{:.2f}",
    "memory after that, KiB (PSS)": "{:.0f}",
}


class Proxy:
    def __init__(self, name, cgroup, address, authority, prefix):
        self.name, self.cgroup = name, cgroup
        self.curl = [*prefix, "curl", "-sSf", "--cacert", authority, "--capath", "/nonexistent", "-x", f"http://{address}"]
        self.get("https://allowed.test/small", 1)

    def get(self, urls, count, *options):
        """Gets URLs, 16 at once. Returns the processor time of the proxy for each, in µs."""
        before = cpu(self.cgroup)
        subprocess.run([*self.curl, "--no-progress-meter", "--parallel", "--parallel-max", "16", *options, "-o", "/dev/null", urls], check=True)
        return (cpu(self.cgroup) - before) / count

    def measure(self):
        small = "https://allowed.test/small?[1-{}]"
        kept = self.get(small.format(KEPT), KEPT)
        # A full handshake each, without a session of the one before.
        fresh = self.get(small.format(FRESH), FRESH, "--no-sessionid", "-H", "Connection: close")
        body = self.get("https://allowed.test/large", 1) / 1e6 / GIB_PER_BODY
        return kept, fresh, body, memory(self.cgroup)


def main():
    jobfence, *own = sys.argv[1:5]
    proxies = [Proxy("jobfence", *own, [jobfence, "exec", "bench", "--"])]
    others = sys.argv[6:]
    proxies += [Proxy(*others[i:i + 4], []) for i in range(0, len(others), 4)]
    rounds = []
    for i in range(int(sys.argv[5])):
        rounds.append({proxy.name: proxy.measure() for proxy in proxies[::-1 if i % 2 else 1]})
        print(f"round {i + 1} is done", file=sys.stderr, flush=True)
    print_table(FIGURES, {proxy.name: proxy.name for proxy in proxies}, rounds)


main()
