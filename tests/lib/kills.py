#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs commands many times, and disturbs them at random moments.

usage: kills.py COUNT SEED COMMAND...
       kills.py COUNT SEED --storm JOBFENCE OTHER CGROUPS

The first form ends each run of the command by a random signal, with random output closed.

The second runs random verbs of two versions of jobfence, several at once, on few jobs. A third
of them are disturbed: the command is killed or stopped, it or its job is frozen, or the job's
proxy is killed or stopped. CGROUPS is where the cgroups are mounted. At the end everything is
thawed and continued. The program prints how many commands ended in which way, and which of them
did what no command may do ("strange").
"""

import collections
import contextlib
import glob
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time

PATIENCE = 60  # seconds that a run may take to end after its signal
SIGNALS = [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM, signal.SIGUSR1,
           signal.SIGALRM, signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGKILL, signal.SIGKILL]
LONGEST = 0.25  # seconds

WORKERS = 4
STORM_PATIENCE = 180  # some wait for the locks of several jobs, 25 s for each
DISTURBED = 0.5  # of these, as many end before: about a third is disturbed
JOBS = ["storm-1", "storm-2", "storm-3", "storm-4", "storm-5"]
# In a cgroup of others, in the node's namespace, and unfiltered.
THEIRS, NODE, OPEN = "storm-theirs", "storm-node", "storm-open"
STATES = {"up", "stuck", "cut-off", "ending", "unfenced", "gone", "half-made", "unreadable"}
# What a job tries: nothing of it may get out but the request for allowed.test.
ATTACK = r"""
trap '' PIPE
ask() { exec 3<>/dev/tcp/11.0.0.2/80 && printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' $1 >&3 && read -rt 2 <&3; exec 3<&-; }
for ((i = 0; i < $0; i++)); do
	: >/dev/tcp/11.0.0.2/81
	echo >/dev/udp/11.0.0.2/53
	ask denied.test
	ask allowed.test
	read -rt 0.05 <> <(:)
done 2>/dev/null
exit 0"""


def closed_pipe():
    read, write = os.pipe()
    os.close(read)
    return write


def output(choice):
    if choice == "gone":
        return closed_pipe()
    return os.open("/dev/full" if choice == "full" else "/dev/null", os.O_WRONLY)


def run(command):
    out, err = output(random.choice(["gone", "full", "there"])), output(random.choice(["gone", "full", "there"]))
    whom = random.choice(["run", "run", "group"])
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)
    os.close(out)
    os.close(err)
    try:
        process.wait(random.uniform(0, LONGEST))
    except subprocess.TimeoutExpired:
        (os.killpg if whom == "group" else os.kill)(process.pid, random.choice(SIGNALS))
    # Some signals are the command's to act on, and one of these does not end by them.
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return 1
    return 0


def write(path, text):
    with contextlib.suppress(OSError), open(path, "w", encoding="ascii") as file:
        file.write(text)


def processes(cgroup):
    try:
        with open(cgroup + "/cgroup.procs", encoding="ascii") as file:
            return [int(line) for line in file]
    except OSError:
        return []


def send(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Storm:
    def __init__(self, number, seed, programs, cgroups):
        self.random = random.Random(f"{seed} {number}")
        self.programs, self.cgroups = programs, cgroups
        self.own = f"{cgroups}/node/storm-{number}"
        self.endings, self.strange = collections.Counter(), []
        os.makedirs(self.own, exist_ok=True)

    def job(self):
        return self.random.choice(JOBS + [self.random.choice([THEIRS, NODE, OPEN])])

    def rate(self):
        return self.random.choice(["0", "256kbit", "1mbit", "8mbit"])

    def domains(self):
        return [word for name in ("allowed.test", "other.test", "*.wild.test") if self.random.random() < 0.6
                for word in ("--domain", name)]

    def options(self, job):
        if job == OPEN:
            return ["--network", "full", "--rate", "0"]
        options = self.domains()
        if options:
            options += ["--rate", self.rate(), "--pacing", self.random.choice(["auto", "auto", "proxy"])]
        if job == THEIRS:
            options += ["--cgroup", f"{self.cgroups}/{THEIRS}"]
        if job == NODE:
            options += ["--netns", "/proc/self/ns/net"]
        return options

    def attack(self, job):
        if job == OPEN:
            return ["--", "true"]
        return ["--", "bash", "-c", ATTACK, self.random.choice(["1", "2", "10"])]

    def words(self):
        """The words of a random command, and its job."""
        chance, job = self.random.choice, self.job()
        verb = chance(["up"] * 8 + ["down"] * 2 + ["exec"] * 4 + ["run"] * 3 + ["update"] * 3 +
                      ["repair", "repair", "gc", "upgrade", "upgrade", "list", "show"])
        if verb == "up":
            return ["up", "--job", job, "--label", "storm=" + chance("ab"), *self.options(job)], job
        if verb == "down" and self.random.random() < 0.05:
            return ["down", *chance([["--all"], ["--label", "storm=a"]])], job
        if verb == "exec":
            return ["exec", job, *self.attack(job)], job
        if verb == "run":
            job = chance(JOBS)
            return ["run", *chance([[], ["--job", job]]), *self.domains(), *self.attack(job)], job
        if verb == "update":
            return ["update", job, *chance([["--rate", self.rate()], ["--add-domain", "other.test"],
                                            ["--remove-domain", "other.test"], ["--add-domain", "allowed.test"]])], job
        if verb == "upgrade":
            return ["upgrade", *chance([["--all"], [job], [job, "--proxy"]])], job
        if verb in ("gc", "list"):
            return [verb, "--json"], job
        return [verb, job, *(["--json"] if verb == "show" else [])], job

    @contextlib.contextmanager
    def frozen(self, cgroup):
        write(cgroup + "/cgroup.freeze", "1")
        try:
            yield
        finally:
            write(cgroup + "/cgroup.freeze", "0")

    def disturb(self, process, job):
        """Does something to a command that runs, or to its job. Only a proxy may be stopped after it."""
        theirs = f"{self.cgroups}/jobfence/{job}"
        how = self.random.choice(["kill"] * 4 + ["stop"] * 2 + ["freeze"] * 3 + ["proxy"] * 2 + ["end"])
        while_still = self.random.choice([0.01, 0.1, 0.5, 1.5])
        end = self.random.random() < 0.5
        if how == "kill":
            (os.killpg if self.random.random() < 0.4 else os.kill)(process.pid, self.random.choice(SIGNALS))
        elif how == "stop":
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(while_still)
            os.kill(process.pid, signal.SIGKILL if end else signal.SIGCONT)
        elif how == "freeze":
            with self.frozen(self.random.choice([self.own, self.own, theirs, theirs + "/work", theirs + "/proxy", theirs + "/init",
                                                 os.path.dirname(theirs)])):
                time.sleep(while_still)
                if end:
                    process.kill()
        elif how == "proxy":
            pids = processes(theirs + "/proxy")
            send(self.random.sample(pids, min(len(pids), 1)), self.random.choice([signal.SIGKILL, signal.SIGSTOP]))
        else:
            write(self.random.choice([theirs, theirs + "/work", theirs + "/proxy"]) + "/cgroup.kill", "1")
        return how

    def judge(self, words, status, said, disturbed):
        """Why a command must not have ended so, if that is so."""
        out, errors = said
        free = words[0] in ("run", "exec")
        if disturbed or free and status != 125:
            return None
        if not free and not 0 <= status <= 5:
            return "a status that is not promised"
        if status and not free and not errors.strip():
            return "it does not say why"
        if any(not line.startswith("jobfence: ") for line in errors.splitlines()):
            return "a line that is not jobfence's"
        if status == 0 and "--json" in words:
            try:
                answer = json.loads(out)
            except ValueError:
                return "what it says is not JSON"
            if words[0] == "list" and not {job["state"] for job in answer} <= STATES:
                return "a state that does not exist"
        return None

    def command(self):
        words, job = self.words()
        files = [os.memfd_create(name) for name in ("out", "errors")]
        process = subprocess.Popen([self.random.choice(self.programs), *words], stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1],
                                   start_new_session=True, preexec_fn=lambda: write(self.own + "/cgroup.procs", "0"))
        how, begun = "", time.monotonic()
        if self.random.random() < DISTURBED:
            try:
                process.wait(self.random.choice([0.004, 0.04, 2 * LONGEST]) * self.random.random())
            except subprocess.TimeoutExpired:
                how = self.disturb(process, job)
        try:
            status = process.wait(STORM_PATIENCE)
        except subprocess.TimeoutExpired:
            status = "stuck"
            process.kill()
            process.wait()
        said = [os.pread(file, 1 << 20, 0).decode(errors="replace") for file in files]
        for file in files:
            os.close(file)
        why = "it is stuck" if status == "stuck" else self.judge(words, status, said, how)
        if why:
            self.strange.append(f"{why}: {words} {how} {status} {said}")
        errors = re.sub(r"[0-9]+", "N", said[1].split("\n")[0]) if words[0] not in ("run", "exec") or status == 125 else ""
        self.endings[f"{words[0]} {how or 'whole'}: {status} {errors}"] += 1
        self.endings["took over 10 s"] += time.monotonic() - begun > 10
        self.endings["disturbed"] += bool(how)


def blow(arguments):
    count, *rest = arguments
    storm = Storm(*rest)
    for _ in range(count):
        storm.command()
    os.rmdir(storm.own)
    return storm.endings, storm.strange


def calm(cgroups):
    """Thaws and continues everything."""
    for path in glob.glob(cgroups + "/jobfence/**/cgroup.freeze", recursive=True) + [f"{cgroups}/{THEIRS}/cgroup.freeze"]:
        write(path, "0")
        send(processes(os.path.dirname(path)), signal.SIGCONT)


def storm(count, seed, jobfence, other, cgroups):
    os.makedirs(f"{cgroups}/{THEIRS}", exist_ok=True)
    with multiprocessing.Pool(WORKERS) as pool:
        parts = pool.map(blow, [(count // WORKERS, number, seed, [jobfence, jobfence, other], cgroups) for number in range(WORKERS)])
    calm(cgroups)
    for ending, times in sorted(sum((part[0] for part in parts), collections.Counter()).items()):
        print(times, ending)
    strange = [line for part in parts for line in part[1]]
    print(*strange, sep="\n")
    print("strange", len(strange))


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    random.seed(seed)
    print("seed", seed)
    if sys.argv[3] == "--storm":
        storm(count, seed, *sys.argv[4:])
        return
    stuck = sum(run(sys.argv[3:]) for _ in range(count))
    print("stuck", stuck)


main()
