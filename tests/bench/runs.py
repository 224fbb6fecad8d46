# SPDX-License-Identifier: BSD-2-Clause
"""Times commands with a network of their own, to be run on a lab's node. See the script runs."""

import statistics
import subprocess
import sys
import time

JOBFENCE, ROUNDS = sys.argv[1], int(sys.argv[2])
COMMANDS = {
    "`jobfence run --domain allowed.test -- true`": [JOBFENCE, "run", "--domain", "allowed.test", "--", "true"],
    "`jobfence run -- true`, without a network": [JOBFENCE, "run", "--", "true"],
    "`bwrap --unshare-all --ro-bind / / true`": ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"],
    "`unshare --net --mount --pid --fork true`": ["unshare", "--net", "--mount", "--pid", "--fork", "true"],
    "`docker run --rm --network private IMAGE true`": ["docker", "run", "--rm", "--network", "private", "box", "true"],
}


def call(command):
    """Runs a command and returns the time it took, in ms."""
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - start) * 1000


def main():
    for command in COMMANDS.values():
        call(command)
    rounds = [{what: call(command) for what, command in list(COMMANDS.items())[::-1 if i % 2 else 1]}
              for i in range(ROUNDS)]
    first = next(iter(COMMANDS))
    print("| command | median, ms | 99th percentile, ms | ratio to the first |\n| --- | ---: | ---: | ---: |")
    for what in COMMANDS:
        values = sorted(one[what] for one in rounds)
        ratio = statistics.median(one[what] / one[first] for one in rounds)
        print(f"| {what} | {statistics.median(values):.1f} | {values[len(values) * 99 // 100]:.1f} | {ratio:.2f} |")


main()
