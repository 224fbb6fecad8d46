# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# A policy of the test's own, and what it takes and refuses.

POLICY=${BATS_TEST_TMPDIR:-}/jobfence.conf

# Writes the policy of this test: one line for each argument.
policy()
{
	printf '%s\n' "$@" >"$POLICY"
}

check()
{
	jobfence --config "$POLICY" policy check "$@"
}

# Fails unless the policy takes the job of these options.
taken()
{
	ends_with 0 check "$@" && like "$OUTPUT" 'accepted: *' && is "$ERRORS" ''
}

# Fails unless the policy refuses the job of the options after $1, with one line that
# matches $1.
refused_by_check()
{
	ends_with 3 check "${@:2}" || return
	is "$OUTPUT" '' && like "$ERRORS" "jobfence: $1" && is "$(wc -l <<<"$ERRORS")" 1
}

# The same, and that `up` says so, too.
refused()
{
	refused_by_check "$@" || return
	ends_with 3 jobfence up --config "$POLICY" --job "$JOB" "${@:2}" || return
	like "$ERRORS" "jobfence: $1"
}
