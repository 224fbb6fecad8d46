# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Real work, done by one script in several ways. The control is the lab's node. The others
# are all ways behind the fence. A test puts its files into the folder $PROJECT. Each way
# gets a copy of that at $WORK, as its working directory, and has $WORK/home as its HOME. A
# container has the files of the machine.

# shellcheck source=tests/lib/container.bash
. "${BASH_SOURCE[0]%/*}/container.bash"

PROJECT=${BATS_TEST_TMPDIR:-}/project
WORK=${BATS_TEST_TMPDIR:-}/work
# The whole environment of a way's script. A test may add to it.
ENVIRONMENT=(HOME="$WORK/home" PATH="$PATH" LANG=C.UTF-8 USER=root LOGNAME=root SHELL=/bin/bash TERM=xterm)
LIMIT=(timeout --kill-after=5 240)
SITES=(go npm pypi apt git lfs)

setup_file()
{
	# Users of the job's own, such as those of apt and PostgreSQL, reach their files
	# through these.
	chmod go+x "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR/.."
	lab_with work_up
}

# A file of tests replaces this function to declare its shares.
share()
{
	:
}

work_up()
{
	chmod go+rx "$LAB"
	containers_up
	mkdir "$BATS_FILE_TMPDIR/bundle" "$BATS_FILE_TMPDIR/machine"
	in_lab mount --rbind / "$BATS_FILE_TMPDIR/machine"
	in_lab env -C "$BATS_FILE_TMPDIR/bundle" runc spec
	share
}

# Makes the folder of a project, whose sites have names.
begin_project()
{
	local site

	chmod go+x "$BATS_TEST_TMPDIR"
	mkdir -p "$PROJECT/home"
	for site in "${SITES[@]}"; do
		lab_name "$site.wild.test" 11.0.0.3
	done
}

setup()
{
	begin_project
	ENVIRONMENT+=(SSL_CERT_FILE="$LAB/authority.pem" GIT_SSL_CAINFO="$LAB/authority.pem" PIP_CERT="$LAB/authority.pem"
		NODE_EXTRA_CA_CERTS="$LAB/authority.pem")
	job_up --rate 0 --domain '*.wild.test'
	lab_forget
}

# Runs a command in each of the ways.

by_control()
{
	in_lab "${LIMIT[@]}" env -i "${ENVIRONMENT[@]}" "$@"
}

# The control for work that uses no outside network: a namespace of its own.
by_loopback()
{
	by_control unshare --net bash -c 'ip link set lo up && exec "$@"' loopback "$@"
}

by_run()
{
	by_control "$JOBFENCE" run --rate 0 --domain '*.wild.test' -- "$@"
}

by_run_directly()
{
	by_control "$JOBFENCE" run --rate 0 --domain '*.wild.test' --no-proxy-env -- "$@"
}

by_exec()
{
	by_control "$JOBFENCE" exec "$JOB" -- "$@"
}

by_exec_directly()
{
	by_exec env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u no_proxy "$@"
}

# A container with Docker's default capabilities.
by_container()
{
	local bundle=$BATS_TEST_TMPDIR/bundle

	mkdir -p "$bundle"
	# shellcheck disable=SC2016 # jq's
	jq --arg root "$BATS_FILE_TMPDIR/machine" --arg cwd "$WORK" --argjson env \
		"$(jq -nc '$ARGS.positional' --args -- "${ENVIRONMENT[@]}")" \
		'.process += {terminal: false, noNewPrivileges: false, args: $ARGS.positional, env: $env, cwd: $cwd} | .root = {path: $root} |
		.process.capabilities[] = (["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "SETGID", "SETUID", "SETFCAP",
			"SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"] | map("CAP_" + .)) |
		.process.rlimits = [] | .annotations = {"io.jobfence.domains": "*.wild.test", "io.jobfence.rate": "0"}' \
		"$BATS_FILE_TMPDIR/bundle/config.json" --args -- "$@" >"$bundle/config.json" &&
		in_lab "${LIMIT[@]}" "$RUNTIME" --annotations --root /run/oci run --bundle "$bundle" "box-$JOB"
}

# The same with the variables that `up` tells an executor to set in a container.
by_container_by_proxy()
{
	local variables ENVIRONMENT=("${ENVIRONMENT[@]}")

	mapfile -t variables < <(up_says '.env | to_entries[] | .key + "=" + .value') && [ ${#variables[@]} -gt 0 ] || return
	ENVIRONMENT+=("${variables[@]}")
	by_container "$@"
}

# Runs the bash script $2 with the arguments after it in the way $1. Prints its standard
# output and the messages of jobfence, of which there should be none. The last line is its
# status.
do_work()
{
	local way=$1 status=0

	rm -rf "$WORK" && cp -a "$PROJECT" "$WORK" && cd "$WORK" || return
	"by_$way" bash -euo pipefail -c "${@:2}" </dev/null 2>"$BATS_TEST_TMPDIR/errors" 3>&- || status=$?
	grep '^jobfence:' "$BATS_TEST_TMPDIR/errors"
	echo "status $status"
}

# Fails unless the script $1 does the same in each of the ways in the array `ways`. The
# script gets its way and the remaining arguments. The first way is the control, which has
# to succeed. All ways that differ are shown.
same_behind_the_fence()
{
	local way control result failed=

	control=$(do_work "${ways[0]}" "$1" control "${@:2}")
	like "$control" '*status 0' || lab_fail "$(<"$BATS_TEST_TMPDIR/errors")" || return
	for way in "${ways[@]:1}"; do
		result=$(do_work "$way" "$1" "$way" "${@:2}")
		[ "$result" != "$control" ] || continue
		failed=yes
		printf '%s differs: %s\nbut the control: %s\nits errors: %s\n' "$way" "$result" "$control" \
			"$(tail -n 20 "$BATS_TEST_TMPDIR/errors")" >&2
	done
	is "$(jobfence list --json | jq -r '.[].job')" "$JOB" && [ -z "$failed" ]
}

# The same for work that uses no network, where variables do not matter. Then the same for
# work that uses one.
same_at_work()
{
	local ways=(loopback run exec container)

	same_behind_the_fence "$@"
}

same_online()
{
	local ways=(control run run_directly exec exec_directly container container_by_proxy)

	same_behind_the_fence "$@"
}
