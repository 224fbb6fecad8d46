// SPDX-License-Identifier: BSD-2-Clause
// A web server on the listening socket that is descriptor 3. Its answers say which request they answer (X-Token, and
// the body) and what header of a job that had (X-Stamp). The first part of a path is how it answers.
"use strict";

const KEEP = 20; // ms that an idle connection stays open: clients meet its end
const server = require("http").createServer((request, response) => {
	const kind = request.url.split("/")[1], body = request.url + "\n";
	const stamps = request.rawHeaders.filter((_, i, all) => i % 2 && all[i - 1].toLowerCase() === "x-jobfence-job-id");
	const ways = {
		slow: () => { response.write(body); setTimeout(() => response.end(), 5); },
		chunks: () => { for (let i = 0; i < 50; i++) response.write(body); response.end(); },
		interim: () => { response.writeProcessing(); response.writeProcessing(); response.end(body); },
		cut: () => { response.setHeader("Content-Length", 1000); response.write(body, () => request.socket.destroy()); },
		vanish: () => request.socket.destroy(),
		leave: () => response.end(body, () => request.socket.destroySoon()),
		early: () => response.end(body),
	};

	response.setHeader("X-Token", request.url);
	response.setHeader("X-Stamp", stamps.join());
	if (kind === "early")
		ways.early();
	else
		request.on("end", ways[kind] || ways.early);
	request.resume();
}).listen({ fd: 3 }, () => console.log("ready"));

server.keepAliveTimeout = KEEP;
