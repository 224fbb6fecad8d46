# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The commands of the documents. A block of commands after a line "<!-- tested -->" is run
# by docs.bats, one after "<!-- tested by FILE -->" by that file.

PAGES=$(realpath "${BASH_SOURCE[0]%/*}/../../docs/integrations")

# Prints the blocks of the document $1 that have the mark $3, each into a file of the folder
# $2.
take_blocks()
{
	awk -v folder="$2" -v mark="<!-- $3 -->" '
		$0 == mark { wanted = 1; next }
		wanted && /^    / { if (!open) { open = 1; count++ } print substr($0, 5) >(folder "/" count ".sh"); next }
		wanted && open && /^$/ { print "" >(folder "/" count ".sh"); next }
		open { open = wanted = 0 }' "$1"
}

# Makes what follow_page needs: the command `fetch` in containers, which asks crates.io
# until there is an answer, and a folder for commands that take the place of an
# installation.
pages_up()
{
	cat >"$ROOT/bin/fetch" <<-'END'
		#!/bin/busybox sh
		for i in $(busybox seq 300); do
			printf 'GET / HTTP/1.0\r\nHost: crates.io\r\n\r\n' | busybox nc 11.0.0.2 80 2>/dev/null |
				busybox grep '^this is' && exit
			busybox sleep 0.1
		done
		exit 1
	END
	chmod +x "$ROOT/bin/fetch"
	mkdir "$BATS_FILE_TMPDIR/commands"
	ln -s "$JOBFENCE" "$BATS_FILE_TMPDIR/commands/jobfence"
	ln -s "$RUNTIME" "$BATS_FILE_TMPDIR/commands/jobfence-runtime"
}

# Makes an archive of an image with that command, and prints its path.
page_image()
{
	tar -C "$ROOT" -cf "$BATS_FILE_TMPDIR/fetching.tar" . && echo "$BATS_FILE_TMPDIR/fetching.tar"
}

# Makes the command $1 for follow_page, which becomes the words $2.
page_command()
{
	# shellcheck disable=SC2016 # expanded in the command
	printf '#!/bin/bash\nexec %s "$@"\n' "$2" >"$BATS_FILE_TMPDIR/command"
	chmod +x "$BATS_FILE_TMPDIR/command"
	mv -f "$BATS_FILE_TMPDIR/command" "$BATS_FILE_TMPDIR/commands/$1"
}

# Follows the page $1 of integrations: runs each block that is marked as tested by this
# file, in the folder $HERE. $2 takes the place of IMAGE, and $COMMAND, or `fetch`, that of
# COMMAND. $RUN_BY or in_lab runs it. A block that does not make the job j1 has its slice.
# Fails unless the commands succeed and j1 sends a request in each block.
follow_page()
{
	local folder=$BATS_TEST_TMPDIR/blocks block here=${HERE:-$BATS_TEST_TMPDIR} output

	mkdir -p "$folder"
	rm -f "$folder"/*
	lab_name crates.io 11.0.0.2 2600:1::2
	take_blocks "$PAGES/$1" "$folder" "tested by ${BATS_TEST_FILENAME#*/tests/}"
	[ -e "$folder/1.sh" ] || lab_fail "no block of $1 is for this file" || return
	for block in "$folder"/*.sh; do
		sed -i "s|IMAGE|$2|; s|COMMAND|${COMMAND:-fetch}|; s|/usr/local/bin/jobfence-runtime|$RUNTIME|
			s|/usr/local/share/jobfence/oci-hooks.d|$(hooks)|; s|FOLDER|$here|" "$block"
		grep -q 'jobfence up\|jobfence@j1' "$block" || jobfence up --job j1 --slice --domain crates.io || return
		lab_forget
		output=$("${RUN_BY:-in_lab}" env --chdir="$here" PATH="$BATS_FILE_TMPDIR/commands:$PATH" bash -euo pipefail "$block" 2>&1) ||
			lab_fail "a block of $1 fails: $(<"$block") -> $output" || return
		is "$(received x-jobfence-job-id)" j1 || lab_fail "in $1: $(<"$block") -> $output" || return
		# The fence of units goes by itself, a moment after the last of them.
		if grep -q 'jobfence@j1' "$block"; then
			eventually is_inactive jobfence@j1.service && systemctl stop jobfence-j1.slice || return
		else
			! in_lab test -e /run/jobfence/jobs/j1 || jobfence down j1 || return
		fi
		nothing_is_left || return
	done
}

is_inactive()
{
	[ "$(systemctl is-active "$1")" = inactive ]
}
