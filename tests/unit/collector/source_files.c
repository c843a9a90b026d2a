/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/resolve/source_files.c and collector/profile/profile_source.c. */
#include "collector/resolve/source_files.h"

#include "collector/base/xalloc.h"
#include "tests/unit/collector/fixture.h"

#include <criterion/criterion.h>

static struct profile *profile;

static void setup(void)
{
	profile = profile_new();
	cr_assert(fixture_run("printf 'one\\ntwo\\n' >$F/a.c && printf 'x\\0y' >$F/zero.c && mkdir "
			      "$F/folder.c && mkfifo $F/pipe.c && truncate -s 5M $F/large.c"));
}

static void teardown(void)
{
	profile_free(profile);
	fixture_done();
}

TestSuite(source_files, .init = setup, .fini = teardown, .timeout = 60);

static uint32_t add(const char *name)
{
	char *path = fixture_path(name);
	uint32_t file = profile_file_name(profile, path);

	free(path);
	return file;
}

Test(source_files, are_told_by_size_and_hash_and_kept_only_when_asked)
{
	uint32_t file = add("a.c");
	const struct profile_source *source;

	source_files_read(profile, false);
	source = profile_source_find(profile, file);
	cr_assert_not_null(source);
	cr_assert_eq(source->bytes, 8);
	cr_assert_eq(source->hash, profile_source_hash("one\ntwo\n", 8));
	cr_assert_null(source->text);
}

Test(source_files, are_source_code_wherever_links_lead)
{
	cr_assert(fixture_run("printf 'secret' >$F/shadow && ln -s shadow $F/link.c && printf 'x' "
			      ">$F/it.cpp && printf 'x' >$F/README && printf 'x' >$F/key.pem"));
	add("shadow");
	add("link.c");
	add("README");
	add("key.pem");
	source_files_read(profile, true);
	cr_assert_eq(profile->sources_count, 0);
	add("it.cpp");
	source_files_read(profile, true);
	cr_assert_eq(profile->sources_count, 1);
}

Test(source_files, are_kept_without_those_that_are_no_text)
{
	uint32_t file = add("a.c"), zero = add("zero.c");

	source_files_read(profile, true);
	cr_assert_str_eq(profile_source_find(profile, file)->text, "one\ntwo\n");
	cr_assert_eq(profile_source_find(profile, zero)->bytes, 3);
	cr_assert_null(profile_source_find(profile, zero)->text);
}

Test(source_files, are_regular_files_of_a_size_that_people_read)
{
	add("folder.c");
	add("pipe.c");
	add("large.c");
	add("missing.c");
	profile_file_name(profile, "relative.c");
	source_files_read(profile, true);
	cr_assert_eq(profile->sources_count, 0);
}

/* Test vectors of RFC 9923, appendix, without the lowest bit. */
Test(source_files, are_hashed_as_the_standard_says)
{
	cr_assert_eq(profile_source_hash("", 0), 0xcbf29ce484222325 >> 1);
	cr_assert_eq(profile_source_hash("a", 1), 0xaf63dc4c8601ec8c >> 1);
	cr_assert_eq(profile_source_hash("foobar", 6), 0x85944171f73967e8 >> 1);
}
