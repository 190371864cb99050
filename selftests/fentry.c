// SPDX-License-Identifier: GPL-2.0-only
/*
 * fentry FUNCTION COMMAND...: run the command while a BPF program that does
 * nothing is attached to the entry of a kernel's function. Exit code: the
 * command's; 120: this kernel has no type information, or none of that
 * function; 121: the program cannot be attached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_INFORMATION	120
#define NOT_ATTACHED	121

static char *read_all(const char *path)
{
	size_t size = 0, room = 64 << 20;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = malloc(room);
	ssize_t n;

	if (fd < 0 || !data)
		return NULL;
	while ((n = read(fd, data + size, room - size)) > 0)
		size += n;
	close(fd);
	return data;
}

/* What follows a struct btf_type. */
static size_t more(const struct btf_type *type)
{
	size_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	}
	return 0;
}

/* The number of a function's type; 0: there is none. */
static unsigned int function_id(const char *name)
{
	const char *data = read_all("/sys/kernel/btf/vmlinux");
	const struct btf_header *header = (const void *)data;
	const char *strings, *at, *end;
	unsigned int id = 1;

	if (!data)
		return 0;
	strings = data + header->hdr_len + header->str_off;
	at = data + header->hdr_len + header->type_off;
	end = at + header->type_len;
	for (; at < end; id++) {
		const struct btf_type *type = (const void *)at;

		if (BTF_INFO_KIND(type->info) == BTF_KIND_FUNC &&
		    !strcmp(strings + type->name_off, name))
			return id;
		at += sizeof(*type) + more(type);
	}
	return 0;
}

static int attach(unsigned int id)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_TRACING;
	attr.expected_attach_type = BPF_TRACE_FENTRY;
	attr.attach_btf_id = id;
	attr.insns = (unsigned long)program;
	attr.insn_cnt = 2;
	attr.license = (unsigned long)"GPL";
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return -1;
	memset(&attr, 0, sizeof(attr));
	attr.raw_tracepoint.prog_fd = fd;
	return syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	unsigned int id;
	int status;
	pid_t pid;

	if (argc < 3)
		return 2;
	id = function_id(argv[1]);
	if (!id) {
		fprintf(stderr, "fentry: no type of %s\n", argv[1]);
		return NO_INFORMATION;
	}
	if (attach(id) < 0) {
		fprintf(stderr, "fentry: %s: %s\n", argv[1], strerror(errno));
		return NOT_ATTACHED;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return NOT_ATTACHED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
