/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reduction by powers of two, then a series. */
#include "sim/decision/elementary.h"

#include <math.h>

static const double LN2 = 0.693147180559945309417;
static const double LIMIT = 700;

double elementary_exp(double x)
{
	if (x < -LIMIT)
		return 0;
	if (x > LIMIT)
		x = LIMIT;
	int power = (int)floor(x / LN2 + 0.5);
	double rest = x - power * LN2, sum = 1;
	for (int i = 16; i > 0; i--) /* |rest| <= 0.35: rest^16/16! is below 1e-20 */
		sum = 1 + sum * rest / i;
	return ldexp(sum, power);
}

double elementary_log(double x)
{
	int power;
	double fraction = frexp(x, &power);
	if (fraction < 0.70710678118654752) {
		fraction *= 2;
		power--;
	}
	/* ln f = 2 (t + t^3/3 + t^5/5 ...), t = (f - 1) / (f + 1), |t| <= 0.172 */
	double t = (fraction - 1) / (fraction + 1), square = t * t, sum = 0;
	for (int i = 21; i > 0; i -= 2)
		sum = 1.0 / i + sum * square;
	return power * LN2 + 2 * t * sum;
}
