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

uint32_t uprobe_state_of(const struct uprobe *uprobe, pid_t pid)
{
	return look_up(uprobe->states, pid);
}

void uprobe_each_state(const struct uprobe *uprobe,
		       void (*take)(void *context, pid_t pid, bool is_known), void *context)
{
	uint32_t key, known, *previous = NULL;

	while (!bpf_map__get_next_key(uprobe->states, previous, &key, sizeof(key))) {
		previous = &key;
		known = look_up(uprobe->trusted, (pid_t)key) & ~UPROBE_DISTRUSTED;
		take(context, (pid_t)key, known == look_up(uprobe->states, (pid_t)key));
	}
}
