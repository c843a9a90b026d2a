/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_schema: see profile_schema.h. The assembler copies the file in at build time. */
#include "collector/profile/profile_schema.h"

__asm__(".section .rodata\n"
	".global profile_schema\n"
	"profile_schema:\n"
	".incbin \"collector/profile/profile.sql\"\n"
	".byte 0\n"
	".previous\n");
