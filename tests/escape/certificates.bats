#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Sites whose certificates deceive. The proxy opens the TLS of the job to them, so the proxy
# is the only one to notice.

load ../lib/job
load ../lib/servers

setup_file()
{
	lab_with sites_up
}

# Makes the certificate $1 for the name $2, by the issuer $3. The arguments that follow are
# of openssl x509. Standard input has its extensions.
certify()
{
	cat >"$FOLDER/$1.ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
		-keyout "$FOLDER/$1.key" -out "$FOLDER/$1.csr" &&
		openssl x509 -req -in "$FOLDER/$1.csr" -CA "$3.pem" -CAkey "$3.key" -extfile "$FOLDER/$1.ext" \
			-out "$FOLDER/$1.pem" "${@:4}"
}

# Appends certificates to what a site sends.
send_also()
{
	local part

	for part in "${@:2}"; do cat "$FOLDER/$part.pem"; done >>"$FOLDER/$1.pem"
}

make_certificates()
{
	local authority="basicConstraints=critical,CA:TRUE" names=() name number

	set_expired
	certify intermediate intermediate "$LAB/authority" -days 1 <<<"$authority"
	certify late late "$LAB/authority" "${EXPIRED[@]}" <<<"$authority"
	certify narrow narrow "$LAB/authority" -days 1 <<<"$authority"$'\nnameConstraints=critical,permitted;DNS:elsewhere.test'
	certify chain chain.test "$FOLDER/intermediate" -days 1 <<<'subjectAltName=DNS:chain.test'
	send_also chain intermediate
	certify forgotten forgotten.test "$FOLDER/intermediate" -days 1 <<<'subjectAltName=DNS:forgotten.test'
	certify outlived outlived.test "$FOLDER/late" -days 1 <<<'subjectAltName=DNS:outlived.test'
	send_also outlived late
	certify outside outside.test "$FOLDER/narrow" -days 1 <<<'subjectAltName=DNS:outside.test'
	send_also outside narrow
	# A site plays an authority with a certificate that is none.
	certify played played.test "$FOLDER/chain" -days 1 <<<'subjectAltName=DNS:played.test'
	send_also played chain
	certify common common.test "$LAB/authority" -days 1 <<<'basicConstraints=CA:FALSE'
	certify wide wide.test "$LAB/authority" -days 1 <<<'subjectAltName=DNS:*.test'
	certify star star.test "$LAB/authority" -days 1 <<<'subjectAltName=DNS:*'
	certify partial partial.test "$LAB/authority" -days 1 <<<'subjectAltName=DNS:part*.test'
	certify below below.test "$LAB/authority" -days 1 <<<'subjectAltName=DNS:*.below.test'
	certify nul nul.test "$LAB/authority" -days 1 <<<'subjectAltName=DER:30:1b:82:19:6e:75:6c:2e:74:65:73:74:00:2e:65:6c:73:65:77:68:65:72:65:2e:74:65:73:74:2e:61'
	certify client client.test "$LAB/authority" -days 1 <<<$'subjectAltName=DNS:client.test\nextendedKeyUsage=clientAuth'
	certify address address.test "$LAB/authority" -days 1 <<<'subjectAltName=IP:11.0.0.80'
	certify text text.test "$LAB/authority" -days 1 <<<'subjectAltName=DNS:11.0.0.81'
	for ((number = 0; number < 6000; number++)); do names+=("DNS:name-$number.giant.test"); done
	certify giant giant.test "$LAB/authority" -days 1 <<<"subjectAltName=DNS:giant.test,$(IFS=, && echo "${names[*]}")"
	for name in "${NAMES[@]}"; do lab_name "$name.test" 11.0.0.60; done
}

# All sites are at one address. The name in the hello chooses.
server()
{
	cat <<-END
		server {
			listen ${2:-11.0.0.60}:443 ssl;
			server_name $1.test;
			ssl_certificate $FOLDER/$1.pem;
			ssl_certificate_key $FOLDER/$1.key;
			${3:-}
			location / { return 200 'this is $1'; }
		}
	END
}

NAMES=(chain forgotten outlived outside played common wide star partial below nul client giant asks wants address text)
export FOLDER=${BATS_FILE_TMPDIR:-}

sites_up()
{
	local name

	make_certificates >"$FOLDER/output" 2>&1 || lab_fail "$(<"$FOLDER/output")" || return
	for name in asks wants; do
		certify "$name" "$name.test" "$LAB/authority" -days 1 <<<"subjectAltName=DNS:$name.test" 2>>"$FOLDER/output"
	done
	{
		echo "access_log $FOLDER/requests;"
		for name in "${NAMES[@]:0:13}"; do server "$name"; done
		server asks 11.0.0.60 "ssl_verify_client optional_no_ca;"
		server wants 11.0.0.60 "ssl_verify_client on; ssl_client_certificate $LAB/authority.pem;"
		server address 11.0.0.80
		server text 11.0.0.81
	} >"$FOLDER/sites"
	# Other servers of the lab listen there as well.
	sed -i '0,/11.0.0.60:443 ssl/s//11.0.0.60:443 ssl reuseport/; s/\(11.0.0.8[01]\):443 ssl/\1:443 ssl reuseport/' "$FOLDER/sites"
	nginx_conf "$FOLDER" <"$FOLDER/sites"
	in_internet nginx -c "$FOLDER/nginx.conf" -e "$FOLDER/errors"
}

setup()
{
	lab_forget
	for name in "${NAMES[@]}"; do lab_name "$name.test" 11.0.0.60; done
	printf '%s\n' 'accept = http' 'allow_domain = *' 'max_rate = 0' 'allow_intercept = .test 11.0.0.80 11.0.0.81' \
		"upstream_ca = $LAB/authority.pem" >"$BATS_TEST_TMPDIR/policy"
	: >"$FOLDER/requests"
}

# Makes the job, with all these domains intercepted.
up()
{
	local domain options=()

	for domain in "$@"; do options+=(--domain "$domain" --intercept "$domain"); done
	job_up --config "$BATS_TEST_TMPDIR/policy" --rate 0 "${options[@]}"
	up_says .trust.ca >"$BATS_TEST_TMPDIR/ca.pem"
}

# Prints the status and the word of X-Jobfence-Denied. The body is in the file body.
status()
{
	fetch --cacert "$BATS_TEST_TMPDIR/ca.pem" --capath "$BATS_TEST_TMPDIR/none" -o "$BATS_TEST_TMPDIR/body" \
		-w '%{http_code} %header{x-jobfence-denied}' "$@"
}

@test "a certificate that does not prove the name gets no request" {
	local row name

	up "${NAMES[@]/%/.test}"
	is "$(status https://chain.test/)" '200 '
	for row in 'forgotten its issuer is not one that the node trusts' 'outlived it has expired' 'outside permitted subtree violation' \
		'played invalid CA certificate' 'common it is for another name' 'wide it is for another name' \
		'star it is for another name' 'partial it is for another name' 'below it is for another name' \
		'nul it is for another name' 'client unsuitable certificate purpose'; do
		name=${row%% *}
		is "$(status "https://$name.test/")" '502 certificate' || lab_fail "from $name" || return
		like "$(<"$BATS_TEST_TMPDIR/body")" "*: the certificate of the site is not good: ${row#* }*" || return
	done
	# Longer than what a handshake may carry.
	is "$(status https://giant.test/)" '502 tls'
	is "$(wc -l <"$FOLDER/requests")" 1
	is "$(status https://chain.test/)" '200 '
}

@test "a site that asks for the certificate of its client gets none" {
	up asks.test wants.test
	is "$(status https://asks.test/)" '200 '
	is "$(status https://wants.test/)" '400 '
}

@test "a certificate for an address is for that address alone" {
	up 11.0.0.80 11.0.0.81 address.test
	is "$(status https://11.0.0.80/)" '200 '
	is "$(status https://11.0.0.81/)" '502 certificate'
	is "$(status -H 'Host: 11.0.0.81' https://11.0.0.80/)" '421 protocol'
}
