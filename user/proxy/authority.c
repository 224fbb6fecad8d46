// SPDX-License-Identifier: BSD-2-Clause
/* See authority.h. */

#include "proxy/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "jobfence/secrets.h"
#include "proxy/ca.h"
#include "proxy/program.h"
#include "proxy/sandbox.h"
#include "proxy/trust_renewal.h"

/*
 * Finds the name of a key of a domain map. A wildcard ends with a dot there, and an
 * authority is given its name without it.
 */
static int find_name(const struct domain_key *key, struct host *host)
{
	char name[sizeof(key->name)];
	size_t length = key->bits / 8;

	if (length < 2 || length > sizeof(name))
		return -EPROTO;
	length--;
	for (size_t i = 0; i < length; i++)
		name[i] = key->name[length - 1 - i];
	return host_parse(name, length, HOST_NO_BRACKETS, host);
}

static bool is_known(const struct host *names, size_t count, const struct host *name)
{
	for (size_t i = 0; i < count; i++)
		if (host_equal(&names[i], name))
			return true;
	return false;
}

static int make(const struct proxy_settings *settings, struct ca **ca)
{
	struct host names[INTERCEPT_KEYS_MAX];
	size_t count = 0;

	for (uint32_t i = 0; i < settings->intercept_count; i++) {
		if (find_name(&settings->intercept[i], &names[count]))
			return -EPROTO;
		if (!is_known(names, count, &names[count]))
			count++;
	}
	return ca_create(ca, names, count, 0);
}

static int write_all(int file, const void *bytes, int length)
{
	if (length < 0)
		return length;
	return write(file, bytes, (size_t)length) == length ? 0 : -EIO;
}

_Static_assert(CA_EXPORT_MAX <= AUTHORITY_LOCKED, "the proxy may lock all of it");

static int hand_out(const struct ca *ca)
{
	unsigned char secret[CA_EXPORT_MAX];
	char pem[CA_PEM_MAX];
	int length = ca_export(ca, secret, sizeof(secret));
	int error = write_all(FD_AUTHORITY, secret, length);

	OPENSSL_cleanse(secret, sizeof(secret));
	if (error)
		return error;
	/* With F_SEAL_WRITE, Linux before 6.7 maps no page of it for all processes. */
	if (fcntl(FD_AUTHORITY, F_ADD_SEALS,
		    F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	return write_all(FD_CA, pem, ca_certificate_pem(ca, pem, sizeof(pem)));
}

static int renew(struct ca *ca)
{
	char pem[CA_PEM_MAX];
	int error = ca_renew(ca);
	int length = error ? error : ca_certificate_pem(ca, pem, sizeof(pem));

	return length < 0 ? length : trust_renewal_write(pem);
}

int authority_run(bool renews)
{
	const struct proxy_settings *settings;
	struct ca *ca = NULL;
	int error;

	if (sandbox_begin())
		return 1;
	settings = program_settings();
	if (!settings)
		return 1;
	error = renews ? ca_open(&ca, FD_AUTHORITY) : make(settings, &ca);
	if (!error)
		error = renews ? renew(ca) : hand_out(ca);
	ca_free(ca);
	if (error)
		fprintf(stderr, "jobfence-tls: authority: %s\n", strerror(-error));
	return error ? 1 : 0;
}
