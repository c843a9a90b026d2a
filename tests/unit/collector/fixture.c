/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fixture: see fixture.h. */
#include "tests/unit/collector/fixture.h"

#include "collector/base/xalloc.h"

#include <unistd.h>

static char folder[] = "/tmp/simprof-fixture-XXXXXX";
static bool made;

static void make_folder(void)
{
	if (made)
		return;
	xalloc_checked(mkdtemp(folder));
	setenv("F", folder, 1);
	made = true;
}

bool fixture_run(const char *command)
{
	char *line;
	int status;

	make_folder();
	/* A sanitizer's preloaded runtime and options are for the test, not for the compiler. */
	if (asprintf(&line, "( %s ) >>\"$F/log\" 2>&1", command) < 0)
		line = xalloc_checked(NULL);
	status = system(line);
	free(line);
	return status == 0;
}

bool fixture_has(const char *program)
{
	char *command;
	bool has;

	if (asprintf(&command, "command -v %s", program) < 0)
		command = xalloc_checked(NULL);
	has = fixture_run(command);
	free(command);
	return has;
}

char *fixture_path(const char *name)
{
	char *path;

	make_folder();
	if (asprintf(&path, "%s/%s", folder, name) < 0)
		path = xalloc_checked(NULL);
	return path;
}

void fixture_done(void)
{
	if (made && fork() == 0) {
		execlp("rm", "rm", "-rf", folder, NULL);
		_exit(127);
	}
}
