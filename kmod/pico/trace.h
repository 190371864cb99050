/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: one for every callback into a provider, and for what services
 * do to other threads. Events are recorded on the thread that makes the call.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pico

#if !defined(_PICO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _PICO_TRACE_H

#include <linux/tracepoint.h>

#include "../compat.h"
#include "internal.h"

#define PICO_TRACE_FRAMES	16

#define pico_trace_provider(process) ((process)->provider->routines->name)

TRACE_EVENT(pico_system_call,
	TP_PROTO(struct pico_thread *thread, struct pt_regs *regs),
	TP_ARGS(thread, regs),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__field(unsigned long, nr)
		__field(unsigned long, ip)
		__array(unsigned long, args, 6)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		__entry->nr = regs->orig_ax;
		__entry->ip = regs->ip;
		__entry->args[0] = regs->di;
		__entry->args[1] = regs->si;
		__entry->args[2] = regs->dx;
		__entry->args[3] = regs->r10;
		__entry->args[4] = regs->r8;
		__entry->args[5] = regs->r9;
	),
	TP_printk("%s nr=%#lx ip=%#lx (%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)",
		  __get_str(provider), __entry->nr, __entry->ip,
		  __entry->args[0], __entry->args[1], __entry->args[2],
		  __entry->args[3], __entry->args[4], __entry->args[5])
);

TRACE_EVENT(pico_system_call_answer,
	TP_PROTO(struct pico_thread *thread, struct pt_regs *regs),
	TP_ARGS(thread, regs),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__field(long, ret)
		__field(unsigned long, ip)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		__entry->ret = regs->ax;
		__entry->ip = regs->ip;
	),
	TP_printk("%s ret=%ld ip=%#lx", __get_str(provider), __entry->ret,
		  __entry->ip)
);

TRACE_EVENT(pico_exception,
	TP_PROTO(struct pico_thread *thread, struct pt_regs *regs,
		 const struct pico_exception *exception, bool handled),
	TP_ARGS(thread, regs, exception, handled),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__field(int, signo)
		__field(unsigned long, trap)
		__field(unsigned long, error_code)
		__field(unsigned long, address)
		__field(unsigned long, ip)
		__field(bool, handled)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		__entry->signo = exception->info.si_signo;
		__entry->trap = exception->trap;
		__entry->error_code = exception->error_code;
		__entry->address = exception->address;
		__entry->ip = regs->ip;
		__entry->handled = handled;
	),
	TP_printk("%s sig=%d trap=%lu error=%#lx address=%#lx ip=%#lx handled=%d",
		  __get_str(provider), __entry->signo, __entry->trap,
		  __entry->error_code, __entry->address, __entry->ip,
		  __entry->handled)
);

TRACE_EVENT(pico_user_stack,
	TP_PROTO(struct pico_thread *thread, const unsigned long *frames,
		 unsigned int count),
	TP_ARGS(thread, frames, count),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__dynamic_array(unsigned long, frames, count)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		memcpy(__get_dynamic_array(frames), frames,
		       count * sizeof(*frames));
	),
	TP_printk("%s %s", __get_str(provider),
		  __print_array(__get_dynamic_array(frames),
				__get_dynamic_array_len(frames) /
				sizeof(unsigned long),
				sizeof(unsigned long)))
);

DECLARE_EVENT_CLASS(pico_thread_class,
	TP_PROTO(struct pico_thread *thread, int value),
	TP_ARGS(thread, value),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__field(pid_t, tid)
		__field(int, value)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		__entry->tid = thread->task->pid;
		__entry->value = value;
	),
	TP_printk("%s tid=%d value=%d", __get_str(provider), __entry->tid,
		  __entry->value)
);

#define PICO_THREAD_EVENT(name)						\
	DEFINE_EVENT(pico_thread_class, name,				\
		TP_PROTO(struct pico_thread *thread, int value),	\
		TP_ARGS(thread, value))

/* value: 0 or the error; of suspend and resume the count before; of
 * terminate_thread the status; of an APC whether it was used
 */
PICO_THREAD_EVENT(pico_start_process);
PICO_THREAD_EVENT(pico_thread_created);
PICO_THREAD_EVENT(pico_exit_thread);
PICO_THREAD_EVENT(pico_suspend_thread);
PICO_THREAD_EVENT(pico_resume_thread);
PICO_THREAD_EVENT(pico_terminate_thread);
PICO_THREAD_EVENT(pico_apc);

TRACE_EVENT(pico_native_call_ended,
	TP_PROTO(struct pico_thread *thread, long native, long ret),
	TP_ARGS(thread, native, ret),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__field(long, native)
		__field(long, ret)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		__entry->native = native;
		__entry->ret = ret;
	),
	TP_printk("%s native=%ld ret=%ld", __get_str(provider),
		  __entry->native, __entry->ret)
);

TRACE_EVENT(pico_signal,
	TP_PROTO(struct pico_thread *thread, const kernel_siginfo_t *info,
		 bool taken),
	TP_ARGS(thread, info, taken),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(thread->process))
		__field(int, signo)
		__field(int, code)
		__field(bool, taken)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(thread->process));
		__entry->signo = info->si_signo;
		__entry->code = info->si_code;
		__entry->taken = taken;
	),
	TP_printk("%s sig=%d code=%d taken=%d", __get_str(provider),
		  __entry->signo, __entry->code, __entry->taken)
);

DECLARE_EVENT_CLASS(pico_process_class,
	TP_PROTO(struct pico_process *process, int value),
	TP_ARGS(process, value),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(process))
		__field(pid_t, pid)
		__field(int, value)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(process));
		__entry->pid = pid_nr(process->pid);
		__entry->value = value;
	),
	TP_printk("%s pid=%d value=%d", __get_str(provider), __entry->pid,
		  __entry->value)
);

#define PICO_PROCESS_EVENT(name)					\
	DEFINE_EVENT(pico_process_class, name,				\
		TP_PROTO(struct pico_process *process, int value),	\
		TP_ARGS(process, value))

/* value: of prepare_process the error; of the end and of requests for it the
 * status, if somebody asked for one; of the image name 0
 */
PICO_PROCESS_EVENT(pico_prepare_process);
PICO_PROCESS_EVENT(pico_terminate_process);
PICO_PROCESS_EVENT(pico_exit_process);
PICO_PROCESS_EVENT(pico_process_gone);
PICO_PROCESS_EVENT(pico_image_name);

/* taken: the provider sees to it; else pico_terminate_process follows. */
TRACE_EVENT(pico_terminate_request,
	TP_PROTO(struct pico_process *process, int status, bool taken),
	TP_ARGS(process, status, taken),
	TP_STRUCT__entry(
		__string(provider, pico_trace_provider(process))
		__field(pid_t, pid)
		__field(int, status)
		__field(bool, taken)
	),
	TP_fast_assign(
		pico_assign_str(provider, pico_trace_provider(process));
		__entry->pid = pid_nr(process->pid);
		__entry->status = status;
		__entry->taken = taken;
	),
	TP_printk("%s pid=%d status=%d taken=%d", __get_str(provider),
		  __entry->pid, __entry->status, __entry->taken)
);

TRACE_EVENT(pico_host,
	TP_PROTO(const struct pico_host *host, const char *what, long result),
	TP_ARGS(host, what, result),
	TP_STRUCT__entry(
		__string(provider, host->provider->routines->name)
		__string(what, what)
		__field(long, result)
	),
	TP_fast_assign(
		pico_assign_str(provider, host->provider->routines->name);
		pico_assign_str(what, what);
		__entry->result = result;
	),
	TP_printk("%s %s = %ld", __get_str(provider), __get_str(what),
		  __entry->result)
);

#endif /* _PICO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
