// SPDX-License-Identifier: GPL-2.0-only
/*
 * BPF on pico's tracepoints, the way libbpf does it: with the types that the
 * modules bring along (BTF), and without. Attaching patches kernel code.
 *
 * The programs are written out as instructions: a compiler for BPF is large.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include "lib/harness.h"

#define KERNEL	"/sys/kernel/btf/vmlinux"
#define TRACING	"/sys/kernel/tracing/"

#define INSN(op, dst, src, o, i) \
	{ .code = (op), .dst_reg = (dst), .src_reg = (src), .off = (o), .imm = (i) }
#define LOAD(dst, src, o)	INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, src, o, 0)
#define STORE(dst, o, src)	INSN(BPF_STX | BPF_MEM | BPF_DW, dst, src, o, 0)
#define MOVE(dst, src)		INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(dst, i)		INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, i)

#define SKIP_IF_ZERO(r, o)	INSN(BPF_JMP | BPF_JEQ | BPF_K, r, 0, o, 0)
#define SKIP_UNLESS(r, s, o)	INSN(BPF_JMP | BPF_JNE | BPF_X, r, s, o, 0)
#define CALL(f)			INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT()			INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* The address of map @fd's first value: two instructions. */
#define VALUE(dst, fd) \
	INSN(BPF_LD | BPF_DW | BPF_IMM, dst, BPF_PSEUDO_MAP_VALUE, 0, fd), \
	INSN(0, 0, 0, 0, 0)
#define INCREMENT(r, o) \
	INSN(BPF_STX | BPF_ATOMIC | BPF_DW, r, BPF_REG_1, o, BPF_ADD)

/* What the programs leave in their map. */
struct counts {
	uint64_t calls; /* by any picoprocess */
	uint64_t same; /* whose thread has its task in it */
	uint64_t ip; /* of the last */
};

static int counts_map(void)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "counts", 4,
			      sizeof(struct counts), 1, NULL);
}

static struct counts counts(int map)
{
	struct counts value = { 0 };
	uint32_t key = 0;

	bpf_map_lookup_elem(map, &key, &value);
	return value;
}

/* A module's types, and its file descriptor and number in the kernel. */
static struct btf *module_types(struct btf *kernel, const char *module,
				int *found)
{
	struct bpf_btf_info info;
	uint32_t id = 0, size;
	char name[64];
	int fd;

	while (!bpf_btf_get_next_id(id, &id)) {
		fd = bpf_btf_get_fd_by_id(id);
		memset(&info, 0, sizeof(info));
		info.name = (uintptr_t)name;
		info.name_len = sizeof(name);
		size = sizeof(info);
		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
		    !strcmp(name, module)) {
			*found = fd;
			return btf__load_from_kernel_by_id_split(id, kernel);
		}
		close(fd);
	}
	return NULL;
}

/* Where a member of a structure is; -1: there is none. */
static int member(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;

		if (!strcmp(btf__name_by_offset(btf, m->name_off), name))
			return btf_member_bit_offset(t, i) / 8;
	}
	return -1;
}

static int raw_attach(const char *tracepoint, int program)
{
	return bpf_raw_tracepoint_open(tracepoint, program);
}

/* Runs hello.img; how many calls tracefs saw it make. */
static int traced_calls(void)
{
	const char *argv[] = { picoexec(), "--image", beside("hello.img"),
			       NULL };
	const char *event = TRACING "events/pico/pico_system_call/enable";
	char *text = calloc(1, 4 << 20), *at;
	struct run run;
	int fd, n = 0;

	fd = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	close(fd);
	fd = open(event, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1 ||
	    run_program(argv, NULL, 0, &run) || run.status ||
	    pwrite(fd, "0", 1, 0) != 1) {
		close(fd);
		return -1;
	}
	close(fd);
	run_free(&run);
	read_file(TRACING "trace", text, 4 << 20);
	for (at = text; (at = strstr(at, "pico_system_call: ")); at++)
		n++;
	free(text);
	return n;
}

TEST(the_modules_have_types)
{
	static const struct {
		const char *module, *type, *member;
	} wanted[] = {
		{ "pico", "pico_thread", "process" },
		{ "pico", "pico_process", "pid" },
		{ "pico", "pico_routines", "create_thread" },
		{ "drawbridge", "dk_object", "type" },
		{ "drawbridge", "pico_context", "parts" },
	};
	struct btf *kernel;

	if (access(KERNEL, R_OK))
		SKIP(return, "a kernel without BTF");
	kernel = btf__load_vmlinux_btf();
	ASSERT_NE(NULL, kernel);
	for (int i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct btf *btf =
			btf__load_module_btf(wanted[i].module, kernel);

		ASSERT_NE(NULL, btf)
		{
			TH_LOG("%s", wanted[i].module);
		}
		EXPECT_LE(0, member(btf, wanted[i].type, wanted[i].member))
		{
			TH_LOG("%s.%s", wanted[i].type, wanted[i].member);
		}
		/* Not what the kernel has anyway. */
		EXPECT_GT(0, member(kernel, wanted[i].type, wanted[i].member));
		btf__free(btf);
	}
	btf__free(kernel);
}

/* tp_btf: the program follows pointers into pico's and the kernel's structures. */
TEST(typed_tracepoint)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	int fd = -1, map, program, link, calls, type;
	struct btf *kernel, *pico;
	struct counts c;
	char log[16384] = "";

	if (access(KERNEL, R_OK))
		SKIP(return, "a kernel without BTF");
	kernel = btf__load_vmlinux_btf();
	ASSERT_NE(NULL, kernel);
	pico = module_types(kernel, "pico", &fd);
	ASSERT_NE(NULL, pico);
	type = btf__find_by_name_kind(pico, "btf_trace_pico_system_call",
				      BTF_KIND_TYPEDEF);
	ASSERT_LT(0, type);
	map = counts_map();
	ASSERT_LE(0, map);

	const struct bpf_insn code[] = {
		MOVE(BPF_REG_6, BPF_REG_1),
		VALUE(BPF_REG_7, map),
		SET(BPF_REG_1, 1),
		INCREMENT(BPF_REG_7, offsetof(struct counts, calls)),
		/* thread->task == the current task? (6.12: it could be NULL) */
		LOAD(BPF_REG_8, BPF_REG_6, 0),
		SKIP_IF_ZERO(BPF_REG_8, 5),
		LOAD(BPF_REG_8, BPF_REG_8, member(pico, "pico_thread", "task")),
		CALL(BPF_FUNC_get_current_task),
		SKIP_UNLESS(BPF_REG_0, BPF_REG_8, 2),
		SET(BPF_REG_1, 1),
		INCREMENT(BPF_REG_7, offsetof(struct counts, same)),
		/* regs->ip */
		LOAD(BPF_REG_8, BPF_REG_6, 8),
		SKIP_IF_ZERO(BPF_REG_8, 2),
		LOAD(BPF_REG_8, BPF_REG_8, member(kernel, "pt_regs", "ip")),
		STORE(BPF_REG_7, offsetof(struct counts, ip), BPF_REG_8),
		SET(BPF_REG_0, 0),
		EXIT(),
	};

	options.expected_attach_type = BPF_TRACE_RAW_TP;
	options.attach_btf_id = type;
	options.attach_btf_obj_fd = fd;
	options.log_buf = log;
	options.log_size = sizeof(log);
	options.log_level = 1;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "typed", "GPL", code,
				ARRAY_SIZE(code), &options);
	ASSERT_LE(0, program)
	{
		TH_LOG("%s: %s", strerror(errno), log);
	}
	link = raw_attach(NULL, program);
	ASSERT_LE(0, link);
	calls = traced_calls();
	c = counts(map);
	EXPECT_LE(3, calls);
	EXPECT_EQ(calls, c.calls);
	EXPECT_EQ(calls, c.same);
	EXPECT_NE(0, c.ip);
	EXPECT_GT(1ULL << 56, c.ip);

	close(link);
	EXPECT_LE(3, traced_calls());
	EXPECT_EQ(c.calls, counts(map).calls);
	close(program);
	close(map);
	close(fd);
	btf__free(pico);
	btf__free(kernel);
}

/* A program that only counts. */
static int counter(enum bpf_prog_type type, int map)
{
	const struct bpf_insn code[] = {
		VALUE(BPF_REG_7, map),
		SET(BPF_REG_1, 1),
		INCREMENT(BPF_REG_7, offsetof(struct counts, calls)),
		SET(BPF_REG_0, 0),
		EXIT(),
	};

	return bpf_prog_load(type, "counter", "GPL", code, ARRAY_SIZE(code),
			     NULL);
}

TEST(raw_tracepoint)
{
	int map = counts_map(), program, link, calls;

	ASSERT_LE(0, map);
	program = counter(BPF_PROG_TYPE_RAW_TRACEPOINT, map);
	ASSERT_LE(0, program);
	link = raw_attach("pico_system_call", program);
	ASSERT_LE(0, link);
	calls = traced_calls();
	EXPECT_LE(3, calls);
	EXPECT_EQ(calls, counts(map).calls);
	close(link);
	close(program);
	close(map);
	EXPECT_GT(0, raw_attach("pico_no_such_call", -1));
}

/* As a perf event, which is what "tracepoint:pico:..." of bpftrace is. */
TEST(perf_tracepoint)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.size = sizeof(attr),
					.sample_period = 1,
					.wakeup_events = 1 };
	int events[16], cpus = sysconf(_SC_NPROCESSORS_CONF);
	int map = counts_map(), program, calls;
	char text[32] = "";

	ASSERT_LT(0, read_file(TRACING "events/pico/pico_system_call/id", text,
			       sizeof(text)));
	attr.config = strtoul(text, NULL, 10);
	ASSERT_LE(0, map);
	program = counter(BPF_PROG_TYPE_TRACEPOINT, map);
	ASSERT_LE(0, program);
	ASSERT_GE(ARRAY_SIZE(events), cpus);
	for (int i = 0; i < cpus; i++) {
		events[i] = syscall(SYS_perf_event_open, &attr, -1, i, -1,
				    PERF_FLAG_FD_CLOEXEC);
		ASSERT_LE(0, events[i]);
		/* One event of several has the program: it sees all. */
		if (!i)
			ASSERT_EQ(0, ioctl(events[i], PERF_EVENT_IOC_SET_BPF,
					   program));
		ASSERT_EQ(0, ioctl(events[i], PERF_EVENT_IOC_ENABLE, 0));
	}
	calls = traced_calls();
	EXPECT_LE(3, calls);
	EXPECT_EQ(calls, counts(map).calls);
	for (int i = 0; i < cpus; i++)
		close(events[i]);
	close(program);
	close(map);
}

TEST(nothing_is_left)
{
	EXPECT_EQ(0, nothing_left());
}

TEST_HARNESS_MAIN
