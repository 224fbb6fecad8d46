#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# executor.sh FOLDER NAME
#
# Works off the jobs in FOLDER/queue, one after another, each in a container of Docker
# behind a fence of its own, and ends. Several may share a folder under different names. One
# that was killed is simply started again: it first removes what its earlier life left, and
# its unfinished job runs once more.
#
# A job is a file ID.json; `fence` is what `jobfence up --spec` takes:
#	{"image": "box", "command": ["wget", "http://crates.io/"],
#	 "fence": {"network": {"type": "http", "domains": ["crates.io"]}}}
# It ends up in FOLDER/done, with ID.log, ID.status and ID.report (what it used, and what
# was refused), or in FOLDER/refused with the reason in ID.log.

set -uo pipefail
shopt -s nullglob

if [ $# -ne 2 ] || ! cd "$1"; then
	sed -n '4s/^# /usage: /p' "$0" >&2
	exit 2
fi
name=$2 running=running/$2
mkdir -p queue "$running" "done" refused
exec 9>"$running/.lock"
flock -n 9 || { echo "executor.sh: $name is at work already" >&2 && exit 1; }

# What carries our label is ours, whoever started it and whatever became of them.
recover()
{
	local container

	for container in $(docker ps --all --quiet --filter "label=executor=$name"); do
		docker rm --force "$container"
	done
	jobfence gc --label "executor=$name"
} 9>&- >&2

# Whether this node takes the job whose spec is $1.
bid()
{
	jobfence policy check --spec - <<<"$1"
} 9>&-

# Runs job $1, whose spec is $2, and keeps what it prints. Returns its status; 125: it never
# began.
run()
{
	local id=$1 job=$name-$1 up image command parent variables status

	up=$(jobfence up --json --spec - <<<"$2") || return 125
	mapfile -t variables < <(jq -r '.env | to_entries[] | "--env=\(.key)=\(.value)"' <<<"$up")
	mapfile -d '' -t command < <(jq -j '.command[] | . + "\u0000"' "$running/$id.json")
	parent=$(jq -r '.slice // (.cgroup | ltrimstr("/sys/fs/cgroup"))' <<<"$up")
	image=$(jq -r .image "$running/$id.json")
	docker run --rm --name "$job" --label "executor=$name" --runtime jobfence --network none \
		--cgroup-parent "$parent" "${variables[@]}" -- "$image" "${command[@]}"
	status=$?
	jobfence down "$job" --json | jq '.ended[]' >"done/$id.report"
	return $status
} 9>&-

recover
# Docker with the cgroup driver of systemd wants a slice.
slice=false
[ "$(docker info --format '{{.CgroupDriver}}' 9>&-)" != systemd ] || slice=true
for file in "$running"/*.json; do
	mv "$file" queue/
done
for file in queue/*.json; do
	id=$(basename "$file" .json)
	mv "$file" "$running/" 2>/dev/null || continue # another executor has it
	if ! spec=$(jq -c --arg job "$name-$id" --arg executor "$name" --argjson slice "$slice" \
		'.fence | .job = $job | .labels.executor = $executor | .slice = $slice' "$running/$id.json") ||
		! bid "$spec" 2>"refused/$id.log"; then
		mv "$running/$id.json" refused/
		continue
	fi
	rm "refused/$id.log"
	run "$id" "$spec" >"done/$id.log" 2>&1
	echo $? >"done/$id.status"
	mv "$running/$id.json" done/
done
