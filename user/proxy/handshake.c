// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state HELLO begins TLS, after CONNECT or without one. If the name is intercepted,
 * secure.c goes on. Otherwise the proxy does not change the ClientHello. It sends the hello
 * on once its server name is known to be allowed. Nothing else goes to the site before it
 * has answered. The site may want a second ClientHello, whose name has to be the same.
 */

#include <errno.h>
#include <string.h>

#include "names/address.h"
#include "proxy/client_hello.h"
#include "proxy/connection.h"

/*
 * After CONNECT, or another ClientHello, the name is decided. TLS has to be for the same
 * name (no fronting). If it is an address, TLS may have no name.
 */
static enum step with_decided_name(struct connection *connection, enum hello_result result,
	const struct host *name, bool encrypted)
{
	const struct host *host = &connection->host;
	bool agrees = result == HELLO_NAME ? host_equal(name, host) : host->literal;
	const struct rules *rules = connection->proxy->rules;

	if (!agrees)
		return connection_alert(connection, TLS_ACCESS_DENIED, REASON_PROTOCOL,
			result == HELLO_NAME ? name->name : host->name);
	if (!connection->handshake.named && rules_intercept(rules, host))
		return secure_client(connection);
	if (encrypted && !rules_allow_ech(rules, host))
		return connection_alert(
			connection, TLS_ACCESS_DENIED, REASON_ECH, host->name);
	if (connection->handshake.named) {
		answer_begin(connection);
		return STEP_AGAIN;
	}
	connection->handshake.named = true;
	reaching_dial(connection);
	return STEP_AGAIN;
}

/* TLS to an address, without a name. It is allowed if the address itself was declared. */
static bool host_of_original(const struct connection *connection, struct host *host)
{
	char text[ADDRESS_TEXT_MAX];

	if (connection->explicit)
		return false;
	address_format(&connection->origin.destination.address, text);
	return !host_parse(text, strlen(text), HOST_NO_BRACKETS, host);
}

static enum step with_own_name(struct connection *connection, enum hello_result result,
	struct host *name, bool encrypted)
{
	struct rules *rules = connection->proxy->rules;
	struct domain_use *use = NULL;
	bool intercepted;
	enum reason reason;

	if (result == HELLO_NO_NAME && !host_of_original(connection, name))
		return connection_alert(connection, TLS_ACCESS_DENIED, REASON_PROTOCOL,
			"TLS-without-a-name");
	/* The requests inside TLS that is opened are counted one by one. */
	intercepted = rules_intercept(rules, name);
	reason = intercepted ? rules_check(rules, name)
			     : rules_use(rules, name,
				       encrypted ? SIGHT_NOTHING : SIGHT_NAME, &use);
	relay_count_for(&connection->relay, use);
	if (reason)
		return connection_alert(connection, TLS_ACCESS_DENIED, reason, name->name);
	if (intercepted) {
		connection->host = *name;
		return secure_client(connection);
	}
	connection_count(connection, &statistics->tunnels);
	connection->host = *name;
	connection->handshake.named = true;
	reaching_resolve(connection);
	return STEP_AGAIN;
}

enum step hello_step(struct connection *connection)
{
	const struct buffer *in = connection->relay.client.in;
	enum hello_result result = HELLO_MORE;
	bool decided = connection->connect || connection->handshake.named,
	     encrypted = false;
	struct host name;
	/* The answer to CONNECT goes out before the hello comes in. */
	enum step step = connection_flush_client(connection);
	long length;

	if (step != STEP_AGAIN)
		return step;
	if (in) {
		size_t skip = connection->handshake.named
				      ? hello_skip(buffer_unread(in), buffer_length(in))
				      : 0;
		result = hello_parse(buffer_unread(in) + skip, buffer_length(in) - skip,
			&name, &encrypted, &connection->handshake.hello);
		connection->handshake.hello += skip;
	}
	if (result != HELLO_MORE) {
		attempt_begin_hello(connection);
		connection->handshake.has_name = result == HELLO_NAME;
	}
	if (result == HELLO_BAD)
		return connection_alert(connection, TLS_DECODE_ERROR, REASON_PROTOCOL,
			decided ? connection->host.name : "TLS");
	if (result != HELLO_MORE)
		return decided ? with_decided_name(connection, result, &name, encrypted)
			       : with_own_name(connection, result, &name, encrypted);
	length = relay_read_client(&connection->relay);
	if (length > 0)
		return STEP_AGAIN;
	return length == -EAGAIN && !connection->relay.client.eof ? STEP_WAIT : STEP_END;
}
