// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The vDSO, as C libraries find and use it; see linux_test.h.
 *
 * vdso:	what there is, and that it tells the time
 * vdso loop:	reads clocks often; linux_threads.sh counts the system calls
 */
#include "linux_test.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>

#define LOOPS 100000

static unsigned long base, size;
static int (*vdso_clock_gettime)(clockid_t, struct timespec *);
static int (*vdso_clock_getres)(clockid_t, struct timespec *);
static int (*vdso_gettimeofday)(struct timeval *, struct timezone *);
static time_t (*vdso_time)(time_t *);
static int (*vdso_getcpu)(unsigned int *, unsigned int *, void *);

/* By DT_HASH and version, in the way of musl's __vdsosym(). */
static void *look_up(const char *version, const char *name)
{
	const Elf64_Ehdr *header = (void *)base;
	const Elf64_Phdr *segment = (void *)(base + header->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const Elf64_Verdef *definitions = NULL;
	const Elf64_Half *versions = NULL;
	const Elf64_Dyn *dynamic = NULL;
	const Elf64_Word *hash = NULL;
	const char *strings = NULL;
	unsigned long bias = -1;
	unsigned int i;

	for (i = 0; i < header->e_phnum; i++, segment++) {
		if (segment->p_type == PT_LOAD)
			bias = base + segment->p_offset - segment->p_vaddr;
		else if (segment->p_type == PT_DYNAMIC)
			dynamic = (void *)(base + segment->p_offset);
	}
	if (!dynamic || bias == -1UL)
		return NULL;
	for (; dynamic->d_tag; dynamic++) {
		void *p = (void *)(bias + dynamic->d_un.d_ptr);

		switch (dynamic->d_tag) {
		case DT_STRTAB:
			strings = p;
			break;
		case DT_SYMTAB:
			symbols = p;
			break;
		case DT_HASH:
			hash = p;
			break;
		case DT_VERSYM:
			versions = p;
			break;
		case DT_VERDEF:
			definitions = p;
			break;
		}
	}
	if (!strings || !symbols || !hash || !versions || !definitions)
		return NULL;
	for (i = 0; i < hash[1]; i++) {
		const Elf64_Verdef *d = definitions;
		const Elf64_Verdaux *aux;

		if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC ||
		    !symbols[i].st_shndx ||
		    strcmp(name, strings + symbols[i].st_name))
			continue;
		while (!(d->vd_flags & VER_FLG_BASE) &&
		       (d->vd_ndx & 0x7fff) != (versions[i] & 0x7fff))
			d = (void *)((char *)d + d->vd_next);
		while (d->vd_next &&
		       (d->vd_ndx & 0x7fff) != (versions[i] & 0x7fff))
			d = (void *)((char *)d + d->vd_next);
		aux = (void *)((char *)d + d->vd_aux);
		if (!strcmp(version, strings + aux->vda_name))
			return (void *)(bias + symbols[i].st_value);
	}
	return NULL;
}

static int see(struct dl_phdr_info *info, size_t size, void *seen)
{
	if (!strcmp(info->dlpi_name, "linux-vdso.so.1"))
		++*(int *)seen;
	return 0;
}

static void image(void)
{
	static const char *const names[] = {
		"__vdso_clock_gettime",
		"__vdso_clock_getres",
		"__vdso_gettimeofday",
		"__vdso_time",
		"__vdso_getcpu",
		"clock_gettime",
		"clock_getres",
		"gettimeofday",
		"time",
		"getcpu",
	};
	int seen = 0;
	size_t i;

	dl_iterate_phdr(see, &seen);
	SHOW("the loader knows it", seen);
	SHOW("is an ELF image", !memcmp((void *)base, ELFMAG, SELFMAG));
	SHOW("type", ((Elf64_Ehdr *)base)->e_type);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		SHOW(names[i], !!look_up("LINUX_2.6", names[i]));
	SHOW("another name", !!look_up("LINUX_2.6", "__vdso_nothing"));
	SHOW("another version", !!look_up("LINUX_2.7", "__vdso_time"));
	vdso_clock_gettime = look_up("LINUX_2.6", "__vdso_clock_gettime");
	vdso_clock_getres = look_up("LINUX_2.6", "__vdso_clock_getres");
	vdso_gettimeofday = look_up("LINUX_2.6", "__vdso_gettimeofday");
	vdso_time = look_up("LINUX_2.6", "__vdso_time");
	vdso_getcpu = look_up("LINUX_2.6", "__vdso_getcpu");
}

static void maps(void)
{
	unsigned long start, end;
	char line[512], access[8];
	FILE *file = fopen("/proc/self/maps", "r");

	while (fgets(line, sizeof(line), file)) {
		if (!strstr(line, "[vdso]"))
			continue;
		sscanf(line, "%lx-%lx %7s", &start, &end, access);
		size = end - start;
		printf("[vdso] %s, %s\n", access,
		       start == base ? "where the vector says" : "elsewhere");
	}
	fclose(file);
}

static int64_t ns(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

/* Between a call before and a call after. */
static bool clock_is_right(clockid_t id)
{
	struct timespec before, between, after;
	int i;

	for (i = 0; i < 1000; i++) {
		if (syscall(SYS_clock_gettime, id, &before) ||
		    vdso_clock_gettime(id, &between) ||
		    syscall(SYS_clock_gettime, id, &after) ||
		    ns(&before) > ns(&between) || ns(&between) > ns(&after) ||
		    between.tv_nsec < 0 || between.tv_nsec > 999999999)
			return false;
	}
	return true;
}

static bool others_are_right(void)
{
	struct timeval before, between, after;
	struct timezone zone = { 17, 18 };
	time_t first, second;
	int i;

	for (i = 0; i < 1000; i++) {
		syscall(SYS_gettimeofday, &before, NULL);
		vdso_gettimeofday(&between, &zone);
		syscall(SYS_gettimeofday, &after, NULL);
		if (timercmp(&before, &between, >) ||
		    timercmp(&between, &after, >) || zone.tz_minuteswest ||
		    zone.tz_dsttime)
			return false;
		first = syscall(SYS_time, NULL);
		if (vdso_time(&second) < first || second < first ||
		    second > syscall(SYS_time, NULL))
			return false;
	}
	return !vdso_gettimeofday(NULL, NULL) && vdso_time(NULL) >= second;
}

static bool processor_is_right(void)
{
	unsigned int cpu = -1, node = -1, again = -1;
	cpu_set_t set, one;
	int i;
	bool good = true;

	sched_getaffinity(0, sizeof(set), &set);
	for (i = 0; i < CPU_SETSIZE && good; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		good = !vdso_getcpu(&cpu, &node, NULL) &&
		       CPU_ISSET(cpu, &set) && node < 1024 &&
		       !vdso_getcpu(NULL, &again, NULL) && again == node &&
		       !vdso_getcpu(NULL, NULL, NULL);
	}
	return good;
}

static void *clocks(void *quiet)
{
	static const clockid_t good[] = {
		CLOCK_REALTIME,
		CLOCK_MONOTONIC,
		CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID,
		CLOCK_MONOTONIC_RAW,
		CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE,
		CLOCK_BOOTTIME,
		CLOCK_TAI,
	};
	static const clockid_t bad[] = { 10, 12,   15, 16,	  17,
					 32, 1000, -1, INT32_MIN, INT32_MAX };
	struct timespec ts, resolution;
	size_t i, right = 0;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		bool is = clock_is_right(good[i]);

		right += is;
		if (!quiet)
			printf("clock %d: %d\n", good[i], is);
	}
	right += others_are_right() + processor_is_right();
	if (!quiet) {
		SHOW("right", right);
		for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
			printf("clock %d: %d\n", bad[i],
			       vdso_clock_gettime(bad[i], &ts));
		for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
			long a = vdso_clock_getres(good[i], &resolution);
			long b = syscall(SYS_clock_getres, good[i], &ts);

			printf("resolution of %d: %ld, %ld, %d\n", good[i], a,
			       b, ns(&ts) == ns(&resolution));
		}
		SHOW("resolution, nowhere", vdso_clock_getres(0, NULL));
	}
	return (void *)right;
}

/* In a child: it ends by a signal, and nobody else does. */
static void harm(const char *what, int number)
{
	void *code = (void *)base;
	int status = 0;

	if (!fork()) {
		signal(SIGSEGV, SIG_DFL);
		if (number == 1 && !munmap(code, size))
			vdso_time(NULL);
		if (number == 2 && !mprotect(code, size, PROT_READ))
			vdso_time(NULL);
		if (number == 3 &&
		    !mprotect(code, size, PROT_READ | PROT_WRITE)) {
			memcpy(vdso_time, "\x0f\x0b", 2); /* UD2 */
			mprotect(code, size, PROT_READ | PROT_EXEC);
			vdso_time(NULL);
		}
		if (number == 4)
			vdso_clock_gettime(CLOCK_REALTIME, (void *)8);
		if (number == 5)
			vdso_clock_gettime(CLOCK_REALTIME, (void *)-4096L);
		_exit(0);
	}
	wait(&status);
	printf("%s: signal %d, code %d\n", what, WTERMSIG(status),
	       WEXITSTATUS(status));
	fflush(stdout);
}

static void loop(void)
{
	struct timespec ts;
	struct timeval tv;
	long i, sum = 0;

	for (i = 0; i < LOOPS; i++) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		clock_gettime(CLOCK_REALTIME, &ts);
		clock_gettime(CLOCK_BOOTTIME, &ts);
		gettimeofday(&tv, NULL);
		sum += time(NULL) > 0;
	}
	SHOW("loops", sum);
}

int main(int argc, char **argv)
{
	pthread_t threads[4];
	void *result;
	int i, status;

	base = getauxval(AT_SYSINFO_EHDR);
	if (argc > 1 && !strcmp(argv[1], "loop")) {
		loop();
		return 0;
	}
	SHOW("there is one", !!base);
	if (!base)
		return 1;
	image();
	maps();
	if (argc > 1) {
		SHOW("after exec", (long)clocks(argv));
		return 0;
	}
	clocks(NULL);
	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, clocks, argv);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		SHOW("in a thread", (long)result);
	}
	if (!fork())
		_exit((long)clocks(argv));
	wait(&status);
	SHOW("in a child", WEXITSTATUS(status));
	harm("unmapped", 1);
	harm("not to be executed", 2);
	harm("written", 3);
	harm("a bad address", 4);
	harm("a high address", 5);
	SHOW("here still", (long)clocks(argv));
	execl("/proc/self/exe", argv[0], "again", NULL);
	return 1;
}
