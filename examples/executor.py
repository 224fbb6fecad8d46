#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""usage: executor.py FOLDER NAME

Works off the jobs in FOLDER/queue, as executor.sh does, and may share a folder with it
under another NAME. It also watches its jobs: refusals go to standard error, and all events
of a job to FOLDER/done/ID.events. One that was killed is simply started again: it removes
what its earlier life left, and its unfinished job runs once more.
"""

import fcntl
import json
import pathlib
import subprocess
import sys
import threading

NEVER_BEGAN = 125


def call(*words, **options):
    """Runs a command and returns what it did, with its output."""
    return subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False, **options)


def words(values):
    """The values as words of a command. Raises ValueError for one that is none."""
    for value in values:
        if not isinstance(value, str) or "\0" in value:
            raise ValueError(f"{value!a} is no word")
        value.encode()
    return list(values)


def events(job, *options):
    """The command that prints what happens to a job, a line of JSON for each event."""
    return ["jobfence", "events", job, "--json", *options]


class Executor:
    def __init__(self, folder, name):
        self.name = name
        self.queue, self.done, self.refused = (folder / part for part in ("queue", "done", "refused"))
        self.running = folder / "running" / name
        for path in (self.queue, self.done, self.refused, self.running):
            path.mkdir(parents=True, exist_ok=True)
        # Children don't inherit it, so it is free once this process has gone.
        self.lock = open(self.running / ".lock", "w", encoding="ascii")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"executor.py: {name} is at work already")
        # Docker with the cgroup driver of systemd wants a slice.
        self.slice = call("docker", "info", "--format", "{{.CgroupDriver}}").stdout.strip() == "systemd"

    def recover(self):
        """Removes what carries our label: it is ours, whoever started it."""
        for left in call("docker", "ps", "--all", "--quiet", "--filter", f"label=executor={self.name}").stdout.split():
            call("docker", "rm", "--force", left)
        subprocess.run(["jobfence", "gc", "--label", f"executor={self.name}"], stdout=sys.stderr, check=False)
        for path in self.running.glob("*.json"):
            path.rename(self.queue / path.name)

    def spec(self, job_id, fence):
        """The spec of `up`: the author's wishes, under a name and a label of ours."""
        labels = {**fence.get("labels", {}), "executor": self.name}
        return json.dumps({**fence, "job": f"{self.name}-{job_id}", "labels": labels, "slice": self.slice})

    def bid(self, job_id, spec):
        """Whether this node takes the job. If not, the reason is kept."""
        checked = call("jobfence", "policy", "check", "--spec", "-", input=spec, stderr=subprocess.PIPE)
        if checked.returncode:
            (self.refused / f"{job_id}.log").write_text(checked.stderr, encoding="utf-8")
        return checked.returncode == 0

    def watch(self, job, lines, last):
        """Keeps the events after the number `last`, until the job ends, and says refusals."""
        with open(self.done / f"{job.removeprefix(self.name + '-')}.events", "w", encoding="utf-8") as file:
            for line in lines:
                event = json.loads(line)
                if event.get("number", last) <= last:
                    continue  # of an earlier job of that name
                file.write(line)
                if event["kind"] == "refusal":
                    print(f"{job}: refused {event['name'] or event['address']!a}: {event['reason']}", file=sys.stderr)
                if event["kind"] == "ended":
                    break

    def start(self, job, fence, image, command, log):
        """Runs the container to its end. Returns its status."""
        parent = fence["slice"] or fence["cgroup"].removeprefix("/sys/fs/cgroup")
        variables = [f"--env={key}={value}" for key, value in fence["env"].items()]
        return subprocess.run(
            ["docker", "run", "--rm", "--name", job, "--label", f"executor={self.name}", "--runtime", "jobfence",
             "--network", "none", "--cgroup-parent", parent, *variables, "--", image, *command],
            stdout=log, stderr=log, check=False).returncode

    def run(self, job_id, spec, image, command, log):
        """Runs a job behind its fence. Returns its status; NEVER_BEGAN: it never began."""
        job = f"{self.name}-{job_id}"
        before = map(json.loads, call(*events(job), stderr=subprocess.DEVNULL).stdout.splitlines())
        last = max((event.get("number", 0) for event in before), default=0)
        up = call("jobfence", "up", "--json", "--spec", "-", input=spec, stderr=log)
        if up.returncode:
            return NEVER_BEGAN
        with subprocess.Popen(events(job, "--follow"), stdout=subprocess.PIPE, text=True) as follower:
            watcher = threading.Thread(target=self.watch, args=(job, follower.stdout, last))
            watcher.start()
            status = self.start(job, json.loads(up.stdout), image, command, log)
            down = call("jobfence", "down", job, "--json", stderr=log)
            # If the job did not end there is no event of it. `recover` tries again.
            watcher.join(timeout=0 if down.returncode else 10)
            follower.terminate()
        for report in json.loads(down.stdout).get("ended", []):
            (self.done / f"{job_id}.report").write_text(json.dumps(report), encoding="utf-8")
        return status

    def work(self, path):
        """Runs the job in a file of the queue, or refuses it."""
        mine = self.running / path.name
        try:
            path.rename(mine)
            job = json.loads(mine.read_text(encoding="utf-8"))
            image, *command = words([job["image"], *job["command"]])
            spec = self.spec(path.stem, job["fence"])
        except FileNotFoundError:
            return None  # another executor has it
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            (self.refused / f"{path.stem}.log").write_text(f"{error!r}\n", encoding="utf-8")
            return mine.rename(self.refused / path.name)
        if not self.bid(path.stem, spec):
            return mine.rename(self.refused / path.name)
        with open(self.done / f"{path.stem}.log", "wb") as log:
            status = self.run(path.stem, spec, image, command, log)
        (self.done / f"{path.stem}.status").write_text(f"{status}\n", encoding="ascii")
        return mine.rename(self.done / path.name)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    executor = Executor(pathlib.Path(sys.argv[1]), sys.argv[2])
    executor.recover()
    for waiting in sorted(executor.queue.glob("*.json")):
        executor.work(waiting)
