// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ends of TLS that talk to each other through buffers: one for a client and one for a site.
 * Records are cut anywhere, changed, and left out. OpenSSL itself is the client for what an
 * end would not do.
 */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/cleanup.h"
#include "proxy/ca.h"
#include "proxy/settings.h"
#include "proxy/tls_end.h"

#define ALL	 SIZE_MAX
#define LONG	 300000 /* bytes, of several buffers */
#define STEPS	 100000
#define NO_ROOTS ""

static struct tls *tls;
static struct host allowed, other;
static time_t later; /* seconds that the clock of an end is ahead */

/* In place of the C library's. OpenSSL goes on with its own. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	long error = syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += later;
	return (int)error;
}

static void give(int fd, const void *bytes, size_t length)
{
	int file = memfd_create("given", MFD_CLOEXEC);

	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, length), length);
	assert_int_equal(dup2(file, fd), fd);
	close(file);
}

/* Opens all anew, with an authority for both names. `roots` NULL: it is trusted. */
static void open_with(const char *roots)
{
	struct host names[2] = { allowed, other };
	unsigned char secret[CA_EXPORT_MAX];
	char pem[CA_PEM_MAX];
	struct ca *ca = NULL;
	int length;

	assert_int_equal(ca_create(&ca, names, 2, 0), 0);
	length = ca_export(ca, secret, sizeof(secret));
	assert_true(length > 0);
	give(FD_AUTHORITY, secret, (size_t)length);
	assert_true(ca_certificate_pem(ca, pem, sizeof(pem)) > 0);
	give(FD_ROOTS, roots ? roots : pem, strlen(roots ? roots : pem));
	ca_free(ca);
	assert_int_equal(tls_calls.open(&tls_calls, &tls), 0);
}

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(host_parse("allowed.test", 12, HOST_NO_BRACKETS, &allowed), 0);
	assert_int_equal(host_parse("other.test", 10, HOST_NO_BRACKETS, &other), 0);
	open_with(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_calls.close(tls);
	return 0;
}

/* A client, and a site, with what either has read. */
struct pair {
	struct tls_end *site, *client;
	struct buffer *at_site, *at_client; /* bytes that `site` and `client` read */
	long site_said, client_said;	    /* what decrypt() returned last */
	size_t served;			    /* bytes of records of `client` */
};

static void begin(struct pair *pair, const struct host *wanted, const struct host *served)
{
	*pair = (struct pair){ .site = tls_calls.reach(tls, wanted),
		.client = tls_calls.serve(tls, served),
		.at_site = buffer_get(),
		.at_client = buffer_get() };
	assert_non_null(pair->site);
	assert_non_null(pair->client);
}

static void end(struct pair *pair)
{
	tls_calls.free(pair->site);
	tls_calls.free(pair->client);
	buffer_put(&pair->at_site);
	buffer_put(&pair->at_client);
}

/* Moves at most `most` bytes of records, and returns how many. */
static size_t carry(struct tls_end *from, struct tls_end *to, size_t most)
{
	size_t length = buffer_length(from->out);

	if (length > most)
		length = most;
	if (!length)
		return 0;
	if (!to->in)
		to->in = buffer_get();
	buffer_compact(to->in);
	if (length > buffer_space(to->in))
		length = buffer_space(to->in);
	assert_true(buffer_append(to->in, buffer_unread(from->out), length));
	from->out->start += length;
	if (!buffer_length(from->out))
		buffer_put(&from->out);
	return length;
}

/* Has both read, and carries records in parts of `cut` bytes, until nothing moves. */
static void talk(struct pair *pair, size_t cut)
{
	for (size_t step = 0; step < STEPS; step++) {
		size_t moved, served = pair->served;

		pair->site_said = tls_calls.decrypt(pair->site, pair->at_site);
		pair->client_said = tls_calls.decrypt(pair->client, pair->at_client);
		moved = carry(pair->site, pair->client, cut);
		pair->served += carry(pair->client, pair->site, cut);
		if (!moved && served == pair->served && pair->site_said <= 0 &&
			pair->client_said <= 0)
			return;
	}
	fail_msg("they never end");
}

static void say(struct tls_end *from, const char *text)
{
	struct buffer *plain = buffer_get();

	assert_true(buffer_append(plain, text, strlen(text)));
	assert_int_equal(from->calls->encrypt(from, plain), 0);
	assert_int_equal(buffer_length(plain), 0);
	buffer_put(&plain);
}

static void heard(struct buffer *buffer, const char *text)
{
	assert_int_equal(buffer_length(buffer), strlen(text));
	assert_memory_equal(buffer_unread(buffer), text, strlen(text));
	buffer->start = buffer->end = 0;
}

static void test_cuts(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 4, 5, 6, 7, 17, 100, 1000, ALL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct pair pair;

		begin(&pair, &allowed, &allowed);
		talk(&pair, cuts[i]);
		assert_true(pair.site->ready && pair.client->ready);
		say(pair.site, "GET / HTTP/1.1\r\n\r\n");
		talk(&pair, cuts[i]);
		heard(pair.at_client, "GET / HTTP/1.1\r\n\r\n");
		say(pair.client, "HTTP/1.1 ");
		say(pair.client, "200 OK\r\n\r\n");
		talk(&pair, cuts[i]);
		heard(pair.at_site, "HTTP/1.1 200 OK\r\n\r\n");
		end(&pair);
	}
}

/* Takes what was read, and checks that it is the pattern that was written. */
static size_t take_pattern(struct buffer *buffer, size_t at)
{
	size_t length = buffer_length(buffer);

	for (size_t i = 0; i < length; i++)
		assert_int_equal(
			buffer_unread(buffer)[i], (unsigned char)((at + i) * 31 >> 3));
	buffer->start = buffer->end = 0;
	return length;
}

static void test_long(void **state)
{
	size_t written = 0, taken = 0;
	struct buffer *plain = buffer_get();
	struct pair pair;

	(void)state;
	begin(&pair, &allowed, &allowed);
	talk(&pair, ALL);
	while (taken < LONG) {
		buffer_compact(plain);
		while (written < LONG && buffer_space(plain)) {
			char byte = (char)(written++ * 31 >> 3);

			buffer_append(plain, &byte, 1);
		}
		assert_int_equal(tls_calls.encrypt(pair.client, plain), 0);
		/* The reader has little room at times. */
		pair.at_site->start = pair.at_site->end = taken % 2 ? BUFFER_SIZE - 100 : 0;
		carry(pair.client, pair.site, 20000);
		if (tls_calls.decrypt(pair.site, pair.at_site) > 0)
			taken += take_pattern(pair.at_site, taken);
	}
	assert_int_equal(taken, LONG);
	buffer_put(&plain);
	end(&pair);
}

static void test_end(void **state)
{
	struct pair pair;

	(void)state;
	begin(&pair, &allowed, &allowed);
	talk(&pair, ALL);
	say(pair.client, "last");
	tls_calls.finish(pair.client);
	talk(&pair, ALL);
	heard(pair.at_site, "last");
	assert_int_equal(pair.site_said, 0);
	/* The other direction goes on. */
	say(pair.site, "more");
	talk(&pair, ALL);
	heard(pair.at_client, "more");
	assert_int_equal(pair.client_said, -EAGAIN);
	end(&pair);
}

static void test_resumed(void **state)
{
	size_t first;
	struct pair pair;

	(void)state;
	begin(&pair, &allowed, &allowed);
	talk(&pair, ALL);
	first = pair.served;
	end(&pair);
	begin(&pair, &allowed, &allowed);
	talk(&pair, ALL);
	assert_true(pair.site->ready && pair.client->ready);
	/* There was no certificate in it. */
	assert_true(pair.served + 400 < first);
	end(&pair);
	/* A session is for its own name only. */
	begin(&pair, &other, &allowed);
	talk(&pair, ALL);
	assert_int_equal(pair.site->problem, TLS_BAD_CERTIFICATE);
	end(&pair);
}

/* Each resumed session is followed by a new one. None has a certificate in it. */
static void test_verified_again(void **state)
{
	size_t served[3];
	struct pair pair;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(served); i++) {
		later = (time_t)i * 2400;
		begin(&pair, &allowed, &allowed);
		talk(&pair, ALL);
		assert_true(pair.site->ready);
		served[i] = pair.served;
		end(&pair);
	}
	later = 0;
	assert_true(served[1] + 400 < served[0]);
	assert_true(served[1] + 400 < served[2]);
}

static void test_wrong_name(void **state)
{
	struct pair pair;

	(void)state;
	begin(&pair, &other, &allowed);
	talk(&pair, ALL);
	assert_int_equal(pair.site_said, -EPROTO);
	assert_int_equal(pair.site->problem, TLS_BAD_CERTIFICATE);
	assert_string_equal(pair.site->detail,
		"the certificate of the site is not good: it is for another name");
	assert_false(pair.site->ready);
	assert_int_equal(pair.client_said, -EPROTO);
	end(&pair);
}

static void test_unknown_issuer(void **state)
{
	struct pair pair;

	(void)state;
	tls_calls.close(tls);
	open_with(NO_ROOTS);
	begin(&pair, &allowed, &allowed);
	talk(&pair, ALL);
	assert_int_equal(pair.site->problem, TLS_BAD_CERTIFICATE);
	assert_string_equal(pair.site->detail,
		"the certificate of the site is not good: its issuer is not one that the node trusts");
	/* The other end is told, as by a client of the job that trusts nothing. */
	assert_int_equal(pair.client->problem, TLS_UNTRUSTED);
	end(&pair);
}

/* Each byte of a record that is changed makes the record bad. */
static void test_changed(void **state)
{
	(void)state;
	for (size_t at = 0; at < 30; at++) {
		struct pair pair;

		begin(&pair, &allowed, &allowed);
		talk(&pair, ALL);
		say(pair.client, "words");
		assert_true(buffer_length(pair.client->out) < 30);
		if (at < buffer_length(pair.client->out)) {
			long said;

			pair.client->out->bytes[pair.client->out->start + at] ^= 0x55;
			carry(pair.client, pair.site, ALL);
			said = tls_calls.decrypt(pair.site, pair.at_site);
			/* A longer record is one that is not whole yet. */
			assert_true(said == -EPROTO || said == -EAGAIN);
			assert_int_equal(buffer_length(pair.at_site), 0);
		}
		end(&pair);
	}
}

/* What was decrypted before a bad record is handed over, and the failure comes next. */
static void test_changed_later(void **state)
{
	struct buffer *out;
	struct pair pair;
	size_t first;

	(void)state;
	begin(&pair, &allowed, &allowed);
	talk(&pair, ALL);
	say(pair.client, "good");
	first = buffer_length(pair.client->out);
	say(pair.client, "bad");
	out = pair.client->out;
	out->bytes[out->start + first + 8] ^= 0x55;
	carry(pair.client, pair.site, ALL);
	assert_int_equal(tls_calls.decrypt(pair.site, pair.at_site), 4);
	heard(pair.at_site, "good");
	assert_int_equal(tls_calls.decrypt(pair.site, pair.at_site), -EPROTO);
	assert_int_equal(pair.site->problem, TLS_OTHER_PROBLEM);
	assert_non_null(strstr(pair.site->detail, "bad record mac"));
	end(&pair);
}

static void test_no_tls(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n";
	struct pair pair;

	(void)state;
	begin(&pair, &allowed, &allowed);
	pair.client->in = buffer_get();
	buffer_append(pair.client->in, text, sizeof(text) - 1);
	assert_int_equal(tls_calls.decrypt(pair.client, pair.at_client), -EPROTO);
	assert_int_equal(pair.client->problem, TLS_OTHER_PROBLEM);
	assert_int_equal(tls_calls.decrypt(pair.client, pair.at_client), -EPROTO);
	end(&pair);
}

/* A client of OpenSSL's own, with buffers of its own. */
struct plain_client {
	SSL_CTX *context;
	SSL *ssl;
	struct pair pair; /* of which `client` is used */
};

static void connect_to(struct plain_client *client, int version, const char *protocols)
{
	client->context = SSL_CTX_new(TLS_client_method());
	assert_non_null(client->context);
	SSL_CTX_set_security_level(client->context, 0);
	SSL_CTX_set_min_proto_version(client->context, version);
	SSL_CTX_set_max_proto_version(client->context, version);
	client->ssl = SSL_new(client->context);
	assert_non_null(client->ssl);
	SSL_set_bio(client->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (protocols)
		SSL_set_alpn_protos(client->ssl, (const unsigned char *)protocols,
			(unsigned)strlen(protocols));
	SSL_set_connect_state(client->ssl);
	begin(&client->pair, &allowed, &allowed);
}

static void disconnect(struct plain_client *client)
{
	end(&client->pair);
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	ERR_clear_error();
}

/* Returns what the client's last call did. */
static int go_on(struct plain_client *client)
{
	struct tls_end *served = client->pair.client;
	int result = 0;

	for (int step = 0; step < 20; step++) {
		char bytes[BUFFER_SIZE];
		int length;

		result = SSL_do_handshake(client->ssl);
		length = BIO_read(SSL_get_wbio(client->ssl), bytes, sizeof(bytes));
		if (!served->in)
			served->in = buffer_get();
		if (length > 0)
			assert_true(buffer_append(served->in, bytes, (size_t)length));
		client->pair.client_said =
			tls_calls.decrypt(served, client->pair.at_client);
		if (served->out)
			BIO_write(SSL_get_rbio(client->ssl), buffer_unread(served->out),
				(int)buffer_length(served->out));
		buffer_put(&served->out);
	}
	return result;
}

static void test_versions(void **state)
{
	struct plain_client client;

	(void)state;
	connect_to(&client, TLS1_2_VERSION, NULL);
	assert_int_equal(go_on(&client), 1);
	assert_true(client.pair.client->ready);
	disconnect(&client);
	connect_to(&client, TLS1_1_VERSION, NULL);
	assert_int_not_equal(go_on(&client), 1);
	assert_int_equal(client.pair.client->problem, TLS_OTHER_PROBLEM);
	disconnect(&client);
}

static void test_protocols(void **state)
{
	const unsigned char *chosen;
	unsigned length;
	struct plain_client client;

	(void)state;
	connect_to(&client, TLS1_3_VERSION, "\x02h2\x08http/1.1");
	assert_int_equal(go_on(&client), 1);
	SSL_get0_alpn_selected(client.ssl, &chosen, &length);
	assert_int_equal(length, 8);
	assert_memory_equal(chosen, "http/1.1", 8);
	disconnect(&client);
	connect_to(&client, TLS1_3_VERSION, "\x02h2");
	assert_int_not_equal(go_on(&client), 1);
	assert_int_equal(client.pair.client->problem, TLS_OTHER_PROBLEM);
	disconnect(&client);
}

/* The client is told so, and keeps its connection. */
static void test_renegotiation(void **state)
{
	struct plain_client client;

	(void)state;
	connect_to(&client, TLS1_2_VERSION, NULL);
	assert_int_equal(go_on(&client), 1);
	SSL_renegotiate(client.ssl);
	assert_int_not_equal(go_on(&client), 1);
	assert_int_equal(buffer_length(client.pair.at_client), 0);
	disconnect(&client);
}

/* Keys may be renewed at any time, and the answer to that is sent. */
static void test_key_update(void **state)
{
	struct plain_client client;

	(void)state;
	connect_to(&client, TLS1_3_VERSION, NULL);
	assert_int_equal(go_on(&client), 1);
	assert_int_equal(SSL_key_update(client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	assert_int_equal(go_on(&client), 1);
	assert_int_equal(SSL_write(client.ssl, "words", 5), 5);
	go_on(&client);
	heard(client.pair.at_client, "words");
	disconnect(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cuts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_resumed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_verified_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wrong_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_issuer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_tls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_versions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_protocols, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renegotiation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_key_update, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
