// SPDX-License-Identifier: BSD-2-Clause
/* See program.h. */

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/inherited.h"
#include "proxy/code_pages.h"
#include "proxy/dns_stub.h"
#include "proxy/listener.h"
#include "proxy/program.h"
#include "proxy/resolve.h"
#include "proxy/sandbox.h"
#include "proxy/statistics.h"
#include "proxy/supervisor.h"

#define TABLE_BYTES  8192
#define HEAP_DEFAULT 131072 /* glibc's, for both parameters of set_heap() */

/*
 * Maps the settings, whose file is sealed, so that both processes share their pages.
 * Returns NULL if their size is that of another build.
 */
static const struct proxy_settings *map_settings(void)
{
	struct stat status;
	const struct proxy_settings *settings;

	if (fstat(FD_SETTINGS, &status) || status.st_size != sizeof(*settings))
		return NULL;
	settings = mmap(NULL, sizeof(*settings), PROT_READ, MAP_PRIVATE, FD_SETTINGS, 0);
	return settings == MAP_FAILED ? NULL : settings;
}

static int check_settings(const struct proxy_settings *settings)
{
	if (!settings || settings->abi != FENCE_ABI || settings->size != sizeof(*settings))
		return -EPROTO;
	if (!memchr(settings->job, '\0', sizeof(settings->job)) ||
		!memchr(settings->header, '\0', sizeof(settings->header)))
		return -EPROTO;
	return settings->guarded_count > GUARDED_KEYS_MAX ||
			       settings->ech_count > ECH_KEYS_MAX ||
			       settings->intercept_count > INTERCEPT_KEYS_MAX
		       ? -EPROTO
		       : 0;
}

const struct proxy_settings *program_settings(void)
{
	const struct proxy_settings *settings = map_settings();

	if (!check_settings(settings) && !proxy_fds_reserve())
		return settings;
	fprintf(stderr, "jobfence-proxy: it is started by jobfence, not by hand\n");
	return NULL;
}

/* The end of the job, as the supervisor tells it by SIGTERM. */
struct job_end {
	struct source source;
	struct proxy *proxy;
};

/*
 * Requests and tunnels that are under way get their lines. The loop writes them at the end
 * of this round.
 */
static void end(struct source *source, uint32_t events)
{
	struct proxy *proxy = container_of(source, struct job_end, source)->proxy;

	(void)events;
	request_log_end(proxy->log);
	connections_log(proxy);
	loop_stop(proxy->loop);
}

static int open_log(struct proxy *proxy)
{
	static struct job_end ending = { .source.ready = end };
	sigset_t signals;
	int error;

	if (!proxy_pipe_given(FD_LOG))
		return 0;
	ending.proxy = proxy;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	ending.source.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ending.source.fd < 0)
		return -errno;
	error = request_log_new(proxy->loop, proxy->settings, FD_LOG, &proxy->log);
	return error ? error : loop_add(proxy->loop, &ending.source, EPOLLIN);
}

/* What is not intercepted needs no TLS of ours. */
static int open_tls(const struct proxy_settings *settings, struct proxy *proxy)
{
	if (!settings->intercept_count)
		return 0;
	return proxy->tls ? proxy->tls->open(proxy->tls, &proxy->tls_state) : -EPROTO;
}

static int open_all(const struct proxy_settings *settings, struct proxy *proxy)
{
	int error = loop_new(&proxy->loop);

	if (!error)
		error = statistics_open();
	if (!error)
		error = open_log(proxy);
	if (!error)
		error = secret_store_open(&proxy->secrets);
	if (!error)
		error = rules_new(settings, proxy->secrets, &proxy->rules);
	if (!error)
		error = resolver_new(proxy->loop, settings, &proxy->resolver);
	if (!error)
		error = relays_init(
			&proxy->relays, proxy->loop, rules_limits(proxy->rules));
	if (!error)
		error = sessions_new(&proxy->sessions);
	if (!error)
		error = open_tls(settings, proxy);
	if (error)
		return error;
	pool_init(&proxy->pool, &proxy->relays, proxy->rules, settings->max_connections);
	error = dns_stub_start(proxy->loop, settings, proxy->rules, proxy->log);
	return error ? error : listener_start(proxy);
}

/* Tells the loader that the proxy is ready. The loader waits for the first worker only. */
static void tell_ready(void)
{
	if (write(FD_READY, "", 1) == 1)
		close(FD_READY);
}

/*
 * Sets from how many bytes on an allocation is a mapping of its own, and by how many more
 * bytes than needed the heap grows. Most tables of the proxy are rarely full. calloc(3)
 * does not touch the pages of a mapping. It prefers the room that the heap has.
 */
static void set_heap(int mapping, int growth)
{
	mallopt(M_MMAP_THRESHOLD, mapping);
	mallopt(M_TOP_PAD, growth);
}

/* All that is opened here lives as long as the process. */
static int worker_run(const struct proxy_settings *settings, const struct tls_calls *tls)
{
	static struct proxy proxy;
	int error = sandbox_begin();

	proxy.settings = settings;
	proxy.tls = tls;
	set_heap(TABLE_BYTES, 0);
	if (!error)
		error = open_all(settings, &proxy);
	/* Most of a library is used at the start alone, as where it registers its parts. */
	code_pages_give_back();
	set_heap(HEAP_DEFAULT, HEAP_DEFAULT);
	if (!error)
		error = sandbox_close();
	if (error) {
		fprintf(stderr, "jobfence-proxy: worker: %s\n", strerror(-error));
		return 1;
	}
	tell_ready();
	error = loop_run(proxy.loop);
	/* The supervisor waits for this, and not for the end of the process. */
	close(FD_LOG);
	/* The sandbox has no call for what the libraries do at the end. */
	_exit(error ? 1 : 0);
}

int program_run(int count, char **arguments, const struct tls_calls *tls)
{
	const struct proxy_settings *settings;
	const char *word = count == 2 ? arguments[1] : "";

	if (inherited_reset())
		return 1;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full log does not end the process */
	if (!strcmp(word, "version")) {
		printf("jobfence-proxy " VERSION "\n");
		return 0;
	}
	settings = program_settings();
	if (!settings)
		return 1;
	if (!strcmp(word, "supervisor"))
		return supervisor_run(settings);
	return strcmp(word, "worker") ? 2 : worker_run(settings, tls);
}
