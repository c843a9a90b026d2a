/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debug_problems: see debug_problems.h. */
#include "collector/resolve/debug_problems.h"

#include "collector/base/xalloc.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void debug_problems_note(struct debug_problems *problems, const struct debug_file *file,
			 const struct debug_lines *lines)
{
	const char *unit = lines ? debug_lines_foreign_unit(lines) : NULL;

	problems->lacks_units = lines && debug_lines_lack_units(lines);
	problems->foreign_unit = unit ? xstrdup(unit) : NULL;
	problems->foreign_file = file->foreign ? xstrdup(file->foreign) : NULL;
}

/* Counts one more file under @count_key. Returns true for the first, whose sentence is told. */
static bool is_first(struct profile *profile, const char *count_key)
{
	int64_t count = profile_number(profile, count_key, 0);

	profile_set_number(profile, count_key, count + 1);
	return !count;
}

static void tell_split(const struct debug_problems *problems, const char *path,
		       struct profile *profile)
{
	char package[PATH_MAX], text[PATH_MAX + 160];

	snprintf(package, sizeof(package), "%s.dwp", path);
	if (problems->foreign_unit)
		snprintf(text, sizeof(text), "%s of %s is of another build, or cut",
			 base_name(problems->foreign_unit), base_name(path));
	else if (!access(package, F_OK))
		snprintf(text, sizeof(text),
			 "that of %s is in a package (.dwp), which libdw does not read here; keep "
			 "the .dwo files",
			 base_name(path));
	else
		snprintf(text, sizeof(text), "the .dwo files of %s are not there", base_name(path));
	profile_set_text(profile, "split_problem", text);
}

void debug_problems_tell(struct debug_problems *problems, const char *path, struct profile *profile)
{
	char text[2 * PATH_MAX];

	if (problems->lacks_units && is_first(profile, "split_problems"))
		tell_split(problems, path, profile);
	if (problems->foreign_file && is_first(profile, "foreign_problems")) {
		snprintf(text, sizeof(text), "that of %s %s", base_name(path),
			 problems->foreign_file);
		profile_set_text(profile, "foreign_problem", text);
	}
	free(problems->foreign_unit);
	free(problems->foreign_file);
}
