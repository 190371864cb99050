// SPDX-License-Identifier: GPL-2.0-only
/*
 * 500 picoprocesses end at random moments: killed, by a fault, by their own
 * exit, by the death of picoexec or of the sandbox' file; while others work.
 * Afterwards nothing is left, no task is stuck, and the modules unload.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include "lib/harness.h"

#define ENDS	500
#define AT_ONCE	6

enum way { KILL, FAULT, EXIT, CLOSE, IOC_KILL, TERM, PICOEXEC_KILL, WAYS };

static const char *const way_names[WAYS] = {
	"kill -9", "fault",	      "exit", "close", "ioctl kill",
	"SIGTERM", "picoexec killed",
};

struct one {
	enum way way;
	pid_t pid;
	int sandbox;
	long long due; /* ms, when it is to end */
};

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool start_one(struct one *one, unsigned int *seed)
{
	unsigned int lifetime = rand_r(seed) % 60;
	char ms[16], number[16];
	const char *argv[] = { "stress", ms, number, "fault", NULL };

	one->way = rand_r(seed) % WAYS;
	snprintf(number, sizeof(number), "%u", rand_r(seed));
	snprintf(ms, sizeof(ms), "%u",
		 one->way == FAULT || one->way == EXIT ? lifetime : 600000);
	if (one->way != FAULT)
		argv[3] = "exit";
	one->due = now_ms() + lifetime;
	one->sandbox = -1;
	if (one->way == PICOEXEC_KILL) {
		one->pid = fork();
		if (one->pid == 0) {
			int null = open("/dev/null", O_RDWR);

			dup2(null, 0);
			dup2(null, 1);
			dup2(null, 2);
			execlp(picoexec(), "picoexec", "--image",
			       beside("stress.img"), ms, number, "exit", NULL);
			_exit(127);
		}
		return one->pid > 0;
	}
	one->sandbox = sandbox_open();
	if (one->sandbox < 0)
		return false;
	sandbox_rule(one->sandbox, "/", DK_ACCESS_READ, 0);
	one->pid = sandbox_start(one->sandbox,
				 &(struct sandbox_start){
					 .image = beside("stress.img"),
					 .argv = argv });
	return one->pid > 0;
}

/* Is its status what its way of ending gives? */
static bool end_one(struct one *one, int *status)
{
	switch (one->way) {
	case KILL:
	case PICOEXEC_KILL:
		kill(one->pid, SIGKILL);
		break;
	case TERM:
		kill(one->pid, SIGTERM);
		break;
	case CLOSE:
		close(one->sandbox);
		one->sandbox = -1;
		break;
	case IOC_KILL:
		ioctl(one->sandbox, DRAWBRIDGE_IOC_KILL);
		break;
	default:
		break;
	}
	*status = -1;
	if (!wait_for(one->pid, status, 30000))
		return false;
	if (one->sandbox >= 0)
		close(one->sandbox);
	one->sandbox = -1;
	switch (one->way) {
	case FAULT:
		return WIFEXITED(*status) && WEXITSTATUS(*status) == 139;
	case EXIT:
		return WIFEXITED(*status) &&
		       (WEXITSTATUS(*status) == 7 || WEXITSTATUS(*status) == 8);
	case TERM:
		return WIFSIGNALED(*status) && WTERMSIG(*status) == SIGTERM;
	default:
		return WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL;
	}
}

static bool sleeps_uninterruptibly(const char *pid, char *text, size_t size)
{
	char path[300], *at;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	if (read_file(path, text, size) <= 0)
		return false;
	at = strrchr(text, ')');
	return at && at[2] == 'D';
}

/* Tasks in uninterruptible sleep, whenever looked at in ten seconds. */
static int stuck_tasks(void)
{
	struct dirent *e;
	int stuck = 0;
	DIR *d = opendir("/proc");

	while ((e = readdir(d))) {
		int looks = 100 * slower();
		char text[512];

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		while (looks &&
		       sleeps_uninterruptibly(e->d_name, text, sizeof(text))) {
			usleep(100000);
			looks--;
		}
		if (!looks) {
			printf("# in D: %.100s\n", text);
			stuck++;
		}
	}
	closedir(d);
	return stuck;
}

FIXTURE(lifecycle){};
FIXTURE_SETUP(lifecycle)
{
}
FIXTURE_TEARDOWN(lifecycle)
{
}

TEST_F_TIMEOUT(lifecycle, five_hundred_ends, 500)
{
	const char *given = getenv("PICO_SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : time(NULL);
	unsigned int started = 0, ended = 0, wrong = 0, count[WAYS] = { 0 };
	struct one ones[AT_ONCE];
	pid_t bystander;
	int sandbox, status, log = kmsg_open();
	char milliseconds[16], *said;
	const char *argv[] = { "stress", milliseconds, "99", "exit", NULL };
	struct drawbridge_stats stats;

	TH_LOG("PICO_SEED=%u", seed);
	/* One that works through it all, and longer than that takes. */
	snprintf(milliseconds, sizeof(milliseconds), "%u", 600000 * slower());
	sandbox = sandbox_open();
	ASSERT_GE(sandbox, 0);
	sandbox_rule(sandbox, "/", DK_ACCESS_READ, 0);
	bystander =
		sandbox_start(sandbox, &(struct sandbox_start){
					       .image = beside("stress.img"),
					       .argv = argv });
	ASSERT_GT(bystander, 0);
	for (int i = 0; i < AT_ONCE; i++) {
		ASSERT_TRUE(start_one(&ones[i], &seed));
		started++;
	}
	while (ended < ENDS) {
		int next = -1;

		for (int i = 0; i < AT_ONCE; i++)
			if (ones[i].pid > 0 &&
			    (next < 0 || ones[i].due < ones[next].due))
				next = i;
		if (ones[next].due > now_ms())
			usleep(1000 * (ones[next].due - now_ms()));
		count[ones[next].way]++;
		if (!end_one(&ones[next], &status)) {
			TH_LOG("%s: wait status 0x%x",
			       way_names[ones[next].way], status);
			wrong++;
			ASSERT_LT(wrong, 10);
		}
		ended++;
		ones[next].pid = -1;
		if (started < ENDS) {
			ASSERT_TRUE(start_one(&ones[next], &seed));
			started++;
		}
	}
	for (int i = 0; i < WAYS; i++)
		TH_LOG("%u by %s", count[i], way_names[i]);
	EXPECT_EQ(0, wrong);
	/* The bystander has noticed nothing. */
	EXPECT_EQ(0, waitpid(bystander, &status, WNOHANG));
	ASSERT_EQ(0, sandbox_stats(sandbox, &stats));
	EXPECT_EQ(1, stats.processes);
	kill(bystander, SIGKILL);
	EXPECT_TRUE(wait_for(bystander, &status, 10000));
	ASSERT_EQ(0, sandbox_stats(sandbox, &stats));
	EXPECT_GT(stats.calls, 1000);
	EXPECT_EQ(0, stats.unlisted_statuses);
	close(sandbox);
	EXPECT_EQ(0, nothing_left());
	EXPECT_EQ(0, stuck_tasks());
	said = kmsg_since(log);
	EXPECT_EQ(0, strlen(said)) TH_LOG("%.400s", said);
}

/* Before execve, during it, and just behind it. */
TEST_F_TIMEOUT(lifecycle, death_while_starting, 200)
{
	unsigned int seed = 4711;

	for (int i = 0; i < 200; i++) {
		const char *argv[] = { "stress", "100000", "1", "exit", NULL };
		int sandbox = sandbox_open(), status = -1;
		pid_t pid;

		ASSERT_GE(sandbox, 0);
		pid = sandbox_start(sandbox,
				    &(struct sandbox_start){
					    .image = beside("stress.img"),
					    .argv = argv });
		ASSERT_GT(pid, 0);
		usleep(rand_r(&seed) % 4000);
		if (i & 1) {
			kill(pid, SIGKILL);
		} else {
			/* The child still has a copy until its execve. */
			close(sandbox);
			kill(pid, SIGTERM);
		}
		ASSERT_TRUE(wait_for(pid, &status, 20000));
		if (i & 1)
			close(sandbox);
	}
	EXPECT_EQ(0, nothing_left());
}

TEST_F_TIMEOUT(lifecycle, modules_unload_and_come_back, 100)
{
	char command[4096];

	ASSERT_EQ(0, nothing_left());
	EXPECT_EQ(0, system("rmmod drawbridge && rmmod pico"));
	EXPECT_NE(0, access("/dev/pico", F_OK));
	snprintf(command, sizeof(command), "insmod %s && insmod %s",
		 module_path("pico"), module_path("drawbridge"));
	ASSERT_EQ(0, system(command));
	EXPECT_EQ(0, access("/dev/pico", R_OK | W_OK));
}

TEST_HARNESS_MAIN
