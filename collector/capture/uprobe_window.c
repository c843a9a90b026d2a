/* SPDX-License-Identifier: GPL-3.0-or-later */
/* uprobe_window: see uprobe_window.h. */
#include "collector/capture/uprobe_window.h"

#include "collector/capture/uprobe_state.h"

void uprobe_window_take(struct uprobe *uprobe, size_t function, bool is_taken)
{
	__atomic_store_n(&uprobe_setting(uprobe, function)->in_windows, is_taken, __ATOMIC_RELEASE);
}

void uprobe_window_skip(struct uprobe *uprobe, uint64_t steps)
{
	uprobe->window->due = uprobe_steps_begun(uprobe) + 1 + steps;
	__atomic_store_n(&uprobe->window->state, UPROBE_WINDOW_SKIPS, __ATOMIC_RELEASE);
}

bool uprobe_window_is_due(const struct uprobe *uprobe)
{
	return __atomic_load_n(&uprobe->window->state, __ATOMIC_ACQUIRE) == UPROBE_WINDOW_DUE;
}

void uprobe_window_begin(struct uprobe *uprobe, uint64_t steps)
{
	uprobe->window->length = steps;
	__atomic_store_n(&uprobe->window->state, UPROBE_WINDOW_WAITS, __ATOMIC_RELEASE);
}

bool uprobe_window_is_closed(const struct uprobe *uprobe)
{
	return __atomic_load_n(&uprobe->window->state, __ATOMIC_ACQUIRE) == UPROBE_WINDOW_CLOSED;
}

uint64_t uprobe_window_end(struct uprobe *uprobe)
{
	bool is_closed = uprobe_window_is_closed(uprobe);

	__atomic_store_n(&uprobe->window->state, UPROBE_NO_WINDOW, __ATOMIC_RELEASE);
	return is_closed ? uprobe->window->ended - uprobe->window->begun : 0;
}

uint64_t uprobe_window_place(const struct uprobe *uprobe)
{
	return uprobe->window->ended;
}

uint64_t uprobe_steps_begun(const struct uprobe *uprobe)
{
	return __atomic_load_n(&uprobe->window->steps, __ATOMIC_ACQUIRE);
}

bool uprobe_steps_overlap(const struct uprobe *uprobe)
{
	return __atomic_load_n(&uprobe->window->overlap, __ATOMIC_ACQUIRE);
}

void uprobe_end_steps(struct uprobe *uprobe)
{
	__atomic_store_n(&uprobe->window->steps_ended, 1, __ATOMIC_RELEASE);
}
