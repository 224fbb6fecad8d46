#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Asks a container runtime as a kubelet does, by the API of CRI (runtime.v1).

	cri.py run POD HANDLER			prints the id of the new sandbox
	cri.py create POD SANDBOX NAME IMAGE COMMAND...	prints the id of the new container
	cri.py start CONTAINER
	cri.py exec CONTAINER COMMAND...	ends with the status of the command
	cri.py status CONTAINER			prints `created`, `running` or `exited STATUS`
	cri.py address SANDBOX			prints the pod's address
	cri.py ready SANDBOX			prints whether it is, `yes` or `no`
	cri.py stop-container | remove-container CONTAINER
	cri.py stop | remove SANDBOX

NAME ends with # and a number for a container that restarts. POD is a file with a
PodSandboxConfig, as JSON with the names of CRI. `log` in it names the file for the output
of containers, in its log_directory. The messages are few, so they are encoded here
(https://protobuf.dev/programming-guides/encoding/).
"""

import json
import sys
import time

import grpc

SOCKET = "unix:///run/containerd/containerd.sock"
PATIENCE = 240  # seconds, which only a fault takes

# A field is its number and its type: "text", "number", "map" of texts, or a message's
# fields. A list of a type stands for repeated fields.
NAMESPACES = {"network": (1, "number"), "pid": (2, "number")}
POD = {
    "metadata": (1, {"name": (1, "text"), "uid": (2, "text"), "namespace": (3, "text"), "attempt": (4, "number")}),
    "hostname": (2, "text"),
    "log_directory": (3, "text"),
    "dns_config": (4, {"servers": (1, ["text"]), "searches": (2, ["text"]), "options": (3, ["text"])}),
    "annotations": (7, "map"),
    "linux": (8, {
        "cgroup_parent": (1, "text"),
        "security_context": (2, {"namespace_options": (1, NAMESPACES)}),
    }),
}
CONTAINER = {
    "metadata": (1, {"name": (1, "text"), "attempt": (2, "number")}),
    "image": (2, {"image": (1, "text")}),
    "command": (3, ["text"]),
    "log_path": (11, "text"),
    "linux": (15, {"security_context": (2, {"namespace_options": (3, NAMESPACES)})}),
}
STATES = ["created", "running", "exited"]


def varint(number):
    """Encodes a number of zero or more."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def field(number, kind, value):
    """Encodes one field."""
    if isinstance(kind, list):
        return b"".join(field(number, kind[0], item) for item in value)
    if kind == "number":
        return varint(number << 3) + varint(value)
    if kind == "map":
        return b"".join(
            field(number, {"key": (1, "text"), "value": (2, "text")}, {"key": key, "value": text})
            for key, text in value.items())
    data = value.encode() if kind == "text" else message(kind, value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def message(fields, values):
    """Encodes a message."""
    return b"".join(field(*fields[name], value) for name, value in values.items())


def read_varint(data, at):
    """Decodes a number. Returns it and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def fields_of(data):
    """Decodes a message to the last value of each number: a number, or bytes."""
    found, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        elif key & 7:
            raise ValueError(f"a field of type {key & 7}")
        found[key >> 3] = value
    return found


def call(channel, method, *fields):
    """Calls a method with the fields, each as for field(). Returns the answer's fields."""
    request = b"".join(field(*each) for each in fields)
    ask = channel.unary_unary(f"/runtime.v1.RuntimeService/{method}")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return fields_of(ask(request, timeout=PATIENCE, wait_for_ready=True))
        except grpc.RpcError as error:
            # containerd takes calls before it has found its own pods again.
            if "not initialized" not in error.details() or time.monotonic() > end:
                raise
        time.sleep(0.1)


def read_pod(path):
    """Reads the file of a pod. Returns it, and the name of its log."""
    with open(path, encoding="utf-8") as file:
        pod = json.load(file)
    return pod, pod.pop("log", "")


def run(channel, path, handler):
    pod, _ = read_pod(path)
    print(call(channel, "RunPodSandbox", (1, POD, pod), (2, "text", handler))[1].decode())


def create(channel, path, sandbox, name, image, *command):
    pod, log = read_pod(path)
    name, _, attempt = name.partition("#")
    container = {
        "metadata": {"name": name, "attempt": int(attempt or 0)},
        "image": {"image": image},
        "command": command,
        "log_path": log,
        "linux": {"security_context": pod["linux"]["security_context"]},
    }
    answer = call(channel, "CreateContainer", (1, "text", sandbox), (2, CONTAINER, container), (3, POD, pod))
    print(answer[1].decode())


def execute(channel, container, *command):
    answer = call(channel, "ExecSync", (1, "text", container), (2, ["text"], command), (3, "number", PATIENCE))
    for number, stream in (1, sys.stdout), (2, sys.stderr):
        stream.buffer.write(answer.get(number, b""))
    return answer.get(3, 0)


def status(channel, container):
    state = fields_of(call(channel, "ContainerStatus", (1, "text", container))[1])
    name = STATES[state.get(3, 0)]
    print(f"{name} {state.get(7, 0)}" if name == "exited" else name)


def address(channel, sandbox):
    state = fields_of(call(channel, "PodSandboxStatus", (1, "text", sandbox))[1])
    print(fields_of(state[5])[1].decode())


def ready(channel, sandbox):
    state = fields_of(call(channel, "PodSandboxStatus", (1, "text", sandbox))[1])
    print("no" if state.get(3, 0) else "yes")


def simple(method, *fields):
    """A verb that names one thing, and prints nothing."""
    def verb(channel, name):
        call(channel, method, (1, "text", name), *fields)
    return verb


VERBS = {
    "run": run,
    "create": create,
    "start": simple("StartContainer"),
    "exec": execute,
    "status": status,
    "address": address,
    "ready": ready,
    "stop-container": simple("StopContainer", (2, "number", 1)),
    "remove-container": simple("RemoveContainer"),
    "stop": simple("StopPodSandbox"),
    "remove": simple("RemovePodSandbox"),
}


def main():
    with grpc.insecure_channel(SOCKET) as channel:
        try:
            return VERBS[sys.argv[1]](channel, *sys.argv[2:])
        except grpc.RpcError as error:
            print(error.details(), file=sys.stderr)
            return 1


sys.exit(main())
