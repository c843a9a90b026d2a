/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * module_suite: an empty profile and the modules of it, for each test of a suite that looks into
 * files: TestSuite(NAME, .init = setup, .fini = teardown).
 */
#pragma once

#include "collector/resolve/module.h"
#include "tests/unit/collector/fixture.h"

#include <libelf.h>

static struct profile *profile;
static struct modules *modules;

static void setup(void)
{
	profile = profile_new();
	modules = modules_new(profile);
	elf_version(EV_CURRENT);
}

static void teardown(void)
{
	modules_free(modules);
	profile_free(profile);
	fixture_done();
}
