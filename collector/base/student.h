/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * student: how wide an interval is whose variance comes from few values.
 */
#pragma once

#include <stdint.h>

/* Returns half of the width of an interval at 95 %, in standard errors: the 97.5 % point of
 * Student's t. @degrees of freedom, at least 1. */
double student_95(uint32_t degrees);
