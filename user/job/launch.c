// SPDX-License-Identifier: BSD-2-Clause
/*
 * The child is in the proxy's cgroup from its first instruction. So the sockets that it
 * makes, and the sockets accepted from them later, belong to that cgroup.
 *
 * The child makes its sockets in the job's namespace. Then it returns to the host's
 * namespace, from which the proxy connects to sites, and becomes the proxy.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "job/asked.h"
#include "job/launch.h"
#include "job/listen.h"
#include "job/request_log.h"
#include "job/secret_values.h"
#include "job/trust.h"
#include "job/trust_files.h"
#include "jobfence/proxy.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "lib/installed.h"
#include "names/address.h"
#include "names/resolvers.h"
#include "node/cgroup.h"
#include "node/daemon.h"
#include "node/first_word.h"
#include "node/netns.h"
#include "node/process.h"
#include "node/proxy_user.h"
#include "node/state.h"

#define PROXY_PROGRAM  "jobfence-proxy"
#define READY_PATIENCE 10000 /* ms for each of the proxy's two words */
#define LAST_PATIENCE  200   /* ms for the last lines of the request log */
#define FD_TEMPORARY   64    /* above every number of enum proxy_fd */

/* The child's report, sent before it becomes the proxy. */
struct report {
	int error;
	/*
	 * The step that failed. It is a constant of this program, at the same address
	 * in both processes.
	 */
	const char *step;
	struct endpoint proxy4, proxy6, dns4, dns6;
};

/* Everything that the child needs, gathered before the fork. */
struct launch {
	char program[PATH_MAX];
	char proxy_log[PATH_SIZE];
	bool host_netns, ipv6;
	int netns;
	int settings;
	int domains, connections;   /* read-only */
	int events;		    /* events of the job's cgroup, -1: not watched */
	int asked;		    /* see asked.h */
	int tls_program, roots, ca; /* for opened TLS, else -1 */
	int trust[TRUST_FILES];	    /* the same */
	int secrets;		    /* -1: there are none */
	const struct request_log *log;
	const struct job_maps *maps;
	int report, ready; /* ends of pipes to write to */
};

static struct endpoint virtual_endpoint(const char *address)
{
	struct endpoint endpoint = { .port = htons(80) };

	if (address_parse(address, strlen(address), &endpoint.address))
		endpoint.port = 0;
	return endpoint;
}

/*
 * Writes the keys of the domains and returns their number. That number was checked as
 * each domain was added.
 */
static uint32_t fill_keys(const struct domains *domains, struct domain_key *keys)
{
	size_t count = 0;

	for (size_t i = 0; i < domains->count; i++)
		count += declared_domain_keys(&domains->list[i], &keys[count]);
	return (uint32_t)count;
}

/*
 * Writes the settings to a file in memory. The file is sealed, so nobody can change it
 * any more. Returns a descriptor or -errno.
 */
static int make_settings(const struct job *job, bool ipv6)
{
	const uid_t uid = proxy_user_of(job->proxy_id);
	struct proxy_settings settings = {
		.abi = FENCE_ABI,
		.size = sizeof(settings),
		.job_key = job->id,
		.uid = uid,
		.gid = uid,
		.max_connections = job->max_connections,
		.allowed_count = job->spec.allowed_count,
		.virtual4 = virtual_endpoint(PROXY_ADDRESS4),
		.log_max = job->log_max,
		.log_paths = job->log_paths,
	};
	_fd_ int fd = memfd_create("settings", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ipv6)
		settings.virtual6 = virtual_endpoint(PROXY_ADDRESS6);
	memcpy(settings.job, job->spec.name, sizeof(settings.job));
	memcpy(settings.header, job->spec.header, sizeof(settings.header));
	settings.learn = job->spec.learn;
	settings.guarded_count = fill_keys(&job->spec.guarded, settings.guarded);
	settings.ech_count = fill_keys(&job->spec.ech, settings.ech);
	settings.intercept_count = fill_keys(&job->spec.intercept, settings.intercept);
	request_rules_write(&job->spec.rules, settings.rules);
	request_rules_write(&job->spec.node_rules, settings.node_rules);
	memcpy(settings.allowed, job->spec.allowed, sizeof(settings.allowed));
	if (nat64_parse(job->nat64, settings.nat64))
		return -EPROTO;
	memcpy(settings.refusal_text, job->refusal_text, sizeof(settings.refusal_text));
	memcpy(settings.resolvers, job->resolvers, sizeof(settings.resolvers));
	if (write(fd, &settings, sizeof(settings)) != sizeof(settings))
		return -EIO;
	if (fcntl(fd, F_ADD_SEALS,
		    F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	return TAKE_FD(fd);
}

/*
 * Moves the descriptors to the numbers at which the proxy expects them. All others are
 * closed.
 */
static int hand_over(
	const struct launch *launch, const struct listeners *listeners, int addresses)
{
	int fds[FD_END] = {
		[FD_SETTINGS] = launch->settings,
		[FD_LISTENER4] = listeners->proxy4,
		[FD_LISTENER6] = listeners->proxy6,
		[FD_DNS_UDP4] = listeners->dns_udp4,
		[FD_DNS_TCP4] = listeners->dns_tcp4,
		[FD_DNS_UDP6] = listeners->dns_udp6,
		[FD_DNS_TCP6] = listeners->dns_tcp6,
		[FD_DOMAINS] = launch->domains,
		[FD_HITS] = launch->maps->hits,
		[FD_LIMITS] = launch->maps->limits,
		[FD_STATISTICS] = launch->maps->statistics,
		[FD_REFUSED] = launch->maps->refused,
		[FD_LEARNED] = launch->maps->learned,
		[FD_LEARNED_RULES] = launch->maps->learned_rules,
		[FD_CONNECTIONS] = launch->connections,
		[FD_READY] = launch->ready,
		[FD_IPV6] = addresses,
		[FD_EVENTS] = launch->events,
		[FD_LOG] = launch->log->pipe[1],
		[FD_LOG_PIPE] = launch->log->pipe[0],
		[FD_LOG_FILE] = launch->log->file,
		[FD_LOG_OLD] = launch->log->old,
		[FD_ASKED] = launch->asked,
		[FD_PROGRAM] = launch->tls_program,
		[FD_ROOTS] = launch->roots,
		[FD_CA] = launch->ca,
		[FD_AUTHORITY] = -1,
		[FD_TRUST_CA] = launch->trust[0],
		[FD_TRUST_BUNDLE] = launch->trust[1],
		[FD_TRUST_STORE] = launch->trust[2],
		[FD_TRUST_POLICY] = launch->trust[3],
		[FD_SECRETS] = launch->secrets,
	};

	fds[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fds[0] < 0)
		return -errno;
	fds[1] = fds[0];
	fds[2] = open(launch->proxy_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fds[2] < 0)
		return -errno;
	for (int i = 0; i < FD_END; i++)
		if (fds[i] >= 0) {
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FD_TEMPORARY);
			if (fds[i] < 0)
				return -errno;
		}
	for (int i = 0; i < FD_END; i++)
		if (fds[i] < 0)
			close(i);
		else if (dup2(fds[i], i) < 0)
			return -errno;
	return 0;
}

/*
 * Opens the listening sockets. Also opens `*addresses`, the list of IPv6 addresses. The
 * open file goes on listing those of the job's namespace after this has left it. -1:
 * the kernel has no IPv6.
 */
static int open_listeners(
	const struct launch *launch, struct listeners *listeners, int *addresses)
{
	_cleanup_(netns_leave) struct netns_visit visit = { -1 };
	int error = netns_enter(launch->netns, &visit);

	if (error)
		return error;
	*addresses = open("/proc/thread-self/net/if_inet6", O_RDONLY | O_CLOEXEC);
	return listeners_open(listeners, launch->host_netns, launch->ipv6);
}

/*
 * The proxy's environment, empty except for the variables that a build with sanitizers
 * reads.
 */
static char **proxy_environment(void)
{
	static char *environment[3];
	int count = 0;

	for (char **variable = environ; *variable && count < 2; variable++)
		if (!strncmp(*variable, "ASAN_OPTIONS=", 13) ||
			!strncmp(*variable, "UBSAN_OPTIONS=", 14))
			environment[count++] = *variable;
	return environment;
}

static __attribute__((noreturn)) void become_proxy(const struct launch *launch)
{
	char *const arguments[] = { (char *)PROXY_PROGRAM, (char *)"supervisor", NULL };
	struct report report = {};
	struct listeners listeners = {};
	int report_fd, addresses = -1;

	report.error = daemon_begin(PROXY_OPEN_FILES_MAX, &report.step);
	report_fd = fcntl(launch->report, F_DUPFD_CLOEXEC, 2 * FD_TEMPORARY);
	if (!report.error) {
		report.step = "make its sockets";
		report.error = open_listeners(launch, &listeners, &addresses);
	}
	if (!report.error) {
		report.step = "open its files";
		report.error = hand_over(launch, &listeners, addresses);
	}
	report.proxy4 = listeners.endpoint_proxy4;
	report.proxy6 = listeners.endpoint_proxy6;
	report.dns4 = listeners.endpoint_dns4;
	report.dns6 = listeners.endpoint_dns6;
	if (write(report_fd, &report, sizeof(report)) != sizeof(report) || report.error ||
		close_range(FD_END, ~0U, CLOSE_RANGE_CLOEXEC))
		_exit(1);
	execve(launch->program, arguments, proxy_environment());
	_exit(1);
}

/*
 * Waits until the proxy writes something. Returns 0, or -errno with the failure noted.
 */
static int wait_for_word(const struct job *job, int fd, struct failure *failure)
{
	int error =
		first_word_wait(job->paths.proxy, fd, READY_PATIENCE, "the proxy", failure);

	if (error == -ETIMEDOUT)
		fail_as(failure, STATUS_FAILED,
			"the proxy does not answer after %d s; see %s/proxy.log",
			READY_PATIENCE / 1000, job->paths.run);
	return error;
}

static int read_report(struct job *job, int fd, struct failure *failure)
{
	struct report report;
	int error = wait_for_word(job, fd, failure);

	if (error)
		return error;
	if (read(fd, &report, sizeof(report)) != sizeof(report))
		return fail(failure, -EPIPE, "the proxy ended before it began");
	if (report.error)
		return fail(failure, report.error, "the proxy cannot %s", report.step);
	job->proxy4 = report.proxy4;
	job->proxy6 = report.proxy6;
	job->dns4 = report.dns4;
	job->dns6 = report.dns6;
	return 0;
}

static int make_pipe(int *read_end, int *write_end)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC))
		return -errno;
	*read_end = pair[0];
	*write_end = pair[1];
	return 0;
}

/* Opens what a job with opened TLS needs besides. `*authority` is the pipe to read from. */
static int open_tls_inputs(
	const struct job *job, struct launch *plan, int *authority, struct failure *failure)
{
	int error;

	if (!job->spec.intercept.count)
		return 0;
	plan->tls_program = trust_program_open(failure);
	if (plan->tls_program < 0)
		return plan->tls_program;
	plan->roots = trust_roots_make(job, failure);
	if (plan->roots < 0)
		return plan->roots;
	error = trust_files_open(job, plan->trust, failure);
	if (error)
		return error;
	error = make_pipe(authority, &plan->ca);
	return error ? fail(failure, error, "cannot start the proxy") : 0;
}

/* Opens the inputs of the proxy. Returns 0, or -errno with the failure noted. */
static int open_inputs(const struct job *job, struct launch *plan, struct failure *failure)
{
	int error = installed_program(
		plan->program, sizeof(plan->program), PROXY_PROGRAM, failure);

	if (error)
		return error;
	plan->settings = make_settings(job, plan->ipv6);
	if (plan->settings < 0)
		return fail(failure, plan->settings, "cannot make the proxy's settings");
	plan->domains = job_map_read_only(&job->paths, "domains");
	plan->connections = job_map_read_only(&job->paths, "connections");
	error = plan->domains < 0 ? plan->domains : plan->connections;
	if (error < 0)
		return fail(failure, error, "cannot open the job's maps");
	if (job->until_empty)
		plan->events = cgroup_open_events(job->cgroup);
	if (job->until_empty && plan->events < 0)
		return fail(failure, plan->events, "cannot watch cgroup %s", job->cgroup);
	plan->asked = asked_open(job);
	if (plan->asked < 0)
		return fail(
			failure, plan->asked, "cannot make a socket in %s", job->paths.run);
	error = path_format(plan->proxy_log, "%s/proxy.log", job->paths.run);
	return error ? fail(failure, error, "cannot start the proxy") : 0;
}

static void launch_close(struct launch *plan)
{
	int *const fds[] = { &plan->settings, &plan->domains, &plan->connections,
		&plan->events, &plan->asked, &plan->tls_program, &plan->roots, &plan->ca,
		&plan->trust[0], &plan->trust[1], &plan->trust[2], &plan->trust[3],
		&plan->report, &plan->ready };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		cleanup_fd(fds[i]);
}

static int launch(struct job *job, int cgroup, int netns, bool ipv6,
	const struct job_maps *maps, int secrets, int *ready, int *authority,
	struct failure *failure)
{
	_cleanup_(request_log_close) struct request_log log = REQUEST_LOG_NONE;
	_cleanup_(launch_close) struct launch plan = { .host_netns = job->host_netns,
		.ipv6 = ipv6,
		.netns = netns,
		.settings = -1,
		.domains = -1,
		.connections = -1,
		.events = -1,
		.asked = -1,
		.tls_program = -1,
		.roots = -1,
		.ca = -1,
		.trust = { -1, -1, -1, -1 },
		.secrets = secrets,
		.log = &log,
		.maps = maps,
		.report = -1,
		.ready = -1 };
	_fd_ int report = -1, ready_read = -1;
	int error = open_inputs(job, &plan, failure);

	if (!error)
		error = open_tls_inputs(job, &plan, authority, failure);
	if (!error)
		error = request_log_open(job, &log, failure);
	if (error)
		return error;
	error = make_pipe(&report, &plan.report);
	if (!error)
		error = make_pipe(&ready_read, &plan.ready);
	if (error)
		return fail(failure, error, "cannot start the proxy");
	job->proxy_namespace = process_namespace();
	job->proxy_pid = cgroup_fork(cgroup, 0);
	if (job->proxy_pid < 0)
		return fail(
			failure, job->proxy_pid, "cannot start the proxy in its cgroup");
	if (!job->proxy_pid)
		become_proxy(&plan);
	close(TAKE_FD(plan.report));
	error = read_report(job, report, failure);
	if (!error) {
		*ready = TAKE_FD(ready_read);
		return 0;
	}
	/* The child was not reaped yet, so no other process has its number. */
	kill(job->proxy_pid, SIGKILL);
	waitpid(job->proxy_pid, NULL, 0);
	return error;
}

static int wait_for_proxy(const struct job *job, int ready, struct failure *failure)
{
	int error = wait_for_word(job, ready, failure);
	char byte;

	if (error)
		return error;
	if (read(ready, &byte, 1) != 1)
		return fail(failure, -EPIPE, "the proxy of job %s ended at its start",
			job->spec.name);
	return 0;
}

int proxy_start(struct job *job, int cgroup, int netns, bool ipv6,
	const struct job_maps *maps, struct failure *failure)
{
	struct fence_setup setup;
	/* Its pages stay locked until those of the proxy are. */
	_cleanup_(secret_values_free) struct secret_values secrets = SECRET_VALUES_NONE;
	_fd_ int ready = -1, authority = -1;
	int error = resolvers_read(job->resolvers, failure);

	if (error < 0)
		return error;
	job->resolver_assumed = !error;
	error = cgroup_thaw(job->paths.proxy);
	if (error)
		return fail(failure, error, "cannot thaw cgroup %s", job->paths.proxy);
	/* A job that began has its secrets, as far as they can still be read. */
	error = secret_values_read(&job->spec.secrets, job->started, &secrets, failure);
	if (!error)
		error = launch(job, cgroup, netns, ipv6, maps, secrets.fd, &ready,
			&authority, failure);
	if (!error)
		error = job_setup(job, &setup, failure);
	if (!error)
		error = state_write(&setup, maps, failure);
	if (!error)
		error = wait_for_proxy(job, ready, failure);
	return error || authority < 0 ? error : trust_write(job, authority, failure);
}

void proxy_ask_to_end(const struct job *job)
{
	if (!asked_send(job, NULL, 0))
		(void)cgroup_wait_until_empty(job->paths.proxy, LAST_PATIENCE);
}

int proxy_give_secrets(
	const struct job *job, const struct secrets *secrets, struct failure *failure)
{
	_cleanup_(secret_values_free) struct secret_values values = SECRET_VALUES_NONE;
	_fd_ int taken = -1, take = -1;
	int error = secret_values_read(secrets, false, &values, failure);
	char byte;

	if (error)
		return error;
	error = make_pipe(&taken, &take);
	if (!error)
		error = asked_send(job, (const int[]){ values.fd, take }, 2);
	if (error)
		return fail(
			failure, error, "cannot reach the proxy of job %s", job->spec.name);
	close(TAKE_FD(take));
	error = wait_for_word(job, taken, failure);
	if (!error && read(taken, &byte, 1) != 1)
		return fail_as(failure, STATUS_FAILED,
			"the proxy of job %s did not take the secrets; begin the job anew",
			job->spec.name);
	return error;
}
