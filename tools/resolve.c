// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Requests of the sandbox: names to resolve.
 *
 * getaddrinfo() takes as long as it likes and cannot be stopped. So each name
 * is resolved by a process of its own, which sends back one message and ends;
 * picoexec goes on with signals and other requests meanwhile. A process that
 * takes longer than a caller in the sandbox would wait is killed. There are as
 * many as the kernel lets requests wait at one time, at most.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "picoexec.h"

#define ADDRESSES_MAX \
	(DRAWBRIDGE_REPLY_MAX / sizeof(struct drawbridge_address))
#define NAME_LENGTH_MAX	256

/* What a process sends back: the head and @count addresses. */
struct answer {
	int64_t status;
	uint32_t count;
	struct drawbridge_address addresses[ADDRESSES_MAX];
};

static int64_t status_of(int error)
{
	switch (error) {
	case 0:
		return DK_STATUS_SUCCESS;
	case EAI_NONAME:
	case EAI_NODATA:
		return DK_STATUS_NOT_FOUND;
	case EAI_MEMORY:
		return DK_STATUS_NO_MEMORY;
	case EAI_AGAIN:
		return DK_STATUS_TIMEOUT;
	default:
		return DK_STATUS_IO_ERROR;
	}
}

static void add_address(struct answer *answer, const struct sockaddr *from)
{
	struct drawbridge_address *to = &answer->addresses[answer->count];

	memset(to, 0, sizeof(*to));
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)from;

		to->family = 4;
		memcpy(to->address, &in->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const void *)from;

		to->family = 6;
		memcpy(to->address, &in->sin6_addr, 16);
	} else {
		return;
	}
	answer->count++;
}

/* The process of one name. */
static void resolve(const char *name, int socket)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct answer answer = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "picoexec-dns");
	answer.status = status_of(getaddrinfo(name, NULL, &hints, &list));
	for (struct addrinfo *i = list; i && answer.count < ADDRESSES_MAX;
	     i = i->ai_next)
		add_address(&answer, i->ai_addr);
	if (!answer.status && !answer.count)
		answer.status = DK_STATUS_NOT_FOUND;
	if (send(socket, &answer,
		 offsetof(struct answer, addresses[answer.count]), 0) < 0)
		_exit(1);
	_exit(0);
}

static void reply(const struct sandbox *sandbox, uint64_t id,
		  const struct answer *answer)
{
	struct drawbridge_reply wanted = {
		.id = id,
		.status = answer->status,
		.buffer = (uintptr_t)answer->addresses,
		.length = answer->count * sizeof(*answer->addresses),
	};

	/* The caller may have given up: nobody misses the answer then. */
	ioctl(sandbox->device, DRAWBRIDGE_IOC_REPLY, &wanted);
}

static void refuse(const struct sandbox *sandbox, uint64_t id)
{
	const struct answer answer = { .status = DK_STATUS_IO_ERROR };

	reply(sandbox, id, &answer);
}

static void start(struct resolver *resolver, const struct sandbox *sandbox,
		  uint64_t id, const char *name)
{
	struct resolution *one = &resolver->items[resolver->count];
	int sockets[2];

	if (resolver->count >= RESOLUTIONS_MAX ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) {
		refuse(sandbox, id);
		return;
	}
	fflush(NULL);
	one->pid = fork();
	if (!one->pid) {
		/* The sandbox must not live on with us. */
		dup2(sockets[1], 3);
		close_range(4, ~0U, 0);
		resolve(name, 3);
	}
	close(sockets[1]);
	if (one->pid < 0) {
		close(sockets[0]);
		refuse(sandbox, id);
		return;
	}
	one->id = id;
	one->socket = sockets[0];
	one->deadline = time(NULL) + DRAWBRIDGE_REQUEST_SECONDS;
	resolver->count++;
}

void resolver_take(struct resolver *resolver, const struct sandbox *sandbox)
{
	char name[NAME_LENGTH_MAX + 1];
	struct drawbridge_request request = {
		.buffer = (uintptr_t)name,
		.buffer_length = NAME_LENGTH_MAX,
	};

	while (!ioctl(sandbox->device, DRAWBRIDGE_IOC_REQUEST, &request)) {
		name[request.length] = 0;
		if (request.type == DRAWBRIDGE_REQUEST_DNS)
			start(resolver, sandbox, request.id, name);
		else
			refuse(sandbox, request.id);
	}
}

size_t resolver_poll(const struct resolver *resolver, struct pollfd *polls)
{
	for (size_t i = 0; i < resolver->count; i++)
		polls[i] = (struct pollfd){ .fd = resolver->items[i].socket,
					    .events = POLLIN };
	return resolver->count;
}

static void end(struct resolver *resolver, size_t i)
{
	close(resolver->items[i].socket);
	kill(resolver->items[i].pid, SIGKILL);
	waitpid(resolver->items[i].pid, NULL, 0);
	resolver->items[i] = resolver->items[--resolver->count];
}

void resolver_answer(struct resolver *resolver, const struct sandbox *sandbox)
{
	time_t now = time(NULL);

	/* Backwards: the last one takes the place of one that ends. */
	for (size_t i = resolver->count; i--;) {
		struct resolution *one = &resolver->items[i];
		struct answer answer;
		ssize_t got = recv(one->socket, &answer, sizeof(answer),
				   MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (now > one->deadline)
				end(resolver, i);
			continue;
		}
		if (got >= (ssize_t)offsetof(struct answer, addresses))
			reply(sandbox, one->id, &answer);
		else
			refuse(sandbox, one->id);
		end(resolver, i);
	}
}

void resolver_close(struct resolver *resolver)
{
	while (resolver->count)
		end(resolver, resolver->count - 1);
}
