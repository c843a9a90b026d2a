/* SPDX-License-Identifier: MIT */
/* clock: see clock.h. Source: vdso(7). */
#include "probe/clock.h"

#include "probe/raw.h"

#include <dlfcn.h>
#include <time.h>

static int (*in_vdso)(clockid_t clock, struct timespec *time);

void clock_prepare(void)
{
	void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_LOCAL | RTLD_NOLOAD);

	if (vdso)
		in_vdso = dlsym(vdso, "__vdso_clock_gettime");
}

uint64_t clock_now_ns(void)
{
	struct timespec time = {0};

	if (!in_vdso || in_vdso(CLOCK_MONOTONIC, &time))
		RAW_2(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
