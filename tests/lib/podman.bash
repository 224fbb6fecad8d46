# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Podman in a lab with containers. It runs crun, its default, where a lab may lift limits as
# crun does, which a virtual machine allows. Elsewhere it runs runc, and without limits.

# shellcheck source=tests/lib/container.bash
. "${BASH_SOURCE[0]%/*}/container.bash"

# Makes the image localhost/box of $ROOT, which sleeps and is also that of pods. Makes
# Podman's settings, with the lines $1 for its table `engine`.
podman_up()
{
	local config=$BATS_FILE_TMPDIR/containers.conf

	printf '[engine]\nevents_logger = "none"\ninfra_image = "localhost/box"\n%s\n' "${1:-}" >"$config"
	runs_crun || printf '%s\n' 'runtime = "runc"' '[containers]' 'pids_limit = 0' \
		'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]' >>"$config"
	printf 'FROM scratch\nCOPY . /\nCMD ["sleep", "1000"]\n' >"$BATS_FILE_TMPDIR/plain" &&
		podman build -q -t localhost/box -f "$BATS_FILE_TMPDIR/plain" "$ROOT"
}

runs_crun()
{
	in_lab bash -c 'ulimit -l unlimited' 2>/dev/null
}

podman()
{
	# shellcheck disable=SC2046 # words
	in_lab $(podman_command) "$@"
}

podman_command()
{
	echo env CONTAINERS_CONF="$BATS_FILE_TMPDIR/containers.conf" /usr/bin/podman --root "$BATS_FILE_TMPDIR/podman" \
		--runroot /run/podman --storage-driver vfs
}

# The same with jobfence-runtime.
podman_fenced()
{
	podman --runtime "$RUNTIME" "$@"
}

# Ends what a test has of containers.
podman_down()
{
	local container

	podman pod rm --all --force --time 0 >/dev/null
	for container in $(podman ps --all --quiet); do
		podman rm --force --time 0 "$container" >/dev/null
	done
}

# Makes the pod of this test. Its first container gets a job of its own.
pod_up()
{
	podman_fenced pod create --name "pod-$JOB" --network none --share-parent=false --infra-image localhost/box \
		--infra-command 'sleep 1000'
}

# Fails unless the containers of a pod in the cgroup $1 have the network of this test's job,
# without conmon as well, and end with it.
pod_has_the_jobs_network()
{
	local in_pod="podman_fenced run --pod pod-$JOB --cgroup-parent $1" process

	pod_up
	$in_pod -d --name "$JOB" localhost/box sh -c "$WAIT_AND_PROBE"
	has_the_jobs_network "podman exec $JOB" "$in_pod --rm localhost/box" || return
	process=$(podman inspect --format '{{.State.Pid}}' "$JOB")
	kill_all conmon && is "$(sees_now "$process")" "$FENCED" && jobfence down "$JOB" &&
		eventually in_lab sh -c "! kill -0 $process"
}

# Fails unless a container of a pod does not start in the cgroup $1, which is of no job.
pod_container_does_not_start()
{
	pod_up
	ends_with 126 podman_fenced run --pod "pod-$JOB" --cgroup-parent "$1" localhost/box sh -c "$PROBE"
	is "$OUTPUT" '' && like "$ERRORS" '*there is no job nobody*' && lab_saw_nothing
}
