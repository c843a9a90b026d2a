/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine: what a profile says of the machine it was recorded on. */
#pragma once

#include "collector/profile/profile.h"

/* Sets meta host, kernel, cpu_model, cpu_count, libc; what cannot be read is left out. */
void machine_describe(struct profile *profile);
