#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Domains whose TLS the proxy opens. What holds for requests of plain HTTP holds for theirs.

load lib/job

POLICY=${BATS_TEST_TMPDIR:-}/policy
CA=${BATS_TEST_TMPDIR:-}/ca.pem

# Makes the job, with allowed.test intercepted. The arguments are further options.
up()
{
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = allowed.test other.test .wild.test' "upstream_ca = $LAB/authority.pem" >"$POLICY"
	job_up --config "$POLICY" --rate 0 --domain allowed.test --intercept allowed.test "$@"
	up_says .trust.ca >"$CA"
}

# Sends a request by curl, which trusts the job's authority alone.
secure()
{
	fetch --cacert "$CA" "$@"
}

@test "a request inside TLS gets to the site, and bears the header" {
	up
	is "$(secure https://allowed.test/)" 'this is allowed.test'
	is "$(lab_seen '.event == "request"' .head | grep -c "X-Jobfence-Job-ID: $JOB")" 1
}
