#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# The configuration in share/jobfence/guard, on real servers: what comes from a job is
# rejected where jobs are submitted, whatever the job does about the header; and the fence
# keeps TLS away from there.

load lib/job
load lib/servers

GUARD=$(realpath "$LIB/../../share/jobfence/guard")

# What is served, and where.
declare -gA ADDRESSES=([nginx]=11.0.0.31 [haproxy]=11.0.0.32 [apache]=11.0.0.33 [caddy]=11.0.0.34 [wsgi]=11.0.0.35
	[asgi]=11.0.0.36 [node]=11.0.0.37)

setup()
{
	local name

	for name in "${!ADDRESSES[@]}"; do
		lab_name "$name.test" "${ADDRESSES[$name]}"
	done
	FOLDER=$BATS_TEST_TMPDIR
	lab_forget
}

# Runs a server as a process of its own and waits until it says $1.
serve()
{
	in_internet env HOME="$FOLDER" "${@:2}" >"$FOLDER/log" 2>&1 3>&- &
	await "$FOLDER/log" "$1" || lab_fail "it says: $(<"$FOLDER/log")"
}

# A submission from outside; the arguments are curl's. Prints the status.
submitted_from_outside()
{
	in_lab curl -sS -o /dev/null -w '%{http_code}' --max-time 60 -d '{}' "$@"
}

# The same from the job.
submitted()
{
	fetch -o /dev/null -w '%{http_code}' -d '{}' "$@"
}

# Fails unless the endpoint of $1.test takes submissions from outside and none from the job,
# by any trick.
guards()
{
	local site=http://$1.test/jobs method spelling

	job_up --rate 0 --domain "$1.test"
	is "$(submitted_from_outside "$site")" 201
	is "$(submitted_from_outside -H 'X-Jobfence-Job-ID: forged' "$site")" 403
	is "$(submitted "$site")" 403
	is "$(submitted --proxy http://192.0.0.8:80 "$site")" 403
	is "$(submitted --proxy http://192.0.0.8:80 --proxytunnel "$site")" 403
	for method in PUT PATCH DELETE PROPFIND; do
		is "$(submitted -X $method "$site")" 403 || lab_fail "by $method" || return
	done
	is "$(submitted -H 'Transfer-Encoding: chunked' "$site")" 403
	for spelling in 'X-Jobfence-Job-ID: forged' 'x-jobfence-job-id: forged' 'X-JOBFENCE-JOB-ID: forged' \
		'X-Jobfence-Job-ID;' 'X-Jobfence-Job-ID:' 'X_Jobfence_Job_ID: forged' 'X_JOBFENCE_JOB_ID;' \
		'Connection: X-Jobfence-Job-ID' 'Connection: keep-alive, x-jobfence-job-id' \
		'X-HTTP-Method-Override: GET'; do
		is "$(submitted -H "$spelling" "$site")" 403 || lab_fail "with $spelling" || return
	done
	is "$(submitted -H 'X-Jobfence-Job-ID: a' -H 'X-Jobfence-Job-ID: b' -H 'x_jobfence_job_id: c' "$site")" 403
	is "$(fetch -o /dev/null -w '%{http_code}' "$site")" 200
	is "$(fetch -o /dev/null -w '%{http_code}' -I "$site")" 200
	is "$(fetch -o /dev/null -w '%{http_code}' "$site" -H 'X-Jobfence-Job-ID: forged')" 200
}

# Fails unless the server behind has seen one submission, that from outside.
one_got_through()
{
	is "$(lab_seen '.event == "request" and (.line | test("^(GET|HEAD) ") | not)' .line | wc -l)" 1
}

@test "nginx rejects what a job submits" {
	nginx_conf "$FOLDER" <<-END
		access_log off;
		include $GUARD/nginx-http.conf;
		server {
			listen ${ADDRESSES[nginx]}:80 reuseport;
			include $GUARD/nginx-server.conf;
			location / {
				proxy_pass http://11.0.0.2;
			}
		}
	END
	in_internet nginx -c "$FOLDER/nginx.conf" -e "$FOLDER/errors"
	guards nginx
	one_got_through
}

@test "HAProxy rejects what a job submits" {
	haproxy_up "$FOLDER" <<-END
		listen site
			mode http
			bind ${ADDRESSES[haproxy]}:80
			server site 11.0.0.2:80
		$(<"$GUARD/haproxy.cfg")
	END
	guards haproxy
	one_got_through
}

@test "Apache httpd rejects what a job submits" {
	local module

	{
		for module in mpm_event authz_core proxy proxy_http; do
			echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
		done
		cat <<-END
			ServerName apache.test
			User www-data
			Group www-data
			PidFile $FOLDER/pid
			ErrorLog $FOLDER/errors
			DefaultRuntimeDir $FOLDER
			ListenCoresBucketsRatio 1
			Listen ${ADDRESSES[apache]}:80
			<VirtualHost *:80>
				<Location />
					Require all granted
					ProxyPass http://11.0.0.2/
				</Location>
				Include $GUARD/apache.conf
			</VirtualHost>
		END
	} >"$FOLDER/apache.conf"
	in_internet apache2 -f "$FOLDER/apache.conf" -k start >"$FOLDER/log" 2>&1
	guards apache
	one_got_through
}

@test "Caddy rejects what a job submits" {
	cat >"$FOLDER/Caddyfile" <<-END
		{
			admin off
		}
		import $GUARD/Caddyfile
		http:// {
			bind ${ADDRESSES[caddy]}
			route {
				import jobfence
				reverse_proxy 11.0.0.2:80
			}
		}
	END
	serve 'serving initial configuration' caddy run --config "$FOLDER/Caddyfile" --adapter caddyfile
	guards caddy
	one_got_through
}

@test "the middleware for WSGI rejects what a job submits" {
	cat >"$FOLDER/endpoint.py" <<-END
		import socket
		import sys
		from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

		sys.path.insert(0, "$GUARD")
		import jobfence_guard


		def site(environ, start_response):
		    written = environ["REQUEST_METHOD"] not in ("GET", "HEAD")
		    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
		    start_response("201 Created" if written else "200 OK", [])
		    return [b"a job\n"]


		server = WSGIServer(("", 0), WSGIRequestHandler, bind_and_activate=False)
		server.socket = socket.socket(fileno=3)
		server.server_name, server.server_port = "wsgi.test", 80
		server.setup_environ()
		server.set_app(jobfence_guard.WSGI(site))
		print("ready", flush=True)
		server.serve_forever()
	END
	serve ready "$LIB/listen.py" "${ADDRESSES[wsgi]}" 80 python3 -B "$FOLDER/endpoint.py"
	guards wsgi
}

@test "the middleware for ASGI rejects what a job submits" {
	cat >"$FOLDER/endpoint.py" <<-END
		import sys

		sys.path.insert(0, "$GUARD")
		import jobfence_guard


		async def site(scope, receive, send):
		    written = scope["method"] not in ("GET", "HEAD")
		    await send({"type": "http.response.start", "status": 201 if written else 200})
		    await send({"type": "http.response.body", "body": b"a job\n"})


		application = jobfence_guard.ASGI(site)
	END
	serve 'running on' "$LIB/listen.py" "${ADDRESSES[asgi]}" 80 python3 -B -m uvicorn --fd 3 --lifespan off \
		--app-dir "$FOLDER" endpoint:application
	guards asgi
}

@test "the middleware for Node rejects what a job submits" {
	cat >"$FOLDER/site.mjs" <<-END
		import http from "node:http";
		import { jobfenceGuard } from "$GUARD/jobfence_guard.mjs";

		const guard = jobfenceGuard();
		const site = (request, response) => {
			response.writeHead(["GET", "HEAD"].includes(request.method) ? 200 : 201);
			response.end("a job\n");
		};
		http.createServer((request, response) => guard(request, response, () => site(request, response)))
			.listen({ fd: 3 }, () => console.log("ready"));
	END
	serve ready "$LIB/listen.py" "${ADDRESSES[node]}" 80 node "$FOLDER/site.mjs"
	guards node
}

# What a TLS client without CONNECT, and one with it, gets to hear of the name $1.
by_tls()
{
	in_job_directly "$LIB/tls.py" --name "$1" 11.0.0.2
	fetch_by_proxy -o /dev/null -w '%{http_connect}\n' "https://$1/" 2>/dev/null || true
}

@test "TLS to a guarded domain is refused, plain HTTP bears the header" {
	job_up --domain .allowed.test --domain other.test --guard-domain allowed.test
	is "$(by_tls allowed.test)" $'alert 49\n403'
	lab_settle
	is "$(lab_seen '.event == "connection" or .event == "query"')" ''
	fetch_by_proxy -D "$FOLDER/head" -o /dev/null https://allowed.test/ 2>/dev/null || true
	like "$(<"$FOLDER/head")" '*'$'X-Jobfence-Denied: guard\r\n*'
	is "$(fetch http://allowed.test/)" 'this is allowed.test'
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(fetch_by_proxy --proxytunnel http://allowed.test/)" 'this is allowed.test'
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(by_tls www.allowed.test)" $'this is www.allowed.test\n200'
	is "$(by_tls other.test)" $'this is other.test\n200'
	is "$(jobfence show "$JOB" --json | jq -c '[.guard_domains, (.refusals[] | [.reason, .name, .count])]')" \
		'[["allowed.test"],["guard","allowed.test",3]]'
}

@test "a guarded domain may be a wildcard or an address, and is none that the job may reach" {
	job_up --domain allowed.test --domain www.allowed.test --domain 11.0.0.2 --guard-domain .allowed.test \
		--guard-domain 11.0.0.2 --guard-domain other.test
	is "$(by_tls allowed.test)" $'alert 49\n403'
	is "$(by_tls www.allowed.test)" $'alert 49\n403'
	is "$(fetch -k -o /dev/null -w '%{http_code}' https://11.0.0.2/ || true)" 000
	is "$(fetch -o /dev/null -w '%{http_code}' http://11.0.0.2/)" 200
	refused_for domain http://other.test/
}

@test "a guarded address gets no TLS by whatever name leads there" {
	local name

	lab_name evil.test 11.0.0.2
	lab_name mixed.test 11.0.0.3 11.0.0.2
	lab_name six.test 2600:1::2
	lab_name nat64.test 64:ff9b::b00:2
	lab_name free.test 11.0.0.3
	job_up --domain={evil,mixed,six,nat64,free}.test --guard-domain 11.0.0.2 --guard-domain 2600:1::2
	for name in evil mixed six nat64; do
		is "$(by_tls "$name.test")" $'alert 49\n403' || lab_fail "at $name.test" || return
	done
	lab_settle
	is "$(lab_seen '.event == "connection"')" ''
	is "$(by_tls free.test)" $'this is free.test\n200'
	is "$(fetch http://evil.test/)" 'this is evil.test'
	is "$(received x-jobfence-job-id)" "$JOB"
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[] | [.reason, .name, .count]][0]')" '["guard","evil.test",2]'
}

@test "a domain stays guarded when the proxy is started anew" {
	job_up --domain allowed.test --guard-domain allowed.test
	in_lab kill -KILL -- "$(up_says .proxy.pid)"
	in_lab tail --pid="$(up_says .proxy.pid)" -s 0.02 -f /dev/null
	jobfence repair "$JOB"
	is "$(by_tls allowed.test)" $'alert 49\n403'
}

@test "guarded domains are bounded, and checked as others" {
	local options=() i

	ends_with 2 jobfence up --job "$JOB" --domain allowed.test --guard-domain http://allowed.test
	for ((i = 0; i < 33; i++)); do
		options+=(--guard-domain "a$i.test")
	done
	ends_with 2 jobfence up --job "$JOB" --domain allowed.test "${options[@]}"
	like "$ERRORS" '*at most 32 guarded domains*'
	ends_with 0 jobfence up --job "$JOB" --domain allowed.test "${options[@]:0:64}"
}
