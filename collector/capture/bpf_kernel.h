/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bpf_kernel: what all sources that load BPF programs share: libbpf kept from printing, and a
 * sentence with the remedy when the kernel refuses.
 *
 * A source NAME is three files: bpf/NAME.bpf.c (kernel side), bpf/NAME.h (what both sides share),
 * NAME.c (user side), which includes the generated "NAME.skel.h".
 */
#pragma once

#include "collector/base/error.h"

#include <stdint.h>

/*
 * Prepares for loading BPF programs; to be called before any function of libbpf.
 *
 * Returns 0, or a negative errno with a sentence: -EPERM this user may not, -ENOSYS the kernel has
 * no BPF or no description of its types.
 */
int bpf_kernel_prepare(struct error *error);

/* Returns which pid namespace this process knows numbers of, as bpf/numbers.h wants it. */
uint32_t bpf_kernel_namespace(void);

/*
 * Makes a sentence of a libbpf function's failure.
 *
 * @result  the function's negative errno
 * @what    "load the off-CPU programs": completes "cannot ..."
 * Returns @result.
 */
int bpf_kernel_fail(struct error *error, int result, const char *what);
