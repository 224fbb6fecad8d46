# SPDX-License-Identifier: BSD-2-Clause
"""Times requests of a job beside one that is refused, to be run on a lab's node. See the script refusals."""

import json
import os
import re
import statistics
import subprocess
import sys
import time

JOBFENCE, CGROUPS, CLIENT, ROUNDS, REQUESTS = *sys.argv[1:4], *map(int, sys.argv[4:])

# Runs in the neighbour's job: prints the time of each request, in ms.
NEIGHBOUR = """
import json, socket, sys, time
times = []
for _ in range(int(sys.argv[1])):
    begin = time.monotonic()
    with socket.create_connection(("11.0.0.3", 80), 60) as client:
        client.sendall(b"GET /short HTTP/1.1\\r\\nHost: allowed.test\\r\\nConnection: close\\r\\n\\r\\n")
        said = b""
        while more := client.recv(4096):
            said += more
    assert said.startswith(b"HTTP/1.1 200 ") and said.endswith(b"ok"), said
    times.append(1000 * (time.monotonic() - begin))
print(json.dumps(times))
"""

# What the other job does: its clients with their arguments, and the line that it is
# compared with. A client that is refused by the proxy keeps two processes busy: itself and
# the worker.
BESIDE = {
    "is idle": ((), None),
    "takes a processor": (("busy",), None),
    "talks to itself": (("talk",), None),
    "`connects`, 10,000 a second": (("connects 0 10000",), "is idle"),
    "`requests`, 10,000 a second": (("requests 0 10000",), "is idle"),
    "`connects`": (("connects",), "takes a processor"),
    "`requests`": (("requests",), "talks to itself"),
    "`tunnels`": (("tunnels",), "talks to itself"),
    "`names`": (("names",), "talks to itself"),
}


def refused():
    """How often the other job was refused something: by the kernel, and by its proxy."""
    shown = json.loads(subprocess.check_output([JOBFENCE, "show", "other", "--json"]))
    return sum(sum(counts.values()) for counts in (shown["upload"]["refused"], shown["statistics"]["refused"]))


def processor_time():
    """What the other job and its proxy took, in s."""
    with open(os.path.join(CGROUPS, "jobfence", "other", "cpu.stat"), encoding="ascii") as file:
        return int(re.search(r"^usage_usec (\d+)", file.read(), re.M).group(1)) / 1e6


def measure(clients):
    """Returns the neighbour's median and 99th percentile in ms, and what the other job did in a second."""
    running = [subprocess.Popen([JOBFENCE, "exec", "other", "--", "python3", CLIENT, *client.split()], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL) for client in clients]
    time.sleep(0.5)
    begin = time.monotonic(), refused(), processor_time()
    times = json.loads(subprocess.check_output([JOBFENCE, "exec", "neighbour", "--", "python3", "-c", NEIGHBOUR, str(REQUESTS)]))
    end = time.monotonic(), refused(), processor_time()
    for client in running:
        client.communicate()
        if client.returncode:
            sys.exit(f"a client ended with status {client.returncode}")
    seconds, refusals, processors = (after - before for before, after in zip(begin, end))
    return statistics.median(times), statistics.quantiles(times, n=100)[98], refusals / seconds, processors / seconds


def main():
    for job in "neighbour", "other":
        subprocess.run([JOBFENCE, "up", "--job", job, "--domain", "allowed.test", "--rate", "0"], check=True)
    rounds = [{what: measure(clients) for what, (clients, _) in BESIDE.items()} for _ in range(ROUNDS)]
    print("| the other job | refused in a second | processors | median, ms | 99th percentile, ms | median, ratio | 99th, ratio |\n"
          "| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for what, (_, base) in BESIDE.items():
        median, slow, refusals, processors = (statistics.median(column) for column in zip(*(r[what] for r in rounds)))
        ratios = [f"{statistics.median(r[what][i] / r[base][i] for r in rounds):.2f}" if base else "" for i in (0, 1)]
        cells = what, f"{refusals:.0f}", f"{processors:.2f}", f"{median:.2f}", f"{slow:.1f}", *ratios
        print("|", " | ".join(cells), "|")


main()
