#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Specs that trusted keys have signed: what the signature grants, and what it does not.

load lib/job
load lib/policy

# Makes a key named $1, and a line for it in allowed_signers.
make_key()
{
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$BATS_TEST_TMPDIR/$1"
	printf '%s %s\n' "$1" "$(<"$BATS_TEST_TMPDIR/$1.pub")" >>"$BATS_TEST_TMPDIR/signers"
}

# Signs the spec with the key $1; the namespace is $2, or else ours.
sign()
{
	rm -f "$SPEC.sig"
	ssh-keygen -q -Y sign -f "$BATS_TEST_TMPDIR/$1" -n "${2:-jobfence}" "$SPEC" 2>/dev/null
}

@test "a spec signed by a trusted key may name the domains of that key's entry" {
	local signed

	SPEC=$BATS_TEST_TMPDIR/spec signed=(--spec "$BATS_TEST_TMPDIR/spec" --signature "$BATS_TEST_TMPDIR/spec.sig")
	make_key alice
	make_key bob
	ssh-keygen -q -t ed25519 -N '' -C mallory -f "$BATS_TEST_TMPDIR/mallory"
	policy 'accept = http' 'allow_domain = other.test' 'deny_domain = denied.test' \
		"trusted_keys = $BATS_TEST_TMPDIR/signers" '[signer alice]' 'allow_domain = allowed.test denied.test'
	echo '{"network":{"type":"http","domains":["allowed.test","other.test"]}}' >"$SPEC"

	refused '*domain allowed.test *' --spec "$SPEC"
	sign alice
	taken "${signed[@]}"
	job_up --config "$POLICY" "${signed[@]}"
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	jobfence down "$JOB"

	# A domain that is none of the signed ones is not granted; rules other than that of
	# domains stay.
	refused '*domain www.allowed.test *' "${signed[@]}" --domain www.allowed.test
	refused '*max_rate*' "${signed[@]}" --rate 9mbit
	echo '{"network":{"type":"http","domains":["other.test"]}}' >"$SPEC"
	sign alice
	refused '*domain allowed.test *' "${signed[@]}" --domain allowed.test

	# What was changed, signed by others, for something else, or is no signature at all
	# refuses everything.
	echo '{"network":{"type":"http","domains":["allowed.test"]}}' >"$SPEC"
	refused '*signature*' "${signed[@]}"
	sign mallory
	refused '*signature*' "${signed[@]}"
	sign bob
	refused '*signature*' "${signed[@]}"
	sign alice file
	refused '*signature*' "${signed[@]}"
	echo nonsense >"$SPEC.sig"
	refused '*signature*' "${signed[@]}"
	rm "$SPEC.sig"
	refused '*signature*No such file*' "${signed[@]}"

	# Denied is denied, and an entry grants what it has and no more.
	echo '{"network":{"type":"http","domains":["denied.test"]}}' >"$SPEC"
	sign alice
	refused '*denied*' "${signed[@]}"
	echo '{"network":{"type":"http","domains":["git.test"]}}' >"$SPEC"
	sign alice
	refused '*domain git.test *' "${signed[@]}"
}

@test "rules beside a signed spec don't widen what the signature grants" {
	local signed=(--spec "$BATS_TEST_TMPDIR/spec" --signature "$BATS_TEST_TMPDIR/spec.sig") SPEC=$BATS_TEST_TMPDIR/spec

	make_key alice
	policy 'accept = http' 'allow_domain = other.test' "trusted_keys = $BATS_TEST_TMPDIR/signers" \
		'[signer alice]' 'allow_domain = .denied.test other.test allowed.test'
	echo '{"network":{"domains":[".denied.test","other.test","allowed.test"]},"rules":["GET denied.test/x","GET other.test/x"]}' >"$SPEC"
	sign alice
	taken "${signed[@]}"
	refused '*not in the signed spec*rules for domain .denied.test*' "${signed[@]}" --rule '* denied.test/**'
	refused '*not in the signed spec*' "${signed[@]}" --rule 'GET .denied.test/y'
	echo 'POST denied.test/x' >"$BATS_TEST_TMPDIR/domains"
	refused '*not in the signed spec*' "${signed[@]}" --domain-file "$BATS_TEST_TMPDIR/domains"
	is "$(check --json "${signed[@]}" --rule '* denied.test/y' | jq -c '.reasons | map(.value)')" '["* denied.test/y"]'
	# The same, one for a domain without signed rules, one for a domain of each job.
	taken "${signed[@]}" --rule 'GET denied.test/%78' --rule 'GET allowed.test/x' --rule 'GET www.denied.test/x' \
		--rule '* other.test/**'
}

@test "a signature that the node can't judge refuses" {
	SPEC=$BATS_TEST_TMPDIR/spec
	make_key alice
	echo '{"network":{"type":"http","domains":["allowed.test"]}}' >"$SPEC"
	sign alice
	policy 'accept = http' 'allow_domain = *'
	refused '*trusted_keys*' --spec "$SPEC" --signature "$SPEC.sig"
	policy 'accept = http' 'allow_domain = *' 'trusted_keys = /no/such/file' '[signer alice]' 'allow_domain = a.test'
	refused '*signature*' --spec "$SPEC" --signature "$SPEC.sig"
	ends_with 2 check --domain allowed.test --signature "$SPEC.sig"
	# An entry that is over.
	policy 'accept = http' 'allow_domain = *' "trusted_keys = $BATS_TEST_TMPDIR/signers" '[signer alice]' 'allow_domain = a.test'
	taken --spec "$SPEC" --signature "$SPEC.sig"
	sed -i 's/^alice /&valid-before="20200101" /' "$BATS_TEST_TMPDIR/signers"
	refused '*signature*' --spec "$SPEC" --signature "$SPEC.sig"
	TZ=UTC0 HOME=$BATS_TEST_TMPDIR SSH_AUTH_SOCK=/nowhere refused '*signature*' --spec "$SPEC" --signature "$SPEC.sig"
}
