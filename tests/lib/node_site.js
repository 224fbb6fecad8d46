// SPDX-License-Identifier: BSD-2-Clause
// A web server with Node's parser, on the listening socket that is descriptor 3. Writes what it received to
// standard output, a JSON object a line: requests with their raw headers and body, and errors.
"use strict";

const say = (object) => process.stdout.write(JSON.stringify(object) + "\n");

require("http").createServer((request, response) => {
	let body = "";

	request.setEncoding("latin1");
	request.on("data", (data) => { body += data; });
	request.on("end", () => {
		say({ line: `${request.method} ${request.url}`, headers: request.rawHeaders, body,
			trailers: request.rawTrailers });
		response.setHeader("X-Site", "node");
		response.end("this is node\n");
	});
}).on("clientError", (error, socket) => {
	say({ error: error.code });
	socket.destroy();
}).on("upgrade", (request, socket) => {
	say({ line: `${request.method} ${request.url}`, headers: request.rawHeaders, upgrade: true });
	socket.destroy();
}).listen({ fd: 3 }, () => say({ ready: true }));
