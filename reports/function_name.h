/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * function_name: how people name functions of C++ and Rust, whose full names are long.
 *
 * "double phys::World::step<double>(double) const" is meant by itself, without parameters and
 * result, without arguments of templates, and by its last parts: phys::World::step, World::step,
 * step, step<double>. Where the name has one of *, ? and [ it is a glob for any of these.
 */
#pragma once

#include "collector/base/near_names.h"

#include <obstack.h>
#include <stdbool.h>

/* Says whether @wanted means the function called @name, any bytes. */
bool function_name_is(const char *name, const char *wanted);

/*
 * Looks whether @name is near to what was wanted (near_names_add), by as many of its last parts.
 * Offered is the name without result, parameters and arguments, in @memory.
 */
void function_name_near(struct near_names *near, const char *name, struct obstack *memory);
