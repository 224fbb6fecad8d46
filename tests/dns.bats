#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Names as a job sees them: its DNS stub answers from the job's rules alone, and what it
# does not know nobody is asked for.

load lib/job

up()
{
	job_up --domain allowed.test --domain '*.wild.test' "$@"
}

ask()
{
	in_job_directly dig +tries=1 +time=20 "$@"
}

# Fails unless the Internet was asked for no name.
nobody_was_asked()
{
	lab_settle
	is "$(lab_seen '.event == "query"')" ''
}

@test "an allowed name has the address of the proxy, over UDP and TCP" {
	up
	for transport in +notcp +tcp; do
		is "$(ask +short $transport allowed.test A)" 192.0.0.8
		is "$(ask +short $transport allowed.test AAAA)" 100:0:0:1::8
		is "$(ask +short $transport Any.Thing.Wild.test A)" 192.0.0.8
	done
	nobody_was_asked
}

@test "another name does not exist, and the answer says why" {
	local transport name

	up
	for transport in +notcp +tcp; do
		for name in denied.test sub.allowed.test wild.test test . 2.0.0.11.in-addr.arpa; do
			like "$(ask $transport "$name")" '*status: NXDOMAIN*EDE: 17 (Filtered)*'
		done
	done
	like "$(ask denied.test)" '*--domain denied.test*'
	nobody_was_asked
}

@test "an allowed name has no records of other types" {
	up
	for type in TXT MX NS SOA CNAME SRV HTTPS SVCB NULL ANY DNSKEY; do
		like "$(ask allowed.test $type)" '*status: NOERROR*ANSWER: 0,*'
	done
	nobody_was_asked
}

@test "whichever server a job asks, the stub answers, and seems to be that server" {
	up
	for server in 11.0.0.53 8.8.8.8 2600:1::53 192.0.0.8 169.254.169.254; do
		is "$(ask +short "@$server" allowed.test)" 192.0.0.8
		is "$(ask +short +tcp "@$server" allowed.test)" 192.0.0.8
		like "$(ask "@$server" denied.test)" '*status: NXDOMAIN*'
	done
	nobody_was_asked
}

@test "data in a name gets nowhere" {
	up
	ask "$(printf '%060d' 7).$(printf '%060d' 8).exfiltrated.test" >/dev/null
	ask "secret.allowed.test" >/dev/null
	ask "secret.allowed.test" TXT >/dev/null
	in_job_directly getent hosts secret.denied.test && lab_fail 'it has an address'
	nobody_was_asked
}

@test "the node's resolver is asked once the proxy dials an allowed name, and not before" {
	up
	is "$(fetch http://allowed.test)" 'this is allowed.test'
	is "$(lab_seen '.event == "query"' .name | sort -u)" '"allowed.test"'
	lab_forget
	refused_for domain http://denied.test/
	fetch_by_proxy -o /dev/null http://denied.test
	in_job_directly "$LIB/tls.py" --name denied.test 11.0.0.2
	nobody_was_asked
}

@test "in the node's namespace the stub answers as well" {
	up --netns /proc/self/ns/net
	is "$(ask +short @11.0.0.53 allowed.test)" 192.0.0.8
	is "$(ask +short +tcp @2600:1::53 allowed.test AAAA)" 100:0:0:1::8
	like "$(ask @11.0.0.53 denied.test)" '*status: NXDOMAIN*'
	nobody_was_asked
}

@test "a namespace whose IPv6 is switched off later gets no address of it" {
	up
	is "$(ask +short allowed.test AAAA)" 100:0:0:1::8
	is "$(ask +short localhost AAAA)" ::1
	in_lab ip netns exec "jobfence-$JOB" sysctl -q net.ipv6.conf.all.disable_ipv6=1
	for name in allowed.test localhost; do
		like "$(ask "$name" AAAA)" '*status: NOERROR*ANSWER: 0,*'
	done
	is "$(ask +short allowed.test A)" 192.0.0.8
	is "$(in_job_directly busybox wget -q -O - http://allowed.test/)" 'this is allowed.test'
	is "$(in_job_directly python3 "$LIB/look_up.py" 80)" 192.0.0.8
}

@test "what a program asks beside the names of its sites is no refusal" {
	up
	for name in 8.0.0.192.in-addr.arpa 8.b.d.0.1.0.0.2.ip6.arpa _http._tcp.allowed.test; do
		like "$(ask "$name" SRV)" '*status: NXDOMAIN*'
	done
	# Names are looked up in both families, and the addresses sorted by sockets that
	# send nothing.
	is "$(in_job_directly python3 "$LIB/look_up.py" 443)" '100:0:0:1::8 192.0.0.8'
	is "$(jobfence show "$JOB" --json | jq -c '[.upload.refused, .refusals]')" '[{},[]]'
	ask _http._tcp.denied.test SRV >/dev/null
	is "$(jobfence show "$JOB" --json | jq -c '[.refusals[].name]')" '["_http._tcp.denied.test"]'
	nobody_was_asked
}

@test "a job without domains has no names" {
	job_up
	ends_with 9 ask allowed.test
	nobody_was_asked
}

@test "what is no question gets no answer that could be used, and the stub lives on" {
	up
	in_job_directly "$LIB/stub-junk"
	is "$(ask +short allowed.test)" 192.0.0.8
	is "$(ask +short +tcp allowed.test)" 192.0.0.8
	nobody_was_asked
}
