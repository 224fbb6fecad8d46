# SPDX-License-Identifier: BSD-2-Clause
"""Times `up` and `down`, to be run on a lab's node. See the script lifecycle."""

import glob
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

JOBFENCE, JOBS = sys.argv[1], int(sys.argv[2])
CYCLES, PARALLEL = 1000, 64


def call(*arguments):
    """Runs jobfence and returns the time it took, in ms."""
    start = time.monotonic()
    subprocess.run([JOBFENCE, *arguments], check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1000


def up(name):
    return call("up", "--job", name, "--domain", "allowed.test")


def row(what, values):
    values = sorted(values)
    print(f"| {what} | {statistics.median(values):.1f} | {values[len(values) * 99 // 100]:.1f} |", flush=True)


def kernel_memory():
    """What would grow if a cycle left something: kB of slab and of per-CPU memory."""
    with open("/proc/meminfo", encoding="ascii") as file:
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", file.read(), re.M))
    return int(fields["Slab"]) + int(fields["Percpu"])


def leftovers():
    with open("/proc/self/mounts", encoding="ascii") as file:
        mounts = len(file.readlines())
    return (mounts, *(len(os.listdir(path)) for path in ("/sys/fs/bpf/jobfence/jobs", "/run/netns", "/run/jobfence/jobs")))


def proxies():
    """The processes of all proxies."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().strip() == "jobfence-proxy":
                    yield pid
        except (FileNotFoundError, ProcessLookupError):
            pass


def holdings():
    """How much the node has of what it may run out of."""
    def count(kind):
        return len(json.loads(subprocess.check_output(["bpftool", "--json", kind, "show"])))

    processes = list(proxies())
    with open("/proc/self/mounts", encoding="ascii") as file:
        cgroups = next(fields[1] for fields in map(str.split, file) if fields[2] == "cgroup2")
    return {"processes": len(processes), "descriptors": sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in processes),
            "maps": count("map"), "links": count("link"), "cgroups": sum(1 for _ in os.walk(f"{cgroups}/jobfence")),
            "mounts": leftovers()[0], "namespaces": leftovers()[2]}


def filter_costs(job):
    """How many ns each program of the packet filter takes per packet, while a job downloads."""
    def counts():
        shown = {}
        for program in ("egress", "ingress", "upstream_egress", "upstream_ingress"):
            path, = glob.glob(f"/sys/fs/bpf/jobfence/*/programs/{program}")
            fields = json.loads(subprocess.check_output(["bpftool", "--json", "prog", "show", "pinned", path]))
            shown[program] = (fields.get("run_time_ns", 0), fields.get("run_cnt", 0))
        return shown

    subprocess.run(["sysctl", "-q", "kernel.bpf_stats_enabled=1"], check=True)
    before = counts()
    for rate in ("1gbit", "0"):
        call("update", job, "--rate", rate)
        subprocess.run([JOBFENCE, "exec", job, "--", "curl", "-sS", "-o", "/dev/null", "http://allowed.test/bytes/100000000"],
                       check=True)
    after = counts()
    subprocess.run(["sysctl", "-q", "kernel.bpf_stats_enabled=0"], check=True)
    return {name: (after[name][0] - before[name][0]) / max(1, after[name][1] - before[name][1]) for name in after}


def pss():
    """Sums up the proportional set size, in kB, of every process of a proxy."""
    total = 0
    for pid in proxies():
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def outage(job):
    """How long, in ms, a job has no answer once the worker of its proxy was killed."""
    shown = json.loads(subprocess.check_output([JOBFENCE, "show", job, "--json"]))
    with open(os.path.join(os.path.dirname(shown["cgroup"]), "proxy", "cgroup.procs"), encoding="ascii") as file:
        worker, = set(map(int, file.read().split())) - {shown["proxy"]["pid"]}
    os.kill(worker, signal.SIGKILL)
    return call("exec", job, "--", "curl", "-sSf", "--retry", "100", "--retry-all-errors", "--retry-delay", "0", "--max-time", "10",
                "http://allowed.test/")


def top_share(rounds=15):
    """Which part of a processor `top` takes, but for its start."""
    def seconds(iterations):
        top = subprocess.Popen([JOBFENCE, "top", "--batch", "--iterations", str(iterations)], stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(top.pid, 0)
        if status:
            sys.exit(f"top ended with {status}")
        return used.ru_utime + used.ru_stime

    return (seconds(1 + rounds) - seconds(1)) / (2 * rounds)


def main():
    up("first")
    call("down", "first")
    print("| what | median, ms | 99th percentile, ms |\n| --- | ---: | ---: |")
    row("start of a program that does nothing", [call("version") for _ in range(50)])

    before, ups, downs = leftovers(), [], []
    for i in range(CYCLES):
        ups.append(up("cycle"))
        downs.append(call("down", "cycle"))
        if i == CYCLES // 2:
            memory = kernel_memory()
    row(f"`up`, {CYCLES} cycles", ups)
    row(f"`down`, {CYCLES} cycles", downs)
    growth = kernel_memory() - memory
    if leftovers() != before:
        sys.exit(f"mounts, pins, namespaces, folders: {before} before, {leftovers()} after")

    names = [f"many{i}" for i in range(PARALLEL)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        start = time.monotonic()
        list(pool.map(up, names))
        middle = time.monotonic()
        list(pool.map(lambda name: call("down", name), names))
        end = time.monotonic()
    row(f"`up`, {PARALLEL} at once, of each", [(middle - start) * 1000 / PARALLEL])
    row(f"`down`, {PARALLEL} at once, of each", [(end - middle) * 1000 / PARALLEL])

    start, had = kernel_memory(), holdings()
    row(f"`up` of the first to the {JOBS}th that stand at once", [up(f"standing{i}") for i in range(JOBS)])
    row(f"`up` beside {JOBS} others", [up(f"last{i}") for i in range(50)])
    memory = kernel_memory() - start
    of_proxies, has = pss(), holdings()
    costs = filter_costs("last0")
    row("a request after the worker of the proxy was killed", [outage(f"last{i}") for i in range(1, 50)])
    row(f"`list` of {JOBS + 50}", [call("list") for _ in range(10)])
    row(f"`gc` of {JOBS + 50}", [call("gc") for _ in range(10)])
    share = top_share()
    row(f"`down --all` of {JOBS + 50}, of each", [call("down", "--all") / (JOBS + 50)])
    print(f"\nA standing job: {of_proxies / (JOBS + 50):.0f} KiB (PSS) of its proxy's two processes, "
          f"{memory / (JOBS + 50):.0f} KiB of the kernel's slab and per-CPU memory.")
    print("It has " + ", ".join(f"{(has[what] - had[what]) / (JOBS + 50):.1f} {what}" for what in has) + ".")
    print(f"The packet filter with {JOBS + 50} jobs attached, per packet: "
          + ", ".join(f"`{name}` {cost:.0f} ns" for name, cost in costs.items()) + ".")
    print(f"`top` of {JOBS + 50} jobs: {100 * share:.1f} % of a processor.")
    print(f"The second half of {CYCLES} cycles changed the kernel's memory by {growth} KiB; no mount, pin, "
          "namespace or folder was left.")


main()
