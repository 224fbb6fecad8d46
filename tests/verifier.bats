#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
# bats file_tags=vm,kernel
#
# What the programs cost the verifier.

load lib/job

@test "no program costs the verifier much more than the table says" {
	local programs kernel

	kernel=$(uname -r | cut -d. -f1,2)
	grep -q "^$kernel," "$LIB/../verifier.csv" || skip "verifier.csv has no figures of Linux $kernel"
	job_up --domain allowed.test
	programs=$(up_says .programs)
	in_lab "$LIB/verified.py" "/sys/fs/bpf/jobfence/$programs/programs" >"$BATS_TEST_TMPDIR/measured"
	awk -F, -v kernel="$kernel" '
		FILENAME == ARGV[1] { if ($1 == kernel) known[$2] = $3; next }
		{ measured = measured kernel "," $1 "," $2 "\n" }
		!($1 in known) || $2 > 1.2 * known[$1] { bad = bad " " $1 }
		END { if (bad) { print "more than the table says:" bad "\nmeasured:\n" measured; exit 1 } }' \
		"$LIB/../verifier.csv" "$BATS_TEST_TMPDIR/measured" || lab_fail 'update tests/verifier.csv if this has to be'
}
