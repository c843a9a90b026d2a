/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scaling_growth: a fit as JSON; see scaling.h. */
#include "reports/scaling.h"

json_t *growth_json(const struct growth *growth)
{
	json_t *json, *local = json_array(), *rivals = json_array(), *fits = json_array();

	for (size_t i = 0; i + 1 < growth->count; i++)
		json_array_append_new(local, json_real(growth->local[i]));
	if (!growth->is_known) {
		json_decref(rivals);
		json_decref(fits);
		return json_pack("{s:o, s:i, s:i}", "local", local, "sizes", (int)growth->count,
				 "sizes_wanted", GROWTH_SIZES_LEAST);
	}
	for (int i = 0; i < GROWTH_CLASSES; i++) {
		if (!growth->is_rival[i])
			continue;
		json_array_append_new(rivals, json_string(growth_class_names[i]));
		json_array_append_new(fits, json_pack("[f, f]", growth->rival_constants[i],
						      growth->rival_factors[i]));
	}
	json = json_pack("{s:s, s:f, s:f, s:f, s:[f, f], s:o, s:f, s:o, s:o, s:f, s:i}", "class",
			 growth_class_names[growth->class], "constant", growth->constant, "factor",
			 growth->factor, "exponent", growth->exponent, "interval",
			 growth->exponent_low, growth->exponent_high, "local", local, "noise",
			 growth->noise, "rivals", rivals, "rival_fits", fits, "largest",
			 growth->largest, "sizes", (int)growth->count);
	if (growth->misfit > 0)
		json_object_set_new(json, "misfit", json_real(growth->misfit));
	if (growth->apart_size > 0)
		json_object_set_new(json, "apart_size", json_real(growth->apart_size));
	if (growth->break_size > 0)
		json_object_set_new(json, "break",
				    json_pack("{s:f, s:f, s:f}", "size", growth->break_size,
					      "before", growth->before, "after", growth->after));
	return json;
}
