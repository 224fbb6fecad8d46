// SPDX-License-Identifier: BSD-2-Clause
/* See far_end.h. */

#include "far_end.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "proxy/ca.h"
#include "proxy/settings.h"

/* The sites have the authority of the job as well. The other one nobody knows. */
static struct ca *known, *unknown;
static SSL_CTX *clients, *sites, *liars; /* liars know no sessions of the others */
static SSL_SESSION *session;		 /* of the last client, to be resumed */

static void give(int fd, const void *bytes, size_t length)
{
	int file = memfd_create("given", MFD_CLOEXEC);

	require(file >= 0 && write(file, bytes, length) == (ssize_t)length);
	require(dup2(file, fd) == fd && !close(file));
}

/* A site that lies may choose what was not offered. */
static int choose(SSL *ssl, const unsigned char **chosen, unsigned char *length,
	const unsigned char *offered, unsigned offered_length, void *data)
{
	static const unsigned char http2[] = "h2";
	const struct far_end *end = SSL_get_app_data(ssl);

	(void)data;
	require(offered_length == 9 && !memcmp(offered, "\x08http/1.1", 9));
	if (end->way == FAR_HTTP2) {
		*chosen = http2;
		*length = 2;
	} else {
		*chosen = offered + 1;
		*length = 8;
	}
	return SSL_TLSEXT_ERR_OK;
}

static int keep(SSL *ssl, SSL_SESSION *new)
{
	(void)ssl;
	SSL_SESSION_free(session);
	session = new;
	return 1;
}

/* The client trusts the authority of the job alone, as the job does. */
static void trust(const char *pem, int length)
{
	BIO *bio = BIO_new_mem_buf(pem, length);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	require(certificate &&
		X509_STORE_add_cert(SSL_CTX_get_cert_store(clients), certificate));
	SSL_CTX_set_verify(clients, SSL_VERIFY_PEER, NULL);
	X509_free(certificate);
	BIO_free(bio);
}

/* Otherwise OpenSSL keeps no name with a session, and knows none when it is resumed. */
static int accept_name(SSL *ssl, int *alert, void *data)
{
	(void)ssl;
	(void)alert;
	(void)data;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_sites(void)
{
	SSL_CTX *new = SSL_CTX_new(TLS_server_method());

	require(new &&SSL_CTX_set_session_id_context(
		new, (const unsigned char *)"site", 4));
	SSL_CTX_set_security_level(new, 0);
	SSL_CTX_set_alpn_select_cb(new, choose, NULL);
	SSL_CTX_set_tlsext_servername_callback(new, accept_name);
	return new;
}

void far_end_forget(void)
{
	SSL_SESSION_free(session);
	session = NULL;
}

void far_end_init(const struct host *host)
{
	static unsigned char secret[CA_EXPORT_MAX];
	static char pem[CA_PEM_MAX];
	int length;

	require(!ca_create(&known, host, 1, 0) && !ca_create(&unknown, host, 1, 0));
	length = ca_export(known, secret, sizeof(secret));
	require(length > 0);
	give(FD_AUTHORITY, secret, (size_t)length);
	length = ca_certificate_pem(known, pem, sizeof(pem));
	require(length > 0);
	give(FD_ROOTS, pem, (size_t)length);
	clients = SSL_CTX_new(TLS_client_method());
	require(clients);
	SSL_CTX_set_security_level(clients, 0);
	SSL_CTX_set_session_cache_mode(
		clients, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(clients, keep);
	sites = make_sites();
	liars = make_sites();
	trust(pem, length);
}

static struct far_end *make(SSL_CTX *context, enum far_way way)
{
	struct far_end *end = calloc(1, sizeof(*end));

	require(end);
	end->way = way;
	end->ssl = SSL_new(context);
	require(end->ssl);
	SSL_set_bio(end->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_app_data(end->ssl, end);
	if (way == FAR_OLD)
		SSL_set_max_proto_version(end->ssl, TLS1_2_VERSION);
	if (way == FAR_ANCIENT)
		SSL_set_max_proto_version(end->ssl, TLS1_1_VERSION);
	return end;
}

/* OpenSSL forgets the name as soon as an end would renegotiate. */
static void note_name(struct far_end *end)
{
	const char *name = SSL_get_servername(end->ssl, TLSEXT_NAMETYPE_host_name);

	if (!end->name[0] && name)
		snprintf(end->name, sizeof(end->name), "%s", name);
}

/* Goes on with what the end has to say, and puts its records on the wire. */
static void go_on(struct far_end *end)
{
	BIO *out = SSL_get_wbio(end->ssl);
	char bytes[4096];
	int length;

	while (!end->failed && end->unsaid.length && SSL_is_init_finished(end->ssl)) {
		size_t written;

		if (SSL_write_ex(
			    end->ssl, end->unsaid.bytes, end->unsaid.length, &written) != 1)
			break;
		stream_append(&end->flying, end->unsaid.bytes, written);
		end->unsaid.length -= written;
		memmove(end->unsaid.bytes, end->unsaid.bytes + written, end->unsaid.length);
	}
	while ((length = BIO_read(out, bytes, sizeof(bytes))) > 0)
		stream_append(&end->wire, bytes, (size_t)length);
	if (end->spoilt && end->wire.length) {
		end->wire.bytes[(end->spoilt - 1) % end->wire.length] ^= 0x15;
		end->spoilt = 0;
		end->unsure = true;
	}
	ERR_clear_error();
}

struct far_end *far_end_client(const char *name, enum far_way way)
{
	struct far_end *end = make(clients, way);
	const unsigned char *http2 = (const unsigned char *)"\x02h2";

	SSL_set_connect_state(end->ssl);
	if (*name)
		require(SSL_set_tlsext_host_name(end->ssl, name) &&
			SSL_set1_host(end->ssl, name));
	if (way == FAR_HTTP2)
		SSL_set_alpn_protos(end->ssl, http2, 3);
	if (session && way == FAR_FINE)
		SSL_set_session(end->ssl, session);
	note_name(end);
	SSL_do_handshake(end->ssl);
	go_on(end);
	return end;
}

struct far_end *far_end_site(const struct host *host, enum far_way way)
{
	bool lies = way == FAR_OTHER_NAME || way == FAR_UNKNOWN;
	struct far_end *end = make(lies ? liars : sites, way);
	struct ca *ca = way == FAR_UNKNOWN ? unknown : known;
	struct host shown = *host;
	X509 *certificate;
	EVP_PKEY *key;

	if (way == FAR_OTHER_NAME)
		require(!host_parse("x.t.test", 8, HOST_NO_BRACKETS, &shown));
	require(!ca_leaf(ca, &shown, &certificate, &key));
	require(SSL_use_certificate(end->ssl, certificate) == 1);
	require(SSL_use_PrivateKey(end->ssl, key) == 1);
	SSL_set_accept_state(end->ssl);
	return end;
}

void far_end_free(struct far_end *end)
{
	if (!end)
		return;
	SSL_set_shutdown(end->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(end->ssl);
	stream_free(&end->wire);
	stream_free(&end->unsaid);
	stream_free(&end->flying);
	free(end);
	ERR_clear_error();
}

void far_end_say(struct far_end *end, const char *text, size_t length)
{
	stream_append(&end->unsaid, text, length);
	go_on(end);
}

void far_end_take(
	struct far_end *end, const void *bytes, size_t length, struct stream *heard)
{
	char text[16384];
	size_t read;
	int result;

	require(BIO_write(SSL_get_rbio(end->ssl), bytes, (int)length) == (int)length);
	ERR_clear_error();
	while ((result = SSL_read_ex(end->ssl, text, sizeof(text), &read)) == 1)
		stream_append(heard, text, read);
	note_name(end);
	end->failed |= SSL_get_error(end->ssl, result) == SSL_ERROR_SSL;
	go_on(end);
}

void far_end_signal(struct far_end *end, char what)
{
	bool ready = SSL_is_init_finished(end->ssl) && !end->failed;

	if (!ready)
		return;
	switch (what) {
	case 'r':
		SSL_renegotiate(end->ssl);
		SSL_do_handshake(end->ssl);
		break;
	case 'k':
		SSL_key_update(end->ssl, SSL_KEY_UPDATE_REQUESTED);
		SSL_do_handshake(end->ssl);
		break;
	case 't':
		SSL_new_session_ticket(end->ssl);
		SSL_do_handshake(end->ssl);
		break;
	default:
		SSL_shutdown(end->ssl);
	}
	go_on(end);
}

bool far_end_send(struct far_end *end, int fd, size_t most, struct stream *said)
{
	size_t length;
	ssize_t sent;

	if (!end || fd < 0 || !end->wire.length)
		return false;
	length = end->wire.length < most ? end->wire.length : most;
	sent = send(fd, end->wire.bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent <= 0)
		return false;
	end->wire.length -= (size_t)sent;
	memmove(end->wire.bytes, end->wire.bytes + sent, end->wire.length);
	if (!end->wire.length) {
		stream_append(said, end->flying.bytes, end->flying.length);
		end->flying.length = 0;
	}
	return true;
}

void far_end_settle(struct far_end *end, struct stream *said)
{
	if (!end)
		return;
	end->unsure |= end->flying.length > 0;
	stream_append(said, end->flying.bytes, end->flying.length);
	end->flying.length = 0;
}

bool far_end_doubts(const struct far_end *end)
{
	return SSL_get_verify_result(end->ssl) != X509_V_OK;
}
