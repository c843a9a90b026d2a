/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/flame.h"

#include "tests/unit/reports/small_profile.h"

#include <criterion/criterion.h>

struct laid_out {
	struct profile *profile;
	struct symbol_table symbols;
	struct call_tree *tree;
	struct flame_box *boxes;
};

static void lay_out(struct laid_out *laid_out, struct profile *profile)
{
	laid_out->profile = profile;
	symbol_table_init(&laid_out->symbols, profile);
	laid_out->tree = call_tree_build(profile, &(struct call_tree_options){0});
	call_tree_prune(laid_out->tree, profile->samples_count, 1000);
	laid_out->boxes = flame_layout(laid_out->tree, &laid_out->symbols);
}

static void done(struct laid_out *laid_out)
{
	free(laid_out->boxes);
	call_tree_free(laid_out->tree);
	symbol_table_done(&laid_out->symbols);
	profile_free(laid_out->profile);
}

Test(flame_layout, callees_follow_their_caller_heaviest_first_then_by_name)
{
	static const char *const expected[] = {"all", "main", "b", "x", "a", "c", "other"};
	struct profile *profile = new_profile();
	struct laid_out laid_out;

	add_stack(profile, "other", 1);
	add_stack(profile, "main;c", 2);
	add_stack(profile, "main;a", 2);
	add_stack(profile, "main;b;x", 3);
	lay_out(&laid_out, profile);
	for (uint32_t i = 0; i < laid_out.tree->count; i++)
		cr_assert_str_eq(laid_out.symbols.symbols[laid_out.boxes[i].symbol].label,
				 expected[i]);
	done(&laid_out);
}

/* Callees lie side by side from their caller's left edge; the rest of it is its self cost. */
Test(flame_layout, boxes_tile_their_caller)
{
	struct profile *profile = new_profile();
	struct laid_out laid_out;
	char folded[64];

	for (int i = 0; i < 300; i++) {
		snprintf(folded, sizeof(folded), "m%d;n%d;o%d;p%d", i % 2, i % 5, i % 17, i % 71);
		folded[strlen(folded) - (i % 3) * 3] = '\0';
		add_stack(profile, folded, 1 + i % 4);
	}
	lay_out(&laid_out, profile);
	for (uint32_t i = 0; i < laid_out.tree->count; i++) {
		const struct flame_box *box = &laid_out.boxes[i];
		uint64_t at = box->start;

		for (uint32_t j = i + 1; j < box->end; j = laid_out.boxes[j].end) {
			cr_assert_eq(laid_out.boxes[j].depth, box->depth + 1);
			cr_assert_eq(laid_out.boxes[j].start, at);
			at += laid_out.boxes[j].total;
		}
		cr_assert_eq(at + box->self, box->start + box->total);
	}
	cr_assert_eq(laid_out.boxes[0].end, laid_out.tree->count);
	done(&laid_out);
}

Test(flame_layout, labels_shorten_from_parameters_to_namespaces_to_the_head)
{
	static const struct {
		const char *label;
		int room;
		const char *text;
		bool cut;
	} cases[] = {
		{"step", 4, "step", false},
		{"environment_observe", 11, "environmen", true},
		{"world::Agent::act(int, double)", 30, "world::Agent::act(int, double)", false},
		{"world::Agent::act(int, double)", 20, "world::Agent::act", false},
		{"world::Agent::act(int, double)", 10, "act", false},
		{"std::vector<a::b>::push_back(a::b const&)", 12, "push_back", false},
		{"map<int, f(int)>::find(int)", 22, "map<int, f(int)>::find", false},
		{"(anonymous namespace)::f(int)", 25, "(anonymous namespace)::f", false},
		{"operator()(int) const", 12, "operator()", false},
		{"größenänderung", 7, "größen", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct flame_label label = flame_label(cases[i].label, cases[i].room);
		char *text = strndup(label.begin, label.bytes);

		cr_assert_str_eq(text, cases[i].text, "%zu: %s", i, text);
		cr_assert_eq(label.cut, cases[i].cut);
		free(text);
	}
}
