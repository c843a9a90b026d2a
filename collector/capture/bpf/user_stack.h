/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * user_stack: copies of a thread's user registers and stack, from inside BPF programs.
 */
#pragma once

#include "collector/capture/bpf/kernel.h"

#include <bpf/bpf_helpers.h>

#define USER_STACK_BYTES 32768
#define USER_STACK_PAGE	 4096
#define USER_CODE_32	 0x23 /* arch/x86/include/asm/segment.h, __USER32_CS */

/* Copies the stack of a task page by page, up to the first that is not there; @other is NULL for
 * the current one. */
static inline __u32 user_stack_copy(__u8 *to, __u64 sp, struct task_struct *other)
{
	__u32 copied = 0;

	for (int i = 0; i <= USER_STACK_BYTES / USER_STACK_PAGE; i++) {
		__u32 bytes = USER_STACK_PAGE - ((sp + copied) & (USER_STACK_PAGE - 1));
		long result;

		if (copied > USER_STACK_BYTES - USER_STACK_PAGE)
			break;
		if (other)
			result = bpf_copy_from_user_task(to + copied, bytes, (void *)(sp + copied),
							 other, 0);
		else
			result = bpf_probe_read_user(to + copied, bytes, (void *)(sp + copied));
		if (result)
			break;
		copied += bytes;
	}
	return copied;
}

/* @to  by DWARF number; returns whether the code is 32 bits wide */
static inline bool user_stack_registers(__u64 *to, const struct pt_regs *user)
{
	to[0] = user->ax;
	to[1] = user->dx;
	to[2] = user->cx;
	to[3] = user->bx;
	to[4] = user->si;
	to[5] = user->di;
	to[6] = user->bp;
	to[7] = user->sp;
	to[8] = user->r8;
	to[9] = user->r9;
	to[10] = user->r10;
	to[11] = user->r11;
	to[12] = user->r12;
	to[13] = user->r13;
	to[14] = user->r14;
	to[15] = user->r15;
	to[16] = user->ip;
	return user->cs == USER_CODE_32;
}
