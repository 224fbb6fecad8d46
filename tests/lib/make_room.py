# SPDX-License-Identifier: BSD-2-Clause
"""
Prints answers to four clients of a job that may have three connections. The first client lends its connection
to the site. That of the second is kept after it, and has to go when the first one's is to be kept.
"""

import http.client


def connect(name):
    client = http.client.HTTPConnection(name)
    client.connect()
    return client


def ask(client):
    client.request("GET", "/")
    print(client.getresponse().read().decode(), end="")


first, second = connect("allowed.test"), connect("other.test")
ask(first)
ask(second)
second.close()
third = connect("allowed.test")
first.close()
ask(third)
third.close()
ask(connect("other.test"))
