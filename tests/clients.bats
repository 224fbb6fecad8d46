#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Programs that people run in jobs, with the variables that tell them of the proxy and
# without.

load lib/job
load lib/servers

setup_file()
{
	lab_with
	serve_repository
}

# A web server as people run it, at 11.0.0.3, with a Git repository.
serve_repository()
{
	local folder=$BATS_FILE_TMPDIR/nginx

	mkdir -p "$folder/root"
	git init -q --bare "$folder/root/repository.git"
	git -c user.name=a -c user.email=a@allowed.test -c init.defaultBranch=main \
		--git-dir "$folder/root/repository.git" commit-tree \
		"$(git --git-dir "$folder/root/repository.git" mktree </dev/null)" -m first >"$folder/commit"
	git --git-dir "$folder/root/repository.git" update-ref HEAD "$(<"$folder/commit")"
	git --git-dir "$folder/root/repository.git" update-server-info
	nginx_conf "$folder" <<-EOF
		access_log off;
		server {
			listen 11.0.0.3:80 reuseport;
			listen 11.0.0.3:443 ssl reuseport;
			ssl_certificate $LAB/server.pem;
			ssl_certificate_key $LAB/server.pem;
			root $folder/root;
			add_header X-From-Job \$http_x_jobfence_job_id always;
		}
	EOF
	in_internet nginx -c "$folder/nginx.conf" -e "$folder/errors"
}

setup()
{
	lab_name git.test 11.0.0.3
	job_up --rate 0 --domain allowed.test --domain git.test
	lab_forget
}

# Runs a command with the variables of the proxy and without; both print what the site says
# at $1, or are refused what it says at $2.
fetches()
{
	local site

	for site in http://allowed.test/ https://allowed.test/; do
		is "$(in_job "$@" $site)" 'this is allowed.test'
		is "$(in_job_directly "$@" $site)" 'this is allowed.test'
	done
	! in_job "$@" http://denied.test/ || lab_fail 'it got to a site that is not allowed'
	! in_job_directly "$@" http://denied.test/ || lab_fail 'it got to a site that is not allowed'
	is "$(lab_seen '.event == "request"' .headers | jq '.[] | select(.[0] == "Host") | .[1]' | sort -u)" \
		'"allowed.test"'
}

@test "curl fetches what is allowed" {
	fetches curl -sSf
}

@test "wget fetches what is allowed" {
	fetches wget -q -O - --tries=1 --ca-certificate="$LAB/authority.pem"
}

@test "Python's urllib fetches what is allowed" {
	fetches python3 "$LIB/fetch_urllib.py"
}

@test "Python's requests fetches what is allowed" {
	fetches python3 "$LIB/fetch_requests.py"
}

@test "Python's http.client, which knows of no proxy, fetches what is allowed" {
	fetches python3 "$LIB/fetch_http_client.py"
}

@test "Node's fetch gets what is allowed" {
	fetches node "$LIB/fetch_node.js"
}

# A folder for a web server as Debian configures it: port 80 of every address of both
# families.
stock_nginx()
{
	local folder=$BATS_TEST_TMPDIR/stock

	mkdir -p "$folder"
	echo 'from the job itself' >"$folder/index.html"
	nginx_conf "$folder" <<-EOF
		access_log off;
		server {
			listen 80 default_server;
			listen [::]:80 default_server;
			root $folder;
		}
	EOF
	echo "$folder"
}

@test "a stock nginx serves a job at port 80, beside its way to the web" {
	local folder job
	local urls=(http://localhost/ http://127.0.0.1/ 'http://[::1]/' http://0.0.0.0/ http://allowed.test/ https://allowed.test/)

	folder=$(stock_nginx)
	for job in "exec $JOB" 'run --domain allowed.test'; do
		# shellcheck disable=SC2016,SC2086 # expanded by the inner shell; words
		is "$(jobfence $job -- bash -c 'nginx -c "$1/nginx.conf" -e "$1/errors" && shift && curl -sSg --max-time 60 "$@" &&
			export http_proxy= && busybox wget -q -O - http://allowed.test/ &&
			busybox wget -q -O - http://localhost/; nginx -c "$0/nginx.conf" -e "$0/errors" -s stop' \
			"$folder" "$folder" "${urls[@]}")" \
			"$(printf 'from the job itself\n%.0s' 1 2 3 4; printf 'this is allowed.test\n%.0s' 1 2 3; echo 'from the job itself')"
	done
}

@test "a static program fetches what is allowed" {
	is "$(in_job_directly busybox wget -q -O - http://allowed.test/)" 'this is allowed.test'
	ends_with 1 in_job_directly busybox wget -q -O - http://denied.test/
	like "$ERRORS" '*denied.test*'
}

@test "git clones from an allowed server" {
	local clone=$BATS_TEST_TMPDIR/clone

	for scheme in http https; do
		in_job git clone -q $scheme://git.test/repository.git "$clone-$scheme"
		in_job_directly git clone -q $scheme://git.test/repository.git "$clone-$scheme-directly"
		is "$(git -C "$clone-$scheme-directly" rev-parse HEAD)" "$(<"$BATS_FILE_TMPDIR/nginx/commit")"
	done
	ends_with 128 in_job git clone -q http://denied.test/repository.git "$clone-denied"
	like "$ERRORS" '*403*'
}

@test "nginx receives the header" {
	like "$(fetch -D - -o /dev/null http://git.test/ -H 'X-Jobfence-Job-ID: forged')" \
		"*"$'X-From-Job: '"$JOB"$'\r*'
}
