#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Clients in a job whose TLS is opened. Each has to trust the authority of the job, by what
# `run` and `exec` do, and nothing else. The site's own certificate is one that only the
# policy's upstream_ca makes good.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/published

PAGE=https://page.wild.test/
OPEN=(--rate 0 --domain '*.wild.test' --intercept '*.wild.test')

share()
{
	origins_up
	in_lab tee -a /etc/jobfence/jobfence.conf >/dev/null <<-END
		allow_intercept = *.wild.test
		upstream_ca = $LAB/authority.pem
	END
}

setup()
{
	begin_project
	job_up "${OPEN[@]}"
	lab_forget
}

by_run()
{
	by_control "$JOBFENCE" run "${OPEN[@]}" -- "$@"
}

by_run_directly()
{
	by_control "$JOBFENCE" run "${OPEN[@]}" --no-proxy-env -- "$@"
}

# The control for package managers, which are to do the same in a job.
by_trusting()
{
	local ENVIRONMENT=("${ENVIRONMENT[@]}" SSL_CERT_FILE="$LAB/authority.pem" GIT_SSL_CAINFO="$LAB/authority.pem"
		PIP_CERT="$LAB/authority.pem" CARGO_HTTP_CAINFO="$LAB/authority.pem" npm_config_cafile="$LAB/authority.pem")

	by_control "$@"
}

same_with_opened_tls()
{
	# shellcheck disable=SC2034 # for the function below
	local ways=(trusting run run_directly exec exec_directly)

	same_behind_the_fence "$@"
}

# The container has roots of its own, at the places where the image has them.
by_container()
{
	trusting_container '.annotations = {"io.jobfence.domains": "*.wild.test", "io.jobfence.intercept": "*.wild.test", "io.jobfence.rate": "0"}' "$@"
}

# A container in the cgroup of a job that was there before.
by_joined()
{
	trusting_container ".linux.cgroupsPath = \"/jobfence/$JOB/work/box\"" "$@"
}

trusting_container()
{
	local bundle=$BATS_TEST_TMPDIR/bundle

	mkdir -p "$bundle"
	# shellcheck disable=SC2016 # jq's
	jq --arg root "$BATS_FILE_TMPDIR/machine" --arg cwd "$WORK" --argjson env \
		"$(jq -nc '$ARGS.positional' --args -- "${ENVIRONMENT[@]}")" \
		'.process += {terminal: false, noNewPrivileges: false, args: $ARGS.positional, env: $env, cwd: $cwd} | .root = {path: $root} |
		.process.capabilities[] = (["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "KILL"] | map("CAP_" + .)) |
		.process.rlimits = [] | '"$1" "$BATS_FILE_TMPDIR/bundle/config.json" --args -- "${@:2}" >"$bundle/config.json" &&
		in_lab "${LIMIT[@]}" "$RUNTIME" --annotations --root /run/oci run --bundle "$bundle" "box-$JOB"
}

# Prints how many requests for the page came from a job, and how many from elsewhere.
pages_seen()
{
	lab_settle
	lab_seen '.event == "request" and (.head | startswith("GET / "))' '.headers | map(.[0] | ascii_downcase) | index("x-jobfence-job-id") != null' | sort | uniq -c |
		awk '{ printf "%s%s %s", sep, $1, $2; sep = ", " }'
}

# Fails unless the client that the script $1 starts gets the page in each way. The control,
# which trusts nobody for this, has to fail: else the client does not verify.
client_gets_the_page()
{
	local way ways=(control run run_directly exec_directly exec container joined)

	[ -z "${2:-}" ] || ways=("${@:2}")
	for way in "${ways[@]}"; do
		lab_forget
		rm -rf "$WORK" && cp -a "$PROJECT" "$WORK" && cd "$WORK" || return
		if ! "by_$way" bash -euo pipefail -c "$1" client "$PAGE" </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&-; then
			[ "$way" = control ] || lab_fail "$way: $(tail -n 20 "$BATS_TEST_TMPDIR/output")" || return
			continue
		fi
		[ "$way" != control ] || lab_fail "the client takes any certificate: $(<"$BATS_TEST_TMPDIR/output")" || return
		like "$(<"$BATS_TEST_TMPDIR/output")" '*this is page.wild.test*' || return
		is "$(pages_seen)" '1 true' || return
	done
}

@test "curl, with OpenSSL" {
	client_gets_the_page 'curl -sS "$1"'
}

@test "wget, with GnuTLS" {
	client_gets_the_page 'wget -nv --tries=1 -O - "$1"'
}

@test "Python: urllib, requests, httpx" {
	client_gets_the_page "/usr/bin/python3 '$LIB/get_page.py' urllib \"\$1\""
	client_gets_the_page "/usr/bin/python3 '$LIB/get_page.py' requests \"\$1\""
	client_gets_the_page "/usr/bin/python3 '$LIB/get_page.py' httpx \"\$1\""
}

@test "Node: fetch and https" {
	client_gets_the_page "node '$LIB/fetch_node.js' \"\$1\""
	client_gets_the_page "node '$LIB/get_page.js' \"\$1\""
}

@test "Go" {
	cat >"$PROJECT/main.go" <<-'END'
		package main

		import (
			"io"
			"net/http"
			"os"
		)

		func main() {
			answer, err := http.Get(os.Args[1])
			if err != nil {
				panic(err)
			}
			io.Copy(os.Stdout, answer.Body)
		}
	END
	(cd "$PROJECT" && HOME=$BATS_TEST_TMPDIR GO111MODULE=off go build -o get main.go)
	client_gets_the_page './get "$1"'
	client_gets_the_page 'env -u SSL_CERT_FILE ./get "$1"'
}

@test "Java" {
	cat >"$PROJECT/Get.java" <<-'END'
		public class Get {
			public static void main(String[] arguments) throws Exception {
				new java.net.URL(arguments[0]).openStream().transferTo(System.out);
			}
		}
	END
	(cd "$PROJECT" && javac Get.java)
	client_gets_the_page 'java Get "$1"'
	client_gets_the_page 'env -u JAVA_TOOL_OPTIONS java Get "$1"'
}

@test "Perl, Ruby and PHP" {
	client_gets_the_page 'perl -MLWP::UserAgent -e "my \$r = LWP::UserAgent->new->get(\$ARGV[0]); print \$r->decoded_content; exit !\$r->is_success" "$1"'
	client_gets_the_page 'ruby -rnet/http -e "print Net::HTTP.get(URI(ARGV[0]))" "$1"'
	client_gets_the_page 'php -r "echo file_get_contents(\$argv[1]) ?: exit(1);" "$1"'
}

@test "programs that see no variables find the authority all the same" {
	client_gets_the_page 'env -i PATH="$PATH" curl -sS --noproxy "*" "$1"'
	client_gets_the_page 'env -i PATH="$PATH" wget -nv --tries=1 -O - "$1"'
	client_gets_the_page "env -i PATH=\"\$PATH\" /usr/bin/python3 '$LIB/get_page.py' urllib \"\$1\""
	client_gets_the_page 'env -i PATH="$PATH" perl -MLWP::UserAgent -e "my \$r = LWP::UserAgent->new->get(\$ARGV[0]); print \$r->decoded_content; exit !\$r->is_success" "$1"'
}

# It verifies nothing. To a proxy it sends https:// URLs in clear, which are refused.
@test "busybox wget takes any certificate, that of the job too" {
	is "$(by_run_directly busybox wget -q -O - "$PAGE")" 'this is page.wild.test'
	is "$(pages_seen)" '1 true'
}

@test "apt, by its helper that downloads" {
	client_gets_the_page '/usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file "$1" page && cat page'
}

@test "Chromium" {
	client_gets_the_page 'chromium --headless --no-sandbox --disable-gpu --dump-dom "$1" >page 2>errors || cat errors; grep "this is" page || { tail -n 3 errors; exit 1; }'
}

@test "git, with GnuTLS" {
	publish_repository
	same_with_opened_tls '
		git clone -q https://git.wild.test/repository.git here && md5sum here/large && cd here && git mv large more &&
			git commit -qm more && git push -q origin "HEAD:$0" && git fetch -q && git rev-parse "origin/$0"
		! git clone -q https://git.wild.test/none.git 2>/dev/null'
}

@test "pip" {
	publish_wheel
	ENVIRONMENT+=(PIP_INDEX_URL=https://pypi.wild.test/simple/ PIP_RETRIES=0 PIP_DISABLE_PIP_VERSION_CHECK=1)
	same_with_opened_tls '/usr/bin/python3 -m pip download -q tiny && ls *.whl'
}

@test "npm and yarn" {
	publish_two
	ENVIRONMENT+=(YARN_CACHE_FOLDER="$WORK/cache" NODE_PATH=/usr/share/nodejs)
	same_with_opened_tls 'npm install >log 2>&1 || { cat log; exit 1; }; node -p "require(\"tiny-one\")"'
	echo 'registry "https://npm.wild.test/"' >"$PROJECT/.yarnrc"
	printf '%s\n' 'npmRegistryServer: https://npm.wild.test' 'nodeLinker: node-modules' 'enableTelemetry: false' >"$PROJECT/.yarnrc.yml"
	same_with_opened_tls 'yarnpkg install >log 2>&1 || { cat log; exit 1; }; node -p "require(\"tiny-one\")"'
}

@test "Go's modules" {
	publish_module
	ENVIRONMENT+=(GOPROXY=https://go.wild.test GONOSUMDB='*' GOFLAGS=-mod=mod GOTOOLCHAIN=local)
	same_with_opened_tls 'go get example.com/dep@latest && cat go.sum'
}

@test "cargo" {
	local bare=$ORIGIN/git/library.git

	git init -q "$BATS_TEST_TMPDIR/library" && cd "$BATS_TEST_TMPDIR/library" && mkdir src
	printf '[package]\nname = "tiny"\nversion = "1.0.0"\n' >Cargo.toml
	echo 'pub fn two() -> i32 { 2 }' >src/lib.rs
	git add . && git -c user.name=a -c user.email=a@allowed.test commit -qm first && git clone -q --bare . "$bare"
	chown -R www-data: "$bare"
	mkdir "$PROJECT/src"
	printf '[package]\nname = "app"\nversion = "1.0.0"\n[dependencies]\ntiny = { git = "https://git.wild.test/library.git" }\n' \
		>"$PROJECT/Cargo.toml"
	echo 'fn main() {}' >"$PROJECT/src/main.rs"
	same_with_opened_tls '/usr/bin/cargo fetch -q && grep -c library.git Cargo.lock'
}
