/* SPDX-License-Identifier: GPL-3.0-or-later */
/* growth: see growth.h. */
#include "reports/growth.h"

#include "collector/base/xalloc.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum {
	EXPONENTS = 301, /* 0.00 ... 3.00 */
	BREAK_SIDE = 3,	 /* sizes that each side of a break has at least */
};

static const double exponent_step = 0.01;
static const double trend_alpha = 0.01;
static const double trend_least = 0.001; /* growth that is none, whatever its significance */
static const double break_evidence = 6;	 /* fall of BIC */
static const double misfit_alpha = 0.01;
static const double misfit_least = 0.02; /* less is none, whatever its significance */
static const double noise_floor = 1e-3;	 /* below it measurements count as equal */
static const double apart_noises = 3;
static const double apart_reach = 1000;

const char *const growth_class_names[GROWTH_CLASSES] = {
	"O(1)", "O(log n)", "O(√n)", "O(n)", "O(n log n)", "O(n^1.5)", "O(n²)", "O(n³)",
};

/* Medians of the costs over the sizes. */
struct medians {
	double sizes[GROWTH_SIZES], costs[GROWTH_SIZES];
	size_t count;
};

/* y = constant + factor * g */
struct line {
	double constant, factor;
};

double growth_class_value(enum growth_class class, double size)
{
	switch (class) {
	case GROWTH_LOG:
		return log2(size + 1);
	case GROWTH_ROOT:
		return sqrt(size);
	case GROWTH_LINEAR:
		return size;
	case GROWTH_LINEAR_LOG:
		return size * log2(size + 1);
	case GROWTH_THREE_HALVES:
		return size * sqrt(size);
	case GROWTH_SQUARE:
		return size * size;
	case GROWTH_CUBE:
		return size * size * size;
	default:
		return 0;
	}
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

/* Median of values that may be sorted. */
static double sort_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double growth_median(const double *values, size_t count)
{
	double *copy = xcalloc(count, sizeof(*copy)), median;

	memcpy(copy, values, count * sizeof(*copy));
	median = sort_median(copy, count);
	free(copy);
	return median;
}

/*
 * Fits costs by constant + factor * values, least squares of the relative errors, neither negative.
 *
 * @without  index to leave out; @count for none
 */
static struct line fit_line(const double *values, const double *costs, size_t count, size_t without)
{
	double ww = 0, wg = 0, gg = 0, w = 0, g = 0, determinant;
	struct line line;

	for (size_t i = 0; i < count; i++) {
		double weight = 1 / costs[i], scaled = values[i] / costs[i];

		if (i == without)
			continue;
		ww += weight * weight;
		wg += weight * scaled;
		gg += scaled * scaled;
		w += weight;
		g += scaled;
	}
	determinant = ww * gg - wg * wg;
	if (determinant > 1e-12 * ww * gg) {
		line.constant = (w * gg - g * wg) / determinant;
		line.factor = (g * ww - w * wg) / determinant;
		if (line.constant >= 0 && line.factor >= 0)
			return line;
		if (line.constant < 0 && gg > 0)
			return (struct line){0, g / gg};
	}
	return (struct line){w / ww, 0};
}

static double relative_error(struct line line, double value, double cost)
{
	double predicted = line.constant + line.factor * value;

	return fabs(log(predicted > 0 ? predicted / cost : 1e-9));
}

/* The errors of a class, each size predicted from the others. */
static void judge(const struct medians *medians, enum growth_class class, double *errors)
{
	double values[GROWTH_SIZES];

	for (size_t i = 0; i < medians->count; i++)
		values[i] = growth_class_value(class, medians->sizes[i]);
	for (size_t i = 0; i < medians->count; i++)
		errors[i] = relative_error(fit_line(values, medians->costs, medians->count, i),
					   values[i], medians->costs[i]);
}

static double mean(const double *values, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum / (double)count;
}

/* Standard error of the mean of the differences of two rows of errors. */
static double difference_error(const double *errors, const double *best, size_t count)
{
	double middle = mean(errors, count) - mean(best, count), squares = 0;

	for (size_t i = 0; i < count; i++) {
		double rest = errors[i] - best[i] - middle;

		squares += rest * rest;
	}
	return sqrt(squares / (double)(count - 1) / (double)count);
}

/* Kendall's S and its variance with ties, over all pairs of measurements; two-sided p. 0 when every
 * measurement is above all those of smaller sizes: of five that is chance once in 120 times, and
 * the normal approximation does not know it. */
static double trend_p(const struct growth_point *points, size_t count)
{
	double s = 0, n = 0, variance, ties = 0, pairs;

	for (size_t i = 0; i < count; i++) {
		double m = (double)points[i].count;

		n += m;
		ties += m * (m - 1) * (2 * m + 5);
		for (size_t j = i + 1; j < count; j++)
			for (size_t a = 0; a < points[i].count; a++)
				for (size_t b = 0; b < points[j].count; b++)
					s += (points[j].costs[b] > points[i].costs[a]) -
					     (points[j].costs[b] < points[i].costs[a]);
	}
	pairs = n * (n - 1) / 2;
	for (size_t i = 0; i < count; i++)
		pairs -= (double)points[i].count * (double)(points[i].count - 1) / 2;
	if (s >= pairs)
		return 0;
	variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
	if (fabs(s) <= 1 || variance <= 0)
		return 1;
	return 2 * gsl_cdf_ugaussian_Q((fabs(s) - 1) / sqrt(variance));
}

/* Whether costs rise with the size. A cost that falls is called constant: no class falls. */
static bool has_trend(const struct growth_point *points, const struct medians *medians)
{
	double first = medians->costs[0], last = medians->costs[medians->count - 1];

	return last > first * (1 + trend_least) && trend_p(points, medians->count) < trend_alpha;
}

static void choose_class(struct growth *growth, const struct growth_point *points,
			 const struct medians *medians)
{
	double errors[GROWTH_CLASSES][GROWTH_SIZES];
	int best = GROWTH_LOG;
	bool is_rising = has_trend(points, medians);

	for (int i = 0; i < GROWTH_CLASSES; i++) {
		judge(medians, i, errors[i]);
		growth->errors[i] = mean(errors[i], medians->count);
		if (i > GROWTH_LOG && growth->errors[i] < growth->errors[best])
			best = i;
	}
	growth->class = is_rising ? GROWTH_CLASSES : GROWTH_CONSTANT;
	for (int i = GROWTH_LOG; i < GROWTH_CLASSES; i++) {
		double above = growth->errors[i] - growth->errors[best];
		double error = difference_error(errors[i], errors[best], medians->count);

		if (above <= error / 2 + 1e-9 && (int)growth->class > i)
			growth->class = i;
		growth->is_rival[i] = is_rising && above <= error + 1e-9;
	}
	growth->is_rival[growth->class] = false;
}

static void set_coefficients(struct growth *growth, const struct medians *medians)
{
	double values[GROWTH_SIZES], squares = 0;
	struct line line;

	for (size_t i = 0; i < medians->count; i++)
		values[i] = growth_class_value(growth->class, medians->sizes[i]);
	line = fit_line(values, medians->costs, medians->count, medians->count);
	growth->constant = line.constant;
	growth->factor = line.factor;
	for (size_t i = 0; i < medians->count; i++) {
		double error = relative_error(line, values[i], medians->costs[i]);

		squares += error * error;
	}
	growth->noise = sqrt(squares / (double)(medians->count - 2));
}

/* Returns Student's quantile for an interval at 95 %. */
static double student(size_t freedom)
{
	return gsl_cdf_tdist_Pinv(0.975, (double)freedom);
}

/* Sets the exponent of a constant cost: of a straight line through the logarithms. */
static void set_straight_exponent(struct growth *growth, const struct medians *medians)
{
	double x = 0, y = 0, xx = 0, xy = 0, yy = 0, half, n = (double)medians->count;

	for (size_t i = 0; i < medians->count; i++) {
		x += log(medians->sizes[i]) / n;
		y += log(medians->costs[i]) / n;
	}
	for (size_t i = 0; i < medians->count; i++) {
		double across = log(medians->sizes[i]) - x, up = log(medians->costs[i]) - y;

		xx += across * across;
		xy += across * up;
		yy += up * up;
	}
	growth->exponent = xy / xx;
	half = student(medians->count - 2) * sqrt(fmax(yy - xy * xy / xx, 0) / (n - 2) / xx);
	growth->exponent_low = growth->exponent - half - exponent_step;
	growth->exponent_high = growth->exponent + half + exponent_step;
}

/* Squares of the relative errors that remain with an exponent. */
static double power_squares(const struct growth *growth, const struct medians *medians,
			    double exponent)
{
	double powers[GROWTH_SIZES], squares = 0;
	struct line line;

	for (size_t i = 0; i < medians->count; i++)
		powers[i] = pow(medians->sizes[i] / growth->largest, exponent);
	line = fit_line(powers, medians->costs, medians->count, medians->count);
	for (size_t i = 0; i < medians->count; i++) {
		double rest = (line.constant + line.factor * powers[i]) / medians->costs[i] - 1;

		squares += rest * rest;
	}
	return squares;
}

/* Variance of the median of a size, as the runs of the sizes differ; @freedom: what it rests on. */
static double median_variance(const struct growth_point *points, size_t count, double *freedom)
{
	double variance = 0;

	*freedom = 0;
	for (size_t i = 0; i < count; i++) {
		double n = (double)points[i].count, middle = 0, squares = 0;

		for (size_t k = 0; k < points[i].count; k++)
			middle += log(points[i].costs[k]) / n;
		for (size_t k = 0; k < points[i].count; k++)
			squares += (log(points[i].costs[k]) - middle) *
				   (log(points[i].costs[k]) - middle);
		/* A median of n normal values has pi/2 times the variance of their mean. */
		if (n > 1)
			variance += M_PI_2 * squares / (n - 1) / n / (double)count;
		*freedom += n - 1;
	}
	return variance;
}

/* Whether sizes miss the best power by more than their runs explain. */
static void find_misfit(struct growth *growth, const struct growth_point *points, size_t count,
			double squares)
{
	double freedom, rest = (double)(count - 3);
	double pure = median_variance(points, count, &freedom);

	growth->misfit = sqrt(squares / rest);
	if (freedom < 1 || growth->misfit < misfit_least ||
	    gsl_cdf_fdist_Q(squares / rest / fmax(pure, noise_floor * noise_floor), rest,
			    freedom) >= misfit_alpha)
		growth->misfit = 0;
}

static void set_exponent(struct growth *growth, const struct growth_point *points,
			 const struct medians *medians)
{
	double squares[EXPONENTS], rest = (double)(medians->count - 3), within, limit;
	int best = 0, low, high;

	if (growth->class == GROWTH_CONSTANT) {
		set_straight_exponent(growth, medians);
		return;
	}
	for (int i = 0; i < EXPONENTS; i++) {
		squares[i] = power_squares(growth, medians, i * exponent_step);
		if (squares[i] < squares[best] * (1 - 1e-9))
			best = i;
	}
	within = student(medians->count - 3);
	limit = squares[best] * (1 + within * within / rest) + 1e-12;
	for (low = best; low > 0 && squares[low - 1] <= limit;)
		low--;
	for (high = best; high + 1 < EXPONENTS && squares[high + 1] <= limit;)
		high++;
	growth->exponent = best * exponent_step;
	growth->exponent_low = fmax(low - 1, 0) * exponent_step;
	growth->exponent_high = (high + 1) * exponent_step;
	find_misfit(growth, points, medians->count, squares[best]);
}

/* Squares that remain of the logarithms after two lines that meet at size @knot. */
static double broken_squares(const struct medians *medians, size_t knot, double *before,
			     double *after)
{
	/* Normal equations of ln y = p + q u + r max(u, 0), u = ln(n / n_knot). */
	double m[3][4] = {{0}}, squares = 0;

	for (size_t i = 0; i < medians->count; i++) {
		double u = log(medians->sizes[i] / medians->sizes[knot]);
		double row[4] = {1, u, fmax(u, 0), log(medians->costs[i])};

		for (int a = 0; a < 3; a++)
			for (int b = 0; b < 4; b++)
				m[a][b] += row[a] * row[b];
	}
	for (int a = 0; a < 3; a++)
		for (int r = 0; r < 3; r++)
			for (int b = 3; r != a && b >= a; b--)
				m[r][b] -= m[a][b] * m[r][a] / m[a][a];
	for (size_t i = 0; i < medians->count; i++) {
		double u = log(medians->sizes[i] / medians->sizes[knot]);
		double rest = m[0][3] / m[0][0] + m[1][3] / m[1][1] * u +
			      m[2][3] / m[2][2] * fmax(u, 0) - log(medians->costs[i]);

		squares += rest * rest;
	}
	*before = m[1][3] / m[1][1];
	*after = *before + m[2][3] / m[2][2];
	return squares;
}

/* Bayes' criterion of a fit with @parameters whose logarithms miss by @squares in sum. */
static double criterion(double squares, size_t count, double parameters)
{
	double floor = noise_floor * noise_floor * (double)count;
	double freedom = (double)count - parameters;

	return (double)count * log(fmax(squares, floor) / freedom) +
	       parameters * log((double)count);
}

static void find_break(struct growth *growth, const struct medians *medians)
{
	double squares = growth->noise * growth->noise * (double)(medians->count - 2);
	double least =
		criterion(squares, medians->count, growth->class == GROWTH_CONSTANT ? 1 : 3) -
		break_evidence;

	for (size_t knot = BREAK_SIDE - 1; knot + BREAK_SIDE <= medians->count; knot++) {
		double before, after;
		double broken = criterion(broken_squares(medians, knot, &before, &after),
					  medians->count, 4);

		if (broken >= least)
			continue;
		least = broken;
		growth->break_size = medians->sizes[knot];
		growth->before = before;
		growth->after = after;
	}
}

/* Fits the rivals, and says where they would be told apart. */
static void find_apart(struct growth *growth, const struct medians *medians)
{
	double apart = log1p(apart_noises * fmax(growth->noise, noise_floor));

	for (int rival = 0; rival < GROWTH_CLASSES; rival++) {
		double values[GROWTH_SIZES], size = growth->largest;
		struct line line;

		if (!growth->is_rival[rival])
			continue;
		for (size_t i = 0; i < medians->count; i++)
			values[i] = growth_class_value(rival, medians->sizes[i]);
		line = fit_line(values, medians->costs, medians->count, medians->count);
		growth->rival_constants[rival] = line.constant;
		growth->rival_factors[rival] = line.factor;
		while (size < growth->largest * apart_reach &&
		       relative_error(line, growth_class_value(rival, size),
				      growth_at(growth, size)) < apart)
			size *= 1.1;
		if (size < growth->largest * apart_reach)
			growth->apart_size = fmax(growth->apart_size, size);
	}
}

void growth_fit(struct growth *growth, const struct growth_point *points, size_t count)
{
	struct medians medians = {.count = count < GROWTH_SIZES ? count : GROWTH_SIZES};

	*growth = (struct growth){.count = medians.count};
	for (size_t i = 0; i < medians.count; i++) {
		medians.sizes[i] = points[i].size;
		medians.costs[i] = growth_median(points[i].costs, points[i].count);
		growth->largest = points[i].size;
		if (i)
			growth->local[i - 1] = log(medians.costs[i] / medians.costs[i - 1]) /
					       log(medians.sizes[i] / medians.sizes[i - 1]);
	}
	if (medians.count < GROWTH_SIZES_LEAST)
		return;
	growth->is_known = true;
	choose_class(growth, points, &medians);
	set_coefficients(growth, &medians);
	set_exponent(growth, points, &medians);
	find_apart(growth, &medians);
	find_break(growth, &medians);
}

double growth_at(const struct growth *growth, double size)
{
	return growth->constant + growth->factor * growth_class_value(growth->class, size);
}

double growth_size_of(const struct growth *growth, double cost)
{
	double low = 1, high = 1e15;

	if (growth_at(growth, low) > cost)
		return 0;
	if (growth_at(growth, high) <= cost)
		return INFINITY;
	for (int i = 0; i < 200 && high / low > 1 + 1e-12; i++) {
		double middle = sqrt(low * high);

		if (growth_at(growth, middle) <= cost)
			low = middle;
		else
			high = middle;
	}
	return low;
}
