// SPDX-License-Identifier: GPL-2.0-only
/*
 * What local: sockets are found by and known as: a key and a name, both the
 * sandbox's alone, and an identity that each end shows the other.
 */
#include "local.h"

static void label_free(struct kref *ref)
{
	kfree(container_of(ref, struct dk_label, ref));
}

/* Of NULL, nothing. */
void dk_label_put(struct dk_label *label)
{
	if (label)
		kref_put(&label->ref, label_free);
}

/* Of NULL, NULL. */
struct dk_label *dk_label_get(struct dk_label *label)
{
	if (label)
		kref_get(&label->ref);
	return label;
}

/* local_lock is held, for as long as the result is used. */
struct dk_local *dk_local_lookup(struct dk_sandbox *sandbox, const void *key,
				 size_t length)
{
	struct dk_local *local;

	lockdep_assert_held(&sandbox->local_lock);
	list_for_each_entry(local, &sandbox->local_names, name_link)
		if (local->label->name.key_length == length &&
		    !memcmp(local->label->name.key, key, length))
			return local;
	return NULL;
}

/* Counted, or NULL. */
struct dk_local *dk_local_find(struct dk_sandbox *sandbox, const void *key,
			       size_t length)
{
	struct dk_local *local;

	mutex_lock(&sandbox->local_lock);
	local = dk_local_get(dk_local_lookup(sandbox, key, length));
	mutex_unlock(&sandbox->local_lock);
	return local;
}

/* With one reference, or ERR_PTR. */
struct dk_label *dk_label_read(const void __user *buffer)
{
	struct dk_label *label = kzalloc(sizeof(*label), GFP_KERNEL_ACCOUNT);
	struct dk_local_name *name;

	if (!label)
		return ERR_PTR(-ENOMEM);
	kref_init(&label->ref);
	name = &label->name;
	if (copy_from_user(name, buffer, sizeof(*name))) {
		kfree(label);
		return ERR_PTR(-EFAULT);
	}
	if (name->key_length > DK_LOCAL_NAME_MAX ||
	    name->name_length > DK_LOCAL_NAME_MAX || name->reserved ||
	    name->flags & ~DK_LOCAL_REPLACE) {
		kfree(label);
		return ERR_PTR(-EINVAL);
	}
	/* Only what was meant is told to others. */
	memset(name->name + name->name_length, 0,
	       DK_LOCAL_NAME_MAX - name->name_length);
	memset(name->identity, 0, sizeof(name->identity));
	return label;
}

long dk_local_bind(struct dk_stream *stream, void __user *buffer)
{
	struct dk_local *local = dk_local_of(stream);
	struct dk_sandbox *sandbox = stream->sandbox;
	struct dk_local *other;
	struct dk_label *label;
	long error = 0;

	if (!local)
		return -EOPNOTSUPP;
	label = dk_label_read(buffer);
	if (IS_ERR(label))
		return PTR_ERR(label);
	if (!label->name.key_length) {
		dk_label_put(label);
		return -EINVAL;
	}
	mutex_lock(&sandbox->local_lock);
	other = dk_local_lookup(sandbox, label->name.key,
				label->name.key_length);
	if (local->label)
		error = -EINVAL;
	else if (other && !(label->name.flags & DK_LOCAL_REPLACE))
		error = -EADDRINUSE;
	if (!error) {
		if (other)
			list_del_init(&other->name_link);
		/* Pairs with parcel.c, which looks without the lock. */
		smp_store_release(&local->label, label);
		list_add(&local->name_link, &sandbox->local_names);
	}
	mutex_unlock(&sandbox->local_lock);
	if (error)
		dk_label_put(label);
	return error;
}

static long name_write(const struct dk_label *label, const u8 *identity,
		       void __user *buffer)
{
	struct dk_local_name name = { };

	if (label) {
		name.name_length = label->name.name_length;
		memcpy(name.name, label->name.name, sizeof(name.name));
	}
	if (identity)
		memcpy(name.identity, identity, sizeof(name.identity));
	return copy_to_user(buffer, &name, sizeof(name)) ? -EFAULT : 0;
}

long dk_local_get_name(struct dk_stream *stream, void __user *buffer)
{
	struct dk_local *local = dk_local_of(stream);

	if (!local)
		return -EOPNOTSUPP;
	/* Pairs with binding. */
	return name_write(smp_load_acquire(&local->label), NULL, buffer);
}

long dk_local_get_peer_name(struct dk_stream *stream, void __user *buffer)
{
	struct dk_local *local = dk_local_of(stream), *peer;
	u8 identity[DK_LOCAL_IDENTITY_SIZE];
	struct dk_label *label;
	long error;
	bool known;

	if (!local)
		return -EOPNOTSUPP;
	spin_lock(&local->lock);
	peer = dk_local_get(local->peer);
	known = local->connected;
	memcpy(identity, local->peer_identity, sizeof(identity));
	spin_unlock(&local->lock);
	if (!known)
		return -ENOTCONN;
	/* Pairs with binding. */
	label = peer ? smp_load_acquire(&peer->label) : NULL;
	error = name_write(label, identity, buffer);
	dk_local_put(peer);
	return error;
}

long dk_local_set_identity(struct dk_stream *stream, void __user *buffer)
{
	struct dk_local *local = dk_local_of(stream), *peer;
	u8 identity[DK_LOCAL_IDENTITY_SIZE];

	if (!local)
		return -EOPNOTSUPP;
	if (copy_from_user(identity, buffer, sizeof(identity)))
		return -EFAULT;
	mutex_lock(&stream->sandbox->local_lock);
	spin_lock(&local->lock);
	memcpy(local->identity, identity, sizeof(identity));
	peer = dk_local_get(local->peer);
	spin_unlock(&local->lock);
	/* A datagram socket's may have another peer, or none. */
	if (peer) {
		spin_lock(&peer->lock);
		if (peer->peer == local)
			memcpy(peer->peer_identity, identity, sizeof(identity));
		spin_unlock(&peer->lock);
	}
	mutex_unlock(&stream->sandbox->local_lock);
	dk_local_put(peer);
	return 0;
}
