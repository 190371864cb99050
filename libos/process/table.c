// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The table of the sandbox's processes; see processes.h.
 */
#include <layout.h>
#include <libos.h>
#include <processes.h>

struct process_table *process_table;

bool entry_move(struct process_entry *entry, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&entry->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Who uses a number, as its own or as that of its group or session. */
static bool pid_is_used(u32 pid)
{
	struct process_entry *entry;

	for_each_entry(entry) {
		if (entry_state(entry) != ENTRY_FREE &&
		    (entry->pid == pid || entry->pgid == pid ||
		     entry->sid == pid))
			return true;
	}
	return false;
}

static u32 pid_new(void)
{
	u32 pid;

	do {
		pid = __atomic_add_fetch(&process_table->last_pid, 1,
					 __ATOMIC_SEQ_CST) %
		      PID_LIMIT;
	} while (pid <= PID_INIT || pid_is_used(pid));
	return pid;
}

bool host_process_is_gone(u64 id)
{
	DK_HANDLE handle;

	if (DkxProcessOpen(id, &handle) == DK_STATUS_NOT_FOUND)
		return true;
	DkObjectClose(handle);
	return false;
}

/*
 * Of several that find the maker gone, one goes on. An entry that was reserved
 * a moment ago does not say yet whose it is.
 */
static bool take_from_dead(struct process_entry *entry)
{
	u64 maker = __atomic_load_n(&entry->maker, __ATOMIC_SEQ_CST);

	return maker && host_process_is_gone(maker) &&
	       __atomic_compare_exchange_n(&entry->maker, &maker, 0, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/*
 * Entries of processes that were killed: reserved by one that is gone; of an
 * orphan that could not free its own; or of a child whose parent could not.
 */
static void collect(void)
{
	struct process_entry *entry;
	u32 state;

	for_each_entry(entry) {
		state = entry_state(entry);
		if (state == ENTRY_RESERVED && take_from_dead(entry))
			entry_move(entry, state, ENTRY_FREE);
		else if (state == ENTRY_LIVE && entry->id &&
			 !table_find(entry->ppid) && entry != process_self &&
			 host_process_is_gone(entry->id)) {
			entry_leave(entry);
			if (!entry_move(entry, state, ENTRY_ENDED))
				continue;
			pty_left(entry);
			entry_move(entry, ENTRY_ENDED, ENTRY_FREE);
		} else if (state == ENTRY_ENDED && entry->id &&
			   !table_find(entry->ppid) &&
			   host_process_is_gone(entry->id)) {
			entry_move(entry, state, ENTRY_FREE);
		}
	}
}

static struct process_entry *reserve(void)
{
	u32 i, used;

	for (i = 0; i < PROCESS_MAX; i++) {
		struct process_entry *entry = &process_table->entries[i];

		if (!entry_move(entry, ENTRY_FREE, ENTRY_RESERVED))
			continue;
		used = __atomic_load_n(&process_table->used, __ATOMIC_SEQ_CST);
		while (used <= i &&
		       !__atomic_compare_exchange_n(&process_table->used, &used,
						    i + 1, false,
						    __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
		return entry;
	}
	return NULL;
}

struct process_entry *table_reserve(void)
{
	struct process_entry *entry = reserve();

	if (!entry) {
		collect();
		entry = reserve();
	}
	if (!entry)
		return NULL;
	memset((char *)entry + sizeof(entry->state), 0,
	       sizeof(*entry) - sizeof(entry->state));
	if (process_self)
		__atomic_store_n(&entry->maker, process_self->id,
				 __ATOMIC_SEQ_CST);
	entry->pid = pid_new();
	return entry;
}

void table_live(struct process_entry *entry)
{
	entry_move(entry, ENTRY_RESERVED, ENTRY_LIVE);
	__atomic_store_n(&entry->maker, 0, __ATOMIC_SEQ_CST);
}

void table_free(struct process_entry *entry)
{
	__atomic_store_n(&entry->maker, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&entry->state, ENTRY_FREE, __ATOMIC_SEQ_CST);
}

struct process_entry *table_find(u32 pid)
{
	struct process_entry *entry;
	u32 state;

	for_each_entry(entry) {
		state = entry_state(entry);
		if (entry->pid == pid &&
		    (state == ENTRY_LIVE || state == ENTRY_ENDED))
			return entry;
	}
	return NULL;
}

void table_name(bool arguments)
{
	struct process_entry *me = process_self;
	u64 length;

	memcpy(me->name, self()->name, sizeof(me->name));
	if (!arguments)
		return;
	length =
		MIN(process.arg_end - process.arg_start, sizeof(me->arguments));
	me->arguments_length = 0;
	if (!user_read(me->arguments, (void *)process.arg_start, length))
		me->arguments_length = length;
}

/* In the sandbox's first process: nobody made its entry. */
void table_init(void)
{
	struct process_entry *entry;

	process_table = heap_share(sizeof(*process_table));
	if (!process_table)
		panic("no memory for the table of processes");
	process_table->last_pid = process.pid;
	process_table->moves.count = 1; /* 0: never looked */
	/* Of when the host was started; it stays when the clock is set. */
	process_table->boot_id =
		(clock_now(DK_CLOCK_WALL) - clock_now(DK_CLOCK_BOOT)) /
		NSEC_PER_SEC * 0x9e3779b97f4a7c15ULL;
	entry = reserve();
	entry->pid = process.pid;
	entry->ppid = process.parameters->parent_id;
	entry->pgid = process.pid;
	entry->sid = process.parameters->parent_id;
	entry->uid = process.uid;
	entry->euid = process.euid;
	entry->gid = process.gid;
	entry->egid = process.egid;
	entry->id = DK_PROCESS_FIRST;
	entry->start_time = process.start_time;
	process_table->console.group = entry->pgid;
	process_table->console.session = entry->sid;
	process_self = entry;
	table_live(entry);
}
