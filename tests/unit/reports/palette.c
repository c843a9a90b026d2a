/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * palette: colours of components (component.c) and of changes (flame_change.c) are told apart with
 * any kind of colour vision, and black text can be read on them.
 *
 * Simulated are people without one of the three kinds of cones. Sources: Machado, Oliveira &
 * Fernandes 2009, IEEE TVCG 15:1291, the matrices of severity 1.0, for linear RGB; IEC 61966-2-1
 * (sRGB); CIE 15 (L*a*b*, white D65); CIE76 difference; WCAG 2.2, contrast ratio.
 */
#include "reports/component.h"
#include "reports/flame_change.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <math.h>

enum vision {
	NORMAL,
	PROTAN,
	DEUTAN,
	TRITAN,
	VISIONS
};

static const char *const vision_names[VISIONS] = {"normal", "protan", "deutan", "tritan"};
static const double visions[VISIONS][3][3] = {
	[NORMAL] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	[PROTAN] = {{0.152286, 1.052583, -0.204868},
		    {0.114503, 0.786281, 0.099216},
		    {-0.003882, -0.048116, 1.051998}},
	[DEUTAN] = {{0.367322, 0.860646, -0.227968},
		    {0.280085, 0.672501, 0.047413},
		    {-0.011820, 0.042940, 0.968881}},
	[TRITAN] = {{1.255528, -0.076749, -0.178779},
		    {-0.078411, 0.930809, 0.147602},
		    {0.004733, 0.691367, 0.303900}},
};

static void multiply(const double matrix[3][3], const double in[3], double out[3])
{
	for (int i = 0; i < 3; i++) {
		out[i] = 0;
		for (int k = 0; k < 3; k++)
			out[i] += matrix[i][k] * in[k];
	}
}

static void linear(uint32_t rgb, double out[3])
{
	for (int i = 0; i < 3; i++) {
		double part = (rgb >> (16 - 8 * i) & 0xff) / 255.0;

		out[i] = part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4);
	}
}

static double cube_root(double t)
{
	return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

static void to_lab(uint32_t rgb, enum vision vision, double lab[3])
{
	static const double xyz_of_rgb[3][3] = {{0.4124564, 0.3575761, 0.1804375},
						{0.2126729, 0.7151522, 0.0721750},
						{0.0193339, 0.1191920, 0.9503041}};
	double colour[3], seen[3], xyz[3];

	linear(rgb, colour);
	multiply(visions[vision], colour, seen);
	for (int i = 0; i < 3; i++)
		seen[i] = fmin(1, fmax(0, seen[i]));
	multiply(xyz_of_rgb, seen, xyz);
	xyz[0] = cube_root(xyz[0] / 0.95047);
	xyz[1] = cube_root(xyz[1]);
	xyz[2] = cube_root(xyz[2] / 1.08883);
	lab[0] = 116 * xyz[1] - 16;
	lab[1] = 500 * (xyz[0] - xyz[1]);
	lab[2] = 200 * (xyz[1] - xyz[2]);
}

static double difference(uint32_t left, uint32_t right, enum vision vision)
{
	double a[3], b[3];

	to_lab(left, vision, a);
	to_lab(right, vision, b);
	return sqrt(pow(a[0] - b[0], 2) + pow(a[1] - b[1], 2) + pow(a[2] - b[2], 2));
}

static double luminance(uint32_t rgb)
{
	double colour[3];

	linear(rgb, colour);
	return 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2];
}

static double contrast(uint32_t left, uint32_t right)
{
	double a = luminance(left), b = luminance(right);

	return (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);
}

/* ---- components ------------------------------------------------------------------------------ */

struct named {
	struct report report;
	struct call_tree *tree;
	struct component_table components;
};

/* Six components of a program, and one that is unknown: grey and hatched. */
static void name_components(struct named *named)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t unknown = profile_module(profile, PROFILE_MODULE_UNKNOWN, "[unknown]", NULL);

	profile_thread_add(profile, 1, 1, "sim");
	for (uint32_t i = 0; i < 7; i++) {
		char file[40], name[20];
		uint32_t owner = i < 6 ? module : unknown, frame, function;

		snprintf(file, sizeof(file), "/src/sim/part%u/a.c", i);
		snprintf(name, sizeof(name), "function%u", i);
		function = profile_function(profile, name, NULL, owner,
					    i < 6 ? profile_file_name(profile, file) : 0, 1, true);
		frame = profile_frame(profile, owner, 16 * i);
		profile_frame_set_lines(profile, frame, &(struct profile_line){function, 2}, 1);
		profile_sample_add(profile, &(struct profile_sample){
						    .time_ns = i + 1,
						    .value = 1,
						    .thread = 1,
						    .stack = profile_stack(profile, 0, frame)});
	}
	report_init(&named->report, profile);
	named->tree = call_tree_build(profile, &(struct call_tree_options){0});
	component_table_init(&named->components, &named->report, named->tree);
}

static void done(struct named *named)
{
	component_table_done(&named->components);
	call_tree_free(named->tree);
	report_done(&named->report);
}

static uint32_t fill(const struct named *named, int row, int shade)
{
	return strtoul(named->components.rows[row].fill[shade] + 1, NULL, 16);
}

Test(palette, components_are_told_apart_with_any_colour_vision)
{
	struct named named;

	name_components(&named);
	cr_assert_eq(named.components.count, 7);
	for (int vision = 0; vision < VISIONS; vision++)
		for (int i = 0; i < 7; i++)
			for (int k = i + 1; k < 7; k++) {
				double apart =
					difference(fill(&named, i, 0), fill(&named, k, 0), vision);

				cr_assert_geq(apart, vision == NORMAL ? 30 : 10.8,
					      "%s and %s are %.1f apart, %s",
					      named.components.rows[i].fill[0],
					      named.components.rows[k].fill[0], apart,
					      vision_names[vision]);
			}
	done(&named);
}

Test(palette, text_is_read_on_all_shades_of_components)
{
	struct named named;

	name_components(&named);
	for (int i = 0; i < named.components.count; i++)
		for (int shade = 0; shade < COMPONENT_SHADES; shade++)
			cr_assert_geq(contrast(fill(&named, i, shade), 0x111111), 7);
	done(&named);
}

/* ---- changes --------------------------------------------------------------------------------- */

static uint32_t changed(uint64_t base, uint64_t fresh, int certainty)
{
	return flame_change_colour(
		&(struct flame_node_change){.base = base, .fresh = fresh, .certainty = certainty});
}

Test(palette, more_and_less_are_told_apart_with_any_colour_vision)
{
	for (int vision = 0; vision < VISIONS; vision++) {
		cr_assert_geq(difference(changed(100, 50, 4), changed(100, 200, 4), vision), 55,
			      "%s", vision_names[vision]);
		cr_assert_geq(difference(changed(100, 80, 4), changed(100, 125, 4), vision), 25,
			      "%s", vision_names[vision]);
	}
}

Test(palette, larger_changes_are_farther_from_grey_with_any_colour_vision)
{
	static const uint64_t fresh[][3] = {{80, 65, 50}, {125, 150, 200}};

	for (int vision = 0; vision < VISIONS; vision++)
		for (int side = 0; side < 2; side++)
			for (int i = 1; i < 3; i++)
				cr_assert_gt(difference(changed(100, fresh[side][i], 4), 0xe4e4e4,
							vision),
					     difference(changed(100, fresh[side][i - 1], 4),
							0xe4e4e4, vision),
					     "%s, %lu", vision_names[vision], fresh[side][i]);
}

/* The formulas themselves: colours whose values are known. */
Test(palette, differences_are_those_of_the_standards)
{
	double lab[3];

	to_lab(0xff0000, NORMAL, lab);
	cr_assert_float_eq(lab[0], 53.24, 0.01);
	cr_assert_float_eq(lab[1], 80.09, 0.01);
	cr_assert_float_eq(lab[2], 67.20, 0.01);
	cr_assert_float_eq(contrast(0x000000, 0xffffff), 21, 1e-9);
	/* pprof's pair of red and green, which the deutan do not see. */
	cr_assert_lt(difference(0xccaaaa, 0xaaccaa, DEUTAN), 8);
}
