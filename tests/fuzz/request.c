// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests, tunnels and TLS through the proxy's connections, with hostile ends on both
 * sides. The input is a script of events. An event is "~", a letter and text, in which
 * "~~" is "~". The script begins with a connection to port 80 and the job's text, unless
 * it begins with an event.
 *
 *	~nW	the job connects: to port 80 (W is 8), 443 (4), 443 of an address that it
 *		may reach (l), the proxy (p)
 *	~sN	the next events are for connection N of the job, not for the last one
 *	~j ~o	the job, or the site that this connection reached last, says the text
 *	~xN	the end that spoke last says 2^N bytes; N is hexadecimal
 *	~J ~O	the job, or the site, says no more
 *	~C ~R	the job, or the site, closes the connection
 *	~w ~W	the job does not read, reads again; ~v ~V: the site
 *	~tN	time passes
 *	~dW	sets the result of look-ups from here on; ~D: late ones end. With ~dp
 *		connections to sites are shared
 *	~cW	sets the result of connections to sites; ~P: late ones open
 *	~hNW	the job begins TLS on its connection, by OpenSSL. N is the name: that whose
 *		TLS the proxy opens (t), another one (a, x), none (-). W is a digit, the way
 *		(enum far_way). Its texts then are in records
 *	~mW	sets the way of the sites whose TLS is opened, from here on
 *	~gW	the end that spoke last renegotiates (r), asks for new keys (k), gives a
 *		ticket (t), ends TLS (e); a byte of its next records changes (a digit)
 *	~y	the end that spoke last says the text between its records
 *	~kN	records are cut after each 2^N bytes. 0: they are not cut
 *	~lW	an update of the job: its rate is low (r), kept by the proxy (p), none (0);
 *		a.test is withdrawn (a), given back (A)
 */

#include <arpa/inet.h>
#include <sys/socket.h>

#include "lib/cleanup.h"
#include "lib/verdict.h"
#include "lib/world.h"

#define MARK	 '~'
#define SECOND	 1000000000ULL
#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

struct script {
	struct world world; /* the first field, since its callback gets its address */
	const char *at, *end;
	struct client *client;
	bool site_spoke; /* the site spoke last */
};

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	world_init();
	return 0;
}

static struct origin_server *last_origin(const struct script *script)
{
	struct client *client = script->client;

	/* Without a site of its own, a connection may have another one's. */
	while (client && !client->count && client > script->world.clients)
		client--;
	return client && client->count ? &client->origins[client->count - 1] : NULL;
}

/* TLS of the end that spoke last, or NULL. */
static struct far_end *last_far_end(const struct script *script)
{
	const struct origin_server *origin = last_origin(script);

	if (script->site_spoke)
		return origin ? origin->far : NULL;
	return script->client ? script->client->far : NULL;
}

static void say(struct script *script, const char *bytes, size_t length)
{
	struct origin_server *origin = last_origin(script);
	struct far_end *far = last_far_end(script);

	if (far)
		far_end_say(far, bytes, length);
	else if (!script->site_spoke && script->client)
		world_say(script->client->fd, &script->client->said, bytes, length);
	else if (script->site_spoke && origin)
		world_say(origin->fd, &origin->said, bytes, length);
	if (script->site_spoke && origin)
		origin->spoke = true;
}

/* Reads the text up to the next mark. Returns its length. */
static size_t take_text(struct script *script, char text[TEXT_MAX])
{
	size_t length = 0;

	while (script->at < script->end && length < TEXT_MAX) {
		if (*script->at == MARK) {
			if (script->end - script->at < 2 || script->at[1] != MARK)
				break;
			script->at++;
		}
		text[length++] = *script->at++;
	}
	return length;
}

static void say_text(struct script *script, bool site)
{
	static char text[TEXT_MAX];

	script->site_spoke = site;
	say(script, text, take_text(script, text));
}

/* Says the text as it is, where a record was expected. */
static void say_between(struct script *script)
{
	static char text[TEXT_MAX];
	struct far_end *far = last_far_end(script);
	size_t length = take_text(script, text);

	if (!far)
		return;
	stream_append(&far->wire, text, length);
	far->unsure = true;
}

static bool ends_with(const struct stream *stream, const char *text)
{
	size_t length = strlen(text);

	return stream->length >= length &&
	       !memcmp(stream->bytes + stream->length - length, text, length);
}

/* Where a body is expected, records would be one, and nobody said it. */
static bool may_begin_tls(const struct client *client)
{
	return !client->said.length ||
	       (ends_with(&client->said, "\r\n\r\n") &&
		       ends_with(&client->heard, "Connection established\r\n\r\n"));
}

static void begin_tls(struct script *script, char name, char way)
{
	struct client *client = script->client;
	const char *text = name == 't'	 ? "t.test"
			   : name == 'a' ? "a.test"
			   : name == 'x' ? "x.t.test"
					 : "";

	if (!client || client->far || !may_begin_tls(client))
		return;
	client->said_before = client->said.length;
	client->heard_before = client->heard.length;
	client->far = far_end_client(text, (unsigned char)way % FAR_WAYS);
	script->site_spoke = false;
}

static void signal_tls(struct script *script, char what)
{
	struct far_end *far = last_far_end(script);

	if (far && what >= '0' && what <= '9')
		far->spoilt = 1 + (size_t)(what - '0') * 7;
	else if (far)
		far_end_signal(far, what);
}

static void say_many(struct script *script, char power)
{
	static char text[32768];

	if (!text[0])
		memset(text, 'x', sizeof(text));
	say(script, text, 1UL << ((power <= '9' ? power : power + 9) & 15));
}

static void connect_to(struct script *script, char where)
{
	static const struct address somewhere = {
		.bytes = { [10] = 0xff, [11] = 0xff, 11, 99, 99, 99 }
	};
	static const struct address declared = {
		.bytes = { [10] = 0xff, [11] = 0xff, 203, 0, 113, 7 }
	};
	struct world *world = &script->world;
	struct endpoint destination = { .address = somewhere, .port = htons(80) };

	if (where == '4' || where == 'l')
		destination.port = htons(443);
	if (where == 'l')
		destination.address = declared;
	if (where == 'p')
		destination.address = world_settings.virtual4.address;
	if (world->count == CLIENTS_MAX)
		return;
	world_connect(&destination);
	script->client = &world->clients[world->count - 1];
}

static void update(char what)
{
	switch (what) {
	case 'r':
		world_set_rate(40000, 0);
		return;
	case 'p':
		world_set_rate(125000, 125000);
		return;
	case '0':
		world_set_rate(0, 0);
		return;
	default:
		world_withdraw(what == 'a');
	}
}

static enum names names_of(char word)
{
	switch (word) {
	case '2':
		return NAMES_TWO;
	case 'n':
		return NAMES_NONE;
	case 'r':
		return NAMES_REFUSED;
	case 's':
		return NAMES_SLOW;
	case 'l':
		return NAMES_LATE;
	case 'p':
		return NAMES_SAME;
	default:
		return NAMES_ONE;
	}
}

static enum dials dials_of(char word)
{
	switch (word) {
	case 'r':
		return DIALS_REFUSED;
	case 'f':
		return DIALS_FENCED;
	case 'l':
		return DIALS_LATE;
	default:
		return DIALS_OPEN;
	}
}

static void pass_time(char how_long)
{
	static const uint64_t seconds[] = { 1, 2, 11, 31, 61, 301, 3601, 15 };

	world_pass_time(seconds[how_long & 7] * SECOND);
}

/* Plays the events of ends, which do not concern the world around them. */
static void play_end(struct client *client, struct origin_server *origin, char what)
{
	switch (what) {
	case 'J':
		if (client->fd >= 0)
			shutdown(client->fd, SHUT_WR);
		return;
	case 'C':
		world_close(&client->fd);
		return;
	case 'w':
	case 'W':
		client->deaf = what == 'w';
		return;
	default:
		break;
	}
	if (!origin)
		return;
	if (what == 'O' && origin->fd >= 0)
		shutdown(origin->fd, SHUT_WR);
	if (what == 'R')
		world_close(&origin->fd);
	origin->spoke |= what == 'O' || what == 'R';
	if (what == 'v' || (what == 'V' && !origin->clutter))
		origin->deaf = what == 'v';
	origin->was_deaf |= origin->deaf;
}

static char take(struct script *script)
{
	if (script->at == script->end)
		return '\0';
	return *script->at++;
}

static void select_client(struct script *script, char number)
{
	size_t index = (size_t)(number - '0');

	if (index < script->world.count)
		script->client = &script->world.clients[index];
}

static size_t cut_of(char power)
{
	return power == '0' ? 0 : 1UL << (power & 15);
}

static bool play_next(struct world *world)
{
	struct script *script = container_of(world, struct script, world);
	char what, name;

	/* Skips text after a letter that takes none. */
	while (script->at < script->end && *script->at != MARK)
		script->at++;
	take(script);
	if (script->at == script->end)
		return false;
	what = take(script);
	switch (what) {
	case 'j':
	case 'o':
		say_text(script, what == 'o');
		break;
	case 'x':
		say_many(script, take(script));
		break;
	case 'n':
		connect_to(script, take(script));
		break;
	case 's':
		select_client(script, take(script));
		break;
	case 't':
		pass_time(take(script));
		break;
	case 'd':
		world->names = names_of(take(script));
		break;
	case 'c':
		world->dials = dials_of(take(script));
		break;
	case 'l':
		update(take(script));
		break;
	case 'h':
		name = take(script);
		begin_tls(script, name, take(script));
		break;
	case 'm':
		world->sites = (unsigned char)take(script) % FAR_WAYS;
		break;
	case 'g':
		signal_tls(script, take(script));
		break;
	case 'y':
		say_between(script);
		break;
	case 'k':
		world->cut = cut_of(take(script));
		break;
	case 'D':
		world_answer_names();
		break;
	case 'P':
		world_open_dials();
		break;
	default:
		if (script->client)
			play_end(script->client, last_origin(script), what);
	}
	return true;
}

/* Most inputs are plain requests, which need no marks. */
static bool begin(struct world *world)
{
	struct script *script = container_of(world, struct script, world);

	world->next = play_next;
	if (script->at == script->end || *script->at == MARK)
		return true;
	connect_to(script, '8');
	say_text(script, false);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script script = { .at = (const char *)data,
		.end = (const char *)data + size,
		.world.next = begin };

	world_play(&script.world);
	verdict(&script.world);
	world_free(&script.world);
	return 0;
}
