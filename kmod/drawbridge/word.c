// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event words: the state of events where user mode can reach it.
 *
 * A process has one 64-bit word per slot of its handle table, in pages of the
 * kernel's that are mapped into it. While DK_WORD_FAST is set in a slot's word,
 * DK_WORD_SIGNALLED there *is* the state of the event whose only handle is in
 * that slot, and whoever sets, clears or consumes it does so there: libpal
 * without entering the kernel, the kernel under the event's lock. The word also
 * holds what libpal must know of the handle (its generation, its rights, the
 * event's kind), so that one compare-exchange checks all of it and changes the
 * state: a word of a closed handle does not fit.
 *
 * DK_WORD_WAITERS tells a setter that it has to enter the kernel. A waiter sets
 * it when it queues, under the lock, and looks at DK_WORD_SIGNALLED after that;
 * the last waiter that leaves the queue clears it. So a setter either finds it,
 * or has signalled before the waiter looks.
 *
 * The process may write anything there. The kernel uses nothing of a word but
 * DK_WORD_SIGNALLED, with operations that cannot be made to repeat, and never
 * as an index, a count or a pointer: who scribbles there loses its own events.
 * Hence also the rule that an event with a second handle, which may be in
 * another process, has its state in the kernel for good.
 *
 * Pages are allocated as the table grows, or when user mode looks at one. The
 * mapping keeps them, and this module, as long as the address space lasts.
 */
#include <linux/anon_inodes.h>
#include <linux/mm.h>
#include <linux/mman.h>

#include "../compat.h"
#include "drawbridge.h"

#define DK_WORDS_SIZE		(DK_HANDLES_MAX * sizeof(u64))
#define DK_WORDS_PAGES		(DK_WORDS_SIZE / PAGE_SIZE)
#define DK_WORDS_PER_PAGE	(PAGE_SIZE / sizeof(u64))

struct dk_words {
	struct kref ref;
	struct page *pages[DK_WORDS_PAGES];
};

static void dk_words_free(struct kref *ref)
{
	struct dk_words *words = container_of(ref, struct dk_words, ref);
	int i;

	for (i = 0; i < DK_WORDS_PAGES; i++) {
		if (words->pages[i])
			put_page(words->pages[i]);
	}
	kfree(words);
}

void dk_words_put(struct dk_words *words)
{
	if (words)
		kref_put(&words->ref, dk_words_free);
}

/* Pages come and stay. */
static struct page *dk_words_page(struct dk_words *words, unsigned long i)
{
	struct page *page, *other;

	/* Pairs with the cmpxchg() below: a page that is seen is zeroed. */
	page = smp_load_acquire(&words->pages[i]);
	if (page)
		return page;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return NULL;
	other = cmpxchg(&words->pages[i], NULL, page);
	if (!other)
		return page;
	put_page(page);
	return other;
}

/*
 * Slot @index is about to be used for the first time. Without memory its
 * events are slower, no more.
 */
void dk_words_grow(struct dk_words *words, u32 index)
{
	if (words)
		dk_words_page(words, index / DK_WORDS_PER_PAGE);
}

static u64 *dk_word(struct dk_words *words, u32 index)
{
	struct page *page;

	if (!words)
		return NULL;
	/* Pairs with the cmpxchg() of dk_words_page(). */
	page = smp_load_acquire(&words->pages[index / DK_WORDS_PER_PAGE]);
	if (!page)
		return NULL;
	return (u64 *)page_address(page) + index % DK_WORDS_PER_PAGE;
}

/* ---- the mapping ---- */

static vm_fault_t dk_words_fault(struct vm_fault *vmf)
{
	struct dk_words *words = vmf->vma->vm_file->private_data;
	struct page *page;

	if (vmf->pgoff >= DK_WORDS_PAGES)
		return VM_FAULT_SIGBUS;
	page = dk_words_page(words, vmf->pgoff);
	if (!page)
		return VM_FAULT_OOM;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct dk_words_vm_ops = {
	.fault = dk_words_fault,
};

/* Whole, where the process can neither execute it nor hand it on by clone. */
static int dk_words_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != DK_WORDS_SIZE)
		return -EINVAL;
	pico_compat_vm_flags(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
			     VM_MAYEXEC);
	vma->vm_ops = &dk_words_vm_ops;
	return 0;
}

static int dk_words_release(struct inode *inode, struct file *file)
{
	dk_words_put(file->private_data);
	return 0;
}

static const struct file_operations dk_words_fops = {
	.owner = THIS_MODULE,
	.mmap = dk_words_mmap,
	.release = dk_words_release,
};

/**
 * dk_words_map() - give a process its event words
 * @process:	has none yet
 * @address:	where; 0: anywhere. Set to where they are.
 *
 * A process that began as another's clone has to have them at the same place
 * (->words_address of that one).
 *
 * Context: a thread of @process, before it has been in user mode.
 */
int dk_words_map(struct dk_process *process, unsigned long *address)
{
	struct dk_words *words;
	unsigned long base;
	struct file *file;

	words = kzalloc(sizeof(*words), GFP_KERNEL_ACCOUNT);
	if (!words)
		return -ENOMEM;
	kref_init(&words->ref);
	file = anon_inode_getfile("drawbridge", &dk_words_fops, words, O_RDWR);
	if (IS_ERR(file)) {
		dk_words_put(words);
		return PTR_ERR(file);
	}
	kref_get(&words->ref);		/* the file has one, */
	process->words = words;		/* the process the other */
	base = vm_mmap(file, *address, DK_WORDS_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | (*address ? MAP_FIXED_NOREPLACE : 0), 0);
	fput(file);
	if (IS_ERR_VALUE(base))
		return (int)base;	/* process->words goes with the process */
	*address = base;
	return 0;
}

/* ---- events ---- */

/* The state moves into the kernel, for good; the word fits no handle. */
static void dk_word_detach_locked(struct dk_waitable *w)
{
	lockdep_assert_held(&w->lock);
	if (w->word)
		w->count = !!(xchg(w->word, 0) & DK_WORD_SIGNALLED);
	w->word = NULL;
	w->wordable = false;
}

void dk_word_detach(struct dk_waitable *w)
{
	unsigned long flags;

	if (!w || !READ_ONCE(w->wordable))
		return;
	spin_lock_irqsave(&w->lock, flags);
	dk_word_detach_locked(w);
	spin_unlock_irqrestore(&w->lock, flags);
}

/*
 * @w has got a handle: its first one, which may have the state in its word, or
 * another, after which no handle may.
 */
void dk_word_attach(struct dk_process *process, struct dk_waitable *w,
		    DK_HANDLE handle, u32 rights)
{
	unsigned long flags;
	u64 *word, value;

	if (!w || !READ_ONCE(w->wordable))
		return;
	word = dk_word(process->words, (u32)handle - 1);
	spin_lock_irqsave(&w->lock, flags);
	if (!w->wordable || w->word || !word) {
		dk_word_detach_locked(w);
		goto unlock;
	}
	value = handle >> 32 << DK_WORD_GENERATION_SHIFT |
		DK_WORD_RIGHTS(rights) | DK_WORD_FAST;
	if (w->kind == DK_WAIT_AUTO)
		value |= DK_WORD_AUTO;
	if (w->count)
		value |= DK_WORD_SIGNALLED;
	if (!list_empty(&w->waiters))
		value |= DK_WORD_WAITERS;
	/* Everything that was done before is done, for who sees it. */
	smp_store_release(word, value);
	w->word = word;
unlock:
	spin_unlock_irqrestore(&w->lock, flags);
}
