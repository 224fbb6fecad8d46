#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# What makes a job with opened TLS trust its authority: the files, the variables, and where
# they are. tests/work/trust.bats has the clients.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load lib/container

OPEN=(--domain allowed.test --domain '*.wild.test' --intercept allowed.test)

setup_file()
{
	lab_with containers_up
	in_lab tee -a /etc/jobfence/jobfence.conf >/dev/null <<-END
		allow_intercept = allowed.test
		upstream_ca = $LAB/authority.pem
	END
}

setup()
{
	lab_forget
	unset SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE GIT_SSL_CAINFO NODE_EXTRA_CA_CERTS
}

# Prints the subject and the constraints of the certificate in the file $1 of the job.
shown()
{
	in_job openssl x509 -noout -subject -ext basicConstraints,nameConstraints -in "$1"
}

@test "the files of a job are those that up prints, and none has a key" {
	job_up "${OPEN[@]}"
	is "$(in_job cat /run/jobfence/trust/ca.pem)" "$(up_says .trust.ca)"
	is "$(in_lab cat "$(up_says .trust.folder)/ca.pem")" "$(up_says .trust.ca)"
	like "$(shown /run/jobfence/trust/ca.pem)" '*CA:TRUE, pathlen:0*Permitted:*DNS:allowed.test*Excluded:*IP:0.0.0.0/0.0.0.0*'
	is "$(in_lab grep -rl 'PRIVATE KEY' /run/jobfence)" ''
	is "$(in_lab ls "$(up_says .trust.folder)")" $'bundle.p12\nbundle.pem\nca.pem\nchromium.json'
	is "$(jobfence show "$JOB" --json | jq -c .trust)" "$(up_says '.trust | tojson')"
	is "$(in_job cat /run/jobfence/trust/bundle.pem)" "$(cat /etc/ssl/certs/ca-certificates.crt - <<<"$(up_says .trust.ca)")"
	ends_with 2 in_job sh -c 'echo x >>/run/jobfence/trust/ca.pem'
	like "$ERRORS" '*Read-only*'
}

@test "OpenSSL finds the authority in its folder alone" {
	job_up "${OPEN[@]}"
	like "$(in_job_directly env -i openssl s_client -no-CAfile -CApath /etc/ssl/certs -verify_return_error -verify_hostname allowed.test \
		-servername allowed.test -connect 11.0.0.2:443 </dev/null 2>&1)" '*Verification: OK*Verified peername: allowed.test*'
}

@test "a job that opens no TLS has no files, variables or program of it" {
	job_up --domain allowed.test
	is "$(up_says .trust)" null
	is "$(up_says '.intercept | tojson')" '[]'
	is "$(in_job env | grep -c jobfence/trust)" 0
	ends_with 1 in_job test -e /run/jobfence/trust
	is "$(proxy_processes | while read -r pid; do in_lab grep -lE 'libssl|libcrypto' "/proc/$pid/maps" || true; done)" ''
	is "$(in_lab ldd "$JOBFENCE" | grep -E 'libssl|libcrypto')" ''
}

@test "a program that speaks HTTP/2 alone is told of, with what to do" {
	job_up "${OPEN[@]}"
	like "$(in_job_directly openssl s_client -alpn h2 -servername allowed.test -connect 11.0.0.2:443 </dev/null 2>&1)" '*alert no application protocol*'
	like "$(jobfence show "$JOB")" '*have the program offer that, or leave out --intercept for: allowed.test*'
}

@test "a variable that is set already stays" {
	job_up "${OPEN[@]}"
	is "$(in_job sh -c 'echo $SSL_CERT_FILE')" /run/jobfence/trust/bundle.pem
	is "$(in_lab env SSL_CERT_FILE=/own "$JOBFENCE" exec "$JOB" -- sh -c 'echo $SSL_CERT_FILE $GIT_SSL_CAINFO')" \
		'/own /run/jobfence/trust/bundle.pem'
}

# Runs a command as an executor might: in the job's cgroup and namespace, with the folder of
# the job where `up` says.
by_executor()
{
	in_lab bash -c 'echo $$ >"$1/cgroup.procs" && exec nsenter --net="$2" unshare --mount "${@:3}"' executor \
		"$(up_says .cgroup)" "$(up_says .netns)" \
		bash -c 'mkdir -p "$2" && mount --bind -o ro "$1" "$2" && exec "${@:3}"' mount "$(up_says .trust.folder)" "$(up_says .trust.mount_at)" "$@"
}

@test "what up prints is enough for an executor" {
	local variables

	job_up "${OPEN[@]}"
	mapfile -t variables < <(up_says '.trust.env | to_entries[] | .key + "=" + .value')
	is "$(by_executor env "${variables[@]}" curl -sS https://allowed.test)" 'this is allowed.test'
	ends_with 60 by_executor curl -sS https://allowed.test
	in_lab rmdir "$(up_says .trust.mount_at)"
}

@test "the authority outlives a worker, and a repair brings a new one to commands that run" {
	local before

	job_up "${OPEN[@]}"
	before=$(up_says .trust.ca)
	in_lab kill -KILL "$(proxy_worker)"
	is "$(fetch https://allowed.test)" 'this is allowed.test'
	is "$(in_job cat /run/jobfence/trust/ca.pem)" "$before"
	kill_proxy
	jobfence repair "$JOB"
	[ "$(in_job cat /run/jobfence/trust/ca.pem)" != "$before" ]
	is "$(fetch https://allowed.test)" 'this is allowed.test'
}

@test "the authority is renewed, and programs that know either go on" {
	local before=$BATS_TEST_TMPDIR/before.pem

	job_up "${OPEN[@]}"
	up_says .trust.ca >"$before"
	in_lab kill -HUP "$(up_says .proxy.pid)"
	eventually eval '! in_job cmp -s /run/jobfence/trust/ca.pem "$before"'
	eventually eval '[ "$(in_job tail -n 20 /run/jobfence/trust/bundle.pem | grep -xFf <(tail -n +3 <<<"$(in_job cat /run/jobfence/trust/ca.pem)") | wc -l)" -gt 5 ]'
	is "$(in_job cat /run/jobfence/trust/bundle.pem)" "$(cat /etc/ssl/certs/ca-certificates.crt - <<<"$(in_job cat /run/jobfence/trust/ca.pem)")"
	is "$(fetch https://allowed.test)" 'this is allowed.test'
	is "$(fetch --cacert "$before" https://allowed.test)" 'this is allowed.test'
	eventually eval 'in_job env -u JAVA_TOOL_OPTIONS keytool -list -rfc -storepass changeit -keystore /run/jobfence/trust/bundle.p12 2>&1 |
		grep -qF "$(in_job sed -n 3p /run/jobfence/trust/ca.pem | cut -c 1-50)"'
	like "$(in_job cat /run/jobfence/trust/chromium.json)" "*$(in_job sed -n 3p /run/jobfence/trust/ca.pem)*"
	is "$(in_job openssl x509 -noout -pubkey -in "$before")" "$(in_job openssl x509 -noout -pubkey -in /run/jobfence/trust/ca.pem)"
	is "$(proxy_processes | wc -l)" 2
}

@test "a job does not start without what it needs, and says what" {
	in_lab sh -c 'echo nothing >/srv/empty.pem && echo "upstream_ca = /srv/empty.pem" >/srv/policy'
	ends_with 125 jobfence run --config /srv/policy "${OPEN[@]}" true
	like "$ERRORS" 'jobfence: upstream_ca /srv/empty.pem has no certificate; *'
	in_lab sh -c 'echo "upstream_ca = /srv/none.pem" >/srv/policy'
	ends_with 125 jobfence run --config /srv/policy "${OPEN[@]}" true
	like "$ERRORS" 'jobfence: cannot read upstream_ca /srv/none.pem: *'
	nothing_is_left
}

@test "the proxy takes as many certificates as the loader" {
	local many=$BATS_TEST_TMPDIR/many.pem

	for _ in {1..25}; do
		cat /etc/ssl/certs/ca-certificates.crt
	done >"$many"
	cat "$LAB/authority.pem" >>"$many"
	between 4194305 8388608 "$(stat -c %s "$many")"
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = allowed.test' \
		"upstream_ca = $many" | in_lab tee /srv/policy >/dev/null
	job_up --config /srv/policy "${OPEN[@]}"
	is "$(fetch https://allowed.test)" 'this is allowed.test'
}

# Runs the script $2 in a container of busybox whose image was changed by the commands $1.
boxed()
{
	local bundle=$BATS_TEST_TMPDIR/bundle

	mkdir -p "$bundle" && cp -a "$ROOT" "$bundle/root" && (cd "$bundle/root" && eval "$1") || return
	in_lab env -C "$bundle" runc spec
	jq --arg script "$2" --arg root "$bundle/root" '.process.terminal = false | .root.path = $root |
		.process.args = ["sh", "-c", $script] | .process.env += ["SSL_CERT_FILE=/own"] |
		.annotations = {"io.jobfence.domains": "allowed.test", "io.jobfence.intercept": "allowed.test"}' \
		"$bundle/config.json" >"$bundle/new" && mv "$bundle/new" "$bundle/config.json"
	in_lab timeout 60 "$RUNTIME" --annotations --root /run/oci run --bundle "$bundle" "$JOB"
}

COUNT='grep -c BEGIN /run/jobfence/trust/bundle.pem'

@test "a container keeps its own roots, and gets its authority" {
	is "$(boxed 'mkdir -p etc/ssl/certs && cp "$LAB/authority.pem" etc/ssl/certs/ca-certificates.crt' \
		"$COUNT; cmp /run/jobfence/trust/bundle.pem /etc/ssl/certs/ca-certificates.crt && echo \$SSL_CERT_FILE \$CURL_CA_BUNDLE
		head -n 2 /etc/ssl/certs/ca-certificates.crt | tail -n 1
		grep -c \"\$(tail -n 2 /run/jobfence/trust/ca.pem | head -n 1)\" /etc/ssl/certs/ca-certificates.crt
		{ echo >>/etc/ssl/certs/ca-certificates.crt; } 2>/dev/null || echo kept")" \
		"2
/own /run/jobfence/trust/bundle.pem
$(sed -n 2p "$LAB/authority.pem")
1
kept"
	nothing_is_left
}

# Whether the view of the container's process $1 has the certificate of the job's authority.
is_renewed()
{
	in_lab cmp -s "/run/jobfence/jobs/$JOB/trust/ca.pem" "/proc/$1/root/run/jobfence/trust/ca.pem"
}

@test "gc gives a container the certificate that its job renewed, and its roots stay" {
	local box pid view trust=/run/jobfence/jobs/$JOB/trust

	boxed 'mkdir -p etc/ssl/certs && cp "$LAB/authority.pem" etc/ssl/certs/ca-certificates.crt' 'exec sleep 1000' &
	box=$!
	eventually eval '[ "$(in_lab runc --root /run/oci state "$JOB" 2>/dev/null | jq -r .status)" = running ]'
	pid=$(in_lab runc --root /run/oci state "$JOB" | jq .pid)
	view=/proc/$pid/root/etc/ssl/certs/ca-certificates.crt
	is_renewed "$pid"
	in_lab cp "$trust/ca.pem" /srv/before.pem
	in_lab touch -d '2 hours ago' "/run/jobfence/containers/$JOB"
	jobfence gc
	in_lab cmp /srv/before.pem "$trust/ca.pem"
	in_lab kill -HUP "$(jobfence show "$JOB" --json | jq .proxy.pid)"
	eventually eval '! in_lab cmp -s /srv/before.pem "$trust/ca.pem"'
	eventually in_lab test -s "$trust/chromium.json"
	ends_with 1 is_renewed "$pid"
	ends_with 0 jobfence gc
	is_renewed "$pid"
	is "$(in_lab cat "$view")" "$(cat "$LAB/authority.pem" - <<<"$(in_lab cat "$trust/ca.pem")")"
	is "$(in_lab keytool -list -storepass changeit -keystore "/proc/$pid/root/run/jobfence/trust/bundle.p12" 2>/dev/null | grep -c trustedCertEntry)" 2
	in_lab runc --root /run/oci kill "$JOB" KILL
	wait "$box" || :
	nothing_is_left
}

@test "the users of a container may read its certificates, whatever the umask of the engine" {
	is "$(umask 077; boxed : 'stat -c %a /run/jobfence/trust /run/jobfence/trust/bundle.pem')" $'755\n644'
}

@test "an image without roots gets the node's" {
	is "$(boxed : "$COUNT")" "$(($(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt) + 1))"
}

# Writes more certificates than an image may have.
many()
{
	printf "%.0s$(<"$LAB/authority.pem")\n" {1..4000} >"$1"
}

@test "an image leads to nothing outside of it, and delays nothing" {
	local change

	for change in 'ln -s /../../../../../../../etc/ssl/certs/ca-certificates.crt' 'ln -s ../../../../../../../../etc/ssl/certs/ca-certificates.crt' \
		'ln -s /proc/self/exe' 'mkfifo' 'mkdir' 'truncate -s 1G' many 'ln -s ca-certificates.crt'; do
		rm -rf "$BATS_TEST_TMPDIR/bundle"
		is "$(boxed "mkdir -p etc/ssl/certs && $change etc/ssl/certs/ca-certificates.crt" "$COUNT")" \
			"$(($(grep -c BEGIN /etc/ssl/certs/ca-certificates.crt) + 1))" || lab_fail "$change" || return
	done
	nothing_is_left
}
