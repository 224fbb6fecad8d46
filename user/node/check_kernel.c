// SPDX-License-Identifier: BSD-2-Clause
/*
 * See check_kernel.h. A feature is asked for in a way that the kernel refuses if it has it.
 */

#include <errno.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "jobfence/proxy.h"
#include "jobfence/secrets.h"
#include "lib/cleanup.h"
#include "lib/files.h"
#include "node/check_kernel.h"
#include "node/objects.h"

#define OLDEST_MAJOR  6
#define OLDEST_MINOR  1
#define LIST_SIZE_MAX (4UL << 20) /* bytes of a list of modules */

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

static void check_version(struct findings *findings, const struct utsname *name)
{
	char *rest = NULL;
	unsigned long major = strtoul(name->release, &rest, 10);
	unsigned long minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;

	if (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))
		findings_add(findings, FINDING_OK, "kernel", NULL, NULL, "Linux %s",
			name->release);
	else
		findings_add(findings, FINDING_NOTE, "kernel",
			"jobfence is tested on 6.1 and later only",
			"apt-get install linux-image-amd64 && reboot",
			"Linux %s is older than 6.1", name->release);
}

static bool has_socket_option(int option)
{
	_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t value;
	socklen_t size = sizeof(value);

	return !getsockopt(fd, SOL_SOCKET, option, &value, &size) || errno != ENOPROTOOPT;
}

static bool has_netns_cookie(void)
{
	return has_socket_option(SO_NETNS_COOKIE);
}

static bool has_buffer_lock(void)
{
	return has_socket_option(SO_BUF_LOCK);
}

static bool has_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0) >= 0 || errno != ENOSYS;
}

static bool has_wait(void)
{
	return syscall(SYS_epoll_pwait2, -1, NULL, 0, NULL, NULL, 0) >= 0 ||
	       errno != ENOSYS;
}

static bool has_pidfd(void)
{
	return syscall(SYS_pidfd_open, -1, 0) >= 0 || errno != ENOSYS;
}

static bool has_seccomp(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION) > 0;
}

static bool has_btf(void)
{
	return file_exists("/sys/kernel/btf/vmlinux");
}

static bool has_namespaces(void)
{
	static const char *const kinds[] = { "net", "mnt", "pid", "ipc", "cgroup" };
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		if (access(path, F_OK))
			return false;
	}
	return true;
}

static const struct feature {
	const char *check, *name;
	bool (*is_there)(void);
	enum finding without;
	const char *why, *command;
} features[] = {
	{ "btf", "BTF at /sys/kernel/btf/vmlinux", has_btf, FINDING_LACKS,
		"the programs are fitted to the kernel by it",
		"boot a kernel with CONFIG_DEBUG_INFO_BTF=y, as Debian's are" },
	{ "namespaces", "namespaces", has_namespaces, FINDING_LACKS,
		"each job has its own network namespace",
		"boot a kernel with CONFIG_NAMESPACES=y and CONFIG_NET_NS=y" },
	{ "seccomp", "seccomp filters", has_seccomp, FINDING_LACKS,
		"the proxy and commands of jobs run behind them",
		"boot a kernel with CONFIG_SECCOMP_FILTER=y" },
	{ "clone3", "clone3(2)", has_clone3, FINDING_LACKS,
		"processes begin in their cgroup by it", "boot Linux 6.1 or later" },
	{ "epoll-pwait2", "epoll_pwait2(2)", has_wait, FINDING_LACKS,
		"the proxy waits less than a millisecond by it",
		"boot Linux 6.1 or later" },
	{ "pidfd", "pidfd_open(2)", has_pidfd, FINDING_LACKS,
		"processes are found and ended by it", "boot Linux 6.1 or later" },
	{ "netns-cookie", "SO_NETNS_COOKIE", has_netns_cookie, FINDING_LACKS,
		"a job's namespace is known by it", "boot Linux 6.1 or later" },
	{ "buffer-lock", "SO_BUF_LOCK", has_buffer_lock, FINDING_NOTE,
		"queues do not follow a new rate without it", "boot Linux 6.1 or later" },
	{ "landlock", "Landlock", has_landlock, FINDING_NOTE,
		"without it the worker of a proxy can open no file, not even /etc/hosts, and the "
		"server of metrics can read all",
		"add landlock to the kernel's option lsm=, and reboot" },
};

static void check_features(struct findings *findings)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *row = &features[i];

		if (row->is_there())
			findings_add(findings, FINDING_OK, row->check, NULL, NULL,
				"the kernel has %s", row->name);
		else
			findings_add(findings, row->without, row->check, row->why,
				row->command, "the kernel has no %s", row->name);
	}
}

static void check_programs(struct findings *findings)
{
	struct failure failure = {};

	if (geteuid())
		findings_add(findings, FINDING_NOTE, "programs",
			"only root may load them and see it", "sudo jobfence doctor",
			"whether the kernel takes the programs was not seen");
	else if (objects_try(&failure))
		findings_add(findings, FINDING_LACKS, "programs",
			"they are the fence: without them no job starts",
			"JOBFENCE_DEBUG=1 jobfence doctor", "%s", failure.text);
	else
		findings_add(findings, FINDING_OK, "programs", NULL, NULL,
			"the kernel takes the programs of this version (%s)",
			objects_digest());
}

/* Whether a list of words, with commas or ends of lines between, has this one. */
static bool has_word(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += length)
		if ((at == list || strchr(",\n[ /", at[-1])) &&
			strchr(",\n] .:", at[length]))
			return true;
	return false;
}

static void check_lsm(struct findings *findings)
{
	_free_ char *list = file_text("/sys/kernel/security/lsm", LIST_SIZE_MAX);
	char command[512];

	if (!list) {
		findings_add(findings, FINDING_NOTE, "bpf-lsm",
			"BPF LSM also refuses sockets that no other hook sees",
			"mount -t securityfs securityfs /sys/kernel/security",
			"the list of security modules can't be read");
		return;
	}
	list[strcspn(list, "\n")] = '\0';
	if (has_word(list, "bpf")) {
		findings_add(findings, FINDING_OK, "bpf-lsm", NULL, NULL,
			"bpf is a security module of the kernel (%s)", list);
		return;
	}
	snprintf(command, sizeof(command),
		"add lsm=%s,bpf to GRUB_CMDLINE_LINUX in /etc/default/grub, update-grub, and reboot",
		list);
	findings_add(findings, FINDING_NOTE, "bpf-lsm",
		"without it seccomp alone refuses some families of sockets, which hooks of Podman can't set",
		command, "bpf is not in the kernel's list of security modules (%s)", list);
}

/* Whether the kernel has the module, or can load it. */
static bool has_module(const char *name, const char *release)
{
	static const char *const lists[] = { "modules.builtin", "modules.dep" };
	char path[512], file[64];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (file_exists(path))
		return true;
	snprintf(file, sizeof(file), "%s.ko", name);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		_free_ char *text = NULL;

		snprintf(path, sizeof(path), "/lib/modules/%.200s/%s", release, lists[i]);
		text = file_text(path, LIST_SIZE_MAX);
		if (text && has_word(text, file))
			return true;
	}
	return false;
}

static void check_fq(struct findings *findings, const struct utsname *name)
{
	if (has_module("sch_fq", name->release))
		findings_add(findings, FINDING_OK, "sch-fq", NULL, NULL,
			"the queueing discipline fq is there (sch_fq)");
	else
		findings_add(findings, FINDING_NOTE, "sch-fq",
			"without it the proxy throttles jobs in place of the kernel",
			"modprobe sch_fq, or boot a kernel with CONFIG_NET_SCH_FQ",
			"the queueing discipline fq was not found (sch_fq)");
}

static void check_ipv6(struct findings *findings)
{
	_free_ char *disabled =
		file_text("/proc/sys/net/ipv6/conf/all/disable_ipv6", LIST_SIZE_MAX);

	if (!file_exists("/proc/net/if_inet6"))
		findings_add(findings, FINDING_NOTE, "ipv6", "jobs get IPv4 only",
			"boot without ipv6.disable=1", "the kernel has no IPv6");
	else if (disabled && disabled[0] == '1')
		findings_add(findings, FINDING_NOTE, "ipv6",
			"sites with IPv6 only can't be reached",
			"sysctl net.ipv6.conf.all.disable_ipv6=0",
			"IPv6 is switched off on this node");
	else
		findings_add(
			findings, FINDING_OK, "ipv6", NULL, NULL, "the kernel has IPv6");
}

/* A limit of 0 forbids to make namespaces, to root as well. */
static void check_namespace_limits(struct findings *findings)
{
	static const char *const kinds[] = { "net", "mnt", "pid", "ipc", "cgroup" };
	char path[64], command[64];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_free_ char *text = NULL;

		snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", kinds[i]);
		text = file_text(path, LIST_SIZE_MAX);
		if (!text || strtoul(text, NULL, 10))
			continue;
		snprintf(command, sizeof(command), "sysctl user.max_%s_namespaces=10000",
			kinds[i]);
		findings_add(findings, FINDING_LACKS, "namespace-limit",
			"each job has namespaces of its own", command,
			"no %s namespace may be made", kinds[i]);
	}
}

static void check_limits(struct findings *findings)
{
	struct rlimit files = {}, memory = {};
	const rlim_t wanted = PROXY_OPEN_FILES_MAX;

	check_namespace_limits(findings);
	if (getrlimit(RLIMIT_NOFILE, &files) || getrlimit(RLIMIT_MEMLOCK, &memory))
		return;
	/* Root raises the limit itself. */
	if (files.rlim_max >= wanted || !geteuid())
		findings_add(findings, FINDING_OK, "nofile", NULL, NULL,
			"a proxy can have the %llu open files of %d connections",
			(unsigned long long)wanted, JOB_CONNECTIONS_MAX);
	else
		findings_add(findings, FINDING_NOTE, "nofile",
			"a proxy that can't raise it has fewer connections at once",
			"set LimitNOFILE=1048576 in the unit of the executor",
			"the limit of open files is %llu",
			(unsigned long long)files.rlim_max);
	if (memory.rlim_max >= SECRETS_LOCKED || !geteuid())
		findings_add(findings, FINDING_OK, "memlock", NULL, NULL,
			"a proxy can lock the %d bytes of a job's secrets", SECRETS_LOCKED);
	else
		findings_add(findings, FINDING_NOTE, "memlock",
			"a proxy that can't raise it starts without opened TLS only",
			"set LimitMEMLOCK=192K in the unit of the executor",
			"the limit of locked memory is %llu",
			(unsigned long long)memory.rlim_max);
}

void check_kernel(struct findings *findings)
{
	struct utsname name = {};

	if (uname(&name))
		return;
	check_version(findings, &name);
	check_features(findings);
	check_programs(findings);
	check_lsm(findings);
	check_fq(findings, &name);
	check_ipv6(findings);
	check_limits(findings);
}
