// SPDX-License-Identifier: BSD-2-Clause
/*
 * See asked.h. A message with secrets has two descriptors: a file of the form of FD_SECRETS
 * with the values that change, and a pipe for the byte.
 */

#include "proxy/asked.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cleanup.h"
#include "lib/locked.h"
#include "proxy/settings.h"

enum { GIVEN_FILE, GIVEN_PIPE, GIVEN };

static int find(const struct secret_file *secrets, const struct secret_entry *wanted)
{
	for (unsigned i = 0; i < secrets->count; i++)
		if (!memcmp(secrets->entries[i].name, wanted->name, sizeof(wanted->name)))
			return (int)i;
	return -ENOENT;
}

/*
 * Writes a value beside the one that holds, and then has it hold. A worker reads at most
 * once meanwhile, and so reads either.
 */
static void change(
	struct secret_file *secrets, unsigned secret, const struct secret_value *value)
{
	__u32 other = !(secrets->current[secret] & 1);

	memcpy(&secrets->values[secret][other], value, sizeof(*value));
	__atomic_store_n(&secrets->current[secret], other, __ATOMIC_RELEASE);
}

/* Nobody may shorten the file while it is read. */
static bool is_good(int file)
{
	struct stat status;
	int seals = fcntl(file, F_GET_SEALS);

	return !fstat(file, &status) && status.st_size == sizeof(struct secret_file) &&
	       seals >= 0 && seals & F_SEAL_SHRINK;
}

/* Takes all values, or none. Returns 0 or -errno. */
static int take_values(struct secret_file *secrets, int file)
{
	const struct secret_file *given = NULL;
	int places[SECRETS_MAX] = {}, error;
	unsigned count;

	if (!is_good(file))
		return -EPROTO;
	error = locked_map(file, sizeof(*given), false, &given);
	if (error)
		return error;
	count = given->count;
	if (given->size != sizeof(*given) || count > SECRETS_MAX)
		error = -EPROTO;
	for (unsigned i = 0; !error && i < count; i++) {
		places[i] = find(secrets, &given->entries[i]);
		error = places[i] < 0 ? places[i] : 0;
	}
	for (unsigned i = 0; !error && i < count; i++)
		change(secrets, (unsigned)places[i], &given->values[i][0]);
	locked_unmap(given, sizeof(*given));
	return error;
}

/*
 * Reads a message. `*count` is how many descriptors came with it, which are in `fds`.
 * Returns false if there is no message, or if there was no room for its descriptors.
 */
static bool receive(int fds[GIVEN], size_t *count)
{
	union {
		struct cmsghdr header; /* for the alignment */
		char bytes[CMSG_SPACE(GIVEN * sizeof(int))];
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	size_t length;

	if (recvmsg(FD_ASKED, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return !(message.msg_flags & MSG_CTRUNC);
	length = header->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(header), length);
	*count = length / sizeof(int);
	return true;
}

bool asked_take(struct secret_file *secrets)
{
	int fds[GIVEN];
	size_t count = 0;
	bool received = receive(fds, &count);

	if (count == GIVEN && secrets && !take_values(secrets, fds[GIVEN_FILE]))
		(void)!write(fds[GIVEN_PIPE], "", 1);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	return received && !count;
}
