// SPDX-License-Identifier: GPL-2.0-only
/*
 * Letters: messages on their way through local: sockets, and the handles that
 * go with them.
 *
 * A message is one struct dk_letter in the queue of whom it is for. A stream's
 * bytes are letters too, of at most DK_LOCAL_PIECE, which run together when
 * they are read, but for those with handles: these come with the first byte,
 * and what is read ends with the letter.
 *
 * A handle on its way is a reference to its object. If that is a socket, it may
 * be on its way in a queue of its own: such a ring has no handles left, and is
 * taken apart when the sandbox's last process ends. Until then it counts
 * against the limit of handles. And since the end of a socket ends what is in
 * its queue, which may be sockets, letters go one after the other, not one
 * within the other (dk_letters_free()).
 */
#include "parcel.h"

/* It may be the end of a socket: neither its @lock nor local_lock is held. */
void dk_letter_drop_handles(struct dk_sandbox *sandbox,
			    struct dk_letter *letter)
{
	u32 i;

	for (i = 0; i < letter->carried_count; i++) {
		dk_object_put(letter->carried[i].object);
		atomic64_dec(&sandbox->handle_count);
	}
	kvfree(letter->carried);
	letter->carried = NULL;
	letter->carried_count = 0;
}

static void letter_free(struct dk_sandbox *sandbox, struct dk_letter *letter)
{
	dk_letter_drop_handles(sandbox, letter);
	dk_label_put(letter->from);
	kvfree(letter);
}

void dk_letters_free(struct dk_sandbox *sandbox, struct list_head *letters)
{
	struct dk_letter *letter;

	if (list_empty(letters))
		return;
	spin_lock(&sandbox->letters_lock);
	list_splice_tail_init(letters, &sandbox->dead_letters);
	/* Whoever is at it already, perhaps further out here, does it all. */
	if (sandbox->letters_draining) {
		spin_unlock(&sandbox->letters_lock);
		return;
	}
	sandbox->letters_draining = true;
	while (!list_empty(&sandbox->dead_letters)) {
		letter = list_first_entry(&sandbox->dead_letters,
					  struct dk_letter, link);
		list_del(&letter->link);
		spin_unlock(&sandbox->letters_lock);
		letter_free(sandbox, letter);
		cond_resched();
		spin_lock(&sandbox->letters_lock);
	}
	sandbox->letters_draining = false;
	spin_unlock(&sandbox->letters_lock);
}

void dk_letter_drop(struct dk_sandbox *sandbox, struct dk_letter *letter)
{
	LIST_HEAD(letters);

	list_add(&letter->link, &letters);
	dk_letters_free(sandbox, &letters);
}

/* For sockets that only their own letters keep. */
void dk_letters_destroy(struct dk_sandbox *sandbox)
{
	struct dk_local *local;
	LIST_HEAD(letters);

	mutex_lock(&sandbox->local_lock);
	list_for_each_entry(local, &sandbox->locals, link) {
		spin_lock(&local->lock);
		list_splice_tail_init(&local->letters, &letters);
		local->bytes = 0;
		local->attached = 0;
		local->count = 0;
		spin_unlock(&local->lock);
	}
	mutex_unlock(&sandbox->local_lock);
	dk_letters_free(sandbox, &letters);
}

struct dk_letter *dk_letter_new(size_t length, u32 attachment_length)
{
	struct dk_letter *letter;

	letter = kvmalloc(struct_size(letter, data, length + attachment_length),
			  GFP_KERNEL_ACCOUNT);
	if (!letter)
		return NULL;
	memset(letter, 0, sizeof(*letter));
	INIT_LIST_HEAD(&letter->link);
	letter->length = length;
	letter->attachment_length = attachment_length;
	return letter;
}

/* The handles of @parcel; only streams are sent. */
long dk_letter_carry(struct dk_letter *letter, struct dk_process *process,
		     const struct dk_parcel *parcel)
{
	const DK_HANDLE __user *from = dk_user(parcel->handles);
	struct dk_object *object;
	DK_HANDLE handle;
	u32 i, rights;
	long error;

	if (!parcel->handle_count)
		return 0;
	letter->carried = kvmalloc_array(parcel->handle_count,
					 sizeof(*letter->carried),
					 GFP_KERNEL_ACCOUNT);
	if (!letter->carried)
		return -ENOMEM;
	for (i = 0; i < parcel->handle_count; i++) {
		if (get_user(handle, from + i))
			return -EFAULT;
		object = dk_handle_get_rights(process, handle, DK_OBJECT_STREAM,
					      0, &rights);
		if (IS_ERR(object))
			return PTR_ERR(object);
		error = dk_limit_handle(process->sandbox);
		if (error) {
			dk_object_put(object);
			return error;
		}
		letter->carried[i].object = object;
		letter->carried[i].rights = rights;
		letter->carried_count = i + 1;
	}
	return 0;
}
