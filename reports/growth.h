/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * growth: how a cost grows with a size: which class of functions it belongs to, and its exponent
 * with an interval.
 *
 * Each size was measured several times; what is fitted are the medians. For every class g of
 * growth_classes the model y = a + c g(n), a and c not negative, is fitted by least squares of the
 * relative errors, and judged by leaving out one size at a time: its error is the mean of
 * |ln(predicted / measured)|. The simplest class whose error is within half a standard error of the
 * least one is the answer; those within a whole one are rivals, which cannot be told apart.
 * "Constant" is the answer exactly when the measurements show no trend (Kendall's rank correlation
 * of size and cost, p >= 0.01, and they are not in perfect order; or less than a thousandth of
 * growth).
 *
 * The exponent is b of y = a + c n^b, least squares of relative errors over b = 0.00 ... 3.00; its
 * interval (95 %) is all b whose squares are less than those of the best by t^2 (Student's, with
 * three sizes less than there are) times what remains for each of those, widened by a step of the
 * grid. So it rests on how far the sizes lie off the curve, whether runs of a size differ or the
 * machine drifted between them. The constant part is what a straight line through logarithms lacks:
 * it makes n^2 look like n^0.95. Of a constant cost that line's exponent is what is told, with the
 * line's interval, because b means nothing where c is 0.
 *
 * A misfit is told when the sizes lie further off the best such curve than their runs differ (F
 * test of the lack of fit, p < 0.01), and 2 % at least: then no one exponent is all of it, and
 * those between the sizes say more.
 *
 * A break is a size from which the cost grows otherwise: two lines in logarithms that meet there
 * are preferred to the answer when Bayes' information criterion falls by more than 6.
 *
 * Sources: Kendall 1938, Biometrika 30:81; Stone 1974, JRSS B 36:111 (leaving out one); Breiman et
 * al. 1984 (the one-standard-error rule); Beale 1960, JRSS B 22:41 (intervals by least squares);
 * Fisher 1922, JRSS 85:597 (lack of fit); Schwarz 1978, Ann. Stat. 6:461
 * (BIC); Kass & Raftery 1995, JASA 90:773 (6: strong evidence).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum growth_class {
	GROWTH_CONSTANT,
	GROWTH_LOG,
	GROWTH_ROOT,
	GROWTH_LINEAR,
	GROWTH_LINEAR_LOG,
	GROWTH_THREE_HALVES,
	GROWTH_SQUARE,
	GROWTH_CUBE,
	GROWTH_CLASSES,
};

/* "O(1)", "O(log n)", ... from the simplest on. */
extern const char *const growth_class_names[GROWTH_CLASSES];

enum {
	GROWTH_SIZES = 32,
	GROWTH_SIZES_LEAST = 5, /* fewer give no class */
};

/* One size and its measurements. */
struct growth_point {
	double size;	     /* > 0 */
	const double *costs; /* borrowed; > 0 */
	size_t count;	     /* > 0 */
};

struct growth {
	bool is_known; /* there were sizes enough; else nothing but the local exponents is set */
	enum growth_class class;
	double constant, factor; /* a and c of the class that was chosen */
	bool is_rival[GROWTH_CLASSES];
	double rival_constants[GROWTH_CLASSES], rival_factors[GROWTH_CLASSES]; /* their a and c */
	double errors[GROWTH_CLASSES]; /* of each class, leaving out one */
	double apart_size; /* size at which the nearest rival would differ by three times the noise;
			      0: there is no rival, or no such size below a thousand times the
			      largest */
	double exponent;
	double exponent_low, exponent_high;
	double misfit;	   /* relative, of the sizes to the best curve; 0: their runs explain it */
	double noise;	   /* standard deviation of ln(measured / fitted) of a median */
	double break_size; /* 0: none */
	double before, after; /* exponents on both sides of the break */
	double largest;	      /* size */
	size_t count;
	double local[GROWTH_SIZES]; /* [i]: exponent between sizes i and i+1 */
};

/*
 * Fits.
 *
 * @points  by size, ascending; at most GROWTH_SIZES are used
 */
void growth_fit(struct growth *growth, const struct growth_point *points, size_t count);

/* g(n) of a class; 0 of the constant one. */
double growth_class_value(enum growth_class class, double size);

/* What the answer predicts for a size. */
double growth_at(const struct growth *growth, double size);

/* The size at which the answer reaches @cost: 0 when it is above from the first size on, INFINITY
 * when it never gets there. */
double growth_size_of(const struct growth *growth, double cost);

/* Median of @count > 0 values, which are left as they are. */
double growth_median(const double *values, size_t count);
