// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handle tables: see struct dk_handle_table.
 *
 * A slot's generation goes up when its handle is closed, so that a stale copy
 * of the handle does not fit any more. Free slots are used again in the order
 * in which they became free.
 *
 * A lookup reads the generation, the object, the rights and the generation
 * again. Closing clears the object before it changes the generation, entering
 * sets the rights before it sets the object: what was read between two equal
 * generations belongs together.
 */
#include <linux/nospec.h>
#include <linux/rcupdate.h>

#include "drawbridge.h"

#define DK_CHUNK_SHIFT	8
#define DK_CHUNK_SLOTS	(1 << DK_CHUNK_SHIFT)
#define DK_NO_SLOT	U32_MAX

struct dk_handle_slot {
	struct dk_object __rcu *object;
	u32 generation;
	u32 rights;
	u32 next;		/* free slot after this one */
};

struct dk_handle_chunk {
	struct dk_handle_slot slots[DK_CHUNK_SLOTS];
};

void dk_handles_init(struct dk_handle_table *table)
{
	spin_lock_init(&table->lock);
	table->free_head = DK_NO_SLOT;
	table->free_tail = DK_NO_SLOT;
}

static struct dk_handle_slot *dk_slot(struct dk_handle_table *table, u32 index)
{
	struct dk_handle_chunk *chunk;

	if (index >= DK_HANDLES_MAX)
		return NULL;
	index = array_index_nospec(index, DK_HANDLES_MAX);
	/* Pairs with the release of dk_chunk_add(). */
	chunk = smp_load_acquire(&table->chunks[index >> DK_CHUNK_SHIFT]);
	return chunk ? &chunk->slots[index & (DK_CHUNK_SLOTS - 1)] : NULL;
}

/* No thread of the process is left: nobody looks handles up any more. */
void dk_handles_destroy(struct dk_process *process)
{
	struct dk_handle_table *table = &process->handles;
	struct dk_object *object;
	u32 index;
	int i;

	for (index = 0; index < table->used; index++) {
		struct dk_handle_slot *slot = dk_slot(table, index);

		object = rcu_dereference_protected(slot->object, 1);
		RCU_INIT_POINTER(slot->object, NULL);
		if (object) {
			dk_locks_drop(process, object);
			dk_word_detach(object->waitable);
			dk_object_put(object);
		}
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(table->chunks); i++)
		kvfree(table->chunks[i]);
	atomic64_sub(table->live, &process->sandbox->handle_count);
	memset(table, 0, sizeof(*table));
}

/* A free slot that has its chunk, or NULL: *index then tells which chunk. */
static struct dk_handle_slot *dk_slot_pick(struct dk_handle_table *table,
					   u32 *index)
{
	struct dk_handle_slot *slot;

	lockdep_assert_held(&table->lock);
	if (table->free_head != DK_NO_SLOT) {
		*index = table->free_head;
		slot = dk_slot(table, *index);
		table->free_head = slot->next;
		if (table->free_head == DK_NO_SLOT)
			table->free_tail = DK_NO_SLOT;
		return slot;
	}
	*index = table->used;
	slot = dk_slot(table, *index);
	if (slot)
		table->used++;
	return slot;
}

/* The caller is told; the log need not be. */
static struct dk_handle_chunk *dk_chunk_alloc(void)
{
	return kvzalloc(sizeof(struct dk_handle_chunk),
			GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

static long dk_chunk_add(struct dk_process *process, u32 index)
{
	struct dk_handle_table *table = &process->handles;
	struct dk_handle_chunk *chunk;

	if (index >= DK_HANDLES_MAX)
		return -EMFILE;
	chunk = dk_chunk_alloc();
	if (!chunk)
		return -ENOMEM;
	dk_words_grow(process->words, index);
	/* Another thread may have been faster. Pairs with dk_slot(). */
	if (cmpxchg_release(&table->chunks[index >> DK_CHUNK_SHIFT], NULL,
			    chunk))
		kvfree(chunk);
	return 0;
}

static void dk_slot_fill(struct dk_process *process,
			 struct dk_handle_slot *slot, struct dk_object *object,
			 u32 rights, DK_HANDLE handle)
{
	lockdep_assert_held(&process->handles.lock);
	WRITE_ONCE(slot->rights, rights);
	rcu_assign_pointer(slot->object, object);
	dk_word_attach(process, object->waitable, handle, rights);
}

/* A free slot, which counts as a handle from now on; for @object, or NULL. */
static long dk_slot_take(struct dk_process *process, struct dk_object *object,
			 u32 rights, DK_HANDLE *handle)
{
	struct dk_handle_table *table = &process->handles;
	struct dk_handle_slot *slot;
	u32 index;
	long ret;

	ret = dk_limit_handle(process->sandbox);
	if (ret)
		return ret;
	spin_lock(&table->lock);
	while (!(slot = dk_slot_pick(table, &index))) {
		spin_unlock(&table->lock);
		ret = dk_chunk_add(process, index);
		if (ret) {
			atomic64_dec(&process->sandbox->handle_count);
			return ret;
		}
		spin_lock(&table->lock);
	}
	table->live++;
	*handle = (u64)slot->generation << 32 | (index + 1);
	if (object)
		dk_slot_fill(process, slot, object, rights, *handle);
	spin_unlock(&table->lock);
	return 0;
}

/* The next handle that this slot gives is another one. */
static void dk_slot_free(struct dk_handle_table *table,
			 struct dk_handle_slot *slot, u32 index)
{
	struct dk_handle_slot *last;

	lockdep_assert_held(&table->lock);
	WRITE_ONCE(slot->generation, slot->generation + 1);
	slot->next = DK_NO_SLOT;
	if (table->free_tail != DK_NO_SLOT) {
		last = dk_slot(table, table->free_tail);
		last->next = index;
	} else {
		table->free_head = index;
	}
	table->free_tail = index;
	table->live--;
}

long dk_handle_create(struct dk_process *process, struct dk_object *object,
		      u32 rights, DK_HANDLE *handle)
{
	return dk_slot_take(process, object, rights, handle);
}

long dk_handle_reserve(struct dk_process *process, DK_HANDLE *handle)
{
	return dk_slot_take(process, NULL, 0, handle);
}

void dk_handle_fill(struct dk_process *process, DK_HANDLE handle,
		    struct dk_object *object, u32 rights)
{
	struct dk_handle_table *table = &process->handles;

	spin_lock(&table->lock);
	dk_slot_fill(process, dk_slot(table, (u32)handle - 1), object, rights,
		     handle);
	spin_unlock(&table->lock);
}

void dk_handle_unreserve(struct dk_process *process, DK_HANDLE handle)
{
	struct dk_handle_table *table = &process->handles;
	u32 index = (u32)handle - 1;

	/* It was nobody's, so it may be the next one again. */
	spin_lock(&table->lock);
	dk_slot(table, index)->next = table->free_head;
	table->free_head = index;
	if (table->free_tail == DK_NO_SLOT)
		table->free_tail = index;
	table->live--;
	spin_unlock(&table->lock);
	atomic64_dec(&process->sandbox->handle_count);
}

long dk_handle_close(struct dk_process *process, DK_HANDLE handle)
{
	struct dk_handle_table *table = &process->handles;
	struct dk_handle_slot *slot;
	struct dk_object *object;
	u32 index = (u32)handle - 1;

	slot = dk_slot(table, index);
	if (!slot)
		return -EBADF;
	spin_lock(&table->lock);
	object = rcu_dereference_protected(slot->object,
					   lockdep_is_held(&table->lock));
	if (!object || slot->generation != handle >> 32) {
		spin_unlock(&table->lock);
		return -EBADF;
	}
	dk_word_detach(object->waitable);
	RCU_INIT_POINTER(slot->object, NULL);
	smp_wmb(); /* see dk_handle_get() */
	dk_slot_free(table, slot, index);
	spin_unlock(&table->lock);
	atomic64_dec(&process->sandbox->handle_count);
	dk_locks_drop(process, object);
	dk_object_put(object);
	return 0;
}

static struct dk_object *dk_clone_object(struct dk_object *object,
					 struct dk_thread *first,
					 struct dk_thread *thread)
{
	if (object == &thread->object)
		object = &first->object;
	else if (object == &thread->process->object)
		object = &first->process->object;
	else
		dk_word_detach(object->waitable);
	dk_object_get(object);
	return object;
}

/* The slots below @used of one chunk. */
static u32 dk_chunk_clone(struct dk_handle_chunk *to,
			  struct dk_handle_chunk *from, u32 used,
			  struct dk_thread *first, struct dk_thread *thread)
{
	struct dk_object *object;
	u32 i, live = 0;

	lockdep_assert_held(&thread->process->handles.lock);
	for (i = 0; i < used; i++) {
		to->slots[i].generation = from->slots[i].generation;
		object = rcu_dereference_protected(from->slots[i].object,
				lockdep_is_held(&thread->process->handles.lock));
		if (!object)
			continue;
		to->slots[i].rights = from->slots[i].rights;
		RCU_INIT_POINTER(to->slots[i].object,
				 dk_clone_object(object, first, thread));
		live++;
	}
	return live;
}

/* Free slots of a table that nobody else sees, in the order of their place. */
static void dk_slots_collect(struct dk_handle_table *table)
{
	u32 index, *last = &table->free_head;

	for (index = 0; index < table->used; index++) {
		struct dk_handle_slot *slot = dk_slot(table, index);

		if (rcu_access_pointer(slot->object))
			continue;
		*last = index;
		table->free_tail = index;
		last = &slot->next;
		*last = DK_NO_SLOT;
	}
}

/* Words for a table that was copied, for events to come. */
void dk_handles_words(struct dk_process *process)
{
	u32 index;

	for (index = 0; index < process->handles.used; index += DK_CHUNK_SLOTS)
		dk_words_grow(process->words, index);
}

/*
 * Chunk by chunk: handles that another thread opens or closes meanwhile are in
 * the copy or not. Each object that was found in a slot under the lock has the
 * slot's reference.
 */
long dk_handles_clone(struct dk_process *child, struct dk_thread *first,
		      struct dk_thread *thread)
{
	struct dk_handle_table *from = &thread->process->handles;
	struct dk_handle_table *to = &child->handles;
	struct dk_handle_chunk *chunk;
	u32 index, used = READ_ONCE(from->used);
	long ret = 0;

	for (index = 0; index < used; index += DK_CHUNK_SLOTS) {
		chunk = dk_chunk_alloc();
		if (!chunk) {
			ret = -ENOMEM;
			break;
		}
		to->chunks[index >> DK_CHUNK_SHIFT] = chunk;
		to->used = min_t(u32, used, index + DK_CHUNK_SLOTS);
		spin_lock(&from->lock);
		to->live += dk_chunk_clone(chunk,
					   from->chunks[index >> DK_CHUNK_SHIFT],
					   to->used - index, first, thread);
		spin_unlock(&from->lock);
		cond_resched();
	}
	dk_slots_collect(to);
	/* What is counted here is given back when the table is destroyed. */
	return dk_limit_handles(child->sandbox, to->live) ?: ret;
}

struct dk_object *dk_handle_get_rights(struct dk_process *process,
				       DK_HANDLE handle,
				       enum dk_object_type type, u32 rights,
				       u32 *have)
{
	struct dk_handle_slot *slot;
	struct dk_object *object;
	u32 generation = handle >> 32, given;
	long error = -EBADF;

	slot = dk_slot(&process->handles, (u32)handle - 1);
	if (!slot)
		return ERR_PTR(-EBADF);

	rcu_read_lock_sched(); /* the cheap one; objects are freed by RCU */
	if (READ_ONCE(slot->generation) != generation)
		goto unlock;
	object = rcu_dereference_sched(slot->object);
	if (!object)
		goto unlock;
	given = READ_ONCE(slot->rights);
	error = -EPROTOTYPE;
	if (type != DK_OBJECT_ANY && object->type != type)
		goto unlock;
	error = -EACCES;
	if ((given & rights) != rights)
		goto unlock;
	error = -EBADF;
	if (!kref_get_unless_zero(&object->ref))
		goto unlock;
	smp_rmb(); /* pairs with smp_wmb() of closing */
	if (unlikely(READ_ONCE(slot->generation) != generation)) {
		rcu_read_unlock_sched();
		dk_object_put(object);
		return ERR_PTR(-EBADF);
	}
	rcu_read_unlock_sched();
	if (have)
		*have = given;
	return object;

unlock:
	/* What does not fit may be of a handle that got the slot since. */
	smp_rmb(); /* as above */
	if (READ_ONCE(slot->generation) != generation)
		error = -EBADF;
	rcu_read_unlock_sched();
	return ERR_PTR(error);
}

struct dk_object *dk_handle_get(struct dk_process *process, DK_HANDLE handle,
				enum dk_object_type type, u32 rights)
{
	u32 have;

	return dk_handle_get_rights(process, handle, type, rights, &have);
}

long dk_put_both(u64 first, u64 __user *first_at, u64 second,
		 u64 __user *second_at)
{
	u64 before;

	if (get_user(before, first_at) || put_user(first, first_at))
		return -EFAULT;
	if (!put_user(second, second_at))
		return 0;
	/* If that page has gone, too, there is nothing to put back. */
	put_user(before, first_at);
	return -EFAULT;
}

long dk_handle_publish(struct dk_process *process, struct dk_object *object,
		       u32 rights, DK_HANDLE __user *out)
{
	DK_HANDLE handle;
	long ret;

	ret = dk_handle_create(process, object, rights, &handle);
	if (ret) {
		dk_object_put(object);
		return ret;
	}
	if (put_user(handle, out)) {
		dk_handle_close(process, handle);
		return -EFAULT;
	}
	return 0;
}
