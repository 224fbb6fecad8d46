#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Presets of domains: those that are shipped, and an operator's own.

load lib/job

SHIPPED=$(realpath "$LIB/../../share/jobfence/presets")

# Runs a command where /etc has nothing but the preset files of the operator in the folder
# $1.
with_own_presets()
{
	# shellcheck disable=SC2016 # expanded by the inner shell
	in_lab unshare --mount bash -c 'mount -t tmpfs none /etc && mkdir -p /etc/jobfence &&
		cp -r "$1" /etc/jobfence/presets && shift && exec "$@"' own "$@"
}

# The domains of a preset, as `show` has them.
domains_of()
{
	jobfence preset show "$1" --json | jq -r '.domains | join(" ")'
}

@test "list names every preset and says what it is for" {
	local listed

	listed=$(jobfence preset list)
	is "$(awk '{ print $1 }' <<<"$listed" | paste -sd ' ')" \
		'alpine conda debian docker-hub git-read github gitlab go huggingface java node npm-read playwright pypi-read python ruby rust ubuntu'
	is "$(awk 'NF < 3' <<<"$listed")" ''
	is "$(jobfence preset list --json | jq -r '.[].name')" "$(awk '{ print $1 }' <<<"$listed")"
	is "$(jobfence preset list --json | jq -c '.[] | select(.summary == "" or .domains == [])')" ''
}

@test "each domain of a shipped preset has a source" {
	local file

	for file in "$SHIPPED"/*.domains; do
		is "$(awk '/^# Source: (https:\/\/|the same)/ { source = 1 } /^$/ { source = 0 }
			/^[^#]/ && !source' "$file")" '' || lab_fail "in $file" || return
		# Nothing is there twice, or covered by something else.
		is "$(grep -c '^[^# ]*$' <(grep -v '^$' "$file"))" "$(domains_of "$(basename "$file" .domains)" | wc -w)"
	done
}

@test "show prints a preset as --domain-file takes it, or as JSON" {
	jobfence preset show rust >"$BATS_TEST_TMPDIR/rust"
	cmp "$BATS_TEST_TMPDIR/rust" "$SHIPPED/rust.domains"
	job_up --domain-file "$BATS_TEST_TMPDIR/rust"
	is "$(up_says '.domains | join(" ")')" 'crates.io index.crates.io static.crates.io static.rust-lang.org'
	is "$(domains_of rust)" "$(up_says '.domains | join(" ")')"
	is "$(jobfence preset show rust --json | jq -r '.path | sub(".*/share/"; "")')" jobfence/presets/rust.domains
}

@test "git-read lets git fetch and clone, and no push" {
	local work=$BATS_TEST_TMPDIR/work request

	is "$(jobfence preset show git-read --json | jq -c '[.domains, (.rules | length)]')" '[["github.com","gitlab.com"],4]'
	lab_name github.com 11.0.0.2
	job_up --rate 0 --preset git-read
	for request in 'GET /a/b.git/info/refs?service=git-upload-pack' 'POST /a/b/git-upload-pack' \
		'GET /a/b/info/refs?service=git-receive-pack'; do
		is "$(fetch -o /dev/null -w '%{http_code}' -X "${request% *}" "http://github.com${request#* }")" 200 ||
			lab_fail "$request" || return
	done
	for request in 'POST /a/b.git/git-receive-pack' 'GET /a/b' 'POST /a/b/git-upload-pack/..' 'POST /git-receive-pack' \
		'POST /a/b.git/info/lfs/objects/batch' 'DELETE /a/b/git-upload-pack'; do
		refused_for rule "http://github.com${request#* }" -X "${request% *}" --path-as-is || lab_fail "$request" || return
	done
	# The program itself stops there.
	git init -q "$work"
	git -C "$work" -c user.name=a -c user.email=a@a.test commit -q --allow-empty -m 'a commit'
	ends_with 128 in_job_directly git -c safe.directory='*' -C "$work" push -q http://github.com/a/b HEAD:main
}

@test "the other presets that only read have rules for each of their domains" {
	local preset

	for preset in pypi-read npm-read; do
		is "$(jobfence preset show $preset --json | jq -c '.domains - (.rules | map(sub("^[^ ]* "; "") | sub("/.*"; ""))) | length')" 0
		is "$(jobfence preset show $preset --json | jq -r '.rules[]' | grep -cv '^GET,HEAD ')" 0
	done
}

@test "presets add to each other and to domains" {
	job_up --preset python --domain allowed.test --preset alpine --domain .pypi.org
	is "$(up_says '.domains | join(" ")')" 'allowed.test dl-cdn.alpinelinux.org files.pythonhosted.org .pypi.org'
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	is "$(in_job dig +short files.pythonhosted.org)" 192.0.0.8
	refused_for domain http://denied.test/
}

@test "all presets together are a job" {
	local options

	mapfile -t options < <(jobfence preset list | awk '{ print "--preset=" $1 }')
	job_up "${options[@]}"
	is "$(up_says .network)" http
}

@test "a spec may name presets" {
	jobfence up --spec - --json <<<'{"job":"'"$JOB"'","presets":["alpine","ruby"],
		"network":{"domains":["allowed.test"]}}' >"$UP"
	is "$(up_says '.domains | join(" ")')" 'allowed.test dl-cdn.alpinelinux.org index.rubygems.org rubygems.org'
	ends_with 2 jobfence up --spec - <<<'{"job":"a","presets":"alpine"}'
	ends_with 2 jobfence up --spec - <<<'{"job":"a","presets":["no-such-preset"]}'
}

@test "a preset that is none is status 2" {
	local name

	for name in '' . .. ../presets/rust rust.domains RUST no-such-preset -x "$(printf '%064d' 7)" $'rust\n'; do
		ends_with 2 jobfence up --job "$JOB" --preset "$name" || lab_fail "preset: $name" || return
		like "$ERRORS" 'jobfence: *preset list*'
	done
	ends_with 2 jobfence preset show no-such-preset
	ends_with 2 jobfence preset
	ends_with 2 jobfence preset show
	ends_with 2 jobfence preset list rust
	ends_with 2 jobfence up --job "$JOB" --preset rust --network none
}

@test "an operator's own presets add to those shipped, and go before them" {
	local own=$BATS_TEST_TMPDIR/own

	mkdir "$own"
	printf 'mirror.example.org\n' >"$own/rust.domains"
	printf '# What we have here\n.allowed.test\n' >"$own/in-house.domains"
	touch "$own/README" "$own/Bad.domains"
	is "$(with_own_presets "$own" "$JOBFENCE" preset show rust --json | jq -c '[.domains[], .summary, .path]')" \
		'["mirror.example.org","","/etc/jobfence/presets/rust.domains"]'
	like "$(with_own_presets "$own" "$JOBFENCE" preset list)" '*huggingface *in-house *What we have here*java *'
	is "$(with_own_presets "$own" "$JOBFENCE" preset list | wc -l)" 19
	is "$(with_own_presets "$own" "$JOBFENCE" preset show python --json | jq -r '.domains[0]')" files.pythonhosted.org
}

@test "an operator's preset that is wrong is an error, with file and line" {
	local own=$BATS_TEST_TMPDIR/own

	mkdir "$own"
	printf '# a summary\nallowed.test\nhttp://allowed.test/\n' >"$own/rust.domains"
	ends_with 2 with_own_presets "$own" "$JOBFENCE" up --job "$JOB" --preset rust
	like "$ERRORS" 'jobfence: /etc/jobfence/presets/rust.domains:3: *'
	ends_with 2 with_own_presets "$own" "$JOBFENCE" preset list
}
