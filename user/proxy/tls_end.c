// SPDX-License-Identifier: BSD-2-Clause
/*
 * See tls_end.h. OpenSSL reads and writes the buffers of an end by a BIO.
 *
 * That BIO hands over whole records only. So a part of a record is always in `in`, where
 * the relay counts it. Bytes that were decrypted are counted by `decrypted` until they have
 * room.
 */

#include "proxy/tls_end.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/cleanup.h"
#include "lib/clock.h"
#include "proxy/ca.h"
#include "proxy/secret_store.h"
#include "proxy/settings.h"
#include "proxy/tls_roots.h"
#include "proxy/tls_sessions.h"
#include "proxy/tls_wire.h"

/*
 * When there were at least MANY ends at once, and a part of them is left, the free heap
 * goes back to the system.
 */
#define MANY	      8
#define FEW	      4 /* one of so many is left */
#define PLAIN_MAX     (2UL * TLS_RECORD_BYTES)
#define RECORD_ADDED  32U    /* bytes that a cipher with a tag adds to a record at most */
#define RECORD_PADDED 96U    /* the same of any cipher */
#define RECORD_MOST   16384U /* bytes of a record (RFC 8446 section 5.1) */
#define RECORD_LENGTH 18432  /* bytes that a record may have (RFC 5246 section 6.2.3) */

struct tls {
	const struct tls_calls *calls;
	struct ca *ca;
	SSL_CTX *clients, *sites;
	BIO_METHOD *bio;
	struct tls_sessions sessions;
	unsigned ends, most; /* and the most at once since the heap was given back */
};

struct end {
	struct tls_end end;
	struct tls *tls;
	SSL *ssl;
	struct host host;
	/*
	 * Bytes of a record that OpenSSL has begun. It asks for the header of a record and
	 * then for the rest.
	 */
	size_t record_left;
	uint64_t verified; /* the certificate of the session to resume, as tls_sessions.h */
};

static struct end *end_of(struct tls_end *end)
{
	return container_of(end, struct end, end);
}

/* The length of the first record in `in`. 0: it is not whole yet. */
static size_t whole_record(const struct buffer *in)
{
	const unsigned char *bytes = in ? buffer_unread(in) : NULL;
	size_t length = buffer_length(in), record;

	if (length < RECORD_HEADER_LENGTH)
		return 0;
	record = RECORD_HEADER_LENGTH + ((size_t)bytes[3] << 8 | bytes[4]);
	/* OpenSSL refuses what is no record, or too long for one, by its header. */
	if (record > RECORD_LENGTH + RECORD_HEADER_LENGTH ||
		bytes[0] < RECORD_CHANGE_CIPHER_SPEC ||
		bytes[0] > RECORD_APPLICATION_DATA || bytes[1] != VERSION_MAJOR)
		return RECORD_HEADER_LENGTH;
	return length < record ? 0 : record;
}

static int bio_read(BIO *bio, char *bytes, size_t size, size_t *length)
{
	struct end *end = BIO_get_data(bio);
	struct buffer *in = end->end.in;

	BIO_clear_retry_flags(bio);
	if (!end->record_left)
		end->record_left = whole_record(in);
	if (!end->record_left) {
		BIO_set_retry_read(bio);
		return 0;
	}
	*length = size < end->record_left ? size : end->record_left;
	memcpy(bytes, buffer_unread(in), *length);
	in->start += *length;
	end->record_left -= *length;
	if (!buffer_length(in))
		buffer_put(&end->end.in);
	return 1;
}

static int bio_write(BIO *bio, const char *bytes, size_t size, size_t *length)
{
	struct end *end = BIO_get_data(bio);
	struct tls_end *shown = &end->end;

	BIO_clear_retry_flags(bio);
	if (!shown->out)
		shown->out = buffer_get();
	if (shown->out && buffer_space(shown->out) < size)
		buffer_compact(shown->out);
	if (!shown->out || !buffer_append(shown->out, bytes, size)) {
		BIO_set_retry_write(bio);
		return 0;
	}
	*length = size;
	return 1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	/* What was written is in `out`, and the peer sends it. */
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *make_bio(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "buffers");

	if (method && BIO_meth_set_read_ex(method, bio_read) &&
		BIO_meth_set_write_ex(method, bio_write) &&
		BIO_meth_set_ctrl(method, bio_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

/* What clients are spoken with. Sites are spoken with by the first of it alone. */
static const unsigned char protocols[] = "\x08http/1.1\x08http/1.0";
#define FIRST_PROTOCOL 9 /* bytes */

static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
	const unsigned char *offered, unsigned offered_length, void *data)
{
	unsigned char *found;

	(void)ssl;
	(void)data;
	if (SSL_select_next_proto(&found, length, protocols, sizeof(protocols) - 1, offered,
		    offered_length) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

/* A new session with a site. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	const struct end *end = SSL_get_app_data(ssl);
	uint64_t verified =
		SSL_session_reused(ssl) ? end->verified : clock_ns(CLOCK_BOOTTIME);

	return tls_sessions_keep(&end->tls->sessions, &end->host, session, verified);
}

/* The cheapest of the good ones comes first. */
#define CIPHERSUITES \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20"

static SSL_CTX *make_context(const SSL_METHOD *method)
{
	SSL_CTX *context = SSL_CTX_new(method);

	if (!context)
		return NULL;
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(
		context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_AUTO_RETRY);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
		SSL_CTX_set_ciphersuites(context, CIPHERSUITES))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* Sessions of clients are in their tickets. The keys of these are in this process alone. */
static int make_clients(struct tls *tls)
{
	static const unsigned char context[] = "jobfence";

	tls->clients = make_context(TLS_server_method());
	if (!tls->clients ||
		!SSL_CTX_set_session_id_context(tls->clients, context, sizeof(context) - 1))
		return -ENOMEM;
	if (!SSL_CTX_set_cipher_list(tls->clients, CIPHERS))
		return -ENOMEM;
	SSL_CTX_set_options(tls->clients, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(tls->clients, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(tls->clients, 1);
	SSL_CTX_set_alpn_select_cb(tls->clients, choose_protocol, NULL);
	return 0;
}

static int make_sites(struct tls *tls)
{
	tls->sites = make_context(TLS_client_method());
	if (!tls->sites || SSL_CTX_set_alpn_protos(tls->sites, protocols, FIRST_PROTOCOL))
		return -ENOMEM;
	SSL_CTX_set_verify(tls->sites, SSL_VERIFY_PEER, NULL);
	/*
	 * An answer may repeat a secret. A request of the job has none. Each record costs
	 * a microsecond more, since all of its buffer is wiped.
	 */
	if (secret_store_given())
		SSL_CTX_set_options(tls->sites, SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_session_cache_mode(
		tls->sites, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(tls->sites, keep_session);
	return tls_roots_open(FD_ROOTS, SSL_CTX_get_cert_store(tls->sites));
}

static void close_tls(struct tls *tls)
{
	tls_sessions_clear(&tls->sessions);
	ca_free(tls->ca);
	SSL_CTX_free(tls->clients);
	SSL_CTX_free(tls->sites);
	BIO_meth_free(tls->bio);
	free(tls);
}

static int open_tls(const struct tls_calls *calls, struct tls **tls)
{
	struct tls *new = calloc(1, sizeof(*new));
	int error;

	if (!new)
		return -ENOMEM;
	new->calls = calls;
	new->bio = make_bio();
	error = new->bio ? ca_open(&new->ca, FD_AUTHORITY) : -ENOMEM;
	if (!error)
		error = make_clients(new);
	if (!error)
		error = make_sites(new);
	if (error)
		close_tls(new);
	else
		*tls = new;
	/* Each root was parsed once. */
	malloc_trim(0);
	return error;
}

static void free_end(struct tls_end *shown)
{
	struct end *end = end_of(shown);
	struct tls *tls = end->tls;

	/* Otherwise OpenSSL takes a session for broken that was not ended by TLS. */
	SSL_set_shutdown(end->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(end->ssl);
	buffer_put(&shown->in);
	buffer_put(&shown->out);
	free(end);
	if (--tls->ends > tls->most / FEW || tls->most < MANY)
		return;
	buffers_give_back();
	tls->most = tls->ends;
}

static struct end *make_end(struct tls *tls, SSL_CTX *context, const struct host *host)
{
	struct end *end = calloc(1, sizeof(*end));
	BIO *bio = BIO_new(tls->bio);

	if (end && bio)
		end->ssl = SSL_new(context);
	if (!end || !bio || !end->ssl) {
		BIO_free(bio);
		free(end);
		ERR_clear_error();
		return NULL;
	}
	if (++tls->ends > tls->most)
		tls->most = tls->ends;
	end->end.calls = tls->calls;
	end->tls = tls;
	end->host = *host;
	BIO_set_data(bio, end);
	BIO_set_init(bio, 1);
	SSL_set_bio(end->ssl, bio, bio);
	SSL_set_app_data(end->ssl, end);
	return end;
}

static struct tls_end *serve(struct tls *tls, const struct host *host)
{
	struct end *end = make_end(tls, tls->clients, host);
	X509 *certificate;
	EVP_PKEY *key;

	if (!end)
		return NULL;
	SSL_set_accept_state(end->ssl);
	if (!ca_leaf(tls->ca, host, &certificate, &key) &&
		SSL_use_certificate(end->ssl, certificate) == 1 &&
		SSL_use_PrivateKey(end->ssl, key) == 1)
		return &end->end;
	free_end(&end->end);
	ERR_clear_error();
	return NULL;
}

/* The name that was checked is the one that the certificate has to have. */
static bool expect_host(SSL *ssl, const struct host *host)
{
	X509_VERIFY_PARAM *wanted = SSL_get0_param(ssl);

	if (host->literal)
		return X509_VERIFY_PARAM_set1_ip_asc(wanted, host->name);
	/* A common name is no name of a site (RFC 9525 section 1.4.2). */
	X509_VERIFY_PARAM_set_hostflags(wanted,
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return X509_VERIFY_PARAM_set1_host(wanted, host->name, host->length) &&
	       SSL_set_tlsext_host_name(ssl, host->name);
}

static struct tls_end *reach(struct tls *tls, const struct host *host)
{
	struct end *end = make_end(tls, tls->sites, host);
	SSL_SESSION *session;

	if (!end)
		return NULL;
	SSL_set_connect_state(end->ssl);
	session = tls_sessions_find(&tls->sessions, host, &end->verified);
	if (expect_host(end->ssl, host) && (!session || SSL_set_session(end->ssl, session)))
		return &end->end;
	free_end(&end->end);
	ERR_clear_error();
	return NULL;
}

/* What is wrong with a certificate, as the end of a sentence. */
static const char *certificate_problem(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "it has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "it is not valid yet";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "it is for another name";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "its issuer is not one that the node trusts";
	default:
		return X509_verify_cert_error_string(result);
	}
}

/* Whether the other side ended the handshake since it does not know the issuer. */
static bool is_untrusted(unsigned long error)
{
	int reason = ERR_GET_REASON(error);

	return reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA ||
	       reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
	       reason == SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN;
}

static void describe(struct end *end)
{
	struct tls_end *shown = &end->end;
	unsigned long error = ERR_peek_error();
	long result = SSL_get_verify_result(end->ssl);
	const char *reason = ERR_reason_error_string(error);
	bool server = SSL_is_server(end->ssl);

	if (!server && result != X509_V_OK) {
		shown->problem = TLS_BAD_CERTIFICATE;
		snprintf(shown->detail, sizeof(shown->detail),
			"the certificate of the site is not good: %s",
			certificate_problem(result));
		return;
	}
	shown->problem = server && is_untrusted(error) ? TLS_UNTRUSTED : TLS_OTHER_PROBLEM;
	snprintf(shown->detail, sizeof(shown->detail), "%s: %s",
		shown->problem == TLS_UNTRUSTED
			? "the client does not trust the authority of the job"
		: server ? "TLS with the client failed"
			 : "TLS with the site failed",
		reason ? reason : "no reason is known");
}

/* Returns what decrypt() and encrypt() do for a call of OpenSSL that failed. */
static int failure(struct end *end, int result)
{
	int error = 0;

	switch (SSL_get_error(end->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		error = -EAGAIN;
		break;
	case SSL_ERROR_WANT_WRITE:
		error = end->end.out ? -EAGAIN : -ENOMEM;
		break;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		error = -EPROTO;
		if (!end->end.problem)
			describe(end);
	}
	ERR_clear_error();
	return error;
}

/* SSL_get_error() takes an error of another end for one of this. */
static void forget_errors(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

/* Whether OpenSSL has anything to do. A call in vain costs as much as a record. */
static bool has_work(const struct end *end)
{
	const struct tls_end *shown = &end->end;

	return !shown->ready || shown->decrypted || whole_record(shown->in) ||
	       SSL_get_shutdown(end->ssl) & SSL_RECEIVED_SHUTDOWN;
}

/* What is decrypted at once is as much as is encrypted at once. */
static size_t room(const struct buffer *plain)
{
	size_t length = buffer_length(plain), space = buffer_space(plain);
	size_t left = length < PLAIN_MAX ? PLAIN_MAX - length : 0;

	return left < space ? left : space;
}

static long decrypt(struct tls_end *shown, struct buffer *plain)
{
	struct end *end = end_of(shown);
	size_t before = plain->end, length;
	int result = 1;

	if (shown->problem)
		return -EPROTO;
	forget_errors();
	while (result == 1 && has_work(end) && room(plain)) {
		result = SSL_read_ex(
			end->ssl, plain->bytes + plain->end, room(plain), &length);
		if (result == 1)
			plain->end += length;
		shown->decrypted = (size_t)SSL_pending(end->ssl);
		shown->ready |= SSL_is_init_finished(end->ssl);
	}
	if (result != 1)
		result = failure(end, result);
	/* The next call returns a failure, since `problem` or the end of TLS stays. */
	if (plain->end != before)
		return (long)(plain->end - before);
	return result != 1 ? result : room(plain) ? -EAGAIN : -ENOBUFS;
}

static bool has_room(const struct end *end, size_t length)
{
	struct buffer *out = end->end.out;
	const SSL_CIPHER *cipher = SSL_get_current_cipher(end->ssl);

	length += cipher && SSL_CIPHER_is_aead(cipher) ? RECORD_ADDED : RECORD_PADDED;
	if (out && buffer_space(out) < length)
		buffer_compact(out);
	return !out || buffer_space(out) >= length;
}

static int encrypt(struct tls_end *shown, struct buffer *plain)
{
	struct end *end = end_of(shown);

	if (shown->problem)
		return -EPROTO;
	forget_errors();
	while (buffer_length(plain)) {
		size_t length = buffer_length(plain), written;
		int result;

		if (length > RECORD_MOST)
			length = TLS_RECORD_BYTES;
		if (!has_room(end, length))
			return 0;
		result = SSL_write_ex(end->ssl, buffer_unread(plain), length, &written);
		if (result != 1) {
			result = failure(end, result);
			return result == -EAGAIN || !result ? -EPROTO : result;
		}
		plain->start += written;
	}
	return 0;
}

static void finish(struct tls_end *shown)
{
	struct end *end = end_of(shown);

	if (shown->finished || !shown->ready || shown->problem)
		return;
	shown->finished = true;
	SSL_shutdown(end->ssl);
	ERR_clear_error();
}

const struct tls_calls tls_calls = {
	.open = open_tls,
	.close = close_tls,
	.serve = serve,
	.reach = reach,
	.free = free_end,
	.decrypt = decrypt,
	.encrypt = encrypt,
	.finish = finish,
};
