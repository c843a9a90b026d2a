/* SPDX-License-Identifier: GPL-3.0-or-later */
/* student: see student.h. */
#include "collector/base/student.h"

#include <stddef.h>

double student_95(uint32_t degrees)
{
	static const double points[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
					2.262,	2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
					2.110,	2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
					2.060,	2.056, 2.052, 2.048, 2.045, 2.042};
	size_t count = sizeof(points) / sizeof(*points);

	return degrees <= count ? points[degrees - 1] : 1.96 + 2.5 / degrees;
}
