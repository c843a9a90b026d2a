/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libdw_walk: see libdw_walk.h. */
#include "tests/bench/oracle/libdw_walk.h"

#include "collector/base/xalloc.h"

#include <elfutils/libdwfl.h>

struct libdw_walk {
	int pid;
	Dwfl *dwfl;
	bool is_stale;

	/* What libdw's callbacks read and fill during a walk. */
	struct address_space *space;
	const struct unwind_sample *sample;
	int tid;
	uint32_t *frames;
	uint32_t count;
	bool is_blind; /* it was in code of a file that libdw has not found */
};

static pid_t next_thread(Dwfl *dwfl, void *dwfl_argument, void **thread_argument)
{
	struct libdw_walk *walk = dwfl_argument;

	(void)dwfl;
	if (*thread_argument)
		return 0;
	*thread_argument = walk;
	return walk->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *dwfl_argument, void **thread_argument)
{
	(void)dwfl;
	(void)tid;
	*thread_argument = dwfl_argument;
	return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *value, void *argument)
{
	const struct unwind_sample *sample = ((struct libdw_walk *)argument)->sample;
	uint64_t offset = address - sample->registers[CFI_SP];

	(void)dwfl;
	if (sample->stack_bytes < 8 || offset > sample->stack_bytes - 8)
		return false;
	memcpy(value, sample->stack + offset, 8);
	return true;
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct unwind_sample *sample = ((struct libdw_walk *)argument)->sample;

	dwfl_thread_state_register_pc(thread, sample->registers[CFI_IP]);
	return dwfl_thread_state_registers(thread, 0, CFI_REGISTERS, sample->registers);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = next_thread,
	.get_thread = get_thread,
	.memory_read = read_memory,
	.set_initial_registers = set_registers,
};

static int take_frame(Dwfl_Frame *frame, void *argument)
{
	struct libdw_walk *walk = argument;
	const struct code_address *code;
	bool is_exact;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &is_exact) || walk->count == UNWIND_DEPTH)
		return DWARF_CB_ABORT;
	code = address_space_find(walk->space, pc - !is_exact);
	walk->frames[walk->count++] = code->frame;
	walk->is_blind |=
		code->kind == PROFILE_MODULE_ELF && !dwfl_addrmodule(walk->dwfl, pc - !is_exact);
	return DWARF_CB_OK;
}

/* (Re)creates the session when the process maps more than last time. */
static bool open_dwfl(struct libdw_walk *walk)
{
	static char *no_debug_path = (char *)"";
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_debug_path,
	};
	Dwfl *dwfl;

	if (walk->dwfl && !walk->is_stale)
		return true;
	dwfl = dwfl_begin(&callbacks);
	if (dwfl_linux_proc_report(dwfl, walk->pid) || dwfl_report_end(dwfl, NULL, NULL) ||
	    !dwfl_attach_state(dwfl, NULL, walk->pid, &thread_callbacks, walk)) {
		dwfl_end(dwfl);
		return walk->dwfl != NULL;
	}
	if (walk->dwfl)
		dwfl_end(walk->dwfl);
	walk->dwfl = dwfl;
	walk->is_stale = false;
	return true;
}

struct libdw_walk *libdw_walk_new(const struct address_space *space)
{
	struct libdw_walk *walk = xcalloc(1, sizeof(*walk));

	walk->pid = address_space_pid(space);
	return walk;
}

void libdw_walk_changed(struct libdw_walk *walk, bool executed)
{
	walk->is_stale = true;
	if (executed && walk->dwfl) {
		dwfl_end(walk->dwfl);
		walk->dwfl = NULL;
	}
}

uint32_t libdw_walk(struct libdw_walk *walk, struct address_space *space, int tid,
		    const struct unwind_sample *sample, uint32_t *frames)
{
	walk->space = space;
	walk->sample = sample;
	walk->tid = tid;
	walk->frames = frames;
	walk->count = 0;
	walk->is_blind = false;
	if (open_dwfl(walk))
		dwfl_getthread_frames(walk->dwfl, tid, take_frame, walk);
	return walk->is_blind ? 0 : walk->count;
}

void libdw_walk_free(struct libdw_walk *walk)
{
	if (!walk)
		return;
	if (walk->dwfl)
		dwfl_end(walk->dwfl);
	free(walk);
}
