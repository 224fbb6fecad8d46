# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Configurations of web servers. Standard input has what differs.

# Writes the configuration of an nginx to $1/nginx.conf. Standard input is its block http.
nginx_conf()
{
	{
		printf '%s\n' 'user root;' "pid $1/pid;" "error_log $1/errors;" 'events {}' 'http {'
		cat
		echo '}'
	} >"$1/nginx.conf"
}

# Starts a HAProxy on the lab's Internet, with its files in the folder $1. Standard input
# has its proxies.
haproxy_up()
{
	{
		printf '%s\n' global "pidfile $1/pid" defaults 'timeout connect 30s' 'timeout client 30s' 'timeout server 30s'
		cat
	} >"$1/haproxy.cfg"
	in_internet haproxy -D -f "$1/haproxy.cfg" >"$1/log" 2>&1 || lab_fail "$(<"$1/log")"
}

# Sets EXPIRED to the arguments of openssl x509 for a certificate that has expired. OpenSSL
# 3.4 and later refuse an end before the beginning, and older ones know no other way.
# shellcheck disable=SC2034 # used by tests
set_expired()
{
	EXPIRED=(-days -1)
	! openssl x509 -help 2>&1 | grep -q -- '-not_after' ||
		EXPIRED=(-not_before 20200101000000Z -not_after 20200102000000Z)
}
