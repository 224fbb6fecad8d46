// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ends of TLS. Any bytes may come to one instead of records, from a client as from a site
 * that lies. Or two ends talk, whose records are cut anywhere and changed. Neither ever
 * reads what the other has not said.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/require.h"
#include "proxy/ca.h"
#include "proxy/settings.h"
#include "proxy/tls_end.h"

#define STEPS 400
#define WORDS "GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n"

static struct tls *tls;
static struct host host;

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give(int fd, const void *bytes, int length)
{
	int file = memfd_create("given", MFD_CLOEXEC);

	require(length > 0 && file >= 0 && write(file, bytes, (size_t)length) == length);
	require(dup2(file, fd) == fd);
	close(file);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	static unsigned char secret[CA_EXPORT_MAX];
	static char pem[CA_PEM_MAX];
	struct ca *ca = NULL;

	(void)count;
	(void)arguments;
	require(!host_parse("allowed.test", 12, HOST_NO_BRACKETS, &host));
	require(!ca_create(&ca, &host, 1, 0));
	give(FD_AUTHORITY, secret, ca_export(ca, secret, sizeof(secret)));
	give(FD_ROOTS, pem, ca_certificate_pem(ca, pem, sizeof(pem)));
	ca_free(ca);
	require(!tls_calls.open(&tls_calls, &tls));
	return 0;
}

/* Changes of a stream of records: bytes that pass, and what the next one is changed by. */
struct changes {
	const uint8_t *data;
	size_t size, pass;
};

static unsigned char change(struct changes *changes, unsigned char byte)
{
	if (!changes || changes->size < 3)
		return byte;
	if (changes->pass) {
		changes->pass--;
		return byte;
	}
	byte ^= changes->data[0];
	changes->data += 3;
	changes->size -= 3;
	if (changes->size >= 3)
		changes->pass = (size_t)(changes->data[1] << 8 | changes->data[2]);
	return byte;
}

/* Carries at most `most` bytes of records, and returns how many. */
static size_t carry(
	struct tls_end *from, struct tls_end *to, size_t most, struct changes *changes)
{
	size_t length = buffer_length(from->out);

	if (!length)
		return 0;
	if (!to->in)
		to->in = buffer_get();
	require(to->in);
	buffer_compact(to->in);
	if (length > most)
		length = most;
	if (length > buffer_space(to->in))
		length = buffer_space(to->in);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = change(changes, buffer_unread(from->out)[i]);

		require(buffer_append(to->in, &byte, 1));
	}
	from->out->start += length;
	if (!buffer_length(from->out))
		buffer_put(&from->out);
	return length;
}

static void require_said(struct buffer *heard, size_t times)
{
	size_t length = sizeof(WORDS) - 1;

	require(buffer_length(heard) <= times * length);
	for (size_t i = 0; i < buffer_length(heard); i++)
		require(buffer_unread(heard)[i] == (unsigned char)WORDS[i % length]);
}

/* Says the words once, when the handshake is over. */
static void say(struct tls_end *end, bool *said)
{
	struct buffer *plain;

	if (*said || !end->ready || end->problem)
		return;
	plain = buffer_get();
	require(plain && buffer_append(plain, WORDS, sizeof(WORDS) - 1));
	tls_calls.encrypt(end, plain);
	buffer_put(&plain);
	*said = true;
}

static void talk(size_t cut, struct changes *up, struct changes *down)
{
	struct tls_end *site = tls_calls.reach(tls, &host),
		       *client = tls_calls.serve(tls, &host);
	struct buffer *at_site = buffer_get(), *at_client = buffer_get();
	bool site_said = false, client_said = false;
	bool unchanged = (!up || up->size < 3) && (!down || down->size < 3);

	require(site && client && at_site && at_client);
	for (int step = 0; step < STEPS; step++) {
		tls_calls.decrypt(site, at_site);
		tls_calls.decrypt(client, at_client);
		say(site, &site_said);
		say(client, &client_said);
		require_said(at_site, client_said);
		require_said(at_client, site_said);
		carry(site, client, cut, up);
		carry(client, site, cut, down);
	}
	if (unchanged && cut > 50)
		require(buffer_length(at_site) && buffer_length(at_client));
	tls_calls.free(site);
	tls_calls.free(client);
	buffer_put(&at_site);
	buffer_put(&at_client);
}

/* Nothing is heard without a handshake. */
static void listen_to(struct tls_end *end, const uint8_t *data, size_t size, size_t cut)
{
	struct buffer *plain = buffer_get();

	require(end && plain);
	while (size) {
		size_t length = size < cut ? size : cut;

		if (!end->in)
			end->in = buffer_get();
		require(end->in);
		buffer_compact(end->in);
		if (length > buffer_space(end->in))
			break;
		require(buffer_append(end->in, data, length));
		tls_calls.decrypt(end, plain);
		require(!buffer_length(plain) && !end->ready);
		buffer_put(&end->out);
		data += length;
		size -= length;
	}
	tls_calls.free(end);
	buffer_put(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct changes changes;
	size_t cut;

	if (size < 2)
		return 0;
	cut = data[1] + 1U;
	changes = (struct changes){ .data = data + 2, .size = size - 2 };
	if (changes.size >= 3)
		changes.pass = (size_t)(changes.data[1] << 8 | changes.data[2]);
	switch (data[0] % 4) {
	case 0:
		listen_to(tls_calls.serve(tls, &host), data + 2, size - 2, cut);
		break;
	case 1:
		listen_to(tls_calls.reach(tls, &host), data + 2, size - 2, cut);
		break;
	case 2:
		talk(cut, &changes, NULL);
		break;
	default:
		talk(cut, NULL, &changes);
	}
	return 0;
}
