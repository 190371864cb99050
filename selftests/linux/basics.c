// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * A little of everything, to be linked in every way: by glibc and by musl,
 * with a loader, without, and at a fixed address. See the Makefile.
 */
#include "linux_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

static __thread int mine = 5;
static int counted;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t started = PTHREAD_COND_INITIALIZER;

static void __attribute__((constructor)) before(void)
{
	printf("a constructor\n");
}

static void after(void)
{
	printf("at exit\n");
}

static void *count(void *argument)
{
	int i;

	mine += (long)argument;
	for (i = 0; i < 1000; i++) {
		pthread_mutex_lock(&mutex);
		counted++;
		pthread_cond_signal(&started);
		pthread_mutex_unlock(&mutex);
	}
	return (void *)(long)mine;
}

static void threads(void)
{
	pthread_t t[4];
	void *result;
	long i, sum = 0;

	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, count, (void *)i);
	pthread_mutex_lock(&mutex);
	while (!counted)
		pthread_cond_wait(&started, &mutex);
	pthread_mutex_unlock(&mutex);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &result);
		sum += (long)result;
	}
	CHECK(counted);
	CHECK(sum);
	CHECK(mine);
}

static sigjmp_buf back;
static volatile sig_atomic_t seen;

static void on_signal(int signal)
{
	seen = signal;
	if (signal == SIGSEGV)
		siglongjmp(back, 1);
}

static void signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	volatile int *nowhere = (int *)16;

	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGSEGV, &act, NULL);
	raise(SIGUSR1);
	CHECK(seen == SIGUSR1);
	if (!sigsetjmp(back, 1))
		*nowhere = 1;
	CHECK(seen == SIGSEGV);
}

static void processes(char **argv)
{
	int fds[2], status;
	char text[64] = "";
	size_t n = 0;
	ssize_t r;
	pid_t pid;
	FILE *f;

	if (pipe(fds))
		return;
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		execl(argv[0], argv[0], "child", NULL);
		_exit(127);
	}
	close(fds[1]);
	while ((r = read(fds[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += r;
	CHECK(n);
	waitpid(pid, &status, 0);
	CHECK(WEXITSTATUS(status));
	printf("%s", text);
	f = popen("echo from the shell; exit 3", "r");
	CHECK(f && fgets(text, sizeof(text), f));
	printf("%s", text);
	CHECK(WEXITSTATUS(pclose(f)));
	CHECK(WEXITSTATUS(system("exit 9")));
}

static void memory(void)
{
	char *large = malloc(3 << 20), *m;

	memset(large, 7, 3 << 20);
	large = realloc(large, 9 << 20);
	CHECK(large[(3 << 20) - 1]);
	free(large);
	m = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(m != MAP_FAILED && !m[8191]);
	TRY(mprotect(m, 4096, PROT_READ));
	TRY(munmap(m, 8192));
}

static void files(void)
{
	char name[] = "/tmp/basics.XXXXXX", line[64];
	int fd = mkstemp(name), entries = 0;
	struct stat st;
	FILE *f = fdopen(fd, "w+");
	DIR *d;

	fprintf(f, "one\ntwo %d %s\n", 2, "words");
	fflush(f);
	rewind(f);
	while (fgets(line, sizeof(line), f))
		printf("%s", line);
	TRY(fstat(fd, &st));
	CHECK(st.st_size);
	fclose(f);
	TRY(unlink(name));
	d = opendir("/proc/self/fd");
	while (d && readdir(d))
		entries++;
	CHECK(entries > 2);
	if (d)
		closedir(d);
	TRY(open("/no/such", O_RDONLY));
	printf("%s\n", strerror(ENOENT));
}

int main(int argc, char **argv)
{
	struct timespec now;
	time_t epoch = 86400 * 366;
	char when[32];

	if (argc > 1) {
		printf("the child of %d words\n", argc);
		return 42;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	atexit(after);
	CHECK(getauxval(AT_PAGESZ));
	CHECK(getauxval(AT_PHDR) != 0 && getauxval(AT_ENTRY) != 0);
	CHECK(getenv("PATH") != NULL);
	printf("%.6f %g %Lf\n", sqrt(2.0), 1e300, 1.25L);
	CHECK(!clock_gettime(CLOCK_REALTIME, &now) && now.tv_sec > 1000000000);
	strftime(when, sizeof(when), "%Y-%m-%d", gmtime(&epoch));
	printf("%s\n", when);
	threads();
	signals();
	memory();
	files();
	processes(argv);
	return 7;
}
