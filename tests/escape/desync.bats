#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Many requests over connections to sites that their clients share. Behind the proxy are
# Node, nginx and Apache, which end idle connections soon. Each answer has to be the one to
# its request. `REQUESTS=10000 SEED=1 bats tests/escape/desync.bats` sends more.

load ../lib/job
load ../lib/servers

setup_file()
{
	lab_with sites_up
}

sites_up()
{
	local folder=$BATS_FILE_TMPDIR module

	nginx_conf "$folder" <<-EOF
		log_format seen '\$connection';
		access_log $folder/nginx seen;
		keepalive_requests 20;
		server {
			listen 11.0.0.3:80 reuseport;
			add_header X-Token \$request_uri;
			add_header X-Stamp \$http_x_jobfence_job_id;
			location / { return 200 "\$request_uri\n"; }
		}
	EOF
	{
		for module in mpm_event authz_core alias headers; do
			echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
		done
		cat <<-EOF
			ServerName apache.test
			PidFile $folder/apache.pid
			ErrorLog $folder/apache-errors
			DefaultRuntimeDir $folder
			ListenCoresBucketsRatio 1
			Listen 11.0.0.9:80
			MaxKeepAliveRequests 10
			KeepAliveTimeout 50ms
			AliasMatch . $folder/page
			Header always set X-Token "expr=%{REQUEST_URI}"
			Header always set X-Stamp "expr=%{HTTP:X-Jobfence-Job-ID}"
			<Directory />
				Require all granted
			</Directory>
		EOF
	} >"$folder/apache.conf"
	printf '%030000d' 7 >"$folder/page"
	in_internet nginx -c "$folder/nginx.conf" -e "$folder/errors" || return
	in_internet apache2 -f "$folder/apache.conf" -k start >"$folder/apache" 2>&1 || lab_fail "$(<"$folder/apache")" || return
	# The lab's own web server listens on the same port. Node can share it only by such
	# a socket.
	in_internet "$LIB/listen.py" 11.0.0.5 80 node "$LIB/mixed_site.js" >"$folder/node" 2>&1 3>&- &
	await "$folder/node" ready
}

@test "each of many answers over shared connections is the one to its request" {
	local said

	lab_name nginx.test 11.0.0.3
	lab_name node.test 11.0.0.5
	lab_name apache.test 11.0.0.9
	job_up --rate 0 --domain nginx.test --domain node.test --domain apache.test
	said=$(in_job_directly timeout 600 python3 "$LIB/mixed.py" "${REQUESTS:-800}" "$JOB" "${SEED:-$RANDOM}")
	echo "# $said" >&3
	like "$said" '*broken off, * right'
	# The requests shared connections.
	[ "$(sort -u "$BATS_FILE_TMPDIR/nginx" | wc -l)" -lt $(($(wc -l <"$BATS_FILE_TMPDIR/nginx") * 2 / 3)) ] ||
		lab_fail "$(sort -u "$BATS_FILE_TMPDIR/nginx" | wc -l) connections for $(wc -l <"$BATS_FILE_TMPDIR/nginx") requests"
}
