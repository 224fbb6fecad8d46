#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Browsers send a decoy of an encrypted ClientHello to every site, unless they are told not
# to.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load lib/work

# shellcheck disable=SC2034 # setup() names them
SITES=(page)

# To set rules for devices, crun lifts a limit, which it may not do everywhere.
share()
{
	jq 'del(.linux.resources)' "$BATS_FILE_TMPDIR/bundle/config.json" >"$BATS_FILE_TMPDIR/new" &&
		mv "$BATS_FILE_TMPDIR/new" "$BATS_FILE_TMPDIR/bundle/config.json"
}

by_crun()
{
	JOBFENCE_OCI_RUNTIME=crun by_container "$@"
}

# Makes a database of certificates, in which the lab's authority is trusted, in the folder
# $1.
trust_authority()
{
	mkdir -p "$1"
	certutil -d "sql:$1" -N --empty-password
	certutil -d "sql:$1" -A -n lab -t C,, -i "$LAB/authority.pem"
}

# Fails unless the browser that the script $1 starts gets the page in each of the ways after
# it.
gets_the_page()
{
	local way

	for way in "${@:2}"; do
		lab_forget
		rm -rf "$WORK" && cp -a "$PROJECT" "$WORK" && cd "$WORK" || return
		"by_$way" bash -euo pipefail -c "$1" </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&- ||
			lab_fail "$way: $(tail -n 20 "$BATS_TEST_TMPDIR/output")"
		lab_settle
		lab_seen '.event == "request" and (.head | startswith("GET / HTTP/1.1\r\nHost: page.wild.test\r\n"))' >"$BATS_TEST_TMPDIR/seen"
		[ -s "$BATS_TEST_TMPDIR/seen" ] || lab_fail "$way: $(tail -n 20 "$BATS_TEST_TMPDIR/output")"
	done
}

# The folder of policies is there in the first way, and made in the others.
@test "Chromium gets a page, by the proxy and directly" {
	trust_authority "$PROJECT/home/.pki/nssdb"
	in_lab mkdir -p /etc/chromium/policies/managed
	gets_the_page 'chromium --headless --no-sandbox --disable-gpu --dump-dom https://page.wild.test/ | grep "this is page.wild.test"' run
	in_lab rm -r /etc/chromium/policies
	gets_the_page 'chromium --headless --no-sandbox --disable-gpu --dump-dom https://page.wild.test/ | grep "this is page.wild.test"' exec_directly container container_by_proxy
}

@test "Firefox gets a page, by the proxy and directly" {
	trust_authority "$PROJECT/profile"
	gets_the_page 'firefox-esr --headless --no-remote --profile profile --screenshot "$PWD/shot.png" https://page.wild.test/' run exec_directly
}

# The files of settings, as a command sees them in the way $1.
settings()
{
	"by_$1" find /etc/chromium/ /etc/opt/ /etc/firefox-esr/ ! -type d -printf '%p %M %u %l\n' | sed 's/ $//' | sort
}

@test "the node's own settings of browsers stay, in the job and on the node" {
	local before way

	cd "$PROJECT"
	in_lab bash -euc 'rm -rf /etc/chromium /etc/opt /etc/firefox /etc/firefox-esr
		mkdir -p /etc/chromium/policies/managed /etc/opt/edge/own /etc/opt/chrome /etc/firefox-esr
		cd /etc/chromium/policies/managed; echo "{}" >own.json; chmod 640 own.json; chown nobody own.json
		cd /etc/opt; ln -s ../own link; echo 1 >edge/own/file; chmod 750 .'
	before=$(in_lab find /etc/chromium /etc/opt /etc/firefox-esr -ls)
	for way in run container crun; do
		is "$(settings $way)" "/etc/chromium/policies/managed/jobfence.json -rw-r--r-- root
/etc/chromium/policies/managed/own.json -rw-r----- nobody
/etc/firefox-esr/jobfence.js -rw-r--r-- root
/etc/opt/chrome/policies/managed/jobfence.json -rw-r--r-- root
/etc/opt/chrome_for_testing/policies/managed/jobfence.json -rw-r--r-- root
/etc/opt/edge/own/file -rw-r--r-- root
/etc/opt/edge/policies/managed/jobfence.json -rw-r--r-- root
/etc/opt/link lrwxrwxrwx root ../own"
	done
	# As a package manager does it.
	by_run bash -euc 'cd /etc/chromium/policies/managed; echo 1 >new; mv new own.json; stat -c %a /etc/opt | grep 750'
	is "$(in_lab find /etc/chromium /etc/opt /etc/firefox-esr -ls)" "$before"
	is "$(by_control "$JOBFENCE" run --network full -- ls /etc/chromium/policies/managed)" own.json
}

@test "what a container has of its own there stays, and its links lead nowhere" {
	local template=$BATS_FILE_TMPDIR/bundle/config.json

	cd "$PROJECT" && cp "$template" "$BATS_TEST_TMPDIR/template"
	in_lab bash -euc 'rm -rf /etc/chromium /etc/opt /etc/firefox-esr; mkdir -p /etc/opt/chrome /etc/other; ln -s other /etc/chromium'
	jq '.mounts += [{destination: "/etc/opt/edge", type: "tmpfs", source: "tmpfs"}]' "$BATS_TEST_TMPDIR/template" >"$template"
	mkdir "$WORK"
	is "$(by_container find /etc/chromium/ /etc/opt/ -type f)" /etc/opt/chrome/policies/managed/jobfence.json
	cp "$BATS_TEST_TMPDIR/template" "$template"
	# An engine may start the same bundle again.
	is "$(in_lab "$RUNTIME" --annotations --root /run/oci run --bundle "$BATS_TEST_TMPDIR/bundle" "box-$JOB")" /etc/opt/chrome/policies/managed/jobfence.json
}
