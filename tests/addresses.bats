#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Allowed names that resolve to what nobody may dial: the proxy refuses them, by whatever
# address they hide, and nothing is dialled.

load lib/job

# Fails unless every name that has the addresses in one of the arguments is refused for its
# address.
guarded()
{
	local addresses number=0 name names=()

	for addresses; do
		name=n$((number += 1)).test
		# shellcheck disable=SC2086 # a list of words
		lab_name "$name" $addresses
		names+=(--domain "$name")
	done
	job_up --rate 0 "${names[@]}"
	for name in "${names[@]/--domain/}"; do
		[ -z "$name" ] || refused_for address "http://$name/" || lab_fail "at $name of: $*" || return
	done
	lab_settle
	is "$(lab_seen '.event == "connection" or .event == "packet"')$(tail -n "+$((LAB_NODE_MARK + 1))" "$LAB/node")" ''
}

@test "loopback and unspecified addresses are refused" {
	guarded 127.0.0.1 127.255.255.254 ::1 0.0.0.0 0.1.2.3 ::
}

@test "private addresses are refused" {
	guarded 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd12:3456::1 fec0::1
}

@test "link-local addresses and metadata services are refused" {
	guarded 169.254.169.254 169.254.170.2 fe80::1 fd00:ec2::254 100.100.100.200 192.0.0.192 168.63.129.16 64:ff9b::a83f:8110
}

@test "shared, multicast, reserved and documentation addresses are refused" {
	guarded 100.64.0.1 224.0.0.1 239.1.2.3 ff02::1 240.0.0.1 255.255.255.255 192.0.2.1 198.51.100.1 \
		203.0.113.1 198.18.0.1 192.0.0.8 2001:db8::1 100::1 100:0:0:1::8 3fff::1 5f00::1 4000::1
}

@test "IPv4 addresses inside IPv6 ones are refused" {
	guarded ::ffff:10.1.2.3 ::ffff:127.0.0.1 ::10.1.2.3 64:ff9b::a01:203 64:ff9b::7f00:1 64:ff9b:1::a01:203 \
		2002:a01:203::1 2001:0:a01:203::1 ::ffff:0:a01:203
}

@test "the node's own addresses are refused" {
	guarded 11.0.0.1 2600:1::1 '11.0.0.1 2600:1::1' 64:ff9b::b00:1
}

@test "one refused address among public ones refuses the name" {
	guarded '11.0.0.2 10.1.2.3' '10.1.2.3 11.0.0.2' '11.0.0.2 11.0.0.3 127.0.0.1' '11.0.0.2 fd00::1' \
		'2600:1::2 10.1.2.3'
}

@test "a public address inside the NAT64 prefix is dialled" {
	lab_name nat64.test 64:ff9b::b00:2
	job_up --domain nat64.test
	is "$(fetch http://nat64.test)" 'this is nat64.test'
}

@test "the network's own NAT64 prefix leads to no inner address" {
	printf '%s\n' 'accept = http' 'allow_domain = *' 'nat64_prefix = 2600:64::/96 2600:65::/32' >"$BATS_TEST_TMPDIR/jobfence.conf"
	lab_name metadata.test 2600:64::a9fe:a9fe
	lab_name azure.test 2600:65:a83f:8110::
	lab_name private.test 2600:64::a01:203
	lab_name node.test 2600:64::b00:1
	job_up --config "$BATS_TEST_TMPDIR/jobfence.conf" --domain={metadata,azure,private,node}.test --domain 2600:64::a01:203
	for host in metadata.test azure.test private.test node.test '[2600:64::a01:203]'; do
		refused_for address "http://$host/" -g
	done
	lab_settle
	is "$(lab_seen '.event == "connection"')" ''
	# The proxy's own fence knows the prefix, too.
	in_lab jq -e '.state.nat64 == "2600:64::/96 2600:65::/32"' "/run/jobfence/jobs/$JOB/spec.json"
}

@test "a declared literal goes through the guard as well" {
	job_up --domain 10.1.2.3 --domain 127.0.0.1 --domain 11.0.0.1 --domain 169.254.169.254
	for host in 10.1.2.3 127.0.0.1 11.0.0.1 169.254.169.254; do
		refused_for address "http://$host/"
	done
	lab_saw_nothing
}

@test "tunnels and TLS go through the guard as well" {
	lab_name allowed.test 10.1.2.3
	job_up --domain allowed.test
	is "$(fetch_by_proxy -o /dev/null -w '%{http_connect}' https://allowed.test || true)" 403
	like "$(in_job_directly "$LIB/tls.py" --name allowed.test 11.0.0.2)" 'alert *'
	lab_settle
	is "$(lab_seen '.event == "connection"')" ''
}

@test "an allowed range lets its addresses in, and no others" {
	lab_name in.test 10.1.2.3
	lab_name out.test 10.1.3.3
	lab_name six.test fd00::7
	job_up --domain in.test --domain out.test --domain six.test --allow-address 10.1.2.0/24 \
		--allow-address fd00::7
	is "$(fetch http://in.test)" 'this is in.test'
	is "$(fetch http://six.test)" 'this is six.test'
	refused_for address http://out.test/
}

@test "an allowed range may even be the node's own address" {
	lab_name node.test 11.0.0.1
	job_up --domain node.test --allow-address 11.0.0.1
	is "$(fetch http://node.test)" 'this is node.test'
}

@test "the proxy is not talked into dialling itself" {
	lab_name loop.test 192.0.0.8
	job_up --rate 0 --domain loop.test --domain 192.0.0.8 --domain '100:0:0:1::8'
	refused_for address http://loop.test/
	refused_for address http://192.0.0.8/
	refused_for address 'http://[100:0:0:1::8]/' -g
}

@test "a name whose answer changes between check and dial is dialled where it was checked" {
	lab_name allowed.test 11.0.0.2
	job_up --rate 0 --domain allowed.test
	is "$(fetch http://allowed.test)" 'this is allowed.test'
	is "$(lab_seen '.event == "query"' .type | sort | uniq -d)" ''
}
