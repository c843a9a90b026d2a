/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function_code: see function_code.h. */
#include "collector/resolve/function_code.h"

#include "collector/base/xalloc.h"

#define UNSIZED_BYTES 64 /* of a function whose size nobody states */

static struct placement_code read_part(const struct module *module, uint64_t address,
				       uint64_t bytes)
{
	struct placement_code part = {.address = address};
	uint8_t *memory;

	if (!bytes)
		bytes = UNSIZED_BYTES;
	if (bytes > PLACEMENT_LONGEST)
		bytes = PLACEMENT_LONGEST;
	memory = xmalloc(bytes);
	part.count = module_read(module, address, memory, bytes);
	part.bytes = memory;
	return part;
}

static bool is_part_of(const struct function *part, const struct function *whole)
{
	size_t length = strlen(whole->name);

	return part->is_part && !strncmp(part->name, whole->name, length) &&
	       part->name[length] == '.';
}

static void add_part(struct function_code *code, const struct module *module,
		     const struct function *function)
{
	struct placement_code part = read_part(module, function->address, function->bytes);

	code->is_whole = code->is_whole && function->bytes && part.count == function->bytes;
	code->parts[code->count++] = part;
}

void function_code_read(const struct function_list *list, const struct function *function,
			struct function_code *code)
{
	*code = (struct function_code){.is_whole = true};
	add_part(code, list->module, function);
	for (size_t i = 0; i < list->count; i++)
		if (!is_part_of(&list->functions[i], function))
			continue;
		else if (code->count < FUNCTION_CODE_PARTS)
			add_part(code, list->module, &list->functions[i]);
		else
			code->is_whole = false;
}

void function_code_done(struct function_code *code)
{
	for (size_t i = 0; i < code->count; i++)
		free((void *)code->parts[i].bytes);
}
