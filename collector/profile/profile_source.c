/* SPDX-License-Identifier: GPL-3.0-or-later */
/* profile_source: source files of a profile; see profile.h. */
#include "collector/profile/profile.h"

#include "collector/base/xalloc.h"

#include <limits.h>
#include <unistd.h>

/* Endings of names, each between blanks. */
static const char endings[] =
	" c h cc hh cp cpp hpp cxx hxx c++ h++ C H ipp tpp tcc txx inl inc def y yy l ll s S asm f "
	"F for "
	"f77 f90 F90 f95 f03 f08 ada adb ads pas pp d rs go zig nim v sv swift m mm java kt scala "
	"cs fs ml mli hs cu cuh cl py pyx pxd pl pm rb js mjs ts tsx jsx lua php jl r R cr erl ex "
	"el "
	"lisp scm vala gperf rl re ";

void profile_source_add(struct profile *profile, const struct profile_source *source)
{
	struct profile_source row = *source;

	row.text = source->text ? xstrdup(source->text) : NULL;
	xgrow(profile->sources, profile->sources_count, profile->sources_capacity);
	profile->sources[profile->sources_count++] = row;
}

const struct profile_source *profile_source_find(const struct profile *profile, uint32_t file)
{
	for (size_t i = 0; i < profile->sources_count; i++)
		if (profile->sources[i].file == file)
			return &profile->sources[i];
	return NULL;
}

bool profile_source_is_code(int descriptor)
{
	char link[64], path[PATH_MAX], word[16];
	const char *name, *point;
	ssize_t bytes;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	bytes = readlink(link, path, sizeof(path) - 1);
	if (bytes <= 0)
		return false;
	path[bytes] = '\0';
	name = strrchr(path, '/');
	point = name ? strrchr(name, '.') : NULL;
	if (!point)
		return name && !strncmp(path, "/usr/", 5) && strstr(path, "/include/c++/");
	return snprintf(word, sizeof(word), " %s ", point + 1) < (int)sizeof(word) &&
	       !strchr(point, ' ') && strstr(endings, word);
}

uint64_t profile_source_hash(const void *text, size_t bytes)
{
	const unsigned char *at = text;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ at[i]) * 0x100000001b3;
	return hash >> 1;
}
