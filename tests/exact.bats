#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The throttle, to the packet: in a virtual machine whose clock counts instructions, so that
# how busy this one is shows nowhere.

load lib/lab

# Measures once, for all tests of this file.
setup_file()
{
	export SHARE=$BATS_FILE_TMPDIR/share

	! is_sanitized || return 0
	mkdir "$SHARE"
	VM_CLOCK=instructions VM_SHARE=$SHARE "$LIB/../vm/run" 6.1 env RATES=1mbit CONNECTIONS=8 SECONDS_EACH=3 \
		ORACLE_SECONDS=3 "$LIB/../bench/throttle" /run/share edt >"$SHARE/output" 2>&1 3>&- || echo $? >"$SHARE/failed"
	[ -s "$SHARE/points.csv" ] || lab_fail "$(<"$SHARE/output")"
}

setup()
{
	! is_sanitized || skip 'sanitizers make the proxy too slow for that clock'
}

# Fails with the points that the awk condition $1 holds for. They are: kernel, throttle,
# rate, traffic, connections, direction; and over the rate: what was on the wire, of that
# payload, the fullest windows of 10 and of 100 ms.
no_point_has()
{
	local found

	found=$(tr -d '\r' <"$SHARE/points.csv" | awk -F , "$1")
	[ -z "$found" ] || lab_fail "$found"
}

# shellcheck disable=SC2016 # expanded by awk
@test "each direction has the rate, alone and beside the other, over eight connections" {
	[ "$(wc -l <"$SHARE/points.csv")" -eq 4 ] || lab_fail "$(<"$SHARE/points.csv")"
	no_point_has '$7 < 0.98 || $7 > 1.02'
}

# shellcheck disable=SC2016 # expanded by awk
@test "a window of 100 ms has two packets more than the rate gives, at most" {
	no_point_has '$10 > 1 + 2 * 1500 * 8 / 1e5'
}

@test "40 Mbit/s are kept to a hundredth, and a first byte comes within 200 ms beside a download" {
	[ ! -e "$SHARE/failed" ] || lab_fail "$(<"$SHARE/output")"
	[ "$(wc -l <"$SHARE/notes")" -eq 3 ] || lab_fail "$(<"$SHARE/notes")"
}
