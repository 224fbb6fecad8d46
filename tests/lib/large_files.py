#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""
A CGI program: a server of Git LFS that keeps objects in the folder $LARGE_FILES.

	POST /objects/batch	where to up- or download, as JSON (the API of Git LFS)
	PUT, GET /objects/OID	an object
"""

import json
import os
import sys

TYPE = "application/vnd.git-lfs+json"


def answer(body, kind=TYPE, status="200 OK"):
    sys.stdout.write(f"Status: {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n")
    sys.stdout.flush()
    sys.stdout.buffer.write(body)


def batch(request):
    def item(wanted):
        path = os.path.join(os.environ["LARGE_FILES"], wanted["oid"])
        found = {"oid": wanted["oid"], "size": wanted["size"]}
        link = {"href": f"{os.environ['REQUEST_SCHEME']}://{os.environ['HTTP_HOST']}/objects/{wanted['oid']}"}
        if request["operation"] == "download" or not os.path.exists(path):
            found["actions"] = {request["operation"]: link}
        return found

    answer(json.dumps({"transfer": "basic", "objects": [item(one) for one in request["objects"]]}).encode())


def main():
    name = os.path.basename(os.environ.get("PATH_INFO", ""))
    path = os.path.join(os.environ["LARGE_FILES"], name)
    method = os.environ["REQUEST_METHOD"]
    if name == "batch":
        batch(json.load(sys.stdin))
    elif method == "PUT":
        with open(path, "wb") as file:
            file.write(sys.stdin.buffer.read(int(os.environ["CONTENT_LENGTH"])))
        answer(b"")
    elif method == "GET" and os.path.exists(path):
        with open(path, "rb") as file:
            answer(file.read(), "application/octet-stream")
    else:
        answer(b'{"message": "not found"}', status="404 Not Found")


main()
