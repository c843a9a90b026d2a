/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison_run: see comparison_run.h. */
#include "reports/comparison_run.h"

#include "collector/base/xalloc.h"
#include "reports/comparison_level.h"
#include "reports/measured_steps.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <nettle/sha2.h>

enum {
	NAME_LIMIT = 300, /* bytes of a name that are shown */
	RUST_DIGITS = 16, /* of the hash at the end of a name */
};

void comparison_names_forget(struct comparison_names *names)
{
	HASH_CLEAR(hh, names->index);
	for (size_t i = 0; i < names->rows_count; i++) {
		free(names->rows[i]->key);
		free(names->rows[i]->name);
		free(names->rows[i]->module);
		free(names->rows[i]->file);
		free(names->rows[i]);
	}
	free(names->rows);
	names->rows = NULL;
	names->rows_count = names->rows_capacity = 0;
}

void comparison_names_done(struct comparison_names *names)
{
	comparison_names_forget(names);
	comparison_level_done(names);
}

/* Length of @name without a clone's suffix at its end; @length when there is none. */
static size_t without_suffix(const char *name, size_t length)
{
	static const char *const suffixes[] = {".isra", ".constprop", ".part",
					       ".cold", ".lto_priv",  ".llvm"};
	size_t end = length;

	while (end && isdigit((unsigned char)name[end - 1]))
		end--;
	if (end < length && end && name[end - 1] == '.')
		end--;
	else
		end = length;
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		size_t bytes = strlen(suffixes[i]);

		if (end > bytes && !memcmp(name + end - bytes, suffixes[i], bytes))
			return end - bytes;
	}
	return length;
}

/* Says whether what follows an '@' in a name is a symbol's version: "@GLIBC_2.34", "GLIBC_PRIVATE";
 * but not "plt", nor the file that browsers put there ("App.js:10"). */
static bool is_version(const char *text)
{
	const char *part = strchr(text, '_');

	return *text == '@' || (isupper((unsigned char)*text) && part &&
				(isdigit((unsigned char)part[1]) || !strcmp(part, "_PRIVATE")));
}

/* Cuts what names that nobody demangled have at their ends: a symbol's version, and the hash that
 * Rust's compiler adds ("::h" and 16 digits). */
static void cut_decoration(char *name)
{
	char *at = strchr(name, '@'), *hash;

	if (at && at > name && is_version(at + 1))
		*at = '\0';
	hash = strrchr(name, ':');
	if (hash && hash - name > 1 && hash[-1] == ':' && hash[1] == 'h' &&
	    strlen(hash + 2) == RUST_DIGITS && strspn(hash + 2, "0123456789abcdef") == RUST_DIGITS)
		hash[-1] = '\0';
}

char *comparison_base_name(const char *name)
{
	char *base = xstrdup(name);
	size_t length, shorter;

	/* Demanglers write "step(int) [clone .isra.0] [clone .cold]". */
	for (char *clone; (clone = strstr(base, " [clone ."));)
		*clone = '\0';
	length = strlen(base);
	while ((shorter = without_suffix(base, length)) < length)
		length = shorter;
	base[length] = '\0';
	cut_decoration(base);
	return base;
}

/* Returns @text as it may be shown, owned by the caller. */
static char *shown(const char *text)
{
	struct obstack memory;
	char *copy;

	obstack_init(&memory);
	copy = xstrdup(text_plain(&memory, text, NAME_LIMIT));
	obstack_free(&memory, NULL);
	return copy;
}

static struct comparison_function *find_or_add(struct comparison_names *names, const char *name,
					       const char *module, const char *file)
{
	struct comparison_function *function;
	char *key = xasprintf("%s\n%s\n%s", name, module, file);

	HASH_FIND_STR(names->index, key, function);
	if (function) {
		free(key);
		return function;
	}
	function = xcalloc(1, sizeof(*function));
	function->key = key;
	function->id = names->rows_count;
	function->name = shown(name);
	function->module = shown(module);
	function->file = xstrdup("");
	HASH_ADD_KEYPTR(hh, names->index, function->key, strlen(function->key), function);
	xgrow(names->rows, names->rows_count, names->rows_capacity);
	names->rows[names->rows_count++] = function;
	return function;
}

const char *comparison_module_name(const struct report *report, uint32_t module)
{
	const char *name = symbol_base_name(report->profile->modules[module].path);

	return strcmp(name, report_program(report)) ? name : "[program]";
}

static uint32_t name_symbol(struct comparison_names *names, const struct report *report,
			    const struct symbol *symbol)
{
	const struct profile *profile = report->profile;
	const char *module = comparison_module_name(report, symbol->module);
	const char *file = symbol->file ? profile->files[symbol->file] : "";
	const struct comparison_coarse *coarse = comparison_level_find(names, module);
	bool is_named = symbol->named && (!coarse || coarse->has_names);
	char *base = comparison_base_name(symbol->label);
	struct comparison_function *function;

	if (is_named)
		function = find_or_add(names, base, module,
				       comparison_level_file(names, base, module, file));
	else
		function = find_or_add(names, "[no symbol]", module, "");
	free(base);
	if (is_named && *file) {
		free(function->file);
		function->file = shown(file);
		function->line = symbol->line;
	}
	return function->id;
}

/* The function of each symbol, and for each symbol the first one of the same function. */
struct pairing {
	uint32_t *function_of_symbol;
	uint32_t *same;
};

/* Only symbols that a stack can have become functions: the table has one for each frame, too. */
static struct pairing pair(struct comparison_names *names, const struct report *report)
{
	const struct profile *profile = report->profile;
	uint32_t count = report->symbols.count, *first;
	struct pairing pairing = {
		.function_of_symbol = xcalloc(count, sizeof(uint32_t)),
		.same = xcalloc(count, sizeof(uint32_t)),
	};

	memset(pairing.function_of_symbol, 0xff, count * sizeof(uint32_t));
	for (uint32_t frame = 1; frame < profile->frames_count; frame++)
		for (uint32_t depth = symbol_depth(profile, frame); depth--;) {
			uint32_t symbol = symbol_at(profile, frame, depth).symbol;

			if (pairing.function_of_symbol[symbol] == UINT32_MAX)
				pairing.function_of_symbol[symbol] = name_symbol(
					names, report, &report->symbols.symbols[symbol]);
		}
	first = xcalloc(names->rows_count, sizeof(*first));
	for (uint32_t i = 1; i < count; i++) {
		uint32_t function = pairing.function_of_symbol[i];

		if (function == UINT32_MAX)
			continue;
		if (!first[function])
			first[function] = i;
		pairing.same[i] = first[function];
	}
	free(first);
	return pairing;
}

/* Standard error of the logarithm of a share whose 95 % interval is known. */
static double log_error(const struct function_cost *cost, double all)
{
	double share = cost->value / all;

	return share > 0 ? (cost->share.high - cost->share.low) / (2 * 1.96 * share) : INFINITY;
}

static void take_costs(struct comparison_run *run, const struct functions *functions,
		       const struct pairing *pairing, double period)
{
	for (uint32_t i = 0; i < functions->count; i++) {
		const struct function_row *row = &functions->rows[i];
		struct comparison_cost *cost =
			&run->costs[pairing->function_of_symbol[row->symbol]];

		cost->self = row->self.value * period;
		cost->total = row->total.value * period;
		cost->self_samples = row->self.samples;
		cost->total_samples = row->total.samples;
		cost->self_error = log_error(&row->self, functions->value);
		cost->total_error = log_error(&row->total, functions->value);
	}
}

/* Keeps the tree of calls, whose nodes without weight are nobody's. */
static void take_nodes(struct comparison_run *run, const struct call_tree *tree,
		       const struct pairing *pairing, double period)
{
	struct call_self *self = call_tree_self(tree);

	run->nodes = xcalloc(tree->count, sizeof(*run->nodes));
	run->nodes_count = tree->count;
	for (uint32_t i = 0; i < tree->count; i++) {
		const struct call_node *node = &tree->nodes[i];

		run->nodes[i] = (struct comparison_node){
			.parent = node->parent,
			.function = i ? pairing->function_of_symbol[node->symbol] : UINT32_MAX,
			.self = (float)((double)self[i].total * period),
		};
	}
	free(self);
}

static void take_counts(struct comparison_run *run, const struct report *report,
			const struct pairing *pairing)
{
	struct work work;

	work_measure(&work, report);
	run->counts = xcalloc(work.rows_count, sizeof(*run->counts));
	for (size_t i = 0; i < work.rows_count; i++) {
		const struct work_count *row = &work.rows[i];
		uint32_t function =
			row->symbol ? pairing->function_of_symbol[row->symbol] : UINT32_MAX;

		if (row->symbol && function == UINT32_MAX)
			continue;
		run->counts[run->counts_count++] = (struct comparison_count){
			.kind = row->kind,
			.function = function,
			.statement = row->statement ? xstrdup(row->statement) : NULL,
			.value = row->value,
			.exact = row->exact,
		};
	}
	work_done(&work);
}

/* Adds a text with its length, so that no two lists of texts are the same bytes. */
static void hash_text(struct sha256_ctx *hash, const char *text)
{
	uint64_t length = text ? strlen(text) : UINT64_MAX;

	sha256_update(hash, sizeof(length), (const uint8_t *)&length);
	if (text)
		sha256_update(hash, strlen(text), (const uint8_t *)text);
}

/* Of recordings that do not know where and when they began, what is in them says which they are. */
static char *hash_content(const struct profile *profile)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash;
	char *text = xcalloc(2 * sizeof(digest) + 1, 1);

	sha256_init(&hash);
	for (size_t i = 0; i < profile->meta_count; i++) {
		hash_text(&hash, profile->meta[i].key);
		hash_text(&hash, profile->meta[i].text);
		sha256_update(&hash, sizeof(int64_t), (const uint8_t *)&profile->meta[i].number);
	}
	for (size_t i = 0; i < profile->samples_count; i++) {
		const struct profile_sample *sample = &profile->samples[i];
		uint64_t fields[] = {sample->time_ns, sample->value, sample->thread, sample->stack,
				     sample->metric};

		sha256_update(&hash, sizeof(fields), (const uint8_t *)fields);
	}
	sha256_digest(&hash, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return text;
}

/* Two programs of one machine may begin in one second, but not in one nanosecond as one process. */
static char *identify(const struct profile *profile)
{
	int64_t clock_ns = profile_number(profile, "start_clock_ns", 0);

	if (!clock_ns)
		return hash_content(profile);
	return xasprintf("%s, %s, %" PRId64 ", process %d", profile_text(profile, "host", ""),
			 profile_text(profile, "start_time", ""), clock_ns,
			 profile->threads_count > 1 ? profile->threads[1].pid : 0);
}

/* A clause that says what went wrong with the run, or NULL. */
static char *how_it_ended(const struct profile *profile)
{
	const char *state = profile_text(profile, "state", "");
	int64_t status = profile_number(profile, "exit_status", 0);
	if (strcmp(state, "complete") && strcmp(state, "recording"))
		return shown(*state ? state : "the file does not say how the recording ended");
	if (!strcmp(state, "recording"))
		return xstrdup("the recording did not reach its end");
	return status ? xasprintf("the program ended with status %" PRId64, status) : NULL;
}

/* Times of two machines, or of two ways to sample, are different things. */
static char *describe_machine(const struct profile *profile)
{
	char *machine, *text;

	text = xasprintf("%s, %" PRId64 " CPUs, sampled by %s",
			 profile_text(profile, "cpu_model", "unknown processor"),
			 profile_number(profile, "cpu_count", 0),
			 profile_text(profile, "engine", "an unknown engine"));
	machine = shown(text);
	free(text);
	return machine;
}

char *comparison_processor(const struct profile *profile)
{
	char *processor, *text;

	text = xasprintf("%s, %s", profile_text(profile, "cpu_model", "unknown processor"),
			 profile_text(profile, "libc", "unknown C library"));
	processor = shown(text);
	free(text);
	return processor;
}

static void write_memory(const struct profile *profile, FILE *stream)
{
	int64_t rate = profile_number(profile, "memory.rate", 0);
	const char *separator = ftell(stream) ? ", " : "";

	if (rate)
		fprintf(stream, "%s--memory-rate %" PRId64, separator, rate);
	else if (profile_meta_find(profile, "memory.processes"))
		fprintf(stream, "%s--memory", separator);
}

/* What is recorded besides costs time in the program, so runs with other options are other runs. */
static char *describe_options(const struct profile *profile)
{
	const struct {
		const char *name;
		bool is_on;
	} modes[] = {
		{"--step or --time", profile->probes_count > 0},
		{"--classic-probes", !strcmp(profile_text(profile, "probing", ""), "classic")},
		{"--hits", profile->hit_functions_count > 0},
		{"--off-cpu", profile_meta_find(profile, "off_cpu.switches") != NULL},
		{"--locks", profile_meta_find(profile, "locks") != NULL},
		{"--io", profile_meta_find(profile, "io") != NULL},
		{"--sql", profile_meta_find(profile, "sql") != NULL},
	};
	int64_t frequency = profile_number(profile, "frequency_hz", 0);
	char *options = NULL;
	size_t bytes;
	FILE *stream = xalloc_checked(open_memstream(&options, &bytes));

	if (frequency)
		fprintf(stream, "%" PRId64 " samples per second asked for", frequency);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (modes[i].is_on)
			fprintf(stream, "%s%s", ftell(stream) ? ", " : "", modes[i].name);
	write_memory(profile, stream);
	fclose(stream);
	return options;
}

static void take_modules(struct comparison_run *run, const struct report *report)
{
	const struct profile *profile = report->profile;

	run->modules = xcalloc(profile->modules_count, sizeof(*run->modules));
	for (size_t i = 1; i < profile->modules_count; i++) {
		const struct profile_module *module = &profile->modules[i];
		const char *name = comparison_module_name(report, (uint32_t)i);

		if (module->kind != PROFILE_MODULE_ELF || !module->build_id)
			continue;
		run->modules[run->modules_count++] =
			(struct comparison_module){shown(name), shown(module->build_id)};
	}
}

static char *first_bad_item(const struct trust *trust)
{
	for (int i = 0; i < trust->count; i++)
		if (trust->items[i].bad)
			return shown(trust->items[i].text);
	return NULL;
}

/* How many steps there were; 0: there were none, or it is not known. */
static uint32_t steps_of(const struct profile *profile)
{
	/* Another build may have inlined other steps. */
	if (measured_steps_are_inlined(profile))
		return 0;
	if (measured_steps_lack(profile))
		return (uint32_t)measured_steps_counted(profile);
	return (uint32_t)(profile->steps_count +
			  (uint64_t)profile_number(profile, "lost.steps", 0));
}

void comparison_run_init(struct comparison_run *run, const char *path, struct report *report,
			 struct comparison_names *names)
{
	struct functions functions;
	struct call_tree *tree;
	struct pairing pairing;

	comparison_level_lower(names, report);
	pairing = pair(names, report);
	tree = call_tree_build(
		report->profile,
		&(struct call_tree_options){.metric = report->metric, .same = pairing.same});
	functions_measure(&functions, report->profile, tree, report->metric, &report->symbols,
			  FUNCTIONS_BY_TOTAL, UINT32_MAX);
	*run = (struct comparison_run){
		.path = shown(path),
		.identity = identify(report->profile),
		.costs = xcalloc(names->rows_count, sizeof(*run->costs)),
		.costs_count = names->rows_count,
		.total = functions.value * report->period,
		.sample = functions.samples ? functions.value * report->period / functions.samples
					    : report->period,
		.samples = functions.samples,
		.steps = steps_of(report->profile),
		.metric = xstrdup(report->metric_name),
		.unit = xstrdup(report->unit),
		.machine = describe_machine(report->profile),
		.processor = comparison_processor(report->profile),
		.kernel = shown(profile_text(report->profile, "kernel", "")),
		.libc = shown(profile_text(report->profile, "libc", "")),
		.options = describe_options(report->profile),
		.probes = shown(profile_text(report->profile, "probes", "")),
		.host = shown(profile_text(report->profile, "host", "")),
		/* Of another profiler's text it is the name of a file. */
		.program = profile_meta_find(report->profile, "import.lines")
				   ? xstrdup("")
				   : shown(report_program(report)),
		.state = how_it_ended(report->profile),
		.command = shown(report_command(report)),
		.trust = first_bad_item(&report->trust),
	};
	take_costs(run, &functions, &pairing, report->period);
	take_nodes(run, tree, &pairing, report->period);
	take_counts(run, report, &pairing);
	take_modules(run, report);
	functions_done(&functions);
	call_tree_free(tree);
	free(pairing.function_of_symbol);
	free(pairing.same);
}

int comparison_run_load(struct comparison_run *run, const char *path,
			struct comparison_names *names, struct error *error)
{
	struct report report;
	int result = report_open(&report, path, error);

	if (result)
		return result;
	comparison_run_init(run, path, &report, names);
	report_done(&report);
	return 0;
}

void comparison_run_done(struct comparison_run *run)
{
	for (size_t i = 0; i < run->counts_count; i++)
		free(run->counts[i].statement);
	free(run->counts);
	free(run->path);
	free(run->identity);
	free(run->costs);
	free(run->nodes);
	free(run->metric);
	free(run->unit);
	free(run->machine);
	free(run->processor);
	for (size_t i = 0; i < run->modules_count; i++) {
		free(run->modules[i].name);
		free(run->modules[i].build_id);
	}
	free(run->modules);
	free(run->kernel);
	free(run->libc);
	free(run->options);
	free(run->probes);
	free(run->host);
	free(run->program);
	free(run->state);
	free(run->command);
	free(run->trust);
}

struct comparison_cost comparison_run_cost(const struct comparison_run *run, uint32_t function)
{
	if (function < run->costs_count)
		return run->costs[function];
	return (struct comparison_cost){0};
}
