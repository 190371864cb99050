// SPDX-License-Identifier: GPL-2.0-only
/*
 * Learning: what a program names, and the rights that it needed there.
 *
 * In a sandbox that was started with DRAWBRIDGE_START_LEARN every place that
 * asks the rules, and gets a yes, tells the monitor what it asked: the place
 * that decided, as an absolute path below the sandbox's root, and the rights.
 * The monitor makes rules of it (picoexec --learn). A name that nothing has is
 * told with the directory that does not have it. What a private directory
 * holds is not told, its rule is there already; nor is a refusal.
 *
 * Nothing may be lost, or the rules would be wrong. So a name waits, with its
 * thread, while the queue is full; only a fatal signal ends that. Names that
 * were told lately are not told again, which keeps the queue short.
 */
#include <linux/hash.h>
#include <linux/sched/signal.h>
#include <linux/siphash.h>
#include <linux/random.h>

#include "learn.h"
#include "stream.h"

#define NAMES_MAX	1024	/* that wait to be read */
#define SEEN_BITS	12

struct dk_name_record {
	struct list_head link;
	size_t size;
	struct drawbridge_name out;
};

/*
 * @list, @count and @seen are under @lock. An element of @seen is the hash of
 * something that was told: with a secret key, so that no program can choose
 * two names that have the same.
 */
struct dk_names {
	struct mutex lock;
	struct list_head list;
	unsigned int count;
	wait_queue_head_t room;
	siphash_key_t key;
	u64 seen[1 << SEEN_BITS];
};

struct dk_names *dk_names_new(void)
{
	struct dk_names *names = kvzalloc(sizeof(*names), GFP_KERNEL_ACCOUNT);

	if (!names)
		return NULL;
	mutex_init(&names->lock);
	INIT_LIST_HEAD(&names->list);
	init_waitqueue_head(&names->room);
	get_random_bytes(&names->key, sizeof(names->key));
	return names;
}

void dk_names_free(struct dk_names *names)
{
	struct dk_name_record *record, *next;

	if (!names)
		return;
	list_for_each_entry_safe(record, next, &names->list, link)
		kfree(record);
	mutex_destroy(&names->lock);
	kvfree(names);
}

/* Was @record told lately? Then, or from now on. */
static bool seen(struct dk_names *names, const struct dk_name_record *record)
{
	u64 hash = siphash(&record->out, record->size, &names->key);
	u64 *place = &names->seen[hash_64(hash, SEEN_BITS)];

	lockdep_assert_held(&names->lock);
	if (*place == hash)
		return true;
	*place = hash;
	return false;
}

static void tell(struct dk_sandbox *sandbox, struct dk_name_record *record)
{
	struct dk_names *names = sandbox->names;

	mutex_lock(&names->lock);
	while (names->count >= NAMES_MAX) {
		mutex_unlock(&names->lock);
		dk_notify_monitor(sandbox);
		if (wait_event_killable(names->room, READ_ONCE(names->count) <
						     NAMES_MAX)) {
			kfree(record);
			return;
		}
		mutex_lock(&names->lock);
	}
	if (seen(names, record)) {
		kfree(record);
		record = NULL;
	} else {
		list_add_tail(&record->link, &names->list);
		names->count++;
	}
	mutex_unlock(&names->lock);
	if (record)
		dk_notify_monitor(sandbox);
}

/* A name must not be lost for want of memory: it waits for that, too. */
static struct dk_name_record *new_record(size_t length, u32 rights, u32 flags)
{
	size_t size = ALIGN(sizeof(struct drawbridge_name) + length, 8);
	struct dk_name_record *record;

	record = kzalloc(sizeof(*record) + size, GFP_KERNEL | __GFP_NOFAIL);
	record->size = size;
	record->out.size = size;
	record->out.uri_length = length;
	record->out.rights = rights;
	record->out.flags = flags;
	return record;
}

void __dk_learn_uri(struct dk_sandbox *sandbox, const char *uri, u32 rights)
{
	struct dk_name_record *record = new_record(strlen(uri), rights, 0);

	memcpy(record->out.uri, uri, strlen(uri));
	tell(sandbox, record);
}

/* "file:/PATH" of what the rules decide about, or NULL. */
static char *uri_of(const struct dk_sandbox *sandbox, const struct path *path)
{
	const struct dk_rule *rule = dk_rule_find(sandbox, path);
	char *name, *uri;

	if (!rule || rule->mount)
		return NULL;
	name = dk_name_below(path, &sandbox->root);
	if (IS_ERR(name))
		return NULL;
	uri = kasprintf(GFP_KERNEL, "file:%s", *name ? name : "/");
	kfree(name);
	return uri;
}

void __dk_learn(const struct dk_sandbox *sandbox, const struct path *path,
		u32 rights)
{
	char *uri = uri_of(sandbox, path);

	if (uri)
		__dk_learn_uri((struct dk_sandbox *)sandbox, uri,
			       rights & DK_ACCESS_RIGHTS);
	kfree(uri);
}

void __dk_learn_absent(const struct dk_sandbox *sandbox,
		       const struct path *parent, const char *name,
		       size_t length)
{
	char *uri = uri_of(sandbox, parent);
	struct dk_name_record *record;
	size_t above;

	if (!uri)
		return;
	above = strlen(uri);
	if (uri[above - 1] == '/')
		above--;
	record = new_record(above + 1 + length, 0, DRAWBRIDGE_NAME_ABSENT);
	memcpy(record->out.uri, uri, above);
	record->out.uri[above] = '/';
	memcpy(record->out.uri + above + 1, name, length);
	tell((struct dk_sandbox *)sandbox, record);
	kfree(uri);
}

void __dk_learn_move(const struct dk_sandbox *sandbox, const struct path *from,
		     const struct path *to)
{
	char *old = uri_of(sandbox, from), *new = uri_of(sandbox, to);
	struct dk_name_record *record;

	if (old && new && strcmp(old, new)) {
		record = new_record(strlen(old) + 1 + strlen(new), 0,
				    DRAWBRIDGE_NAME_MOVE);
		memcpy(record->out.uri, old, strlen(old));
		memcpy(record->out.uri + strlen(old) + 1, new, strlen(new));
		tell((struct dk_sandbox *)sandbox, record);
	}
	kfree(old);
	kfree(new);
}

/* The oldest record, if @room is enough for it; NULL if there is none. */
static struct dk_name_record *take_record(struct dk_names *names, u64 room)
{
	struct dk_name_record *record;

	mutex_lock(&names->lock);
	record = list_first_entry_or_null(&names->list, struct dk_name_record,
					  link);
	if (record && record->size > room) {
		record = ERR_PTR(-EMSGSIZE);
	} else if (record) {
		list_del(&record->link);
		names->count--;
	}
	mutex_unlock(&names->lock);
	return record;
}

static void give_back(struct dk_names *names, struct dk_name_record *record)
{
	mutex_lock(&names->lock);
	list_add(&record->link, &names->list);
	names->count++;
	mutex_unlock(&names->lock);
}

/*
 * As many whole records as @out has room for; their size, or an error. The
 * monitor's memory is not touched with the lock, see request.c.
 */
long dk_ioctl_names(struct dk_sandbox *sandbox, void __user *arg)
{
	struct dk_names *names = READ_ONCE(sandbox->names);
	struct dk_name_record *record;
	struct drawbridge_names out;
	u64 done = 0;
	long ret = 0;

	if (copy_from_user(&out, arg, sizeof(out)))
		return -EFAULT;
	if (!names)
		return 0;
	for (;;) {
		record = take_record(names, out.length - done);
		if (IS_ERR_OR_NULL(record)) {
			ret = PTR_ERR(record);
			break;
		}
		if (copy_to_user(dk_user(out.buffer + done), &record->out,
				 record->size)) {
			give_back(names, record);
			dk_notify_monitor(sandbox);
			ret = -EFAULT;
			break;
		}
		done += record->size;
		kfree(record);
	}
	wake_up_all(&names->room);
	return done ? (long)done : ret;
}
