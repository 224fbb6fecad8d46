// SPDX-License-Identifier: BSD-2-Clause
/*
 * See world.h. The functions here replace those of the C library and of the proxy itself.
 */

#include "world.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "lib/cleanup.h"
#include "names/address.h"
#include "open_fds.h"
#include "world_domains.h"

#define SECOND 1000000000ULL
/* ns that all ends may be silent before all connections have ended */
#define LONGEST	   (3700 * SECOND)
#define POOLED_MAX 16 /* descriptors of pipes that tunnels keep */
/* Events, or turns of the pacer, in a row in which nothing moves. */
#define SPINS_MAX 1000
#define TURNS_MAX 8
#define QUEUE	  4608 /* bytes, the least that a socket can be made to hold */
#define GIVEN_MAX 64
#define HTTPS	  443

struct resolver {
	struct loop *loop;
};

/* An address that a look-up returned. Each is given to one connection, for one host. */
struct given {
	struct client *client;
	struct host host;
};

static struct world *world; /* the world that is being played */
static struct proxy proxy;
static struct resolver resolver;
static uint64_t now, silence; /* ns */
static unsigned spins, naps, turns;
static struct given given[GIVEN_MAX];
static size_t given_count;
static struct lookup *late[CLIENTS_MAX];

static struct job_limits *limits; /* the value in the kernel's map */

const struct proxy_settings world_settings = {
	.job = "job-1",
	.header = "X-Jobfence-Job-ID",
	.max_connections = CLIENTS_MAX,
	.guarded_count = 1,
	.guarded = { { .bits = 56, .name = "tset.g" } },
	.intercept_count = 1,
	.intercept = { { .bits = 56, .name = "tset.t" } },
	.rules = "GET,POST r.test/a/**\n",
	.virtual4 = { .address.bytes = { [10] = 0xff, [11] = 0xff, [12] = 192, [15] = 8 },
		.port = 0x5000 },
};

static const struct secret_file secrets = {
	.size = sizeof(secrets),
	.count = 1,
	.entries = { { .name = "key",
		.field = "Authorization",
		.before = "Bearer ",
		.uses = "* t.test/s/**\n" } },
	.values = { { { .length = sizeof(WORLD_SECRET) - 1, .bytes = WORLD_SECRET } } },
};

/* Time does not pass while the proxy works. */
int clock_gettime(clockid_t clock_id, struct timespec *tp)
{
	if (!world || clock_id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, clock_id, tp);
	tp->tv_sec = (time_t)(now / SECOND);
	tp->tv_nsec = (long)(now % SECOND);
	return 0;
}

void world_pass_time(uint64_t nanoseconds)
{
	now += nanoseconds;
}

/* Reads the bytes that have come to one end. Returns whether any did. */
static bool hear(int fd, struct stream *heard, size_t *clutter, struct far_end *far)
{
	static char bytes[16384];
	bool any = false;
	ssize_t length;

	while (fd >= 0 && (length = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		size_t skip = *clutter < (size_t)length ? *clutter : (size_t)length;

		*clutter -= skip;
		if (far)
			far_end_take(far, bytes + skip, (size_t)length - skip, heard);
		else
			stream_append(heard, bytes + skip, (size_t)length - skip);
		any = true;
	}
	return any;
}

static bool hear_origin(struct origin_server *origin)
{
	size_t before = origin->heard.length;

	if (origin->deaf ||
		!hear(origin->fd, &origin->heard, &origin->clutter, origin->far))
		return false;
	/*
	 * The site has heard all bytes that were sent before an update, before the update
	 * takes place.
	 */
	require(origin->heard.length == before || origin->was_deaf ||
		world_allows(&origin->host));
	return true;
}

static bool hear_all(void)
{
	size_t none = 0, most = world->cut ? world->cut : SIZE_MAX;
	bool any = false;

	for (size_t i = 0; i < world->count; i++) {
		struct client *client = &world->clients[i];

		if (!client->deaf)
			any |= hear(client->fd, &client->heard, &none, client->far);
		any |= far_end_send(client->far, client->fd, most, &client->said);
		for (size_t k = 0; k < client->count; k++) {
			struct origin_server *origin = &client->origins[k];

			any |= hear_origin(origin);
			any |= far_end_send(origin->far, origin->fd, most, &origin->said);
		}
	}
	return any;
}

void world_say(int fd, struct stream *said, const char *bytes, size_t length)
{
	ssize_t sent = fd < 0 ? 0 : send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent > 0)
		stream_append(said, bytes, (size_t)sent);
}

/* Silence lasts until all timers have run out. Then nothing is left. */
static void end(uint64_t patience)
{
	if (patience != UINT64_MAX) {
		silence += patience;
		now += patience;
		require(silence <= LONGEST);
		return;
	}
	require(!proxy.relays.open && !proxy.pool.count);
	loop_stop(proxy.loop);
}

int epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
	const struct timespec *timeout, const sigset_t *ss)
{
	uint64_t patience =
		timeout ? (uint64_t)timeout->tv_sec * SECOND + (uint64_t)timeout->tv_nsec
			: UINT64_MAX;

	(void)ss;
	for (;;) {
		int count = epoll_wait(epfd, events, maxevents, 0);

		/*
		 * A loop that gets the same event again and again would use all of a CPU.
		 */
		require(count >= 0 && ++spins < SPINS_MAX);
		if (count || !patience)
			return count;
		if (!hear_all())
			break;
		spins = naps = 0;
	}
	spins = 0;
	/* The pacer waits. After some turns of it, other things happen. */
	if (patience < SECOND && (turns < TURNS_MAX || !world->next)) {
		turns++;
		require(++naps < SPINS_MAX);
		now += patience;
		return 0;
	}
	turns = naps = 0;
	if (!world->next || !world->next(world)) {
		world->next = NULL;
		end(patience);
	}
	return 0;
}

static struct given *find_given(const struct sockaddr *address)
{
	const struct sockaddr_in *inet = (const struct sockaddr_in *)(const void *)address;
	uint32_t number = ntohl(inet->sin_addr.s_addr) - (11U << 24);

	/* The proxy dials only addresses that the resolver gave. */
	require(inet->sin_family == AF_INET && number < given_count);
	return &given[number];
}

/*
 * Fills the buffer of a socket. The connection seems to be complete once these bytes are
 * read.
 */
static void clutter(int fd, struct origin_server *origin)
{
	static const char bytes[1024];
	ssize_t length;

	while ((length = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		origin->clutter += (size_t)length;
	origin->deaf = origin->was_deaf = true;
}

int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t len)
{
	const int queue = QUEUE;
	struct given *place;
	struct origin_server *origin;
	int pair[2];

	if (!world)
		return (int)syscall(SYS_connect, fd, addr.__sockaddr__, len);
	place = find_given(addr.__sockaddr__);
	errno = world->dials == DIALS_FENCED ? EPERM : ECONNREFUSED;
	if (world->dials == DIALS_FENCED || world->dials == DIALS_REFUSED ||
		place->client->count == ORIGINS_MAX)
		return -1;
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	require(dup2(pair[0], fd) == fd && !close(pair[0]));
	require(!setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue)));
	origin = &place->client->origins[place->client->count++];
	*origin = (struct origin_server){ .fd = pair[1], .host = place->host };
	origin->port = ntohs(
		((const struct sockaddr_in *)(const void *)addr.__sockaddr__)->sin_port);
	if (origin->port == HTTPS && world_opens(&origin->host))
		origin->far = far_end_site(&origin->host, world->sites);
	if (world->dials == DIALS_LATE)
		clutter(fd, origin);
	errno = EINPROGRESS;
	return -1;
}

void world_open_dials(void)
{
	for (size_t i = 0; i < world->count; i++)
		for (size_t k = 0; k < world->clients[i].count; k++)
			if (world->clients[i].origins[k].clutter)
				world->clients[i].origins[k].deaf = false;
}

/*
 * Several connections may have had this descriptor at the proxy's end. Only the last one
 * still exists.
 */
static struct client *find_client(const struct lookup *lookup)
{
	const struct dial *dial = container_of(lookup, struct dial, lookup);
	const struct connection *connection = container_of(dial, struct connection, dial);
	size_t i = world->count;

	while (i-- > 0)
		if (world->clients[i].proxy_fd == connection->relay.client.source.fd)
			return &world->clients[i];
	abort();
}

/* Gives the address again that the host had before. Returns false if it had none. */
static bool give_again(struct lookup *lookup, const struct host *host)
{
	const struct dial *dial = container_of(lookup, struct dial, lookup);
	const struct connection *connection = container_of(dial, struct connection, dial);
	size_t i = 0;

	if (world->names != NAMES_SAME || connection->handshake.named ||
		connection->connect)
		return false;
	world->shared = true;
	while (i < given_count && !host_equal(&given[i].host, host))
		i++;
	if (i == given_count)
		return false;
	given[i].client = find_client(lookup);
	lookup->addresses[lookup->count++] = (struct address){
		.bytes = { [10] = 0xff, [11] = 0xff, [12] = 11, [15] = (unsigned char)i }
	};
	return true;
}

static bool give(struct lookup *lookup, const struct host *host)
{
	struct address *address = &lookup->addresses[lookup->count];

	if (give_again(lookup, host))
		return true;
	if (given_count == GIVEN_MAX)
		return false;
	given[given_count] = (struct given){ .client = find_client(lookup), .host = *host };
	*address = (struct address){ .bytes = { [10] = 0xff,
					     [11] = 0xff,
					     [12] = 11,
					     [15] = (unsigned char)given_count } };
	given_count++;
	lookup->count++;
	return true;
}

static void looked_up(struct deferred *deferred)
{
	struct lookup *lookup = container_of(deferred, struct lookup, deferred);

	if (!lookup->resolver)
		return;
	lookup->resolver = NULL;
	lookup->done(lookup, lookup->status);
}

void resolver_look_up(
	struct resolver *resolver_, const struct host *host, struct lookup *lookup)
{
	static const int status[] = { [NAMES_NONE] = -ENOENT,
		[NAMES_REFUSED] = -EACCES,
		[NAMES_SLOW] = -ETIMEDOUT,
		[NAMES_LATE] = 0,
		[NAMES_SAME] = 0 };
	size_t want = world->names == NAMES_TWO ? 2 : 1;
	size_t free_place = 0;

	/* A look-up alone already reaches the network. */
	require(world_allows(host));
	lookup->resolver = resolver_;
	lookup->deferred.run = looked_up;
	lookup->count = 0;
	lookup->status = status[world->names];
	while (!lookup->status && lookup->count < want)
		if (!give(lookup, host))
			lookup->status = -EHOSTUNREACH;
	if (world->names != NAMES_LATE) {
		loop_defer(resolver_->loop, &lookup->deferred);
		return;
	}
	while (late[free_place])
		require(++free_place < CLIENTS_MAX);
	late[free_place] = lookup;
}

void resolver_note_dial(
	struct resolver *resolver_, const struct address *address, bool connected)
{
	(void)resolver_;
	(void)address;
	(void)connected;
}

void lookup_cancel(struct lookup *lookup)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (late[i] == lookup)
			late[i] = NULL;
	lookup->resolver = NULL;
}

void world_answer_names(void)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (late[i])
			loop_defer(resolver.loop, &late[i]->deferred);
		late[i] = NULL;
	}
}

static void *map_memory(int number, size_t size)
{
	int fd = memfd_create("map", 0);
	void *memory;

	require(fd >= 0 && !ftruncate(fd, (off_t)size) && dup2(fd, number) == number);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0);
	require(memory != MAP_FAILED && !close(fd));
	return memory;
}

void world_init(void)
{
	struct host opened;

	signal(SIGPIPE, SIG_IGN);
	require(!proxy_fds_reserve());
	map_memory(FD_HITS, DOMAIN_ENTRIES_MAX * sizeof(struct domain_use));
	limits = map_memory(FD_LIMITS, sizeof(*limits));
	require(!secret_store_new(&secrets, &proxy.secrets));
	require(!rules_new(&world_settings, proxy.secrets, &proxy.rules));
	proxy.settings = &world_settings;
	proxy.resolver = &resolver;
	require(!host_parse("t.test", 6, HOST_NO_BRACKETS, &opened));
	far_end_init(&opened);
	proxy.tls = &tls_calls;
	require(!tls_calls.open(&tls_calls, &proxy.tls_state));
	world_domains_declare();
}

void world_set_rate(uint64_t rate, uint64_t paced)
{
	limits->rate = rate;
	limits->paced = paced;
	limits->generation++;
}

void world_withdraw(bool withdraw)
{
	world_domains_withdraw(withdraw);
	limits->generation++;
}

void world_connect(const struct endpoint *destination)
{
	struct client *client = &world->clients[world->count];
	const struct origin origin = { .destination = *destination };
	const int queue = QUEUE;
	int pair[2];

	if (world->count == CLIENTS_MAX)
		return;
	require(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
	require(!setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &queue, sizeof(queue)));
	*client = (struct client){
		.fd = pair[1], .proxy_fd = pair[0], .port = ntohs(destination->port)
	};
	world->count++;
	require(!connection_new(&proxy, pair[0], &origin));
}

void world_play(struct world *played)
{
	int before = open_fds(), after;

	given_count = 0;
	far_end_forget();
	now = SECOND;
	silence = 0;
	spins = naps = turns = 0;
	world = played;
	/* No decision of an earlier world holds. */
	*limits = (struct job_limits){ .generation = limits->generation + 1 };
	world_domains_withdraw(false);
	require(!loop_new(&proxy.loop));
	require(!relays_init(&proxy.relays, proxy.loop, limits));
	pool_init(&proxy.pool, &proxy.relays, proxy.rules, world_settings.max_connections);
	require(!sessions_new(&proxy.sessions));
	resolver.loop = proxy.loop;
	require(!loop_run(proxy.loop));
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		require(!late[i]);
	pacer_free(proxy.relays.pacer);
	sessions_free(proxy.sessions);
	loop_free(proxy.loop);
	world = NULL;
	for (size_t i = 0; i < played->count; i++) {
		struct client *client = &played->clients[i];

		world_close(&client->fd);
		far_end_settle(client->far, &client->said);
		for (size_t k = 0; k < client->count; k++) {
			world_close(&client->origins[k].fd);
			far_end_settle(client->origins[k].far, &client->origins[k].said);
		}
	}
	after = open_fds();
	require(after >= before - POOLED_MAX && after <= before + POOLED_MAX &&
		(after - before) % 2 == 0);
}

void world_close(int *fd)
{
	if (*fd >= 0)
		require(!close(*fd));
	*fd = -1;
}

void world_free(struct world *played)
{
	for (size_t i = 0; i < played->count; i++) {
		struct client *client = &played->clients[i];

		stream_free(&client->said);
		stream_free(&client->heard);
		far_end_free(client->far);
		for (size_t k = 0; k < client->count; k++) {
			stream_free(&client->origins[k].said);
			stream_free(&client->origins[k].heard);
			far_end_free(client->origins[k].far);
		}
	}
}
