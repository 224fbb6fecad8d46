#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Rules for methods and paths: what a job may request of a domain, and what the site hears.

load lib/job
load lib/servers

SITE=http://allowed.test

# A job that may read below /repos/acme and submit, and may do anything at other.test.
up()
{
	job_up --rate 0 --domain allowed.test --domain other.test --rule 'GET,HEAD allowed.test/repos/acme/**' \
		--rule 'POST allowed.test/jobs' "$@"
}

# Prints the status of a request; the arguments are curl's. Its path stays as it is.
status()
{
	fetch -o /dev/null -w '%{http_code}' --path-as-is "$@"
}

# Prints the request lines that the site saw.
lines()
{
	lab_seen '.event == "request"' .line | tr -d '"'
}

@test "a domain with rules allows what one of them allows" {
	local refused

	up
	for refused in GET,/ GET,/repos/acme-evil GET,/repos GET,/jobs PUT,/repos/acme/a get,/repos/acme \
		DELETE,/jobs POST,/jobs/ OPTIONS,/repos/acme GET,/Repos/acme; do
		refused_for rule "$SITE${refused#*,}" -X "${refused%,*}"
	done
	is "$(requests)" 0
	is "$(fetch "$SITE/repos/acme/a?b=/jobs")" 'this is allowed.test'
	is "$(fetch "$SITE/repos/acme")" 'this is allowed.test'
	is "$(status -I "$SITE/repos/acme/")" 200
	is "$(status -d '{}' "$SITE/jobs?x")" 201
	is "$(status -X DELETE http://other.test/jobs)" 201
	is "$(fetch_by_proxy "$SITE/repos/acme/")" 'this is allowed.test'
	refused_for rule "$SITE/" --proxy http://192.0.0.8:80
	refused_for domain http://denied.test/
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | [.reason, .name, .count]] | sort')" \
		'[["domain","denied.test",1],["rule","allowed.test",11]]'
	# What was refused did not count as use.
	is "$(jobfence show "$JOB" --json | jq '.hits["allowed.test"]')" 5
}

@test "a refusal names the rule that is missing, as text and as JSON" {
	up
	refused_for rule "$SITE/repos/./acme//it?q" -X PUT
	is "$(<"$BATS_TEST_TMPDIR/body")" "jobfence: network: job $JOB may not request PUT allowed.test/repos/acme/it
No rule of the job for this domain allows that. To allow it, add one:
    --rule 'PUT allowed.test/repos/acme/it'"
	refused_for rule "$SITE/x" -H 'Accept: application/json'
	is "$(jq -c '[.reason, .host, .port, .missing]' "$BATS_TEST_TMPDIR/body")" \
		'["rule","allowed.test",80,{"option":"--rule","value":"GET allowed.test/x"}]'
	is "$(python3 "$LIB/matches_schema.py" "$LIB/../../share/jobfence/refusal.schema.json" "$(<"$BATS_TEST_TMPDIR/body")")" True
	jobfence down "$JOB" >/dev/null
	# Obeying it helps.
	up --rule 'GET allowed.test/x'
	is "$(status "$SITE/x")" 200
}

@test "the site hears the path that was judged, and no other method" {
	local path

	up
	for path in '/repos/acme/a' '//repos/acme/a' '/repos//./%61cme/a' '/repos/x/../acme/a' '/%2e/repos/acme/b/%2E%2e/a' \
		'/x/%2e./repos/acme/a'; do
		is "$(status "$SITE$path")" 200 || lab_fail "$path" || return
	done
	is "$(lines | sort -u)" 'GET /repos/acme/a HTTP/1.1'
	lab_forget
	is "$(status "$SITE/repos/acme/caf%c3%a9%2b?%2e%2e/%2F;x")" 200
	is "$(lines)" 'GET /repos/acme/caf%C3%A9%2B?%2e%2e/%2F;x HTTP/1.1'
	for path in /repos/acme/../evil /repos/acme/%2e%2e/evil '/repos/acme/.%2e//evil' /repos/acme/../../jobs; do
		refused_for rule "$SITE$path" --path-as-is
	done
	is "$(status -d '{}' -H 'X-HTTP-Method-Override: DELETE' -H 'x_http_method: PUT' -H 'X-Method-Override: PUT' \
		-H 'X-Original-URL: /admin' -H 'X_Rewrite_URL: /admin' -H 'X-Forwarded-Prefix: /x' "$SITE/jobs")" 201
	is "$(lab_seen '.event == "request"' '.headers[][0]' | tr -d '"' | grep -ciE 'override|method|forwarded|url')" 0
	# Elsewhere nothing changes.
	is "$(status -H 'X-HTTP-Method-Override: DELETE' 'http://other.test//a/./%61')" 200
	is "$(lines | tail -n 1)" 'GET //a/./%61 HTTP/1.1'
	is "$(received x-http-method-override)" DELETE
}

@test "a field that names a second path is refused, and not dropped" {
	local field

	up
	for field in Destination X-Copy-From x-amz-copy-source X_Goog_Copy_Source X-Ms-Rename-Source; do
		refused_for rule "$SITE/jobs" -d '{}' -H "$field: /x" || lab_fail "$field" || return
	done
	like "$(<"$BATS_TEST_TMPDIR/body")" "jobfence: *: allowed.test: the request asks for a second path by its field X-Ms-Rename-Source"
	is "$(fetch "$SITE/jobs" -d '{}' -H 'Destination: /x' -H 'Accept: application/json' | jq -c '[.reason, .missing, .next_steps]')" \
		'["rule",null,["Rules for methods and paths hold for this domain, and see no fields. Send the request without that one."]]'
	is "$(requests)" 0
	# Elsewhere they pass.
	is "$(status -d '{}' -H 'Destination: /x' http://other.test/jobs)" 201
	is "$(received destination)" /x
}

@test "a path that can be read in two ways is refused, and reaches nobody" {
	local path

	up
	for path in '/repos/acme%2f..%2fevil' '/repos/acme/..%5cevil' '/repos/acme/..\evil' '/repos/acme/..;/evil' \
		'/repos/acme/..%3bx/evil' '/repos/acme/%252e%252e/evil' '/repos/acme/%25%32%65/' '/repos/../../acme' \
		'/repos/acme/%00' '/repos/acme/%0d%0aHost:evil' '/repos/acme/%c0%ae%c0%ae/evil' '/repos/acme/%' '/repos/acme/%u002e'; do
		is "$(status "$SITE$path")" 400 || lab_fail "$path" || return
	done
	is "$(fetch --path-as-is "$SITE/repos/acme/..;/evil" -H 'Accept: application/json' | jq -c '[.reason, .error, .missing]')" \
		"[\"rule\",\"jobfence: network: job $JOB: allowed.test: the request has a parameter without a segment in front of it in its path\",null]"
	is "$(status -X OPTIONS --request-target '*' "$SITE/")" 400
	is "$(requests)" 0
	is "$(status 'http://other.test/a%2fb')" 200
}

@test "each request of a connection is judged" {
	local answers

	up
	answers=$(converse 11.0.0.2 80 'GET /repos/acme HTTP/1.1\r\nHost: allowed.test\r\n\r\nGET /no HTTP/1.1\r\nHost: allowed.test\r\n\r\nGET http://allowed.test/repos/acme/x/../b HTTP/1.1\r\nHost: allowed.test\r\n\r\nGET /repos/acme%2f HTTP/1.1\r\nHost: allowed.test\r\n\r\n')
	is "$(grep -a '^HTTP' <<<"$answers" | cut -d ' ' -f 2 | paste -sd ' ')" '200 403 200 400'
	is "$(lines)" 'GET /repos/acme HTTP/1.1
GET /repos/acme/b HTTP/1.1'
	# CONNECT to port 80 shows the requests as well.
	is "$(status --proxy http://192.0.0.8:80 --proxytunnel "$SITE/repos/acme")" 200
	is "$(status --proxy http://192.0.0.8:80 --proxytunnel "$SITE/evil")" 403
}

@test "TLS to a domain with rules is refused, with and without CONNECT" {
	up
	ends_with 56 fetch -k --proxy http://192.0.0.8:80 https://allowed.test/repos/acme
	like "$ERRORS" '*403*'
	is "$(in_job_directly curl -sk --proxy http://192.0.0.8:80 -D - -o /dev/null https://allowed.test/ | grep -i ^x-jobfence | tr -d '\r')" \
		'X-Jobfence-Denied: rule'
	like "$(converse 192.0.0.8 80 'CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n')" \
		"*job $JOB may not reach allowed.test by TLS*TLS would hide both*http://allowed.test/*"
	ends_with 35 fetch -k https://allowed.test/repos/acme
	is "$(lab_seen '.event == "connection" and .port == 443' | wc -l)" 0
	is "$(fetch -k https://other.test/)" 'this is other.test'
	is "$(jobfence show "$JOB" --json | jq '[.refusals[] | select(.reason == "rule") | .count] | add')" 4
}

@test "a websocket is a request to be judged" {
	local head

	job_up --rate 0 --domain allowed.test --rule 'GET allowed.test/websocket'
	head=$(in_job_directly timeout 30 "$LIB/websocket" | head -n 1)
	is "$head" 'HTTP/1.1 101 Switching Protocols'
	jobfence down "$JOB" >/dev/null
	job_up --rate 0 --domain allowed.test --rule 'GET allowed.test/websockets'
	head=$(in_job_directly timeout 30 "$LIB/websocket" | head -n 1) || true
	is "$head" 'HTTP/1.1 403 Forbidden'
}

@test "rules stay through repair, upgrade and update, and are shown" {
	local rules='["GET,HEAD allowed.test/repos/acme/**","POST allowed.test/jobs"]'

	up
	is "$(up_says '.rules | tojson')" "$rules"
	is "$(up_says '.node_rules | tojson')" '[]'
	jobfence upgrade "$JOB" --proxy >/dev/null
	refused_for rule "$SITE/"
	in_lab kill -9 "$(in_lab jq .state.proxy_pid "/run/jobfence/jobs/$JOB/spec.json")"
	# shellcheck disable=SC2016 # expanded by the inner shell
	eventually in_lab bash -c '[ "$("$0" show "$1" --json | jq -r .state)" = cut-off ]' "$JOBFENCE" "$JOB"
	jobfence repair "$JOB" >/dev/null
	refused_for rule "$SITE/"
	is "$(status "$SITE/repos/acme")" 200
	jobfence update "$JOB" --add-domain .allowed.test >/dev/null
	refused_for rule "$SITE/"
	is "$(status http://allowed.test/repos/acme)" 200
	is "$(jobfence show "$JOB" --json | jq -c .rules)" "$rules"
	like "$(jobfence show "$JOB")" '*rules:
  GET,HEAD allowed.test/repos/acme/\*\*
  POST allowed.test/jobs*'
}

@test "the node's rules hold besides those of each job" {
	local policy=$BATS_TEST_TMPDIR/policy

	printf '%s\n' 'accept = http' 'allow_domain = .allowed.test other.test' 'rule = GET .allowed.test/a/**' \
		'rule = POST allowed.test/jobs' >"$policy"
	job_up --config "$policy" --domain allowed.test --domain other.test --rule '* allowed.test/a/b' --rule 'POST allowed.test/**'
	is "$(up_says '.node_rules | length')" 2
	is "$(status "$SITE/a/b")" 200
	is "$(status -d '{}' "$SITE/jobs")" 201
	refused_for rule "$SITE/a/c"
	like "$(<"$BATS_TEST_TMPDIR/body")" '*No rule of the job*'
	refused_for rule "$SITE/a/b" -X PUT
	like "$(<"$BATS_TEST_TMPDIR/body")" '*may not request PUT allowed.test/a/b*No rule of the node*'
	refused_for rule "$SITE/a/b" -X PUT -H 'Accept: application/json'
	is "$(jq .missing "$BATS_TEST_TMPDIR/body")" null
	jobfence upgrade "$JOB" --proxy >/dev/null
	refused_for rule "$SITE/a/b" -X PUT
	is "$(status -X PUT http://other.test/)" 200
	# `run` is held to them, too.
	is "$(jobfence run --config "$policy" --rate 0 --domain allowed.test -- \
		curl -s -w '%{http_code}\n' -o /dev/null http://allowed.test/a -o /dev/null http://allowed.test/b 2>/dev/null | paste -sd ' ')" '200 403'
	printf 'rule = GET allowed.test\n' >>"$policy"
	ends_with 3 jobfence policy check --config "$policy" --domain allowed.test
	like "$ERRORS" "*:5: rule: *a path after its host*"
}

@test "an update adds no domain whose rules or guards the job began without" {
	local policy=$BATS_TEST_TMPDIR/policy row update=(jobfence update "$JOB" --config "$BATS_TEST_TMPDIR/policy")
	local node=('accept = http' 'allow_domain = *' 'rule = GET a.test/**') run

	printf '%s\n' "${node[@]}" 'rule = POST a.test/x' 'guard_domain = g.test' >"$policy"
	job_up --config "$policy" --domain allowed.test
	for row in 'denied.test|rule = GET denied.test/**' '.denied.test|rule = GET www.denied.test/**' \
		'www.denied.test|rule = GET *.denied.test/**' \
		'denied.test|guard_domain = denied.test' '.denied.test|guard_domain = www.denied.test' \
		'www.denied.test|guard_domain = .denied.test' 'denied.test|guard_domain = 11.0.0.2'; do
		printf '%s\n' "${node[@]}" 'rule = POST a.test/x' "${row#*|}" >"$policy"
		ends_with 3 "${update[@]}" --add-domain "${row%|*}"
		like "$ERRORS" "jobfence: *domain ${row%|*} *begin the job anew" || return
	done
	# What the job has beyond the rules of today would widen them.
	printf '%s\n' "${node[@]}" >"$policy"
	ends_with 3 "${update[@]}" --add-domain a.test
	is "$(jobfence show "$JOB" --json | jq -c .domains)" '["allowed.test"]'
	# Those that agree are added, and those that the policy has given up hold still.
	printf '%s\n' "${node[@]}" 'rule = POST a.test/x' 'guard_domain = g.test' >"$policy"
	ends_with 0 "${update[@]}" --add-domain a.test --add-domain g.test
	printf '%s\n' "${node[@]:0:2}" >"$policy"
	ends_with 0 "${update[@]}" --add-domain .a.test
	is "$(jobfence show "$JOB" --json | jq -c '[.domains, .node_rules]')" \
		'[[".a.test","allowed.test","g.test"],["GET a.test/**","POST a.test/x"]]'
	jobfence down "$JOB" >/dev/null
	# The operator's own hand is held to them as well.
	jobfence run --job "$JOB" --domain allowed.test -- sh -c 'echo ready; exec sleep 60' >"$BATS_TEST_TMPDIR/ready" 2>&1 3>&- &
	run=$!
	await "$BATS_TEST_TMPDIR/ready" ready
	printf '%s\n' 'rule = GET denied.test/**' >"$policy"
	ends_with 3 "${update[@]}" --add-domain denied.test
	ends_with 0 "${update[@]}" --add-domain other.test
	jobfence down "$JOB" >/dev/null
	wait "$run" || true
}

@test "a rule without force is an error" {
	local row verb record policy=$BATS_TEST_TMPDIR/policy

	for row in "GET other.test/|there is a rule for 'other.test', which the job does not declare*--domain 'other.test'*" \
		"GET .allowed.test/|there is a rule for '.allowed.test'*" 'GET allowed.test|*a path after its host*' \
		'get allowed.test/|*capital letters*' 'GET http://allowed.test/|*no scheme*' 'GET allowed.test/a%2fb|*encoded slash*' \
		'GET allowed.test/a*|*whole segment*'; do
		ends_with 2 jobfence up --job "$JOB" --domain allowed.test --rule "${row%|*}"
		like "$ERRORS" "jobfence: ${row#*|}" || like "$ERRORS" "jobfence: rule '${row%|*}': ${row#*|}"
		ends_with 2 jobfence policy check --domain allowed.test --rule "${row%|*}"
	done
	ends_with 2 jobfence up --job "$JOB" --network full --rule 'GET allowed.test/'
	ends_with 2 jobfence up --job "$JOB" --rule 'GET allowed.test/'
	ends_with 2 jobfence up --job "$JOB" --spec - <<<'{"network":{"domains":["a.test"]},"rules":["GET b.test/"]}'
	# Without domains a job has no network, so it gets no default domain.
	printf '%s\n' 'accept = http' 'default_domain = allowed.test' 'allow_ech = allowed.test' >"$policy"
	for row in --rule,GET\ allowed.test/x --allow-ech,allowed.test; do
		for verb in up 'policy check'; do
			# shellcheck disable=SC2086 # a verb of two words
			ends_with 2 jobfence $verb --config "$policy" --job "$JOB" --network http "${row%,*}" "${row#*,}"
			like "$ERRORS" "*allowed.test*does not declare*"
		done
		ends_with 125 jobfence run --config "$policy" --network http "${row%,*}" "${row#*,}" -- true
	done
	ends_with 2 jobfence up --config "$policy" --job "$JOB" --spec - <<<'{"network":{"type":"http","domains":[]},"rules":["GET allowed.test/x"]}'
	# A record is not judged again, whoever wrote it.
	job_up --domain allowed.test --rule 'GET allowed.test/'
	record=/run/jobfence/jobs/$JOB/spec.json
	in_lab jq '.network = {"type":"none","domains":[]}' "$record" >"$BATS_TEST_TMPDIR/record"
	in_lab cp "$BATS_TEST_TMPDIR/record" "$record"
	is "$(jobfence show "$JOB" --json | jq -c '[.network, .rules]')" '["none",["GET allowed.test/"]]'
	jobfence down "$JOB" >/dev/null
	# A job that learns reaches each domain.
	job_up --learn --rate 0 --rule 'GET allowed.test/a'
	is "$(status "$SITE/a")" 200
	refused_for rule "$SITE/b"
	is "$(status http://other.test/)" 200
}

@test "a file of domains and a spec may have rules" {
	printf '%s\n' 'allowed.test' 'GET allowed.test/a # why' >"$BATS_TEST_TMPDIR/domains"
	job_up --rate 0 --domain-file "$BATS_TEST_TMPDIR/domains"
	is "$(status "$SITE/a")" 200
	refused_for rule "$SITE/b"
	jobfence down "$JOB" >/dev/null
	job_up --rate 0 --spec - <<<'{"network":{"domains":["allowed.test"]},"rules":["HEAD,GET Allowed.test/%61/*"]}'
	is "$(up_says '.rules[0]')" 'HEAD,GET allowed.test/a/*'
	is "$(status "$SITE/a/b")" 200
	refused_for rule "$SITE/a/b/c"
}

# Prints the configuration of nginx for the site of ask_paths.py, at the address $1.
nginx_paths()
{
	local place location

	printf '%s\n' 'access_log off;' 'server {' "listen $1:80 reuseport;"
	for place in open closed other; do
		for location in "= /$place" "/$place/"; do
			[ "$place" != other ] || location=/
			cat <<-END
				location $location {
					add_header X-Method "[\$request_method]" always;
					add_header X-Target "[\$request_uri]" always;
					add_header X-Path "[\$uri]" always;
					add_header X-Place [$place] always;
					return 200 '';
				}
			END
			[ "$place" != other ] || break
		done
	done
	echo '}'
}

# Prints that of Apache, with its files in the folder $2. The line of the request has the
# target.
apache_paths()
{
	local module place

	for module in mpm_event authz_core alias headers; do
		echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
	done
	cat <<-END
		ServerName apache.test
		PidFile $2/apache.pid
		ErrorLog $2/apache-errors
		DefaultRuntimeDir $2
		ListenCoresBucketsRatio 1
		Listen $1:80
		MaxKeepAliveRequests 0
		AliasMatch . $2/page
		Header always set X-Method "expr=[%{REQUEST_METHOD}]"
		Header always set X-Target "expr=[%{THE_REQUEST}]"
		Header always edit X-Target "^\[\S+ (\S+) \S+\]$" "[\$1]"
		Header always set X-Path "expr=[%{REQUEST_URI}]"
		Header always set X-Place "[other]"
		<Directory />
			Require all granted
		</Directory>
	END
	for place in open closed; do
		printf '%s\n' "<Location /$place>" "Header always set X-Place [$place]" '</Location>'
	done
}

# `TARGETS=100000 SEED=1 bats tests/rules.bats` asks for more.
@test "nginx, Node, Go and Apache take each path for what was judged" {
	local folder=$BATS_TEST_TMPDIR site sites=(nginx node go apache) address=41 options=() servers=() said

	for site in "${sites[@]}"; do
		lab_name "$site.test" "11.0.0.$address"
		lab_name "open.$site.test" "11.0.0.$address"
		options+=(--domain ".$site.test" --rule "* $site.test/**" --rule "GET,POST open.$site.test/open/**")
		((++address))
	done
	nginx_paths 11.0.0.41 | nginx_conf "$folder"
	apache_paths 11.0.0.44 "$folder" >"$folder/apache.conf"
	: >"$folder/page"
	HOME=$folder GO111MODULE=off go build -o "$folder/go_site" "$LIB/paths_site.go"
	in_internet nginx -c "$folder/nginx.conf" -e "$folder/errors"
	in_internet apache2 -f "$folder/apache.conf" -k start >"$folder/apache" 2>&1 || lab_fail "$(<"$folder/apache")" || return
	in_internet "$LIB/listen.py" 11.0.0.42 80 node "$LIB/paths_site.js" >"$folder/node" 2>&1 3>&- &
	servers+=("$!")
	in_internet "$LIB/listen.py" 11.0.0.43 80 "$folder/go_site" >"$folder/go" 2>&1 3>&- &
	servers+=("$!")
	await "$folder/node" ready || lab_fail "$(<"$folder/node")" || return
	await "$folder/go" ready || lab_fail "$(<"$folder/go")" || return
	job_up --rate 0 "${options[@]}"
	said=$(in_job_directly python3 "$LIB/ask_paths.py" "${TARGETS:-300}" "${SEED:-$RANDOM}" "${sites[@]}") || lab_fail "$said" || return
	echo "# $said" >&3
	for site in "${sites[@]}"; do
		[[ $said =~ $site:\ [1-9][0-9]*\ passed,\ [1-9] ]] || lab_fail "$said" || return
	done
	kill "${servers[@]}"
}
