#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The commands of the documents: each block after a line "<!-- tested -->" is run, in a
# shell that ends at the first failure. Names that the documents use lead to the lab's web
# server. The files of engines/ run more blocks (pages.bash).

load lib/job
load lib/pages

ROOT=$(realpath "$LIB/../..")
# shellcheck disable=SC2034 # lab.bash reads it
LAB_HOSTS=(example.com crates.io)

# Runs the tested blocks of the document $1, of which there are $2, one after another, in a
# folder of its own with what a block may want: a build, a spec, a key, the block of the
# policy.
runs_blocks()
{
	local folder=$BATS_TEST_TMPDIR/blocks here=$BATS_TEST_TMPDIR/here block count=0

	mkdir -p "$folder" "$here" "$BATS_TEST_TMPDIR/bin"
	ln -s "$JOBFENCE" "$BATS_TEST_TMPDIR/bin/jobfence"
	lab_name example.com 11.0.0.2 2600:1::2
	lab_name example.org 11.0.0.2 2600:1::2
	lab_name crates.io 11.0.0.2 2600:1::2
	printf '#!/bin/sh\nexec curl -sS http://example.com/\n' | tee "$here/crawl" >"$here/build.sh"
	chmod +x "$here/crawl" "$here/build.sh"
	printf '[package]\nname = "tiny"\nversion = "0.1.0"\n' >"$here/Cargo.toml"
	mkdir "$here/src"
	echo 'fn main() {}' >"$here/src/main.rs"
	echo '{"network": {"type": "http", "domains": ["crates.io"]}}' >"$here/job.json"
	take_blocks "$ROOT/$1" "$folder" tested
	for block in "$folder"/*.sh; do
		count=$((count + 1))
		in_lab env --chdir="$here" HOME="$here" PATH="$BATS_TEST_TMPDIR/bin:$PATH" \
			bash -euo pipefail "$block" >"$block.output" 2>&1 ||
			lab_fail "block $count of $1 fails: $(<"$block") -> $(<"$block.output")" || return
	done
	is "$count" "$2"
}

@test "the list of refusals.md is that of the programs" {
	is "$(sed -n '/^<!-- reasons -->/,/^<!-- end/{/^|/p}' "$ROOT/docs/refusals.md")" "$("$ROOT/tests/reasons-table")"
}

@test "each test that a page cites is there" {
	is "$("$ROOT/tests/lint/cited")" ''
}

@test "each block of an integration's page is run by a test, or is configuration, or is said not to be tested" {
	is "$("$LIB/untested_blocks.py" "$PAGES")" ''
}

@test "the commands of README.md" {
	runs_blocks README.md 2
}

@test "the commands of rules.md" {
	runs_blocks docs/rules.md 1
}

@test "the commands of domains.md" {
	runs_blocks docs/domains.md 3
}

@test "the commands of executor.md" {
	runs_blocks docs/executor.md 2
}

@test "the commands of scale.md" {
	runs_blocks docs/scale.md 2
}

@test "the commands of gitlab.md" {
	runs_blocks docs/integrations/gitlab.md 1
}

@test "the commands of policy.md" {
	local home=$BATS_TEST_TMPDIR/here

	mkdir -p "$home/.ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$home/.ssh/id_ed25519"
	echo "alice@example.com namespaces=\"jobfence\" $(<"$home/.ssh/id_ed25519.pub")" >"$home/signers"
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab bash -c 'mkdir -p /etc/jobfence/jobfence.conf.d && cat >/etc/jobfence/jobfence.conf.d/keys.conf' <<-END
		trusted_keys = $home/signers
		[signer alice@example.com]
		allow_domain = .crates.io
	END
	runs_blocks docs/policy.md 3
	in_lab rm -r /etc/jobfence/jobfence.conf.d
}

@test "the commands of install.md" {
	runs_blocks docs/install.md 1
}
