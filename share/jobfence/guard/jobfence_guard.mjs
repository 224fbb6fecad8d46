// SPDX-License-Identifier: BSD-2-Clause
/*
 * Keeps jobs from submitting jobs, in Express and Connect:
 *
 *	app.use(jobfenceGuard());
 *
 * and with node:http alone:
 *
 *	const guard = jobfenceGuard();
 *	http.createServer((request, response) => guard(request, response, () => handle(request, response)));
 */

const READS = ["GET", "HEAD", "OPTIONS"];

/* Answers 403 to requests of jobs that do more than read, and passes on all others. */
export function jobfenceGuard(header = "X-Jobfence-Job-ID") {
	const name = header.toLowerCase();

	return (request, response, next) => {
		if (request.headers[name] === undefined || READS.includes(request.method)) {
			next();
			return;
		}
		response.writeHead(403, { "Content-Type": "text/plain" });
		response.end("Jobs may not submit jobs.\n");
	};
}
