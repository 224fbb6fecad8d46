// SPDX-License-Identifier: BSD-2-Clause
// A web server on the listening socket that is descriptor 3. Answers each request with its target, and with the path
// that Node finds in it.
"use strict";

require("http").createServer((request, response) => {
	response.end(`${request.url}\n${decodeURIComponent(new URL(request.url, "http://a.test").pathname)}`);
}).listen({ fd: 3 }, () => console.log("ready"));
