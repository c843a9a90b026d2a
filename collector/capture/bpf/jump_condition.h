/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jump_condition: whether a conditional jump under a probe will be taken. */
#pragma once

#include "collector/capture/bpf/kernel.h"

#include <bpf/bpf_helpers.h>

/* Says whether a jump is taken: Intel SDM volume 1, appendix B, "EFLAGS Condition Codes". */
static __always_inline bool is_taken(__u32 condition, __u64 flags)
{
	bool carry = flags & 0x001, parity = flags & 0x004, zero = flags & 0x040;
	bool sign = flags & 0x080, overflow = flags & 0x800, holds;

	switch (condition >> 1) {
	case 0:
		holds = overflow;
		break;
	case 1:
		holds = carry;
		break;
	case 2:
		holds = zero;
		break;
	case 3:
		holds = carry || zero;
		break;
	case 4:
		holds = sign;
		break;
	case 5:
		holds = parity;
		break;
	case 6:
		holds = sign != overflow;
		break;
	case 7:
		holds = zero || sign != overflow;
		break;
	default:
		return true;
	}
	return holds != (condition & 1);
}
