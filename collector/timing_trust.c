/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_trust: see timing_trust.h. */
#include "collector/timing_trust.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/unwinding.h"
#include "collector/timing_plan.h"

#include <inttypes.h>

/* Empty, and called by loaders for debuggers: before a file is mapped, and before any of its code
 * runs. Source: glibc, elf/dl-debug.c; musl, ldso/dynlink.c; SVR4's r_brk. */
#define LOADER_TELLS "_dl_debug_state"

static bool is_loader(const struct module *module)
{
	const char *slash = strrchr(module->path, '/');

	return !strncmp(slash ? slash + 1 : module->path, "ld-", 3);
}

static bool unwinds(struct timing_trust *trust, struct module *module)
{
	for (size_t i = 0; i < trust->count; i++)
		if (trust->files[i].module == module)
			return trust->files[i].unwinds;
	xgrow(trust->files, trust->count, trust->capacity);
	trust->files[trust->count] = (struct timing_trust_file){
		module, module_open(module) ||
				(is_loader(module) && trust->loader &&
				 strcmp(module->path, trust->loader->path) != 0) ||
				unwinding_by(module)};
	return trust->files[trust->count++].unwinds;
}

/* Returns the loader among the files, with the place where it tells; NULL: none does. */
static struct module *find_loader(const struct program_files *files, uint64_t *offset)
{
	for (size_t i = 0; i < files->count; i++)
		if (is_loader(files->modules[i]) &&
		    timing_plan_find_place(files->modules[i], LOADER_TELLS, offset))
			return files->modules[i];
	return NULL;
}

int timing_trust_begin(struct timing_trust *trust, struct uprobe *uprobe,
		       const struct program_files *files, struct error *error)
{
	struct module *program = files->count ? files->modules[0] : NULL;
	uint64_t offset;
	int result = 0;

	trust->loader = find_loader(files, &offset);
	if (trust->loader)
		result = uprobe_attach_mark(uprobe, trust->loader->fd, offset, UPROBE_LOADS, error);
	if (!result && program && !module_open(program) &&
	    timing_place_offset(program, program->entry, &offset))
		result = uprobe_attach_mark(uprobe, program->fd, offset, UPROBE_STARTS, error);
	return result;
}

/* Who looks, and what was found. */
struct looking {
	struct timing_trust *trust;
	struct uprobe *uprobe;
	struct modules *modules;
	bool is_unwound;
};

static void look_at(void *context, pid_t pid, uint32_t state)
{
	struct looking *looking = context;
	struct program_files files = {0};
	bool is_unwound = false;

	program_files_of_process(&files, looking->modules, pid);
	for (size_t i = 0; i < files.count && !is_unwound; i++)
		is_unwound = unwinds(looking->trust, files.modules[i]);
	/* Where nothing was read the process has ended. */
	uprobe_trust(looking->uprobe, pid,
		     files.count && !is_unwound ? state : state | UPROBE_DISTRUSTED);
	looking->is_unwound |= is_unwound;
	program_files_done(&files);
}

bool timing_trust_look(struct timing_trust *trust, struct uprobe *uprobe, struct modules *modules)
{
	struct looking looking = {trust, uprobe, modules, false};
	uint32_t changes = uprobe_trust_changes(uprobe);

	if (changes == trust->seen)
		return false;
	uprobe_untrusted(uprobe, look_at, &looking);
	trust->seen = changes;
	return looking.is_unwound;
}

void timing_trust_describe(const struct uprobe *uprobe, uint32_t function, struct profile *profile)
{
	uint64_t withheld = 0;
	char key[64], note[400];

	for (size_t slot = 0; slot < uprobe_slots(uprobe); slot++)
		withheld += uprobe_slot_cell(uprobe, slot, function)->withheld;
	if (!withheld)
		return;
	snprintf(key, sizeof(key), "withheld.%u", function);
	profile_set_number(profile, key, (int64_t)withheld);
	if (profile->probes[function].mode != PROFILE_PROBE_STEP)
		return;
	snprintf(note, sizeof(note),
		 "%" PRIu64
		 " steps are missing: of programs where exceptions may pass, or that had "
		 "not been looked at yet; there a probe at the return could be fatal",
		 withheld);
	profile->probes[function].is_partial = true;
	profile_probe_set_note(profile, function, note);
}

void timing_trust_done(struct timing_trust *trust)
{
	free(trust->files);
	*trust = (struct timing_trust){0};
}
