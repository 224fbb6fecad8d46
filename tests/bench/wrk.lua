-- SPDX-License-Identifier: BSD-2-Clause
--
-- For wrk: requests have the first argument as their target. Prints how many requests
-- there were, in how many microseconds, the 99th percentile of their times in
-- microseconds, and how many went wrong. Tinyproxy ends each connection with a reset, and
-- wrk counts that as an error of reading; an answer that is cut is no request.

function init(arguments)
	wrk.path = arguments[1]
end

function done(summary, latency)
	local errors = summary.errors

	print("requests", summary.requests, summary.duration, latency:percentile(99),
		errors.connect + errors.write + errors.status + errors.timeout)
end
