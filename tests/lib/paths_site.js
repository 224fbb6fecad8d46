// SPDX-License-Identifier: BSD-2-Clause
// A web server on the listening socket that is descriptor 3. Says in fields of its answers
// which request came, and which path Node finds in its target, by its two readers of URLs. An
// application would choose a place by that.
"use strict";

const url = require("url");

function placeOf(path) {
	const found = /^\/(open|closed)(?:\/|$)/.exec(path);
	return found ? found[1] : "other";
}

// Fields hold Latin-1.
function inBrackets(text) {
	return `[${Buffer.from(text, "utf8").toString("latin1")}]`;
}

require("http").createServer((request, response) => {
	const path = decodeURIComponent(new URL(request.url, "http://a.test").pathname);
	const older = decodeURIComponent(url.parse(request.url).pathname);
	response.setHeader("X-Method", `[${request.method}]`);
	response.setHeader("X-Target", `[${request.url}]`);
	response.setHeader("X-Path", inBrackets(path === older ? path : `${path} or ${older}`));
	response.setHeader("X-Place", `[${placeOf(path)}]`);
	response.end();
}).listen({ fd: 3 }, () => console.log("ready"));
