// SPDX-License-Identifier: BSD-2-Clause
/* See tls_sessions.h. */

#include "lib/clock.h"
#include "proxy/tls_sessions.h"

int tls_sessions_keep(struct tls_sessions *sessions, const struct host *host,
	SSL_SESSION *session, uint64_t verified)
{
	size_t place = 0;

	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++) {
		if (sessions->list[i].session &&
			host_equal(&sessions->list[i].host, host)) {
			place = i;
			break;
		}
		if (sessions->list[i].used < sessions->list[place].used)
			place = i;
	}
	SSL_SESSION_free(sessions->list[place].session);
	sessions->list[place].host = *host;
	sessions->list[place].session = session;
	sessions->list[place].used = ++sessions->uses;
	sessions->list[place].verified = verified;
	return 1;
}

SSL_SESSION *tls_sessions_find(
	struct tls_sessions *sessions, const struct host *host, uint64_t *verified)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++) {
		SSL_SESSION *session = sessions->list[i].session;

		if (!session || !host_equal(&sessions->list[i].host, host))
			continue;
		if (sessions->list[i].verified + TLS_SESSION_LIFE < now)
			return NULL;
		sessions->list[i].used = ++sessions->uses;
		*verified = sessions->list[i].verified;
		return session;
	}
	return NULL;
}

void tls_sessions_clear(struct tls_sessions *sessions)
{
	for (size_t i = 0; i < TLS_SESSIONS_MAX; i++)
		SSL_SESSION_free(sessions->list[i].session);
	*sessions = (struct tls_sessions){};
}
