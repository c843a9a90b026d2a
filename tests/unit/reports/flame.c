/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/flame.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>
#include <math.h>

/* Returns the SVG of @profile, which is released. */
static char *drawn(struct profile *profile, const struct flame_options *options)
{
	struct report report;
	char *svg = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&svg, &bytes);

	report_init(&report, profile);
	flame_write(&report, options, stream);
	fclose(stream);
	report_done(&report);
	return svg;
}

struct drawn_box {
	double x, y, width, height;
	char name[128];
	unsigned samples;
};

/* Reads the next box of the static picture; false when there is none. */
static bool next_box(const char **svg, struct drawn_box *box)
{
	const char *rows_end = strstr(*svg, "</g>"), *rect = strstr(*svg, "<rect"), *samples;

	if (!rect || rect > rows_end)
		return false;
	cr_assert_eq(sscanf(rect,
			    "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\" height=\"%lf\" "
			    "fill=\"%*[^\"]\"><title>%127[^\n]",
			    &box->x, &box->y, &box->width, &box->height, box->name),
		     5);
	samples = strstr(rect, " n ");
	cr_assert(samples);
	box->samples = atoi(samples + 3);
	*svg = strstr(rect, "</rect>");
	return true;
}

static const char *rows_of(const char *svg)
{
	const char *rows = strstr(svg, "class=\"rows\"");

	cr_assert(rows);
	return rows;
}

static struct profile *random_profile(int stacks)
{
	struct profile *profile = new_profile();
	uint64_t state = 7;
	char folded[160];

	for (int i = 0; i < stacks; i++) {
		size_t used = 0;

		for (int level = 0; level < 8; level++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			used += snprintf(folded + used, sizeof(folded) - used, "%sf%u",
					 level ? ";" : "", (unsigned)(state >> 40) % (level + 2));
		}
		add_stack(profile, folded, 1 + (state >> 50) % 9);
	}
	return profile;
}

/* Every drawn box is as wide as its samples, to the hundredth of a pixel. */
Test(flame, widths_are_the_shares_of_the_samples)
{
	char *svg = drawn(random_profile(300), &(struct flame_options){0});
	const char *at = rows_of(svg);
	struct drawn_box box = {0};
	double all = 0;
	int boxes = 0;

	while (next_box(&at, &box)) {
		if (!all)
			all = box.samples;
		cr_assert_float_eq(box.width, 1176.0 * box.samples / all, 0.0051, "%s", box.name);
		cr_assert_geq(box.width, 0.99);
		boxes++;
	}
	cr_assert_gt(boxes, 100);
	free(svg);
}

/* Boxes of one row never overlap, and none sticks out of the row above it. */
Test(flame, boxes_lie_within_their_caller)
{
	char *svg = drawn(random_profile(300), &(struct flame_options){0});
	const char *at = rows_of(svg);
	double left[64], right[64], top = -1;
	struct drawn_box box = {0};

	for (int i = 0; i < 64; i++)
		left[i] = right[i] = -1;
	while (next_box(&at, &box)) {
		int row;

		top = top < 0 ? box.y : top;
		row = lround((box.y - top) / FLAME_ROW);
		cr_assert_geq(box.x, right[row] - 0.011);
		if (row) {
			cr_assert_geq(box.x, left[row - 1] - 0.011);
			cr_assert_leq(box.x + box.width, right[row - 1] + 0.021);
		}
		left[row] = box.x;
		right[row] = box.x + box.width;
	}
	free(svg);
}

Test(flame, samples_in_a_row_are_those_of_the_row_above_less_its_self_cost)
{
	struct profile *profile = new_profile();
	struct drawn_box box = {0};
	const char *at;
	char *svg;

	add_stack(profile, "main;step", 60);
	add_stack(profile, "main", 40);
	svg = drawn(profile, &(struct flame_options){0});
	at = rows_of(svg);
	next_box(&at, &box);
	cr_assert_str_eq(box.name, "all");
	next_box(&at, &box);
	cr_assert_str_eq(box.name, "main");
	cr_assert_eq(box.samples, 100);
	next_box(&at, &box);
	cr_assert_str_eq(box.name, "step");
	cr_assert_eq(box.samples, 60);
	cr_assert_not(next_box(&at, &box));
	free(svg);
}

Test(flame, narrow_callees_are_one_box_that_says_how_many)
{
	struct profile *profile = new_profile();
	char folded[32], *svg;

	add_stack(profile, "main;wide", 20000);
	for (int i = 0; i < 50; i++) {
		snprintf(folded, sizeof(folded), "main;narrow%d", i);
		add_stack(profile, folded, 5);
	}
	svg = drawn(profile, &(struct flame_options){0});
	cr_assert(strstr(svg, "<title>… 50 more (50 boxes with what they call): 1.23 %, n 250<"));
	cr_assert(strstr(svg, "3 of 53 boxes are drawn"));
	cr_assert_null(strstr(rows_of(svg), "<title>narrow"));
	free(svg);
}

Test(flame, levels_beyond_the_sixtieth_are_one_box)
{
	struct profile *profile = new_profile();
	char folded[1024] = "f", *svg;

	for (int i = 0; i < 99; i++)
		strcat(folded, ";f");
	add_stack(profile, folded, 100);
	svg = drawn(profile, &(struct flame_options){0});
	cr_assert(strstr(svg, "<title>+ 41 levels: 41 boxes, 100.00 %"));
	free(svg);
}

Test(flame, an_inlined_box_touches_its_caller)
{
	struct profile *profile = new_profile();
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/bin/sim", NULL);
	uint32_t frame = profile_frame(profile, module, 0x1000);
	struct profile_line lines[] = {
		{profile_function(profile, "inner", NULL, module, 0, 0, true), 3},
		{profile_function(profile, "outer", NULL, module, 0, 0, true), 9},
	};
	struct drawn_box outer = {0}, inner = {0};
	const char *at;
	char *svg;

	profile_frame_set_lines(profile, frame, lines, 2);
	profile_sample_add(profile, &(struct profile_sample){
					    .value = 1, .stack = profile_stack(profile, 0, frame)});
	svg = drawn(profile, &(struct flame_options){0});
	at = rows_of(svg);
	next_box(&at, &outer);
	next_box(&at, &outer);
	next_box(&at, &inner);
	cr_assert_str_eq(inner.name, "inner (inlined)");
	cr_assert_float_eq(outer.y + outer.height, inner.y, 1e-9);
	free(svg);
}

/* Long names cost bytes; boxes are given up before the limit is broken. */
Test(flame, size_is_bounded_with_names_of_ten_kilobytes)
{
	struct profile *profile = new_profile();
	char *name = xcalloc(1, 10300), *svg;

	for (int i = 0; i < 1000; i++) {
		memset(name, '<', 10240);
		snprintf(name + 10240, 50, "%d", i);
		memcpy(name, name + 10240, strlen(name + 10240));
		add_stack(profile, name, 1);
	}
	svg = drawn(profile, &(struct flame_options){0});
	cr_assert_leq(strlen(svg), FLAME_BYTES);
	cr_assert_gt(strlen(svg), FLAME_BYTES / 4);
	free(name);
	free(svg);
}

Test(flame, title_and_trust_are_in_the_picture)
{
	struct profile *profile = new_profile();
	char *svg;

	add_stack(profile, "main", 1234);
	profile_set_text(profile, "state", "recording");
	svg = drawn(profile, &(struct flame_options){0});
	cr_assert(strstr(svg, "<title>sim · 1.23 s of cpu in 1234 samples</title>"));
	cr_assert(strstr(svg, ">⚠ incomplete recording</text>"));
	cr_assert(strstr(svg, ">1234 samples</text>"));
	free(svg);
}

Test(flame, no_samples_are_a_picture_that_says_so)
{
	char *svg = drawn(new_profile(), &(struct flame_options){0});

	cr_assert(strstr(svg, "no samples: the program may have ended"));
	cr_assert(strstr(svg, "</svg>"));
	free(svg);
}

Test(flame, a_cause_from_the_file_cannot_break_the_picture)
{
	struct profile *profile = new_profile();
	char *svg;

	profile_set_text(profile, "state", "stopped: <x>\x1b the disk is full");
	svg = drawn(profile, &(struct flame_options){0});
	cr_assert(strstr(svg, "<title>sim · no samples</title>"));
	cr_assert(strstr(svg, ">no samples: &lt;x&gt;\xef\xbf\xbd the disk is full</text>"));
	cr_assert_null(strchr(svg, '\x1b'));
	free(svg);
}
