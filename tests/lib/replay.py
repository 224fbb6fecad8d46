# SPDX-License-Identifier: BSD-2-Clause
#
# replay.py ADDRESS LOG JOB FOLDER: sends what the job says in each seed of the fuzz target
# `request` (its source explains their form) to port 80 of ADDRESS, once as the first of its
# connection and once after a good request, and compares with what node_site.js wrote to
# LOG. Prints a line for each seed that Node read otherwise than the proxy: as more or fewer
# requests than were answered, or malformed, or without exactly one header of ours after a
# Host that is allowed. As its last line, how many requests Node read.

import json, os, re, socket, sys

ALLOWED = re.compile(r"(a\.test|(?!x\.)([a-z_0-9]+\.)?b\.test)(:80)?")

# Node knows a list of methods; to the proxy any token is one. A request that the job cuts
# may be on its way when the proxy sees its end. If the proxy took it for a whole one, it
# would wait for its answer beyond the patience of answers().
NO_FAULT = "HPE_INVALID_METHOD", "HPE_INVALID_EOF_STATE"

BEFORE = b"POST /before HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"


def texts(seed):
	"""What the job says on the first connection; None where that is not one to port 80, or is none of HTTP."""
	marked = seed if seed.startswith(b"~") else b"~n8~j" + seed
	said, where = b"", b""
	for mark in re.finditer(rb"~([^~])((?:[^~]|~~)*)", marked, re.S):
		if mark[1] == b"n" and where:
			break
		if mark[1] == b"n":
			where = mark[2][:1]
		if mark[1] == b"j":
			said += mark[2].replace(b"~~", b"~")
	return said if where in b"8p" and not re.match(rb"\x16|CONNECT \S*:443 ", said) else None


def answers(address, before, text):
	"""How many of what the job sent was answered by the site, before the connection ended."""
	with socket.create_connection((address, 80), 20) as client:
		client.sendall(before)
		answer = b""
		while before and not answer.endswith(b"this is node\n"):
			answer += client.recv(65536) or sys.exit("the good request is not answered")
		# The end comes with the rest. So Node mostly sees nothing of a request that
		# is cut.
		client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
		try:
			client.sendall(text)
			client.shutdown(socket.SHUT_WR)
		except OSError:
			pass # refused already
		try:
			while data := client.recv(65536):
				answer += data
		except ConnectionResetError:
			pass
	return len(re.findall(rb"X-Site: node", answer))


def is_ours(headers, job):
	pairs = list(zip(headers[::2], headers[1::2]))
	stamps = [value for name, value in pairs if re.sub("[^a-z]", "-", name.lower()) == "x-jobfence-job-id"]
	hosts = [value for name, value in pairs if name.lower() == "host"]
	return stamps == [job] and len(hosts) == 1 and ALLOWED.fullmatch(hosts[0])


def main(address, log, job, folder):
	count = 0
	with open(log) as lines:
		for name in sorted(os.listdir(folder)):
			with open(os.path.join(folder, name), "rb") as seed:
				text = texts(seed.read())
			if text is None:
				continue
			for before in b"", BEFORE:
				lines.seek(0, os.SEEK_END)
				answered = answers(address, before, text)
				seen = [json.loads(line) for line in lines]
				requests = [each for each in seen if "line" in each]
				whole = [each for each in requests if "upgrade" not in each]
				errors = [each for each in seen if each.get("error", "").startswith("HPE")
						and each["error"] not in NO_FAULT]
				count += len(requests)
				if errors or len(whole) != answered or not all(
					is_ours(each["headers"], job) and not each.get("trailers") for each in requests):
					print(f"{name}: {answered} answers{' with one before it' if before else ''}, but Node saw {seen}")
	print(count)


main(*sys.argv[1:])
