/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * elementary: exponential and logarithm with the same bits on every processor.
 *
 * The C library's choose their instructions by the processor and differ in the last bit. These are
 * sums and products of doubles in a fixed order, exact to about 1e-14 relative.
 */
#pragma once

/* e^x; 0 below -700, and e^700 above 700. */
double elementary_exp(double x);

/* The natural logarithm of a positive normal number. */
double elementary_log(double x);
