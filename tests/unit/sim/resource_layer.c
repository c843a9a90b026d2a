/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mapped grid against sums by hand; what is taken and grows; no place for the file. */
#include "sim/resource_layer.h"

#include "sim/resources.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static struct parameters parameters;
static struct resources resources;
static struct observation_view view;
static float values[CHANNEL_COUNT * OBSERVATION_CELLS_MAXIMUM];
static uint32_t radius;
static struct error error;

static void make(void)
{
	parameters_default(&parameters, 30);
	radius = OBSERVATION_RADIUS;
	parameters.resources = 400;
	parameters.width = 40;
	parameters.height = 30;
	parameters.world.resource_layer = RESOURCE_LAYER_MEMMAP;
	cr_assert_eq(resources_init(&resources, &parameters, &error), 0, "%s", error.text);
}

static void drop(void)
{
	resources_done(&resources);
}

TestSuite(resource_layer, .init = make, .fini = drop);

static void read_window(int32_t cell_x, int32_t cell_y)
{
	struct spatial_found found = {0};
	memset(values, 0, sizeof(values));
	observation_lay(&view, radius, values, cell_x, cell_y);
	resources.layer.kind->read(&resources.layer, &resources, &found, &view);
	spatial_found_done(&found);
}

/* What a cell of the world has to show: its amounts as a share of one resource's maximum. */
static float expected(int32_t column, int32_t row)
{
	float sum = 0;
	for (uint32_t id = 0; id < resources.count; id++) {
		int32_t x = (int32_t)resources.x[id], y = (int32_t)resources.y[id];
		if (x == column && y == row)
			sum += resources.amount[id];
	}
	return sum < 30 ? sum / 30 : 1;
}

static void check_window(int32_t cell_x, int32_t cell_y)
{
	read_window(cell_x, cell_y);
	const int32_t reach = (int32_t)radius, side = 2 * reach + 1;
	for (int32_t i = 0; i < side * side; i++) {
		int32_t column = cell_x - reach + i % side;
		int32_t row = cell_y - reach + i / side;
		cr_assert_eq(view.values[CHANNEL_RESOURCES][i], expected(column, row), "%d %d",
			     column, row);
	}
}

Test(resource_layer, memmap_shows_each_cell_s_sum_and_nothing_outside)
{
	for (int32_t y = 0; y <= 30; y += 5)
		for (int32_t x = 0; x <= 40; x += 5)
			check_window(x, y);
}

Test(resource_layer, memmap_reads_windows_of_every_radius)
{
	for (radius = 1; radius <= PARAMETERS_RADIUS_MAXIMUM; radius++) {
		check_window(0, 0);
		check_window(17, 29);
	}
}

Test(resource_layer, memmap_is_exact_after_taking_and_growing)
{
	for (uint32_t id = 0; id < resources.count; id += 2)
		resources_take(&resources, id, 3 + (float)(id % 28));
	check_window(20, 15);
	check_window(3, 27);
	resources_regenerate(&resources);
	check_window(20, 15);
	check_window(3, 27);
}

Test(resource_layer, memmap_reads_a_world_smaller_than_the_window)
{
	drop();
	parameters.width = 7;
	parameters.height = 6;
	cr_assert_eq(resources_init(&resources, &parameters, &error), 0);
	check_window(0, 0);
	check_window(6, 5);
}

Test(resource_layer, the_far_border_is_in_the_last_cell)
{
	for (uint32_t id = 0; id < resources.count; id++)
		resources.amount[id] = 0;
	resources.x[0] = 40;
	resources.y[0] = 30;
	resources.amount[0] = 15;
	resources.layer.kind->rebuild(&resources.layer, &resources);
	read_window(39, 29);
	cr_assert_eq(view.values[CHANNEL_RESOURCES][OBSERVATION_CELLS / 2], 0.5F);
}

Test(resource_layer, nothing_is_left_in_the_folder)
{
	char folder[] = "/tmp/sim-layer-XXXXXX";
	struct resource_layer layer;
	cr_assert(mkdtemp(folder));
	setenv("TMPDIR", folder, 1);
	cr_assert_eq(resource_layer_open(&layer, RESOURCE_LAYER_MEMMAP, 10, 10, &error), 0);
	cr_assert_eq(rmdir(folder), 0); /* empty while the layer is in use */
	resource_layer_close(&layer);
}

Test(resource_layer, no_folder_and_no_room_are_told_with_a_remedy)
{
	struct resource_layer layer;
	setenv("TMPDIR", "/nonexistent", 1);
	cr_assert_eq(resource_layer_open(&layer, RESOURCE_LAYER_MEMMAP, 10, 10, &error), -ENOENT);
	cr_assert(strstr(error.text, "/nonexistent"));
	cr_assert(strstr(error.text, "TMPDIR"));
	/* A limit stands for a full disk. */
	struct rlimit little = {.rlim_cur = 1000000, .rlim_max = RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &little);
	setenv("TMPDIR", "/tmp", 1);
	cr_assert_eq(resource_layer_open(&layer, RESOURCE_LAYER_MEMMAP, 1000, 1000, &error),
		     -EFBIG);
	cr_assert(strstr(error.text, "cannot reserve 4.0 MB"), "%s", error.text);
	cr_assert(strstr(error.text, "TMPDIR"));
}

static double bilinear_sum(void)
{
	struct resource_layer layer;
	struct spatial_found found = {0};
	double sum = 0;
	cr_assert_eq(resource_layer_open(&layer, RESOURCE_LAYER_BILINEAR, 40, 30, &error), 0);
	memset(values, 0, sizeof(values));
	observation_lay(&view, radius, values, 20, 15);
	layer.kind->read(&layer, &resources, &found, &view);
	for (size_t i = 0; i < observation_cells(radius); i++)
		sum += view.values[CHANNEL_RESOURCES][i];
	resource_layer_close(&layer);
	spatial_found_done(&found);
	return sum;
}

static void expect_conserved_mass(float reach, double least)
{
	double mass = 0;
	for (uint32_t id = 0; id < resources.count; id++) {
		bool inside =
			fabsf(resources.x[id] - 20) < reach && fabsf(resources.y[id] - 15) < reach;
		bool near = fabsf(resources.x[id] - 20) <= reach + 1 &&
			    fabsf(resources.y[id] - 15) <= reach + 1;
		if (near && !inside)
			resources.amount[id] = 0;
		else if (inside)
			mass += (double)resources.amount[id] / 30;
	}
	cr_assert_gt(mass, least);
	cr_assert_float_eq(bilinear_sum(), mass, 1e-3);
}

Test(resource_layer, bilinear_conserves_the_mass_inside_the_window)
{
	expect_conserved_mass(6, 10);
}

Test(resource_layer, bilinear_conserves_the_mass_inside_a_wider_window)
{
	radius = 11;
	expect_conserved_mass(11, 30);
}
