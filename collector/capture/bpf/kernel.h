/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel: the few fields of the kernel's structures that our BPF programs read.
 *
 * Only names and types matter here: libbpf finds the offsets of the running kernel in its own type
 * information when a program is loaded (CO-RE), so the order is free and what is not read is left
 * out. That replaces a generated vmlinux.h of 130,000 lines.
 * Source: include/linux/sched.h, mm_types.h, uprobes.h and asm/ptrace.h of Linux 5.8 to 6.18.
 */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sched_entity {
	__u64 sum_exec_runtime; /* ns of CPU time up to the last switch or tick */
};

struct linux_binprm;

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

/* Of a thread or a process. */
struct pid {
	unsigned int level; /* of its namespace; the machine's own is 0 */
	struct upid numbers[1];
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;	    /* threads that have not begun to end */
	unsigned int flags; /* SIGNAL_GROUP_EXIT: all of them end */
};

struct xol_area {
	unsigned long vaddr; /* [uprobes]: what a hijacked return address points to */
};

struct uprobes_state {
	struct xol_area *xol_area;
};

struct mm_struct {
	unsigned long start_stack; /* of the first thread: where a program's arguments begin */
	struct uprobes_state uprobes_state;
};

struct thread_struct {
	unsigned long fsbase; /* where the C library describes the thread: its stack ends below */
};

/* A return that a probe waits for. */
struct return_instance {
	unsigned long stack; /* where the return address stands */
	unsigned long orig_ret_vaddr;
	struct return_instance *next; /* outward */
};

struct uprobe_task {
	struct return_instance *return_instances;
	unsigned long vaddr;	 /* of the probed instruction, */
	unsigned long xol_vaddr; /* which is executed here, */
	void *active_uprobe;	 /* as long as this is set */
};

struct task_struct {
	unsigned int __state; /* 0: runnable */
	unsigned int flags;
	int on_cpu;		/* runs at this moment */
	int pid;		/* of the thread */
	int tgid;		/* of the process */
	struct pid *thread_pid; /* NULL: it has been given back */
	struct task_struct *group_leader;
	struct signal_struct *signal;
	__u64 start_time;
	struct mm_struct *mm; /* NULL: no user memory, or given back already */
	struct sched_entity se;
	struct uprobe_task *utask;
	struct thread_struct thread;
	void *perf_event_ctxp; /* NULL: none of perf's events is on it */
};

/* Registers of user code, as saved where the kernel was entered. */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, ip, sp;
	unsigned long cs; /* 16 bits wide in newer kernels */
	unsigned long flags;
};

struct perf_regs {
	struct pt_regs *regs; /* NULL: no user code was running */
};

/* What perf has already found for a sample when it asks the program. */
struct perf_sample_data {
	__u64 time;
	__u64 stack_user_size; /* of the copy that it will make, at most */
	struct perf_regs regs_user;
};

struct bpf_perf_event_data_kern {
	struct perf_sample_data *data;
};

struct bpf_iter__task {
	struct task_struct *task; /* NULL after the last one */
};

#pragma clang attribute pop
