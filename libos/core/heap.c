// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The libos's own memory.
 *
 * One range of addresses is reserved at the start. Pages come from it by
 * binary buddies: a run of 2^order pages is aligned to its size within the
 * range, and a freed run joins its neighbour ("buddy", the address with that
 * one bit flipped) when that is free and whole. The range is committed from
 * below in the largest runs, so that the host sees few and large mappings. What
 * is larger than those is several of them in a row.
 *
 * Small objects come from pages that hold objects of one size class; a freed
 * object goes to its class's list and a page stays with its class. Each thread
 * has some of each class at hand, which it takes and gives back without a lock;
 * a batch at a time moves between it and the class's list.
 *
 * page_state[] says of each page what begins there, so that mem_free() needs
 * no size.
 */
#include <layout.h>
#include <libos.h>

#define HEAP_SIZE	(1UL << 30)
#define HEAP_PAGES	(HEAP_SIZE / PAGE_SIZE)
#define SHARED_SIZE	(8UL << 20)	/* behind it; see heap_share() */
#define MAX_ORDER	10		/* 4 MiB */
#define RUN_SIZE(order)	(PAGE_SIZE << (order))
#define BATCH_SIZE	2048U		/* bytes, of a thread's; and no more than */
#define BATCH_MAX	8U		/* so many objects */

#define STATE_FREE	0x20		/* | order: a free run */
#define STATE_USED	0x40		/* | order: an allocated run */
#define STATE_MORE	0x60		/* which goes on here */
#define STATE_CLASS	0x80		/* | class: small objects */
#define STATE_MASK	0xe0

struct layout layout;

struct free_run {
	struct free_run *next;
	struct free_run **link;
};

struct free_object {
	struct free_object *next;
};

static const u16 class_sizes[HEAP_CLASSES] = { 16,  32,	  48,	64,  96,
					       128, 192,  256,	384, 512,
					       768, 1024, 1360, 2048 };

static struct lock heap_lock; /* all that follows */
static u8 page_state[HEAP_PAGES];
static u64 committed; /* from the heap's start, bytes */
static struct free_run *free_runs[MAX_ORDER + 1];
static struct free_object *free_objects[ARRAY_SIZE(class_sizes)];

static size_t page_index(const void *p)
{
	return ((u64)p - layout.heap.start) / PAGE_SIZE;
}

static void run_insert(void *p, unsigned int order)
{
	struct free_run *run = p;

	run->next = free_runs[order];
	run->link = &free_runs[order];
	if (run->next)
		run->next->link = &run->next;
	free_runs[order] = run;
	page_state[page_index(p)] = STATE_FREE | order;
}

static void run_remove(struct free_run *run)
{
	*run->link = run->next;
	if (run->next)
		run->next->link = run->link;
	page_state[page_index(run)] = 0;
}

/* More memory: one run of the largest order. */
static bool heap_grow(void)
{
	void *base = (void *)(layout.heap.start + committed);
	dk_u64 length = RUN_SIZE(MAX_ORDER);

	if (committed == HEAP_SIZE ||
	    DkVirtualMemoryAlloc(&base, &length, DK_MEM_COMMIT,
				 DK_PROT_READ | DK_PROT_WRITE))
		return false;
	committed += length;
	run_insert(base, MAX_ORDER);
	return true;
}

static void *run_alloc(unsigned int order)
{
	unsigned int o = order;
	struct free_run *run;

	while (o <= MAX_ORDER && !free_runs[o])
		o++;
	if (o > MAX_ORDER) {
		if (!heap_grow())
			return NULL;
		o = MAX_ORDER;
	}
	run = free_runs[o];
	run_remove(run);
	while (o-- > order)
		run_insert((char *)run + RUN_SIZE(o), o);
	page_state[page_index(run)] = STATE_USED | order;
	return run;
}

static void run_free(void *p, unsigned int order)
{
	u64 offset = (u64)p - layout.heap.start;

	page_state[offset / PAGE_SIZE] = 0;
	for (; order < MAX_ORDER; order++) {
		u64 buddy = offset ^ RUN_SIZE(order);

		if (page_state[buddy / PAGE_SIZE] != (STATE_FREE | order))
			break;
		run_remove((void *)(layout.heap.start + buddy));
		offset &= ~RUN_SIZE(order);
	}
	run_insert((void *)(layout.heap.start + offset), order);
}

/* Of the run of the largest order with that number. */
static u8 *large_state(size_t i)
{
	return &page_state[i << MAX_ORDER];
}

/*
 * @count runs of the largest order in a row: the first such that are free,
 * with as many new ones behind the last as that takes.
 */
static void *large_alloc(size_t count)
{
	size_t i, first = 0;
	char *p;

	for (i = 0; i - first < count; i++) {
		if (i == committed / RUN_SIZE(MAX_ORDER) && !heap_grow())
			return NULL;
		if (*large_state(i) != (STATE_FREE | MAX_ORDER))
			first = i + 1;
	}
	p = (char *)layout.heap.start + first * RUN_SIZE(MAX_ORDER);
	for (i = 0; i < count; i++) {
		run_remove((void *)(p + i * RUN_SIZE(MAX_ORDER)));
		*large_state(first + i) = i ? STATE_MORE :
					      STATE_USED | MAX_ORDER;
	}
	return p;
}

/* How many runs belong to the one of the largest order at @p. */
static size_t large_count(const void *p)
{
	size_t first = page_index(p) >> MAX_ORDER, i = first + 1;

	while (i < HEAP_SIZE / RUN_SIZE(MAX_ORDER) &&
	       *large_state(i) == STATE_MORE)
		i++;
	return i - first;
}

static void large_free(char *p)
{
	size_t i = large_count(p);

	while (i--)
		run_free(p + i * RUN_SIZE(MAX_ORDER), MAX_ORDER);
}

static unsigned int order_of(size_t size)
{
	unsigned int order = 0;

	while (order <= MAX_ORDER && RUN_SIZE(order) < size)
		order++;
	return order;
}

static unsigned int class_of(size_t size)
{
	unsigned int kind = 0;

	while (kind < ARRAY_SIZE(class_sizes) && class_sizes[kind] < size)
		kind++;
	return kind;
}

static bool class_refill(unsigned int kind)
{
	size_t size = class_sizes[kind], i;
	struct free_object *object;
	char *page = run_alloc(0);

	if (!page)
		return false;
	page_state[page_index(page)] = STATE_CLASS | kind;
	for (i = 0; i + size <= PAGE_SIZE; i += size) {
		object = (struct free_object *)(page + i);
		object->next = free_objects[kind];
		free_objects[kind] = object;
	}
	return true;
}

static unsigned int batch_of(unsigned int kind)
{
	return MIN(BATCH_MAX, BATCH_SIZE / class_sizes[kind]);
}

static void push(struct free_object **list, struct free_object *object)
{
	object->next = *list;
	*list = object;
}

static struct free_object *pop(struct free_object **list)
{
	struct free_object *object = *list;

	*list = object->next;
	return object;
}

static bool cache_refill(struct heap_cache *cache, unsigned int kind)
{
	unsigned int n = batch_of(kind);

	lock_acquire(&heap_lock);
	for (; n && (free_objects[kind] || class_refill(kind)); n--) {
		push(&cache->objects[kind], pop(&free_objects[kind]));
		cache->counts[kind]++;
	}
	lock_release(&heap_lock);
	return cache->objects[kind];
}

/* heap_lock is held. */
static void cache_drain(struct heap_cache *cache, unsigned int kind,
			unsigned int n)
{
	for (; n && cache->objects[kind]; n--) {
		push(&free_objects[kind], pop(&cache->objects[kind]));
		cache->counts[kind]--;
	}
}

void mem_return(struct heap_cache *cache)
{
	unsigned int kind;

	lock_acquire(&heap_lock);
	for (kind = 0; kind < HEAP_CLASSES; kind++)
		cache_drain(cache, kind, UINT32_MAX);
	lock_release(&heap_lock);
}

static void *alloc_small(unsigned int kind)
{
	struct heap_cache *cache = &self()->heap;

	if (unlikely(!cache->objects[kind]) && !cache_refill(cache, kind))
		return NULL;
	cache->counts[kind]--;
	return pop(&cache->objects[kind]);
}

static void free_small(void *p, unsigned int kind)
{
	struct heap_cache *cache = &self()->heap;

	push(&cache->objects[kind], p);
	if (likely(++cache->counts[kind] < 2 * batch_of(kind)))
		return;
	lock_acquire(&heap_lock);
	cache_drain(cache, kind, batch_of(kind));
	lock_release(&heap_lock);
}

void *mem_alloc(size_t size)
{
	unsigned int kind = class_of(size), order;
	void *p = NULL;

	if (kind < HEAP_CLASSES)
		return alloc_small(kind);
	if (size > HEAP_SIZE)
		return NULL;
	order = order_of(size);
	lock_acquire(&heap_lock);
	if (order <= MAX_ORDER)
		p = run_alloc(order);
	else
		p = large_alloc((size - 1) / RUN_SIZE(MAX_ORDER) + 1);
	lock_release(&heap_lock);
	return p;
}

/* Bytes that the allocation at @p really has. */
static size_t size_of(const void *p)
{
	u8 state = page_state[page_index(p)];

	switch (state & STATE_MASK) {
	case STATE_USED:
		if (state == (STATE_USED | MAX_ORDER))
			return large_count(p) * RUN_SIZE(MAX_ORDER);
		return RUN_SIZE(state & ~STATE_MASK);
	case STATE_CLASS:
		return class_sizes[state & ~STATE_MASK];
	default:
		panic("heap: %p was not allocated", p);
	}
}

void mem_free(void *p)
{
	u8 state;

	if (!p)
		return;
	if ((u64)p - layout.heap.start >= HEAP_SIZE)
		panic("heap: %p is not the heap's", p);
	/* Of memory that is in use, no other thread changes it. */
	state = page_state[page_index(p)];
	if ((state & STATE_MASK) == STATE_CLASS) {
		free_small(p, state & ~STATE_MASK);
		return;
	}
	lock_acquire(&heap_lock);
	state = page_state[page_index(p)];
	if ((state & STATE_MASK) != STATE_USED)
		panic("heap: %p is freed twice", p);
	if (state == (STATE_USED | MAX_ORDER))
		large_free(p);
	else
		run_free(p, state & ~STATE_MASK);
	lock_release(&heap_lock);
}

void *mem_zalloc(size_t size)
{
	void *p = mem_alloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void *mem_realloc(void *p, size_t size)
{
	size_t old;
	void *n;

	if (!p)
		return mem_alloc(size);
	old = size_of(p);
	if (size <= old)
		return p;
	n = mem_alloc(size);
	if (n) {
		memcpy(n, p, old);
		mem_free(p);
	}
	return n;
}

void *mem_alloc_pages(size_t size)
{
	return mem_zalloc(MAX(size, PAGE_SIZE));
}

void mem_free_pages(void *p, size_t size __unused)
{
	mem_free(p);
}

void heap_init(void)
{
	dk_u64 length = HEAP_SIZE + SHARED_SIZE;
	void *base = NULL;

	if (DkVirtualMemoryAlloc(&base, &length, DK_MEM_RESERVE, DK_PROT_NONE))
		panic("no address space for the heap");
	layout.heap.start = (u64)base;
	layout.heap.end = (u64)base + length;
}

void *heap_share(size_t size)
{
	void *base = (void *)(layout.heap.start + HEAP_SIZE);
	dk_u64 length = PAGE_ALIGN(size);

	if (length > SHARED_SIZE ||
	    DkVirtualMemoryFree(base, length, DK_MEM_RELEASE))
		return NULL;
	if (DkVirtualMemoryAlloc(&base, &length,
				 DK_MEM_RESERVE | DK_MEM_COMMIT | DK_MEM_SHARED,
				 DK_PROT_READ | DK_PROT_WRITE))
		return NULL;
	return base;
}
