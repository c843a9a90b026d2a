/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timing_trust: see timing_trust.h. */
#include "collector/timing_trust.h"

#include "collector/base/xalloc.h"
#include "collector/resolve/unwinding.h"
#include "collector/timing_plan.h"

#include <errno.h>
#include <inttypes.h>

/* Empty, and called by loaders for debuggers: before a file is mapped, and before any of its code
 * runs. Source: glibc, elf/dl-debug.c; musl, ldso/dynlink.c; SVR4's r_brk. */
#define LOADER_TELLS "_dl_debug_state"

#define MOST_TOLD 256 /* processes: each is held by a thread */

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

void timing_trust_begin(struct timing_trust *trust, const struct program_files *files)
{
	struct module *program = files->count ? files->modules[0] : NULL;

	trust->loader = find_loader(files, &trust->loader_offset);
	if (program && !module_open(program) &&
	    timing_place_offset(program, program->entry, &trust->program_offset))
		trust->program = program;
}

/* Has the loader of a process tell. Returns 0 or a negative errno. */
static int have_told(struct timing_trust *trust, struct uprobe *uprobe, pid_t pid,
		     struct error *error)
{
	int result = 0;

	if (trust->loader && trust->process_count >= MOST_TOLD)
		result = -E2BIG;
	else if (trust->loader)
		result = uprobe_attach_mark(uprobe, pid, trust->loader->fd, trust->loader_offset,
					    UPROBE_LOADS, error);
	xgrow(trust->processes, trust->process_count, trust->process_capacity);
	trust->processes[trust->process_count++] = (struct timing_trust_process){pid, !result};
	return result;
}

int timing_trust_watch(struct timing_trust *trust, struct uprobe *uprobe, pid_t pid,
		       struct error *error)
{
	int result = have_told(trust, uprobe, pid, error);

	if (!result && trust->program)
		result = uprobe_attach_mark(uprobe, pid, trust->program->fd, trust->program_offset,
					    UPROBE_STARTS, error);
	return result;
}

/* Who looks, and what was found. */
struct looking {
	struct timing_trust *trust;
	struct uprobe *uprobe;
	struct modules *modules;
	bool is_unwound;
};

static const struct timing_trust_process *find(const struct timing_trust *trust, pid_t pid)
{
	for (size_t i = 0; i < trust->process_count; i++)
		if (trust->processes[i].pid == pid)
			return &trust->processes[i];
	return NULL;
}

static void look_at(void *context, pid_t pid, bool is_known)
{
	struct looking *looking = context;
	struct timing_trust *trust = looking->trust;
	const struct timing_trust_process *process = find(trust, pid);
	struct program_files files = {0};
	bool is_trusted = process && process->is_told;
	struct error error;
	uint32_t state;

	if (process && is_known)
		return;
	if (!process)
		is_trusted = !have_told(trust, looking->uprobe, pid, &error);
	state = uprobe_state_of(looking->uprobe, pid);
	if (is_trusted)
		program_files_of_process(&files, looking->modules, pid);
	is_trusted &= files.count > 0;
	for (size_t i = 0; i < files.count && is_trusted; i++)
		if (unwinds(trust, files.modules[i])) {
			looking->is_unwound = true;
			is_trusted = false;
		}
	uprobe_trust(looking->uprobe, pid, is_trusted ? state : state | UPROBE_DISTRUSTED);
	program_files_done(&files);
}

bool timing_trust_look(struct timing_trust *trust, struct uprobe *uprobe, struct modules *modules)
{
	struct looking looking = {trust, uprobe, modules, false};

	if (uprobe_trust_changes(uprobe) == trust->seen)
		return false;
	trust->seen = uprobe_trust_changes(uprobe);
	uprobe_each_state(uprobe, look_at, &looking);
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
	free(trust->processes);
	*trust = (struct timing_trust){0};
}
