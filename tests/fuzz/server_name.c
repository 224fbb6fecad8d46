// SPDX-License-Identifier: BSD-2-Clause
/*
 * Our reader of ClientHellos and OpenSSL's server read the same bytes. If ours accepts,
 * OpenSSL refuses, or has the same name, or also has none. If ours waits for more,
 * OpenSSL has seen no hello either.
 */

#include <string.h>

#include <openssl/ssl.h>

#include "lib/require.h"
#include "proxy/client_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

/* The result of OpenSSL. */
struct seen {
	bool hello, named, decided;
	char name[TLSEXT_MAXLEN_host_name + 1];
	size_t length;
};

static SSL_CTX *context;

/* Called with a complete hello, before OpenSSL reads its extensions. */
static int see_hello(SSL *ssl, int *alert, void *unused)
{
	struct seen *seen = SSL_get_app_data(ssl);

	(void)alert;
	(void)unused;
	seen->hello = true;
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Called after the extensions were read, with a name or without. */
static int see_name(SSL *ssl, int *alert, void *unused)
{
	struct seen *seen = SSL_get_app_data(ssl);
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	(void)unused;
	seen->decided = true;
	if (name) {
		seen->named = true;
		seen->length = strlen(name);
		memcpy(seen->name, name, seen->length + 1);
	}
	/* Stop here, since the rest would be slow. */
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void ask_openssl(const uint8_t *data, size_t size, struct seen *seen)
{
	BIO *in = BIO_new_mem_buf(data, (int)size), *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(context);

	*seen = (struct seen){ 0 };
	require(in && out && ssl);
	/* The end of the bytes does not end the connection. */
	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(ssl, in, out);
	require(SSL_set_app_data(ssl, seen));
	SSL_accept(ssl);
	SSL_free(ssl);
}

/*
 * Both read a hello of OpenSSL's own. A server that refuses everything would never
 * disagree.
 */
static void require_sense(void)
{
	SSL_CTX *client_context = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(client_context);
	BIO *out = BIO_new(BIO_s_mem());
	struct seen seen;
	struct host host;
	bool encrypted;
	char *hello;
	long length;
	size_t end;

	require(client && out && SSL_set_tlsext_host_name(client, "a.test"));
	SSL_set_bio(client, BIO_new(BIO_s_mem()), out);
	SSL_connect(client);
	length = BIO_get_mem_data(out, &hello);
	require(length > 0);
	ask_openssl((const uint8_t *)hello, (size_t)length, &seen);
	require(seen.named && !strcmp(seen.name, "a.test"));
	require(hello_parse((const unsigned char *)hello, (size_t)length, &host, &encrypted,
			&end) == HELLO_NAME);
	require(!encrypted);
	SSL_free(client);
	SSL_CTX_free(client_context);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	context = SSL_CTX_new(TLS_server_method());
	require(context);
	/* Allow every version and cipher, so that the server refuses little. */
	SSL_CTX_set_security_level(context, 0);
	require(SSL_CTX_set_min_proto_version(context, 0));
	require(SSL_CTX_set_cipher_list(context, "ALL:eNULL"));
	SSL_CTX_set_client_hello_cb(context, see_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(context, see_name);
	require_sense();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen;
	struct host host, theirs;
	bool encrypted;
	size_t end;

	if (!size)
		return 0;
	ask_openssl(data, size, &seen);
	switch (hello_parse(data, size, &host, &encrypted, &end)) {
	case HELLO_NAME:
		require(!seen.decided || seen.named);
		require(!seen.named ||
			(!host_parse(seen.name, seen.length, HOST_NO_BRACKETS, &theirs) &&
				host_equal(&host, &theirs)));
		break;
	case HELLO_NO_NAME:
		require(!seen.named);
		break;
	case HELLO_MORE:
		require(!seen.hello);
		break;
	case HELLO_BAD:
		break;
	}
	return 0;
}
