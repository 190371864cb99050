// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * readv, writev and vmsplice with more than a page: what is one message, one
 * write or one wait natively is one here.
 */
#include "linux_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define LARGE 65536

/* Whole pages: vmsplice counts those. */
static _Alignas(4096) char block[2 * LARGE];
static char got[2 * LARGE];
static struct iovec too_many[1025];

static void messages(int type)
{
	struct iovec out[] = { { block, 16 }, { block + 16, 5000 } };
	struct iovec in[] = { { got, 16 }, { got + 16, LARGE } };
	struct iovec none[] = { { block, 0 }, { block, 0 } };
	int s[2];

	SHOW("messages", type);
	(void)!socketpair(AF_UNIX, type, 0, s);
	fcntl(s[1], F_SETFL, O_NONBLOCK);
	TRY(writev(s[0], out, 2));
	TRY(writev(s[0], out, 2));
	TRY(writev(s[0], none, 2));
	TRY(writev(s[0], none, 1));
	TRY(write(s[0], "end", 3));
	TRY(read(s[1], got, 0));
	memset(got, 0, sizeof(got));
	TRY(readv(s[1], in, 2));
	CHECK(!memcmp(got, block, 5016));
	TRY(recv(s[1], got, sizeof(got), 0));
	TRY(read(s[1], got, sizeof(got)));
	TRY(read(s[1], got, sizeof(got)));
	TRY(preadv(s[1], in, 2, 0));
	TRY(pwritev(s[0], out, 2, 0));
	TRY(preadv(s[1], none, 2, 0));
	TRY(preadv2(s[1], in, 2, -1, 0));
	TRY(pwritev2(s[0], out, 2, -1, 0));
	TRY(preadv2(s[1], in, 2, -1, 0));
	/* The longest that is sent, and one more. */
	out[1].iov_len = 100000;
	TRY(writev(s[0], out, 2));
	in[1].iov_len = 4;
	TRY(readv(s[1], in, 2));
	TRY(readv(s[1], in, 2));
	close(s[1]);
	signal(SIGPIPE, SIG_IGN);
	TRY(writev(s[0], out, 2));
	close(s[0]);
}

static void *reads_slowly(void *arg)
{
	long sum = 0, r;

	sleep_ms(200);
	while ((r = read(*(int *)arg, got, 10000)) > 0) {
		if (memcmp(got, block + sum, r))
			break;
		sum += r;
		sleep_ms(5);
	}
	return (void *)sum;
}

static void pipes(void)
{
	struct iovec iov[] = { { block, LARGE }, { block + LARGE, LARGE } };
	struct iovec in[] = { { got, 16 }, { got + 16, LARGE } };
	pthread_t thread;
	void *sum;
	int p[2];

	(void)!pipe(p);
	pthread_create(&thread, NULL, reads_slowly, &p[0]);
	TRY(writev(p[1], iov, 2));
	close(p[1]);
	pthread_join(thread, &sum);
	SHOW("read", sum);
	close(p[0]);
	/* What fits, where it may not wait. */
	(void)!pipe2(p, O_NONBLOCK);
	iov[0].iov_len = 65000;
	iov[1] = (struct iovec){ block + 65000, 1000 };
	TRY(writev(p[1], iov, 2));
	TRY(writev(p[1], iov, 2));
	TRY(read(p[0], got, sizeof(got)));
	CHECK(!memcmp(got, block, 65536));
	TRY(readv(p[0], in, 2));
	TRY(write(p[1], block, 16));
	TRY(readv(p[0], in, 2));
	TRY(write(p[1], block, 17));
	fcntl(p[0], F_SETFL, 0);
	TRY(readv(p[0], in, 2));
	/* One that cannot be read: whole pages of what came before. */
	iov[0].iov_len = 5000;
	iov[1] = (struct iovec){ (void *)8, 5000 };
	TRY(writev(p[1], iov, 2));
	iov[0].iov_len = 3000;
	TRY(writev(p[1], iov, 2));
	TRY(read(p[0], got, sizeof(got)));
	TRY(preadv(p[0], in, 2, 0));
	close(p[0]);
	TRY(writev(p[1], iov, 1));
	close(p[1]);
}

/* By name: that it is one is only known when it was asked for. */
static void fifo(const char *name)
{
	struct iovec in[] = { { got, 16 }, { got + 16, LARGE } };
	int fd, other;

	TRY(mkfifo(name, 0600));
	fd = open(name, O_RDWR);
	TRY(write(fd, block, 16));
	alarm(10);
	TRY(readv(fd, in, 2));
	alarm(0);
	other = open(name, O_RDONLY | O_NONBLOCK);
	TRY(readv(other, in, 2));
	close(fd);
	TRY(readv(other, in, 2));
	close(other);
	unlink(name);
}

#define RECORDS 40
#define RECORD 9000

static void writes_records(int fd, int letter)
{
	char head[8] = "", text[RECORD];
	struct iovec iov[] = { { head, 1 },
			       { text, 4000 },
			       { text + 4000, RECORD - 4001 } };

	head[0] = '\n';
	memset(text, letter, sizeof(text));
	for (int i = 0; i < RECORDS; i++)
		if (writev(fd, iov, 3) != RECORD)
			_exit(1);
	_exit(0);
}

/* Each record is one write, whoever else writes. */
static void records(const char *name, int flags)
{
	static char text[4 * RECORDS * RECORD];
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | flags, 0600), i, k;
	int status, bad = 0, ended = 0;
	long size;

	for (i = 0; i < 4; i++)
		if (!fork())
			writes_records(fd, 'a' + i);
	while (wait(&status) > 0)
		ended += !status;
	SHOW("ended", ended);
	size = pread(fd, text, sizeof(text), 0);
	SHOW("size", size);
	for (i = 0; i + RECORD <= size; i += RECORD) {
		for (k = 1; k < RECORD && text[i + k] == text[i + 1]; k++)
			;
		bad += text[i] != '\n' || k < RECORD;
	}
	SHOW("mixed", bad);
	close(fd);
	unlink(name);
}

static void files(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct iovec out[] = { { block, 3000 },
			       { block, 0 },
			       { block + 3000, 7000 } };
	struct iovec in[] = { { got, 5000 }, { got + 5000, 7000 } };
	struct iovec bad[] = { { block, 5000 }, { (void *)8, 5000 } };

	TRY(writev(fd, out, 3));
	TRY(pwritev(fd, out, 3, 20000));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(lseek(fd, 0, SEEK_SET));
	memset(got, 0, sizeof(got));
	TRY(readv(fd, in, 2));
	CHECK(!memcmp(got, block, 10000));
	TRY(preadv(fd, in, 2, 20000));
	CHECK(!memcmp(got, block, 10000));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(lseek(fd, 0, SEEK_SET));
	bad[0] = (struct iovec){ got, 16 };
	TRY(readv(fd, bad, 2));
	TRY(lseek(fd, 0, SEEK_CUR));
	bad[0] = (struct iovec){ block, 5000 };
	TRY(writev(fd, bad, 2));
	TRY(lseek(fd, 0, SEEK_CUR));
	TRY(writev(fd, &bad[1], 1));
	TRY(writev(fd, too_many, 1025));
	TRY(writev(fd, out, 0));
	close(fd);
	fd = open(name, O_RDONLY);
	TRY(writev(fd, out, 0));
	TRY(writev(fd, out, 2));
	close(fd);
	unlink(name);
}

static void splices(void)
{
	struct iovec iov[] = { { block, LARGE }, { block + LARGE, LARGE } };
	struct iovec in[] = { { got, 10 }, { got + 10, LARGE } };
	int p[2], n, s[2];

	(void)!pipe(p);
	TRY(vmsplice(p[0], in, 2, SPLICE_F_NONBLOCK));
	/* What there is room for. */
	TRY(vmsplice(p[1], iov, 2, 0));
	TRY(ioctl(p[0], FIONREAD, &n));
	CHECK(n);
	TRY(vmsplice(p[1], iov, 2, SPLICE_F_NONBLOCK));
	memset(got, 0, sizeof(got));
	TRY(vmsplice(p[0], in, 2, 0));
	CHECK(!memcmp(got, block, 65536));
	TRY(vmsplice(p[0], in, 2, SPLICE_F_NONBLOCK));
	TRY(write(p[1], "few", 3));
	TRY(vmsplice(p[0], in, 2, 0));
	TRY(vmsplice(p[1], iov, 1, SPLICE_F_GIFT | SPLICE_F_MORE));
	TRY(vmsplice(p[0], in, 1, 0));
	TRY(vmsplice(p[1], iov, 2, 16));
	TRY(vmsplice(p[1], iov, 0, 0));
	TRY(vmsplice(99, iov, 2, 0));
	TRY(vmsplice(p[1], (void *)8, 2, 0));
	TRY(vmsplice(p[1], too_many, 1025, 0));
	(void)!socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	TRY(vmsplice(s[0], iov, 2, 0));
	while (read(p[0], got, sizeof(got)) == sizeof(got))
		;
	close(p[1]);
	TRY(vmsplice(p[0], in, 2, 0));
	close(p[0]);
	(void)!pipe(p);
	close(p[0]);
	TRY(vmsplice(p[1], iov, 2, 0));
	close(p[1]);
	close(s[0]);
	close(s[1]);
}

int main(void)
{
	char name[64];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = 'A' + i * 7 % 61;
	snprintf(name, sizeof(name), "/tmp/pico-vectors.%d", getpid());
	messages(SOCK_SEQPACKET);
	messages(SOCK_DGRAM);
	messages(SOCK_STREAM);
	pipes();
	fifo(name);
	files(name);
	records(name, O_APPEND);
	records(name, 0);
	splices();
	return 0;
}
