/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/phase_scaling.h"

#include "reports/document.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The section about memory of 100 and 200 bytes at sizes 1 and 2, whose growth is of that class. */
static char *say(const char *class)
{
	json_t *scaling = json_pack(
		"{s:s, s:[{s:s, s:[{s:s, s:s, s:s, s:s, s:[{s:f, s:f}, {s:f, s:f}], s:{s:s}}], "
		"s:[]}]}",
		"over", "n", "groups", "machine", "", "rows", "name", "memory, most", "kind",
		"memory", "component", "", "unit", "bytes", "points", "size", 1.0, "median", 100.0,
		"size", 2.0, "median", 200.0, "time", "class", class, "limits");
	json_t *document = document_new("");
	char *text;

	cr_assert_not_null(scaling);
	phase_add_scaling(document, "n", "over n", scaling);
	text = json_dumps(document, 0);
	json_decref(document);
	json_decref(scaling);
	return text;
}

Test(phase_scaling, memory_that_grows_has_an_amount_for_one_more_and_constant_memory_has_none)
{
	char *grows = say("O(n)"), *stays = say("O(1)");

	cr_expect(strstr(grows, "memory: 100 bytes for one more of n, from 1 to 2"), "%s", grows);
	cr_expect_not(strstr(stays, "for one more of"));
	free(grows);
	free(stays);
}
