# SPDX-License-Identifier: BSD-2-Clause
"""Checks that the manifests in a folder agree with each other: kubernetes_files.py FOLDER [KIND]

Prints each mistake. With KIND it prints the object of that kind as JSON instead. Whether a
cluster takes them only its API server knows.
"""

import json
import pathlib
import re
import sys

import yaml

DOMAINS = "io.jobfence.domains"
ALLOWED = "io.jobfence.allow-domains"
# Kinds of volumes whose server the author of a pod can't name.
VOLUMES = {
    "configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}
# What has the kubelet run or send something.
HANDLERS = {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"}


def read(folder):
    """Returns all objects, by their kind."""
    objects = {}
    for path in sorted(folder.glob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            objects.setdefault(one["kind"], []).append(one)
    return objects


def mistakes(objects, install):
    """Yields what does not fit together."""
    (runtime,), (pod,), (daemons,) = objects["RuntimeClass"], objects["Pod"], objects["DaemonSet"]
    (policy,), (binding,) = objects["ValidatingAdmissionPolicy"], objects["ValidatingAdmissionPolicyBinding"]
    namespaces = {each["metadata"]["name"]: each["metadata"] for each in objects["Namespace"]}
    name = runtime["metadata"]["name"]
    if f"table {runtime['handler']} " not in install:
        yield f"install-node configures no {runtime['handler']}"
    if pod["spec"]["runtimeClassName"] != name:
        yield f"the pod is not of {name}"
    if f"runtimeClassName == '{name}'" not in policy["spec"]["variables"][0]["expression"]:
        yield f"the admission policy is not for {name}"
    if binding["spec"]["policyName"] != policy["metadata"]["name"]:
        yield "the binding names another policy"
    asked = pod["metadata"]["annotations"][DOMAINS].split(",")
    allowed = namespaces[pod["metadata"]["namespace"]]["annotations"][ALLOWED].split(",")
    if not set(asked) <= set(allowed):
        yield f"the namespace of the pod does not allow {asked}"
    annotations = policy["spec"]["validations"][1]["expression"]
    for key in pod["metadata"]["annotations"]:
        if f"'{key}'" not in annotations:
            yield f"the admission policy knows no {key}"
    rules = " ".join(each["expression"] for each in policy["spec"]["validations"])
    if set(re.findall(r"has\(volume\.(\w+)\)", rules)) != VOLUMES or "!has(volume." in rules:
        yield "the admission policy allows other volumes"
    held = set(re.findall(r"!has\(each\.([\w.]+)\) \|\| has\(each\.\1\.exec\)", rules))
    for handler in sorted(HANDLERS - held):
        yield f"the admission policy lets the kubelet send requests by {handler}"
    template = daemons["spec"]["template"]
    if template["metadata"]["labels"] != daemons["spec"]["selector"]["matchLabels"]:
        yield "the DaemonSet does not select its pods"
    if template["spec"]["nodeSelector"] != runtime["scheduling"]["nodeSelector"]:
        yield "the DaemonSet and the RuntimeClass are for different nodes"
    if daemons["metadata"]["namespace"] not in namespaces:
        yield "the DaemonSet's namespace is missing"
    volumes = {each["name"] for each in template["spec"]["volumes"]}
    for container in template["spec"]["initContainers"] + template["spec"]["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"there is no volume {mount['name']}"


def main():
    folder = pathlib.Path(sys.argv[1])
    objects = read(folder)
    if len(sys.argv) > 2:
        print(json.dumps(objects[sys.argv[2]][0]))
        return 0
    found = list(mistakes(objects, (folder / "install-node").read_text(encoding="utf-8")))
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


sys.exit(main())
