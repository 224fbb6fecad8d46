# SPDX-License-Identifier: BSD-2-Clause
"""Measures throttles, to be run on a lab's node. See the script throttle."""

import bisect
import contextlib
import csv
import itertools
import json
import math
import os
import platform
import signal
import struct
import subprocess
import sys

JOBFENCE, FOLDER, *THROTTLES = sys.argv[1:]
TRAFFIC = ["python3", "-SE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "traffic.py")]
CAPTURE = os.path.join(os.environ["WORK"], "capture")
INTERNET = ["nsenter", "--net=" + os.environ["INTERNET"]]
JOB_NETNS = ["nsenter", "--net=/run/netns/jobfence-bench"]
SITE = ["env", "SITE=site.test"]

ALL_RATES = {"500kbit": 5e5, "1mbit": 1e6, "10mbit": 1e7, "100mbit": 1e8}
RATES = {name: ALL_RATES[name] for name in os.environ.get("RATES", " ".join(ALL_RATES)).split()}
DIRECTIONS = ("up", "down", "both")
CONNECTIONS = tuple(map(int, os.environ.get("CONNECTIONS", "1 4 32").split()))
WARM_UP = 2  # seconds
MEASURED = float(os.environ.get("SECONDS_EACH", "6"))
ORACLE_RATE, ORACLE_TOLERANCE = "40mbit", 0.01  # of test_tc_edt.sh, of Linux
ORACLE_SECONDS = int(os.environ.get("ORACLE_SECONDS", "20"))
SHORT_REQUESTS, SHORT_PATIENCE = 20, 200  # milliseconds beside a download
SEGMENT, HEADERS = 1448, 52
PORTS = (80, 1)  # of a site, and where the proxy listens in a job's namespace
BIN = 0.05  # seconds


@contextlib.contextmanager
def busy():
    """Where the clock goes on when the processor idles ($VM_CLOCK), a wait for the machine outside would be an eternity."""
    spinner = os.fork() if os.environ.get("VM_CLOCK") else None
    if spinner == 0:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        while True:
            pass
    try:
        yield
    finally:
        if spinner:
            os.kill(spinner, signal.SIGKILL)
            os.waitpid(spinner, 0)


def run(*command):
    with busy():
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Job:
    """A job's own throttle. Its packets are seen on its `lo`, after the queueing discipline; where the proxy paces, those
    of an upload where they leave the node."""

    def __init__(self, pacing, rate):
        run(JOBFENCE, "up", "--job", "bench", "--domain", "site.test", "--rate", rate, "--pacing", pacing)
        self.captures = [([*JOB_NETNS, "tcpdump", "-i", "lo"], ("up", "down"))]
        if pacing == "proxy":
            self.captures = [([*JOB_NETNS, "tcpdump", "-i", "lo"], ("down",)),
                             (["tcpdump", "-i", "uplink", "-Q", "out"], ("up",))]
        self.client = [JOBFENCE, "exec", "--no-proxy-env", "bench", "--", *SITE]

    @staticmethod
    def end():
        run(JOBFENCE, "down", "bench")


class Discipline:
    """A queueing discipline on either end of the node's cable."""

    ENDS = (([], "uplink", ("11.0.0.2", "11.0.0.3", "11.0.0.53")), (INTERNET, "eth0", ("11.0.0.1",)))

    def __init__(self, kind, rate):
        for enter, device, _ in self.ENDS:
            tc = [*enter, "tc"]
            if kind == "tbf":
                run(*tc, "qdisc", "replace", "dev", device, "root", "tbf", "rate", rate,
                    "burst", "32kbit", "latency", "10sec")
            else:
                run(*tc, "qdisc", "replace", "dev", device, "root", "handle", "1:", "htb", "default", "1")
                run(*tc, "class", "add", "dev", device, "parent", "1:", "classid", "1:1", "htb", "rate", rate)
        self.captures = [(["tcpdump", "-i", "uplink"], ("up", "down"))]
        self.client = [*SITE]

    def end(self):
        for enter, device, _ in self.ENDS:
            run(*enter, "tc", "qdisc", "delete", "dev", device, "root")

    @classmethod
    def introduce(cls):
        """Tells each end the other's hardware address, once: else it would ask, and the answer wait in the queue."""
        for (enter, device, peers), (other, far, _) in (cls.ENDS, cls.ENDS[::-1]):
            link, = json.loads(subprocess.check_output([*other, "ip", "-j", "link", "show", far]))
            for peer in peers:
                run(*enter, "ip", "neighbour", "replace", peer, "lladdr", link["address"], "dev", device, "nud", "permanent")


def packets(path):
    """Of each TCP packet over IPv4 of a capture: time in seconds, its direction, bytes on the wire, of them payload."""
    with open(path, "rb") as file:
        file.read(24)
        while len(head := file.read(16)) == 16:
            seconds, microseconds, length, _ = struct.unpack("=IIII", head)
            frame = file.read(length)
            if frame[12:14] != b"\x08\x00" or frame[23] != 6:
                continue
            source, to = struct.unpack_from("!HH", frame, 34)
            total, = struct.unpack_from("!H", frame, 16)
            payload = total - 20 - (frame[46] >> 4) * 4
            # What is cut into segments later has a header for each.
            wire = total + max(0, (payload - 1) // SEGMENT) * HEADERS
            yield seconds + microseconds / 1e6, "up" if to in PORTS else "down" if source in PORTS else None, wire, payload


def capture(throttle, direction, connections, seconds):
    """Lets traffic flow. Returns when it began and for each direction its packets (time, wire, payload)."""
    taps, paths = [], []
    for i, (command, _) in enumerate(throttle.captures):
        paths.append(f"{CAPTURE}{i}")
        taps.append(subprocess.Popen(
            [*command, "-Z", "root", "-s", "80", "-B", "16384", "-w", paths[-1], "tcp and (" + " or ".join(f"port {port}" for port in PORTS) + ")"],
            stderr=subprocess.PIPE, text=True))
        said = iter(taps[-1].stderr.readline, "")
        if not any("listening" in line for line in said):
            sys.exit(f"{' '.join(command)} ended before it listened: is tcpdump installed?")
    began = float(subprocess.check_output(
        [*throttle.client, *TRAFFIC, direction, str(connections), str(seconds)]))
    seen = {"up": [], "down": []}
    for tap, path, (_, directions) in zip(taps, paths, throttle.captures):
        tap.terminate()
        tap.communicate()
        for time, way, wire, payload in packets(path):
            if way in directions:
                seen[way].append((time, wire, payload))
    return began, seen


def largest(trace, window):
    """The most bytes in any window of that many seconds."""
    sums = [0, *itertools.accumulate(wire for _, wire, _ in trace)]
    times = [time for time, _, _ in trace]
    return max(sums[bisect.bisect_left(times, time + window)] - sums[i] for i, time in enumerate(times))


def measure(throttle, rate, direction, connections, seconds):
    """Yields for each direction that was filled: (direction, wire and payload over the rate, the largest windows of 10 and
    of 100 ms over what the rate gives in them), and its packets."""
    began, seen = capture(throttle, direction, connections, seconds + WARM_UP + 1)
    for way in ("up", "down") if direction == "both" else (direction,):
        begin = began + WARM_UP
        trace = [packet for packet in seen[way] if begin <= packet[0] < begin + seconds]
        bits = {window: 8 * largest(trace, window) / (rate * window) for window in (0.01, 0.1)}
        yield (way, 8 * sum(wire for _, wire, _ in trace) / (rate * seconds),
               8 * sum(payload for _, _, payload in trace) / (rate * seconds), bits[0.01], bits[0.1]), trace


def make(kind, rate):
    return Job(kind, rate) if kind in ("edt", "proxy") else Discipline(kind, rate)


def append(name):
    return open(os.path.join(FOLDER, name), "a", encoding="ascii", newline="")


def note(text):
    print(text, flush=True)
    with append("notes") as file:
        file.write(f"- {text}\n")


def write_series(kind, trace):
    """What went in each bin, in Mbit/s."""
    bins = {}
    for time, wire, _ in trace:
        at = int((time - trace[0][0]) / BIN)
        bins[at] = bins.get(at, 0) + wire
    with append("series.csv") as file:
        for at in range(max(bins)):
            file.write(f"{kind},{at * BIN:.2f},{bins.get(at, 0) * 8 / BIN / 1e6:.4f}\n")


def oracle(kind):
    """So many seconds each way have to be within one percent of the rate on the wire."""
    good = True
    for direction in ("up", "down"):
        throttle = make(kind, ORACLE_RATE)
        (result, _), = measure(throttle, 4e7, direction, 1, ORACLE_SECONDS)
        throttle.end()
        good &= abs(result[1] - 1) <= ORACLE_TOLERANCE
        note(f"`{kind}`, {ORACLE_SECONDS} seconds of {direction}load at {ORACLE_RATE}: {result[1]:.4f} of the rate on the wire.")
    return good


def first_byte(kind):
    """How long a short request takes to its first byte, alone and beside a download that fills the rate. Returns whether half of
    them took no longer than they may."""
    throttle = make(kind, "1mbit")
    request = [*throttle.client, "curl", "-sS", "-o", "/dev/null", "-w", "%{time_starttransfer}", "http://site.test/short"]

    def times():
        """The median, and both in words."""
        try:
            found = sorted(float(subprocess.run(request, check=True, stdout=subprocess.PIPE).stdout) * 1000
                           for _ in range(SHORT_REQUESTS))
        except subprocess.CalledProcessError as error:
            return math.inf, f"never, curl ended with status {error.returncode}"
        median = found[len(found) // 2]
        return median, f"after {median:.0f} ms in the median, {found[-1]:.0f} ms at most"

    with busy():
        _, alone = times()
        with subprocess.Popen([*throttle.client, *TRAFFIC, "down", "1", "600"],
                              stdout=subprocess.DEVNULL) as bulk:
            median, beside = times()
            bulk.terminate()
    throttle.end()
    note(f"`{kind}`, the first byte of {SHORT_REQUESTS} short requests at 1mbit: {alone}, alone; {beside}, beside a download.")
    return median <= SHORT_PATIENCE


def main():
    release, good = platform.release(), True
    Discipline.introduce()
    # Once without a throttle and a measurement, so that no file has to be read later.
    run(*SITE, *TRAFFIC, "both", str(max(CONNECTIONS, default=1)), "1")
    with append("points.csv") as file:
        table = csv.writer(file)
        for kind in THROTTLES:
            for (name, rate), direction, connections in itertools.product(RATES.items(), DIRECTIONS, CONNECTIONS):
                throttle = make(kind, name)
                for result, trace in measure(throttle, rate, direction, connections, MEASURED):
                    table.writerow([release, kind, name, direction, connections, result[0],
                                    *(f"{value:.4f}" for value in result[1:])])
                    print(kind, name, direction, connections, *(f"{v:.3f}" for v in result[1:]), flush=True)
                    if (name, direction, connections) == ("1mbit", "down", 1):
                        write_series(kind, trace)
                throttle.end()
                file.flush()
            in_time = first_byte(kind)
            if kind == "edt":
                good &= in_time and oracle(kind)
    sys.exit(not good)


main()
