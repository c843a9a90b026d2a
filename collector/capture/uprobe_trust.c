/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe_trust: the part of uprobe.h that says in which processes return addresses may be
 * replaced. */
#include "collector/capture/uprobe_state.h"

#include <bpf/libbpf.h>

static uint32_t look_up(const struct bpf_map *map, pid_t pid)
{
	uint32_t key = (uint32_t)pid, value = 0;

	bpf_map__lookup_elem(map, &key, sizeof(key), &value, sizeof(value), 0);
	return value;
}

static int set(const struct bpf_map *map, pid_t pid, uint32_t value)
{
	uint32_t key = (uint32_t)pid;

	return bpf_map__update_elem(map, &key, sizeof(key), &value, sizeof(value), BPF_ANY);
}

static void tell_change(struct uprobe *uprobe)
{
	__atomic_add_fetch(uprobe->trust_changes, 1, __ATOMIC_RELEASE);
}

int uprobe_trust_begin(struct uprobe *uprobe, pid_t pid, bool is_trusted)
{
	int result = set(uprobe->states, pid, 1);

	if (!result)
		result = set(uprobe->trusted, pid, is_trusted);
	tell_change(uprobe);
	return result;
}

void uprobe_trust(struct uprobe *uprobe, pid_t pid, uint32_t state)
{
	set(uprobe->trusted, pid, state);
	tell_change(uprobe);
}

uint32_t uprobe_trust_changes(const struct uprobe *uprobe)
{
	return __atomic_load_n(uprobe->trust_changes, __ATOMIC_ACQUIRE);
}

void uprobe_untrusted(const struct uprobe *uprobe,
		      void (*take)(void *context, pid_t pid, uint32_t state), void *context)
{
	const struct bpf_map *states = uprobe->states;
	uint32_t key, state, *previous = NULL;

	while (!bpf_map__get_next_key(states, previous, &key, sizeof(key))) {
		previous = &key;
		state = look_up(states, (pid_t)key);
		if ((look_up(uprobe->trusted, (pid_t)key) & ~UPROBE_DISTRUSTED) != state)
			take(context, (pid_t)key, state);
	}
}
