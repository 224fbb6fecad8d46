# SPDX-License-Identifier: BSD-2-Clause
"""Times what an executor pays for a job, to be run on a lab's node. See the script executor."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time

JOBFENCE, CYCLES = sys.argv[1], int(sys.argv[2])
DOMAINS = [f"host{i}.allowed.test" for i in range(20)]
SPEC = json.dumps({"job": "cycle", "network": {"type": "http", "domains": DOMAINS}, "labels": {"executor": "e1"}})
OPTIONS = ["--job", "cycle", "--label", "executor=e1", *(word for domain in DOMAINS for word in ("--domain", domain))]
WAYS = {"`up` with options": (OPTIONS, None), "`up` with a spec on standard input": (["--spec", "-"], SPEC)}


def used():
    """Seconds of processors that ended children took."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def call(verb, words, text=None):
    """Runs jobfence. Returns the time that it took, and that of processors, in ms."""
    before, start = used(), time.monotonic()
    subprocess.run([JOBFENCE, verb, "--json", *words], check=True, stdout=subprocess.PIPE, input=text, text=True)
    return (time.monotonic() - start) * 1000, (used() - before) * 1000


def row(what, calls):
    took = sorted(one for one, _ in calls)
    print(f"| {what} | {statistics.median(took):.1f} | {took[len(took) * 99 // 100]:.1f} | {took[-1]:.1f} | "
          f"{statistics.mean(of_processors for _, of_processors in calls):.1f} |", flush=True)


def state():
    """What the node has of jobs, and what this process holds."""
    with open("/proc/self/mounts", encoding="ascii") as file:
        cgroups = next(fields[1] for fields in map(str.split, file) if fields[2] == "cgroup2")
    folders = ("/run/jobfence/jobs", "/sys/fs/bpf/jobfence/jobs", "/run/netns", f"{cgroups}/jobfence", "/proc/self/fd")
    return {path: sorted(os.listdir(path)) for path in folders}


def main():
    calls = {"`list` of no job": [], **{way: [] for way in WAYS}, "`down`": []}
    call("up", OPTIONS)
    call("down", ["cycle"])
    before, start = state(), time.monotonic()
    for cycle in range(CYCLES):
        # Neither way always comes second.
        for way in sorted(WAYS, reverse=cycle % 2 == 1):
            calls[way].append(call("up", *WAYS[way]))
            calls["`down`"].append(call("down", ["cycle"]))
        calls["`list` of no job"].append(call("list", ["--label", "executor=nobody"]))
    seconds = time.monotonic() - start
    print("| what | median, ms | 99th percentile, ms | slowest, ms | processor, mean, ms |\n| --- | ---: | ---: | ---: | ---: |")
    for what, of_it in calls.items():
        row(what, of_it)
    print(f"\n{2 * CYCLES} jobs, one after another, in {seconds:.0f} s: {2 * CYCLES / seconds:.0f} in a second.")
    if state() != before:
        sys.exit(f"before: {before}\nafter: {state()}")


main()
