/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command matrix: the bottleneck matrix of the four phases. */
#include "reports/command.h"

#include "reports/document.h"
#include "reports/matrix.h"

/* The "profile" is the folder of the phases. */
static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

static const struct argp_child children[] = {{&command_single_argp, 0, NULL, 0}, {0}};

const struct argp command_matrix_argp = {
	NULL,
	parse,
	"DIR",
	"Sets what the four phases found about each component side by side, with a priority, as "
	"Markdown. DIR is what scripts/run_all_phases filled.\v"
	"Exit status: 0 done, 1 failed.",
	children,
	NULL,
	NULL,
};

int command_matrix(int count, char **arguments)
{
	struct command_single options = {0};
	struct output output;
	struct error error;
	json_t *document;

	argp_parse(&command_matrix_argp, count, arguments, 0, NULL, &options);
	document = matrix_document(options.files.profile, &error);
	if (!document || output_open(&output, options.files.output, &error)) {
		json_decref(document);
		return command_failed(error.text);
	}
	if (options.json)
		output_json(document, output.stream);
	else
		document_write_markdown(document, output.stream);
	json_decref(document);
	return output_close(&output, &error) ? command_failed(error.text) : 0;
}
